/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: notifications to an AgentX master, which sends them on to its sinks. While it is away
 * they wait; what it did not confirm before it went is sent again to the next one, so that a sink
 * may get one twice, but none is lost with the master.
 * Source: RFC 2741 section 6.2.10.
 */
#ifndef UPSBRIDGE_AGENT_AGENTX_NOTIFY_H
#define UPSBRIDGE_AGENT_AGENTX_NOTIFY_H

#include "agent/notification.h"

#include <stdbool.h>
#include <stdint.h>

struct agentx_notifier;
struct event_base;

/*
 * master: its address, for the log. epoch: clock_ms() when the master's sysUpTime was 0. broken is
 * called when the session can no longer be used: it must not be closed from within. NULL: out of
 * memory.
 */
struct agentx_notifier *agentx_notifier_new(struct event_base *base, const char *master,
                                            const int64_t *epoch, void (*broken)(void *owner),
                                            void *owner);
void agentx_notifier_free(struct agentx_notifier *notifier);

/* The master is there, or gone: after the session has been closed. */
void agentx_notifier_begin(struct agentx_notifier *notifier, void *session);
void agentx_notifier_end(struct agentx_notifier *notifier);

/* Shares the notification. */
void agentx_notifier_put(struct agentx_notifier *notifier, struct notification *notification);

#endif
