/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the text of a map file: its lines, with braces and parentheses holding a line together
 * and {a,b,c} spelling out several, and the tokens of a line. Knows nothing of what they mean.
 */
#ifndef UPSBRIDGE_MODBUS_MAP_TEXT_H
#define UPSBRIDGE_MODBUS_MAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define MAP_LINE_MAX 16384u /* bytes of a line with its continuations */
#define MAP_TOKENS_MAX 2048u

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,     /* letters, digits, '.', '_', '-' */
    TOKEN_NUMBER,   /* decimal or 0x...; never negative */
    TOKEN_STRING,   /* without its quotes */
    TOKEN_REGISTER, /* behind '@' */
    TOKEN_SIGN,     /* punctuation: text */
};

struct map_token {
    enum token_kind kind;
    unsigned line;
    const char *text; /* as written, strings without quotes */
    double number;
    bool glued; /* no blank before it */
};

struct map_tokens {
    struct map_token *list; /* ended by TOKEN_END */
    size_t count;
    char *text; /* what they point into */
};

/* Where the reader is; start with everything zero but text and length. */
struct map_cursor {
    const char *text;
    size_t length, at;
    unsigned line; /* of the next byte, from 0 */
};

/*
 * Copies the next line that is not blank into out, comments left out. Returns its length, 0 at the
 * end. *number: where it starts, from 1. *problem is set if it is wrong (and out is then empty).
 */
size_t map_text_line(struct map_cursor *cursor, char *out, size_t size, unsigned *number,
                     const char **problem);

/*
 * One line of several that {a,b,c} stands for: which = 0, 1, ... false: there is none. *problem as
 * above.
 */
bool map_text_expand(const char *line, size_t which, char *out, size_t size, const char **problem);

/* Splits a line. False: *problem says why, at *line. To be freed by map_tokens_clear(). */
bool map_text_tokens(struct map_tokens *tokens, const char *line, unsigned number,
                     const char **problem, unsigned *at_line);
void map_tokens_clear(struct map_tokens *tokens);

#endif
