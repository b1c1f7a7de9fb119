/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/objects.h"
#include "agent/outbox.h"
#include "agent/traps.h"
#include "tests/unit/device.h"

#include <stdio.h>

#define TOLD_MAX 64
#define START 1000000

/* What was told, as text: "on-battery", "added 6" ... */
struct fixture {
    struct device_fixture device;
    struct monitor *monitor;
    struct traps *traps;
    bool wanted;
    char told[TOLD_MAX][32];
    size_t count;
    struct notification *last;
};

static const char *const kinds[] = {
    [NOTIFICATION_ON_BATTERY] = "on-battery", [NOTIFICATION_TEST_COMPLETED] = "test",
    [NOTIFICATION_ALARM_ADDED] = "added",     [NOTIFICATION_ALARM_REMOVED] = "removed",
    [NOTIFICATION_COMMS_LOST] = "lost",       [NOTIFICATION_COMMS_RESTORED] = "restored",
    [NOTIFICATION_ON_LINE] = "on-line",
};

static bool is_wanted(void *owner)
{
    return ((struct fixture *)owner)->wanted;
}

static void take(void *owner, struct notification *notification)
{
    struct fixture *fixture = owner;

    assert_true(fixture->count < TOLD_MAX);
    if (notification->alarm != 0)
        snprintf(fixture->told[fixture->count++], sizeof fixture->told[0], "%s %u",
                 kinds[notification->kind], notification->alarm);
    else
        snprintf(fixture->told[fixture->count++], sizeof fixture->told[0], "%s",
                 kinds[notification->kind]);
    notification_drop(fixture->last);
    fixture->last = notification_share(notification);
}

static void open_fixture(struct fixture *fixture)
{
    *fixture = (struct fixture){ .wanted = true };
    device_open(&fixture->device, 600);
    fixture->monitor = monitor_new(fixture->device.ups);
    fixture->traps = traps_new(NULL, &(const struct traps_outlet){ fixture, is_wanted, take });
    assert_non_null(fixture->monitor);
    assert_non_null(fixture->traps);
    fixture->monitor->number = 7;
}

static void close_fixture(struct fixture *fixture)
{
    traps_free(fixture->traps);
    notification_drop(fixture->last);
    monitor_free(fixture->monitor);
    device_close(&fixture->device);
}

static void tell(struct fixture *fixture, const char *readings, uint64_t now)
{
    device_tell(&fixture->device, readings);
    monitor_observe(fixture->monitor, now);
    traps_observe(fixture->traps, fixture->monitor, now);
}

/* What was told since the last time, with blanks between. */
static void expect(struct fixture *fixture, const char *expected)
{
    char told[TOLD_MAX * 32] = "";

    for (size_t i = 0; i < fixture->count; i++) {
        if (i > 0)
            strcat(told, ", ");
        strcat(told, fixture->told[i]);
    }
    fixture->count = 0;
    assert_string_equal(told, expected);
}

static void test_a_well_device_costs_nothing(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL", START);
    expect(&fixture, "");
    assert_null(fixture.monitor->watch);
    assert_int_equal(traps_run(fixture.traps, START), UINT64_MAX);
    close_fixture(&fixture);
}

static void test_what_holds_at_first_is_told(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OB RB", START);
    expect(&fixture, "on-battery, added 1, added 6");
    tell(&fixture, "ups.status=OB RB", START + 100);
    expect(&fixture, "");
    close_fixture(&fixture);
}

static void test_each_minute_on_battery(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL", START);
    tell(&fixture, "ups.status=OB", START + 1000);
    expect(&fixture, "on-battery, added 6");
    assert_int_equal(traps_run(fixture.traps, START + 60999), START + 61000);
    expect(&fixture, "");
    assert_int_equal(traps_run(fixture.traps, START + 61000), START + 121000);
    expect(&fixture, "on-battery");
    tell(&fixture, "ups.status=OB LB", START + 70000);
    expect(&fixture, "added 3");
    traps_run(fixture.traps, START + 121000);
    expect(&fixture, "on-battery");
    tell(&fixture, "ups.status=OL", START + 130000);
    expect(&fixture, "on-line, removed 2, removed 3, removed 6");
    assert_int_equal(traps_run(fixture.traps, START + 300000), UINT64_MAX);
    expect(&fixture, "");
    close_fixture(&fixture);
}

/* Off is the end too (RFC 1628: until the UPS either turns off or is no longer on battery). */
static void test_no_repetition_once_it_is_off(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OB", START);
    expect(&fixture, "on-battery, added 6");
    tell(&fixture, "ups.status=OB OFF", START + 30000);
    expect(&fixture, "on-line, removed 2, added 14");
    traps_run(fixture.traps, START + 100000);
    expect(&fixture, "");
    close_fixture(&fixture);
}

