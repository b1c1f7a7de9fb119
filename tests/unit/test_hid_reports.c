/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/reports.h"

#include "tests/unit/unit.h"

#include <stdbool.h>
#include <string.h>

/*
 * Report 1: two bytes as Feature, and two others as Input. Report 2: a byte, Feature. Report 3: an
 * Output byte. Report 4: a Feature byte beside padding. Report 5: half a byte each, Feature.
 */
static const uint8_t numbered_bytes[] = {
    0x05, 0x84, 0x09, 0x04, 0xa1, 0x01, 0x75, 0x08, 0x95, 0x01, 0x85, 0x01, 0x09, 0x30, 0xb1,
    0x02, 0x09, 0x31, 0xb1, 0x02, 0x09, 0x32, 0x81, 0x02, 0x09, 0x33, 0x81, 0x02, 0x85, 0x02,
    0x09, 0x34, 0xb1, 0x02, 0x85, 0x03, 0x09, 0x35, 0x91, 0x02, 0x85, 0x04, 0x09, 0x36, 0xb1,
    0x02, 0xb1, 0x03, 0x85, 0x05, 0x75, 0x04, 0x95, 0x02, 0x09, 0x37, 0xb1, 0x02, 0xc0,
};
enum { FIRST, SECOND, INPUT_FIRST, INPUT_SECOND, ALONE, OUTPUT, PADDED, HALF };

/* One report of a byte, without a number. */
static const uint8_t plain_bytes[] = { 0x05, 0x84, 0x09, 0x04, 0xa1, 0x01, 0x75, 0x08,
                                       0x95, 0x01, 0x09, 0x30, 0xb1, 0x02, 0xc0 };

#define ANSWERS_MAX 8

/* A device that answers what the test has laid out, in this order; the last answer repeats. */
struct script {
    ssize_t results[ANSWERS_MAX];
    uint8_t bytes[ANSWERS_MAX][8];
    size_t count, next;
    size_t gets, sets;
    enum hid_report_type type; /* of the last request */
    uint8_t report;
    size_t size;
    enum hid_result set_result;
    uint8_t set[8];
    size_t set_size;
    bool obeys; /* what is written is what the next answer tells */
};

struct fixture {
    struct script script;
    struct hid_transport transport;
    struct hid_descriptor *descriptor;
    struct hid_reports *reports;
};

static ssize_t get_report(void *state, enum hid_report_type type, uint8_t report, uint8_t *bytes,
                          size_t size)
{
    struct script *script = state;
    size_t answer = script->next;

    assert_true(script->count > 0);
    if (script->next + 1 < script->count)
        script->next++;
    script->gets++;
    script->type = type;
    script->report = report;
    script->size = size;
    memcpy(bytes, script->bytes[answer], size < 8 ? size : 8);
    return script->results[answer];
}

static enum hid_result set_report(void *state, enum hid_report_type type, uint8_t report,
                                  const uint8_t *bytes, size_t length)
{
    struct script *script = state;

    script->sets++;
    script->type = type;
    script->report = report;
    script->set_size = length;
    memcpy(script->set, bytes, length < 8 ? length : 8);
    if (script->obeys)
        memcpy(script->bytes[script->next], bytes, length < 8 ? length : 8);
    return script->set_result;
}

/* The next answer: a result and up to four bytes. */
static void answer(struct fixture *fixture, ssize_t result, uint32_t bytes)
{
    struct script *script = &fixture->script;

    assert_true(script->count < ANSWERS_MAX);
    script->results[script->count] = result;
    for (size_t i = 0; i < 4; i++)
        script->bytes[script->count][i] = (uint8_t)(bytes >> (24 - 8 * i));
    script->count++;
}

/* What was laid out is over; a new poll begins. */
static void begin(struct fixture *fixture)
{
    fixture->script.count = fixture->script.next = 0;
    hid_reports_begin(fixture->reports);
}

