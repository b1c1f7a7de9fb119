/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/lineage.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Names that come and go must not fill the memory. */
#define ANCESTORS_MAX 4096

struct ancestor {
    struct ancestor *next;
    uint32_t input_line_bads, last_alarm_id;
    char name[];
};

static void forget_oldest(struct lineage *lineage)
{
    struct ancestor **link = &lineage->first;
    size_t count = 0;

    while (*link != NULL && ++count < ANCESTORS_MAX)
        link = &(*link)->next;
    free(*link);
    *link = NULL;
}

void lineage_leave(struct lineage *lineage, const struct monitor *monitor)
{
    size_t size = strlen(monitor->ups->name) + 1;
    struct ancestor *ancestor;

    if (monitor->alarms.last_id == 0 && monitor->input_line_bads == 0)
        return;
    ancestor = calloc(1, sizeof *ancestor + size);
    /* Without memory the next of this name begins anew. */
    if (ancestor == NULL)
        return;
    memcpy(ancestor->name, monitor->ups->name, size);
    ancestor->input_line_bads = monitor->input_line_bads;
    ancestor->last_alarm_id = monitor->alarms.last_id;
    forget_oldest(lineage);
    ancestor->next = lineage->first;
    lineage->first = ancestor;
}

void lineage_inherit(struct lineage *lineage, struct monitor *monitor)
{
    struct ancestor **link = &lineage->first;

    while (*link != NULL && strcasecmp((*link)->name, monitor->ups->name) != 0)
        link = &(*link)->next;
    struct ancestor *ancestor = *link;
    if (ancestor == NULL)
        return;
    monitor->input_line_bads = ancestor->input_line_bads;
    monitor->alarms.last_id = ancestor->last_alarm_id;
    *link = ancestor->next;
    free(ancestor);
}

void lineage_clear(struct lineage *lineage)
{
    while (lineage->first != NULL) {
        struct ancestor *ancestor = lineage->first;

        lineage->first = ancestor->next;
        free(ancestor);
    }
}
