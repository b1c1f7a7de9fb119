/* SPDX-License-Identifier: BSD-2-Clause */
/* How a HID UPS behaves over time: polls, unasked reports, failures. */
#include "drivers/usbhid/device.h"

#include "tests/unit/unit.h"

#include "tests/unit/hid_fake.h"

#define SMART "apc-smart-ups-1500-rm"
#define EATON "eaton-5sc-750"
#define CYBERPOWER "cyberpower-or600erm1u"

/* The value of a variable after a poll that must be a good one. "": it is gone, or not told. */
static const char *polled(struct fake_hid *fake, enum poll_kind kind, const char *variable)
{
    static char value[UPDATE_VALUE_MAX + 1];
    struct update update = { 0 };

    assert_int_equal(hid_device_poll(fake->device, kind, &update), HID_OK);
    const char *text = told(&update, variable);
    snprintf(value, sizeof value, "%s", text == NULL ? "" : text);
    update_clear(&update);
    return value;
}

static const char *status(struct fake_hid *fake)
{
    return polled(fake, POLL_QUICK, "ups.status");
}

static unsigned gets_of(struct fake_hid *fake, enum poll_kind kind)
{
    unsigned before = fake->gets;

    polled(fake, kind, "ups.status");
    return fake->gets - before;
}

/* Requests ----------------------------------------------------------------------------------- */

static void test_requests(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, SMART);
    polled(&fake, POLL_FULL, "ups.status");
    /* The status is one report; what never changes is not asked for again. */
    assert_int_equal(gets_of(&fake, POLL_QUICK), 1);
    unsigned full = gets_of(&fake, POLL_FULL);
    assert_true(full > 5 && full < fake.recording->report_count);
    assert_string_equal(polled(&fake, POLL_FULL, "battery.type"), "string 4");
    fake_stop(&fake);
}

/* On battery the levels decide: they are read as often as the status. */
static void test_levels_on_battery(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, SMART);
    polled(&fake, POLL_FULL, "ups.status");
    assert_string_equal(polled(&fake, POLL_QUICK, "battery.charge"), "");
    fake_report(&fake, HID_FEATURE, "07 0a 00");
    fake_report(&fake, HID_FEATURE, "0c 5a");
    assert_string_equal(polled(&fake, POLL_QUICK, "battery.charge"), "90");
    assert_string_equal(status(&fake), "OB DISCHRG");
    fake_stop(&fake);
}

/* What the device sends ---------------------------------------------------------------------- */

static void test_input_is_shown_without_asking(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, SMART);
    polled(&fake, POLL_FULL, "ups.status");
    /* The same as before is no news. */
    assert_false(fake_send(&fake, "07 0c 00"));
    assert_false(fake_send(&fake, "55 0c 00"));
    assert_false(hid_device_take_input(fake.device, (const uint8_t *)"", 0));
    fake_report(&fake, HID_FEATURE, "07 0a 00");
    assert_true(fake_send(&fake, "07 0a 00"));
    unsigned before = fake.gets;
    assert_string_equal(status(&fake), "OB DISCHRG");
    assert_int_equal(fake.gets, before);
    /* The next poll asks again, whatever has come meanwhile. */
    assert_true(fake_send(&fake, "07 1a 00"));
    fake_report(&fake, HID_FEATURE, "07 1a 00");
    assert_string_equal(status(&fake), "OB DISCHRG LB");
    assert_true(fake.gets > before);
    /* A level is news too. */
    assert_true(fake_send(&fake, "0c 40"));
    assert_string_equal(polled(&fake, POLL_QUICK, "battery.charge"), "64");
    fake_stop(&fake);
}

/* interruptonly: nothing is ever asked for. */
static void test_input_only(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_prepare(&fake, SMART);
    fake.options.input_only = true;
    fake.transport.get_report = NULL;
    fake_open(&fake);
    assert_string_equal(polled(&fake, POLL_FULL, "ups.status"), "WAIT");
    assert_true(fake_send(&fake, "07 0c 00"));
    assert_true(fake_send(&fake, "0c 63"));
    assert_string_equal(status(&fake), "OL");
    assert_string_equal(polled(&fake, POLL_QUICK, "battery.charge"), "99");
    assert_string_equal(polled(&fake, POLL_FULL, "battery.charge"), "99");
    assert_int_equal(fake.gets, 0);
    fake_stop(&fake);
}

/* Failures ----------------------------------------------------------------------------------- */

