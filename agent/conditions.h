/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: reads a device's variables as the UPS-MIB sees them: where the output comes from, how
 * the battery is, which of the well-known alarms hold. A pure function of the device; what depends
 * on time is agent/monitor.h's.
 * Source: RFC 1628 (upsOutputSource, upsBatteryStatus, upsWellKnownAlarms, upsTestResultsSummary).
 */
#ifndef UPSBRIDGE_AGENT_CONDITIONS_H
#define UPSBRIDGE_AGENT_CONDITIONS_H

#include "core/ups.h"

#include <stdbool.h>
#include <stdint.h>

/* upsOutputSource */
enum output_source {
    SOURCE_OTHER = 1,
    SOURCE_NONE,
    SOURCE_NORMAL,
    SOURCE_BYPASS,
    SOURCE_BATTERY,
    SOURCE_BOOSTER,
    SOURCE_REDUCER,
};

/* upsBatteryStatus */
enum battery_status { BATTERY_UNKNOWN = 1, BATTERY_NORMAL, BATTERY_LOW, BATTERY_DEPLETED };

/* upsTestResultsSummary */
enum test_summary {
    TEST_PASSED = 1,
    TEST_WARNING,
    TEST_FAILED,
    TEST_ABORTED,
    TEST_RUNNING,
    TEST_NONE,
};

/* Numbers below upsWellKnownAlarms. */
enum alarm_kind {
    ALARM_BATTERY_BAD = 1,
    ALARM_ON_BATTERY,
    ALARM_LOW_BATTERY,
    ALARM_DEPLETED_BATTERY,
    ALARM_TEMP_BAD,
    ALARM_INPUT_BAD,
    ALARM_OUTPUT_BAD,
    ALARM_OUTPUT_OVERLOAD,
    ALARM_ON_BYPASS,
    ALARM_BYPASS_BAD,
    ALARM_OUTPUT_OFF_AS_REQUESTED,
    ALARM_UPS_OFF_AS_REQUESTED,
    ALARM_CHARGER_FAILED,
    ALARM_UPS_OUTPUT_OFF,
    ALARM_UPS_SYSTEM_OFF,
    ALARM_FAN_FAILURE,
    ALARM_FUSE_FAILURE,
    ALARM_GENERAL_FAULT,
    ALARM_DIAGNOSTIC_TEST_FAILED,
    ALARM_COMMUNICATIONS_LOST,
    ALARM_AWAITING_POWER,
    ALARM_SHUTDOWN_PENDING,
    ALARM_SHUTDOWN_IMMINENT,
    ALARM_TEST_IN_PROGRESS,
    ALARM_KINDS = ALARM_TEST_IN_PROGRESS,
};

/* A set of alarms: bit number kind. */
#define ALARM_BIT(kind) (UINT32_C(1) << (kind))

struct conditions {
    enum output_source source;
    enum battery_status battery;
    bool input_bad;            /* at least one input line is out of tolerance */
    bool runtime_low;          /* less than upsConfigLowBattTime is left */
    bool voltage_outside;      /* the input voltage is outside the transfer points */
    bool test_running;         /* by the status or by ups.test.result */
    enum test_summary outcome; /* what ups.test.result says of the last test; NONE: nothing */
    uint32_t alarms;
};

/*
 * Of a device that has been read at least once. before: what was read the last time (NULL: there
 * was none), so that a reading on the edge of a threshold does not make alarms come and go: what
 * held by a threshold ends only when it is passed by some way. If its readings are stale, source is
 * OTHER and battery UNKNOWN; the rest is what the last readings said.
 */
void conditions_read(const struct ups *ups, const struct conditions *before,
                     struct conditions *conditions);

/* upsConfigLowBattTime: minutes, rounded up. False: the device does not tell. */
bool low_battery_minutes(const struct ups *ups, long *minutes);

/* Seconds left of a countdown such as ups.timer.shutdown; -1: none is running. */
long countdown_seconds(const struct ups *ups, const char *name);

#endif
