/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/bus_silent.h"

#include <stddef.h>
#include <stdlib.h>

struct silent_unit {
    struct silent_unit *next;
    unsigned number;
    uint64_t rest_until;
};

void silent_unit_keep(struct silent_unit **units, unsigned number, uint64_t rest_until)
{
    struct silent_unit *unit = malloc(sizeof *unit);

    silent_unit_take(units, number);
    if (unit == NULL)
        return;
    *unit = (struct silent_unit){ .next = *units, .number = number, .rest_until = rest_until };
    *units = unit;
}

uint64_t silent_unit_take(struct silent_unit **units, unsigned number)
{
    for (struct silent_unit **link = units; *link != NULL; link = &(*link)->next) {
        struct silent_unit *unit = *link;
        uint64_t rest_until = unit->rest_until;

        if (unit->number != number)
            continue;
        *link = unit->next;
        free(unit);
        return rest_until;
    }
    return 0;
}

void silent_units_free(struct silent_unit **units)
{
    while (*units != NULL)
        silent_unit_take(units, (*units)->number);
}
