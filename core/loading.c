/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/loading.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void loading_error(struct loading *loading, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    config_error(loading->report, loading->file->path, loading->line->number, "%s", text);
}

void loading_warning(struct loading *loading, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    config_warning(loading->report, loading->file->path, loading->line->number, "%s", text);
}

void loading_text(struct loading *loading, char **place, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        loading_error(loading, "out of memory");
        return;
    }
    free(*place);
    *place = copy;
}

void loading_place(struct loading *loading, const char *directive, struct placed_word *word,
                   const char *text)
{
    const char *slash = strrchr(loading->file->path, '/');
    const char *name = slash == NULL ? loading->file->path : slash + 1;

    loading_text(loading, &word->text, text);
    word->directive = directive;
    word->file = strcmp(name, UPSD_CONF) == 0 ? UPSD_CONF : UPSBRIDGE_CONF;
    word->line = loading->line->number;
}

void loading_word(struct loading *loading, const char *directive, struct placed_word *word)
{
    const struct config_line *line = loading->line;

    if (line->count < 2 || line->words[1][0] == '\0')
        loading_error(loading, "%s needs a value", directive);
    else if (line->count > 2)
        loading_error(loading, "%s: '%s' is too much", directive, line->words[2]);
    else
        loading_place(loading, directive, word, line->words[1]);
}

void *loading_room(void *array, size_t count, size_t element)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return array;
    return realloc(array, (count == 0 ? 1 : count * 2) * element);
}
