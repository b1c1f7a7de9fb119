/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/sink_address.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

static void expect(const char *text, int family, const char *host, const char *port)
{
    struct sink_address address;

    assert_true(sink_address_parse(text, &address));
    assert_int_equal(address.family, family);
    assert_string_equal(address.host, host);
    assert_string_equal(address.port, port);
}

static void test_addresses(void **state)
{
    (void)state;
    expect("192.0.2.1", AF_UNSPEC, "192.0.2.1", "162");
    expect("manager.example:1162", AF_UNSPEC, "manager.example", "1162");
    expect("udp:192.0.2.1:1162", AF_INET, "192.0.2.1", "1162");
    expect("UDP:manager", AF_INET, "manager", "162");
    expect("udp6:[2001:db8::1]:1162", AF_INET6, "2001:db8::1", "1162");
    expect("udp6:[2001:db8::1]", AF_INET6, "2001:db8::1", "162");
    expect("udpv6:2001:db8::1", AF_INET6, "2001:db8::1", "162");
    expect("ipv6:manager:1162", AF_INET6, "manager", "1162");
    expect("[::1]:65535", AF_INET6, "::1", "65535");
}

static void test_what_is_no_address(void **state)
{
    static const char *const wrong[] = {
        "",         ":162",     "host:",   "host:0",      "host:65536",     "host:x",
        "tcp:host", "tcp:a:16", "[::1",    "[]:162",      "udp:",           "udp:[::1]x",
        "a:b:162",  "udp6:[]",  "host: 1", "[::1]:99999", "unix:/tmp/sock", "host:000162",
    };
    char longest[SINK_HOST_SIZE + 1];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sink_address address;

        if (sink_address_parse(wrong[i], &address))
            fail_msg("'%s' is taken for %s, %s", wrong[i], address.host, address.port);
    }
    memset(longest, 'a', SINK_HOST_SIZE);
    longest[SINK_HOST_SIZE] = '\0';
    struct sink_address address;
    assert_false(sink_address_parse(longest, &address));
    longest[SINK_HOST_SIZE - 1] = '\0';
    assert_true(sink_address_parse(longest, &address));
}

struct finding {
    struct loop *loop;
    unsigned count;
    int error;
    struct sockaddr_in socket;
};

static void take(void *owner, int error, const struct sockaddr *socket, socklen_t length)
{
    struct finding *finding = owner;

    finding->count++;
    finding->error = error;
    if (socket != NULL && length == sizeof finding->socket)
        memcpy(&finding->socket, socket, length);
    loop_stop(finding->loop);
}

static void test_numbers_are_found_at_once(void **state)
{
    struct finding finding = { 0 };
    struct sink_address address;

    (void)state;
    finding.loop = loop_new();
    assert_true(sink_address_parse("127.0.0.9:1162", &address));
    assert_null(sink_address_look_up(finding.loop, &address, take, &finding));
    assert_int_equal(finding.count, 1);
    assert_int_equal(finding.error, 0);
    assert_int_equal(ntohs(finding.socket.sin_port), 1162);
    assert_int_equal(ntohl(finding.socket.sin_addr.s_addr), 0x7f000009);
    loop_free(finding.loop);
}

static void test_names_are_found_later(void **state)
{
    struct finding finding = { 0 };
    struct sink_address address;

    (void)state;
    finding.loop = loop_new();
    assert_true(sink_address_parse("udp:localhost:1162", &address));
    assert_non_null(sink_address_look_up(finding.loop, &address, take, &finding));
    assert_int_equal(finding.count, 0);
    assert_int_equal(loop_run(finding.loop), 0);
    assert_int_equal(finding.count, 1);
    assert_int_equal(finding.error, 0);
    assert_int_equal(ntohs(finding.socket.sin_port), 1162);
    /* Whoever gives up hears no more, whether the answer is on its way or not. */
    for (unsigned i = 0; i < 20; i++)
        sink_address_give_up(sink_address_look_up(finding.loop, &address, take, &finding));
    loop_free(finding.loop);
    assert_int_equal(finding.count, 1);
}

/* What "localhost" is on most hosts, whose snmptrapd hears IPv4 alone. */
static void test_ipv4_comes_first(void **state)
{
    struct addrinfo last = { .ai_family = AF_INET };
    struct addrinfo middle = { .ai_family = AF_INET, .ai_next = &last };
    struct addrinfo first = { .ai_family = AF_INET6, .ai_next = &middle };

    (void)state;
    assert_ptr_equal(sink_address_choose(&first), &middle);
    first.ai_next = NULL;
    assert_ptr_equal(sink_address_choose(&first), &first);
    assert_null(sink_address_choose(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_what_is_no_address),
        cmocka_unit_test(test_numbers_are_found_at_once),
        cmocka_unit_test(test_names_are_found_later),
        cmocka_unit_test(test_ipv4_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
