/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: how datagrams of IPv4 come in and go out through a listening transport of net-snmp's,
 * with the one system call each that it takes. The library makes two more for each request, to look
 * up what does not change.
 *
 * An answer leaves from the address, and through the interface, that its request came to.
 */
#ifndef UPSBRIDGE_AGENT_DATAGRAMS_H
#define UPSBRIDGE_AGENT_DATAGRAMS_H

#include "agent/netsnmp.h"

/* Of what netsnmp_transport_open_server() made; one of another kind is left as it is. */
void datagrams_take_over(netsnmp_transport *transport);

#endif
