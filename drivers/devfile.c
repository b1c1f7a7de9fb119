/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/devfile.h"

#include "core/update.h"
#include "core/variables.h"
#include "core/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 2048
#define TIMER_SECONDS_MAX 31536000.0

struct devfile {
    int descriptor;
    struct devfile_place place; /* behind what was taken from the chunk */
    unsigned first_line;        /* lines before where this reading began */
    unsigned entry_line;        /* where the line being collected starts */
    struct words words;
    size_t filled, taken; /* of the chunk */
    bool ended, failed;
    char chunk[CHUNK];
    char value[UPDATE_VALUE_MAX + 1];
    unsigned problem_line;
    char problem[96];
};

struct devfile *devfile_new(int descriptor, const struct devfile_place *place)
{
    struct devfile *file = malloc(sizeof *file);

    if (file == NULL)
        return NULL;
    file->descriptor = descriptor;
    file->place = *place;
    file->first_line = place->line;
    file->entry_line = place->line + 1;
    file->words = (struct words){ 0 };
    file->filled = file->taken = 0;
    file->ended = file->failed = false;
    file->problem[0] = '\0';
    return file;
}

void devfile_free(struct devfile *file)
{
    if (file == NULL)
        return;
    words_clear(&file->words);
    free(file);
}

struct devfile_place devfile_place(const struct devfile *file)
{
    return file->place;
}

