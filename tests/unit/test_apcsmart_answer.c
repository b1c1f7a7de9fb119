/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/apcsmart/answer.h"
#include "drivers/apcsmart/tables.h"
#include "tests/unit/unit.h"

#include <string.h>

/* Lines: how many the text makes, of which the last is kept. */
static unsigned feed(struct apc_answer *answer, enum apc_kind kind, const char *text, size_t length)
{
    unsigned lines = 0;

    *answer = (struct apc_answer){ .kind = kind };
    for (size_t i = 0; i < length; i++) {
        if (apc_answer_take(answer, text[i]))
            lines++;
    }
    return lines;
}

#define FEED(answer, kind, text) feed(answer, kind, text, sizeof(text) - 1)

static void test_alerts_amid_an_answer(void **state)
{
    struct apc_answer answer;

    (void)state;
    assert_int_equal(FEED(&answer, APC_DATA, "\r\n23!6.%1\n"), 1);
    assert_string_equal(answer.text, "236.1");
    assert_int_equal(answer.alerts, APC_ALERT_ON_BATTERY | APC_ALERT_BATTERY_LOW);
    assert_int_equal(FEED(&answer, APC_ORDER, "*\n"), 1);
    assert_string_equal(answer.text, "*");
    assert_int_equal(answer.alerts, 0);
    assert_int_equal(FEED(&answer, APC_DATA, "*\r\n"), 0);
    assert_int_equal(answer.alerts, APC_ALERT_TURNS_OFF);
    assert_int_equal(FEED(&answer, APC_COMMAND_SET, "3.!$%+?=#|.QY\n"), 1);
    assert_int_equal(answer.alerts, 0);
    assert_int_equal(FEED(&answer, APC_CAPABILITIES, "#uD4!3127\n"), 1);
    assert_string_equal(answer.text, "#uD43127");
    assert_int_equal(answer.alerts, APC_ALERT_ON_BATTERY);
}

static void test_a_flood_is_no_answer(void **state)
{
    struct apc_answer answer = { .kind = APC_DATA };

    (void)state;
    for (size_t i = 0; i < 2 * APC_ANSWER_MAX; i++)
        assert_false(apc_answer_take(&answer, 'x'));
    assert_true(answer.is_too_long);
    assert_int_equal(strlen(answer.text), APC_ANSWER_MAX);
}

static const char *value_of(enum apc_shape shape, const char *answer, size_t length)
{
    static char value[64];

    return apc_value(shape, answer, length, value, sizeof value) ? value : NULL;
}

#define VALUE(shape, answer) value_of(shape, answer, sizeof(answer) - 1)

static void test_values(void **state)
{
    (void)state;
    assert_string_equal(VALUE(APC_NUMBER, "027.4"), "027.4");
    assert_string_equal(VALUE(APC_MINUTES, "0062:"), "3720");
    assert_string_equal(VALUE(APC_MINUTES, "02"), "120");
    assert_string_equal(VALUE(APC_HOURS, "336"), "1209600");
    assert_string_equal(VALUE(APC_HOURS, "OFF "), "0");
    assert_string_equal(VALUE(APC_SERIAL, "JS1501113445\0\0"), "JS1501113445");
    assert_string_equal(VALUE(APC_SERIAL, "AS0537230534("), "AS0537230534");
    assert_string_equal(VALUE(APC_TEXT, "SMART-UPS 420   "), "SMART-UPS 420");
    assert_string_equal(VALUE(APC_REASON, "R"), "unacceptable utility voltage rate of change");
    assert_string_equal(VALUE(APC_DATE, "09/06/05"), "09/06/05");
}

