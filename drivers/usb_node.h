/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the kernel tells of a USB device beside libusb: its strings and its HID report
 * descriptor in sysfs (there without a right to open it, and without a word to the device), and
 * why its node cannot be opened or claimed, in a text for the administrator.
 */
#ifndef UPSBRIDGE_DRIVERS_USB_NODE_H
#define UPSBRIDGE_DRIVERS_USB_NODE_H

#include "drivers/usb_device.h"

#include <sys/types.h>

#define USB_UDEV_RULES "62-upsbridge.rules"

/* An attribute ("serial") as printable ASCII, blanks at the end cut. False: there is none. */
bool usb_node_text(const char *busport, const char *attribute, char *out, size_t size);

/* The report descriptor as the kernel's HID driver has read it. < 0: no driver has the interface.
 */
ssize_t usb_node_report_descriptor(const char *busport, unsigned configuration, unsigned interface,
                                   uint8_t *bytes, size_t size);

/* Why it may not be opened: node, owner, mode, and what cures it. */
void usb_node_explain_denial(const struct usb_place *place, char *out, size_t size);
/* Who has it, as far as that can be seen. */
void usb_node_explain_busy(const struct usb_place *place, char *out, size_t size);

#endif
