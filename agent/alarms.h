/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: upsAlarmTable of one device: a row for each alarm that holds, with an identifier that is
 * never used again and the time it was noticed.
 * Source: RFC 1628 (upsAlarmTable, upsAlarmId, upsAlarmTime).
 */
#ifndef UPSBRIDGE_AGENT_ALARMS_H
#define UPSBRIDGE_AGENT_ALARMS_H

#include "agent/conditions.h"
#include "agent/subtree.h"

#include <stddef.h>
#include <stdint.h>

struct alarm {
    uint32_t id;      /* upsAlarmId */
    uint64_t noticed; /* clock_ms(); 0: it held already when the device was first read */
    enum alarm_kind kind;
};

/* All zero is a valid empty table. */
struct alarms {
    struct alarm rows[ALARM_KINDS]; /* in order of id */
    size_t count;
    uint32_t last_id;
};

/*
 * Makes the table say that exactly the alarms of the set hold. noticed is given to new rows.
 * Returns the set of those that were added or removed.
 */
uint32_t alarms_update(struct alarms *alarms, uint32_t holding, uint64_t noticed);

/* upsAlarmDescr of a kind: an object identifier that lives for ever. */
const arc *alarm_description(enum alarm_kind kind, size_t *length);

#endif
