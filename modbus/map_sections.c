/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of [map], [registers], [read], [identify], [status] and [alarms]. */
#include "modbus/map_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLISECONDS_MAX 600000u

/* [map] --------------------------------------------------------------------------------------- */

static bool set_text(struct map_reader *reader, char **text, const char *value, unsigned line)
{
    if (value[0] == '\0')
        return reader_error(reader, line, "it is empty");
    char *copy = reader_copy(reader, value);
    if (copy == NULL)
        return false;
    free(*text);
    *text = copy;
    return true;
}

static bool set_unsigned(struct map_reader *reader, unsigned *number, const char *value,
                         unsigned minimum, unsigned maximum, unsigned line)
{
    if (!config_unsigned(value, minimum, maximum, number))
        return reader_error(reader, line, "'%s' is not a whole number from %u to %u", value,
                            minimum, maximum);
    return true;
}

/* "35ms", "2s", "1.5s" */
static bool set_time(struct map_reader *reader, unsigned *milliseconds, const char *value,
                     unsigned line)
{
    char number[32];
    size_t length = strspn(value, "0123456789.");
    double amount = 0;

    snprintf(number, sizeof number, "%.*s", length < 31 ? (int)length : 31, value);
    bool seconds = strcmp(value + length, "s") == 0;
    if ((!seconds && strcmp(value + length, "ms") != 0) || !number_parse(number, &amount) ||
        amount * (seconds ? 1000 : 1) > MILLISECONDS_MAX)
        return reader_error(reader, line, "'%s' is no time such as 35ms or 1s", value);
    *milliseconds = (unsigned)(amount * (seconds ? 1000 : 1) + 0.5);
    return true;
}

/* One of words, NULL-ended. */
static bool set_choice(struct map_reader *reader, const char *const *words, const char *value,
                       unsigned line, int *choice)
{
    char list[128] = "";
    size_t used = 0;

    for (*choice = 0; words[*choice] != NULL; (*choice)++) {
        if (strcmp(words[*choice], value) == 0)
            return true;
        used += (size_t)snprintf(list + used, sizeof list - used, " %s", words[*choice]);
    }
    return reader_error(reader, line, "'%s' is none of%s", value, list);
}

/* "9600 8N1" */
static bool set_serial(struct map_reader *reader, const char *value, unsigned line)
{
    struct modbus_link *link = &reader->map->link;
    unsigned baud, data, stop;
    char parity, rest;

    if (sscanf(value, "%7u %1u%c%1u%c", &baud, &data, &parity, &stop, &rest) != 4 || baud < 300 ||
        (data != 7 && data != 8) || strchr("NEO", parity) == NULL || (stop != 1 && stop != 2))
        return reader_error(reader, line, "'%s' is not such as \"9600 8N1\"", value);
    link->baud = baud;
    link->data_bits = data;
    link->parity = parity;
    link->stop_bits = stop;
    return true;
}

static bool set_unit(struct map_reader *reader, const char *value, unsigned line)
{
    reader->map->link.has_unit = true;
    return set_unsigned(reader, &reader->map->link.unit, value, 0, 255, line);
}

static bool set_certainty(struct map_reader *reader, const char *value, unsigned line)
{
    static const char *const words[] = { "unconfirmed", "community", "driver", "vendor", NULL };
    int choice;

    if (!set_choice(reader, words, value, line, &choice))
        return false;
    reader->map->certainty = (enum map_certainty)choice;
    return true;
}

static bool set_base(struct map_reader *reader, const char *value, unsigned line)
{
    static const char *const words[] = { "0", "1", "modicon", NULL };
    int choice;

    if (!set_choice(reader, words, value, line, &choice))
        return false;
    reader->base = (enum map_base)choice;
    return true;
}

static bool set_gaps(struct map_reader *reader, const char *value, unsigned line)
{
    static const char *const words[] = { "illegal", "readable", NULL };
    int choice;

    if (!set_choice(reader, words, value, line, &choice))
        return false;
    reader->map->limits.gaps_readable = choice == 1;
    return true;
}

static bool set_write(struct map_reader *reader, const char *value, unsigned line)
{
    static const char *const words[] = { "auto", "fc6", "fc16", NULL };
    int choice;

    if (!set_choice(reader, words, value, line, &choice))
        return false;
    reader->map->limits.write = (enum modbus_write)choice;
    return true;
}

static bool set_verify(struct map_reader *reader, const char *value, unsigned line)
{
    if (!config_boolean(value, &reader->map->limits.verify_writes))
        return reader_error(reader, line, "'%s' is neither yes nor no", value);
    return true;
}

static bool set_table(struct map_reader *reader, const char *value, unsigned line)
{
    if (!reader_table(value, &reader->table))
        return reader_error(reader, line, "'%s' is none of coil discrete input holding", value);
    return true;
}

static bool set_order(struct map_reader *reader, const char *value, unsigned line)
{
    if (!reader_order(value, &reader->order))
        return reader_error(reader, line, "'%s' is none of abcd cdab badc dcba", value);
    return true;
}

