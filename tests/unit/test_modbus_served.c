/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Modbus clients are told of a UPS: the registers, and the answer to each request.
 */
#include "modbus/served_answer.h"
#include "modbus/served_registers.h"
#include "modbus/served_units.h"

#include "tests/unit/unit.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

static struct {
    struct event_base *base;
    struct ups_store *store;
    struct ups *ups;
    struct served_snapshot snapshot;
    const uint16_t *words;
} world;

static void fill(void)
{
    world.words = served_registers(&world.snapshot, world.ups, world.ups->last_good + 3500);
}

/* A poll that tells these; pairs of name and value, NULL-ended. */
static void tell(const char *const *pairs)
{
    struct update update = { .complete = true };

    for (; *pairs != NULL; pairs += 2)
        update_set(&update, pairs[0], pairs[1]);
    update_command(&update, "test.battery.start");
    update_command(&update, "load.off");
    ups_apply(world.store, world.ups, &update);
    update_clear(&update);
    fill();
}

#define TELL(...) tell((const char *const[]){ __VA_ARGS__, NULL })

static int begin(void **state)
{
    (void)state;
    world.base = event_base_new();
    world.store = ups_store_new(world.base, 15);
    world.ups = ups_add(world.store, "lab", "In the lab");
    world.snapshot.generation = 0;
    return world.ups == NULL;
}

static int end(void **state)
{
    (void)state;
    ups_store_free(world.store);
    event_base_free(world.base);
    return 0;
}

/* Registers ---------------------------------------------------------------------------------- */

static void test_nothing_is_known(void **state)
{
    (void)state;
    fill();
    assert_int_equal(world.words[0], SERVED_VERSION);
    assert_int_equal(world.words[1], 1);
    assert_int_equal(world.words[2], 0xffff);
    assert_int_equal(world.words[3], 0);
    assert_int_equal(world.words[10], 0xffff);
    assert_int_equal(world.words[14], 0x8000);
    assert_int_equal(world.words[11], 0xffff);
    assert_int_equal(world.words[12], 0xffff);
    assert_int_equal(world.words[29], 0xffff);
    assert_int_equal(world.words[100], 'l' << 8 | 'a');
    assert_int_equal(world.words[101], 'b' << 8);
    assert_int_equal(world.words[132], 0);
    assert_int_equal(served_inputs(world.ups), 1u << 18);
}

static void test_readings(void **state)
{
    (void)state;
    TELL("ups.status", "OB DISCHRG LB ECO TEST", "battery.charge", "47.26", "battery.runtime",
         "70000", "battery.current", "-12.5", "ups.temperature", "-3", "input.voltage", "229.96",
         "output.L1-N.voltage", "230", "output.L2-N.voltage", "231", "output.L3-N.voltage", "232",
         "ups.model", "Bridge", "device.mfr", "Us", "ups.realpower", "1234.5", "ups.load", "0");
    assert_int_equal(world.words[1], 2);
    assert_int_equal(world.words[2], 3);
    assert_int_equal(world.words[3], 1u << 1 | 1u << 2 | 1u << 6 | 1u << 15);
    assert_int_equal(world.words[4], 1);
    assert_int_equal(world.words[10], 473);
    assert_int_equal((uint32_t)world.words[11] << 16 | world.words[12], 70000);
    assert_int_equal((int16_t)world.words[14], -125);
    assert_int_equal((int16_t)world.words[16], -30);
    assert_int_equal(world.words[17], 0);
    assert_int_equal((uint32_t)world.words[18] << 16 | world.words[19], 1235);
    assert_int_equal(world.words[29], 1);
    assert_int_equal(world.words[30], 3);
    assert_int_equal(world.words[31], 2300);
    assert_int_equal(world.words[38], 2310);
    assert_int_equal(world.words[116], 'U' << 8 | 's');
    assert_int_equal(world.words[132], 'B' << 8 | 'r');
}

static void test_readings_that_do_not_fit(void **state)
{
    (void)state;
    TELL("ups.status", "OL", "battery.charge", "1000000000", "battery.runtime", "1000000000000",
         "ups.temperature", "-1000000", "battery.temperature", "1000000", "ups.timer.shutdown",
         "-1", "input.voltage", "high", "ups.model",
         "A name that is longer than what has room in sixteen registers");
    assert_int_equal(world.words[10], 0xfffe);
    assert_int_equal((uint32_t)world.words[11] << 16 | world.words[12], 0xfffffffe);
    assert_int_equal((int16_t)world.words[16], -32767);
    assert_int_equal((int16_t)world.words[15], 32767);
    assert_int_equal(world.words[52], 0xffff);
    assert_int_equal(world.words[31], 0xffff);
    assert_int_equal(world.words[147], 't' << 8 | ' ');
    assert_int_equal(world.words[148], 0);
}

