/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers as a map file writes them: @[table:]address[:type][:order][.bit[..bit]] */
#include "modbus/map_reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2^63 and 2^64 */
#define MISSING_LIMIT 9223372036854775808.0
#define ALL_ONES 18446744073709551616.0

static const char *const table_names[MODBUS_TABLES] = { "coil", "discrete", "input", "holding" };

static const struct {
    const char *name;
    unsigned count; /* 0: the name is followed by it */
} types[MAP_TYPES] = {
    [MAP_BIT] = { "bit", 1 },     [MAP_U16] = { "u16", 1 },     [MAP_S16] = { "s16", 1 },
    [MAP_U32] = { "u32", 2 },     [MAP_S32] = { "s32", 2 },     [MAP_U64] = { "u64", 4 },
    [MAP_S64] = { "s64", 4 },     [MAP_FLOAT] = { "float", 2 }, [MAP_DOUBLE] = { "double", 4 },
    [MAP_BCD16] = { "bcd16", 1 }, [MAP_BCD32] = { "bcd32", 2 }, [MAP_STRING] = { "string", 0 },
};

static const char *const order_names[] = { "abcd", "cdab", "badc", "dcba" };

const char *modbus_table_name(enum modbus_table table)
{
    return table_names[table];
}

const char *map_type_name(enum map_type type)
{
    return types[type].name;
}

unsigned map_type_count(enum map_type type)
{
    return types[type].count;
}

uint64_t map_type_mask(enum map_type type)
{
    if (type == MAP_BIT)
        return 1;
    return types[type].count == 1 ? UINT16_MAX : types[type].count == 2 ? UINT32_MAX : UINT64_MAX;
}

bool reader_table(const char *text, enum modbus_table *table)
{
    for (unsigned i = 0; i < MODBUS_TABLES; i++) {
        if (strcmp(text, table_names[i]) == 0) {
            *table = (enum modbus_table)i;
            return true;
        }
    }
    return false;
}

bool reader_order(const char *text, enum map_order *order)
{
    for (unsigned i = 0; i < sizeof order_names / sizeof order_names[0]; i++) {
        if (strcmp(text, order_names[i]) == 0) {
            *order = (enum map_order)i;
            return true;
        }
    }
    return false;
}

static bool whole_number(const char *text, unsigned long maximum, unsigned long *number)
{
    bool hexadecimal = strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0;
    const char *digits = hexadecimal ? text + 2 : text;
    const char *set = hexadecimal ? "0123456789abcdefABCDEF" : "0123456789";
    size_t length = strlen(digits);

    if (length == 0 || length > 9 || strspn(digits, set) != length)
        return false;
    *number = strtoul(digits, NULL, hexadecimal ? 16 : 10);
    return *number <= maximum;
}

bool reader_type(const char *text, enum map_type *type, unsigned *count)
{
    for (unsigned i = 0; i < MAP_TYPES; i++) {
        size_t length = strlen(types[i].name);
        unsigned long number = types[i].count;

        if (strncmp(text, types[i].name, length) != 0)
            continue;
        if (number == 0 ? !whole_number(text + length, MAP_STRING_MAX, &number) || number == 0
                        : text[length] != '\0')
            continue;
        *type = (enum map_type)i;
        *count = (unsigned)number;
        return true;
    }
    return false;
}

/* 40131, 400131: the first digit is the table. False: it cannot be one. */
static bool modicon_address(const char *text, enum modbus_table *table, unsigned long *address)
{
    static const int tables[] = { MODBUS_COILS, MODBUS_DISCRETE, -1, MODBUS_INPUT, MODBUS_HOLDING };
    size_t length = strlen(text);

    if (length < 5) {
        *table = MODBUS_COILS;
        return whole_number(text, 9999, address);
    }
    if (length > 6 || text[0] < '0' || text[0] > '4' || tables[text[0] - '0'] < 0)
        return false;
    *table = (enum modbus_table)tables[text[0] - '0'];
    return whole_number(text + 1, 65536, address);
}

