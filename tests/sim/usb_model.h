/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the device's side of an emulated HID UPS: its descriptors, strings and reports, how it
 * answers control requests, and what can go wrong with them. Knows nothing of usbfs.
 *
 * Source: USB 2.0 chapter 9, HID 1.11 sections 6 and 7.
 */
#ifndef UPSBRIDGE_TESTS_USB_MODEL_H
#define UPSBRIDGE_TESTS_USB_MODEL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define MODEL_STRINGS_MAX 32
#define MODEL_HANGS (-100000) /* no answer ever; other failures are negative errno values */

enum behaviour { ANSWERS, STALLS, HANGS, OVERFLOWS, FAILS };

struct model_report {
    GByteArray *bytes; /* its number first, if reports are numbered; NULL: there is none */
    enum behaviour behaviour;
    unsigned gets; /* how often it was asked for */
};

struct usb_model {
    uint16_t vendor_id, product_id, release;
    char *strings[MODEL_STRINGS_MAX]; /* by index; NULL: none */
    /* Whole descriptors that are given instead; NULL: none. 0 is the list of languages. */
    GByteArray *raw_strings[MODEL_STRINGS_MAX];
    uint16_t language;        /* of the strings; in others there are none */
    uint8_t interface;        /* the HID interface; those before it are of another class */
    bool boot;                /* ... or a keyboard's, as in wireless receivers */
    uint8_t endpoint;         /* 0x81 */
    uint16_t packet_size;     /* of the interrupt endpoint */
    uint8_t descriptor_index; /* where the report descriptor is; the others stall */
    GByteArray *descriptor;   /* the report descriptor */
    bool ignores_writes;      /* accepts SET_REPORT and does nothing */
    bool hangs;               /* answers nothing at all */
    bool strings_hang;        /* answers no question for a string */
    struct model_report reports[4][256]; /* Input 1, Output 2, Feature 3 */
    GString *writes;                     /* SET_REPORTs, "F 15 15 14 00;..." */
    unsigned gets, sets, string_requests;
};

enum { STRING_VENDOR = 1, STRING_PRODUCT = 2, STRING_SERIAL = 3 };

/*
 * Reads device.txt, descriptor.hex and, if it is there, the file of reports, in the format of
 * tests/data/hid. NULL with a text on stderr.
 */
struct usb_model *model_load(const char *directory, const char *reports);
void model_set_string(struct usb_model *model, unsigned index, const char *text);
/* A file of reports: TYPE ID bytes. False, with a text on stderr: it cannot be read. */
bool model_read_reports(struct usb_model *model, const char *path);
/* A report's present bytes. type: 1 to 3. */
void model_set_report(struct usb_model *model, unsigned type, uint8_t number, const uint8_t *bytes,
                      size_t length);
/* The device's own descriptor and that of its configuration, one behind the other. */
GByteArray *model_descriptors(const struct usb_model *model);
/* A request on the control pipe. data has room for the setup packet's wLength. Bytes, or < 0. */
int model_control(struct usb_model *model, const uint8_t setup[8], uint8_t *data);

/* "06 0f ff" to bytes; NULL: it is no such text. */
GByteArray *model_bytes(const char *text);

#endif
