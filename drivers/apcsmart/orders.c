/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/log.h"
#include "core/loop.h"
#include "drivers/apcsmart/unit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TWICE_PAUSE_MS 2000  /* the second byte must come after 1.5 s ... */
#define TWICE_LATEST_MS 3500 /* ... and before 4 s */
#define EEPROM_PAUSE_MS 200  /* between two steps through a setting's choices */
#define FREE_TEXT_LENGTH 8

/* Is an order done? APC_OK: yes. */
typedef enum apc_result order(struct apcsmart *unit, char byte);

static order say_once, say_twice, switch_on, cut_power, start_calibration, stop_calibration,
    start_bypass, stop_bypass, turn_off_by_default, stay_off;

static const struct {
    const char *name;
    char byte; /* which a unit must have */
    order *carry_out;
} orders[] = {
    { "bypass.start", '^', start_bypass },
    { "bypass.stop", '^', stop_bypass },
    { "calibrate.start", 'D', start_calibration },
    { "calibrate.stop", 'D', stop_calibration },
    { "load.off", 'Z', cut_power },
    { "load.on", '\x0e', switch_on },
    { "shutdown.return", 'S', turn_off_by_default },
    { "shutdown.stayoff", 'K', stay_off },
    { "shutdown.stop", '\x7f', say_once },
    { "test.battery.start", 'W', say_once },
    { "test.battery.stop", 'W', say_once },
    { "test.failure.start", 'U', say_once },
    { "test.panel.start", 'A', say_once },
};

#define ORDER_COUNT (sizeof orders / sizeof orders[0])

/* One that does not tell has the least that all have. */
static bool has(const struct apcsmart *unit, char byte)
{
    return unit->commands.is_told ? apc_command_set_has(&unit->commands, byte)
                                  : strchr("SKZUA@", byte) != NULL;
}

void apc_offer_commands(const struct apcsmart *unit, struct update *update)
{
    for (size_t i = 0; i < ORDER_COUNT; i++) {
        if (has(unit, orders[i].byte))
            update_command(update, orders[i].name);
    }
}

/* Single orders ------------------------------------------------------------------------------ */

static enum apc_result consent(struct apcsmart *unit, enum apc_result result,
                               const struct apc_answer *answer)
{
    if (result != APC_OK || strcmp(answer->text, "OK") == 0 || strcmp(answer->text, "*") == 0)
        return result;
    apc_line_distrust(&unit->line);
    return APC_GARBLED;
}

static enum apc_result tell(struct apcsmart *unit, enum apc_start start, const char *bytes,
                            size_t length)
{
    struct apc_answer answer;
    enum apc_result result = apc_line_tell(&unit->line, start, bytes, length, &answer);

    return consent(unit, result, &answer);
}

static enum apc_result say_once(struct apcsmart *unit, char byte)
{
    return tell(unit, APC_ANEW, &byte, 1);
}

/* The first of two bytes, and the pause. The second is only said in time and in step. */
static enum apc_result say_first(struct apcsmart *unit, char byte)
{
    enum apc_result result = apc_line_say(&unit->line, APC_ANEW, byte);
    uint64_t said = clock_ms();

    if (result == APC_OK)
        result = apc_line_listen(&unit->line, TWICE_PAUSE_MS, false);
    /* What it said meanwhile is that it will not. */
    if (result == APC_OK && !unit->line.is_smart)
        return APC_NO;
    return result == APC_OK && clock_ms() - said > TWICE_LATEST_MS ? APC_STOPPED : result;
}

static enum apc_result say_twice(struct apcsmart *unit, char byte)
{
    enum apc_result result = say_first(unit, byte);

    return result == APC_OK ? tell(unit, APC_CONTINUED, &byte, 1) : result;
}

static enum apc_result stay_off(struct apcsmart *unit, char byte)
{
    return say_twice(unit, byte);
}

/* Not all units say that they did. */
static enum apc_result switch_on(struct apcsmart *unit, char byte)
{
    enum apc_result result = say_twice(unit, byte);

