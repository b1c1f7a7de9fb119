/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps: what is refused and how it is named, what registers become, when there is a status. */
#include "tests/unit/unit.h"

#include "tests/unit/modbus_map.h"

static void expect_error(const char *lines, const char *wanted)
{
    struct complaints complaints = { 0 };
    char text[1024];

    snprintf(text, sizeof text, MAP_HEAD "%s", lines);
    assert_null(map_of(text, &complaints));
    assert_string_equal(complaints.text, wanted);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    expect_error("x = 1\n", "test.map:4: x: [map] knows no such word\n");
    expect_error("unit = 256\n", "test.map:4: unit: '256' is not a whole number from 0 to 255\n");
    expect_error("serial = 9600 8X1\n",
                 "test.map:4: serial: '9600 8X1' is not such as \"9600 8N1\"\n");
    expect_error("gaps = (a\nb)\n", "test.map:4: gaps: '(a b)' is none of illegal readable\n");
    expect_error("[values]\nups.load = @1 /\n",
                 "test.map:5: ups.load: 'end of line' stands where a register or number is "
                 "expected\n");
    expect_error("[values]\nups.load = @1:u31\n",
                 "test.map:5: ups.load: 'u31' is no type (u16 s16 u32 s32 u64 s64 float double "
                 "bcd16 bcd32 stringN, then abcd cdab badc dcba)\n");
    expect_error("[values]\nups.load = @65535:u32\n",
                 "test.map:5: ups.load: it ends behind the last address, 65535\n");
    expect_error("[values]\nups.status = @1\n", "test.map:5: ups.status: it is made in [status]\n");
    expect_error("[values]\nbattery.runtime = @1 in V\n",
                 "test.map:5: battery.runtime: in: it is told in 's', which V cannot become\n");
    expect_error("[values]\nups.load = @1 {0:\"a\"\n0:\"b\"}\n",
                 "test.map:6: ups.load: {...}: 0 stands there twice\n");
    expect_error("[status]\nOL = @1.16\n",
                 "test.map:5: OL: a u16 has the bits 0 to 15, there is no bit 16\n");
    expect_error("[settings]\nups.delay.start = @1 * @2\n",
                 "test.map:5: ups.delay.start: a setting is one register, scaled and shifted at "
                 "most\n");
    expect_error("[settings]\nups.delay.start = @input:1\n",
                 "test.map:5: ups.delay.start: the table input cannot be written\n");
    expect_error("[commands]\nload.off = write @1 1 ; require @2 == 1\n",
                 "test.map:5: load.off: 'require' comes before all that is done (later: "
                 "'expect')\n");
    expect_error("[values]\nups.load = @1 \"\n", "test.map:5: a quote is not closed in its line\n");
    expect_error("[values]\nups.load = (@1\n", "test.map:5: a '{' or '(' is never closed\n");
    expect_error("[nothing]\n", "test.map:4: there is no section [nothing]\n");
    expect_error("[values]\n[map]\n", "test.map:5: [map] must be the first section, and once\n");
    expect_error("extends = x\n", "test.map:4: extends: it must be the first line of [map]\n");
}

static void expect_lint(const char *lines, const char *wanted)
{
    struct complaints complaints = { 0 };
    struct config_report report = { .sink = take_complaint, .context = &complaints };
    char text[1024];

    snprintf(text, sizeof text, MAP_HEAD "%s\n[status]\nOL = @900.0\nOB = @900.1\n", lines);
    struct modbus_map *map = map_of(text, NULL);
    map_lint(map, &report);
    assert_string_equal(complaints.text, wanted);
    map_free(map);
}

static void test_what_the_lint_finds(void **state)
{
    (void)state;
    expect_lint("", "");
    expect_lint("[values]\nups.lode = @1\n",
                "test.map:5: ups.lode: the vocabulary has no such variable\n");
    expect_lint("[values]\nups.load = @1:string4\n",
                "test.map:5: ups.load: it is a number in %, not a text\n");
    expect_lint("[values]\nups.load = @1:u32\nups.temperature = @2\n",
                "test.map:6: holding 2 (u16) lies within holding 1 of line 5 (u32)\n");
    expect_lint("[alarms]\nbits @1 {16:\"x\"}\n",
                "test.map:5: ups.alarm: bit 16 can never be there: the register has 16 bits\n");
    expect_lint("[alarms]\n\"x\" = @1.3 == 2\n",
                "test.map:5: ups.alarm: it compares a register with a number it cannot hold\n");
    expect_lint("max-read = 4\n[values]\nups.model = @1:string8\n",
                "test.map:6: holding 1: 8 registers cannot be read at once: max-read is 4\n");
    expect_lint("[registers]\nx = @1\n", "test.map:5: x: nobody uses this name\n");
    expect_lint("[read]\nreadable = @1..9\n", "test.map:5: readable: nothing in it is used\n");
    expect_lint("[commands]\nload.explode = write @1 1\n",
                "test.map:5: load.explode: the vocabulary has no such command\n");
    expect_lint("[status]\nBANG = @1.0\n",
                "test.map:5: ups.status: NUT's clients know no word 'BANG'\n");
}

