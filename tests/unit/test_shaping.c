/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/shaping.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SECTION(...)                                           \
    struct option_setting section_options[] = { __VA_ARGS__ }; \
    struct device_settings section =                           \
        settings_of(section_options, sizeof section_options / sizeof section_options[0])

static struct device_settings settings_of(struct option_setting *options, size_t count)
{
    return (struct device_settings){ .name = "myups",
                                     .driver = "dummy-ups",
                                     .port = "x.dev",
                                     .poll_interval = 2,
                                     .options = options,
                                     .option_count = count };
}

/* What a batch leaves behind, as a store would have it: the last word on each name. */
static const char *last(const struct update *update, const char *name)
{
    struct update_item item;
    const char *value = NULL;

    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        if (strcmp(item.name, name) != 0)
            continue;
        if (item.kind == UPDATE_SET)
            value = item.value;
        else if (item.kind == UPDATE_UNSET)
            value = NULL;
    }
    return value;
}

static bool has_item(const struct update *update, enum update_kind kind, const char *name)
{
    struct update_item item;

    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        if (item.kind == kind && strcmp(item.name, name) == 0)
            return true;
    }
    return false;
}

/* Shapes the batch in; in is emptied, out is to be cleared by the caller. */
static void shape(struct shaping *shaping, struct update *in, struct update *out)
{
    *out = (struct update){ 0 };
    shaping_apply(shaping, in, out);
    assert_true(update_ok(out));
    update_clear(in);
}

static void expect_status(struct shaping *shaping, struct update *in, const char *wanted)
{
    struct update out;

    shape(shaping, in, &out);
    if (wanted == NULL) {
        assert_false(has_item(&out, UPDATE_SET, "ups.status"));
    } else {
        assert_non_null(last(&out, "ups.status"));
        assert_string_equal(last(&out, "ups.status"), wanted);
    }
    update_clear(&out);
}

static void test_begin(void **state)
{
    SECTION({ "driver", "dummy-ups", 1 }, { "port", "x.dev", 1 }, { "desc", "mine", 1 },
            { "nolock", NULL, 1 }, { "mode", "dummy-once", 1 }, { "sdorder", "1", 1 },
            { "override.battery.packs", "3", 1 }, { "default.ups.load", "7", 1 },
            { "override.ups.status", "OL", 1 });
    struct shaping *shaping = shaping_new(&section, "1.2");
    struct update out = { 0 };

    (void)state;
    shaping_begin(shaping, &out);
    assert_string_equal(last(&out, "driver.name"), "dummy-ups");
    assert_string_equal(last(&out, "driver.version"), "1.2");
    assert_string_equal(last(&out, "driver.version.internal"), "1.2");
    assert_string_equal(last(&out, "driver.parameter.port"), "x.dev");
    assert_string_equal(last(&out, "driver.parameter.mode"), "dummy-once");
    assert_string_equal(last(&out, "driver.parameter.pollinterval"), "2");
    assert_string_equal(last(&out, "driver.parameter.synchronous"), "auto");
    assert_string_equal(last(&out, "driver.flag.nolock"), "enabled");
    assert_string_equal(last(&out, "device.type"), "ups");
    assert_string_equal(last(&out, "battery.packs"), "3");
    assert_string_equal(last(&out, "ups.load"), "7");
    assert_null(last(&out, "driver.parameter.desc"));
    assert_null(last(&out, "driver.parameter.driver"));
    assert_null(last(&out, "driver.parameter.sdorder"));
    assert_null(last(&out, "driver.parameter.override.battery.packs"));
    /* A status before the first reading would be a guess. */
    assert_null(last(&out, "ups.status"));
    update_clear(&out);
    shaping_free(shaping);
}