static void test_refused_report(void **state)
{
    struct fake_hid fake;
    struct update update = { 0 };

    (void)state;
    fake_start(&fake, SMART);
    assert_string_equal(polled(&fake, POLL_FULL, "ups.load"), "10.4");
    fake.refusal[HID_FEATURE - 1][0x2c] = HID_STALLED;
    for (int i = 0; i < 4; i++)
        polled(&fake, POLL_FULL, "ups.load");
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    assert_null(told(&update, "ups.load"));
    assert_string_equal(told(&update, "ups.status"), "OL");
    update_clear(&update);
    fake_stop(&fake);
}

static void test_broken_connection(void **state)
{
    struct fake_hid fake;
    struct update update = { 0 };

    (void)state;
    fake_start(&fake, SMART);
    polled(&fake, POLL_FULL, "ups.status");
    fake.refusal[HID_FEATURE - 1][0x07] = HID_BROKEN;
    assert_int_equal(hid_device_poll(fake.device, POLL_QUICK, &update), HID_BROKEN);
    assert_true(fake.device->problem[0] != '\0');
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_BROKEN);
    update_clear(&update);
    fake_stop(&fake);
}

/* A device that answers everything but what counts must not look alive. */
static void test_silent_status(void **state)
{
    static const enum hid_result results[] = { HID_STALLED, HID_STALLED, HID_TIMED_OUT };
    struct fake_hid fake;
    struct update update = { 0 };

    (void)state;
    fake_start(&fake, SMART);
    polled(&fake, POLL_FULL, "ups.status");
    fake.refusal[HID_FEATURE - 1][0x07] = fake.refusal[HID_INPUT - 1][0x07] = HID_TIMED_OUT;
    assert_int_equal(hid_device_poll(fake.device, POLL_QUICK, &update), HID_STALLED);
    assert_true(fake.device->problem[0] != '\0');
    fake.refusal[HID_FEATURE - 1][0x07] = HID_OK;
    assert_string_equal(status(&fake), "OL");
    fake.refusal[HID_FEATURE - 1][0x07] = HID_TIMED_OUT;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        update_clear(&update);
        assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), results[i]);
        assert_null(told(&update, "ups.status"));
    }
    update_clear(&update);
    fake_stop(&fake);

    /* Nor may a device that is opened anew forget that it was on line, for an answer too late. */
    fake_start(&fake, SMART);
    fake.refusal[HID_FEATURE - 1][0x07] = fake.refusal[HID_INPUT - 1][0x07] = HID_TIMED_OUT;
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_STALLED);
    update_clear(&update);
    fake_stop(&fake);
}

/* Neither input power nor battery, of a device that had both: not an answer, but zeros. */
static void test_zeros_for_once(void **state)
{
    struct fake_hid fake;
    struct update update = { 0 };

    (void)state;
    fake_start(&fake, SMART);
    polled(&fake, POLL_FULL, "ups.status");
    fake_report(&fake, HID_FEATURE, "07 00 00");
    assert_int_equal(hid_device_poll(fake.device, POLL_QUICK, &update), HID_STALLED);
    fake_report(&fake, HID_FEATURE, "07 0c 00");
    assert_string_equal(status(&fake), "OL");
    update_clear(&update);
    fake_stop(&fake);

    /* It never told of a battery, nor does it tell that it discharges. */
    fake_start(&fake, SMART);
    fake_report(&fake, HID_FEATURE, "07 04 00");
    assert_string_equal(polled(&fake, POLL_FULL, "ups.status"), "OL RB");
    fake_report(&fake, HID_FEATURE, "07 00 00");
    assert_string_equal(status(&fake), "OB");
    fake_stop(&fake);
}

static void test_implausible_reading(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, CYBERPOWER);
    assert_string_equal(polled(&fake, POLL_FULL, "input.voltage"), "227");
    fake_report(&fake, HID_FEATURE, "0f ff ff");
    assert_string_equal(polled(&fake, POLL_FULL, "input.voltage"), "");
    fake_report(&fake, HID_FEATURE, "0f e8 fd");
    assert_string_equal(polled(&fake, POLL_FULL, "input.voltage"), "");
    fake_report(&fake, HID_FEATURE, "0f e6 00");
    assert_string_equal(polled(&fake, POLL_FULL, "input.voltage"), "230");
    fake_stop(&fake);
}

static void test_unusable_descriptors(void **state)
{
    static const uint8_t mouse[] = { 0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x30, 0x15, 0x00,
                                     0x25, 0x7f, 0x75, 0x08, 0x95, 0x01, 0x81, 0x02, 0xc0 };
    struct fake_hid fake;
    char problem[160];

    (void)state;
    fake_prepare(&fake, SMART);
    assert_null(hid_device_new(&fake.identity, &fake.options, mouse, sizeof mouse, &fake.transport,
                               problem));
    assert_string_equal(problem, "not a power device");
    assert_null(hid_device_new(&fake.identity, &fake.options, mouse, 0, &fake.transport, problem));
    assert_true(problem[0] != '\0');
    fake_stop(&fake);
}

