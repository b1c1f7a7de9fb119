/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "agent/system.h"

#include "agent/objects.h"

#include <string.h>

/* LibreNMS knows this pair as a UPS that serves RFC 1628 and nothing else. */
#define DESCRIPTION "upsbridge SNMP Agent"
/* sysServices: 2^(7-1), an application. */
#define SERVICES 64

const char system_agent_version[] = PACKAGE_NAME " " PACKAGE_VERSION;

static const arc object_id[] = { OBJECTS_UPS_MIB };

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

void system_build(const struct ups *ups, struct subtree_builder *builder)
{
    text(builder, 1, DESCRIPTION);
    name(builder, 2);
    subtree_object_id(builder, object_id, sizeof object_id / sizeof object_id[0]);
    name(builder, 3);
    subtree_uptime(builder);
    text(builder, 4, ups_value(ups, "device.contact"));
    text(builder, 5, ups->name);
    text(builder, 6, ups_value(ups, "device.location"));
    name(builder, 7);
    subtree_integer(builder, SUBTREE_INTEGER, SERVICES);
}