static void test_override_and_default(void **state)
{
    SECTION({ "override.battery.charge.low", "33", 1 }, { "default.ups.load", "7", 1 },
            { "override.ups.id", "first", 1 }, { "override.ups.id", "last", 1 });
    struct shaping *shaping = shaping_new(&section, "1");
    struct update in = { .complete = true };
    struct update out;

    (void)state;
    update_set(&in, "battery.charge.low", "10");
    update_flags(&in, "battery.charge.low", VARIABLE_RW | VARIABLE_NUMBER, 0);
    update_set(&in, "Ups.Id", "device's");
    update_command(&in, "load.off");
    shape(shaping, &in, &out);
    assert_true(out.complete);
    assert_string_equal(last(&out, "battery.charge.low"), "33");
    assert_false(has_item(&out, UPDATE_FLAGS, "battery.charge.low"));
    assert_string_equal(last(&out, "ups.id"), "last");
    assert_null(last(&out, "Ups.Id"));
    assert_string_equal(last(&out, "ups.load"), "7");
    assert_true(has_item(&out, UPDATE_COMMAND, "load.off"));
    update_clear(&out);

    update_set(&in, "ups.load", "55");
    update_unset(&in, "battery.charge.low");
    shape(shaping, &in, &out);
    assert_false(out.complete);
    assert_string_equal(last(&out, "ups.load"), "55");
    assert_false(has_item(&out, UPDATE_UNSET, "battery.charge.low"));
    update_clear(&out);
    shaping_free(shaping);
}

static void test_twins(void **state)
{
    SECTION({ "override.ups.model", "Ours", 1 });
    struct shaping *shaping = shaping_new(&section, "1");
    struct update in = { .complete = true };
    struct update out;

    (void)state;
    update_set(&in, "ups.mfr", "Maker");
    update_set(&in, "ups.model", "Theirs");
    update_set(&in, "ups.serial", "1");
    update_set(&in, "device.serial", "2");
    update_set(&in, "device.type", "pdu");
    shape(shaping, &in, &out);
    assert_string_equal(last(&out, "device.mfr"), "Maker");
    assert_string_equal(last(&out, "ups.model"), "Ours");
    assert_string_equal(last(&out, "device.model"), "Ours");
    assert_string_equal(last(&out, "device.serial"), "2");
    assert_string_equal(last(&out, "device.type"), "pdu");
    update_clear(&out);

    update_unset(&in, "ups.mfr");
    shape(shaping, &in, &out);
    assert_true(has_item(&out, UPDATE_UNSET, "device.mfr"));
    update_clear(&out);
    shaping_free(shaping);
}

static void test_overridden_twins(void **state)
{
    SECTION({ "override.ups.mfr", "Ours", 1 }, { "default.device.mfr", "Default", 1 },
            { "override.ups.model", "Ours", 1 }, { "override.device.model", "Its own", 1 });
    struct shaping *shaping = shaping_new(&section, "1");
    struct update in = { .complete = true };
    struct update out = { 0 };

    (void)state;
    shaping_begin(shaping, &out);
    assert_string_equal(last(&out, "device.mfr"), "Ours");
    assert_string_equal(last(&out, "device.model"), "Its own");
    update_clear(&out);

    update_set(&in, "device.mfr", "Theirs");
    update_flags(&in, "device.mfr", VARIABLE_RW | VARIABLE_STRING, 32);
    update_set(&in, "ups.mfr", "Theirs");
    update_set(&in, "device.model", "Theirs");
    update_set(&in, "ups.model", "Theirs");
    shape(shaping, &in, &out);
    assert_string_equal(last(&out, "device.mfr"), "Ours");
    assert_true(has_item(&out, UPDATE_FLAGS, "device.mfr"));
    assert_string_equal(last(&out, "device.model"), "Its own");
    update_clear(&out);

    update_unset(&in, "device.mfr");
    update_unset(&in, "ups.mfr");
    shape(shaping, &in, &out);
    assert_false(has_item(&out, UPDATE_UNSET, "device.mfr"));
    update_clear(&out);
    shaping_free(shaping);
}

static void test_alarm_word(void **state)
{
    SECTION({ "nolock", NULL, 1 });
    struct shaping *shaping = shaping_new(&section, "1");
    struct update in = { .complete = true };

    (void)state;
    update_set(&in, "ups.status", "OL");
    update_set(&in, "ups.alarm", "Fan");
    expect_status(shaping, &in, "ALARM OL");
    update_set(&in, "ups.load", "1");
    expect_status(shaping, &in, NULL);
    update_set(&in, "ups.status", "OB LB");
    expect_status(shaping, &in, "ALARM OB LB");
    update_unset(&in, "ups.alarm");
    expect_status(shaping, &in, "OB LB");
    update_set(&in, "ups.alarm", "Fan");
    expect_status(shaping, &in, "ALARM OB LB");
    update_set(&in, "ups.alarm", "");
    expect_status(shaping, &in, "OB LB");
    update_set(&in, "ups.alarm", "Fan");
    update_set(&in, "ups.status", "OL ALARM");
    expect_status(shaping, &in, "OL ALARM");
    /* Re-opened without an alarm. */
    in.complete = true;
    update_set(&in, "ups.status", "OL");
    expect_status(shaping, &in, "OL");
    shaping_free(shaping);
}

