/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what a UPS looks like to a Modbus client: one fixed table of registers for all, the same
 * as holding and as input registers, and bits of the status as discrete inputs. Told to the users
 * by upsbridge-modbus-server(5), and to an upsbridged at the other end by
 * modbus/maps/upsbridge.map.
 *
 * What is not known, or too old to be shown, is "not available": 0xffff, in signed ones 0x8000, in
 * pairs 0xffffffff; texts are all NUL then. Values that do not fit are the largest or smallest that
 * does. Pairs have the high word first.
 */
#ifndef UPSBRIDGE_MODBUS_SERVED_REGISTERS_H
#define UPSBRIDGE_MODBUS_SERVED_REGISTERS_H

#include "core/ups.h"

#include <stdbool.h>
#include <stdint.h>

#define SERVED_VERSION 1 /* of the table: what is in register 0 */
#define SERVED_REGISTERS 228
#define SERVED_INPUTS 20 /* discrete inputs */
#define SERVED_COILS 10  /* commands */

/* What a device's registers were; zeroed: nothing yet. */
struct served_snapshot {
    uint64_t generation; /* the device's, of which this is */
    uint16_t words[SERVED_REGISTERS];
};

/*
 * All registers as they are now (clock_ms()), made anew only if the device has told something
 * since; they are the snapshot's.
 */
const uint16_t *served_registers(struct served_snapshot *snapshot, const struct ups *ups,
                                 uint64_t now);

/* The bits of registers 3 and 4, and behind them: too old, never read, lost. */
uint32_t served_inputs(const struct ups *ups);

/*
 * The command of a coil, which is issued by setting it: of several names for the same the one that
 * the device has. NULL: the device has none of them.
 */
const char *served_command(const struct ups *ups, unsigned coil);

/* Is name one of the names of a coil's command? Of any coil's, if coil is SERVED_COILS. */
bool served_is_command(unsigned coil, const char *name);

#endif