static bool set_name(struct map_reader *reader, const char *value, unsigned line)
{
    return set_text(reader, &reader->map->name, value, line);
}

static bool set_description(struct map_reader *reader, const char *value, unsigned line)
{
    return set_text(reader, &reader->map->description, value, line);
}

static bool set_source(struct map_reader *reader, const char *value, unsigned line)
{
    return set_text(reader, &reader->map->source, value, line);
}

static const struct {
    const char *key;
    bool (*set)(struct map_reader *reader, const char *value, unsigned line);
} map_keys[] = {
    { "name", set_name },     { "description", set_description },
    { "source", set_source }, { "certainty", set_certainty },
    { "base", set_base },     { "table", set_table },
    { "order", set_order },   { "gaps", set_gaps },
    { "write", set_write },   { "verify", set_verify },
    { "serial", set_serial }, { "unit", set_unit },
};

static const struct {
    const char *key;
    size_t offset;
    unsigned minimum, maximum;
} limit_keys[] = {
    { "max-read", offsetof(struct modbus_limits, read_registers), 1, MODBUS_READ_MAX },
    { "max-read-bits", offsetof(struct modbus_limits, read_bits), 1, MODBUS_READ_BITS_MAX },
    { "max-write", offsetof(struct modbus_limits, write_registers), 1, MODBUS_WRITE_MAX },
    { "max-gap", offsetof(struct modbus_limits, maximum_gap), 0, MODBUS_READ_MAX },
};

static const struct {
    const char *key;
    size_t offset;
} time_keys[] = {
    { "pause", offsetof(struct modbus_link, pause_ms) },
    { "after-write", offsetof(struct modbus_link, after_write_ms) },
    { "response", offsetof(struct modbus_link, response_ms) },
    { "byte", offsetof(struct modbus_link, byte_ms) },
};

/* missing, missing.u32: for all types of one register, or for that. */
static bool set_missing(struct map_reader *reader, const char *type_name, unsigned line)
{
    struct map_missing missing;
    enum map_type type;
    unsigned count;

    if (!reader_missing(reader, &missing))
        return false;
    if (reader_peek(reader)->kind != TOKEN_END)
        return reader_error(reader, line, "'%s' cannot stand here", reader_peek(reader)->text);
    if (type_name[0] == '\0') {
        reader->missing[MAP_U16] = reader->missing[MAP_S16] = reader->missing[MAP_BCD16] = missing;
        return true;
    }
    if (!reader_type(type_name + 1, &type, &count) || type == MAP_STRING || type == MAP_BIT)
        return reader_error(reader, line, "'%s' is no type", type_name + 1);
    reader->missing[type] = missing;
    return true;
}

bool reader_map_row(struct map_reader *reader, const char *key, const char *value, unsigned line)
{
    if (strncmp(key, "missing", 7) == 0 && (key[7] == '\0' || key[7] == '.'))
        return set_missing(reader, key + 7, line);
    for (size_t i = 0; i < sizeof map_keys / sizeof map_keys[0]; i++) {
        if (strcmp(key, map_keys[i].key) == 0)
            return map_keys[i].set(reader, value, line);
    }
    for (size_t i = 0; i < sizeof limit_keys / sizeof limit_keys[0]; i++) {
        if (strcmp(key, limit_keys[i].key) == 0)
            return set_unsigned(reader,
                                (unsigned *)((char *)&reader->map->limits + limit_keys[i].offset),
                                value, limit_keys[i].minimum, limit_keys[i].maximum, line);
    }
    for (size_t i = 0; i < sizeof time_keys / sizeof time_keys[0]; i++) {
        if (strcmp(key, time_keys[i].key) == 0)
            return set_time(reader, (unsigned *)((char *)&reader->map->link + time_keys[i].offset),
                            value, line);
    }
    return reader_error(reader, line, "[map] knows no such word");
}

/* [registers] --------------------------------------------------------------------------------- */

bool reader_name_row(struct map_reader *reader, const char *name)
{
    struct map_items *items = reader->items;
    unsigned line = reader_peek(reader)->line;
    struct map_name row = { .line = line };

    if (strchr(name, '.') != NULL)
        return reader_error(reader, line, "a name here has no '.'");
    for (size_t i = 0; i < items->name_count; i++) {
        if (strcmp(items->names[i].name, name) == 0)
            return reader_error(reader, line, "it stands in line %u already", items->names[i].line);
    }
    row.node = reader_expression(reader);
    if (row.node == NONE)
        return false;
    if (items->nodes[row.node].kind != NODE_REGISTER)
        return reader_error(reader, line, "a name stands for a single register");
    if (reader_accept(reader, TOKEN_WORD, "missing")) {
        struct map_missing missing;

        if (!reader_missing(reader, &missing))
            return false;
        missing_apply(&items->registers[items->nodes[row.node].index], &missing);
    }
    row.name = reader_copy(reader, name);
    if (row.name == NULL || items->name_count >= MAP_ITEMS_MAX ||
        !items_grow(&items->names, items->name_count, sizeof row)) {
        free(row.name);
        return reader_no_memory(reader);
    }
    items->names[items->name_count++] = row;
    return true;
}

