/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a host's life hangs on: a HID UPS that stalls, is silent, answers by halves or with zeros
 * must never have on battery or low battery invented, nor hidden.
 */
#include "drivers/usbhid/device.h"

#include "tests/unit/unit.h"

#include "tests/unit/hid_fake.h"

#define SMART "apc-smart-ups-1500-rm" /* report 7: the flags; 0c: charge; 0d: runtime */

/* The status after a poll that must be a good one; "": it is not told. */
static const char *status_after(struct fake_hid *fake, enum poll_kind kind)
{
    static char value[UPDATE_VALUE_MAX + 1];
    struct update update = { 0 };

    fake_now += 2000;
    assert_int_equal(hid_device_poll(fake->device, kind, &update), HID_OK);
    const char *text = told(&update, "ups.status");
    snprintf(value, sizeof value, "%s", text == NULL ? "" : text);
    update_clear(&update);
    return value;
}

/* A poll that must not tell another status: it fails, or tells this one. */
static void expect_unchanged(struct fake_hid *fake, const char *status)
{
    struct update update = { 0 };

    fake_now += 2000;
    enum hid_result result = hid_device_poll(fake->device, POLL_QUICK, &update);
    assert_true(result == HID_OK || result == HID_STALLED);
    if (result == HID_OK)
        assert_string_equal(told(&update, "ups.status"), status);
    update_clear(&update);
}

static void refuse(struct fake_hid *fake, uint8_t report, enum hid_result result)
{
    fake->refusal[HID_FEATURE - 1][report] = result;
    fake->refusal[HID_INPUT - 1][report] = result;
}

/* What was sent long ago is not true any more once the device was asked. */
static void test_old_news(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, SMART);
    assert_string_equal(status_after(&fake, POLL_FULL), "OL");
    fake_report(&fake, HID_FEATURE, "07 0a 00");
    assert_true(fake_send(&fake, "07 0a 00"));
    assert_string_equal(status_after(&fake, POLL_QUICK), "OB DISCHRG");
    /* Power is back, but of that it tells only who asks. */
    fake_report(&fake, HID_FEATURE, "07 0c 00");
    assert_string_equal(status_after(&fake, POLL_QUICK), "OL");
    assert_true(fake_send(&fake, "0c 40"));
    assert_string_equal(status_after(&fake, POLL_QUICK), "OL");
    fake_stop(&fake);
}

/* One answer that does not come, or half of one, changes nothing. */
static void test_one_lost_answer(void **state)
{
    static const enum hid_result losses[] = { HID_STALLED, HID_TIMED_OUT, HID_SHORT };

    (void)state;
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        struct fake_hid fake;

        fake_start(&fake, SMART);
        assert_string_equal(status_after(&fake, POLL_FULL), "OL");
        refuse(&fake, 0x07, losses[i]);
        expect_unchanged(&fake, "OL");
        refuse(&fake, 0x07, HID_OK);
        fake_report(&fake, HID_FEATURE, "07 1a 00");
        assert_string_equal(status_after(&fake, POLL_QUICK), "OB DISCHRG LB");
        refuse(&fake, 0x07, losses[i]);
        expect_unchanged(&fake, "OB DISCHRG LB");
        fake_stop(&fake);
    }
}

static void test_half_an_answer(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, SMART);
    assert_string_equal(status_after(&fake, POLL_FULL), "OL");
    fake_report(&fake, HID_FEATURE, "07");
    fake_report(&fake, HID_INPUT, "07");
    expect_unchanged(&fake, "OL");
    fake_stop(&fake);
}

/* Where the flags are refused for once, zeros of another report are no witness. */
static void test_zeros_elsewhere(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, SMART);
    fake_report(&fake, HID_INPUT, "07 00 00");
    assert_string_equal(status_after(&fake, POLL_FULL), "OL");
    fake.refusal[HID_FEATURE - 1][0x07] = HID_STALLED;
    expect_unchanged(&fake, "OL");
    fake_stop(&fake);
}

/* The status is asked for again at once although it was refused when the device was opened. */
static void test_refused_at_first(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, SMART);
    refuse(&fake, 0x07, HID_STALLED);
    assert_string_equal(status_after(&fake, POLL_FULL), "WAIT");
    refuse(&fake, 0x07, HID_OK);
    fake_report(&fake, HID_FEATURE, "07 0a 00");
    assert_string_equal(status_after(&fake, POLL_QUICK), "OB DISCHRG");
    fake_stop(&fake);
}

