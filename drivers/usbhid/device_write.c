/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What clients ask of a HID UPS: instant commands and settings. Whatever is written is read back:
 * many firmwares accept an order and ignore it.
 */
#include "core/log.h"
#include "drivers/usbhid/conversions.h"
#include "drivers/usbhid/plan.h"
#include "drivers/usbhid/value.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Between the delay to the start and that to the shutdown, or some firmwares lose the first. */
#define PAUSE_MS 125
/* A delay of which nobody can mean more. */
#define DELAY_MAX 1000000
/* What a countdown may have lost until it is read back, in its own steps. */
#define COUNTED_DOWN 5
#define CHARGE_MAX 100

static void complain(const struct hid_device *device, const char *what, const char *why)
{
    log_warning("%s %s: %s %s", device->vendor, device->model, what, why);
}

/* Writing a field ---------------------------------------------------------------------------- */

static const char *text_of(enum hid_result result)
{
    switch (result) {
    case HID_STALLED:
        return "was refused by the device";
    case HID_TIMED_OUT:
        return "was not answered";
    case HID_BROKEN:
        return "failed: the connection is broken";
    case HID_SHORT:
        return "does not fit the device's report";
    case HID_OK:
        break;
    }
    return "failed";
}

/* Bits of a field as they are in a report, so that -1 is 65535 where only that can be written. */
static uint64_t bits_of(const struct hid_field *field, int64_t raw)
{
    return (uint64_t)raw & (((uint64_t)1 << field->bit_size) - 1);
}

static bool was_taken(const struct hid_field *field, int64_t raw, int64_t written)
{
    uint64_t wanted = bits_of(field, raw);
    uint64_t got = bits_of(field, written);

    return got == wanted || (got < wanted && wanted - got <= COUNTED_DOWN);
}

static enum ups_outcome write_field(struct hid_device *device, const char *what,
                                    const struct hid_field *field, int64_t raw, int64_t *written)
{
    *written = raw;
    enum hid_result result = hid_reports_write(device->reports, field, raw, written);

    if (result == HID_OK)
        return UPS_HANDLED;
    complain(device, what, text_of(result));
    return UPS_FAILED;
}

/*
 * A delay counts as ignored only if the field says what it said before: how it looks while it runs
 * differs from one firmware to the next.
 */
static enum ups_outcome write_delay(struct hid_device *device, const char *what,
                                    const struct hid_field *field, int64_t raw)
{
    int64_t before, written;
    bool knows_before = hid_plan_read(device, field, true, &before) == HID_OK;
    enum ups_outcome outcome = write_field(device, what, field, raw, &written);

    if (outcome == UPS_HANDLED && raw > 0 && !was_taken(field, raw, written) && knows_before &&
        bits_of(field, before) == bits_of(field, written)) {
        complain(device, what, "was accepted by the device, and ignored");
        return UPS_FAILED;
    }
    return outcome;
}

static enum ups_outcome write_row(struct hid_device *device, const struct bound_command *command,
                                  double number)
{
    const struct command_row *row = command->row;
    const struct hid_field *field = command->field;
    bool is_delay = row->what != WRITE_NUMBER;
    int64_t raw, written;

    if (row->encode != NULL)
        raw = row->encode(device, number);
    else if (is_delay)
        raw = hid_value_from_physical(field, number, true);
    else if (number < 0)
        raw = -1;
    else
        raw = (int64_t)number;
    if (is_delay)
        return write_delay(device, row->command, field, raw);
    return write_field(device, row->command, field, raw, &written);
}

/* Instant commands --------------------------------------------------------------------------- */

static enum ups_outcome write_number(struct hid_device *device, const char *name, double number)
{
    const struct bound_command *command = hid_plan_command(device->plan, name);

    return command == NULL ? UPS_UNKNOWN : write_row(device, command, number);
}

/* Whether the load comes back with the input power, where the device has a setting for it. */
static void write_start_auto(struct hid_device *device, bool yes)
{
    const struct bound_variable *variable = hid_plan_variable(device->plan, "ups.start.auto");
    int64_t written;

    if (variable == NULL || !variable->candidates[0].row->writable)
        return;
    write_field(device, "ups.start.auto", variable->candidates[0].field, yes ? 1 : 0, &written);
}

static void pause_for_device(void)
{
    struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

    nanosleep(&pause, NULL);
}

static enum ups_outcome shutdown_return(struct hid_device *device)
{
    struct hid_plan *plan = device->plan;
    long start = plan->on_delay;

