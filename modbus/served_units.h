/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: which UPS has which unit number in the Modbus server. MODBUS unit lines give numbers to
 * some; the others get the lowest that is free, in the order of ups.conf, and keep it as long as
 * they are there and nobody is given it.
 */
#ifndef UPSBRIDGE_MODBUS_SERVED_UNITS_H
#define UPSBRIDGE_MODBUS_SERVED_UNITS_H

#include "core/settings.h"
#include "core/ups.h"

struct served_units {
    struct ups *numbers[MODBUS_UNIT_MAX + 1]; /* NULL: nobody; 0 is not given to any */
};

/* Gives numbers to all devices of the store; returns how many got none, since there are no more. */
size_t served_units_assign(struct served_units *units, const struct ups_store *store,
                           const struct settings *settings);

/* A device leaves: its number is free. */
void served_units_forget(struct served_units *units, const struct ups *ups);

/* Whose it is; 0 and 255, which clients use who know of no units, are the first. NULL: nobody's. */
struct ups *served_units_find(const struct served_units *units, unsigned number);

#endif
