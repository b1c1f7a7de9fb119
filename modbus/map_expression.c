/* SPDX-License-Identifier: BSD-2-Clause */
/* Expressions of a map file: one language for values, conditions and what is written. */
#include "modbus/map_reader.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 32
#define NODES_MAX 256 /* of one expression: bounds the depth of what walks it */
#define DIGITS_MAX 3
#define DIGITS_OF_A_FRACTION 2

static int add_node(struct map_reader *reader, const struct map_node *node)
{
    struct map_items *items = reader->items;

    if (items->node_count - reader->first_node >= NODES_MAX) {
        reader_error(reader, reader_peek(reader)->line, "the expression is too long");
        return NONE;
    }
    if (!items_grow(&items->nodes, items->node_count, sizeof *node)) {
        reader_no_memory(reader);
        return NONE;
    }
    items->nodes[items->node_count] = *node;
    return (int)items->node_count++;
}

static int add_operation(struct map_reader *reader, enum map_node_kind kind, int left, int right)
{
    if (left == NONE || right == NONE)
        return NONE;
    return add_node(reader, &(struct map_node){ .kind = kind, .left = left, .right = right });
}

static int add_register(struct map_reader *reader, const struct map_token *token)
{
    int reading = reader_register(reader, token);

    if (reading == NONE)
        return NONE;
    return add_node(reader, &(struct map_node){ .kind = NODE_REGISTER, .index = reading });
}

/* A name of [registers], with bits perhaps ("status.3"). *known: there is such a name. */
static int name_node(struct map_reader *reader, const struct map_token *token, bool *known)
{
    struct map_items *items = reader->items;
    size_t length = strcspn(token->text, ".");

    *known = false;
    for (size_t i = 0; i < items->name_count; i++) {
        struct map_name *name = &items->names[i];

        if (strlen(name->name) != length || strncmp(name->name, token->text, length) != 0)
            continue;
        *known = true;
        name->used = true;
        if (token->text[length] == '\0')
            return name->node;
        const struct map_node *node = &items->nodes[name->node];
        if (node->kind != NODE_REGISTER) {
            reader_error(reader, token->line, "'%s' is no single register: it has no bits",
                         name->name);
            return NONE;
        }
        struct map_register reading = items->registers[node->index];
        if (!reader_bits(reader, token->text + length + 1, &reading, token->line))
            return NONE;
        if (items->register_count >= MAP_ITEMS_MAX ||
            !items_grow(&items->registers, items->register_count, sizeof reading)) {
            reader_no_memory(reader);
            return NONE;
        }
        items->registers[items->register_count] = reading;
        return add_node(reader, &(struct map_node){ .kind = NODE_REGISTER,
                                                    .index = (int)items->register_count++ });
    }
    return NONE;
}

static int word_node(struct map_reader *reader, const struct map_token *token)
{
    struct map_items *items = reader->items;
    bool known;

    if (reader->section == SECTION_COMMANDS && strcmp(token->text, "parameter") == 0)
        return add_node(reader, &(struct map_node){ .kind = NODE_PARAMETER });
    int node = name_node(reader, token, &known);
    if (known)
        return node;
    for (size_t i = 0; i < items->row_count; i++) {
        if (reader->section != SECTION_IDENTIFY &&
            strcasecmp(items->rows[i].name, token->text) == 0)
            return add_node(reader, &(struct map_node){ .kind = NODE_VARIABLE,
                                                        .index = (int)i,
                                                        .limit = reader->section == SECTION_VALUES
                                                                     ? (int)items->row_count
                                                                     : INT_MAX });
    }
    reader_error(reader, token->line,
                 strchr(token->text, '.') != NULL
                     ? "'%s' is no variable of a line above"
                     : "'%s' is no name of [registers] (a register is written @ADDRESS)",
                 token->text);
    return NONE;
}

static int text_node(struct map_reader *reader, const struct map_token *token)
{
    char *text = reader_copy(reader, token->text);
    int node = text == NULL
                   ? NONE
                   : add_node(reader, &(struct map_node){ .kind = NODE_TEXT, .text = text });

    if (node == NONE)
        free(text);
    return node;
}

static int or_node(struct map_reader *reader);

static int primary_node(struct map_reader *reader)
{
    const struct map_token *token = reader_take(reader);
    int node;

    switch (token->kind) {
    case TOKEN_NUMBER:
        return add_node(reader, &(struct map_node){ .kind = NODE_NUMBER, .number = token->number });
    case TOKEN_STRING:
        return text_node(reader, token);
    case TOKEN_REGISTER:
        node = reader_object(token->text);
        if (node != NONE)
            return add_node(reader, &(struct map_node){ .kind = NODE_OBJECT, .index = node });
        return add_register(reader, token);
    case TOKEN_WORD:
        return word_node(reader, token);
    default:
        break;
    }
    if (token->kind == TOKEN_SIGN && strcmp(token->text, "(") == 0) {
        node = or_node(reader);
        return node == NONE || !reader_expect(reader, TOKEN_SIGN, ")") ? NONE : node;
    }
    reader_error(reader, token->line, "'%s' stands where a register or number is expected",
                 token->kind == TOKEN_END ? "end of line" : token->text);
    return NONE;
}

