/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the options of a section with driver usbhid, NUT's usbhid-ups's, as typed values.
 */
#ifndef UPSBRIDGE_USBHID_OPTIONS_H
#define UPSBRIDGE_USBHID_OPTIONS_H

#include "drivers/driver.h"
#include "drivers/usb_device.h"
#include "drivers/usbhid/device.h"

#define USBHID_POLL_FREQUENCY 30 /* pollfreq: seconds, unless given */

struct usbhid_options {
    struct hid_options hid;
    struct usb_options usb;
    unsigned silence_limit;  /* polls without an interrupt report before reopening; 0: never */
    unsigned reconnect_wait; /* seconds */
};

extern const struct driver_option usbhid_option_names[];

/* False: something is wrong, and was reported with file and line. */
bool usbhid_options_read(const struct device_settings *settings, struct usbhid_options *options,
                         struct config_report *report);

#endif
