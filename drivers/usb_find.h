/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of the USB transport (drivers/usb_device.h): what an attached device tells of
 * itself before it is opened.
 */
#ifndef UPSBRIDGE_DRIVERS_USB_FIND_H
#define UPSBRIDGE_DRIVERS_USB_FIND_H

#include "drivers/usb_match.h"

#include <libusb.h>

/* An interface that may be it. */
struct usb_candidate {
    libusb_device *device;
    struct usb_facts facts;
    uint8_t configuration, interface, subclass, endpoint_in;
    uint16_t packet_size, descriptor_length;
    bool beside_boot_interface; /* its device has a keyboard or a mouse in it */
    int familiarity;
};

/* Subclass of keyboards and mice. */
#define USB_BOOT_INTERFACE 1

/*
 * The interfaces of a device that may be it, at most room: those of the HID class, or the wanted
 * one alone if that is not -1. Returns their number.
 */
size_t usb_find_interfaces(libusb_device *device, int wanted_interface, struct usb_candidate *out,
                           size_t room);

#endif
