/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/served_units.h"

#include <string.h>
#include <strings.h>

#define ANY_UNIT 255

static unsigned number_of(const struct served_units *units, const struct ups *ups)
{
    unsigned number = MODBUS_UNIT_MAX;

    while (number > 0 && units->numbers[number] != ups)
        number--;
    return number;
}

/* The number a line gives it; 0: none does. */
static unsigned given_number(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->modbus_unit_count; i++) {
        if (strcasecmp(settings->modbus_units[i].name, name) == 0)
            return settings->modbus_units[i].number;
    }
    return 0;
}

static unsigned free_number(const struct served_units *units)
{
    unsigned number = 1;

    while (number <= MODBUS_UNIT_MAX && units->numbers[number] != NULL)
        number++;
    return number <= MODBUS_UNIT_MAX ? number : 0;
}

size_t served_units_assign(struct served_units *units, const struct ups_store *store,
                           const struct settings *settings)
{
    struct served_units fresh = { { NULL } };
    size_t assigned = 0;

    for (unsigned pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < ups_count(store); i++) {
            struct ups *ups = ups_at(store, i);
            unsigned number = 0;

            if (pass > 0 && number_of(&fresh, ups) != 0)
                continue;
            if (pass == 0)
                number = given_number(settings, ups->name);
            else if (pass == 1)
                number = number_of(units, ups);
            else
                number = free_number(&fresh);
            if (number == 0 || fresh.numbers[number] != NULL)
                continue;
            fresh.numbers[number] = ups;
            assigned++;
        }
    }
    *units = fresh;
    return ups_count(store) - assigned;
}

void served_units_forget(struct served_units *units, const struct ups *ups)
{
    units->numbers[number_of(units, ups)] = NULL;
}

struct ups *served_units_find(const struct served_units *units, unsigned number)
{
    unsigned first = 1;

    if (number != 0 && number != ANY_UNIT)
        return number <= MODBUS_UNIT_MAX ? units->numbers[number] : NULL;
    while (first < MODBUS_UNIT_MAX && units->numbers[first] == NULL)
        first++;
    return units->numbers[first];
}
