/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a driver process of NUT's as a device, through its Unix socket: for the UPSes that only
 * NUT has a driver for. The process is started by whoever starts it, as under upsd.
 */
#ifndef UPSBRIDGE_DRIVERS_NUTDRIVER_H
#define UPSBRIDGE_DRIVERS_NUTDRIVER_H

#include "drivers/driver.h"

extern const struct driver driver_nutdriver;

#endif
