/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EcoFlow power stations.
 * Source: NUT's usbhid-ups.
 */
#include "drivers/usbhid/families.h"

/* Some firmwares count minutes: what no power station would do with so much charge left. */
#define SECONDS_MIN 200
#define CHARGE_MIN 20

static bool show_runtime(struct hid_device *device, const struct hid_field *field, int64_t raw,
                         double physical, char *out, size_t size)
{
    int64_t charge;

    (void)field;
    (void)raw;
    if (physical > 0 && physical < SECONDS_MIN &&
        hid_device_raw(device, SUMMARY "RemainingCapacity", false, &charge, NULL) &&
        charge >= CHARGE_MIN)
        physical *= 60;
    return show_decimals(physical, 0, out, size);
}

static const struct variable_row variables[] = {
    FULL("battery.runtime", SUMMARY "RunTimeToEmpty", show_runtime),
    VARIABLES_END,
};

static const struct status_row flags[] = { FLAGS_END };
static const struct command_row commands[] = { COMMANDS_END };

static const struct family_id ids[] = { ID_AND_UNKNOWN(0x3746, 0xffff, 0), IDS_END };

const struct family family_ecoflow = {
    .name = "ecoflow",
    .maker = "EcoFlow",
    .ids = ids,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
};
