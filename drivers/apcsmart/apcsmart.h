/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the driver of UPSes with APC's smart protocol on a serial line (Smart-UPS, Matrix-UPS
 * and Back-UPS Pro of before 2012), as NUT's apcsmart and apcsmart-old serve them.
 */
#ifndef UPSBRIDGE_DRIVERS_APCSMART_APCSMART_H
#define UPSBRIDGE_DRIVERS_APCSMART_APCSMART_H

#include "drivers/driver.h"

extern const struct driver driver_apcsmart;

#endif
