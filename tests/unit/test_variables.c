/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/variables.h"

#include "tests/unit/unit.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What real UPSes were recorded to say (all names of all recordings this project has). */
static const char *const recorded[] = {
    "battery.capacity",
    "battery.charge",
    "battery.charge.low",
    "battery.charge.restart",
    "battery.charge.warning",
    "battery.charger.status",
    "battery.date",
    "battery.energysave",
    "battery.mfr.date",
    "battery.protection",
    "battery.runtime",
    "battery.runtime.low",
    "battery.temperature",
    "battery.type",
    "battery.voltage",
    "battery.voltage.nominal",
    "device.mfr",
    "device.model",
    "device.serial",
    "device.type",
    "driver.name",
    "driver.parameter.pollfreq",
    "driver.parameter.pollinterval",
    "driver.parameter.port",
    "driver.parameter.product",
    "driver.parameter.productid",
    "driver.parameter.serial",
    "driver.parameter.synchronous",
    "driver.parameter.vendor",
    "driver.parameter.vendorid",
    "driver.state",
    "driver.version",
    "driver.version.data",
    "driver.version.internal",
    "driver.version.usb",
    "input.L1-N.voltage",
    "input.L1.frequency",
    "input.L2-N.voltage",
    "input.L2.frequency",
    "input.L3-N.voltage",
    "input.L3.frequency",
    "input.bypass.L1-N.voltage",
    "input.bypass.L2-N.voltage",
    "input.bypass.L3-N.voltage",
    "input.bypass.frequency",
    "input.bypass.phases",
    "input.bypass.voltage",
    "input.current",
    "input.frequency",
    "input.frequency.nominal",
    "input.phases",
    "input.sensitivity",
    "input.transfer.boost.low",
    "input.transfer.high",
    "input.transfer.low",
    "input.transfer.reason",
    "input.transfer.trim.high",
    "input.voltage",
    "input.voltage.nominal",
    "outlet.1.desc",
    "outlet.1.id",
    "outlet.1.status",
    "outlet.1.switchable",
    "outlet.2.desc",
    "outlet.2.id",
    "outlet.2.status",
    "outlet.2.switchable",
    "outlet.desc",
    "outlet.id",
    "outlet.switchable",
    "output.L1-N.voltage",
    "output.L1.current",
    "output.L1.power.percent",
    "output.L2-N.voltage",
    "output.L2.current",
    "output.L2.power.percent",
    "output.L3-N.voltage",
    "output.L3.current",
    "output.L3.power.percent",
    "output.current",
    "output.frequency",
    "output.frequency.nominal",
    "output.phases",
    "output.power",
    "output.powerfactor",
    "output.realpower",
    "output.voltage",
    "output.voltage.nominal",
    "ups.alarm",
    "ups.beeper.status",
    "ups.date",
    "ups.delay.shutdown",
    "ups.delay.start",
    "ups.efficiency",
    "ups.firmware",
    "ups.firmware.aux",
    "ups.load",
    "ups.load.high",
    "ups.mfr",
    "ups.mfr.date",
    "ups.model",
    "ups.power",
    "ups.power.nominal",
    "ups.productid",
    "ups.realpower",
    "ups.realpower.nominal",
    "ups.serial",
    "ups.shutdown",
    "ups.start.auto",
    "ups.start.battery",
    "ups.start.reboot",
    "ups.status",
    "ups.temperature",
    "ups.test.interval",
    "ups.test.result",
    "ups.time",
    "ups.timer.reboot",
    "ups.timer.shutdown",
    "ups.timer.start",
    "ups.type",
    "ups.vendorid",
    "ups.watchdog.status",
};

static const char *const phases[] = { "L1",   "L2",   "L3",    "N",     "L1-N",
                                      "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1" };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void check_description(const char *name, const char *description)
{
    if (description == NULL || strlen(description) < 5 || strlen(description) > 100)
        fail_msg("%s: no description, or an odd one", name);
    if (description[0] < 'A' || description[0] > 'Z')
        fail_msg("%s: \"%s\" does not begin like a sentence", name, description);
    if (strpbrk(description, "\"\\#\n") != NULL)
        fail_msg("%s: \"%s\" would have to be escaped", name, description);
}

static void check_name(const char *name)
{
    assert_true(strlen(name) < 64);
    for (const char *c = name; *c != '\0'; c++)
        if (strchr("abcdefghijklmnopqrstuvwxyz.-#*", *c) == NULL)
            fail_msg("%s: '%c' is in no name", name, *c);
}

static void variables_are_sorted(void **state)
{
    size_t count;
    const struct variable_info *table = variable_table(&count);

    (void)state;
    assert_true(count > 300);
    for (size_t i = 1; i < count; i++)
        if (strcmp(table[i - 1].name, table[i].name) >= 0)
            fail_msg("%s stands before %s", table[i - 1].name, table[i].name);
}

