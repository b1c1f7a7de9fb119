/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/megatec/options.h"
#include "drivers/megatec/readings.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GOOD_STATUS "(230.1 229.9 231.0 035 50.0 27.3 25.5 00001001"

/* Lines -------------------------------------------------------------------------------------- */

static enum megatec_verdict read_line(const char *line, struct megatec_answer *answer)
{
    return megatec_answer_read("Q1", MEGATEC_FIELDS, '(', line, strlen(line), answer);
}

static void test_what_is_no_answer(void **state)
{
    static const struct {
        const char *line;
        enum megatec_verdict verdict;
    } rows[] = {
        { GOOD_STATUS, MEGATEC_GOOD },
        { "\n" GOOD_STATUS, MEGATEC_GOOD },
        { "(" GOOD_STATUS, MEGATEC_GOOD },
        { "( 230.1 229.9", MEGATEC_GOOD },
        { "", MEGATEC_SILENT },
        { "\n", MEGATEC_SILENT },
        { "Q1", MEGATEC_ECHOED },
        { "NAK", MEGATEC_REFUSED },
        { "(NAK", MEGATEC_REFUSED },
        { "nak", MEGATEC_REFUSED },
        { "NA", MEGATEC_REFUSED },
        { "#230.0 004 036.0 50.0", MEGATEC_MALFORMED },
        { "230.1 229.9 231.0 035 50.0 27.3 25.5 00001001", MEGATEC_MALFORMED },
        { "(230.1 \xff\xfe 231.0", MEGATEC_MALFORMED },
        { "(", MEGATEC_MALFORMED },
    };
    struct megatec_answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (read_line(rows[i].line, &answer) != rows[i].verdict)
            fail_msg("row %zu: %s", i, rows[i].line);
    }
}

static void test_nul_for_zero(void **state)
{
    static const char bits[] = "(231.0 000.0 231.0 016 49.0 27.0 20.8 00001\0\0\0";
    static const char middle[] = "(231.0 0\0 231.0";
    struct megatec_answer answer;

    (void)state;
    assert_int_equal(megatec_answer_read("Q1", MEGATEC_FIELDS, '(', bits, sizeof bits - 1, &answer),
                     MEGATEC_GOOD);
    assert_string_equal(answer.fields[7], "00001000");
    assert_int_equal(
        megatec_answer_read("Q1", MEGATEC_FIELDS, '(', middle, sizeof middle - 1, &answer),
        MEGATEC_MALFORMED);
}

static void test_numbers(void **state)
{
    double number = 0;

    (void)state;
    assert_int_equal(megatec_number_read("027.30", &number), MEGATEC_NUMBER);
    assert_float_equal(number, 27.3, 1e-9);
    assert_int_equal(megatec_number_read("-05.5", &number), MEGATEC_NUMBER);
    assert_int_equal(megatec_number_read("--.-", &number), MEGATEC_ABSENT);
    assert_int_equal(megatec_number_read("---.-", &number), MEGATEC_ABSENT);
    assert_int_equal(megatec_number_read("***", &number), MEGATEC_ABSENT);
    assert_int_equal(megatec_number_read("2?0.0", &number), MEGATEC_WRONG);
    assert_int_equal(megatec_number_read("2.3.0", &number), MEGATEC_WRONG);
    assert_int_equal(megatec_number_read("nan", &number), MEGATEC_WRONG);
    assert_int_equal(megatec_number_read("1e3", &number), MEGATEC_WRONG);
}

static void test_bytes_of_voltronic_p(void **state)
{
    static const char line[] = "#\x6C\x01 \x35 \x6C\x01 \x35 \x03 \x51\x9A \x28\x02\x12\xD0 \xE6 "
                               "\x1E \x09";
    static const char *const fields[] = { "112.2", "---.-", "112.2", "3",
                                          "59.8",  "13.53", "--.-",  "00001001" };
    struct megatec_answer answer;

    (void)state;
    assert_int_equal(megatec_answer_read("QS", MEGATEC_BINARY, '#', line, sizeof line - 1, &answer),
                     MEGATEC_GOOD);
    assert_int_equal(answer.count, 8);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(answer.fields[i], fields[i]);
    for (size_t length = 1; length < sizeof line - 1; length++)
        assert_int_not_equal(megatec_answer_read("QS", MEGATEC_BINARY, '#', line, length, &answer),
                             MEGATEC_GOOD);
}

/* Readings ----------------------------------------------------------------------------------- */

