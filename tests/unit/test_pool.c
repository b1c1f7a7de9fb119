/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pool.h"

#include "core/loop.h"
#include "tests/unit/unit.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_MS 20000

/* What the jobs do and what becomes of them. */
static struct {
    struct loop *loop;
    struct pool *pool;
    atomic_uint runs, running, most_running, exclusive_running, discarded;
    atomic_bool gate_open, broken;
    unsigned done;
    pthread_t reader;
} world;

struct task {
    struct job job;
    bool waits; /* until the gate is open */
    bool ran;
};

static void pause_ms(unsigned milliseconds)
{
    struct timespec time = { .tv_nsec = (long)milliseconds * 1000000 };

    nanosleep(&time, NULL);
}

static void run_task(struct job *job)
{
    struct task *task = (struct task *)(void *)job;
    unsigned running = atomic_fetch_add(&world.running, 1) + 1;
    unsigned most = atomic_load(&world.most_running);
    sigset_t blocked;

    while (running > most && !atomic_compare_exchange_weak(&world.most_running, &most, running))
        continue;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (pthread_equal(pthread_self(), world.reader) || sigismember(&blocked, SIGTERM) != 1 ||
        sigismember(&blocked, SIGHUP) != 1)
        atomic_store(&world.broken, true);
    if (job->exclusive && atomic_fetch_add(&world.exclusive_running, 1) != 0)
        atomic_store(&world.broken, true);
    while (task->waits && !atomic_load(&world.gate_open))
        pause_ms(1);
    if (job->exclusive)
        atomic_fetch_sub(&world.exclusive_running, 1);
    task->ran = true;
    atomic_fetch_add(&world.runs, 1);
    atomic_fetch_sub(&world.running, 1);
}

static void on_done(struct job *job)
{
    struct task *task = (struct task *)(void *)job;

    assert_true(pthread_equal(pthread_self(), world.reader));
    assert_true(task->ran);
    world.done++;
    free(task);
}

static void on_discard(struct job *job)
{
    atomic_fetch_add(&world.discarded, 1);
    free(job);
}

static struct task *task_new(bool waits, bool exclusive)
{
    struct task *task = calloc(1, sizeof *task);

    assert_non_null(task);
    task->job.run = run_task;
    task->job.done = on_done;
    task->job.discard = on_discard;
    task->job.exclusive = exclusive;
    task->waits = waits;
    return task;
}

static struct task *submit(bool waits, bool exclusive)
{
    struct task *task = task_new(waits, exclusive);

    assert_true(pool_submit(world.pool, &task->job));
    return task;
}

static void turn_until_done(unsigned done)
{
    uint64_t deadline = clock_ms() + DEADLINE_MS;

    while (world.done < done && clock_ms() < deadline) {
        event_base_loop(loop_base(world.loop), EVLOOP_NONBLOCK);
        pause_ms(1);
    }
    assert_int_equal(world.done, done);
}

static void wait_for(atomic_uint *number, unsigned value)
{
    uint64_t deadline = clock_ms() + DEADLINE_MS;

    while (atomic_load(number) != value && clock_ms() < deadline)
        pause_ms(1);
    assert_int_equal(atomic_load(number), value);
}

static int begin(void **state)
{
    (void)state;
    world.loop = loop_new();
    world.pool = pool_new(world.loop);
    world.runs = world.running = world.most_running = world.exclusive_running = 0;
    world.discarded = 0;
    world.gate_open = world.broken = false;
    world.done = 0;
    world.reader = pthread_self();
    return world.loop == NULL || world.pool == NULL;
}

static int end(void **state)
{
    (void)state;
    atomic_store(&world.gate_open, true);
    pool_free(world.pool);
    loop_free(world.loop);
    return atomic_load(&world.broken);
}

static void test_two_at_a_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        submit(true, false);
    wait_for(&world.running, 2);
    assert_int_equal(world.done, 0);
    atomic_store(&world.gate_open, true);
    turn_until_done(20);
    assert_int_equal(atomic_load(&world.most_running), POOL_THREADS);
}

static void test_exclusive_jobs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        submit(true, true);
    wait_for(&world.running, 1);
    /* One that is stuck does not keep others waiting. */
    for (unsigned i = 0; i < 5; i++)
        submit(false, false);
    turn_until_done(5);
    assert_int_equal(atomic_load(&world.running), 1);
    atomic_store(&world.gate_open, true);
    turn_until_done(10);
}

