/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the contact model of NUT's generic_modbus: a UPS of which only relay contacts are known,
 * read through a remote I/O module. Its options become a map in memory, so that contacts are read
 * and told like any other device.
 *
 * For each of OL OB LB HB RB CHRG DISCHRG FSD: NAME_addr, NAME_regtype (0 coil, 1 discrete input,
 * 2 input register, 3 holding register; 1 unless given), NAME_noro (0: active at 1, 1: active at
 * 0; 0 unless given). Also device_mfr, device_model, rio_slave_id, ser_baud_rate, ser_parity,
 * ser_data_bit, ser_stop_bit, FSD_pulse_duration (milliseconds).
 * Source: NUT 2.8's generic_modbus(8).
 */
#ifndef UPSBRIDGE_MODBUS_CONTACTS_H
#define UPSBRIDGE_MODBUS_CONTACTS_H

#include "modbus/map.h"

struct contact_option {
    const char *key;
    const char *value; /* NULL: a flag, which none of them is */
    unsigned line;
};

/*
 * Makes the map; options that are not ours are passed over. path is what messages call the file,
 * and line is that of the section. NULL with the mistakes reported: a bad value, no contact for OL
 * or OB, FSD not writable.
 */
struct modbus_map *contacts_map(const struct contact_option *options, size_t count,
                                const char *path, unsigned line, struct config_report *report);

/* Is it one of the options above? */
bool contacts_option(const char *key);

#endif