/* A text is cut between characters, and a long one reaches to its last register. */
static void test_texts(void **state)
{
    (void)state;
    TELL("ups.status", "OL ALARM", "ups.alarm",
         "Replace battery! Fan failure! Output off! Bypass out of range! 12");
    assert_int_equal(world.words[196], 'R' << 8 | 'e');
    assert_int_equal(world.words[227], ' ' << 8 | '1');
    ups_set_description(world.store, world.ups, "1234567890123456789012345678901\xc3\xa4");
    fill();
    assert_int_equal(world.words[195], '1' << 8);
    ups_set_description(world.store, world.ups, "123456789012345678901234567890\xc3\xa4");
    fill();
    assert_int_equal(world.words[195], 0xc3a4);
}

/* A reading that is too old is none. */
static void test_what_is_old(void **state)
{
    (void)state;
    TELL("ups.status", "OL", "battery.charge", "100", "ups.model", "Bridge");
    ups_link(world.store, world.ups, false);
    world.ups->comms = UPS_LOST;
    world.ups->generation++;
    fill();
    assert_int_equal(world.words[1], 4);
    assert_int_equal(world.words[2], 3);
    assert_int_equal(world.words[3], 0);
    assert_int_equal(world.words[10], 0xffff);
    assert_int_equal(world.words[132], 0);
    assert_int_equal(served_inputs(world.ups), 1u << 17 | 1u << 19);
}

/* What is kept is used as long as the device tells nothing else, but for the age. */
static void test_snapshot(void **state)
{
    (void)state;
    TELL("ups.status", "OL", "battery.charge", "100");
    world.snapshot.words[10] = 1;
    world.words = served_registers(&world.snapshot, world.ups, world.ups->last_good + 9000);
    assert_int_equal(world.words[10], 1);
    assert_int_equal(world.words[2], 9);
    TELL("ups.status", "OB", "battery.charge", "99");
    assert_int_equal(world.words[10], 990);
    assert_int_equal(world.words[3], 2);
    assert_int_equal(world.words[2], 3);
}

/* Requests ----------------------------------------------------------------------------------- */

struct asked {
    size_t length;
    uint8_t answer[SERVED_PDU_MAX];
    const char *command;
};

static struct asked ask(const struct ups *ups, bool may_write, const uint8_t *pdu, size_t length)
{
    struct asked asked;
    const struct served_request request = {
        .pdu = pdu, .length = length, .ups = ups, .may_write = may_write, .now = 1
    };

    asked.length = served_answer(&request, asked.answer, &asked.command);
    return asked;
}

#define ASK(ups, may_write, ...) \
    ask(ups, may_write, (const uint8_t[]){ __VA_ARGS__ }, sizeof(const uint8_t[]){ __VA_ARGS__ })

static void expect_exception(struct asked asked, unsigned function, unsigned exception)
{
    assert_int_equal(asked.length, 2);
    assert_int_equal(asked.answer[0], function | 0x80);
    assert_int_equal(asked.answer[1], exception);
    assert_null(asked.command);
}

