/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of the Q family over a USB bridge, which the USB transport finds and claims. */
#include "drivers/megatec/bridge.h"
#include "drivers/megatec/transport.h"
#include "drivers/usb_device.h"

#include <stdlib.h>
#include <string.h>

struct line {
    struct usb_device *usb;
    const struct hid_transport *transport;
    const struct megatec_framing *framing;
};

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

static bool is_bridge(const struct hid_identity *identity, const uint8_t *descriptor, size_t length)
{
    (void)descriptor;
    (void)length;
    return megatec_framing_of(identity) != NULL;
}

/* Some device has come. */
static void try_again(void *context)
{
    driver_retry(context);
}

static struct usb_match *match_of(struct device *device, void **memory)
{
    struct config_report report = { .sink = ignore_complaint };

    if (*memory == NULL) {
        *memory = usb_match_new(device->settings, &report);
        if (*memory != NULL)
            (void)usb_match_watch(*memory, try_again, device);
    }
    return *memory;
}

static void close_line(void *state)
{
    struct line *line = state;

    if (line->usb != NULL)
        usb_device_close(line->usb);
    free(line);
}

static void *open_line(struct device *device, const struct megatec_options *options, void **memory)
{
    const char *subdriver = device_option(device->settings, "subdriver");
    const struct usb_options usb_options = { .altsetting = -1,
                                             .descriptor_index = -1,
                                             .interface = -1,
                                             .endpoint_in = -1,
                                             .is_wanted = subdriver == NULL ? is_bridge : NULL };
    /* A command that waits must not cut an answer short: must_stop() alone ends a call. */
    const struct usb_caller caller = { -1, must_stop, device };
    struct usb_match *match = match_of(device, memory);
    struct line *line = calloc(1, sizeof *line);

    (void)options;
    if (match == NULL || line == NULL) {
        free(line);
        driver_problem(device, DRIVER_GONE, "out of memory");
        return NULL;
    }
    line->usb =
        usb_device_open(match, &usb_options, &caller, device->problem, sizeof device->problem);
    if (line->usb == NULL) {
        close_line(line);
        return NULL;
    }
    line->transport = usb_device_transport(line->usb);
    line->framing = subdriver == NULL ? megatec_framing_of(usb_device_identity(line->usb))
                                      : megatec_framing_find(subdriver);
    size_t input = megatec_framing_input(line->framing);
    if (input > 0 && !usb_device_listen(line->usb, input)) {
        driver_problem(device, DRIVER_GONE, "USB device %s has no endpoint to answer by",
                       usb_device_place(line->usb)->busport);
        close_line(line);
        return NULL;
    }
    return line;
}

static bool forget_input(void *state, bool is_late)
{
    const struct line *line = state;

    return megatec_bridge_forget(line->framing, line->transport, is_late);
}

static ssize_t exchange(void *state, const char *text, char *answer, size_t size,
                        unsigned timeout_ms)
{
    const struct line *line = state;

    return megatec_bridge_exchange(line->framing, line->transport, text, answer, size, timeout_ms);
}

static bool check(const struct device_settings *settings, struct config_report *report)
{
    const struct option_setting *subdriver = device_option_find(settings, "subdriver");
    struct usb_match *match = usb_match_new(settings, report);
    bool is_good = match != NULL;

    usb_match_free(match);
    if (subdriver == NULL)
        return is_good;
    if (subdriver->value == NULL || megatec_framing_find(subdriver->value) == NULL) {
        config_error(report, settings->file, subdriver->line,
                     "[%s] subdriver must be one of armac cypress fabula fuji hunnox ippon krauler "
                     "phoenix sgs snr, not '%s'",
                     settings->name, subdriver->value == NULL ? "" : subdriver->value);
        is_good = false;
    }
    if (device_option(settings, "vendorid") == NULL ||
        device_option(settings, "productid") == NULL) {
        config_error(report, settings->file, subdriver->line,
                     "[%s] subdriver needs vendorid and productid, so that no other device is "
                     "written to",
                     settings->name);
        is_good = false;
    }
    return is_good;
}

static void forget_match(void *memory)
{
    usb_match_free(memory);
}

const struct megatec_transport megatec_usb = {
    .check = check,
    .open = open_line,
    .forget_input = forget_input,
    .exchange = exchange,
    .close = close_line,
    .forget = forget_match,
};
