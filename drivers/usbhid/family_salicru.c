/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Salicru: Eaton's tree with another id; on some, "good" means that the output is on, which it does
 * for Eaton too.
 * Source: recording tests/data/hid/salicru-slc-twin-pro2; NUT's usbhid-ups, NUT issue 1312.
 */
#include "drivers/usbhid/families.h"

static const struct family_id ids[] = {
    ID(0x2e66, 0x0101, HID_QUIRK_IMMINENT_LIES),
    ID_AND_UNKNOWN(0x2e66, 0x0201, HID_QUIRK_IMMINENT_LIES),
    ID(0x2e66, 0x0202, HID_QUIRK_IMMINENT_LIES),
    ID(0x2e66, 0x0203, HID_QUIRK_IMMINENT_LIES),
    ID(0x2e66, 0x0300, HID_QUIRK_IMMINENT_LIES),
    ID(0x2e66, 0x0302, HID_QUIRK_IMMINENT_LIES),
    IDS_END,
};

const struct family family_salicru = {
    .name = "salicru",
    .maker = "Salicru",
    .ids = ids,
    .usages = mge_usages,
    .variables = mge_variables,
    .flags = mge_flags,
    .commands = mge_commands,
    .off_delay = 20,
    .on_delay = 30,
    .describe = mge_describe,
};
