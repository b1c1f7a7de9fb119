/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/lineage.h"
#include "agent/monitor.h"
#include "agent/objects.h"
#include "tests/unit/device.h"

#include <stdio.h>

struct fixture {
    struct device_fixture device;
    struct monitor *monitor;
};

static void open_fixture(struct fixture *fixture)
{
    device_open(&fixture->device, 600);
    fixture->monitor = monitor_new(fixture->device.ups);
    assert_non_null(fixture->monitor);
}

static void close_fixture(struct fixture *fixture)
{
    monitor_free(fixture->monitor);
    device_close(&fixture->device);
}

static void tell(struct fixture *fixture, const char *readings, uint64_t now)
{
    device_tell(&fixture->device, readings);
    monitor_observe(fixture->monitor, now);
}

static const struct alarm *find_alarm(const struct fixture *fixture, enum alarm_kind kind)
{
    const struct alarms *alarms = &fixture->monitor->alarms;

    for (size_t i = 0; i < alarms->count; i++) {
        if (alarms->rows[i].kind == kind)
            return &alarms->rows[i];
    }
    return NULL;
}

static void test_alarm_rows(void **state)
{
    struct alarms alarms = { 0 };
    const uint32_t a = ALARM_BIT(3), b = ALARM_BIT(1), c = ALARM_BIT(24);

    (void)state;
    assert_int_equal(alarms_update(&alarms, a | c, 10), a | c);
    assert_int_equal(alarms.count, 2);
    assert_int_equal(alarms.rows[0].id, 1);
    assert_int_equal(alarms.rows[0].kind, 3);
    assert_int_equal(alarms.rows[1].id, 2);
    assert_int_equal(alarms_update(&alarms, a | c, 20), 0);
    assert_int_equal(alarms.rows[0].noticed, 10);
    assert_int_equal(alarms_update(&alarms, b | c, 30), a | b);
    assert_int_equal(alarms.rows[0].id, 2);
    assert_int_equal(alarms.rows[1].id, 3);
    assert_int_equal(alarms.rows[1].noticed, 30);
    /* What comes back is a new row. */
    assert_int_equal(alarms_update(&alarms, a, 40), a | b | c);
    assert_int_equal(alarms.count, 1);
    assert_int_equal(alarms.rows[0].id, 4);
}

static void test_alarm_identifiers_begin_anew(void **state)
{
    struct alarms alarms = { .last_id = INT32_MAX - 1 };

    (void)state;
    alarms_update(&alarms, ALARM_BIT(5), 1);
    assert_int_equal(alarms.rows[0].id, INT32_MAX);
    alarms_update(&alarms, ALARM_BIT(5) | ALARM_BIT(6) | ALARM_BIT(7), 1);
    assert_int_equal(alarms.count, 3);
    /* In order of identifiers, as a walk must see them. */
    assert_int_equal(alarms.rows[0].id, 1);
    assert_int_equal(alarms.rows[1].id, 2);
    assert_int_equal(alarms.rows[2].id, INT32_MAX);
}

static void test_every_alarm_fits(void **state)
{
    struct alarms alarms = { 0 };
    size_t length;

    (void)state;
    alarms_update(&alarms, UINT32_MAX, 1);
    assert_int_equal(alarms.count, ALARM_KINDS);
    for (enum alarm_kind kind = 1; kind <= ALARM_KINDS; kind++) {
        const arc *description = alarm_description(kind, &length);

        assert_int_equal(length, 11);
        assert_int_equal(description[8], 6);
        assert_int_equal(description[9], 3);
        assert_int_equal(description[10], kind);
    }
}

static void test_seconds_on_battery(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL", 1000);
    assert_int_equal(fixture.monitor->on_battery_since, 0);
    tell(&fixture, "ups.status=OB", 2000);
    assert_int_equal(fixture.monitor->on_battery_since, 2000);
    tell(&fixture, "ups.status=OB LB", 9000);
    assert_int_equal(fixture.monitor->on_battery_since, 2000);
    tell(&fixture, "ups.status=OL", 10000);
    assert_int_equal(fixture.monitor->on_battery_since, 0);
    tell(&fixture, "ups.status=OB", 11000);
    assert_int_equal(fixture.monitor->on_battery_since, 11000);
    tell(&fixture, "ups.status=OB BYPASS", 12000);
    assert_int_equal(fixture.monitor->on_battery_since, 0);
    close_fixture(&fixture);
}