    /* The load must be off before it is switched on; 0 is "when power is back" where it is known.
     */
    if (start > 0 && start <= plan->off_delay)
        start = plan->off_delay + 1;
    write_start_auto(device, true);
    enum ups_outcome outcome = write_number(device, "load.on.delay", (double)start);
    if (outcome != UPS_HANDLED)
        return outcome;
    pause_for_device();
    return write_number(device, "load.off.delay", (double)plan->off_delay);
}

static enum ups_outcome shutdown_stayoff(struct hid_device *device)
{
    write_start_auto(device, false);
    if (hid_plan_command(device->plan, "load.on.delay") != NULL) {
        enum ups_outcome outcome = write_number(device, "load.on.delay", -1);

        if (outcome != UPS_HANDLED)
            return outcome;
        pause_for_device();
    }
    return write_number(device, "load.off.delay", (double)device->plan->off_delay);
}

static enum ups_outcome shutdown_stop(struct hid_device *device)
{
    const struct bound_command *stop = hid_plan_command(device->plan, "shutdown.stop");
    const struct bound_command *start = hid_plan_command(device->plan, "load.on.delay");
    enum ups_outcome outcome = write_row(device, stop, stop->row->number);

    if (start != NULL && start->field != stop->field)
        write_row(device, start, -1);
    return outcome;
}

static enum ups_outcome load_off(struct hid_device *device)
{
    return write_number(device, "load.off.delay", 0);
}

static enum ups_outcome load_on(struct hid_device *device)
{
    return write_number(device, "load.on.delay", 0);
}

/* Commands made of others: which rows they need. */
static const struct {
    const char *name;
    const char *needs[2];
    enum ups_outcome (*run)(struct hid_device *device);
} composed[] = {
    { "load.off", { "load.off.delay", NULL }, load_off },
    { "load.on", { "load.on.delay", NULL }, load_on },
    { "shutdown.return", { "load.off.delay", "load.on.delay" }, shutdown_return },
    { "shutdown.stayoff", { "load.off.delay", NULL }, shutdown_stayoff },
};

#define COMPOSED (sizeof composed / sizeof composed[0])

static bool can_compose(const struct hid_plan *plan, size_t i)
{
    if (hid_plan_withholds(plan, composed[i].name))
        return false;
    for (size_t j = 0; j < 2; j++) {
        const char *need = composed[i].needs[j];

        if (need != NULL && hid_plan_command(plan, need) == NULL)
            return false;
    }
    return true;
}

void hid_device_publish_commands(struct hid_device *device, struct update *update)
{
    const struct hid_plan *plan = device->plan;

    for (size_t i = 0; i < plan->command_count; i++) {
        if (plan->commands[i].field != NULL)
            update_command(update, plan->commands[i].row->command);
    }
    for (size_t i = 0; i < COMPOSED; i++) {
        if (can_compose(plan, i) && hid_plan_command(plan, composed[i].name) == NULL)
            update_command(update, composed[i].name);
    }
}

/* The number a command writes. False: the parameter is none. */
static bool number_of(const struct hid_plan *plan, const struct command_row *row,
                      const char *parameter, double *number)
{
    switch (row->what) {
    case WRITE_NUMBER:
        *number = row->number;
        return true;
    case WRITE_OFF_DELAY:
        *number = (double)plan->off_delay;
        break;
    case WRITE_ON_DELAY:
        *number = (double)plan->on_delay;
        break;
    }
    if (parameter == NULL || *parameter == '\0')
        return true;
    return number_parse(parameter, number) && *number >= 0 && *number <= DELAY_MAX;
}

enum ups_outcome hid_device_command(struct hid_device *device, const char *name,
                                    const char *parameter, struct update *update)
{
    const struct bound_command *command = hid_plan_command(device->plan, name);
    double number;

    (void)update;
    if (strcmp(name, "shutdown.stop") == 0 && command != NULL)
        return shutdown_stop(device);
    if (command != NULL) {
        if (!number_of(device->plan, command->row, parameter, &number))
            return UPS_INVALID;
        return write_row(device, command, number);
    }
    for (size_t i = 0; i < COMPOSED; i++) {
        if (strcmp(composed[i].name, name) == 0 && can_compose(device->plan, i))
            return composed[i].run(device);
    }
    return UPS_UNKNOWN;
}

/* Settings ----------------------------------------------------------------------------------- */