static struct fixture *prepare(const uint8_t *bytes, size_t length)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);

    fixture->transport.state = &fixture->script;
    fixture->transport.get_report = get_report;
    fixture->transport.set_report = set_report;
    fixture->descriptor = hid_descriptor_parse(bytes, length);
    assert_non_null(fixture->descriptor);
    assert_string_equal(fixture->descriptor->problem, "");
    fixture->reports = hid_reports_new(fixture->descriptor, &fixture->transport);
    assert_non_null(fixture->reports);
    return fixture;
}

static int set_up(void **state)
{
    *state = prepare(numbered_bytes, sizeof numbered_bytes);
    return 0;
}

static int set_up_plain(void **state)
{
    *state = prepare(plain_bytes, sizeof plain_bytes);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    hid_reports_free(fixture->reports);
    hid_descriptor_free(fixture->descriptor);
    test_free(fixture);
    return 0;
}

static void expect_raw(struct fixture *fixture, size_t field, int64_t wanted)
{
    int64_t raw = -12345;

    assert_int_equal(
        hid_reports_value(fixture->reports, &fixture->descriptor->fields[field], false, &raw),
        HID_OK);
    assert_int_equal(raw, wanted);
}

static void expect_kept(struct fixture *fixture, size_t field, int64_t wanted)
{
    int64_t raw = -12345;

    assert_int_equal(
        hid_reports_value(fixture->reports, &fixture->descriptor->fields[field], true, &raw),
        HID_OK);
    assert_int_equal(raw, wanted);
}

static void expect_failure(struct fixture *fixture, size_t field, enum hid_result wanted)
{
    int64_t raw;

    assert_int_equal(
        hid_reports_value(fixture->reports, &fixture->descriptor->fields[field], false, &raw),
        wanted);
}

static void expect_write(struct fixture *fixture, size_t field, int64_t raw, enum hid_result wanted,
                         int64_t wanted_written)
{
    int64_t written = -12345;

    assert_int_equal(
        hid_reports_write(fixture->reports, &fixture->descriptor->fields[field], raw, &written),
        wanted);
    if (wanted == HID_OK)
        assert_int_equal(written, wanted_written);
}

static void test_one_request_serves_all(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, 3, 0x01051600);
    expect_raw(fixture, FIRST, 5);
    expect_raw(fixture, SECOND, 0x16);
    expect_raw(fixture, FIRST, 5);
    assert_int_equal(fixture->script.gets, 1);
    assert_int_equal(fixture->script.type, HID_FEATURE);
    assert_int_equal(fixture->script.report, 1);
    assert_int_equal(fixture->script.size, 3);
    assert_int_equal(hid_reports_requests(fixture->reports), 1);
    begin(fixture);
    answer(fixture, 3, 0x01061700);
    /* What may be old is not asked for. */
    expect_kept(fixture, FIRST, 5);
    assert_int_equal(fixture->script.gets, 1);
    expect_raw(fixture, FIRST, 6);
    expect_kept(fixture, SECOND, 0x17);
    assert_int_equal(fixture->script.gets, 2);
}

static void test_feature_and_input_are_two(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, 3, 0x01050600);
    answer(fixture, 3, 0x01070800);
    expect_raw(fixture, FIRST, 5);
    expect_raw(fixture, INPUT_FIRST, 7);
    assert_int_equal(fixture->script.type, HID_INPUT);
    expect_raw(fixture, SECOND, 6);
    expect_raw(fixture, INPUT_SECOND, 8);
    assert_int_equal(fixture->script.gets, 2);
}

static void test_short_and_long_answers(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, 2, 0x01050000);
    expect_raw(fixture, FIRST, 5);
    expect_failure(fixture, SECOND, HID_SHORT);
    assert_int_equal(fixture->script.gets, 1);
    begin(fixture);
    answer(fixture, 100000, 0x01060700);
    expect_raw(fixture, FIRST, 6);
    expect_raw(fixture, SECOND, 7);
}

