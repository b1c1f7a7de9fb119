/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/megatec/dialect.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The likeliest first: this is the order of the manual, too. */
static const struct megatec_dialect *const dialects[] = {
    &megatec_dialect_megatec,
    &megatec_dialect_old,
    &megatec_dialect_mustek,
    &megatec_dialect_q1,
    &megatec_dialect_mecer,
    &megatec_dialect_zinto,
    &megatec_dialect_bestups,
    &megatec_dialect_q6,
    &megatec_dialect_omron,
    &megatec_dialect_voltronic,
    &megatec_dialect_voltronic_qs,
    &megatec_dialect_voltronic_qs_hex,
    NULL,
};

const struct megatec_dialect *const *megatec_dialects(void)
{
    return dialects;
}

const struct megatec_dialect *megatec_dialect_find(const char *name)
{
    for (size_t i = 0; dialects[i] != NULL; i++) {
        for (const char *const *own = dialects[i]->names; *own != NULL; own++) {
            if (strcasecmp(*own, name) == 0)
                return dialects[i];
        }
    }
    return NULL;
}

const struct megatec_question *megatec_dialect_status(const struct megatec_dialect *dialect)
{
    return dialect->items[0].question;
}

const struct megatec_order *megatec_order_find(const struct megatec_dialect *dialect,
                                               const char *command)
{
    for (const struct megatec_order *order = dialect->orders; order->command != NULL; order++) {
        if (strcasecmp(order->command, command) == 0)
            return order;
    }
    return NULL;
}

/* Below a minute in tenths of it, else in whole minutes. */
static void write_delay(unsigned seconds, char out[16])
{
    if (seconds < 60)
        snprintf(out, 16, ".%u", seconds / 6);
    else
        snprintf(out, 16, "%02u", seconds / 60);
}

bool megatec_order_write(const struct megatec_order *order, const struct megatec_terms *terms,
                         char *out, size_t size)
{
    const char *text = terms->on_delay < 60 && order->text_without_on != NULL
                           ? order->text_without_on
                           : order->text;
    size_t used = 0;

    while (*text != '\0') {
        char part[16] = { *text++ };

        if (part[0] == '%') {
            switch (*text++) {
            case 'o':
                write_delay(terms->off_delay, part);
                break;
            case 'r':
                snprintf(part, sizeof part, "%04u", terms->on_delay / 60);
                break;
            case 't':
                write_delay(terms->test, part);
                break;
            case 'b':
                snprintf(part, sizeof part, "%s", terms->beeper_is_on ? "OFF" : "ON");
                break;
            default:
                return false;
            }
        }
        size_t length = strlen(part);
        if (used + length >= size)
            return false;
        memcpy(out + used, part, length);
        used += length;
    }
    out[used] = '\0';
    return used > 0;
}
