/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/networks.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <string.h>

static struct ip_address address_of(const char *text)
{
    struct ip_address address = { .ipv4 = strchr(text, ':') == NULL };

    assert_int_equal(inet_pton(address.ipv4 ? AF_INET : AF_INET6, text, address.bytes), 1);
    return address;
}

static bool contains(const char *network, const char *address)
{
    struct network parsed;
    struct ip_address bytes = address_of(address);

    assert_null(network_parse(network, &parsed));
    return network_contains(&parsed, &bytes);
}

static void test_containing(void **state)
{
    static const struct {
        const char *network, *address;
        bool contains;
    } cases[] = {
        { "192.0.2.0/24", "192.0.2.255", true },
        { "192.0.2.0/24", "192.0.3.0", false },
        { "192.0.2.0/23", "192.0.3.1", true },
        { "192.0.2.128/25", "192.0.2.127", false },
        { "192.0.2.128/25", "192.0.2.128", true },
        { "192.0.2.7", "192.0.2.7", true },
        { "192.0.2.7", "192.0.2.6", false },
        { "192.0.2.6/31", "192.0.2.7", true },
        { "0.0.0.0/0", "203.0.113.1", true },
        { "0.0.0.0/0", "::1", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "192.0.2.1", false },
        { "2001:db8::/32", "2001:db8:ffff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "2001:db8::1", "2001:db8::1", true },
        { "2001:db8::1/128", "2001:db8::2", false },
        { "::ffff:192.0.2.0/120", "192.0.2.9", true },
        { "::ffff:192.0.2.0/120", "192.0.3.9", false },
        { "::ffff:192.0.2.9", "192.0.2.9", true },
        { "::ffff:0:0/96", "203.0.113.1", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(contains(cases[i].network, cases[i].address), cases[i].contains);
}

static void test_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        { "", "is no IP address" },
        { "/8", "is no IP address" },
        { "localhost", "is no IP address" },
        { "192.0.2", "is no IP address" },
        { "192.0.2.1.5", "is no IP address" },
        { "1::2::3", "is no IP address" },
        { "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:aaaa", "is no IP address" },
        { "192.0.2.0/33", "needs a number from 0 to 32 behind the '/'" },
        { "192.0.2.0/", "needs a number from 0 to 32 behind the '/'" },
        { "192.0.2.0/-1", "needs a number from 0 to 32 behind the '/'" },
        { "192.0.2.0/24/8", "needs a number from 0 to 32 behind the '/'" },
        { "192.0.2.0/255.255.255.0", "needs a number from 0 to 32 behind the '/'" },
        { "2001:db8::/129", "needs a number from 0 to 128 behind the '/'" },
        { "192.0.2.1/24", "has bits set behind the network's own" },
        { "2001:db8::1/64", "has bits set behind the network's own" },
    };
    struct network network;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *wrong = network_parse(cases[i].text, &network);

        assert_non_null(wrong);
        assert_string_equal(wrong, cases[i].wrong);
    }
}

static struct access_rule rule(bool allow, const char *text)
{
    struct access_rule made = { .allow = allow };

    assert_null(network_parse(text, &made.network));
    return made;
}

static bool allows(const struct access_rule *rules, size_t count, const char *text)
{
    struct ip_address address = address_of(text);

    return access_allows(rules, count, &address);
}

static void test_lists(void **state)
{
    const struct access_rule rules[] = { rule(false, "192.0.2.66"), rule(true, "192.0.2.0/24"),
                                         rule(false, "::/0") };

    (void)state;
    assert_false(allows(rules, 3, "192.0.2.66"));
    assert_true(allows(rules, 3, "192.0.2.67"));
    assert_false(allows(rules, 3, "198.51.100.1"));
    assert_false(allows(rules, 3, "::1"));
    /* Nobody is shut out by lists that allow nobody. */
    assert_true(allows(rules, 1, "198.51.100.1"));
    assert_false(allows(rules, 1, "192.0.2.66"));
    assert_true(allows(rules, 0, "::1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_containing),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