static void test_flaps_are_merged_and_the_last_state_is_told(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL", START);
    tell(&fixture, "ups.status=OL OVER", START + 1000);
    expect(&fixture, "added 8");
    tell(&fixture, "ups.status=OL", START + 1100);
    expect(&fixture, "removed 8");
    /* Within five seconds of the last: neither that it came nor that it went. */
    for (unsigned i = 0; i < 20; i++)
        tell(&fixture, i % 2 == 0 ? "ups.status=OL OVER" : "ups.status=OL", START + 1200 + i * 100);
    expect(&fixture, "");
    assert_int_equal(traps_run(fixture.traps, START + 5000), UINT64_MAX);
    tell(&fixture, "ups.status=OL OVER", START + 5500);
    expect(&fixture, "");
    uint64_t due = traps_run(fixture.traps, START + 5999);
    assert_int_equal(due, START + 6000);
    traps_run(fixture.traps, due);
    expect(&fixture, "added 8");
    /* It went and came again before that could be told: both are, of the right rows. */
    tell(&fixture, "ups.status=OL", START + 6010);
    tell(&fixture, "ups.status=OL OVER", START + 6050);
    expect(&fixture, "");
    traps_run(fixture.traps, START + 6100);
    expect(&fixture, "removed 8");
    traps_run(fixture.traps, START + 11000);
    expect(&fixture, "added 8");
    close_fixture(&fixture);
}

static void test_a_flapping_mains(void **state)
{
    struct fixture fixture;
    size_t on_battery = 0;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL", START);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t now = START + 1000 + i * 100;

        tell(&fixture, i % 2 == 0 ? "ups.status=OB" : "ups.status=OL", now);
        traps_run(fixture.traps, now);
    }
    for (size_t i = 0; i < fixture.count; i++)
        on_battery += strcmp(fixture.told[i], "on-battery") == 0;
    /* Ten seconds: at 0, 5 and at most 10. */
    assert_in_range(on_battery, 2, 3);
    assert_in_range(fixture.count, 8, 16);
    fixture.count = 0;
    /* It ended on line, and whatever managers took for holding is taken back. */
    traps_run(fixture.traps, START + 30000);
    assert_int_equal(traps_run(fixture.traps, START + 40000), UINT64_MAX);
    assert_false(fixture.monitor->alarms.count > 0);
    fixture.count = 0;
    tell(&fixture, "ups.status=OB", START + 50000);
    expect(&fixture, "on-battery, added 6");
    close_fixture(&fixture);
}

static void test_tests_that_end(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OL", START);
    tell(&fixture, "ups.status=OL TEST", START + 1000);
    expect(&fixture, "");
    tell(&fixture, "ups.status=OL\nups.test.result=Battery bad", START + 9000);
    expect(&fixture, "added 19, test");
    assert_int_equal(subtree_count(fixture.last->variables), 7);
    tell(&fixture, "ups.status=OL\nups.test.result=Battery bad", START + 9100);
    expect(&fixture, "");
    tell(&fixture, "ups.status=OL TEST", START + 30000);
    expect(&fixture, "removed 19");
    tell(&fixture, "ups.status=OL\nups.test.result=Done and passed", START + 40000);
    expect(&fixture, "test");
    close_fixture(&fixture);
}

static void test_silence(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OB", START);
    expect(&fixture, "on-battery, added 6");
    fixture.device.ups->comms = UPS_LOST;
    monitor_observe(fixture.monitor, START + 20000);
    traps_observe(fixture.traps, fixture.monitor, START + 20000);
    expect(&fixture, "lost, added 20");
    /* Nobody knows whether it still is. */
    traps_run(fixture.traps, START + 200000);
    expect(&fixture, "");
    tell(&fixture, "ups.status=OB", START + 300000);
    expect(&fixture, "restored, on-battery, removed 20");
    close_fixture(&fixture);
}

