/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/words.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (WORDS_MAX * (WORD_LENGTH_MAX + 1))
#define TEXT_FIRST 128

enum state { BETWEEN, BARE, QUOTED, BARE_ESCAPE, QUOTED_ESCAPE, COMMENT };

enum byte_class { DROPPED, PLAIN, BLANK, LINE_END, QUOTE, ESCAPE, HASH, EQUALS };

/* Bytes not named are DROPPED: controls, and everything above 0x7f. */
static const uint8_t classes[256] = {
    [' '] = BLANK,   ['\t'] = BLANK,         ['\r'] = BLANK, ['\v'] = BLANK,
    ['\f'] = BLANK,  ['\n'] = LINE_END,      ['!'] = PLAIN,  ['"'] = QUOTE,
    ['#'] = HASH,    ['$'] = PLAIN,          ['%'] = PLAIN,  ['&'] = PLAIN,
    ['\''] = PLAIN,  ['(' ... '<'] = PLAIN,  ['='] = EQUALS, ['>' ... '['] = PLAIN,
    ['\\'] = ESCAPE, [']' ... 0x7f] = PLAIN,
};

static bool reserve(struct words *words, size_t more)
{
    size_t need = words->used + more;

    if (need <= words->size)
        return true;
    size_t size = words->size == 0 ? TEXT_FIRST : words->size;
    while (size < need)
        size *= 2;
    if (size > TEXT_MAX)
        size = TEXT_MAX;
    char *text = realloc(words->text, size);
    if (text == NULL)
        return false;
    words->text = text;
    words->size = (uint16_t)size;
    return true;
}

static bool open_word(struct words *words)
{
    words->length = 0;
    words->keep = words->count < WORDS_MAX;
    if (!words->keep)
        return true;
    if (!reserve(words, 1))
        return false;
    words->at[words->count] = words->used;
    return true;
}

static bool add_bytes(struct words *words, const char *bytes, size_t length)
{
    if (!words->keep)
        return true;
    if (length > (size_t)(WORD_LENGTH_MAX - words->length))
        length = (size_t)(WORD_LENGTH_MAX - words->length);
    if (!reserve(words, length + 1))
        return false;
    memcpy(words->text + words->used, bytes, length);
    words->used = (uint16_t)(words->used + length);
    words->length = (uint16_t)(words->length + length);
    return true;
}

static void close_word(struct words *words)
{
    if (!words->keep)
        return;
    words->text[words->used++] = '\0';
    words->count++;
    words->keep = false;
}

static void start_line(struct words *words)
{
    words->count = 0;
    words->used = 0;
    words->length = 0;
    words->state = BETWEEN;
    words->complete = false;
    words->keep = false;
}

static bool add_equals(struct words *words)
{
    if (!open_word(words) || !add_bytes(words, "=", 1))
        return false;
    close_word(words);
    return true;
}

/* How many bytes from the first are PLAIN. */
static size_t plain_run(const char *bytes, size_t length)
{
    size_t run = 0;

    while (run < length && classes[(unsigned char)bytes[run]] == PLAIN)
        run++;
    return run;
}

/* Takes one byte that is not an ordinary part of a run. WORDS_MORE: go on. */
static enum words_result between(struct words *words, char byte)
{
    switch (classes[(unsigned char)byte]) {
    case BLANK:
        return WORDS_MORE;
    case LINE_END:
        words->complete = true;
        return WORDS_LINE;
    case HASH:
        words->state = COMMENT;
        return WORDS_MORE;
    case EQUALS:
        return add_equals(words) ? WORDS_MORE : WORDS_NO_MEMORY;
    case QUOTE:
        words->state = QUOTED;
        return open_word(words) ? WORDS_MORE : WORDS_NO_MEMORY;
    case ESCAPE:
        words->state = BARE_ESCAPE;
        return open_word(words) ? WORDS_MORE : WORDS_NO_MEMORY;
    case PLAIN:
        words->state = BARE;
        return open_word(words) && add_bytes(words, &byte, 1) ? WORDS_MORE : WORDS_NO_MEMORY;
    default:
        words->state = BARE;
        return open_word(words) ? WORDS_MORE : WORDS_NO_MEMORY;
    }
}

