/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/answers.h"

#include "core/loop.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct loop *loop;
    struct ups_store *store;
    struct ups *ups;
    struct exhibit *exhibit;
    struct output output;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct update update = { 0 };

    fixture.loop = loop_new();
    fixture.store = ups_store_new(loop_base(fixture.loop), 600);
    fixture.ups = ups_add(fixture.store, "Alpha", NULL);
    fixture.exhibit = exhibit_new();
    fixture.output = (struct output){ 0 };
    update_set(&update, "ups.status", "OL");
    update_set(&update, "ups.id", "a\"b\\c#d");
    update_flags(&update, "ups.id", VARIABLE_RW | VARIABLE_STRING, 20);
    update_set(&update, "battery.charge", "100");
    update_command(&update, "test.battery.start");
    update_command(&update, "Beeper.mute");
    ups_apply(fixture.store, fixture.ups, &update);
    update_clear(&update);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    output_clear(&fixture->output);
    exhibit_free(fixture->exhibit);
    ups_store_free(fixture->store);
    loop_free(fixture->loop);
    return 0;
}

static const char *listing(struct fixture *fixture, enum listing kind, const char *name)
{
    output_reset(&fixture->output, 65536);
    answer_listing(&fixture->output, fixture->ups, fixture->exhibit, kind, name);
    output_bytes(&fixture->output, "", 1);
    assert_false(fixture->output.failed);
    return fixture->output.bytes;
}

static void set_value(struct fixture *fixture, const char *name, const char *value)
{
    struct update update = { 0 };

    update_set(&update, name, value);
    ups_apply(fixture->store, fixture->ups, &update);
    update_clear(&update);
}

static void test_listings(void **state)
{
    struct fixture *fixture = *state;

    assert_string_equal(listing(fixture, LISTING_VARIABLES, "Alpha"),
                        "BEGIN LIST VAR Alpha\n"
                        "VAR Alpha battery.charge \"100\"\n"
                        "VAR Alpha ups.id \"a\\\"b\\\\c\\#d\"\n"
                        "VAR Alpha ups.status \"OL\"\n"
                        "END LIST VAR Alpha\n");
    assert_string_equal(listing(fixture, LISTING_WRITABLE, "Alpha"),
                        "BEGIN LIST RW Alpha\n"
                        "RW Alpha ups.id \"a\\\"b\\\\c\\#d\"\n"
                        "END LIST RW Alpha\n");
    assert_string_equal(listing(fixture, LISTING_COMMANDS, "Alpha"),
                        "BEGIN LIST CMD Alpha\n"
                        "CMD Alpha Beeper.mute\n"
                        "CMD Alpha test.battery.start\n"
                        "END LIST CMD Alpha\n");
}

static void test_rendered_once_a_generation(void **state)
{
    struct fixture *fixture = *state;
    const struct rendering *kept = &fixture->exhibit->renderings[LISTING_VARIABLES];

    listing(fixture, LISTING_VARIABLES, "Alpha");
    assert_int_equal(kept->generation, fixture->ups->generation);
    /* What is kept is what is sent: a mark in it must come back. */
    kept->bytes[0] = 'b';
    assert_int_equal(listing(fixture, LISTING_VARIABLES, "Alpha")[0], 'b');
    set_value(fixture, "battery.charge", "99");
    assert_non_null(strstr(listing(fixture, LISTING_VARIABLES, "Alpha"), "charge \"99\"\n"));
    set_value(fixture, "battery.charge", "9");
    assert_non_null(strstr(listing(fixture, LISTING_VARIABLES, "Alpha"), "charge \"9\"\n"));
}

static void test_other_spelling_is_not_kept(void **state)
{
    struct fixture *fixture = *state;

    assert_non_null(strstr(listing(fixture, LISTING_VARIABLES, "ALPHA"), "VAR ALPHA ups.id"));
    assert_int_equal(fixture->exhibit->renderings[LISTING_VARIABLES].generation, 0);
    assert_non_null(strstr(listing(fixture, LISTING_VARIABLES, "Alpha"), "VAR Alpha ups.id"));
    assert_non_null(strstr(listing(fixture, LISTING_VARIABLES, "alpha"), "VAR alpha ups.id"));
}

static void test_without_exhibit(void **state)
{
    struct fixture *fixture = *state;

    answer_listing(&fixture->output, fixture->ups, NULL, LISTING_COMMANDS, "Alpha");
    assert_int_equal(memcmp(fixture->output.bytes, "BEGIN LIST CMD Alpha\n", 21), 0);
}

static void test_forced_shutdown(void **state)
{
    struct fixture *fixture = *state;

    listing(fixture, LISTING_VARIABLES, "Alpha");
    ups_force_shutdown(fixture->store, fixture->ups);
    assert_non_null(
        strstr(listing(fixture, LISTING_VARIABLES, "Alpha"), "ups.status \"FSD OL\"\n"));
    set_value(fixture, "ups.status", "FSD OB LB");
    assert_non_null(
        strstr(listing(fixture, LISTING_VARIABLES, "Alpha"), "ups.status \"FSD OB LB\"\n"));
    set_value(fixture, "ups.status", "NOFSD");
    assert_non_null(
        strstr(listing(fixture, LISTING_VARIABLES, "Alpha"), "ups.status \"FSD NOFSD\"\n"));
}

static void test_big_device(void **state)
{
    struct fixture *fixture = *state;
    struct update update = { 0 };
    char value[UPDATE_VALUE_MAX + 1];

    memset(value, '#', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];

        snprintf(name, sizeof name, "outlet.%u.desc", i);
        update_set(&update, name, value);
    }
    ups_apply(fixture->store, fixture->ups, &update);
    update_clear(&update);
    size_t length = strlen(listing(fixture, LISTING_VARIABLES, "Alpha"));
    assert_true(length > 1000 * 2 * UPDATE_VALUE_MAX);
    assert_string_equal(fixture->output.bytes + length - 19, "END LIST VAR Alpha\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_listings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rendered_once_a_generation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_spelling_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_exhibit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forced_shutdown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_big_device, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
