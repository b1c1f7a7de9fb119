/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "agent/system.h"

#include "agent/objects.h"
#include "core/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sysServices: 2^(7-1), an application. */
#define SERVICES 64

const char system_agent_version[] = PACKAGE_NAME " " PACKAGE_VERSION;

/* LibreNMS knows this pair as a UPS that serves RFC 1628 and nothing else. */
const struct presentation system_default_presentation = { .description = "upsbridge SNMP Agent",
                                                          .object_id = { OBJECTS_UPS_MIB },
                                                          .object_id_length = 7 };

static void set_object_id(struct presentation *presentation, const char *text)
{
    presentation->object_id_length = 0;
    while (*text != '\0' && presentation->object_id_length < PRESENTATION_ARCS_MAX) {
        char *end;

        presentation->object_id[presentation->object_id_length++] = strtoul(text, &end, 10);
        text = end + (*end == '.');
    }
}

void system_presentation(const struct settings *settings, struct presentation *presentation)
{
    *presentation = system_default_presentation;
    presentation->serve_index = settings->snmp_serve_index;
    if (settings->snmp_description != NULL)
        snprintf(presentation->description, sizeof presentation->description, "%s",
                 settings->snmp_description);
    if (settings->snmp_object_id != NULL)
        set_object_id(presentation, settings->snmp_object_id);
}

/* The group ---------------------------------------------------------------------------------- */

static void name(struct subtree_builder *builder, arc object)
{
    subtree_name(builder, (const arc[]){ 2, 1, 1, object, 0 }, 5);
}

static void text(struct subtree_builder *builder, arc object, const char *value)
{
    size_t length = value == NULL ? 0 : strnlen(value, 255);

    name(builder, object);
    subtree_text(builder, value, length);
}

void system_build(const struct ups *ups, const struct presentation *presentation,
                  struct subtree_builder *builder)
{
    text(builder, 1, presentation->description);
    name(builder, 2);
    subtree_object_id(builder, presentation->object_id, presentation->object_id_length);
    name(builder, 3);
    subtree_uptime(builder);
    text(builder, 4, ups_value(ups, "device.contact"));
    text(builder, 5, ups->name);
    text(builder, 6, ups_value(ups, "device.location"));
    name(builder, 7);
    subtree_integer(builder, SUBTREE_INTEGER, SERVICES);
}

/* sysORTable --------------------------------------------------------------------------------- */

enum or_column { OR_ID = 2, OR_DESCRIPTION, OR_UP_TIME };

static void add_mib(struct subtree_builder *builder, enum or_column column, arc index,
                    const struct region *region)
{
    subtree_name(builder, (const arc[]){ 2, 1, 1, 9, 1, column, index }, 7);
    switch (column) {
    case OR_ID:
        subtree_object_id(builder, region->root, region->length);
        break;
    case OR_DESCRIPTION:
        subtree_text(builder, region->description, strlen(region->description));
        break;
    case OR_UP_TIME:
        subtree_integer(builder, SUBTREE_TIMETICKS, 0);
        break;
    }
}

void system_build_mibs(const char *context, struct subtree_builder *builder)
{
    name(builder, 8);
    subtree_integer(builder, SUBTREE_TIMETICKS, 0);
    for (enum or_column column = OR_ID; column <= OR_UP_TIME; column++) {
        arc index = 0;

        for (size_t i = 0; i < OBJECTS_REGIONS; i++) {
            const struct region *region = &objects_regions[i];

            if (region->description != NULL && objects_shown(region, context))
                add_mib(builder, column, ++index, region);
        }
    }
}
