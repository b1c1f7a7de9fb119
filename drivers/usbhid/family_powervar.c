/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Powervar: the standard's paths.
 * Source: NUT's usbhid-ups for the id.
 */
#include "drivers/usbhid/families.h"

static const struct variable_row variables[] = { VARIABLES_END };
static const struct status_row flags[] = { FLAGS_END };
static const struct command_row commands[] = { COMMANDS_END };

static const struct family_id ids[] = { ID(0x4234, 0x0002, 0), IDS_END };

const struct family family_powervar = {
    .name = "powervar",
    .maker = "Powervar",
    .ids = ids,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
};
