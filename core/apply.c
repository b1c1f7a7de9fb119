/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/apply.h"

#include "core/log.h"
#include "core/names.h"
#include "core/variables.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Variables ---------------------------------------------------------------------------------- */

/* Position of name, or where it would be inserted. */
static size_t variable_position(const struct ups *ups, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = ups->variable_count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcasecmp(name, ups->variables[middle].name);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const struct ups_variable *ups_variable(const struct ups *ups, const char *name)
{
    bool found;
    size_t position = variable_position(ups, name, &found);

    return found ? &ups->variables[position] : NULL;
}

const char *ups_value(const struct ups *ups, const char *name)
{
    const struct ups_variable *variable = ups_variable(ups, name);

    return variable == NULL ? NULL : variable->value;
}

bool ups_number(const struct ups *ups, const char *name, double *number)
{
    const struct ups_variable *variable = ups_variable(ups, name);

    if (variable == NULL || !variable->is_number)
        return false;
    *number = variable->number;
    return true;
}

/* Choices ------------------------------------------------------------------------------------ */

static const struct ups_choices no_choices;

/* To be changed; NULL: out of memory. */
static struct ups_choices *own_choices(struct ups_variable *variable)
{
    if (variable->choices == &no_choices) {
        struct ups_choices *choices = calloc(1, sizeof *choices);

        if (choices == NULL)
            return NULL;
        variable->choices = choices;
    }
    return (struct ups_choices *)(uintptr_t)variable->choices;
}

static void forget_choices(struct ups_variable *variable)
{
    if (variable->choices == &no_choices)
        return;
    struct ups_choices *choices = own_choices(variable);
    for (size_t i = 0; i < choices->enum_count; i++)
        name_unshare(choices->enums[i]);
    free(choices->enums);
    free(choices->ranges);
    free(choices);
    variable->choices = &no_choices;
}

/* Values ------------------------------------------------------------------------------------- */

/*
 * All values of a device stand in one block: an allocation for each would cost several times what
 * they hold. A value that outgrows its room moves to the end; what it leaves is reclaimed when the
 * block is full, and then made anew.
 */
static bool renew_texts(struct ups *ups, size_t more)
{
    size_t used = 0;

    for (size_t i = 0; i < ups->variable_count; i++)
        used += ups->variables[i].room;
    size_t size = used + more + used / 8 + 32;
    char *texts = malloc(size);
    if (texts == NULL)
        return false;
    used = 0;
    for (size_t i = 0; i < ups->variable_count; i++) {
        struct ups_variable *variable = &ups->variables[i];

        memcpy(texts + used, variable->value, variable->room);
        variable->value = texts + used;
        used += variable->room;
    }
    free(ups->texts);
    ups->texts = texts;
    ups->texts_size = size;
    ups->texts_used = used;
    return true;
}

/* Room for a new value at the end of the block; NULL: out of memory. */
static char *reserve_text(struct ups *ups, size_t size)
{
    if (ups->texts_size - ups->texts_used < size && !renew_texts(ups, size))
        return NULL;
    return ups->texts + ups->texts_used;
}

/* False: out of memory; the old value stays. */
static bool set_value(struct ups *ups, struct ups_variable *variable, const char *value)
{
    size_t size = strlen(value) + 1;

    if (size > variable->room) {
        char *place = reserve_text(ups, size);

        if (place == NULL)
            return false;
        variable->value = place;
        variable->room = (uint16_t)size;
        ups->texts_used += size;
    }
    memcpy((char *)(uintptr_t)variable->value, value, size);
    variable->is_number = number_parse(value, &variable->number);
    return true;
}

/* Inserting and removing --------------------------------------------------------------------- */

static void variable_clear(struct ups_variable *variable)
{
    forget_choices(variable);
    name_unshare(variable->name);
}

static void variable_remove(struct ups *ups, size_t position)
{
    variable_clear(&ups->variables[position]);
    ups->variable_count--;
    memmove(&ups->variables[position], &ups->variables[position + 1],
            (ups->variable_count - position) * sizeof ups->variables[0]);
}

/* With the empty value. NULL: out of memory. */
static struct ups_variable *variable_insert(struct ups *ups, size_t position, const char *name)
{
    struct ups_variable fresh = { .choices = &no_choices, .value = "" };

    /* Capacity grows in steps of 8, so count alone tells when it is full. */
    if (ups->variable_count % 8 == 0) {
        struct ups_variable *grown =
            realloc(ups->variables, (ups->variable_count + 8) * sizeof ups->variables[0]);
        if (grown == NULL)
            return NULL;
        ups->variables = grown;
    }
    fresh.name = name_share(name);
    if (fresh.name == NULL)
        return NULL;
    memmove(&ups->variables[position + 1], &ups->variables[position],
            (ups->variable_count - position) * sizeof ups->variables[0]);
    ups->variables[position] = fresh;
    ups->variable_count++;
    return &ups->variables[position];
}

/* The result of each step below: whether something changed, or why it could not. */
enum { UNCHANGED = 0, CHANGED = 1, NO_MEMORY = -1, NO_ROOM = -2 };

static int apply_set(struct ups *ups, const struct update_item *item)
{
    bool found;
    size_t position = variable_position(ups, item->name, &found);
    struct ups_variable *variable = found ? &ups->variables[position] : NULL;

    if (found && strcmp(variable->value, item->value) == 0) {
        variable->told = true;
        return UNCHANGED;
    }
    if (!found && ups->variable_count >= UPS_VARIABLES_MAX)
        return NO_ROOM;
    if (!found)
        variable = variable_insert(ups, position, item->name);
    if (variable == NULL)
        return NO_MEMORY;
    if (!set_value(ups, variable, item->value)) {
        if (!found)
            variable_remove(ups, position);
        return NO_MEMORY;
    }
    variable->told = true;
    return CHANGED;
}

/* Is the value (the range) among the first count? */
static bool has_enum(const struct ups_choices *choices, size_t count, const char *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(choices->enums[i], value) == 0)
            return true;
    }
    return false;
}

