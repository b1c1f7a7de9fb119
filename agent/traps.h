/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: decides when which notification is due, from what the monitors have observed. It keeps
 * apart what holds and what managers were told, and tells the difference:
 *
 * - the same notification about the same thing goes out at most every five seconds; what happens
 *   faster is merged, and the last state is always told;
 * - upsTrapOnBattery is repeated each minute while the UPS is known to be on battery;
 * - what holds when a device is first read is told too.
 *
 * Notifications leave from within the call that tells of the change.
 * Source: RFC 1628 (upsTraps).
 */
#ifndef UPSBRIDGE_AGENT_TRAPS_H
#define UPSBRIDGE_AGENT_TRAPS_H

#include "agent/notification.h"

#define TRAPS_REST_MS 5000
#define TRAPS_REPEAT_MS 60000

struct event_base;
struct traps;

/* Where notifications go. */
struct traps_outlet {
    void *owner;
    /* Is there anybody to get one? If not, it is not even made. */
    bool (*wanted)(void *owner);
    /* The reference stays the caller's. */
    void (*send)(void *owner, struct notification *notification);
};

/* base NULL: the caller runs it. NULL: out of memory. */
struct traps *traps_new(struct event_base *base, const struct traps_outlet *outlet);
void traps_free(struct traps *traps);

/* To be called after each monitor_observe() of a device, with the same time. */
void traps_observe(struct traps *traps, struct monitor *monitor, uint64_t now);
/* The device goes: managers are told that its alarms do. Before the monitor is freed. */
void traps_retire(struct traps *traps, struct monitor *monitor, uint64_t now);

/* Tells what has become due. Returns when there will be more: clock_ms(), or UINT64_MAX. */
uint64_t traps_run(struct traps *traps, uint64_t now);

#endif
