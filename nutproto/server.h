/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the NUT face: listeners, limits, and all sessions. Runs in the main loop only and never
 * blocks it.
 * Source: RFC 9271 and the behaviour of upsd 2.8.0.
 */
#ifndef UPSBRIDGE_NUTPROTO_SERVER_H
#define UPSBRIDGE_NUTPROTO_SERVER_H

#include "core/loop.h"
#include "core/settings.h"
#include "core/ups.h"
#include "nutproto/users.h"

struct nut_server;

/*
 * Binds the LISTEN addresses and serves the store. settings and users are only read during the
 * call, except users, which is taken over. NULL: no listener could be bound, with the reasons
 * logged; users is then not taken.
 */
struct nut_server *nut_server_new(struct loop *loop, struct ups_store *store,
                                  const struct settings *settings, struct users *users);

/*
 * Reload: limits and users change for open sessions too; LISTEN does not, as in upsd, but a log
 * line says so.
 */
void nut_server_configure(struct nut_server *server, const struct settings *old,
                          const struct settings *settings, struct users *users);

/* Closes every session and listener. */
void nut_server_free(struct nut_server *server);

#endif
