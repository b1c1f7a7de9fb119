/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: which modem line means what for UPSes that have but contacts: the known cables as a
 * table, and the words that a section changes them with.
 * Source: NUT's genericups(8) for numbers and words; what its program does with the lines.
 */
#ifndef UPSBRIDGE_DRIVERS_CONTACT_TYPES_H
#define UPSBRIDGE_DRIVERS_CONTACT_TYPES_H

#include "drivers/serial_port.h"

/* A line that the UPS sets. */
struct contact_input {
    unsigned line; /* SERIAL_CTS, _DCD, _RI or _DSR; 0: there is none, and it never holds */
    bool is_low;   /* it holds while the line is low */
};

/* What is done to turn the load off. */
enum contact_off {
    CONTACT_OFF_NONE,  /* it cannot be, or it is not known how */
    CONTACT_OFF_LINES, /* exactly these lines are raised */
    CONTACT_OFF_BREAK, /* a break on the transmit line */
};

struct contact_type {
    const char *vendor, *model;
    unsigned power; /* the lines that feed the cable */
    struct contact_input on_line, low_battery, replace_battery, bypass;
    bool is_ever_on_line; /* nothing tells: OL = NULL */
    enum contact_off off;
    unsigned off_lines;
};

#define CONTACT_TYPES 24
extern const struct contact_type contact_types[CONTACT_TYPES];

/* "-CTS", "RNG", "none". False: it is no such line. */
bool contact_read_input(const char *text, struct contact_input *input);
/* "DTR+RTS", "none". */
bool contact_read_power(const char *text, unsigned *lines);
/* "RTS", "-RTS" (power without it), "ST", "none". The type's power must be set before. */
bool contact_read_off(const char *text, struct contact_type *type);

/* NUT's ups.status of the lines; returns whether it is on battery or low: that must be sure. */
bool contact_status(const struct contact_type *type, unsigned lines, char *status, size_t size);

#endif
