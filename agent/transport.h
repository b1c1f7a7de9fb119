/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: net-snmp's transport reduced to a connected socket of ours, for the library's
 * single-session kind. How it receives and sends is its maker's business.
 */
#ifndef UPSBRIDGE_AGENT_TRANSPORT_H
#define UPSBRIDGE_AGENT_TRANSPORT_H

#include "agent/netsnmp.h"

typedef int transport_receive(netsnmp_transport *transport, void *buffer, int size, void **opaque,
                              int *opaque_length);
typedef int transport_transmit(netsnmp_transport *transport, const void *buffer, int size,
                               void **opaque, int *opaque_length);

/*
 * A transport over a descriptor, which is then the transport's and closed with it. size: bytes of
 * the longest message. NULL: out of memory; the descriptor is closed, errno is kept.
 */
netsnmp_transport *transport_new(int descriptor, size_t size, transport_receive *receive,
                                 transport_transmit *transmit);

#endif
