/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/keyed_hash.h"

#include "tests/unit/unit.h"

#include <string.h>

/* The vectors that were published with the algorithm: key 00..0f, message 00, 01, ... */
static void test_published_vectors(void **state)
{
    static const struct hash_key key = { { UINT64_C(0x0706050403020100),
                                           UINT64_C(0x0f0e0d0c0b0a0908) } };
    static const struct {
        size_t length;
        uint64_t hash;
    } vectors[] = {
        { 0, UINT64_C(0x726fdb47dd0e0e31) },
        { 1, UINT64_C(0x74f839c593dc67fd) },
        { 8, UINT64_C(0x93f5f5799a932462) },
        { 15, UINT64_C(0xa129ca6149be45e5) },
    };
    unsigned char message[16];

    (void)state;
    for (unsigned char i = 0; i < sizeof message; i++)
        message[i] = i;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        assert_true(keyed_hash(&key, message, vectors[i].length) == vectors[i].hash);
}

static void test_keys_differ(void **state)
{
    struct hash_key a, b;

    (void)state;
    assert_true(hash_key_make(&a));
    assert_true(hash_key_make(&b));
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_true(keyed_hash(&a, "x", 1) != keyed_hash(&b, "x", 1));
    assert_true(keyed_hash(&a, "x", 1) == keyed_hash(&a, "x", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_keys_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
