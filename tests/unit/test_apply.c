/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How batches change a device. Each step tells what a client could see by the generation.
 */
#include "core/loop.h"
#include "core/names.h"
#include "core/ups.h"

#include "tests/unit/unit.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct world {
    struct event_base *base;
    struct ups_store *store;
    struct ups *ups;
    struct update update; /* being built */
};

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world = (struct world){ .base = event_base_new() };
    world.store = ups_store_new(world.base, 86400);
    world.ups = ups_add(world.store, "u", NULL);
    return world.ups == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    update_clear(&world.update);
    ups_store_free(world.store);
    event_base_free(world.base);
    return 0;
}

/* Applies what has been built; true if the generation grew. */
static bool apply(void)
{
    uint64_t before = world.ups->generation;

    assert_true(update_ok(&world.update));
    ups_amend(world.store, world.ups, &world.update);
    update_clear(&world.update);
    assert_in_range(world.ups->generation, before, before + 1);
    return world.ups->generation > before;
}

static bool apply_complete(void)
{
    world.update.complete = true;
    return apply();
}

static void test_values(void **state)
{
    double number = -1;

    (void)state;
    update_set(&world.update, "Battery.Charge", "87.5");
    update_set(&world.update, "ups.model", "Model 3");
    assert_true(apply());
    assert_string_equal(ups_value(world.ups, "battery.charge"), "87.5");
    assert_string_equal(ups_variable(world.ups, "BATTERY.CHARGE")->name, "Battery.Charge");
    assert_true(ups_number(world.ups, "battery.charge", &number));
    assert_true(number == 87.5);
    assert_false(ups_number(world.ups, "ups.model", &number));
    assert_false(ups_number(world.ups, "ups.load", &number));
    assert_null(ups_value(world.ups, "ups.load"));

    update_set(&world.update, "battery.charge", "87.5");
    assert_false(apply());
    update_set(&world.update, "battery.charge", "87.50");
    assert_true(apply());
    /* No longer a number: the old one must not be seen. */
    update_set(&world.update, "battery.charge", "unknown");
    assert_true(apply());
    assert_false(ups_number(world.ups, "battery.charge", &number));
    update_unset(&world.update, "BATTERY.charge");
    assert_true(apply());
    assert_null(ups_variable(world.ups, "battery.charge"));
    update_unset(&world.update, "battery.charge");
    assert_false(apply());
    assert_false(apply());
}

static void test_the_last_word_of_a_batch_counts(void **state)
{
    (void)state;
    update_set(&world.update, "ups.load", "1");
    update_unset(&world.update, "ups.load");
    update_set(&world.update, "ups.load", "2");
    assert_true(apply());
    assert_string_equal(ups_value(world.ups, "ups.load"), "2");
}

/* Many, in an order that moves every slot, so that growth and removal are exercised. */
static void test_variables_stay_sorted(void **state)
{
    char name[32];

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "x.%c%02d", i % 2 ? 'a' : 'A', i * 37 % 100);
        update_setf(&world.update, name, "%d", i);
    }
    assert_true(apply());
    assert_int_equal(world.ups->variable_count, 101);
    for (int i = 0; i < 100; i += 3) {
        snprintf(name, sizeof name, "x.a%02d", i * 37 % 100);
        update_unset(&world.update, name);
    }
    assert_true(apply());
    assert_int_equal(world.ups->variable_count, 67);
    for (size_t i = 1; i < world.ups->variable_count; i++)
        assert_true(strcasecmp(world.ups->variables[i - 1].name, world.ups->variables[i].name) < 0);
    for (int i = 0; i < 100; i++) {
        char value[16];

        snprintf(name, sizeof name, "x.a%02d", i * 37 % 100);
        snprintf(value, sizeof value, "%d", i);
        if (i % 3 == 0)
            assert_null(ups_value(world.ups, name));
        else
            assert_string_equal(ups_value(world.ups, name), value);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "x.a%02d", i);
        update_set(&world.update, name, "again");
    }
    assert_true(apply());
    assert_int_equal(world.ups->variable_count, 101);
}

