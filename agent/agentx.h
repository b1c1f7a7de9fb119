/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the AgentX subagent: a session with a master agent such as snmpd, opened anew whenever
 * it is lost, in which contexts are registered and requests answered.
 *
 * net-snmp's own subagent opens, registers and pings by waiting for each answer, and passes each
 * request twice through pipes to itself. Here its library encodes and decodes, everything is sent
 * without waiting, and requests are answered straight from the snapshots: whatever the master does,
 * the main loop never waits for it.
 * Source: RFC 2741.
 */
#ifndef UPSBRIDGE_AGENT_AGENTX_H
#define UPSBRIDGE_AGENT_AGENTX_H

#include "agent/contexts.h"
#include "agent/objects.h"

#include <stdbool.h>

struct agentx;
struct event_base;
struct notification;

/*
 * address: "/path", "unix:/path", "tcp:HOST:PORT", "tcp6:[HOST]:PORT" or "HOST:PORT"; NULL: the
 * usual socket. Names of hosts are resolved once, now. NULL: the address is wrong, which is logged,
 * or out of memory. contexts must outlive the result.
 */
struct agentx *agentx_new(struct event_base *base, const char *address,
                          const struct contexts *contexts);
/* Closes the session. */
void agentx_free(struct agentx *agentx);

/* From now on a context is, or is no longer, to be registered. False: out of memory. */
bool agentx_register_context(struct agentx *agentx, const char *context,
                             const struct region *region);
void agentx_unregister_context(struct agentx *agentx, const char *context,
                               const struct region *region);

/* Has the master send a notification to its sinks, as soon as it can. */
void agentx_notify(struct agentx *agentx, struct notification *notification);

#endif
