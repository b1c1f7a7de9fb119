/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: an open device of the Q family, and what its parts do with it: questions (ask.c), the
 * dialect (detect.c), orders (orders.c) and polls (megatec.c).
 */
#ifndef UPSBRIDGE_DRIVERS_MEGATEC_DEVICE_H
#define UPSBRIDGE_DRIVERS_MEGATEC_DEVICE_H

#include "drivers/driver.h"
#include "drivers/megatec/options.h"
#include "drivers/megatec/readings.h"
#include "drivers/megatec/transport.h"

#define MEGATEC_ITEMS_MAX 16

struct megatec_counters {
    unsigned silences, echoes, refusals, malformed, reopened;
};

/* What outlives closing. */
struct megatec_memory {
    const struct megatec_transport *transport;
    void *transport_memory;
    struct megatec_options options;
    struct megatec_battery battery;
    const struct megatec_dialect *dialect; /* found the last time */
    struct megatec_counters counters;
    unsigned off_delay, on_delay; /* as clients have changed them */
    bool was_open;
};

struct megatec {
    struct device *device;
    struct megatec_memory *memory;
    const struct megatec_transport *transport;
    void *line;
    bool is_late;       /* the last answer has not come: it may still */
    bool is_apc;        /* it answers as APC's do, to whom the letters of questions are orders */
    bool is_probing;    /* silence is answer enough */
    bool is_gone;       /* the line was lost, or the worker must stop */
    uint64_t last;      /* clock_ms() of the last exchange */
    size_t usual;       /* length of the last good answer about the status; 0: none */
    const char *reason; /* why the last question got no answer */
    const struct megatec_dialect *dialect;
    unsigned failures[MEGATEC_ITEMS_MAX]; /* of each item, in a row */
    bool answered[MEGATEC_ITEMS_MAX];
    bool has_told_all;
    bool shutdown_ordered;
    struct megatec_image image;
};

/* Sends a text and classifies what comes back, without trying again. */
enum megatec_verdict megatec_exchange(struct megatec *megatec,
                                      const struct megatec_question *question,
                                      struct megatec_answer *answer, size_t *length);

/*
 * Asks, once more if what came is no answer, and takes a good answer over. MEGATEC_GOOD only if it
 * is one. update NULL: only for a look.
 */
enum megatec_verdict megatec_ask(struct megatec *megatec, const struct megatec_question *question,
                                 struct update *update);

/* Sets megatec->dialect. DRIVER_GONE with the device's problem: there is none. */
enum driver_result megatec_detect(struct megatec *megatec);

enum ups_outcome megatec_command(struct device *device, const char *name, const char *parameter,
                                 struct update *update);
enum ups_outcome megatec_set(struct device *device, const char *name, const char *value,
                             struct update *update);
/* Commands, and the delays as settings. */
void megatec_publish_orders(const struct megatec *megatec, struct update *update);

#endif
