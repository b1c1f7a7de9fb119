/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: tells a service manager how the daemon is: ready, reloading, stopping, alive.
 * Source: sd_notify(3), sd_watchdog_enabled(3).
 */
#ifndef UPSBRIDGE_DAEMON_NOTIFY_H
#define UPSBRIDGE_DAEMON_NOTIFY_H

#include "core/loop.h"

struct notifier;

/*
 * Connects to the manager named in the environment, so before a jail is entered or the process goes
 * to the background. NULL: there is none, or it cannot be reached, which is logged. All functions
 * below do nothing with NULL.
 */
struct notifier *notify_open(void);
void notify_close(struct notifier *notifier);

/* Service has begun; status is one line for people. From now on the main loop tells that it runs.
 */
void notify_ready(struct notifier *notifier, struct loop *loop, const char *status);

/* A reload begins, and has ended with this status. */
void notify_reloading(struct notifier *notifier);
void notify_reloaded(struct notifier *notifier, const char *status);

void notify_stopping(struct notifier *notifier);

#endif
