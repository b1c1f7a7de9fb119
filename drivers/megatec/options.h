/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the options of a section of the Q family: NUT's nutdrv_qx(8) and blazer_ser(8) by their
 * names and meanings. blazer_ser counts ondelay in minutes, nutdrv_qx in seconds.
 */
#ifndef UPSBRIDGE_DRIVERS_MEGATEC_OPTIONS_H
#define UPSBRIDGE_DRIVERS_MEGATEC_OPTIONS_H

#include "core/config.h"
#include "core/settings.h"
#include "drivers/driver.h"
#include "drivers/megatec/battery.h"
#include "drivers/megatec/dialect.h"
#include "drivers/serial_port.h"

#define MEGATEC_POLL_FREQUENCY 30 /* seconds between full polls */

struct megatec_options {
    const struct megatec_dialect *dialect; /* NULL: find out */
    struct serial_settings serial;
    unsigned cable_power;         /* modem lines that are raised */
    unsigned off_delay, on_delay; /* seconds */
    bool skips_rating, skips_vendor, ignores_shutdown_bit;
    struct megatec_battery_options battery;
};

extern const struct driver_option megatec_option_names[];

/* False: the section is wrong; what is wrong was reported. */
bool megatec_options_read(const struct device_settings *settings, struct megatec_options *options,
                          struct config_report *report);

#endif