static void commands_are_sorted(void **state)
{
    size_t count;
    const struct command_info *table = command_table(&count);

    (void)state;
    assert_true(count > 40);
    for (size_t i = 1; i < count; i++)
        if (strcmp(table[i - 1].name, table[i].name) >= 0)
            fail_msg("%s stands before %s", table[i - 1].name, table[i].name);
}

static void rows_are_sound(void **state)
{
    size_t count;
    const struct variable_info *variables = variable_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const struct variable_info *info = &variables[i];

        check_name(info->name);
        check_description(info->name, info->description);
        if (info->type == TYPE_NUMBER ? !(info->minimum < info->maximum)
                                      : info->minimum != 0 || info->maximum != 0)
            fail_msg("%s: range %g to %g", info->name, info->minimum, info->maximum);
        if (info->type == TYPE_TEXT && info->unit != UNIT_NONE)
            fail_msg("%s: a text with a unit", info->name);
    }
    const struct command_info *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        check_name(commands[i].name);
        check_description(commands[i].name, commands[i].description);
    }
}

/* A name that a row stands for: each '#' and '*' replaced. */
static void fill_in(const char *pattern, const char *number, const char *ending, char *out)
{
    for (; *pattern != '\0'; pattern++) {
        const char *put = *pattern == '#' ? number : ending;

        if (*pattern == '#' || *pattern == '*') {
            strcpy(out, put);
            out += strlen(put);
        } else
            *out++ = *pattern;
    }
    *out = '\0';
}

static void shout(char *name)
{
    for (; *name != '\0'; name++)
        if (*name >= 'a' && *name <= 'z')
            *name = (char)(*name - 'a' + 'A');
}

static void every_row_is_found(void **state)
{
    static const char *const numbers[] = { "0", "1", "12", "001", "4294967296" };
    size_t count;
    const struct variable_info *table = variable_table(&count);
    char name[256];

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < COUNT_OF(numbers); n++)
            for (size_t p = 0; p < COUNT_OF(phases); p++) {
                fill_in(table[i].name, numbers[n], phases[p], name);
                if (variable_find(name) != &table[i])
                    fail_msg("%s is not found as %s", name, table[i].name);
            }
        shout(name);
        assert_ptr_equal(variable_find(name), &table[i]);
    }
    const struct command_info *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        fill_in(commands[i].name, "3", "", name);
        if (command_find(name) != &commands[i])
            fail_msg("%s is not found", name);
        shout(name);
        assert_ptr_equal(command_find(name), &commands[i]);
    }
}

static void strange_names_are_not_found(void **state)
{
    static const char *const strange[] = {
        "",
        ".",
        "..",
        "ups",
        "ups.",
        ".ups.status",
        "ups.status.",
        "ups..status",
        " ups.status",
        "ups.status ",
        "ups.statu",
        "ups.statuss",
        "outlet.#.status",
        "outlet.x.status",
        "outlet.1a.status",
        "outlet.-1.status",
        "outlet.1.1.status",
        "input.*.voltage",
        "input.L4.voltage",
        "input.L1-L3.voltage",
        "input.L.voltage",
        "input.N-L1.voltage",
        "input.L1..voltage",
        "L1",
        "1",
        "driver",
        "driver.",
        "driver.parameter",
        "driver.parameter.",
        "driver.parameter.*",
        "driver.flag.",
        "driver.version.other",
        "drivers.parameter.port",
        "battery.charge\377",
        "\377\376",
    };
    char name[1001];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(strange); i++)
        if (variable_find(strange[i]) != NULL || command_find(strange[i]) != NULL)
            fail_msg("\"%s\" is found", strange[i]);

    /* Any length, at and around every limit, in names that are one part or all dots. */
    for (size_t length = 0; length < sizeof name; length++) {
        memset(name, 'a', length);
        name[length] = '\0';
        assert_null(variable_find(name));
        memset(name, '.', length);
        assert_null(variable_find(name));
        memset(name, '1', length);
        assert_null(command_find(name));
    }
}

static void driver_names_have_any_ending(void **state)
{
    const struct variable_info *parameter = variable_find("driver.parameter.port");
    char name[200] = "driver.parameter.";

    (void)state;
    assert_non_null(parameter);
    assert_string_equal(parameter->name, "driver.parameter.*");
    assert_ptr_equal(variable_find("driver.parameter.x"), parameter);
    assert_ptr_equal(variable_find("driver.parameter.1"), parameter);
    assert_ptr_equal(variable_find("driver.parameter.L1"), parameter);
    assert_ptr_equal(variable_find("Driver.Parameter.default.battery.charge"), parameter);
    assert_string_equal(variable_find("driver.flag.ignorelb")->name, "driver.flag.*");

    memset(name + 17, 'x', sizeof name - 18);
    for (size_t length = 18; length < sizeof name; length++) {
        name[length] = '\0';
        if (length <= 127)
            assert_ptr_equal(variable_find(name), parameter);
        else
            assert_null(variable_find(name));
        name[length] = 'x';
    }
}

