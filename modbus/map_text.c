/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/map_text.h"

#include "core/variables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Lines --------------------------------------------------------------------------------------- */

struct line_state {
    bool quoted, commented;
    unsigned depth; /* of braces and parentheses */
};

/* Takes one byte into the line; false: the line ends before it. */
static bool follow(struct line_state *state, char c)
{
    if (c == '\n') {
        state->commented = false;
        return state->depth > 0;
    }
    if (state->commented)
        return true;
    if (c == '"')
        state->quoted = !state->quoted;
    if (state->quoted)
        return true;
    if (c == '#')
        state->commented = true;
    if (c == '{' || c == '(')
        state->depth++;
    if ((c == '}' || c == ')') && state->depth > 0)
        state->depth--;
    return true;
}

static const char *check_byte(const struct line_state *state, char c)
{
    if (state->quoted && c == '\n')
        return "a quote is not closed in its line";
    if (!state->commented && c != '\t' && c != '\r' && c != '\n' && (c < ' ' || c > '~'))
        return "a byte that is not printable ASCII";
    return NULL;
}

static void skip_blank(struct map_cursor *cursor)
{
    while (cursor->at < cursor->length && is_blank(cursor->text[cursor->at])) {
        cursor->line += cursor->text[cursor->at] == '\n';
        cursor->at++;
    }
}

/* What is left of a line that is wrong would only be misread. */
static void skip_line(struct map_cursor *cursor)
{
    while (cursor->at < cursor->length && cursor->text[cursor->at] != '\n')
        cursor->at++;
}

static size_t take_line(struct map_cursor *cursor, char *out, size_t size, const char **problem)
{
    struct line_state state = { 0 };
    size_t used = 0;

    for (; cursor->at < cursor->length && *problem == NULL; cursor->at++) {
        char c = cursor->text[cursor->at];

        *problem = check_byte(&state, c);
        if (*problem != NULL || !follow(&state, c))
            break;
        cursor->line += c == '\n';
        if (used + 2 > size)
            *problem = "the line is too long";
        else if (!state.commented)
            out[used++] = c;
    }
    if (*problem == NULL && state.quoted)
        *problem = "a quote is not closed in its line";
    if (*problem == NULL && state.depth > 0)
        *problem = "a '{' or '(' is never closed";
    return used;
}

size_t map_text_line(struct map_cursor *cursor, char *out, size_t size, unsigned *number,
                     const char **problem)
{
    size_t used = 0;

    *problem = NULL;
    out[0] = '\0';
    while (used == 0) {
        skip_blank(cursor);
        *number = cursor->line + 1;
        if (cursor->at >= cursor->length)
            return 0;
        used = take_line(cursor, out, size, problem);
        if (*problem != NULL) {
            /* What is never closed is looked for where it began. */
            if (cursor->at < cursor->length)
                *number = cursor->line + 1;
            skip_line(cursor);
            out[0] = '\0';
            return 1;
        }
        while (used > 0 && is_blank(out[used - 1]))
            used--;
        out[used] = '\0';
    }
    return used;
}

/* {a,b,c} ------------------------------------------------------------------------------------- */

/* The length of a group that spells out lines, with its braces; 0: it is something else. */
static size_t group_length(const char *text, size_t *choices)
{
    size_t length = 1;

    *choices = 1;
    for (; text[length] != '}'; length++) {
        if (text[length] == '\0' || strchr("{:\"", text[length]) != NULL)
            return 0;
        *choices += text[length] == ',';
    }
    return *choices > 1 ? length + 1 : 0;
}

/* Copies a choice of the group, without blanks around it. */
static size_t copy_choice(const char *group, size_t which, char *out, size_t room)
{
    const char *at = group + 1;

    for (; which > 0; which--)
        at += strcspn(at, ",") + 1;
    at += strspn(at, " \t\r\n");
    size_t length = strcspn(at, ",}");
    while (length > 0 && is_blank(at[length - 1]))
        length--;
    if (length >= room)
        return room;
    memcpy(out, at, length);
    return length;
}

bool map_text_expand(const char *line, size_t which, char *out, size_t size, const char **problem)
{
    size_t used = 0, count = 0, choices;
    bool quoted = false;

    *problem = NULL;
    while (*line != '\0' && used + 1 < size) {
        size_t length = *line == '{' && !quoted ? group_length(line, &choices) : 0;

        if (length == 0) {
            quoted = quoted != (*line == '"');
            out[used++] = *line++;
            continue;
        }
        if (count != 0 && count != choices) {
            *problem = "the {...,...} of a line must all have the same number of choices";
            return false;
        }
        count = choices;
        if (which >= count)
            return false;
        used += copy_choice(line, which, out + used, size - used);
        line += length;
    }
    if (used + 1 >= size) {
        *problem = "the line is too long";
        return false;
    }
    out[used] = '\0';
    return count > 0 || which == 0;
}

