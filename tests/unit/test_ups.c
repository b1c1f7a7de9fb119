/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/loop.h"
#include "core/ups.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct world {
    struct loop *loop;
    struct ups_store *store;
    char heard[2048]; /* events, one word or more each, with ';' behind */
    int slot;
};

static struct world world;

static void hear(void *context, struct ups *ups, const struct ups_event *event)
{
    static const char *const comms[] = { "CONNECTING", "OK", "STALE", "LOST" };
    size_t used = strlen(world.heard);
    char *end = world.heard + used;
    size_t room = sizeof world.heard - used;

    assert_ptr_equal(context, &world);
    switch (event->kind) {
    case UPS_EVENT_ADDED:
        snprintf(end, room, "%s added;", ups->name);
        break;
    case UPS_EVENT_REMOVED:
        snprintf(end, room, "%s removed;", ups->name);
        break;
    case UPS_EVENT_DATA:
        snprintf(end, room, "%s data;", ups->name);
        break;
    case UPS_EVENT_STATUS:
        assert_int_equal(ups->status, event->new_status);
        snprintf(end, room, "%s status %x>%x;", ups->name, event->old_status, event->new_status);
        break;
    case UPS_EVENT_COMMS:
        assert_int_equal(ups->comms, event->new_comms);
        snprintf(end, room, "%s %s>%s;", ups->name, comms[event->old_comms],
                 comms[event->new_comms]);
        break;
    case UPS_EVENT_REQUEST:
        snprintf(end, room, "%s request %u %s;", ups->name, (unsigned)event->asked->id,
                 event->asked->name);
        break;
    case UPS_EVENT_RESULT:
        snprintf(end, room, "%s result %u %d;", ups->name, (unsigned)event->request,
                 event->outcome);
        break;
    }
}

static void expect_heard(const char *wanted)
{
    assert_string_equal(world.heard, wanted);
    world.heard[0] = '\0';
}

static int set_up(void **state)
{
    (void)state;
    world = (struct world){ .loop = loop_new() };
    world.store = ups_store_new(loop_base(world.loop), 86400);
    world.slot = ups_subscribe(world.store, hear, &world);
    return world.slot;
}

static int tear_down(void **state)
{
    (void)state;
    ups_store_free(world.store);
    loop_free(world.loop);
    return 0;
}

static struct ups *add(const char *name)
{
    struct ups *ups = ups_add(world.store, name, NULL);

    assert_non_null(ups);
    world.heard[0] = '\0';
    return ups;
}

static void poll_status(struct ups *ups, const char *status)
{
    struct update update = { 0 };

    if (status != NULL)
        update_set(&update, "ups.status", status);
    ups_apply(world.store, ups, &update);
    update_clear(&update);
}

/* Turns the loop until comms is as wanted. */
static void wait_for(const struct ups *ups, enum ups_comms comms)
{
    uint64_t end = clock_ms() + 10000;

    while (ups->comms != comms && clock_ms() < end)
        event_base_loop(loop_base(world.loop), EVLOOP_ONCE);
    assert_int_equal(ups->comms, comms);
}

/* Devices ------------------------------------------------------------------------------------ */

static void test_a_new_device(void **state)
{
    struct ups *ups = ups_add(world.store, "Ups1", "a description");

    (void)state;
    expect_heard("Ups1 added;");
    assert_string_equal(ups->name, "Ups1");
    assert_string_equal(ups->description, "a description");
    assert_int_equal(ups->comms, UPS_CONNECTING);
    assert_int_not_equal(ups->generation, 0);
    assert_int_equal(ups->status, STATUS_WAIT);
    assert_string_equal(ups_value(ups, "ups.status"), "WAIT");
    assert_int_equal(ups->variable_count, 1);
    assert_false(ups->has_data);
    assert_int_equal(ups->last_good, 0);
    assert_true(ups_fresh(ups));
    errno = 0;
    assert_null(ups_add(world.store, "UPS1", NULL));
    assert_int_equal(errno, EEXIST);
    expect_heard("");
    assert_int_equal(ups_count(world.store), 1);
}

