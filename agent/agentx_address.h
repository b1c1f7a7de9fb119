/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: where the AgentX master listens, in net-snmp's spelling, and a connection to it that is
 * made without waiting.
 */
#ifndef UPSBRIDGE_AGENT_AGENTX_ADDRESS_H
#define UPSBRIDGE_AGENT_AGENTX_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Where snmpd listens if nobody says otherwise. */
#define AGENTX_ADDRESS_USUAL "/var/agentx/master"

struct agentx_address {
    char text[256]; /* as given, for messages */
    struct sockaddr_storage socket;
    socklen_t length;
};

/* See agentx_new() for the spellings; NULL: AGENTX_ADDRESS_USUAL. False: it is wrong; logged. */
bool agentx_address_parse(struct agentx_address *address, const char *text);

/* A socket on which connect() was called; -1 with errno: it was refused at once. */
int agentx_address_connect(const struct agentx_address *address);

#endif
