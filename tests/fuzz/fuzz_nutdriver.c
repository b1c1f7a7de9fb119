/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes what a driver process of NUT's says, in pieces as long as the input's first byte tells.
 * After each piece everything is told: an update that is in order, and no more than there is room
 * for.
 */
#include "drivers/nutdriver/model.h"
#include "tests/fuzz/demand.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_through(struct model *model, bool all)
{
    struct update update = { .bytes = NULL };
    struct update_item item;
    size_t cursor = 0;

    model_tell(model, &update, all);
    while (update_ok(&update) && update_next(&update, &cursor, &item))
        demand(item.name[0] != '\0' && strlen(item.name) <= UPDATE_NAME_MAX);
    update_clear(&update);
    demand(model->variable_count <= MODEL_VARIABLES_MAX);
    demand(model->command_count <= MODEL_COMMANDS_MAX);
    demand(model->gone_count == 0 && !model->commands_changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct words line = { 0 };
    struct model model = { 0 };

    if (size < 2 || size > 65536)
        return 0;
    size_t piece = data[0] + 1u;
    for (size_t at = 1; at < size;) {
        size_t length = size - at < piece ? size - at : piece;

        for (size_t used = 0; used < length;) {
            size_t consumed = 0;

            if (words_feed(&line, (const char *)data + at + used, length - used, &consumed) ==
                    WORDS_LINE &&
                line.count > 0)
                model_take(&model, &line);
            demand(consumed > 0);
            used += consumed;
        }
        at += length;
        look_through(&model, at >= size);
    }
    words_clear(&line);
    model_clear(&model);
    return 0;
}
