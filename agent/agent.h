/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the SNMP face: net-snmp's agent library inside the main loop, as an AgentX subagent of a
 * running snmpd or as an SNMP agent of its own; one SNMP context a UPS. Never blocks the loop for
 * more than 50 ms, whatever the master does.
 * Source: RFC 1628 (UPS-MIB), RFC 2741 (AgentX).
 */
#ifndef UPSBRIDGE_AGENT_AGENT_H
#define UPSBRIDGE_AGENT_AGENT_H

#include "core/config.h"
#include "core/loop.h"
#include "core/settings.h"
#include "core/ups.h"

struct agent;

/* Reports what of the settings' files this face could not use. Needs no agent. */
void agent_check(const struct settings *settings, struct config_report *report);

/*
 * Starts serving the store as settings say (not for SNMP_OFF). There can be one agent in a process:
 * the library keeps global state. NULL: a listener could not be bound or the access configuration
 * is wrong, with the reason logged. An absent AgentX master is no error: it is waited for.
 */
struct agent *agent_new(struct loop *loop, struct ups_store *store,
                        const struct settings *settings);

/* After privileges were dropped: from now on state is kept over restarts. */
void agent_start(struct agent *agent);

/*
 * Reload: the default device, how devices are shown and, standalone, upsbridge-snmp.conf. Mode and
 * addresses do not change (a log line says so).
 */
void agent_configure(struct agent *agent, const struct settings *old,
                     const struct settings *settings);

void agent_free(struct agent *agent);

#endif