static void test_reading_requests(void **state)
{
    (void)state;
    TELL("ups.status", "OL CHRG", "battery.charge", "100");
    for (uint8_t function = 3; function <= 4; function++) {
        struct asked asked = ASK(world.ups, false, function, 0, 10, 0, 1);
        assert_int_equal(asked.length, 4);
        assert_memory_equal(asked.answer, ((uint8_t[]){ function, 2, 1000 >> 8, 1000 & 0xff }), 4);
    }
    assert_int_equal(ASK(world.ups, false, 3, 0, 0, 0, 125).length, 252);
    assert_int_equal(ASK(world.ups, false, 3, 0, 227, 0, 1).length, 4);
    expect_exception(ASK(world.ups, false, 3, 0, 227, 0, 2), 3, 2);
    expect_exception(ASK(world.ups, false, 3, 0xff, 0xff, 0, 1), 3, 2);
    expect_exception(ASK(world.ups, false, 3, 0, 0, 0, 0), 3, 3);
    expect_exception(ASK(world.ups, false, 3, 0, 0, 0, 126), 3, 3);
    expect_exception(ASK(world.ups, false, 3, 0, 0, 0), 3, 3);
    expect_exception(ASK(world.ups, false, 3, 0, 0, 0, 1, 0), 3, 3);
    expect_exception(ASK(world.ups, false, 3), 3, 3);
    struct asked bits = ASK(world.ups, false, 2, 0, 0, 0, 20);
    assert_memory_equal(bits.answer, ((uint8_t[]){ 2, 3, 0x21, 0, 0 }), 5);
    bits = ASK(world.ups, false, 2, 0, 5, 0, 1);
    assert_memory_equal(bits.answer, ((uint8_t[]){ 2, 1, 1 }), 3);
    expect_exception(ASK(world.ups, false, 2, 0, 20, 0, 1), 2, 2);
    assert_memory_equal(ASK(world.ups, false, 1, 0, 0, 0, 10).answer, ((uint8_t[]){ 1, 2, 0, 0 }),
                        4);
    expect_exception(ASK(world.ups, false, 1, 0, 0, 0, 11), 1, 2);
}

static void test_writing_requests(void **state)
{
    (void)state;
    TELL("ups.status", "OL");
    expect_exception(ASK(world.ups, false, 5, 0, 0, 0xff, 0), 5, 1);
    expect_exception(ASK(world.ups, false, 6, 0, 0, 0, 1), 6, 1);
    expect_exception(ASK(world.ups, true, 6, 0, 0, 0, 1), 6, 2);
    expect_exception(ASK(world.ups, true, 16, 0, 0, 0, 1, 2, 0, 0), 16, 2);
    expect_exception(ASK(world.ups, true, 5, 0, 10, 0xff, 0), 5, 2);
    expect_exception(ASK(world.ups, true, 5, 0, 3, 0xff, 0), 5, 2); /* it has no beeper.mute */
    expect_exception(ASK(world.ups, true, 5, 0, 0, 0xff, 1), 5, 3);
    expect_exception(ASK(world.ups, true, 5, 0, 0, 0), 5, 3);
    struct asked asked = ASK(world.ups, true, 5, 0, 0, 0xff, 0);
    assert_string_equal(asked.command, "test.battery.start");
    assert_int_equal(asked.length, 5);
    assert_null(ASK(world.ups, true, 5, 0, 0, 0, 0).command);
    assert_string_equal(ASK(world.ups, true, 15, 0, 6, 0, 1, 1, 1).command, "load.off");
    assert_null(ASK(world.ups, true, 15, 0, 6, 0, 1, 1, 0).command);
    expect_exception(ASK(world.ups, true, 15, 0, 0, 0, 2, 1, 3), 15, 3);
}

/* With MODBUS write COMMAND these and no others can be given, by whatever name. */
static void test_allowed_commands(void **state)
{
    char *const allowed[] = { (char *)(uintptr_t) "Test.Battery.Start.Quick" };
    const uint8_t test[] = { 5, 0, 0, 0xff, 0 }, off[] = { 5, 0, 6, 0xff, 0 };
    struct served_request request = {
        .length = 5, .ups = world.ups, .may_write = true, .commands = allowed, .command_count = 1
    };
    struct asked asked;

    (void)state;
    TELL("ups.status", "OL");
    request.pdu = test;
    asked.length = served_answer(&request, asked.answer, &asked.command);
    assert_string_equal(asked.command, "test.battery.start");
    request.pdu = off;
    asked.length = served_answer(&request, asked.answer, &asked.command);
    expect_exception(asked, 5, 2);
    assert_true(served_is_command(SERVED_COILS, "SHUTDOWN.stop"));
    assert_false(served_is_command(SERVED_COILS, "driver.reload"));
    assert_false(served_is_command(1, "shutdown.stop"));
}