static void test_wrong_answers(void **state)
{
    struct fixture *fixture = *state;

    /* The report before, then the right one. */
    answer(fixture, 3, 0x02090900);
    answer(fixture, 3, 0x01050600);
    expect_raw(fixture, FIRST, 5);
    assert_int_equal(fixture->script.gets, 2);
    begin(fixture);
    /* Zeros, and again: not more than twice, and what was read before does not look like new. */
    answer(fixture, 3, 0x00000000);
    expect_failure(fixture, FIRST, HID_SHORT);
    expect_failure(fixture, SECOND, HID_SHORT);
    assert_int_equal(fixture->script.gets, 4);
    begin(fixture);
    answer(fixture, 0, 0);
    expect_failure(fixture, FIRST, HID_SHORT);
    assert_int_equal(fixture->script.gets, 6);
    begin(fixture);
    /* A report of zeros with the right number is one. */
    answer(fixture, 3, 0x01000000);
    expect_raw(fixture, FIRST, 0);
    assert_int_equal(fixture->script.gets, 7);
}

static void test_without_numbers(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, 1, 0x00000000);
    expect_raw(fixture, 0, 0);
    assert_int_equal(fixture->script.gets, 1);
    assert_int_equal(fixture->script.size, 1);
    assert_int_equal(fixture->script.report, 0);
    begin(fixture);
    answer(fixture, 1, 0x05000000);
    expect_raw(fixture, 0, 5);
    answer(fixture, 1, 0x09000000);
    expect_write(fixture, 0, 9, HID_OK, 9);
    assert_int_equal(fixture->script.set[0], 9);
}

static void test_refused_at_once(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, HID_STALLED, 0);
    expect_failure(fixture, FIRST, HID_STALLED);
    expect_failure(fixture, SECOND, HID_STALLED);
    assert_int_equal(fixture->script.gets, 1);
    begin(fixture);
    expect_failure(fixture, FIRST, HID_STALLED);
    assert_int_equal(fixture->script.gets, 1);
    /* The Input report of the same number is another, and so is report 2. */
    answer(fixture, 3, 0x01050600);
    answer(fixture, 2, 0x02070000);
    expect_raw(fixture, INPUT_FIRST, 5);
    expect_raw(fixture, ALONE, 7);
    assert_false(hid_reports_broken(fixture->reports));
    /* Much later it may have changed its mind. */
    for (size_t i = 0; i < 126; i++)
        begin(fixture);
    expect_failure(fixture, FIRST, HID_STALLED);
    begin(fixture);
    answer(fixture, 3, 0x01080900);
    expect_raw(fixture, FIRST, 8);
}

static void test_refused_for_a_while(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, 3, 0x01050600);
    expect_raw(fixture, FIRST, 5);
    for (size_t i = 0; i < 2; i++) {
        begin(fixture);
        answer(fixture, HID_STALLED, 0);
        expect_failure(fixture, FIRST, HID_STALLED);
    }
    /* It was only busy. */
    begin(fixture);
    answer(fixture, 3, 0x01070600);
    expect_raw(fixture, FIRST, 7);
    assert_int_equal(fixture->script.gets, 4);
    for (size_t i = 0; i < 5; i++) {
        begin(fixture);
        answer(fixture, HID_STALLED, 0);
        expect_failure(fixture, FIRST, HID_STALLED);
    }
    assert_int_equal(fixture->script.gets, 7);
}

static void test_time_outs(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, HID_TIMED_OUT, 0);
    expect_failure(fixture, FIRST, HID_TIMED_OUT);
    /* Not again in this poll. */
    expect_failure(fixture, SECOND, HID_TIMED_OUT);
    assert_int_equal(fixture->script.gets, 1);
    expect_failure(fixture, ALONE, HID_TIMED_OUT);
    begin(fixture);
    answer(fixture, 3, 0x01050600);
    answer(fixture, HID_TIMED_OUT, 0);
    expect_raw(fixture, FIRST, 5);
    expect_failure(fixture, ALONE, HID_TIMED_OUT);
    assert_false(hid_reports_broken(fixture->reports));
    /* The third question is for what was answered before. */
    expect_failure(fixture, INPUT_FIRST, HID_BROKEN);
    assert_true(hid_reports_broken(fixture->reports));
    begin(fixture);
    expect_failure(fixture, FIRST, HID_BROKEN);
    expect_write(fixture, ALONE, 1, HID_BROKEN, 0);
    assert_int_equal(fixture->script.gets, 6);
}

