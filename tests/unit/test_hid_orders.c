/* SPDX-License-Identifier: BSD-2-Clause */
/* Instant commands and settings: which bytes are written, and what becomes of refusals. */
#include "drivers/usbhid/device.h"

#include "tests/unit/unit.h"

#include "tests/unit/hid_fake.h"

#define SMART "apc-smart-ups-1500-rm"
#define EATON "eaton-5sc-750"
#define CYBERPOWER "cyberpower-or600erm1u"
#define POWERCOM "powercom-0004"

static struct update latest;

static void poll_all(struct fake_hid *fake)
{
    update_clear(&latest);
    assert_int_equal(hid_device_poll(fake->device, POLL_FULL, &latest), HID_OK);
}

static void start(struct fake_hid *fake, const char *name)
{
    fake_start(fake, name);
    poll_all(fake);
}

static void stop(struct fake_hid *fake)
{
    update_clear(&latest);
    fake_stop(fake);
}

static enum ups_outcome command(struct fake_hid *fake, const char *name, const char *parameter)
{
    struct update update = { 0 };
    enum ups_outcome outcome = hid_device_command(fake->device, name, parameter, &update);

    update_clear(&update);
    return outcome;
}

static enum ups_outcome set(struct fake_hid *fake, const char *name, const char *value)
{
    update_clear(&latest);
    return hid_device_set(fake->device, name, value, &latest);
}

/* Was this the report number back (0: the last) that was written? */
static void assert_written(const struct fake_hid *fake, unsigned back, const char *hex)
{
    uint8_t bytes[8];
    size_t length = recorded_bytes(hex, bytes, sizeof bytes);

    assert_true(fake->sets > back);
    assert_memory_equal(fake->log[(fake->sets - 1 - back) % 16], bytes, length);
}

/* Commands ----------------------------------------------------------------------------------- */

