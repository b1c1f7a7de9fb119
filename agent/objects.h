/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the object identifiers this face serves, in which contexts, and which objects stand
 * below them.
 * Source: RFC 1628 (UPS-MIB), RFC 3418 (system group), RFC 6933 (ENTITY-MIB), RFC 3433
 * (ENTITY-SENSOR-MIB).
 */
#ifndef UPSBRIDGE_AGENT_OBJECTS_H
#define UPSBRIDGE_AGENT_OBJECTS_H

#include "agent/subtree.h"

/* For initializers. */
#define OBJECTS_INTERNET 1, 3, 6, 1
#define OBJECTS_MIB_2 OBJECTS_INTERNET, 2, 1
#define OBJECTS_SYSTEM OBJECTS_MIB_2, 1
#define OBJECTS_UPS_MIB OBJECTS_MIB_2, 33
#define OBJECTS_ENTITY_MIB OBJECTS_MIB_2, 47
#define OBJECTS_ENTITY_SENSOR_MIB OBJECTS_MIB_2, 99
#define OBJECTS_BRIDGE_MIB OBJECTS_INTERNET, BRIDGE_MIB_BELOW_INTERNET

/* A subtree to be registered with whoever dispatches requests. */
struct region {
    const char *name;        /* of the MIB, or its part */
    const char *description; /* sysORDescr; NULL: no MIB of its own */
    const arc *root;
    size_t length;
    bool of_device; /* in the context of each device */
    bool of_site;   /* in the default context */
    bool of_master; /* a master agent has it in its default context itself */
};

#define REGION_LENGTH_MAX (4 + 8)

/* In ascending order. */
extern const struct region objects_regions[];
#define OBJECTS_REGIONS 5

/* Does a context show it? */
bool objects_shown(const struct region *region, const char *context);

/* Is this the name of an instance, existing or not, of an object we serve? */
bool objects_know(const arc *name, size_t length);

#endif