static void test_broken(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, HID_BROKEN, 0);
    expect_failure(fixture, FIRST, HID_BROKEN);
    expect_failure(fixture, ALONE, HID_BROKEN);
    assert_true(hid_reports_broken(fixture->reports));
    assert_int_equal(fixture->script.gets, 1);
}

static void test_input_counts_as_read(void **state)
{
    static const uint8_t both[] = { 1, 5, 6, 0, 0 };
    static const uint8_t one[] = { 1, 7 };
    static const uint8_t feature_only[] = { 2, 7 };
    struct fixture *fixture = *state;

    assert_true(hid_reports_take_input(fixture->reports, both, sizeof both));
    expect_raw(fixture, INPUT_FIRST, 5);
    expect_raw(fixture, INPUT_SECOND, 6);
    assert_int_equal(fixture->script.gets, 0);
    assert_false(hid_reports_take_input(fixture->reports, feature_only, sizeof feature_only));
    assert_false(hid_reports_take_input(fixture->reports, both, 0));
    begin(fixture);
    /* What a short one does not hold is asked for. */
    assert_true(hid_reports_take_input(fixture->reports, one, sizeof one));
    expect_raw(fixture, INPUT_FIRST, 7);
    assert_int_equal(fixture->script.gets, 0);
    answer(fixture, 3, 0x01070900);
    expect_raw(fixture, INPUT_SECOND, 9);
    assert_int_equal(fixture->script.gets, 1);
    begin(fixture);
    answer(fixture, 3, 0x01020300);
    expect_raw(fixture, INPUT_FIRST, 2);
}

static void test_input_that_cannot_be_asked_for(void **state)
{
    static const uint8_t both[] = { 1, 5, 6 };
    struct fixture *fixture = *state;

    assert_true(hid_reports_take_input(fixture->reports, both, sizeof both));
    for (size_t i = 0; i < 5; i++) {
        begin(fixture);
        answer(fixture, HID_STALLED, 0);
        expect_raw(fixture, INPUT_FIRST, 5);
    }
    assert_int_equal(fixture->script.gets, 3);
    expect_failure(fixture, FIRST, HID_STALLED);
}

static void test_refused_input_does_not_freeze(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, 3, 0x01050600);
    expect_raw(fixture, INPUT_FIRST, 5);
    begin(fixture);
    answer(fixture, HID_STALLED, 0);
    /* Nobody sends it, so the old value proves nothing. */
    expect_failure(fixture, INPUT_FIRST, HID_STALLED);
}

static void test_only_zeros(void **state)
{
    static const uint8_t both[] = { 1, 5, 6 };
    struct fixture *fixture = *state;

    assert_false(hid_reports_only_zeros(fixture->reports));
    answer(fixture, 3, 0x01000000);
    expect_raw(fixture, FIRST, 0);
    assert_true(hid_reports_only_zeros(fixture->reports));
    /* The input report of this poll, and of the last one: zeros tell less than either. */
    assert_true(hid_reports_take_input(fixture->reports, both, sizeof both));
    expect_raw(fixture, INPUT_FIRST, 5);
    begin(fixture);
    answer(fixture, 3, 0x01000000);
    expect_raw(fixture, INPUT_FIRST, 5);
    expect_raw(fixture, INPUT_SECOND, 6);
    assert_int_equal(fixture->script.gets, 2);
    begin(fixture);
    answer(fixture, 3, 0x00000000);
    expect_raw(fixture, INPUT_FIRST, 5);
    begin(fixture);
    /* Once the device has told something, its zeros count. */
    answer(fixture, 2, 0x02010000);
    answer(fixture, 3, 0x01000000);
    expect_raw(fixture, ALONE, 1);
    assert_false(hid_reports_only_zeros(fixture->reports));
    expect_raw(fixture, INPUT_FIRST, 0);
}

