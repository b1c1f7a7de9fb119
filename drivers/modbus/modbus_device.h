/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the parts of the Modbus driver share: one open device.
 */
#ifndef UPSBRIDGE_DRIVERS_MODBUS_DEVICE_H
#define UPSBRIDGE_DRIVERS_MODBUS_DEVICE_H

#include "drivers/driver.h"
#include "drivers/modbus/options.h"
#include "modbus/poll.h"

#define MODBUS_PROBLEMS_MAX 32 /* kinds of odd readings that are logged */

/* device->state */
struct modbus_device {
    struct modbus_reader reader;            /* the image is device->memory's */
    bool has_told_all;                      /* the first poll is over */
    bool must_identify;                     /* it was away: is it still the same? */
    bool has_written;                       /* the next poll is a full one */
    uint32_t problems[MODBUS_PROBLEMS_MAX]; /* hashes of what was logged */
    size_t problem_count;
};

/* Carry out what a client asks for. drivers/driver.h tells what they return. */
enum ups_outcome modbus_command(struct device *device, const char *name, const char *parameter,
                                struct update *update);
enum ups_outcome modbus_set(struct device *device, const char *name, const char *value,
                            struct update *update);

#endif
