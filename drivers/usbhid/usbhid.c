/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver of USB HID UPSes: puts the USB transport (drivers/usb_device.h) below the HID UPS
 * (drivers/usbhid/device.h), and both under the worker.
 */
#include "drivers/usbhid/usbhid.h"

#include "core/log.h"
#include "core/loop.h"
#include "drivers/usb_device.h"
#include "drivers/usbhid/device.h"
#include "drivers/usbhid/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUTS_AT_ONCE 64 /* reports taken before the worker's next step */
#define LARGE_REPORT 256  /* for HID_QUIRK_LARGE_READS */
#define PROBLEM_MAX 256

/* What outlives unplugging. */
struct memory {
    struct usb_match *match;
    uint64_t lost; /* clock_ms(); 0: it was not */
    bool has_settings;
    struct hid_options settings; /* as clients have changed them */
};

struct usbhid {
    struct usbhid_options options;
    struct usb_device *usb;
    struct hid_transport transport; /* the device's, but for what it refuses */
    struct hid_device *hid;
    bool listens;
    bool has_spoken;       /* an interrupt report is to be published: quickly */
    bool has_written;      /* what a command has changed besides shows with the next poll */
    unsigned silent_polls; /* since an interrupt report came */
};

/* The section -------------------------------------------------------------------------------- */

static void check(const struct device_settings *settings, const char *directory,
                  struct config_report *report)
{
    struct usbhid_options options;

    (void)directory;
    usbhid_options_read(settings, &options, report);
    usb_match_free(usb_match_new(settings, report));
}

/* For an open device's section nobody is told what is wrong: -t and the start have said it. */
static void ignore_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    (void)text;
}

/* Opening and closing ------------------------------------------------------------------------ */

/* Some device has come. */
static void try_again(void *context)
{
    driver_retry(context);
}

static bool must_stop(const void *context)
{
    return driver_must_stop(context);
}

static bool is_power_device(const struct hid_identity *identity, const uint8_t *bytes,
                            size_t length)
{
    struct hid_descriptor *descriptor = hid_descriptor_parse(bytes, length);
    unsigned quirks = 0;
    bool is_one = descriptor != NULL && descriptor->field_count > 0 &&
                  family_find(identity, descriptor, &quirks) != NULL;

    hid_descriptor_free(descriptor);
    return is_one;
}

/* The memory of the first open() on. NULL: the section is wrong, or there is no memory. */
static struct memory *remember(struct device *device, struct config_report *report)
{
    struct memory *memory = device->memory;

    if (memory != NULL)
        return memory;
    memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return NULL;
    memory->match = usb_match_new(device->settings, report);
    if (memory->match == NULL) {
        free(memory);
        return NULL;
    }
    if (!usb_match_watch(memory->match, try_again, device))
        log_debug(1, "[%s] new USB devices are not told of: it is looked for now and then",
                  device->name);
    device->memory = memory;
    return memory;
}

static void forget(struct device *device)
{
    struct memory *memory = device->memory;

    if (memory == NULL)
        return;
    usb_match_free(memory->match);
    free(memory);
    device->memory = NULL;
}

/* The longest report it may send: buffers must be so long, and no longer. */
static size_t longest_input(const struct hid_descriptor *descriptor)
{
    size_t longest = 0;

    for (size_t i = 0; i < 256; i++) {
        if (descriptor->report_sizes[HID_INPUT - 1][i] > longest)
            longest = descriptor->report_sizes[HID_INPUT - 1][i];
    }
    return longest;
}

static void close_usbhid(struct device *device)
{
    struct usbhid *usbhid = device->state;
    struct memory *memory = device->memory;

    if (usbhid->hid != NULL) {
        memory->settings = usbhid->options.hid;
        hid_device_keep_settings(usbhid->hid, &memory->settings);
        memory->has_settings = true;
    }
    hid_device_free(usbhid->hid);
    if (usbhid->usb != NULL) {
        usb_device_close(usbhid->usb);
        memory->lost = clock_ms();
    }
    free(usbhid);
    device->state = NULL;
}

