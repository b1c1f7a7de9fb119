/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of [values], [settings] and [delays]: a variable, what it is made of, how it is told. */
#include "core/update.h"
#include "modbus/image.h"
#include "modbus/map_reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KELVIN_OF_ZERO_CELSIUS 273.15
#define DIGITS_MAX 6
/* What a long and a double hold alike. */
#define RANGE_MAX 1e9

/* What vendors tell values in, and what becomes of them: factor * value + offset. */
static const struct unit {
    const char *name;
    enum variable_unit unit;
    double factor, offset;
    int digits; /* more of them behind the point */
} units[] = {
    { "V", UNIT_VOLT, 1, 0, 0 },
    { "mV", UNIT_VOLT, 0.001, 0, 3 },
    { "kV", UNIT_VOLT, 1000, 0, 0 },
    { "A", UNIT_AMPERE, 1, 0, 0 },
    { "mA", UNIT_AMPERE, 0.001, 0, 3 },
    { "Hz", UNIT_HERTZ, 1, 0, 0 },
    { "W", UNIT_WATT, 1, 0, 0 },
    { "kW", UNIT_WATT, 1000, 0, 0 },
    { "VA", UNIT_VOLT_AMPERE, 1, 0, 0 },
    { "kVA", UNIT_VOLT_AMPERE, 1000, 0, 0 },
    { "%", UNIT_PERCENT, 1, 0, 0 },
    { "s", UNIT_SECOND, 1, 0, 0 },
    { "ms", UNIT_SECOND, 0.001, 0, 3 },
    { "min", UNIT_SECOND, 60, 0, 0 },
    { "h", UNIT_SECOND, 3600, 0, 0 },
    { "C", UNIT_CELSIUS, 1, 0, 0 },
    { "K", UNIT_CELSIUS, 1, -KELVIN_OF_ZERO_CELSIUS, 0 },
    { "F", UNIT_CELSIUS, 5.0 / 9, -160.0 / 9, 1 },
    { "Ah", UNIT_AMPERE_HOUR, 1, 0, 0 },
    { "mAh", UNIT_AMPERE_HOUR, 0.001, 0, 3 },
};

/* Tables -------------------------------------------------------------------------------------- */

static bool is_sign(const struct map_token *token, const char *text)
{
    return token->kind == TOKEN_SIGN && strcmp(token->text, text) == 0;
}

static bool is_word(const struct map_token *token, const char *text)
{
    return token->kind == TOKEN_WORD && strcmp(token->text, text) == 0;
}

/* One text, or several words up to the next key. '-' is no text at all. */
static char *entry_text(struct map_reader *reader)
{
    const struct map_token *token = reader_take(reader);
    char text[MAP_TEXT_MAX + 1];

    if (token->kind != TOKEN_STRING && token->kind != TOKEN_WORD && token->kind != TOKEN_NUMBER &&
        !is_sign(token, "-")) {
        reader_error(reader, token->line, "'%s' is no text", token->text);
        return NULL;
    }
    size_t used = (size_t)snprintf(text, sizeof text, "%s", is_sign(token, "-") ? "" : token->text);
    while (token->kind == TOKEN_WORD && reader_peek(reader)->kind == TOKEN_WORD &&
           !is_word(reader_peek(reader), "other") && used < sizeof text)
        used += (size_t)snprintf(text + used, sizeof text - used, " %s", reader_take(reader)->text);
    if (used >= sizeof text) {
        reader_error(reader, token->line, "a text is longer than %d bytes", MAP_TEXT_MAX);
        return NULL;
    }
    return reader_copy(reader, text);
}

static bool read_other(struct map_reader *reader, struct map_table *table)
{
    if (!reader_accept(reader, TOKEN_SIGN, ":")) {
        table->else_plain = true;
        return true;
    }
    free(table->other);
    table->other = entry_text(reader);
    return table->other != NULL;
}