static void test_ignorelb(void **state)
{
    SECTION({ "ignorelb", NULL, 1 }, { "override.battery.charge.low", "20", 1 },
            { "default.battery.runtime.low", "100", 1 });
    section.ignore_low_battery = true;
    struct shaping *shaping = shaping_new(&section, "1");
    struct update in = { .complete = true };

    (void)state;
    update_set(&in, "ups.status", "OB LB DISCHRG");
    update_set(&in, "battery.charge", "80");
    expect_status(shaping, &in, "OB DISCHRG");
    update_set(&in, "battery.charge", "20.9");
    expect_status(shaping, &in, NULL);
    update_set(&in, "battery.charge", "19.9");
    expect_status(shaping, &in, "OB DISCHRG LB");
    /* The device's own threshold does not count against the override. */
    update_set(&in, "battery.charge.low", "5");
    expect_status(shaping, &in, NULL);
    update_set(&in, "battery.charge", "50");
    expect_status(shaping, &in, "OB DISCHRG");
    update_set(&in, "battery.runtime", "99");
    expect_status(shaping, &in, "OB DISCHRG LB");
    update_set(&in, "battery.runtime.low", "30");
    expect_status(shaping, &in, "OB DISCHRG");
    update_set(&in, "battery.runtime", "29");
    update_set(&in, "ups.alarm", "x");
    expect_status(shaping, &in, "ALARM OB DISCHRG LB");
    shaping_free(shaping);
}

static void test_low_battery_stays_without_ignorelb(void **state)
{
    SECTION({ "override.battery.charge.low", "20", 1 });
    struct shaping *shaping = shaping_new(&section, "1");
    struct update in = { .complete = true };

    (void)state;
    update_set(&in, "ups.status", "OB LB");
    update_set(&in, "battery.charge", "80");
    expect_status(shaping, &in, "OB LB");
    shaping_free(shaping);
}

static void test_fixed_status(void **state)
{
    SECTION({ "override.ups.status", "OL", 1 });
    struct option_setting options[] = { { "default.ups.status", "OFF", 1 } };
    struct device_settings with_default = settings_of(options, 1);
    struct shaping *shaping = shaping_new(&section, "1");
    struct update in = { .complete = true };

    (void)state;
    update_set(&in, "ups.status", "OB LB");
    update_set(&in, "ups.alarm", "x");
    expect_status(shaping, &in, "OL");
    update_set(&in, "ups.status", "OB");
    expect_status(shaping, &in, NULL);
    shaping_free(shaping);

    shaping = shaping_new(&with_default, "1");
    in.complete = true;
    update_set(&in, "ups.load", "1");
    expect_status(shaping, &in, "OFF");
    update_set(&in, "ups.status", "OL");
    expect_status(shaping, &in, "OL");
    shaping_free(shaping);
}

static void test_status_set_and_taken_away(void **state)
{
    SECTION({ "nolock", NULL, 1 });
    struct shaping *shaping = shaping_new(&section, "1");
    struct update in = { .complete = true };
    struct update out;

    (void)state;
    update_set(&in, "ups.status", "OL");
    update_unset(&in, "ups.status");
    shape(shaping, &in, &out);
    assert_null(last(&out, "ups.status"));
    update_clear(&out);
    shaping_free(shaping);
}

static void test_broken_batch_stays_broken(void **state)
{
    SECTION({ "nolock", NULL, 1 });
    struct shaping *shaping = shaping_new(&section, "1");
    struct update in = { .broken = true };
    struct update out = { 0 };

    (void)state;
    shaping_apply(shaping, &in, &out);
    assert_false(update_ok(&out));
    update_clear(&out);
    shaping_free(shaping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begin),
        cmocka_unit_test(test_override_and_default),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_overridden_twins),
        cmocka_unit_test(test_alarm_word),
        cmocka_unit_test(test_ignorelb),
        cmocka_unit_test(test_low_battery_stays_without_ignorelb),
        cmocka_unit_test(test_fixed_status),
        cmocka_unit_test(test_status_set_and_taken_away),
        cmocka_unit_test(test_broken_batch_stays_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
