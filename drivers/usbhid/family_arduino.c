/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UPSes that people build of Arduino boards: the standard's paths, under the ids of the boards.
 * Source: NUT's usbhid-ups for the ids; recording tests/data/hid/arduino-hid-power-194.
 */
#include "drivers/usbhid/families.h"

static const struct variable_row variables[] = { VARIABLES_END };
static const struct status_row flags[] = { FLAGS_END };
static const struct command_row commands[] = { COMMANDS_END };

static const struct family_id ids[] = {
    ID(0x2341, 0x0036, 0), ID(0x2341, 0x8036, 0), ID(0x2341, 0x0040, 0),
    ID(0x2341, 0x8040, 0), ID(0x2a03, 0x0036, 0), ID(0x2a03, 0x8036, 0),
    ID(0x2a03, 0x0040, 0), ID(0x2a03, 0x8040, 0), IDS_END,
};

const struct family family_arduino = {
    .name = "arduino",
    .maker = "Arduino",
    .ids = ids,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
};
