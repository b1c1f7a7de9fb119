/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How several units share a bus: turns, rests, and what they must agree on.
 */
#include "modbus/bus.h"

#include "core/loop.h"
#include "tests/unit/unit.h"

#include "tests/unit/modbus_fake.h"

#define RESPONSE_MS 150u
#define UNITS 4

static atomic_bool stopping;

static bool must_stop(const void *context)
{
    (void)context;
    return atomic_load(&stopping);
}

static bool is_asked_to_stop(const void *context)
{
    const atomic_bool *asked = context;

    return atomic_load(asked);
}

static struct bus_station *join_as(const struct bus_unit *unit)
{
    struct bus_address address;
    char text[64], problem[200] = "";

    snprintf(text, sizeof text, "tcp:127.0.0.1:%u", (unsigned)fake.port);
    assert_true(bus_parse(text, &address, problem, sizeof problem));
    struct bus_station *station = bus_join(&address, unit, problem, sizeof problem);
    if (station == NULL)
        fail_msg("%s", problem);
    return station;
}

static struct bus_station *join(unsigned number, unsigned retries)
{
    const struct bus_unit unit = { .name = "ups",
                                   .number = number,
                                   .response_ms = RESPONSE_MS,
                                   .retries = retries,
                                   .must_stop = must_stop };

    return join_as(&unit);
}

static enum bus_result read_one(struct bus_station *station)
{
    const struct modbus_block block = { .table = MODBUS_HOLDING, .address = 10, .count = 1 };
    uint16_t word;

    return bus_read(station, &block, &word);
}

/* A device that reads without a pause. */
struct reader {
    pthread_t thread;
    struct bus_station *station;
    unsigned reads;
    atomic_uint answered;
};

static void *run_reader(void *argument)
{
    struct reader *reader = argument;

    for (unsigned i = 0; i < reader->reads && !atomic_load(&stopping); i++) {
        if (read_one(reader->station) == BUS_OK)
            atomic_fetch_add(&reader->answered, 1);
    }
    return NULL;
}

static void start_reader(struct reader *reader, unsigned number, unsigned reads)
{
    reader->station = join(number, 0);
    reader->reads = reads;
    assert_int_equal(pthread_create(&reader->thread, NULL, run_reader, reader), 0);
}

static void finish_reader(struct reader *reader)
{
    pthread_join(reader->thread, NULL);
    bus_leave(reader->station);
}

/* While all want the bus, nobody gets it twice before all others had it once. */
static void test_turns(void **state)
{
    struct reader readers[UNITS] = { 0 };

    (void)state;
    for (unsigned unit = 1; unit <= UNITS; unit++) {
        atomic_store(&fake.moods[unit], FAKE_LATE);
        atomic_store(&fake.delay_ms, 4);
    }
    for (unsigned i = 0; i < UNITS; i++)
        start_reader(&readers[i], i + 1, 60);
    for (unsigned i = 0; i < UNITS; i++)
        finish_reader(&readers[i]);
    unsigned logged = atomic_load(&fake.logged), jumps = 0, previous[256] = { 0 };
    assert_int_equal(logged, UNITS * 60);
    assert_int_equal(atomic_load(&fake.connections), 1);
    /* The first ones may not have found each other yet, the last ones are among fewer. */
    for (unsigned i = UNITS; i < logged - 2 * UNITS; i++) {
        unsigned unit = fake.log[i] >> 8;
        jumps += previous[unit] != 0 && i - previous[unit] < UNITS;
        previous[unit] = i;
    }
    /* A thread that is late to ask again on a busy machine misses a turn. */
    assert_true(jumps < logged / 10);
    for (unsigned i = 0; i < UNITS; i++)
        assert_int_equal(atomic_load(&readers[i].answered), 60);
}

