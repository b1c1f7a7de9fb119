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
#include "agent/commanded.h"
#include "agent/conditions.h"
#include "agent/kept.h"
#include "agent/presentation.h"
#include "agent/self_test.h"
#include "agent/subtree.h"
#include "core/ups.h"

#include <stdbool.h>
#include <stdint.h>

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
    struct self_test self_test;
    struct commanded commanded;
    long spin_lock;           /* upsTestSpinLock */
    struct kept_values *kept; /* NULL: there is nowhere to keep any */

    uint32_t number;                         /* among all devices: ubDeviceIndex */
    const struct presentation *presentation; /* the usual, until it is set to another */
    struct entity_history entities;
    struct watch *watch; /* agent/traps.c's alone; NULL: there is nothing to tell */
    struct subtree *snapshot;
    uint64_t snapshot_generation; /* of the device; 0: there is none */
};

/* NULL: out of memory. */
struct monitor *monitor_new(const struct ups *ups);
void monitor_free(struct monitor *monitor);

/* The device's variables, status or comms have changed. now is clock_ms(). */
void monitor_observe(struct monitor *monitor, uint64_t now);
/* A request was handed to the device's driver. */
void monitor_note_request(struct monitor *monitor, const struct ups_request *request);
/* One has an outcome. True: something changed, and monitor_observe() is due. */
bool monitor_note_result(struct monitor *monitor, uint64_t request, enum ups_outcome outcome,
                         uint64_t now);
/* clock_ms() when monitor_observe() is due even if nothing has changed; 0: never. */
uint64_t monitor_next_look(const struct monitor *monitor, uint64_t now);

/* Seconds left, as the device tells them or as they were commanded; -1: none is running. */
long monitor_countdown(const struct monitor *monitor, enum countdown countdown, uint64_t now);
/* The device's variable for it. */
const char *monitor_countdown_name(enum countdown countdown);
/* upsShutdownType. */
int monitor_shutdown_type(const struct monitor *monitor);
/* upsAutoRestart is on. */
bool monitor_restarts(const struct monitor *monitor);

/* Something that the snapshot shows has changed beside the device. */
void monitor_forget_snapshot(struct monitor *monitor);

/*
 * The system group and the UPS-MIB of the device's context, built anew if the device has changed
 * since; it lives until the next call. NULL: out of memory.
 */
const struct subtree *monitor_snapshot(struct monitor *monitor);

#endif
