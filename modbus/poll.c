/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/poll.h"

#include <stdlib.h>

#define ILLEGAL_FUNCTION 1
#define ILLEGAL_ADDRESS 2
#define ILLEGAL_COUNT 3

enum bus_result poll_block(const struct modbus_reader *reader, const struct modbus_block *block)
{
    uint16_t words[MODBUS_READ_BITS_MAX];
    enum bus_result result = bus_read(reader->station, block, words);

    if (result == BUS_OK)
        image_store(reader->image, block->table, block->address, block->count, words);
    else
        image_forget(reader->image, block->table, block->address, block->count);
    return result;
}

/* Is it a no to what was asked, and will be one again? */
static bool is_refusal(const struct modbus_reader *reader, enum bus_result result)
{
    unsigned exception = bus_exception(reader->station);

    return result == BUS_EXCEPTION && (exception == ILLEGAL_FUNCTION ||
                                       exception == ILLEGAL_ADDRESS || exception == ILLEGAL_COUNT);
}

/* A unit that knows no device identification may be silent, or say anything. */
static enum bus_result poll_objects(const struct modbus_reader *reader)
{
    size_t count;
    const uint8_t *objects = plan_objects(reader->plan, &count);
    char text[MODBUS_OBJECT_MAX + 1];

    for (size_t i = 0; i < count; i++) {
        enum bus_result result = bus_identify(reader->station, objects[i], text);

        if (result == BUS_GONE || result == BUS_STOPPED)
            return result;
        image_store_object(reader->image, objects[i], result == BUS_OK ? text : NULL);
    }
    return BUS_OK;
}

enum bus_result poll_identify(const struct modbus_reader *reader, bool *fits)
{
    size_t count;
    struct modbus_block *blocks = map_identity_blocks(reader->map, &count);
    enum bus_result result = BUS_OK;

    for (size_t i = 0; i < count && result == BUS_OK; i++) {
        result = poll_block(reader, &blocks[i]);
        if (is_refusal(reader, result))
            result = BUS_OK;
    }
    free(blocks);
    if (result == BUS_OK && map_identifies(reader->map))
        result = poll_objects(reader);
    if (result == BUS_OK)
        *fits = image_identify(reader->image);
    return result;
}

/* False: it cannot go on without this block. */
static bool take_refusal(const struct modbus_reader *reader, const struct modbus_block *block,
                         struct modbus_refusals *refusals)
{
    switch (plan_refused(reader->plan, block)) {
    case PLAN_SPLIT:
        return true;
    case PLAN_DROPPED:
        if (refusals->count++ == 0)
            refusals->first = *block;
        return true;
    case PLAN_ESSENTIAL:
        break;
    }
    refusals->first = *block;
    refusals->essential = true;
    return false;
}

enum bus_result poll_blocks(const struct modbus_reader *reader, enum plan_poll poll,
                            struct modbus_refusals *refusals)
{
    size_t count, i = 0;
    const struct modbus_block *blocks = plan_blocks(reader->plan, poll, &count);
    enum bus_result result = poll == PLAN_FIRST ? poll_objects(reader) : BUS_OK;

    while (result == BUS_OK && i < count) {
        /* The list it is in may be gone after a refusal. */
        const struct modbus_block block = blocks[i];

        result = poll_block(reader, &block);
        if (result == BUS_OK)
            i++;
        else if (is_refusal(reader, result) && take_refusal(reader, &block, refusals)) {
            blocks = plan_blocks(reader->plan, poll, &count);
            result = BUS_OK;
        }
    }
    return result;
}
