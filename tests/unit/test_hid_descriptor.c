/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/descriptor.h"
#include "drivers/usbhid/usages.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A UPS's collection, opened. */
#define UPS "05 84 09 04 a1 01 "
/* One byte a field, one field. */
#define BYTE "75 08 95 01 "

/* Hexadecimal bytes, blanks between them. */
static struct hid_descriptor *parse(const char *text)
{
    uint8_t *bytes = malloc(strlen(text) + 1);
    size_t length = 0;
    char *end;

    assert_non_null(bytes);
    for (;;) {
        unsigned long byte = strtoul(text, &end, 16);

        if (end == text)
            break;
        bytes[length++] = (uint8_t)byte;
        text = end;
    }
    assert_string_equal(text + strspn(text, " "), "");
    /* Of its exact size, so that a sanitizer sees a read beyond the end. */
    bytes = realloc(bytes, length + (length == 0));
    assert_non_null(bytes);
    struct hid_descriptor *descriptor = hid_descriptor_parse(bytes, length);
    free(bytes);
    assert_non_null(descriptor);
    return descriptor;
}

/* All fields as text: "F1:0+8 UPS.Voltage;" is type, report, offset, bits, path. */
static void expect(const char *text, const char *wanted)
{
    struct hid_descriptor *descriptor = parse(text);
    char got[4096] = "";
    size_t used = 0;

    assert_string_equal(descriptor->problem, "");
    for (size_t i = 0; i < descriptor->field_count; i++) {
        const struct hid_field *field = &descriptor->fields[i];
        char path[256];

        hid_path_print(&field->path, NULL, path, sizeof path);
        used +=
            (size_t)snprintf(got + used, sizeof got - used, "%c%u:%u+%u %s;", " IOF"[field->type],
                             field -> report, field -> bit_offset, field -> bit_size, path);
        assert_true(used < sizeof got);
    }
    assert_string_equal(got, wanted);
    hid_descriptor_free(descriptor);
}

static void expect_problem(const char *text, const char *problem)
{
    struct hid_descriptor *descriptor = parse(text);

    assert_string_equal(descriptor->problem, problem);
    assert_int_equal(descriptor->field_count, 0);
    assert_null(descriptor->fields);
    assert_false(hid_descriptor_is_power_device(descriptor));
    hid_descriptor_free(descriptor);
}

static void test_one_field(void **state)
{
    struct hid_descriptor *descriptor =
        parse(UPS "85 07 09 30 15 00 26 ff 00 35 81 46 00 80 75 10 95 01 55 06 67 21 d1 f0 00 "
                  "b2 a2 01 c0");
    const struct hid_field *field = descriptor->fields;

    (void)state;
    assert_int_equal(descriptor->field_count, 1);
    assert_true(descriptor->numbered);
    assert_int_equal(field->type, HID_FEATURE);
    assert_int_equal(field->report, 7);
    assert_int_equal(field->flags, 0x1a2);
    assert_int_equal(field->logical_minimum, 0);
    assert_int_equal(field->logical_maximum, 255);
    assert_int_equal(field->logical_maximum_size, 2);
    assert_int_equal(field->physical_minimum, -127);
    assert_int_equal(field->physical_maximum, -32768);
    assert_int_equal(field->exponent, 6);
    assert_int_equal(field->unit, 0x00f0d121);
    assert_int_equal(field->path.length, 2);
    assert_int_equal(field->path.usages[0], 0x00840004);
    assert_int_equal(field->path.usages[1], 0x00840030);
    assert_int_equal(descriptor->report_sizes[HID_FEATURE - 1][7], 3);
    assert_int_equal(descriptor->report_sizes[HID_INPUT - 1][7], 0);
    hid_descriptor_free(descriptor);
}

