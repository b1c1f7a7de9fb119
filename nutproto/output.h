/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a growing run of bytes that answers are appended to. Appending never fails visibly: when
 * memory runs out `failed` is set, and what was collected must not be sent.
 */
#ifndef UPSBRIDGE_NUTPROTO_OUTPUT_H
#define UPSBRIDGE_NUTPROTO_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* All zero is a valid empty output. */
struct output {
    char *bytes;
    size_t used, size;
    bool failed;
};

/* Room for more bytes behind the used ones, or NULL when memory is out. */
char *output_grow(struct output *output, size_t more);

static inline char *output_reserve(struct output *output, size_t more)
{
    if (more <= output->size - output->used)
        return output->bytes + output->used;
    return output_grow(output, more);
}

static inline void output_bytes(struct output *output, const char *bytes, size_t length)
{
    char *room = output_reserve(output, length);

    if (room == NULL)
        return;
    memcpy(room, bytes, length);
    output->used += length;
}

static inline void output_text(struct output *output, const char *text)
{
    output_bytes(output, text, strlen(text));
}

static inline void output_character(struct output *output, char character)
{
    output_bytes(output, &character, 1);
}

/* The text with a backslash before each `#`, `\` and `"`, as it stands inside quotes. */
void output_escaped(struct output *output, const char *text);
void output_number(struct output *output, long number);

/* Forgets the content; keeps the memory unless it is more than `keep` bytes. */
void output_reset(struct output *output, size_t keep);
void output_clear(struct output *output);

#endif
