/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read and written: plans against a search of all ways, settings, commands, contacts. */
#include "tests/unit/unit.h"

#include "tests/unit/modbus_map.h"

#include "modbus/contacts.h"

/* Plans --------------------------------------------------------------------------------------- */

static void expect_plan(const char *lines, enum plan_poll poll, const char *wanted)
{
    char text[2048], got[1024] = "";
    size_t used = 0, count;

    snprintf(text, sizeof text, MAP_HEAD "%s", lines);
    struct modbus_map *map = map_of(text, NULL);
    struct modbus_plan *plan = plan_new(map);
    const struct modbus_block *blocks = plan_blocks(plan, poll, &count);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(got + used, sizeof got - used, "%s %u+%u%s;",
                                 modbus_table_name(blocks[i].table), blocks[i].address,
                                 blocks[i].count, blocks[i].optional ? "?" : "");
    assert_string_equal(got, wanted);
    plan_free(plan);
    map_free(map);
}

static void test_blocks(void **state)
{
    static const char rows[] = "[values]\nups.load = @1\nups.power = @2:u32\nups.id = @10:string4\n"
                               "battery.charge = @20 once\n[status]\nOL = @30.0\nOB = @30.1\n";
    char text[1024];

    (void)state;
    expect_plan(rows, PLAN_FULL, "holding 30+1;holding 1+3;holding 10+4;");
    expect_plan(rows, PLAN_FIRST, "holding 30+1;holding 1+3;holding 10+4;holding 20+1;");
    expect_plan(rows, PLAN_QUICK, "holding 30+1;");
    snprintf(text, sizeof text, "gaps = readable\n%s", rows);
    expect_plan(text, PLAN_FULL, "holding 30+1;holding 1+13;");
    snprintf(text, sizeof text, "gaps = readable\nmax-gap = 30\n%s", rows);
    expect_plan(text, PLAN_FULL, "holding 1+30;");
    expect_plan(text, PLAN_QUICK, "holding 30+1;");
    snprintf(text, sizeof text, "gaps = readable\nmax-gap = 30\nmax-read = 13\n%s", rows);
    expect_plan(text, PLAN_FULL, "holding 30+1;holding 1+13;");
    /* No value is cut in two. */
    snprintf(text, sizeof text, "gaps = readable\nmax-read = 12\n%s", rows);
    expect_plan(text, PLAN_FULL, "holding 30+1;holding 1+3;holding 10+4;");
    snprintf(text, sizeof text, "[read]\nreadable = @1..30\n%s", rows);
    expect_plan(text, PLAN_FULL, "holding 1+30;");
    snprintf(text, sizeof text, "[read]\nreadable = @1..30\noptional = @10..13\n%s", rows);
    expect_plan(text, PLAN_FULL, "holding 1+30;holding 10+4?;");
}

/* The fewest blocks of at most limit registers over gaps of at most gap, by trying all ways. */
static unsigned fewest(const unsigned *addresses, unsigned count, unsigned limit, unsigned gap)
{
    unsigned best[40] = { 0 };

    for (unsigned end = 1; end <= count; end++) {
        best[end] = best[end - 1] + 1;
        for (unsigned from = end - 1; from-- > 0;) {
            if (addresses[from + 1] - addresses[from] - 1 > gap ||
                addresses[end - 1] - addresses[from] + 1 > limit)
                break;
            if (best[from] + 1 < best[end])
                best[end] = best[from] + 1;
        }
    }
    return best[count];
}

