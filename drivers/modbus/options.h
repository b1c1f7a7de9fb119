/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the options of a section with driver modbus, or one of NUT's Modbus drivers, as typed
 * values. What a section does not say, its map does.
 */
#ifndef UPSBRIDGE_DRIVERS_MODBUS_OPTIONS_H
#define UPSBRIDGE_DRIVERS_MODBUS_OPTIONS_H

#include "drivers/driver.h"
#include "modbus/bus.h"
#include "modbus/map.h"

#define MODBUS_CANDIDATES_MAX 4
#define MODBUS_POLL_FREQUENCY 30 /* pollfreq: seconds, unless given */

/* A map the device may be of, and how it is to be reached then. */
struct modbus_candidate {
    const struct modbus_map *map;
    struct bus_address address;
    struct bus_unit unit; /* without name and must_stop() */
};

struct modbus_options {
    /* The first one that knows the device by its registers is the device's. */
    struct modbus_candidate candidates[MODBUS_CANDIDATES_MAX];
    size_t count;
    bool shows_registers;                       /* debug_registers */
    unsigned off_delay, on_delay, reboot_delay; /* seconds; UINT_MAX: not given */
};

extern const struct driver_option modbus_option_names[];
extern const char *const modbus_nut_names[];

/* False: something is wrong, and was reported with file and line. */
bool modbus_options_read(const struct device_settings *settings, const char *directory,
                         struct modbus_options *options, struct config_report *report);
/* Gives the maps back. */
void modbus_options_clear(struct modbus_options *options);

#endif
