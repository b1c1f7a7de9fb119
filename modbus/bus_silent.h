/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: which units of a bus were silent when their device left it. A device that finds nobody
 * leaves and comes again; what its unit has cost the others is not to be forgotten with it.
 *
 * The caller keeps threads apart.
 */
#ifndef UPSBRIDGE_MODBUS_BUS_SILENT_H
#define UPSBRIDGE_MODBUS_BUS_SILENT_H

#include <stdint.h>

struct silent_unit;

/* Without memory for it the unit is forgotten. rest_until: clock_ms(). */
void silent_unit_keep(struct silent_unit **units, unsigned number, uint64_t rest_until);
/* Until when the unit was to rest, and forgets it. 0: it was not silent. */
uint64_t silent_unit_take(struct silent_unit **units, unsigned number);
void silent_units_free(struct silent_unit **units);

#endif
