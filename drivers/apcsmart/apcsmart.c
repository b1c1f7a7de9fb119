/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/apcsmart/apcsmart.h"

#include "core/log.h"
#include "drivers/apcsmart/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAUD 2400
#define CAPABILITIES_MS 5000 /* half a kilobyte takes two seconds */
#define TRIAL_MS 700         /* for what a unit may not know */
#define MISSES_MAX 3         /* then a value is too old to be shown */

static const char *const nut_names[] = { "apcsmart-old", NULL };

/* A section that is wrong was reported when it was read. */
static void ignore_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    (void)text;
}

static void check(const struct device_settings *settings, const char *directory,
                  struct config_report *report)
{
    struct apc_options options;

    (void)directory;
    apc_options_read(settings, &options, report);
}

static bool must_stop(const void *context)
{
    const struct apcsmart *unit = context;
    struct pollfd wake = { .fd = driver_wake_descriptor(unit->device), .events = POLLIN };

    return driver_must_stop(unit->device) || (unit->waits && poll(&wake, 1, 0) > 0);
}

/* Opening and closing ------------------------------------------------------------------------ */

static enum driver_result lost(struct device *device, enum apc_result result)
{
    const struct apcsmart *unit = device->state;

    if (result == APC_GONE)
        return driver_problem(device, DRIVER_GONE, "%s was unplugged or closed",
                              device->settings->port);
    if (unit->line.echoes)
        return driver_problem(device, DRIVER_GONE,
                              "says what is said to it: no UPS, or not its cable");
    if (result == APC_GARBLED)
        return driver_problem(device, DRIVER_FAILED, "its answers are none of a Smart-UPS");
    return driver_problem(device, DRIVER_FAILED, "does not answer");
}

/* What it says to a question that it may not know. */
static enum apc_result ask_maybe(struct apcsmart *unit, char query, enum apc_kind kind,
                                 unsigned timeout_ms, struct apc_answer *answer)
{
    enum apc_result result = apc_line_ask(&unit->line, query, kind, timeout_ms, answer);

    /* The line may have been out of step with what was said to it before. */
    if (result == APC_GARBLED)
        result = apc_line_ask(&unit->line, query, kind, timeout_ms, answer);
    return result;
}

static void read_firmware(struct apcsmart *unit, char query, char *firmware, size_t size)
{
    struct apc_answer answer;

    if (ask_maybe(unit, query, APC_DATA, TRIAL_MS, &answer) != APC_OK ||
        !apc_value(APC_TEXT, answer.text, answer.length, firmware, size))
        firmware[0] = '\0';
}

static void read_command_set(struct apcsmart *unit)
{
    struct apc_answer answer;
    char old_firmware[sizeof unit->firmware] = "";

    bool is_told = ask_maybe(unit, 'a', APC_COMMAND_SET, APC_DATA_MS, &answer) == APC_OK &&
                   apc_command_set_read(&unit->commands, answer.text, answer.length);
    read_firmware(unit, 'b', unit->firmware, sizeof unit->firmware);
    if (unit->firmware[0] == '\0' || !is_told)
        read_firmware(unit, 'V', old_firmware, sizeof old_firmware);
    if (!is_told)
        apc_command_set_of_firmware(&unit->commands, old_firmware);
    if (unit->firmware[0] == '\0')
        memcpy(unit->firmware, old_firmware, sizeof unit->firmware);
}

static void read_capabilities(struct apcsmart *unit)
{
    struct apc_answer answer;
    size_t length = strlen(unit->firmware);

    if (!apc_command_set_has(&unit->commands, '\x1a'))
        return;
    char locale = length > 2 && unit->firmware[length - 2] == '.' ? unit->firmware[length - 1] : 0;
    enum apc_result result = ask_maybe(unit, '\x1a', APC_CAPABILITIES, CAPABILITIES_MS, &answer);
    if (result == APC_OK &&
        !apc_capabilities_read(&unit->capabilities, answer.text, answer.length, locale))
        log_info("[%s] its capability string is broken: its settings can only be read",
                 unit->device->name);
}

static void close_apcsmart(struct device *device)
{
    struct apcsmart *unit = device->state;

    serial_port_close(unit->line.port);
    free(unit);
    device->state = NULL;
}

static enum driver_result begin(struct device *device)
{
    struct apcsmart *unit = device->state;
    const struct serial_settings settings = {
        .baud = BAUD, .ignores_locks = device_option_find(device->settings, "nolock") != NULL
    };
    const struct serial_caller caller = { .wake_descriptor = driver_wake_descriptor(device),
                                          .must_stop = must_stop,
                                          .context = unit };