/* The values of variables, as text: whole names, and numbers or texts. */
static void expect_variables(const struct notification *notification, const struct moment *moment,
                             const char *const *expected, size_t count)
{
    assert_int_equal(subtree_count(notification->variables), count);
    for (size_t i = 0; i < count; i++) {
        struct subtree_value value;
        arc name[SUBTREE_NAME_MAX];
        size_t length = subtree_name_at(notification->variables, i, name);
        char text[200] = "";

        for (size_t k = 8; k < length; k++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%lu.", name[k]);
        subtree_value_at(notification->variables, i, moment, &value);
        if (value.type == SUBTREE_TEXT)
            snprintf(text + strlen(text), sizeof text - strlen(text), "=%.*s", (int)value.size,
                     (const char *)value.bytes);
        else if (value.type == SUBTREE_OBJECT_ID)
            snprintf(text + strlen(text), sizeof text - strlen(text), "=oid %lu",
                     ((const arc *)value.bytes)[value.size / sizeof(arc) - 1]);
        else
            snprintf(text + strlen(text), sizeof text - strlen(text), "=%ld", value.number);
        assert_string_equal(text, expected[i]);
    }
}

static void test_variables(void **state)
{
    static const char *const on_battery[] = { "2.3.0.=12", "2.2.0.=0", "9.7.0.=2",
                                              "1.5.0.=the rack" };
    static const char *const repeated[] = { "2.3.0.=0", "2.2.0.=60", "9.7.0.=0", "1.5.0.=alpha" };
    static const char *const removed[] = { "6.2.1.1.2.=2", "6.2.1.2.2.=oid 6", "1.5.0.=alpha" };
    static const char *const test[] = { "7.1.0.=oid 3", "7.2.0.=1",  "7.3.0.=1",    "7.4.0.=passed",
                                        "7.5.0.=100",   "7.6.0.=50", "1.5.0.=alpha" };
    const struct moment moment = moment_at(START + 999999, START + 99000);
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture,
         "ups.status=OB CAL\nups.id=the rack\nbattery.runtime=725\nbattery.runtime.low=120", START);
    expect_variables(fixture.last, &moment, on_battery, 4);
    tell(&fixture, "ups.status=OB", START + 1000);
    traps_run(fixture.traps, START + 60000);
    expect_variables(fixture.last, &moment, repeated, 4);
    assert_string_equal(fixture.last->context, "alpha");
    tell(&fixture, "ups.status=OL", START + 61000);
    expect_variables(fixture.last, &moment, removed, 3);
    tell(&fixture, "ups.status=OL TEST", START + 100000);
    tell(&fixture, "ups.status=OL\nups.test.result=passed", START + 100500);
    expect_variables(fixture.last, &moment, test, 7);
    close_fixture(&fixture);
}

static void test_names(void **state)
{
    size_t length;

    (void)state;
    for (enum notification_kind kind = NOTIFICATION_ON_BATTERY; kind <= NOTIFICATION_ALARM_REMOVED;
         kind++) {
        const arc *name = notification_name(kind, &length);

        assert_int_equal(length, 9);
        assert_int_equal(name[6], 33);
        assert_int_equal(name[7], 2);
        assert_int_equal(name[8], kind + 1);
    }
}

static void test_nobody_wants_any(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    fixture.wanted = false;
    tell(&fixture, "ups.status=OB", START);
    expect(&fixture, "");
    /* Who comes later gets what comes later. */
    fixture.wanted = true;
    traps_run(fixture.traps, START + 60000);
    expect(&fixture, "on-battery");
    close_fixture(&fixture);
}

static void test_a_device_that_goes(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    tell(&fixture, "ups.status=OB", START);
    expect(&fixture, "on-battery, added 6");
    traps_retire(fixture.traps, fixture.monitor, START + 100);
    expect(&fixture, "removed 2, removed 6");
    assert_null(fixture.monitor->watch);
    assert_int_equal(traps_run(fixture.traps, START + 100000), UINT64_MAX);
    traps_retire(fixture.traps, fixture.monitor, START + 200);
    expect(&fixture, "");
    close_fixture(&fixture);
}

/* The outbox --------------------------------------------------------------------------------- */

static struct notification *make(struct fixture *fixture, enum notification_kind kind,
                                 uint32_t device)
{
    fixture->monitor->number = device;
    return notification_new(kind, fixture->monitor, NULL, START);
}

static uint32_t take_device(struct outbox *outbox, uint64_t now)
{
    struct notification *notification = outbox_take(outbox, now);
    uint32_t device = notification == NULL ? 0 : notification->device;

    notification_drop(notification);
    return device;
}

static void test_outbox_order(void **state)
{
    struct outbox outbox = { .receiver = "test" };
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    for (uint32_t device = 1; device <= 3; device++)
        outbox_put(&outbox, make(&fixture, NOTIFICATION_ON_BATTERY, device));
    /* The same again replaces it; what did not arrive is the first again. */
    outbox_put(&outbox, make(&fixture, NOTIFICATION_ON_BATTERY, 1));
    outbox_put_back(&outbox, make(&fixture, NOTIFICATION_ON_BATTERY, 4));
    assert_int_equal(outbox.count, 4);
    assert_int_equal(take_device(&outbox, START), 4);
    assert_int_equal(take_device(&outbox, START), 2);
    outbox_put(&outbox, make(&fixture, NOTIFICATION_ON_BATTERY, 1));
    outbox_put(&outbox, make(&fixture, NOTIFICATION_COMMS_LOST, 1));
    assert_int_equal(take_device(&outbox, START), 3);
    assert_int_equal(take_device(&outbox, START), 1);
    assert_int_equal(take_device(&outbox, START), 1);
    assert_int_equal(take_device(&outbox, START), 0);
    assert_int_equal(outbox_wait(&outbox, START), UINT_MAX);
    outbox_put(&outbox, make(&fixture, NOTIFICATION_ON_BATTERY, 9));
    struct outbox heir = { .receiver = "heir" };
    outbox_inherit(&heir, &outbox);
    assert_int_equal(outbox.count, 0);
    assert_int_equal(outbox_wait(&outbox, START), UINT_MAX);
    assert_int_equal(heir.count, 1);
    outbox_clear(&heir);
    assert_int_equal(heir.count, 0);
    close_fixture(&fixture);
}

