/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: texts of devices and others as values that any manager can show.
 * Source: RFC 2579 (DisplayString).
 */
#ifndef UPSBRIDGE_AGENT_DISPLAY_H
#define UPSBRIDGE_AGENT_DISPLAY_H

#include "agent/subtree.h"

/*
 * The value of the instance just named: at most 255 octets, '?' in place of each that is not
 * printable ASCII. NULL: an empty text.
 */
void display_text(struct subtree_builder *builder, const char *text);

#endif
