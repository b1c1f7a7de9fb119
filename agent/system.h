/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the system group of a device's context, by which managers recognise what they talk to:
 * without it LibreNMS and Checkmk take a context for no SNMP device at all.
 * Source: RFC 3418 (sysDescr to sysServices).
 */
#ifndef UPSBRIDGE_AGENT_SYSTEM_H
#define UPSBRIDGE_AGENT_SYSTEM_H

#include "agent/subtree.h"
#include "core/ups.h"

/* Our name and version, as upsIdentAgentSoftwareVersion says it. */
extern const char system_agent_version[];

/* Appends the group's instances. */
void system_build(const struct ups *ups, struct subtree_builder *builder);

#endif
