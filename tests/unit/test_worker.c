/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker with a driver made of switches. driver_find() is ours, so the registry stays out.
 */
#include "drivers/registry.h"
#include "drivers/worker.h"
#include "drivers/worker_thread.h"
#include "tests/unit/served.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define SOON 10000  /* on a machine that is busy with other things */
#define NEVER 86400 /* seconds between polls: on common ticks, so 60 could come at any moment */

/* What the driver does, set by the tests, and what it has seen. */
static struct {
    atomic_int open_result, poll_result, wait_result;
    _Atomic uint64_t opened_at[4], polled_at;
    atomic_int opens, closes, full_polls, quick_polls, commands;
    atomic_int blocks;  /* a command blocks until this is 0 */
    atomic_int takes;   /* milliseconds that a command takes */
    atomic_bool speaks; /* wait() reports something */
    atomic_bool on_battery, full_poll_blocks;
    atomic_bool too_much;
    atomic_bool signals_blocked;
    atomic_int complete_value; /* told by full polls only while not 0 */
    _Atomic(const struct device *) device;
    atomic_int forgets;
    const struct driver *driver; /* NULL: the usual one */
} fake;

static enum driver_result fake_open(struct device *device)
{
    sigset_t mask;

    int open = atomic_fetch_add(&fake.opens, 1);

    device->memory = &fake;
    atomic_store(&fake.device, device);
    if (open < 4)
        atomic_store(&fake.opened_at[open], clock_ms());
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    atomic_store(&fake.signals_blocked, sigismember(&mask, SIGTERM) == 1 &&
                                            sigismember(&mask, SIGHUP) == 1 &&
                                            sigismember(&mask, SIGINT) == 1);
    int result = atomic_load(&fake.open_result);
    if (result == DRIVER_OK)
        device->state = &fake;
    return driver_problem(device, (enum driver_result)result, "open says %d", result);
}

static enum driver_result fake_poll(struct device *device, enum poll_kind kind,
                                    struct update *update)
{
    atomic_store(&fake.polled_at, clock_ms());
    atomic_fetch_add(kind == POLL_FULL ? &fake.full_polls : &fake.quick_polls, 1);
    int result = atomic_load(&fake.poll_result);
    if (result != DRIVER_OK)
        return driver_problem(device, (enum driver_result)result, "poll says %d", result);
    while (kind == POLL_FULL && atomic_load(&fake.full_poll_blocks))
        usleep(1000);
    update_set(update, "ups.status", atomic_load(&fake.on_battery) ? "OB" : "OL");
    update_setf(update, "ups.load", "%d", atomic_load(&fake.quick_polls));
    if (kind == POLL_FULL && atomic_load(&fake.complete_value) != 0)
        update_set(update, "ups.mfr", "Maker");
    if (atomic_load(&fake.too_much))
        update->broken = true;
    return DRIVER_OK;
}

static enum driver_result fake_wait(struct device *device, int timeout_ms, bool *happened)
{
    struct pollfd descriptor = { .fd = driver_wake_descriptor(device), .events = POLLIN };

    int result = atomic_load(&fake.wait_result);
    if (result != DRIVER_OK)
        return driver_problem(device, (enum driver_result)result, "wait says %d", result);
    /* Looks at the switches now and then: they are not descriptors. */
    poll(&descriptor, 1, timeout_ms < 20 ? timeout_ms : 20);
    *happened = atomic_exchange(&fake.speaks, false);
    return DRIVER_OK;
}

static enum ups_outcome fake_command(struct device *device, const char *name, const char *parameter,
                                     struct update *update)
{
    (void)device;
    atomic_fetch_add(&fake.commands, 1);
    while (atomic_load(&fake.blocks) != 0)
        usleep(1000);
    usleep((useconds_t)atomic_load(&fake.takes) * 1000);
    update_setf(update, "test.echo", "%s %s", name, parameter == NULL ? "-" : parameter);
    return strcmp(name, "bad") == 0 ? UPS_FAILED : UPS_HANDLED;
}

static void fake_close(struct device *device)
{
    assert_ptr_equal(device->state, &fake);
    device->state = NULL;
    atomic_fetch_add(&fake.closes, 1);
}