static void test_line_bads_count_outages(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL", 1000);
    assert_int_equal(fixture.monitor->input_line_bads, 0);
    tell(&fixture, "ups.status=OB", 2000);
    tell(&fixture, "ups.status=OB LB", 3000);
    assert_int_equal(fixture.monitor->input_line_bads, 1);
    tell(&fixture, "ups.status=OL", 4000);
    tell(&fixture, "ups.status=OB CAL", 5000);
    assert_int_equal(fixture.monitor->input_line_bads, 1);
    tell(&fixture, "ups.status=OB", 6000);
    assert_int_equal(fixture.monitor->input_line_bads, 2);
    close_fixture(&fixture);
}

static void test_what_held_from_the_start_has_time_0(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    monitor_observe(fixture.monitor, 500); /* WAIT: nothing is known yet */
    assert_int_equal(fixture.monitor->alarms.count, 0);
    tell(&fixture, "ups.status=OL RB", 1000);
    assert_int_equal(find_alarm(&fixture, ALARM_BATTERY_BAD)->noticed, 0);
    tell(&fixture, "ups.status=OL RB OVER", 2000);
    assert_int_equal(find_alarm(&fixture, ALARM_BATTERY_BAD)->noticed, 0);
    assert_int_equal(find_alarm(&fixture, ALARM_OUTPUT_OVERLOAD)->noticed, 2000);
    close_fixture(&fixture);
}

static void test_tests_are_seen_whoever_starts_them(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    /* The result of a test before our time is no test of ours. */
    tell(&fixture, "ups.status=OL\nups.test.result=Done and error", 1000);
    assert_int_equal(fixture.monitor->self_test.kind, TEST_KIND_NONE);
    assert_int_equal(fixture.monitor->self_test.summary, TEST_NONE);
    tell(&fixture, "ups.status=OL TEST\nups.test.result=Done and error", 2000);
    assert_int_equal(fixture.monitor->self_test.kind, TEST_KIND_GENERAL);
    assert_int_equal(fixture.monitor->self_test.summary, TEST_RUNNING);
    assert_int_equal(fixture.monitor->self_test.start, 2000);
    tell(&fixture, "ups.status=OL\nups.test.result=Done and error", 9000);
    assert_int_equal(fixture.monitor->self_test.summary, TEST_FAILED);
    assert_int_equal(fixture.monitor->self_test.end, 9000);
    assert_non_null(find_alarm(&fixture, ALARM_DIAGNOSTIC_TEST_FAILED));
    /* The outcome may come later than the end. */
    tell(&fixture, "ups.status=OL\nups.test.result=Done and passed", 10000);
    assert_int_equal(fixture.monitor->self_test.summary, TEST_PASSED);
    assert_null(find_alarm(&fixture, ALARM_DIAGNOSTIC_TEST_FAILED));
    tell(&fixture, "ups.status=OB CAL", 11000);
    assert_int_equal(fixture.monitor->self_test.kind, TEST_KIND_DEEP_BATTERY);
    tell(&fixture, "ups.status=OL", 12000);
    assert_int_equal(fixture.monitor->self_test.summary, TEST_WARNING);
    close_fixture(&fixture);
}

static void test_an_ordered_test(void **state)
{
    struct fixture fixture;
    struct self_test *test;

    (void)state;
    open_fixture(&fixture);
    test = &fixture.monitor->self_test;
    tell(&fixture, "ups.status=OL\nups.test.result=Done and error", 1000);
    self_test_order(test, fixture.device.ups, TEST_KIND_QUICK_BATTERY, 2000);
    /* Nothing that the device says is new yet. */
    tell(&fixture, "ups.status=OL\nups.test.result=Done and error", 3000);
    assert_int_equal(test->summary, TEST_RUNNING);
    assert_non_null(find_alarm(&fixture, ALARM_TEST_IN_PROGRESS));
    tell(&fixture, "ups.status=OL\nups.test.result=Done and passed", 4000);
    assert_int_equal(test->summary, TEST_PASSED);
    assert_int_equal(test->kind, TEST_KIND_QUICK_BATTERY);
    assert_int_equal(test->start, 2000);
    assert_int_equal(test->end, 4000);
    assert_null(find_alarm(&fixture, ALARM_TEST_IN_PROGRESS));

    /* It ends as it began: the same outcome again counts if the test was seen. */
    self_test_order(test, fixture.device.ups, TEST_KIND_DEEP_BATTERY, 5000);
    tell(&fixture, "ups.status=OB CAL\nups.test.result=Done and passed", 6000);
    assert_int_equal(test->kind, TEST_KIND_DEEP_BATTERY);
    assert_int_equal(self_test_next_look(test), 0);
    tell(&fixture, "ups.status=OL\nups.test.result=Done and passed", 7000);
    assert_int_equal(test->summary, TEST_PASSED);

    /* Stopped before it came to anything. */
    self_test_order(test, fixture.device.ups, TEST_KIND_GENERAL, 8000);
    tell(&fixture, "ups.status=OL TEST", 9000);
    self_test_abort(test, true);
    tell(&fixture, "ups.status=OL TEST DISCHRG", 9500);
    assert_int_equal(test->summary, TEST_RUNNING);
    tell(&fixture, "ups.status=OL", 10000);
    assert_int_equal(test->summary, TEST_ABORTED);
    close_fixture(&fixture);
}

