/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/tracking.h"

#include "tests/unit/unit.h"

#include <ctype.h>
#include <string.h>

#define START 1000000u

static void test_id_is_upper_case_version_4(void **state)
{
    char id[TRACKING_TEXT_SIZE];
    char other[TRACKING_TEXT_SIZE];

    (void)state;
    assert_true(tracking_make_id(id));
    assert_true(tracking_make_id(other));
    assert_string_not_equal(id, other);
    assert_int_equal(strlen(id), 36);
    for (size_t i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23)
            assert_int_equal(id[i], '-');
        else
            assert_true(isdigit((unsigned char)id[i]) || (id[i] >= 'A' && id[i] <= 'F'));
    }
    assert_int_equal(id[14], '4');
    assert_non_null(strchr("89AB", id[19]));
}

static void test_states(void **state)
{
    static const struct {
        enum ups_outcome outcome;
        const char *text;
    } outcomes[] = { { UPS_HANDLED, "SUCCESS" },
                     { UPS_UNKNOWN, "ERR UNKNOWN" },
                     { UPS_INVALID, "ERR INVALID-ARGUMENT" },
                     { UPS_FAILED, "ERR FAILED" } };
    struct tracking *tracking = tracking_new(3600);

    (void)state;
    for (unsigned i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        char id[TRACKING_TEXT_SIZE];
        char completed[TRACKING_TEXT_SIZE];
        char lower[TRACKING_TEXT_SIZE];

        assert_true(tracking_make_id(id));
        assert_true(tracking_add(tracking, id, 10 + 2 * i, START));
        assert_string_equal(tracking_state_text(tracking_find(tracking, id, START)), "PENDING");
        assert_false(tracking_complete(tracking, 11 + 2 * i, outcomes[i].outcome, completed));
        assert_true(tracking_complete(tracking, 10 + 2 * i, outcomes[i].outcome, completed));
        assert_string_equal(completed, id);
        for (size_t at = 0; at < sizeof lower; at++)
            lower[at] = (char)tolower((unsigned char)id[at]);
        assert_string_equal(tracking_state_text(tracking_find(tracking, lower, START)),
                            outcomes[i].text);
    }
    tracking_free(tracking);
}

static void test_strange_ids(void **state)
{
    static const char *const ids[] = { "",
                                       "x",
                                       "98C489FD-821C-4132-9D93-00000000000",
                                       "98C489FD-821C-4132-9D93-0000000000000",
                                       "98C489FD0821C-4132-9D93-000000000000",
                                       "98C489FD-821C-4132-9D93-00000000000G",
                                       "------------------------------------" };
    struct tracking *tracking = tracking_new(3600);
    char id[TRACKING_TEXT_SIZE];

    (void)state;
    assert_true(tracking_make_id(id));
    assert_int_equal(tracking_find(tracking, id, START), TRACKING_UNKNOWN);
    assert_true(tracking_add(tracking, id, 1, START));
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_int_equal(tracking_find(tracking, ids[i], START), TRACKING_UNKNOWN);
    tracking_free(tracking);
}

static void test_entries_expire(void **state)
{
    struct tracking *tracking = tracking_new(10);
    char early[TRACKING_TEXT_SIZE];
    char late[TRACKING_TEXT_SIZE];
    char completed[TRACKING_TEXT_SIZE];

    (void)state;
    assert_true(tracking_make_id(early) && tracking_make_id(late));
    assert_true(tracking_add(tracking, early, 1, START));
    assert_true(tracking_add(tracking, late, 2, START + 5000));
    assert_int_equal(tracking_find(tracking, early, START + 10000), TRACKING_PENDING);
    assert_int_equal(tracking_find(tracking, early, START + 10001), TRACKING_UNKNOWN);
    assert_int_equal(tracking_find(tracking, late, START + 10001), TRACKING_PENDING);
    assert_false(tracking_complete(tracking, 1, UPS_HANDLED, completed));
    tracking_set_delay(tracking, 1);
    assert_int_equal(tracking_find(tracking, late, START + 10001), TRACKING_UNKNOWN);
    tracking_free(tracking);
}

static void test_oldest_make_room(void **state)
{
    struct tracking *tracking = tracking_new(3600);
    char first[TRACKING_TEXT_SIZE] = "";
    char second[TRACKING_TEXT_SIZE] = "";
    char id[TRACKING_TEXT_SIZE];
    char completed[TRACKING_TEXT_SIZE];

    (void)state;
    for (uint64_t i = 0; i <= TRACKING_ENTRIES_MAX; i++) {
        assert_true(tracking_make_id(id));
        if (i < 2)
            memcpy(i == 0 ? first : second, id, sizeof id);
        assert_true(tracking_add(tracking, id, i + 1, START));
    }
    assert_int_equal(tracking_find(tracking, first, START), TRACKING_UNKNOWN);
    assert_int_equal(tracking_find(tracking, second, START), TRACKING_PENDING);
    assert_true(tracking_complete(tracking, TRACKING_ENTRIES_MAX + 1, UPS_FAILED, completed));
    assert_string_equal(completed, id);
    assert_int_equal(tracking_find(tracking, id, START), TRACKING_FAILED);
    tracking_free(tracking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_is_upper_case_version_4),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_strange_ids),
        cmocka_unit_test(test_entries_expire),
        cmocka_unit_test(test_oldest_make_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
