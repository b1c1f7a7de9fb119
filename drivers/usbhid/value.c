/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/value.h"

#include <math.h>
#include <stdio.h>

#define UNIT_KELVIN 0x00010001
#define UNIT_AMPERE_SECOND 0x00101001

#define KELVIN_OF_ZERO_CELSIUS 273.15
#define SECONDS_PER_HOUR 3600.0

/* Beyond this a double does not hold every integer, and no field holds any. */
#define RAW_MAX 9007199254740992.0
/* Fractions this small come from the conversion, not from whoever gave the number. */
#define FRACTION_MIN 1e-6

/*
 * What HID's centimetres and grams make of the units: an exponent of 7 is one volt. All other units
 * that UPSes use are free of both.
 */
static const struct {
    uint32_t unit;
    int exponent;
} base_exponents[] = {
    { 0x00f0d121, 7 }, /* volt */
    { 0x0000d121, 7 }, /* watt, volt-ampere */
    { 0x0000e121, 7 }, /* joule */
};

static int64_t as_unsigned(int32_t value, uint8_t size)
{
    if (size == 1)
        return (uint8_t)value;
    return size == 2 ? (uint16_t)value : (uint32_t)value;
}

/* False: the range holds nothing, or was never given, and so says nothing. */
static bool declared_range(const struct hid_field *field, int64_t *minimum, int64_t *maximum)
{
    *minimum = field->logical_minimum;
    *maximum = field->logical_maximum;
    if (*maximum < *minimum)
        *maximum = as_unsigned(field->logical_maximum, field->logical_maximum_size);
    return *maximum >= *minimum && (*maximum != 0 || *minimum != 0);
}

void hid_logical_range(const struct hid_field *field, int64_t *minimum, int64_t *maximum)
{
    if (!declared_range(field, minimum, maximum)) {
        *minimum = 0;
        *maximum = ((int64_t)1 << field->bit_size) - 1;
    }
}

/* Bits --------------------------------------------------------------------------------------- */

/* Where the field begins, in bits; false: the report ends before the field does. */
static bool place_of(const struct hid_descriptor *descriptor, const struct hid_field *field,
                     size_t length, size_t *bit)
{
    *bit = field->bit_offset + (descriptor->numbered ? 8U : 0U);
    return field->bit_size >= 1 && field->bit_size <= 32 && *bit + field->bit_size <= length * 8;
}

static uint64_t take_bits(const uint8_t *report, size_t bit, uint8_t count)
{
    uint64_t bits = 0;

    for (uint8_t i = 0; i < count; i++, bit++)
        bits |= (uint64_t)(report[bit / 8] >> bit % 8 & 1) << i;
    return bits;
}

static void put_bits(uint8_t *report, size_t bit, uint8_t count, uint64_t bits)
{
    for (uint8_t i = 0; i < count; i++, bit++) {
        uint8_t mask = (uint8_t)(1U << bit % 8);

        if ((bits >> i & 1) != 0)
            report[bit / 8] |= mask;
        else
            report[bit / 8] &= (uint8_t)~mask;
    }
}

static int64_t sign_extend(uint64_t bits, uint8_t count)
{
    int64_t sign = (int64_t)1 << (count - 1);

    return ((int64_t)bits ^ sign) - sign;
}

/*
 * Old firmwares leave rubbish in the upper half of a field (0x80080a00 where 0xffff is the limit).
 * It is cut off where nothing else can be meant: the range is all that fits into half the field or
 * less, and the highest bit of the field is set, so that the whole is far from any reading. All
 * ones are how devices say that there is no value.
 */
static bool cut_rubbish(const struct hid_field *field, int64_t maximum, uint64_t *bits)
{
    uint64_t all = ((uint64_t)1 << field->bit_size) - 1;
    uint64_t mask = (uint64_t)maximum;
    bool is_mask = (mask & (mask + 1)) == 0;

    if (!is_mask || mask < UINT8_MAX || mask >> field->bit_size / 2 != 0 || *bits == all ||
        *bits >> (field->bit_size - 1) == 0)
        return false;
    *bits &= mask;
    return true;
}

