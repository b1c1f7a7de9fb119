/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: HID requests over a serial line by SHUT: the transport that drivers/usbhid/transport.h
 * wants, with acknowledgements, repetitions and notifications.
 *
 * Blocking. What is not answered is asked again after both sides have got in step; what was to be
 * written is never written twice.
 */
#ifndef UPSBRIDGE_DRIVERS_SHUT_LINE_H
#define UPSBRIDGE_DRIVERS_SHUT_LINE_H

#include "drivers/serial_port.h"
#include "drivers/shut/frame.h"
#include "drivers/usbhid/transport.h"

#define SHUT_INPUTS_MAX 4

struct shut_counts {
    unsigned long silent, garbled, synchronised, notifications;
};

struct shut_input {
    size_t length;
    uint8_t bytes[64];
};

struct shut_line {
    struct serial_port *port;
    uint8_t sync; /* which notifications are wanted: SHUT_SYNC, _LIGHT or _OFF */
    bool is_in_step;
    bool is_listening; /* for notifications alone */
    bool is_gone;      /* unplugged, or broken otherwise */
    struct shut_reader reader;
    uint8_t kept[64]; /* read and not looked at */
    size_t kept_at, kept_length;
    struct shut_input building;                /* a notification of which more is to come */
    struct shut_input inputs[SHUT_INPUTS_MAX]; /* whole ones; the oldest first */
    size_t input_count;
    struct shut_counts counts;
};

/* Gets in step. HID_TIMED_OUT: nobody answers. */
enum hid_result shut_line_begin(struct shut_line *line);

/* GET_DESCRIPTOR. >= 0: bytes, < 0: enum hid_result. */
ssize_t shut_line_get_descriptor(struct shut_line *line, uint8_t recipient, uint8_t type,
                                 uint8_t index, uint8_t *bytes, size_t size);

/* Of drivers/usbhid/transport.h, with the line as its state. */
struct hid_transport shut_line_transport(struct shut_line *line);

#endif
