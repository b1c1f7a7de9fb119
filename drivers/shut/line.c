/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/shut/line.h"

#include "core/loop.h"

#include <string.h>

#define SYNC_TRIES 4
#define SYNC_MS 1000
#define ANSWER_MS 3000
#define WRITE_MS 1000
#define TRIES 3
#define REPEATS_MAX 8 /* of corrupt frames in one answer */
#define QUIET_MS 60
#define QUIET_TRIES 20

#define GET_DESCRIPTOR 6
#define GET_REPORT 1
#define SET_REPORT 9
#define STRING_DESCRIPTOR 3
#define FROM_DEVICE 0x80
#define FROM_INTERFACE_CLASS 0xa1
#define TO_INTERFACE_CLASS 0x21

struct request {
    uint8_t recipient, number;
    uint16_t value, index, length;
};

/* Hearing ------------------------------------------------------------------------------------ */

static enum hid_result judge(struct shut_line *line, ssize_t result)
{
    if (result >= 0)
        return HID_OK;
    line->is_gone |= result == SERIAL_GONE;
    return result == SERIAL_TIMED_OUT ? HID_TIMED_OUT : HID_BROKEN;
}

/* One byte, which may have been read before. */
static enum hid_result read_byte(struct shut_line *line, uint64_t deadline, uint8_t *byte)
{
    if (line->kept_at == line->kept_length) {
        uint64_t now = clock_ms();
        ssize_t got = serial_port_read(line->port, line->kept, sizeof line->kept,
                                       deadline > now ? (unsigned)(deadline - now) : 0);

        if (got < 0)
            return judge(line, got);
        line->kept_at = 0;
        line->kept_length = (size_t)got;
    }
    *byte = line->kept[line->kept_at++];
    return HID_OK;
}

static enum hid_result write_bytes(struct shut_line *line, const uint8_t *bytes, size_t length)
{
    return judge(line, serial_port_write(line->port, bytes, length, WRITE_MS));
}

static enum hid_result write_token(struct shut_line *line, uint8_t token)
{
    return write_bytes(line, &token, 1);
}

static void take_notification(struct shut_line *line, const struct shut_frame *frame)
{
    struct shut_input *building = &line->building;

    if (building->length + frame->length > sizeof building->bytes) {
        building->length = 0;
        line->counts.garbled++;
        return;
    }
    memcpy(building->bytes + building->length, frame->data, frame->length);
    building->length += frame->length;
    if (!frame->is_last)
        return;
    line->counts.notifications++;
    if (line->input_count == SHUT_INPUTS_MAX) {
        memmove(line->inputs, line->inputs + 1, sizeof line->inputs - sizeof line->inputs[0]);
        line->input_count--;
    }
    if (building->length > 0)
        line->inputs[line->input_count++] = *building;
    building->length = 0;
}

/*
 * The next token or frame but notifications, which are acknowledged and kept: they only end it,
 * with nothing, while it is listened for them. Corrupt frames are asked for again.
 */
static enum hid_result read_event(struct shut_line *line, unsigned timeout_ms, uint8_t *token,
                                  struct shut_frame *frame, enum shut_event *event)
{
    uint64_t deadline = clock_ms() + timeout_ms;

    for (unsigned repeats = 0; repeats < REPEATS_MAX;) {
        uint8_t byte;
        enum hid_result result = read_byte(line, deadline, &byte);

        if (result != HID_OK)
            return result;
        *event = shut_reader_take(&line->reader, byte, token, frame);
        if (*event == SHUT_TOKEN)
            return HID_OK;
        if (*event == SHUT_FRAME || *event == SHUT_CORRUPT)
            result = write_token(line, *event == SHUT_FRAME ? SHUT_OK : SHUT_NOK);
        if (result != HID_OK)
            return result;
        if (*event == SHUT_FRAME && frame->type == SHUT_NOTIFICATION) {
            take_notification(line, frame);
            *event = SHUT_NOTHING;
            if (line->is_listening && line->input_count > 0)
                return HID_OK;
        } else if (*event == SHUT_FRAME) {
            return HID_OK;
        }
        line->counts.garbled += *event == SHUT_CORRUPT;
        repeats += *event == SHUT_CORRUPT;
        if (clock_ms() >= deadline)
            return HID_TIMED_OUT;
    }
    return HID_TIMED_OUT;
}

/* Getting in step ---------------------------------------------------------------------------- */

