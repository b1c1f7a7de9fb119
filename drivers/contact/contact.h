/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the driver of UPSes that tell what they have to tell by contacts on the modem lines of a
 * serial port, as NUT's genericups serves them.
 */
#ifndef UPSBRIDGE_DRIVERS_CONTACT_CONTACT_H
#define UPSBRIDGE_DRIVERS_CONTACT_CONTACT_H

#include "drivers/driver.h"

extern const struct driver driver_contact;

#endif
