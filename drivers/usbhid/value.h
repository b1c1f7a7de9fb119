/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a field's value in the bytes of a report, as a raw number and in its unit, both ways.
 * Source: USB HID 1.11 section 6.2.2.7.
 */
#ifndef UPSBRIDGE_USBHID_VALUE_H
#define UPSBRIDGE_USBHID_VALUE_H

#include "drivers/usbhid/descriptor.h"

/*
 * The range a field's raw values have: minimum to maximum. Firmwares write a maximum of 0xff or
 * 0xffff that reads as -1: where the maximum is below the minimum, it is read as unsigned.
 * Where that mends nothing, and where no range is given (0 to 0), it is all that the bits hold.
 */
void hid_logical_range(const struct hid_field *field, int64_t *minimum, int64_t *maximum);

/*
 * The raw value in a report as received (its number first, if the device numbers them). False: the
 * report is too short for the field. *clamped (may be NULL) says that the value was outside the
 * logical range; it is then given as it is, not as the limit: a limit is no measurement. Only what
 * is plainly rubbish in the upper half of a wide field (its highest bit is set, the range is 0 to
 * 255 or to 65535) is cut off, and counts as inside.
 *
 * A range that begins below 0 makes the field signed; if only its unsigned value is in the range
 * (-1 to 65535 in 16 bits), it is that.
 */
bool hid_value_get(const struct hid_descriptor *descriptor, const struct hid_field *field,
                   const uint8_t *report, size_t length, int64_t *raw, bool *clamped);

/* Puts a raw value into a report. False: it does not fit the field's bits (signed or unsigned; -1
 * is all ones), or the report ends before the field does. */
bool hid_value_put(const struct hid_descriptor *descriptor, const struct hid_field *field,
                   uint8_t *report, size_t length, int64_t raw);

/*
 * In the unit NUT uses for it: volts, amperes, hertz, watts, seconds, degrees Celsius, percent.
 * Physical range and unit's exponent are applied; a field without a unit is a plain number. Ampere
 * seconds become ampere hours. Units and exponents stay in force in descriptors until they are
 * changed, so indexes of strings, flags, choices, dates and percentages often have those of the
 * field before: of these take the raw number.
 */
double hid_value_to_physical(const struct hid_field *field, int64_t raw);
/*
 * The inverse; up: rounds a fraction upwards, as delays must. Below 0 it always rounds away from 0,
 * so that -1 second is -1 minute ("none"), not 0 ("now"). What no field can hold is INT64_MIN.
 */
int64_t hid_value_from_physical(const struct hid_field *field, double physical, bool up);

/* The standard's packed date; false: not set, or none. out: "2022/12/13". */
bool hid_date_text(int64_t raw, char out[11]);

#endif