/* Until nothing comes for a moment. */
static enum hid_result quieten(struct shut_line *line)
{
    line->kept_at = line->kept_length = 0;
    line->reader.used = 0;
    line->building.length = 0;
    for (unsigned i = 0; i < QUIET_TRIES; i++) {
        uint8_t bytes[64];
        ssize_t got = serial_port_read(line->port, bytes, sizeof bytes, QUIET_MS);

        if (got == SERIAL_TIMED_OUT)
            return HID_OK;
        if (got < 0)
            return judge(line, got);
    }
    return HID_TIMED_OUT;
}

enum hid_result shut_line_begin(struct shut_line *line)
{
    enum hid_result result = HID_TIMED_OUT;

    line->is_in_step = false;
    for (unsigned i = 0; i < SYNC_TRIES && result == HID_TIMED_OUT; i++) {
        uint8_t token = 0;
        struct shut_frame frame;
        enum shut_event event = SHUT_NOTHING;

        result = quieten(line);
        if (result == HID_OK)
            result = write_token(line, line->sync);
        if (result == HID_OK)
            result = read_event(line, SYNC_MS, &token, &frame, &event);
        if (result == HID_OK && (event != SHUT_TOKEN || token != line->sync))
            result = HID_TIMED_OUT;
    }
    line->is_in_step = result == HID_OK;
    line->counts.synchronised += line->is_in_step;
    return result;
}

/* Requests ----------------------------------------------------------------------------------- */

/* A frame that the UPS says it has. */
static enum hid_result send_frame(struct shut_line *line, const struct shut_frame *frame)
{
    uint8_t bytes[SHUT_FRAME_MAX];
    size_t length = shut_frame_write(frame, bytes);

    for (unsigned i = 0; i < TRIES; i++) {
        uint8_t token = 0;
        struct shut_frame other;
        enum shut_event event = SHUT_NOTHING;
        enum hid_result result = write_bytes(line, bytes, length);

        if (result == HID_OK)
            result = read_event(line, ANSWER_MS, &token, &other, &event);
        if (result != HID_OK)
            return result;
        if (event == SHUT_TOKEN && token == SHUT_OK)
            return HID_OK;
        /* An answer to nothing: both are out of step. */
        if (event != SHUT_TOKEN || token != SHUT_NOK)
            return HID_TIMED_OUT;
        line->counts.garbled++;
    }
    return HID_STALLED;
}

static enum hid_result send_setup(struct shut_line *line, const struct request *request,
                                  bool is_last)
{
    const struct shut_frame frame = {
        .type = SHUT_REQUEST,
        .is_last = is_last,
        .length = 8,
        .data = { request->recipient, request->number, (uint8_t)request->value,
                  (uint8_t)(request->value >> 8), (uint8_t)request->index,
                  (uint8_t)(request->index >> 8), (uint8_t)request->length,
                  (uint8_t)(request->length >> 8) },
    };

    return send_frame(line, &frame);
}

static ssize_t read_answer(struct shut_line *line, uint8_t *bytes, size_t size)
{
    size_t length = 0;

    for (;;) {
        uint8_t token = 0;
        struct shut_frame frame;
        enum shut_event event = SHUT_NOTHING;
        enum hid_result result = read_event(line, ANSWER_MS, &token, &frame, &event);

        if (result != HID_OK)
            return result;
        if (event != SHUT_FRAME || frame.type != SHUT_RESPONSE || length + frame.length > size)
            return HID_TIMED_OUT;
        memcpy(bytes + length, frame.data, frame.length);
        length += frame.length;
        if (frame.is_last)
            return (ssize_t)length;
    }
}

static enum hid_result make_ready(struct shut_line *line)
{
    return line->is_in_step ? HID_OK : shut_line_begin(line);
}

/* What went wrong leaves both out of step. */
static ssize_t conclude(struct shut_line *line, ssize_t result)
{
    line->counts.silent += result == HID_TIMED_OUT;
    line->is_in_step = line->is_in_step && result >= 0;
    return result;
}

static ssize_t ask(struct shut_line *line, const struct request *request, uint8_t *bytes)
{
    ssize_t result = HID_TIMED_OUT;

    for (unsigned i = 0; i < TRIES && result == HID_TIMED_OUT; i++) {
        result = make_ready(line);
        if (result != HID_OK)
            return result;
        result = send_setup(line, request, true);
        if (result == HID_OK)
            result = read_answer(line, bytes, request->length);
        result = conclude(line, result);
    }
    return result;
}