static void test_simple_commands(void **state)
{
    struct fake_hid fake;

    (void)state;
    start(&fake, SMART);
    assert_true(offers(&latest, "test.battery.start.quick"));
    assert_int_equal(command(&fake, "test.battery.start.quick", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "16 01");
    assert_int_equal(command(&fake, "test.battery.stop", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "16 03");
    assert_int_equal(command(&fake, "beeper.mute", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "14 03");
    assert_int_equal(command(&fake, "no.such.thing", NULL), UPS_UNKNOWN);
    stop(&fake);

    /* Its beeper knows no mute. */
    start(&fake, "apc-back-ups-es-850g2");
    assert_false(offers(&latest, "beeper.mute"));
    assert_true(offers(&latest, "beeper.disable"));
    assert_int_equal(command(&fake, "beeper.mute", NULL), UPS_UNKNOWN);
    stop(&fake);
}

static void test_delays(void **state)
{
    struct fake_hid fake;

    (void)state;
    start(&fake, SMART);
    assert_string_equal(told(&latest, "ups.delay.shutdown"), "20");
    assert_int_equal(command(&fake, "load.off.delay", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "12 14 00");
    assert_int_equal(command(&fake, "load.off.delay", "300"), UPS_HANDLED);
    assert_written(&fake, 0, "12 2c 01");
    assert_int_equal(command(&fake, "load.off.delay", "soon"), UPS_INVALID);
    assert_int_equal(command(&fake, "load.off.delay", "-5"), UPS_INVALID);
    assert_int_equal(command(&fake, "load.off", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "12 00 00");
    assert_int_equal(command(&fake, "shutdown.stop", NULL), UPS_HANDLED);
    assert_written(&fake, 1, "12 ff ff");
    assert_written(&fake, 0, "28 ff ff");
    assert_int_equal(command(&fake, "shutdown.reboot", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "13 0a 00 00");
    stop(&fake);
}

static void test_shutdown_return(void **state)
{
    struct fake_hid fake;

    (void)state;
    start(&fake, SMART);
    assert_int_equal(set(&fake, "ups.delay.shutdown", "45"), UPS_HANDLED);
    assert_string_equal(told(&latest, "ups.delay.shutdown"), "45");
    assert_int_equal(set(&fake, "ups.delay.start", "40"), UPS_HANDLED);
    assert_int_equal(set(&fake, "ups.delay.start", "later"), UPS_INVALID);
    assert_int_equal(set(&fake, "ups.delay.start", "-1"), UPS_INVALID);
    assert_int_equal(fake.sets, 0);
    /* Off first, whatever was set: the start comes after it. */
    assert_int_equal(command(&fake, "shutdown.return", NULL), UPS_HANDLED);
    assert_int_equal(fake.sets, 2);
    assert_written(&fake, 1, "28 2e 00");
    assert_written(&fake, 0, "12 2d 00");
    assert_int_equal(command(&fake, "shutdown.stayoff", NULL), UPS_HANDLED);
    assert_written(&fake, 1, "28 ff ff");
    assert_written(&fake, 0, "12 2d 00");
    stop(&fake);

    /* With a setting for it. */
    start(&fake, EATON);
    fake_report(&fake, HID_FEATURE, "09 ff ff ff ff");
    fake_report(&fake, HID_FEATURE, "0a ff ff ff ff");
    assert_int_equal(command(&fake, "shutdown.stayoff", NULL), UPS_HANDLED);
    assert_int_equal(fake.sets, 3);
    assert_written(&fake, 1, "0a ff ff ff ff");
    assert_written(&fake, 0, "09 14 00 00 00");
    stop(&fake);

    /* Without a delay to the start. */
    start(&fake, "apc-back-ups-bx1600mi");
    assert_true(offers(&latest, "shutdown.return"));
    assert_int_equal(command(&fake, "shutdown.return", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "40 01");
    stop(&fake);
}

/* Minutes: 20 s must not become 0, which is now. */
static void test_minutes(void **state)
{
    struct fake_hid fake;

    (void)state;
    start(&fake, CYBERPOWER);
    assert_int_equal(command(&fake, "load.off.delay", "20"), UPS_HANDLED);
    assert_written(&fake, 0, "15 01 00");
    assert_int_equal(command(&fake, "load.off.delay", "61"), UPS_HANDLED);
    assert_written(&fake, 0, "15 02 00");
    assert_int_equal(command(&fake, "shutdown.return", NULL), UPS_HANDLED);
    assert_written(&fake, 1, "16 02 00");
    assert_written(&fake, 0, "15 01 00");
    assert_int_equal(command(&fake, "shutdown.stop", NULL), UPS_HANDLED);
    assert_written(&fake, 1, "15 ff ff");
    assert_int_equal(command(&fake, "load.off", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "15 00 00");
    stop(&fake);
}

/* Minutes and seconds in a byte each, and what is to happen then (issues 1695, 3182). */
static void test_powercom(void **state)
{
    struct fake_hid fake;

    (void)state;
    start(&fake, POWERCOM);
    assert_false(offers(&latest, "load.off.delay"));
    assert_false(offers(&latest, "shutdown.stop"));
    assert_int_equal(command(&fake, "shutdown.stop", NULL), UPS_UNKNOWN);
    assert_int_equal(command(&fake, "shutdown.return", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "0f 54 00"); /* 20 s, return */
    assert_int_equal(set(&fake, "ups.delay.shutdown", "135"), UPS_HANDLED);
    assert_int_equal(command(&fake, "shutdown.stayoff", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "0f 8f 02"); /* 2:15, stay off */
    assert_int_equal(command(&fake, "load.off", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "0f 81 00");
    assert_int_equal(command(&fake, "beeper.disable", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "13 00");
    stop(&fake);
}

/* Older firmwares have the two bytes the other way round. */
static void test_powercom_swapped(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_prepare(&fake, POWERCOM);
    fake.options.powercom_swapped = true;
    fake.options.off_delay = 135;
    fake_open(&fake);
    poll_all(&fake);
    assert_int_equal(command(&fake, "shutdown.return", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "0f 02 4f");
    poll_all(&fake);
    assert_string_equal(told(&latest, "ups.timer.shutdown"), "135");
    assert_int_equal(command(&fake, "shutdown.stayoff", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "0f 02 8f");
    stop(&fake);
}

static void test_outlets(void **state)
{
    struct fake_hid fake;

    (void)state;
    start(&fake, "powerwalker-vi-3000-rt");
    assert_true(offers(&latest, "outlet.1.load.off"));
    assert_true(offers(&latest, "outlet.2.load.on"));
    assert_false(offers(&latest, "outlet.3.load.on"));
    assert_int_equal(command(&fake, "outlet.1.load.off", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "8d 00 00 00 00");
    assert_int_equal(command(&fake, "outlet.2.load.on", NULL), UPS_HANDLED);
    assert_written(&fake, 0, "91 00 00 00 00");
    stop(&fake);
}

/* Refusals: many a firmware takes an order and forgets it. */
static void test_orders_that_fail(void **state)
{
    struct fake_hid fake;

    (void)state;
    start(&fake, SMART);
    fake.ignores_writes = true;
    assert_int_equal(command(&fake, "load.off.delay", NULL), UPS_FAILED);
    assert_int_equal(command(&fake, "shutdown.return", NULL), UPS_FAILED);
    assert_int_equal(set(&fake, "input.transfer.high", "260"), UPS_FAILED);
    fake.ignores_writes = false;
    fake.write_result = HID_STALLED;
    assert_int_equal(command(&fake, "beeper.enable", NULL), UPS_FAILED);
    assert_int_equal(command(&fake, "shutdown.stayoff", NULL), UPS_FAILED);
    fake.write_result = HID_BROKEN;
    assert_int_equal(command(&fake, "load.off", NULL), UPS_FAILED);
    stop(&fake);
}

/* Settings ----------------------------------------------------------------------------------- */

static void test_settings(void **state)
{
    struct fake_hid fake;

    (void)state;
    start(&fake, SMART);
    assert_int_equal(set(&fake, "input.transfer.high", "260"), UPS_HANDLED);
    assert_written(&fake, 0, "23 04 01");
    assert_string_equal(told(&latest, "input.transfer.high"), "260");
    assert_int_equal(set(&fake, "input.transfer.high", "300"), UPS_INVALID);
    assert_int_equal(set(&fake, "input.transfer.high", "high"), UPS_INVALID);
    assert_int_equal(set(&fake, "input.sensitivity", "high"), UPS_HANDLED);
    assert_written(&fake, 0, "22 02");
    assert_string_equal(told(&latest, "input.sensitivity"), "high");
    assert_int_equal(set(&fake, "input.sensitivity", "1"), UPS_INVALID);
    assert_int_equal(set(&fake, "battery.mfr.date", "2024/02/29"), UPS_HANDLED);
    assert_written(&fake, 0, "15 5d 58");
    assert_string_equal(told(&latest, "battery.mfr.date"), "2024/02/29");
    assert_int_equal(set(&fake, "battery.mfr.date", "2023/02/29"), UPS_INVALID);
    assert_int_equal(set(&fake, "battery.mfr.date", "yesterday"), UPS_INVALID);
    assert_int_equal(set(&fake, "battery.voltage.nominal", "24"), UPS_UNKNOWN);
    assert_int_equal(set(&fake, "no.such.thing", "1"), UPS_UNKNOWN);
    /* It is still so in the next poll. */
    poll_all(&fake);
    assert_string_equal(told(&latest, "input.transfer.high"), "260");
    stop(&fake);

    start(&fake, EATON);
    assert_int_equal(set(&fake, "ups.start.auto", "no"), UPS_HANDLED);
    assert_string_equal(told(&latest, "ups.start.auto"), "no");
    assert_int_equal(set(&fake, "ups.start.auto", "maybe"), UPS_INVALID);
    stop(&fake);
}

static bool has_flags(const struct update *update, const char *name, unsigned flags, long length)
{
    struct update_item item;

    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        if (item.kind == UPDATE_FLAGS && strcmp(item.name, name) == 0)
            return item.flags == flags && item.length == length;
    }
    return false;
}

static bool has_range(const struct update *update, const char *name, long minimum, long maximum)
{
    struct update_item item;

    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        if (item.kind == UPDATE_RANGE && strcmp(item.name, name) == 0)
            return item.minimum == minimum && item.maximum == maximum;
    }
    return false;
}

static bool has_word(const struct update *update, const char *name, const char *word)
{
    struct update_item item;

    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        if (item.kind == UPDATE_ENUM && strcmp(item.name, name) == 0 &&
            strcmp(item.value, word) == 0)
            return true;
    }
    return false;
}

static void test_what_may_be_set(void **state)
{
    struct fake_hid fake;

    (void)state;
    start(&fake, SMART);
    assert_true(has_flags(&latest, "input.transfer.high", VARIABLE_RW | VARIABLE_NUMBER, 0));
    assert_true(has_range(&latest, "input.transfer.high", 253, 265));
    assert_true(has_flags(&latest, "input.sensitivity", VARIABLE_RW | VARIABLE_STRING, 6));
    assert_true(has_word(&latest, "input.sensitivity", "medium"));
    assert_true(has_flags(&latest, "ups.delay.shutdown", VARIABLE_RW | VARIABLE_NUMBER, 0));
    assert_true(has_range(&latest, "ups.delay.shutdown", 0, 32767));
    assert_true(has_range(&latest, "battery.charge.low", 0, 100));
    assert_false(has_flags(&latest, "input.voltage", VARIABLE_RW | VARIABLE_NUMBER, 0));
    stop(&fake);
}

/* The user's limit decides, whether or not the device takes it (issue 1993). */
static void test_low_charge(void **state)
{
    struct fake_hid fake;

    (void)state;
    start(&fake, SMART);
    assert_int_equal(set(&fake, "battery.charge.low", "101"), UPS_INVALID);
    assert_int_equal(set(&fake, "battery.charge.low", "x"), UPS_INVALID);
    fake.write_result = HID_STALLED;
    assert_int_equal(set(&fake, "battery.charge.low", "50"), UPS_HANDLED);
    fake.write_result = HID_OK;
    fake_report(&fake, HID_FEATURE, "07 0a 00");
    fake_report(&fake, HID_FEATURE, "0c 32");
    poll_all(&fake);
    assert_string_equal(told(&latest, "ups.status"), "OB DISCHRG");
    assert_string_equal(told(&latest, "battery.charge.low"), "50");
    fake_report(&fake, HID_FEATURE, "0c 31");
    poll_all(&fake);
    assert_string_equal(told(&latest, "ups.status"), "OB DISCHRG LB");

    /* It outlasts the device's being opened anew, and is told to it again. */
    struct hid_options options = fake.options;
    hid_device_keep_settings(fake.device, &options);
    assert_int_equal(options.low_charge, 50);
    hid_device_free(fake.device);
    fake.options = options;
    fake_open(&fake);
    poll_all(&fake);
    assert_written(&fake, 0, "11 32");
    assert_string_equal(told(&latest, "battery.charge.low"), "50");
    assert_string_equal(told(&latest, "ups.status"), "OB DISCHRG LB");
    stop(&fake);
}

/* lowbatt, of a device that has no such field (issue 2073). */
static void test_low_charge_without_field(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_prepare(&fake, "legrand-keor-0032");
    fake.options.low_charge = 30;
    fake_open(&fake);
    assert_true(recording_take_reports(fake.recording, "reports-onbatt.txt"));
    fake_report(&fake, HID_FEATURE, "34 1d");
    poll_all(&fake);
    assert_string_equal(told(&latest, "battery.charge.low"), "30");
    assert_string_equal(told(&latest, "ups.status"), "OB DISCHRG LB");
    assert_int_equal(set(&fake, "battery.charge.low", "20"), UPS_HANDLED);
    poll_all(&fake);
    assert_string_equal(told(&latest, "ups.status"), "OB DISCHRG");
    stop(&fake);
}

/* The section's delays. */
static void test_configured_delays(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_prepare(&fake, SMART);
    fake.options.off_delay = 0;
    fake.options.on_delay = 99;
    fake_open(&fake);
    poll_all(&fake);
    assert_string_equal(told(&latest, "ups.delay.shutdown"), "0");
    assert_string_equal(told(&latest, "ups.delay.start"), "99");
    stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple_commands),   cmocka_unit_test(test_delays),
        cmocka_unit_test(test_shutdown_return),   cmocka_unit_test(test_minutes),
        cmocka_unit_test(test_powercom),          cmocka_unit_test(test_powercom_swapped),
        cmocka_unit_test(test_outlets),           cmocka_unit_test(test_orders_that_fail),
        cmocka_unit_test(test_settings),          cmocka_unit_test(test_what_may_be_set),
        cmocka_unit_test(test_low_charge),        cmocka_unit_test(test_low_charge_without_field),
        cmocka_unit_test(test_configured_delays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