static bool read_entry(struct map_reader *reader, const struct map_table *table)
{
    struct map_items *items = reader->items;
    struct map_entry entry = { .line = reader_peek(reader)->line };

    if (!reader_number(reader, &entry.key) || !reader_expect(reader, TOKEN_SIGN, ":"))
        return false;
    if (table->bits && (entry.key < 0 || entry.key > 63 || entry.key != floor(entry.key)))
        return reader_error(reader, entry.line, "bits: %g is not the number of a bit", entry.key);
    for (int i = table->first; i < (int)items->entry_count; i++) {
        if (items->entries[i].key == entry.key)
            return reader_error(reader, entry.line, "{...}: %g stands there twice", entry.key);
    }
    entry.text = entry_text(reader);
    if (entry.text == NULL)
        return false;
    if (items->entry_count >= MAP_ITEMS_MAX ||
        !items_grow(&items->entries, items->entry_count, sizeof entry)) {
        free(entry.text);
        return reader_no_memory(reader);
    }
    items->entries[items->entry_count++] = entry;
    return true;
}

int reader_braces(struct map_reader *reader, bool bits, bool *ok)
{
    struct map_items *items = reader->items;
    struct map_table table = { .bits = bits, .first = (int)items->entry_count };

    *ok = true;
    if (!reader_accept(reader, TOKEN_SIGN, "{"))
        return NONE;
    while (*ok && !reader_accept(reader, TOKEN_SIGN, "}")) {
        *ok = reader_accept(reader, TOKEN_WORD, "other") ? read_other(reader, &table)
                                                         : read_entry(reader, &table);
        reader_accept(reader, TOKEN_SIGN, ",");
    }
    table.count = (int)items->entry_count - table.first;
    if (*ok && !items_grow(&items->tables, items->table_count, sizeof table))
        *ok = reader_no_memory(reader);
    if (!*ok) {
        free(table.other);
        return NONE;
    }
    items->tables[items->table_count] = table;
    return (int)items->table_count++;
}

/* Clauses ------------------------------------------------------------------------------------- */

static bool read_when(struct map_reader *reader, struct map_row *row)
{
    row->condition = reader_expression(reader);
    return row->condition != NONE;
}

static bool read_unit(struct map_reader *reader, struct map_row *row)
{
    const struct map_token *token = reader_take(reader);

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const struct unit *unit = &units[i];

        if (token->kind == TOKEN_END || strcmp(unit->name, token->text) != 0)
            continue;
        if (row->info != NULL && row->info->unit != unit->unit)
            return reader_error(reader, token->line,
                                "in: it is told in '%s', which %s cannot become",
                                variable_unit_text(row->info->unit), unit->name);
        row->unit = reader_copy(reader, unit->name);
        row->factor = unit->factor;
        row->offset = unit->offset;
        row->digits += unit->digits;
        return row->unit != NULL;
    }
    return reader_error(reader, token->line, "in: '%s' is no unit", token->text);
}

static bool read_digits(struct map_reader *reader, struct map_row *row)
{
    double number;

    if (!reader_number(reader, &number))
        return false;
    if (number != floor(number) || number < 0 || number > DIGITS_MAX)
        return reader_error(reader, row->line, "digits: 0 to %d", DIGITS_MAX);
    row->digits = (int)number;
    return true;
}

static bool read_span(struct map_reader *reader, double *minimum, double *maximum, const char *what)
{
    unsigned line = reader_peek(reader)->line;

    if (!reader_number(reader, minimum) || !reader_expect(reader, TOKEN_SIGN, "..") ||
        !reader_number(reader, maximum))
        return false;
    if (*minimum > *maximum)
        return reader_error(reader, line, "%s: the smaller number comes first", what);
    return true;
}

static bool read_within(struct map_reader *reader, struct map_row *row)
{
    row->limited = true;
    return read_span(reader, &row->minimum, &row->maximum, "within");
}

static bool read_range(struct map_reader *reader, struct map_row *row)
{
    row->ranged = true;
    if (!read_span(reader, &row->range_minimum, &row->range_maximum, "range"))
        return false;
    if (row->range_minimum < -RANGE_MAX || row->range_maximum > RANGE_MAX)
        return reader_error(reader, row->line, "range: too large");
    return true;
}

