/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the objects that can be set, as a table: what each is checked by, and what it means. For
 * agent/plan.c alone.
 */
#ifndef UPSBRIDGE_AGENT_WRITABLE_H
#define UPSBRIDGE_AGENT_WRITABLE_H

#include "agent/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* upsShutdownType, upsAutoRestart */
enum { TYPE_OUTPUT = 1, TYPE_SYSTEM };
enum { RESTART_ON = 1, RESTART_OFF };

/* What others of the same request have to be seen with. */
enum writable_role { ROLE_NONE, ROLE_TEST, ROLE_LOCK, ROLE_TYPE, ROLE_RESTART };

struct draft;

/* An object that can be set. */
struct writable {
    const char *label;
    arc group, number;
    enum subtree_type type;
    long minimum, maximum; /* TEXT: maximum octets */
    const char *variable;  /* that it sets */
    double scale;
    enum writable_role role;
    /* Can the device's be set, whatever the value? NULL: always. */
    bool (*possible)(const struct monitor *monitor, const struct writable *writable);
    enum set_error (*plan)(struct draft *draft, const struct writable *writable,
                           const struct set_binding *binding);
};

/* A plan being made. */
struct draft {
    struct plan *plan;
    const struct monitor *monitor;
    const struct ups *ups;
    uint64_t now;
    size_t index;                /* of the binding that is looked at */
    uint64_t named;              /* rows of the table, as bits, that bindings have named */
    bool restarts;               /* upsAutoRestart, as it is to be */
    bool whole;                  /* upsShutdownType, as it is to be */
    bool shuts, starts, reboots; /* are ordered */
};

#define WRITABLES 17
extern const struct writable writables[WRITABLES];

#endif
