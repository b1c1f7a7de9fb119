/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device's readings become in the UPS-MIB: each case names readings and the instances of one
 * part of the MIB that must come of them, as text.
 */
#include "agent/monitor.h"
#include "agent/objects.h"
#include "tests/unit/device.h"

#include <stdio.h>

static struct {
    char text[16384];
    size_t used;
} shown;

static void show(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void show(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length =
        vsnprintf(shown.text + shown.used, sizeof shown.text - shown.used, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < sizeof shown.text - shown.used);
    shown.used += (size_t)length;
}

static void show_value(const struct subtree_value *value)
{
    const arc *arcs = value->bytes;

    switch (value->type) {
    case SUBTREE_TEXT:
        show("\"%.*s\"", (int)value->size, (const char *)value->bytes);
        break;
    case SUBTREE_COUNTER64:
        show("Counter64 %llu", (unsigned long long)value->counter);
        break;
    case SUBTREE_OBJECT_ID:
        for (size_t i = 0; i < value->size / sizeof(arc); i++)
            show(".%lu", arcs[i]);
        break;
    case SUBTREE_COUNTER:
        show("Counter %ld", value->number);
        break;
    case SUBTREE_GAUGE:
        show("Gauge %ld", value->number);
        break;
    case SUBTREE_TIMETICKS:
        show("Ticks %ld", value->number);
        break;
    case SUBTREE_INTEGER:
        show("%ld", value->number);
        break;
    }
}

/* Lines "2.1.0 = 2" of the instances whose names below upsObjects begin with prefix. */
static const char *show_part(struct monitor *monitor, uint64_t now, const char *prefix)
{
    const struct subtree *subtree = monitor_snapshot(monitor);
    struct moment moment = moment_at(now, 0);

    shown.used = 0;
    shown.text[0] = '\0';
    for (size_t i = 0; i < subtree_count(subtree); i++) {
        arc name[SUBTREE_NAME_MAX];
        size_t length = subtree_name_at(subtree, i, name);
        struct subtree_value value;
        char text[128];
        size_t used = 0;

        if (length < 9 || name[6] != 33)
            continue;
        text[0] = '\0';
        for (size_t j = 8; j < length; j++)
            used +=
                (size_t)snprintf(text + used, sizeof text - used, j == 8 ? "%lu" : ".%lu", name[j]);
        if (strncmp(text, prefix, strlen(prefix)) != 0)
            continue;
        subtree_value_at(subtree, i, &moment, &value);
        show("%s = ", text);
        show_value(&value);
        show("\n");
    }
    return shown.text;
}

static void check(const char *readings, const char *prefix, const char *expected)
{
    struct device_fixture fixture;

    device_open(&fixture, 600);
    struct monitor *monitor = monitor_new(fixture.ups);
    device_tell(&fixture, readings);
    monitor_observe(monitor, 1000);
    assert_string_equal(show_part(monitor, 61000, prefix), expected);
    monitor_free(monitor);
    device_close(&fixture);
}

static void test_identity(void **state)
{
    (void)state;
    check("ups.status=OL\nups.mfr=Acme  \nups.model=Bridge 1000\nups.firmware=1.2\nups.id=rack 7",
          "1.",
          "1.1.0 = \"Acme\"\n1.2.0 = \"Bridge 1000\"\n1.3.0 = \"1.2\"\n"
          "1.4.0 = \"upsbridge 0.1.0\"\n1.5.0 = \"rack 7\"\n1.6.0 = \"\"\n");
    check("ups.status=OL\nups.mfr= \ndevice.mfr=Twin\n"
          "ups.model=0123456789012345678901234567890123456789012345678901234567890123456789",
          "1.",
          "1.1.0 = \"Twin\"\n"
          "1.2.0 = \"012345678901234567890123456789012345678901234567890123456789012\"\n"
          "1.3.0 = \"\"\n1.4.0 = \"upsbridge 0.1.0\"\n1.5.0 = \"alpha\"\n1.6.0 = \"\"\n");
    check("ups.status=OL\ndevice.mfr=0123456789012345678901234567890 beyond", "1.1",
          "1.1.0 = \"0123456789012345678901234567890\"\n");
    check("ups.status=OL", "1.2", "1.2.0 = \"unknown\"\n");
}

static void test_battery(void **state)
{
    (void)state;
    check("ups.status=OB\nbattery.runtime=1799\nbattery.charge=86.5\nbattery.voltage=27.25\n"
          "battery.current=-3.14\nbattery.temperature=24.5",
          "2.",
          "2.1.0 = 2\n2.2.0 = 60\n2.3.0 = 29\n2.4.0 = 87\n2.5.0 = 273\n2.6.0 = -31\n"
          "2.7.0 = 25\n");
    check("ups.status=OL\nbattery.runtime=30\nbattery.charge=250\nups.temperature=-4.4", "2.",
          "2.1.0 = 2\n2.2.0 = 0\n2.3.0 = 1\n2.4.0 = 100\n2.7.0 = -4\n");
    /* What is no number is not known; what is not known is not there. */
    check("ups.status=OL\nbattery.runtime=nan\nbattery.charge=high\nbattery.voltage=1e3\n"
          "battery.current=",
          "2.", "2.1.0 = 2\n2.2.0 = 0\n");
    check("ups.status=OL\nbattery.runtime=99999999999999\nbattery.voltage=-1", "2.",
          "2.1.0 = 2\n2.2.0 = 0\n2.3.0 = 2147483647\n2.5.0 = 0\n");
}

static void test_one_line(void **state)
{
    (void)state;
    check("ups.status=OL\ninput.voltage=230.5\ninput.frequency=49.97\ninput.current=1.26\n"
          "input.realpower=210.2",
          "3.",
          "3.1.0 = Counter 0\n3.2.0 = 1\n3.3.1.2.1 = 500\n3.3.1.3.1 = 231\n3.3.1.4.1 = 13\n"
          "3.3.1.5.1 = 210\n");
    check("ups.status=OB\noutput.voltage=229.4\noutput.frequency=50\nups.load=23.5\n"
          "ups.realpower=210\nups.power=300",
          "4.",
          "4.1.0 = 5\n4.2.0 = 500\n4.3.0 = 1\n4.4.1.2.1 = 229\n4.4.1.4.1 = 210\n"
          "4.4.1.5.1 = 24\n");
    check("ups.status=OL", "3.", "3.1.0 = Counter 0\n3.2.0 = 0\n");
    check("ups.status=OL", "4.", "4.1.0 = 3\n4.3.0 = 0\n");
    check("ups.status=OL\nups.load=1000", "4.4", "4.4.1.5.1 = 200\n");
    check("ups.status=OL", "5.", "5.2.0 = 0\n");
    check("ups.status=OL\ninput.bypass.voltage=231\ninput.bypass.frequency=50.1", "5.",
          "5.1.0 = 501\n5.2.0 = 1\n5.3.1.2.1 = 231\n");
}

static void test_three_lines(void **state)
{
    (void)state;
    check("ups.status=OL\ninput.phases=3\ninput.frequency=50\ninput.L1-N.voltage=230\n"
          "input.L2-N.voltage=231\ninput.L3-N.voltage=232\ninput.L1.current=1\n"
          "input.L2.frequency=49.9",
          "3.",
          "3.1.0 = Counter 0\n3.2.0 = 3\n3.3.1.2.1 = 500\n3.3.1.2.2 = 499\n3.3.1.2.3 = 500\n"
          "3.3.1.3.1 = 230\n3.3.1.3.2 = 231\n3.3.1.3.3 = 232\n3.3.1.4.1 = 10\n");
    check("ups.status=OL\noutput.phases=3\noutput.L1-L2.voltage=400\noutput.L2-L3.voltage=401\n"
          "output.L3-L1.voltage=402\noutput.L1.power.percent=10\nups.load=30\n"
          "output.L2.realpower=99",
          "4.4",
          "4.4.1.2.1 = 400\n4.4.1.2.2 = 401\n4.4.1.2.3 = 402\n4.4.1.4.2 = 99\n"
          "4.4.1.5.1 = 10\n4.4.1.5.2 = 30\n4.4.1.5.3 = 30\n");
    /* Some devices do not say that there are three. */
    check("ups.status=OL\ninput.L1-N.voltage=1\ninput.L2-N.voltage=2\ninput.L3-N.voltage=3", "3.3",
          "3.3.1.3.1 = 1\n3.3.1.3.2 = 2\n3.3.1.3.3 = 3\n");
    check("ups.status=OL\ninput.phases=7\ninput.voltage=230", "3.2", "3.2.0 = 1\n");
}

static void test_alarms_tests_control(void **state)
{
    (void)state;
    check("ups.status=OL RB OVER", "6.",
          "6.1.0 = Gauge 2\n6.2.1.2.1 = .1.3.6.1.2.1.33.1.6.3.1\n"
          "6.2.1.2.2 = .1.3.6.1.2.1.33.1.6.3.8\n6.2.1.3.1 = Ticks 0\n6.2.1.3.2 = Ticks 0\n");
    check("ups.status=OL\nups.test.result=Done and passed", "7.",
          "7.1.0 = .1.3.6.1.2.1.33.1.7.7.1\n7.2.0 = 1\n7.3.0 = 6\n"
          "7.4.0 = \"Done and passed\"\n7.5.0 = Ticks 0\n7.6.0 = 0\n");
    check("ups.status=OL TEST", "7.",
          "7.1.0 = .1.3.6.1.2.1.33.1.7.7.3\n7.2.0 = 1\n7.3.0 = 5\n7.4.0 = \"\"\n"
          "7.5.0 = Ticks 100\n7.6.0 = 6000\n");
    check("ups.status=OL", "8.", "8.1.0 = 1\n8.2.0 = -1\n8.3.0 = -1\n8.4.0 = -1\n8.5.0 = 1\n");
    check("ups.status=OL\nups.timer.shutdown=20\nups.timer.start=30\nups.timer.reboot=900\n"
          "ups.start.auto=no",
          "8.", "8.1.0 = 1\n8.2.0 = 20\n8.3.0 = 30\n8.4.0 = 300\n8.5.0 = 2\n");
}

static void test_configuration(void **state)
{
    (void)state;
    check("ups.status=OL", "9.", "");
    check("ups.status=OL\ninput.voltage.nominal=230\ninput.frequency.nominal=50\n"
          "output.voltage.nominal=230\noutput.frequency.nominal=50.5\nups.power.nominal=750\n"
          "ups.realpower.nominal=525\nbattery.runtime.low=61\nups.beeper.status=muted\n"
          "input.transfer.low=184\ninput.transfer.high=276",
          "9.",
          "9.1.0 = 230\n9.2.0 = 500\n9.3.0 = 230\n9.4.0 = 505\n9.5.0 = 750\n9.6.0 = 525\n"
          "9.7.0 = 2\n9.8.0 = 3\n9.9.0 = 184\n9.10.0 = 276\n");
    check("ups.status=OL\nups.beeper.status=enabled", "9.", "9.8.0 = 2\n");
    check("ups.status=OL\nups.beeper.status=loud", "9.", "");
}

static void test_stale_readings_vanish(void **state)
{
    struct device_fixture fixture;

    (void)state;
    device_open(&fixture, 600);
    struct monitor *monitor = monitor_new(fixture.ups);
    device_tell(&fixture, "ups.status=OB\nups.model=Model\nbattery.charge=50\ninput.voltage=230\n"
                          "output.voltage=230\ninput.voltage.nominal=230");
    monitor_observe(monitor, 1000);
    fixture.ups->comms = UPS_LOST;
    fixture.ups->generation++;
    monitor_observe(monitor, 31000);
    assert_string_equal(show_part(monitor, 61000, "1.2"), "1.2.0 = \"Model\"\n");
    assert_string_equal(show_part(monitor, 61000, "2."), "2.1.0 = 1\n2.2.0 = 60\n");
    assert_string_equal(show_part(monitor, 61000, "3."), "3.1.0 = Counter 1\n3.2.0 = 1\n");
    assert_string_equal(show_part(monitor, 61000, "4."), "4.1.0 = 1\n4.3.0 = 1\n");
    assert_string_equal(show_part(monitor, 61000, "6.1"), "6.1.0 = Gauge 3\n");
    assert_string_equal(show_part(monitor, 61000, "9."), "9.1.0 = 230\n");
    monitor_free(monitor);
    device_close(&fixture);
}

static void test_before_the_first_reading(void **state)
{
    struct device_fixture fixture;

    (void)state;
    device_open(&fixture, 600);
    struct monitor *monitor = monitor_new(fixture.ups);
    monitor_observe(monitor, 1000);
    assert_string_equal(show_part(monitor, 2000, "2."), "2.1.0 = 1\n2.2.0 = 0\n");
    assert_string_equal(show_part(monitor, 2000, "4."), "4.1.0 = 1\n4.3.0 = 0\n");
    assert_string_equal(show_part(monitor, 2000, "6."), "6.1.0 = Gauge 0\n");
    monitor_free(monitor);
    device_close(&fixture);
}

/* Everything there is, so that the order of the whole table is seen. */
static void test_snapshot_is_sorted(void **state)
{
    struct device_fixture fixture;

    (void)state;
    device_open(&fixture, 600);
    struct monitor *monitor = monitor_new(fixture.ups);
    device_tell(&fixture,
                "ups.status=ALARM OB LB RB OVER BYPASS\nups.alarm=[fan] [odd]\nbattery.charge=1\n"
                "battery.runtime=1\nbattery.voltage=1\nbattery.current=1\nbattery.temperature=1\n"
                "input.phases=3\ninput.L1-N.voltage=1\ninput.L2-N.voltage=1\n"
                "input.L3-N.voltage=1\ninput.frequency=1\ninput.L1.current=1\n"
                "input.L1.realpower=1\noutput.phases=3\noutput.frequency=1\n"
                "output.L3-N.voltage=1\noutput.L3.current=1\nups.load=1\n"
                "input.bypass.phases=3\ninput.bypass.frequency=1\n"
                "input.bypass.L1-N.voltage=1\ninput.bypass.L2.current=1\n"
                "input.bypass.L3.realpower=1\ninput.voltage.nominal=1\nups.beeper.status=muted\n"
                "input.transfer.high=1\nbattery.runtime.low=1\nups.power.nominal=1");
    monitor_observe(monitor, 1000);
    const struct subtree *subtree = monitor_snapshot(monitor);
    arc name[2][SUBTREE_NAME_MAX];
    size_t length[2];
    assert_true(subtree_count(subtree) > 60);
    for (size_t i = 0; i + 1 < subtree_count(subtree); i++) {
        length[0] = subtree_name_at(subtree, i, name[0]);
        length[1] = subtree_name_at(subtree, i + 1, name[1]);
        assert_true(arcs_compare(name[0], length[0], name[1], length[1]) < 0);
        assert_true(objects_know(name[0], length[0]));
    }
    monitor_free(monitor);
    device_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_battery),
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_three_lines),
        cmocka_unit_test(test_alarms_tests_control),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_stale_readings_vanish),
        cmocka_unit_test(test_before_the_first_reading),
        cmocka_unit_test(test_snapshot_is_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