static bool read_step(struct map_reader *reader, struct map_row *row)
{
    if (!reader_number(reader, &row->step))
        return false;
    return row->step > 0 || reader_error(reader, row->line, "step: must be more than 0");
}

struct missing_clause {
    struct map_items *items;
    struct map_missing missing;
};

static void set_missing(void *context, struct map_register *reading)
{
    const struct missing_clause *clause = context;

    missing_apply(reading, &clause->missing);
}

static bool read_missing(struct map_reader *reader, struct map_row *row)
{
    struct missing_clause clause = { .items = reader->items };

    if (!reader_missing(reader, &clause.missing))
        return false;
    items_visit(reader->items, row->expression, set_missing, &clause);
    return true;
}

static bool read_once(struct map_reader *reader, struct map_row *row)
{
    (void)reader;
    row->once = true;
    return true;
}

static bool read_days(struct map_reader *reader, struct map_row *row)
{
    unsigned line = reader_peek(reader)->line;
    double part[3];

    for (unsigned i = 0; i < 3; i++) {
        if ((i > 0 && !reader_expect(reader, TOKEN_SIGN, "-")) || !reader_number(reader, &part[i]))
            return false;
    }
    if (part[0] < 1900 || part[0] > 2100 || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
        part[2] > 31)
        return reader_error(reader, line, "days-since: a date is YYYY-MM-DD");
    row->format = FORMAT_DAYS;
    row->epoch = date_to_days((long)part[0], (long)part[1], (long)part[2]);
    return true;
}

static bool read_packed_date(struct map_reader *reader, struct map_row *row)
{
    (void)reader;
    row->format = FORMAT_PACKED_DATE;
    return true;
}

static bool read_field(struct map_reader *reader, struct map_row *row)
{
    double number;

    if (!reader_number(reader, &number))
        return false;
    if (number < 0 || number > 99 || number != floor(number))
        return reader_error(reader, row->line, "field: 0 to 99");
    row->format = FORMAT_FIELD;
    row->epoch = (long)number;
    return true;
}

static const struct clause {
    const char *word;
    bool (*read)(struct map_reader *reader, struct map_row *row);
    bool settings_alone;
} clauses[] = {
    { "when", read_when, false },       { "in", read_unit, false },
    { "digits", read_digits, false },   { "within", read_within, false },
    { "missing", read_missing, false }, { "once", read_once, false },
    { "days-since", read_days, false }, { "packed-date", read_packed_date, false },
    { "field", read_field, false },     { "range", read_range, true },
    { "step", read_step, true },
};

static bool read_clauses(struct map_reader *reader, struct map_row *row)
{
    unsigned seen = 0;

    for (;;) {
        const struct map_token *token = reader_peek(reader);
        unsigned i = 0;

        if (token->kind == TOKEN_END)
            return true;
        while (i < sizeof clauses / sizeof clauses[0] && !is_word(token, clauses[i].word))
            i++;
        if (i == sizeof clauses / sizeof clauses[0] ||
            (clauses[i].settings_alone && row->section == SECTION_VALUES))
            return reader_error(reader, token->line, "'%s' cannot stand here", token->text);
        if ((seen & 1u << i) != 0)
            return reader_error(reader, token->line, "%s: twice", clauses[i].word);
        seen |= 1u << i;
        reader_take(reader);
        if (!clauses[i].read(reader, row))
            return false;
    }
}

/* Rows ---------------------------------------------------------------------------------------- */

static bool check_name(struct map_reader *reader, const char *name, unsigned line)
{
    size_t length = strlen(name);

    if (strchr(name, '.') == NULL || length > UPDATE_NAME_MAX || name[length - 1] == '.')
        return reader_error(reader, line, "'%s' is not the name of a variable", name);
    if (strcasecmp(name, "ups.status") == 0 || strcasecmp(name, "ups.alarm") == 0)
        return reader_error(reader, line, "it is made in [%s]",
                            strcasecmp(name, "ups.status") == 0 ? "status" : "alarms");
    return true;
}

