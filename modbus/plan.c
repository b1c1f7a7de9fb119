/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/plan.h"

#include "modbus/decode.h"
#include "modbus/map_items.h"

#include <stdlib.h>
#include <string.h>

/* Registers that are read together or not at all. */
struct span {
    enum modbus_table table;
    uint16_t address, count;
    unsigned uses;
    int area;     /* optional area it lies in, or NONE */
    bool cut;     /* no block goes on from the one before */
    bool dropped; /* the device refused it */
};

struct block_list {
    struct modbus_block *blocks;
    size_t count;
};

struct modbus_plan {
    const struct modbus_map *map;
    struct span *spans; /* by area, table, address */
    size_t span_count;
    struct block_list polls[PLAN_POLLS];
};

static const unsigned uses_of_poll[PLAN_POLLS] = {
    [PLAN_FIRST] = MAP_USE_STATUS | MAP_USE_VALUE | MAP_USE_ONCE | MAP_USE_IDENTITY,
    [PLAN_FULL] = MAP_USE_STATUS | MAP_USE_VALUE,
    [PLAN_QUICK] = MAP_USE_STATUS,
};

/* Spans --------------------------------------------------------------------------------------- */

static bool area_holds(const struct map_area *area, enum modbus_table table, unsigned address,
                       unsigned end)
{
    return area->table == table && area->address <= address && end <= area->address + area->count;
}

static int optional_area(const struct map_items *items, const struct map_register *reading)
{
    for (size_t i = 0; i < items->area_count; i++) {
        if (items->areas[i].optional &&
            area_holds(&items->areas[i], reading->table, reading->address,
                       (unsigned)reading->address + reading->count))
            return (int)i;
    }
    return NONE;
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *one = a, *two = b;

    if (one->area != two->area)
        return one->area < two->area ? -1 : 1;
    if (one->table != two->table)
        return one->table < two->table ? -1 : 1;
    if (one->address != two->address)
        return one->address < two->address ? -1 : 1;
    return (one->count < two->count) - (one->count > two->count);
}

static void take_spans(struct modbus_plan *plan)
{
    const struct map_items *items = plan->map->items;
    size_t count = 0, kept = 0;

    for (size_t i = 0; i < items->register_count; i++) {
        const struct map_register *reading = &items->registers[i];

        if ((reading->uses & uses_of_poll[PLAN_FIRST]) != 0)
            plan->spans[count++] = (struct span){ .table = reading->table,
                                                  .address = reading->address,
                                                  .count = reading->count,
                                                  .uses = reading->uses,
                                                  .area = optional_area(items, reading) };
    }
    qsort(plan->spans, count, sizeof plan->spans[0], compare_spans);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && compare_spans(&plan->spans[kept - 1], &plan->spans[i]) == 0)
            plan->spans[kept - 1].uses |= plan->spans[i].uses;
        else
            plan->spans[kept++] = plan->spans[i];
    }
    plan->span_count = kept;
}

/* Blocks -------------------------------------------------------------------------------------- */

static bool gap_is_readable(const struct modbus_map *map, enum modbus_table table, unsigned from,
                            unsigned to)
{
    if (to <= from || (map->limits.gaps_readable && to - from <= map->limits.maximum_gap))
        return true;
    for (size_t i = 0; i < map->items->area_count; i++) {
        if (area_holds(&map->items->areas[i], table, from, to))
            return true;
    }
    return false;
}

static bool can_join(const struct modbus_map *map, const struct modbus_block *block,
                     const struct span *span)
{
    unsigned most =
        modbus_table_has_bits(span->table) ? map->limits.read_bits : map->limits.read_registers;
    unsigned end = (unsigned)span->address + span->count;

    return block->table == span->table && end - block->address <= most &&
           gap_is_readable(map, span->table, (unsigned)block->address + block->count,
                           span->address);
}

static void join(struct modbus_block *block, const struct span *span)
{
    unsigned end = (unsigned)span->address + span->count;

    if (end > (unsigned)block->address + block->count)
        block->count = (uint16_t)(end - block->address);
}

/*
 * From left to right, each block as long as it can be: as all begin where something is needed, no
 * other way needs fewer.
 */
static size_t make_blocks(const struct modbus_plan *plan, unsigned uses,
                          struct modbus_block *blocks)
{
    size_t count = 0;
    int area = NONE;
    bool cut = true;

    for (size_t i = 0; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];

        cut = cut || span->cut || span->area != area;
        area = span->area;
        if (span->dropped || (span->uses & uses) == 0)
            continue;
        if (!cut && can_join(plan->map, &blocks[count - 1], span)) {
            join(&blocks[count - 1], span);
            continue;
        }
        blocks[count++] = (struct modbus_block){ .table = span->table,
                                                 .address = span->address,
                                                 .count = span->count,
                                                 .optional = span->area != NONE };
        cut = false;
    }
    return count;
}

/* What is needed at once comes first; the rest of the poll may come as its neighbour. */
static bool is_urgent(const struct modbus_plan *plan, const struct modbus_block *block)
{
    for (size_t i = 0; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];

        if ((span->uses & MAP_USE_STATUS) != 0 && !span->dropped && span->table == block->table &&
            span->address >= block->address &&
            (unsigned)span->address + span->count <= (unsigned)block->address + block->count)
            return true;
    }
    return false;
}

static void urgent_first(const struct modbus_plan *plan, struct block_list *list)
{
    size_t at = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct modbus_block block = list->blocks[i];

        if (!is_urgent(plan, &block))
            continue;
        memmove(&list->blocks[at + 1], &list->blocks[at], (i - at) * sizeof block);
        list->blocks[at++] = block;
    }
}

