/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the USB transport (libusb-1.0): finds the device a section means, claims it so that no
 * other section can, and carries HID requests with deadlines.
 *
 * Blocking, for worker threads. Each open device has a libusb context of its own, whose events its
 * worker handles while it waits: no lock, no thread between the two, and each attempt to open sees
 * what is attached now, with or without udev. A device that is unplugged ends every call with
 * HID_BROKEN, and so does a caller that must stop. What the device sends by itself is read by an
 * asynchronous transfer that is always under way, so that nothing is lost between two calls.
 * Source: USB 2.0 chapter 9, HID 1.11 section 7, libusb-1.0's documentation.
 */
#ifndef UPSBRIDGE_DRIVERS_USB_DEVICE_H
#define UPSBRIDGE_DRIVERS_USB_DEVICE_H

#include "core/settings.h"
#include "drivers/usbhid/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often each kind of failure was met since the section began. */
struct usb_counters {
    unsigned io, timeouts, stalls, overflows, disconnects, reopened;
};

/*
 * Which device a section means, and what is remembered of it while it is away: which one it was,
 * and how it fared. Lives as long as the section.
 */
struct usb_match;

/*
 * From the section's vendorid, productid, vendor, product, serial, bus, device, busport, bcdDevice.
 * Texts are extended regular expressions without regard to case, as in NUT. Numbers may be written
 * as such (hexadecimal for ids, decimal for places), or as an expression for "051d", "002". busport
 * is a path of ports, "1-1.2", as a whole. Reports what is wrong with file and line, and returns
 * NULL then; NULL without a report: out of memory.
 */
struct usb_match *usb_match_new(const struct device_settings *settings,
                                struct config_report *report);
void usb_match_free(struct usb_match *match);

/*
 * Has arrived() called, in a thread of this module's, whenever a device has come that may be the
 * one, until usb_match_free(). False: that cannot be had, try again by yourself.
 */
bool usb_match_watch(struct usb_match *match, void (*arrived)(void *context), void *context);
const struct usb_counters *usb_match_counters(const struct usb_match *match);

struct usb_options {
    int altsetting;         /* usb_set_altinterface; -1: leave it */
    int descriptor_index;   /* usb_hid_desc_index; -1: as is_wanted() and its quirks find it */
    int interface;          /* usb_hid_rep_index; -1: find it */
    int endpoint_in;        /* usb_hid_ep_in; -1: find it */
    unsigned report_buffer; /* maxreport: ask for at least so many bytes; 0: as declared */
    unsigned input_limit;   /* interruptsize: read so many bytes at most; 0: as declared */
    /* Is this what is looked for, by its report descriptor? */
    bool (*is_wanted)(const struct hid_identity *identity, const uint8_t *descriptor,
                      size_t length);
};

/* Who calls, and how calls are ended early. */
struct usb_caller {
    int wake_descriptor; /* readable: look at must_stop(), and let go of waits for input; -1: none
                          */
    bool (*must_stop)(const void *context); /* NULL: never */
    const void *context;
};

struct usb_device;

/*
 * Finds, opens and claims. NULL with a text in problem: the text tells apart that there is no such
 * device, that it may not be opened (names the node, its owner and mode, and the udev rules file),
 * that another program or section has it (names it), and what libusb says else. The unit of before
 * is preferred to others that match, and one that a waiting section had is left to that.
 */
struct usb_device *usb_device_open(struct usb_match *match, const struct usb_options *options,
                                   const struct usb_caller *caller, char *problem, size_t size);
/* Has it been unplugged (or gone off the bus otherwise)? */
bool usb_device_is_gone(const struct usb_device *device);
/* Gives the interface back to the kernel's driver. */
void usb_device_close(struct usb_device *device);

const struct hid_identity *usb_device_identity(const struct usb_device *device);
const uint8_t *usb_device_report_descriptor(const struct usb_device *device, size_t *length);
/* Reports as drivers/usbhid/transport.h wants them. Lives as long as the device. */
const struct hid_transport *usb_device_transport(struct usb_device *device);

/* Asks for at least so many bytes a report from now on (HID_QUIRK_LARGE_READS). */
void usb_device_set_report_buffer(struct usb_device *device, unsigned size);

/*
 * Begins to listen on the interrupt endpoint, to reports of so many bytes at most (as the report
 * descriptor says). False: it has no such endpoint, or there is nothing to be heard.
 */
bool usb_device_listen(struct usb_device *device, size_t size);

/* "001", "002", "1-1.2" (bus, device number, path of ports): for driver.* and log lines. */
struct usb_place {
    char bus[4], number[4], busport[32];
};
const struct usb_place *usb_device_place(const struct usb_device *device);

/* "libusb-1.0.26 (API: 0x1000109)" */
void usb_library_version(char *out, size_t size);

/* Every attached device with a HID interface, for --scan: calls seen() for each; false: no USB. */
struct usb_found {
    struct hid_identity identity;
    struct usb_place place;
    const uint8_t *report_descriptor; /* NULL: it could not be read */
    size_t report_descriptor_length;
    const char *problem; /* NULL: none */
};
bool usb_scan(void (*seen)(void *context, const struct usb_found *found), void *context);

#endif
