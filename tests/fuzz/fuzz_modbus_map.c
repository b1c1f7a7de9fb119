/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the reader of register maps. A map that is accepted must hold what it promises: plans end
 * whatever is refused, blocks keep the limits, and nothing known makes nothing published.
 */
#include "modbus/decode.h"
#include "tests/fuzz/demand.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_complaint(void *context, bool is_error, const char *text)
{
    unsigned *errors = context;

    demand(strlen(text) > 0 && strchr(text, '\n') == NULL);
    *errors += is_error;
}

static void check_blocks(const struct modbus_map *map, const struct modbus_plan *plan)
{
    for (unsigned poll = 0; poll < PLAN_POLLS; poll++) {
        size_t count;
        const struct modbus_block *blocks = plan_blocks(plan, (enum plan_poll)poll, &count);

        for (size_t i = 0; i < count; i++) {
            unsigned most = modbus_table_has_bits(blocks[i].table) ? map->limits.read_bits
                                                                   : map->limits.read_registers;

            demand(blocks[i].count > 0 && blocks[i].address + blocks[i].count <= 65536);
            /* Only a value that alone is too long, of which the lint warns, may be longer. */
            demand(blocks[i].count <= most || blocks[i].count <= 62);
        }
    }
}

/* A device that refuses everything. */
static void refuse_all(struct modbus_plan *plan)
{
    unsigned refusals = 0;
    size_t count, at = 0;

    for (;;) {
        const struct modbus_block *blocks = plan_blocks(plan, PLAN_FIRST, &count);

        if (at >= count)
            break;
        struct modbus_block block = blocks[at];
        if (plan_refused(plan, &block) == PLAN_ESSENTIAL)
            at++;
        demand(++refusals < 20000);
    }
    plan_reset(plan);
}

static void decode_nothing(const struct modbus_map *map)
{
    struct modbus_image *image = image_new(map);
    struct update update = { 0 };
    struct update_item item;
    size_t cursor = 0;

    demand(image != NULL);
    struct modbus_outcome outcome = image_decode(image, PLAN_FIRST, &update, NULL);
    while (update_next(&update, &cursor, &item))
        demand(item.kind != UPDATE_SET || strcmp(item.name, "ups.status") != 0 ||
               outcome.status_known);
    update_clear(&update);
    image_free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned errors = 0;
    struct config_report report = { .sink = count_complaint, .context = &errors };
    struct modbus_map *map = map_load_text("fuzz.map", (const char *)data, size, &report);

    demand((map == NULL) == (errors > 0));
    if (map == NULL)
        return 0;
    map_lint(map, &report);
    demand(errors == 0);
    struct modbus_plan *plan = plan_new(map);
    demand(plan != NULL);
    check_blocks(map, plan);
    refuse_all(plan);
    check_blocks(map, plan);
    decode_nothing(map);
    plan_free(plan);
    map_free(map);
    return 0;
}