static void test_a_test_without_an_end(void **state)
{
    struct fixture fixture;
    struct self_test *test;

    (void)state;
    open_fixture(&fixture);
    test = &fixture.monitor->self_test;
    tell(&fixture, "ups.status=OL", 1000);
    self_test_order(test, fixture.device.ups, TEST_KIND_QUICK_BATTERY, 2000);
    uint64_t limit = monitor_next_look(fixture.monitor, 2000);
    assert_true(limit > 2000);
    monitor_observe(fixture.monitor, limit - 1);
    assert_int_equal(test->summary, TEST_RUNNING);
    monitor_observe(fixture.monitor, limit);
    assert_int_equal(test->summary, TEST_WARNING);
    assert_non_null(test->detail);
    assert_int_equal(monitor_next_look(fixture.monitor, limit), 0);
    close_fixture(&fixture);
}

/* A command was handed over, and the device has done it. */
static void command(struct fixture *fixture, const char *name, const char *parameter, uint64_t now)
{
    static uint64_t id;
    const struct ups_request request = {
        .id = ++id, .kind = UPS_REQUEST_COMMAND, .name = name, .value = parameter
    };

    monitor_note_request(fixture->monitor, &request);
    assert_true(monitor_note_result(fixture->monitor, id, UPS_HANDLED, now));
    monitor_observe(fixture->monitor, now);
}

static void test_off_by_command(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL", 1000);
    tell(&fixture, "ups.status=OL OFF", 2000);
    /* Somebody has pressed the button. */
    assert_null(find_alarm(&fixture, ALARM_OUTPUT_OFF_AS_REQUESTED));
    tell(&fixture, "ups.status=OL", 3000);
    command(&fixture, "load.off", NULL, 4000);
    tell(&fixture, "ups.status=OL OFF", 5000);
    assert_non_null(find_alarm(&fixture, ALARM_OUTPUT_OFF_AS_REQUESTED));
    assert_null(find_alarm(&fixture, ALARM_AWAITING_POWER));
    tell(&fixture, "ups.status=OL", 6000);
    assert_null(find_alarm(&fixture, ALARM_OUTPUT_OFF_AS_REQUESTED));
    tell(&fixture, "ups.status=OL OFF", 7000);
    assert_null(find_alarm(&fixture, ALARM_OUTPUT_OFF_AS_REQUESTED));

    /* Unless it never goes off: then a button is a button again. */
    tell(&fixture, "ups.status=OL", 8000);
    command(&fixture, "LOAD.OFF", NULL, 9000);
    tell(&fixture, "ups.status=OL CHRG", 9000 + 11 * 60 * 1000);
    tell(&fixture, "ups.status=OL OFF", 9000 + 12 * 60 * 1000);
    assert_null(find_alarm(&fixture, ALARM_OUTPUT_OFF_AS_REQUESTED));
    close_fixture(&fixture);
}

