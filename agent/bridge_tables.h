/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the long tables of UPSBRIDGE-MIB, and how its instances are named: for
 * agent/bridgemib.c.
 */
#ifndef UPSBRIDGE_AGENT_BRIDGE_TABLES_H
#define UPSBRIDGE_AGENT_BRIDGE_TABLES_H

#include "agent/monitor.h"
#include "core/census.h"

#include <time.h>

/* What stands below ubObjects. */
enum bridge_table {
    BRIDGE_SERVER = 1, /* scalars */
    BRIDGE_DEVICES,
    BRIDGE_VARIABLES,
    BRIDGE_CLIENTS,
    BRIDGE_CERTIFICATES,
};

/* The next instance: numbers below the MIB's root. */
void bridge_name(struct subtree_builder *builder, const arc *rest, size_t count);
/* The same of a cell of a table with one index. */
void bridge_cell(struct subtree_builder *builder, enum bridge_table table, arc column, arc index);

/* Append a table each. False: out of memory. */
bool bridge_add_variables(struct subtree_builder *builder, struct monitor *const *monitors,
                          size_t count);
bool bridge_add_clients(struct subtree_builder *builder, const struct census *census);
void bridge_add_certificates(struct subtree_builder *builder,
                             const struct certificates *certificates, time_t wall_time);

#endif