static int unary_node(struct map_reader *reader)
{
    int node;

    if (++reader->depth > DEPTH_MAX) {
        reader_error(reader, reader_peek(reader)->line, "the expression is nested too deeply");
        node = NONE;
    } else if (reader_accept(reader, TOKEN_SIGN, "-")) {
        node = unary_node(reader);
        node = add_operation(reader, NODE_NEGATE, node, node);
    } else if (reader_accept(reader, TOKEN_SIGN, "!")) {
        node = unary_node(reader);
        node = add_operation(reader, NODE_NOT, node, node);
    } else {
        node = primary_node(reader);
    }
    reader->depth--;
    return node;
}

struct operation {
    const char *sign;
    enum map_node_kind kind;
};

static const struct operation *accept_operation(struct map_reader *reader,
                                                const struct operation *operations)
{
    for (; operations->sign != NULL; operations++) {
        if (reader_accept(reader, TOKEN_SIGN, operations->sign))
            return operations;
    }
    return NULL;
}

static int product_node(struct map_reader *reader)
{
    static const struct operation operations[] = {
        { "*", NODE_MULTIPLY }, { "//", NODE_DIVIDE_WHOLE }, { "/", NODE_DIVIDE },
        { "%", NODE_MODULO },   { "&", NODE_MASK },          { NULL, NODE_NUMBER },
    };
    const struct operation *operation;
    int node = unary_node(reader);

    while (node != NONE && (operation = accept_operation(reader, operations)) != NULL)
        node = add_operation(reader, operation->kind, node, unary_node(reader));
    return node;
}

static int sum_node(struct map_reader *reader)
{
    static const struct operation operations[] = {
        { "+", NODE_ADD },
        { "-", NODE_SUBTRACT },
        { NULL, NODE_NUMBER },
    };
    const struct operation *operation;
    int node = product_node(reader);

    while (node != NONE && (operation = accept_operation(reader, operations)) != NULL)
        node = add_operation(reader, operation->kind, node, product_node(reader));
    return node;
}

/* "in 130, 515..520": numbers and spans of them. */
static int list_node(struct map_reader *reader, int left)
{
    struct map_items *items = reader->items;
    int first = (int)items->interval_count;

    do {
        struct map_interval interval;

        if (!reader_number(reader, &interval.minimum))
            return NONE;
        interval.maximum = interval.minimum;
        if (reader_accept(reader, TOKEN_SIGN, "..") && !reader_number(reader, &interval.maximum))
            return NONE;
        if (interval.maximum < interval.minimum) {
            reader_error(reader, reader_peek(reader)->line, "in: the span is upside down");
            return NONE;
        }
        if (!items_grow(&items->intervals, items->interval_count, sizeof interval)) {
            reader_no_memory(reader);
            return NONE;
        }
        items->intervals[items->interval_count++] = interval;
    } while (reader_accept(reader, TOKEN_SIGN, ","));
    return add_node(reader, &(struct map_node){ .kind = NODE_IN,
                                                .left = left,
                                                .index = first,
                                                .limit = (int)items->interval_count });
}

static int comparison_node(struct map_reader *reader)
{
    static const struct operation operations[] = {
        { "==", NODE_EQUAL },    { "!=", NODE_UNEQUAL }, { "<=", NODE_AT_MOST },
        { ">=", NODE_AT_LEAST }, { "<", NODE_LESS },     { ">", NODE_MORE },
        { "~", NODE_LIKE },      { NULL, NODE_NUMBER },
    };
    int node = sum_node(reader);

    if (node == NONE)
        return NONE;
    /* "in" is also how a row names its unit. */
    const struct map_token *token = reader_peek(reader);
    if (token->kind == TOKEN_WORD && strcmp(token->text, "in") == 0 &&
        token[1].kind != TOKEN_WORD && token[1].kind != TOKEN_STRING &&
        !(token[1].kind == TOKEN_SIGN && strcmp(token[1].text, "%") == 0)) {
        reader_take(reader);
        return list_node(reader, node);
    }
    const struct operation *operation = accept_operation(reader, operations);
    if (operation == NULL)
        return node;
    return add_operation(reader, operation->kind, node, sum_node(reader));
}

static int not_node(struct map_reader *reader)
{
    int node;

    if (!reader_accept(reader, TOKEN_WORD, "not"))
        return comparison_node(reader);
    if (++reader->depth > DEPTH_MAX) {
        reader_error(reader, reader_peek(reader)->line, "the expression is nested too deeply");
        node = NONE;
    } else {
        node = not_node(reader);
        node = add_operation(reader, NODE_NOT, node, node);
    }
    reader->depth--;
    return node;
}

