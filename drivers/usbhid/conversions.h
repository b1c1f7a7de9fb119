/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: how values of HID fields read as NUT's texts, and back: for the rows of several
 * families. row_show and row_read of drivers/usbhid/family.h.
 * Source: the HID usage tables for power devices (sections 4.1, 4.2), NUT's docs/nut-names.
 */
#ifndef UPSBRIDGE_USBHID_CONVERSIONS_H
#define UPSBRIDGE_USBHID_CONVERSIONS_H

#include "drivers/usbhid/family.h"

#include <stddef.h>

/* Writes a number with so many decimals, without an exponent, in the C locale. */
bool show_decimals(double number, unsigned decimals, char *out, size_t size);

/* An index of a string of the device: the string itself. */
row_show show_string;
/* The number as it is in the report. */
row_show show_raw;
/* The number without decimals. */
row_show show_whole;
/* A tenth, and a hundredth, of the number. */
row_show show_tenth;
row_show show_percent_as_factor;
/* A packed date; BCD digits MMDDYY, without the dates that are factory settings. */
row_show show_date;
row_show show_bcd_date;
row_show show_yes_no;
row_show show_on_off;
row_show show_enabled;
/* A capacity in ampere hours: not if the field counts percent. */
row_show show_ampere_hours;
/* A limit in percent that can be one: neither 0 nor nearly all (APC's gaming models tell 100). */
row_show show_low_limit;

row_read read_date;

extern const struct value_word words_yes_no[], words_enabled[], words_beeper[], words_test[];

/* Looks a value up in a table of words; false: it is not there. */
bool show_word(const struct value_word *table, int64_t raw, char *out, size_t size);
bool read_word(const struct value_word *table, const char *text, int64_t *raw);

#endif