static void test_order_and_lookup(void **state)
{
    struct ups *a = add("a");
    struct ups *b = add("b");
    struct ups *c = add("c");

    (void)state;
    assert_ptr_equal(ups_find(world.store, "B"), b);
    assert_null(ups_find(world.store, "d"));
    assert_null(ups_find(world.store, ""));
    assert_ptr_equal(ups_at(world.store, 2), c);
    assert_null(ups_at(world.store, 3));
    ups_move(world.store, c, 0);
    assert_ptr_equal(ups_at(world.store, 0), c);
    assert_ptr_equal(ups_at(world.store, 1), a);
    assert_ptr_equal(ups_at(world.store, 2), b);
    ups_move(world.store, c, 1);
    assert_ptr_equal(ups_at(world.store, 0), a);
    assert_ptr_equal(ups_at(world.store, 1), c);
    ups_move(world.store, a, 2);
    assert_ptr_equal(ups_at(world.store, 0), c);
    assert_ptr_equal(ups_at(world.store, 1), b);
    assert_ptr_equal(ups_at(world.store, 2), a);
    ups_move(world.store, b, 1);
    assert_ptr_equal(ups_at(world.store, 1), b);
    expect_heard("");
    ups_remove(world.store, b);
    expect_heard("b removed;");
    assert_int_equal(ups_count(world.store), 2);
    assert_ptr_equal(ups_at(world.store, 1), a);
    assert_null(ups_find(world.store, "b"));
    assert_ptr_equal(ups_find(world.store, "a"), a);
}

/* The hash grows several times, and shrinks by removal in another order. */
static void test_many_devices(void **state)
{
    enum { MANY = 1000 };
    struct ups *all[MANY];
    char name[16];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "Ups%d", i);
        all[i] = add(name);
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "uPS%d", i);
        assert_ptr_equal(ups_find(world.store, name), all[i]);
        assert_ptr_equal(ups_at(world.store, (size_t)i), all[i]);
    }
    for (int i = 0; i < MANY; i += 2) {
        ups_remove(world.store, all[i]);
        world.heard[0] = '\0';
    }
    assert_int_equal(ups_count(world.store), MANY / 2);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "ups%d", i);
        assert_ptr_equal(ups_find(world.store, name), i % 2 == 0 ? NULL : all[i]);
    }
    /* What is left is removed, with events, when the store is freed. */
    struct ups_store *other = ups_store_new(loop_base(world.loop), 15);
    ups_subscribe(other, hear, &world);
    ups_add(other, "x", NULL);
    ups_add(other, "y", NULL);
    world.heard[0] = '\0';
    ups_store_free(other);
    expect_heard("y removed;x removed;");
    ups_store_free(NULL);
}

static void test_descriptions(void **state)
{
    struct ups *ups = add("u");
    uint64_t generation = ups->generation;

    (void)state;
    ups_set_description(world.store, ups, NULL);
    assert_int_equal(ups->generation, generation);
    expect_heard("");
    ups_set_description(world.store, ups, "one");
    assert_string_equal(ups->description, "one");
    assert_int_equal(ups->generation, generation + 1);
    expect_heard("u data;");
    ups_set_description(world.store, ups, "one");
    expect_heard("");
    ups_set_description(world.store, ups, "two");
    assert_string_equal(ups->description, "two");
    ups_set_description(world.store, ups, NULL);
    assert_null(ups->description);
    expect_heard("u data;u data;");
}

/* Events ------------------------------------------------------------------------------------- */