static enum words_result bare(struct words *words, char byte)
{
    switch (classes[(unsigned char)byte]) {
    case BLANK:
    case LINE_END:
    case HASH:
    case EQUALS:
        close_word(words);
        words->state = BETWEEN;
        return between(words, byte);
    case ESCAPE:
        words->state = BARE_ESCAPE;
        return WORDS_MORE;
    case QUOTE:
        return add_bytes(words, &byte, 1) ? WORDS_MORE : WORDS_NO_MEMORY;
    default:
        return WORDS_MORE;
    }
}

static enum words_result quoted(struct words *words, char byte)
{
    switch (classes[(unsigned char)byte]) {
    case QUOTE:
        close_word(words);
        words->state = BETWEEN;
        return WORDS_MORE;
    case ESCAPE:
        words->state = QUOTED_ESCAPE;
        return WORDS_MORE;
    case HASH:
        return WORDS_ERROR;
    case EQUALS:
        return add_bytes(words, &byte, 1) ? WORDS_MORE : WORDS_NO_MEMORY;
    case BLANK:
        /* Of the blanks only the space is printable. */
        return byte != ' ' || add_bytes(words, &byte, 1) ? WORDS_MORE : WORDS_NO_MEMORY;
    default:
        return WORDS_MORE;
    }
}

static enum words_result escaped(struct words *words, char byte)
{
    unsigned char value = (unsigned char)byte;

    words->state = words->state == BARE_ESCAPE ? BARE : QUOTED;
    if (value < 0x20 || value > 0x7f)
        return WORDS_MORE;
    return add_bytes(words, &byte, 1) ? WORDS_MORE : WORDS_NO_MEMORY;
}

static enum words_result take(struct words *words, char byte)
{
    switch (words->state) {
    case BETWEEN:
        return between(words, byte);
    case BARE:
        return bare(words, byte);
    case QUOTED:
        return quoted(words, byte);
    case COMMENT:
        if (byte != '\n')
            return WORDS_MORE;
        words->complete = true;
        return WORDS_LINE;
    default:
        return escaped(words, byte);
    }
}

enum words_result words_feed(struct words *words, const char *bytes, size_t length,
                             size_t *consumed)
{
    size_t at = 0;

    if (words->complete)
        start_line(words);
    while (at < length) {
        if (words->state == BARE || words->state == QUOTED) {
            size_t run = plain_run(bytes + at, length - at);

            if (run > 0) {
                if (!add_bytes(words, bytes + at, run)) {
                    start_line(words);
                    *consumed = at + run;
                    return WORDS_NO_MEMORY;
                }
                at += run;
                continue;
            }
        }
        enum words_result result = take(words, bytes[at++]);
        if (result == WORDS_MORE)
            continue;
        if (result != WORDS_LINE)
            start_line(words);
        *consumed = at;
        return result;
    }
    *consumed = at;
    return WORDS_MORE;
}

enum words_result words_finish(struct words *words)
{
    if (!words_pending(words))
        return WORDS_MORE;
    if (words->state != BETWEEN && words->state != COMMENT)
        close_word(words);
    words->complete = true;
    return WORDS_LINE;
}

bool words_pending(const struct words *words)
{
    return !words->complete && (words->state != BETWEEN || words->count > 0);
}

bool words_in_quotes(const struct words *words)
{
    return words->state == QUOTED || words->state == QUOTED_ESCAPE;
}

void words_clear(struct words *words)
{
    free(words->text);
    *words = (struct words){ 0 };
}

size_t words_escape(const char *value, char *out, size_t size)
{
    size_t used = 0;

    if (size == 0)
        return 0;
    for (; *value != '\0'; value++) {
        bool special = *value == '#' || *value == '\\' || *value == '"';

        if (used + (special ? 2 : 1) >= size)
            break;
        if (special)
            out[used++] = '\\';
        out[used++] = *value;
    }
    out[used] = '\0';
    return used;
}
