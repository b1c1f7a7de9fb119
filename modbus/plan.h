/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the reads of a poll: the fewest blocks that cover all registers a map needs, within its
 * limits. One plan belongs to one device: it remembers what the device refused. The map must
 * outlive it.
 *
 * - Registers of the status are read in each poll, the rest in full polls, and what never changes
 *   only in the first poll after opening.
 * - Blocks are joined over gaps only where the map says that gaps can be read, and no value is ever
 *   cut in two. A block always starts and ends on a register that is needed.
 * - Optional areas of the map get blocks of their own, so that a refusal costs nothing else.
 */
#ifndef UPSBRIDGE_MODBUS_PLAN_H
#define UPSBRIDGE_MODBUS_PLAN_H

#include "modbus/map.h"

enum plan_poll {
    PLAN_FIRST, /* all there is, what is read once included */
    PLAN_FULL,  /* all that changes */
    PLAN_QUICK, /* the status alone */
    PLAN_POLLS
};

struct modbus_block {
    enum modbus_table table;
    uint16_t address;
    uint16_t count; /* registers, or bits of coils and discrete inputs */
    bool optional;  /* the device may be without it */
};

struct modbus_plan;

/* NULL: out of memory. */
struct modbus_plan *plan_new(const struct modbus_map *map);
void plan_free(struct modbus_plan *plan);

/*
 * The blocks of a poll in the order to read them: what the status needs first. Valid until
 * plan_refused() or plan_reset().
 */
const struct modbus_block *plan_blocks(const struct modbus_plan *plan, enum plan_poll poll,
                                       size_t *count);

/* Device identification objects (function 43/14) the map needs, read with PLAN_FIRST: ascending. */
const uint8_t *plan_objects(const struct modbus_plan *plan, size_t *count);

enum plan_refusal {
    /*
     * The block was joined from several and is now cut. Take the list anew: its pieces and what is
     * left stand where it stood, behind what was read already.
     */
    PLAN_SPLIT,
    PLAN_DROPPED,   /* it is not read any more: log once, and go on */
    PLAN_ESSENTIAL, /* without it there is no status: not the map's device, or not any more */
};

/*
 * The device answered a block with exception 2 (illegal address) or 3 (illegal count). Remembered
 * for all polls. Terminates: each call cuts or drops something, or says PLAN_ESSENTIAL.
 */
enum plan_refusal plan_refused(struct modbus_plan *plan, const struct modbus_block *block);

/* Forgets all refusals: another device may be there now. */
void plan_reset(struct modbus_plan *plan);

/* Prints the reads of each poll, as --check-map shows them. */
void plan_print(const struct modbus_plan *plan, FILE *out);

#endif
