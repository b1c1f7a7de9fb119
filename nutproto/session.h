/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: one connected client: its descriptor, its deadlines, and what waits because the client
 * or the network is slow.
 *
 * All requests that have arrived are answered at once and sent with one call. Only what the kernel
 * does not take stays with the session, and until it is gone no further request is read. So a
 * session that keeps up owns no buffer at all.
 */
#ifndef UPSBRIDGE_NUTPROTO_SESSION_H
#define UPSBRIDGE_NUTPROTO_SESSION_H

#include "nutproto/service.h"

struct client;
struct client_address;

/*
 * Serves a connected, non-blocking stream socket, which then belongs to the session. listener is
 * the number of the one it came from. NULL: out of memory; the descriptor is still the caller's.
 */
struct session *session_new(struct service *service, int descriptor,
                            const struct client_address *address, unsigned listener);

/* Ends it at once, unsent answers included. */
void session_close(struct session *session);

/* The session that was accepted before it; NULL: there is none. */
const struct session *session_older(const struct session *session);
const struct client *session_client(const struct session *session);

/* Ends the session of a client. */
void session_kick(struct client *client);

/*
 * Runs a line that had to wait (COMMAND_WAITS) again from scratch, then what the client has sent
 * behind it. For the main loop, outside of any request; the session, and the client with it, may be
 * gone afterwards. While a line waits the session may end at any time: whoever is to continue it
 * learns so from client_clear().
 */
void session_continue(struct client *client);

#endif
