/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/apply.h"

#include "core/log.h"
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

static void forget_choices(struct ups_variable *variable)
{
    for (size_t i = 0; i < variable->enum_count; i++)
        free(variable->enums[i]);
    free(variable->enums);
    free(variable->ranges);
    variable->enums = NULL;
    variable->ranges = NULL;
    variable->enum_count = 0;
    variable->range_count = 0;
}

static void variable_clear(struct ups_variable *variable)
{
    forget_choices(variable);
    if (variable->owns_name)
        free((char *)(uintptr_t)variable->name);
    free(variable->value);
}

static void variable_remove(struct ups *ups, size_t position)
{
    variable_clear(&ups->variables[position]);
    ups->variable_count--;
    memmove(&ups->variables[position], &ups->variables[position + 1],
            (ups->variable_count - position) * sizeof ups->variables[0]);
}

/* The vocabulary's own spelling is shared by all devices; only strange names cost memory. */
static bool name_take(struct ups_variable *variable, const char *name)
{
    const struct variable_info *info = variable_find(name);

    if (info != NULL && strcmp(info->name, name) == 0) {
        variable->name = info->name;
        return true;
    }
    variable->name = strdup(name);
    variable->owns_name = true;
    return variable->name != NULL;
}

static struct ups_variable *variable_insert(struct ups *ups, size_t position, const char *name)
{
    struct ups_variable fresh = { 0 };

    /* Capacity grows in steps of 16, so count alone tells when it is full. */
    if (ups->variable_count % 16 == 0) {
        struct ups_variable *grown =
            realloc(ups->variables, (ups->variable_count + 16) * sizeof ups->variables[0]);
        if (grown == NULL)
            return NULL;
        ups->variables = grown;
    }
    if (!name_take(&fresh, name))
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
    char *value = strdup(item->value);
    if (value == NULL)
        return NO_MEMORY;
    if (!found) {
        variable = variable_insert(ups, position, item->name);
        if (variable == NULL) {
            free(value);
            return NO_MEMORY;
        }
    }
    free(variable->value);
    variable->value = value;
    variable->is_number = number_parse(value, &variable->number);
    variable->told = true;
    return CHANGED;
}

/* Is the value (the range) among the first count of the variable's? */
static bool has_enum(const struct ups_variable *variable, size_t count, const char *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(variable->enums[i], value) == 0)
            return true;
    }
    return false;
}

static bool has_range(const struct ups_variable *variable, size_t count,
                      const struct update_item *item)
{
    for (size_t i = 0; i < count; i++) {
        const struct ups_range *range = &variable->ranges[i];

        if (range->minimum == item->minimum && range->maximum == item->maximum)
            return true;
    }
    return false;
}

/* Does the batch go on, from cursor, with just the choices the variable has already? */
static bool same_choices_follow(const struct ups_variable *variable, const struct update *update,
                                size_t cursor)
{
    struct update_item item;
    size_t enums = 0;
    size_t ranges = 0;

    while (update_next(update, &cursor, &item) &&
           (item.kind == UPDATE_ENUM || item.kind == UPDATE_RANGE) &&
           strcasecmp(item.name, variable->name) == 0) {
        if (item.kind == UPDATE_ENUM && !has_enum(variable, enums, item.value)) {
            if (enums == variable->enum_count || strcmp(variable->enums[enums], item.value) != 0)
                return false;
            enums++;
        } else if (item.kind == UPDATE_RANGE && !has_range(variable, ranges, &item)) {
            if (ranges == variable->range_count ||
                variable->ranges[ranges].minimum != item.minimum ||
                variable->ranges[ranges].maximum != item.maximum)
                return false;
            ranges++;
        }
    }
    return enums == variable->enum_count && ranges == variable->range_count;
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
    if (has_enum(variable, variable->enum_count, item->value))
        return UNCHANGED;
    if (variable->enum_count >= UPS_CHOICES_MAX)
        return NO_ROOM;
    char **grown =
        realloc(variable->enums, ((size_t)variable->enum_count + 1) * sizeof variable->enums[0]);
    if (grown == NULL)
        return NO_MEMORY;
    variable->enums = grown;
    grown[variable->enum_count] = strdup(item->value);
    if (grown[variable->enum_count] == NULL)
        return NO_MEMORY;
    variable->enum_count++;
    return CHANGED;
}

static int apply_range(struct ups_variable *variable, const struct update_item *item)
{
    if (has_range(variable, variable->range_count, item))
        return UNCHANGED;
    if (variable->range_count >= UPS_CHOICES_MAX)
        return NO_ROOM;
    struct ups_range *grown =
        realloc(variable->ranges, ((size_t)variable->range_count + 1) * sizeof variable->ranges[0]);
    if (grown == NULL)
        return NO_MEMORY;
    variable->ranges = grown;
    grown[variable->range_count++] = (struct ups_range){ item->minimum, item->maximum };
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
    char *name = strdup(item->name);
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
    free((char *)(uintptr_t)ups->commands[position]);
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
    bool had = variable->flags != 0 || variable->length != 0 || variable->enum_count > 0 ||
               variable->range_count > 0;

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
    while (ups->command_count > 0)
        command_remove(ups, ups->command_count - 1);
    free(ups->commands);
}
