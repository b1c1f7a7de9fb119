/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the AgentX PDU by which a master is asked to send a notification to its sinks.
 * Source: RFC 2741 section 6.2.10.
 */
#ifndef UPSBRIDGE_AGENT_AGENTX_NOTIFY_H
#define UPSBRIDGE_AGENT_AGENTX_NOTIFY_H

#include "agent/netsnmp.h"
#include "agent/notification.h"

/* session: the PDU's session identifier. NULL: out of memory. */
netsnmp_pdu *agentx_notify_pdu(const struct notification *notification, long session,
                               const struct moment *moment);

#endif
