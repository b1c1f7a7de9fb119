/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/status.h"

#include <string.h>

static const struct {
    status_set bit;
    char token[8];
} tokens[] = {
    { STATUS_OL, "OL" },           { STATUS_OB, "OB" },         { STATUS_LB, "LB" },
    { STATUS_HB, "HB" },           { STATUS_RB, "RB" },         { STATUS_CHRG, "CHRG" },
    { STATUS_DISCHRG, "DISCHRG" }, { STATUS_BYPASS, "BYPASS" }, { STATUS_CAL, "CAL" },
    { STATUS_OFF, "OFF" },         { STATUS_OVER, "OVER" },     { STATUS_TRIM, "TRIM" },
    { STATUS_BOOST, "BOOST" },     { STATUS_FSD, "FSD" },       { STATUS_ALARM, "ALARM" },
    { STATUS_WAIT, "WAIT" },       { STATUS_ECO, "ECO" },       { STATUS_TEST, "TEST" },
};

#define TOKEN_COUNT (sizeof tokens / sizeof tokens[0])
#define BLANKS " \t"

/* The next word at or behind text, its length in *length; 0 at the end. */
static const char *next_word(const char *text, size_t *length)
{
    text += strspn(text, BLANKS);
    *length = strcspn(text, BLANKS);
    return text;
}

static bool same_word(const char *word, size_t length, const char *token)
{
    return strlen(token) == length && memcmp(word, token, length) == 0;
}

static status_set word_bit(const char *word, size_t length)
{
    for (size_t i = 0; i < TOKEN_COUNT; i++) {
        if (same_word(word, length, tokens[i].token))
            return tokens[i].bit;
    }
    return STATUS_OTHER;
}

status_set status_parse(const char *text)
{
    status_set set = 0;
    size_t length;

    for (const char *word = next_word(text, &length); length > 0;
         word = next_word(word + length, &length))
        set |= word_bit(word, length);
    return set;
}

const char *status_token(status_set bit)
{
    for (size_t i = 0; i < TOKEN_COUNT; i++) {
        if (tokens[i].bit == bit)
            return tokens[i].token;
    }
    return NULL;
}

bool status_remove_word(const char *text, const char *word, char *out, size_t size)
{
    bool found = false;
    size_t used = 0;
    size_t length;

    if (size == 0)
        return false;
    for (const char *at = next_word(text, &length); length > 0;
         at = next_word(at + length, &length)) {
        if (same_word(at, length, word)) {
            found = true;
            continue;
        }
        size_t blank = used > 0 ? 1 : 0;
        if (used + blank + length >= size)
            break;
        if (blank)
            out[used++] = ' ';
        memcpy(out + used, at, length);
        used += length;
    }
    out[used] = '\0';
    return found;
}