static void fake_forget(struct device *device)
{
    assert_ptr_equal(device->memory, &fake);
    assert_true(driver_must_stop(device));
    atomic_fetch_add(&fake.forgets, 1);
}

static const struct driver fake_driver = {
    .name = "fake",
    .description = "switches",
    .open = fake_open,
    .poll = fake_poll,
    .wait = fake_wait,
    .command = fake_command,
    .close = fake_close,
    .forget = fake_forget,
};

const struct driver *driver_find(const char *name)
{
    if (strcmp(name, "fake") != 0)
        return NULL;
    return fake.driver != NULL ? fake.driver : &fake_driver;
}

static struct device_settings section(unsigned poll_interval)
{
    return (struct device_settings){ .name = "ups1",
                                     .driver = "fake",
                                     .port = "none",
                                     .poll_interval = poll_interval,
                                     .max_start_delay = 75 };
}

static void serve(struct served *served, unsigned poll_interval)
{
    struct device_settings settings = section(poll_interval);

    served_open(served, &settings, "/nowhere", 3 * NEVER);
}

static int reset(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    return 0;
}

static void test_first_poll_is_at_once_and_complete(void **state)
{
    struct served served;

    (void)state;
    fake.complete_value = 1;
    serve(&served, NEVER);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    assert_int_equal(fake.full_polls, 1);
    assert_true(served_has(&served, "ups.mfr", "Maker"));
    assert_true(served_has(&served, "driver.name", "fake"));
    assert_true(fake.signals_blocked);
    /* Re-opened, it no longer has a maker. */
    fake.complete_value = 0;
    fake.wait_result = DRIVER_GONE;
    served_until(&served, fake.closes == 1, SOON);
    fake.wait_result = DRIVER_OK;
    served_until(&served, served_has(&served, "ups.mfr", NULL), SOON);
    served_close(&served);
    assert_int_equal(fake.opens, 2);
    assert_int_equal(fake.closes, 2);
}

static void test_waiting_before_the_first_poll(void **state)
{
    struct served served;

    (void)state;
    fake.open_result = DRIVER_GONE;
    serve(&served, NEVER);
    assert_true(served_has(&served, "ups.status", "WAIT"));
    served_until(&served, served.ups->comms == UPS_LOST, SOON);
    fake.open_result = DRIVER_OK;
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    served_close(&served);
}

static void test_back_off(void **state)
{
    struct served served;

    (void)state;
    fake.open_result = DRIVER_GONE;
    serve(&served, NEVER);
    served_until(&served, fake.opens == 4, SOON);
    for (int i = 1; i < 4; i++)
        assert_true(fake.opened_at[i] - fake.opened_at[i - 1] >= 125u << i);
    served_close(&served);

    memset(&fake, 0, sizeof fake);
    fake.open_result = DRIVER_REFUSED;
    serve(&served, NEVER);
    served_run_for(&served, 700);
    assert_int_equal(fake.opens, 1);
    served_close(&served);
    assert_int_equal(fake.closes, 0);
}

static void test_a_hint_ends_the_back_off(void **state)
{
    struct served served;

    (void)state;
    fake.open_result = DRIVER_REFUSED;
    serve(&served, NEVER);
    served_until(&served, served.ups->comms == UPS_LOST, SOON);
    assert_int_equal(fake.opens, 1);
    assert_false(driver_must_stop(fake.device));
    fake.open_result = DRIVER_OK;
    driver_retry(fake.device);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    assert_int_equal(fake.opens, 2);
    /* While it is open, such a hint means another device. */
    driver_retry(fake.device);
    served_run_for(&served, 100);
    assert_int_equal(fake.opens, 2);
    assert_int_equal(fake.forgets, 0);
    served_close(&served);
    assert_int_equal(fake.forgets, 1);
}

/* It was plugged in anew before it was seen to leave: what came then is what is to be opened. */
static void test_a_hint_is_kept_until_it_is_lost(void **state)
{
    struct served served;

    (void)state;
    serve(&served, NEVER);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    driver_retry(fake.device);
    served_run_for(&served, 50);
    fake.wait_result = DRIVER_REFUSED;
    served_until(&served, fake.closes >= 1, SOON);
    fake.wait_result = DRIVER_OK;
    served_until(&served, fake.opens == 2, SOON);
    served_close(&served);
}