static void test_countdowns_by_command(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OB\nups.delay.shutdown=60", 1000);
    command(&fixture, "shutdown.return", NULL, 2000);
    assert_int_equal(monitor_countdown(fixture.monitor, COUNTDOWN_SHUTDOWN, 2000), 60);
    assert_int_equal(monitor_countdown(fixture.monitor, COUNTDOWN_SHUTDOWN, 61999), 1);
    assert_int_equal(monitor_countdown(fixture.monitor, COUNTDOWN_SHUTDOWN, 62000), -1);
    assert_non_null(find_alarm(&fixture, ALARM_SHUTDOWN_PENDING));
    assert_null(find_alarm(&fixture, ALARM_SHUTDOWN_IMMINENT));
    uint64_t next = monitor_next_look(fixture.monitor, 3000);
    monitor_observe(fixture.monitor, next);
    assert_non_null(find_alarm(&fixture, ALARM_SHUTDOWN_IMMINENT));
    assert_int_equal(monitor_next_look(fixture.monitor, next), 62000);
    monitor_observe(fixture.monitor, 62000);
    assert_null(find_alarm(&fixture, ALARM_SHUTDOWN_PENDING));
    tell(&fixture, "ups.status=OB OFF\nups.delay.shutdown=60", 63000);
    assert_non_null(find_alarm(&fixture, ALARM_AWAITING_POWER));
    tell(&fixture, "ups.status=OL OFF\nups.delay.shutdown=60", 64000);
    assert_null(find_alarm(&fixture, ALARM_AWAITING_POWER));

    command(&fixture, "load.off.delay", "7", 70000);
    assert_int_equal(monitor_countdown(fixture.monitor, COUNTDOWN_SHUTDOWN, 70000), 7);
    command(&fixture, "shutdown.stop", NULL, 71000);
    assert_int_equal(monitor_countdown(fixture.monitor, COUNTDOWN_SHUTDOWN, 71000), -1);
    /* What the device tells counts more. */
    command(&fixture, "load.on.delay", "9", 72000);
    assert_int_equal(monitor_countdown(fixture.monitor, COUNTDOWN_STARTUP, 72000), 9);
    tell(&fixture, "ups.status=OL OFF\nups.timer.start=5", 73000);
    assert_int_equal(monitor_countdown(fixture.monitor, COUNTDOWN_STARTUP, 73000), 5);
    close_fixture(&fixture);
}

static void test_the_whole_ups_is_off(void **state)
{
    struct fixture fixture;
    struct kept_values kept = { .shutdown_type = 2 };
    struct update update = { 0 };

    (void)state;
    open_fixture(&fixture);
    fixture.monitor->kept = &kept;
    tell(&fixture, "ups.status=OB", 1000);
    assert_int_equal(monitor_shutdown_type(fixture.monitor), 1);
    update_command(&update, "load.off");
    update_command(&update, "shutdown.stayoff");
    ups_apply(fixture.device.store, fixture.device.ups, &update);
    update_clear(&update);
    assert_int_equal(monitor_shutdown_type(fixture.monitor), 2);
    command(&fixture, "shutdown.stayoff", NULL, 2000);
    fixture.device.ups->comms = UPS_LOST;
    monitor_observe(fixture.monitor, 3000);
    assert_non_null(find_alarm(&fixture, ALARM_UPS_OFF_AS_REQUESTED));
    assert_non_null(find_alarm(&fixture, ALARM_UPS_SYSTEM_OFF));
    fixture.device.ups->comms = UPS_OK;
    monitor_observe(fixture.monitor, 4000);
    assert_null(find_alarm(&fixture, ALARM_UPS_OFF_AS_REQUESTED));
    close_fixture(&fixture);
}

static void test_silence(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL", 1000);
    tell(&fixture, "ups.status=OB", 2000);
    fixture.device.ups->comms = UPS_STALE;
    monitor_observe(fixture.monitor, 3000);
    assert_int_equal(fixture.monitor->conditions.source, SOURCE_OTHER);
    assert_int_equal(fixture.monitor->conditions.battery, BATTERY_UNKNOWN);
    assert_int_equal(fixture.monitor->on_battery_since, 2000);
    assert_int_equal(find_alarm(&fixture, ALARM_COMMUNICATIONS_LOST)->noticed, 3000);
    assert_int_equal(find_alarm(&fixture, ALARM_ON_BATTERY)->noticed, 2000);
    monitor_observe(fixture.monitor, 4000);
    assert_int_equal(find_alarm(&fixture, ALARM_COMMUNICATIONS_LOST)->noticed, 3000);
    fixture.device.ups->comms = UPS_OK;
    tell(&fixture, "ups.status=OB", 5000);
    assert_int_equal(fixture.monitor->conditions.source, SOURCE_BATTERY);
    assert_int_equal(fixture.monitor->on_battery_since, 2000);
    assert_null(find_alarm(&fixture, ALARM_COMMUNICATIONS_LOST));
    assert_int_equal(fixture.monitor->input_line_bads, 1);
    close_fixture(&fixture);
}

