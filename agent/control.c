/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/control.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool control_has_command(const struct ups *ups, const char *name)
{
    return ups_command_name(ups, name) != NULL;
}

const char *control_first_command(const struct ups *ups, const char *const *names)
{
    while (*names != NULL && !control_has_command(ups, *names))
        names++;
    return *names;
}

const struct ups_variable *control_setting(const struct ups *ups, const char *name)
{
    const struct ups_variable *variable = ups_variable(ups, name);

    if (variable == NULL || (variable->flags & VARIABLE_RW) == 0 ||
        ((variable->flags & VARIABLE_STRING) != 0 && variable->length == 0))
        return NULL;
    return variable;
}

static bool fits(const struct ups_variable *variable, const char *text)
{
    return (variable->flags & VARIABLE_STRING) == 0 || strlen(text) <= variable->length;
}

static bool in_a_range(const struct ups_variable *variable, double number)
{
    for (size_t i = 0; i < variable->choices->range_count; i++) {
        if (number >= (double)variable->choices->ranges[i].minimum &&
            number <= (double)variable->choices->ranges[i].maximum)
            return true;
    }
    return variable->choices->range_count == 0;
}

/* False: the text is no number. */
static bool parse(const char *text, double *number)
{
    char *end;

    *number = strtod(text, &end);
    return end != text && end[strspn(end, " ")] == '\0' && isfinite(*number);
}

static bool put(const struct ups_variable *variable, char *text, size_t size, const char *value)
{
    return (size_t)snprintf(text, size, "%s", value) < size && fits(variable, text);
}

bool control_exact(const struct ups_variable *variable, long number, double scale, char *text,
                   size_t size)
{
    char value[32];
    double told;

    for (size_t i = 0; i < variable->choices->enum_count; i++) {
        if (parse(variable->choices->enums[i], &told) && fabs(told * scale - (double)number) < 0.5)
            return put(variable, text, size, variable->choices->enums[i]);
    }
    snprintf(value, sizeof value, "%.15g", (double)number / scale);
    return variable->choices->enum_count == 0 && in_a_range(variable, (double)number / scale) &&
           put(variable, text, size, value);
}

static bool best_enum(const struct ups_variable *variable, long number, bool capped, char *text,
                      size_t size)
{
    const char *above = NULL, *largest = NULL;
    double least = 0, most = 0, told;

    for (size_t i = 0; i < variable->choices->enum_count; i++) {
        if (!parse(variable->choices->enums[i], &told))
            continue;
        if (told >= (double)number && (above == NULL || told < least)) {
            above = variable->choices->enums[i];
            least = told;
        }
        if (largest == NULL || told > most) {
            largest = variable->choices->enums[i];
            most = told;
        }
    }
    if (above == NULL && capped)
        above = largest;
    return above != NULL && put(variable, text, size, above);
}

bool control_at_least(const struct ups_variable *variable, long number, bool capped, char *text,
                      size_t size)
{
    char value[32];
    long best = number, above = LONG_MAX, most = LONG_MIN;

    if (variable->choices->enum_count > 0)
        return best_enum(variable, number, capped, text, size);
    for (size_t i = 0; i < variable->choices->range_count; i++) {
        const struct ups_range *range = &variable->choices->ranges[i];

        if (range->minimum > number && range->minimum < above)
            above = range->minimum;
        if (range->maximum > most)
            most = range->maximum;
    }
    if (!in_a_range(variable, (double)number)) {
        if (above == LONG_MAX && !capped)
            return false;
        best = above == LONG_MAX ? most : above;
    }
    snprintf(value, sizeof value, "%ld", best);
    return put(variable, text, size, value);
}

const char *control_word(const struct ups_variable *variable, const char *const *words)
{
    for (; *words != NULL; words++) {
        bool listed = variable->choices->enum_count == 0;

        for (size_t i = 0; i < variable->choices->enum_count && !listed; i++)
            listed = strcmp(variable->choices->enums[i], *words) == 0;
        if (listed && fits(variable, *words))
            return *words;
    }
    return NULL;
}

bool control_can_switch_output(const struct ups *ups)
{
    return control_has_command(ups, "load.off") || control_has_command(ups, "load.off.delay");
}

bool control_can_shut_down(const struct ups *ups)
{
    return control_has_command(ups, "shutdown.return") ||
           control_has_command(ups, "shutdown.stayoff");
}
