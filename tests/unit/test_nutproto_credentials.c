/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/credentials.h"

#include "nutproto/passwords.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW ((uint64_t)1000000)
#define HOUR ((uint64_t)3600000)

static void test_known(void **state)
{
    struct credentials *credentials = credentials_new();
    uint64_t token = credentials_token(credentials, "mon", "pw");

    (void)state;
    assert_true(token != 0);
    assert_false(credentials_known(credentials, token, NOW));
    credentials_keep(credentials, token, NOW);
    assert_true(credentials_known(credentials, token, NOW));
    assert_true(token == credentials_token(credentials, "mon", "pw"));
    assert_true(token != credentials_token(credentials, "mon", "pW"));
    assert_true(token != credentials_token(credentials, "monp", "w"));
    assert_true(token != credentials_token(credentials, "mo", "npw"));
    /* Each use counts, but not for ever. */
    assert_true(credentials_known(credentials, token, NOW + HOUR - 1));
    assert_true(credentials_known(credentials, token, NOW + HOUR + 1));
    assert_false(credentials_known(credentials, token, NOW + 2 * HOUR + 1));
    credentials_keep(credentials, token, NOW);
    assert_false(credentials_were_right(credentials, token + 1, NOW));
    credentials_doubt(credentials);
    credentials_doubt(credentials);
    assert_false(credentials_known(credentials, token, NOW));
    assert_true(credentials_were_right(credentials, token, NOW));
    assert_false(credentials_were_right(credentials, token, NOW + HOUR));
    credentials_keep(credentials, token, NOW);
    assert_true(credentials_known(credentials, token, NOW));
    credentials_forget(credentials, token);
    assert_false(credentials_known(credentials, token, NOW));
    assert_false(credentials_were_right(credentials, token, NOW));
    credentials_forget(credentials, token);
    credentials_free(credentials);
}

static void test_no_token_is_never_known(void **state)
{
    struct credentials *credentials = credentials_new();
    char *endless = malloc(5000);

    (void)state;
    memset(endless, 'x', 4999);
    endless[4999] = '\0';
    assert_true(credentials_token(credentials, endless, "pw") == 0);
    credentials_keep(credentials, 0, NOW);
    assert_false(credentials_known(credentials, 0, NOW));
    free(endless);
    credentials_free(credentials);
}

static void test_bounded(void **state)
{
    struct credentials *credentials = credentials_new();
    unsigned known = 0;
    char name[16];

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "user%u", i);
        credentials_keep(credentials, credentials_token(credentials, name, "pw"), NOW + i);
    }
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "user%u", i);
        known +=
            credentials_known(credentials, credentials_token(credentials, name, "pw"), NOW + 2000);
    }
    assert_in_range(known, 200, 256);
    assert_true(credentials_known(credentials, credentials_token(credentials, "user1999", "pw"),
                                  NOW + 2000));
    credentials_free(credentials);
}

/* Passwords themselves ----------------------------------------------------------------------- */

static void test_comparing(void **state)
{
    (void)state;
    assert_true(password_same("", ""));
    assert_true(password_same("abc", "abc"));
    assert_false(password_same("abc", "abd"));
    assert_false(password_same("abc", "ab"));
    assert_false(password_same("abc", "abcd"));
    assert_false(password_same("", "a"));
    assert_false(password_same("a", ""));
}

static void test_hashes(void **state)
{
    static const char *const hashes[] = {
        /* "secret" by methods that are cheap to try */
        "$5$rounds=1000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2",
        "$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
    };
    char *made = password_hash("secret");
    bool weak;

    (void)state;
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        assert_true(password_is_hash(hashes[i]));
        assert_null(password_check_hash(hashes[i], &weak));
        assert_true(password_matches(hashes[i], "secret"));
        assert_false(password_matches(hashes[i], "Secret"));
        assert_false(password_matches(hashes[i], ""));
    }
    assert_non_null(made);
    assert_true(password_is_hash(made));
    assert_null(password_check_hash(made, &weak));
    assert_false(weak);
    assert_true(password_matches(made, "secret"));
    assert_false(password_matches(made, "secret "));
    /* What crypt(3) says of an error is no hash. */
    assert_false(password_matches("*0", "x"));
    assert_false(password_matches("*1", "x"));
    free(made);
}

static void test_cut_hashes(void **state)
{
    char *made = password_hash("x");
    bool weak;

    (void)state;
    assert_non_null(made);
    while (strrchr(made, '$') > made) {
        made[strlen(made) - 1] = '\0';
        if (password_is_hash(made))
            assert_non_null(password_check_hash(made, &weak));
    }
    free(made);
}

static void test_new_passwords(void **state)
{
    char endless[600];

    (void)state;
    memset(endless, 'x', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    assert_null(password_check("a b\"#\\~"));
    assert_string_equal(password_check(""), "is empty");
    assert_string_equal(password_check(endless), "is too long");
    assert_non_null(password_check("\xc3\xa4"));
    assert_non_null(password_check("a\tb"));
    endless[511] = '\0';
    assert_null(password_check(endless));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),         cmocka_unit_test(test_no_token_is_never_known),
        cmocka_unit_test(test_bounded),       cmocka_unit_test(test_comparing),
        cmocka_unit_test(test_hashes),        cmocka_unit_test(test_cut_hashes),
        cmocka_unit_test(test_new_passwords),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
