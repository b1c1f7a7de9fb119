/* SPDX-License-Identifier: BSD-2-Clause */
/* What is right in a map but surely not meant. */
#include "core/status.h"
#include "modbus/map_items.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct lint {
    const struct modbus_map *map;
    const struct map_items *items;
    struct config_report *report;
    unsigned found;
};

static void warn(struct lint *lint, const char *path, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void warn(struct lint *lint, const char *path, unsigned line, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lint->found++;
    config_warning(lint->report, path == NULL ? lint->map->path : path, line, "%s", text);
}

/* What a row's expression can give: a single register as it is, or anything. */
static const struct map_register *plain_register(const struct map_items *items, int node)
{
    const struct map_node *at = &items->nodes[node];

    return at->kind == NODE_REGISTER ? &items->registers[at->index] : NULL;
}

static unsigned width_of(const struct map_register *reading)
{
    return reading->bit_count != 0    ? reading->bit_count
           : reading->type == MAP_BIT ? 1
                                      : reading->count * 16u;
}

/* Bits and numbers of a list that the register cannot have. */
static void lint_table(struct lint *lint, const char *path, const char *what, int expression,
                       const struct map_table *table)
{
    const struct map_register *reading = plain_register(lint->items, expression);
    bool is_signed = reading != NULL && (reading->type == MAP_S16 || reading->type == MAP_S32 ||
                                         reading->type == MAP_S64);
    bool counts = reading != NULL && reading->type != MAP_FLOAT && reading->type != MAP_DOUBLE &&
                  reading->type != MAP_STRING;

    for (int i = 0; counts && i < table->count; i++) {
        const struct map_entry *entry = &lint->items->entries[table->first + i];
        unsigned width = width_of(reading);
        double most = ldexp(1, (int)(is_signed ? width - 1 : width)) - 1;

        if (table->bits ? entry->key >= width
                        : entry->key > most || entry->key < (is_signed ? -most - 1 : 0))
            warn(lint, path, entry->line, "%s: %s %g can never be there: the register has %u bits",
                 what, table->bits ? "bit" : "the number", entry->key, width);
    }
}

static bool is_experimental(const char *name)
{
    return strncasecmp(name, "experimental.", 13) == 0;
}

static bool gives_text_alone(const struct map_items *items, const struct map_row *row)
{
    const struct map_node *node = &items->nodes[row->expression];

    if (row->section == SECTION_DELAYS)
        return false;
    if (node->kind == NODE_TEXT || node->kind == NODE_OBJECT || row->format != FORMAT_PLAIN)
        return true;
    if (node->kind == NODE_REGISTER && items->registers[node->index].type == MAP_STRING)
        return true;
    if (row->table == NONE || items->tables[row->table].else_plain)
        return false;
    for (int i = 0; i < items->tables[row->table].count; i++) {
        double number;

        if (number_parse(items->entries[items->tables[row->table].first + i].text, &number))
            return false;
    }
    return true;
}

static void lint_row(struct lint *lint, size_t index)
{
    const struct map_items *items = lint->items;
    const struct map_row *row = &items->rows[index];
    bool text = gives_text_alone(items, row);

    if (row->replaced)
        return;
    if (row->info == NULL && !is_experimental(row->name))
        warn(lint, row->path, row->line, "%s: the vocabulary has no such variable", row->name);
    if (row->table != NONE)
        lint_table(lint, row->path, row->name, row->expression, &items->tables[row->table]);
    for (int next = row->next; next != NONE; next = items->rows[next].next) {
        if (items->rows[next].replaced)
            continue;
        text = text && gives_text_alone(items, &items->rows[next]);
        if (row->condition == NONE && row->table == NONE && !row->limited &&
            row->section != SECTION_DELAYS && items->rows[next].section == row->section)
            warn(lint, items->rows[next].path, items->rows[next].line,
                 "%s: line %u gives it always, so this line only counts while that is unknown",
                 row->name, row->line);
        break;
    }
    if (row->info != NULL && row->info->type == TYPE_NUMBER && text) {
        bool numbers = false;

        for (size_t i = 0; i < items->row_count; i++)
            numbers = numbers || (!items->rows[i].replaced &&
                                  strcasecmp(items->rows[i].name, row->name) == 0 &&
                                  !gives_text_alone(items, &items->rows[i]));
        if (!numbers)
            warn(lint, row->path, row->line, "%s: it is a number in %s, not a text", row->name,
                 row->info->unit == UNIT_NONE ? "no unit" : variable_unit_text(row->info->unit));
    }
    if (row->unit != NULL && row->info == NULL)
        warn(lint, row->path, row->line, "%s: in: nobody knows what unit it is told in", row->name);
}

/* Conditions ---------------------------------------------------------------------------------- */

static void lint_words(struct lint *lint, const struct map_condition *condition, unsigned line,
                       const char *words)
{
    char word[64];

    while (*(words += strspn(words, " ")) != '\0') {
        size_t length = strcspn(words, " ");

        snprintf(word, sizeof word, "%.*s", length < 63 ? (int)length : 63, words);
        if ((status_parse(word) & STATUS_OTHER) != 0)
            warn(lint, condition->path, line, "ups.status: NUT's clients know no word '%s'", word);
        words += length;
    }
}

/* Two numbers, or bits of a register and a number they cannot make. */
static bool is_constant(const struct map_items *items, int node, unsigned depth)
{
    const struct map_node *at = &items->nodes[node];

    if (at->kind == NODE_NUMBER || at->kind == NODE_TEXT)
        return true;
    if (at->kind == NODE_REGISTER || at->kind == NODE_OBJECT || at->kind == NODE_VARIABLE ||
        at->kind == NODE_PARAMETER || depth > 64)
        return false;
    return is_constant(items, at->left, depth + 1) &&
           (at->kind == NODE_NOT || at->kind == NODE_NEGATE || at->kind == NODE_IN ||
            is_constant(items, at->right, depth + 1));
}

static bool can_never_equal(const struct map_items *items, const struct map_node *node)
{
    const struct map_register *reading = NULL;
    const struct map_node *number = NULL;

    if (node->kind != NODE_EQUAL)
        return false;
    reading = plain_register(items, node->left);
    number = &items->nodes[node->right];
    if (reading == NULL || number->kind != NODE_NUMBER || reading->type == MAP_FLOAT ||
        reading->type == MAP_DOUBLE || reading->type == MAP_STRING)
        return false;
    return number->number > ldexp(1, (int)width_of(reading)) - 1 ||
           number->number != floor(number->number);
}

static bool has_dead_part(const struct map_items *items, int index, unsigned depth)
{
    const struct map_node *node = &items->nodes[index];

    if (depth > 64)
        return false;
    switch (node->kind) {
    case NODE_AND:
    case NODE_OR:
        return has_dead_part(items, node->left, depth + 1) ||
               has_dead_part(items, node->right, depth + 1);
    case NODE_NOT:
        return has_dead_part(items, node->left, depth + 1);
    default:
        return can_never_equal(items, node);
    }
}

static void lint_condition(struct lint *lint, const struct map_condition *condition)
{
    const struct map_items *items = lint->items;
    const char *what = condition->section == SECTION_STATUS   ? "ups.status"
                       : condition->section == SECTION_ALARMS ? "ups.alarm"
                                                              : "identify";

    if (condition->replaced)
        return;
    if (condition->table != NONE)
        lint_table(lint, condition->path, what, condition->expression,
                   &items->tables[condition->table]);
    else if (is_constant(items, condition->expression, 0))
        warn(lint, condition->path, condition->line, "%s: no register decides it", what);
    else if (has_dead_part(items, condition->expression, 0))
        warn(lint, condition->path, condition->line,
             "%s: it compares a register with a number it cannot hold", what);
    if (condition->section != SECTION_STATUS || condition->stale)
        return;
    if (condition->text != NULL)
        lint_words(lint, condition, condition->line, condition->text);
    for (int i = 0; condition->table != NONE && i < items->tables[condition->table].count; i++) {
        const struct map_entry *entry = &items->entries[items->tables[condition->table].first + i];

        lint_words(lint, condition, entry->line, entry->text);
    }
}

static bool status_can_have(const struct map_items *items, const char *word)
{
    size_t length = strlen(word);

    for (size_t i = 0; i < items->condition_count; i++) {
        const struct map_condition *condition = &items->conditions[i];
        int count = condition->table == NONE ? 0 : items->tables[condition->table].count;

        if (condition->replaced || condition->section != SECTION_STATUS)
            continue;
        if (condition->text != NULL && strcmp(condition->text, word) == 0)
            return true;
        for (int k = 0; k < count; k++) {
            const char *text = items->entries[items->tables[condition->table].first + k].text;

            if (strncmp(text, word, length) == 0 && (text[length] == ' ' || text[length] == '\0'))
                return true;
        }
    }
    return false;
}

/* Registers ----------------------------------------------------------------------------------- */

#define READ_USES \
    ((unsigned)MAP_USE_STATUS | MAP_USE_VALUE | MAP_USE_ONCE | MAP_USE_IDENTITY | MAP_USE_COMMAND)

static void lint_overlaps(struct lint *lint)
{
    const struct map_items *items = lint->items;

    for (size_t i = 0; i < items->register_count; i++) {
        const struct map_register *one = &items->registers[i];

        if (one->count == 1 || (one->uses & READ_USES) == 0)
            continue;
        for (size_t k = 0; k < items->register_count; k++) {
            const struct map_register *two = &items->registers[k];

            /* A word of a number alone is odd only if it is another number. */
            if (k == i || two->table != one->table || (two->uses & READ_USES) == 0 ||
                two->address + two->count <= one->address ||
                one->address + one->count <= two->address ||
                (two->address == one->address && two->count == one->count) ||
                (two->count == one->count && k < i) || two->count > one->count)
                continue;
            warn(lint, NULL, two->line, "%s %u (%s) lies within %s %u of line %u (%s)",
                 modbus_table_name(two->table), two->address, map_type_name(two->type),
                 modbus_table_name(one->table), one->address, one->line, map_type_name(one->type));
        }
    }
}

static void lint_register(struct lint *lint, const struct map_register *reading)
{
    const struct map_items *items = lint->items;

    if ((reading->uses & READ_USES) == 0)
        return;
    if (!modbus_table_has_bits(reading->table) && reading->count > lint->map->limits.read_registers)
        warn(lint, NULL, reading->line,
             "%s %u: %u registers cannot be read at once: max-read is %u",
             modbus_table_name(reading->table), reading->address, reading->count,
             lint->map->limits.read_registers);
    for (size_t i = 0; i < items->area_count; i++) {
        const struct map_area *area = &items->areas[i];
        unsigned end = (unsigned)reading->address + reading->count;
        unsigned area_end = area->address + area->count;

        if (area->table == reading->table && reading->address < area_end && area->address < end &&
            (reading->address < area->address || end > area_end))
            warn(lint, NULL, reading->line, "%s %u: it lies only partly in the area of line %u",
                 modbus_table_name(reading->table), reading->address, area->line);
    }
}

static void lint_areas(struct lint *lint)
{
    const struct map_items *items = lint->items;

    for (size_t i = 0; i < items->area_count; i++) {
        const struct map_area *area = &items->areas[i];
        bool used = false;

        for (size_t k = 0; k < items->register_count && !used; k++) {
            const struct map_register *reading = &items->registers[k];

            used = (reading->uses & READ_USES) != 0 && reading->table == area->table &&
                   reading->address >= area->address &&
                   reading->address < area->address + area->count;
        }
        if (!used)
            warn(lint, NULL, area->line, "%s: nothing in it is used",
                 area->optional ? "optional" : "readable");
    }
    for (size_t i = 0; i < items->name_count; i++) {
        if (!items->names[i].used)
            warn(lint, NULL, items->names[i].line, "%s: nobody uses this name",
                 items->names[i].name);
    }
}

static void lint_commands(struct lint *lint)
{
    for (size_t i = 0; i < lint->items->command_count; i++) {
        const struct map_command *command = &lint->items->commands[i];

        if (!command->replaced && command_find(command->name) == NULL)
            warn(lint, command->path, command->line, "%s: the vocabulary has no such command",
                 command->name);
    }
}

unsigned map_lint(const struct modbus_map *map, struct config_report *report)
{
    struct lint lint = { .map = map, .items = map->items, .report = report };

    for (size_t i = 0; i < map->items->row_count; i++)
        lint_row(&lint, i);
    for (size_t i = 0; i < map->items->condition_count; i++)
        lint_condition(&lint, &map->items->conditions[i]);
    lint_overlaps(&lint);
    for (size_t i = 0; i < map->items->register_count; i++)
        lint_register(&lint, &map->items->registers[i]);
    lint_areas(&lint);
    lint_commands(&lint);
    if (!status_can_have(map->items, "OL"))
        warn(&lint, NULL, 0, "[status]: no line tells OL");
    if (!status_can_have(map->items, "OB"))
        warn(&lint, NULL, 0, "[status]: no line tells OB");
    if (map->source == NULL)
        warn(&lint, NULL, 0, "[map]: source: what the registers are from is not said");
    return lint.found;
}
