/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/monitor.h"

#include "agent/control.h"
#include "agent/system.h"
#include "agent/upsmib.h"

#include <stdlib.h>
#include <strings.h>

struct monitor *monitor_new(const struct ups *ups)
{
    struct monitor *monitor = calloc(1, sizeof *monitor);

    if (monitor == NULL)
        return NULL;
    monitor->ups = ups;
    monitor->presentation = &system_default_presentation;
    monitor->self_test = SELF_TEST_NONE;
    monitor->spin_lock = 1;
    monitor->conditions = (struct conditions){ .source = SOURCE_OTHER, .battery = BATTERY_UNKNOWN };
    return monitor;
}

void monitor_free(struct monitor *monitor)
{
    if (monitor == NULL)
        return;
    free(monitor->snapshot);
    free(monitor);
}

static void observe_battery(struct monitor *monitor, uint64_t now)
{
    bool on_battery = monitor->conditions.source == SOURCE_BATTERY;

    if (!on_battery)
        monitor->on_battery_since = 0;
    else if (monitor->on_battery_since == 0)
        monitor->on_battery_since = now;
}

/* What holds by what was done, whatever the device says of itself. */
static uint32_t alarms_of_doings(const struct monitor *monitor, uint64_t now)
{
    const struct self_test *test = &monitor->self_test;
    uint32_t alarms = commanded_alarms(&monitor->commanded, monitor->ups,
                                       monitor_shutdown_type(monitor) == 2, now);

    if (test->summary == TEST_FAILED)
        alarms |= ALARM_BIT(ALARM_DIAGNOSTIC_TEST_FAILED);
    if (test->summary == TEST_RUNNING && test->ordered)
        alarms |= ALARM_BIT(ALARM_TEST_IN_PROGRESS);
    return alarms;
}

static void observe_readings(struct monitor *monitor, uint64_t now)
{
    bool was_bad = monitor->begun && monitor->conditions.input_bad;

    const struct conditions before = monitor->conditions;

    conditions_read(monitor->ups, &before, &monitor->conditions);
    observe_battery(monitor, now);
    self_test_observe(&monitor->self_test, monitor->ups, &monitor->conditions, now);
    commanded_observe(&monitor->commanded, monitor->ups, now);
    if (monitor->conditions.input_bad && !was_bad)
        monitor->input_line_bads++;
    uint32_t holding = monitor->conditions.alarms | alarms_of_doings(monitor, now);
    alarms_update(&monitor->alarms, holding, monitor->begun ? now : 0);
    monitor->begun = true;
}

/* Nothing new is known of the device; what it was last in stays so, on battery included. */
static void observe_silence(struct monitor *monitor, uint64_t now)
{
    commanded_observe(&monitor->commanded, monitor->ups, now);
    uint32_t holding = monitor->conditions.alarms | ALARM_BIT(ALARM_COMMUNICATIONS_LOST) |
                       alarms_of_doings(monitor, now);
    monitor->conditions.source = SOURCE_OTHER;
    monitor->conditions.battery = BATTERY_UNKNOWN;
    alarms_update(&monitor->alarms, holding, now);
}

void monitor_observe(struct monitor *monitor, uint64_t now)
{
    const struct ups *ups = monitor->ups;

    if (!ups_fresh(ups))
        observe_silence(monitor, now);
    else if (ups->has_data)
        observe_readings(monitor, now);
}

void monitor_note_request(struct monitor *monitor, const struct ups_request *request)
{
    commanded_ask(&monitor->commanded, request);
}

bool monitor_note_result(struct monitor *monitor, uint64_t request, enum ups_outcome outcome,
                         uint64_t now)
{
    return commanded_result(&monitor->commanded, monitor->ups, request, outcome, now);
}

uint64_t monitor_next_look(const struct monitor *monitor, uint64_t now)
{
    uint64_t test = self_test_next_look(&monitor->self_test);
    uint64_t commanded = commanded_next_look(&monitor->commanded, now);

    if (test == 0 || commanded == 0)
        return test == 0 ? commanded : test;
    return test < commanded ? test : commanded;
}

const char *monitor_countdown_name(enum countdown countdown)
{
    static const char *const names[COUNTDOWNS] = {
        [COUNTDOWN_SHUTDOWN] = "ups.timer.shutdown",
        [COUNTDOWN_STARTUP] = "ups.timer.start",
        [COUNTDOWN_REBOOT] = "ups.timer.reboot",
    };

    return names[countdown];
}

long monitor_countdown(const struct monitor *monitor, enum countdown countdown, uint64_t now)
{
    const char *name = monitor_countdown_name(countdown);
    uint64_t end = monitor->commanded.ends[countdown];
    double told;

    if (ups_number(monitor->ups, name, &told))
        return ups_fresh(monitor->ups) ? countdown_seconds(monitor->ups, name) : -1;
    return end > now ? (long)((end - now + 999) / 1000) : -1;
}

int monitor_shutdown_type(const struct monitor *monitor)
{
    bool output = control_can_switch_output(monitor->ups);
    bool whole = control_can_shut_down(monitor->ups);

    if (whole && !output)
        return 2;
    return whole && monitor->kept != NULL && monitor->kept->shutdown_type == 2 ? 2 : 1;
}

bool monitor_restarts(const struct monitor *monitor)
{
    static const char *const no[] = { "no", "off", "0" };
    const char *value = ups_value(monitor->ups, "ups.start.auto");

    for (size_t i = 0; value != NULL && i < sizeof no / sizeof no[0]; i++) {
        if (strcasecmp(value, no[i]) == 0)
            return false;
    }
    return true;
}

void monitor_forget_snapshot(struct monitor *monitor)
{
    free(monitor->snapshot);
    monitor->snapshot = NULL;
}

const struct subtree *monitor_snapshot(struct monitor *monitor)
{
    if (monitor->snapshot != NULL && monitor->snapshot_generation == monitor->ups->generation)
        return monitor->snapshot;
    struct subtree_builder *builder = subtree_begin();
    if (builder == NULL)
        return NULL;
    system_build(monitor->ups, monitor->presentation, builder);
    upsmib_build(monitor, builder);
    struct subtree *snapshot = subtree_finish(builder);
    if (snapshot == NULL)
        return NULL;
    free(monitor->snapshot);
    monitor->snapshot = snapshot;
    monitor->snapshot_generation = monitor->ups->generation;
    return snapshot;
}
