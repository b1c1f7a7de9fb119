/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what agent.c lends to the two ways of being reached (AgentX, standalone): whose snapshot
 * a context shows, what the clock says, and who does what is set.
 */
#ifndef UPSBRIDGE_AGENT_CONTEXTS_H
#define UPSBRIDGE_AGENT_CONTEXTS_H

#include "agent/subtree.h"

struct monitor;
struct setter;

/* Context "" is the default one. */
struct contexts {
    void *owner;
    /* The snapshot of a context; NULL: there is no such context, or memory is out. */
    const struct subtree *(*snapshot)(void *owner, const char *context);
    /* The device a context is of; NULL: there is none. */
    struct monitor *(*device)(void *owner, const char *context);
    struct setter *setter; /* for SETs */
};

#endif
