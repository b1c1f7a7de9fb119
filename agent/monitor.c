/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/monitor.h"

#include "agent/system.h"
#include "agent/upsmib.h"

#include <stdlib.h>

struct monitor *monitor_new(const struct ups *ups)
{
    struct monitor *monitor = calloc(1, sizeof *monitor);

    if (monitor == NULL)
        return NULL;
    monitor->ups = ups;
    monitor->presentation = &system_default_presentation;
    monitor->test = TEST_KIND_NONE;
    monitor->summary = TEST_NONE;
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

/* Tests are seen here whoever started them. */
static void observe_test(struct monitor *monitor, uint64_t now)
{
    const struct conditions *conditions = &monitor->conditions;
    bool was_running = monitor->summary == TEST_RUNNING;

    if (conditions->test_running && !was_running) {
        monitor->test =
            (monitor->ups->status & STATUS_CAL) != 0 ? TEST_KIND_DEEP_BATTERY : TEST_KIND_GENERAL;
        monitor->summary = TEST_RUNNING;
        monitor->test_start = now;
        monitor->test_end = 0;
    } else if (!conditions->test_running && was_running) {
        monitor->test_end = now;
        /* A test without a told outcome is nothing to call passed. */
        monitor->summary = conditions->outcome == TEST_NONE ? TEST_WARNING : conditions->outcome;
    } else if (!was_running && monitor->test != TEST_KIND_NONE &&
               conditions->outcome != TEST_NONE) {
        monitor->summary = conditions->outcome;
    }
}

static void observe_readings(struct monitor *monitor, uint64_t now)
{
    bool was_bad = monitor->begun && monitor->conditions.input_bad;

    conditions_read(monitor->ups, &monitor->conditions);
    observe_battery(monitor, now);
    observe_test(monitor, now);
    if (monitor->conditions.input_bad && !was_bad)
        monitor->input_line_bads++;
    uint32_t holding = monitor->conditions.alarms;
    if (monitor->summary == TEST_FAILED)
        holding |= ALARM_BIT(ALARM_DIAGNOSTIC_TEST_FAILED);
    alarms_update(&monitor->alarms, holding, monitor->begun ? now : 0);
    monitor->begun = true;
}

/* Nothing new is known of the device; what it was last in stays so, on battery included. */
static void observe_silence(struct monitor *monitor, uint64_t now)
{
    uint32_t holding = monitor->conditions.alarms | ALARM_BIT(ALARM_COMMUNICATIONS_LOST);

    if (monitor->summary == TEST_FAILED)
        holding |= ALARM_BIT(ALARM_DIAGNOSTIC_TEST_FAILED);
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