/* A dead unit has a fifth of the bus at most, and so do several. */
static void test_rests(void **state)
{
    struct reader reader = { 0 };
    struct bus_station *dead[] = { join(8, 3), join(9, 3) };
    unsigned withheld = 0;

    (void)state;
    atomic_store(&fake.moods[8], FAKE_SILENT);
    atomic_store(&fake.moods[9], FAKE_SILENT);
    start_reader(&reader, 1, 1000000);
    uint64_t end = clock_ms() + 4000;
    while (clock_ms() < end) {
        for (unsigned i = 0; i < 2; i++)
            withheld += read_one(dead[i]) == BUS_RESTING;
        fake_sleep(5);
    }
    atomic_store(&stopping, true);
    finish_reader(&reader);
    assert_true(withheld > 0);
    uint64_t lost = 0;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t silent = bus_counts(dead[i])->results[BUS_SILENT];
        assert_true(silent >= 4); /* three retries first */
        lost += (silent - 4) * RESPONSE_MS;
        bus_leave(dead[i]);
    }
    assert_true(lost <= 4000 / 5 + 2 * RESPONSE_MS);
    assert_true(atomic_load(&reader.answered) > 100);
}

/* It is well again with the first answer. */
static void test_a_unit_comes_back(void **state)
{
    struct bus_station *other = join(1, 0), *station = join(8, 0);

    (void)state;
    atomic_store(&fake.moods[8], FAKE_SILENT);
    assert_int_equal(read_one(station), BUS_SILENT);
    assert_int_equal(read_one(station), BUS_RESTING);
    assert_int_equal(bus_counts(station)->results[BUS_RESTING], 1);
    assert_non_null(strstr(bus_problem(station), "unit 8"));
    assert_int_equal(read_one(other), BUS_OK);
    atomic_store(&fake.moods[8], FAKE_WELL);
    uint64_t end = clock_ms() + 20000;
    enum bus_result result = BUS_RESTING;
    while (result == BUS_RESTING && clock_ms() < end) {
        fake_sleep(10);
        result = read_one(station);
    }
    assert_int_equal(result, BUS_OK);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(read_one(station), BUS_OK);
    bus_leave(station);
    bus_leave(other);
}

/* A device that finds nobody leaves, and has not less patience with it when it comes again. */
static void test_a_silent_unit_that_left(void **state)
{
    struct bus_station *other = join(1, 0), *station = join(8, 1);

    (void)state;
    atomic_store(&fake.moods[8], FAKE_SILENT);
    assert_int_equal(read_one(station), BUS_SILENT);
    bus_leave(station);
    station = join(8, 1);
    assert_int_equal(read_one(station), BUS_RESTING);
    bus_leave(station);
    station = join(9, 1);
    assert_int_equal(read_one(station), BUS_OK);
    bus_leave(station);
    bus_leave(other);
    /* With the bus its units are forgotten. */
    station = join(8, 0);
    assert_int_equal(read_one(station), BUS_SILENT);
    bus_leave(station);
}

/* What a gateway says of a unit it does not reach. */
static void test_a_gateway_without_answer(void **state)
{
    struct bus_station *other = join(1, 0), *station = join(8, 0);

    (void)state;
    atomic_store(&fake.moods[8], FAKE_REFUSES);
    atomic_store(&fake.exception, 11);
    assert_int_equal(read_one(station), BUS_EXCEPTION);
    assert_int_equal(bus_exception(station), 11);
    assert_int_equal(read_one(other), BUS_OK);
    bus_leave(station);
    bus_leave(other);
}

static void test_alone_there_is_no_rest(void **state)
{
    struct bus_station *station = join(8, 0);

    (void)state;
    atomic_store(&fake.moods[8], FAKE_SILENT);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(read_one(station), BUS_SILENT);
    bus_leave(station);
}

/* Who waits for a turn ends at once when it must stop, and the others never know. */
static void test_stopping_in_the_queue(void **state)
{
    static atomic_bool asked;
    const struct bus_unit unit = { .name = "ups",
                                   .number = 2,
                                   .response_ms = RESPONSE_MS,
                                   .must_stop = is_asked_to_stop,
                                   .context = &asked };
    struct bus_station *station = join_as(&unit);
    struct reader reader = { 0 };

    (void)state;
    atomic_store(&asked, true);
    atomic_store(&fake.moods[1], FAKE_LATE);
    atomic_store(&fake.delay_ms, 50);
    start_reader(&reader, 1, 20);
    while (atomic_load(&fake.logged) == 0)
        fake_sleep(1);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(read_one(station), BUS_STOPPED);
    finish_reader(&reader);
    assert_int_equal(atomic_load(&reader.answered), 20);
    atomic_store(&asked, false);
    assert_int_equal(read_one(station), BUS_OK);
    bus_leave(station);
}

