/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what a device hands down to the next of its name. One that a reload takes out of the
 * configuration, and a later one brings back, is the same to managers: counters go on, and
 * identifiers of alarms are not used again.
 * Source: RFC 1628 (upsInputLineBads, upsAlarmId).
 */
#ifndef UPSBRIDGE_AGENT_LINEAGE_H
#define UPSBRIDGE_AGENT_LINEAGE_H

#include "agent/monitor.h"

struct ancestor;

/* Those of names that are not in use, the latest first. NULL: there is none. */
struct lineage {
    struct ancestor *first;
};

/* A device goes. */
void lineage_leave(struct lineage *lineage, const struct monitor *monitor);
/* One has come, and has not been read yet. */
void lineage_inherit(struct lineage *lineage, struct monitor *monitor);
void lineage_clear(struct lineage *lineage);

#endif
