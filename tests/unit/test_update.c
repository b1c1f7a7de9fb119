/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/update.h"

#include "tests/unit/unit.h"

#include <string.h>

static void test_round_trip(void **state)
{
    struct update update = { 0 };
    struct update copy = { 0 };
    struct update_item item;
    size_t cursor = 0;

    (void)state;
    update_set(&update, "ups.load", "23");
    update_setf(&update, "input.voltage", "%.1f", 230.25);
    update_flags(&update, "ups.id", VARIABLE_RW | VARIABLE_STRING, 32);
    update_enum(&update, "ups.beeper.status", "enabled");
    update_range(&update, "battery.charge.low", -5, 50);
    update_command(&update, "load.off");
    update_uncommand(&update, "load.on");
    update_unset(&update, "ups.alarm");
    assert_true(update_ok(&update));
    while (update_next(&update, &cursor, &item))
        update_append(&copy, &item);
    assert_int_equal(copy.used, update.used);
    assert_memory_equal(copy.bytes, update.bytes, update.used);

    cursor = 0;
    assert_true(update_next(&copy, &cursor, &item));
    assert_int_equal(item.kind, UPDATE_SET);
    assert_string_equal(item.name, "ups.load");
    assert_string_equal(item.value, "23");
    assert_true(update_next(&copy, &cursor, &item));
    assert_string_equal(item.value, "230.2");
    assert_true(update_next(&copy, &cursor, &item));
    assert_int_equal(item.flags, VARIABLE_RW | VARIABLE_STRING);
    assert_int_equal(item.length, 32);
    assert_true(update_next(&copy, &cursor, &item));
    assert_int_equal(item.kind, UPDATE_ENUM);
    assert_true(update_next(&copy, &cursor, &item));
    assert_int_equal(item.minimum, -5);
    assert_int_equal(item.maximum, 50);
    assert_true(update_next(&copy, &cursor, &item));
    assert_int_equal(item.kind, UPDATE_COMMAND);
    assert_true(update_next(&copy, &cursor, &item));
    assert_int_equal(item.kind, UPDATE_UNCOMMAND);
    assert_true(update_next(&copy, &cursor, &item));
    assert_int_equal(item.kind, UPDATE_UNSET);
    assert_false(update_next(&copy, &cursor, &item));
    update_clear(&update);
    update_clear(&copy);
}

static void test_value_is_cut_and_cleaned(void **state)
{
    struct update update = { 0 };
    struct update_item item;
    char value[UPDATE_VALUE_MAX + 100];
    size_t cursor = 0;

    (void)state;
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    value[1] = '\n';
    value[2] = (char)0xe9;
    update_set(&update, "ups.model", value);
    assert_true(update_next(&update, &cursor, &item));
    assert_int_equal(strlen(item.value), UPDATE_VALUE_MAX);
    assert_memory_equal(item.value, "v??v", 4);
    update_clear(&update);
}

static void test_bad_names_break_the_batch(void **state)
{
    static const char *const names[] = { "", "two words", "line\nend", "a\"b", "a=b", "a#b", "\x80" };
    char longest[UPDATE_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct update update = { 0 };

        update_set(&update, names[i], "1");
        assert_false(update_ok(&update));
        update_clear(&update);
    }
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    struct update update = { 0 };
    update_set(&update, longest + 1, "1");
    assert_true(update_ok(&update));
    update_set(&update, longest, "1");
    assert_false(update_ok(&update));
    update_clear(&update);
}

static void test_size_is_bounded(void **state)
{
    struct update update = { 0 };

    (void)state;
    for (int i = 0; i < 3000; i++)
        update_setf(&update, "ups.model", "%500d", i);
    assert_false(update_ok(&update));
    assert_true(update.size <= UPDATE_SIZE_MAX);
    update_clear(&update);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_value_is_cut_and_cleaned),
        cmocka_unit_test(test_bad_names_break_the_batch),
        cmocka_unit_test(test_size_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
