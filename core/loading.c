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

void *loading_room(void *array, size_t count, size_t element)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return array;
    return realloc(array, (count == 0 ? 1 : count * 2) * element);
}