static void tell_choices(void)
{
    update_set(&world.update, "a", "1");
    update_flags(&world.update, "a", VARIABLE_RW | VARIABLE_STRING, 8);
    update_enum(&world.update, "a", "1");
    update_enum(&world.update, "A", "two");
    update_set(&world.update, "b", "5");
    update_flags(&world.update, "b", VARIABLE_RW | VARIABLE_NUMBER, 0);
    update_range(&world.update, "b", 1, 9);
    update_range(&world.update, "b", 20, 30);
}

static void test_choices(void **state)
{
    (void)state;
    tell_choices();
    assert_true(apply());
    const struct ups_variable *a = ups_variable(world.ups, "a");
    const struct ups_variable *b = ups_variable(world.ups, "b");
    assert_int_equal(a->flags, VARIABLE_RW | VARIABLE_STRING);
    assert_int_equal(a->length, 8);
    assert_int_equal(a->choices->enum_count, 2);
    assert_string_equal(a->choices->enums[0], "1");
    assert_string_equal(a->choices->enums[1], "two");
    assert_int_equal(b->choices->range_count, 2);
    assert_int_equal(b->choices->ranges[1].minimum, 20);
    assert_int_equal(b->choices->ranges[1].maximum, 30);
    /* A new value touches none of that. */
    update_set(&world.update, "a", "two");
    assert_true(apply());
    assert_int_equal(ups_variable(world.ups, "a")->choices->enum_count, 2);
    /* One more of each; what is there already is not added twice. */
    update_enum(&world.update, "a", "Two");
    update_enum(&world.update, "a", "two");
    update_range(&world.update, "b", 40, 50);
    update_range(&world.update, "b", 1, 9);
    assert_true(apply());
    assert_int_equal(ups_variable(world.ups, "a")->choices->enum_count, 3);
    assert_int_equal(ups_variable(world.ups, "b")->choices->range_count, 3);
    update_enum(&world.update, "a", "1");
    update_range(&world.update, "b", 20, 30);
    assert_false(apply());
    /* Flags begin anew. */
    update_flags(&world.update, "a", VARIABLE_RW, 70000);
    update_flags(&world.update, "b", 0, -1);
    assert_true(apply());
    assert_int_equal(ups_variable(world.ups, "a")->choices->enum_count, 0);
    assert_int_equal(ups_variable(world.ups, "a")->length, UINT16_MAX);
    assert_int_equal(ups_variable(world.ups, "b")->choices->range_count, 0);
    assert_int_equal(ups_variable(world.ups, "b")->flags, 0);
}

static void test_telling_choices_again_is_no_change(void **state)
{
    (void)state;
    tell_choices();
    assert_true(apply());
    tell_choices();
    assert_false(apply());
    assert_int_equal(ups_variable(world.ups, "a")->choices->enum_count, 2);
    assert_int_equal(ups_variable(world.ups, "b")->choices->range_count, 2);
    /* One told twice is the same still. */
    update_flags(&world.update, "a", VARIABLE_RW | VARIABLE_STRING, 8);
    update_enum(&world.update, "a", "1");
    update_enum(&world.update, "a", "1");
    update_enum(&world.update, "a", "two");
    assert_false(apply());
    /* Another order, one less, one more, another bound: each is a change. */
    update_flags(&world.update, "a", VARIABLE_RW | VARIABLE_STRING, 8);
    update_enum(&world.update, "a", "two");
    update_enum(&world.update, "a", "1");
    assert_true(apply());
    assert_string_equal(ups_variable(world.ups, "a")->choices->enums[0], "two");
    update_flags(&world.update, "a", VARIABLE_RW | VARIABLE_STRING, 8);
    update_enum(&world.update, "a", "two");
    assert_true(apply());
    assert_int_equal(ups_variable(world.ups, "a")->choices->enum_count, 1);
    update_flags(&world.update, "a", VARIABLE_RW | VARIABLE_STRING, 8);
    update_enum(&world.update, "a", "two");
    update_enum(&world.update, "a", "three");
    assert_true(apply());
    assert_int_equal(ups_variable(world.ups, "a")->choices->enum_count, 2);
    update_flags(&world.update, "b", VARIABLE_RW | VARIABLE_NUMBER, 0);
    update_range(&world.update, "b", 1, 9);
    update_range(&world.update, "b", 20, 31);
    assert_true(apply());
    assert_int_equal(ups_variable(world.ups, "b")->choices->ranges[1].maximum, 31);
}

