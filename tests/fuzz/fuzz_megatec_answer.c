/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the answers of UPSes with Q protocols: the first byte chooses a question of the dialects',
 * the rest is what came. Nothing unbelievable is published, and a status only from whole bits.
 */
#include "core/variables.h"
#include "drivers/megatec/readings.h"
#include "tests/fuzz/demand.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct megatec_question *question_of(unsigned number)
{
    const struct megatec_dialect *const *dialect = megatec_dialects();
    const struct megatec_question *first = megatec_dialect_status(*dialect);

    for (; *dialect != NULL; dialect++) {
        for (const struct megatec_item *item = (*dialect)->items; item->question != NULL; item++) {
            if (number-- == 0)
                return item->question;
        }
    }
    return first;
}

static void check_item(const struct update_item *item)
{
    const struct variable_info *info = variable_find(item->name);
    double number;

    if (item->kind != UPDATE_SET)
        return;
    demand(item->value[0] != '\0');
    if (info != NULL && info->type == TYPE_NUMBER) {
        demand(number_parse(item->value, &number));
        demand(number >= info->minimum - 0.5 && number <= info->maximum + 0.5);
    }
    if (strcmp(item->name, "ups.status") == 0)
        demand((strstr(item->value, "OL") == NULL) != (strstr(item->value, "OB") == NULL));
}

static void publish(struct megatec_image *image, struct update *update)
{
    struct update_item item;
    size_t cursor = 0;

    demand(megatec_image_publish(image, 1000, update) == (image->bits_kind != BITS_NONE));
    demand(update_ok(update));
    while (update_next(update, &cursor, &item))
        check_item(&item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct megatec_battery battery = { 0 };
    struct megatec_image image = { .battery = &battery };
    struct megatec_answer answer;
    struct update update = { 0 };
    const char *problem = NULL;
    char line[512];

    if (size < 1 || size > sizeof line)
        return 0;
    const struct megatec_question *question = question_of(data[0]);
    memcpy(line, data + 1, size - 1);
    megatec_image_begin(&image);
    if (megatec_answer_read(question->query, question->form, question->lead, line, size - 1,
                            &answer) == MEGATEC_GOOD) {
        bool taken = megatec_image_take(&image, question, &answer, &update, &problem);

        demand(taken == (problem == NULL));
        demand(taken || image.bits_kind == BITS_NONE);
    }
    publish(&image, &update);
    update_clear(&update);
    return 0;
}
