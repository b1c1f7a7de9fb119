/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: one thread for all workers whose driver never waits for anything (never_waits in
 * drivers/driver.h), so that hundreds of such devices cost neither a stack nor a wake-up each. It
 * runs from the first crew_enter() to the last crew_leave(); the main loop alone calls these.
 *
 * What the devices tell in one round reaches the main loop together, so that it wakes once for all
 * of them; but nothing is held back for longer than a few milliseconds.
 */
#ifndef UPSBRIDGE_DRIVERS_CREW_H
#define UPSBRIDGE_DRIVERS_CREW_H

struct worker;

/* Has the crew serve a worker until it is asked to stop. Returns 0, or what stands in its way. */
int crew_enter(struct worker *worker);
/* A worker has ended: the thread ends with the last one. */
void crew_leave(void);

#endif
