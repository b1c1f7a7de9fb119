/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the vocabulary: every variable and instant command a UPS uses in NUT's naming, with its
 * unit, type, range and description, as one table. Both faces, the drivers and the checks of
 * override.* and default.* read it; nothing else knows units or descriptions.
 * Source: NUT's docs/nut-names (names and units; the descriptions are our own).
 */
#ifndef UPSBRIDGE_CORE_VARIABLES_H
#define UPSBRIDGE_CORE_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

enum variable_unit {
    UNIT_NONE,
    UNIT_VOLT,
    UNIT_AMPERE,
    UNIT_HERTZ,
    UNIT_WATT,
    UNIT_VOLT_AMPERE,
    UNIT_PERCENT,
    UNIT_SECOND,
    UNIT_CELSIUS,
    UNIT_AMPERE_HOUR,
};

enum variable_type { TYPE_TEXT, TYPE_NUMBER };

struct variable_info {
    /*
     * As NUT spells it. '#' stands for a decimal number ("outlet.#.status"), '*' for a phase
     * (L1, L2, L3, N, L1-N, L2-N, L3-N, L1-L2, L2-L3, L3-L1); in "driver.parameter.*" and
     * "driver.flag.*" it stands for any ending.
     */
    const char *name;
    enum variable_type type;
    enum variable_unit unit;
    double minimum, maximum; /* what is believable for a NUMBER, inclusive */
    const char *description;
};

struct command_info {
    const char *name; /* '#' as above */
    const char *description;
};

/* Case-insensitive, patterns included; NULL if the vocabulary has no such name. */
const struct variable_info *variable_find(const char *name);
const struct command_info *command_find(const char *name);

/* The whole tables, for tests and documentation. */
const struct variable_info *variable_table(size_t *count);
const struct command_info *command_table(size_t *count);

/* "V", "A", "Hz", "W", "VA", "%", "s", "C", "Ah", or "". */
const char *variable_unit_text(enum variable_unit unit);

/*
 * Reads a decimal number in the C locale: optional sign, digits, optional fraction, nothing else
 * but surrounding blanks. False for anything else, infinity and NaN included.
 */
bool number_parse(const char *text, double *number);

#endif