static void test_numbers_are_signed_by_their_size(void **state)
{
    struct hid_descriptor *descriptor =
        parse(UPS BYTE "14 25 ff 09 30 b1 02 16 ff ff 26 ff 7f 09 "
                       "30 b1 02 17 ff ff ff ff 27 ff ff 00 00 09 "
                       "30 b1 02 24 55 f9 09 30 b1 02 55 08 09 30 b1 02 c0");
    const struct hid_field *fields = descriptor->fields;

    (void)state;
    assert_int_equal(descriptor->field_count, 5);
    assert_int_equal(fields[0].logical_minimum, 0);
    assert_int_equal(fields[0].logical_maximum, -1);
    assert_int_equal(fields[0].logical_maximum_size, 1);
    assert_int_equal(fields[1].logical_minimum, -1);
    assert_int_equal(fields[1].logical_maximum, 32767);
    assert_int_equal(fields[2].logical_minimum, -1);
    assert_int_equal(fields[2].logical_maximum, 65535);
    assert_int_equal(fields[2].logical_maximum_size, 4);
    assert_int_equal(fields[3].logical_maximum, 0);
    assert_int_equal(fields[3].logical_maximum_size, 1);
    assert_int_equal(fields[3].exponent, -7);
    assert_int_equal(fields[4].exponent, -8);
    hid_descriptor_free(descriptor);
}

static void test_offsets_are_of_type_and_report(void **state)
{
    (void)state;
    expect(UPS BYTE "85 01 09 30 81 02 09 30 b1 02 09 31 b1 02 85 02 09 32 b1 02 09 33 91 02 "
                    "85 01 09 35 81 02 c0",
           "I1:0+8 UPS.Voltage;F1:0+8 UPS.Voltage;F1:8+8 UPS.Current;F2:0+8 UPS.Frequency;"
           "O2:0+8 UPS.ApparentPower;I1:8+8 UPS.PercentLoad;");
}

static void test_sizes_of_reports(void **state)
{
    struct hid_descriptor *descriptor =
        parse(UPS "85 01 75 01 95 09 09 60 81 02 85 02 75 28 95 03 09 30 b1 02 c0");

    (void)state;
    /* Nine bits take two bytes; what is too wide for a field has its place too. */
    assert_int_equal(descriptor->report_sizes[HID_INPUT - 1][1], 3);
    assert_int_equal(descriptor->report_sizes[HID_FEATURE - 1][2], 16);
    assert_int_equal(descriptor->field_count, 9);
    hid_descriptor_free(descriptor);
    descriptor = parse(UPS BYTE "09 30 b1 02 c0");
    assert_false(descriptor->numbered);
    assert_int_equal(descriptor->report_sizes[HID_FEATURE - 1][0], 1);
    hid_descriptor_free(descriptor);
}

static void test_usages_and_elements(void **state)
{
    (void)state;
    /* As many. */
    expect(UPS "75 01 95 02 09 60 09 61 81 02 c0", "I0:0+1 UPS.Present;I0:1+1 UPS.Good;");
    /* The last one serves the rest. */
    expect(UPS "75 01 95 03 09 60 09 61 81 02 c0",
           "I0:0+1 UPS.Present;I0:1+1 UPS.Good;I0:2+1 UPS.Good;");
    /* A surplus is dropped, and does not leak into the next item. */
    expect(UPS "75 01 95 01 09 60 09 61 81 02 81 02 09 62 81 02 c0",
           "I0:0+1 UPS.Present;I0:2+1 UPS.InternalFailure;");
    /* Without a usage it is padding, constant or not; with one it counts though it is constant. */
    expect(UPS "75 03 95 01 81 03 81 02 09 60 81 03 c0", "I0:6+3 UPS.Present;");
    /* No bits, no fields. */
    expect(UPS "75 08 95 00 09 60 81 02 74 95 08 09 61 81 02 75 08 94 09 61 81 02 95 01 09 62 81 "
               "02 c0",
           "I0:0+8 UPS.InternalFailure;");
}

