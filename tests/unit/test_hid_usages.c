/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/usages.h"

#include "tests/unit/unit.h"

#include <string.h>

static const struct usage_name vendor[] = {
    { "APCGeneralCollection", 0xff860005 },
    { "DelayBeforeStartup", 0xffff0056 }, /* hides the standard's */
    { "Timer", 0x00ff0056 },
    { NULL, 0 },
};

static void expect_path(const char *text, const struct usage_name *names, const hid_usage *usages,
                        uint8_t length)
{
    struct hid_path path;

    assert_true(hid_path_parse(&path, text, names));
    assert_int_equal(path.length, length);
    assert_memory_equal(path.usages, usages, length * sizeof usages[0]);
}

static void test_parse(void **state)
{
    static const hid_usage status[] = { 0x00840004, 0x00840024, 0x00840002, 0x008500d0 };
    static const hid_usage outlet[] = { 0x00840004, 0x00840018, 0x00840020, 0x00ff0002,
                                        0x00840021 };
    static const hid_usage digits[] = { 0x00840004, 0xff860005, 0x00000000 };
    static const hid_usage hidden[] = { 0xffff0056, 0x00ff0056 };
    static const hid_usage standard[] = { 0x00840056 };

    (void)state;
    expect_path("UPS.PowerSummary.PresentStatus.ACPresent", NULL, status, 4);
    expect_path("ups.powersummary.presentstatus.acpresent", vendor, status, 4);
    expect_path("UPS.OutletSystem.Outlet.[2].OutletID", NULL, outlet, 5);
    expect_path("UPS.ff860005.00000000", NULL, digits, 3);
    expect_path("UPS.0xFF860005.0x00000000", NULL, digits, 3);
    expect_path("UPS.APCGeneralCollection.00000000", vendor, digits, 3);
    expect_path("DelayBeforeStartup.Timer", vendor, hidden, 2);
    expect_path("DelayBeforeStartup", NULL, standard, 1);
}

static void test_parse_refuses(void **state)
{
    static const char *const wrong[] = {
        "",
        ".",
        "UPS.",
        ".UPS",
        "UPS..Voltage",
        "UPS.Voltages",
        "UPS.APCGeneralCollection",
        "UPS.ff86005",
        "UPS.ff8600055",
        "UPS.ff86000g",
        "UPS.0xff86",
        "UPS.[]",
        "UPS.[-1]",
        "UPS.[ 1]",
        "UPS.[1",
        "UPS.[1]x",
        "UPS.[65536]",
        "UPS.[99999999999999999999]",
        "UPS.UPS.UPS.UPS.UPS.UPS.UPS.UPS.UPS.UPS.UPS.UPS.UPS",
        "UPS.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "UPS.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct hid_path path;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (hid_path_parse(&path, wrong[i], NULL))
            fail_msg("'%s' was taken", wrong[i]);
    }
    assert_true(hid_path_parse(&path, "UPS.UPS.UPS.UPS.UPS.UPS.UPS.UPS.UPS.UPS.UPS.[65535]", NULL));
}

static void expect_text(const struct hid_path *path, const struct usage_name *names,
                        const char *wanted)
{
    char text[256];

    hid_path_print(path, names, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void test_print(void **state)
{
    static const struct hid_path path = {
        5, { 0x00840004, 0xff860005, 0x00840056, 0x00ff0056, 0x00ff0003 }
    };
    static const struct hid_path twin = { 2, { 0x00840063, 0x008500d8 } };
    static const struct hid_path nothing = { 0 };

    (void)state;
    expect_text(&path, NULL, "UPS.ff860005.DelayBeforeStartup.[86].[3]");
    /* The vendor has taken the standard's name for something else. */
    expect_text(&path, vendor, "UPS.APCGeneralCollection.00840056.Timer.[3]");
    /* Two pages have the name. */
    expect_text(&twin, NULL, "VoltageOutOfRange.008500d8");
    expect_text(&nothing, NULL, "");
}

static void test_print_cuts(void **state)
{
    static const struct hid_path path = { 3, { 0x00840004, 0x0084001a, 0x00840030 } };
    char text[32] = "untouched";

    (void)state;
    hid_path_print(&path, NULL, text, 0);
    assert_string_equal(text, "untouched");
    hid_path_print(&path, NULL, text, 1);
    assert_string_equal(text, "");
    hid_path_print(&path, NULL, text, 7);
    assert_string_equal(text, "UPS.In");
    assert_int_equal(text[7], 'e');
    hid_path_print(&path, NULL, text, 18);
    assert_string_equal(text, "UPS.Input.Voltage");
}

static void test_equal(void **state)
{
    struct hid_path a = { 2, { 1, 2 } };
    struct hid_path b = { 2, { 1, 2, 3 } };

    (void)state;
    assert_true(hid_path_equal(&a, &b));
    b.usages[1] = 3;
    assert_false(hid_path_equal(&a, &b));
    b.usages[1] = 2;
    b.length = 3;
    assert_false(hid_path_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse), cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_print), cmocka_unit_test(test_print_cuts),
        cmocka_unit_test(test_equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
