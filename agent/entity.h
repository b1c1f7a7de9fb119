/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the second standard door: each UPS as a physical entity with its input, output, bypass,
 * battery and surroundings, and a sensor for each reading, which managers discover without knowing
 * what a UPS is.
 *
 * Entities have numbers that never depend on what else there is: 1 is the UPS, 2 to 6 its parts,
 * and a sensor is 100 times its part, plus 10 times its quantity, plus its line (0: the whole, 1 to
 * 3: L1 to L3, 4 to 6: L1-L2, L2-L3, L3-L1, 7: N). Where all devices are shown together,
 * ENTITY_DEVICE times the device's number is added.
 *
 * A sensor stays when its reading is stale, and says so. Source: RFC 6933 (ENTITY-MIB), RFC 3433
 * (ENTITY-SENSOR-MIB).
 */
#ifndef UPSBRIDGE_AGENT_ENTITY_H
#define UPSBRIDGE_AGENT_ENTITY_H

#include "agent/monitor.h"

#define ENTITY_DEVICE 1000

/* entPhysicalIndex of a device where all are shown. */
static inline long entity_of_device(const struct monitor *monitor)
{
    return (long)monitor->number * ENTITY_DEVICE + 1;
}

/* The subtree of both MIBs for one device's context. NULL: out of memory. */
struct subtree *entity_build_device(struct monitor *monitor, uint64_t now);

/*
 * All devices together are too many rows to be made in one go while others wait, so they come in
 * slices, a few columns each: what is below one object identifier, up to the next slice's.
 */
#define ENTITY_SLICES 8
#define ENTITY_SLICE_FROM_MAX 12

struct entity_slice {
    arc from[ENTITY_SLICE_FROM_MAX];
    size_t length;
    unsigned first, last; /* columns; 0: those that are in no column */
};

/* In ascending order. */
extern const struct entity_slice entity_slices[ENTITY_SLICES];

/* One slice of all devices; monitors in ascending order of their numbers. */
struct subtree *entity_build_site(unsigned slice, struct monitor *const *monitors, size_t count,
                                  struct entity_history *history, uint64_t now);

#endif
