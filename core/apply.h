/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the store's inner half: a device's variables and commands, and how a batch changes them.
 * For core/ups.c alone; everybody else reads through core/ups.h.
 */
#ifndef UPSBRIDGE_CORE_APPLY_H
#define UPSBRIDGE_CORE_APPLY_H

#include "core/ups.h"

/*
 * Applies every item of the batch in order; what a complete batch does not name is removed. True if
 * a client could see a difference. What memory does not suffice for is left as it was, and logged.
 */
bool apply_update(struct ups *ups, const struct update *update);

/* Frees all variables and commands. */
void apply_clear(struct ups *ups);

#endif