static void answer_zeros(struct fake_hid *fake)
{
    for (size_t i = 0; i < fake->recording->report_count; i++) {
        struct recorded_report *report = &fake->recording->reports[i];

        memset(report->bytes + 1, 0, report->length - 1);
    }
}

/* Nothing but zeros: neither a status nor a reading, of no device. */
static void expect_no_word_of_zeros(const char *name)
{
    struct fake_hid fake;
    struct update update = { 0 };

    fake_prepare(&fake, name);
    answer_zeros(&fake);
    fake_open(&fake);
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    assert_string_equal(told(&update, "ups.status"), "WAIT");
    assert_null(told(&update, "battery.charge"));
    assert_null(told(&update, "battery.runtime"));
    assert_null(told(&update, "input.voltage"));
    update_clear(&update);
    assert_string_equal(status_after(&fake, POLL_QUICK), "WAIT");
    fake_stop(&fake);
}

static void test_zeros(void **state)
{
    (void)state;
    assert_true(recordings_visit(expect_no_word_of_zeros) > 0);
}

/* A device that has not measured yet has, later. */
static void test_after_zeros(void **state)
{
    struct fake_hid fake;
    struct update update = { 0 };

    (void)state;
    fake_start(&fake, SMART);
    struct recording recorded = *fake.recording;
    answer_zeros(&fake);
    assert_string_equal(status_after(&fake, POLL_FULL), "WAIT");
    *fake.recording = recorded;
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    assert_string_equal(told(&update, "ups.status"), "OL");
    assert_string_equal(told(&update, "battery.charge"), "100");
    assert_string_equal(told(&update, "battery.voltage.nominal"), "24.00");
    update_clear(&update);
    fake_stop(&fake);
}

/* A board that answers with zeros and sends the truth: half of it is no reason for on battery. */
static void test_zeros_and_half_the_truth(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, "arduino-hid-power-194");
    fake_report(&fake, HID_FEATURE, "07 00 00");
    fake_report(&fake, HID_INPUT, "07 00 00");
    fake_report(&fake, HID_FEATURE, "0c 00");
    fake_report(&fake, HID_INPUT, "0c 00");
    assert_string_equal(status_after(&fake, POLL_FULL), "WAIT");
    fake_send(&fake, "0c 40");
    assert_string_equal(status_after(&fake, POLL_QUICK), "WAIT");
    assert_true(fake_send(&fake, "07 0c 01"));
    assert_string_equal(status_after(&fake, POLL_QUICK), "OL");
    assert_string_equal(status_after(&fake, POLL_FULL), "OL");
    assert_true(fake_send(&fake, "07 0a 00"));
    assert_string_equal(status_after(&fake, POLL_QUICK), "OB DISCHRG");
    fake_stop(&fake);
}

/* A level that is no longer answered must not stand for ever: it decides on low battery. */
static void test_frozen_level(void **state)
{
    struct fake_hid fake;
    struct update update = { 0 };

    (void)state;
    fake_start(&fake, SMART);
    status_after(&fake, POLL_FULL);
    refuse(&fake, 0x0c, HID_TIMED_OUT);
    fake_now += 2000;
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    assert_string_equal(told(&update, "battery.charge"), "100");
    update_clear(&update);
    for (int i = 0; i < 4; i++)
        status_after(&fake, POLL_FULL);
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    assert_null(told(&update, "battery.charge"));
    assert_string_equal(told(&update, "ups.status"), "OL");
    update_clear(&update);
    fake_stop(&fake);
}

/* Silent on all that it does not know, it is still there, and asked no more for that. */
static void test_silent_on_much(void **state)
{
    struct fake_hid fake;

    (void)state;
    fake_start(&fake, SMART);
    for (unsigned report = 0; report < 256; report++) {
        if (report != 0x07)
            refuse(&fake, (uint8_t)report, HID_TIMED_OUT);
    }
    for (int i = 0; i < 8; i++)
        assert_string_equal(status_after(&fake, POLL_FULL), "OL");
    unsigned before = fake.gets;
    status_after(&fake, POLL_FULL);
    assert_true(fake.gets - before <= 2);
    fake_report(&fake, HID_FEATURE, "07 0a 00");
    assert_string_equal(status_after(&fake, POLL_QUICK), "OB DISCHRG");
    fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_news),         cmocka_unit_test(test_one_lost_answer),
        cmocka_unit_test(test_half_an_answer),   cmocka_unit_test(test_zeros_elsewhere),
        cmocka_unit_test(test_refused_at_first), cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_after_zeros),      cmocka_unit_test(test_zeros_and_half_the_truth),
        cmocka_unit_test(test_frozen_level),     cmocka_unit_test(test_silent_on_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