    return result == APC_SILENT ? APC_OK : result;
}

/* It gives no answer. */
static enum apc_result cut_power(struct apcsmart *unit, char byte)
{
    enum apc_result result = say_first(unit, byte);

    return result == APC_OK ? apc_line_say(&unit->line, APC_CONTINUED, byte) : result;
}

static enum apc_result read_calibrating(struct apcsmart *unit, bool *calibrates)
{
    char status[64];
    enum apc_result result = apc_read_status(unit, status, sizeof status);

    *calibrates = (unit->status & APC_STATUS_CALIBRATES) != 0;
    return result;
}

/* The byte goes from the one to the other: a unit that is there already must not hear it. */
static enum apc_result calibrate(struct apcsmart *unit, char byte, bool wanted)
{
    bool calibrates = false;
    enum apc_result result = read_calibrating(unit, &calibrates);

    if (result != APC_OK || calibrates == wanted)
        return result;
    return say_once(unit, byte);
}

static enum apc_result start_calibration(struct apcsmart *unit, char byte)
{
    return calibrate(unit, byte, true);
}

static enum apc_result stop_calibration(struct apcsmart *unit, char byte)
{
    return calibrate(unit, byte, false);
}

/* It tells where it went: if that was away from what is wanted, it is sent back. */
static enum apc_result go(struct apcsmart *unit, char byte, const char *wanted)
{
    enum apc_result result = APC_NO;

    for (unsigned i = 0; i < 2; i++) {
        struct apc_answer answer;

        result = apc_line_tell(&unit->line, APC_ANEW, &byte, 1, &answer);
        if (result != APC_OK || strcmp(answer.text, wanted) == 0)
            return result;
        if (strcmp(answer.text, "BYP") != 0 && strcmp(answer.text, "INV") != 0)
            return APC_NO;
    }
    return APC_NO;
}

static enum apc_result start_bypass(struct apcsmart *unit, char byte)
{
    return go(unit, byte, "BYP");
}

static enum apc_result stop_bypass(struct apcsmart *unit, char byte)
{
    return go(unit, byte, "INV");
}

/* Turning off -------------------------------------------------------------------------------- */

static enum apc_result sleep_hard(struct apcsmart *unit, const char *wake_delay)
{
    char bytes[5];

    snprintf(bytes, sizeof bytes, "@%s", wake_delay);
    enum apc_result result = tell(unit, APC_ANEW, bytes, strlen(bytes));
    /* It may wait for one more digit, which the next question must not be. */
    if (result != APC_OK && result != APC_GONE)
        apc_line_begin(&unit->line);
    return result;
}

static enum apc_result sleep_forced(struct apcsmart *unit)
{
    enum apc_result result = say_once(unit, 'U');

    if (result == APC_OK)
        result = apc_line_listen(&unit->line, unit->options.forced_sleep_ms, false);
    return result == APC_OK ? say_once(unit, 'S') : result;
}

static enum apc_result is_on_battery(struct apcsmart *unit, bool *on_battery)
{
    char status[64];
    enum apc_result result = apc_read_status(unit, status, sizeof status);

    *on_battery = (unit->status & APC_STATUS_ON_BATTERY) != 0;
    return result;
}

/* On line it is ignored, and mostly silently. */
static enum apc_result sleep_softly(struct apcsmart *unit)
{
    bool on_battery = false;
    enum apc_result result = is_on_battery(unit, &on_battery);

    if (result == APC_OK)
        result = on_battery ? say_once(unit, 'S') : APC_NO;
    return result;
}

static enum apc_result turn_off(struct apcsmart *unit, enum apc_method method)
{
    switch (method) {
    case APC_SOFT_SLEEP:
        return sleep_softly(unit);
    case APC_HARD_SLEEP:
        return sleep_hard(unit, unit->options.wake_delay);
    case APC_DELAYED_OFF:
        return say_twice(unit, 'K');
    case APC_INSTANT_OFF:
        return cut_power(unit, 'Z');
    case APC_FORCED_SLEEP:
        return sleep_forced(unit);
    }
    return APC_NO;
}