static void test_pauses(void **state)
{
    const struct bus_unit unit = { .name = "ups",
                                   .number = 1,
                                   .response_ms = RESPONSE_MS,
                                   .pause_ms = 40,
                                   .after_write_ms = 120 };
    struct bus_station *station = join_as(&unit);
    uint16_t word = 1;

    (void)state;
    uint64_t began = clock_ms();
    assert_int_equal(read_one(station), BUS_OK);
    assert_int_equal(read_one(station), BUS_OK);
    assert_true(clock_ms() - began >= 39);
    began = clock_ms();
    assert_int_equal(bus_write(station, MODBUS_COILS, 1, 1, &word, MODBUS_WRITE_AUTO), BUS_OK);
    assert_int_equal(read_one(station), BUS_OK);
    assert_true(clock_ms() - began >= 119);
    bus_leave(station);
}

/* The request to write is one as well, for the unit and its line. */
static void test_the_pause_within_a_modification(void **state)
{
    const struct bus_unit unit = {
        .name = "ups", .number = 1, .response_ms = RESPONSE_MS, .pause_ms = 60
    };
    struct bus_station *station = join_as(&unit);
    uint64_t began = clock_ms();

    (void)state;
    assert_int_equal(bus_modify(station, 9, 0, 1, MODBUS_WRITE_AUTO), BUS_OK);
    assert_true(clock_ms() - began >= 59);
    bus_leave(station);
}

/* Who needs a pause behind its answer has it, whoever asks next. */
static void test_the_pause_of_another(void **state)
{
    const struct bus_unit unit = {
        .name = "slow", .number = 1, .response_ms = RESPONSE_MS, .pause_ms = 60
    };
    struct bus_station *slow = join_as(&unit), *other = join(2, 0);
    uint64_t began = clock_ms();

    (void)state;
    assert_int_equal(read_one(slow), BUS_OK);
    assert_int_equal(read_one(other), BUS_OK);
    assert_true(clock_ms() - began >= 59);
    bus_leave(slow);
    bus_leave(other);
}

/* Two sections that name one line must mean the same line. */
static void test_a_line_at_two_speeds(void **state)
{
    struct bus_address address;
    struct bus_unit unit = { .name = "first", .number = 1, .response_ms = RESPONSE_MS };
    char problem[200];

    (void)state;
    assert_true(bus_parse("/dev/ttyS77", &address, problem, sizeof problem));
    struct bus_station *first = bus_join(&address, &unit, problem, sizeof problem);
    assert_non_null(first);
    address.baud = 19200;
    unit.name = "second";
    assert_null(bus_join(&address, &unit, problem, sizeof problem));
    assert_non_null(strstr(problem, "/dev/ttyS77"));
    assert_non_null(strstr(problem, "9600 8N1"));
    assert_non_null(strstr(problem, "[first]"));
    bus_leave(first);
    first = bus_join(&address, &unit, problem, sizeof problem);
    assert_non_null(first);
    bus_leave(first);
}

static int begin(void **state)
{
    (void)state;
    atomic_store(&stopping, false);
    fake_start(false, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fake_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_turns, begin, end),
        cmocka_unit_test_setup_teardown(test_rests, begin, end),
        cmocka_unit_test_setup_teardown(test_a_unit_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(test_a_silent_unit_that_left, begin, end),
        cmocka_unit_test_setup_teardown(test_a_gateway_without_answer, begin, end),
        cmocka_unit_test_setup_teardown(test_alone_there_is_no_rest, begin, end),
        cmocka_unit_test_setup_teardown(test_stopping_in_the_queue, begin, end),
        cmocka_unit_test_setup_teardown(test_pauses, begin, end),
        cmocka_unit_test_setup_teardown(test_the_pause_within_a_modification, begin, end),
        cmocka_unit_test_setup_teardown(test_the_pause_of_another, begin, end),
        cmocka_unit_test(test_a_line_at_two_speeds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
