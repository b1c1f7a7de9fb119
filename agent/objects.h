/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the object identifiers this face serves, and which objects stand below them.
 * Source: RFC 1628 (UPS-MIB), RFC 3418 (system group).
 */
#ifndef UPSBRIDGE_AGENT_OBJECTS_H
#define UPSBRIDGE_AGENT_OBJECTS_H

#include "agent/subtree.h"

/* For initializers. */
#define OBJECTS_INTERNET 1, 3, 6, 1
#define OBJECTS_MIB_2 OBJECTS_INTERNET, 2, 1
#define OBJECTS_SYSTEM OBJECTS_MIB_2, 1
#define OBJECTS_UPS_MIB OBJECTS_MIB_2, 33

/* A subtree to be registered with whoever dispatches requests. */
struct region {
    const char *name;
    const arc *root;
    size_t length;
    bool system; /* the system group: not where a master agent has its own */
};

extern const struct region objects_regions[];
#define OBJECTS_REGIONS 2

/* Is this the name of an instance, existing or not, of an object we serve? */
bool objects_know(const arc *name, size_t length);

#endif