static void test_many_repeats(void **state)
{
    struct hid_descriptor *descriptor =
        parse(UPS "85 01 75 08 95 ff 09 30 b1 02 95 01 09 31 b1 02 c0");
    const struct hid_field *last = &descriptor->fields[descriptor->field_count - 1];

    (void)state;
    assert_int_equal(descriptor->field_count, 1 + HID_REPEATS_MAX + 1);
    assert_int_equal(last->path.usages[1], 0x00840031);
    assert_int_equal(last->bit_offset, 255 * 8);
    assert_int_equal(descriptor->report_sizes[HID_FEATURE - 1][1], 257);
    hid_descriptor_free(descriptor);
}

static void test_ranges_of_usages(void **state)
{
    (void)state;
    expect(UPS "75 01 95 04 09 6d 19 60 29 62 81 02 c0",
           "I0:0+1 UPS.Used;I0:1+1 UPS.Present;I0:2+1 UPS.Good;I0:3+1 UPS.InternalFailure;");
    /* The other way round. */
    expect(UPS "75 01 95 02 29 61 19 60 81 02 c0", "I0:0+1 UPS.Present;I0:1+1 UPS.Good;");
    /* One end brings the page for both. */
    expect(UPS "75 01 95 02 1b d0 00 85 00 29 d1 81 02 c0",
           "I0:0+1 UPS.ACPresent;I0:1+1 UPS.BatteryPresent;");
    expect(UPS "75 01 95 02 19 d0 2b d1 00 85 00 81 02 c0",
           "I0:0+1 UPS.ACPresent;I0:1+1 UPS.BatteryPresent;");
    /* Half a range, an empty one, and one across pages are none. */
    expect(UPS "75 01 95 01 19 60 81 02 29 61 81 02 19 61 29 60 81 02 1b 60 00 84 00 2b 61 00 85 "
               "00 81 02 09 6d 81 02 c0",
           "I0:4+1 UPS.Used;");
    /* A range of one; its ends are used up with it. */
    expect(UPS "75 01 95 02 19 60 29 60 19 61 09 6d 81 02 c0",
           "I0:0+1 UPS.Present;I0:1+1 UPS.Used;");
    /* The last of a range serves the rest. */
    expect(UPS "75 01 95 03 19 60 29 61 81 02 c0",
           "I0:0+1 UPS.Present;I0:1+1 UPS.Good;I0:2+1 UPS.Good;");
}

static void test_pages(void **state)
{
    (void)state;
    /* Four bytes bring their own page and leave the current one alone. */
    expect(UPS BYTE "0b 66 00 85 00 b1 02 09 30 b1 02 06 86 ff 09 60 b1 02 c0",
           "F0:0+8 UPS.RemainingCapacity;F0:8+8 UPS.Voltage;F0:16+8 UPS.ff860060;");
    /* Usages of one item may be of several pages. */
    expect(UPS "75 01 95 02 05 85 09 d0 05 84 09 60 81 02 c0",
           "I0:0+1 UPS.ACPresent;I0:1+1 UPS.Present;");
}

static void test_delimiters(void **state)
{
    (void)state;
    expect(UPS "75 01 95 02 a9 01 09 60 09 61 a9 00 09 62 81 02 c0",
           "I0:0+1 UPS.Present;I0:1+1 UPS.InternalFailure;");
    expect(UPS "75 01 95 02 a9 01 19 60 29 61 09 6d a9 00 a9 01 09 62 a9 00 81 02 c0",
           "I0:0+1 UPS.Present;I0:1+1 UPS.Good;");
    /* One that is not closed ends with its item. */
    expect(UPS "75 01 95 01 a9 01 09 60 81 02 95 02 09 61 09 62 81 02 c0",
           "I0:0+1 UPS.Present;I0:1+1 UPS.Good;I0:2+1 UPS.InternalFailure;");
}

