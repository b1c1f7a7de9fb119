/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/shut/frame.h"
#include "tests/unit/unit.h"

#include <string.h>

/* The last event of the bytes that is one. */
static enum shut_event feed(const uint8_t *bytes, size_t length, uint8_t *token,
                            struct shut_frame *frame)
{
    struct shut_reader reader = { .used = 0 };
    enum shut_event last = SHUT_NOTHING;

    for (size_t i = 0; i < length; i++) {
        enum shut_event event = shut_reader_take(&reader, bytes[i], token, frame);

        if (event != SHUT_NOTHING)
            last = event;
    }
    return last;
}

#define FEED(...) \
    feed((const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }), &token, &frame)

static void test_frames(void **state)
{
    struct shut_frame frame;
    uint8_t token = 0, bytes[SHUT_FRAME_MAX];

    (void)state;
    assert_int_equal(FEED(0x84, 0x44, 0x01, 0x25, 0x00, 0x00, 0x24), SHUT_FRAME);
    assert_true(frame.type == SHUT_RESPONSE && frame.is_last && frame.length == 4);
    assert_int_equal(frame.data[1], 0x25);
    assert_int_equal(shut_frame_write(&frame, bytes), 7);
    assert_memory_equal(bytes, ((uint8_t[]){ 0x84, 0x44, 0x01, 0x25, 0x00, 0x00, 0x24 }), 7);
    assert_int_equal(FEED(0x05, 0x11, 0x16, 0x16), SHUT_FRAME); /* a token inside is data */
    assert_true(frame.type == SHUT_NOTIFICATION && !frame.is_last);
    assert_int_equal(FEED(0x84, 0x00, 0x00), SHUT_FRAME);
    assert_int_equal(frame.length, 0);
}

static void test_tokens(void **state)
{
    struct shut_frame frame;
    uint8_t token = 0;

    (void)state;
    static const uint8_t tokens[] = { SHUT_OK, SHUT_NOK, SHUT_SYNC, SHUT_SYNC_LIGHT,
                                      SHUT_SYNC_OFF };
    for (size_t i = 0; i < sizeof tokens; i++) {
        assert_int_equal(FEED(tokens[i]), SHUT_TOKEN);
        assert_int_equal(token, tokens[i]);
    }
}

static void test_what_is_no_frame(void **state)
{
    struct shut_frame frame;
    uint8_t token = 0;

    (void)state;
    assert_int_equal(FEED(0x84, 0x11, 0x01, 0x02), SHUT_CORRUPT);
    assert_int_equal(FEED(0x84, 0x12), SHUT_UNFRAMED);
    assert_int_equal(FEED(0x84, 0x99), SHUT_UNFRAMED);
    assert_int_equal(FEED(0xff), SHUT_UNFRAMED);
    assert_int_equal(FEED(0x44), SHUT_UNFRAMED);
    assert_int_equal(FEED(0x84, 0x44, 0x01, 0x25, 0x00, 0x00), SHUT_NOTHING);
    /* Noise before one does not hide it. */
    assert_int_equal(FEED(0xff, 0x84, 0x12, 0x84, 0x11, 0x07, 0x07), SHUT_FRAME);
    assert_int_equal(frame.data[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_what_is_no_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
