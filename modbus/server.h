/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the Modbus face: a Modbus/TCP server that shows each UPS as a unit with the registers of
 * modbus/served_registers.h, for PLCs and building management. Runs in the main loop and never
 * blocks it.
 *
 * Who may connect, ACCESS says, as for NUT clients, and MODBUS allow. Commands are carried out only
 * with MODBUS write; the answer waits for the device, and comes as exception 5 if it takes too
 * long. Bounds: 64 clients, 16 of one address; a client is closed that is idle for ten minutes,
 * does not read for half of one, is gone without a word, or sends what is no frame. What happened
 * is counted in the store's census. Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b.
 */
#ifndef UPSBRIDGE_MODBUS_SERVER_H
#define UPSBRIDGE_MODBUS_SERVER_H

#include "core/loop.h"
#include "core/networks.h"
#include "core/settings.h"
#include "core/ups.h"

struct modbus_server;

/*
 * Binds the addresses of MODBUS listen. settings must live until the next configure() has returned.
 * NULL: one could not be bound, or out of memory, with the reason logged.
 */
struct modbus_server *modbus_server_new(struct loop *loop, struct ups_store *store,
                                        const struct settings *settings);

/*
 * Serves a client whose connection somebody else has accepted: a socket that does not block, which
 * is the server's from then on. False: out of memory; it is still the caller's.
 */
bool modbus_server_take(struct modbus_server *server, int descriptor,
                        const struct ip_address *address);

/* Reload: units, rights and ACCESS change at once; where it listens does not. */
void modbus_server_configure(struct modbus_server *server, const struct settings *settings);

/* NULL is allowed. Before the store goes. */
void modbus_server_free(struct modbus_server *server);

#endif
