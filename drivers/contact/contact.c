/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/contact/contact.h"

#include "core/log.h"
#include "core/loop.h"
#include "drivers/contact/types.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BAUD 1200     /* nothing is sent, but a port has a speed */
#define LOOK_MS 250   /* how often the lines are looked at, and how long a bounce may last */
#define OFF_SECONDS 5 /* how long the lines that turn the load off are held */
#define OFF_SECONDS_MAX 600
#define OFF_COMMAND "shutdown.return"

struct contact_options {
    struct contact_type type;
    unsigned off_seconds;
};

struct contact {
    struct contact_options options;
    struct serial_port *port;
    const struct device *device;
    char status[32]; /* as told; "": not yet */
    bool has_told_all;
};

static const char *const nut_names[] = { "genericups", NULL };

static const struct driver_option option_names[] = {
    { "upstype", false }, { "mfr", false }, { "model", false },  { "serial", false },
    { "CP", false },      { "OL", false },  { "LB", false },     { "RB", false },
    { "BYPASS", false },  { "SD", false },  { "sdtime", false }, { NULL, false },
};

/* The section -------------------------------------------------------------------------------- */

struct reader {
    const struct device_settings *settings;
    struct config_report *report;
    bool is_good;
};

static const struct option_setting *find(const struct reader *reader, const char *name)
{
    const struct option_setting *option = device_option_find(reader->settings, name);

    return option != NULL && option->value != NULL ? option : NULL;
}

static void complain(struct reader *reader, const struct option_setting *option, const char *wanted)
{
    config_error(reader->report, reader->settings->file, option->line, "[%s] %s '%s' is not %s",
                 reader->settings->name, option->key, option->value, wanted);
    reader->is_good = false;
}

static unsigned read_number(struct reader *reader, const char *name, unsigned usual,
                            unsigned maximum, const char *wanted)
{
    const struct option_setting *option = find(reader, name);

    if (option == NULL)
        return usual;
    size_t length = strlen(option->value);
    unsigned number = (unsigned)strtoul(option->value, NULL, 10);
    if (length == 0 || length > 4 || strspn(option->value, "0123456789") != length ||
        number > maximum) {
        complain(reader, option, wanted);
        return usual;
    }
    return number;
}

static void read_input(struct reader *reader, const char *name, struct contact_input *input)
{
    const struct option_setting *option = find(reader, name);

    if (option != NULL && !contact_read_input(option->value, input))
        complain(reader, option, "CTS, DCD, DSR or RNG, with '-' before it or not, or none");
}

static void read_outputs(struct reader *reader, struct contact_type *type)
{
    const struct option_setting *power = find(reader, "CP");
    const struct option_setting *off = find(reader, "SD");

    if (power != NULL && !contact_read_power(power->value, &type->power))
        complain(reader, power, "DTR, RTS, DTR+RTS or none");
    if (off != NULL && !contact_read_off(off->value, type))
        complain(reader, off, "DTR, RTS, DTR+RTS, ST or none");
}

static bool read_options(const struct device_settings *settings, struct contact_options *options,
                         struct config_report *report)
{
    struct reader reader = { .settings = settings, .report = report, .is_good = true };

    reader.is_good = serial_port_check(settings, report);
    if (device_option_find(settings, "upstype") == NULL) {
        config_error(report, settings->file, settings->line,
                     "[%s] needs upstype, which tells how its cable is made", settings->name);
        reader.is_good = false;
    }
    unsigned number = read_number(&reader, "upstype", 0, CONTACT_TYPES - 1, "a type from 0 to 23");
    options->type = contact_types[number];
    options->off_seconds =
        read_number(&reader, "sdtime", OFF_SECONDS, OFF_SECONDS_MAX, "seconds, at most 600");
    read_outputs(&reader, &options->type);
    read_input(&reader, "OL", &options->type.on_line);
    options->type.is_ever_on_line = options->type.on_line.line == 0;
    read_input(&reader, "LB", &options->type.low_battery);
    read_input(&reader, "RB", &options->type.replace_battery);
    read_input(&reader, "BYPASS", &options->type.bypass);
    return reader.is_good;
}

