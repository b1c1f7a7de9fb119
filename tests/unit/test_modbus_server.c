/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Modbus server and a UPS that takes its time, or is not there to take a command.
 */
#include "modbus/server.h"

#include "tests/unit/unit.h"

#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 20000

/* Transaction 1, unit 1: the load is switched off; transaction 2: the version is read. */
static const uint8_t order[] = { 0, 1, 0, 0, 0, 6, 1, 5, 0, 6, 0xff, 0 };
static const uint8_t request[] = { 0, 2, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1 };
static const uint8_t refused[] = { 0, 1, 0, 0, 0, 3, 1, 0x85, 4 };
static const uint8_t taken[] = { 0, 1, 0, 0, 0, 3, 1, 0x85, 5 };
static const uint8_t version[] = { 0, 2, 0, 0, 0, 5, 1, 3, 2, 0, 1 };

static struct {
    struct loop *loop;
    struct ups_store *store;
    struct ups *ups;
    struct settings settings;
    struct modbus_server *server;
    int client;
    bool takes;
    uint64_t request;
} world;

static bool take_request(void *worker, const struct ups_request *asked)
{
    (void)worker;
    world.request = asked->id;
    return world.takes;
}

static int begin(void **state)
{
    static const struct ip_address address = { .ipv4 = true, .bytes = { 192, 0, 2, 7 } };
    struct update update = { .complete = true };
    int ends[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    memset(&world, 0, sizeof world);
    world.takes = true;
    world.settings.modbus_write = true;
    world.loop = loop_new();
    world.store = ups_store_new(loop_base(world.loop), 86400);
    world.server = modbus_server_new(world.loop, world.store, &world.settings);
    world.ups = ups_add(world.store, "lab", NULL);
    ups_attach_worker(world.ups, take_request, NULL);
    update_set(&update, "ups.status", "OL");
    update_command(&update, "load.off");
    ups_apply(world.store, world.ups, &update);
    update_clear(&update);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
        return 1;
    world.client = ends[0];
    return !modbus_server_take(world.server, ends[1], &address);
}

static int end(void **state)
{
    (void)state;
    close(world.client);
    modbus_server_free(world.server);
    ups_store_free(world.store);
    loop_free(world.loop);
    return 0;
}

static void say(const uint8_t *bytes, size_t size)
{
    assert_int_equal(write(world.client, bytes, size), size);
}

/* Runs the loop until so much has come, and compares it. */
static void expect(const uint8_t *bytes, size_t size)
{
    uint64_t deadline = clock_ms() + DEADLINE_MS;
    uint8_t answer[64];
    ssize_t count;

    while ((count = recv(world.client, answer, sizeof answer, MSG_PEEK)) < (ssize_t)size) {
        const struct timeval moment = { .tv_usec = 10000 };

        assert_true(clock_ms() < deadline && count != 0);
        event_base_loopexit(loop_base(world.loop), &moment);
        event_base_loop(loop_base(world.loop), EVLOOP_ONCE);
    }
    assert_int_equal(read(world.client, answer, size), size);
    assert_memory_equal(answer, bytes, size);
}

/* It is told that its command is under way, and served on; the outcome comes to nobody. */
static void test_a_command_that_takes_long(void **state)
{
    (void)state;
    say(order, sizeof order);
    say(request, sizeof request);
    expect(taken, sizeof taken);
    expect(version, sizeof version);
    ups_result(world.store, world.ups, world.request, UPS_HANDLED);
    say(request, sizeof request);
    expect(version, sizeof version);
}

static void test_a_command_that_fails(void **state)
{
    (void)state;
    say(order, sizeof order);
    while (world.request == 0)
        event_base_loop(loop_base(world.loop), EVLOOP_ONCE);
    /* That of another one's is not its own. */
    ups_result(world.store, world.ups, world.request + 1, UPS_HANDLED);
    ups_result(world.store, world.ups, world.request, UPS_FAILED);
    expect(refused, sizeof refused);
}

static void test_nobody_takes_the_command(void **state)
{
    (void)state;
    world.takes = false;
    say(order, sizeof order);
    say(request, sizeof request);
    expect(refused, sizeof refused);
    expect(version, sizeof version);
}

/* What is asked behind the command finds no unit any more, and nobody looks at what is freed. */
static void test_the_ups_vanishes(void **state)
{
    static const uint8_t nobody[] = { 0, 2, 0, 0, 0, 3, 1, 0x83, 11 };

    (void)state;
    say(order, sizeof order);
    say(request, sizeof request);
    while (world.request == 0)
        event_base_loop(loop_base(world.loop), EVLOOP_ONCE);
    ups_remove(world.store, world.ups);
    expect(refused, sizeof refused);
    expect(nobody, sizeof nobody);
}

/* The client goes first: the outcome has nobody to go to. */
static void test_the_client_vanishes(void **state)
{
    uint64_t deadline = clock_ms() + DEADLINE_MS;
    const struct modbus_counters *counters = &ups_store_census(world.store)->modbus;

    (void)state;
    say(order, sizeof order);
    close(world.client);
    while (world.request == 0 && clock_ms() < deadline)
        event_base_loop(loop_base(world.loop), EVLOOP_ONCE);
    ups_result(world.store, world.ups, world.request, UPS_HANDLED);
    while (counters->clients > 0 && clock_ms() < deadline)
        event_base_loop(loop_base(world.loop), EVLOOP_ONCE);
    assert_int_equal(counters->clients, 0);
    world.client = dup(STDERR_FILENO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_command_that_takes_long, begin, end),
        cmocka_unit_test_setup_teardown(test_a_command_that_fails, begin, end),
        cmocka_unit_test_setup_teardown(test_nobody_takes_the_command, begin, end),
        cmocka_unit_test_setup_teardown(test_the_ups_vanishes, begin, end),
        cmocka_unit_test_setup_teardown(test_the_client_vanishes, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
