/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of a worker, shared by its two halves alone: drivers/worker.c, which the main
 * loop calls, and drivers/worker_thread.c, which runs in the device's thread.
 *
 * Who owns what: see struct worker. A worker is counted: one reference is its owner's, one for each
 * message on its way; so a message that arrives late finds it, sees that it has no ups any more,
 * and is dropped.
 */
#ifndef UPSBRIDGE_DRIVERS_WORKER_THREAD_H
#define UPSBRIDGE_DRIVERS_WORKER_THREAD_H

#include "core/loop.h"
#include "drivers/driver.h"
#include "drivers/shaping.h"

#include <pthread.h>
#include <stdatomic.h>

#define WORKER_BACKOFF_FIRST_MS 250

/* A request on its way to the thread, then, as a message, its outcome on its way back. */
struct request {
    struct message message;
    struct worker *worker;
    struct request *next;
    uint64_t id;
    enum ups_request_kind kind;
    enum ups_outcome outcome;
    const char *name, *value; /* in text */
    char text[];
};

enum report_kind { REPORT_READING, REPORT_CHANGES, REPORT_LINK };

/* What the thread tells the main loop. */
struct report {
    struct message message;
    struct worker *worker;
    enum report_kind kind;
    bool up;              /* LINK */
    struct update update; /* READING, CHANGES */
};

enum link_told { LINK_UNTOLD, LINK_UP, LINK_DOWN };

/* How the device fares. */
struct attempt {
    bool is_open;
    bool complete_due; /* nothing has been read since it was opened */
    bool event_due;    /* it said something unasked */
    bool ever_up;
    enum link_told link;
    unsigned failures;       /* in a row, while open */
    uint64_t next_poll;      /* clock_ms() */
    uint64_t next_full_poll; /* clock_ms() */
    uint64_t retry;          /* clock_ms(): when to open it anew */
    unsigned backoff_ms;
    uint64_t down_since; /* clock_ms(); 0: it is well */
    char *complaint;     /* as last logged */
};

/* What several workers tell in one round, to be posted together: first in, first out. */
struct mailbag {
    struct message *first, *last;
    struct loop *loop;
};

struct worker {
    atomic_uint references;
    struct loop *loop;
    bool in_crew; /* it has no thread of its own: drivers/crew.h */

    /* The main loop's. */
    struct ups_store *store;
    struct ups *ups; /* NULL: detached */
    uint64_t outstanding[UPS_REQUESTS_MAX];
    size_t outstanding_count;

    /* Both sides'. The mutex guards what stands below it. */
    pthread_t thread; /* unless in_crew */
    int wake;         /* eventfd; the crew's if in_crew */
    atomic_bool stopping;
    atomic_bool retry_now;
    atomic_uint poll_ms;
    pthread_mutex_t mutex;
    pthread_cond_t has_ended;
    bool ended;
    bool abandoned; /* nobody waits for the end: the owner's reference is the thread's */
    struct request *first_request, *last_request;

    /* The thread's, from its start to its end. */
    const struct driver *driver;
    struct device_settings *settings; /* one block: the copy and all it points to */
    struct shaping *shaping;
    uint64_t full_poll_ms; /* 0: with every poll */
    struct device device;
    struct attempt attempt;
    struct worker *crew_next;
    struct mailbag *mailbag; /* NULL: what it tells is posted at once */
};

/* Starts a thread with all signals blocked and a small stack. Returns 0, or what was wrong. */
int worker_start_thread(pthread_t *thread, const char *name, void *(*run)(void *), void *argument);

/* The function of a thread that is one worker's own; its argument is the worker. */
void *worker_thread_run(void *worker);

/*
 * The same piece by piece, for a thread that serves several. worker_work() does the next thing that
 * is due; false: there is nothing before *next (clock_ms(), unless its descriptor wakes it).
 * After worker_end() the worker belongs to the main loop.
 */
void worker_begin(struct worker *worker);
bool worker_work(struct worker *worker, uint64_t *next);
void worker_end(struct worker *worker);

void mailbag_put(struct mailbag *bag, struct loop *loop, struct message *message);

/*
 * When everything is read next: on a tick of the polls, once in each full interval. Which of the
 * ticks it is, the device's name decides, so that those of a shared line or of a whole site do not
 * all fall on the same one. Both intervals in milliseconds, full >= poll > 0.
 */
uint64_t worker_next_full_poll(const char *name, uint64_t now, uint64_t poll, uint64_t full);

/* Sends a message to the main loop, with a reference to the worker. */
void worker_post(struct worker *worker, struct message *message);
/* Has the thread look at what there is to do. From any thread. */
void worker_wake(const struct worker *worker);
/* Gives a reference back; the last one frees everything. */
void worker_release(struct worker *worker);
/* How a report is delivered: in the main loop. */
void worker_deliver_report(struct message *message);

#endif