static void test_no_plan_needs_more_than_it_must(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        unsigned addresses[32], count = 0, limit = 3 + round % 40, gap = round % 9;
        char text[4096];
        size_t used = (size_t)snprintf(text, sizeof text,
                                       MAP_HEAD "gaps = readable\nmax-read = %u\nmax-gap = %u\n"
                                                "[values]\n",
                                       limit, gap);

        for (unsigned address = 0; count < 32; count++) {
            seed = seed * 1103515245 + 12345;
            address += 1 + (seed >> 16) % 12;
            addresses[count] = address;
            used += (size_t)snprintf(text + used, sizeof text - used, "outlet.%u.power = @%u\n",
                                     count + 1, address);
        }
        struct modbus_map *map = map_of(text, NULL);
        struct modbus_plan *plan = plan_new(map);
        size_t blocks;
        plan_blocks(plan, PLAN_FULL, &blocks);
        assert_int_equal(blocks, fewest(addresses, count, limit, gap));
        plan_free(plan);
        map_free(map);
    }
}

static void test_refusals(void **state)
{
    static const char map[] = MAP_HEAD "gaps = readable\n[read]\noptional = @20..21\n[values]\n"
                                       "ups.load = @1\nups.power = @3\nups.id = @8\n"
                                       "battery.charge = @20\n"
                                       "[status]\nOL = @2.0\nOB = @2.1\n";
    struct decoded decoded;
    size_t count;

    (void)state;
    /* 4 to 7 are a hole, and nobody has 20. */
    decode_text(&decoded, map, "1 5\n2 1\n3 100\n8 4\n");
    assert_string_equal(updated(&decoded.update, "ups.load"), "5");
    assert_string_equal(updated(&decoded.update, "ups.power"), "100");
    assert_string_equal(updated(&decoded.update, "ups.id"), "4");
    assert_string_equal(updated(&decoded.update, "ups.status"), "OL");
    assert_null(updated(&decoded.update, "battery.charge"));
    const struct modbus_block *blocks = plan_blocks(decoded.plan, PLAN_FULL, &count);
    assert_int_equal(count, 2);
    assert_int_equal(blocks[0].address, 1);
    assert_int_equal(blocks[0].count, 3);
    assert_int_equal(blocks[1].address, 8);
    assert_false(decoded.missing);
    plan_reset(decoded.plan);
    plan_blocks(decoded.plan, PLAN_FULL, &count);
    assert_int_equal(count, 2);
    decoded_clear(&decoded);

    decode_text(&decoded, map, "1 5\n");
    assert_true(decoded.missing);
    assert_false(decoded.outcome.status_known);
    decoded_clear(&decoded);
}

/* Writing ------------------------------------------------------------------------------------- */

static void describe(struct modbus_order *order, char *out, size_t size)
{
    struct modbus_action action;
    bool failed;
    size_t used = 0;

    out[0] = '\0';
    while (order_next(order, &action, &failed)) {
        if (action.kind == MODBUS_DO_WRITE) {
            used += (size_t)snprintf(out + used, size - used,
                                     "%s %u =", modbus_table_name(action.table), action.address);
            for (unsigned i = 0; i < action.count; i++)
                used += (size_t)snprintf(out + used, size - used, " %u", action.words[i]);
        } else if (action.kind == MODBUS_DO_MODIFY) {
            used += (size_t)snprintf(out + used, size - used, "%u keep %04x set %04x",
                                     action.address, action.keep, action.set);
        } else if (action.kind == MODBUS_DO_WAIT) {
            used += (size_t)snprintf(out + used, size - used, "wait %u", action.milliseconds);
        } else {
            used += (size_t)snprintf(out + used, size - used, "check %u %zu blocks %s",
                                     action.milliseconds, action.block_count, action.problem);
        }
        used += (size_t)snprintf(out + used, size - used, "; ");
        assert_true(used < size);
    }
    if (failed)
        snprintf(out + used, size - used, "FAILED: %s", action.problem);
    order_free(order);
}