/* An address, counted from 0 afterwards. */
static bool read_address(struct map_reader *reader, const char *text, bool has_table,
                         enum modbus_table *table, unsigned line, uint16_t *address)
{
    unsigned long number = 0;
    bool from_one = reader->base != BASE_ZERO;
    bool right = reader->base == BASE_MODICON && !has_table
                     ? modicon_address(text, table, &number)
                     : whole_number(text, from_one ? 65536 : 65535, &number);

    if (!right)
        return reader_error(reader, line, "'%s' is not the address of a register", text);
    if (from_one && number == 0)
        return reader_error(reader, line, "addresses begin with 1 here, there is no '%s'", text);
    *address = (uint16_t)(number - (from_one ? 1 : 0));
    return true;
}

bool reader_bits(struct map_reader *reader, const char *text, struct map_register *reading,
                 unsigned line)
{
    unsigned width = map_type_count(reading->type) * 16;
    char first_text[16];
    size_t length = strcspn(text, ".");
    unsigned long first, last;

    if (reading->type == MAP_STRING || reading->type == MAP_BIT || reading->type == MAP_FLOAT ||
        reading->type == MAP_DOUBLE)
        return reader_error(reader, line, "a %s has no bits", map_type_name(reading->type));
    snprintf(first_text, sizeof first_text, "%.*s", length < 15 ? (int)length : 15, text);
    const char *last_text = strncmp(text + length, "..", 2) == 0 ? text + length + 2 : first_text;
    if (text[length] != '\0' && last_text == first_text)
        return reader_error(reader, line, "'.%s' is neither a bit nor FIRST..LAST", text);
    if (!whole_number(first_text, 99, &first) || !whole_number(last_text, 99, &last) ||
        first > last)
        return reader_error(reader, line, "'.%s' is neither a bit nor FIRST..LAST", text);
    if (last >= width)
        return reader_error(reader, line, "a %s has the bits 0 to %u, there is no bit %lu",
                            map_type_name(reading->type), width - 1, last);
    reading->first_bit = (uint8_t)first;
    reading->bit_count = (uint8_t)(last - first + 1);
    return true;
}

bool missing_apply(struct map_register *reading, const struct map_missing *missing)
{
    if (reading->type == MAP_STRING || reading->type == MAP_BIT)
        return false;
    reading->missing_count = missing->count;
    for (uint8_t i = 0; i < missing->count; i++)
        reading->missing[i] = missing->values[i] & map_type_mask(reading->type);
    return true;
}

/* -1 is written for all ones: what counts is how it lies in the register. */
bool reader_missing(struct map_reader *reader, struct map_missing *missing)
{
    unsigned line = reader_peek(reader)->line;
    double number;

    missing->count = 0;
    if (reader_accept(reader, TOKEN_WORD, "none"))
        return true;
    do {
        if (!reader_number(reader, &number))
            return false;
        if (missing->count == MAP_MISSING_MAX)
            return reader_error(reader, line, "missing: at most %d numbers", MAP_MISSING_MAX);
        if (number != floor(number) || number < -MISSING_LIMIT)
            return reader_error(reader, line, "missing: whole numbers only");
        missing->values[missing->count++] = number < 0           ? (uint64_t)(int64_t)number
                                            : number >= ALL_ONES ? UINT64_MAX
                                                                 : (uint64_t)number;
    } while (reader_accept(reader, TOKEN_SIGN, ","));
    return true;
}

/* The parts between colons, in place. */
static unsigned split_parts(char *text, char *parts[4])
{
    unsigned count = 0;

    for (char *part = text; part != NULL && count < 4; count++) {
        parts[count] = part;
        part = strchr(part, ':');
        if (part != NULL)
            *part++ = '\0';
        if (part != NULL && count == 3)
            return 5;
    }
    return count;
}

/* Type and order, in this order, each once. */
static bool read_parts(struct map_reader *reader, struct map_register *reading, char **parts,
                       unsigned count, unsigned line)
{
    unsigned registers = reading->count;

    for (unsigned i = 0; i < count; i++) {
        if (i == 0 && reader_type(parts[i], &reading->type, &registers))
            continue;
        if (i + 1 == count && reader_order(parts[i], &reading->order))
            continue;
        return reader_error(reader, line,
                            "'%s' is no type (u16 s16 u32 s32 u64 s64 float double bcd16 bcd32 "
                            "stringN, then abcd cdab badc dcba)",
                            parts[i]);
    }
    reading->count = (uint16_t)registers;
    if (modbus_table_has_bits(reading->table) != (reading->type == MAP_BIT))
        return reader_error(reader, line, "a %s cannot be %s", modbus_table_name(reading->table),
                            map_type_name(reading->type));
    if (reading->address + reading->count > 65536)
        return reader_error(reader, line, "it ends behind the last address, 65535");
    return true;
}