static void test_failures_close_it_in_the_end(void **state)
{
    struct served served;

    (void)state;
    serve(&served, 1);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    fake.poll_result = DRIVER_FAILED;
    int before = fake.full_polls;
    served_until(&served, fake.full_polls >= before + 2, SOON);
    served_until(&served, fake.closes == 1, SOON);
    assert_true(fake.full_polls >= before + 3);
    served_until(&served, fake.opens == 2, SOON);
    /* Its readings are young enough all the while. */
    assert_int_equal(served.ups->comms, UPS_OK);
    assert_int_equal(served.lost, 0);
    fake.poll_result = DRIVER_OK;
    before = fake.full_polls;
    served_until(&served, fake.full_polls >= before + 2, SOON);
    int opens = fake.opens;
    before = fake.full_polls;
    served_until(&served, fake.full_polls >= before + 3, SOON);
    assert_int_equal(fake.opens, opens);
    served_close(&served);
}

static void test_polls_on_common_ticks(void **state)
{
    struct served served;
    int on_tick = 0;

    (void)state;
    /* Begun in the middle between two ticks: what counts from the start never comes near one. */
    while (clock_ms() % 1000 < 400 || clock_ms() % 1000 > 600)
        usleep(10000);
    serve(&served, 1);
    served_until(&served, fake.full_polls == 1, SOON);
    for (int i = 0; i < 10 && on_tick < 3; i++) {
        int before = fake.full_polls;

        served_until(&served, fake.full_polls > before, SOON);
        on_tick += fake.polled_at % 1000 < 200;
    }
    assert_int_equal(on_tick, 3);
    served_close(&served);
}

static void test_rare_polls_do_not_make_it_stale(void **state)
{
    struct device_settings settings = section(NEVER);
    struct served served;

    (void)state;
    served_open(&served, &settings, "/nowhere", 2);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    uint64_t begun = clock_ms();
    served_until(&served, fake.full_polls == 4, SOON);
    assert_true(clock_ms() - begun >= 1300);
    served_close(&served);
}

static void test_status_comes_before_a_full_poll(void **state)
{
    static struct option_setting options[] = { { .key = "pollfreq", .value = "1" } };
    struct device_settings settings = section(1);
    struct served served;

    (void)state;
    settings.options = options;
    settings.option_count = 1;
    served_open(&served, &settings, "/nowhere", 3 * NEVER);
    served_until(&served, served_has(&served, "ups.status", "OL"), SOON);
    atomic_store(&fake.full_poll_blocks, true);
    atomic_store(&fake.on_battery, true);
    /* Every poll is a full one now, and none of them ends. */
    served_until(&served, served_has(&served, "ups.status", "OB"), 2 * SOON);
    assert_true(fake.full_poll_blocks);
    atomic_store(&fake.full_poll_blocks, false);
    served_close(&served);
}

static void test_a_shorter_maximum_age_counts_at_once(void **state)
{
    struct served served;

    (void)state;
    serve(&served, NEVER);
    served_until(&served, fake.full_polls == 1, SOON);
    worker_set_maximum_age(served.worker, 1);
    served_until(&served, fake.full_polls == 3, 10 * SOON);
    worker_set_maximum_age(served.worker, 3 * NEVER);
    served_close(&served);
}

static void test_quick_poll_when_it_speaks(void **state)
{
    struct served served;

    (void)state;
    serve(&served, NEVER);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    for (int i = 1; i <= 3; i++) {
        fake.speaks = true;
        served_until(&served, fake.quick_polls == i, SOON);
    }
    served_until(&served, served_has(&served, "ups.load", "3"), SOON);
    assert_int_equal(fake.full_polls, 1);
    served_close(&served);
}

static void test_pollfreq(void **state)
{
    struct option_setting options[] = { { "pollfreq", "60", 1 } };
    struct device_settings settings = section(1);
    struct served served;

    (void)state;
    settings.options = options;
    settings.option_count = 1;
    served_open(&served, &settings, "/nowhere", 3 * NEVER);
    served_until(&served, fake.quick_polls == 2, SOON);
    assert_in_range(fake.full_polls, 1, 2);
    served_close(&served);
}