static bool has_range(const struct ups_choices *choices, size_t count,
                      const struct update_item *item)
{
    for (size_t i = 0; i < count; i++) {
        const struct ups_range *range = &choices->ranges[i];

        if (range->minimum == item->minimum && range->maximum == item->maximum)
            return true;
    }
    return false;
}

/* Does the batch go on, from cursor, with just the choices the variable has already? */
static bool same_choices_follow(const struct ups_variable *variable, const struct update *update,
                                size_t cursor)
{
    const struct ups_choices *choices = variable->choices;
    struct update_item item;
    size_t enums = 0;
    size_t ranges = 0;

    while (update_next(update, &cursor, &item) &&
           (item.kind == UPDATE_ENUM || item.kind == UPDATE_RANGE) &&
           strcasecmp(item.name, variable->name) == 0) {
        if (item.kind == UPDATE_ENUM && !has_enum(choices, enums, item.value)) {
            if (enums == choices->enum_count || strcmp(choices->enums[enums], item.value) != 0)
                return false;
            enums++;
        } else if (item.kind == UPDATE_RANGE && !has_range(choices, ranges, &item)) {
            if (ranges == choices->range_count || choices->ranges[ranges].minimum != item.minimum ||
                choices->ranges[ranges].maximum != item.maximum)
                return false;
            ranges++;
        }
    }
    return enums == choices->enum_count && ranges == choices->range_count;
}

/* A driver may tell with every poll what can be set: only a difference is a change. */
static int apply_flags(struct ups_variable *variable, const struct update_item *item,
                       const struct update *update, size_t cursor)
{
    uint16_t length =
        item->length < 0 || item->length > UINT16_MAX ? UINT16_MAX : (uint16_t)item->length;

    variable->flags_told = true;
    if (variable->flags == item->flags && variable->length == length &&
        same_choices_follow(variable, update, cursor))
        return UNCHANGED;
    forget_choices(variable);
    variable->flags = (uint8_t)item->flags;
    variable->length = length;
    return CHANGED;
}

static int apply_enum(struct ups_variable *variable, const struct update_item *item)
{
    if (has_enum(variable->choices, variable->choices->enum_count, item->value))
        return UNCHANGED;
    if (variable->choices->enum_count >= UPS_CHOICES_MAX)
        return NO_ROOM;
    struct ups_choices *choices = own_choices(variable);
    if (choices == NULL)
        return NO_MEMORY;
    const char **grown =
        realloc(choices->enums, ((size_t)choices->enum_count + 1) * sizeof choices->enums[0]);
    if (grown == NULL)
        return NO_MEMORY;
    choices->enums = grown;
    grown[choices->enum_count] = name_share(item->value);
    if (grown[choices->enum_count] == NULL)
        return NO_MEMORY;
    choices->enum_count++;
    return CHANGED;
}

static int apply_range(struct ups_variable *variable, const struct update_item *item)
{
    if (has_range(variable->choices, variable->choices->range_count, item))
        return UNCHANGED;
    if (variable->choices->range_count >= UPS_CHOICES_MAX)
        return NO_ROOM;
    struct ups_choices *choices = own_choices(variable);
    if (choices == NULL)
        return NO_MEMORY;
    struct ups_range *grown =
        realloc(choices->ranges, ((size_t)choices->range_count + 1) * sizeof choices->ranges[0]);
    if (grown == NULL)
        return NO_MEMORY;
    choices->ranges = grown;
    grown[choices->range_count++] = (struct ups_range){ item->minimum, item->maximum };
    return CHANGED;
}

static int apply_unset(struct ups *ups, const struct update_item *item)
{
    bool found;
    size_t position = variable_position(ups, item->name, &found);

    if (!found)
        return UNCHANGED;
    variable_remove(ups, position);
    return CHANGED;
}

/* Commands ----------------------------------------------------------------------------------- */

