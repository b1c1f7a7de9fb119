/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the kernel's side of an emulated USB device (umockdev): sysfs entries, a node, and
 * usbfs's ioctls as libusb uses them, with an interrupt endpoint that follows the rules of USB.
 *
 * umockdev serves ioctls in a thread of its own: one mutex guards all devices. It is taken there,
 * and by whoever calls these functions or looks at a device.
 *
 * Source: Linux's include/uapi/linux/usbdevice_fs.h, USB 2.0 sections 5.7.3 and 8.
 */
#ifndef UPSBRIDGE_TESTS_USB_EMULATION_H
#define UPSBRIDGE_TESTS_USB_EMULATION_H

#include "tests/sim/usb_model.h"

#include <umockdev.h>

#include <stdbool.h>
#include <stdint.h>

struct emulation {
    char *name;
    UMockdevTestbed *testbed;
    GMutex *lock;
    struct usb_model *model;
    char *port;      /* "1-1.2" */
    unsigned number; /* as a device on the bus */
    bool plugged;
    bool driver_bound; /* the kernel's usbhid has the interface */
    bool busy;         /* another program has it */
    bool denied;       /* nobody may open the node */
    bool hides_hid;    /* sysfs shows no HID device below the interface */
    bool shows_hid;    /* it shows one now */
    char *system_path;
    char *node_path;            /* in the testbed's root */
    UMockdevIoctlBase *handler; /* of the number it has now */
    int node;
    bool node_full;
    GQueue transfers;             /* struct transfer *, pending and finished */
    GQueue packets;               /* GByteArray *: what the interrupt endpoint sends next */
    int input_error;              /* the next interrupt transfer ends with it; 0: none */
    UMockdevIoctlClient *claimer; /* NULL: no client has claimed the interface */
    unsigned ioctls, inputs, claims;
};

struct emulation *emulation_new(const char *name, UMockdevTestbed *testbed, GMutex *lock,
                                struct usb_model *model, const char *port);
/* Appears as the bus's device of this number, or disappears. False: it cannot. */
bool emulation_plug(struct emulation *device, unsigned number);
bool emulation_unplug(struct emulation *device);
/* The device sends this report on its interrupt endpoint, and answers it when asked. */
void emulation_input(struct emulation *device, const GByteArray *report);
void emulation_input_error(struct emulation *device, int error);
/* Lets go of what clients had that are gone. */
void emulation_forget_vanished(struct emulation *device);
/* Sets the node's mode as denied says. */
void emulation_apply_access(struct emulation *device);

#endif
