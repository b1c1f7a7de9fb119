/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/shut/shut.h"

#include "drivers/shut/line.h"
#include "drivers/usbhid/device.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAUD 2400
#define POLL_FREQUENCY 30
#define DELAY_MAX 604800
#define INTERFACE 0x81
#define DEVICE 0x80
#define DEVICE_DESCRIPTOR 1
#define HID_CLASS_DESCRIPTOR 0x21
#define REPORT_DESCRIPTOR 0x22

struct shut_options {
    struct hid_options hid;
    uint8_t sync;
};

/* What outlives the line's being gone. */
struct memory {
    struct hid_options settings; /* as clients have changed them */
};

struct shut {
    struct shut_options options;
    struct device *device;
    struct shut_line line;
    struct hid_transport transport;
    struct hid_device *hid;
    bool waits;       /* a wake that is for commands ends reading too */
    bool has_spoken;  /* a notification is to be published: quickly */
    bool has_written; /* what a command has changed besides shows with the next poll */
};

static const char *const nut_names[] = { "mge-shut", NULL };

static const struct driver_option option_names[] = {
    { "lowbatt", false },      { "offdelay", false }, { "ondelay", false },
    { "notification", false }, { "pollfreq", false }, { NULL, false },
};

/* The section -------------------------------------------------------------------------------- */

static bool read_number(const struct device_settings *settings, const char *name, long minimum,
                        long maximum, unsigned *number, struct config_report *report)
{
    const struct option_setting *option = device_option_find(settings, name);
    char *end = NULL;

    if (option == NULL || option->value == NULL)
        return true;
    long value = strtol(option->value, &end, 10);
    if (end == option->value || *end != '\0' || value < minimum || value > maximum) {
        config_error(report, settings->file, option->line,
                     "[%s] %s must be a number from %ld to %ld, not '%s'", settings->name, name,
                     minimum, maximum, option->value);
        return false;
    }
    *number = (unsigned)value;
    return true;
}

static bool read_options(const struct device_settings *settings, struct shut_options *options,
                         struct config_report *report)
{
    static const uint8_t syncs[] = { SHUT_SYNC_OFF, SHUT_SYNC_LIGHT, SHUT_SYNC };
    struct hid_options *hid = &options->hid;
    unsigned notification = 1;

    *options = (struct shut_options){ .hid = { .off_delay = UINT_MAX, .on_delay = UINT_MAX } };
    bool is_good = serial_port_check(settings, report);
    is_good &= read_number(settings, "lowbatt", 1, 100, &hid->low_charge, report);
    is_good &= read_number(settings, "offdelay", 0, DELAY_MAX, &hid->off_delay, report);
    is_good &= read_number(settings, "ondelay", 0, DELAY_MAX, &hid->on_delay, report);
    is_good &= read_number(settings, "notification", 1, 3, &notification, report);
    options->sync = syncs[notification - 1];
    return is_good;
}

static void check(const struct device_settings *settings, const char *directory,
                  struct config_report *report)
{
    struct shut_options options;

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
    const struct shut *shut = context;
    struct pollfd wake = { .fd = driver_wake_descriptor(shut->device), .events = POLLIN };

    return driver_must_stop(shut->device) || (shut->waits && poll(&wake, 1, 0) > 0);
}

static enum driver_result lost(struct device *device)
{
    const struct shut *shut = device->state;

    if (shut->line.is_gone)
        return driver_problem(device, DRIVER_GONE, "%s was unplugged or closed",
                              device->settings->port);
    return driver_problem(device, DRIVER_GONE, "%s",
                          shut->hid != NULL && shut->hid->problem[0] != '\0' ? shut->hid->problem
                                                                             : "does not answer");
}

/* device->memory, which keeps what clients have set. */
static struct memory *remember(struct device *device, const struct hid_options *options)
{
    struct memory *memory = device->memory;

    if (memory == NULL) {
        memory = calloc(1, sizeof *memory);
        if (memory != NULL)
            memory->settings = *options;
        device->memory = memory;
    }
    return memory;
}

static void forget(struct device *device)
{
    free(device->memory);
    device->memory = NULL;
}

