/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the word syntax of configuration files and protocol. The first byte says in pieces of what
 * size the rest is fed: how the bytes arrive must make no difference. Words keep their bounds, and
 * what is escaped reads back the same.
 */
#include "core/words.h"
#include "tests/fuzz/demand.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything that was read, in one text: words, line ends and errors. */
struct record {
    char *text;
    size_t used, size;
};

static void add(struct record *record, const char *text, size_t length)
{
    if (record->used + length > record->size) {
        record->size = (record->used + length) * 2;
        record->text = realloc(record->text, record->size);
        demand(record->text != NULL);
    }
    memcpy(record->text + record->used, text, length);
    record->used += length;
}

static void check_round_trip(const char *word)
{
    char line[2 * WORD_LENGTH_MAX + 8] = "\"";
    struct words words = { 0 };
    size_t consumed;
    size_t length = 1 + words_escape(word, line + 1, sizeof line - 3);

    line[length++] = '"';
    line[length++] = '\n';
    demand(words_feed(&words, line, length, &consumed) == WORDS_LINE);
    demand(consumed == length && words.count == 1 && strcmp(words_at(&words, 0), word) == 0);
    words_clear(&words);
}

static void take_line(struct record *record, const struct words *words)
{
    demand(words->count <= WORDS_MAX);
    for (unsigned i = 0; i < words->count; i++) {
        const char *word = words_at(words, i);
        size_t length = strlen(word);

        demand(length <= WORD_LENGTH_MAX);
        for (size_t at = 0; at < length; at++)
            demand(word[at] >= 0x20);
        check_round_trip(word);
        add(record, word, length + 1);
    }
    add(record, "\n", 1);
}

static void read_all(struct record *record, const char *bytes, size_t length, size_t piece)
{
    struct words words = { 0 };

    for (size_t at = 0; at < length;) {
        size_t consumed;
        size_t now = length - at < piece ? length - at : piece;
        enum words_result result = words_feed(&words, bytes + at, now, &consumed);

        demand(consumed > 0 && consumed <= now);
        demand(result != WORDS_MORE || consumed == now);
        at += consumed;
        if (result == WORDS_LINE)
            take_line(record, &words);
        else if (result != WORDS_MORE)
            add(record, "!", 1);
    }
    bool pending = words_pending(&words);
    demand((words_finish(&words) == WORDS_LINE) == pending);
    if (pending)
        take_line(record, &words);
    words_clear(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record whole = { 0 };
    struct record pieces = { 0 };

    if (size < 2)
        return 0;
    read_all(&whole, (const char *)data + 1, size - 1, size);
    read_all(&pieces, (const char *)data + 1, size - 1, data[0] == 0 ? 1 : data[0]);
    demand(whole.used == pieces.used);
    demand(whole.used == 0 || memcmp(whole.text, pieces.text, whole.used) == 0);
    free(whole.text);
    free(pieces.text);
    return 0;
}