ssize_t shut_line_get_descriptor(struct shut_line *line, uint8_t recipient, uint8_t type,
                                 uint8_t index, uint8_t *bytes, size_t size)
{
    const struct request request = { .recipient = recipient,
                                     .number = GET_DESCRIPTOR,
                                     .value = (uint16_t)(type << 8 | index),
                                     .length = (uint16_t)size };

    return ask(line, &request, bytes);
}

/* The transport ------------------------------------------------------------------------------ */

static ssize_t get_report(void *state, enum hid_report_type type, uint8_t report, uint8_t *bytes,
                          size_t size)
{
    const struct request request = { .recipient = FROM_INTERFACE_CLASS,
                                     .number = GET_REPORT,
                                     .value = (uint16_t)((unsigned)type << 8 | report),
                                     .length = (uint16_t)size };
    ssize_t length = ask(state, &request, bytes);

    if (length == 0)
        return HID_STALLED;
    /* Another report than was asked for is a late answer. */
    if (length > 0 && report != 0 && bytes[0] != report) {
        ((struct shut_line *)state)->is_in_step = false;
        return HID_SHORT;
    }
    return length;
}

static enum hid_result set_report(void *state, enum hid_report_type type, uint8_t report,
                                  const uint8_t *bytes, size_t length)
{
    struct shut_line *line = state;
    const struct request request = { .recipient = TO_INTERFACE_CLASS,
                                     .number = SET_REPORT,
                                     .value = (uint16_t)((unsigned)type << 8 | report),
                                     .length = (uint16_t)length };
    enum hid_result result = make_ready(line);

    if (result == HID_OK)
        result = send_setup(line, &request, false);
    for (size_t sent = 0; sent < length && result == HID_OK; sent += SHUT_DATA_MAX) {
        size_t left = length - sent;
        struct shut_frame frame = { .type = SHUT_REQUEST,
                                    .is_last = left <= SHUT_DATA_MAX,
                                    .length =
                                        (uint8_t)(left < SHUT_DATA_MAX ? left : SHUT_DATA_MAX) };

        memcpy(frame.data, bytes + sent, frame.length);
        result = send_frame(line, &frame);
    }
    return (enum hid_result)conclude(line, result);
}

static enum hid_result get_string(void *state, uint8_t index, char *out, size_t size)
{
    uint8_t bytes[128];
    size_t used = 0;

    out[0] = '\0';
    if (index == 0)
        return HID_OK;
    ssize_t length =
        shut_line_get_descriptor(state, FROM_DEVICE, STRING_DESCRIPTOR, index, bytes, sizeof bytes);
    if (length < 0)
        return (enum hid_result)length;
    if (length < 2 || bytes[1] != STRING_DESCRIPTOR)
        return HID_SHORT;
    for (size_t i = 2; i + 1 < (size_t)length && i + 1 < bytes[0] && used + 1 < size; i += 2) {
        bool is_plain = bytes[i + 1] == 0 && bytes[i] >= ' ' && bytes[i] <= '~';

        out[used++] = is_plain ? (char)bytes[i] : '?';
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
    return HID_OK;
}

static ssize_t read_input(void *state, int timeout_ms, uint8_t *bytes, size_t size)
{
    struct shut_line *line = state;

    if (line->input_count == 0) {
        uint8_t token = 0;
        struct shut_frame frame;
        enum shut_event event = SHUT_NOTHING;

        line->is_listening = true;
        enum hid_result result =
            read_event(line, timeout_ms > 0 ? (unsigned)timeout_ms : 0, &token, &frame, &event);

        line->is_listening = false;
        if (result == HID_BROKEN && line->is_gone)
            return HID_BROKEN;
        /* Nobody was asked: an answer is late. */
        if (result == HID_OK && event != SHUT_NOTHING)
            line->is_in_step = false;
    }
    if (line->input_count == 0)
        return 0;
    size_t length = line->inputs[0].length < size ? line->inputs[0].length : size;
    memcpy(bytes, line->inputs[0].bytes, length);
    line->input_count--;
    memmove(line->inputs, line->inputs + 1, line->input_count * sizeof line->inputs[0]);
    return (ssize_t)length;
}

struct hid_transport shut_line_transport(struct shut_line *line)
{
    return (struct hid_transport){
        .state = line,
        .get_report = get_report,
        .set_report = set_report,
        .get_string = get_string,
        .read_input = line->sync == SHUT_SYNC_OFF ? NULL : read_input,
    };
}