static void recorded_names_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(recorded); i++)
        if (variable_find(recorded[i]) == NULL)
            fail_msg("%s is not in the vocabulary", recorded[i]);
}

/* Units and ranges that both faces build on. */
static void units_are_right(void **state)
{
    static const struct {
        const char *name;
        enum variable_type type;
        enum variable_unit unit;
        double minimum, maximum;
    } expected[] = {
        { "battery.charge", TYPE_NUMBER, UNIT_PERCENT, 0, 100 },
        { "battery.runtime", TYPE_NUMBER, UNIT_SECOND, 0, 1e9 },
        { "battery.voltage", TYPE_NUMBER, UNIT_VOLT, 0, 2000 },
        { "battery.current", TYPE_NUMBER, UNIT_AMPERE, -10000, 10000 },
        { "battery.temperature", TYPE_NUMBER, UNIT_CELSIUS, -100, 200 },
        { "battery.capacity", TYPE_NUMBER, UNIT_AMPERE_HOUR, 0, 100000 },
        { "battery.date", TYPE_TEXT, UNIT_NONE, 0, 0 },
        { "input.voltage", TYPE_NUMBER, UNIT_VOLT, 0, 1000 },
        { "input.L1-N.voltage", TYPE_NUMBER, UNIT_VOLT, 0, 1000 },
        { "input.bypass.L2.current", TYPE_NUMBER, UNIT_AMPERE, 0, 10000 },
        { "input.frequency", TYPE_NUMBER, UNIT_HERTZ, 0, 1000 },
        { "input.phases", TYPE_NUMBER, UNIT_NONE, 1, 3 },
        { "output.L3.power.percent", TYPE_NUMBER, UNIT_PERCENT, 0, 1000 },
        { "output.L3.power", TYPE_NUMBER, UNIT_VOLT_AMPERE, 0, 1e7 },
        { "output.powerfactor", TYPE_NUMBER, UNIT_NONE, -1, 1 },
        { "ups.load", TYPE_NUMBER, UNIT_PERCENT, 0, 1000 },
        { "ups.realpower", TYPE_NUMBER, UNIT_WATT, 0, 1e7 },
        { "ups.delay.shutdown", TYPE_NUMBER, UNIT_SECOND, -60, 1e9 },
        { "ups.timer.shutdown", TYPE_NUMBER, UNIT_SECOND, -60, 1e9 },
        { "ups.status", TYPE_TEXT, UNIT_NONE, 0, 0 },
        { "outlet.7.current", TYPE_NUMBER, UNIT_AMPERE, 0, 10000 },
        { "outlet.group.2.status", TYPE_TEXT, UNIT_NONE, 0, 0 },
        { "ambient.2.humidity", TYPE_NUMBER, UNIT_PERCENT, 0, 100 },
        { "ambient.temperature", TYPE_NUMBER, UNIT_CELSIUS, -100, 200 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        const struct variable_info *info = variable_find(expected[i].name);

        if (info == NULL || info->type != expected[i].type || info->unit != expected[i].unit ||
            info->minimum != expected[i].minimum || info->maximum != expected[i].maximum)
            fail_msg("%s", expected[i].name);
    }
}

static void units_have_texts(void **state)
{
    (void)state;
    assert_string_equal(variable_unit_text(UNIT_NONE), "");
    assert_string_equal(variable_unit_text(UNIT_VOLT), "V");
    assert_string_equal(variable_unit_text(UNIT_AMPERE), "A");
    assert_string_equal(variable_unit_text(UNIT_HERTZ), "Hz");
    assert_string_equal(variable_unit_text(UNIT_WATT), "W");
    assert_string_equal(variable_unit_text(UNIT_VOLT_AMPERE), "VA");
    assert_string_equal(variable_unit_text(UNIT_PERCENT), "%");
    assert_string_equal(variable_unit_text(UNIT_SECOND), "s");
    assert_string_equal(variable_unit_text(UNIT_CELSIUS), "C");
    assert_string_equal(variable_unit_text(UNIT_AMPERE_HOUR), "Ah");
}

static const struct {
    const char *text;
    double number;
} numbers[] = {
    { "0", 0 },
    { "-0", 0 },
    { "7", 7 },
    { "+7", 7 },
    { "-7", -7 },
    { "007", 7 },
    { "042.70", 42.7 },
    { "230.1", 230.1 },
    { "-0.001", -0.001 },
    { "49.9", 49.9 },
    { " 13.6", 13.6 },
    { "13.6 ", 13.6 },
    { "\t 13.6 \t", 13.6 },
    { "4294967296", 4294967296.0 },
    { "9007199254740993", 9007199254740992.0 },
    { "0.1", 0.1 },
    { "0.30000000000000004", 0.30000000000000004 },
    { "100000000000000000000", 1e20 },
    { "0.00000000000000000001", 1e-20 },
};

static void numbers_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        double number = NAN;

        if (!number_parse(numbers[i].text, &number) || number != numbers[i].number)
            fail_msg("\"%s\" is read as %.17g", numbers[i].text, number);
    }
}