static int and_node(struct map_reader *reader)
{
    int node = not_node(reader);

    while (node != NONE && reader_accept(reader, TOKEN_WORD, "and"))
        node = add_operation(reader, NODE_AND, node, not_node(reader));
    return node;
}

static int or_node(struct map_reader *reader)
{
    int node = and_node(reader);

    while (node != NONE && reader_accept(reader, TOKEN_WORD, "or"))
        node = add_operation(reader, NODE_OR, node, and_node(reader));
    return node;
}

int reader_expression(struct map_reader *reader)
{
    reader->depth = 0;
    reader->first_node = reader->items->node_count;
    return or_node(reader);
}

int reader_target(struct map_reader *reader)
{
    const struct map_token *token = reader_peek(reader);
    int node = reader_expression(reader);

    if (node == NONE)
        return NONE;
    const struct map_node *found = &reader->items->nodes[node];
    if (found->kind != NODE_REGISTER) {
        reader_error(reader, token->line, "only a single register can be written");
        return NONE;
    }
    const struct map_register *reading = &reader->items->registers[found->index];
    if (reading->table != MODBUS_HOLDING && reading->table != MODBUS_COILS) {
        reader_error(reader, token->line, "the table %s cannot be written",
                     modbus_table_name(reading->table));
        return NONE;
    }
    return found->index;
}

/* What is known of an expression without a device --------------------------------------------- */

static bool linear_of_two(const struct map_items *items, const struct map_node *node, int *reading,
                          double *factor, double *offset)
{
    int other = NONE;
    double other_factor, other_offset;

    if (!node_linear(items, node->left, reading, factor, offset) ||
        !node_linear(items, node->right, &other, &other_factor, &other_offset))
        return false;
    if (*reading != NONE && other != NONE)
        return false;
    switch (node->kind) {
    case NODE_ADD:
    case NODE_SUBTRACT: {
        double sign = node->kind == NODE_ADD ? 1 : -1;

        *factor += sign * other_factor;
        *offset += sign * other_offset;
        break;
    }
    case NODE_MULTIPLY:
        *factor = *factor * other_offset + *offset * other_factor;
        *offset *= other_offset;
        break;
    case NODE_DIVIDE:
        if (other != NONE || other_offset == 0)
            return false;
        *factor /= other_offset;
        *offset /= other_offset;
        break;
    default:
        return false;
    }
    *reading = *reading == NONE ? other : *reading;
    return true;
}

bool node_linear(const struct map_items *items, int node, int *reading, double *factor,
                 double *offset)
{
    const struct map_node *at = &items->nodes[node];

    *reading = NONE;
    *factor = *offset = 0;
    switch (at->kind) {
    case NODE_NUMBER:
        *offset = at->number;
        return true;
    case NODE_REGISTER:
        *reading = at->index;
        *factor = 1;
        return true;
    case NODE_NEGATE:
        if (!node_linear(items, at->left, reading, factor, offset))
            return false;
        *factor = -*factor;
        *offset = -*offset;
        return true;
    case NODE_ADD:
    case NODE_SUBTRACT:
    case NODE_MULTIPLY:
    case NODE_DIVIDE:
        return linear_of_two(items, at, reading, factor, offset);
    default:
        return false;
    }
}

/* Decimals of a constant, as far as they count. */
static int digits_of_number(double number)
{
    int digits = 0;

    for (; digits < DIGITS_MAX && fabs(number - round(number)) > 1e-9; digits++)
        number *= 10;
    return digits;
}

static int digits_of_divisor(double number)
{
    if (number == 1)
        return 0;
    if (number == 10)
        return 1;
    return number == 1000 ? DIGITS_MAX : DIGITS_OF_A_FRACTION;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int digits_within(const struct map_items *items, int node)
{
    const struct map_node *at = &items->nodes[node];

    switch (at->kind) {
    case NODE_NUMBER:
        return digits_of_number(at->number);
    case NODE_REGISTER: {
        enum map_type type = items->registers[at->index].type;

        return type == MAP_FLOAT || type == MAP_DOUBLE ? DIGITS_OF_A_FRACTION : 0;
    }
    case NODE_VARIABLE:
        return larger(items->rows[at->index].digits, 0);
    case NODE_NEGATE:
        return digits_within(items, at->left);
    case NODE_DIVIDE:
        return digits_within(items, at->left) +
               (items->nodes[at->right].kind == NODE_NUMBER
                    ? digits_of_divisor(items->nodes[at->right].number)
                    : DIGITS_OF_A_FRACTION);
    case NODE_MULTIPLY:
        return digits_within(items, at->left) + digits_within(items, at->right);
    case NODE_ADD:
    case NODE_SUBTRACT:
    case NODE_MODULO:
        return larger(digits_within(items, at->left), digits_within(items, at->right));
    default:
        return 0;
    }
}

int node_digits(const struct map_items *items, int node)
{
    int digits = digits_within(items, node);

    return digits > DIGITS_MAX ? DIGITS_MAX : digits;
}
