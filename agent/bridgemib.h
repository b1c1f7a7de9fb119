/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: UPSBRIDGE-MIB, which shows the whole site in one walk: all devices, all their variables,
 * the clients of the NUT face and the certificates. Source: mibs/UPSBRIDGE-MIB.txt.
 */
#ifndef UPSBRIDGE_AGENT_BRIDGEMIB_H
#define UPSBRIDGE_AGENT_BRIDGEMIB_H

#include "agent/monitor.h"
#include "core/census.h"

#include <time.h>

/* Largest ubDeviceIndex: entities of the site are numbered by thousands of it. */
#define BRIDGE_DEVICE_MAX 2147482

/*
 * The number that belongs to a name, 1 to maximum, whatever other names there are: FNV-1a of the
 * name in lower case. Two names can have the same: the caller looks for the next free one.
 */
uint32_t bridgemib_number(const char *name, uint32_t maximum);

/*
 * The subtree of the whole MIB; monitors in ascending order of their numbers. wall_time is what
 * certificates are looked at with. NULL: out of memory.
 */
struct subtree *bridgemib_build(struct monitor *const *monitors, size_t count,
                                const struct census *census, time_t wall_time);

#endif