static void test_events_of_a_poll(void **state)
{
    struct ups *ups = add("u");
    struct update update = { 0 };

    (void)state;
    poll_status(ups, "OL CHRG");
    expect_heard("u data;u status 8000>21;u CONNECTING>OK;");
    uint64_t generation = ups->generation;
    poll_status(ups, "OL CHRG");
    poll_status(ups, NULL);
    expect_heard("");
    assert_int_equal(ups->generation, generation);
    /* Other words, the same set. */
    poll_status(ups, "CHRG OL");
    expect_heard("u data;");
    poll_status(ups, "OB");
    expect_heard("u data;u status 21>2;");
    update_set(&update, "ups.load", "5");
    ups_apply(world.store, ups, &update);
    expect_heard("u data;");
    update_clear(&update);
    update_unset(&update, "ups.status");
    ups_apply(world.store, ups, &update);
    expect_heard("u data;u status 2>0;");
    update_clear(&update);
}

/* When a listener hears of a batch, all of it is there. */
static void see_whole(void *context, struct ups *ups, const struct ups_event *event)
{
    int *seen = context;

    if (event->kind != UPS_EVENT_DATA && event->kind != UPS_EVENT_STATUS)
        return;
    assert_string_equal(ups_value(ups, "first"), ups_value(ups, "second"));
    assert_int_equal(ups->status, status_parse(ups_value(ups, "ups.status")));
    ++*seen;
}

static void test_batches_are_seen_whole(void **state)
{
    struct ups *ups = add("u");
    int seen = 0;

    (void)state;
    int slot = ups_subscribe(world.store, see_whole, &seen);
    assert_true(slot >= 0 && slot != world.slot);
    for (int i = 0; i < 10; i++) {
        struct update update = { 0 };

        update_setf(&update, "first", "%d", i);
        update_set(&update, "ups.status", i % 2 == 0 ? "OL" : "OB");
        update_setf(&update, "second", "%d", i);
        ups_apply(world.store, ups, &update);
        update_clear(&update);
    }
    assert_int_equal(seen, 20);
    ups_unsubscribe(world.store, slot);
    poll_status(ups, "OL LB");
    assert_int_equal(seen, 20);
}

static void test_subscribers_are_bounded(void **state)
{
    int seen = 0;

    (void)state;
    for (int i = 1; i < UPS_SUBSCRIBERS; i++)
        assert_int_equal(ups_subscribe(world.store, see_whole, &seen), i);
    assert_int_equal(ups_subscribe(world.store, see_whole, &seen), -1);
    ups_unsubscribe(world.store, 2);
    assert_int_equal(ups_subscribe(world.store, see_whole, &seen), 2);
}

static void test_a_broken_batch_is_no_poll(void **state)
{
    struct ups *ups = add("u");
    struct update update = { 0 };

    (void)state;
    update_set(&update, "ups.status", "OL");
    update_set(&update, "no name", "1");
    assert_false(update_ok(&update));
    ups_apply(world.store, ups, &update);
    ups_amend(world.store, ups, &update);
    update_clear(&update);
    expect_heard("");
    assert_int_equal(ups->comms, UPS_CONNECTING);
    assert_string_equal(ups_value(ups, "ups.status"), "WAIT");
    assert_false(ups->has_data);
}

static void test_amending_is_no_reading(void **state)
{
    struct ups *ups = add("u");
    struct update update = { 0 };

    (void)state;
    update_set(&update, "driver.name", "d");
    ups_amend(world.store, ups, &update);
    expect_heard("u data;");
    ups_amend(world.store, ups, &update);
    expect_heard("");
    update_clear(&update);
    assert_false(ups->has_data);
    assert_int_equal(ups->last_good, 0);
    assert_int_equal(ups->comms, UPS_CONNECTING);
}

static void test_forced_shutdown_is_a_latch(void **state)
{
    struct ups *ups = add("u");

    (void)state;
    poll_status(ups, "OB LB");
    world.heard[0] = '\0';
    uint64_t generation = ups->generation;
    ups_force_shutdown(world.store, ups);
    expect_heard("u data;u status 6>2006;");
    assert_true(ups->forced_shutdown);
    assert_true(ups->generation > generation);
    /* What the device says stays what it says. */
    assert_string_equal(ups_value(ups, "ups.status"), "OB LB");
    ups_force_shutdown(world.store, ups);
    expect_heard("");
    poll_status(ups, "OL");
    expect_heard("u data;u status 2006>2001;");
    ups_link(world.store, ups, false);
    ups_link(world.store, ups, true);
    assert_true(ups->forced_shutdown);
    ups_remove(world.store, ups);
    assert_false(add("u")->forced_shutdown);
}

