/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what was commanded of a device's output, through whichever face: countdowns that the
 * device does not tell itself, and whether it is off because it was asked to be.
 * Source: RFC 1628 (upsShutdownAfterDelay and its like, upsAlarmOutputOffAsRequested,
 * upsAlarmUpsOffAsRequested, upsAlarmAwaitingPower); NUT's names of commands.
 */
#ifndef UPSBRIDGE_AGENT_COMMANDED_H
#define UPSBRIDGE_AGENT_COMMANDED_H

#include "core/ups.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum countdown { COUNTDOWN_SHUTDOWN, COUNTDOWN_STARTUP, COUNTDOWN_REBOOT, COUNTDOWNS };

/* A command without an outcome yet. */
struct commanded_request {
    uint64_t id;
    size_t row;   /* of the table of commands */
    long seconds; /* its parameter; -1: none */
};

/* Commands to watch at once; of more than that no note is taken. */
#define COMMANDED_MAX 8

/* All zero: nothing was. */
struct commanded {
    struct commanded_request waiting[COMMANDED_MAX];
    size_t waiting_count;
    uint64_t ends[COUNTDOWNS]; /* clock_ms(); 0: nothing counts */
    bool off;                  /* the output goes off by command, or has */
    bool returns;              /* and on again when the mains are there */
    bool gone;                 /* it was seen to be off since, or could not be reached */
    uint64_t due;              /* clock_ms() when it should be off */
};

/* A request was handed to the driver; it has an outcome. True: something changed. */
void commanded_ask(struct commanded *commanded, const struct ups_request *request);
bool commanded_result(struct commanded *commanded, const struct ups *ups, uint64_t request,
                      enum ups_outcome outcome, uint64_t now);

/* seconds from now. */
void commanded_count(struct commanded *commanded, enum countdown countdown, long seconds,
                     uint64_t now);

/* The device has told something new, or time has passed. */
void commanded_observe(struct commanded *commanded, const struct ups *ups, uint64_t now);

/* The alarms that hold by it. whole: shutting down is of the whole UPS, not of its output. */
uint32_t commanded_alarms(const struct commanded *commanded, const struct ups *ups, bool whole,
                          uint64_t now);

/* clock_ms() when it is to be looked at again, whatever the device says; 0: never. */
uint64_t commanded_next_look(const struct commanded *commanded, uint64_t now);

#endif
