/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: answers what an AgentX master asks to be told, from the snapshots. Knows nothing of
 * connections. Source: RFC 2741 section 7.2.
 */
#ifndef UPSBRIDGE_AGENT_AGENTX_ANSWER_H
#define UPSBRIDGE_AGENT_AGENTX_ANSWER_H

#include "agent/agentx_library.h"
#include "agent/contexts.h"

#include <stdbool.h>

/* The name of a context, as text. */
#define AGENTX_CONTEXT_SIZE (SNMP_MAX_CONTEXT_SIZE + 1)
bool agentx_context_of(const netsnmp_pdu *request, char context[AGENTX_CONTEXT_SIZE]);

/* A Response PDU to a request that says that all is well. NULL: out of memory. */
netsnmp_pdu *agentx_new_response(const netsnmp_pdu *request);

/*
 * Makes the Response PDU to a request, but for SETs (agentx_set.h). False: the request
 * is none a master may send us, or memory is out.
 */
bool agentx_answer(const netsnmp_pdu *request, const struct contexts *contexts,
                   const struct moment *moment, netsnmp_pdu **response);

/*
 * Sends a response, which it takes over; one that does not fit a PDU becomes one that says so.
 * False: the session is broken.
 */
bool agentx_respond(void *session, netsnmp_pdu *response);

#endif