/* A row of [values] and the registers: what ups.id-like text it becomes; "-" for nothing. */
static void expect_row(const char *row, const char *registers, const char *wanted)
{
    struct decoded decoded;
    char text[1024], name[64];

    snprintf(text, sizeof text,
             MAP_HEAD "gaps = readable\n[values]\n%s\n[status]\nOL = @900.0\nOB = @900.1\n", row);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(row, " "), row);
    decode_text(&decoded, text, registers);
    const char *value = updated(&decoded.update, name);
    if (strcmp(value == NULL ? "-" : value, wanted) != 0)
        fail_msg("%s: %s, not %s", row, value == NULL ? "nothing" : value, wanted);
    decoded_clear(&decoded);
}

static void test_types_and_orders(void **state)
{
    (void)state;
    expect_row("output.voltage = @1 / 10", "1 2301\n", "230.1");
    expect_row("ups.temperature = @1:s16 / 10", "1 -35\n", "-3.5");
    expect_row("battery.runtime = @1:u32", "1 1\n2 2\n", "65538");
    expect_row("battery.runtime = @1:u32:cdab", "1 2\n2 1\n", "65538");
    expect_row("battery.runtime = @1:u32:badc", "1 0x0100\n2 0x0200\n", "65538");
    expect_row("battery.runtime = @1:u32:dcba", "1 0x0200\n2 0x0100\n", "65538");
    expect_row("battery.current = @1:s32 / 1000", "1 -1\n2 -1500\n", "-1.500");
    expect_row("output.voltage = @1:float", "1 0x4366\n2 0x199a\n", "230.10");
    expect_row("output.voltage = @1:float:cdab", "1 0x199a\n2 0x4366\n", "230.10");
    expect_row("output.voltage = @1:float", "1 0x7fc0\n2 0\n", "-");
    expect_row("output.voltage = @1:double", "1 0x406c\n2 0xc333\n3 0x3333\n4 0x3333\n", "230.10");
    expect_row("battery.charge = @1:bcd16", "1 0x0097\n", "97");
    expect_row("battery.charge = @1:bcd16", "1 0x009a\n", "-");
    expect_row("battery.runtime = @1:u64", "1 0\n2 0\n3 0\n4 77\n", "77");
    expect_row("ups.model = @1:string4", "1 \"  Up 1\"\n4 0\n", "Up 1");
    expect_row("ups.model = @1:string3:badc", "1 \"pU1 \"\n3 0\n", "Up 1");
    expect_row("ups.model = @1:string2", "1 65535\n2 65535\n", "-");
    expect_row("ups.packs = @1.8..15", "1 0x0305\n", "3");
    expect_row("output.voltage = @input:1", "[input]\n1 230\n", "230");
}

static void test_missing_is_not_published(void **state)
{
    (void)state;
    expect_row("output.voltage = @1", "1 65535\n", "-");
    expect_row("output.voltage = @1 missing 0x7fff", "1 0x7fff\n", "-");
    expect_row("ups.contacts = @1 missing none", "1 65535\n", "65535");
    expect_row("ups.temperature = @1:s16", "1 65535\n", "-1");
    expect_row("battery.runtime = @1:u32", "1 65535\n2 65535\n", "-");
    expect_row("output.voltage = @1", "2 5\n", "-");
    expect_row("ups.power = @1 * @2 / 100", "1 65535\n2 5\n", "-");
    /* What nobody believes. */
    expect_row("output.voltage = @1", "1 64000\n", "-");
    expect_row("output.voltage = @1 within 100..300", "1 99\n", "-");
    expect_row("ups.power = @1 / @2", "1 5\n2 0\n", "-");
}

static void test_clauses(void **state)
{
    (void)state;
    expect_row("battery.runtime = @1 in min", "1 41\n", "2460");
    expect_row("battery.temperature = @1 in K", "1 300\n", "27");
    expect_row("output.voltage = @1 in mV", "1 24050\n", "24.050");
    expect_row("battery.date = @1 days-since 2000-01-01", "1 7775\n", "2021-04-15");
    expect_row("battery.mfr.date = @1 packed-date", "1 23741\n", "2026-05-29");
    expect_row("ups.mfr = \"Maker\"", "1 0\n", "Maker");
    expect_row("ups.id = @1 {1:\"a\" 2:b c other:\"d\"}", "1 2\n", "b c");
    expect_row("ups.id = @1 {1:\"a\" 2:b c other:\"d\"}", "1 3\n", "d");
    expect_row("ups.id = @1 {1:\"a\"}", "1 3\n", "-");
    expect_row("ups.id = @1 {1:\"a\" other}", "1 3\n", "3");
    expect_row("ups.test.result = bits @1 {0:\"a\" 2:\"c\" 3:\"d\"}", "1 5\n", "a, c");
    expect_row("ups.load = @1 when @2 > 3\nups.load = @3", "1 1\n2 4\n3 9\n", "1");
    expect_row("ups.load = @1 when @2 > 3\nups.load = @3", "1 1\n2 3\n3 9\n", "9");
    expect_row("ups.load = (@1 + 2 * @2) // 4 % 5 - -1", "1 10\n2 9\n", "3");
    expect_row("ups.serial = @fc43:2 field 4", "[object]\n2 \"1=UPS;4=S1;5=\"\n", "S1");
    expect_row("output.{L1-N,L2-N}.voltage = @{1,2}", "1 0\n", "-");
    expect_row("output.L2-N.voltage = @9\noutput.{L1,L3}.current = @{1,2}", "9 7\n", "7");
}