/* [read] -------------------------------------------------------------------------------------- */

bool reader_area_row(struct map_reader *reader, const char *name)
{
    struct map_items *items = reader->items;
    bool optional = strcmp(name, "optional") == 0;
    struct map_area area;

    if (!optional && strcmp(name, "readable") != 0)
        return reader_error(reader, reader_peek(reader)->line,
                            "[read] knows 'readable' and 'optional' alone");
    do {
        const struct map_token *token = reader_take(reader);

        if (token->kind != TOKEN_REGISTER)
            return reader_error(reader, token->line, "'%s' is no area: it must be @FIRST..LAST",
                                token->text);
        if (!reader_area(reader, token, &area))
            return false;
        area.optional = optional;
        if (items->area_count >= MAP_ITEMS_MAX ||
            !items_grow(&items->areas, items->area_count, sizeof area))
            return reader_no_memory(reader);
        items->areas[items->area_count++] = area;
    } while (reader_accept(reader, TOKEN_SIGN, ","));
    return true;
}

/* Conditions ---------------------------------------------------------------------------------- */

static bool add_condition(struct map_reader *reader, struct map_condition *row)
{
    struct map_items *items = reader->items;

    for (size_t i = 0; i < items->condition_count; i++) {
        struct map_condition *old = &items->conditions[i];

        if (old->level <= row->level || old->section != row->section)
            continue;
        /* What identifies a device is said as a whole; others by their text. */
        if (row->section == SECTION_IDENTIFY || (old->stale && row->stale) ||
            (old->text != NULL && row->text != NULL && strcmp(old->text, row->text) == 0))
            old->replaced = true;
    }
    if (items->condition_count >= MAP_ITEMS_MAX ||
        !items_grow(&items->conditions, items->condition_count, sizeof *row)) {
        free(row->text);
        return reader_no_memory(reader);
    }
    items->conditions[items->condition_count++] = *row;
    return true;
}

static bool check_words(struct map_reader *reader, const char *text, unsigned line)
{
    if (text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-")] != '\0')
        return reader_error(reader, line, "'%s' is no word of ups.status", text);
    return true;
}

static bool check_table(struct map_reader *reader, const struct map_condition *row)
{
    const struct map_items *items = reader->items;
    const struct map_table *table = &items->tables[row->table];

    if (table->else_plain)
        return reader_error(reader, row->line, "{...}: 'other' needs a text here");
    if (row->section != SECTION_STATUS)
        return true;
    for (int i = 0; i < table->count; i++) {
        const struct map_entry *entry = &items->entries[table->first + i];

        if (!check_words(reader, entry->text, entry->line))
            return false;
    }
    return table->other == NULL || check_words(reader, table->other, row->line);
}

/* select EXPRESSION {...} | bits EXPRESSION {...} */
static bool read_list(struct map_reader *reader, struct map_condition *row, bool bits)
{
    bool ok;

    row->expression = reader_expression(reader);
    if (row->expression == NONE)
        return false;
    row->table = reader_braces(reader, bits, &ok);
    if (!ok)
        return false;
    if (row->table == NONE)
        return reader_expect(reader, TOKEN_SIGN, "{");
    return check_table(reader, row);
}

static bool read_condition(struct map_reader *reader, struct map_condition *row)
{
    const struct map_token *token = reader_take(reader);
    bool alarms = row->section == SECTION_ALARMS;

    reader->field = token->text;
    if (!alarms && token->kind == TOKEN_WORD && strcmp(token->text, "stale") == 0)
        row->stale = true;
    else if (token->kind != (alarms ? TOKEN_STRING : TOKEN_WORD) || token->text[0] == '\0')
        return reader_error(reader, token->line,
                            alarms ? "an alarm begins with its text in quotes"
                                   : "a line begins with a word of ups.status");
    else if (!alarms && !check_words(reader, token->text, token->line))
        return false;
    if (!reader_expect(reader, TOKEN_SIGN, "="))
        return false;
    row->text = reader_copy(reader, row->stale ? "" : token->text);
    row->expression = reader_expression(reader);
    return row->expression != NONE && row->text != NULL;
}

bool reader_condition_row(struct map_reader *reader)
{
    struct map_condition row = { .section = reader->section,
                                 .line = reader_peek(reader)->line,
                                 .path = reader->path,
                                 .level = reader->level,
                                 .expression = NONE,
                                 .table = NONE };
    bool right;

    if (reader_accept(reader, TOKEN_WORD, "select"))
        right = read_list(reader, &row, false);
    else if (reader_accept(reader, TOKEN_WORD, "bits"))
        right = read_list(reader, &row, true);
    else
        right = read_condition(reader, &row);
    if (!right) {
        free(row.text);
        return false;
    }
    return add_condition(reader, &row);
}

bool reader_identity_row(struct map_reader *reader)
{
    struct map_condition row = { .section = SECTION_IDENTIFY,
                                 .line = reader_peek(reader)->line,
                                 .path = reader->path,
                                 .level = reader->level,
                                 .table = NONE };

    row.expression = reader_expression(reader);
    return row.expression != NONE && add_condition(reader, &row);
}