static void fail(struct devfile *file, struct devfile_entry *entry, unsigned line,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

static void fail(struct devfile *file, struct devfile_entry *entry, unsigned line,
                 const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(file->problem, sizeof file->problem, format, arguments);
    va_end(arguments);
    file->failed = true;
    file->problem_line = line;
    *entry =
        (struct devfile_entry){ .kind = DEVFILE_ERROR, .line = line, .problem = file->problem };
}

/* Text may hold any byte above 0x7f: NUT drops those, for the protocol has no place for them. */
static bool is_text(unsigned char byte)
{
    return (byte >= 0x20 && byte != 0x7f) || (byte >= '\t' && byte <= '\r');
}

/* Makes bytes available. False: the end, or an error (then entry says it). */
static bool fill(struct devfile *file, struct devfile_entry *entry)
{
    ssize_t got;

    do {
        got = pread(file->descriptor, file->chunk, sizeof file->chunk, file->place.offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        fail(file, entry, 0, "cannot read: %s", strerror(errno));
        return false;
    }
    if (file->place.offset + got > DEVFILE_SIZE_MAX) {
        fail(file, entry, 0, "it is larger than %d bytes", DEVFILE_SIZE_MAX);
        return false;
    }
    file->filled = (size_t)got;
    file->taken = 0;
    return got > 0;
}

/* How many of the bytes at hand are text, up to the end of the line. */
static size_t text_length(const struct devfile *file)
{
    size_t length = 0;

    while (file->taken + length < file->filled) {
        unsigned char byte = (unsigned char)file->chunk[file->taken + length];

        if (!is_text(byte))
            break;
        length++;
        if (byte == '\n')
            break;
    }
    return length;
}

static void advance(struct devfile *file, size_t consumed)
{
    const char *from = file->chunk + file->taken;

    for (size_t i = 0; i < consumed; i++)
        file->place.line += from[i] == '\n';
    file->taken += consumed;
    file->place.offset += (off_t)consumed;
}

/* Collects one line of words. False: the end, or an error (then entry says it). */
static bool read_line(struct devfile *file, struct devfile_entry *entry)
{
    enum words_result result = WORDS_MORE;

    file->entry_line = file->place.line + 1;
    while (result == WORDS_MORE) {
        if (file->taken == file->filled && !fill(file, entry)) {
            if (file->failed)
                return false;
            if (words_in_quotes(&file->words)) {
                fail(file, entry, file->entry_line, "a quote is not closed");
                return false;
            }
            file->ended = true;
            result = words_finish(&file->words);
            break;
        }
        size_t length = text_length(file);
        if (length == 0) {
            fail(file, entry, file->place.line + 1, "byte 0x%02x: this is not text",
                 (unsigned char)file->chunk[file->taken]);
            return false;
        }
        size_t consumed = 0;
        result = words_feed(&file->words, file->chunk + file->taken, length, &consumed);
        advance(file, consumed);
    }
    if (result == WORDS_ERROR)
        fail(file, entry, file->entry_line, "'#' inside quotes must be written \\#");
    else if (result == WORDS_NO_MEMORY)
        fail(file, entry, 0, "out of memory");
    return result == WORDS_LINE;
}

/* Variables' names are dotted words; anything else is a sign that the file is something else. */
static bool is_variable_name(const char *name)
{
    size_t length = strlen(name);

    return length <= UPDATE_NAME_MAX && strchr(name, '.') != NULL && name[0] != '.' &&
           name[length - 1] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               length;
}

/* Joins what stood right behind the colon and the words from number 1 on. */
static void join_value(struct devfile *file, const char *first)
{
    bool is_first = *first == '\0';

    snprintf(file->value, sizeof file->value, "%s", first);
    for (unsigned i = 1; i < file->words.count; i++) {
        size_t used = strlen(file->value);

        snprintf(file->value + used, sizeof file->value - used, "%s%s", is_first ? "" : " ",
                 words_at(&file->words, i));
        is_first = false;
    }
}

static void take_timer(struct devfile *file, struct devfile_entry *entry)
{
    double seconds;

    if (file->words.count < 2 || !number_parse(words_at(&file->words, 1), &seconds) ||
        seconds < 0 || seconds > TIMER_SECONDS_MAX) {
        fail(file, entry, file->entry_line, "TIMER needs a number of seconds");
        return;
    }
    entry->kind = DEVFILE_TIMER;
    entry->milliseconds = (uint64_t)(seconds * 1000 + 0.5);
    file->first_line = file->place.line;
}

static void take_variable(struct devfile *file, struct devfile_entry *entry)
{
    char *name = words_at(&file->words, 0);
    char *colon = strchr(name, ':');

    if (colon == NULL) {
        fail(file, entry, file->entry_line, "'%.32s' is not followed by a colon", name);
        return;
    }
    *colon = '\0';
    if (!is_variable_name(name)) {
        fail(file, entry, file->entry_line, "'%.32s' is not the name of a variable", name);
        return;
    }
    join_value(file, colon + 1);
    if (strcmp(name, "ups.status") == 0 && file->value[strspn(file->value, " ")] == '\0') {
        fail(file, entry, file->entry_line, "ups.status needs a value");
        return;
    }
    entry->kind = DEVFILE_VARIABLE;
    entry->name = name;
    entry->value = file->value;
}

static void take_line(struct devfile *file, struct devfile_entry *entry)
{
    const char *first = words_at(&file->words, 0);

    *entry = (struct devfile_entry){ .line = file->entry_line };
    if (strcmp(first, "TIMER") == 0) {
        take_timer(file, entry);
    } else if (strcmp(first, "ALARM") == 0) {
        join_value(file, "");
        entry->kind = DEVFILE_VARIABLE;
        entry->name = "ups.alarm";
        entry->value = file->value;
    } else {
        take_variable(file, entry);
    }
}

void devfile_next(struct devfile *file, struct devfile_entry *entry)
{
    *entry = (struct devfile_entry){ .kind = DEVFILE_END };
    while (!file->ended && !file->failed && read_line(file, entry)) {
        if (file->place.line - file->first_line > DEVFILE_LINES_MAX) {
            fail(file, entry, file->entry_line, "more than %u lines without a TIMER",
                 DEVFILE_LINES_MAX);
            return;
        }
        if (file->words.count > 0) {
            take_line(file, entry);
            return;
        }
    }
    if (file->failed)
        *entry = (struct devfile_entry){ .kind = DEVFILE_ERROR,
                                         .line = file->problem_line,
                                         .problem = file->problem };
}
