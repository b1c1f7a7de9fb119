/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pool.h"

#include "core/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Names of hosts are looked up with glibc's resolver, which likes to have some room. */
#define STACK_SIZE (256 * 1024)
#define STOP_MS 2000

struct pool {
    struct loop *loop;
    pthread_mutex_t mutex;
    pthread_cond_t work, ended; /* a job may be taken, or the end has come; a thread has ended */
    /* All below by the mutex only, but for that of the main loop. */
    struct job *first, *last; /* waiting */
    unsigned waiting;
    unsigned threads;  /* that have not ended */
    unsigned idle;     /* threads that wait for work */
    bool exclusive;    /* an exclusive job runs */
    bool stopping;     /* nothing is posted to the loop any more */
    bool released;     /* by its owner: the last thread frees it */
    bool told_trouble; /* the main loop's: no thread could be started */
};

struct pool *pool_new(struct loop *loop)
{
    struct pool *pool = calloc(1, sizeof *pool);
    pthread_condattr_t attributes;

    if (pool == NULL)
        return NULL;
    pool->loop = loop;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->ended, &attributes);
    pthread_cond_init(&pool->work, NULL);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&pool->mutex, NULL);
    return pool;
}

static void destroy(struct pool *pool)
{
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->ended);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

/* The queue; with the mutex held -------------------------------------------------------------- */

static void append(struct pool *pool, struct job *job)
{
    job->next = NULL;
    if (pool->first == NULL)
        pool->first = job;
    else
        pool->last->next = job;
    pool->last = job;
    pool->waiting++;
}

static void unlink_after(struct pool *pool, struct job *before, struct job *job)
{
    if (before == NULL)
        pool->first = job->next;
    else
        before->next = job->next;
    if (pool->last == job)
        pool->last = before;
    pool->waiting--;
}

/* The first that may run now; NULL: none. */
static struct job *take(struct pool *pool)
{
    struct job *before = NULL;

    for (struct job *job = pool->first; job != NULL; before = job, job = job->next) {
        if (job->exclusive && pool->exclusive)
            continue;
        unlink_after(pool, before, job);
        pool->exclusive = pool->exclusive || job->exclusive;
        return job;
    }
    return NULL;
}

/* False: the job is not in the queue (any more). */
static bool withdraw(struct pool *pool, struct job *wanted)
{
    struct job *before = NULL;

    for (struct job *job = pool->first; job != NULL; before = job, job = job->next) {
        if (job == wanted) {
            unlink_after(pool, before, job);
            return true;
        }
    }
    return false;
}

/* The threads -------------------------------------------------------------------------------- */

static void deliver(struct message *message)
{
    struct job *job = (struct job *)message;

    if (job->cancelled)
        job->discard(job);
    else
        job->done(job);
}

/* Without the mutex while it runs. */
static void run(struct pool *pool, struct job *job)
{
    bool exclusive = job->exclusive;

    pthread_mutex_unlock(&pool->mutex);
    job->run(job);
    pthread_mutex_lock(&pool->mutex);
    if (exclusive) {
        pool->exclusive = false;
        pthread_cond_signal(&pool->work);
    }
    if (pool->stopping) {
        job->discard(job);
        return;
    }
    /* With the mutex held: once pool_free() has it, the loop may be gone. */
    job->message.deliver = deliver;
    loop_post(pool->loop, &job->message);
}

static void *serve(void *argument)
{
    struct pool *pool = argument;

    pthread_mutex_lock(&pool->mutex);
    while (!pool->stopping) {
        struct job *job = take(pool);

        if (job != NULL) {
            run(pool, job);
            continue;
        }
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->mutex);
        pool->idle--;
    }
    bool last = --pool->threads == 0;
    bool released = pool->released;
    pthread_cond_signal(&pool->ended);
    pthread_mutex_unlock(&pool->mutex);
    if (last && released)
        destroy(pool);
    return NULL;
}

static int start_thread(struct pool *pool)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    /* Nobody joins them: one that is stuck must not be waited for. */
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&thread, &attributes, serve, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error == 0) {
        pool->threads++;
        pthread_setname_np(thread, "pool");
    }
    return error;
}

/* For the main loop -------------------------------------------------------------------------- */

/* With the mutex held. False: there is no thread at all. */
static bool see_to_threads(struct pool *pool)
{
    int error = 0;

    if (pool->idle < pool->waiting + 1 && pool->threads < POOL_THREADS)
        error = start_thread(pool);
    if (error != 0 && !pool->told_trouble) {
        log_error("cannot start a thread: %s", strerror(error));
        pool->told_trouble = true;
    }
    return pool->threads > 0;
}

bool pool_submit(struct pool *pool, struct job *job)
{
    pthread_mutex_lock(&pool->mutex);
    bool taken = pool->waiting < POOL_QUEUE_MAX && see_to_threads(pool);
    if (taken) {
        job->pool = pool;
        job->cancelled = false;
        append(pool, job);
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->mutex);
    return taken;
}

void pool_cancel(struct job *job)
{
    struct pool *pool = job->pool;

    pthread_mutex_lock(&pool->mutex);
    bool withdrawn = withdraw(pool, job);
    pthread_mutex_unlock(&pool->mutex);
    /* Otherwise a thread has it, or had it: it comes by the mailbox. */
    if (withdrawn)
        job->discard(job);
    else
        job->cancelled = true;
}

static void discard_waiting(struct pool *pool)
{
    while (pool->first != NULL) {
        struct job *job = pool->first;

        unlink_after(pool, NULL, job);
        job->discard(job);
    }
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    /* clock_ms() is one ahead of the clock. */
    uint64_t deadline = clock_ms() - 1 + STOP_MS;
    struct timespec end = { .tv_sec = (time_t)(deadline / 1000),
                            .tv_nsec = (long)(deadline % 1000) * 1000000 };
    int error = 0;

    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    discard_waiting(pool);
    pthread_cond_broadcast(&pool->work);
    while (pool->threads > 0 && error == 0)
        error = pthread_cond_timedwait(&pool->ended, &pool->mutex, &end);
    bool all_ended = pool->threads == 0;
    pool->released = true;
    pthread_mutex_unlock(&pool->mutex);
    if (all_ended)
        destroy(pool);
    else
        log_error("a thread that looks something up does not end: it is abandoned");
}