/* Status over time --------------------------------------------------------------------------- */

/* A self test says "off" for ten seconds (issue 2104). */
static void test_off_settles(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, EATON);
    assert_string_equal(polled(&fake, POLL_FULL, "ups.status"), "OL CHRG");
    fake_report(&fake, HID_FEATURE, "01 01 00 01 00 00");
    assert_string_equal(status(&fake), "OL CHRG");
    fake_now += 11000;
    assert_string_equal(status(&fake), "OL CHRG");
    fake_report(&fake, HID_FEATURE, "01 01 00 01 00 01");
    assert_string_equal(status(&fake), "OL CHRG");
    fake_now += 11000;
    fake_report(&fake, HID_FEATURE, "01 01 00 01 00 00");
    assert_string_equal(status(&fake), "OL CHRG");
    fake_now += 20000;
    assert_string_equal(status(&fake), "OL CHRG OFF");
    fake_stop(&fake);
}

/* ShutdownImminent goes up with the mains' going down (issues 1942, 3087). */
static void test_imminent_lies(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, EATON);
    polled(&fake, POLL_FULL, "ups.status");
    fake_report(&fake, HID_FEATURE, "01 00 00 00 01 01");
    fake_report(&fake, HID_FEATURE, "02 00 00 00 01");
    assert_string_equal(status(&fake), "OB DISCHRG");
    fake_report(&fake, HID_FEATURE, "06 14 64 00 00 00");
    assert_string_equal(status(&fake), "OB DISCHRG LB");
    fake_stop(&fake);
}

/* Back-UPS BX raise the flag for a second (issues 2347, 2565). */
static void test_flicker(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, "apc-back-ups-bx1600mi");
    polled(&fake, POLL_FULL, "ups.status");
    fake_report(&fake, HID_FEATURE, "16 4c 00");
    fake_report(&fake, HID_FEATURE, "14 01");
    assert_string_equal(status(&fake), "OL");
    fake_now += 2000;
    fake_report(&fake, HID_FEATURE, "14 00");
    assert_string_equal(status(&fake), "OL");
    fake_now += 30000;
    assert_string_equal(status(&fake), "OL RB");
    fake_stop(&fake);
}

/* CyberPower UT say on battery that they are on line and discharge; so does a test. */
static void test_discharge_on_line(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_prepare(&fake, CYBERPOWER);
    snprintf(fake.identity.product, sizeof fake.identity.product, "UT850EG");
    fake_open(&fake);
    assert_string_equal(polled(&fake, POLL_FULL, "ups.status"), "OL");
    fake_report(&fake, HID_FEATURE, "0b 05");
    assert_string_equal(status(&fake), "OL DISCHRG");
    fake_report(&fake, HID_FEATURE, "08 63 b3 10 2c 01");
    assert_string_equal(status(&fake), "OL DISCHRG");
    fake_report(&fake, HID_FEATURE, "08 62 b3 10 2c 01");
    assert_string_equal(status(&fake), "OB DISCHRG");
    fake_report(&fake, HID_FEATURE, "0b 11");
    assert_string_equal(status(&fake), "OL");
    fake_stop(&fake);

    fake_prepare(&fake, CYBERPOWER);
    fake.options.discharge_is_ob = true;
    fake_open(&fake);
    fake_report(&fake, HID_FEATURE, "0b 05");
    assert_string_equal(polled(&fake, POLL_FULL, "ups.status"), "OB DISCHRG");
    fake_stop(&fake);

    fake_start(&fake, SMART);
    fake_report(&fake, HID_FEATURE, "07 0e 00");
    assert_string_equal(polled(&fake, POLL_FULL, "ups.status"), "OL CAL DISCHRG");
    fake_stop(&fake);
}

static void test_no_battery(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, SMART);
    fake_report(&fake, HID_FEATURE, "07 04 00");
    assert_string_equal(polled(&fake, POLL_FULL, "ups.status"), "OL RB");
    assert_string_equal(polled(&fake, POLL_QUICK, "ups.alarm"), "[No battery installed!]");
    fake_report(&fake, HID_FEATURE, "07 0c 00");
    assert_string_equal(polled(&fake, POLL_QUICK, "ups.alarm"), "");
    fake_stop(&fake);
}