static enum driver_result open_device(struct device *device, struct memory *memory)
{
    struct usbhid *usbhid = device->state;
    const struct usb_caller caller = { .wake_descriptor = driver_wake_descriptor(device),
                                       .must_stop = must_stop,
                                       .context = device };
    char problem[160];
    size_t length;

    if (memory->has_settings)
        usbhid->options.hid = memory->settings;
    usbhid->options.usb.is_wanted = is_power_device;
    usbhid->usb = usb_device_open(memory->match, &usbhid->options.usb, &caller, device->problem,
                                  sizeof device->problem);
    if (usbhid->usb == NULL)
        return DRIVER_GONE;
    const uint8_t *descriptor = usb_device_report_descriptor(usbhid->usb, &length);
    usbhid->transport = *usb_device_transport(usbhid->usb);
    usbhid->hid = hid_device_new(usb_device_identity(usbhid->usb), &usbhid->options.hid, descriptor,
                                 length, &usbhid->transport, problem);
    if (usbhid->hid == NULL)
        return driver_problem(device, DRIVER_GONE, "USB device %s: %s",
                              usb_device_place(usbhid->usb)->busport, problem);
    /* To ask it all the same would cost a time-out for each report. */
    if (usbhid->options.hid.input_only || (usbhid->hid->quirks & HID_QUIRK_INPUT_ONLY) != 0)
        usbhid->transport.get_report = NULL;
    if ((usbhid->hid->quirks & HID_QUIRK_LARGE_READS) != 0)
        usb_device_set_report_buffer(usbhid->usb, LARGE_REPORT);
    if (!usbhid->options.hid.poll_only && (usbhid->hid->quirks & HID_QUIRK_POLL_ONLY) == 0)
        usbhid->listens = usb_device_listen(usbhid->usb, longest_input(usbhid->hid->descriptor));
    return DRIVER_OK;
}

static enum driver_result open_usbhid(struct device *device)
{
    struct config_report report = { .sink = ignore_complaint };
    struct memory *memory = remember(device, &report);
    struct usbhid *usbhid = calloc(1, sizeof *usbhid);

    if (usbhid == NULL || memory == NULL ||
        !usbhid_options_read(device->settings, &usbhid->options, &report)) {
        free(usbhid);
        return driver_problem(device, report.errors > 0 ? DRIVER_REFUSED : DRIVER_GONE,
                              report.errors > 0 ? "its section is wrong" : "out of memory");
    }
    device->state = usbhid;
    uint64_t ready = memory->lost + (uint64_t)usbhid->options.reconnect_wait * 1000;
    enum driver_result result;
    if (memory->lost != 0 && clock_ms() < ready)
        result = driver_problem(device, DRIVER_GONE, "waits for %u s (waitbeforereconnect)",
                                usbhid->options.reconnect_wait);
    else
        result = open_device(device, memory);
    if (result != DRIVER_OK)
        close_usbhid(device);
    return result;
}

/* Reading ------------------------------------------------------------------------------------ */

static enum driver_result lost(struct device *device)
{
    const struct usbhid *usbhid = device->state;

    if (usb_device_is_gone(usbhid->usb))
        return driver_problem(device, DRIVER_GONE, "unplugged, or reset by the bus");
    return driver_problem(device, DRIVER_GONE, "%s",
                          usbhid->hid->problem[0] != '\0' ? usbhid->hid->problem
                                                          : "it no longer answers");
}