static enum apc_result turn_off_by_default(struct apcsmart *unit, char byte)
{
    const char *methods = unit->options.methods;
    enum apc_result result = APC_NO;
    bool on_battery = false;

    (void)byte;
    if (methods[0] == '\0') {
        result = is_on_battery(unit, &on_battery);
        return result == APC_OK ? turn_off(unit, on_battery ? APC_SOFT_SLEEP : APC_HARD_SLEEP)
                                : result;
    }
    for (; *methods != '\0' && result != APC_OK && result != APC_GONE; methods++)
        result = turn_off(unit, (enum apc_method) * methods);
    return result;
}

/* NUT's ways to say how: "cs", or "at:" and the wake-up delay. False: it is neither. */
static bool read_way(const char *parameter, char delay[4])
{
    delay[0] = '\0';
    return strcmp(parameter, "cs") == 0 ||
           (strncmp(parameter, "at:", 3) == 0 && apc_wake_delay_read(parameter + 3, delay));
}

/* Commands ----------------------------------------------------------------------------------- */

static enum ups_outcome conclude(const struct apcsmart *unit, const char *name,
                                 enum apc_result result)
{
    static const char *const reasons[] = {
        [-APC_NO] = "it refuses",
        [-APC_GARBLED] = "what it said to that is no answer",
        [-APC_SILENT] = "it does not answer",
        [-APC_STOPPED] = "there was no time for it",
        [-APC_GONE] = "the line is gone",
    };

    if (result == APC_OK)
        return UPS_HANDLED;
    log_warning("[%s] %s: %s", unit->device->name, name, reasons[-result]);
    return UPS_FAILED;
}

enum ups_outcome apc_command(struct device *device, const char *name, const char *parameter,
                             struct update *update)
{
    struct apcsmart *unit = device->state;
    char delay[4];

    (void)update;
    for (size_t i = 0; i < ORDER_COUNT; i++) {
        if (strcasecmp(orders[i].name, name) != 0 || !has(unit, orders[i].byte))
            continue;
        bool has_way = parameter != NULL && orders[i].carry_out == turn_off_by_default;
        if (has_way && !read_way(parameter, delay))
            return UPS_INVALID;
        unit->status_due = true;
        enum apc_result result = !has_way           ? orders[i].carry_out(unit, orders[i].byte)
                                 : delay[0] == '\0' ? sleep_forced(unit)
                                                    : sleep_hard(unit, delay);
        return conclude(unit, orders[i].name, result);
    }
    return UPS_UNKNOWN;
}

/* Settings ----------------------------------------------------------------------------------- */

static bool can_be_written(const struct apcsmart *unit)
{
    return apc_command_set_has(&unit->commands, '-');
}

static const struct apc_capability *choices_of(const struct apcsmart *unit,
                                               const struct apc_variable *variable)
{
    return can_be_written(unit) ? apc_capability_find(&unit->capabilities, variable->query) : NULL;
}

static bool choice_value(const struct apc_variable *variable, const struct apc_capability *setting,
                         unsigned choice, char *value, size_t size)
{
    const char *text = setting->choices[choice];

    return apc_value(variable->shape, text, strlen(text), value, size);
}

void apc_publish(const struct apcsmart *unit, const struct apc_variable *variable,
                 const char *value, struct update *update)
{
    const struct apc_capability *setting = choices_of(unit, variable);
    char choice[64];

    update_set(update, variable->name, value);
    if (setting != NULL) {
        update_flags(update, variable->name, VARIABLE_RW, 0);
        for (unsigned i = 0; i < setting->count; i++) {
            if (choice_value(variable, setting, i, choice, sizeof choice))
                update_enum(update, variable->name, choice);
        }
    } else if (variable->is_free_text && can_be_written(unit)) {
        update_flags(update, variable->name, VARIABLE_RW | VARIABLE_STRING, FREE_TEXT_LENGTH);
    }
}