    unit->line.port = serial_port_open(device->settings->port, &settings, &caller, device->problem,
                                       sizeof device->problem);
    if (unit->line.port == NULL)
        return DRIVER_GONE;
    /* The other cable is left as the system raised its lines: a change could turn the load off. */
    if (unit->options.has_dual_cable && !serial_port_set_lines(unit->line.port, SERIAL_DTR))
        log_info("[%s] %s has no modem lines for the cable", device->name, device->settings->port);
    enum apc_result result = apc_line_begin(&unit->line);
    if (result != APC_OK) {
        lost(device, result);
        return DRIVER_GONE;
    }
    read_command_set(unit);
    read_capabilities(unit);
    return DRIVER_OK;
}

static enum driver_result open_apcsmart(struct device *device)
{
    struct config_report report = { .sink = ignore_complaint };
    struct apcsmart *unit = calloc(1, sizeof *unit);

    if (unit == NULL)
        return driver_problem(device, DRIVER_GONE, "out of memory");
    if (!apc_options_read(device->settings, &unit->options, &report)) {
        free(unit);
        return driver_problem(device, DRIVER_REFUSED, "its section is wrong");
    }
    unit->device = device;
    device->state = unit;
    enum driver_result result = begin(device);
    if (result != DRIVER_OK)
        close_apcsmart(device);
    return result;
}

/* Reading ------------------------------------------------------------------------------------ */

enum apc_result apc_read_status(struct apcsmart *unit, char *status, size_t size)
{
    enum apc_result result = APC_GARBLED;

    for (unsigned i = 0; i < 2 && (result == APC_GARBLED || result == APC_SILENT); i++) {
        struct apc_answer answer;

        result = apc_line_ask(&unit->line, 'Q', APC_DATA, APC_DATA_MS / 2, &answer);
        if (result == APC_OK &&
            !apc_status(answer.text, answer.length, status, size, &unit->status)) {
            unit->line.echoes = answer.text[0] == 'Q';
            apc_line_distrust(&unit->line);
            result = APC_GARBLED;
        }
    }
    /* Each unit has a status: one that denies it is busy with something else. */
    return result == APC_NO ? APC_GARBLED : result;
}

enum apc_result apc_read_variable(struct apcsmart *unit, const struct apc_variable *variable,
                                  unsigned timeout_ms, char *value, size_t size)
{
    struct apc_answer answer;
    enum apc_result result = ask_maybe(unit, variable->query, APC_DATA, timeout_ms, &answer);

    if (result == APC_OK && !apc_value(variable->shape, answer.text, answer.length, value, size)) {
        apc_line_distrust(&unit->line);
        return APC_GARBLED;
    }
    return result;
}

static void note_standing(struct apcsmart *unit, const struct apc_variable *variable,
                          enum apc_result result, struct update *update)
{
    struct apc_standing *standing = &unit->standings[variable - apc_variables];
    bool has_answered = result == APC_OK;

    standing->misses = has_answered ? 0 : standing->misses + 1;
    if (!standing->is_told && (result == APC_NO || result == APC_SILENT))
        standing->is_absent = true;
    if (standing->is_told && standing->misses >= MISSES_MAX) {
        update_unset(update, variable->name);
        standing->is_told = false;
    }
    standing->is_told |= has_answered;
}

static bool is_due(const struct apcsmart *unit, const struct apc_variable *variable,
                   enum poll_kind kind)
{
    const struct apc_standing *standing = &unit->standings[variable - apc_variables];

    if (standing->is_absent || (variable->pace == APC_SLOW && kind == POLL_QUICK) ||
        (variable->pace == APC_SETTING && !unit->settings_due))
        return false;
    return !unit->commands.is_told || variable->is_tried_ever ||
           apc_command_set_has(&unit->commands, variable->query);
}

/* APC_STOPPED too when an alert is to be seen to first. */
static enum apc_result read_variables(struct apcsmart *unit, enum poll_kind kind,
                                      struct update *update)
{
    for (const struct apc_variable *variable = apc_variables; variable->name != NULL; variable++) {
        bool is_sure = unit->commands.is_told && !variable->is_tried_ever;
        char value[64];

        if (!is_due(unit, variable, kind))
            continue;
        enum apc_result result = apc_read_variable(unit, variable, is_sure ? APC_DATA_MS : TRIAL_MS,
                                                   value, sizeof value);
        if (result == APC_GONE || result == APC_STOPPED)
            return result;
        note_standing(unit, variable, result, update);
        if (result == APC_OK)
            apc_publish(unit, variable, value, update);
        if (unit->line.alerts != 0 && unit->has_told_all)
            return APC_STOPPED;
    }
    return APC_OK;
}

