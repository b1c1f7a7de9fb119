/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "drivers/registry.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* Collects complaints, one a line. */
struct complaints {
    char text[4096];
    unsigned errors, warnings;
};

static void collect(void *context, bool is_error, const char *text)
{
    struct complaints *complaints = context;
    size_t used = strlen(complaints->text);

    (void)is_error;
    snprintf(complaints->text + used, sizeof complaints->text - used, "%s\n", text);
}

/* Checks one section; options hold driver and port. */
static struct complaints check(struct option_setting *options, size_t count, unsigned poll_interval)
{
    struct complaints complaints = { 0 };
    struct config_report report = { .sink = collect, .context = &complaints };
    struct device_settings device = { .name = "myups",
                                      .file = "ups.conf",
                                      .line = 10,
                                      .poll_interval = poll_interval,
                                      .options = options,
                                      .option_count = count };
    struct settings settings = {
        .directory = "/nowhere", .maximum_age = 15, .devices = &device, .device_count = 1
    };

    device.driver = (char *)(uintptr_t)device_option(&device, "driver");
    device.port = (char *)(uintptr_t)device_option(&device, "port");
    registry_check(&settings, &report);
    complaints.errors = report.errors;
    complaints.warnings = report.warnings;
    return complaints;
}

#define CHECK(...)                                  \
    check((struct option_setting[]){ __VA_ARGS__ }, \
          sizeof((struct option_setting[]){ __VA_ARGS__ }) / sizeof(struct option_setting), 2)

#define DUMMY                     \
    {                             \
        "driver", "dummy-ups", 11 \
    }
#define PORT                \
    {                       \
        "port", "a.dev", 12 \
    }

static void expect(struct complaints complaints, const char *wanted)
{
    assert_string_equal(complaints.text, wanted);
    if (*wanted != '\0')
        assert_true(complaints.errors + complaints.warnings > 0);
}

static void test_names(void **state)
{
    (void)state;
    assert_non_null(driver_find("simulated"));
    assert_ptr_equal(driver_find("simulated"), driver_find("dummy-ups"));
    assert_ptr_equal(driver_find("bcmxcp"), driver_find("nutdriver"));
    assert_null(driver_find("no-such"));
    assert_null(driver_find("Dummy-UPS"));
    assert_null(driver_find(""));
    assert_ptr_equal(driver_find("usbhid"), driver_find("usbhid-ups"));
#ifdef HAVE_LIBUSB
    assert_non_null(driver_find("usbhid-ups"));
#else
    assert_null(driver_find("usbhid-ups"));
#endif
}

static void test_table_is_sound(void **state)
{
    const struct driver *const *table = driver_table();

    (void)state;
    assert_non_null(table[0]);
    for (size_t i = 0; table[i] != NULL; i++) {
        assert_ptr_equal(driver_find(table[i]->name), table[i]);
        assert_non_null(table[i]->description);
        assert_non_null(table[i]->open);
        assert_non_null(table[i]->poll);
        assert_non_null(table[i]->close);
    }
}

static void test_absence_is_explained(void **state)
{
    (void)state;
    assert_string_equal(driver_absence("no-such"), "is not a driver upsbridge knows");
#ifndef HAVE_LIBUSB
    assert_non_null(strstr(driver_absence("usbhid-ups"), "--without-libusb"));
    assert_non_null(strstr(driver_absence("usbhid"), "--without-libusb"));
#endif
#ifndef HAVE_LIBMODBUS
    assert_non_null(strstr(driver_absence("apc_modbus"), "--without-libmodbus"));
#endif
}

static void test_good_sections(void **state)
{
    (void)state;
    expect(CHECK(DUMMY, PORT), "");
    expect(CHECK(DUMMY, PORT, { "mode", "dummy-loop", 13 }), "");
    expect(CHECK(DUMMY, PORT, { "mode", "dummy", 13 }), "");
    expect(CHECK(DUMMY, PORT, { "desc", "d", 13 }, { "pollinterval", "2", 14 },
                 { "maxstartdelay", "9", 15 }, { "ignorelb", NULL, 16 }, { "nolock", NULL, 17 },
                 { "sdorder", "1", 18 }, { "synchronous", "yes", 19 }, { "debug_min", "1", 20 },
                 { "maxretry", "1", 21 }, { "override.battery.packs", "2", 22 },
                 { "default.input.L1-N.voltage", "230", 23 }),
           "");
}

#ifdef HAVE_LIBUSB
#define USB                        \
    {                              \
        "driver", "usbhid-ups", 11 \
    }
#define AUTO               \
    {                      \
        "port", "auto", 12 \
    }