static void anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",     " ",    "\t",    "+",        "-",      ".",    "-.",    "1.",
        ".5",   "-.5",  "1e5",   "1E5",      "1.5e-3", "nan",  "NaN",   "-nan",
        "inf",  "-inf", "+INF",  "infinity", "nan(1)", "0x10", "0x1p4", "x10",
        "10x",  "1 2",  "1- 2",  "--1",      "+-1",    "- 1",  "+ 1",   "1.2.3",
        "1..2", "1,5",  "1,000", "1'000",    "1_000",  "12V",  "12 V",  "50%",
        "<85",  "\n1",  "1\n",   "1\r",      "\v1",    "1\f",  "1\xa0", "\xef\xbc\x91",
        "on",   "#1",   "1.0f",  "0b1",      "1 .5",   "1. 5", "\"1\"", "1;",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        double number = 12345;

        if (number_parse(wrong[i], &number))
            fail_msg("\"%s\" is read as %g", wrong[i], number);
        assert_true(number == 12345);
    }
}

static void digits_without_end(void **state)
{
    static char text[300001];
    double number = 1;

    (void)state;
    memset(text, '9', sizeof text - 1);
    assert_false(number_parse(text, &number));

    /* The largest power of ten that a double holds, and the next. */
    memset(text, '0', sizeof text - 1);
    text[0] = '1';
    text[309] = '\0';
    assert_true(number_parse(text, &number));
    assert_true(fabs(number / 1e308 - 1) < 1e-12);
    text[309] = '0';
    text[310] = '\0';
    assert_false(number_parse(text, &number));

    /* Zeros and small fractions stay what they are, however long. */
    text[310] = '0';
    text[0] = '0';
    assert_true(number_parse(text, &number));
    assert_true(number == 0);
    text[1] = '.';
    text[sizeof text - 2] = '1';
    assert_true(number_parse(text, &number));
    assert_true(number >= 0 && number < 1e-300);
    text[0] = '5';
    assert_true(number_parse(text, &number));
    assert_true(number == 5);
}

/* Against strtod() in the C locale, with up to 15 digits, where both must be exact. */
static void numbers_agree_with_the_library(void **state)
{
    unsigned seed = 1;
    char text[64];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t used = 0;
        int whole, fraction;

        seed = seed * 1103515245u + 12345u;
        whole = 1 + (int)(seed >> 16) % 8;
        fraction = (int)(seed >> 20) % 8;
        if (seed & 0x10000)
            text[used++] = '-';
        for (int digit = 0; digit < whole + fraction; digit++) {
            if (digit == whole)
                text[used++] = '.';
            seed = seed * 1103515245u + 12345u;
            text[used++] = (char)('0' + (seed >> 16) % 10);
        }
        text[used] = '\0';

        double number = NAN;
        if (!number_parse(text, &number) || number != strtod(text, NULL))
            fail_msg("\"%s\" is read as %.17g", text, number);
    }
}

/* A decimal comma in the environment must change nothing. */
static void locale_is_ignored(void **state)
{
    static const char *const commas[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE",
                                          "fr_FR",       "de_DE.utf8",  "nl_NL.UTF-8" };
    const char *found = NULL;
    double number;

    (void)state;
    for (size_t i = 0; found == NULL && i < COUNT_OF(commas); i++)
        found = setlocale(LC_ALL, commas[i]);
    if (found == NULL)
        skip(); /* none is installed */
    bool point = number_parse("230.5", &number) && number == 230.5;
    bool comma = number_parse("230,5", &number);
    setlocale(LC_ALL, "C");
    assert_true(point);
    assert_false(comma);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_sorted),
        cmocka_unit_test(commands_are_sorted),
        cmocka_unit_test(rows_are_sound),
        cmocka_unit_test(every_row_is_found),
        cmocka_unit_test(strange_names_are_not_found),
        cmocka_unit_test(driver_names_have_any_ending),
        cmocka_unit_test(recorded_names_are_known),
        cmocka_unit_test(units_are_right),
        cmocka_unit_test(units_have_texts),
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(digits_without_end),
        cmocka_unit_test(numbers_agree_with_the_library),
        cmocka_unit_test(locale_is_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
