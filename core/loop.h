/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the main loop (libevent), the clock, and the mailbox through which worker threads speak
 * to it. The mailbox is the only thing threads share with the main loop.
 */
#ifndef UPSBRIDGE_CORE_LOOP_H
#define UPSBRIDGE_CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

struct event_base;
struct loop;

/* Milliseconds on the monotonic clock; never 0, so that 0 can stand for "never". Any thread. */
uint64_t clock_ms(void);
/* The same span as libevent takes it. */
struct timeval clock_span(uint64_t milliseconds);

/* NULL when out of memory or descriptors (errno set). Freed by loop_free(). */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* The libevent base: main thread only. */
struct event_base *loop_base(struct loop *loop);

/* Runs until loop_stop(). 0, or -1 when libevent gave up. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Calls handler(context) in the main loop for each signal; 0 or -1. At most 8 signals. */
int loop_on_signal(struct loop *loop, int signal_number, void (*handler)(void *context),
                   void *context);

/*
 * A message is embedded as the first member of what a worker sends. deliver() runs in the main
 * loop and owns the message from then on. Messages of one sender arrive in the order posted; what
 * is still undelivered when the loop is freed is delivered by loop_free().
 */
struct message {
    struct message *next;
    void (*deliver)(struct message *message);
};

/* Any thread; never blocks, never fails. */
void loop_post(struct loop *loop, struct message *message);

#endif
