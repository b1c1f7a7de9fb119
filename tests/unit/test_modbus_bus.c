/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/bus.h"

#include "core/loop.h"
#include "modbus/bus_link.h"
#include "tests/unit/unit.h"

#include "tests/unit/modbus_fake.h"

/* What a test waits for in vain is to be short; for an answer a busy machine has all the time. */
#define RESPONSE_MS 300u
#define PATIENCE_MS 10000u

static atomic_bool stopping;

static bool must_stop(const void *context)
{
    (void)context;
    return atomic_load(&stopping);
}

/* Joins the fake's bus. */
static struct bus_station *join(unsigned number, unsigned retries, unsigned response_ms)
{
    struct bus_address address;
    struct bus_unit unit = { .name = "ups",
                             .number = number,
                             .response_ms = response_ms,
                             .retries = retries,
                             .must_stop = must_stop };
    char text[300], problem[200] = "";

    if (fake.is_line)
        snprintf(text, sizeof text, "rtu:%s", fake.path);
    else
        snprintf(text, sizeof text, "%s:127.0.0.1:%u", fake.is_serial ? "rtutcp" : "tcp",
                 (unsigned)fake.port);
    assert_true(bus_parse(text, &address, problem, sizeof problem));
    address.baud = 115200;
    struct bus_station *station = bus_join(&address, &unit, problem, sizeof problem);
    if (station == NULL)
        fail_msg("%s", problem);
    return station;
}

static enum bus_result read_holding(struct bus_station *station, unsigned address, unsigned count,
                                    uint16_t *words)
{
    const struct modbus_block block = { .table = MODBUS_HOLDING,
                                        .address = (uint16_t)address,
                                        .count = (uint16_t)count };

    return bus_read(station, &block, words);
}

/* Reads and sees that what came is what was asked for. */
static void expect_right_words(struct bus_station *station, unsigned unit, unsigned address)
{
    uint16_t words[4] = { 0 };
    enum bus_result result = read_holding(station, address, 4, words);

    if (result != BUS_OK)
        fail_msg("unit %u: %s (%s)", unit, bus_result_name(result), bus_problem(station));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(words[i], (uint16_t)(1000 * unit + address + i));
}

static uint64_t count_of(const struct bus_station *station, enum bus_result result)
{
    return bus_counts(station)->results[result];
}

/* Addresses ---------------------------------------------------------------------------------- */