static void test_what_is_no_value(void **state)
{
    (void)state;
    assert_null(VALUE(APC_NUMBER, ""));
    assert_null(VALUE(APC_NUMBER, "--.-"));
    assert_null(VALUE(APC_NUMBER, "236.1236.1"));
    assert_null(VALUE(APC_NUMBER, "236."));
    assert_null(VALUE(APC_NUMBER, "L236.1"));
    assert_null(VALUE(APC_NUMBER, "2\x80"
                                  "36"));
    assert_null(VALUE(APC_NUMBER, "23\0"
                                  "6"));
    assert_null(VALUE(APC_INTEGER, "24.0"));
    assert_null(VALUE(APC_MINUTES, "SM"));
    assert_null(VALUE(APC_HEX, "F"));
    assert_null(VALUE(APC_DATE, "09-06-05"));
    assert_null(VALUE(APC_RESULT, "SM"));
    assert_null(VALUE(APC_REASON, "Q"));
    assert_null(VALUE(APC_SERIAL, "NA("));
    assert_null(VALUE(APC_TEXT, "Smart\x1b[2J"));
    assert_null(VALUE(APC_TEXT, "   "));
}

static const char *status_of(const char *answer)
{
    static char status[64];

    return apc_status(answer, strlen(answer), status, sizeof status, NULL) ? status : NULL;
}

static void test_status(void **state)
{
    (void)state;
    assert_string_equal(status_of("08"), "OL");
    assert_string_equal(status_of("50"), "OB LB");
    assert_string_equal(status_of("0A"), "TRIM OL");
    assert_string_equal(status_of("89"), "CAL OL RB");
    assert_string_equal(status_of("00"), "OFF");
    assert_string_equal(status_of("02"), "OFF TRIM");
    static const char *const none[] = { "", "8", "080", "0x8", "18", "0E", "OK", "SM", "-8", " 8" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_null(status_of(none[i]));
}

static void test_command_set(void **state)
{
    struct apc_command_set set;
    static const char newer[] = "4.!$%+?=*#|\x04.\x01\x05QYZ~.\x81:\xd0";

    (void)state;
    assert_true(apc_command_set_read(&set, newer, sizeof newer - 1));
    assert_true(apc_command_set_has(&set, '\x01') && apc_command_set_has(&set, '~'));
    assert_false(apc_command_set_has(&set, '\x81') || apc_command_set_has(&set, '!'));
    static const char *const none[] = { "", "NA", ".!$?.3", "3.!$", "3.!$.", "3.!$.ABC", "3" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(apc_command_set_read(&set, none[i], strlen(none[i])));
    assert_false(set.is_told);
    assert_true(apc_command_set_of_firmware(&set, "0XI"));
    assert_true(apc_command_set_has(&set, '^'));
    assert_false(apc_command_set_of_firmware(&set, "ZZZ"));
}

static void test_capabilities(void **state)
{
    static struct apc_capabilities all;
    static const char text[] = "#uD43127130133136#uA43108110112114uI43253257261265e44200155090"
                               "s441HMLLE443336168ON OFF";

    (void)state;
    assert_true(apc_capabilities_read(&all, text, strlen(text), 'I'));
    assert_int_equal(all.count, 4);
    const struct apc_capability *high = apc_capability_find(&all, 'u');
    assert_int_equal(high->count, 4);
    assert_string_equal(high->choices[3], "265");
    assert_string_equal(apc_capability_find(&all, 'E')->choices[2], "ON");
    assert_string_equal(apc_capability_find(&all, 's')->choices[3], "L");
    assert_null(apc_capability_find(&all, 'l'));
    /* Wherever it is cut, nothing past its end is read, and records are whole or none. */
    for (size_t length = 0; length < strlen(text); length++) {
        if (!apc_capabilities_read(&all, text, length, 'I'))
            assert_int_equal(all.count, 0);
    }
    assert_false(apc_capabilities_read(&all, "uD-3127", 7, 'D'));
    assert_false(apc_capabilities_read(&all, "uD4z127", 7, 'D'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alerts_amid_an_answer),
        cmocka_unit_test(test_a_flood_is_no_answer),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_is_no_value),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_command_set),
        cmocka_unit_test(test_capabilities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
