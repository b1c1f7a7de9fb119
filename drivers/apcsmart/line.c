/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/apcsmart/line.h"

#include "core/loop.h"

#include <string.h>

#define ENTRY_TRIES 5 /* the first "Y" is often lost */
#define ENTRY_MS 1000
#define COMMAND_MS 1500
#define BYTE_PAUSE_MS 50 /* between the bytes of a command */
#define WRITE_MS 1000
#define QUIET_MS 60 /* what floods never is */
#define QUIET_TRIES 20
#define CHUNK 128
#define CHUNKS_MAX 32 /* of what floods */
#define LINES_MAX 8   /* late answers before "SM" */

static enum apc_result judge(ssize_t result)
{
    switch (result) {
    case SERIAL_TIMED_OUT:
        return APC_SILENT;
    case SERIAL_STOPPED:
        return APC_STOPPED;
    case SERIAL_OVERFLOW:
        return APC_GARBLED;
    case SERIAL_GONE:
        return APC_GONE;
    default:
        return APC_OK;
    }
}

static void note_alerts(struct apc_line *line, unsigned alerts)
{
    if (alerts != 0)
        line->counts.alerts++;
    line->alerts |= alerts;
}

unsigned apc_line_take_alerts(struct apc_line *line)
{
    unsigned alerts = line->alerts;

    line->alerts = 0;
    return alerts;
}

void apc_line_distrust(struct apc_line *line)
{
    line->counts.garbled++;
    line->is_smart = false;
}

/* Hearing ------------------------------------------------------------------------------------ */

/* What comes between answers. *is_stray: it was more than alerts and ends of lines. */
static ssize_t hear(struct apc_line *line, unsigned timeout_ms, bool *is_stray)
{
    char bytes[CHUNK];
    ssize_t got = serial_port_read(line->port, bytes, sizeof bytes, timeout_ms);

    for (ssize_t i = 0; i < got; i++) {
        note_alerts(line, apc_alert(bytes[i]));
        *is_stray |= apc_alert(bytes[i]) == 0 && strchr("\r\n", bytes[i]) == NULL;
    }
    return got;
}

/* Until nothing comes for a moment. */
static enum apc_result quieten(struct apc_line *line)
{
    bool is_stray = false;

    for (unsigned i = 0; i < QUIET_TRIES; i++) {
        ssize_t got = hear(line, QUIET_MS, &is_stray);

        if (got == SERIAL_TIMED_OUT)
            return APC_OK;
        if (got < 0)
            return judge(got);
    }
    return APC_GARBLED;
}

/* Nothing may be left of an answer before the next question. */
static enum apc_result hear_leftovers(struct apc_line *line)
{
    bool is_stray = false;
    ssize_t got = 1;

    for (unsigned i = 0; i < CHUNKS_MAX && got > 0; i++)
        got = hear(line, 0, &is_stray);
    if (is_stray)
        apc_line_distrust(line);
    return got == SERIAL_TIMED_OUT || got > 0 ? APC_OK : judge(got);
}

enum apc_result apc_line_listen(struct apc_line *line, unsigned milliseconds, bool ends_early)
{
    uint64_t end = clock_ms() + milliseconds;
    uint64_t now = clock_ms();
    bool is_stray = false;

    while (now < end && !(ends_early && line->alerts != 0)) {
        ssize_t got = hear(line, (unsigned)(end - now), &is_stray);

        if (got < 0 && got != SERIAL_TIMED_OUT)
            return judge(got);
        now = clock_ms();
    }
    if (is_stray)
        apc_line_distrust(line);
    return APC_OK;
}

/* One line. What comes right behind it makes it doubtful, alerts apart. */
static enum apc_result read_answer(struct apc_line *line, unsigned timeout_ms,
                                   struct apc_answer *answer)
{
    uint64_t deadline = clock_ms() + timeout_ms;
    bool is_whole = false, is_followed = false;