static void test_addresses(void **state)
{
    static const struct {
        const char *text, *printed; /* NULL: it is wrong */
    } rows[] = {
        { "192.0.2.1", "tcp:192.0.2.1:502" },
        { "ups.example:1502", "tcp:ups.example:1502" },
        { "tcp:ups.example", "tcp:ups.example:502" },
        { "tcp:[2001:db8::1]:503", "tcp:[2001:db8::1]:503" },
        { "2001:db8::1", "tcp:[2001:db8::1]:502" },
        { "[::1]", "tcp:[::1]:502" },
        { "rtutcp:ser2net:4001", "rtutcp:ser2net:4001" },
        { "/dev/ttyUSB0", "rtu:/dev/ttyUSB0" },
        { "rtu:/dev/ttyS0", "rtu:/dev/ttyS0" },
        { "rtu:ttyS0", NULL },
        { "", NULL },
        { "tcp:", NULL },
        { "host:", NULL },
        { "host:0", NULL },
        { "host:65536", NULL },
        { "host:12x", NULL },
        { "host:99999999999999999999", NULL },
        { "[::1", NULL },
        { "[::1]502", NULL },
        { ":502", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bus_address address;
        char printed[600] = "", problem[200] = "";
        bool right = bus_parse(rows[i].text, &address, problem, sizeof problem);

        if (right != (rows[i].printed != NULL))
            fail_msg("\"%s\": %s", rows[i].text, problem);
        assert_true(right == (problem[0] == '\0'));
        if (!right)
            continue;
        bus_print(&address, printed, sizeof printed);
        assert_string_equal(printed, rows[i].printed);
    }
}

static void test_a_long_address(void **state)
{
    char text[400], problem[200];
    struct bus_address address;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(bus_parse(text, &address, problem, sizeof problem));
    text[0] = '/';
    assert_false(bus_parse(text, &address, problem, sizeof problem));
}

/* Exchanges ---------------------------------------------------------------------------------- */

static void test_reading(void **state)
{
    struct bus_station *station = join(7, 0, PATIENCE_MS);
    uint16_t words[MODBUS_READ_BITS_MAX];

    (void)state;
    for (enum modbus_table table = 0; table < MODBUS_TABLES; table++) {
        bool bits = modbus_table_has_bits(table);
        const struct modbus_block block = {
            .table = table, .address = 300, .count = bits ? MODBUS_READ_BITS_MAX : MODBUS_READ_MAX
        };

        assert_int_equal(bus_read(station, &block, words), BUS_OK);
        for (unsigned i = 0; i < block.count; i++)
            assert_int_equal(words[i], bits ? (300 + i) % 3 == 0 : 7300 + i);
    }
    assert_int_equal(bus_counts(station)->requests, 4);
    assert_int_equal(bus_counts(station)->connected, 1);
    assert_int_equal(count_of(station, BUS_OK), 4);
    assert_string_equal(bus_problem(station), "");
    const unsigned functions[] = { 1, 2, 4, 3 };
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(fake.log[i], 7u << 8 | functions[i]);
    bus_leave(station);
}

static void test_writing(void **state)
{
    static const struct {
        enum modbus_table table;
        unsigned count;
        enum modbus_write function;
        unsigned seen, requests;
    } rows[] = {
        { MODBUS_HOLDING, 1, MODBUS_WRITE_AUTO, 6, 1 },
        { MODBUS_HOLDING, 3, MODBUS_WRITE_AUTO, 16, 1 },
        { MODBUS_HOLDING, 3, MODBUS_WRITE_SINGLE, 6, 3 },
        { MODBUS_HOLDING, 1, MODBUS_WRITE_MULTIPLE, 16, 1 },
        { MODBUS_COILS, 1, MODBUS_WRITE_AUTO, 5, 1 },
        { MODBUS_COILS, 3, MODBUS_WRITE_AUTO, 15, 1 },
    };
    struct bus_station *station = join(1, 2, PATIENCE_MS);

    (void)state;
    for (unsigned row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        uint16_t words[] = { 1, 0, 1 };
        uint16_t address = (uint16_t)(100 + 10 * row);
        unsigned before = atomic_load(&fake.logged);

        assert_int_equal(bus_write(station, rows[row].table, address, (uint16_t)rows[row].count,
                                   words, rows[row].function),
                         BUS_OK);
        assert_int_equal(atomic_load(&fake.logged) - before, rows[row].requests);
        assert_int_equal(fake.log[before], 1u << 8 | rows[row].seen);
        for (unsigned i = 0; i < rows[row].count; i++) {
            unsigned on = rows[row].seen == 5 ? 0xff00u : 1u;
            assert_int_equal(atomic_load(&fake.written[address + i]), words[i] * on);
        }
    }
    bus_leave(station);
}

static void test_modifying(void **state)
{
    struct bus_station *station = join(1, 0, PATIENCE_MS);

    (void)state;
    assert_int_equal(bus_modify(station, 24, 0xff00, 0x0003, MODBUS_WRITE_MULTIPLE), BUS_OK);
    assert_int_equal(atomic_load(&fake.written[24]), (1024 & 0xff00) | 3);
    assert_int_equal(fake.log[0], 1u << 8 | 3);
    assert_int_equal(fake.log[1], 1u << 8 | 16);
    assert_int_equal(bus_counts(station)->requests, 2);
    bus_leave(station);
}

static void test_identification(void **state)
{
    struct bus_station *station = join(3, 0, PATIENCE_MS);
    char text[MODBUS_OBJECT_MAX + 1];

    (void)state;
    assert_int_equal(bus_identify(station, 2, text), BUS_OK);
    assert_string_equal(text, "Fake UPS");
    assert_int_equal(bus_identify(station, 0x90, text), BUS_OK);
    assert_string_equal(text, "Fake UPS");
    unsigned before = atomic_load(&fake.logged);
    text[0] = '\0';
    assert_int_equal(bus_identify(station, 0x88, text), BUS_OK);
    assert_string_equal(text, "Fake UPS");
    assert_int_equal(atomic_load(&fake.logged), before + 1);
    atomic_store(&fake.moods[3], FAKE_REFUSES);
    atomic_store(&fake.exception, 1);
    assert_int_equal(bus_identify(station, 0, text), BUS_EXCEPTION);
    assert_int_equal(bus_exception(station), 1);
    atomic_store(&fake.moods[3], FAKE_WELL);
    expect_right_words(station, 3, 40);
    bus_leave(station);
}

static void test_identification_misbehaving(void **state)
{
    static const enum fake_mood moods[] = { FAKE_SHORT,      FAKE_NOISE,  FAKE_BAD_CRC,
                                            FAKE_OTHER_UNIT, FAKE_SILENT, FAKE_RESETS };
    struct bus_station *station = join(3, 0, RESPONSE_MS);
    char text[MODBUS_OBJECT_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof moods / sizeof moods[0]; i++) {
        if (moods[i] == FAKE_RESETS && fake.is_line)
            continue;
        atomic_store(&fake.moods[3], moods[i]);
        enum bus_result result = bus_identify(station, 1, text);
        if (result != BUS_SILENT && result != BUS_GARBLED && result != BUS_GONE)
            fail_msg("mood %d: %s", (int)moods[i], bus_result_name(result));
        atomic_store(&fake.moods[3], FAKE_WELL);
        expect_right_words(station, 3, 40);
    }
    bus_leave(station);
}

static void test_exceptions(void **state)
{
    struct bus_station *station = join(1, 2, PATIENCE_MS);
    uint16_t words[2];

    (void)state;
    atomic_store(&fake.moods[1], FAKE_REFUSES);
    for (unsigned exception = 1; exception <= 11; exception++) {
        unsigned before = atomic_load(&fake.logged);

        if (exception == 9)
            continue; /* there is none */
        atomic_store(&fake.exception, exception);
        assert_int_equal(read_holding(station, 0, 2, words), BUS_EXCEPTION);
        assert_int_equal(bus_exception(station), exception);
        assert_non_null(strstr(bus_problem(station), "unit 1: exception "));
        /* Who says to be busy is asked again. */
        assert_int_equal(atomic_load(&fake.logged) - before, exception == 6 ? 3 : 1);
    }
    assert_int_equal(bus_counts(station)->connected, 1);
    bus_leave(station);
}

/* Failures ----------------------------------------------------------------------------------- */

/*
 * Each kind of misbehaviour ends a request in time, and is over with the next one. One address a
 * request, so that an answer to another one would be seen.
 */
static void misbehave(enum fake_mood mood, enum bus_result expected)
{
    struct bus_station *station = join(1, 0, RESPONSE_MS);
    uint16_t words[4];
    unsigned address = 0;

    expect_right_words(station, 1, address += 10);
    for (unsigned i = 0; i < 2; i++) {
        atomic_store(&fake.moods[1], mood);
        enum bus_result result = read_holding(station, address += 10, 4, words);
        if (result != expected)
            fail_msg("mood %d: %s, not %s", (int)mood, bus_result_name(result),
                     bus_result_name(expected));
        assert_string_not_equal(bus_problem(station), "");
        atomic_store(&fake.moods[1], FAKE_WELL);
        expect_right_words(station, 1, address += 10);
        expect_right_words(station, 1, address += 10);
    }
    bus_leave(station);
}

/* Acknowledged is taken: the rest is sent too. What is read before a write is no such matter. */
static void test_writes_acknowledged(void **state)
{
    struct bus_station *station = join(1, 0, PATIENCE_MS);
    const uint16_t words[3] = { 7, 8, 9 };

    (void)state;
    atomic_store(&fake.moods[1], FAKE_REFUSES);
    atomic_store(&fake.exception, 5);
    unsigned before = atomic_load(&fake.logged);
    assert_int_equal(bus_write(station, MODBUS_HOLDING, 50, 3, words, MODBUS_WRITE_SINGLE), BUS_OK);
    assert_string_equal(bus_problem(station), "");
    assert_int_equal(atomic_load(&fake.logged), before + 3);
    assert_int_equal(bus_write(station, MODBUS_HOLDING, 50, 3, words, MODBUS_WRITE_MULTIPLE),
                     BUS_OK);
    assert_int_equal(bus_write(station, MODBUS_COILS, 50, 1, words, MODBUS_WRITE_AUTO), BUS_OK);
    assert_int_equal(bus_modify(station, 50, 0xfff0, 1, MODBUS_WRITE_AUTO), BUS_EXCEPTION);
    assert_int_equal(bus_exception(station), 5);
    bus_leave(station);
}

static void test_a_silent_unit(void **state)
{
    (void)state;
    misbehave(FAKE_SILENT, BUS_SILENT);
}

static void test_half_a_frame(void **state)
{
    (void)state;
    misbehave(FAKE_SHORT, BUS_SILENT);
}

/* On a line the noise looks like the head of a longer frame. */
static void test_noise(void **state)
{
    (void)state;
    misbehave(FAKE_NOISE, fake.is_serial ? BUS_SILENT : BUS_GARBLED);
}

static void test_a_bad_checksum(void **state)
{
    (void)state;
    misbehave(FAKE_BAD_CRC, BUS_GARBLED);
}

static void test_another_unit_answers(void **state)
{
    (void)state;
    misbehave(FAKE_OTHER_UNIT, BUS_GARBLED);
}

/* Cards answer with 0, 1 or 255 whatever the number was; the transaction is what tells. */
static void test_another_unit_by_tcp(void **state)
{
    struct bus_station *station = join(1, 0, PATIENCE_MS);

    (void)state;
    atomic_store(&fake.moods[1], FAKE_OTHER_UNIT);
    expect_right_words(station, 1, 10);
    bus_leave(station);
}

static void test_another_function(void **state)
{
    (void)state;
    misbehave(FAKE_OTHER_FUNCTION, BUS_GARBLED);
}

static void test_a_stale_answer(void **state)
{
    (void)state;
    misbehave(FAKE_STALE, BUS_GARBLED);
}

static void test_a_unit_that_drips(void **state)
{
    (void)state;
    misbehave(FAKE_DRIPS, BUS_SILENT);
}

/* Its answer comes when we have given up, and must not be taken for that to the next request. */
static void test_a_late_answer(void **state)
{
    (void)state;
    atomic_store(&fake.delay_ms, RESPONSE_MS * 3 / 2);
    misbehave(FAKE_LATE, BUS_SILENT);
}

static void test_a_reset_in_mid_frame(void **state)
{
    struct bus_station *station = join(1, 0, PATIENCE_MS);
    uint16_t words[4];

    (void)state;
    expect_right_words(station, 1, 10);
    atomic_store(&fake.moods[1], FAKE_RESETS);
    assert_int_equal(read_holding(station, 20, 4, words), BUS_GONE);
    assert_int_equal(count_of(station, BUS_GONE), 2); /* once more, at once */
    atomic_store(&fake.moods[1], FAKE_WELL);
    expect_right_words(station, 1, 30);
    bus_leave(station);
}

/* Network cards close what is idle: not worth a word. */
static void test_closed_while_idle(void **state)
{
    struct bus_station *station = join(1, 0, PATIENCE_MS);
    uint16_t word = 5;

    (void)state;
    atomic_store(&fake.moods[1], FAKE_HANGS_UP);
    for (unsigned i = 0; i < 5; i++) {
        expect_right_words(station, 1, 10 * i);
        fake_sleep(20);
        assert_int_equal(bus_write(station, MODBUS_HOLDING, 500, 1, &word, MODBUS_WRITE_AUTO),
                         BUS_OK);
        fake_sleep(20);
    }
    assert_int_equal(bus_counts(station)->connected, 10);
    assert_int_equal(count_of(station, BUS_GONE), 0);
    bus_leave(station);
}

static void test_retries(void **state)
{
    struct bus_station *station = join(1, 2, RESPONSE_MS);
    uint16_t words[4];

    (void)state;
    atomic_store(&fake.once, 2);
    atomic_store(&fake.moods[1], FAKE_SILENT);
    expect_right_words(station, 1, 60);
    assert_int_equal(bus_counts(station)->repeated, 2);
    atomic_store(&fake.once, 0);
    atomic_store(&fake.moods[1], FAKE_SILENT);
    assert_int_equal(read_holding(station, 0, 4, words), BUS_SILENT);
    assert_int_equal(count_of(station, BUS_SILENT), 5);
    /* Known to be silent, it is asked once a time. */
    assert_int_equal(read_holding(station, 0, 4, words), BUS_SILENT);
    assert_int_equal(count_of(station, BUS_SILENT), 6);
    bus_leave(station);
}

/* It may have been carried out: a toggle done twice is not done. */
static void test_a_write_is_never_repeated(void **state)
{
    struct bus_station *station = join(1, 3, RESPONSE_MS);
    uint16_t word = 1;

    (void)state;
    atomic_store(&fake.moods[1], FAKE_SILENT);
    assert_int_equal(bus_write(station, MODBUS_HOLDING, 9, 1, &word, MODBUS_WRITE_AUTO),
                     BUS_SILENT);
    assert_int_equal(bus_modify(station, 9, 0, 1, MODBUS_WRITE_AUTO), BUS_SILENT);
    assert_int_equal(atomic_load(&fake.logged), 2);
    bus_leave(station);
}

/* Of registers written one by one, those that were taken are not written again for another. */
static void test_busy_amid_writes(void **state)
{
    struct bus_station *station = join(1, 1, PATIENCE_MS);
    const uint16_t words[] = { 5, 6, 7 };

    (void)state;
    atomic_store(&fake.after, 1);
    atomic_store(&fake.once, 1);
    atomic_store(&fake.exception, 6);
    atomic_store(&fake.moods[1], FAKE_REFUSES);
    assert_int_equal(bus_write(station, MODBUS_HOLDING, 9, 3, words, MODBUS_WRITE_SINGLE), BUS_OK);
    assert_int_equal(atomic_load(&fake.logged), 4);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(atomic_load(&fake.written[9 + i]), words[i]);
    bus_leave(station);
}

static void test_nobody_there(void **state)
{
    struct bus_address address;
    struct bus_unit unit = { .name = "ups", .number = 1, .response_ms = RESPONSE_MS };
    char text[64], problem[200];
    uint16_t word;

    (void)state;
    snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)fake.port);
    fake_stop();
    assert_true(bus_parse(text, &address, problem, sizeof problem));
    struct bus_station *station = bus_join(&address, &unit, problem, sizeof problem);
    assert_int_equal(read_holding(station, 0, 1, &word), BUS_GONE);
    assert_non_null(strstr(bus_problem(station), "127.0.0.1 port"));
    assert_non_null(strstr(bus_problem(station), "refused"));
    bus_leave(station);
    assert_true(bus_parse("rtu:/dev/no/such", &address, problem, sizeof problem));
    station = bus_join(&address, &unit, problem, sizeof problem);
    assert_int_equal(read_holding(station, 0, 1, &word), BUS_GONE);
    assert_non_null(strstr(bus_problem(station), "/dev/no/such: opening: No such file"));
    bus_leave(station);
    fake_start(false, false);
}

