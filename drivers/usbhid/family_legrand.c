/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Legrand Keor: Tripp Lite's tree, without limits of its own for a low battery.
 * Source: recording tests/data/hid/legrand-keor-0032; NUT issues 2073, 3540.
 */
#include "drivers/usbhid/families.h"

/* "Disable" is what others call "mute". */
static const struct command_row commands[] = {
    WRITE("beeper.enable", SUMMARY "AudibleAlarmControl", 2),
    WRITE("beeper.disable", SUMMARY "AudibleAlarmControl", 3),
    ON_DELAY("load.on.delay", OUTLET "DelayBeforeStartup"),
    ON_DELAY("load.on.delay", OUTLET "TLDelayBeforeStartup"),
    COMMANDS_END,
};

static const struct family_id ids[] = {
    ID_AND_UNKNOWN(0x1cb0, 0x0032, HID_QUIRK_POLL_ONLY),
    ID(0x1cb0, 0x0038, HID_QUIRK_POLL_ONLY),
    IDS_END,
};

const struct family family_legrand = {
    .name = "legrand",
    .maker = "Legrand",
    .ids = ids,
    .usages = tripplite_usages,
    .variables = tripplite_variables,
    .flags = tripplite_flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
};
