/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/peers.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <string.h>

static struct client_address address_of(const char *text)
{
    struct client_address address = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

    assert_int_equal(inet_pton(address.family, text, &address.ipv4), 1);
    return address;
}

static bool enter(struct peers *peers, const char *text, size_t limit)
{
    struct client_address address = address_of(text);

    return peers_enter(peers, &address, limit);
}

static void leave(struct peers *peers, const char *text)
{
    struct client_address address = address_of(text);

    peers_leave(peers, &address);
}

static void test_limit(void **state)
{
    struct peers *peers = peers_new();

    (void)state;
    assert_true(enter(peers, "192.0.2.1", 2));
    assert_true(enter(peers, "192.0.2.1", 2));
    assert_false(enter(peers, "192.0.2.1", 2));
    assert_true(enter(peers, "192.0.2.2", 2));
    leave(peers, "192.0.2.1");
    assert_true(enter(peers, "192.0.2.1", 2));
    assert_false(enter(peers, "192.0.2.1", 2));
    assert_true(enter(peers, "192.0.2.1", 3));
    peers_free(peers);
}

static void test_ipv6_is_counted_by_network(void **state)
{
    struct peers *peers = peers_new();

    (void)state;
    assert_true(enter(peers, "2001:db8:0:1::1", 1));
    assert_false(enter(peers, "2001:db8:0:1:ffff::2", 1));
    assert_true(enter(peers, "2001:db8:0:2::1", 1));
    /* The same bytes as a network and as an address are two places. */
    assert_true(enter(peers, "2001:db8::1", 1));
    assert_true(enter(peers, "184.13.1.32", 1));
    assert_true(enter(peers, "32.1.13.184", 1));
    leave(peers, "2001:db8:0:1::9");
    assert_true(enter(peers, "2001:db8:0:1:ffff::2", 1));
    peers_free(peers);
}

static void test_loopback_is_free(void **state)
{
    struct peers *peers = peers_new();

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(enter(peers, "127.0.0.1", 1));
        assert_true(enter(peers, "127.1.2.3", 1));
        assert_true(enter(peers, "::1", 1));
    }
    leave(peers, "127.0.0.1");
    leave(peers, "::1");
    peers_free(peers);
}

static void test_many(void **state)
{
    struct peers *peers = peers_new();
    struct client_address address = { .family = AF_INET };

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        address.ipv4.s_addr = htonl(0x0a000000 + i);
        assert_true(peers_enter(peers, &address, 1));
        assert_false(peers_enter(peers, &address, 1));
    }
    for (uint32_t i = 0; i < 20000; i++) {
        address.ipv4.s_addr = htonl(0x0a000000 + i);
        peers_leave(peers, &address);
        assert_true(peers_enter(peers, &address, 1));
        peers_leave(peers, &address);
    }
    peers_free(peers);
}

static void test_mapped_addresses(void **state)
{
    struct sockaddr_in6 mapped = { .sin6_family = AF_INET6 };
    struct client client = { 0 };
    struct sockaddr_storage storage;
    char text[CLIENT_ADDRESS_SIZE];

    (void)state;
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr), 1);
    client_address_take(&client.address, (struct sockaddr *)&mapped);
    assert_int_equal(client.address.family, AF_INET);
    assert_string_equal(client_address(&client, text), "192.0.2.7");
    client_address_give(&client.address, &storage);
    assert_int_equal(storage.ss_family, AF_INET);
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::7", &mapped.sin6_addr), 1);
    client_address_take(&client.address, (struct sockaddr *)&mapped);
    assert_string_equal(client_address(&client, text), "2001:db8::7");
    client_address_give(&client.address, &storage);
    assert_memory_equal(&((struct sockaddr_in6 *)(void *)&storage)->sin6_addr, &mapped.sin6_addr,
                        sizeof mapped.sin6_addr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_mapped_addresses),
        cmocka_unit_test(test_ipv6_is_counted_by_network),
        cmocka_unit_test(test_loopback_is_free),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
