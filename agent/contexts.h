/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what agent.c lends to the two ways of being reached (AgentX, standalone): whose snapshot
 * a context shows, and what the clock says.
 */
#ifndef UPSBRIDGE_AGENT_CONTEXTS_H
#define UPSBRIDGE_AGENT_CONTEXTS_H

#include "agent/subtree.h"

/* Context "" is the default one. */
struct contexts {
    void *owner;
    /* The snapshot of a context; NULL: there is no such context, or memory is out. */
    const struct subtree *(*snapshot)(void *owner, const char *context);
};

#endif