static void check(const struct device_settings *settings, const char *directory,
                  struct config_report *report)
{
    struct contact_options options;

    (void)directory;
    read_options(settings, &options, report);
}

/* Opening and closing ------------------------------------------------------------------------ */

/* A section that is wrong was reported when it was read. */
static void ignore_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    (void)text;
}

static bool must_stop(const void *context)
{
    return driver_must_stop(context);
}

static enum driver_result no_lines(struct device *device)
{
    return driver_problem(device, DRIVER_GONE, "%s has no modem lines, or was unplugged",
                          device->settings->port);
}

static void log_lines(const struct device *device, unsigned lines)
{
    log_info("[%s] CTS %s, DCD %s, DSR %s, RNG %s", device->name,
             (lines & SERIAL_CTS) != 0 ? "on" : "off", (lines & SERIAL_DCD) != 0 ? "on" : "off",
             (lines & SERIAL_DSR) != 0 ? "on" : "off", (lines & SERIAL_RI) != 0 ? "on" : "off");
}

static enum driver_result begin(struct device *device)
{
    struct contact *contact = device->state;
    const struct serial_settings settings = {
        .baud = BAUD, .ignores_locks = device_option_find(device->settings, "nolock") != NULL
    };
    const struct serial_caller caller = { .wake_descriptor = driver_wake_descriptor(device),
                                          .must_stop = must_stop,
                                          .context = device };
    unsigned lines;

    contact->port = serial_port_open(device->settings->port, &settings, &caller, device->problem,
                                     sizeof device->problem);
    if (contact->port == NULL)
        return DRIVER_GONE;
    if (!serial_port_set_lines(contact->port, contact->options.type.power) ||
        !serial_port_get_lines(contact->port, &lines))
        return no_lines(device);
    /* Nothing tells whether there is a UPS at all: who looks into the log may. */
    log_lines(device, lines);
    return DRIVER_OK;
}

static void close_contact(struct device *device)
{
    struct contact *contact = device->state;

    serial_port_close(contact->port);
    free(contact);
    device->state = NULL;
}

static enum driver_result open_contact(struct device *device)
{
    struct config_report report = { .sink = ignore_complaint };
    struct contact *contact = calloc(1, sizeof *contact);

    if (contact == NULL)
        return driver_problem(device, DRIVER_GONE, "out of memory");
    if (!read_options(device->settings, &contact->options, &report)) {
        free(contact);
        return driver_problem(device, DRIVER_REFUSED, "its section is wrong");
    }
    contact->device = device;
    device->state = contact;
    enum driver_result result = begin(device);
    if (result != DRIVER_OK)
        close_contact(device);
    return result;
}

/* Reading ------------------------------------------------------------------------------------ */

/* False: the wake descriptor is readable. */
static bool pause_ms(const struct device *device, int milliseconds)
{
    struct pollfd wake = { .fd = driver_wake_descriptor(device), .events = POLLIN };

    return poll(&wake, 1, milliseconds) == 0;
}

/* For so long whatever is asked for meanwhile; false: must stop. */
static bool hold(const struct device *device, unsigned milliseconds)
{
    uint64_t end = clock_ms() + milliseconds;

    for (uint64_t now = clock_ms(); now < end; now = clock_ms()) {
        if (driver_must_stop(device))
            return false;
        poll(NULL, 0, end - now < LOOK_MS ? (int)(end - now) : LOOK_MS);
    }
    return true;
}

/*
 * The status, if it is sure: a contact bounces, and a bounce must not shut anything down. False:
 * there are no lines. "" in status: it is not sure.
 */
