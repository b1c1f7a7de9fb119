/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/attempts.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <string.h>

#define NOW ((uint64_t)1000000)

static struct client_address address_of(const char *text)
{
    struct client_address address = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

    assert_int_equal(inet_pton(address.family, text, &address.ipv4), 1);
    return address;
}

static uint64_t delay(struct attempts *attempts, const char *text, uint64_t now)
{
    struct client_address address = address_of(text);

    return attempts_delay(attempts, &address, now);
}

static void fail_from(struct attempts *attempts, const char *text, uint64_t now)
{
    struct client_address address = address_of(text);

    attempts_failed(attempts, &address, now);
}

static void test_delay_grows_and_shrinks(void **state)
{
    static const uint64_t delays[] = { 100, 200, 400, 800, 1600, 2000, 2000 };
    struct attempts *attempts = attempts_new();
    uint64_t now = NOW;

    (void)state;
    assert_int_equal(delay(attempts, "192.0.2.1", now), 0);
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        fail_from(attempts, "192.0.2.1", now);
        assert_int_equal(delay(attempts, "192.0.2.1", now), delays[i]);
        assert_int_equal(delay(attempts, "192.0.2.1", now + delays[i] - 1), 1);
        assert_int_equal(delay(attempts, "192.0.2.1", now + delays[i]), 0);
        now += delays[i];
    }
    /* Of the seven, three are left after one half-life, and none after some more. */
    fail_from(attempts, "192.0.2.1", now + 10000);
    assert_int_equal(delay(attempts, "192.0.2.1", now + 10000), 800);
    fail_from(attempts, "192.0.2.1", now + 60000);
    assert_int_equal(delay(attempts, "192.0.2.1", now + 60000), 100);
    attempts_free(attempts);
}

static void test_delay_is_bounded(void **state)
{
    struct attempts *attempts = attempts_new();

    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        fail_from(attempts, "2001:db8::1", NOW);
    assert_int_equal(delay(attempts, "2001:db8::1", NOW), ATTEMPTS_DELAY_MAX);
    /* A flood is forgotten nearly as soon as a few are. */
    fail_from(attempts, "2001:db8::1", NOW + 60000);
    assert_int_equal(delay(attempts, "2001:db8::1", NOW + 60000), 100);
    attempts_free(attempts);
}

static void test_places(void **state)
{
    struct attempts *attempts = attempts_new();

    (void)state;
    fail_from(attempts, "2001:db8:0:1::1", NOW);
    assert_int_equal(delay(attempts, "2001:db8:0:1:ffff::2", NOW), 100);
    assert_int_equal(delay(attempts, "2001:db8:0:2::1", NOW), 0);
    fail_from(attempts, "192.0.2.1", NOW);
    assert_int_equal(delay(attempts, "192.0.2.2", NOW), 0);
    /* This machine is no exception: an attacker may be on it. */
    fail_from(attempts, "127.0.0.1", NOW);
    assert_int_equal(delay(attempts, "127.0.0.1", NOW), 100);
    attempts_free(attempts);
}

/* Who tries hard is not forgotten for the sake of many who failed once. */
static void test_crowd_does_not_hide_anybody(void **state)
{
    struct attempts *attempts = attempts_new();
    char text[INET_ADDRSTRLEN];

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        fail_from(attempts, "192.0.2.1", NOW);
    for (unsigned i = 0; i < 100000; i++) {
        struct in_addr bytes = { .s_addr = htonl(0x0a000000 + i) };

        fail_from(attempts, inet_ntop(AF_INET, &bytes, text, sizeof text), NOW + 1);
    }
    assert_int_equal(delay(attempts, "192.0.2.1", NOW + 1), ATTEMPTS_DELAY_MAX - 1);
    attempts_free(attempts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delay_grows_and_shrinks),
        cmocka_unit_test(test_delay_is_bounded),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_crowd_does_not_hide_anybody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
