/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/value.h"

#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#define VOLT 0x00f0d121
#define WATT 0x0000d121
#define AMPERE 0x00100001
#define SECOND 0x1001
#define HERTZ 0xf001
#define KELVIN 0x00010001
#define AMPERE_SECOND 0x00101001

static const struct hid_descriptor numbered = { .numbered = true };
static const struct hid_descriptor unnumbered = { .numbered = false };

static struct hid_field ranged(uint8_t bits, int32_t minimum, int32_t maximum, uint8_t size)
{
    return (struct hid_field){ .type = HID_FEATURE,
                               .bit_size = bits,
                               .logical_minimum = minimum,
                               .logical_maximum = maximum,
                               .logical_maximum_size = size };
}

static void expect_limits(uint8_t bits, int32_t minimum, int32_t maximum, uint8_t size,
                          int64_t wanted_minimum, int64_t wanted_maximum)
{
    struct hid_field field = ranged(bits, minimum, maximum, size);
    int64_t got_minimum, got_maximum;

    hid_logical_range(&field, &got_minimum, &got_maximum);
    assert_true(got_minimum == wanted_minimum);
    assert_true(got_maximum == wanted_maximum);
}

static void test_logical_range(void **state)
{
    (void)state;
    expect_limits(8, 0, 100, 1, 0, 100);
    expect_limits(16, -1, 32767, 2, -1, 32767);
    /* A maximum that reads as negative is meant unsigned, in its own size. */
    expect_limits(8, 0, -1, 1, 0, 255);
    expect_limits(16, 0, -1, 2, 0, 65535);
    expect_limits(32, 0, -1, 4, 0, 4294967295);
    expect_limits(32, 0, -16777217, 4, 0, 0xfeffffff);
    expect_limits(16, -100, -1, 1, -100, -1);
    expect_limits(8, -1, -1, 1, -1, -1);
    expect_limits(8, 5, 5, 1, 5, 5);
    /* What says nothing is all the bits hold. */
    expect_limits(16, 0, 0, 1, 0, 65535);
    expect_limits(32, 0, 0, 1, 0, 4294967295);
    expect_limits(8, 300, 200, 2, 0, 255);
}

/* The value of the field's bits in the first bytes of a report without a number. */
static void expect_read(struct hid_field field, uint32_t bits, int64_t wanted, bool outside)
{
    uint8_t report[4] = { (uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16),
                          (uint8_t)(bits >> 24) };
    int64_t raw = 12345;
    bool clamped = !outside;

    assert_true(hid_value_get(&unnumbered, &field, report, sizeof report, &raw, &clamped));
    assert_true(raw == wanted);
    assert_int_equal(clamped, outside);
}

static void test_signs(void **state)
{
    (void)state;
    expect_read(ranged(8, 0, 255, 2), 200, 200, false);
    expect_read(ranged(8, 0, -1, 1), 200, 200, false);
    expect_read(ranged(8, -128, 127, 1), 200, -56, false);
    expect_read(ranged(16, -1, 32767, 2), 0xffff, -1, false);
    expect_read(ranged(24, -1, 32767, 2), 0xffffff, -1, false);
    expect_read(ranged(32, -1, 0x7fffffff, 4), 0xffffffff, -1, false);
    expect_read(ranged(1, 0, 1, 1), 1, 1, false);
    expect_read(ranged(1, -1, 0, 1), 1, -1, false);
    /* Signed by its minimum, unsigned by its maximum. */
    expect_read(ranged(16, -1, 65535, 4), 0xffff, -1, false);
    expect_read(ranged(16, -1, 65535, 4), 40000, 40000, false);
    expect_read(ranged(16, -1, 40000, 4), 40000, 40000, false);
    expect_read(ranged(16, -1, 40000, 4), 40001, -25535, true);
    /* The limits are inside. */
    expect_read(ranged(8, -10, 10, 1), 10, 10, false);
    expect_read(ranged(8, -10, 10, 1), 0xf6, -10, false);
    expect_read(ranged(16, 136, 142, 2), 136, 136, false);
    expect_read(ranged(16, 136, 142, 2), 142, 142, false);
}

static void test_outside_the_range(void **state)
{
    (void)state;
    /* Given as it is: a limit is no measurement. */
    expect_read(ranged(16, 136, 142, 2), 118, 118, true);
    expect_read(ranged(16, 136, 142, 2), 270, 270, true);
    expect_read(ranged(16, 0, 255, 2), 300, 300, true);
    expect_read(ranged(8, 0, 100, 1), 101, 101, true);
    expect_read(ranged(8, -10, 10, 1), 0x80, -128, true);
    expect_read(ranged(8, -10, 10, 1), 11, 11, true);
}

