/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what is told to managers unasked: which notifications there are, and which variables
 * each brings along. Knows nothing of how it gets there.
 *
 * The context is that of the device. SNMPv1 and v2c have no place for it, so the UPS-MIB's bring
 * upsIdentName along, as the last variable. Those of UPSBRIDGE-MIB, whose objects all are in the
 * default context, name the device anyway.
 * Source: RFC 1628 (upsTraps), mibs/UPSBRIDGE-MIB.txt (ubNotifications).
 */
#ifndef UPSBRIDGE_AGENT_NOTIFICATION_H
#define UPSBRIDGE_AGENT_NOTIFICATION_H

#include "agent/monitor.h"

enum notification_kind {
    NOTIFICATION_ON_BATTERY,
    NOTIFICATION_TEST_COMPLETED,
    NOTIFICATION_ALARM_ADDED,
    NOTIFICATION_ALARM_REMOVED,
    NOTIFICATION_COMMS_LOST,
    NOTIFICATION_COMMS_RESTORED,
    NOTIFICATION_ON_LINE,
};

/* Shared by all who are to get it; its values are those of the moment it was made in. */
struct notification {
    unsigned references;
    enum notification_kind kind;
    uint32_t device;           /* the monitor's number */
    uint32_t alarm, row;       /* of ALARM_*: enum alarm_kind, upsAlarmId; else 0 */
    struct subtree *variables; /* in the order they are sent, which is not that of their names */
    char context[];
};

/*
 * One about a device, whose monitor has observed what it tells. alarm: the row that came or went,
 * for ALARM_*. Its only reference is the caller's. NULL: out of memory.
 */
struct notification *notification_new(enum notification_kind kind, struct monitor *monitor,
                                      const struct alarm *alarm, uint64_t now);
struct notification *notification_share(struct notification *notification);
/* Drops one reference; NULL is allowed. */
void notification_drop(struct notification *notification);

/*
 * Is the newer one all that has to be told of both? The going of a row whose coming is told by
 * itself has to be told in any case, or a manager keeps it for ever.
 */
bool notification_replaces(const struct notification *newer, const struct notification *older);

/* snmpTrapOID: the whole object identifier, which lives for ever. */
const arc *notification_name(enum notification_kind kind, size_t *length);

#endif
