/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the system group of a device's context, by which managers recognise what they talk to:
 * without it LibreNMS and Checkmk take a context for no SNMP device at all. With it goes the table
 * of what is served (sysORTable).
 * Source: RFC 3418 (sysDescr to sysServices, sysORTable).
 */
#ifndef UPSBRIDGE_AGENT_SYSTEM_H
#define UPSBRIDGE_AGENT_SYSTEM_H

#include "agent/presentation.h"
#include "agent/subtree.h"
#include "core/ups.h"

struct settings;

/* Our name and version, as upsIdentAgentSoftwareVersion says it. */
extern const char system_agent_version[];

/* The usual. */
extern const struct presentation system_default_presentation;

/* What the settings say of sysDescr, sysObjectID and the index columns, or the usual. */
void system_presentation(const struct settings *settings, struct presentation *presentation);

/* Appends sysDescr to sysServices. presentation must outlive the subtree. */
void system_build(const struct ups *ups, const struct presentation *presentation,
                  struct subtree_builder *builder);

/* Appends sysORLastChange and sysORTable, as they are in a context. */
void system_build_mibs(const char *context, struct subtree_builder *builder);

#endif