static void test_push_and_pop(void **state)
{
    (void)state;
    expect(UPS BYTE "85 01 a4 75 10 85 02 05 85 09 66 b1 02 b4 09 30 b1 02 c0",
           "F2:0+16 UPS.RemainingCapacity;F1:0+8 UPS.Voltage;");
    /* A pop too many changes nothing. */
    expect(UPS BYTE "b4 09 30 b1 02 c0", "F0:0+8 UPS.Voltage;");
    expect(UPS BYTE "a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 09 30 b1 02 c0",
           "F0:0+8 UPS.Voltage;");
    expect_problem(UPS BYTE "a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 a4 09 30 b1 02 c0",
                   "it pushes its state too often");
}

static void test_collections(void **state)
{
    (void)state;
    expect(UPS BYTE "09 24 a1 00 09 02 a1 02 09 60 81 02 c0 09 30 81 02 c0 09 31 81 02 c0",
           "I0:0+8 UPS.PowerSummary.PresentStatus.Present;I0:8+8 UPS.PowerSummary.Voltage;"
           "I0:16+8 UPS.Current;");
    /* Without a usage; what came before the one with a usage does not count. */
    expect(UPS BYTE "a1 00 09 30 b1 02 c0 a0 09 31 b1 02 c0 c0",
           "F0:0+8 UPS.00000000.Voltage;F0:8+8 UPS.00000000.Current;");
    /* Instances. */
    expect(UPS BYTE "09 18 a1 00 09 20 a1 82 09 21 b1 02 c0 09 20 a1 ff 09 21 b1 02 c0 09 20 a1 80 "
                    "09 21 b1 02 c0 c0 c0",
           "F0:0+8 UPS.OutletSystem.Outlet.[2].OutletID;"
           "F0:8+8 UPS.OutletSystem.Outlet.[127].OutletID;"
           "F0:16+8 UPS.OutletSystem.Outlet.OutletID;");
    /* Several at the top. */
    expect("05 01 09 06 a1 01 " BYTE "85 01 09 30 81 02 c0 " UPS "85 02 09 30 81 02 c0",
           "I1:0+8 00010006.00010030;I2:0+8 UPS.Voltage;");
}

static void test_unbalanced_collections(void **state)
{
    (void)state;
    expect(UPS BYTE "09 24 a1 00 09 30 b1 02", "F0:0+8 UPS.PowerSummary.Voltage;");
    expect("c0 c0 " UPS BYTE "09 30 b1 02 c0 c0 c0 09 24 a1 00 09 31 b1 02 c0",
           "F0:0+8 UPS.Voltage;F0:8+8 PowerSummary.Current;");
    /* A field on its own. */
    expect("05 84 " BYTE "09 30 b1 02", "F0:0+8 Voltage;");
}

static void test_deep_collections(void **state)
{
    (void)state;
    /* Eleven collections and the field are twelve. */
    expect(UPS BYTE "09 01 a1 00 09 01 a1 00 09 01 a1 00 09 01 a1 00 09 01 a1 00 09 01 a1 00 09 01 "
                    "a1 00 09 01 a1 00 09 01 a1 00 09 01 a1 00 09 30 b1 02",
           "F0:0+8 UPS.iName.iName.iName.iName.iName.iName.iName.iName.iName.iName.Voltage;");
    /* One more: fields in it are left out but keep their places; outside all is as it was. */
    expect(UPS BYTE "09 01 a1 00 09 01 a1 00 09 01 a1 00 09 01 a1 00 09 01 a1 00 09 01 a1 00 09 01 "
                    "a1 00 09 01 a1 00 09 01 a1 00 09 01 a1 00 09 01 a1 00 09 30 b1 02 09 01 a1 81 "
                    "09 31 b1 02 c0 c0 09 32 b1 02 c0 09 33 b1 02",
           "F0:16+8 UPS.iName.iName.iName.iName.iName.iName.iName.iName.iName.iName.Frequency;"
           "F0:24+8 UPS.iName.iName.iName.iName.iName.iName.iName.iName.iName.ApparentPower;");
    /* An instance needs two places. */
    expect(UPS BYTE "09 01 a1 81 09 01 a1 81 09 01 a1 81 09 01 a1 81 09 01 a1 81 09 01 a1 81 09 30 "
                    "b1 02 c0 09 31 b1 02",
           "F0:8+8 UPS.iName.[1].iName.[1].iName.[1].iName.[1].iName.[1].Current;");
}

