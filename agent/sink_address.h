/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: where notifications are sent: reads an address as net-snmp's tools have it, and finds
 * the host without having the main loop wait for a name server.
 * Source: snmpcmd(1), section "Agent specification".
 */
#ifndef UPSBRIDGE_AGENT_SINK_ADDRESS_H
#define UPSBRIDGE_AGENT_SINK_ADDRESS_H

#include "core/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define SINK_HOST_SIZE 256
#define SINK_PORT_SIZE 32
#define SINK_PORT "162"

struct sink_address {
    int family; /* AF_UNSPEC: whichever the host has */
    char host[SINK_HOST_SIZE];
    char port[SINK_PORT_SIZE];
};

/*
 * "HOST", "HOST:PORT", "udp:HOST:PORT", "udp6:[HOST]:PORT", "[HOST]:PORT" ... False: it is none of
 * these; there is no other transport than UDP.
 */
bool sink_address_parse(const char *text, struct sink_address *address);

/*
 * Which of the addresses of a host to send to: as net-snmp does, that of IPv4 if there is one.
 * snmptrapd listens to no other unless it is told to.
 */
const struct addrinfo *sink_address_choose(const struct addrinfo *list);

struct sink_lookup;

/* error: 0, or one of getaddrinfo()'s. Once, from the main loop, unless it was given up. */
typedef void sink_found(void *owner, int error, const struct sockaddr *socket, socklen_t length);

/*
 * Looks the host up: at once if it is a number, in which case found is called from within and NULL
 * returned; else in a thread. NULL with errno set: out of memory or threads.
 */
struct sink_lookup *sink_address_look_up(struct loop *loop, const struct sink_address *address,
                                         sink_found *found, void *owner);
/* found will not be called any more. */
void sink_address_give_up(struct sink_lookup *lookup);

#endif
