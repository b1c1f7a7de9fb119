/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listeners and limits, over real TCP on the loopback.
 */
#include "core/loop.h"
#include "nutproto/server.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct ups_store *store;
    struct nut_server *server;
    char port[8];
    struct listen_setting listeners[4];
    struct settings settings;
};

static struct users *no_users(void)
{
    struct config_report report = { 0 };

    return users_load("/nonexistent/upsd.users", &report);
}

/* A port of the loopback that nobody uses just now. */
static void find_port(char port[8])
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
    snprintf(port, 8, "%u", ntohs(address.sin_port));
    close(descriptor);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    fixture->loop = loop_new();
    fixture->store = ups_store_new(loop_base(fixture->loop), 600);
    find_port(fixture->port);
    fixture->settings.listeners = fixture->listeners;
    fixture->settings.tracking_delay = 3600;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    nut_server_free(fixture->server);
    ups_store_free(fixture->store);
    loop_free(fixture->loop);
    free(fixture);
    return 0;
}

static void listen_on(struct fixture *fixture, const char *address)
{
    fixture->listeners[fixture->settings.listener_count++] =
        (struct listen_setting){ .address = (char *)(uintptr_t)address, .port = fixture->port };
}

static bool start(struct fixture *fixture)
{
    struct users *users = no_users();

    fixture->server = nut_server_new(fixture->loop, fixture->store, &fixture->settings, NULL, users);
    if (fixture->server == NULL)
        users_free(users);
    return fixture->server != NULL;
}

static void turns(struct fixture *fixture, int count)
{
    static const struct timespec moment = { .tv_nsec = 2000000 };

    for (int i = 0; i < count; i++) {
        event_base_loop(loop_base(fixture->loop), EVLOOP_NONBLOCK);
        nanosleep(&moment, NULL);
    }
}

static int connect_to(const struct fixture *fixture, int family)
{
    struct sockaddr_in ipv4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
    struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
    int descriptor = socket(family, SOCK_STREAM, 0);
    int result;

    ipv4.sin_port = ipv6.sin6_port = htons((uint16_t)atoi(fixture->port));
    if (family == AF_INET)
        result = connect(descriptor, (struct sockaddr *)&ipv4, sizeof ipv4);
    else
        result = connect(descriptor, (struct sockaddr *)&ipv6, sizeof ipv6);
    if (result == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

/* Is the connection served? */
static bool answers(struct fixture *fixture, int descriptor)
{
    char answer[16];

    assert_int_equal(send(descriptor, "NETVER\n", 7, MSG_NOSIGNAL), 7);
    turns(fixture, 4);
    ssize_t length = recv(descriptor, answer, sizeof answer, MSG_DONTWAIT);
    return length == 4 && memcmp(answer, "1.3\n", 4) == 0;
}

static bool have_ipv6(void)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
    int descriptor = socket(AF_INET6, SOCK_STREAM, 0);
    bool have =
        descriptor >= 0 && bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0;

    close(descriptor);
    return have;
}

/* Listening ---------------------------------------------------------------------------------- */

static void test_each_family(void **state)
{
    struct fixture *fixture = *state;

    listen_on(fixture, "127.0.0.1");
    listen_on(fixture, "::1");
    assert_true(start(fixture));
    for (int i = 0; i < 2; i++) {
        int client = i == 1 && !have_ipv6() ? -1 : connect_to(fixture, i ? AF_INET6 : AF_INET);

        if (i == 1 && !have_ipv6())
            continue;
        assert_true(client >= 0);
        assert_true(answers(fixture, client));
        close(client);
    }
}

static void test_everywhere(void **state)
{
    struct fixture *fixture = *state;

    listen_on(fixture, "*");
    assert_true(start(fixture));
    int client = connect_to(fixture, AF_INET);
    assert_true(client >= 0);
    assert_true(answers(fixture, client));
    close(client);
    if (have_ipv6()) {
        client = connect_to(fixture, AF_INET6);
        assert_true(client >= 0);
        assert_true(answers(fixture, client));
        close(client);
    }
}

static void test_ipv6_only_leaves_ipv4_alone(void **state)
{
    struct fixture *fixture = *state;

    if (!have_ipv6())
        skip();
    listen_on(fixture, "::");
    assert_true(start(fixture));
    assert_int_equal(connect_to(fixture, AF_INET), -1);
}

static void test_names_are_resolved(void **state)
{
    struct fixture *fixture = *state;

    listen_on(fixture, "localhost");
    assert_true(start(fixture));
}

/* No socket of IPv6 can have it. */
static void test_mapped_address_is_the_ipv4_address(void **state)
{
    struct fixture *fixture = *state;

    listen_on(fixture, "::ffff:127.0.0.1");
    assert_true(start(fixture));
    int client = connect_to(fixture, AF_INET);
    assert_true(answers(fixture, client));
    close(client);
}

static bool is_closed(struct fixture *fixture, int descriptor)
{
    char byte;

    turns(fixture, 4);
    return recv(descriptor, &byte, 1, MSG_DONTWAIT) == 0;
}

static void test_access(void **state)
{
    struct access_rule rules[] = { { .allow = false }, { .allow = true } };
    struct fixture *fixture = *state;

    assert_null(network_parse("127.0.0.1", &rules[0].network));
    assert_null(network_parse("127.0.0.0/8", &rules[1].network));
    listen_on(fixture, "127.0.0.1");
    fixture->settings.access = rules;
    fixture->settings.access_count = 2;
    assert_true(start(fixture));
    int client = connect_to(fixture, AF_INET);
    assert_true(is_closed(fixture, client));
    close(client);
    assert_int_equal(ups_store_census(fixture->store)->counters.access_refusals, 1);
    /* A reload, and whoever has connected stays. */
    struct settings fresh = fixture->settings;
    fresh.access_count = 0;
    nut_server_configure(fixture->server, &fixture->settings, &fresh, no_users());
    client = connect_to(fixture, AF_INET);
    assert_true(answers(fixture, client));
    nut_server_configure(fixture->server, &fresh, &fixture->settings, no_users());
    assert_true(answers(fixture, client));
    int other = connect_to(fixture, AF_INET);
    assert_true(is_closed(fixture, other));
    close(client);
    close(other);
}

static void test_all_must_be_bound(void **state)
{
    struct fixture *fixture = *state;

    listen_on(fixture, "127.0.0.1");
    listen_on(fixture, "192.0.2.1");
    assert_false(start(fixture));
    fixture->settings.allow_not_all_listeners = true;
    assert_true(start(fixture));
}

static void test_local_names_may_fail(void **state)
{
    struct fixture *fixture = *state;

    /* A second listener on the same address and port cannot be bound. */
    listen_on(fixture, "127.0.0.2");
    listen_on(fixture, "127.0.0.1");
    listen_on(fixture, "127.0.0.1");
    assert_true(start(fixture));
}

static void test_none_bound_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    listen_on(fixture, "192.0.2.1");
    fixture->settings.allow_not_all_listeners = true;
    assert_false(start(fixture));
}