static void test_pollfreq_of_the_driver(void **state)
{
    struct driver slow = fake_driver;
    struct served served;

    (void)state;
    slow.full_poll = 60;
    fake.driver = &slow;
    serve(&served, 1);
    served_until(&served, fake.quick_polls == 2, 3500);
    assert_in_range(fake.full_polls, 1, 2);
    served_close(&served);
}

static void test_the_effect_comes_before_the_outcome(void **state)
{
    struct served served;

    (void)state;
    serve(&served, NEVER);
    served.watched = "test.echo";
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    uint64_t id = ups_request_command(served.store, served.ups, "beep", "5");
    assert_int_not_equal(id, 0);
    assert_int_equal(served.results, 0);
    served_until(&served, served.results == 1, SOON);
    assert_int_equal(served.result_ids[0], id);
    assert_int_equal(served.outcomes[0], UPS_HANDLED);
    assert_string_equal(served.seen_at_result, "beep 5");
    ups_request_command(served.store, served.ups, "bad", NULL);
    served_until(&served, served.results == 2, SOON);
    assert_int_equal(served.outcomes[1], UPS_FAILED);
    assert_string_equal(served.seen_at_result, "bad -");
    /* The driver can set nothing. */
    ups_request_set(served.store, served.ups, "ups.id", "x");
    served_until(&served, served.results == 3, SOON);
    assert_int_equal(served.outcomes[2], UPS_UNKNOWN);
    served_close(&served);
}

static void test_slow_commands_do_not_hold_up_polls(void **state)
{
    struct served served;

    (void)state;
    serve(&served, 1);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    fake.takes = 400;
    int before = fake.full_polls;
    for (int i = 0; i < 8; i++)
        assert_int_not_equal(ups_request_command(served.store, served.ups, "beep", NULL), 0);
    served_until(&served, served.results == 8, 20000);
    assert_true(fake.full_polls >= before + 2);
    served_close(&served);
}

static void test_requests_are_bounded_and_settled_by_a_stop(void **state)
{
    struct served served;
    unsigned taken = 0;

    (void)state;
    serve(&served, NEVER);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    fake.blocks = 1;
    while (taken < 100 && ups_request_command(served.store, served.ups, "beep", NULL) != 0)
        taken++;
    assert_int_equal(taken, 32);
    served_until(&served, fake.commands == 1, SOON);
    worker_stop(served.worker);
    assert_int_equal(served.results, 32);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(served.outcomes[i], UPS_FAILED);
    assert_int_equal(ups_request_command(served.store, served.ups, "beep", NULL), 0);
    assert_false(worker_ended(served.worker));
    fake.blocks = 0;
    served_until(&served, worker_ended(served.worker), SOON);
    assert_int_equal(served.results, 32);
    served_close(&served);
}

static void test_requests_fail_while_it_is_closed(void **state)
{
    struct served served;

    (void)state;
    fake.open_result = DRIVER_REFUSED;
    serve(&served, NEVER);
    served_until(&served, served.ups->comms == UPS_LOST, SOON);
    ups_request_command(served.store, served.ups, "beep", NULL);
    served_until(&served, served.results == 1, SOON);
    assert_int_equal(served.outcomes[0], UPS_FAILED);
    assert_int_equal(fake.commands, 0);
    served_close(&served);
}

static void test_a_broken_batch_is_no_reading(void **state)
{
    struct served served;

    (void)state;
    fake.too_much = true;
    serve(&served, NEVER);
    served_until(&served, served.ups->comms == UPS_LOST, SOON);
    served_until(&served, fake.closes >= 1, SOON);
    fake.too_much = false;
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    served_close(&served);
}

static void test_stop_is_quick(void **state)
{
    struct served served;

    (void)state;
    serve(&served, NEVER);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    /* It waits for a poll that is hours away. */
    worker_stop(served.worker);
    served_until(&served, worker_ended(served.worker), SOON);
    worker_finish(served.worker, clock_ms());
    served.worker = NULL;
    assert_int_equal(fake.closes, 1);
    served_close(&served);
}

static void test_messages_after_a_stop_are_dropped(void **state)
{
    struct served served;

    (void)state;
    serve(&served, NEVER);
    /* Its first messages are posted, and delivered only when nobody is there any more. */
    for (int i = 0; i < 500 && fake.full_polls == 0; i++)
        usleep(1000);
    usleep(20000);
    worker_stop(served.worker);
    worker_finish(served.worker, clock_ms() + 2000);
    served.worker = NULL;
    ups_remove(served.store, served.ups);
    served_run_for(&served, 50);
    served_close(&served);
}

