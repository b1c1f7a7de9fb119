/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/nutdriver/model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct range {
    long minimum, maximum;
};

struct model_variable {
    char *name;
    char *value; /* NULL: only its flags are known yet */
    unsigned flags;
    long length;
    char **choices;
    size_t choice_count;
    struct range *ranges;
    size_t range_count;
    bool changed;
};

/* What the worker and the store say themselves. */
static const char *const not_told[] = { "driver.name", "driver.version" };

/* Lists of names ------------------------------------------------------------------------------ */

static void free_names(char ***names, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        free((*names)[i]);
    free(*names);
    *names = NULL;
    *count = 0;
}

static size_t find_name(char *const *names, size_t count, const char *name)
{
    size_t i = 0;

    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

/* False: there is no room or memory. Twice is once. */
static bool add_name(char ***names, size_t *count, size_t limit, const char *name)
{
    if (find_name(*names, *count, name) < *count)
        return true;
    char **grown = *count < limit ? realloc(*names, (*count + 1) * sizeof grown[0]) : NULL;
    if (grown == NULL)
        return false;
    *names = grown;
    grown[*count] = strdup(name);
    if (grown[*count] == NULL)
        return false;
    (*count)++;
    return true;
}

static bool remove_name(char **names, size_t *count, const char *name)
{
    size_t at = find_name(names, *count, name);

    if (at == *count)
        return false;
    free(names[at]);
    memmove(names + at, names + at + 1, (*count - at - 1) * sizeof names[0]);
    (*count)--;
    return true;
}

/* Variables ----------------------------------------------------------------------------------- */

static void free_variable(struct model_variable *variable)
{
    free(variable->name);
    free(variable->value);
    free_names(&variable->choices, &variable->choice_count);
    free(variable->ranges);
}

/* Where it is, or has to be put: *found tells. */
static size_t place_of(const struct model *model, const char *name, bool *found)
{
    size_t low = 0, high = model->variable_count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcasecmp(model->variables[middle].name, name);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The variable, made if it is new. NULL: there is no room or memory. */
static struct model_variable *variable_of(struct model *model, const char *name)
{
    bool found;
    size_t at = place_of(model, name, &found);

    if (found)
        return &model->variables[at];
    if (model->variable_count >= MODEL_VARIABLES_MAX || strlen(name) > UPDATE_NAME_MAX)
        return NULL;
    struct model_variable *grown =
        realloc(model->variables, (model->variable_count + 1) * sizeof grown[0]);
    if (grown == NULL)
        return NULL;
    model->variables = grown;
    char *copy = strdup(name);
    if (copy == NULL)
        return NULL;
    memmove(grown + at + 1, grown + at, (model->variable_count - at) * sizeof grown[0]);
    grown[at] = (struct model_variable){ .name = copy };
    model->variable_count++;
    return &grown[at];
}

/* Lines --------------------------------------------------------------------------------------- */

/* A line that tells of a variable; false: it is wrong, or too much. */
typedef bool tell_variable(struct model_variable *variable, const struct words *line);

static bool set_value(struct model_variable *variable, const struct words *line)
{
    const char *value = words_at(line, 2);

    if (variable->value != NULL && strcmp(variable->value, value) == 0)
        return true;
    char *copy = strdup(value);
    if (copy == NULL)
        return false;
    free(variable->value);
    variable->value = copy;
    variable->changed = true;
    return true;
}

static bool set_flags(struct model_variable *variable, const struct words *line)
{
    unsigned flags = 0;

    for (unsigned i = 2; i < line->count; i++) {
        const char *word = words_at(line, i);

        if (strcasecmp(word, "RW") == 0)
            flags |= VARIABLE_RW;
        else if (strcasecmp(word, "STRING") == 0)
            flags |= VARIABLE_STRING;
        else if (strcasecmp(word, "NUMBER") == 0)
            flags |= VARIABLE_NUMBER;
    }
    variable->changed |= variable->flags != flags;
    variable->flags = flags;
    return true;
}

/* A whole decimal number, perhaps with a fraction that is cut off. */
static bool read_number(const char *text, long *number)
{
    char *end;

    *number = strtol(text, &end, 10);
    return end != text && (*end == '\0' || *end == '.');
}

static bool set_length(struct model_variable *variable, const struct words *line)
{
    long length;

    if (!read_number(words_at(line, 2), &length) || length < 0)
        return false;
    variable->changed |= variable->length != length;
    variable->length = length;
    return true;
}

static bool add_choice(struct model_variable *variable, const struct words *line)
{
    variable->changed = true;
    return add_name(&variable->choices, &variable->choice_count, MODEL_LIST_MAX, words_at(line, 2));
}

static bool remove_choice(struct model_variable *variable, const struct words *line)
{
    variable->changed |= remove_name(variable->choices, &variable->choice_count, words_at(line, 2));
    return true;
}

static bool read_range(const struct words *line, struct range *range)
{
    return read_number(words_at(line, 2), &range->minimum) &&
           read_number(words_at(line, 3), &range->maximum);
}

static size_t find_range(const struct model_variable *variable, const struct range *range)
{
    size_t i = 0;

    while (i < variable->range_count && (variable->ranges[i].minimum != range->minimum ||
                                         variable->ranges[i].maximum != range->maximum))
        i++;
    return i;
}

static bool add_range(struct model_variable *variable, const struct words *line)
{
    struct range range;

    if (!read_range(line, &range))
        return false;
    if (find_range(variable, &range) < variable->range_count)
        return true;
    struct range *grown =
        variable->range_count < MODEL_LIST_MAX
            ? realloc(variable->ranges, (variable->range_count + 1) * sizeof grown[0])
            : NULL;
    if (grown == NULL)
        return false;
    variable->ranges = grown;
    grown[variable->range_count++] = range;
    variable->changed = true;
    return true;
}

static bool remove_range(struct model_variable *variable, const struct words *line)
{
    struct range range;

    if (!read_range(line, &range))
        return false;
    size_t at = find_range(variable, &range);
    if (at == variable->range_count)
        return true;
    memmove(variable->ranges + at, variable->ranges + at + 1,
            (variable->range_count - at - 1) * sizeof range);
    variable->range_count--;
    variable->changed = true;
    return true;
}

static const struct {
    const char *word;
    unsigned words; /* at least */
    tell_variable *take;
} variable_lines[] = {
    { "SETINFO", 3, set_value },     { "SETFLAGS", 2, set_flags },    { "SETAUX", 3, set_length },
    { "ADDENUM", 3, add_choice },    { "DELENUM", 3, remove_choice }, { "ADDRANGE", 4, add_range },
    { "DELRANGE", 4, remove_range },
};

static const struct {
    const char *word;
    enum model_event event;
} plain_lines[] = {
    { "DUMPDONE", MODEL_DUMPED },
    { "DATAOK", MODEL_FRESH },
    { "DATASTALE", MODEL_STALE },
    { "PONG", MODEL_PONG },
};

static enum model_event forget_variable(struct model *model, const char *name)
{
    bool found;
    size_t at = place_of(model, name, &found);

    if (!found)
        return MODEL_TOLD;
    if (model->variables[at].value != NULL &&
        !add_name(&model->gone, &model->gone_count, MODEL_VARIABLES_MAX, name))
        model->crowded = true;
    free_variable(&model->variables[at]);
    memmove(model->variables + at, model->variables + at + 1,
            (model->variable_count - at - 1) * sizeof model->variables[0]);
    model->variable_count--;
    return MODEL_TOLD;
}

static enum model_event take_command(struct model *model, bool added, const char *name)
{
    model->commands_changed = true;
    if (!added) {
        if (remove_name(model->commands, &model->command_count, name))
            add_name(&model->gone_commands, &model->gone_command_count, MODEL_COMMANDS_MAX, name);
    } else if (strlen(name) > UPDATE_NAME_MAX ||
               !add_name(&model->commands, &model->command_count, MODEL_COMMANDS_MAX, name))
        model->crowded = true;
    return MODEL_TOLD;
}

/* TRACKING id number: numbered as enum ups_outcome is. */
static enum model_event take_outcome(struct model *model, const struct words *line)
{
    const char *id = words_at(line, 1);
    long number;

    if (strlen(id) > MODEL_ID_MAX || !read_number(words_at(line, 2), &number))
        return MODEL_PASSED_OVER;
    strcpy(model->id, id);
    model->outcome =
        number >= UPS_HANDLED && number <= UPS_FAILED ? (enum ups_outcome)number : UPS_FAILED;
    return MODEL_OUTCOME;
}

enum model_event model_take(struct model *model, const struct words *line)
{
    const char *word = words_at(line, 0);

    if (line->count > 1 && words_at(line, 1)[0] == '\0')
        return MODEL_PASSED_OVER;
    for (size_t i = 0; i < sizeof variable_lines / sizeof variable_lines[0]; i++) {
        if (strcmp(word, variable_lines[i].word) != 0 || line->count < variable_lines[i].words)
            continue;
        struct model_variable *variable = variable_of(model, words_at(line, 1));
        if (variable == NULL || !variable_lines[i].take(variable, line))
            model->crowded = true;
        return MODEL_TOLD;
    }
    for (size_t i = 0; i < sizeof plain_lines / sizeof plain_lines[0]; i++) {
        if (strcmp(word, plain_lines[i].word) == 0)
            return plain_lines[i].event;
    }
    if (strcmp(word, "DELINFO") == 0 && line->count >= 2)
        return forget_variable(model, words_at(line, 1));
    if (strcmp(word, "ADDCMD") == 0 && line->count >= 2)
        return take_command(model, true, words_at(line, 1));
    if (strcmp(word, "DELCMD") == 0 && line->count >= 2)
        return take_command(model, false, words_at(line, 1));
    if (strcmp(word, "TRACKING") == 0 && line->count >= 3)
        return take_outcome(model, line);
    return MODEL_PASSED_OVER;
}

/* Telling ------------------------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < sizeof not_told / sizeof not_told[0]; i++) {
        if (strcasecmp(name, not_told[i]) == 0)
            return true;
    }
    return false;
}

static void tell_one(struct update *update, const struct model_variable *variable)
{
    update_set(update, variable->name, variable->value);
    update_flags(update, variable->name, variable->flags, variable->length);
    for (size_t i = 0; i < variable->choice_count; i++)
        update_enum(update, variable->name, variable->choices[i]);
    for (size_t i = 0; i < variable->range_count; i++)
        update_range(update, variable->name, variable->ranges[i].minimum,
                     variable->ranges[i].maximum);
}

void model_tell(struct model *model, struct update *update, bool all)
{
    for (size_t i = 0; i < model->gone_count; i++)
        update_unset(update, model->gone[i]);
    free_names(&model->gone, &model->gone_count);
    for (size_t i = 0; i < model->variable_count; i++) {
        struct model_variable *variable = &model->variables[i];

        if ((all || variable->changed) && variable->value != NULL && !is_ours(variable->name))
            tell_one(update, variable);
        variable->changed = false;
    }
    for (size_t i = 0; i < model->gone_command_count; i++)
        update_uncommand(update, model->gone_commands[i]);
    free_names(&model->gone_commands, &model->gone_command_count);
    for (size_t i = 0; (all || model->commands_changed) && i < model->command_count; i++)
        update_command(update, model->commands[i]);
    model->commands_changed = false;
}

void model_clear(struct model *model)
{
    for (size_t i = 0; i < model->variable_count; i++)
        free_variable(&model->variables[i]);
    free(model->variables);
    free_names(&model->commands, &model->command_count);
    free_names(&model->gone, &model->gone_count);
    free_names(&model->gone_commands, &model->gone_command_count);
    *model = (struct model){ .variables = NULL };
}
