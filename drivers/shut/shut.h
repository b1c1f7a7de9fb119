/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the driver of MGE, Eaton and Dell UPSes that speak HID over a serial line (SHUT), as
 * NUT's mge-shut serves them: usbhid's tables over another transport.
 */
#ifndef UPSBRIDGE_DRIVERS_SHUT_SHUT_H
#define UPSBRIDGE_DRIVERS_SHUT_SHUT_H

#include "drivers/driver.h"

extern const struct driver driver_shut;

#endif