static void test_snapshot_is_built_when_something_has_changed(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL\nups.load=20", 1000);
    const struct subtree *first = monitor_snapshot(fixture.monitor);
    assert_non_null(first);
    tell(&fixture, "ups.status=OL\nups.load=20", 2000);
    assert_ptr_equal(monitor_snapshot(fixture.monitor), first);
    uint64_t generation = fixture.monitor->snapshot_generation;
    tell(&fixture, "ups.status=OL\nups.load=21", 3000);
    assert_int_equal(fixture.monitor->snapshot_generation, generation);
    assert_non_null(monitor_snapshot(fixture.monitor));
    assert_int_not_equal(fixture.monitor->snapshot_generation, generation);
    close_fixture(&fixture);
}

/* A reading on the edge of a threshold. */
static void test_hysteresis(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL\ninput.voltage=179\ninput.transfer.low=180", 1000);
    uint32_t id = find_alarm(&fixture, ALARM_INPUT_BAD)->id;
    for (unsigned i = 0; i < 10; i++)
        tell(&fixture,
             i % 2 == 0 ? "ups.status=OL\ninput.voltage=180.5\ninput.transfer.low=180"
                        : "ups.status=OL\ninput.voltage=179.5\ninput.transfer.low=180",
             2000 + i);
    assert_int_equal(find_alarm(&fixture, ALARM_INPUT_BAD)->id, id);
    assert_int_equal(fixture.monitor->input_line_bads, 1);
    tell(&fixture, "ups.status=OL\ninput.voltage=181.9\ninput.transfer.low=180", 3000);
    assert_null(find_alarm(&fixture, ALARM_INPUT_BAD));
    tell(&fixture, "ups.status=OL\ninput.voltage=180.1\ninput.transfer.low=180", 4000);
    assert_null(find_alarm(&fixture, ALARM_INPUT_BAD));

    tell(&fixture, "ups.status=OL\nbattery.runtime=300\nbattery.runtime.low=300", 5000);
    assert_non_null(find_alarm(&fixture, ALARM_LOW_BATTERY));
    tell(&fixture, "ups.status=OL\nbattery.runtime=330\nbattery.runtime.low=300", 6000);
    assert_non_null(find_alarm(&fixture, ALARM_LOW_BATTERY));
    tell(&fixture, "ups.status=OL\nbattery.runtime=331\nbattery.runtime.low=300", 7000);
    assert_null(find_alarm(&fixture, ALARM_LOW_BATTERY));
    /* What the UPS itself says counts at once. */
    tell(&fixture, "ups.status=OL LB\nbattery.runtime=301\nbattery.runtime.low=300", 8000);
    assert_non_null(find_alarm(&fixture, ALARM_LOW_BATTERY));
    tell(&fixture, "ups.status=OL\nbattery.runtime=301\nbattery.runtime.low=300", 9000);
    assert_null(find_alarm(&fixture, ALARM_LOW_BATTERY));
    close_fixture(&fixture);
}

static void test_lineage(void **state)
{
    struct lineage lineage = { 0 };
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    lineage_inherit(&lineage, fixture.monitor);
    assert_int_equal(fixture.monitor->alarms.last_id, 0);
    lineage_leave(&lineage, fixture.monitor);
    assert_null(lineage.first);
    tell(&fixture, "ups.status=OB RB", 1000);
    lineage_leave(&lineage, fixture.monitor);
    monitor_free(fixture.monitor);
    fixture.monitor = monitor_new(fixture.device.ups);
    lineage_inherit(&lineage, fixture.monitor);
    assert_null(lineage.first);
    assert_int_equal(fixture.monitor->input_line_bads, 1);
    tell(&fixture, "ups.status=OL RB", 2000);
    assert_int_equal(find_alarm(&fixture, ALARM_BATTERY_BAD)->id, 4);
    lineage_leave(&lineage, fixture.monitor);
    lineage_clear(&lineage);
    assert_null(lineage.first);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alarm_rows),
        cmocka_unit_test(test_alarm_identifiers_begin_anew),
        cmocka_unit_test(test_every_alarm_fits),
        cmocka_unit_test(test_seconds_on_battery),
        cmocka_unit_test(test_line_bads_count_outages),
        cmocka_unit_test(test_what_held_from_the_start_has_time_0),
        cmocka_unit_test(test_tests_are_seen_whoever_starts_them),
        cmocka_unit_test(test_an_ordered_test),
        cmocka_unit_test(test_a_test_without_an_end),
        cmocka_unit_test(test_off_by_command),
        cmocka_unit_test(test_countdowns_by_command),
        cmocka_unit_test(test_the_whole_ups_is_off),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_snapshot_is_built_when_something_has_changed),
        cmocka_unit_test(test_hysteresis),
        cmocka_unit_test(test_lineage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