/* Takes over the row's texts, whatever becomes of it. */
static bool add_row(struct map_reader *reader, struct map_row *row)
{
    struct map_items *items = reader->items;

    for (size_t i = 0; i < items->row_count; i++) {
        if (items->rows[i].level > row->level && strcasecmp(items->rows[i].name, row->name) == 0)
            items->rows[i].replaced = true;
    }
    if (items->row_count >= MAP_ITEMS_MAX)
        reader_error(reader, row->line, "the map has more than %u rows", MAP_ITEMS_MAX);
    else if (!items_grow(&items->rows, items->row_count, sizeof *row))
        reader_no_memory(reader);
    else {
        items->rows[items->row_count++] = *row;
        return true;
    }
    free(row->name);
    free(row->unit);
    return false;
}

static bool begin_row(struct map_reader *reader, const char *name, struct map_row *row)
{
    unsigned line = reader_peek(reader)->line;

    *row = (struct map_row){ .section = reader->section,
                             .line = line,
                             .path = reader->path,
                             .level = reader->level,
                             .condition = NONE,
                             .expression = NONE,
                             .table = NONE,
                             .next = NONE,
                             .factor = 1 };
    if (!check_name(reader, name, line))
        return false;
    row->info = variable_find(name);
    row->name = reader_copy(reader, name);
    return row->name != NULL;
}

static void free_row(struct map_row *row)
{
    free(row->name);
    free(row->unit);
}

/* A setting must be writable, and what is written must follow from what is read. */
static bool check_setting(struct map_reader *reader, const struct map_row *row)
{
    const struct map_items *items = reader->items;
    int index;
    double factor, offset;

    if (!node_linear(items, row->expression, &index, &factor, &offset) || index == NONE ||
        factor == 0)
        return reader_error(reader, row->line,
                            "a setting is one register, scaled and shifted at most");
    const struct map_register *reading = &items->registers[index];
    if (reading->table != MODBUS_HOLDING && reading->table != MODBUS_COILS)
        return reader_error(reader, row->line, "the table %s cannot be written",
                            modbus_table_name(reading->table));
    if (row->table != NONE && items->tables[row->table].bits)
        return reader_error(reader, row->line, "a setting cannot be a list of bits");
    if (row->format == FORMAT_FIELD || row->format == FORMAT_PACKED_DATE)
        return reader_error(reader, row->line, "such a setting cannot be written");
    return true;
}

static bool read_row(struct map_reader *reader, struct map_row *row)
{
    bool bits = reader_accept(reader, TOKEN_WORD, "bits"), ok;

    row->expression = reader_expression(reader);
    if (row->expression == NONE)
        return false;
    row->digits = node_digits(reader->items, row->expression);
    row->table = reader_braces(reader, bits, &ok);
    if (!ok || (bits && row->table == NONE && !reader_expect(reader, TOKEN_SIGN, "{")))
        return false;
    if (!read_clauses(reader, row))
        return false;
    return row->section != SECTION_SETTINGS || check_setting(reader, row);
}

bool reader_value_row(struct map_reader *reader, const char *name)
{
    struct map_row row;

    if (!begin_row(reader, name, &row) || !read_row(reader, &row)) {
        free_row(&row);
        return false;
    }
    return add_row(reader, &row);
}

static bool read_delay(struct map_reader *reader, struct map_row *row)
{
    if (!reader_number(reader, &row->initial) || !read_clauses(reader, row))
        return false;
    if (!row->ranged)
        return reader_error(reader, row->line, "it needs a range");
    if (row->initial < row->range_minimum || row->initial > row->range_maximum)
        return reader_error(reader, row->line, "%g is not in its range", row->initial);
    if (row->condition != NONE || row->limited || row->once || row->format != FORMAT_PLAIN ||
        row->unit != NULL)
        return reader_error(reader, row->line, "only 'range', 'step' and 'digits' can stand here");
    return true;
}

bool reader_delay_row(struct map_reader *reader, const char *name)
{
    struct map_row row;

    if (!begin_row(reader, name, &row) || !read_delay(reader, &row)) {
        free_row(&row);
        return false;
    }
    return add_row(reader, &row);
}
