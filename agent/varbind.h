/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: puts an instance's value into a variable binding of net-snmp's.
 */
#ifndef UPSBRIDGE_AGENT_VARBIND_H
#define UPSBRIDGE_AGENT_VARBIND_H

#include "agent/netsnmp.h"
#include "agent/plan.h"
#include "agent/subtree.h"

#include <stdbool.h>

/* False: out of memory. The name stays as it is. */
bool varbind_set(netsnmp_variable_list *variable, const struct subtree *subtree, size_t position,
                 const struct moment *moment);

/* Appends all instances of a subtree, in its order. False: out of memory. */
bool varbind_add_all(netsnmp_pdu *pdu, const struct subtree *subtree, const struct moment *moment);

/* The other way: what a manager wants an instance to be. It points into the variable binding. */
struct set_binding varbind_read(const netsnmp_variable_list *variable);

#endif