static void test_input_only(void **state)
{
    static const uint8_t both[] = { 1, 5, 6 };
    struct fixture *fixture = *state;

    fixture->transport.get_report = NULL;
    expect_failure(fixture, INPUT_FIRST, HID_STALLED);
    assert_true(hid_reports_take_input(fixture->reports, both, sizeof both));
    begin(fixture);
    expect_raw(fixture, INPUT_FIRST, 5);
    expect_failure(fixture, FIRST, HID_STALLED);
    /* What cannot be read is written only where it holds nothing else. */
    expect_write(fixture, FIRST, 1, HID_STALLED, 0);
    assert_int_equal(fixture->script.sets, 0);
    expect_write(fixture, ALONE, 8, HID_OK, 8);
    assert_int_equal(fixture->script.sets, 1);
    assert_int_equal(hid_reports_requests(fixture->reports), 1);
}

static void test_write_keeps_the_others(void **state)
{
    static const uint8_t wanted[] = { 1, 5, 9 };
    struct fixture *fixture = *state;

    fixture->script.obeys = true;
    answer(fixture, 3, 0x01040600);
    expect_raw(fixture, FIRST, 4);
    /* The other field has moved since; the report is read anew. */
    fixture->script.bytes[0][1] = 5;
    expect_write(fixture, SECOND, 9, HID_OK, 9);
    assert_memory_equal(fixture->script.set, wanted, 3);
    assert_int_equal(fixture->script.sets, 1);
    assert_int_equal(fixture->script.gets, 3);
    assert_int_equal(hid_reports_requests(fixture->reports), 4);
    /* What was read back is what holds. */
    expect_raw(fixture, FIRST, 5);
    expect_raw(fixture, SECOND, 9);
    assert_int_equal(fixture->script.gets, 3);
}

static void test_write_tells_what_the_device_says(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, 2, 0x02070000);
    expect_write(fixture, ALONE, 9, HID_OK, 7);
    expect_raw(fixture, ALONE, 7);
    begin(fixture);
    /* It cannot be read back: what is known of before is not shown as present. */
    answer(fixture, 2, 0x02070000);
    answer(fixture, HID_STALLED, 0);
    expect_write(fixture, ALONE, 9, HID_OK, 9);
    expect_failure(fixture, ALONE, HID_STALLED);
    begin(fixture);
    answer(fixture, 2, 0x02070000);
    answer(fixture, HID_BROKEN, 0);
    expect_write(fixture, ALONE, 9, HID_BROKEN, 0);
}

static void test_write_that_fails(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, HID_TIMED_OUT, 0);
    expect_write(fixture, ALONE, 9, HID_TIMED_OUT, 0);
    assert_int_equal(fixture->script.sets, 0);
    begin(fixture);
    answer(fixture, 2, 0x02070000);
    fixture->script.set_result = HID_STALLED;
    expect_write(fixture, ALONE, 9, HID_STALLED, 0);
    assert_int_equal(fixture->script.sets, 1);
    /* It can still be read. */
    expect_raw(fixture, ALONE, 7);
    begin(fixture);
    /* Too large, and none that is written. */
    answer(fixture, 2, 0x02070000);
    expect_write(fixture, ALONE, 256, HID_SHORT, 0);
    expect_write(fixture, INPUT_FIRST, 1, HID_STALLED, 0);
    assert_int_equal(fixture->script.sets, 1);
    fixture->script.set_result = HID_TIMED_OUT;
    for (size_t i = 0; i < 2; i++)
        expect_write(fixture, OUTPUT, 1, HID_TIMED_OUT, 0);
    expect_write(fixture, OUTPUT, 1, HID_BROKEN, 0);
}

