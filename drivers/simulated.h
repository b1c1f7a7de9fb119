/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the driver without a device behind it (drivers/simulated.c), for drivers/registry.c.
 */
#ifndef UPSBRIDGE_DRIVERS_SIMULATED_H
#define UPSBRIDGE_DRIVERS_SIMULATED_H

#include "drivers/driver.h"

extern const struct driver driver_simulated;

#endif