static void put_alarm(struct fixture *fixture, struct outbox *outbox, enum notification_kind kind,
                      const struct alarm *alarm)
{
    fixture->monitor->number = 7;
    outbox_put(outbox, notification_new(kind, fixture->monitor, alarm, START));
}

/* What waits, as "added 1, removed 1". */
static void expect_waiting(struct outbox *outbox, const char *expected)
{
    char waiting[256] = "";
    size_t used = 0;
    uint64_t now = START;

    while (outbox->count > 0) {
        now += outbox_wait(outbox, now);
        struct notification *notification = outbox_take(outbox, now);

        used +=
            (size_t)snprintf(waiting + used, sizeof waiting - used, "%s%s %u",
                             used == 0 ? "" : ", ", kinds[notification->kind], notification->row);
        notification_drop(notification);
    }
    assert_string_equal(waiting, expected);
}

/* A manager must never keep a row that it was told of and that has long gone. */
static void test_merged_alarms_leave_no_row_open(void **state)
{
    const struct alarm rows[] = {
        { .id = 1, .kind = ALARM_OUTPUT_OVERLOAD },
        { .id = 2, .kind = ALARM_OUTPUT_OVERLOAD },
        { .id = 3, .kind = ALARM_OUTPUT_OVERLOAD },
    };
    struct outbox outbox = { .receiver = "test" };
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_REMOVED, &rows[0]);
    put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_ADDED, &rows[1]);
    put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_REMOVED, &rows[1]);
    expect_waiting(&outbox, "removed 1, added 2, removed 2");
    for (size_t i = 0; i < 3; i++) {
        put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_ADDED, &rows[i]);
        put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_REMOVED, &rows[i]);
    }
    expect_waiting(&outbox, "added 3, removed 3");
    put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_REMOVED, &rows[0]);
    put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_ADDED, &rows[1]);
    put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_REMOVED, &rows[1]);
    put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_ADDED, &rows[2]);
    expect_waiting(&outbox, "removed 1, added 3");
    close_fixture(&fixture);
}

/* Of being on battery no coming is told as a row, so that the goings would add up. */
static void test_goings_alone_are_merged(void **state)
{
    const struct alarm rows[] = { { .id = 1, .kind = ALARM_ON_BATTERY },
                                  { .id = 2, .kind = ALARM_ON_BATTERY } };
    struct outbox outbox = { .receiver = "test" };
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_REMOVED, &rows[0]);
    put_alarm(&fixture, &outbox, NOTIFICATION_ALARM_REMOVED, &rows[1]);
    expect_waiting(&outbox, "removed 2");
    close_fixture(&fixture);
}

static void test_outbox_bounds(void **state)
{
    struct outbox outbox = { .receiver = "test" };
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    for (uint32_t device = 1; device <= OUTBOX_MAX + 10; device++)
        outbox_put(&outbox, make(&fixture, NOTIFICATION_COMMS_LOST, device));
    assert_int_equal(outbox.count, OUTBOX_MAX);
    assert_true(outbox.overflowed);
    uint64_t now = START;
    for (uint32_t device = 11; device <= OUTBOX_MAX + 10; device++) {
        now += outbox_wait(&outbox, now);
        assert_int_equal(take_device(&outbox, now), device);
    }
    assert_false(outbox.overflowed);
    /* A flood takes its time. */
    assert_in_range(now, START + (OUTBOX_MAX / OUTBOX_BURST - 1) * OUTBOX_REST_MS,
                    START + (OUTBOX_MAX / OUTBOX_BURST + 1) * OUTBOX_REST_MS);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_well_device_costs_nothing),
        cmocka_unit_test(test_what_holds_at_first_is_told),
        cmocka_unit_test(test_each_minute_on_battery),
        cmocka_unit_test(test_no_repetition_once_it_is_off),
        cmocka_unit_test(test_flaps_are_merged_and_the_last_state_is_told),
        cmocka_unit_test(test_a_flapping_mains),
        cmocka_unit_test(test_tests_that_end),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_nobody_wants_any),
        cmocka_unit_test(test_a_device_that_goes),
        cmocka_unit_test(test_outbox_order),
        cmocka_unit_test(test_merged_alarms_leave_no_row_open),
        cmocka_unit_test(test_goings_alone_are_merged),
        cmocka_unit_test(test_outbox_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