/* Readings of makers ------------------------------------------------------------------------- */

/* 0764:0501 that tell half as much again; the factor stays as the battery sinks. */
static void test_cyberpower_battery_voltage(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, "cyberpower-cp1500avrlcda");
    fake_report(&fake, HID_FEATURE, "0a 95 01"); /* 40.5 */
    assert_string_equal(polled(&fake, POLL_FULL, "battery.voltage"), "27.0");
    fake_report(&fake, HID_FEATURE, "0a 2c 01"); /* 30.0 */
    assert_string_equal(polled(&fake, POLL_FULL, "battery.voltage"), "20.0");
    fake_stop(&fake);
    fake_start(&fake, "cyberpower-cp1500avrlcda");
    fake_report(&fake, HID_FEATURE, "0a 10 27"); /* 1000.0 */
    assert_string_equal(polled(&fake, POLL_FULL, "battery.voltage"), "");
    fake_stop(&fake);
}

/* The output's voltage has the range of the transfer voltages before it (issue 439). */
static void test_cyberpower_output_voltage(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, "cyberpower-cp1500avrlcda");
    fake_report(&fake, HID_FEATURE, "12 78 00");
    assert_string_equal(polled(&fake, POLL_FULL, "output.voltage"), "120");
    fake_report(&fake, HID_FEATURE, "12 0c 00"); /* 12 for 118 (issue 2874) */
    assert_string_equal(polled(&fake, POLL_FULL, "output.voltage"), "120");
    fake_report(&fake, HID_FEATURE, "12 00 00");
    assert_string_equal(polled(&fake, POLL_FULL, "output.voltage"), "0");
    fake_stop(&fake);
}

/* A report of seven characters, empty at first (issue 2766). */
static void test_powercom_battery_voltage(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, "powercom-0004");
    fake_report(&fake, HID_FEATURE, "a4 00 00 00 00 00 00 00");
    assert_string_equal(polled(&fake, POLL_FULL, "battery.voltage"), "");
    fake_report(&fake, HID_FEATURE, "a4 20 31 33 2e 37 20 32");
    assert_string_equal(polled(&fake, POLL_FULL, "battery.voltage"), "13.7");
    fake_report(&fake, HID_FEATURE, "a4 39 39 39 39 39 39 39");
    assert_string_equal(polled(&fake, POLL_FULL, "battery.voltage"), "");
    fake_stop(&fake);
}

/* Thresholds that are nonsense (issue 2652). */
static void test_low_limit(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, SMART);
    fake_report(&fake, HID_FEATURE, "11 64");
    assert_string_equal(polled(&fake, POLL_FULL, "battery.charge.low"), "");
    fake_report(&fake, HID_FEATURE, "07 0a 00");
    assert_string_equal(status(&fake), "OB DISCHRG");
    fake_stop(&fake);
}

static void test_identity(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_prepare(&fake, CYBERPOWER);
    snprintf(fake.identity.vendor, sizeof fake.identity.vendor, "  ");
    snprintf(fake.identity.serial, sizeof fake.identity.serial, "000000000000");
    fake_open(&fake);
    assert_string_equal(polled(&fake, POLL_FULL, "ups.mfr"), "CyberPower");
    assert_string_equal(polled(&fake, POLL_FULL, "ups.serial"), "");
    assert_string_equal(polled(&fake, POLL_FULL, "ups.vendorid"), "0764");
    assert_string_equal(polled(&fake, POLL_FULL, "ups.productid"), "0601");
    assert_string_equal(polled(&fake, POLL_FULL, "ups.firmware"), "string 5");
    fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_levels_on_battery),
        cmocka_unit_test(test_input_is_shown_without_asking),
        cmocka_unit_test(test_input_only),
        cmocka_unit_test(test_refused_report),
        cmocka_unit_test(test_broken_connection),
        cmocka_unit_test(test_silent_status),
        cmocka_unit_test(test_zeros_for_once),
        cmocka_unit_test(test_implausible_reading),
        cmocka_unit_test(test_unusable_descriptors),
        cmocka_unit_test(test_off_settles),
        cmocka_unit_test(test_imminent_lies),
        cmocka_unit_test(test_flicker),
        cmocka_unit_test(test_discharge_on_line),
        cmocka_unit_test(test_no_battery),
        cmocka_unit_test(test_cyberpower_battery_voltage),
        cmocka_unit_test(test_cyberpower_output_voltage),
        cmocka_unit_test(test_powercom_battery_voltage),
        cmocka_unit_test(test_low_limit),
        cmocka_unit_test(test_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
