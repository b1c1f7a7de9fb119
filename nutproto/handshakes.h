/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the sessions that have been told to begin with TLS and have not done so yet, in the
 * order in which they were told; and a limit to what they may do at a time, for a handshake costs
 * as much as a hundred requests of others.
 */
#ifndef UPSBRIDGE_NUTPROTO_HANDSHAKES_H
#define UPSBRIDGE_NUTPROTO_HANDSHAKES_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Steps that all handshakes together may go between two looks at what others want. */
#define HANDSHAKE_STEPS 4

struct session;

struct handshake {
    struct session *session;
    struct handshake *older, *newer;
    uint64_t begun; /* clock_ms() */
};

struct handshakes {
    struct handshake *oldest, *newest;
    size_t count;
    unsigned steps;    /* gone since the last look */
    struct event look; /* pending while steps were gone */
};

void handshakes_init(struct handshakes *handshakes, struct event_base *base);
/* None may be left. */
void handshakes_clear(struct handshakes *handshakes);

/* May a handshake go on now? If not, its socket will tell once more what it tells now. */
bool handshakes_may_step(struct handshakes *handshakes);

/* As of now; NULL: out of memory. */
struct handshake *handshakes_add(struct handshakes *handshakes, struct session *session);
/* Frees it; NULL is allowed. */
void handshakes_remove(struct handshakes *handshakes, struct handshake *handshake);

#endif