static void test_usb_sections(void **state)
{
    (void)state;
    expect(CHECK(USB, AUTO), "");
    expect(CHECK(USB, { "port", "/dev/usb/hiddev0", 12 }, { "vendorid", "051d", 13 },
                 { "productid", "000[23]", 14 }, { "serial", "^A.*", 15 },
                 { "busport", "1-1.2", 16 }, { "pollfreq", "60", 17 }, { "pollonly", NULL, 18 },
                 { "explore", NULL, 19 }, { "usb_hid_ep_in", "0x84", 20 }, { "offdelay", "60", 21 },
                 { "ondelay", "120", 22 }, { "lowbatt", "30", 23 },
                 { "interrupt_pipe_no_events_tolerance", "-1", 24 }),
           "");
    expect(CHECK(USB, { "port", "ttyS0", 12 }),
           "ups.conf:12: [myups] port must be auto for a USB device, not 'ttyS0'\n");
    expect(CHECK(USB, AUTO, { "serial", "a(b", 13 }),
           "ups.conf:13: [myups] serial 'a(b' is no regular expression: Unmatched ( or \\(\n");
    expect(CHECK(USB, AUTO, { "lowbatt", "101", 13 }, { "pollfreq", "soon", 14 }),
           "ups.conf:13: [myups] lowbatt must be a number from 1 to 100, not '101'\n"
           "ups.conf:14: [myups] pollfreq must be a number from 1 to 86400, not 'soon'\n");
    expect(CHECK(USB, AUTO, { "pollonly", NULL, 13 }, { "interruptonly", NULL, 14 }),
           "ups.conf:10: [myups] pollonly and interruptonly leave no way to read the device\n");
    expect(CHECK(USB, AUTO, { "offdelay", "60", 13 }, { "ondelay", "30", 14 }),
           "ups.conf:10: [myups] ondelay 30 is not longer than offdelay 60: the load may not come "
           "back\n");
    expect(CHECK(USB, AUTO, { "subdriver", "apc", 13 }),
           "ups.conf:13: [myups] option 'subdriver' has no effect here\n");
    expect(CHECK(USB, AUTO, { "mode", "x", 13 }),
           "ups.conf:13: [myups] unknown option 'mode' for driver usbhid-ups\n");
}
#endif

static void test_bad_sections(void **state)
{
    (void)state;
    expect(CHECK({ "driver", "usbups", 11 }, PORT),
           "ups.conf:11: [myups] driver 'usbups' is not a driver upsbridge knows\n");
    expect(CHECK({ "driver", "bcmxcp", 11 }, PORT),
           "ups.conf:11: [myups] driver 'bcmxcp' is none of ours: NUT's own process serves, by its "
           "socket\n");
    expect(CHECK(DUMMY, PORT, { "foo", "bar", 13 }),
           "ups.conf:13: [myups] unknown option 'foo' for driver dummy-ups\n");
    expect(CHECK(DUMMY, PORT, { "mode", NULL, 13 }, { "desc", "d", 14 }),
           "ups.conf:13: [myups] option 'mode' needs a value\n"
           "ups.conf:13: [myups] mode must be dummy-once or dummy-loop, not ''\n");
    expect(CHECK(DUMMY, PORT, { "ignorelb", "yes", 13 }),
           "ups.conf:13: [myups] option 'ignorelb' is a flag: it is set, and its value ignored\n");
    expect(CHECK(DUMMY, PORT, { "override.battery", "1", 13 }),
           "ups.conf:13: [myups] 'override.battery': 'battery' cannot be the name of a variable\n");
    expect(CHECK(DUMMY, PORT, { "default.", "1", 13 }),
           "ups.conf:13: [myups] 'default.': '' cannot be the name of a variable\n");
    expect(CHECK(DUMMY, PORT, { "override.ups.load", NULL, 13 }),
           "ups.conf:13: [myups] option 'override.ups.load' needs a value\n");
    expect(CHECK(DUMMY, PORT, { "mode", "twice", 13 }),
           "ups.conf:13: [myups] mode must be dummy-once or dummy-loop, not 'twice'\n");
    expect(CHECK(DUMMY, { "port", "", 12 }), "ups.conf:10: [myups] port must name a file\n");
    expect(CHECK(DUMMY, { "port", "other@host", 12 }),
           "ups.conf:10: [myups] port 'other@host': the repeater mode of dummy-ups is not part of "
           "this version of upsbridge\n");
}

static void test_warnings_are_not_errors(void **state)
{
    struct complaints flag = CHECK(DUMMY, PORT, { "nolock", "1", 13 });
    struct complaints unknown = CHECK(DUMMY, PORT, { "unknown", NULL, 13 });

    (void)state;
    assert_int_equal(flag.warnings, 1);
    assert_int_equal(flag.errors, 0);
    assert_int_equal(unknown.errors, 1);
}

static void test_rare_polls(void **state)
{
    struct option_setting options[] = { DUMMY, PORT };

    (void)state;
    expect(check(options, 2, 5), "");
    expect(check(options, 2, 6),
           "ups.conf:10: [myups] pollinterval 6 is more than a third of MAXAGE 15: it is polled "
           "more often, so that its readings do not grow stale between polls\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_absence_is_explained),
        cmocka_unit_test(test_good_sections),
#ifdef HAVE_LIBUSB
        cmocka_unit_test(test_usb_sections),
#endif
        cmocka_unit_test(test_bad_sections),
        cmocka_unit_test(test_warnings_are_not_errors),
        cmocka_unit_test(test_rare_polls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
