/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: notifications when we are an agent of our own: to each host that upsbridge-snmp.conf
 * names, as SNMPv1 traps, or SNMPv2c or SNMPv3 traps or informs.
 *
 * Nothing here waits: hosts are looked up in a thread, an SNMPv3 receiver of informs is asked for
 * its engine by a request like any other, and what a receiver does not confirm is tried again
 * later, for as long as it takes. Source: RFC 3413 section 3.3, RFC 3414 section 4 (engine
 * discovery), RFC 3584 section 3 (SNMPv1).
 */
#ifndef UPSBRIDGE_AGENT_SINKS_H
#define UPSBRIDGE_AGENT_SINKS_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct notification;
struct sinks;

/* epoch: clock_ms() when sysUpTime was 0. NULL: out of memory. */
struct sinks *sinks_new(struct loop *loop, const int64_t *epoch);
void sinks_free(struct sinks *sinks);

/* Goes over to what agent/sink_words.h has read: after each reading of the file. */
void sinks_renew(struct sinks *sinks);
/* From now on they are opened: after privileges were dropped. Until then all waits. */
void sinks_start(struct sinks *sinks);

/* Is there any? */
bool sinks_any(const struct sinks *sinks);
/* Shares the notification. */
void sinks_send(struct sinks *sinks, struct notification *notification);

#endif
