/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: SETs that net-snmp's agent library brings, phase by phase. While one waits for a device
 * the library itself keeps back what else is asked by SNMP; the main loop goes on.
 */
#ifndef UPSBRIDGE_AGENT_STANDALONE_SET_H
#define UPSBRIDGE_AGENT_STANDALONE_SET_H

#include "agent/contexts.h"
#include "agent/netsnmp.h"

struct standalone_sets;

/* NULL: out of memory. contexts must outlive it. */
struct standalone_sets *standalone_sets_new(const struct contexts *contexts);
void standalone_sets_free(struct standalone_sets *sets);

/* One phase of a SET in the handler's context. */
void standalone_sets_take(struct standalone_sets *sets, netsnmp_mib_handler *chain,
                          netsnmp_handler_registration *handler, netsnmp_agent_request_info *info,
                          netsnmp_request_info *requests);

#endif
