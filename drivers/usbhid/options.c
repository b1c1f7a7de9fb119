/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/options.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LARGE_REPORT 256 /* what maxreport asks for, as NUT's does */

const struct driver_option usbhid_option_names[] = {
    { "vendorid", false },
    { "productid", false },
    { "vendor", false },
    { "product", false },
    { "serial", false },
    { "bus", false },
    { "device", false },
    { "busport", false },
    { "bcdDevice", false },
    { "subdriver", false },
    { "explore", true },
    { "allow_duplicates", true },
    { "pollfreq", false },
    { "pollonly", true },
    { "interruptonly", true },
    { "interruptsize", false },
    { "interrupt_pipe_no_events_tolerance", false },
    { "maxreport", true },
    { "waitbeforereconnect", false },
    { "offdelay", false },
    { "ondelay", false },
    { "lowbatt", false },
    { "onlinedischarge", true },
    { "onlinedischarge_onbattery", true },
    { "onlinedischarge_calibration", true },
    { "onlinedischarge_log_throttle_sec", false },
    { "onlinedischarge_log_throttle_hovercharge", false },
    { "lbrb_log_delay_sec", false },
    { "lbrb_log_delay_without_calibrating", true },
    { "disable_fix_report_desc", true },
    { "powercom_sdcmd_byte_order_fallback", true },
    { "powercom_sdcmd_discrete_delay", true },
    { "langid_fix", false },
    { "usb_set_altinterface", false },
    { "usb_config_index", false },
    { "usb_hid_rep_index", false },
    { "usb_hid_desc_index", false },
    { "usb_hid_ep_in", false },
    { "usb_hid_ep_out", false },
    { NULL, false },
};

/* Options of NUT's that there is nothing to do for here. */
static const char *const without_effect[] = {
    "subdriver",
    "onlinedischarge_log_throttle_sec",
    "onlinedischarge_log_throttle_hovercharge",
    "lbrb_log_delay_sec",
    "lbrb_log_delay_without_calibrating",
    "powercom_sdcmd_discrete_delay",
    "langid_fix",
    "usb_config_index",
    "usb_hid_ep_out",
};

struct reader {
    const struct device_settings *settings;
    struct config_report *report;
    bool good;
};

/* A number within its bounds; absent if it is not given. base 0: 0x.. is hexadecimal. */
static long number(struct reader *reader, const char *key, int base, long minimum, long maximum,
                   long absent)
{
    const struct option_setting *option = device_option_find(reader->settings, key);
    char *end = NULL;

    if (option == NULL)
        return absent;
    const char *text = option->value == NULL ? "" : option->value;
    long value = strtol(text, &end, base);
    if (end != text && *end == '\0' && value >= minimum && value <= maximum)
        return value;
    config_error(reader->report, reader->settings->file, option->line,
                 "[%s] %s must be a number from %ld to %ld, not '%s'", reader->settings->name, key,
                 minimum, maximum, text);
    reader->good = false;
    return absent;
}

static unsigned unsigned_number(struct reader *reader, const char *key, long minimum, long maximum,
                                unsigned absent)
{
    long value = number(reader, key, 10, minimum, maximum, -1);

    return value < 0 ? absent : (unsigned)value;
}

static bool flag(const struct reader *reader, const char *key)
{
    return device_option_find(reader->settings, key) != NULL;
}

static void read_hid(struct reader *reader, struct hid_options *hid)
{
    hid->off_delay = unsigned_number(reader, "offdelay", 0, 604800, UINT_MAX);
    hid->on_delay = unsigned_number(reader, "ondelay", 0, 604800, UINT_MAX);
    hid->low_charge = unsigned_number(reader, "lowbatt", 1, 100, 0);
    hid->poll_only = flag(reader, "pollonly");
    hid->input_only = flag(reader, "interruptonly");
    hid->discharge_is_ob =
        flag(reader, "onlinedischarge") || flag(reader, "onlinedischarge_onbattery");
    hid->discharge_is_cal = flag(reader, "onlinedischarge_calibration");
    hid->keep_descriptor = flag(reader, "disable_fix_report_desc");
    hid->powercom_swapped = flag(reader, "powercom_sdcmd_byte_order_fallback");
}

static void read_usb(struct reader *reader, struct usb_options *usb)
{
    usb->altsetting = (int)number(reader, "usb_set_altinterface", 0, 0, 255, -1);
    usb->descriptor_index = (int)number(reader, "usb_hid_desc_index", 0, 0, 255, -1);
    usb->interface = (int)number(reader, "usb_hid_rep_index", 0, 0, 255, -1);
    usb->endpoint_in = (int)number(reader, "usb_hid_ep_in", 0, 1, 255, -1);
    /* NUT's users write 4 for what USB calls 0x84. */
    if (usb->endpoint_in > 0)
        usb->endpoint_in |= 0x80;
    usb->report_buffer = flag(reader, "maxreport") ? LARGE_REPORT : 0;
    usb->input_limit = unsigned_number(reader, "interruptsize", 1, HID_REPORT_MAX, 0);
}

static void check_port(struct reader *reader)
{
    const struct device_settings *settings = reader->settings;
    const struct option_setting *option = device_option_find(settings, "port");

    if (strcmp(settings->port, "auto") == 0 || settings->port[0] == '/')
        return;
    config_error(reader->report, settings->file, option == NULL ? settings->line : option->line,
                 "[%s] port must be auto for a USB device, not '%s'", settings->name,
                 settings->port);
    reader->good = false;
}

static void check_conflicts(struct reader *reader, const struct hid_options *hid)
{
    const struct device_settings *settings = reader->settings;

    if (hid->poll_only && hid->input_only) {
        config_error(reader->report, settings->file, settings->line,
                     "[%s] pollonly and interruptonly leave no way to read the device",
                     settings->name);
        reader->good = false;
    }
    if (hid->off_delay != UINT_MAX && hid->on_delay != UINT_MAX && hid->on_delay != 0 &&
        hid->on_delay <= hid->off_delay)
        config_warning(reader->report, settings->file, settings->line,
                       "[%s] ondelay %u is not longer than offdelay %u: the load may not come back",
                       settings->name, hid->on_delay, hid->off_delay);
    for (size_t i = 0; i < sizeof without_effect / sizeof without_effect[0]; i++) {
        const struct option_setting *option = device_option_find(settings, without_effect[i]);

        if (option != NULL)
            config_warning(reader->report, settings->file, option->line,
                           "[%s] option '%s' has no effect here", settings->name, option->key);
    }
}

bool usbhid_options_read(const struct device_settings *settings, struct usbhid_options *options,
                         struct config_report *report)
{
    struct reader reader = { settings, report, true };

    *options = (struct usbhid_options){ 0 };
    check_port(&reader);
    read_hid(&reader, &options->hid);
    read_usb(&reader, &options->usb);
    /* The worker reads it by itself, and takes no notice of what is wrong. */
    (void)number(&reader, "pollfreq", 10, 1, 86400, USBHID_POLL_FREQUENCY);
    long silence = number(&reader, "interrupt_pipe_no_events_tolerance", 10, -1, 1000000, -1);
    options->silence_limit = silence < 0 ? 0 : (unsigned)silence + 1;
    options->reconnect_wait = unsigned_number(&reader, "waitbeforereconnect", 0, 3600, 0);
    check_conflicts(&reader, &options->hid);
    return reader.good;
}