static void test_a_stuck_thread_is_abandoned(void **state)
{
    struct served served;

    (void)state;
    serve(&served, NEVER);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    fake.blocks = 1;
    ups_request_command(served.store, served.ups, "beep", NULL);
    served_until(&served, fake.commands == 1, SOON);
    worker_stop(served.worker);
    uint64_t begun = clock_ms();
    worker_finish(served.worker, begun + 200);
    assert_in_range(clock_ms() - begun, 190, SOON);
    served.worker = NULL;
    served_close(&served);
    /* Everything it could reach is gone; it must end without touching that. */
    fake.blocks = 0;
    for (int i = 0; i < SOON && fake.closes == 0; i++)
        usleep(1000);
    assert_int_equal(fake.closes, 1);
    /* It frees itself; a leak checker looks when the program ends. */
    usleep(50000);
}

static void test_unknown_driver(void **state)
{
    struct device_settings settings = section(1);
    struct loop *loop = loop_new();
    struct ups_store *store = ups_store_new(loop_base(loop), 15);
    struct ups *ups = ups_add(store, "ups1", NULL);

    (void)state;
    settings.driver = "nothing";
    assert_null(worker_start(loop, store, ups, &settings, "/nowhere"));
    assert_int_equal(errno, ENODEV);
    ups_store_free(store);
    loop_free(loop);
}

#define TEST(function) cmocka_unit_test_setup(function, reset)

/* On a tick of the polls, once in each full interval, and devices at different ones. */
static void test_full_polls_are_spread(void **state)
{
    unsigned at[15] = { 0 };

    (void)state;
    for (unsigned device = 0; device < 300; device++) {
        char name[16];

        snprintf(name, sizeof name, "ups%u", device);
        uint64_t first = worker_next_full_poll(name, 1, 2000, 30000);
        assert_true(first > 1 && first <= 30001 && first % 2000 == 0);
        assert_int_equal(worker_next_full_poll(name, first - 1, 2000, 30000), first);
        assert_int_equal(worker_next_full_poll(name, first, 2000, 30000), first + 30000);
        assert_int_equal(worker_next_full_poll(name, first + 30001, 2000, 30000), first + 60000);
        at[first % 30000 / 2000]++;
        /* With each poll. */
        assert_int_equal(worker_next_full_poll(name, 4999, 5000, 5000), 5000);
    }
    for (unsigned tick = 0; tick < 15; tick++)
        assert_in_range(at[tick], 5, 60);
    /* A full interval that is no multiple of the other still has its pace. */
    uint64_t odd = worker_next_full_poll("lab", 100000, 2000, 7000);
    assert_true(odd > 100000 && odd <= 107000);
    assert_int_equal(worker_next_full_poll("lab", odd, 2000, 7000), odd + 7000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_polls_are_spread),
        TEST(test_first_poll_is_at_once_and_complete),
        TEST(test_waiting_before_the_first_poll),
        TEST(test_back_off),
        TEST(test_a_hint_ends_the_back_off),
        TEST(test_a_hint_is_kept_until_it_is_lost),
        TEST(test_failures_close_it_in_the_end),
        TEST(test_polls_on_common_ticks),
        TEST(test_rare_polls_do_not_make_it_stale),
        TEST(test_status_comes_before_a_full_poll),
        TEST(test_a_shorter_maximum_age_counts_at_once),
        TEST(test_quick_poll_when_it_speaks),
        TEST(test_pollfreq),
        TEST(test_pollfreq_of_the_driver),
        TEST(test_the_effect_comes_before_the_outcome),
        TEST(test_slow_commands_do_not_hold_up_polls),
        TEST(test_requests_are_bounded_and_settled_by_a_stop),
        TEST(test_requests_fail_while_it_is_closed),
        TEST(test_a_broken_batch_is_no_reading),
        TEST(test_stop_is_quick),
        TEST(test_messages_after_a_stop_are_dropped),
        TEST(test_a_stuck_thread_is_abandoned),
        TEST(test_unknown_driver),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
