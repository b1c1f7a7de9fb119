/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the SETs of an AgentX master: its transactions, from TestSet to CleanupSet. An answer
 * that waits for a device comes later; other requests go on meanwhile.
 * Source: RFC 2741 section 7.2.4.
 */
#ifndef UPSBRIDGE_AGENT_AGENTX_SET_H
#define UPSBRIDGE_AGENT_AGENTX_SET_H

#include "agent/agentx_library.h"
#include "agent/contexts.h"

#include <stdbool.h>

/* Transactions at once; a master has hardly more than one. */
#define AGENTX_SETS_MAX 64

struct agentx_sets;

/* Takes over a Response PDU, now or later. */
typedef void agentx_set_respond(void *owner, netsnmp_pdu *response);

/* NULL: out of memory. contexts must outlive it. */
struct agentx_sets *agentx_sets_new(const struct contexts *contexts, agentx_set_respond *respond,
                                    void *owner);
void agentx_sets_free(struct agentx_sets *sets);

/* Is it one of the PDUs of a SET? */
bool agentx_is_set(const netsnmp_pdu *request);
/* Takes such a PDU. False: out of memory. */
bool agentx_sets_take(struct agentx_sets *sets, const netsnmp_pdu *request);
/* The session is over: what was only tested is forgotten. */
void agentx_sets_clear(struct agentx_sets *sets);

#endif