/* Limits ------------------------------------------------------------------------------------- */

static void test_maximum_of_connections(void **state)
{
    struct fixture *fixture = *state;
    int clients[4];

    listen_on(fixture, "127.0.0.1");
    fixture->settings.maximum_connections = 2;
    assert_true(start(fixture));
    for (size_t i = 0; i < 4; i++)
        clients[i] = connect_to(fixture, AF_INET);
    assert_true(answers(fixture, clients[0]));
    assert_true(answers(fixture, clients[1]));
    assert_false(answers(fixture, clients[2]));
    close(clients[0]);
    turns(fixture, 5);
    char answer[16];
    assert_int_equal(recv(clients[2], answer, sizeof answer, MSG_DONTWAIT), 4);
    assert_false(answers(fixture, clients[3]));
    /* A reload lifts the limit for those who wait. */
    fixture->settings.maximum_connections = 10;
    nut_server_configure(fixture->server, &fixture->settings, &fixture->settings, no_users());
    turns(fixture, 5);
    assert_int_equal(recv(clients[3], answer, sizeof answer, MSG_DONTWAIT), 4);
    for (size_t i = 1; i < 4; i++)
        close(clients[i]);
}

/* At the limit the loop must rest, not be woken by the waiting connection for ever. */
static void test_full_server_does_not_spin(void **state)
{
    struct fixture *fixture = *state;
    static const struct timeval moment = { .tv_usec = 200000 };
    struct rusage before;
    struct rusage after;

    listen_on(fixture, "127.0.0.1");
    fixture->settings.maximum_connections = 1;
    assert_true(start(fixture));
    int first = connect_to(fixture, AF_INET);
    int second = connect_to(fixture, AF_INET);
    turns(fixture, 3);
    getrusage(RUSAGE_SELF, &before);
    event_base_loopexit(loop_base(fixture->loop), &moment);
    event_base_dispatch(loop_base(fixture->loop));
    getrusage(RUSAGE_SELF, &after);
    assert_true((after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
                    after.ru_utime.tv_usec - before.ru_utime.tv_usec <
                50000);
    close(first);
    close(second);
}

static void test_shortage_of_descriptors(void **state)
{
    struct fixture *fixture = *state;
    int clients[4];
    struct rlimit limit;

    listen_on(fixture, "127.0.0.1");
    assert_true(start(fixture));
    getrlimit(RLIMIT_NOFILE, &limit);
    struct rlimit short_limit = limit;
    for (size_t i = 0; i < 4; i++)
        clients[i] = connect_to(fixture, AF_INET);
    int next = dup(0);
    close(next);
    /* Neither a low nor a high number is to be had. */
    short_limit.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &short_limit), 0);
    turns(fixture, 5);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    turns(fixture, 600);
    for (size_t i = 0; i < 4; i++) {
        assert_true(answers(fixture, clients[i]));
        close(clients[i]);
    }
}

static void test_descriptors_are_moved_out_of_the_way(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit limit;
    struct rlimit wanted;

    getrlimit(RLIMIT_NOFILE, &limit);
    wanted = limit;
    wanted.rlim_cur = 4096;
    if (setrlimit(RLIMIT_NOFILE, &wanted) != 0)
        skip();
    listen_on(fixture, "127.0.0.1");
    assert_true(start(fixture));
    int client = connect_to(fixture, AF_INET);
    assert_true(answers(fixture, client));
    int on = 0;
    socklen_t length = sizeof on;
    assert_int_equal(getsockopt(1024, IPPROTO_TCP, TCP_NODELAY, &on, &length), 0);
    assert_int_not_equal(on, 0);
    assert_true((fcntl(1024, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(1024, F_GETFD) & FD_CLOEXEC) != 0);
    close(client);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_family),
        TEST(test_everywhere),
        TEST(test_ipv6_only_leaves_ipv4_alone),
        TEST(test_names_are_resolved),
        TEST(test_mapped_address_is_the_ipv4_address),
        TEST(test_access),
        TEST(test_all_must_be_bound),
        TEST(test_local_names_may_fail),
        TEST(test_none_bound_is_an_error),
        TEST(test_maximum_of_connections),
        TEST(test_full_server_does_not_spin),
        TEST(test_shortage_of_descriptors),
        TEST(test_descriptors_are_moved_out_of_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
