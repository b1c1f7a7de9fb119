/* SPDX-License-Identifier: BSD-2-Clause */
/* Which USB devices a section means, and which section has which. */
#include "drivers/usb_match.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct usb_match *match_of(const char *section, struct option_setting *options, size_t count)
{
    struct config_report report = { 0 };
    const struct device_settings settings = { .name = (char *)(uintptr_t)section,
                                              .file = "ups.conf",
                                              .options = options,
                                              .option_count = count };
    struct usb_match *match = usb_match_new(&settings, &report);

    assert_non_null(match);
    return match;
}

static struct usb_facts unit(const char *serial, const char *busport)
{
    struct usb_facts facts = { .identity = { .vendor_id = 0x051d,
                                             .product_id = 0x0002,
                                             .release = 0x0106,
                                             .vendor = "American Power Conversion",
                                             .product = "Back-UPS ES 850G2" },
                               .place = { .bus = "001", .number = "012" } };

    snprintf(facts.identity.serial, sizeof facts.identity.serial, "%s", serial);
    snprintf(facts.place.busport, sizeof facts.place.busport, "%s", busport);
    return facts;
}

/* Does a section with this one option mean the usual unit? */
static bool fits(const char *key, const char *value)
{
    struct option_setting option = { (char *)(uintptr_t)key, (char *)(uintptr_t)value, 1 };
    struct usb_match *match = match_of("ups", &option, 1);
    struct usb_facts facts = unit("4B2102P12345", "1-1.2");
    bool result = usb_match_numbers(match, &facts) && usb_match_strings(match, &facts);

    usb_match_free(match);
    return result;
}

static void test_numbers(void **state)
{
    (void)state;
    assert_true(fits("vendorid", "051d"));
    assert_true(fits("vendorid", "051D"));
    assert_true(fits("vendorid", "0x051d"));
    assert_true(fits("vendorid", "51d"));
    assert_true(fits("vendorid", "05(1d|64)"));
    assert_false(fits("vendorid", "0764"));
    assert_false(fits("vendorid", "05"));
    assert_true(fits("productid", "0002"));
    assert_true(fits("productid", "000[23]"));
    assert_false(fits("productid", "0003"));
    assert_true(fits("bcdDevice", "0106"));
    assert_false(fits("bcdDevice", "0202"));
    assert_true(fits("vendorid", ""));
}

static void test_places(void **state)
{
    (void)state;
    assert_true(fits("bus", "001"));
    assert_true(fits("bus", "1"));
    assert_false(fits("bus", "002"));
    assert_true(fits("device", "012"));
    assert_true(fits("device", "12"));
    assert_false(fits("device", "1"));
    assert_false(fits("device", "0x12"));
    assert_true(fits("device", "01."));
    assert_true(fits("busport", "1-1.2"));
    /* A path is meant as a whole. */
    assert_false(fits("busport", "1-1"));
    assert_false(fits("busport", "1-1.23"));
    assert_false(fits("busport", "-1.2"));
    assert_true(fits("busport", "1-1[.].*"));
    /* As NUT has it: the number of the last port. */
    assert_true(fits("busport", "002"));
    assert_false(fits("busport", "001"));
}

static void test_strings(void **state)
{
    (void)state;
    assert_true(fits("vendor", "american power"));
    assert_true(fits("product", "^Back-UPS.*850G2$"));
    assert_false(fits("product", "Smart"));
    assert_true(fits("serial", "4b2102p12345"));
    assert_false(fits("serial", "^2102"));
}

static void test_description(void **state)
{
    struct option_setting options[] = { { "vendorid", "051d", 1 }, { "serial", "X.*", 2 } };
    struct usb_match *match = match_of("ups", options, 2);
    char text[64], small[12];

    (void)state;
    usb_match_describe(match, text, sizeof text);
    assert_string_equal(text, "vendorid 051d, serial X.*");
    usb_match_describe(match, small, sizeof small);
    assert_string_equal(small, "vendorid 05");
    usb_match_free(match);
    match = match_of("ups", NULL, 0);
    usb_match_describe(match, text, sizeof text);
    assert_string_equal(text, "");
    usb_match_free(match);
}

static void test_bad_expressions_are_told(void **state)
{
    struct option_setting option = { "product", "a(b", 7 };
    const struct device_settings settings = {
        .name = "ups", .file = "ups.conf", .options = &option, .option_count = 1
    };
    struct config_report report = { 0 };

    (void)state;
    assert_null(usb_match_new(&settings, &report));
    assert_int_equal(report.errors, 1);
}

static bool claim(struct usb_match *match, struct usb_facts facts, const char *other)
{
    char who[64] = "";
    bool result = usb_match_claim(match, &facts, who, sizeof who);

    assert_string_equal(who, result ? "" : other);
    if (result)
        usb_match_remember(match, &facts);
    return result;
}

static void test_a_device_has_one_section(void **state)
{
    struct usb_match *a = match_of("a", NULL, 0);
    struct usb_match *b = match_of("b", NULL, 0);

    (void)state;
    assert_true(claim(a, unit("", "1-1"), NULL));
    assert_false(claim(b, unit("", "1-1"), "a"));
    assert_true(claim(b, unit("", "1-2"), NULL));
    usb_match_free(a);
    /* Who is gone for good has nothing any more. */
    usb_match_release(b);
    assert_true(claim(b, unit("", "1-1"), NULL));
    usb_match_free(b);
}

static void test_a_unit_is_left_to_who_had_it(void **state)
{
    struct usb_match *a = match_of("a", NULL, 0);
    struct usb_match *b = match_of("b", NULL, 0);

    (void)state;
    assert_true(claim(a, unit("S1", "1-1"), NULL));
    assert_true(claim(b, unit("S2", "1-2"), NULL));
    usb_match_release(a);
    usb_match_release(b);
    /* Its serial number tells, wherever it is plugged in. */
    assert_false(claim(a, unit("S2", "1-1"), "b"));
    assert_true(claim(a, unit("S1", "1-2"), NULL));
    assert_true(claim(b, unit("S2", "1-1"), NULL));
    assert_int_equal(usb_match_counters(a)->reopened, 1);
    usb_match_free(a);
    usb_match_free(b);
}

static void test_without_serial_numbers_the_port_tells(void **state)
{
    struct usb_match *a = match_of("a", NULL, 0);
    struct usb_match *b = match_of("b", NULL, 0);
    struct usb_facts here = unit("000000000", "1-1");
    struct usb_facts there = unit("000000000", "1-2");
    struct usb_facts other_kind = unit("000000000", "1-1");

    (void)state;
    other_kind.identity.product_id = 3;
    assert_true(claim(a, here, NULL));
    assert_true(claim(b, there, NULL));
    usb_match_release(a);
    usb_match_release(b);
    assert_int_equal(usb_match_familiarity(a, &here), 1);
    assert_int_equal(usb_match_familiarity(a, &there), 0);
    assert_int_equal(usb_match_familiarity(a, &other_kind), 0);
    assert_false(claim(b, here, "a"));
    /* One that nobody knows is free. */
    assert_true(claim(b, unit("", "1-3"), NULL));
    usb_match_free(a);
    usb_match_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_bad_expressions_are_told),
        cmocka_unit_test(test_a_device_has_one_section),
        cmocka_unit_test(test_a_unit_is_left_to_who_had_it),
        cmocka_unit_test(test_without_serial_numbers_the_port_tells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