static struct {
    struct megatec_image image;
    struct megatec_battery battery;
    struct update update;
} unit;

static int begin(void **state)
{
    (void)state;
    memset(&unit, 0, sizeof unit);
    unit.image.battery = &unit.battery;
    megatec_image_begin(&unit.image);
    return 0;
}

static int end(void **state)
{
    (void)state;
    update_clear(&unit.update);
    return 0;
}

static const char *value(const char *name)
{
    struct update_item item;
    const char *found = "";

    for (size_t cursor = 0; update_next(&unit.update, &cursor, &item);) {
        if (strcmp(item.name, name) == 0)
            found = item.kind == UPDATE_SET ? item.value : "";
    }
    return found;
}

/* NULL: it was taken. */
static const char *take(const struct megatec_question *question, const char *line)
{
    struct megatec_answer answer;
    const char *problem = NULL;

    if (megatec_answer_read(question->query, question->form, question->lead, line, strlen(line),
                            &answer) != MEGATEC_GOOD)
        return "no answer";
    megatec_image_take(&unit.image, question, &answer, &unit.update, &problem);
    return problem;
}

static const char *take_status(const char *line)
{
    return take(megatec_dialect_status(&megatec_dialect_megatec), line);
}

static void test_answers_that_become_no_reading(void **state)
{
    static const char *const rows[] = {
        "(230.1 229.9 231.0 035 50.0 27.3 25.5 0000100",
        "(230.1 229.9 231.0 035 50.0 27.3 25.5 00001002",
        "(230.1 229.9 231.0 035 50.0 27.3 25.5",
        "(230.1 229.9 231.0 035 50.0 27.3 00001001",
        "(230.1 229.9 231.0 035 50.0 27.3 25.5 00001001(230.1 229.9 231.0 035 50.0",
        "(230.1 229.9 231.0 0x5 50.0 27.3 25.5 00001001",
        "(000.0 000.0 000.0 000 00.0 0.00 00.0 00000000",
        "(234.9 50.0 229.8 50.0 000.0 000 369.1 ---.- 026.5 ---.- 018.8 100000000001",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (take_status(rows[i]) == NULL)
            fail_msg("taken: %s", rows[i]);
        assert_false(megatec_image_publish(&unit.image, 1, &unit.update));
        assert_int_equal(unit.update.used, 0);
    }
}

static void test_absent_fields_are_not_zero(void **state)
{
    (void)state;
    assert_null(take_status("(230.1 ---.- 231.0 *** 50.0 27.3 --.- 00001001"));
    assert_true(megatec_image_publish(&unit.image, 1, &unit.update));
    assert_string_equal(value("input.voltage"), "230.1");
    assert_string_equal(value("ups.temperature"), "");
    assert_string_equal(value("ups.load"), "");
    assert_string_equal(value("input.voltage.fault"), "");
}

