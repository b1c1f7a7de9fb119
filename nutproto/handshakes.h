/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the sessions on their way to TLS. Those that have begun with it, and so cost memory, are
 * kept in the order of their beginning; and what all may do at a time is limited, for a handshake
 * takes as long as a hundred requests of others.
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
    uint64_t told; /* to begin: clock_ms() */
    bool begun;
};

struct handshakes {
    struct handshake *oldest, *newest; /* of those that have begun */
    size_t count;
    unsigned steps;    /* gone since the last look */
    struct event look; /* pending while steps were gone */
};

void handshakes_init(struct handshakes *handshakes, struct event_base *base);
/* None may be left. */
void handshakes_clear(struct handshakes *handshakes);

/* May a handshake go on now? If not, its socket will tell once more what it tells now. */
bool handshakes_may_step(struct handshakes *handshakes);

/* One that is told to begin now; NULL: out of memory. */
struct handshake *handshake_new(struct session *session);
/* It has begun: counts it. */
void handshakes_begin(struct handshakes *handshakes, struct handshake *handshake);
/* Frees it, whether it has begun or not; NULL is allowed. */
void handshakes_remove(struct handshakes *handshakes, struct handshake *handshake);

#endif
