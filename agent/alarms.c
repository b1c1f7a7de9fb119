/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/alarms.h"

#include "agent/objects.h"

#include <stdbool.h>
#include <stdint.h>

#define DESCRIPTION_LENGTH 11

const arc *alarm_description(enum alarm_kind kind, size_t *length)
{
#define DESCRIPTION(kind)              \
    {                                  \
        OBJECTS_UPS_MIB, 1, 6, 3, kind \
    }
    static const arc descriptions[ALARM_KINDS][DESCRIPTION_LENGTH] = {
        DESCRIPTION(1),  DESCRIPTION(2),  DESCRIPTION(3),  DESCRIPTION(4),  DESCRIPTION(5),
        DESCRIPTION(6),  DESCRIPTION(7),  DESCRIPTION(8),  DESCRIPTION(9),  DESCRIPTION(10),
        DESCRIPTION(11), DESCRIPTION(12), DESCRIPTION(13), DESCRIPTION(14), DESCRIPTION(15),
        DESCRIPTION(16), DESCRIPTION(17), DESCRIPTION(18), DESCRIPTION(19), DESCRIPTION(20),
        DESCRIPTION(21), DESCRIPTION(22), DESCRIPTION(23), DESCRIPTION(24),
    };
#undef DESCRIPTION

    *length = DESCRIPTION_LENGTH;
    return descriptions[kind - 1];
}

static bool id_in_use(const struct alarms *alarms, uint32_t id)
{
    for (size_t i = 0; i < alarms->count; i++) {
        if (alarms->rows[i].id == id)
            return true;
    }
    return false;
}

/* After 2^31 - 1 numbers it begins anew with the lowest one free. */
static uint32_t next_id(struct alarms *alarms)
{
    do {
        alarms->last_id = alarms->last_id == INT32_MAX ? 1 : alarms->last_id + 1;
    } while (id_in_use(alarms, alarms->last_id));
    return alarms->last_id;
}

static void add(struct alarms *alarms, enum alarm_kind kind, uint64_t noticed)
{
    struct alarm row = { .id = next_id(alarms), .noticed = noticed, .kind = kind };
    size_t at = alarms->count++;

    for (; at > 0 && alarms->rows[at - 1].id > row.id; at--)
        alarms->rows[at] = alarms->rows[at - 1];
    alarms->rows[at] = row;
}

uint32_t alarms_update(struct alarms *alarms, uint32_t holding, uint64_t noticed)
{
    uint32_t had = 0;
    size_t kept = 0;

    for (size_t i = 0; i < alarms->count; i++) {
        uint32_t bit = ALARM_BIT(alarms->rows[i].kind);

        had |= bit;
        if ((holding & bit) != 0)
            alarms->rows[kept++] = alarms->rows[i];
    }
    alarms->count = kept;
    for (enum alarm_kind kind = 1; kind <= ALARM_KINDS; kind++) {
        if ((holding & ~had & ALARM_BIT(kind)) != 0)
            add(alarms, kind, noticed);
    }
    return holding ^ had;
}