static const char writing_map[] = MAP_HEAD
    "verify = no\n[delays]\nups.delay.start = 60 range 0..600 step 10\n[values]\n"
    "ups.load = @9\n"
    "[settings]\nups.delay.shutdown = @100:s16 / 2 range -1..600\n"
    "input.transfer.high = @101:u32:cdab * 10 range 0..1000000\n"
    "ups.beeper.status = @102.3 {0:\"enabled\" 1:\"disabled\"}\nups.id = @103:string3\n"
    "battery.date = @106 days-since 2000-01-01\nbattery.voltage.low = @107 in mV\n"
    "input.sensitivity = @108 {1:\"high\" 4:\"low\"}\n"
    "[status]\nOL = @1.0\nOB = @1.1\n"
    "[commands]\nload.off = require @1 == 1 \"no mains\" ; write @110 ups.delay.start / 10,"
    " 7 ; wait 200ms ; set @112.3 ; clear @112.4 ; expect @113 == 1 within 2s\n"
    "load.on = write @coil:5 1\nload.off.delay = write @110:u32 parameter * 10\n"
    "test.battery.start = write @110 @9\n";

static void expect_set(struct modbus_image *image, const char *name, const char *value,
                       const char *wanted)
{
    struct modbus_order *order = NULL;
    char got[512], problem[256];

    switch (image_set(image, name, value, &order, problem, sizeof problem)) {
    case MODBUS_ACTIONS:
        describe(order, got, sizeof got);
        break;
    case MODBUS_KEPT:
        snprintf(got, sizeof got, "kept");
        break;
    case MODBUS_UNKNOWN:
        snprintf(got, sizeof got, "unknown");
        break;
    default:
        snprintf(got, sizeof got, "%s", problem);
    }
    assert_string_equal(got, wanted);
}

static void test_settings(void **state)
{
    struct decoded decoded;

    (void)state;
    decode_text(&decoded, writing_map, "1 1\n");
    struct modbus_image *image = decoded.image;
    expect_set(image, "ups.delay.shutdown", "35", "holding 100 = 70; ");
    expect_set(image, "ups.delay.shutdown", "-1", "holding 100 = 65534; ");
    expect_set(image, "ups.delay.shutdown", "601", "601 is not from -1 to 600");
    expect_set(image, "ups.delay.shutdown", "1e3", "'1e3' is no number");
    expect_set(image, "input.transfer.high", "655360", "holding 101 = 0 1; ");
    expect_set(image, "ups.beeper.status", "disabled", "102 keep fff7 set 0008; ");
    expect_set(image, "ups.beeper.status", "muted", "'muted' is not one of its values");
    expect_set(image, "ups.id", "Lab", "holding 103 = 19553 25120 8224; ");
    expect_set(image, "ups.id", "seven..", "it is longer than 6 bytes");
    expect_set(image, "battery.date", "2021-04-15", "holding 106 = 7775; ");
    expect_set(image, "battery.date", "2021-02-30", "'2021-02-30' is no date such as 2026-01-31");
    expect_set(image, "battery.voltage.low", "21.5", "holding 107 = 21500; ");
    expect_set(image, "battery.voltage.low", "70", "'70' does not fit into the device's register");
    expect_set(image, "input.sensitivity", "low", "holding 108 = 4; ");
    expect_set(image, "ups.delay.start", "70", "kept");
    expect_set(image, "ups.delay.start", "75", "75 is no multiple of 10");
    expect_set(image, "ups.load", "1", "unknown");
    expect_set(image, "ups.nothing", "1", "unknown");
    decoded_clear(&decoded);
}

static void expect_command(struct modbus_image *image, const char *name, const char *parameter,
                           const char *wanted)
{
    struct modbus_order *order = NULL;
    char got[512], problem[256];

    if (image_command(image, name, parameter, &order, problem, sizeof problem) == MODBUS_ACTIONS)
        describe(order, got, sizeof got);
    else
        snprintf(got, sizeof got, "no: %s", problem);
    assert_string_equal(got, wanted);
}

