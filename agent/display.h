/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: texts of devices and others as values that any manager can show.
 * Source: RFC 2579 (DisplayString).
 */
#ifndef UPSBRIDGE_AGENT_DISPLAY_H
#define UPSBRIDGE_AGENT_DISPLAY_H

#include "agent/subtree.h"

/* Octets of a text without a bound of its own. */
#define DISPLAY_MAX 255

/*
 * The value of the instance just named: at most so many octets (not above DISPLAY_MAX), '?' in
 * place of each that is not printable ASCII. NULL: an empty text.
 */
void display_text(struct subtree_builder *builder, const char *text, size_t maximum);

#endif