/* Tokens -------------------------------------------------------------------------------------- */

static size_t word_length(const char *at)
{
    size_t length = 0;

    while (is_letter(at[length]) || is_digit(at[length]) || at[length] == '.' || at[length] == '-')
        length++;
    return length;
}

static size_t register_length(const char *at)
{
    size_t length = 0;

    while (is_letter(at[length]) || is_digit(at[length]) || at[length] == '.' || at[length] == ':')
        length++;
    return length;
}

static size_t number_length(const char *at)
{
    size_t length = 0;

    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
        length = 2 + strspn(at + 2, "0123456789abcdefABCDEF");
        return length > 2 ? length : 0;
    }
    while (is_digit(at[length]))
        length++;
    if (at[length] == '.' && is_digit(at[length + 1])) {
        length++;
        while (is_digit(at[length]))
            length++;
    }
    return length;
}

static size_t sign_length(const char *at)
{
    static const char *const signs[] = { "==", "!=", "<=", ">=", "..", "//", NULL };

    for (const char *const *sign = signs; *sign != NULL; sign++) {
        if (strncmp(at, *sign, 2) == 0)
            return 2;
    }
    return strchr("=<>!+-*/%&(){}[],;:~", *at) != NULL ? 1 : 0;
}

static bool read_number(const char *text, double *number)
{
    if (text[1] == 'x' || text[1] == 'X') {
        errno = 0;
        *number = (double)strtoull(text, NULL, 16);
        return errno == 0;
    }
    return number_parse(text, number);
}

/* The token at *at; its text is ended in place by the caller, so lengths are told. */
static const char *take_token(const char *at, struct map_token *token, size_t *length, size_t *lead)
{
    *lead = 0;
    if (*at == '"') {
        token->kind = TOKEN_STRING;
        *lead = 1;
        *length = strcspn(at + 1, "\"");
    } else if (*at == '@') {
        token->kind = TOKEN_REGISTER;
        *lead = 1;
        *length = register_length(at + 1);
    } else if (is_digit(*at)) {
        token->kind = TOKEN_NUMBER;
        *length = number_length(at);
    } else if (is_letter(*at)) {
        token->kind = TOKEN_WORD;
        *length = word_length(at);
    } else {
        token->kind = TOKEN_SIGN;
        *length = sign_length(at);
    }
    if (*length == 0 && token->kind != TOKEN_STRING)
        return token->kind == TOKEN_REGISTER ? "'@' needs an address" : "a sign that means nothing";
    return NULL;
}

/* Each token needs an ending NUL of its own, so none lies where it was. */
static bool split(struct map_tokens *tokens, const char *line, unsigned number,
                  const char **problem, unsigned *at_line)
{
    char *free_text = tokens->text;
    const char *start = line;

    for (;;) {
        struct map_token *token = &tokens->list[tokens->count];
        size_t length = 0, lead = 0;
        const char *before = line;

        for (; is_blank(*line); line++)
            number += *line == '\n';
        *at_line = number;
        *token = (struct map_token){ .line = number, .text = "", .glued = line == before };
        if (*line == '\0' || tokens->count + 1 == MAP_TOKENS_MAX) {
            *problem = *line == '\0' ? NULL : "the line has too many words";
            return *line == '\0';
        }
        token->glued = token->glued && line != start;
        *problem = take_token(line, token, &length, &lead);
        if (*problem != NULL)
            return false;
        memcpy(free_text, line + lead, length);
        free_text[length] = '\0';
        token->text = free_text;
        free_text += length + 1;
        line += lead + length + (token->kind == TOKEN_STRING);
        tokens->count++;
        if (token->kind == TOKEN_NUMBER && !read_number(token->text, &token->number)) {
            *problem = "a number that is too long";
            return false;
        }
    }
}

bool map_text_tokens(struct map_tokens *tokens, const char *line, unsigned number,
                     const char **problem, unsigned *at_line)
{
    *tokens = (struct map_tokens){ 0 };
    /* At worst each byte is a token. */
    size_t most = strlen(line) + 2;
    tokens->list = calloc(most < MAP_TOKENS_MAX ? most : MAP_TOKENS_MAX, sizeof tokens->list[0]);
    tokens->text = malloc(most * 2);
    *at_line = number;
    if (tokens->list == NULL || tokens->text == NULL) {
        *problem = "out of memory";
        map_tokens_clear(tokens);
        return false;
    }
    if (!split(tokens, line, number, problem, at_line)) {
        map_tokens_clear(tokens);
        return false;
    }
    return true;
}

void map_tokens_clear(struct map_tokens *tokens)
{
    free(tokens->list);
    free(tokens->text);
    *tokens = (struct map_tokens){ 0 };
}