static void test_choices_of_nothing(void **state)
{
    (void)state;
    update_flags(&world.update, "a", VARIABLE_RW, 0);
    update_enum(&world.update, "a", "1");
    update_range(&world.update, "a", 1, 2);
    assert_false(apply());
    assert_null(ups_variable(world.ups, "a"));
    /* A variable that vanished takes its choices along. */
    tell_choices();
    update_unset(&world.update, "a");
    update_set(&world.update, "a", "1");
    assert_true(apply());
    assert_int_equal(ups_variable(world.ups, "a")->flags, 0);
    assert_int_equal(ups_variable(world.ups, "a")->choices->enum_count, 0);
}

static void test_commands(void **state)
{
    (void)state;
    update_command(&world.update, "load.on");
    update_command(&world.update, "Beeper.mute");
    update_command(&world.update, "load.off");
    update_command(&world.update, "LOAD.OFF");
    assert_true(apply());
    assert_int_equal(world.ups->command_count, 3);
    assert_string_equal(world.ups->commands[0], "Beeper.mute");
    assert_string_equal(world.ups->commands[1], "load.off");
    assert_string_equal(world.ups->commands[2], "load.on");
    assert_string_equal(ups_command_name(world.ups, "beeper.MUTE"), "Beeper.mute");
    assert_null(ups_command_name(world.ups, "load"));
    update_command(&world.update, "load.on");
    assert_false(apply());
    update_uncommand(&world.update, "Load.On");
    assert_true(apply());
    assert_int_equal(world.ups->command_count, 2);
    assert_null(ups_command_name(world.ups, "load.on"));
    update_uncommand(&world.update, "load.on");
    assert_false(apply());
}

static void test_a_complete_batch_removes_the_rest(void **state)
{
    (void)state;
    tell_choices();
    update_command(&world.update, "c");
    update_command(&world.update, "d");
    assert_true(apply());
    tell_choices();
    update_command(&world.update, "d");
    assert_true(apply_complete());
    assert_int_equal(world.ups->variable_count, 2);
    assert_null(ups_value(world.ups, "ups.status"));
    assert_int_equal(world.ups->command_count, 1);
    assert_string_equal(world.ups->commands[0], "d");
    tell_choices();
    update_command(&world.update, "D");
    assert_false(apply_complete());
    assert_int_equal(ups_variable(world.ups, "a")->choices->enum_count, 2);
    /* What is told without flags has none any more: another driver may serve the device now. */
    update_set(&world.update, "a", "1");
    update_set(&world.update, "b", "5");
    update_command(&world.update, "d");
    assert_true(apply_complete());
    assert_int_equal(ups_variable(world.ups, "a")->flags, 0);
    assert_int_equal(ups_variable(world.ups, "a")->length, 0);
    assert_int_equal(ups_variable(world.ups, "a")->choices->enum_count, 0);
    assert_int_equal(ups_variable(world.ups, "b")->choices->range_count, 0);
    assert_true(apply_complete());
    assert_int_equal(world.ups->variable_count, 0);
    assert_int_equal(world.ups->command_count, 0);
    assert_false(apply_complete());
}