static void test_status_of_bits(void **state)
{
    static const struct {
        const char *input, *output, *bits, *status, *alarm;
    } rows[] = {
        { "230.0", "230.0", "00001000", "OL", "" },
        { "000.0", "230.0", "10001000", "OB", "" },
        { "000.0", "230.0", "11001000", "OB LB", "" },
        { "250.0", "230.0", "00101000", "OL TRIM", "" },
        { "200.0", "230.0", "00101000", "OL BOOST", "" },
        { "230.0", "230.0", "00101000", "OL BYPASS", "" },
        { "230.0", "100.0", "00101000", "OL", "" },
        { "200.0", "230.0", "00100000", "OL BYPASS", "" },
        { "230.0", "230.0", "00001100", "OL CAL", "" },
        { "230.0", "230.0", "00011000", "OL", "UPS selftest failed!" },
        { "230.0", "230.0", "00001010", "OL", "Shutdown imminent!" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[100];

        snprintf(line, sizeof line, "(%s 000.0 %s 035 50.0 27.3 25.5 %s", rows[i].input,
                 rows[i].output, rows[i].bits);
        assert_null(take_status(line));
        assert_true(megatec_image_publish(&unit.image, 1, &unit.update));
        assert_string_equal(value("ups.status"), rows[i].status);
        assert_string_equal(value("ups.alarm"), rows[i].alarm);
    }
    unit.image.ignores_shutdown_bit = true;
    assert_true(megatec_image_publish(&unit.image, 1, &unit.update));
    assert_string_equal(value("ups.alarm"), "");
}

static void test_a_voltronic(void **state)
{
    const struct megatec_item *items = megatec_dialect_voltronic.items;

    (void)state;
    assert_null(take(items[0].question, "(000.0 00.0 229.8 50.0 001.0 012 369.1 ---.- 026.5 ---.- "
                                        "018.8 101100000001"));
    assert_null(take(items[1].question, "(B"));
    assert_non_null(take(items[1].question, "(?"));
    assert_true(megatec_image_publish(&unit.image, 1, &unit.update));
    assert_string_equal(value("ups.status"), "OB LB");
    assert_string_equal(value("battery.voltage"), "26.50");
    assert_string_equal(value("ups.type"), "online");
    assert_string_equal(value("ups.beeper.status"), "enabled");
    /* The letter of an answer before is forgotten with the next bits. */
    assert_null(take(items[1].question, "(S"));
    assert_null(take(items[0].question, "(000.0 00.0 229.8 50.0 001.0 012 369.1 ---.- 026.5 ---.- "
                                        "018.8 101100000001"));
    assert_true(megatec_image_publish(&unit.image, 1, &unit.update));
    assert_string_equal(value("ups.status"), "OB LB");
    /* A letter alone does not put it back on line. */
    assert_null(take(items[1].question, "(E"));
    assert_true(megatec_image_publish(&unit.image, 1, &unit.update));
    assert_string_equal(value("ups.status"), "OB LB ECO");
}

static void test_best_power(void **state)
{
    (void)state;
    assert_null(take(&megatec_ask_best, "FOR,750,120,120,20.0,27.6"));
    assert_string_equal(value("ups.model"), "FOR");
    assert_string_equal(value("ups.power.nominal"), "750");
    update_clear(&unit.update);
    assert_null(take(&megatec_ask_best, ",,,,,*"));
    assert_string_equal(value("ups.model"), "");
}

static void test_vendor_columns(void **state)
{
    (void)state;
    assert_null(take(&megatec_ask_vendor, "#Blazer          VFI 1000   V1.23     "));
    assert_string_equal(value("ups.mfr"), "Blazer");
    assert_string_equal(value("ups.model"), "VFI 1000");
    assert_string_equal(value("ups.firmware"), "V1.23");
    update_clear(&unit.update);
    assert_null(take(&megatec_ask_vendor, "#--------------- ---------- 2222222222"));
    assert_int_equal(unit.update.used, 0);
    assert_non_null(take(&megatec_ask_vendor, "#230.0 004 036.0 50.0"));
}

/* Battery ------------------------------------------------------------------------------------ */

static void test_volts_of_the_whole(void **state)
{
    static const struct {
        double told, nominal, packs, volts;
    } rows[] = {
        { 2.50, 36, 0, 45.0 }, { 2.35, 36, 0, 42.3 }, { 2.26, 24, 0, 27.12 }, { 13.6, 12, 0, 13.6 },
        { 27.3, 0, 0, 27.3 },  { 2.26, 0, 0, 0 },     { 1.75, 36, 0, 31.5 },  { 13.5, 72, 0, 81.0 },
        { 2.0, 24, 6, 12.0 },  { 54.0, 48, 0, 54.0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct megatec_battery_options options = { .packs = rows[i].packs };
        struct megatec_battery battery = { 0 };

        assert_float_equal(megatec_battery_volts(&battery, &options, rows[i].told, rows[i].nominal),
                           rows[i].volts, 1e-6);
    }
}

static void test_packs_once_found_stay(void **state)
{
    const struct megatec_battery_options options = { 0 };
    struct megatec_battery battery = { 0 };

    (void)state;
    assert_float_equal(megatec_battery_volts(&battery, &options, 2.25, 36), 40.5, 1e-6);
    assert_float_equal(megatec_battery_volts(&battery, &options, 1.60, 36), 28.8, 1e-6);
}

static void test_charge_of_volts(void **state)
{
    const struct megatec_battery_options options = { 0 };
    double low, high;

    (void)state;
    assert_true(megatec_battery_limits(&options, 24, &low, &high));
    assert_float_equal(low, 20.8, 1e-6);
    assert_float_equal(high, 26.0, 1e-6);
    assert_float_equal(megatec_battery_charge(23.4, low, high), 50, 1e-6);
    assert_float_equal(megatec_battery_charge(19, low, high), 0, 1e-6);
    assert_float_equal(megatec_battery_charge(27, low, high), 100, 1e-6);
    assert_false(megatec_battery_limits(&options, 0, &low, &high));
}

/* 240 s at full load, 720 s at half of it. */
static void test_runtime_account(void **state)
{
    const struct megatec_battery_options options = {
        .times = { 240, 720 }, .loads = { 100, 50 }, .charge_time = 43200, .idle_load = 10
    };
    struct megatec_battery battery = { 0 };
    double charge, runtime;

    (void)state;
    assert_true(
        megatec_battery_reckon(&battery, &options, 50, 100, false, 1000, &charge, &runtime));
    assert_float_equal(runtime, 720, 0.01);
    megatec_battery_reckon(&battery, &options, 50, 100, true, 361000, &charge, &runtime);
    assert_float_equal(runtime, 360, 0.01);
    assert_float_equal(charge, 50, 0.01);
    megatec_battery_reckon(&battery, &options, 100, 100, false, 361000 + 21600000, &charge,
                           &runtime);
    assert_float_equal(charge, 100, 0.01);
    assert_float_equal(runtime, 240, 0.01);
    megatec_battery_reckon(&battery, &options, 100, 100, true, 99000000000, &charge, &runtime);
    assert_float_equal(charge, 0, 0.01);
    /* As with the least load that is reckoned with. */
    struct megatec_battery idle = { 0 };
    megatec_battery_reckon(&idle, &options, 0, 100, false, 1000, &charge, &runtime);
    assert_true(fabs(runtime - 240 / pow(0.1, log(3) / log(2))) < 0.1);
}

/* Orders ------------------------------------------------------------------------------------- */

static void test_texts_of_orders(void **state)
{
    static const struct {
        const struct megatec_dialect *dialect;
        const char *command;
        unsigned off, on, test;
        const char *text;
    } rows[] = {
        { &megatec_dialect_megatec, "shutdown.return", 30, 180, 0, "S.5R0003" },
        { &megatec_dialect_megatec, "shutdown.return", 12, 180, 0, "S.2R0003" },
        { &megatec_dialect_megatec, "shutdown.return", 59, 180, 0, "S.9R0003" },
        { &megatec_dialect_megatec, "shutdown.return", 60, 60, 0, "S01R0001" },
        { &megatec_dialect_megatec, "shutdown.return", 119, 60, 0, "S01R0001" },
        { &megatec_dialect_megatec, "shutdown.return", 600, 599940, 0, "S10R9999" },
        { &megatec_dialect_megatec, "shutdown.return", 30, 0, 0, "S.5" },
        { &megatec_dialect_megatec, "shutdown.stayoff", 30, 180, 0, "S.5R0000" },
        { &megatec_dialect_megatec, "load.off", 30, 180, 0, "S00R0000" },
        { &megatec_dialect_megatec, "load.on", 30, 180, 0, "C" },
        { &megatec_dialect_megatec, "shutdown.stop", 30, 180, 0, "C" },
        { &megatec_dialect_megatec, "test.battery.start", 30, 180, 60, "T01" },
        { &megatec_dialect_megatec, "test.battery.start", 30, 180, 5940, "T99" },
        { &megatec_dialect_megatec, "test.battery.start.quick", 30, 180, 0, "T" },
        { &megatec_dialect_megatec, "test.battery.start.deep", 30, 180, 0, "TL" },
        { &megatec_dialect_megatec, "test.battery.stop", 30, 180, 0, "CT" },
        { &megatec_dialect_megatec, "beeper.toggle", 30, 180, 0, "Q" },
        { &megatec_dialect_bestups, "shutdown.stayoff", 30, 180, 0, "S.5" },
        { &megatec_dialect_voltronic, "shutdown.return", 5940, 180, 0, "S99R0003" },
        { &megatec_dialect_voltronic, "load.off", 30, 180, 0, "SOFF" },
        { &megatec_dialect_voltronic, "load.on", 30, 180, 0, "SON" },
        { &megatec_dialect_voltronic, "shutdown.stop", 30, 180, 0, "CS" },
        { &megatec_dialect_voltronic, "beeper.toggle", 30, 180, 0, "BZON" },
        { &megatec_dialect_voltronic, "test.battery.start", 30, 180, 12, "T.2" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct megatec_order *order = megatec_order_find(rows[i].dialect, rows[i].command);
        const struct megatec_terms terms = { rows[i].off, rows[i].on, rows[i].test, false };
        char text[32];

        assert_non_null(order);
        assert_true(megatec_order_write(order, &terms, text, sizeof text));
        assert_string_equal(text, rows[i].text);
    }
    assert_null(megatec_order_find(&megatec_dialect_bestups, "beeper.toggle"));
}

/* Options ------------------------------------------------------------------------------------ */

static char complaint[300];

static void note_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    snprintf(complaint, sizeof complaint, "%s", text);
}

static bool read_option(const char *driver, const char *key, const char *text,
                        struct megatec_options *options)
{
    char name[] = "u", port[] = "/dev/ttyS0", driver_name[32], key_text[64], value_text[64];
    struct option_setting option = { key_text, text == NULL ? NULL : value_text, 4 };
    const struct device_settings settings = { .name = name,
                                              .driver = driver_name,
                                              .port = port,
                                              .file = "ups.conf",
                                              .line = 1,
                                              .options = &option,
                                              .option_count = 1 };
    struct config_report report = { .sink = note_complaint };

    snprintf(driver_name, sizeof driver_name, "%s", driver);
    snprintf(key_text, sizeof key_text, "%s", key);
    snprintf(value_text, sizeof value_text, "%s", text == NULL ? "" : text);
    complaint[0] = '\0';
    return megatec_options_read(&settings, options, &report);
}

static void test_options(void **state)
{
    struct megatec_options options;

    (void)state;
    assert_true(read_option("nutdrv_qx", "ondelay", "240", &options));
    assert_int_equal(options.on_delay, 240);
    assert_true(read_option("blazer_ser", "ondelay", "4", &options));
    assert_int_equal(options.on_delay, 240);
    assert_true(read_option("nutdrv_qx", "protocol", "megatec/old", &options));
    assert_ptr_equal(options.dialect, &megatec_dialect_old);
    assert_int_equal(options.cable_power, SERIAL_DTR);
    assert_true(read_option("nutdrv_qx", "cablepower", "reverse", &options));
    assert_int_equal(options.cable_power, SERIAL_RTS);
    assert_true(read_option("nutdrv_qx", "runtimecal", "240,100,720,50", &options));
    assert_float_equal(options.battery.times[1], 720, 1e-9);
    assert_true(read_option("nutdrv_qx", "default.battery.voltage.nominal", "36", &options));
    assert_float_equal(options.battery.nominal, 36, 1e-9);
}

static void test_wrong_options(void **state)
{
    static const struct {
        const char *key, *text;
    } rows[] = {
        { "protocol", "masterguard" },
        { "cablepower", "some" },
        { "offdelay", "11" },
        { "offdelay", "6000" },
        { "ondelay", "x" },
        { "runtimecal", "240,100,720" },
        { "runtimecal", "240,50,720,100" },
        { "runtimecal", "240,100,720,50,1" },
        { "idleload", "0" },
        { "baud", "2401" },
        { "pollfreq", "0" },
    };
    struct megatec_options options;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (read_option("nutdrv_qx", rows[i].key, rows[i].text, &options))
            fail_msg("%s = %s was taken", rows[i].key, rows[i].text);
        assert_non_null(strstr(complaint, "ups.conf:4:"));
        assert_non_null(strstr(complaint, rows[i].key));
    }
}

#define UNIT_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

/* Numbers with their units between slashes, and what is none of that. */
static void test_units(void **state)
{
    static const char *const wrong[] = { "1125/1125VA/048V", "W/VA/V", "1125W/1125va/048V",
                                         "1125W/11 25VA/048V", "1125W//048V" };
    struct megatec_answer answer;
    const char *good = "1125W/1125VA/048V/160W/020W";

    (void)state;
    assert_int_equal(megatec_answer_read("UN", MEGATEC_UNITS, '\0', good, strlen(good), &answer),
                     MEGATEC_GOOD);
    assert_int_equal(answer.count, 5);
    assert_string_equal(answer.fields[1], "1125");
    assert_string_equal(answer.fields[2], "048");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(
            megatec_answer_read("UN", MEGATEC_UNITS, '\0', wrong[i], strlen(wrong[i]), &answer),
            MEGATEC_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_what_is_no_answer),
        cmocka_unit_test(test_nul_for_zero),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bytes_of_voltronic_p),
        UNIT_TEST(test_answers_that_become_no_reading),
        UNIT_TEST(test_absent_fields_are_not_zero),
        UNIT_TEST(test_status_of_bits),
        UNIT_TEST(test_a_voltronic),
        UNIT_TEST(test_best_power),
        UNIT_TEST(test_vendor_columns),
        cmocka_unit_test(test_volts_of_the_whole),
        cmocka_unit_test(test_packs_once_found_stay),
        cmocka_unit_test(test_charge_of_volts),
        cmocka_unit_test(test_runtime_account),
        cmocka_unit_test(test_texts_of_orders),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_wrong_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
