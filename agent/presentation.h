/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: how the configuration wants devices to be shown.
 */
#ifndef UPSBRIDGE_AGENT_PRESENTATION_H
#define UPSBRIDGE_AGENT_PRESENTATION_H

#include "agent/subtree.h"

#include <stdbool.h>

/* Longest object identifier there is (RFC 2578 section 3.5). */
#define PRESENTATION_ARCS_MAX 128

struct presentation {
    char description[256];                /* sysDescr */
    arc object_id[PRESENTATION_ARCS_MAX]; /* sysObjectID */
    size_t object_id_length;
    bool serve_index; /* also the columns of indices, which a manager has no access to */
};

#endif