static enum apc_result read_back(struct apcsmart *unit, const struct apc_variable *variable,
                                 char *value, size_t size)
{
    return apc_read_variable(unit, variable, APC_DATA_MS, value, size);
}

/* "-" goes to the next choice: never further than once around, so as not to wear the EEPROM. */
static enum apc_result step_to(struct apcsmart *unit, const struct apc_variable *variable,
                               unsigned count, const char *wanted, char *value, size_t size)
{
    enum apc_result result = read_back(unit, variable, value, size);

    for (unsigned i = 0; i < count && result == APC_OK && strcmp(value, wanted) != 0; i++) {
        result = tell(unit, APC_CONTINUED, "-", 1);
        if (result == APC_OK)
            result = apc_line_listen(&unit->line, EEPROM_PAUSE_MS, false);
        if (result == APC_OK)
            result = read_back(unit, variable, value, size);
    }
    return result == APC_OK && strcmp(value, wanted) != 0 ? APC_NO : result;
}

static enum apc_result write_text(struct apcsmart *unit, const struct apc_variable *variable,
                                  const char *wanted, char *value, size_t size)
{
    char bytes[1 + FREE_TEXT_LENGTH + 1];
    size_t length = strlen(wanted);
    enum apc_result result = read_back(unit, variable, value, size);

    if (result != APC_OK || strcmp(value, wanted) == 0)
        return result;
    bytes[0] = '-';
    memset(bytes + 1, '\r', FREE_TEXT_LENGTH);
    memcpy(bytes + 1, wanted, length);
    result = tell(unit, APC_CONTINUED, bytes, 1 + FREE_TEXT_LENGTH);
    /* It may have heard too few of them: "Y" ends that, and the old text stays. */
    if (result != APC_OK)
        return result;
    result = read_back(unit, variable, value, size);
    return result == APC_OK && strcmp(value, wanted) != 0 ? APC_NO : result;
}

/* The choices' own spelling of a value; false: it is none of them. */
static bool find_choice(const struct apc_variable *variable, const struct apc_capability *setting,
                        const char *value, char *choice, size_t size)
{
    for (unsigned i = 0; i < setting->count; i++) {
        if (choice_value(variable, setting, i, choice, size) && strcmp(choice, value) == 0)
            return true;
    }
    return false;
}

static bool is_fine_text(const struct apc_variable *variable, const char *value)
{
    char text[64];
    size_t length = strlen(value);

    /* An alert character would come back as an alert. */
    for (size_t i = 0; i < length; i++) {
        if (apc_alert(value[i]) != 0)
            return false;
    }
    return length <= FREE_TEXT_LENGTH &&
           apc_value(variable->shape, value, length, text, sizeof text) && strcmp(text, value) == 0;
}

enum ups_outcome apc_set(struct device *device, const char *name, const char *value,
                         struct update *update)
{
    struct apcsmart *unit = device->state;
    const struct apc_variable *variable = apc_variables;
    enum apc_result result;
    char now[64];

    while (variable->name != NULL && strcasecmp(variable->name, name) != 0)
        variable++;
    if (variable->name == NULL)
        return UPS_UNKNOWN;
    const struct apc_capability *setting = choices_of(unit, variable);
    if (setting == NULL && !(variable->is_free_text && can_be_written(unit)))
        return UPS_UNKNOWN;
    if (setting != NULL) {
        if (!find_choice(variable, setting, value, now, sizeof now))
            return UPS_INVALID;
        result = step_to(unit, variable, setting->count, value, now, sizeof now);
    } else {
        if (!is_fine_text(variable, value))
            return UPS_INVALID;
        result = write_text(unit, variable, value, now, sizeof now);
    }
    unit->settings_due = result != APC_OK;
    if (result == APC_OK)
        apc_publish(unit, variable, now, update);
    return conclude(unit, variable->name, result);
}
