/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of the families: what no compiler finds wrong in them. */
#include "drivers/usbhid/family.h"

#include "core/variables.h"
#include "drivers/usbhid/families.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static void check_path(const struct family *family, const char *name, const char *text)
{
    struct hid_path path;

    if (!hid_path_parse(&path, text, family->usages))
        fail_msg("%s: %s: nobody knows the path %s", family->name, name, text);
}

static void check_variable(const struct family *family, const struct variable_row *row)
{
    const struct variable_info *info = variable_find(row->variable);

    check_path(family, row->variable, row->path);
    if (info == NULL)
        fail_msg("%s: the vocabulary has no %s", family->name, row->variable);
    if (info->type == TYPE_TEXT && row->show == NULL && row->words == NULL)
        fail_msg("%s: %s is a text and has nothing to make it", family->name, row->variable);
    if (row->words != NULL && row->read != NULL)
        fail_msg("%s: %s is read in two ways", family->name, row->variable);
    if (row->writable && info->type == TYPE_TEXT && row->read == NULL && row->words == NULL)
        fail_msg("%s: %s is a text that nothing reads", family->name, row->variable);
}

/* A word that can be written is one that is shown: whatever is set reads as it was set. */
static void check_words(const struct family *family, const struct variable_row *row)
{
    static struct hid_device device;
    static const struct hid_field field = { .type = HID_FEATURE, .bit_size = 8 };

    for (const struct value_word *at = row->words; at != NULL && at->word != NULL; at++) {
        char text[64] = "";
        int64_t raw = -1;

        assert_true(read_word(row->words, at->word, &raw));
        if (row->show != NULL)
            assert_true(row->show(&device, &field, raw, (double)raw, text, sizeof text));
        else
            assert_true(show_word(row->words, raw, text, sizeof text));
        if (strcmp(text, at->word) != 0)
            fail_msg("%s: %s: %s reads as %s", family->name, row->variable, at->word, text);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (const struct family *const *family = family_table(); *family != NULL; family++) {
        for (const struct variable_row *row = (*family)->variables; row->variable != NULL; row++) {
            check_variable(*family, row);
            check_words(*family, row);
        }
        for (const struct status_row *row = (*family)->flags; row->path != NULL; row++)
            check_path(*family, "a flag", row->path);
        for (const struct command_row *row = (*family)->commands; row->command != NULL; row++) {
            if (command_find(row->command) == NULL)
                fail_msg("%s: the vocabulary has no %s", (*family)->name, row->command);
            if (row->path != NULL)
                check_path(*family, row->command, row->path);
        }
        assert_true((*family)->on_delay > (*family)->off_delay);
    }
}

/* Of the rows of one id without a condition there is one, or some would never be reached. */
static void test_ids(void **state)
{
    struct seen {
        uint16_t vendor_id, product_id;
    } seen[512];
    size_t count = 0;

    (void)state;
    for (const struct family *const *family = family_table(); *family != NULL; family++) {
        for (const struct family_id *id = (*family)->ids; id->vendor_id != 0; id++) {
            if (id->fits != NULL)
                continue;
            for (size_t i = 0; i < count; i++) {
                if (seen[i].vendor_id == id->vendor_id && seen[i].product_id == id->product_id)
                    fail_msg("%04x:%04x is there twice", id->vendor_id, id->product_id);
            }
            assert_true(count < sizeof seen / sizeof seen[0]);
            seen[count++] = (struct seen){ id->vendor_id, id->product_id };
        }
    }
    assert_true(count > 100);
}

static void test_the_generic_family_is_last(void **state)
{
    const struct family *const *family = family_table();

    (void)state;
    while (family[1] != NULL)
        family++;
    assert_ptr_equal(*family, &family_generic);
}

/* Descriptors made of one field. */
static const struct family *find(uint16_t vendor, uint16_t product, const char *name,
                                 const struct hid_path *path, unsigned *quirks)
{
    struct hid_field field = { .type = HID_FEATURE, .bit_size = 8, .path = *path };
    struct hid_descriptor descriptor = { .fields = &field, .field_count = 1 };
    struct hid_identity identity = { .vendor_id = vendor, .product_id = product };

    snprintf(identity.product, sizeof identity.product, "%s", name);
    return family_find(&identity, &descriptor, quirks);
}

static void test_finding(void **state)
{
    struct hid_path summary, instance, foreign, powercom, cyberpower;
    unsigned quirks;

    (void)state;
    assert_true(hid_path_parse(&summary, "UPS.PowerSummary.RemainingCapacity", NULL));
    assert_true(hid_path_parse(&instance, "UPS.Flow.[4].ConfigVoltage", NULL));
    assert_true(hid_path_parse(&foreign, "ffa00001.ffa00002", NULL));
    assert_true(hid_path_parse(&powercom, "00020004.00020016.00020058", NULL));
    assert_true(hid_path_parse(&cyberpower, "UPS.PowerSummary.ff0100d0", NULL));

    assert_ptr_equal(find(0x051d, 0x0002, "Back-UPS BX1600MI", &summary, &quirks), &family_apc);
    assert_true((quirks & HID_QUIRK_FLICKERS) != 0);
    assert_ptr_equal(find(0x051d, 0x0002, "Smart-UPS 1500", &summary, &quirks), &family_apc);
    assert_true((quirks & HID_QUIRK_FLICKERS) == 0);
    assert_ptr_equal(find(0x051d, 0x0003, "Smart-UPS", &summary, &quirks), &family_apc);
    assert_true((quirks & HID_QUIRK_POLL_ONLY) != 0);
    /* A model nobody has seen yet, and a maker nobody has. */
    assert_ptr_equal(find(0x051d, 0x1234, "New", &summary, &quirks), &family_apc);
    assert_int_equal(quirks & HID_QUIRK_POLL_ONLY, 0);
    assert_ptr_equal(find(0x1234, 0x0001, "New", &summary, &quirks), &family_generic);
    assert_int_equal(quirks, 0);
    /* What is no power device is none, whoever made it. */
    assert_null(find(0x051d, 0x0002, "Mouse", &foreign, &quirks));
    assert_null(find(0x0665, 0x5161, "Megatec", &foreign, &quirks));
    /* Ids of several makers. */
    assert_ptr_equal(find(0x06da, 0xffff, "", &instance, &quirks), &family_phoenixtec);
    assert_ptr_equal(find(0x06da, 0xffff, "", &summary, &quirks), &family_tripplite);
    assert_ptr_equal(find(0x0483, 0xa430, "", &cyberpower, &quirks), &family_cyberpower);
    assert_ptr_equal(find(0x0483, 0xa430, "", &summary, &quirks), &family_generic);
    assert_ptr_equal(find(0x0764, 0x0501, "UT850EG", &summary, &quirks), &family_cyberpower);
    assert_true((quirks & HID_QUIRK_DISCHARGE_IS_OB) != 0);
    /* A tree of its own, not on the power device page. */
    assert_ptr_equal(find(0x0d9f, 0x0001, "", &powercom, &quirks), &family_powercom);
    assert_null(find(0x051d, 0x0002, "", &powercom, &quirks));
}

static struct hid_field mended(uint32_t unit, int8_t exponent, uint8_t bits, const char *path)
{
    struct hid_field field = { .unit = unit, .exponent = exponent, .bit_size = bits };
    struct hid_descriptor descriptor = { .fields = &field, .field_count = 1 };

    assert_true(hid_path_parse(&field.path, path, NULL));
    family_repair_common(&descriptor);
    return field;
}

static void test_common_repairs(void **state)
{
    static const struct {
        uint32_t unit;
        int8_t before, after;
        uint8_t bits;
    } exponents[] = {
        { 0x00f0d121, 7, 7, 16 }, { 0x00f0d121, 6, 6, 16 },  { 0x00f0d121, 5, 5, 16 },
        { 0x00f0d121, 1, 6, 16 }, { 0x00f0d121, -1, 6, 16 }, { 0x00f0d121, 0, 7, 16 },
        { 0x00f0d121, 1, 1, 32 }, { 0x0000f001, 1, -1, 16 }, { 0x0000f001, -1, -1, 16 },
        { 0x0000f001, 0, 0, 8 },  { 0x00100001, 1, -1, 16 }, { 0x00100001, -2, -2, 16 },
        { 0x00001001, 1, 1, 16 },
    };
    struct hid_path expected;

    (void)state;
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++)
        assert_int_equal(
            mended(exponents[i].unit, exponents[i].before, exponents[i].bits, "UPS.Input.Voltage")
                .exponent,
            exponents[i].after);
    assert_true(hid_path_parse(&expected, "UPS.Output.Voltage", NULL));
    struct hid_field field = mended(0, 0, 8, "PowerSupply.Output.Voltage");
    assert_true(hid_path_equal(&field.path, &expected));
    field = mended(0, 0, 8, "Output.Voltage");
    assert_true(hid_path_equal(&field.path, &expected));
    field = mended(0, 0, 8, "UPS.Output.Voltage");
    assert_true(hid_path_equal(&field.path, &expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_the_generic_family_is_last),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_common_repairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
