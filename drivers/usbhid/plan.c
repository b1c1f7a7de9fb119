/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/plan.h"

#include "core/log.h"
#include "drivers/usbhid/conversions.h"
#include "drivers/usbhid/value.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Units as descriptors write them, of the variables' units. */
static const uint32_t hid_units[] = {
    [UNIT_VOLT] = 0x00f0d121,        [UNIT_AMPERE] = 0x00100001,  [UNIT_HERTZ] = 0x0000f001,
    [UNIT_WATT] = 0x0000d121,        [UNIT_SECOND] = 0x00001001,  [UNIT_CELSIUS] = 0x00010001,
    [UNIT_VOLT_AMPERE] = 0x0000d121, [UNIT_PERCENT] = 0x00000000, [UNIT_AMPERE_HOUR] = 0x00101001,
    [UNIT_NONE] = 0x00000000,
};
/* Of these an exponent of 7 means 1. */
#define UNIT_VOLTS 0x00f0d121
#define UNIT_WATTS 0x0000d121
#define UNIT_KELVIN 0x00010001
#define UNIT_AMPERE_SECOND 0x00101001

/* Binding ------------------------------------------------------------------------------------ */

static const struct family *const *tables_of(const struct hid_device *device,
                                             const struct family *tables[3])
{
    size_t count = 0;

    if (device->family != &family_generic)
        tables[count++] = device->family;
    tables[count++] = &family_generic;
    tables[count] = NULL;
    return tables;
}

/* The fields of a path: to be asked for first, and where that is refused; the latter may be NULL.
 */
struct places {
    struct hid_field *first, *second;
    struct hid_field *twin; /* what the device sends by itself; NULL: nothing */
};

static bool find_places(struct hid_device *device, const char *text, bool prefer_input,
                        struct places *places)
{
    struct hid_path path;

    if (!hid_path_parse(&path, text, device->family->usages))
        return false;
    struct hid_field *feature = hid_descriptor_find(device->descriptor, &path, HID_FEATURE, NULL);
    struct hid_field *input = hid_descriptor_find(device->descriptor, &path, HID_INPUT, NULL);
    bool input_first = prefer_input || feature == NULL;
    places->first = input_first && input != NULL ? input : feature;
    places->second = places->first == feature ? input : feature;
    places->twin = input;
    return places->first != NULL;
}

static struct bound_variable *variable_named(struct hid_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->variable_count; i++) {
        if (strcmp(plan->variables[i].name, name) == 0)
            return &plan->variables[i];
    }
    return NULL;
}

struct bound_variable *hid_plan_variable(struct hid_plan *plan, const char *name)
{
    return variable_named(plan, name);
}

static void add_candidate(struct bound_variable *variable, const struct variable_row *row,
                          struct hid_field *field, struct hid_field *twin)
{
    /* The family's own way with a field keeps the generic one away from it. */
    for (uint8_t i = 0; i < variable->candidate_count; i++) {
        if (variable->candidates[i].field == field)
            return;
    }
    if (field != NULL && variable->candidate_count < CANDIDATES_MAX)
        variable->candidates[variable->candidate_count++] =
            (struct candidate){ .row = row, .field = field, .twin = twin };
}

static void bind_variable(struct hid_device *device, struct hid_plan *plan,
                          const struct variable_row *row)
{
    struct bound_variable *variable = variable_named(plan, row->variable);
    struct places places;

    if (!find_places(device, row->path, plan->prefer_input, &places))
        return;
    if (variable == NULL) {
        variable = &plan->variables[plan->variable_count++];
        variable->name = row->variable;
        variable->info = variable_find(row->variable);
    }
    add_candidate(variable, row, places.first, places.twin);
    add_candidate(variable, row, places.second, places.twin);
}

static void add_flag(struct hid_plan *plan, const struct status_row *row, struct hid_field *field,
                     struct hid_field *twin, size_t own_count)
{
    for (size_t i = 0; i < own_count; i++) {
        if (plan->flags[i].field == field)
            return;
    }
    if (field != NULL)
        plan->flags[plan->flag_count++] =
            (struct bound_flag){ .row = row, .field = field, .twin = twin };
}