    while (!is_whole) {
        char bytes[CHUNK];
        uint64_t now = clock_ms();
        ssize_t got = serial_port_read(line->port, bytes, sizeof bytes,
                                       deadline > now ? (unsigned)(deadline - now) : 0);

        for (ssize_t i = 0; i < got; i++) {
            if (!is_whole) {
                is_whole = apc_answer_take(answer, bytes[i]);
            } else {
                note_alerts(line, apc_alert(bytes[i]));
                is_followed |= apc_alert(bytes[i]) == 0 && strchr("\r\n", bytes[i]) == NULL;
            }
        }
        note_alerts(line, answer->alerts);
        answer->alerts = 0;
        if (got < 0)
            return judge(got);
        if (answer->is_too_long || (!is_whole && clock_ms() >= deadline))
            return answer->is_too_long ? APC_GARBLED : APC_SILENT;
    }
    return is_followed ? APC_GARBLED : APC_OK;
}

/* Smart mode --------------------------------------------------------------------------------- */

static enum apc_result write_byte(struct apc_line *line, char byte)
{
    return judge(serial_port_write(line->port, &byte, 1, WRITE_MS));
}

static enum apc_result await_entry(struct apc_line *line)
{
    uint64_t deadline = clock_ms() + ENTRY_MS;

    for (unsigned i = 0; i < LINES_MAX; i++) {
        struct apc_answer answer = { .kind = APC_DATA };
        uint64_t now = clock_ms();
        enum apc_result result =
            read_answer(line, deadline > now ? (unsigned)(deadline - now) : 0, &answer);

        line->echoes = answer.length > 0 && answer.text[0] == 'Y';
        if (result != APC_OK && result != APC_GARBLED)
            return result;
        if (result == APC_OK && answer.length == 2 && strcmp(answer.text, "SM") == 0)
            return APC_OK;
    }
    return APC_GARBLED;
}

enum apc_result apc_line_begin(struct apc_line *line)
{
    enum apc_result result = APC_SILENT;

    line->is_smart = false;
    for (unsigned i = 0; i < ENTRY_TRIES && !line->is_smart; i++) {
        result = quieten(line);
        if (result == APC_OK)
            result = write_byte(line, 'Y');
        if (result == APC_OK)
            result = await_entry(line);
        if (result == APC_STOPPED || result == APC_GONE)
            return result;
        line->is_smart = result == APC_OK;
    }
    if (line->is_smart)
        line->counts.resynchronised++;
    return result;
}

/* Asking ------------------------------------------------------------------------------------- */

static enum apc_result make_ready(struct apc_line *line, enum apc_start start)
{
    enum apc_result result = hear_leftovers(line);

    if (result != APC_OK || line->is_smart)
        return result;
    return start == APC_ANEW ? apc_line_begin(line) : APC_GARBLED;
}

/* "NO" is also what a battery test has found. */
static bool is_refusal(const struct apc_answer *answer)
{
    return strcmp(answer->text, "NA") == 0 ||
           (answer->kind == APC_ORDER && strcmp(answer->text, "NO") == 0);
}

static enum apc_result conclude(struct apc_line *line, enum apc_result result,
                                const struct apc_answer *answer)
{
    if (result == APC_OK)
        return is_refusal(answer) ? APC_NO : APC_OK;
    if (result == APC_SILENT) {
        line->counts.silent++;
        line->is_smart = false;
    } else if (result == APC_GARBLED) {
        apc_line_distrust(line);
    }
    return result;
}

enum apc_result apc_line_ask(struct apc_line *line, char query, enum apc_kind kind,
                             unsigned timeout_ms, struct apc_answer *answer)
{
    *answer = (struct apc_answer){ .kind = kind };
    enum apc_result result = make_ready(line, APC_ANEW);
    if (result == APC_OK)
        result = write_byte(line, query);
    if (result == APC_OK)
        result = conclude(line, read_answer(line, timeout_ms, answer), answer);
    return result;
}

enum apc_result apc_line_tell(struct apc_line *line, enum apc_start start, const char *bytes,
                              size_t length, struct apc_answer *answer)
{
    *answer = (struct apc_answer){ .kind = APC_ORDER };
    enum apc_result result = make_ready(line, start);

    for (size_t i = 0; i < length && result == APC_OK; i++) {
        if (i > 0)
            result = apc_line_listen(line, BYTE_PAUSE_MS, false);
        if (result == APC_OK)
            result = write_byte(line, bytes[i]);
    }
    if (result == APC_OK)
        result = conclude(line, read_answer(line, COMMAND_MS, answer), answer);
    return result;
}

enum apc_result apc_line_say(struct apc_line *line, enum apc_start start, char byte)
{
    enum apc_result result = make_ready(line, start);

    return result == APC_OK ? write_byte(line, byte) : result;
}
