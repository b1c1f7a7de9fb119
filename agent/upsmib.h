/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the UPS-MIB as one table of objects: which variables each is read from, in which unit
 * and within which bounds. (What can be set is in agent/writable.h.)
 *
 * An object whose value the device does not tell has no instance; nothing is invented. When
 * readings are stale, everything measured vanishes; identity, ratings, test, control and alarms
 * stay. Source: RFC 1628.
 */
#ifndef UPSBRIDGE_AGENT_UPSMIB_H
#define UPSBRIDGE_AGENT_UPSMIB_H

#include "agent/monitor.h"

/* Appends the instances of upsObjects in order. */
void upsmib_build(const struct monitor *monitor, struct subtree_builder *builder);

#endif