/* What is asked for where the first is refused is a spare of it (see is_spare() in device.c). */
static void bind_flag(struct hid_device *device, struct hid_plan *plan,
                      const struct status_row *row, size_t own_count)
{
    struct places places;

    if (!find_places(device, row->path, plan->prefer_input, &places))
        return;
    add_flag(plan, row, places.first, places.twin, own_count);
    add_flag(plan, row, places.second, places.twin, own_count);
}

/* Whether a choice is one the field can hold: models without "muted" end at "enabled". */
static bool number_fits(const struct command_row *row, const struct hid_field *field)
{
    int64_t minimum, maximum;

    if (row->what != WRITE_NUMBER || row->number < 0 || field->bit_size > 8)
        return true;
    hid_logical_range(field, &minimum, &maximum);
    return row->number <= (double)maximum;
}

static const struct bound_command *command_named(const struct hid_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->command_count; i++) {
        if (strcmp(plan->commands[i].row->command, name) == 0)
            return &plan->commands[i];
    }
    return NULL;
}

const struct bound_command *hid_plan_command(const struct hid_plan *plan, const char *name)
{
    const struct bound_command *command = command_named(plan, name);

    return command == NULL || command->field == NULL ? NULL : command;
}

bool hid_plan_withholds(const struct hid_plan *plan, const char *name)
{
    const struct bound_command *command = command_named(plan, name);

    return command != NULL && command->field == NULL;
}

static void bind_command(struct hid_device *device, struct hid_plan *plan,
                         const struct command_row *row)
{
    struct bound_command command = { .row = row };
    struct places places;

    if (command_named(plan, row->command) != NULL)
        return;
    /* No path: the device is not to have the command. */
    if (row->path == NULL) {
        plan->commands[plan->command_count++] = command;
        return;
    }
    if (!find_places(device, row->path, false, &places) || places.first->type != HID_FEATURE ||
        !number_fits(row, places.first))
        return;
    command.field = places.first;
    plan->commands[plan->command_count++] = command;
}

static void count_rows(const struct family *family, size_t counts[3])
{
    for (const struct variable_row *row = family->variables; row->variable != NULL; row++)
        counts[0]++;
    for (const struct status_row *row = family->flags; row->path != NULL; row++)
        counts[1]++;
    for (const struct command_row *row = family->commands; row->command != NULL; row++)
        counts[2]++;
}

static void bind_family(struct hid_device *device, struct hid_plan *plan,
                        const struct family *family)
{
    size_t own_count = plan->flag_count;

    for (const struct variable_row *row = family->variables; row->variable != NULL; row++)
        bind_variable(device, plan, row);
    for (const struct status_row *row = family->flags; row->path != NULL; row++)
        bind_flag(device, plan, row, own_count);
    for (const struct command_row *row = family->commands; row->command != NULL; row++)
        bind_command(device, plan, row);
}

struct hid_plan *hid_plan_new(struct hid_device *device)
{
    const struct family *tables[3];
    const struct family *const *families = tables_of(device, tables);
    struct hid_plan *plan = calloc(1, sizeof *plan);
    size_t counts[3] = { 0 };

    if (plan == NULL)
        return NULL;
    for (size_t i = 0; families[i] != NULL; i++)
        count_rows(families[i], counts);
    plan->variables = calloc(counts[0] + 1, sizeof *plan->variables);
    /* A Feature and an Input of each. */
    plan->flags = calloc(2 * counts[1] + 1, sizeof *plan->flags);
    plan->commands = calloc(counts[2] + 1, sizeof *plan->commands);
    if (plan->variables == NULL || plan->flags == NULL || plan->commands == NULL) {
        hid_plan_free(plan);
        return NULL;
    }
    plan->prefer_input = device->options.input_only || (device->quirks & HID_QUIRK_INPUT_ONLY) != 0;
    for (size_t i = 0; families[i] != NULL; i++)
        bind_family(device, plan, families[i]);

    const struct hid_options *options = &device->options;
    plan->off_delay =
        (long)(options->off_delay == UINT_MAX ? device->family->off_delay : options->off_delay);
    plan->on_delay =
        (long)(options->on_delay == UINT_MAX ? device->family->on_delay : options->on_delay);
    plan->user_low = plan->low_unwritten = options->low_charge > 0;
    plan->low_charge = options->low_charge;
    return plan;
}

void hid_plan_free(struct hid_plan *plan)
{
    if (plan == NULL)
        return;
    free(plan->variables);
    free(plan->flags);
    free(plan->commands);
    free(plan);
}

/* Values ------------------------------------------------------------------------------------- */