/* Comms -------------------------------------------------------------------------------------- */

static void test_cannot_be_opened(void **state)
{
    struct ups *ups = add("u");

    (void)state;
    ups_link(world.store, ups, false);
    expect_heard("u CONNECTING>LOST;");
    assert_false(ups_fresh(ups));
    ups_link(world.store, ups, false);
    /* Open, but not read yet: still nothing is known of it. */
    ups_link(world.store, ups, true);
    expect_heard("");
    poll_status(ups, "OL");
    expect_heard("u data;u status 8000>1;u LOST>OK;");
}

static void test_open_and_silent_from_the_start(void **state)
{
    uint64_t begun = clock_ms();
    struct ups *ups = add("u");

    (void)state;
    ups_link(world.store, ups, true);
    expect_heard("");
    ups_store_set_maximum_age(world.store, 1);
    wait_for(ups, UPS_LOST);
    assert_true(clock_ms() - begun > 1000);
    expect_heard("u CONNECTING>LOST;");
}

static void test_readings_grow_stale(void **state)
{
    struct ups *ups = add("u");

    (void)state;
    ups_link(world.store, ups, true);
    poll_status(ups, "OL");
    expect_heard("u data;u status 8000>1;u CONNECTING>OK;");
    uint64_t generation = ups->generation;
    uint64_t polled = ups->last_good;
    ups_store_set_maximum_age(world.store, 1);
    wait_for(ups, UPS_STALE);
    assert_true(clock_ms() - polled > 1000);
    expect_heard("u OK>STALE;");
    assert_true(ups->generation > generation);
    assert_false(ups_fresh(ups));
    /* The same reading again is news enough. */
    poll_status(ups, "OL");
    expect_heard("u STALE>OK;");
    /* And the guard watches on. */
    wait_for(ups, UPS_STALE);
    ups_link(world.store, ups, false);
    expect_heard("u OK>STALE;u STALE>LOST;");
    ups_link(world.store, ups, true);
    expect_heard("u LOST>STALE;");
    poll_status(ups, "OL");
    expect_heard("u STALE>OK;");
    assert_string_equal(ups_value(ups, "ups.status"), "OL");
}

/* The life-or-death rule: a device being re-opened keeps its readings until MAXAGE. */
static void test_a_lost_link_keeps_readings_until_then(void **state)
{
    struct ups *ups = add("u");

    (void)state;
    ups_link(world.store, ups, true);
    poll_status(ups, "OB");
    world.heard[0] = '\0';
    uint64_t polled = ups->last_good;
    ups_link(world.store, ups, false);
    expect_heard("");
    assert_int_equal(ups->comms, UPS_OK);
    assert_string_equal(ups_value(ups, "ups.status"), "OB");
    ups_store_set_maximum_age(world.store, 1);
    wait_for(ups, UPS_LOST);
    assert_true(clock_ms() - polled > 1000);
    expect_heard("u OK>LOST;");
    assert_string_equal(ups_value(ups, "ups.status"), "OB");
}

/* Polls keep it fresh for longer than one MAXAGE. */
static void test_polls_keep_it_fresh(void **state)
{
    struct ups *ups = add("u");
    uint64_t end = clock_ms() + 3500;

    (void)state;
    ups_store_set_maximum_age(world.store, 2);
    poll_status(ups, "OL");
    world.heard[0] = '\0';
    while (clock_ms() < end) {
        poll_status(ups, "OL");
        event_base_loop(loop_base(world.loop), EVLOOP_NONBLOCK);
        usleep(20000);
    }
    expect_heard("");
    assert_int_equal(ups->comms, UPS_OK);
}

