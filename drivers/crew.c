/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/crew.h"

#include "core/log.h"
#include "core/loop.h"
#include "drivers/worker_thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WAIT_MAX_MS 60000
#define HELD_BACK_MS 2

static struct {
    /* The main loop's. */
    size_t members;
    pthread_t thread;
    /* Both sides'. */
    int wake;
    atomic_bool stopping;
    _Atomic(struct worker *) newcomers; /* linked by crew_next: the newest first */
} crew = { .wake = -1 };

/* The mailbag -------------------------------------------------------------------------------- */

static void mailbag_empty(struct mailbag *bag)
{
    while (bag->first != NULL) {
        struct message *message = bag->first;

        bag->first = message->next;
        loop_post(bag->loop, message);
    }
}

void mailbag_put(struct mailbag *bag, struct loop *loop, struct message *message)
{
    if (bag->loop != loop)
        mailbag_empty(bag);
    bag->loop = loop;
    message->next = NULL;
    if (bag->first == NULL)
        bag->first = message;
    else
        bag->last->next = message;
    bag->last = message;
}

/* The thread --------------------------------------------------------------------------------- */

static void drain_wake(void)
{
    uint64_t count;

    if (read(crew.wake, &count, sizeof count) < 0 && errno != EAGAIN)
        log_error("cannot read a wake descriptor: %s", strerror(errno));
}

/* Puts those who have come since in front, in the order in which they came. */
static struct worker *admit(struct worker *first, struct mailbag *bag)
{
    struct worker *newest = atomic_exchange(&crew.newcomers, NULL);

    while (newest != NULL) {
        struct worker *next = newest->crew_next;

        newest->crew_next = first;
        first = newest;
        first->mailbag = bag;
        worker_begin(first);
        newest = next;
    }
    return first;
}

/*
 * Has each worker do the next thing that is due. *next: clock_ms() when something is due again.
 * False: there was nothing to do.
 */
static bool work(struct worker **first, struct mailbag *bag, uint64_t *next)
{
    uint64_t begun = clock_ms();
    bool any = false;

    *next = UINT64_MAX;
    for (struct worker **link = first; *link != NULL;) {
        struct worker *worker = *link;
        uint64_t due = UINT64_MAX;

        if (atomic_load(&worker->stopping)) {
            *link = worker->crew_next;
            /* Once it has ended the loop it posts to may be gone. */
            mailbag_empty(bag);
            worker_end(worker);
            continue;
        }
        any |= worker_work(worker, &due);
        *next = due < *next ? due : *next;
        if (clock_ms() > begun + HELD_BACK_MS) {
            mailbag_empty(bag);
            begun = clock_ms();
        }
        link = &worker->crew_next;
    }
    mailbag_empty(bag);
    return any;
}

static void wait_until(uint64_t end)
{
    struct pollfd descriptor = { .fd = crew.wake, .events = POLLIN };
    uint64_t now = clock_ms();
    int timeout = end <= now ? 0 : end - now > WAIT_MAX_MS ? WAIT_MAX_MS : (int)(end - now);

    if (poll(&descriptor, 1, timeout) < 0 && errno != EINTR)
        log_error("cannot wait: %s", strerror(errno));
}

static void *run(void *argument)
{
    struct worker *first = NULL;
    struct mailbag bag = { 0 };
    uint64_t next;

    (void)argument;
    while (!atomic_load(&crew.stopping)) {
        drain_wake();
        first = admit(first, &bag);
        if (!work(&first, &bag, &next))
            wait_until(next);
    }
    return NULL;
}

/* The main loop ------------------------------------------------------------------------------ */

static void wake(void)
{
    static const uint64_t one = 1;

    if (write(crew.wake, &one, sizeof one) < 0 && errno != EAGAIN)
        log_error("cannot wake a thread: %s", strerror(errno));
}

static int start(void)
{
    crew.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (crew.wake < 0)
        return errno;
    atomic_store(&crew.stopping, false);
    int error = worker_start_thread(&crew.thread, "upses", run, NULL);
    if (error != 0) {
        close(crew.wake);
        crew.wake = -1;
    }
    return error;
}

int crew_enter(struct worker *worker)
{
    struct worker *head = atomic_load(&crew.newcomers);
    int error = crew.members == 0 ? start() : 0;

    if (error != 0)
        return error;
    crew.members++;
    worker->wake = crew.wake;
    do {
        worker->crew_next = head;
    } while (!atomic_compare_exchange_weak(&crew.newcomers, &head, worker));
    wake();
    return 0;
}

void crew_leave(void)
{
    if (--crew.members > 0)
        return;
    atomic_store(&crew.stopping, true);
    wake();
    pthread_join(crew.thread, NULL);
    close(crew.wake);
    crew.wake = -1;
}
