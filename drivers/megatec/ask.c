/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/loop.h"
#include "drivers/megatec/device.h"

#include <ctype.h>
#include <poll.h>
#include <string.h>

#define ANSWER_MS 1500
#define PROBE_MS 1000 /* while it is not known what the device understands */
#define GAP_MS 100    /* between an answer and the next question: faster, and some hang */
#define TRIES 2

static void keep_distance(const struct megatec *megatec)
{
    uint64_t now = clock_ms();

    if (megatec->last != 0 && now < megatec->last + GAP_MS)
        poll(NULL, 0, (int)(megatec->last + GAP_MS - now));
}

/* Two hexadecimal digits: what APC's protocol answers to the Q of Q1. */
static bool is_apc_status(const char *bytes, size_t length)
{
    return length == 2 && isxdigit((unsigned char)bytes[0]) && isxdigit((unsigned char)bytes[1]);
}

enum megatec_verdict megatec_exchange(struct megatec *megatec,
                                      const struct megatec_question *question,
                                      struct megatec_answer *answer, size_t *length)
{
    char bytes[MEGATEC_ANSWER_MAX + 1];

    *length = 0;
    keep_distance(megatec);
    if (!megatec->transport->forget_input(megatec->line, megatec->is_late)) {
        megatec->is_gone = true;
        return MEGATEC_SILENT;
    }
    ssize_t got = megatec->transport->exchange(megatec->line, question->query, bytes, sizeof bytes,
                                               megatec->is_probing ? PROBE_MS : ANSWER_MS);
    megatec->last = clock_ms();
    megatec->is_late = got < 0;
    if (got == MEGATEC_LINE_GONE)
        megatec->is_gone = true;
    if (got < 0)
        return got == MEGATEC_LINE_OVERFLOW ? MEGATEC_MALFORMED : MEGATEC_SILENT;
    *length = (size_t)got;
    megatec->is_apc |= strcmp(question->query, "Q1") == 0 && is_apc_status(bytes, *length);
    return megatec_answer_read(question->query, question->form, question->lead, bytes, *length,
                               answer);
}

static void count(struct megatec *megatec, enum megatec_verdict verdict)
{
    struct megatec_counters *counters = &megatec->memory->counters;

    switch (verdict) {
    case MEGATEC_GOOD:
        break;
    case MEGATEC_SILENT:
        counters->silences++;
        megatec->reason = "no answer";
        break;
    case MEGATEC_ECHOED:
        counters->echoes++;
        megatec->reason = "the question came back";
        break;
    case MEGATEC_REFUSED:
        counters->refusals++;
        megatec->reason = "the question was refused";
        break;
    case MEGATEC_MALFORMED:
        counters->malformed++;
        break;
    }
}

static bool has_usual_length(const struct megatec_question *question)
{
    return question->bits == BITS_Q1 || question->bits == BITS_OMRON || question->bits == BITS_QGS;
}

/*
 * A byte that was lost on the way leaves an answer that looks well but for its length: one that is
 * not as long as the last must come twice.
 */
static bool is_usual(const struct megatec *megatec, const struct megatec_question *question,
                     size_t length, bool is_second)
{
    return !has_usual_length(question) || megatec->usual == 0 || megatec->usual == length ||
           is_second;
}

enum megatec_verdict megatec_ask(struct megatec *megatec, const struct megatec_question *question,
                                 struct update *update)
{
    enum megatec_verdict verdict = MEGATEC_SILENT;
    size_t odd_length = 0;

    for (unsigned try = 0; try < TRIES && !megatec->is_gone; try++) {
        struct megatec_answer answer;
        size_t length;

        verdict = megatec_exchange(megatec, question, &answer, &length);
        megatec->reason = "what came is no answer to the question";
        if (verdict == MEGATEC_GOOD) {
            if (!is_usual(megatec, question, length, try > 0 && length == odd_length)) {
                odd_length = length;
                verdict = MEGATEC_MALFORMED;
                megatec->reason = "an answer of unusual length";
            } else if (megatec_image_take(&megatec->image, question, &answer, update,
                                          &megatec->reason)) {
                if (has_usual_length(question))
                    megatec->usual = length;
                return MEGATEC_GOOD;
            } else {
                verdict = MEGATEC_MALFORMED;
            }
        }
        if (verdict == MEGATEC_MALFORMED)
            megatec->is_late = true;
        count(megatec, verdict);
        if (verdict == MEGATEC_ECHOED || verdict == MEGATEC_REFUSED ||
            (verdict == MEGATEC_SILENT && megatec->is_probing))
            break;
    }
    return verdict;
}