/* The status that lines of [status] give; "-": it is not known. */
static void expect_status(const char *lines, const char *registers, const char *wanted)
{
    struct decoded decoded;
    char text[1024];

    snprintf(text, sizeof text, MAP_HEAD "[status]\n%s\n", lines);
    decode_text(&decoded, text, registers);
    const char *value = updated(&decoded.update, "ups.status");
    if (strcmp(value == NULL ? "-" : value, wanted) != 0)
        fail_msg("%s: %s, not %s", lines, value == NULL ? "nothing" : value, wanted);
    assert_int_equal(decoded.outcome.status_known, value != NULL);
    assert_int_equal(decoded.outcome.problems > 0, decoded.problems.used > 0);
    decoded_clear(&decoded);
}

static void test_status_is_never_invented(void **state)
{
    static const char inverted[] = "OB = @1.0\nOL = not @1.0\nLB = not @2.0\n";
    static const char listed[] = "select @1 {0:OL 1:OB DISCHRG 2:OFF}\nLB = @2.0\n";

    (void)state;
    expect_status(inverted, "1 0\n2 1\n", "OL");
    expect_status(inverted, "1 1\n2 0\n", "OB LB");
    expect_status(inverted, "2 1\n", "-");
    expect_status(inverted, "1 65535\n2 65535\n", "-");
    expect_status(inverted, "1 0\n2 65535\n", "OL");
    expect_status(listed, "1 1\n2 1\n", "OB DISCHRG LB");
    expect_status(listed, "1 2\n2 0\n", "OFF");
    expect_status(listed, "1 3\n2 1\n", "-");
    expect_status("OL = @1.0\nOB = @1.1\n", "1 0\n", "-");
    expect_status("OL = @1.0\nOB = @1.1\n", "1 3\n", "OB");
    /* OL may not hide that OB could not be read; a word may come from either side. */
    expect_status("OL = @1.0\nOB = @2.0\n", "1 1\n", "-");
    expect_status("OL = @1.0 or @2.0\nOB = @1.1\n", "1 1\n", "OL");
    expect_status("OL = @1.0 and @2.0\nOB = @1.1\n", "1 1\n", "-");
    expect_status("OL = @1 in 3, 5..7\nOB = @1 == 4\n", "1 6\n", "OL");
}

static void test_problem_of_an_unknown_state(void **state)
{
    struct decoded decoded;

    (void)state;
    decode_text(&decoded, MAP_HEAD "[status]\nselect @7 {0:OL 1:OB}\n", "7 9\n");
    assert_string_equal(decoded.problems.text,
                        "ups.status: 9 is no state that line 5 of the map knows (holding 7 = "
                        "0x0009)\nups.status: the registers do not tell whether there is input "
                        "power\n");
    decoded_clear(&decoded);
}

static void test_stale_and_vanishing(void **state)
{
    static const char text[] =
        MAP_HEAD "[values]\nups.load = @1\n[status]\nOL = @2 == 0\n"
                 "OB = @2 == 1\nstale = @3 == 1\n[alarms]\n\"x\" = @1 > 50\n";
    struct decoded decoded;

    (void)state;
    decode_text(&decoded, text, "1 60\n2 0\n3 0\n");
    assert_string_equal(updated(&decoded.update, "ups.alarm"), "x");
    assert_string_equal(updated(&decoded.update, "ups.load"), "60");
    decode_again(&decoded, "1 65535\n2 1\n3 0\n", PLAN_FULL);
    assert_null(updated(&decoded.update, "ups.load"));
    assert_null(updated(&decoded.update, "ups.alarm"));
    assert_string_equal(updated(&decoded.update, "ups.status"), "OB");
    decode_again(&decoded, "1 7\n2 1\n3 1\n", PLAN_FULL);
    assert_true(decoded.outcome.stale);
    assert_int_equal(decoded.update.used, 0);
    decoded_clear(&decoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_what_the_lint_finds),
        cmocka_unit_test(test_types_and_orders),
        cmocka_unit_test(test_missing_is_not_published),
        cmocka_unit_test(test_clauses),
        cmocka_unit_test(test_status_is_never_invented),
        cmocka_unit_test(test_problem_of_an_unknown_state),
        cmocka_unit_test(test_stale_and_vanishing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