static void test_bounded_queue(void **state)
{
    struct task *surplus = task_new(false, false);

    (void)state;
    for (unsigned i = 0; i < POOL_THREADS; i++)
        submit(true, false);
    wait_for(&world.running, POOL_THREADS);
    for (unsigned i = 0; i < POOL_QUEUE_MAX; i++)
        submit(false, false);
    assert_false(pool_submit(world.pool, &surplus->job));
    atomic_store(&world.gate_open, true);
    turn_until_done(POOL_THREADS + POOL_QUEUE_MAX);
    assert_true(pool_submit(world.pool, &surplus->job));
    turn_until_done(POOL_THREADS + POOL_QUEUE_MAX + 1);
}

static void test_cancelling(void **state)
{
    struct task *running = submit(true, false);
    struct task *other = submit(true, false);

    (void)state;
    wait_for(&world.running, 2);
    struct task *first = submit(false, false);
    submit(false, false);
    struct task *last = submit(false, false);
    pool_cancel(&first->job);
    pool_cancel(&last->job);
    assert_int_equal(atomic_load(&world.discarded), 2);
    pool_cancel(&running->job);
    pool_cancel(&other->job);
    assert_int_equal(atomic_load(&world.discarded), 2);
    submit(false, false);
    atomic_store(&world.gate_open, true);
    turn_until_done(2);
    wait_for(&world.runs, 4);
    for (uint64_t deadline = clock_ms() + DEADLINE_MS;
         atomic_load(&world.discarded) < 4 && clock_ms() < deadline;)
        event_base_loop(loop_base(world.loop), EVLOOP_NONBLOCK);
    assert_int_equal(atomic_load(&world.discarded), 4);
}

/* It has run already, and its result is on the way. */
static void test_cancelling_too_late(void **state)
{
    struct task *task = submit(false, false);

    (void)state;
    wait_for(&world.runs, 1);
    wait_for(&world.running, 0);
    pool_cancel(&task->job);
    /* It may come behind the other one, if they were run by two threads. */
    submit(false, false);
    turn_until_done(1);
    event_base_loop(loop_base(world.loop), EVLOOP_NONBLOCK);
    assert_int_equal(atomic_load(&world.discarded), 1);
}

static void test_stop_discards(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        submit(true, false);
    wait_for(&world.running, 2);
    atomic_store(&world.gate_open, true);
    pool_free(world.pool);
    world.pool = NULL;
    assert_int_equal(atomic_load(&world.running), 0);
    loop_free(world.loop);
    world.loop = NULL;
    /* Some may have ended before the stop. */
    assert_int_equal(atomic_load(&world.discarded) + world.done, 10);
}

static void test_stop_abandons_what_is_stuck(void **state)
{
    (void)state;
    submit(true, false);
    submit(false, false);
    turn_until_done(1);
    wait_for(&world.running, 1);
    uint64_t before = clock_ms();
    pool_free(world.pool);
    world.pool = NULL;
    assert_in_range(clock_ms() - before, 1900, DEADLINE_MS);
    loop_free(world.loop);
    world.loop = NULL;
    assert_int_equal(atomic_load(&world.discarded), 0);
    atomic_store(&world.gate_open, true);
    wait_for(&world.discarded, 1);
}

/* Many jobs, some of which are cancelled at any time: what a thread checker looks at. */
static void test_many(void **state)
{
    unsigned submitted = 0, cancelled = 0;

    (void)state;
    while (submitted < 2000) {
        struct task *task = task_new(false, submitted % 7 == 0);

        if (!pool_submit(world.pool, &task->job)) {
            free(task);
            event_base_loop(loop_base(world.loop), EVLOOP_NONBLOCK);
            continue;
        }
        submitted++;
        if (submitted % 3 == 0) {
            pool_cancel(&task->job);
            cancelled++;
        }
    }
    turn_until_done(submitted - cancelled);
    wait_for(&world.running, 0);
    event_base_loop(loop_base(world.loop), EVLOOP_NONBLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_two_at_a_time, begin, end),
        cmocka_unit_test_setup_teardown(test_exclusive_jobs, begin, end),
        cmocka_unit_test_setup_teardown(test_bounded_queue, begin, end),
        cmocka_unit_test_setup_teardown(test_cancelling, begin, end),
        cmocka_unit_test_setup_teardown(test_cancelling_too_late, begin, end),
        cmocka_unit_test_setup_teardown(test_stop_discards, begin, end),
        cmocka_unit_test_setup_teardown(test_stop_abandons_what_is_stuck, begin, end),
        cmocka_unit_test_setup_teardown(test_many, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
