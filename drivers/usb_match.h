/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of the USB transport (drivers/usb_device.h): which devices a section means,
 * which section has which, and whom to tell of new ones.
 *
 * All sections that wait or have a device are in one list. It is locked; a section's own fields are
 * its worker's alone.
 */
#ifndef UPSBRIDGE_DRIVERS_USB_MATCH_H
#define UPSBRIDGE_DRIVERS_USB_MATCH_H

#include "drivers/usb_device.h"

#include <regex.h>

/* What can be told of a device before it is opened. */
struct usb_facts {
    struct hid_identity identity;
    struct usb_place place;
};

/* Do numbers and place fit, and the strings too? */
bool usb_match_numbers(const struct usb_match *match, const struct usb_facts *facts);
bool usb_match_strings(const struct usb_match *match, const struct usb_facts *facts);
/* What the section asks for, for messages: "vendorid 051d, serial X"; "" if it takes any. */
void usb_match_describe(const struct usb_match *match, char *out, size_t size);

/* How much it is the unit of before: 2 the serial number says so, 1 the place, 0 no. */
int usb_match_familiarity(const struct usb_match *match, const struct usb_facts *facts);

/*
 * Takes the device for the section, unless another one has it, or had it and waits for it. False:
 * *who names that section.
 */
bool usb_match_claim(struct usb_match *match, const struct usb_facts *facts, char *who,
                     size_t size);
void usb_match_release(struct usb_match *match);
/* It was opened: this is the unit to come back to. */
void usb_match_remember(struct usb_match *match, const struct usb_facts *facts);
struct usb_counters *usb_match_own_counters(struct usb_match *match);

#endif
