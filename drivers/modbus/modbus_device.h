/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the parts of the Modbus driver share: one open device.
 */
#ifndef UPSBRIDGE_DRIVERS_MODBUS_DEVICE_H
#define UPSBRIDGE_DRIVERS_MODBUS_DEVICE_H

#include "drivers/driver.h"
#include "drivers/modbus/options.h"
#include "modbus/bus.h"
#include "modbus/decode.h"
#include "modbus/plan.h"

#define MODBUS_PROBLEMS_MAX 32 /* kinds of odd readings that are logged */

/* device->state */
struct modbus_device {
    const struct modbus_map *map;
    struct bus_station *station;
    struct modbus_plan *plan;
    struct modbus_image *image;             /* of device->memory */
    bool has_told_all;                      /* the first poll is over */
    bool must_identify;                     /* it was away: is it still the same? */
    bool has_written;                       /* the next poll is a full one */
    unsigned lacking;           /* blocks refused in this poll */
    struct modbus_block first_lacking;
    uint32_t problems[MODBUS_PROBLEMS_MAX]; /* hashes of what was logged */
    size_t problem_count;
};

/* Reads a block into the image, or notes that it is unknown now. */
enum bus_result modbus_read(struct modbus_device *modbus, const struct modbus_block *block);

/* Carry out what a client asks for. drivers/driver.h tells what they return. */
enum ups_outcome modbus_command(struct device *device, const char *name, const char *parameter,
                                struct update *update);
enum ups_outcome modbus_set(struct device *device, const char *name, const char *value,
                            struct update *update);

#endif
