/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "agent/objects.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const arc system_root[] = { OBJECTS_SYSTEM };
static const arc ups_root[] = { OBJECTS_UPS_MIB };
static const arc entity_root[] = { OBJECTS_ENTITY_MIB };
static const arc sensor_root[] = { OBJECTS_ENTITY_SENSOR_MIB };
static const arc bridge_root[] = { OBJECTS_BRIDGE_MIB };

_Static_assert(COUNT_OF(bridge_root) <= REGION_LENGTH_MAX, "--with-enterprise-oid is too long");

const struct region objects_regions[OBJECTS_REGIONS] = {
    { "system", NULL, system_root, COUNT_OF(system_root), true, true, true },
    { "UPS-MIB", "The MIB module for uninterruptible power supplies (RFC 1628)", ups_root,
      COUNT_OF(ups_root), true, true, false },
    { "ENTITY-MIB", "The MIB module for physical entities (RFC 6933)", entity_root,
      COUNT_OF(entity_root), true, true, false },
    { "ENTITY-SENSOR-MIB", "The MIB module for the sensors of physical entities (RFC 3433)",
      sensor_root, COUNT_OF(sensor_root), true, true, false },
    { "UPSBRIDGE-MIB", "The MIB module for all UPSes of upsbridge and its clients", bridge_root,
      COUNT_OF(bridge_root), false, true, false },
};

/* Objects with the same parent: scalars of a group, or columns that can be read of a table. */
struct siblings {
    const arc *root; /* of the region */
    size_t root_length;
    arc parent[4]; /* below the region's root */
    size_t parent_length;
    arc first, last;
};

#define BELOW(root, first, last, ...)                                                           \
    {                                                                                           \
        root, COUNT_OF(root), { __VA_ARGS__ }, COUNT_OF(((const arc[]){ __VA_ARGS__ })), first, \
            last                                                                                \
    }

static const struct siblings siblings[] = {
    { system_root, COUNT_OF(system_root), { 0 }, 0, 1, 8 },
    BELOW(system_root, 2, 4, 9, 1),

    BELOW(ups_root, 1, 6, 1, 1),
    BELOW(ups_root, 1, 7, 1, 2),
    BELOW(ups_root, 1, 2, 1, 3),
    BELOW(ups_root, 2, 5, 1, 3, 3, 1),
    BELOW(ups_root, 1, 3, 1, 4),
    BELOW(ups_root, 2, 5, 1, 4, 4, 1),
    BELOW(ups_root, 1, 2, 1, 5),
    BELOW(ups_root, 2, 4, 1, 5, 3, 1),
    BELOW(ups_root, 1, 1, 1, 6),
    BELOW(ups_root, 2, 3, 1, 6, 2, 1),
    BELOW(ups_root, 1, 6, 1, 7),
    BELOW(ups_root, 1, 5, 1, 8),
    BELOW(ups_root, 1, 10, 1, 9),

    BELOW(entity_root, 2, 18, 1, 1, 1, 1),
    BELOW(entity_root, 1, 1, 1, 3, 3, 1),
    BELOW(entity_root, 1, 1, 1, 4),

    BELOW(sensor_root, 1, 8, 1, 1, 1),

    BELOW(bridge_root, 1, 20, 1, 1),
    BELOW(bridge_root, 2, 22, 1, 2, 1),
    BELOW(bridge_root, 2, 4, 1, 3, 1),
    BELOW(bridge_root, 2, 6, 1, 4, 1),
    BELOW(bridge_root, 2, 6, 1, 5, 1),
};

bool objects_shown(const struct region *region, const char *context)
{
    return *context == '\0' ? region->of_site : region->of_device;
}

static bool begins_with(const arc *name, size_t length, const arc *prefix, size_t prefix_length)
{
    return length >= prefix_length && arcs_compare(name, prefix_length, prefix, prefix_length) == 0;
}

static bool among(const arc *name, size_t length, const struct siblings *objects)
{
    if (!begins_with(name, length, objects->root, objects->root_length))
        return false;
    name += objects->root_length;
    length -= objects->root_length;
    return length > objects->parent_length &&
           begins_with(name, length, objects->parent, objects->parent_length) &&
           name[objects->parent_length] >= objects->first &&
           name[objects->parent_length] <= objects->last;
}

bool objects_know(const arc *name, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(siblings); i++) {
        if (among(name, length, &siblings[i]))
            return true;
    }
    return false;
}
