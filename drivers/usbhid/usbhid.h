/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the driver of UPSes with a USB HID interface; stands for NUT's usbhid-ups.
 */
#ifndef UPSBRIDGE_USBHID_USBHID_H
#define UPSBRIDGE_USBHID_USBHID_H

#include "drivers/driver.h"

extern const struct driver driver_usbhid;

#endif
