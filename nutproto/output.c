/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/output.h"

#include "core/words.h"

#include <stdio.h>
#include <stdlib.h>

#define SIZE_FIRST 4096

char *output_grow(struct output *output, size_t more)
{
    size_t size = output->size == 0 ? SIZE_FIRST : output->size;

    if (output->failed)
        return NULL;
    while (size - output->used < more)
        size *= 2;
    if (size == output->size)
        return output->bytes + output->used;
    char *bytes = realloc(output->bytes, size);
    if (bytes == NULL) {
        output->failed = true;
        return NULL;
    }
    output->bytes = bytes;
    output->size = size;
    return bytes + output->used;
}

void output_escaped(struct output *output, const char *text)
{
    size_t size = 2 * strlen(text) + 1;
    char *room = output_reserve(output, size);

    if (room != NULL)
        output->used += words_escape(text, room, size);
}

void output_number(struct output *output, long number)
{
    char text[24];

    snprintf(text, sizeof text, "%ld", number);
    output_text(output, text);
}

void output_reset(struct output *output, size_t keep)
{
    output->used = 0;
    output->failed = false;
    if (output->size > keep)
        output_clear(output);
}

void output_clear(struct output *output)
{
    free(output->bytes);
    *output = (struct output){ 0 };
}
