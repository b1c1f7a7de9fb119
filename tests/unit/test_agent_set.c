/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SETs: what each object orders of a device that only writes down what it is asked, every error,
 * and the phases as a master drives them.
 */
#include "agent/agentx_set.h"
#include "agent/objects.h"
#include "agent/set.h"
#include "tests/unit/device.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEST_OF(kind)                  \
    {                                  \
        OBJECTS_UPS_MIB, 1, 7, 7, kind \
    }

static struct world {
    struct device_fixture device;
    struct kept *kept;
    struct setter *setter;
    struct monitor *monitor;
    char asked[1024];  /* what the device was asked, in order */
    uint64_t request;  /* the last one; 0: it has its outcome */
    bool full;         /* the device takes no more */
    const char *fails; /* the name of what the device does not do */
    bool waits;        /* outcomes do not come by themselves */
    struct set_verdict verdict;
    unsigned answers;
    char directory[64];
} world;

/* The device --------------------------------------------------------------------------------- */

static bool take(void *context, const struct ups_request *request)
{
    size_t used = strlen(world.asked);

    (void)context;
    if (world.full)
        return false;
    snprintf(world.asked + used, sizeof world.asked - used, "%s%s%s%s;", request->name,
             request->kind == UPS_REQUEST_SET ? "=" : "", request->value != NULL ? " " : "",
             request->value != NULL ? request->value : "");
    world.request = request->id;
    if (request->kind == UPS_REQUEST_SET && !world.waits &&
        (world.fails == NULL || strcmp(world.fails, request->name) != 0)) {
        struct update update = { 0 };

        update_set(&update, request->name, request->value);
        ups_amend(world.device.store, world.device.ups, &update);
        update_clear(&update);
    }
    return true;
}

/* Gives outcomes until nothing is open. */
static void settle(void)
{
    while (world.request != 0) {
        uint64_t request = world.request;
        const char *last = strrchr(world.asked, ';');
        const char *begin = last;

        while (begin > world.asked && begin[-1] != ';')
            begin--;
        bool fails = world.fails != NULL && strncmp(begin, world.fails, strlen(world.fails)) == 0;
        world.request = 0;
        ups_result(world.device.store, world.device.ups, request, fails ? UPS_FAILED : UPS_HANDLED);
    }
}

static void observe(void *owner, struct monitor *monitor)
{
    (void)owner;
    monitor_observe(monitor, clock_ms());
    monitor_forget_snapshot(monitor);
}

static void on_event(void *context, struct ups *ups, const struct ups_event *event)
{
    (void)context;
    (void)ups;
    if (world.monitor == NULL)
        return;
    if (event->kind == UPS_EVENT_REQUEST)
        monitor_note_request(world.monitor, event->asked);
    if (event->kind == UPS_EVENT_DATA)
        monitor_observe(world.monitor, clock_ms());
    if (event->kind == UPS_EVENT_RESULT) {
        if (monitor_note_result(world.monitor, event->request, event->outcome, clock_ms()))
            observe(NULL, world.monitor);
        setter_note_result(world.setter, event->request, event->outcome);
    }
}

