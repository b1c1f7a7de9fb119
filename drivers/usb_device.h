/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the USB transport (libusb-1.0): finds the device a section means, claims it so that no
 * other section can, and carries HID requests with deadlines. One libusb context serves all; it is
 * opened with the first device and closed with the last.
 *
 * Blocking, for worker threads. A device that is unplugged ends every call with HID_BROKEN. What
 * the device sends by itself is read by an asynchronous transfer that is always under way, so that
 * nothing is lost between two calls.
 * Source: USB 2.0 chapter 9, HID 1.11 section 7, libusb-1.0's documentation.
 */
#ifndef UPSBRIDGE_DRIVERS_USB_DEVICE_H
#define UPSBRIDGE_DRIVERS_USB_DEVICE_H

#include "core/settings.h"
#include "drivers/usbhid/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which device a section means. Texts are extended regular expressions, without regard to case, as
 * in NUT; numbers are hexadecimal there. */
struct usb_match;

/* From the section's vendorid, productid, vendor, product, serial, bus, device, busport, bcdDevice.
 * Reports what is wrong with file and line; NULL then, or out of memory. */
struct usb_match *usb_match_new(const struct device_settings *settings,
                                struct config_report *report);
void usb_match_free(struct usb_match *match);

struct usb_options {
    int altsetting;         /* usb_set_altinterface; -1: leave it */
    int descriptor_index;   /* usb_hid_desc_index; -1: 0, or as the family's quirk says */
    int interface;          /* usb_hid_rep_index; -1: find it */
    int endpoint_in;        /* usb_hid_ep_in; -1: find it */
    unsigned report_buffer; /* maxreport: ask for at least so many bytes; 0: as declared */
    bool read_input;        /* listen on the interrupt endpoint */
};

struct usb_device;

/*
 * Finds, opens and claims. NULL with a text in problem: the text tells apart that there is no such
 * device, that it may not be opened (names the node, its owner and mode, and the udev rules file),
 * that another program or section has it (names it), and what libusb says else. *permanent: trying
 * again soon is of no use. is_power_device decides on the report descriptor whether it is what is
 * looked for; its bytes stay in the device.
 */
struct usb_device *usb_device_open(const struct usb_match *match, const struct usb_options *options,
                                   int wake_descriptor, char *problem, size_t size,
                                   bool *permanent);
/* Gives the interface back to the kernel's driver. */
void usb_device_close(struct usb_device *device);

const struct hid_identity *usb_device_identity(const struct usb_device *device);
const uint8_t *usb_device_report_descriptor(const struct usb_device *device, size_t *length);
/* Reports as drivers/usbhid/transport.h wants them. Lives as long as the device. */
const struct hid_transport *usb_device_transport(struct usb_device *device);
/* Interrupt reports are this long at most: from the report descriptor; call before reading. */
void usb_device_set_input_size(struct usb_device *device, size_t size);

/* "001", "002", "1-1.2" (bus, device number, path of ports): for driver.* and log lines. */
void usb_device_place(const struct usb_device *device, char bus[4], char number[4],
                      char busport[32]);

/* How often each kind of failure was met since this process started with that section's device. */
struct usb_counters {
    unsigned io, timeouts, stalls, overflows, disconnects, reopened;
};
const struct usb_counters *usb_device_counters(const struct usb_device *device);

/* Every attached device with a HID interface, for --scan: calls seen() for each; false: no USB. */
struct usb_found {
    struct hid_identity identity;
    char bus[4], number[4], busport[32];
    const uint8_t *report_descriptor; /* NULL: it could not be read */
    size_t report_descriptor_length;
    const char *problem; /* NULL: none */
};
bool usb_scan(void (*seen)(void *context, const struct usb_found *found), void *context);

#endif
