/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the driver for UPSes with Modbus (drivers/modbus/), for drivers/registry.c.
 */
#ifndef UPSBRIDGE_DRIVERS_MODBUS_H
#define UPSBRIDGE_DRIVERS_MODBUS_H

#include "drivers/driver.h"

extern const struct driver driver_modbus;

#endif