static void test_rubbish_in_the_upper_half(void **state)
{
    (void)state;
    expect_read(ranged(32, 0, 65535, 4), 0x80080a00, 0x0a00, false);
    expect_read(ranged(16, 0, 255, 2), 0x8064, 0x64, false);
    /* No value at all. */
    expect_read(ranged(32, 0, 65535, 4), 0xffffffff, 0xffffffff, true);
    /* May be a reading. */
    expect_read(ranged(32, 0, 65535, 4), 0x00010a00, 0x00010a00, true);
    /* The range does not say which bits count, or they are most of the field, or hardly any. */
    expect_read(ranged(32, 0, 65534, 4), 0x80080a00, 0x80080a00, true);
    expect_read(ranged(16, 0, 511, 2), 0x8064, 0x8064, true);
    expect_read(ranged(16, 0, 1, 1), 0x8001, 0x8001, true);
    expect_read(ranged(32, 1, 65535, 4), 0x80080a00, 0x80080a00, true);
}

static void test_places(void **state)
{
    const uint8_t report[] = { 0x12, 0xf1, 0xd7, 0x5a };
    struct hid_field field = ranged(12, 0, 4095, 2);
    int64_t raw;

    (void)state;
    field.bit_offset = 4;
    assert_true(hid_value_get(&unnumbered, &field, report, sizeof report, &raw, NULL));
    assert_int_equal(raw, 0xf11);
    assert_true(hid_value_get(&numbered, &field, report, sizeof report, &raw, NULL));
    assert_int_equal(raw, 0xd7f);
    field = ranged(3, 0, 7, 1);
    field.bit_offset = 7;
    assert_true(hid_value_get(&numbered, &field, report, sizeof report, &raw, NULL));
    assert_int_equal(raw, 7);
}

static void test_short_reports(void **state)
{
    const uint8_t report[] = { 1, 2, 3 };
    struct hid_field field = ranged(16, 0, 65535, 4);
    uint8_t bytes[3] = { 0 };
    int64_t raw;

    (void)state;
    assert_true(hid_value_get(&numbered, &field, report, 3, &raw, NULL));
    assert_int_equal(raw, 0x0302);
    assert_false(hid_value_get(&numbered, &field, report, 2, &raw, NULL));
    assert_false(hid_value_get(&numbered, &field, report, 0, &raw, NULL));
    field.bit_offset = 1;
    assert_false(hid_value_get(&numbered, &field, report, 3, &raw, NULL));
    assert_false(hid_value_put(&numbered, &field, bytes, 3, 1));
    field.bit_offset = UINT16_MAX;
    assert_false(hid_value_get(&numbered, &field, report, 3, &raw, NULL));
}

static void test_put(void **state)
{
    uint8_t report[] = { 0xaa, 0xaa, 0xaa, 0xaa };
    const uint8_t wanted[] = { 0xaa, 0x5a, 0xa4, 0xaa };
    struct hid_field field = ranged(12, 0, 10, 1);
    int64_t raw;

    (void)state;
    field.bit_offset = 4;
    /* The range is no limit for what is written, the bits are. */
    assert_true(hid_value_put(&numbered, &field, report, sizeof report, 0xa45));
    assert_memory_equal(report, wanted, sizeof report);
    assert_true(hid_value_put(&numbered, &field, report, sizeof report, -1));
    assert_true(hid_value_get(&numbered, &field, report, sizeof report, &raw, NULL));
    assert_int_equal(raw, 0xfff);
    assert_true(hid_value_put(&numbered, &field, report, sizeof report, -2048));
    assert_true(hid_value_put(&numbered, &field, report, sizeof report, 4095));
    assert_false(hid_value_put(&numbered, &field, report, sizeof report, -2049));
    assert_false(hid_value_put(&numbered, &field, report, sizeof report, 4096));
    assert_false(hid_value_put(&numbered, &field, report, sizeof report, INT64_MIN));
    assert_int_equal(report[0], 0xaa);
    assert_int_equal(report[3], 0xaa);
    field = ranged(32, 0, -1, 4);
    assert_true(hid_value_put(&unnumbered, &field, report, sizeof report, 4294967295));
    assert_false(hid_value_put(&unnumbered, &field, report, sizeof report, 4294967296));
    assert_false(hid_value_put(&unnumbered, &field, report, sizeof report, -2147483649));
}

static void expect_physical(struct hid_field field, uint32_t unit, int8_t exponent, int64_t raw,
                            double wanted)
{
    field.unit = unit;
    field.exponent = exponent;
    double got = hid_value_to_physical(&field, raw);
    if (fabs(got - wanted) > 1e-9 * fabs(wanted))
        fail_msg("raw %lld gives %.17g, not %.17g", (long long)raw, got, wanted);
    assert_true(hid_value_from_physical(&field, wanted, false) == raw);
    assert_true(hid_value_from_physical(&field, wanted, true) == raw);
}

