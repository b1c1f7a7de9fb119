/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: notifications that wait for one receiver, in order: while it is away, or so that a flood
 * of them does not run over it. Bounded: of two that say the same of the same thing only the newer
 * one is kept, of an alarm that comes and goes only the last time, and when it is full the oldest
 * is dropped, which is logged once.
 */
#ifndef UPSBRIDGE_AGENT_OUTBOX_H
#define UPSBRIDGE_AGENT_OUTBOX_H

#include "agent/notification.h"

#include <limits.h>

#define OUTBOX_MAX 4096
/* What a receiver gets at once, and how long it then has a rest. */
#define OUTBOX_BURST 50
#define OUTBOX_REST_MS 50

struct outbox_item;

/* All zero but for receiver is a valid empty one. */
struct outbox {
    const char *receiver; /* for the log; must outlive it */
    struct outbox_item *first, *last;
    size_t count;
    bool overflowed; /* and logged, since it was last empty */
    uint64_t burst_since;
    unsigned burst; /* taken since then */
};

/* Takes the reference over. */
void outbox_put(struct outbox *outbox, struct notification *notification);
/* Puts back in front what was taken, but did not arrive. */
void outbox_put_back(struct outbox *outbox, struct notification *notification);
/* The next one, whose reference becomes the caller's. NULL: there is none, or not yet. */
struct notification *outbox_take(struct outbox *outbox, uint64_t now);
/* Milliseconds until there is one to take; UINT_MAX: it is empty. */
unsigned outbox_wait(const struct outbox *outbox, uint64_t now);
/* Makes what waits in another one, and nothing else, wait here. */
void outbox_inherit(struct outbox *outbox, struct outbox *from);
void outbox_clear(struct outbox *outbox);

#endif
