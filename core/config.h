/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: reads a file in NUT's configuration syntax (core/words.h) into its lines, and collects
 * complaints with file, line and field. What the words mean is core/settings.c's and
 * nutproto/users.c's business.
 */
#ifndef UPSBRIDGE_CORE_CONFIG_H
#define UPSBRIDGE_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

/* Bounds: a file is refused above these, with a message. */
#define CONFIG_FILE_MAX (16u * 1024 * 1024)
#define CONFIG_LINES_MAX 200000u

struct config_line {
    unsigned number; /* where the line starts, from 1 */
    unsigned count;  /* words, at least 1 */
    char **words;
};

struct config_file {
    char *path; /* as given */
    struct config_line *lines;
    size_t count;
};

/* Complaints of one pass over the configuration. A zeroed struct is ready for use. */
struct config_report {
    unsigned errors, warnings;
    /* Where each complaint goes, as one line without LF; NULL: the log. */
    void (*sink)(void *context, bool is_error, const char *text);
    void *context;
};

/* line 0: about the file as a whole. The text becomes "path:line: text". */
void config_error(struct config_report *report, const char *path, unsigned line, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
void config_warning(struct config_report *report, const char *path, unsigned line,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Reads a file. NULL: it could not be opened or read; errno says why, and nothing was reported (the
 * caller knows whether the file is needed). Syntax errors are reported, and the line left out.
 * Freed by config_free().
 */
struct config_file *config_read(const char *path, struct config_report *report);
/* The same for text in memory; path is what messages call it. */
struct config_file *config_read_text(const char *path, const char *text, size_t length,
                                     struct config_report *report);
void config_free(struct config_file *file);

/* If the line opens a section, "[name]", copies name to out and returns true. */
bool config_section(const struct config_line *line, char *out, size_t size);

/*
 * The value of a "key = value" line: its first word behind the '='. NULL for a flag ("key"), ""
 * for "key =".
 */
const char *config_value(const struct config_line *line);

/* NUT's booleans: true/on/yes/1, false/off/no/0 without regard to case, any other number. */
bool config_boolean(const char *text, bool *value);
/* Decimal digits only, within the bounds given. */
bool config_unsigned(const char *text, unsigned minimum, unsigned maximum, unsigned *value);

#endif
