/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the registers of a device mean, by its map: from the answers of the blocks read to
 * a struct update, and from a setting or an instant command to the writes that carry it out. No
 * I/O: the caller reads and writes, in any way it likes.
 *
 * A modbus_image holds the last known value of each register the map needs, and the settings that
 * live with us (delays). What was not read, or holds the map's "not available", is unknown, and
 * unknown spreads: a value made from it is not published, a condition made from it sets no token
 * and raises no alarm.
 *
 * One image belongs to one device and one thread at a time. The map must outlive it.
 */
#ifndef UPSBRIDGE_MODBUS_DECODE_H
#define UPSBRIDGE_MODBUS_DECODE_H

#include "core/update.h"
#include "modbus/plan.h"

struct modbus_image;

/* NULL: out of memory. All registers are unknown. */
struct modbus_image *image_new(const struct modbus_map *map);
void image_free(struct modbus_image *image);
/* Forgets registers and objects, but not the settings that live with us. */
void image_clear(struct modbus_image *image);

/*
 * Takes the answer to a read: count registers, or bits as 0 and 1. Registers the map does not need
 * are passed over.
 */
void image_store(struct modbus_image *image, enum modbus_table table, uint16_t address,
                 uint16_t count, const uint16_t *words);
/* They could not be read: unknown from now on. */
void image_forget(struct modbus_image *image, enum modbus_table table, uint16_t address,
                  uint16_t count);
/* Takes a device identification object (function 43/14); text NULL: the device has none. */
void image_store_object(struct modbus_image *image, uint8_t object, const char *text);

/* What is told on the way; each function may be NULL, and so may a whole observer. */
struct modbus_observer {
    void *context;
    /* A value that cannot be right, a status that is in no list. One line. */
    void (*problem)(void *context, const char *text);
    /*
     * A row of the map: what it is for, what it was made from ("holding 130 = 51200 (0xc800)"), and
     * what became of it ("" if nothing was published).
     */
    void (*reading)(void *context, const char *name, const char *raw, const char *cooked);
};

struct modbus_outcome {
    /*
     * Enough was read to tell input power from battery: ups.status was set. If not, nothing is said
     * of ups.status, and the poll should count as failed.
     */
    bool status_known;
    /* The map's "stale" condition: the card answers, but has lost its UPS. Publish nothing. */
    bool stale;
    unsigned problems;
};

/* Does the device fit the map? All of [identify] must hold; unknown is no. A map without: true. */
bool image_identify(struct modbus_image *image);
/* The reads that image_identify() needs, a subset of PLAN_FIRST; free() the result. */
struct modbus_block *map_identity_blocks(const struct modbus_map *map, size_t *count);
/* Has the map an [identify] at all? Without, it cannot be found by a probe. */
bool map_identifies(const struct modbus_map *map);

/*
 * Tells everything the image knows: variables with their flags, ups.status, ups.alarm, commands.
 * A variable whose value is unknown now is unset. poll: PLAN_QUICK tells the status and the alarms
 * and what can be told from the same registers alone.
 */
struct modbus_outcome image_decode(struct modbus_image *image, enum plan_poll poll,
                                   struct update *update, const struct modbus_observer *observer);
/* The last update was thrown away: what is unknown is unset once more by the next one. */
void image_untold(struct modbus_image *image);
/* Tells one variable alone, from what is known already: a setting that lives with us. */
void image_tell(struct modbus_image *image, const char *name, struct update *update);

/* Writing ------------------------------------------------------------------------------------- */

enum modbus_action_kind {
    MODBUS_DO_WRITE,  /* write words */
    MODBUS_DO_MODIFY, /* read the register, keep the bits of keep, set those of set, write it */
    MODBUS_DO_WAIT,   /* let milliseconds pass */
    MODBUS_DO_CHECK,  /* read blocks, store them in the image, and ask image_action_holds(), until
                         it holds or milliseconds have passed; failed: problem says why */
};

struct modbus_action {
    enum modbus_action_kind kind;
    enum modbus_table table; /* WRITE, MODIFY: MODBUS_HOLDING or MODBUS_COILS */
    uint16_t address;
    uint16_t count;
    uint16_t words[MODBUS_WRITE_MAX];
    uint16_t keep, set;
    unsigned milliseconds; /* 0 for a CHECK: once is enough */
    const struct modbus_block *blocks;
    size_t block_count;
    const void *condition; /* for image_action_holds() */
    char problem[160];
};

enum modbus_answer {
    MODBUS_ACTIONS, /* carry out the actions in order */
    MODBUS_KEPT,    /* a setting that lives with us: nothing to send, it is in effect */
    MODBUS_UNKNOWN, /* no such setting or command */
    MODBUS_INVALID, /* the value or parameter does not fit: problem says why */
};

struct modbus_order; /* a command or setting on its way */

/*
 * Turns a setting into writes: ranges, words and lengths are checked, the value is converted to
 * registers, and with verify_writes the last action checks what the device made of it. A command
 * begins with the checks it requires: if one fails, nothing has been written yet. parameter NULL:
 * the command was given none. *order is set only for MODBUS_ACTIONS, and freed by order_free().
 */
enum modbus_answer image_set(struct modbus_image *image, const char *name, const char *value,
                             struct modbus_order **order, char *problem, size_t size);
enum modbus_answer image_command(struct modbus_image *image, const char *name,
                                 const char *parameter, struct modbus_order **order, char *problem,
                                 size_t size);
/*
 * The next thing to do; false: all is done. Values are computed here, so that a step sees what the
 * checks before it read. A value that cannot be computed ends the order: false with *failed set
 * and action->problem.
 */
bool order_next(struct modbus_order *order, struct modbus_action *action, bool *failed);
bool image_action_holds(struct modbus_image *image, const struct modbus_action *action);
void order_free(struct modbus_order *order);

#endif
