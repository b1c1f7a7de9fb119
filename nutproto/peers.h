/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: counts connections by where they come from, so that no single host can take all places.
 * An IPv6 host has a whole /64 to choose addresses from, so that is what is counted. Connections
 * from the machine itself are never limited: upsmon is among them.
 */
#ifndef UPSBRIDGE_NUTPROTO_PEERS_H
#define UPSBRIDGE_NUTPROTO_PEERS_H

#include "nutproto/client.h"

#include <stdbool.h>
#include <stddef.h>

struct peers;

/* NULL: out of memory. */
struct peers *peers_new(void);
void peers_free(struct peers *peers);

/* Counts a connection in. False, and not counted: the peer has limit already, or out of memory. */
bool peers_enter(struct peers *peers, const struct client_address *address, size_t limit);
/* Counts out a connection that was counted in. */
void peers_leave(struct peers *peers, const struct client_address *address);

#endif
