/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of [commands]: NAME = step ; step ; ... */
#include "core/update.h"
#include "modbus/map_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STEPS_MAX 32u
#define MILLISECONDS_MAX 120000.0

static int add_step(struct map_reader *reader, struct map_step *step)
{
    struct map_items *items = reader->items;

    if (items->step_count >= MAP_ITEMS_MAX ||
        !items_grow(&items->steps, items->step_count, sizeof *step)) {
        free(step->text);
        reader_no_memory(reader);
        return NONE;
    }
    items->steps[items->step_count] = *step;
    return (int)items->step_count++;
}

static struct map_step new_step(enum map_step_kind kind)
{
    return (struct map_step){ .kind = kind, .target = NONE, .expression = NONE, .next = NONE };
}

/* "200ms", "5s" */
static bool read_time(struct map_reader *reader, unsigned *milliseconds)
{
    const struct map_token *token = reader_peek(reader);
    double number;

    if (!reader_number(reader, &number))
        return false;
    bool seconds = reader_accept(reader, TOKEN_WORD, "s");
    if (!seconds && !reader_expect(reader, TOKEN_WORD, "ms"))
        return false;
    number *= seconds ? 1000 : 1;
    if (number < 1 || number > MILLISECONDS_MAX)
        return reader_error(reader, token->line, "a time is 1ms to %gs", MILLISECONDS_MAX / 1000);
    *milliseconds = (unsigned)number;
    return true;
}

/* The register behind one that was written: "write @1 5, 6". */
static int next_target(struct map_reader *reader, int target)
{
    struct map_items *items = reader->items;
    struct map_register reading = items->registers[target];

    if (reading.address + 2 * reading.count > 65536 || reading.type == MAP_STRING) {
        reader_error(reader, reading.line, "there is nothing behind it to write");
        return NONE;
    }
    reading.address = (uint16_t)(reading.address + reading.count);
    if (items->register_count >= MAP_ITEMS_MAX ||
        !items_grow(&items->registers, items->register_count, sizeof reading)) {
        reader_no_memory(reader);
        return NONE;
    }
    items->registers[items->register_count] = reading;
    return (int)items->register_count++;
}

/* write REGISTER VALUE [, VALUE ...] */
static bool read_write(struct map_reader *reader)
{
    int target = reader_target(reader), previous = NONE;

    if (target == NONE)
        return false;
    if (reader->items->registers[target].bit_count != 0)
        return reader_error(reader, reader_peek(reader)->line,
                            "write: a bit is changed by 'set' and 'clear'");
    do {
        struct map_step step = new_step(STEP_WRITE);

        if (previous != NONE && (target = next_target(reader, target)) == NONE)
            return false;
        step.target = target;
        step.continued = previous != NONE;
        step.expression = reader_expression(reader);
        if (step.expression == NONE)
            return false;
        int added = add_step(reader, &step);
        if (added == NONE)
            return false;
        if (previous != NONE)
            reader->items->steps[previous].next = added;
        previous = added;
    } while (reader_accept(reader, TOKEN_SIGN, ","));
    return true;
}

static bool read_bit(struct map_reader *reader, enum map_step_kind kind)
{
    struct map_step step = new_step(kind);

    step.target = reader_target(reader);
    if (step.target == NONE)
        return false;
    const struct map_register *reading = &reader->items->registers[step.target];
    if (reading->bit_count != 1 || reading->count != 1)
        return reader_error(reader, reading->line, "it needs one bit of one register");
    return add_step(reader, &step) != NONE;
}

/* require CONDITION ["why not"] | expect CONDITION [within TIME] ["why not"] */
static bool read_check(struct map_reader *reader, enum map_step_kind kind)
{
    struct map_step step = new_step(kind);

    step.expression = reader_expression(reader);
    if (step.expression == NONE)
        return false;
    if (kind == STEP_EXPECT && reader_accept(reader, TOKEN_WORD, "within") &&
        !read_time(reader, &step.milliseconds))
        return false;
    if (reader_peek(reader)->kind == TOKEN_STRING) {
        step.text = reader_copy(reader, reader_take(reader)->text);
        if (step.text == NULL)
            return false;
    }
    return add_step(reader, &step) != NONE;
}

static bool read_step(struct map_reader *reader)
{
    const struct map_token *token = reader_take(reader);
    const char *word = token->kind == TOKEN_WORD ? token->text : "";
    struct map_step step = new_step(STEP_WAIT);

    if (strcmp(word, "write") == 0)
        return read_write(reader);
    if (strcmp(word, "set") == 0)
        return read_bit(reader, STEP_SET_BIT);
    if (strcmp(word, "clear") == 0)
        return read_bit(reader, STEP_CLEAR_BIT);
    if (strcmp(word, "wait") == 0)
        return read_time(reader, &step.milliseconds) && add_step(reader, &step) != NONE;
    if (strcmp(word, "require") == 0)
        return read_check(reader, STEP_REQUIRE);
    if (strcmp(word, "expect") == 0)
        return read_check(reader, STEP_EXPECT);
    return reader_error(reader, token->line,
                        "'%s' is no step (write set clear wait require expect)", token->text);
}

static bool is_step_after_require(const struct map_items *items, size_t first)
{
    bool acted = false;

    for (size_t i = first; i < items->step_count; i++) {
        if (items->steps[i].kind == STEP_REQUIRE && acted)
            return false;
        acted = acted || items->steps[i].kind != STEP_REQUIRE;
    }
    return true;
}

static bool add_command(struct map_reader *reader, const char *name, size_t first, unsigned line)
{
    struct map_items *items = reader->items;
    struct map_command row = { .first_step = (int)first,
                               .step_count = (int)(items->step_count - first),
                               .line = line,
                               .path = reader->path,
                               .level = reader->level };

    for (size_t i = 0; i < items->command_count; i++) {
        struct map_command *old = &items->commands[i];

        if (old->replaced || strcasecmp(old->name, name) != 0)
            continue;
        if (old->level <= row.level)
            return reader_error(reader, line, "it stands in line %u already", old->line);
        old->replaced = true;
    }
    row.name = reader_copy(reader, name);
    if (row.name == NULL || items->command_count >= MAP_ITEMS_MAX ||
        !items_grow(&items->commands, items->command_count, sizeof row)) {
        free(row.name);
        return reader_no_memory(reader);
    }
    items->commands[items->command_count++] = row;
    return true;
}

bool reader_command_row(struct map_reader *reader, const char *name)
{
    unsigned line = reader_peek(reader)->line;
    size_t first = reader->items->step_count;

    if (strchr(name, '.') == NULL || strlen(name) > UPDATE_NAME_MAX)
        return reader_error(reader, line, "'%s' is not the name of a command", name);
    do {
        if (reader->items->step_count - first >= STEPS_MAX)
            return reader_error(reader, line, "more than %u steps", STEPS_MAX);
        if (!read_step(reader))
            return false;
    } while (reader_accept(reader, TOKEN_SIGN, ";"));
    if (!is_step_after_require(reader->items, first))
        return reader_error(reader, line,
                            "'require' comes before all that is done (later: 'expect')");
    return add_command(reader, name, first, line);
}
