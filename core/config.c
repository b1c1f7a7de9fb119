/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/config.h"

#include "core/log.h"
#include "core/words.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static void complain(struct config_report *report, bool is_error, const char *path, unsigned line,
                     const char *format, va_list arguments)
{
    char text[768];
    int used;

    if (line > 0)
        used = snprintf(text, sizeof text, "%s:%u: ", path, line);
    else
        used = snprintf(text, sizeof text, "%s: ", path);
    if (used < 0 || (size_t)used >= sizeof text)
        used = 0;
    vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    if (is_error)
        report->errors++;
    else
        report->warnings++;
    if (report->sink != NULL)
        report->sink(report->context, is_error, text);
    else
        log_message(is_error ? LOG_ERR : LOG_WARNING, "%s", text);
}

void config_error(struct config_report *report, const char *path, unsigned line, const char *format,
                  ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(report, true, path, line, format, arguments);
    va_end(arguments);
}

void config_warning(struct config_report *report, const char *path, unsigned line,
                    const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(report, false, path, line, format, arguments);
    va_end(arguments);
}

/* One allocation a line: the word pointers, then the words. */
static bool add_line(struct config_file *file, const struct words *words, unsigned number)
{
    if ((file->count & (file->count - 1)) == 0) {
        size_t size = file->count == 0 ? 1 : file->count * 2;
        struct config_line *grown = realloc(file->lines, size * sizeof grown[0]);

        if (grown == NULL)
            return false;
        file->lines = grown;
    }
    char **pointers = malloc(words->count * sizeof pointers[0] + words->used);
    if (pointers == NULL)
        return false;
    char *text = (char *)(pointers + words->count);
    memcpy(text, words->text, words->used);
    for (unsigned i = 0; i < words->count; i++)
        pointers[i] = text + words->at[i];
    file->lines[file->count++] =
        (struct config_line){ .number = number, .count = words->count, .words = pointers };
    return true;
}

static unsigned count_line_ends(const char *text, size_t length)
{
    unsigned count = 0;

    for (size_t i = 0; i < length; i++)
        count += text[i] == '\n';
    return count;
}

struct line_position {
    unsigned line;  /* of the next byte */
    unsigned start; /* of the first byte that is not blank of the line being read */
};

/* Blank lines and blanks before the first word do not count as the start of a line. */
static size_t skip_blank(const char *text, size_t length, struct line_position *position)
{
    size_t skipped = 0;

    while (skipped < length && isspace((unsigned char)text[skipped])) {
        position->line += text[skipped] == '\n';
        skipped++;
    }
    position->start = position->line;
    return skipped;
}

/* Files do not resume within a bad line: what is left of it would only be misread. */
static size_t skip_line(const char *text, size_t length)
{
    const char *end = memchr(text, '\n', length);

    return end == NULL ? length : (size_t)(end - text);
}

static bool read_lines(struct config_file *file, const char *text, size_t length,
                       struct config_report *report)
{
    struct words words = { 0 };
    struct line_position position = { .line = 1, .start = 1 };
    bool memory = true;
    size_t at = 0;

    while (memory && at < length) {
        size_t consumed;

        at += skip_blank(text + at, length - at, &position);
        enum words_result result = words_feed(&words, text + at, length - at, &consumed);
        position.line += count_line_ends(text + at, consumed);
        at += consumed;
        if (result == WORDS_MORE) {
            if (words_in_quotes(&words))
                config_error(report, file->path, position.start, "a quote is never closed");
            result = words_finish(&words);
        }
        if (result == WORDS_ERROR) {
            config_error(report, file->path, position.start,
                         "'#' inside quotes must be written '\\#'");
            at += skip_line(text + at, length - at);
        } else if (result == WORDS_LINE && words.count > 0) {
            if (file->count >= CONFIG_LINES_MAX) {
                config_error(report, file->path, position.start, "more than %u lines",
                             CONFIG_LINES_MAX);
                break;
            }
            memory = add_line(file, &words, position.start);
        } else if (result == WORDS_NO_MEMORY) {
            memory = false;
        }
    }
    words_clear(&words);
    return memory;
}

struct config_file *config_read_text(const char *path, const char *text, size_t length,
                                     struct config_report *report)
{
    struct config_file *file = calloc(1, sizeof *file);

    if (file == NULL)
        return NULL;
    file->path = strdup(path);
    if (file->path == NULL || !read_lines(file, text, length, report)) {
        config_free(file);
        errno = ENOMEM;
        return NULL;
    }
    return file;
}

/* The whole of an open file, or NULL with errno. */
static char *slurp(int descriptor, size_t *length)
{
    struct stat status;

    if (fstat(descriptor, &status) != 0)
        return NULL;
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return NULL;
    }
    size_t size = 4096;
    char *text = malloc(size);
    *length = 0;
    while (text != NULL) {
        if (*length == size) {
            char *grown = size < CONFIG_FILE_MAX ? realloc(text, size * 2) : NULL;

            if (grown == NULL) {
                free(text);
                errno = EFBIG;
                return NULL;
            }
            text = grown;
            size *= 2;
        }
        ssize_t got = read(descriptor, text + *length, size - *length);
        if (got == 0)
            return text;
        if (got < 0 && errno != EINTR) {
            free(text);
            return NULL;
        }
        *length += got > 0 ? (size_t)got : 0;
    }
    return NULL;
}

struct config_file *config_read(const char *path, struct config_report *report)
{
    /* A FIFO must not hang a reload. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t length = 0;

    if (descriptor < 0)
        return NULL;
    char *text = slurp(descriptor, &length);
    int saved_errno = errno;
    close(descriptor);
    errno = saved_errno;
    if (text == NULL)
        return NULL;
    struct config_file *file = config_read_text(path, text, length, report);
    free(text);
    return file;
}

void config_free(struct config_file *file)
{
    if (file == NULL)
        return;
    for (size_t i = 0; i < file->count; i++)
        free(file->lines[i].words);
    free(file->lines);
    free(file->path);
    free(file);
}

bool config_section(const struct config_line *line, char *out, size_t size)
{
    const char *word = line->words[0];
    size_t length = strlen(word);

    if (length < 2 || word[0] != '[' || word[length - 1] != ']' || length - 1 > size)
        return false;
    memcpy(out, word + 1, length - 2);
    out[length - 2] = '\0';
    return true;
}

const char *config_value(const struct config_line *line)
{
    if (line->count < 2 || strcmp(line->words[1], "=") != 0)
        return NULL;
    return line->count < 3 ? "" : line->words[2];
}

bool config_boolean(const char *text, bool *value)
{
    static const struct {
        const char *word;
        bool value;
    } booleans[] = { { "true", true },   { "on", true },   { "yes", true },
                     { "false", false }, { "off", false }, { "no", false } };
    char *end;

    for (size_t i = 0; i < sizeof booleans / sizeof booleans[0]; i++) {
        if (strcasecmp(text, booleans[i].word) == 0) {
            *value = booleans[i].value;
            return true;
        }
    }
    long number = strtol(text, &end, 10);
    if (end == text || *end != '\0')
        return false;
    *value = number != 0;
    return true;
}

bool config_unsigned(const char *text, unsigned minimum, unsigned maximum, unsigned *value)
{
    unsigned long long number = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        number = number * 10 + (unsigned)(*text - '0');
        if (number > maximum)
            return false;
    }
    if (number < minimum)
        return false;
    *value = (unsigned)number;
    return true;
}