static const struct candidate *writable_of(const struct bound_variable *variable)
{
    const struct candidate *candidate = variable->settled;

    if (candidate == NULL || !candidate->row->writable || candidate->field->type != HID_FEATURE)
        return NULL;
    return candidate;
}

static bool is_low_charge(const char *name)
{
    return strcmp(name, "battery.charge.low") == 0;
}

static void publish_words(const struct bound_variable *variable, const struct value_word *words,
                          struct update *update)
{
    size_t longest = 0;

    for (const struct value_word *at = words; at->word != NULL; at++) {
        if (strlen(at->word) > longest)
            longest = strlen(at->word);
    }
    update_flags(update, variable->name, VARIABLE_RW | VARIABLE_STRING, (long)longest);
    for (const struct value_word *at = words; at->word != NULL; at++)
        update_enum(update, variable->name, at->word);
}

/* What a number may be, by the field's own range and what is believable. */
static void range_of(const struct bound_variable *variable, const struct hid_field *field,
                     double *least, double *most)
{
    int64_t minimum, maximum;
    unsigned decimals;

    hid_logical_range(field, &minimum, &maximum);
    *least = hid_plan_number(variable->info, field, minimum, &decimals);
    *most = hid_plan_number(variable->info, field, maximum, &decimals);
    if (variable->info == NULL || variable->info->type != TYPE_NUMBER)
        return;
    *least = fmax(*least, variable->info->minimum);
    *most = fmin(*most, variable->info->maximum);
}

void hid_device_publish_access(struct hid_device *device, const struct bound_variable *variable,
                               struct update *update)
{
    const struct candidate *candidate = writable_of(variable);
    double least, most;

    if (is_low_charge(variable->name) &&
        hid_plan_variable(device->plan, "battery.charge") != NULL) {
        update_flags(update, variable->name, VARIABLE_RW | VARIABLE_NUMBER, 0);
        update_range(update, variable->name, 0, CHARGE_MAX);
        return;
    }
    if (candidate == NULL)
        return;
    if (candidate->row->words != NULL) {
        publish_words(variable, candidate->row->words, update);
    } else if (candidate->row->read != NULL) {
        update_flags(update, variable->name, VARIABLE_RW | VARIABLE_STRING, TEXT_MAX - 1);
    } else {
        update_flags(update, variable->name, VARIABLE_RW | VARIABLE_NUMBER, 0);
        range_of(variable, candidate->field, &least, &most);
        update_range(update, variable->name, (long)ceil(least), (long)floor(most));
    }
}

static void publish_delay(struct hid_device *device, const char *name, const char *command,
                          long seconds, struct update *update)
{
    const struct bound_command *bound = hid_plan_command(device->plan, command);
    int64_t minimum, maximum;

    if (bound == NULL)
        return;
    update_setf(update, name, "%ld", seconds);
    update_flags(update, name, VARIABLE_RW | VARIABLE_NUMBER, 0);
    hid_logical_range(bound->field, &minimum, &maximum);
    double most = hid_value_to_physical(bound->field, maximum);
    update_range(update, name, 0, most >= 1 && most < DELAY_MAX ? (long)most : DELAY_MAX);
}

/* The command whose delay it is, of a family that has only the one. */
static const char *off_command(const struct hid_plan *plan)
{
    return hid_plan_command(plan, "load.off.delay") != NULL ? "load.off.delay" : "shutdown.return";
}

void hid_device_publish_delays(struct hid_device *device, struct update *update)
{
    const struct hid_plan *plan = device->plan;
    const char *off = off_command(plan);

    publish_delay(device, "ups.delay.shutdown", off, plan->off_delay, update);
    publish_delay(device, "ups.delay.start", "load.on.delay", plan->on_delay, update);
}

void hid_device_publish_low_charge(struct hid_device *device, struct update *update)
{
    const struct hid_plan *plan = device->plan;

    if (!plan->user_low || hid_plan_variable(device->plan, "battery.charge.low") != NULL)
        return;
    update_setf(update, "battery.charge.low", "%.0f", plan->low_charge);
    update_flags(update, "battery.charge.low", VARIABLE_RW | VARIABLE_NUMBER, 0);
    update_range(update, "battery.charge.low", 0, CHARGE_MAX);
}