static bool begin_register(struct map_reader *reader, char *parts[4], unsigned *at,
                           struct map_register *reading, unsigned line)
{
    bool has_table = reader_table(parts[0], &reading->table);

    *at = has_table ? 1 : 0;
    if (parts[*at] == NULL)
        return reader_error(reader, line, "'@%s' needs an address", parts[0]);
    if (!read_address(reader, parts[*at], has_table, &reading->table, line, &reading->address))
        return false;
    (*at)++;
    reading->type = modbus_table_has_bits(reading->table) ? MAP_BIT : MAP_U16;
    return true;
}

int reader_register(struct map_reader *reader, const struct map_token *token)
{
    struct map_items *items = reader->items;
    struct map_register reading = {
        .table = reader->table, .count = 1, .order = MAP_ABCD, .line = token->line
    };
    char text[96], *parts[4] = { NULL };
    unsigned at = 0;

    if (strlen(token->text) >= sizeof text || items->register_count >= MAP_ITEMS_MAX) {
        reader_error(reader, token->line, "too %s",
                     items->register_count >= MAP_ITEMS_MAX ? "many registers" : "long");
        return NONE;
    }
    snprintf(text, sizeof text, "%s", token->text);
    char *bits = strchr(text, '.');
    if (bits != NULL)
        *bits++ = '\0';
    unsigned count = split_parts(text, parts);
    if (count > 4) {
        reader_error(reader, token->line, "'@%s' has too many parts", token->text);
        return NONE;
    }
    if (!begin_register(reader, parts, &at, &reading, token->line) ||
        !read_parts(reader, &reading, parts + at, count - at, token->line))
        return NONE;
    /* The map's order is that of numbers of several registers. */
    bool has_order = count > at && reader_order(parts[count - 1], &reading.order);
    if (!has_order && reading.type != MAP_STRING && reading.count > 1)
        reading.order = reader->order;
    missing_apply(&reading, &reader->missing[reading.type]);
    if (bits != NULL && !reader_bits(reader, bits, &reading, token->line))
        return NONE;
    if (!items_grow(&items->registers, items->register_count, sizeof reading)) {
        reader_no_memory(reader);
        return NONE;
    }
    items->registers[items->register_count] = reading;
    return (int)items->register_count++;
}

int reader_object(const char *text)
{
    unsigned long number;

    if (strncmp(text, "fc43:", 5) != 0 || !whole_number(text + 5, 255, &number))
        return NONE;
    return (int)number;
}

bool reader_area(struct map_reader *reader, const struct map_token *token, struct map_area *area)
{
    char text[64];
    enum modbus_table table = reader->table, same;
    uint16_t first, last;

    if (strlen(token->text) >= sizeof text)
        return reader_error(reader, token->line, "'@%s' is no area", token->text);
    snprintf(text, sizeof text, "%s", token->text);
    char *address = strchr(text, ':');
    if (address != NULL)
        *address++ = '\0';
    if (address != NULL && !reader_table(text, &table))
        return reader_error(reader, token->line, "there is no table '%s'", text);
    bool has_table = address != NULL;
    address = has_table ? address : text;
    char *behind = strstr(address, "..");
    if (behind != NULL)
        *behind = '\0';
    if (!read_address(reader, address, has_table, &table, token->line, &first))
        return false;
    same = table;
    last = first;
    if (behind != NULL && !read_address(reader, behind + 2, has_table, &same, token->line, &last))
        return false;
    if (last < first || same != table)
        return reader_error(reader, token->line, "'@%s' is no area: it must be @FIRST..LAST",
                            token->text);
    *area = (struct map_area){
        .table = table, .address = first, .count = 1u + last - first, .line = token->line
    };
    return true;
}
