/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: opens the sockets that LISTEN asks for.
 * Source: upsd.conf(5) and upsd since 2.8.1.
 */
#ifndef UPSBRIDGE_NUTPROTO_LISTENERS_H
#define UPSBRIDGE_NUTPROTO_LISTENERS_H

#include "core/settings.h"

#include <stdbool.h>
#include <stddef.h>

/* "*" takes two sockets. */
#define SOCKETS_MAX (2 * LISTENERS_MAX)

struct listeners {
    int descriptors[SOCKETS_MAX]; /* listening, non-blocking; accepted sockets have TCP_NODELAY */
    struct listen_setting origins[SOCKETS_MAX]; /* the LISTEN of each; address and port owned */
    size_t count;
};

/* Sockets that somebody else has opened. */
struct inherited {
    int descriptors[SOCKETS_MAX];
    size_t count;
};

/*
 * Resolves names, so it may block: for the start only. False, with the reasons logged and nothing
 * left open: no address could be bound, or one that must be (any but the local host's own names,
 * unless ALLOW_NOT_ALL_LISTENERS says otherwise) could not.
 */
bool listeners_open(struct listeners *listeners, const struct settings *settings);

/*
 * Takes the sockets over in the place of what LISTEN asks for; each must be a listening TCP socket.
 * False, with the reason logged and all of them closed: one is not.
 */
bool listeners_inherit(struct listeners *listeners, const struct inherited *inherited);
void listeners_close(struct listeners *listeners);

/* Do both ask for the same? */
bool listeners_same(const struct settings *a, const struct settings *b);

#endif
