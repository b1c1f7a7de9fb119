/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iDowell iBox, and GoldenMate's Smart-Battery with the same id.
 * Source: recording tests/data/hid/idowell-smart-battery (NUT issue 3015), NUT's usbhid-ups.
 */
#include "drivers/usbhid/families.h"

static const struct variable_row variables[] = {
    STATIC("battery.charge.low", SUMMARY "RemainingCapacityLimit", show_low_limit),
    STATIC("battery.charge.low", SUMMARY "WarningCapacityLimit", show_low_limit),
    VARIABLES_END,
};

/* Two flags of the power device page were written under the battery page. */
static const struct status_row flags[] = {
    { FLAG_OFF, PRESENT "Good", is_zero },
    { FLAG_OFF, PRESENT "AtRateTimeToEmpty", is_zero },
    { FLAG_SHUTDOWN_IMMINENT, PRESENT "AverageTimeToEmpty", NULL },
    FLAGS_END,
};

static const struct command_row commands[] = { COMMANDS_END };

static const struct family_id ids[] = { ID(0x075d, 0x0300, 0), IDS_END };

const struct family family_idowell = {
    .name = "idowell",
    .maker = "iDowell",
    .ids = ids,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
};