static void close_shut(struct device *device)
{
    struct shut *shut = device->state;
    struct memory *memory = device->memory;

    if (shut->hid != NULL)
        hid_device_keep_settings(shut->hid, &memory->settings);
    hid_device_free(shut->hid);
    serial_port_close(shut->line.port);
    free(shut);
    device->state = NULL;
}

static unsigned word_at(const uint8_t *bytes)
{
    return bytes[0] | (unsigned)bytes[1] << 8;
}

/* Who it is, by its device descriptor and strings. False: it does not say. */
static bool read_identity(struct shut *shut, struct hid_identity *identity)
{
    const struct hid_transport *transport = &shut->transport;
    uint8_t bytes[18];

    if (shut_line_get_descriptor(&shut->line, DEVICE, DEVICE_DESCRIPTOR, 0, bytes, sizeof bytes) !=
            sizeof bytes ||
        bytes[1] != DEVICE_DESCRIPTOR)
        return false;
    identity->vendor_id = (uint16_t)word_at(bytes + 8);
    identity->product_id = (uint16_t)word_at(bytes + 10);
    identity->release = (uint16_t)word_at(bytes + 12);
    transport->get_string(transport->state, bytes[14], identity->vendor, sizeof identity->vendor);
    transport->get_string(transport->state, bytes[15], identity->product, sizeof identity->product);
    transport->get_string(transport->state, bytes[16], identity->serial, sizeof identity->serial);
    return true;
}

/* To be freed; NULL: it cannot be read, or there is no memory. */
static uint8_t *read_report_descriptor(struct shut *shut, size_t *length)
{
    uint8_t bytes[9];

    if (shut_line_get_descriptor(&shut->line, INTERFACE, HID_CLASS_DESCRIPTOR, 0, bytes,
                                 sizeof bytes) != sizeof bytes ||
        bytes[1] != HID_CLASS_DESCRIPTOR)
        return NULL;
    *length = word_at(bytes + 7);
    if (*length == 0 || *length > HID_DESCRIPTOR_MAX)
        return NULL;
    uint8_t *descriptor = malloc(*length);
    if (descriptor == NULL || shut_line_get_descriptor(&shut->line, INTERFACE, REPORT_DESCRIPTOR, 0,
                                                       descriptor, *length) != (ssize_t)*length) {
        free(descriptor);
        return NULL;
    }
    return descriptor;
}

static enum driver_result begin(struct device *device, struct memory *memory)
{
    struct shut *shut = device->state;
    struct hid_identity identity = { .vendor_id = 0 };
    char problem[160];
    size_t length;

    shut->line.sync = shut->options.sync;
    shut->transport = shut_line_transport(&shut->line);
    if (shut_line_begin(&shut->line) != HID_OK)
        return lost(device);
    if (!read_identity(shut, &identity))
        return driver_problem(device, DRIVER_GONE, "does not say who it is");
    uint8_t *descriptor = read_report_descriptor(shut, &length);
    if (descriptor == NULL)
        return driver_problem(device, DRIVER_GONE, "its report descriptor cannot be read");
    shut->hid =
        hid_device_new(&identity, &memory->settings, descriptor, length, &shut->transport, problem);
    free(descriptor);
    return shut->hid != NULL ? DRIVER_OK : driver_problem(device, DRIVER_GONE, "%s", problem);
}

static enum driver_result open_shut(struct device *device)
{
    struct config_report report = { .sink = ignore_complaint };
    const struct serial_settings settings = {
        .baud = BAUD, .ignores_locks = device_option_find(device->settings, "nolock") != NULL
    };
    struct shut *shut = calloc(1, sizeof *shut);

