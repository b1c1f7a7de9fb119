/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the search for what whoever asks may see, standalone. What is hidden as a whole is not
 * looked into: it can be the whole site.
 * Source: RFC 3415 (views).
 */
#ifndef UPSBRIDGE_AGENT_VISIBLE_H
#define UPSBRIDGE_AGENT_VISIBLE_H

#include "agent/netsnmp.h"
#include "agent/subtree.h"

#include <stdbool.h>

/* May whoever sent the request see everything from here on down? */
bool visible_wholly(netsnmp_pdu *request, const arc *root, size_t length);

/* The first instance behind (or at) a name that they may see; SUBTREE_NONE: there is none. */
size_t visible_next(netsnmp_pdu *request, const struct subtree *subtree, const arc *name,
                    size_t length, bool inclusive);
/* The same behind a position. */
size_t visible_after(netsnmp_pdu *request, const struct subtree *subtree, size_t position);

#endif
