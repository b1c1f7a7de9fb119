/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: how reports travel, so that the HID logic does not know libusb (drivers/usb_device.h), a
 * serial line (SHUT) or a test's table of reports.
 *
 * All calls end by their deadline; a call that fails says why in enum hid_result.
 */
#ifndef UPSBRIDGE_USBHID_TRANSPORT_H
#define UPSBRIDGE_USBHID_TRANSPORT_H

#include "drivers/usbhid/descriptor.h"

#include <sys/types.h>

enum hid_result {
    HID_OK = 0,
    HID_STALLED = -1,   /* this report is not to be had; the device is well */
    HID_TIMED_OUT = -2, /* no answer: once may happen */
    HID_BROKEN = -3,    /* the connection is to be closed and opened anew */
    HID_SHORT = -4,     /* what came is no such report */
};

struct hid_transport {
    void *state;
    /* Reads a report, its number first if reports are numbered. >= 0: bytes, < 0: enum hid_result.
     */
    ssize_t (*get_report)(void *state, enum hid_report_type type, uint8_t report, uint8_t *bytes,
                          size_t size);
    enum hid_result (*set_report)(void *state, enum hid_report_type type, uint8_t report,
                                  const uint8_t *bytes, size_t length);
    /* A string of the device as printable ASCII, trailing blanks cut; "" if it has none. */
    enum hid_result (*get_string)(void *state, uint8_t index, char *out, size_t size);
    /*
     * An input report the device sent unasked: > 0: bytes, 0: none until timeout_ms or the wake
     * descriptor. NULL: this transport has none.
     */
    ssize_t (*read_input)(void *state, int timeout_ms, uint8_t *bytes, size_t size);
    /*
     * A string's descriptor as it comes, asked for in English and in exactly so many bytes: for
     * devices that put other things there. >= 0: bytes, < 0: enum hid_result. NULL: there is none.
     */
    ssize_t (*get_raw_string)(void *state, uint8_t index, uint8_t *bytes, size_t size);
    /* Sends bytes to the interrupt endpoint OUT, number 2. NULL: there is none. */
    enum hid_result (*send_output)(void *state, const uint8_t *bytes, size_t length);
};

/* What is known of a device before its reports are read: for matching families. */
struct hid_identity {
    uint16_t vendor_id, product_id, release; /* release: bcdDevice */
    char vendor[128], product[128], serial[128];
};

#endif
