/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/status.h"

#include "tests/unit/unit.h"

static void test_parse(void **state)
{
    (void)state;
    assert_int_equal(status_parse(""), 0);
    assert_int_equal(status_parse("OL"), STATUS_OL);
    assert_int_equal(status_parse("  OL   CHRG "), STATUS_OL | STATUS_CHRG);
    assert_int_equal(status_parse("ALARM OB LB DISCHRG"),
                     STATUS_ALARM | STATUS_OB | STATUS_LB | STATUS_DISCHRG);
    assert_int_equal(status_parse("OL NOFFS"), STATUS_OL | STATUS_OTHER);
    assert_int_equal(status_parse("ol"), STATUS_OTHER);
    assert_int_equal(status_parse("OLB"), STATUS_OTHER);
}

static void test_every_token_comes_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= 17; i++) {
        const char *token = status_token(1u << i);

        assert_non_null(token);
        assert_int_equal(status_parse(token), 1u << i);
    }
    assert_null(status_token(STATUS_OTHER));
    assert_null(status_token(STATUS_OL | STATUS_OB));
    assert_null(status_token(0));
}

static void test_remove_word(void **state)
{
    char out[16];

    (void)state;
    assert_true(status_remove_word("OB LB DISCHRG", "LB", out, sizeof out));
    assert_string_equal(out, "OB DISCHRG");
    assert_false(status_remove_word("OB  LBX", "LB", out, sizeof out));
    assert_string_equal(out, "OB LBX");
    assert_true(status_remove_word("LB", "LB", out, sizeof out));
    assert_string_equal(out, "");
    assert_false(status_remove_word("ABCDEFGH IJKLMNOP", "LB", out, sizeof out));
    assert_string_equal(out, "ABCDEFGH");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_every_token_comes_back),
        cmocka_unit_test(test_remove_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