bool hid_value_get(const struct hid_descriptor *descriptor, const struct hid_field *field,
                   const uint8_t *report, size_t length, int64_t *raw, bool *clamped)
{
    int64_t minimum, maximum;
    size_t bit;

    if (!place_of(descriptor, field, length, &bit))
        return false;
    hid_logical_range(field, &minimum, &maximum);
    uint64_t bits = take_bits(report, bit, field->bit_size);
    int64_t plain = (int64_t)bits;
    bool is_outside = false;
    *raw = plain;
    if (minimum < 0) {
        *raw = sign_extend(bits, field->bit_size);
        is_outside = *raw < minimum || *raw > maximum;
        /* -1 to 65535 in 16 bits: what cannot be the one is the other. */
        if (is_outside && plain >= minimum && plain <= maximum) {
            *raw = plain;
            is_outside = false;
        }
    } else if (plain < minimum || plain > maximum) {
        is_outside = minimum != 0 || !cut_rubbish(field, maximum, &bits);
        *raw = (int64_t)bits;
    }
    if (clamped != NULL)
        *clamped = is_outside;
    return true;
}

bool hid_value_put(const struct hid_descriptor *descriptor, const struct hid_field *field,
                   uint8_t *report, size_t length, int64_t raw)
{
    size_t bit;

    if (!place_of(descriptor, field, length, &bit))
        return false;
    if (raw < -((int64_t)1 << (field->bit_size - 1)) || raw >= (int64_t)1 << field->bit_size)
        return false;
    put_bits(report, bit, field->bit_size, (uint64_t)raw);
    return true;
}

/* Units -------------------------------------------------------------------------------------- */

/* Ten to the power a field's unit and exponent mean. */
static double factor_of(const struct hid_field *field)
{
    int exponent = field->exponent;

    for (size_t i = 0; i < sizeof base_exponents / sizeof base_exponents[0]; i++) {
        if (base_exponents[i].unit == field->unit)
            exponent -= base_exponents[i].exponent;
    }
    return pow(10, exponent);
}

/* Raw numbers to physical ones are a straight line: physical = raw * slope + start. */
static void line_of(const struct hid_field *field, double *slope, double *start)
{
    int64_t minimum, maximum;
    double physical_minimum = field->physical_minimum;
    double physical_maximum = field->physical_maximum;

    *slope = 1;
    *start = 0;
    if (!declared_range(field, &minimum, &maximum) || maximum == minimum ||
        physical_maximum <= physical_minimum)
        return;
    *slope = (physical_maximum - physical_minimum) / (double)(maximum - minimum);
    *start = physical_minimum - (double)minimum * *slope;
}

double hid_value_to_physical(const struct hid_field *field, int64_t raw)
{
    double slope, start;

    line_of(field, &slope, &start);
    double physical = ((double)raw * slope + start) * factor_of(field);
    if (field->unit == UNIT_KELVIN)
        physical -= KELVIN_OF_ZERO_CELSIUS;
    else if (field->unit == UNIT_AMPERE_SECOND)
        physical /= SECONDS_PER_HOUR;
    return physical;
}

int64_t hid_value_from_physical(const struct hid_field *field, double physical, bool up)
{
    double slope, start;

    line_of(field, &slope, &start);
    if (field->unit == UNIT_KELVIN)
        physical += KELVIN_OF_ZERO_CELSIUS;
    else if (field->unit == UNIT_AMPERE_SECOND)
        physical *= SECONDS_PER_HOUR;
    double raw = (physical / factor_of(field) - start) / slope;
    /* Less than nothing is "none": it must not become 0, which is "now". */
    if (raw < -FRACTION_MIN)
        raw = floor(raw + FRACTION_MIN);
    else
        raw = up ? ceil(raw - FRACTION_MIN) : round(raw);
    /* What is no number, or beyond all fields, fits none of them: hid_value_put() says so. */
    if (!(raw >= -RAW_MAX && raw <= RAW_MAX))
        return INT64_MIN;
    return (int64_t)raw;
}

/* Dates -------------------------------------------------------------------------------------- */

static int days_of(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

bool hid_date_text(int64_t raw, char out[11])
{
    if (raw <= 0 || raw > 0xffff)
        return false;
    int year = 1980 + (int)(raw >> 9);
    int month = (int)(raw >> 5 & 0x0f);
    int day = (int)(raw & 0x1f);
    if (month < 1 || month > 12 || day < 1 || day > days_of(year, month))
        return false;
    snprintf(out, 11, "%04d/%02d/%02d", year, month, day);
    return true;
}