static void test_arrays(void **state)
{
    (void)state;
    /* One usage for an array of bytes. */
    expect(UPS "75 08 95 02 09 30 b1 00 c0", "F0:0+8 UPS.Voltage;F0:8+8 UPS.Voltage;");
    expect(UPS "75 08 95 02 09 30 09 31 b1 00 c0", "F0:0+8 UPS.Voltage;F0:8+8 UPS.Current;");
    /* One element that tells which of several holds is none of them. */
    expect(UPS BYTE "09 60 09 61 81 00 09 30 81 02 c0", "I0:8+8 UPS.Voltage;");
}

static void test_odd_items(void **state)
{
    (void)state;
    /* Long items, reserved types and tags, strings and designators. */
    expect(UPS BYTE "fe 02 10 09 60 fe 00 00 09 30 79 05 39 01 0c 5d 01 d5 07 b1 02 f0 c0",
           "F0:0+8 UPS.Voltage;");
    /* A main item nobody knows takes its local items with it. */
    expect(UPS BYTE "09 60 d1 00 09 30 b1 02 c0", "F0:0+8 UPS.Voltage;");
    /* Number 0 is no number. */
    expect(UPS BYTE "85 00 09 30 b1 02 c0", "F0:0+8 UPS.Voltage;");
}

static void test_cut_off(void **state)
{
    (void)state;
    expect(UPS BYTE "09 30 b1 02 09 31 b1", "F0:0+8 UPS.Voltage;");
    expect(UPS BYTE "09 30 b1 02 27 ff ff 00", "F0:0+8 UPS.Voltage;");
    expect(UPS BYTE "09 30 b1 02 fe", "F0:0+8 UPS.Voltage;");
    expect(UPS BYTE "09 30 b1 02 fe 05 00 01", "F0:0+8 UPS.Voltage;");
    expect_problem(UPS BYTE "09 30 b1", "it describes no field");
    expect_problem("", "it describes no field");
    expect_problem("00", "it describes no field");
}

static void test_bounds(void **state)
{
    char text[3 * 2000];
    uint8_t *bytes = calloc(1, HID_DESCRIPTOR_MAX + 1);

    (void)state;
    assert_non_null(bytes);
    struct hid_descriptor *descriptor = hid_descriptor_parse(bytes, HID_DESCRIPTOR_MAX + 1);
    assert_string_equal(descriptor->problem, "it is too long");
    hid_descriptor_free(descriptor);
    descriptor = hid_descriptor_parse(bytes, HID_DESCRIPTOR_MAX);
    assert_string_equal(descriptor->problem, "it describes no field");
    hid_descriptor_free(descriptor);
    free(bytes);
    descriptor = parse(UPS "75 08 96 ff 03 09 30 b1 02");
    assert_int_equal(descriptor->report_sizes[HID_FEATURE - 1][0], HID_REPORT_MAX - 1);
    hid_descriptor_free(descriptor);
    expect_problem(UPS "75 08 96 00 04 09 30 b1 02", "a report is too long");
    expect_problem(UPS "75 08 96 ff 03 09 30 b1 02 95 01 b1 02", "a report is too long");
    expect_problem(UPS "77 ff ff ff ff 97 ff ff ff ff 09 30 b1 02", "a report is too long");
    expect_problem(UPS BYTE "86 00 01 09 30 b1 02", "a report has a number above 255");
    expect_problem(UPS "75 01 96 00 10 19 00 2a ff 0f b1 02 85 01 19 00 2a ff 0f b1 02",
                   "it has too many fields");
    strcpy(text, UPS BYTE);
    for (size_t i = 0; i < 257; i++)
        strcat(text, "09 30 ");
    expect_problem(text, "too many usages for one item");
}

