/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: which objects of the UPS-MIB can be set, and what setting them means for a device: a
 * list of orders for its driver, and of values that are kept here. A plan changes nothing.
 * Source: RFC 1628 (objects, ranges), RFC 3416 section 4.2.5 (errors and their order), NUT's names
 * of commands and variables.
 */
#ifndef UPSBRIDGE_AGENT_PLAN_H
#define UPSBRIDGE_AGENT_PLAN_H

#include "agent/commanded.h"
#include "agent/kept.h"
#include "agent/monitor.h"
#include "agent/subtree.h"

#include <stdbool.h>
#include <stddef.h>

/* error-status; numbered as in RFC 3416. */
enum set_error {
    SET_OK = 0,
    SET_GENERAL = 5,
    SET_WRONG_TYPE = 7,
    SET_WRONG_LENGTH = 8,
    SET_WRONG_VALUE = 10,
    SET_NO_CREATION = 11,
    SET_INCONSISTENT_VALUE = 12,
    SET_RESOURCE_UNAVAILABLE = 13,
    SET_COMMIT_FAILED = 14,
    SET_UNDO_FAILED = 15,
    SET_NOT_WRITABLE = 17,
};

/* A variable binding. bytes live only during the call. */
struct set_binding {
    const arc *name; /* 1.3.6.1 included */
    size_t length;
    unsigned type;     /* as in BER */
    long number;       /* INTEGER */
    const void *bytes; /* octets of a TEXT, arcs of an OBJECT_ID */
    size_t size;       /* how many */
};

/* error, and which binding it is about: from 1 */
struct set_verdict {
    enum set_error error;
    size_t index;
};

#define PLAN_ORDERS_MAX 32
#define PLAN_VALUE_MAX 64

enum order_stage {
    STAGE_SETTINGS, /* those that can be taken back are done first */
    STAGE_SHUTDOWN,
    STAGE_STARTUP,
    STAGE_TEST,
};

/* One thing for the driver to do. */
struct order {
    enum order_stage stage;
    enum ups_request_kind kind;
    const char *name; /* static */
    char value[PLAN_VALUE_MAX];
    bool has_value;
    bool restores;    /* it puts back what only served a command */
    const char *undo; /* the command that takes back this one; NULL: nothing does */
    size_t index;     /* of the binding */
};

struct plan {
    struct monitor *monitor;
    struct order orders[PLAN_ORDERS_MAX]; /* in the order of their stages */
    size_t count;
    bool takes_lock;
    long lock;           /* what upsTestSpinLock must be */
    size_t lock_index;   /* of the binding */
    enum test_kind test; /* TEST_KIND_NONE: none is ordered */
    bool keeps;          /* some of these are new: */
    struct kept_values kept;
    size_t kept_index;           /* of the first binding of them */
    long countdowns[COUNTDOWNS]; /* seconds to count, -1: it is called off, 0: as it is */
};

/*
 * What the bindings ask of the monitor's device, if all of it can be done. verdict says why not, in
 * which case false is returned.
 */
bool plan_make(struct plan *plan, struct monitor *monitor, const struct set_binding *bindings,
               size_t count, struct set_verdict *verdict);

/* The object's name, for the log; NULL: it cannot be set. */
const char *plan_object_name(const struct set_binding *binding);

#endif
