/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the sessions that have been told to begin with TLS and have not done so yet, in the
 * order in which they were told.
 */
#ifndef UPSBRIDGE_NUTPROTO_HANDSHAKES_H
#define UPSBRIDGE_NUTPROTO_HANDSHAKES_H

#include <stddef.h>
#include <stdint.h>

struct session;

struct handshake {
    struct session *session;
    struct handshake *older, *newer;
    uint64_t begun; /* clock_ms() */
};

/* All zero: none. */
struct handshakes {
    struct handshake *oldest, *newest;
    size_t count;
};

/* As of now; NULL: out of memory. */
struct handshake *handshakes_add(struct handshakes *handshakes, struct session *session);
/* Frees it; NULL is allowed. */
void handshakes_remove(struct handshakes *handshakes, struct handshake *handshake);

#endif