static void tell_all(void)
{
    static const char *const settable[] = {
        "battery.runtime.low",    "input.voltage.nominal",    "input.frequency.nominal",
        "output.voltage.nominal", "output.frequency.nominal", "input.transfer.low",
        "input.transfer.high",    "ups.start.auto",           "ups.delay.shutdown",
        "ups.delay.start",
    };
    static const char *const values[] = { "120", "230", "50",  "230", "50",
                                          "180", "264", "yes", "20",  "30" };
    static const char *const commands[] = {
        "load.off",
        "load.on",
        "load.off.delay",
        "load.on.delay",
        "shutdown.return",
        "shutdown.stayoff",
        "shutdown.reboot",
        "shutdown.stop",
        "beeper.disable",
        "beeper.enable",
        "beeper.mute",
        "test.battery.start",
        "test.battery.start.quick",
        "calibrate.start",
        "test.battery.stop",
        "calibrate.stop",
    };
    struct update update = { .complete = true };

    update_set(&update, "ups.status", "OL");
    update_set(&update, "ups.beeper.status", "enabled");
    for (size_t i = 0; i < sizeof settable / sizeof settable[0]; i++) {
        update_set(&update, settable[i], values[i]);
        update_flags(&update, settable[i], VARIABLE_RW | VARIABLE_NUMBER, 0);
        if (strcmp(settable[i], "battery.runtime.low") == 0) {
            update_range(&update, settable[i], 60, 600);
        } else if (strcmp(settable[i], "input.transfer.low") == 0) {
            update_enum(&update, settable[i], "160");
            update_enum(&update, settable[i], "180.0");
            update_enum(&update, settable[i], "200.0");
        } else if (strcmp(settable[i], "input.transfer.high") == 0) {
            update_range(&update, settable[i], 240, 280);
        } else if (strcmp(settable[i], "ups.delay.shutdown") == 0) {
            update_range(&update, settable[i], 0, 7200);
        }
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        update_command(&update, commands[i]);
    ups_link(world.device.store, world.device.ups, true);
    ups_apply(world.device.store, world.device.ups, &update);
    update_clear(&update);
}

static int set_up(void **state)
{
    (void)state;
    world = (struct world){ 0 };
    device_open(&world.device, 600);
    strcpy(world.directory, "/tmp/upsbridge-set.XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    world.kept = kept_new(world.device.loop);
    kept_open(world.kept, world.directory);
    world.setter =
        setter_new(loop_base(world.device.loop), world.device.store, world.kept, observe, NULL);
    setter_allow(world.setter, true);
    world.monitor = monitor_new(world.device.ups);
    world.monitor->kept = kept_of(world.kept, "alpha");
    ups_subscribe(world.device.store, on_event, NULL);
    ups_attach_worker(world.device.ups, take, NULL);
    tell_all();
    return 0;
}

static int tear_down(void **state)
{
    char path[128];

    (void)state;
    setter_free(world.setter);
    kept_free(world.kept);
    monitor_free(world.monitor);
    world.monitor = NULL;
    device_close(&world.device);
    snprintf(path, sizeof path, "%s/" KEPT_FILE, world.directory);
    unlink(path);
    return rmdir(world.directory);
}

/* Bindings ----------------------------------------------------------------------------------- */

static arc names[8][12];

static struct set_binding binding_at(size_t slot, arc group, arc number, size_t length)
{
    const arc name[] = { OBJECTS_UPS_MIB, 1, group, number, 0, 0 };

    memcpy(names[slot], name, sizeof name);
    return (struct set_binding){ .name = names[slot], .length = length };
}

static struct set_binding number_at(size_t slot, arc group, arc number, long value)
{
    struct set_binding binding = binding_at(slot, group, number, 11);

    binding.type = SUBTREE_INTEGER;
    binding.number = value;
    return binding;
}

static struct set_binding text_at(size_t slot, arc number, const char *text)
{
    struct set_binding binding = binding_at(slot, 1, number, 11);

    binding.type = SUBTREE_TEXT;
    binding.bytes = text;
    binding.size = strlen(text);
    return binding;
}

static struct set_binding test_at(size_t slot, const arc *id, size_t length)
{
    struct set_binding binding = binding_at(slot, 7, 1, 11);

    binding.type = SUBTREE_OBJECT_ID;
    binding.bytes = id;
    binding.size = length;
    return binding;
}

static void on_done(void *context, const struct set_verdict *verdict)
{
    (void)context;
    world.verdict = *verdict;
    world.answers++;
}

static void wait_answer(unsigned wanted)
{
    uint64_t end = clock_ms() + 10000;

    while (world.answers < wanted && clock_ms() < end)
        event_base_loop(loop_base(world.device.loop), EVLOOP_ONCE | EVLOOP_NONBLOCK);
    assert_int_equal(world.answers, wanted);
}

static struct set *must_test(const struct set_binding *bindings, size_t count)
{
    struct set_verdict verdict;
    struct set *set = set_test(world.setter, world.monitor, bindings, count, "somebody", &verdict);

    assert_non_null(set);
    assert_int_equal(verdict.error, SET_OK);
    return set;
}

static void assert_refused(const struct set_binding *bindings, size_t count, enum set_error error,
                           size_t index)
{
    struct set_verdict verdict;

    assert_null(set_test(world.setter, world.monitor, bindings, count, "", &verdict));
    assert_int_equal(verdict.error, error);
    assert_int_equal(verdict.index, index);
    assert_string_equal(world.asked, "");
}

/* The whole of a SET that succeeds: what the device was asked. */
static void assert_orders(const struct set_binding *bindings, size_t count, const char *orders)
{
    struct set *set = must_test(bindings, count);

    assert_string_equal(world.asked, "");
    world.answers = 0;
    set_commit(set, on_done, NULL);
    settle();
    wait_answer(1);
    assert_int_equal(world.verdict.error, SET_OK);
    set_end(set);
    assert_string_equal(world.asked, orders);
    world.asked[0] = '\0';
}

/* Tests -------------------------------------------------------------------------------------- */

static void test_each_object_orders(void **state)
{
    static const struct {
        arc group, number;
        long value;
        const char *orders;
    } cases[] = {
        { 7, 2, 1, "" },
        { 8, 2, 0, "load.off;" },
        { 8, 2, 60, "ups.delay.shutdown= 60;shutdown.return;ups.delay.shutdown= 20;" },
        { 8, 2, -1, "shutdown.stop;" },
        { 8, 2, -1, "" },
        { 8, 3, 0, "load.on;" },
        { 8, 3, 45, "ups.delay.start= 45;load.on.delay 45;ups.delay.start= 30;" },
        { 8, 3, -1, "shutdown.stop;" },
        { 8, 4, 90, "ups.delay.start= 90;shutdown.reboot;ups.delay.start= 30;" },
        { 8, 4, -1, "shutdown.stop;" },
        { 8, 5, 2, "ups.start.auto= no;" },
        { 8, 2, 60, "ups.delay.shutdown= 60;load.off.delay 60;ups.delay.shutdown= 20;" },
        { 8, 2, -1, "shutdown.stop;" },
        { 8, 1, 2, "" },
        { 8, 2, 60, "ups.delay.shutdown= 60;shutdown.stayoff;ups.delay.shutdown= 20;" },
        { 8, 2, -1, "shutdown.stop;" },
        { 8, 2, 0, "ups.delay.shutdown= 0;shutdown.stayoff;ups.delay.shutdown= 20;" },
        { 8, 5, 1, "ups.start.auto= yes;" },
        { 9, 1, 208, "input.voltage.nominal= 208;" },
        { 9, 1, 208, "" },
        { 9, 2, 600, "input.frequency.nominal= 60;" },
        { 9, 3, 120, "output.voltage.nominal= 120;" },
        { 9, 4, 505, "output.frequency.nominal= 50.5;" },
        { 9, 7, 3, "battery.runtime.low= 180;" },
        { 9, 7, 0, "battery.runtime.low= 60;" },
        { 9, 7, 2147483647, "battery.runtime.low= 600;" },
        { 9, 8, 3, "" }, /* it is silent */
        { 9, 8, 1, "beeper.disable;" },
        { 9, 9, 200, "input.transfer.low= 200.0;" },
        { 9, 10, 280, "input.transfer.high= 280;" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct set_binding binding =
            number_at(0, cases[i].group, cases[i].number, cases[i].value);

        assert_orders(&binding, 1, cases[i].orders);
    }
    assert_int_equal(world.monitor->spin_lock, 2);
}

static void test_a_countdown_that_is_not_told_yet(void **state)
{
    const struct set_binding start = number_at(0, 8, 2, 60), stop = number_at(1, 8, 2, -1);
    struct update update = { 0 };

    (void)state;
    update_set(&update, "ups.timer.shutdown", "-1");
    ups_amend(world.device.store, world.device.ups, &update);
    update_clear(&update);
    assert_orders(&start, 1, "ups.delay.shutdown= 60;shutdown.return;ups.delay.shutdown= 20;");
    assert_orders(&stop, 1, "shutdown.stop;");
    assert_orders(&stop, 1, "");
}

static void test_each_test(void **state)
{
    static const struct {
        arc test;
        const char *orders;
        enum test_kind kind;
    } cases[] = {
        { 3, "test.battery.start;", TEST_KIND_GENERAL },
        { 2, "test.battery.stop;", TEST_KIND_GENERAL },
        { 4, "test.battery.start.quick;", TEST_KIND_QUICK_BATTERY },
        { 2, "test.battery.stop;", TEST_KIND_QUICK_BATTERY },
        { 5, "calibrate.start;", TEST_KIND_DEEP_BATTERY },
        { 2, "calibrate.stop;", TEST_KIND_DEEP_BATTERY },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const arc id[] = TEST_OF(cases[i].test);
        const struct set_binding bindings[] = { test_at(0, id, 11),
                                                number_at(1, 7, 2, (long)i + 1) };

        assert_orders(bindings, 2, cases[i].orders);
        assert_int_equal(world.monitor->self_test.kind, cases[i].kind);
        assert_int_equal(world.monitor->self_test.summary,
                         cases[i].test == 2 ? TEST_ABORTED : TEST_RUNNING);
    }
}

static void test_the_lock(void **state)
{
    static const arc quick[] = TEST_OF(4), none[] = TEST_OF(1), ahead[] = TEST_OF(6);
    const struct set_binding alone[] = { test_at(0, quick, 11) };
    const struct set_binding wrong[] = { test_at(0, quick, 11), number_at(1, 7, 2, 7) };
    const struct set_binding nothing[] = { number_at(2, 7, 2, 1), test_at(3, none, 11) };
    const struct set_binding unknown[] = { number_at(2, 7, 2, 1), test_at(3, ahead, 11) };
    const struct set_binding brief[] = { number_at(2, 7, 2, 1), test_at(3, quick, 3) };
    const struct set_binding lock[] = { number_at(4, 7, 2, 1) };

    (void)state;
    assert_refused(alone, 1, SET_INCONSISTENT_VALUE, 1);
    assert_refused(wrong, 2, SET_INCONSISTENT_VALUE, 2);
    assert_refused(nothing, 2, SET_INCONSISTENT_VALUE, 2);
    assert_refused(unknown, 2, SET_INCONSISTENT_VALUE, 2);
    assert_refused(brief, 2, SET_INCONSISTENT_VALUE, 2);
    assert_int_equal(world.monitor->spin_lock, 1);

    /* Two who have both been told that they may: only one can. */
    struct set *first = must_test(lock, 1), *second = must_test(lock, 1);
    set_commit(second, on_done, NULL);
    assert_int_equal(world.verdict.error, SET_OK);
    set_commit(first, on_done, NULL);
    assert_int_equal(world.verdict.error, SET_COMMIT_FAILED);
    set_end(first);
    set_end(second);
    assert_int_equal(world.monitor->spin_lock, 2);

    world.monitor->spin_lock = 2147483647;
    const struct set_binding last = number_at(4, 7, 2, 2147483647);
    assert_orders(&last, 1, "");
    assert_int_equal(world.monitor->spin_lock, 0);
}

static void test_refusals(void **state)
{
    static const struct {
        arc group, number;
        size_t length;
        unsigned type;
        long value;
        enum set_error error;
    } cases[] = {
        { 1, 1, 11, SUBTREE_INTEGER, 1, SET_NOT_WRITABLE },
        { 2, 4, 11, SUBTREE_INTEGER, 1, SET_NOT_WRITABLE },
        { 6, 1, 11, SUBTREE_GAUGE, 1, SET_NOT_WRITABLE },
        { 9, 5, 11, SUBTREE_INTEGER, 1, SET_NOT_WRITABLE },
        { 10, 1, 11, SUBTREE_INTEGER, 1, SET_NOT_WRITABLE },
        { 8, 2, 9, SUBTREE_INTEGER, 1, SET_NOT_WRITABLE },
        { 8, 2, 10, SUBTREE_INTEGER, 1, SET_NO_CREATION },
        { 8, 2, 12, SUBTREE_INTEGER, 1, SET_NO_CREATION },
        { 8, 2, 11, SUBTREE_GAUGE, 1, SET_WRONG_TYPE },
        { 8, 2, 11, 0x05, 1, SET_WRONG_TYPE },
        { 8, 2, 11, SUBTREE_INTEGER, -2, SET_WRONG_VALUE },
        { 8, 3, 11, SUBTREE_INTEGER, -2, SET_WRONG_VALUE },
        { 8, 4, 11, SUBTREE_INTEGER, 301, SET_WRONG_VALUE },
        { 8, 1, 11, SUBTREE_INTEGER, 0, SET_WRONG_VALUE },
        { 8, 5, 11, SUBTREE_INTEGER, 3, SET_WRONG_VALUE },
        { 9, 1, 11, SUBTREE_INTEGER, -1, SET_WRONG_VALUE },
        { 9, 8, 11, SUBTREE_INTEGER, 0, SET_WRONG_VALUE },
        { 9, 9, 11, SUBTREE_INTEGER, 170, SET_INCONSISTENT_VALUE },
        { 9, 10, 11, SUBTREE_INTEGER, 239, SET_INCONSISTENT_VALUE },
        { 8, 2, 11, SUBTREE_INTEGER, 7201, SET_INCONSISTENT_VALUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct set_binding bindings[] = {
            number_at(0, 9, 3, 120),
            binding_at(1, cases[i].group, cases[i].number, cases[i].length),
            number_at(2, 9, 4, 600),
        };

        bindings[1].type = cases[i].type;
        bindings[1].number = cases[i].value;
        assert_refused(bindings, 3, cases[i].error, 2);
    }
    const struct set_binding twice[] = { number_at(0, 9, 3, 120), number_at(1, 9, 3, 120) };
    assert_refused(twice, 2, SET_INCONSISTENT_VALUE, 2);
    const struct set_binding both[] = { number_at(0, 8, 4, 10), number_at(1, 8, 2, 10) };
    assert_refused(both, 2, SET_INCONSISTENT_VALUE, 2);
    char text[KEPT_TEXT_MAX + 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const struct set_binding length = text_at(0, 5, text), octet = text_at(0, 5, "\x80");
    assert_refused(&length, 1, SET_WRONG_LENGTH, 1);
    assert_refused(&octet, 1, SET_WRONG_VALUE, 1);
    struct set_binding nul = text_at(0, 5, "a");
    nul.bytes = "\0";
    assert_refused(&nul, 1, SET_WRONG_VALUE, 1);
}

static void test_what_the_device_lacks(void **state)
{
    static const struct {
        arc group, number;
        long value;
        enum set_error error;
    } cases[] = {
        { 8, 1, 2, SET_NOT_WRITABLE },   { 8, 2, 5, SET_NOT_WRITABLE },
        { 8, 3, 5, SET_NOT_WRITABLE },   { 8, 4, 5, SET_NOT_WRITABLE },
        { 8, 5, 1, SET_NOT_WRITABLE },   { 9, 1, 230, SET_NOT_WRITABLE },
        { 9, 7, 2, SET_NOT_WRITABLE },   { 9, 8, 1, SET_NOT_WRITABLE },
        { 9, 9, 180, SET_NOT_WRITABLE }, { 9, 10, 260, SET_NOT_WRITABLE },
    };

    (void)state;
    device_tell(&world.device, "ups.status=OL\nups.beeper.status=enabled\ninput.transfer.low=180");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct set_binding binding =
            number_at(0, cases[i].group, cases[i].number, cases[i].value);

        assert_refused(&binding, 1, cases[i].error, 1);
    }
    const arc quick[] = TEST_OF(4);
    const struct set_binding bindings[] = { test_at(0, quick, 11), number_at(1, 7, 2, 1) };
    assert_refused(bindings, 2, SET_INCONSISTENT_VALUE, 1);
}

static void test_when_there_is_nobody_to_do_it(void **state)
{
    const struct set_binding bindings[] = { text_at(0, 5, "x"), number_at(1, 9, 3, 120) };

    (void)state;
    world.device.ups->request_count = UPS_REQUESTS_MAX;
    assert_refused(bindings, 2, SET_RESOURCE_UNAVAILABLE, 2);
    world.device.ups->request_count = 0;
    world.device.ups->comms = UPS_STALE;
    assert_refused(bindings, 2, SET_RESOURCE_UNAVAILABLE, 2);
    world.device.ups->comms = UPS_OK;
    ups_attach_worker(world.device.ups, NULL, NULL);
    assert_refused(bindings, 2, SET_RESOURCE_UNAVAILABLE, 2);
    assert_orders(bindings, 1, "");
    setter_allow(world.setter, false);
    assert_refused(bindings, 1, SET_NOT_WRITABLE, 1);
}

static void test_a_failure_takes_back(void **state)
{
    const struct set_binding bindings[] = { number_at(0, 7, 2, 1), text_at(1, 5, "new"),
                                            number_at(2, 8, 2, 60), number_at(3, 9, 3, 120),
                                            number_at(4, 9, 10, 250) };
    struct set *set = must_test(bindings, 5);

    (void)state;
    world.fails = "shutdown.return";
    set_commit(set, on_done, NULL);
    uint64_t end = clock_ms() + 10000;
    while (world.answers == 0 && clock_ms() < end) {
        settle();
        event_base_loop(loop_base(world.device.loop), EVLOOP_ONCE | EVLOOP_NONBLOCK);
    }
    settle();
    assert_int_equal(world.verdict.error, SET_COMMIT_FAILED);
    assert_int_equal(world.verdict.index, 3);
    assert_string_equal(world.asked,
                        "output.voltage.nominal= 120;input.transfer.high= 250;"
                        "ups.delay.shutdown= 60;shutdown.return;ups.delay.shutdown= 20;"
                        "input.transfer.high= 264;output.voltage.nominal= 230;");
    set_undo(set, on_done, NULL);
    assert_int_equal(world.verdict.error, SET_OK);
    set_end(set);
    assert_int_equal(world.monitor->spin_lock, 1);
    assert_false(world.monitor->kept->written[KEPT_NAME]);
    assert_string_equal(ups_value(world.device.ups, "output.voltage.nominal"), "230");
}

static void test_undo_after_commit(void **state)
{
    static const arc quick[] = TEST_OF(4);
    const struct set_binding bindings[] = { number_at(0, 7, 2, 1), test_at(1, quick, 11),
                                            number_at(2, 9, 3, 120), number_at(3, 8, 2, 0) };
    struct set *set = must_test(bindings, 4);

    (void)state;
    set_commit(set, on_done, NULL);
    settle();
    assert_int_equal(world.answers, 1);
    assert_int_equal(world.verdict.error, SET_OK);
    assert_int_equal(world.monitor->self_test.summary, TEST_RUNNING);
    world.asked[0] = '\0';
    set_undo(set, on_done, NULL);
    settle();
    assert_int_equal(world.answers, 2);
    assert_int_equal(world.verdict.error, SET_OK);
    assert_string_equal(world.asked, "test.battery.stop;load.on;output.voltage.nominal= 230;");
    assert_int_equal(world.monitor->self_test.summary, TEST_NONE);
    assert_int_equal(world.monitor->spin_lock, 1);
    set_end(set);

    /* What nothing takes back is told. */
    const struct set_binding reboot = number_at(0, 8, 4, 5);
    set = must_test(&reboot, 1);
    set_commit(set, on_done, NULL);
    settle();
    world.fails = "shutdown.stop";
    set_undo(set, on_done, NULL);
    settle();
    assert_int_equal(world.verdict.error, SET_UNDO_FAILED);
    set_end(set);
}

static void test_a_device_that_takes_its_time(void **state)
{
    const struct set_binding bindings[] = { number_at(0, 9, 3, 120), number_at(1, 9, 10, 250) };
    const struct set_binding other = number_at(2, 9, 1, 120), name = text_at(3, 5, "x");
    struct set *set = must_test(bindings, 2);
    uint64_t begun = clock_ms();

    (void)state;
    world.waits = true;
    set_commit(set, on_done, NULL);
    assert_int_equal(world.answers, 0);
    /* One at a time; but what is no business of the device's goes on. */
    struct set_verdict verdict;
    assert_null(set_test(world.setter, world.monitor, &other, 1, "", &verdict));
    assert_int_equal(verdict.error, SET_RESOURCE_UNAVAILABLE);
    set_end(must_test(&name, 1));
    wait_answer(1);
    assert_true(clock_ms() - begun >= SET_PATIENCE_MS - 50);
    assert_int_equal(world.verdict.error, SET_OK);
    set_end(set);
    assert_string_equal(world.asked, "output.voltage.nominal= 120;");
    settle();
    assert_string_equal(world.asked, "output.voltage.nominal= 120;input.transfer.high= 250;");
    assert_int_equal(world.answers, 1);
}

static void test_a_late_failure(void **state)
{
    static const arc quick[] = TEST_OF(4);
    const struct set_binding bindings[] = { number_at(0, 7, 2, 1), test_at(1, quick, 11) };
    struct set *set = must_test(bindings, 2);

    (void)state;
    world.fails = "test.battery.start.quick";
    set_commit(set, on_done, NULL);
    wait_answer(1);
    assert_int_equal(world.verdict.error, SET_OK);
    set_end(set);
    assert_int_equal(world.monitor->self_test.summary, TEST_RUNNING);
    settle();
    assert_int_equal(world.monitor->self_test.summary, TEST_ABORTED);
    assert_int_equal(world.monitor->spin_lock, 2);
}

static void test_the_device_goes_away(void **state)
{
    const struct set_binding bindings[] = { number_at(0, 9, 3, 120), number_at(1, 9, 10, 250) };
    struct set *running = must_test(bindings, 2), *tested = must_test(bindings, 1);

    (void)state;
    world.waits = true;
    set_commit(running, on_done, NULL);
    setter_forget_device(world.setter, world.monitor);
    assert_int_equal(world.answers, 1);
    assert_int_equal(world.verdict.error, SET_COMMIT_FAILED);
    set_commit(tested, on_done, NULL);
    assert_int_equal(world.verdict.error, SET_COMMIT_FAILED);
    set_end(running);
    set_end(tested);
}

static void test_a_full_queue_at_commit(void **state)
{
    const struct set_binding bindings[] = { number_at(0, 7, 2, 1), number_at(1, 9, 10, 250) };
    struct set *set = must_test(bindings, 2);

    (void)state;
    world.full = true;
    set_commit(set, on_done, NULL);
    assert_int_equal(world.verdict.error, SET_COMMIT_FAILED);
    assert_int_equal(world.verdict.index, 2);
    assert_int_equal(world.monitor->spin_lock, 1);
    set_end(set);
}

/* AgentX ------------------------------------------------------------------------------------- */

static struct monitor *device_of(void *owner, const char *context)
{
    (void)owner;
    return *context == '\0' ? world.monitor : NULL;
}

static struct responses {
    unsigned count;
    long error, index, transaction;
} responses;

static void respond(void *owner, netsnmp_pdu *response)
{
    (void)owner;
    responses.count++;
    responses.error = response->errstat;
    responses.index = response->errindex;
    responses.transaction = response->transid;
    snmp_free_pdu(response);
}

static void master_says(struct agentx_sets *sets, int command, long transaction, long voltage)
{
    const oid name[] = { OBJECTS_UPS_MIB, 1, 9, 3, 0 };
    netsnmp_pdu *request = snmp_pdu_create(command);

    request->version = AGENTX_VERSION_1;
    request->transid = transaction;
    if (command == AGENTX_TESTSET)
        snmp_pdu_add_variable(request, name, 11, ASN_INTEGER, &voltage, sizeof voltage);
    assert_true(agentx_is_set(request));
    assert_true(agentx_sets_take(sets, request));
    snmp_free_pdu(request);
}

static void assert_response(unsigned count, long error, long transaction)
{
    assert_int_equal(responses.count, count);
    assert_int_equal(responses.error, error);
    assert_int_equal(responses.transaction, transaction);
}

static void test_a_master(void **state)
{
    const struct contexts contexts = { .device = device_of, .setter = world.setter };
    struct agentx_sets *sets = agentx_sets_new(&contexts, respond, NULL);

    (void)state;
    responses = (struct responses){ 0 };
    master_says(sets, AGENTX_TESTSET, 1, -5);
    assert_response(1, SNMP_ERR_WRONGVALUE, 1);
    assert_int_equal(responses.index, 1);
    master_says(sets, AGENTX_CLEANUPSET, 1, 0);
    master_says(sets, AGENTX_COMMITSET, 1, 0);
    assert_response(2, SNMP_ERR_COMMITFAILED, 1);
    master_says(sets, AGENTX_UNDOSET, 1, 0);
    assert_response(3, SNMP_ERR_NOERROR, 1);

    master_says(sets, AGENTX_TESTSET, 2, 120);
    assert_response(4, SNMP_ERR_NOERROR, 2);
    master_says(sets, AGENTX_COMMITSET, 2, 0);
    assert_int_equal(responses.count, 4);
    master_says(sets, AGENTX_COMMITSET, 2, 0); /* sent again */
    assert_int_equal(responses.count, 4);
    settle();
    assert_response(5, SNMP_ERR_NOERROR, 2);
    master_says(sets, AGENTX_COMMITSET, 2, 0); /* too late, but with the same outcome */
    assert_response(6, SNMP_ERR_NOERROR, 2);
    master_says(sets, AGENTX_UNDOSET, 2, 0);
    settle();
    assert_response(7, SNMP_ERR_NOERROR, 2);
    assert_string_equal(world.asked, "output.voltage.nominal= 120;output.voltage.nominal= 230;");

    /* It loses patience with the commit, and is gone in the midst. */
    world.asked[0] = '\0';
    master_says(sets, AGENTX_TESTSET, 3, 120);
    master_says(sets, AGENTX_COMMITSET, 3, 0);
    master_says(sets, AGENTX_UNDOSET, 3, 0);
    assert_int_equal(responses.count, 8);
    settle();
    assert_response(9, SNMP_ERR_NOERROR, 3);
    master_says(sets, AGENTX_TESTSET, 4, 120);
    master_says(sets, AGENTX_TESTSET, 5, 121);
    master_says(sets, AGENTX_COMMITSET, 5, 0);
    agentx_sets_clear(sets);
    settle();
    assert_response(11, SNMP_ERR_NOERROR, 5);
    assert_string_equal(ups_value(world.device.ups, "output.voltage.nominal"), "121");
    agentx_sets_free(sets);
}

static void test_too_many_transactions(void **state)
{
    const struct contexts contexts = { .device = device_of, .setter = world.setter };
    struct agentx_sets *sets = agentx_sets_new(&contexts, respond, NULL);

    (void)state;
    for (long i = 0; i < AGENTX_SETS_MAX; i++) {
        master_says(sets, AGENTX_TESTSET, i, 120);
        assert_int_equal(responses.error, SNMP_ERR_NOERROR);
    }
    master_says(sets, AGENTX_TESTSET, 999, 120);
    assert_int_equal(responses.error, SNMP_ERR_RESOURCEUNAVAILABLE);
    agentx_sets_free(sets);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_object_orders),
        TEST(test_a_countdown_that_is_not_told_yet),
        TEST(test_each_test),
        TEST(test_the_lock),
        TEST(test_refusals),
        TEST(test_what_the_device_lacks),
        TEST(test_when_there_is_nobody_to_do_it),
        TEST(test_a_failure_takes_back),
        TEST(test_undo_after_commit),
        TEST(test_a_device_that_takes_its_time),
        TEST(test_a_late_failure),
        TEST(test_the_device_goes_away),
        TEST(test_a_full_queue_at_commit),
        TEST(test_a_master),
        TEST(test_too_many_transactions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
