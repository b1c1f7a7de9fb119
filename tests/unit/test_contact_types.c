/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/contact/types.h"
#include "tests/unit/unit.h"

#include <string.h>

static const char *status_of(const struct contact_type *type, unsigned lines)
{
    static char status[32];

    contact_status(type, lines, status, sizeof status);
    return status;
}

static void test_status(void **state)
{
    char status[32];

    (void)state;
    assert_string_equal(status_of(&contact_types[1], 0), "OL");
    assert_string_equal(status_of(&contact_types[1], SERIAL_RI | SERIAL_DCD), "LB OB");
    assert_string_equal(status_of(&contact_types[23], SERIAL_CTS), "LB OL RB BYPASS");
    assert_string_equal(
        status_of(&contact_types[23], SERIAL_CTS | SERIAL_DCD | SERIAL_RI | SERIAL_DSR), "OL");
    assert_false(contact_status(&contact_types[1], 0, status, sizeof status));
    assert_true(contact_status(&contact_types[1], SERIAL_RI, status, sizeof status));
    assert_true(contact_status(&contact_types[1], SERIAL_DCD, status, sizeof status));
}

static void test_inputs(void **state)
{
    struct contact_input input;

    (void)state;
    assert_true(contact_read_input("-CTS", &input));
    assert_true(input.line == SERIAL_CTS && input.is_low);
    assert_true(contact_read_input("RNG", &input));
    assert_true(input.line == SERIAL_RI && !input.is_low);
    assert_true(contact_read_input("NULL", &input) && input.line == 0);
    static const char *const wrong[] = { "", "-", "--CTS", "CTS+DCD", "DTR", "-NULL", "cts " };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(contact_read_input(wrong[i], &input));
}

static void test_outputs(void **state)
{
    struct contact_type type = contact_types[0];
    unsigned lines;

    (void)state;
    assert_true(contact_read_power("RTS+DTR", &lines) && lines == (SERIAL_DTR | SERIAL_RTS));
    assert_true(contact_read_power("none", &lines) && lines == 0);
    static const char *const wrong[] = { "", "DTR+", "DTRRTS", "CTS", "ST", "-DTR" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(contact_read_power(wrong[i], &lines));
    type.power = SERIAL_DTR | SERIAL_RTS;
    assert_true(contact_read_off("-RTS", &type));
    assert_true(type.off == CONTACT_OFF_LINES && type.off_lines == SERIAL_DTR);
    assert_true(contact_read_off("ST", &type) && type.off == CONTACT_OFF_BREAK);
    assert_true(contact_read_off("none", &type) && type.off == CONTACT_OFF_NONE);
    assert_false(contact_read_off("RTS+ST", &type));
}

/* No cable may be fed by what turns the load off, nor say one thing by two lines. */
static void test_the_table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONTACT_TYPES; i++) {
        const struct contact_type *type = &contact_types[i];

        assert_true(type->vendor != NULL && type->model != NULL);
        assert_true(type->on_line.line != 0 && type->on_line.line != type->low_battery.line);
        assert_true(type->off != CONTACT_OFF_LINES || type->off_lines != type->power);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_the_table_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