static void test_commands(void **state)
{
    struct decoded decoded;

    (void)state;
    decode_text(&decoded, writing_map, "1 1\n");
    expect_command(decoded.image, "load.off", NULL,
                   "check 0 1 blocks no mains; holding 110 = 6 7; wait 200; "
                   "112 keep fff7 set 0008; 112 keep ffef set 0000; "
                   "check 2000 1 blocks the device is not in the state for it; ");
    expect_command(decoded.image, "load.on", NULL, "coil 5 = 1; ");
    expect_command(decoded.image, "load.on", "5", "no: it takes no value");
    expect_command(decoded.image, "load.off.delay", NULL, "no: it needs a value");
    expect_command(decoded.image, "load.off.delay", "7000", "holding 110 = 1 4464; ");
    expect_command(decoded.image, "load.off.delay", "x",
                   "FAILED: there is no value to write to holding 110 that fits");
    /* Register 9 was not read: nothing is invented to write. */
    expect_command(decoded.image, "test.battery.start", NULL,
                   "FAILED: there is no value to write to holding 110 that fits");
    expect_command(decoded.image, "no.such", NULL, "no: ");
    decoded_clear(&decoded);
}

static void test_written_values_are_verified(void **state)
{
    struct decoded decoded;
    struct modbus_order *order;
    struct modbus_action action;
    char problem[256];
    bool failed;
    uint16_t words[] = { 5, 6 };

    (void)state;
    decode_text(&decoded,
                MAP_HEAD "[settings]\nups.delay.start = @1:u32 range 0..100000\n"
                         "[status]\nOL = @9.0\nOB = @9.1\n",
                "1 0\n2 7\n9 1\n");
    struct modbus_image *image = decoded.image;
    assert_int_equal(image_set(image, "ups.delay.start", "6", &order, problem, sizeof problem),
                     MODBUS_ACTIONS);
    assert_true(order_next(order, &action, &failed));
    assert_int_equal(action.kind, MODBUS_DO_WRITE);
    assert_true(order_next(order, &action, &failed));
    assert_int_equal(action.kind, MODBUS_DO_CHECK);
    assert_int_equal(action.blocks[0].address, 1);
    assert_int_equal(action.blocks[0].count, 2);
    assert_false(image_action_holds(image, &action));
    image_store(image, MODBUS_HOLDING, 1, 2, words);
    assert_false(image_action_holds(image, &action));
    words[0] = 0;
    image_store(image, MODBUS_HOLDING, 1, 2, words);
    assert_true(image_action_holds(image, &action));
    image_forget(image, MODBUS_HOLDING, 2, 1);
    assert_false(image_action_holds(image, &action));
    assert_false(order_next(order, &action, &failed));
    assert_false(failed);
    order_free(order);
    decoded_clear(&decoded);
}

static void test_access_is_told(void **state)
{
    struct decoded decoded;
    struct update_item item;
    size_t cursor = 0;
    unsigned ranges = 0, words = 0, commands = 0, writable = 0;

    (void)state;
    decode_text(&decoded, writing_map,
                "# gaps: zero\n1 1\n100 20\n101 1\n102 0\n103 \"a\"\n106 1\n"
                "107 1\n108 1\n104 0\n105 0\n");
    while (update_next(&decoded.update, &cursor, &item)) {
        ranges += item.kind == UPDATE_RANGE;
        words += item.kind == UPDATE_ENUM;
        commands += item.kind == UPDATE_COMMAND;
        writable += item.kind == UPDATE_FLAGS && (item.flags & VARIABLE_RW) != 0;
        if (item.kind == UPDATE_FLAGS && strcmp(item.name, "ups.id") == 0)
            assert_int_equal(item.length, 6);
    }
    assert_int_equal(writable, 8);
    assert_int_equal(ranges, 3);
    assert_int_equal(words, 4);
    assert_int_equal(commands, 4);
    decoded_clear(&decoded);
}

/* Contacts ------------------------------------------------------------------------------------ */

static void expect_contacts(const struct contact_option *options, size_t count,
                            const char *registers, const char *wanted)
{
    struct complaints complaints = { 0 };
    struct config_report report = { .sink = take_complaint, .context = &complaints };
    struct decoded decoded = { .map = contacts_map(options, count, "ups.conf", 1, &report) };

    if (decoded.map == NULL) {
        assert_string_equal(complaints.text, wanted);
        return;
    }
    decoded.plan = plan_new(decoded.map);
    decoded.image = image_new(decoded.map);
    decode_again(&decoded, registers, PLAN_FIRST);
    const char *value = updated(&decoded.update, "ups.status");
    assert_string_equal(value == NULL ? "-" : value, wanted);
    assert_int_equal(map_lint(decoded.map, &report), 0);
    decoded_clear(&decoded);
}