static void test_is_power_device(void **state)
{
    static const struct {
        const char *text;
        bool is_power_device;
    } cases[] = {
        { UPS BYTE "09 30 b1 02 c0", true },
        { "05 85 09 01 a1 01 " BYTE "09 30 b1 02 c0", true },
        { "05 01 09 06 a1 01 " BYTE "09 30 b1 02 c0 " UPS "85 02 09 30 b1 02", true },
        { "05 01 09 06 a1 01 " BYTE "05 84 09 04 a1 00 09 30 b1 02", false },
        { "05 84 " BYTE "09 30 b1 02", false },
        /* The collection alone holds nothing. */
        { UPS "c0 05 01 09 06 a1 01 " BYTE "09 30 b1 02", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hid_descriptor *descriptor = parse(cases[i].text);

        assert_string_equal(descriptor->problem, "");
        assert_int_equal(hid_descriptor_is_power_device(descriptor), cases[i].is_power_device);
        hid_descriptor_free(descriptor);
    }
}

static void test_find(void **state)
{
    struct hid_descriptor *descriptor =
        parse(UPS BYTE "09 30 81 02 09 31 81 02 09 30 b1 02 09 30 b1 02 09 31 91 02 c0");
    struct hid_field *fields = descriptor->fields;
    struct hid_path path;
    size_t from = 0;

    (void)state;
    assert_true(hid_path_parse(&path, "UPS.Voltage", NULL));
    assert_ptr_equal(hid_descriptor_find(descriptor, &path, 0, NULL), &fields[2]);
    assert_ptr_equal(hid_descriptor_find(descriptor, &path, HID_INPUT, NULL), &fields[0]);
    assert_null(hid_descriptor_find(descriptor, &path, HID_OUTPUT, NULL));
    assert_ptr_equal(hid_descriptor_find(descriptor, &path, 0, &from), &fields[2]);
    assert_ptr_equal(hid_descriptor_find(descriptor, &path, 0, &from), &fields[3]);
    assert_ptr_equal(hid_descriptor_find(descriptor, &path, 0, &from), &fields[0]);
    assert_null(hid_descriptor_find(descriptor, &path, 0, &from));
    assert_null(hid_descriptor_find(descriptor, &path, 0, &from));
    from = 0;
    assert_ptr_equal(hid_descriptor_find(descriptor, &path, HID_FEATURE, &from), &fields[2]);
    assert_ptr_equal(hid_descriptor_find(descriptor, &path, HID_FEATURE, &from), &fields[3]);
    assert_null(hid_descriptor_find(descriptor, &path, HID_FEATURE, &from));
    /* Of Input alone, and an Output is neither. */
    assert_true(hid_path_parse(&path, "UPS.Current", NULL));
    assert_ptr_equal(hid_descriptor_find(descriptor, &path, 0, NULL), &fields[1]);
    assert_ptr_equal(hid_descriptor_find(descriptor, &path, HID_OUTPUT, NULL), &fields[4]);
    /* The beginning of a path is another path. */
    assert_true(hid_path_parse(&path, "UPS", NULL));
    assert_null(hid_descriptor_find(descriptor, &path, 0, NULL));
    hid_descriptor_free(descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_field),
        cmocka_unit_test(test_numbers_are_signed_by_their_size),
        cmocka_unit_test(test_offsets_are_of_type_and_report),
        cmocka_unit_test(test_sizes_of_reports),
        cmocka_unit_test(test_usages_and_elements),
        cmocka_unit_test(test_many_repeats),
        cmocka_unit_test(test_ranges_of_usages),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_delimiters),
        cmocka_unit_test(test_push_and_pop),
        cmocka_unit_test(test_collections),
        cmocka_unit_test(test_unbalanced_collections),
        cmocka_unit_test(test_deep_collections),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_odd_items),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_is_power_device),
        cmocka_unit_test(test_find),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
