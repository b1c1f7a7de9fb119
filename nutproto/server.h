/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the NUT face: listeners, limits, and all sessions. Runs in the main loop only and never
 * blocks it.
 * Source: RFC 9271 and the behaviour of upsd 2.8.0.
 */
#ifndef UPSBRIDGE_NUTPROTO_SERVER_H
#define UPSBRIDGE_NUTPROTO_SERVER_H

#include "core/certificates.h"
#include "core/loop.h"
#include "core/settings.h"
#include "core/ups.h"
#include "nutproto/users.h"

#include <stdbool.h>

struct nut_server;
struct tls_context;
struct inherited; /* nutproto/listeners.h */

/*
 * Binds the LISTEN addresses, or takes over the sockets that were inherited (NULL: none), and
 * serves the store. settings and users are only read during the call, except users, which is taken
 * over. NULL: no listener could be bound, with the reasons logged; users is then not taken.
 */
struct nut_server *nut_server_new(struct loop *loop, struct ups_store *store,
                                  const struct settings *settings,
                                  const struct inherited *inherited, struct users *users);

/*
 * Reads certificates and keys: after privileges were dropped, before the loop runs. False: TLS is
 * configured, but wrong, with the reasons logged; then nothing may be served.
 */
bool nut_server_start(struct nut_server *server, const struct settings *settings);

/*
 * For handshakes from now on; takes tls over. NULL: no TLS. Sessions that are encrypted already go
 * on as they began. Logs how long the certificates are valid.
 */
void nut_server_set_tls(struct nut_server *server, struct tls_context *tls);

/* Those in use. The address stays the same for the life of the server, what is there does not. */
const struct certificates *nut_server_certificates(const struct nut_server *server);

/*
 * Reload: limits and users change for open sessions too; LISTEN does not, as in upsd, but a log
 * line says so.
 */
void nut_server_configure(struct nut_server *server, const struct settings *old,
                          const struct settings *settings, struct users *users);

/* Closes every session and listener. */
void nut_server_free(struct nut_server *server);

#endif