/*
 * Units and exponents stay in force from one field to the next, so many a field has those of
 * another: what does not fit the variable is ignored, and the number is what the bits say.
 */
static bool scale_counts(const struct variable_info *info, const struct hid_field *field)
{
    if (info == NULL || info->type != TYPE_NUMBER)
        return true;
    if (field->unit == 0)
        return field->exponent <= 0;
    return field->unit == hid_units[info->unit];
}

static unsigned decimals_of(const struct hid_field *field)
{
    int exponent = field->exponent;
    unsigned least = 0;

    if (field->unit == UNIT_VOLTS || field->unit == UNIT_WATTS)
        exponent -= 7;
    if (field->unit == UNIT_KELVIN)
        least = 1;
    if (field->unit == UNIT_AMPERE_SECOND)
        return 2;
    return exponent < 0 && (unsigned)-exponent > least ? (unsigned)-exponent : least;
}

double hid_plan_number(const struct variable_info *info, const struct hid_field *field, int64_t raw,
                       unsigned *decimals)
{
    if (!scale_counts(info, field)) {
        *decimals = 0;
        return (double)raw;
    }
    *decimals = decimals_of(field);
    return hid_value_to_physical(field, raw);
}

int64_t hid_plan_raw(const struct variable_info *info, const struct hid_field *field, double number)
{
    if (scale_counts(info, field))
        return hid_value_from_physical(field, number, false);
    return fabs(number) < (double)UINT32_MAX + 1 ? (int64_t)round(number) : INT64_MIN;
}

void hid_plan_turn_to_input(struct hid_plan *plan)
{
    plan->prefer_input = true;
    for (size_t i = 0; i < plan->flag_count; i++) {
        if (plan->flags[i].twin != NULL)
            plan->flags[i].field = plan->flags[i].twin;
        plan->flags[i].polled = plan->flags[i].heard;
    }
    for (size_t i = 0; i < plan->variable_count; i++) {
        struct bound_variable *variable = &plan->variables[i];

        for (uint8_t j = 0; j < variable->candidate_count; j++) {
            if (variable->candidates[j].twin != NULL)
                variable->candidates[j].field = variable->candidates[j].twin;
        }
    }
}

enum hid_result hid_plan_read(struct hid_device *device, const struct hid_field *field, bool keep,
                              int64_t *raw)
{
    const struct hid_plan *plan = device->plan;

    /* What is asked for is answered with zeros by such devices until it has come by itself. */
    if (plan->prefer_input && field->type == HID_INPUT) {
        if (!plan->seen[field->report])
            return HID_STALLED;
        keep = true;
    }
    return hid_reports_value(device->reports, field, keep, raw);
}

/* All ones outside the range is how devices say that there is no value. */
static bool is_absent(const struct hid_field *field, int64_t raw)
{
    int64_t minimum, maximum;

    hid_logical_range(field, &minimum, &maximum);
    return raw > maximum && raw == ((int64_t)1 << field->bit_size) - 1;
}

static bool is_plausible(const struct hid_device *device, struct bound_variable *variable,
                         const char *text)
{
    const struct variable_info *info = variable->info;
    double number;

    if (info == NULL || info->type != TYPE_NUMBER)
        return true;
    if (number_parse(text, &number) && number >= info->minimum && number <= info->maximum)
        return true;
    if (!variable->warned)
        log_warning("%s %s tells %s = %s, which cannot be: it is not published", device->vendor,
                    device->model, variable->name, text);
    variable->warned = true;
    return false;
}

bool hid_plan_show(struct hid_device *device, struct bound_variable *variable,
                   const struct candidate *candidate, const struct hid_field *field, int64_t raw)
{
    char text[TEXT_MAX] = "";
    unsigned decimals;
    bool is_shown;

    if (is_absent(field, raw))
        return false;
    double number = hid_plan_number(variable->info, field, raw, &decimals);
    if (candidate->row->show != NULL)
        is_shown = candidate->row->show(device, field, raw, number, text, sizeof text);
    else if (candidate->row->words != NULL)
        is_shown = show_word(candidate->row->words, raw, text, sizeof text);
    else
        is_shown = show_decimals(number, decimals, text, sizeof text);
    if (!is_shown || text[0] == '\0' || !is_plausible(device, variable, text))
        return false;
    memcpy(variable->text, text, sizeof text);
    return true;
}
