/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the life of one device: a thread that opens it, polls it on time, carries out commands,
 * and re-opens it with back-off when it is gone; and the main loop's end of that thread.
 *
 * What crosses between the two threads: whole updates, link changes and outcomes through the
 * mailbox (core/loop.h); requests and the stop flag through a bounded, locked queue.
 *
 * Times: first retry after 0.25 s, doubling to 5 s (30 s for DRIVER_REFUSED). Polls of devices with
 * one pollinterval fall on common ticks of the monotonic clock. A device is polled at least three
 * times within MAXAGE, whatever its pollinterval.
 */
#ifndef UPSBRIDGE_DRIVERS_WORKER_H
#define UPSBRIDGE_DRIVERS_WORKER_H

#include "core/loop.h"
#include "core/settings.h"
#include "core/ups.h"

/*
 * Starts serving ups. The section is copied. Returns NULL with errno set when no thread can be had.
 * All signals are blocked in the thread; its stack is 128 KiB.
 */
struct worker *worker_start(struct loop *loop, struct ups_store *store, struct ups *ups,
                            const struct device_settings *settings, const char *directory);

/* Keeps the polls frequent enough for another MAXAGE. */
void worker_set_maximum_age(struct worker *worker, unsigned maximum_age);

/*
 * Asks the worker to stop: it detaches from its ups at once, so what it still posts is dropped.
 * Then worker_finish() waits for its end until deadline (clock_ms()) and frees it; a thread stuck
 * in the kernel is abandoned with a log line, and frees itself should it come back. Ask all first,
 * then finish all.
 */
void worker_stop(struct worker *worker);
void worker_finish(struct worker *worker, uint64_t deadline);

/* Has a worker that was asked to stop ended? worker_finish() then returns at once. */
bool worker_ended(const struct worker *worker);

#endif