/* False: nothing was heard that asks for a poll. */
static bool take_alerts(struct apcsmart *unit)
{
    unsigned alerts = apc_line_take_alerts(&unit->line);

    if ((alerts & APC_ALERT_EEPROM_CHANGED) != 0)
        unit->settings_due = true;
    if ((alerts & APC_ALERT_TURNS_OFF) != 0)
        log_warning("[%s] is about to turn off", unit->device->name);
    return alerts != 0;
}

static void publish_driver(const struct device *device, struct update *update)
{
    const struct apcsmart *unit = device->state;
    const struct apc_counts *counts = &unit->line.counts;

    if (device_option(device->settings, "pollfreq") == NULL)
        update_setf(update, "driver.parameter.pollfreq", "%d", APC_POLL_FREQUENCY);
    update_setf(update, "driver.serial.silent", "%lu", counts->silent);
    update_setf(update, "driver.serial.garbled", "%lu", counts->garbled);
    update_setf(update, "driver.serial.entries", "%lu", counts->resynchronised);
    update_setf(update, "driver.serial.alerts", "%lu", counts->alerts);
}

static void publish_identity(const struct apcsmart *unit, struct update *update)
{
    update_set(update, "ups.mfr", "APC");
    if (unit->firmware[0] != '\0')
        update_set(update, "ups.firmware", unit->firmware);
    apc_offer_commands(unit, update);
}

/* The status, then the rest; again the status if an alert came meanwhile. */
static enum apc_result read_all(struct apcsmart *unit, enum poll_kind kind, char *status,
                                size_t size, struct update *update)
{
    enum apc_result result = apc_read_status(unit, status, size);

    unit->is_interrupted = unit->has_told_all && unit->line.alerts != 0;
    if (result == APC_OK && !unit->is_interrupted) {
        result = read_variables(unit, kind, update);
        unit->is_interrupted = result == APC_STOPPED;
    }
    if (result == APC_GONE)
        return result;
    return take_alerts(unit) ? apc_read_status(unit, status, size)
                             : (unit->is_interrupted ? APC_OK : result);
}

static enum driver_result poll_apcsmart(struct device *device, enum poll_kind kind,
                                        struct update *update)
{
    struct apcsmart *unit = device->state;
    char status[64] = "";

    take_alerts(unit);
    if (unit->is_interrupted)
        kind = POLL_FULL;
    unit->settings_due |= !unit->has_told_all;
    enum apc_result result = read_all(unit, kind, status, sizeof status, update);
    if (result != APC_OK || driver_must_stop(device)) {
        update_clear(update);
        return driver_must_stop(device) ? DRIVER_OK : lost(device, result);
    }
    update_set(update, "ups.status", status);
    unit->status_due = false;
    if (unit->is_interrupted)
        return DRIVER_OK;
    unit->settings_due = false;
    if (kind == POLL_FULL) {
        if (!unit->has_told_all)
            publish_identity(unit, update);
        publish_driver(device, update);
        unit->has_told_all = true;
    }
    return DRIVER_OK;
}

static enum driver_result wait_apcsmart(struct device *device, int timeout_ms, bool *happened)
{
    struct apcsmart *unit = device->state;
    enum apc_result result = APC_OK;

    if (unit->line.alerts == 0 && !unit->status_due && !unit->is_interrupted) {
        unit->waits = true;
        result = apc_line_listen(&unit->line, timeout_ms > 0 ? (unsigned)timeout_ms : 0, true);
        unit->waits = false;
    }
    *happened = unit->line.alerts != 0 || unit->status_due || unit->is_interrupted;
    return result == APC_GONE ? lost(device, result) : DRIVER_OK;
}

const struct driver driver_apcsmart = {
    .name = "apcsmart",
    .answers_to = nut_names,
    .description = "APC UPSes with the smart protocol on a serial line",
    .options = apc_option_names,
    .full_poll = APC_POLL_FREQUENCY,
    .check = check,
    .open = open_apcsmart,
    .poll = poll_apcsmart,
    .wait = wait_apcsmart,
    .command = apc_command,
    .set = apc_set,
    .close = close_apcsmart,
};