static size_t command_position(const struct ups *ups, const char *name, bool *found)
{
    size_t position = 0;
    int order = 1;

    while (position < ups->command_count && (order = strcasecmp(name, ups->commands[position])) > 0)
        position++;
    *found = position < ups->command_count && order == 0;
    return position;
}

const char *ups_command_name(const struct ups *ups, const char *name)
{
    bool found;
    size_t position = command_position(ups, name, &found);

    return found ? ups->commands[position] : NULL;
}

static int apply_command(struct ups *ups, const struct update_item *item)
{
    bool found;
    size_t position = command_position(ups, item->name, &found);

    if (found)
        return UNCHANGED;
    if (ups->command_count >= UPS_COMMANDS_MAX)
        return NO_ROOM;
    const char **grown = realloc(ups->commands, (ups->command_count + 1) * sizeof ups->commands[0]);
    if (grown == NULL)
        return NO_MEMORY;
    ups->commands = grown;
    const char *name = name_share(item->name);
    if (name == NULL)
        return NO_MEMORY;
    memmove(&grown[position + 1], &grown[position],
            (ups->command_count - position) * sizeof grown[0]);
    grown[position] = name;
    ups->command_count++;
    return CHANGED;
}

static void command_remove(struct ups *ups, size_t position)
{
    name_unshare(ups->commands[position]);
    ups->command_count--;
    memmove(&ups->commands[position], &ups->commands[position + 1],
            (ups->command_count - position) * sizeof ups->commands[0]);
}

static int apply_uncommand(struct ups *ups, const struct update_item *item)
{
    bool found;
    size_t position = command_position(ups, item->name, &found);

    if (!found)
        return UNCHANGED;
    command_remove(ups, position);
    return CHANGED;
}

/* Batches ------------------------------------------------------------------------------------ */

/* cursor: behind the item. */
static int apply_item(struct ups *ups, const struct update_item *item, const struct update *update,
                      size_t cursor)
{
    struct ups_variable *variable;

    switch (item->kind) {
    case UPDATE_SET:
        return apply_set(ups, item);
    case UPDATE_UNSET:
        return apply_unset(ups, item);
    case UPDATE_COMMAND:
        return apply_command(ups, item);
    case UPDATE_UNCOMMAND:
        return apply_uncommand(ups, item);
    case UPDATE_FLAGS:
    case UPDATE_ENUM:
    case UPDATE_RANGE:
        break;
    }
    variable = (struct ups_variable *)(uintptr_t)ups_variable(ups, item->name);
    if (variable == NULL)
        return UNCHANGED;
    if (item->kind == UPDATE_FLAGS)
        return apply_flags(variable, item, update, cursor);
    if (item->kind == UPDATE_ENUM)
        return apply_enum(variable, item);
    return apply_range(variable, item);
}

static bool names_command(const struct update *update, const char *name)
{
    struct update_item item;

    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        if (item.kind == UPDATE_COMMAND && strcasecmp(item.name, name) == 0)
            return true;
    }
    return false;
}

/* Back to a variable of which only the value is known. True if more was. */
static bool forget_flags(struct ups_variable *variable)
{
    bool had = variable->flags != 0 || variable->length != 0 || variable->choices != &no_choices;

    forget_choices(variable);
    variable->flags = 0;
    variable->length = 0;
    return had;
}

/* Removes what a complete batch did not name. */
static bool remove_untold(struct ups *ups, const struct update *update)
{
    bool changed = false;

    for (size_t i = ups->variable_count; i-- > 0;) {
        struct ups_variable *variable = &ups->variables[i];

        if (!variable->told) {
            variable_remove(ups, i);
            changed = true;
        } else if (!variable->flags_told && forget_flags(variable)) {
            changed = true;
        }
    }
    for (size_t i = ups->command_count; i-- > 0;) {
        if (!names_command(update, ups->commands[i])) {
            command_remove(ups, i);
            changed = true;
        }
    }
    return changed;
}

/* Applies all items; returns whether a client could see a difference. */
bool apply_update(struct ups *ups, const struct update *update)
{
    struct update_item item;
    bool changed = false;

    if (update->complete) {
        for (size_t i = 0; i < ups->variable_count; i++)
            ups->variables[i].told = ups->variables[i].flags_told = false;
    }
    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        int result = apply_item(ups, &item, update, cursor);

        changed |= result == CHANGED;
        if (result == NO_MEMORY)
            log_error("[%s] out of memory: %s was not updated", ups->name, item.name);
        if (result == NO_ROOM && !ups->crowded) {
            log_error("[%s] %s is left out: the device tells more than fits", ups->name, item.name);
            ups->crowded = true;
        }
    }
    if (update->complete)
        changed |= remove_untold(ups, update);
    return changed;
}

void apply_clear(struct ups *ups)
{
    while (ups->variable_count > 0)
        variable_remove(ups, ups->variable_count - 1);
    free(ups->variables);
    free(ups->texts);
    while (ups->command_count > 0)
        command_remove(ups, ups->command_count - 1);
    free(ups->commands);
}