static bool read_status(const struct contact *contact, char *status, size_t size)
{
    const struct contact_type *type = &contact->options.type;
    char again[sizeof contact->status];
    unsigned lines;

    if (!serial_port_get_lines(contact->port, &lines))
        return false;
    bool is_bad = contact_status(type, lines, status, size);
    if (!is_bad || strcmp(status, contact->status) == 0)
        return true;
    if (!hold(contact->device, LOOK_MS))
        status[0] = '\0';
    if (!serial_port_get_lines(contact->port, &lines))
        return false;
    contact_status(type, lines, again, sizeof again);
    if (strcmp(status, again) != 0)
        status[0] = '\0';
    return true;
}

static void publish_identity(const struct contact *contact, struct update *update)
{
    const struct device_settings *settings = contact->device->settings;
    const char *vendor = device_option(settings, "mfr");
    const char *model = device_option(settings, "model");
    const char *serial = device_option(settings, "serial");

    update_set(update, "ups.mfr", vendor != NULL ? vendor : contact->options.type.vendor);
    update_set(update, "ups.model", model != NULL ? model : contact->options.type.model);
    if (serial != NULL)
        update_set(update, "ups.serial", serial);
    if (contact->options.type.off != CONTACT_OFF_NONE)
        update_command(update, OFF_COMMAND);
}

static enum driver_result poll_contact(struct device *device, enum poll_kind kind,
                                       struct update *update)
{
    struct contact *contact = device->state;
    char status[sizeof contact->status];

    (void)kind;
    if (!read_status(contact, status, sizeof status))
        return no_lines(device);
    if (status[0] != '\0')
        snprintf(contact->status, sizeof contact->status, "%s", status);
    if (contact->status[0] == '\0')
        return driver_problem(device, DRIVER_FAILED, "its lines do not keep still");
    update_set(update, "ups.status", contact->status);
    if (!contact->has_told_all)
        publish_identity(contact, update);
    contact->has_told_all = true;
    return DRIVER_OK;
}

static enum driver_result wait_contact(struct device *device, int timeout_ms, bool *happened)
{
    struct contact *contact = device->state;
    uint64_t end = clock_ms() + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
    char status[sizeof contact->status];
    unsigned lines;

    for (uint64_t now = clock_ms(); now < end; now = clock_ms()) {
        if (!pause_ms(device, end - now < LOOK_MS ? (int)(end - now) : LOOK_MS))
            return DRIVER_OK;
        if (!serial_port_get_lines(contact->port, &lines))
            return no_lines(device);
        contact_status(&contact->options.type, lines, status, sizeof status);
        *happened = strcmp(status, contact->status) != 0;
        if (*happened)
            return DRIVER_OK;
    }
    return DRIVER_OK;
}

/* Turning off -------------------------------------------------------------------------------- */

static enum ups_outcome command(struct device *device, const char *name, const char *parameter,
                                struct update *update)
{
    struct contact *contact = device->state;
    const struct contact_type *type = &contact->options.type;

    (void)parameter;
    (void)update;
    if (strcasecmp(name, OFF_COMMAND) != 0 || type->off == CONTACT_OFF_NONE)
        return UPS_UNKNOWN;
    if (type->off == CONTACT_OFF_BREAK)
        return serial_port_send_break(contact->port) ? UPS_HANDLED : UPS_FAILED;
    if (!serial_port_set_lines(contact->port, type->off_lines))
        return UPS_FAILED;
    hold(device, contact->options.off_seconds * 1000);
    /* Left raised, they would turn it off again as soon as the mains come back. */
    return serial_port_set_lines(contact->port, type->power) ? UPS_HANDLED : UPS_FAILED;
}

const struct driver driver_contact = {
    .name = "contact",
    .answers_to = nut_names,
    .description = "UPSes with contacts on the modem lines of a serial port",
    .options = option_names,
    .check = check,
    .open = open_contact,
    .poll = poll_contact,
    .wait = wait_contact,
    .command = command,
    .close = close_contact,
};
