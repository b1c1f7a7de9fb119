/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/conditions.h"
#include "tests/unit/device.h"

#define BIT(kind) ALARM_BIT(ALARM_##kind)

static struct conditions read_conditions(const char *readings)
{
    struct device_fixture fixture;
    struct conditions conditions;

    device_open(&fixture, 600);
    device_tell(&fixture, readings);
    conditions_read(fixture.ups, NULL, &conditions);
    device_close(&fixture);
    return conditions;
}

static void test_output_source(void **state)
{
    static const struct {
        const char *readings;
        enum output_source source;
    } cases[] = {
        { "ups.status=OL", SOURCE_NORMAL },          { "ups.status=OL CHRG RB", SOURCE_NORMAL },
        { "ups.status=OB DISCHRG", SOURCE_BATTERY }, { "ups.status=OB CAL", SOURCE_BATTERY },
        { "ups.status=OB BOOST", SOURCE_BATTERY },   { "ups.status=OL BOOST", SOURCE_BOOSTER },
        { "ups.status=OL TRIM", SOURCE_REDUCER },    { "ups.status=OL BYPASS", SOURCE_BYPASS },
        { "ups.status=OB BYPASS", SOURCE_BYPASS },   { "ups.status=OL OFF", SOURCE_NONE },
        { "ups.status=OFF BYPASS OB", SOURCE_NONE }, { "ups.status=WAIT", SOURCE_OTHER },
        { "ups.status=NOFFS", SOURCE_OTHER },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(read_conditions(cases[i].readings).source, cases[i].source);
}

static void test_battery_status(void **state)
{
    static const struct {
        const char *readings;
        enum battery_status battery;
    } cases[] = {
        { "ups.status=OL", BATTERY_NORMAL },
        { "ups.status=OL RB", BATTERY_NORMAL },
        { "ups.status=OB LB", BATTERY_LOW },
        { "ups.status=OL LB", BATTERY_LOW },
        { "ups.status=OL\nbattery.charge=0", BATTERY_DEPLETED },
        { "ups.status=OB LB\nbattery.charge=0.0", BATTERY_DEPLETED },
        { "ups.status=OB\nbattery.runtime=0", BATTERY_DEPLETED },
        { "ups.status=OL\nbattery.runtime=0", BATTERY_NORMAL },
        { "ups.status=OL\nbattery.charge=1", BATTERY_NORMAL },
        /* upsConfigLowBattTime is two minutes here: 61 s are rounded up. */
        { "ups.status=OB\nbattery.runtime=120\nbattery.runtime.low=61", BATTERY_LOW },
        { "ups.status=OB\nbattery.runtime=121\nbattery.runtime.low=61", BATTERY_NORMAL },
        { "ups.status=OL\nups.alarm=[No battery installed!]", BATTERY_DEPLETED },
        { "ups.status=OL\nups.alarm=Battery low", BATTERY_LOW },
        { "ups.status=OL\nups.alarm=Replace battery!", BATTERY_NORMAL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(read_conditions(cases[i].readings).battery, cases[i].battery);
}

static void test_input(void **state)
{
    static const struct {
        const char *readings;
        bool bad;
    } cases[] = {
        { "ups.status=OL", false },
        { "ups.status=OB", true },
        { "ups.status=OB CAL", false },
        { "ups.status=OB TEST", false },
        { "ups.status=OL BOOST", false },
        { "ups.status=OL\ninput.voltage=150\ninput.transfer.low=180", true },
        { "ups.status=OL\ninput.voltage=280\ninput.transfer.high=270", true },
        { "ups.status=OL\ninput.voltage=230\ninput.transfer.low=180\ninput.transfer.high=270",
          false },
        { "ups.status=OL\ninput.voltage=150\ninput.transfer.low=0", false },
        { "ups.status=OB\ninput.voltage=230\ninput.transfer.low=180", false },
        { "ups.status=OB\ninput.voltage=0\ninput.transfer.low=180", true },
        { "ups.status=OB\ninput.transfer.low=180", true },
        { "ups.status=OB\ninput.voltage=0\ninput.transfer.high=270", true },
        { "ups.status=OL\ninput.voltage.status=warning-high", true },
        { "ups.status=OL\ninput.L2-N.voltage.status=critical-low", true },
        { "ups.status=OL\ninput.frequency.status=Out-Of-Range", true },
        { "ups.status=OL\ninput.voltage.status=Good", false },
        { "ups.status=OL\ninput.bypass.voltage.status=bad", false },
        { "ups.status=OL\nups.alarm=[Input out of range]", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(read_conditions(cases[i].readings).input_bad, cases[i].bad);
}

static void test_alarms(void **state)
{
    static const struct {
        const char *readings;
        uint32_t alarms;
    } cases[] = {
        { "ups.status=OL", 0 },
        { "ups.status=OL RB", BIT(BATTERY_BAD) },
        { "ups.status=OB", BIT(ON_BATTERY) | BIT(INPUT_BAD) },
        { "ups.status=OB LB", BIT(ON_BATTERY) | BIT(INPUT_BAD) | BIT(LOW_BATTERY) },
        { "ups.status=OL\nbattery.charge=0", BIT(DEPLETED_BATTERY) },
        { "ups.status=OL OVER", BIT(OUTPUT_OVERLOAD) },
        { "ups.status=OL BYPASS", BIT(ON_BYPASS) },
        { "ups.status=OL OFF", BIT(UPS_OUTPUT_OFF) },
        { "ups.status=FSD OL", 0 },
        { "ups.status=ALARM OL", 0 },
        /* One row where status and text say the same. */
        { "ups.status=ALARM OL RB\nups.alarm=[Replace battery!]", BIT(BATTERY_BAD) },
        { "ups.status=ALARM OL\nups.alarm=Replace battery! Overload", BIT(BATTERY_BAD) },
        { "ups.status=ALARM OL\nups.alarm=[Replace battery!] [Fan failure] [Something odd]",
          BIT(BATTERY_BAD) | BIT(FAN_FAILURE) | BIT(GENERAL_FAULT) },
        { "ups.status=ALARM OL\nups.alarm=BATTERY CHARGER FAILURE", BIT(CHARGER_FAILED) },
        { "ups.status=ALARM OL\nups.alarm=[Over temperature]", BIT(TEMP_BAD) },
        { "ups.status=ALARM OL\nups.alarm=[Fuse blown]", BIT(FUSE_FAILURE) },
        { "ups.status=ALARM OL\nups.alarm=[Bypass not available]", BIT(BYPASS_BAD) },
        { "ups.status=ALARM OL\nups.alarm=[UPS shutdown imminent!]", BIT(SHUTDOWN_IMMINENT) },
        { "ups.status=ALARM OL\nups.alarm=[Output short circuit]", BIT(OUTPUT_BAD) },
        { "ups.status=ALARM OL\nups.alarm=[Low battery]", BIT(LOW_BATTERY) },
        { "ups.status=OL\nups.alarm= [ ] , ", 0 },
        { "ups.status=OL\nambient.temperature.status=critical-high", BIT(TEMP_BAD) },
        { "ups.status=OL\nambient.2.temperature.status=good", 0 },
        { "ups.status=OL\noutput.voltage.status=critical-low", BIT(OUTPUT_BAD) },
        { "ups.status=OL\ninput.bypass.L1-N.voltage.status=bad", BIT(BYPASS_BAD) },
        { "ups.status=OL\nbattery.charger.status=fault", BIT(CHARGER_FAILED) },
        { "ups.status=OL\nbattery.charger.status=floating", 0 },
        { "ups.status=OL\noutlet.1.status=off", 0 },
        { "ups.status=OL\nups.beeper.status=disabled", 0 },
        { "ups.status=OL\nups.timer.shutdown=0", 0 },
        { "ups.status=OL\nups.timer.shutdown=-1", 0 },
        { "ups.status=OL\nups.timer.shutdown=20", BIT(SHUTDOWN_PENDING) },
        { "ups.status=OL\nups.timer.shutdown=4", BIT(SHUTDOWN_PENDING) | BIT(SHUTDOWN_IMMINENT) },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t alarms = read_conditions(cases[i].readings).alarms;

        if (alarms != cases[i].alarms)
            fail_msg("%s: alarms %#x, expected %#x", cases[i].readings, alarms, cases[i].alarms);
    }
}

static void test_tests(void **state)
{
    static const struct {
        const char *readings;
        bool running;
        enum test_summary outcome;
    } cases[] = {
        { "ups.status=OL", false, TEST_NONE },
        { "ups.status=OL TEST", true, TEST_NONE },
        { "ups.status=OB CAL", true, TEST_NONE },
        { "ups.status=OL\nups.test.result=In progress", true, TEST_NONE },
        { "ups.status=OL\nups.test.result=No test initiated", false, TEST_NONE },
        { "ups.status=OL\nups.test.result=Done and passed", false, TEST_PASSED },
        { "ups.status=OL\nups.test.result=OK", false, TEST_PASSED },
        { "ups.status=OL\nups.test.result=Done and warning", false, TEST_WARNING },
        { "ups.status=OL\nups.test.result=Done and error", false, TEST_FAILED },
        { "ups.status=OL\nups.test.result=FAILED", false, TEST_FAILED },
        { "ups.status=OL\nups.test.result=not passed", false, TEST_FAILED },
        { "ups.status=OL\nups.test.result=Aborted", false, TEST_ABORTED },
        { "ups.status=OL\nups.test.result=2001/09/11", false, TEST_NONE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct conditions conditions = read_conditions(cases[i].readings);

        assert_int_equal(conditions.test_running, cases[i].running);
        assert_int_equal(conditions.outcome, cases[i].outcome);
    }
}

static void test_numbers(void **state)
{
    struct device_fixture fixture;
    long minutes = 0;

    (void)state;
    device_open(&fixture, 600);
    device_tell(&fixture, "ups.status=OL");
    assert_false(low_battery_minutes(fixture.ups, &minutes));
    assert_int_equal(countdown_seconds(fixture.ups, "ups.timer.shutdown"), -1);
    device_tell(&fixture, "ups.status=OL\nbattery.runtime.low=119.5\nups.timer.shutdown=19.6");
    assert_true(low_battery_minutes(fixture.ups, &minutes));
    assert_int_equal(minutes, 2);
    assert_int_equal(countdown_seconds(fixture.ups, "ups.timer.shutdown"), 20);
    device_tell(&fixture, "ups.status=OL\nbattery.runtime.low=-1\nups.timer.shutdown=soon");
    assert_false(low_battery_minutes(fixture.ups, &minutes));
    assert_int_equal(countdown_seconds(fixture.ups, "ups.timer.shutdown"), -1);
    device_tell(&fixture, "ups.status=OL\nbattery.runtime.low=99999999999999999999");
    assert_true(low_battery_minutes(fixture.ups, &minutes));
    assert_int_equal(minutes, INT32_MAX);
    device_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_source), cmocka_unit_test(test_battery_status),
        cmocka_unit_test(test_input),         cmocka_unit_test(test_alarms),
        cmocka_unit_test(test_tests),         cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