static void test_write_when_it_breaks(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, HID_BROKEN, 0);
    expect_write(fixture, ALONE, 9, HID_BROKEN, 0);
    assert_int_equal(fixture->script.sets, 0);
    assert_true(hid_reports_broken(fixture->reports));
}

static void test_write_to_what_takes_none(void **state)
{
    struct fixture *fixture = *state;

    fixture->transport.set_report = NULL;
    expect_write(fixture, OUTPUT, 1, HID_STALLED, 0);
    assert_int_equal(hid_reports_requests(fixture->reports), 0);
}

static void test_write_into_short_report(void **state)
{
    struct fixture *fixture = *state;

    fixture->script.obeys = true;
    answer(fixture, 2, 0x01040000);
    /* What the device does not send is not sent either. */
    expect_write(fixture, SECOND, 9, HID_SHORT, 0);
    assert_int_equal(fixture->script.sets, 0);
    expect_write(fixture, FIRST, 9, HID_OK, 9);
    assert_int_equal(fixture->script.set_size, 2);
    assert_int_equal(fixture->script.sets, 1);
}

static void test_write_of_what_cannot_be_read(void **state)
{
    static const uint8_t wanted[] = { 3, 200 };
    struct fixture *fixture = *state;

    answer(fixture, HID_STALLED, 0);
    expect_write(fixture, FIRST, 1, HID_STALLED, 0);
    expect_write(fixture, PADDED, 1, HID_STALLED, 0);
    expect_write(fixture, HALF, 1, HID_STALLED, 0);
    assert_int_equal(fixture->script.sets, 0);
    expect_write(fixture, ALONE, 1, HID_OK, 1);
    assert_int_equal(fixture->script.sets, 1);
    size_t gets = fixture->script.gets;
    expect_write(fixture, OUTPUT, 200, HID_OK, 200);
    assert_int_equal(fixture->script.type, HID_OUTPUT);
    assert_memory_equal(fixture->script.set, wanted, 2);
    assert_int_equal(fixture->script.set_size, 2);
    assert_int_equal(fixture->script.gets, gets);
}

static void test_undeclared_report(void **state)
{
    struct fixture *fixture = *state;
    struct hid_field *field = &fixture->descriptor->fields[FIRST];

    field->report = 77;
    expect_failure(fixture, FIRST, HID_STALLED);
    expect_write(fixture, FIRST, 1, HID_STALLED, 0);
    assert_int_equal(hid_reports_requests(fixture->reports), 0);
    /* Bits of a declared report need no usage. */
    *field = (struct hid_field){
        .type = HID_FEATURE, .report = 4, .bit_offset = 8, .bit_size = 8, .logical_maximum = 127
    };
    answer(fixture, 3, 0x04013900);
    expect_raw(fixture, FIRST, 0x39);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_one_request_serves_all),
        TEST(test_feature_and_input_are_two),
        TEST(test_short_and_long_answers),
        TEST(test_wrong_answers),
        cmocka_unit_test_setup_teardown(test_without_numbers, set_up_plain, tear_down),
        TEST(test_refused_at_once),
        TEST(test_refused_for_a_while),
        TEST(test_time_outs),
        TEST(test_broken),
        TEST(test_input_counts_as_read),
        TEST(test_input_that_cannot_be_asked_for),
        TEST(test_refused_input_does_not_freeze),
        TEST(test_only_zeros),
        TEST(test_input_only),
        TEST(test_write_keeps_the_others),
        TEST(test_write_tells_what_the_device_says),
        TEST(test_write_that_fails),
        TEST(test_write_when_it_breaks),
        TEST(test_write_to_what_takes_none),
        TEST(test_write_into_short_report),
        TEST(test_write_of_what_cannot_be_read),
        TEST(test_undeclared_report),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