#define CONTACTS(registers, wanted, ...)                                                 \
    do {                                                                                 \
        const struct contact_option options[] = { __VA_ARGS__ };                         \
        expect_contacts(options, sizeof options / sizeof options[0], registers, wanted); \
    } while (0)

static void test_contacts(void **state)
{
    static const char four[] = "[discrete]\n0 0\n1 0\n2 1\n3 0\n";
    const struct contact_option ob = { .key = "OB_addr", .value = "0" };
    const struct contact_option lb = { .key = "LB_addr", .value = "1" };
    const struct contact_option hb = { .key = "HB_addr", .value = "0x2" };
    const struct contact_option rb = { .key = "RB_addr", .value = "3" };

    (void)state;
    CONTACTS(four, "OL", ob, lb, rb);
    CONTACTS(four, "OL HB", ob, lb, hb, rb);
    CONTACTS("[discrete]\n0 0\n2 0\n", "OL CHRG", ob, hb);
    CONTACTS("[discrete]\n0 1\n1 1\n", "OB DISCHRG LB", ob, lb);
    CONTACTS(four, "OB DISCHRG", ob, { .key = "OB_noro", .value = "1" });
    CONTACTS("[holding]\n0 1\n", "OB DISCHRG", ob, { .key = "OB_regtype", .value = "3" });
    CONTACTS("[discrete]\n1 1\n", "-", ob, lb);
    CONTACTS(four,
             "ups.conf:1: OB_addr: no contact tells input power from battery (OL_addr or "
             "OB_addr)\n",
             lb);
    CONTACTS(four, "ups.conf:7: OB_addr: it must be a number from 0 to 65535\n",
             { .key = "OB_addr", .value = "x", .line = 7 }, { .key = "OL_addr", .value = "1" });
    CONTACTS(four, "ups.conf:9: FSD_regtype: 0 (coil) or 3 (holding register) can be written\n", ob,
             { .key = "FSD_addr", .value = "1", .line = 9 });
    CONTACTS(four, "ups.conf:4: ser_parity: it must be N, E or O\n", ob,
             { .key = "ser_parity", .value = "X", .line = 4 });
    assert_true(contacts_option("DISCHRG_noro") && contacts_option("rio_slave_id"));
    assert_false(contacts_option("OB_address"));
}

static void test_contacts_switch_off(void **state)
{
    static const struct contact_option options[] = {
        { .key = "OL_addr", .value = "0" },
        { .key = "FSD_addr", .value = "8" },
        { .key = "FSD_regtype", .value = "0" },
        { .key = "FSD_pulse_duration", .value = "150" },
        { .key = "rio_slave_id", .value = "5" },
        { .key = "ser_baud_rate", .value = "19200" },
        { .key = "device_mfr", .value = "A \"B\"" },
        { .key = "ser_parity", .value = "E" },
    };
    struct config_report report = { 0 };
    struct modbus_map *map =
        contacts_map(options, sizeof options / sizeof options[0], "x", 1, &report);
    struct modbus_image *image = image_new(map);

    (void)state;
    expect_command(image, "load.off", NULL, "coil 8 = 1; wait 150; coil 8 = 0; ");
    assert_int_equal(map->link.unit, 5);
    assert_int_equal(map->link.baud, 19200);
    assert_int_equal(map->link.parity, 'E');
    image_free(image);
    map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_no_plan_needs_more_than_it_must),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_written_values_are_verified),
        cmocka_unit_test(test_access_is_told),
        cmocka_unit_test(test_contacts),
        cmocka_unit_test(test_contacts_switch_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