/* What the transport and the tables have to say of themselves. */
static void publish_driver(const struct device *device, struct update *update)
{
    const struct usbhid *usbhid = device->state;
    const struct memory *memory = device->memory;
    const struct usb_place *place = usb_device_place(usbhid->usb);
    const struct usb_counters *counters = usb_match_counters(memory->match);
    char version[64];

    usb_library_version(version, sizeof version);
    update_set(update, "driver.version.usb", version);
    update_setf(update, "driver.version.data", "%s HID", usbhid->hid->family->name);
    if (device_option(device->settings, "pollfreq") == NULL)
        update_setf(update, "driver.parameter.pollfreq", "%d", USBHID_POLL_FREQUENCY);
    update_set(update, "driver.usb.bus", place->bus);
    update_set(update, "driver.usb.device", place->number);
    update_set(update, "driver.usb.busport", place->busport);
    update_setf(update, "driver.usb.errors.disconnect", "%u", counters->disconnects);
    update_setf(update, "driver.usb.errors.io", "%u", counters->io);
    update_setf(update, "driver.usb.errors.overflow", "%u", counters->overflows);
    update_setf(update, "driver.usb.errors.stall", "%u", counters->stalls);
    update_setf(update, "driver.usb.errors.timeout", "%u", counters->timeouts);
    update_setf(update, "driver.usb.reconnects", "%u", counters->reopened);
}

static enum driver_result poll_usbhid(struct device *device, enum poll_kind kind,
                                      struct update *update)
{
    struct usbhid *usbhid = device->state;

    if (usbhid->listens && usbhid->options.silence_limit > 0 &&
        ++usbhid->silent_polls > usbhid->options.silence_limit)
        return driver_problem(device, DRIVER_GONE,
                              "nothing has come on its interrupt endpoint for too long");
    if (usbhid->has_written && !usbhid->has_spoken) {
        usbhid->has_written = false;
        kind = POLL_FULL;
    }
    usbhid->has_spoken = false;
    switch (hid_device_poll(usbhid->hid, kind, update)) {
    case HID_OK:
        if (kind == POLL_FULL)
            publish_driver(device, update);
        return DRIVER_OK;
    case HID_STALLED:
    case HID_SHORT:
        return driver_problem(device, DRIVER_FAILED, "%s", usbhid->hid->problem);
    case HID_TIMED_OUT:
    case HID_BROKEN:
        break;
    }
    return lost(device);
}

static enum driver_result wait_usbhid(struct device *device, int timeout_ms, bool *happened)
{
    struct usbhid *usbhid = device->state;
    const struct hid_transport *transport = &usbhid->transport;
    uint8_t bytes[HID_REPORT_MAX];
    ssize_t got = transport->read_input(transport->state, timeout_ms, bytes, sizeof bytes);

    for (unsigned i = 0; got > 0 && i < INPUTS_AT_ONCE; i++) {
        usbhid->silent_polls = 0;
        *happened |= hid_device_take_input(usbhid->hid, bytes, (size_t)got);
        got = transport->read_input(transport->state, 0, bytes, sizeof bytes);
    }
    usbhid->has_spoken |= *happened;
    return got >= 0 || driver_must_stop(device) ? DRIVER_OK : lost(device);
}

/* Writing ------------------------------------------------------------------------------------ */

static enum ups_outcome command(struct device *device, const char *name, const char *parameter,
                                struct update *update)
{
    struct usbhid *usbhid = device->state;

    usbhid->has_written = true;
    return hid_device_command(usbhid->hid, name, parameter, update);
}

static enum ups_outcome set(struct device *device, const char *name, const char *value,
                            struct update *update)
{
    struct usbhid *usbhid = device->state;

    usbhid->has_written = true;
    return hid_device_set(usbhid->hid, name, value, update);
}

static const char *const nut_names[] = { "usbhid-ups", NULL };

const struct driver driver_usbhid = {
    .name = "usbhid",
    .answers_to = nut_names,
    .description = "UPSes with a USB HID interface (USB's power device class)",
    .options = usbhid_option_names,
    .full_poll = USBHID_POLL_FREQUENCY,
    .check = check,
    .open = open_usbhid,
    .poll = poll_usbhid,
    .wait = wait_usbhid,
    .command = command,
    .set = set,
    .close = close_usbhid,
    .forget = forget,
};