    if (shut == NULL)
        return driver_problem(device, DRIVER_GONE, "out of memory");
    if (!read_options(device->settings, &shut->options, &report)) {
        free(shut);
        return driver_problem(device, DRIVER_REFUSED, "its section is wrong");
    }
    struct memory *memory = remember(device, &shut->options.hid);
    const struct serial_caller caller = { .wake_descriptor = driver_wake_descriptor(device),
                                          .must_stop = must_stop,
                                          .context = shut };
    shut->device = device;
    device->state = shut;
    enum driver_result result = driver_problem(device, DRIVER_GONE, "out of memory");
    if (memory != NULL) {
        shut->line.port = serial_port_open(device->settings->port, &settings, &caller,
                                           device->problem, sizeof device->problem);
        if (shut->line.port != NULL) {
            /* The cable is fed by the one, and must not be by the other; ignored if there are none.
             */
            serial_port_set_lines(shut->line.port, SERIAL_DTR);
            result = begin(device, memory);
        }
    }
    if (result != DRIVER_OK)
        close_shut(device);
    return result;
}

/* Reading and writing ------------------------------------------------------------------------ */

static void publish_driver(const struct device *device, struct update *update)
{
    const struct shut *shut = device->state;
    const struct shut_counts *counts = &shut->line.counts;

    update_setf(update, "driver.version.data", "%s HID", shut->hid->family->name);
    if (device_option(device->settings, "pollfreq") == NULL)
        update_setf(update, "driver.parameter.pollfreq", "%d", POLL_FREQUENCY);
    update_setf(update, "driver.serial.silent", "%lu", counts->silent);
    update_setf(update, "driver.serial.garbled", "%lu", counts->garbled);
    update_setf(update, "driver.serial.entries", "%lu", counts->synchronised);
    update_setf(update, "driver.serial.alerts", "%lu", counts->notifications);
}

static enum driver_result poll_shut(struct device *device, enum poll_kind kind,
                                    struct update *update)
{
    struct shut *shut = device->state;

    if (shut->has_written && !shut->has_spoken) {
        shut->has_written = false;
        kind = POLL_FULL;
    }
    shut->has_spoken = false;
    switch (hid_device_poll(shut->hid, kind, update)) {
    case HID_OK:
        if (kind == POLL_FULL)
            publish_driver(device, update);
        return DRIVER_OK;
    case HID_STALLED:
    case HID_SHORT:
        return driver_problem(device, DRIVER_FAILED, "%s", shut->hid->problem);
    case HID_TIMED_OUT:
    case HID_BROKEN:
        break;
    }
    return lost(device);
}

static enum driver_result wait_shut(struct device *device, int timeout_ms, bool *happened)
{
    struct shut *shut = device->state;
    struct pollfd wake = { .fd = driver_wake_descriptor(device), .events = POLLIN };
    uint8_t bytes[HID_REPORT_MAX];

    if (shut->transport.read_input == NULL) {
        poll(&wake, 1, timeout_ms);
        return DRIVER_OK;
    }
    shut->waits = true;
    ssize_t got = shut->transport.read_input(&shut->line, timeout_ms, bytes, sizeof bytes);
    for (unsigned i = 0; got > 0 && i < SHUT_INPUTS_MAX; i++) {
        *happened |= hid_device_take_input(shut->hid, bytes, (size_t)got);
        got = shut->transport.read_input(&shut->line, 0, bytes, sizeof bytes);
    }
    shut->waits = false;
    shut->has_spoken |= *happened;
    return got >= 0 || driver_must_stop(device) ? DRIVER_OK : lost(device);
}

static enum ups_outcome command(struct device *device, const char *name, const char *parameter,
                                struct update *update)
{
    struct shut *shut = device->state;

    shut->has_written = true;
    return hid_device_command(shut->hid, name, parameter, update);
}

static enum ups_outcome set(struct device *device, const char *name, const char *value,
                            struct update *update)
{
    struct shut *shut = device->state;

    shut->has_written = true;
    return hid_device_set(shut->hid, name, value, update);
}

const struct driver driver_shut = {
    .name = "shut",
    .answers_to = nut_names,
    .description = "MGE, Eaton and Dell UPSes with HID on a serial line (SHUT)",
    .options = option_names,
    .full_poll = POLL_FREQUENCY,
    .check = check,
    .open = open_shut,
    .poll = poll_shut,
    .wait = wait_shut,
    .command = command,
    .set = set,
    .close = close_shut,
    .forget = forget,
};
