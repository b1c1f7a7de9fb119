/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: two threads for what may block and is no device: password hashes, names of hosts. They
 * start with the first job. All functions are for the main loop's thread.
 */
#ifndef UPSBRIDGE_CORE_POOL_H
#define UPSBRIDGE_CORE_POOL_H

#include "core/loop.h"

#include <stdbool.h>

#define POOL_THREADS 2
/* Jobs that wait for a thread at most. */
#define POOL_QUEUE_MAX 64

struct pool;

/*
 * Embedded as the first member of what is to be done, which belongs to the pool from pool_submit()
 * until done() or discard() is called, exactly one of them and once.
 */
struct job {
    struct message message; /* private */
    struct job *next;       /* private */
    struct pool *pool;      /* private */
    bool cancelled;         /* private */

    bool exclusive; /* never at the same time as another such job */
    /* In a thread of the pool; sees nothing but the job. */
    void (*run)(struct job *job);
    /* In the main loop, after run(). */
    void (*done)(struct job *job);
    /* Instead, when nobody wants the result: frees the job. In any thread. */
    void (*discard)(struct job *job);
};

/* NULL: out of memory. */
struct pool *pool_new(struct loop *loop);
/* False: too many jobs wait, or there is no thread; the job is still the caller's. */
bool pool_submit(struct pool *pool, struct job *job);
/* The job is not the caller's any more: it is discarded, now or when it has run. */
void pool_cancel(struct job *job);
/*
 * Discards the jobs that wait, and those that run as soon as they have; waits for these, but for 2
 * s at most: a stuck one is abandoned. What has run already may still be delivered, so whoever
 * cannot take it any more cancels it before.
 */
void pool_free(struct pool *pool);

#endif
