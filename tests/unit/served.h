/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a store with one device and its worker, run until something has come true: for the tests
 * of workers and drivers. Everything is static, so each test program has its own.
 */
#ifndef UPSBRIDGE_TESTS_SERVED_H
#define UPSBRIDGE_TESTS_SERVED_H

#include "core/loop.h"
#include "core/ups.h"
#include "drivers/worker.h"
#include "tests/unit/unit.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RESULTS_MAX 64

struct served {
    struct loop *loop;
    struct ups_store *store;
    struct ups *ups;
    struct worker *worker;
    struct event *ticker; /* keeps the loop turning */
    unsigned results;
    uint64_t result_ids[RESULTS_MAX];
    enum ups_outcome outcomes[RESULTS_MAX];
    char seen_at_result[64]; /* of watched, when the last outcome came */
    const char *watched;     /* a variable */
    unsigned lost;           /* times comms became LOST */
};

static void on_event(void *context, struct ups *ups, const struct ups_event *event)
{
    struct served *served = context;

    if (event->kind == UPS_EVENT_COMMS && event->new_comms == UPS_LOST)
        served->lost++;
    if (event->kind != UPS_EVENT_RESULT || served->results == RESULTS_MAX)
        return;
    served->result_ids[served->results] = event->request;
    served->outcomes[served->results++] = event->outcome;
    const char *value = served->watched == NULL ? NULL : ups_value(ups, served->watched);
    strncpy(served->seen_at_result, value == NULL ? "" : value, sizeof served->seen_at_result - 1);
}

static void on_tick(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    (void)context;
}

static inline void served_open(struct served *served, const struct device_settings *settings,
                               const char *directory, unsigned maximum_age)
{
    static const struct timeval tick = { .tv_usec = 5000 };

    *served = (struct served){ .loop = loop_new() };
    assert_non_null(served->loop);
    served->store = ups_store_new(loop_base(served->loop), maximum_age);
    assert_non_null(served->store);
    served->ticker = event_new(loop_base(served->loop), -1, EV_PERSIST, on_tick, NULL);
    event_add(served->ticker, &tick);
    ups_subscribe(served->store, on_event, served);
    served->ups = ups_add(served->store, settings->name, NULL);
    served->worker = worker_start(served->loop, served->store, served->ups, settings, directory);
    assert_non_null(served->worker);
}

static inline void served_close(struct served *served)
{
    if (served->worker != NULL) {
        worker_stop(served->worker);
        worker_finish(served->worker, clock_ms() + 5000);
    }
    ups_store_free(served->store);
    event_free(served->ticker);
    loop_free(served->loop);
}

static inline void served_turn(struct served *served)
{
    event_base_loop(loop_base(served->loop), EVLOOP_ONCE);
}

static inline void served_run_for(struct served *served, unsigned milliseconds)
{
    uint64_t end = clock_ms() + milliseconds;

    while (clock_ms() < end)
        served_turn(served);
}

/* Turns the loop until condition holds; fails the test after limit_ms. */
#define served_until(served, condition, limit_ms)      \
    do {                                               \
        uint64_t until_end = clock_ms() + (limit_ms);  \
        while (!(condition) && clock_ms() < until_end) \
            served_turn(served);                       \
        assert_true(condition);                        \
    } while (0)

static inline bool served_has(const struct served *served, const char *name, const char *value)
{
    const char *now = ups_value(served->ups, name);

    return value == NULL ? now == NULL : now != NULL && strcmp(now, value) == 0;
}

#endif