static void test_units(void **state)
{
    const struct hid_field field = ranged(32, 0, 0x7fffffff, 4);

    (void)state;
    expect_physical(field, 0, 0, 100, 100);
    expect_physical(field, VOLT, 7, 230, 230);
    expect_physical(field, VOLT, 6, 240, 24);
    expect_physical(field, VOLT, 5, 1370, 13.7);
    expect_physical(field, WATT, 7, 525, 525);
    expect_physical(field, 0x0000e121, 7, 3600, 3600);
    expect_physical(field, AMPERE, -2, 60, 0.6);
    expect_physical(field, HERTZ, -1, 499, 49.9);
    expect_physical(field, HERTZ, 0, 50, 50);
    expect_physical(field, SECOND, 0, 2343, 2343);
    expect_physical(field, KELVIN, 0, 298, 24.85);
    expect_physical(field, KELVIN, -1, 2981, 24.95);
    expect_physical(field, AMPERE_SECOND, 0, 25200, 7);
    expect_physical(field, 0, -1, 235, 23.5);
    expect_physical(field, 0, 1, 12, 120);
    /* A volt whose writer forgot the exponent is what the standard says it is. */
    expect_physical(field, VOLT, 0, 139, 139e-7);
}

static void test_physical_range(void **state)
{
    struct hid_field minutes = ranged(16, -1, 32767, 2);

    (void)state;
    minutes.physical_minimum = -60;
    minutes.physical_maximum = 1966020;
    expect_physical(minutes, SECOND, 0, -1, -60);
    expect_physical(minutes, SECOND, 0, 0, 0);
    expect_physical(minutes, SECOND, 0, 2, 120);
    minutes.unit = SECOND;
    assert_int_equal(hid_value_from_physical(&minutes, 20, true), 1);
    assert_int_equal(hid_value_from_physical(&minutes, 61, true), 2);
    assert_int_equal(hid_value_from_physical(&minutes, 60, true), 1);
    assert_int_equal(hid_value_from_physical(&minutes, 20, false), 0);
    assert_int_equal(hid_value_from_physical(&minutes, 40, false), 1);
    /* "None" does not become "now". */
    assert_int_equal(hid_value_from_physical(&minutes, -1, true), -1);
    assert_int_equal(hid_value_from_physical(&minutes, -1, false), -1);
    /* A range that is none, or runs backwards, scales nothing. */
    minutes.physical_minimum = minutes.physical_maximum = 5;
    expect_physical(minutes, 0, 0, 7, 7);
    minutes.physical_minimum = 6;
    expect_physical(minutes, 0, 0, 7, 7);
    /* Nor does one for a logical range of a single number. */
    minutes.physical_maximum = 100;
    minutes.logical_minimum = minutes.logical_maximum = 1;
    expect_physical(minutes, 0, 0, 7, 7);
    /* Nor for a logical range that is not given, or none. */
    minutes.logical_minimum = minutes.logical_maximum = 0;
    expect_physical(minutes, 0, 0, 7, 7);
    minutes.logical_minimum = 300;
    minutes.logical_maximum = 200;
    expect_physical(minutes, 0, 0, 7, 7);
    /* One that equals the logical one changes nothing. */
    minutes.logical_minimum = minutes.physical_minimum = -1;
    minutes.logical_maximum = minutes.physical_maximum = 32767;
    expect_physical(minutes, 0, 0, 7, 7);
}

static void test_from_physical_bounds(void **state)
{
    struct hid_field field = ranged(32, 0, -1, 4);
    uint8_t report[4] = { 0 };

    (void)state;
    assert_true(hid_value_from_physical(&field, (double)NAN, false) == INT64_MIN);
    assert_true(hid_value_from_physical(&field, (double)INFINITY, true) == INT64_MIN);
    assert_true(hid_value_from_physical(&field, -1e300, true) == INT64_MIN);
    assert_true(hid_value_from_physical(&field, 1e12, true) == 1000000000000);
    assert_true(hid_value_from_physical(&field, 4294967295.0, false) == 4294967295);
    assert_false(hid_value_put(&unnumbered, &field, report, sizeof report, INT64_MIN));
}

static void expect_date(int64_t raw, const char *wanted)
{
    char text[11] = "";

    assert_int_equal(hid_date_text(raw, text), wanted != NULL);
    assert_string_equal(text, wanted == NULL ? "" : wanted);
}

static void test_dates(void **state)
{
    (void)state;
    expect_date(42 << 9 | 12 << 5 | 13, "2022/12/13");
    expect_date(0 << 9 | 1 << 5 | 1, "1980/01/01");
    expect_date(127 << 9 | 12 << 5 | 31, "2107/12/31");
    expect_date(44 << 9 | 2 << 5 | 29, "2024/02/29");
    expect_date(43 << 9 | 2 << 5 | 29, NULL);
    expect_date(120 << 9 | 2 << 5 | 29, NULL); /* 2100 has no such day */
    expect_date(42 << 9 | 4 << 5 | 31, NULL);
    expect_date(42 << 9 | 13 << 5 | 1, NULL);
    expect_date(42 << 9 | 0 << 5 | 1, NULL);
    expect_date(42 << 9 | 1 << 5 | 0, NULL);
    expect_date(0, NULL);
    expect_date(-1, NULL);
    expect_date(65536 + (42 << 9 | 12 << 5 | 13), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logical_range),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_outside_the_range),
        cmocka_unit_test(test_rubbish_in_the_upper_half),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_short_reports),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_physical_range),
        cmocka_unit_test(test_from_physical_bounds),
        cmocka_unit_test(test_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
