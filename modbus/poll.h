/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: reads a unit on a bus by a map's plan into an image: what ties bus, plan and decode
 * together. Used by whoever reads a device, be it to serve it or to find out what it is.
 */
#ifndef UPSBRIDGE_MODBUS_POLL_H
#define UPSBRIDGE_MODBUS_POLL_H

#include "modbus/bus.h"
#include "modbus/decode.h"
#include "modbus/plan.h"

/* A device as it is read. All of one map. */
struct modbus_reader {
    struct bus_station *station;
    const struct modbus_map *map;
    struct modbus_plan *plan;
    struct modbus_image *image;
};

/* What the device turned out not to have. */
struct modbus_refusals {
    unsigned count;            /* blocks that are not asked for again */
    struct modbus_block first; /* of these */
    bool essential;            /* without this one its status is unknown: not the map's device */
};

/* Reads a block into the image, or notes there that it is unknown now. */
enum bus_result poll_block(const struct modbus_reader *reader, const struct modbus_block *block);

/*
 * Is it a device of the map? *fits is set with BUS_OK; a map that cannot tell fits. Reads registers
 * first, and device identification only from who answers.
 */
enum bus_result poll_identify(const struct modbus_reader *reader, bool *fits);

/*
 * Reads all blocks of a poll, with PLAN_FIRST device identification too. What the device refuses
 * is taken out of the plan and counted in refusals, which the caller has cleared. BUS_EXCEPTION
 * with refusals->essential: refusals->first is what it needs. Anything else but BUS_OK: the poll
 * has failed, bus_problem() tells why.
 */
enum bus_result poll_blocks(const struct modbus_reader *reader, enum plan_poll poll,
                            struct modbus_refusals *refusals);

#endif