static void test_other_requests(void **state)
{
    (void)state;
    TELL("ups.status", "OL", "device.model", "Bridge");
    expect_exception(ASK(NULL, true, 3, 0, 0, 0, 1), 3, 11);
    expect_exception(ASK(world.ups, true, 8, 0, 0, 0, 0), 8, 1);
    expect_exception(ASK(world.ups, true, 0xff), 0xff, 1);
    struct asked asked = ASK(world.ups, false, 0x2b, 0x0e, 1, 0);
    assert_memory_equal(asked.answer, "\x2b\x0e\x01\x82\x00\x00\x03\x00\x09upsbridge\x01", 19);
    asked = ASK(world.ups, false, 0x2b, 0x0e, 4, 5);
    assert_memory_equal(asked.answer,
                        "\x2b\x0e\x04\x82\x00\x00\x01\x05\x06"
                        "Bridge",
                        15);
    expect_exception(ASK(world.ups, false, 0x2b, 0x0e, 4, 9), 0x2b, 2);
    expect_exception(ASK(world.ups, false, 0x2b, 0x0e, 5, 0), 0x2b, 3);
    expect_exception(ASK(world.ups, false, 0x2b, 0x0d, 1, 0), 0x2b, 1);
    expect_exception(ASK(world.ups, false, 0x2b), 0x2b, 1);
    expect_exception(ASK(world.ups, false, 0x2b, 0x0e, 1), 0x2b, 3);
}

/* Units -------------------------------------------------------------------------------------- */

static void test_units(void **state)
{
    struct modbus_unit_setting given[] = { { .number = 2, .name = (char *)(uintptr_t) "HALL" } };
    struct settings settings = { .modbus_units = given, .modbus_unit_count = 1 };
    struct served_units units = { { NULL } };
    struct ups *hall = ups_add(world.store, "hall", NULL),
               *roof = ups_add(world.store, "roof", NULL);

    (void)state;
    assert_int_equal(served_units_assign(&units, world.store, &settings), 0);
    assert_ptr_equal(served_units_find(&units, 1), world.ups);
    assert_ptr_equal(served_units_find(&units, 2), hall);
    assert_ptr_equal(served_units_find(&units, 3), roof);
    assert_null(served_units_find(&units, 4));
    assert_null(served_units_find(&units, 250));
    assert_ptr_equal(served_units_find(&units, 0), world.ups);
    assert_ptr_equal(served_units_find(&units, 255), world.ups);
    /* One goes: the others keep their numbers, and the next one gets what is free. */
    served_units_forget(&units, world.ups);
    assert_null(served_units_find(&units, 1));
    assert_ptr_equal(served_units_find(&units, 3), roof);
    assert_ptr_equal(served_units_find(&units, 0), hall);
    assert_int_equal(served_units_assign(&units, world.store, &settings), 0);
    assert_ptr_equal(served_units_find(&units, 1), world.ups);
    /* A number that somebody has is given to another. */
    given[0].number = 3;
    assert_int_equal(served_units_assign(&units, world.store, &settings), 0);
    assert_ptr_equal(served_units_find(&units, 3), hall);
    assert_ptr_equal(served_units_find(&units, 2), roof);
}

static void test_more_devices_than_units(void **state)
{
    struct settings settings = { .modbus_units = NULL };
    struct served_units units = { { NULL } };
    char name[16];

    (void)state;
    for (unsigned i = 0; i < MODBUS_UNIT_MAX + 2; i++) {
        snprintf(name, sizeof name, "ups%u", i);
        assert_non_null(ups_add(world.store, name, NULL));
    }
    assert_int_equal(served_units_assign(&units, world.store, &settings), 3);
    assert_string_equal(served_units_find(&units, MODBUS_UNIT_MAX)->name, "ups245");
    /* One goes, and the first that had none gets its number. */
    struct ups *leaving = ups_find(world.store, "ups9");
    unsigned number = 1;
    while (units.numbers[number] != leaving)
        number++;
    served_units_forget(&units, leaving);
    ups_remove(world.store, leaving);
    assert_int_equal(served_units_assign(&units, world.store, &settings), 2);
    assert_string_equal(served_units_find(&units, number)->name, "ups246");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_is_known, begin, end),
        cmocka_unit_test_setup_teardown(test_readings, begin, end),
        cmocka_unit_test_setup_teardown(test_readings_that_do_not_fit, begin, end),
        cmocka_unit_test_setup_teardown(test_texts, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_old, begin, end),
        cmocka_unit_test_setup_teardown(test_snapshot, begin, end),
        cmocka_unit_test_setup_teardown(test_reading_requests, begin, end),
        cmocka_unit_test_setup_teardown(test_writing_requests, begin, end),
        cmocka_unit_test_setup_teardown(test_allowed_commands, begin, end),
        cmocka_unit_test_setup_teardown(test_other_requests, begin, end),
        cmocka_unit_test_setup_teardown(test_units, begin, end),
        cmocka_unit_test_setup_teardown(test_more_devices_than_units, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