/* A device that never stops naming new things must not take all memory. */
static void test_bounds(void **state)
{
    char name[32];

    (void)state;
    for (int i = 0; i < UPS_VARIABLES_MAX + 10; i++) {
        snprintf(name, sizeof name, "x.%d", i);
        update_set(&world.update, name, "1");
    }
    for (int i = 0; i < UPS_COMMANDS_MAX + 10; i++) {
        snprintf(name, sizeof name, "c.%d", i);
        update_command(&world.update, name);
    }
    for (int i = 0; i < UPS_CHOICES_MAX + 10; i++) {
        snprintf(name, sizeof name, "%d", i);
        update_enum(&world.update, "x.1", name);
        update_range(&world.update, "x.1", i, i);
    }
    assert_true(apply());
    assert_int_equal(world.ups->variable_count, UPS_VARIABLES_MAX);
    assert_int_equal(world.ups->command_count, UPS_COMMANDS_MAX);
    assert_int_equal(ups_variable(world.ups, "x.1")->choices->enum_count, UPS_CHOICES_MAX);
    assert_int_equal(ups_variable(world.ups, "x.1")->choices->range_count, UPS_CHOICES_MAX);
    /* What is there already still changes, and what vanishes makes room. */
    update_set(&world.update, "x.1", "2");
    update_set(&world.update, "y", "1");
    update_unset(&world.update, "x.2");
    update_set(&world.update, "z", "1");
    assert_true(apply());
    assert_string_equal(ups_value(world.ups, "x.1"), "2");
    assert_null(ups_value(world.ups, "y"));
    assert_string_equal(ups_value(world.ups, "z"), "1");
}

/* Values move about in their block as they grow and vanish: each must stay what it was told to be.
 */
static void test_values_that_grow_and_vanish(void **state)
{
    enum { VARIABLES = 40, STEPS = 4000 };
    static char expected[VARIABLES][UPDATE_VALUE_MAX + 1];
    char name[32];
    unsigned random = 1;

    (void)state;
    memset(expected, 0, sizeof expected);
    for (int step = 0; step < STEPS; step++) {
        random = random * 1103515245u + 12345u;
        unsigned which = (random >> 16) % VARIABLES;
        unsigned length = (random >> 8) % (step % 100 == 0 ? UPDATE_VALUE_MAX : 12);

        memset(expected[which], 0, sizeof expected[which]);
        memset(expected[which], 'a' + step % 26, length);
        snprintf(name, sizeof name, "x.%u", which);
        if (length == 0)
            update_unset(&world.update, name);
        else
            update_set(&world.update, name, expected[which]);
        apply();
        for (unsigned i = 0; i < VARIABLES; i++) {
            snprintf(name, sizeof name, "x.%u", i);
            const char *value = ups_value(world.ups, name);
            assert_string_equal(value == NULL ? "" : value, expected[i]);
        }
    }
    /* What they left behind was reclaimed. */
    assert_in_range(world.ups->texts_size, 1, 2 * VARIABLES * (UPDATE_VALUE_MAX + 1));
}

static void test_devices_share_names(void **state)
{
    struct ups *other = ups_add(world.store, "v", NULL);

    (void)state;
    assert_int_equal(name_count(), 0);
    update_set(&world.update, "driver.parameter.port", "one");
    update_set(&world.update, "battery.charge", "1");
    update_enum(&world.update, "battery.charge", "eleven");
    update_command(&world.update, "own.command");
    update_command(&world.update, "load.off");
    ups_amend(world.store, other, &world.update);
    assert_true(apply());
    assert_ptr_equal(ups_variable(other, "driver.parameter.port")->name,
                     ups_variable(world.ups, "driver.parameter.port")->name);
    assert_ptr_equal(ups_variable(other, "battery.charge")->choices->enums[0],
                     ups_variable(world.ups, "battery.charge")->choices->enums[0]);
    assert_ptr_equal(ups_command_name(other, "own.command"),
                     ups_command_name(world.ups, "own.command"));
    assert_int_equal(name_count(), 3);
    ups_remove(world.store, other);
    assert_int_equal(name_count(), 3);
    assert_string_equal(ups_command_name(world.ups, "own.command"), "own.command");
    update_unset(&world.update, "driver.parameter.port");
    update_unset(&world.update, "battery.charge");
    update_uncommand(&world.update, "own.command");
    assert_true(apply());
    assert_int_equal(name_count(), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values),
        TEST(test_the_last_word_of_a_batch_counts),
        TEST(test_variables_stay_sorted),
        TEST(test_choices),
        TEST(test_telling_choices_again_is_no_change),
        TEST(test_choices_of_nothing),
        TEST(test_commands),
        TEST(test_a_complete_batch_removes_the_rest),
        TEST(test_bounds),
        TEST(test_values_that_grow_and_vanish),
        TEST(test_devices_share_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
