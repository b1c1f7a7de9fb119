/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the UPS-MIB tells of a device beyond its readings of now: how long it is on
 * battery, how often its input was bad, which alarms hold since when, how its last test went. One a
 * device, fed with each change; it owns the device's snapshot. Source: RFC 1628
 * (upsSecondsOnBattery, upsInputLineBads, upsAlarmTable, upsTest).
 */
#ifndef UPSBRIDGE_AGENT_MONITOR_H
#define UPSBRIDGE_AGENT_MONITOR_H

#include "agent/alarms.h"
#include "agent/conditions.h"
#include "agent/presentation.h"
#include "agent/subtree.h"
#include "core/ups.h"

#include <stdbool.h>
#include <stdint.h>

/* The last number of upsTestId, below upsWellKnownTests. */
enum test_kind {
    TEST_KIND_NONE = 1, /* upsTestNoTestsInitiated */
    TEST_KIND_ABORT,
    TEST_KIND_GENERAL,
    TEST_KIND_QUICK_BATTERY,
    TEST_KIND_DEEP_BATTERY,
};

/* What a context's physical entities were last. */
struct entity_history {
    uint32_t signature; /* 0: never looked at */
    uint64_t changed;   /* clock_ms(); 0: not since they were first looked at */
};

struct monitor {
    const struct ups *ups;
    bool begun;                   /* the first reading was seen */
    struct conditions conditions; /* as last read */
    uint64_t on_battery_since;    /* clock_ms(); 0: it is not on battery */
    uint32_t input_line_bads;
    struct alarms alarms;
    enum test_kind test;
    enum test_summary summary;
    uint64_t test_start, test_end; /* clock_ms(); 0: none, or not yet */

    uint32_t number;                         /* among all devices: ubDeviceIndex */
    const struct presentation *presentation; /* the usual, until it is set to another */
    struct entity_history entities;
    struct subtree *snapshot;
    uint64_t snapshot_generation; /* of the device; 0: there is none */
};

/* NULL: out of memory. */
struct monitor *monitor_new(const struct ups *ups);
void monitor_free(struct monitor *monitor);

/* The device's variables, status or comms have changed. now is clock_ms(). */
void monitor_observe(struct monitor *monitor, uint64_t now);

/* Something that the snapshot shows has changed beside the device. */
void monitor_forget_snapshot(struct monitor *monitor);

/*
 * The system group and the UPS-MIB of the device's context, built anew if the device has changed
 * since; it lives until the next call. NULL: out of memory.
 */
const struct subtree *monitor_snapshot(struct monitor *monitor);

#endif
