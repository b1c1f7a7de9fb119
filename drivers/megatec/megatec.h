/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the driver of UPSes that speak the Q family of protocols (Megatec, Voltronic, Mustek,
 * Best Power and many that copied them) on a serial line.
 */
#ifndef UPSBRIDGE_DRIVERS_MEGATEC_H
#define UPSBRIDGE_DRIVERS_MEGATEC_H

#include "drivers/driver.h"

extern const struct driver driver_megatec;

#endif