static void make_polls(struct modbus_plan *plan)
{
    for (unsigned poll = 0; poll < PLAN_POLLS; poll++) {
        struct block_list *list = &plan->polls[poll];

        list->count = make_blocks(plan, uses_of_poll[poll], list->blocks);
        urgent_first(plan, list);
    }
}

struct modbus_plan *plan_new(const struct modbus_map *map)
{
    struct modbus_plan *plan = calloc(1, sizeof *plan);
    size_t most = map->items->register_count + 1;
    bool ok = plan != NULL;

    if (!ok)
        return NULL;
    plan->map = map;
    plan->spans = calloc(most, sizeof plan->spans[0]);
    ok = plan->spans != NULL;
    if (ok)
        take_spans(plan);
    /* No more blocks than spans, whatever is cut. */
    for (unsigned poll = 0; ok && poll < PLAN_POLLS; poll++) {
        plan->polls[poll].blocks = calloc(plan->span_count + 1, sizeof(struct modbus_block));
        ok = plan->polls[poll].blocks != NULL;
    }
    if (!ok) {
        plan_free(plan);
        return NULL;
    }
    make_polls(plan);
    return plan;
}

void plan_free(struct modbus_plan *plan)
{
    if (plan == NULL)
        return;
    for (unsigned poll = 0; poll < PLAN_POLLS; poll++)
        free(plan->polls[poll].blocks);
    free(plan->spans);
    free(plan);
}

const struct modbus_block *plan_blocks(const struct modbus_plan *plan, enum plan_poll poll,
                                       size_t *count)
{
    *count = plan->polls[poll].count;
    return plan->polls[poll].blocks;
}

const uint8_t *plan_objects(const struct modbus_plan *plan, size_t *count)
{
    *count = plan->map->items->object_count;
    return plan->map->items->objects;
}

/* Refusals ------------------------------------------------------------------------------------ */

/* The spans a block was made from: first is its own, the others follow it up to a cut. */
static size_t spans_of(const struct modbus_plan *plan, const struct modbus_block *block,
                       size_t *first)
{
    unsigned end = (unsigned)block->address + block->count;
    size_t i = 0, count = 0;

    for (; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];

        if (!span->dropped && span->table == block->table && span->address == block->address &&
            span->count <= block->count && (span->area != NONE) == block->optional)
            break;
    }
    *first = i;
    for (; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];

        if (span->table != block->table || (unsigned)span->address + span->count > end ||
            span->area != plan->spans[*first].area || (count > 0 && span->cut))
            break;
        count++;
    }
    return count;
}

/* Where the largest gap ends, for there the hole will be; in the middle if there is none. */
static size_t best_cut(const struct modbus_plan *plan, size_t first, size_t count)
{
    size_t best = first + (count + 1) / 2;
    unsigned end = (unsigned)plan->spans[first].address + plan->spans[first].count, largest = 0;

    for (size_t i = first + 1; i < first + count; i++) {
        const struct span *span = &plan->spans[i];

        if (span->address > end && span->address - end > largest) {
            largest = span->address - end;
            best = i;
        }
        if ((unsigned)span->address + span->count > end)
            end = (unsigned)span->address + span->count;
    }
    return best;
}

enum plan_refusal plan_refused(struct modbus_plan *plan, const struct modbus_block *block)
{
    size_t first, count = spans_of(plan, block, &first);

    if (count == 0)
        return PLAN_SPLIT;
    if (count > 1) {
        plan->spans[best_cut(plan, first, count)].cut = true;
        make_polls(plan);
        return PLAN_SPLIT;
    }
    const struct span *span = &plan->spans[first];
    if (span->area == NONE && (span->uses & ((unsigned)MAP_USE_ESSENTIAL | MAP_USE_IDENTITY)) != 0)
        return PLAN_ESSENTIAL;
    plan->spans[first].dropped = true;
    make_polls(plan);
    return PLAN_DROPPED;
}

void plan_reset(struct modbus_plan *plan)
{
    for (size_t i = 0; i < plan->span_count; i++)
        plan->spans[i].cut = plan->spans[i].dropped = false;
    make_polls(plan);
}

struct modbus_block *map_identity_blocks(const struct modbus_map *map, size_t *count)
{
    struct modbus_plan *plan = plan_new(map);
    struct modbus_block *blocks = NULL;

    *count = 0;
    if (plan != NULL)
        blocks = calloc(plan->span_count + 1, sizeof blocks[0]);
    if (blocks != NULL)
        *count = make_blocks(plan, MAP_USE_IDENTITY, blocks);
    plan_free(plan);
    return blocks;
}

/* Showing ------------------------------------------------------------------------------------- */

void plan_print(const struct modbus_plan *plan, FILE *out)
{
    static const char *const names[PLAN_POLLS] = { "first poll", "full poll", "quick poll" };

    for (unsigned poll = 0; poll < PLAN_POLLS; poll++) {
        const struct block_list *list = &plan->polls[poll];

        fprintf(out, "%s: %zu read%s\n", names[poll], list->count, list->count == 1 ? "" : "s");
        for (size_t i = 0; i < list->count; i++) {
            const struct modbus_block *block = &list->blocks[i];

            fprintf(out, "    %-8s %5u..%-5u (0x%04x) %3u%s\n", modbus_table_name(block->table),
                    block->address, block->address + block->count - 1u, block->address,
                    block->count, block->optional ? " optional" : "");
        }
    }
    for (size_t i = 0; i < plan->map->items->object_count; i++)
        fprintf(out, "%sobject 0x%02x of the device identification\n",
                i == 0 ? "first poll: " : "            ", plan->map->items->objects[i]);
}