void hid_device_write_low_charge(struct hid_device *device)
{
    struct hid_plan *plan = device->plan;
    const struct bound_variable *variable = hid_plan_variable(plan, "battery.charge.low");
    int64_t before, written;

    plan->low_unwritten = false;
    if (variable == NULL)
        return;
    for (uint8_t i = 0; i < variable->candidate_count; i++) {
        const struct candidate *candidate = &variable->candidates[i];

        if (!candidate->row->writable || candidate->field->type != HID_FEATURE)
            continue;
        int64_t raw = hid_plan_raw(variable->info, candidate->field, plan->low_charge);
        if (hid_plan_read(device, candidate->field, true, &before) == HID_OK && before == raw)
            return;
        write_field(device, "battery.charge.low", candidate->field, raw, &written);
        return;
    }
}

static enum ups_outcome set_low_charge(struct hid_device *device, const char *value,
                                       struct update *update)
{
    struct hid_plan *plan = device->plan;
    struct bound_variable *variable = hid_plan_variable(plan, "battery.charge.low");
    double number;

    if (!number_parse(value, &number) || number < 0 || number > CHARGE_MAX)
        return UPS_INVALID;
    plan->user_low = true;
    plan->low_charge = round(number);
    hid_device_write_low_charge(device);
    if (variable != NULL)
        snprintf(variable->text, sizeof variable->text, "%.0f", plan->low_charge);
    update_setf(update, "battery.charge.low", "%.0f", plan->low_charge);
    return UPS_HANDLED;
}

static enum ups_outcome set_delay(long *delay, const char *name, const char *value,
                                  struct update *update)
{
    double number;

    if (!number_parse(value, &number) || number < 0 || number > DELAY_MAX)
        return UPS_INVALID;
    *delay = (long)ceil(number);
    update_setf(update, name, "%ld", *delay);
    return UPS_HANDLED;
}

/* The raw value for a text. False: it is none that can be written. */
static bool raw_of(struct hid_device *device, const struct bound_variable *variable,
                   const struct candidate *candidate, const char *value, int64_t *raw)
{
    const struct variable_row *row = candidate->row;
    double number, least, most;

    if (row->words != NULL)
        return read_word(row->words, value, raw);
    if (row->read != NULL)
        return row->read(device, candidate->field, value, raw);
    if (!number_parse(value, &number))
        return false;
    range_of(variable, candidate->field, &least, &most);
    if (number < least || number > most)
        return false;
    *raw = hid_plan_raw(variable->info, candidate->field, number);
    return true;
}

static enum ups_outcome set_variable(struct hid_device *device, struct bound_variable *variable,
                                     const char *value, struct update *update)
{
    const struct candidate *candidate = writable_of(variable);
    int64_t raw, written;

    if (candidate == NULL)
        return UPS_UNKNOWN;
    if (!raw_of(device, variable, candidate, value, &raw))
        return UPS_INVALID;
    enum ups_outcome outcome = write_field(device, variable->name, candidate->field, raw, &written);
    if (outcome != UPS_HANDLED)
        return outcome;
    if (hid_plan_show(device, variable, candidate, candidate->field, written))
        update_set(update, variable->name, variable->text);
    if (bits_of(candidate->field, written) == bits_of(candidate->field, raw))
        return UPS_HANDLED;
    complain(device, variable->name, "was accepted by the device, and not changed");
    return UPS_FAILED;
}

enum ups_outcome hid_device_set(struct hid_device *device, const char *name, const char *value,
                                struct update *update)
{
    struct hid_plan *plan = device->plan;
    struct bound_variable *variable = hid_plan_variable(plan, name);

    if (is_low_charge(name) && hid_plan_variable(plan, "battery.charge") != NULL)
        return set_low_charge(device, value, update);
    if (strcmp(name, "ups.delay.shutdown") == 0 &&
        hid_plan_command(plan, off_command(plan)) != NULL)
        return set_delay(&plan->off_delay, name, value, update);
    if (strcmp(name, "ups.delay.start") == 0 && hid_plan_command(plan, "load.on.delay") != NULL)
        return set_delay(&plan->on_delay, name, value, update);
    return variable == NULL ? UPS_UNKNOWN : set_variable(device, variable, value, update);
}

void hid_device_keep_settings(const struct hid_device *device, struct hid_options *options)
{
    const struct hid_plan *plan = device->plan;

    options->off_delay = plan->off_delay < 0 ? 0 : (unsigned)plan->off_delay;
    options->on_delay = plan->on_delay < 0 ? 0 : (unsigned)plan->on_delay;
    if (plan->user_low)
        options->low_charge = (unsigned)plan->low_charge;
}