static void test_maximum_age_changes(void **state)
{
    struct ups *ups = add("u");

    (void)state;
    ups_link(world.store, ups, true);
    poll_status(ups, "OL");
    world.heard[0] = '\0';
    ups_store_set_maximum_age(world.store, 1);
    assert_int_equal(ups_store_maximum_age(world.store), 1);
    wait_for(ups, UPS_STALE);
    /* What is stale by one measure may be young by another. */
    ups_store_set_maximum_age(world.store, 3600);
    expect_heard("u OK>STALE;u STALE>OK;");
    ups_store_set_maximum_age(world.store, 1);
    expect_heard("u OK>STALE;");
}

/* Requests ----------------------------------------------------------------------------------- */

static struct {
    bool full;
    char taken[256];
    uint64_t last;
} worker;

static bool take(void *context, const struct ups_request *request)
{
    assert_ptr_equal(context, &worker);
    if (worker.full)
        return false;
    worker.last = request->id;
    snprintf(worker.taken, sizeof worker.taken, "%d %s %s", (int)request->kind, request->name,
             request->value == NULL ? "(none)" : request->value);
    return true;
}

static void test_requests(void **state)
{
    struct ups *ups = add("u");
    struct ups *other = add("v");

    (void)state;
    assert_int_equal(ups_request_command(world.store, ups, "beeper.mute", NULL), 0);
    ups_attach_worker(ups, take, &worker);
    ups_attach_worker(other, take, &worker);
    uint64_t first = ups_request_command(world.store, ups, "beeper.mute", NULL);
    assert_int_not_equal(first, 0);
    assert_int_equal(worker.last, first);
    assert_string_equal(worker.taken, "0 beeper.mute (none)");
    uint64_t second = ups_request_command(world.store, other, "load.off.delay", "30");
    assert_int_not_equal(second, first);
    assert_string_equal(worker.taken, "0 load.off.delay 30");
    uint64_t third = ups_request_set(world.store, ups, "ups.id", "");
    assert_string_equal(worker.taken, "1 ups.id ");
    assert_int_equal(worker.last, third);
    worker.full = true;
    assert_int_equal(ups_request_set(world.store, ups, "ups.id", "x"), 0);
    worker.full = false;
    char wanted[128];
    snprintf(wanted, sizeof wanted,
             "u request %u beeper.mute;v request %u load.off.delay;u request %u ups.id;",
             (unsigned)first, (unsigned)second, (unsigned)third);
    expect_heard(wanted);
    assert_int_equal(ups->request_count, 2);
    assert_true(ups->has_worker);
    ups_result(world.store, ups, third, UPS_INVALID);
    ups_result(world.store, other, second, UPS_HANDLED);
    assert_int_equal(ups->request_count, 1);
    assert_int_equal(other->request_count, 0);
    snprintf(wanted, sizeof wanted, "u result %u 2;v result %u 0;", (unsigned)third,
             (unsigned)second);
    expect_heard(wanted);
    ups_attach_worker(ups, NULL, NULL);
    assert_false(ups->has_worker);
    assert_int_equal(ups_request_command(world.store, ups, "beeper.mute", NULL), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_device),
        TEST(test_order_and_lookup),
        TEST(test_many_devices),
        TEST(test_descriptions),
        TEST(test_events_of_a_poll),
        TEST(test_batches_are_seen_whole),
        TEST(test_subscribers_are_bounded),
        TEST(test_a_broken_batch_is_no_poll),
        TEST(test_amending_is_no_reading),
        TEST(test_forced_shutdown_is_a_latch),
        TEST(test_cannot_be_opened),
        TEST(test_open_and_silent_from_the_start),
        TEST(test_readings_grow_stale),
        TEST(test_a_lost_link_keeps_readings_until_then),
        TEST(test_polls_keep_it_fresh),
        TEST(test_maximum_age_changes),
        TEST(test_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
