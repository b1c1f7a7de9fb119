/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a TCP connection for a bus, made in a way that can be broken off.
 */
#ifndef UPSBRIDGE_MODBUS_BUS_CONNECT_H
#define UPSBRIDGE_MODBUS_BUS_CONNECT_H

#include "modbus/bus.h"

/*
 * Tries the host's network addresses one after the other, each for timeout_ms. A blocking
 * descriptor, or -1: problem says why, or nothing if unit's must_stop() said so.
 */
int bus_connect(const struct bus_address *address, unsigned timeout_ms, const struct bus_unit *unit,
                char *problem, size_t size);

#endif