static int begin_tcp(void **state)
{
    (void)state;
    atomic_store(&stopping, false);
    fake_start(false, false);
    return 0;
}

static int begin_line(void **state)
{
    (void)state;
    atomic_store(&stopping, false);
    fake_start(true, true);
    return 0;
}

static int begin_serial_server(void **state)
{
    (void)state;
    atomic_store(&stopping, false);
    fake_start(false, true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fake_stop();
    return 0;
}

#define BY_TCP(test)                                \
    {                                               \
#test " by TCP", test, begin_tcp, end, NULL \
    }
#define BY_LINE(test)                                   \
    {                                                   \
#test " by a line", test, begin_line, end, NULL \
    }
#define BY_SERVER(test)                                                   \
    {                                                                     \
#test " by a serial server", test, begin_serial_server, end, NULL \
    }
#define BY_ALL(test) BY_TCP(test), BY_LINE(test), BY_SERVER(test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_a_long_address),
        BY_ALL(test_reading),
        BY_ALL(test_writing),
        BY_ALL(test_modifying),
        BY_ALL(test_identification),
        BY_ALL(test_identification_misbehaving),
        BY_ALL(test_exceptions),
        BY_ALL(test_writes_acknowledged),
        BY_ALL(test_a_silent_unit),
        BY_ALL(test_half_a_frame),
        BY_ALL(test_noise),
        BY_LINE(test_a_bad_checksum),
        BY_SERVER(test_a_bad_checksum),
        BY_LINE(test_another_unit_answers),
        BY_SERVER(test_another_unit_answers),
        BY_TCP(test_another_unit_by_tcp),
        BY_ALL(test_another_function),
        BY_TCP(test_a_stale_answer),
        BY_ALL(test_a_unit_that_drips),
        BY_ALL(test_a_late_answer),
        BY_TCP(test_a_reset_in_mid_frame),
        BY_SERVER(test_a_reset_in_mid_frame),
        BY_TCP(test_closed_while_idle),
        BY_SERVER(test_closed_while_idle),
        BY_ALL(test_retries),
        BY_ALL(test_a_write_is_never_repeated),
        BY_ALL(test_busy_amid_writes),
        BY_TCP(test_nobody_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
