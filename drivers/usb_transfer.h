/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of the USB transport (drivers/usb_device.h): an open device, its control
 * transfers with deadlines, and its interrupt transfer.
 *
 * All of a device runs in its worker's thread: libusb's callbacks, too, since that thread alone
 * handles the events of the device's context.
 */
#ifndef UPSBRIDGE_DRIVERS_USB_TRANSFER_H
#define UPSBRIDGE_DRIVERS_USB_TRANSFER_H

#include "drivers/usb_device.h"
#include "drivers/usb_match.h"

#include <libusb.h>

#define USB_CONTROL_MAX 4096 /* bytes of data: usbfs's limit */
#define USB_INPUTS_MAX 16    /* reports that wait to be read */

enum usb_input_state {
    USB_INPUT_OFF,    /* there is nothing to listen to, or it was given up */
    USB_INPUT_IDLE,   /* to be submitted: nothing is under way */
    USB_INPUT_ACTIVE, /* under way */
    USB_INPUT_HALTED, /* the endpoint's halt is to be cleared first */
};

struct usb_input {
    enum usb_input_state state;
    struct libusb_transfer *transfer;
    uint8_t *bytes; /* USB_INPUTS_MAX reports, then the transfer's own buffer */
    size_t size;    /* of each */
    size_t lengths[USB_INPUTS_MAX];
    size_t first, count;
    unsigned failures; /* in a row */
    uint64_t resume;   /* clock_ms(): not before */
};

struct usb_device {
    struct usb_match *match;
    struct usb_counters *counters; /* match's */
    struct usb_options options;
    struct usb_caller caller;
    libusb_context *libusb;
    libusb_device *found;         /* before there is a handle */
    libusb_device_handle *handle; /* NULL: not open */
    libusb_hotplug_callback_handle departure;
    bool hears_departure;
    struct usb_facts facts;
    uint8_t configuration, interface, endpoint_in; /* endpoint_in 0: there is none */
    uint16_t packet_size;                          /* of endpoint_in */
    uint16_t descriptor_length; /* as the interface's HID descriptor says; 0: it does not */
    bool is_claimed;
    bool is_gone; /* nothing can be had from it any more */
    uint8_t *report_descriptor;
    size_t report_descriptor_length;
    uint16_t language; /* of its strings; 0: it has none */
    bool language_known;
    bool strings_hang; /* it has let one question for a string wait: it is not asked for more */

    struct libusb_transfer *control;
    bool control_pending;
    uint8_t control_bytes[LIBUSB_CONTROL_SETUP_SIZE + USB_CONTROL_MAX];
    struct usb_input input;
    struct hid_transport transport;
};

/* A request on the control pipe. Bytes that came or went, or enum hid_result. */
int usb_control(struct usb_device *device, uint8_t type, uint8_t request, uint16_t value,
                uint16_t index, void *data, size_t length);

/* It was unplugged, or cannot be used any more. */
void usb_mark_gone(struct usb_device *device);
/* Has the caller asked to stop, or is the device gone? */
bool usb_transfer_is_over(const struct usb_device *device);

/* hid_transport's functions; state is the struct usb_device. */
ssize_t usb_get_report(void *state, enum hid_report_type type, uint8_t report, uint8_t *bytes,
                       size_t size);
enum hid_result usb_set_report(void *state, enum hid_report_type type, uint8_t report,
                               const uint8_t *bytes, size_t length);
enum hid_result usb_get_string(void *state, uint8_t index, char *out, size_t size);
ssize_t usb_get_raw_string(void *state, uint8_t index, uint8_t *bytes, size_t size);
enum hid_result usb_send_output(void *state, const uint8_t *bytes, size_t length);
ssize_t usb_read_input(void *state, int timeout_ms, uint8_t *bytes, size_t size);

/*
 * Lets libusb handle what has come, waiting for it. If the wake descriptor is heard, it ends the
 * wait too: true.
 */
bool usb_wait_events(struct usb_device *device, int timeout_ms, bool hears_wake);
/* Ends what is under way, as far as it can be ended. */
void usb_transfers_stop(struct usb_device *device);

#endif
