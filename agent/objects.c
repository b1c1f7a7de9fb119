/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/objects.h"

static const arc system_root[] = { OBJECTS_SYSTEM };
static const arc ups_root[] = { OBJECTS_UPS_MIB };

#define LENGTH(arcs) (sizeof(arcs) / sizeof(arcs)[0])

const struct region objects_regions[OBJECTS_REGIONS] = {
    { "system", system_root, LENGTH(system_root), true },
    { "upsMIB", ups_root, LENGTH(ups_root), false },
};

/* Scalars first to last, and the readable columns of a table below them. */
struct group {
    arc number;
    arc last_scalar;
    arc table;                     /* 0: the group has none */
    arc first_column, last_column; /* which can be read */
};

/* What stands below upsObjects (1.3.6.1.2.1.33.1). */
static const struct group ups_groups[] = {
    { 1, 6, 0, 0, 0 }, { 2, 7, 0, 0, 0 }, { 3, 2, 3, 2, 5 }, { 4, 3, 4, 2, 5 },  { 5, 2, 3, 2, 4 },
    { 6, 1, 2, 2, 3 }, { 7, 6, 0, 0, 0 }, { 8, 5, 0, 0, 0 }, { 9, 10, 0, 0, 0 },
};

#define SYSTEM_LAST 7

static bool begins_with(const arc *name, size_t length, const struct region *region)
{
    return length > region->length &&
           arcs_compare(name, region->length, region->root, region->length) == 0;
}

/* rest: what follows upsObjects. */
static bool know_ups(const arc *rest, size_t length)
{
    if (length < 2 || rest[0] < 1 || rest[0] > LENGTH(ups_groups))
        return false;
    const struct group *group = &ups_groups[rest[0] - 1];
    if (rest[1] >= 1 && rest[1] <= group->last_scalar)
        return true;
    return group->table != 0 && length >= 4 && rest[1] == group->table && rest[2] == 1 &&
           rest[3] >= group->first_column && rest[3] <= group->last_column;
}

bool objects_know(const arc *name, size_t length)
{
    const struct region *system = &objects_regions[0];
    const struct region *ups = &objects_regions[1];

    if (begins_with(name, length, system)) {
        arc object = name[system->length];

        return object >= 1 && object <= SYSTEM_LAST;
    }
    if (!begins_with(name, length, ups) || name[ups->length] != 1)
        return false;
    return know_ups(name + ups->length + 1, length - ups->length - 1);
}
