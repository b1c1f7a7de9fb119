/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "agent/notification.h"

#include "agent/bridge_tables.h"
#include "agent/display.h"
#include "agent/objects.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define SCALARS_MAX 6

static const arc on_battery[] = { OBJECTS_UPS_MIB, 2, 1 };
static const arc test_completed[] = { OBJECTS_UPS_MIB, 2, 2 };
static const arc alarm_added[] = { OBJECTS_UPS_MIB, 2, 3 };
static const arc alarm_removed[] = { OBJECTS_UPS_MIB, 2, 4 };
static const arc comms_lost[] = { OBJECTS_BRIDGE_MIB, 0, 1 };
static const arc comms_restored[] = { OBJECTS_BRIDGE_MIB, 0, 2 };
static const arc on_line[] = { OBJECTS_BRIDGE_MIB, 0, 3 };

/* A scalar of the UPS-MIB. */
struct scalar {
    arc group, number;
};

static const struct {
    const arc *name;
    size_t length;
    bool of_site; /* tells of ubDeviceTable, in the default context */
    struct scalar scalars[SCALARS_MAX];
} kinds[] = {
    [NOTIFICATION_ON_BATTERY] = { on_battery,
                                  COUNT_OF(on_battery),
                                  false,
                                  { { 2, 3 }, { 2, 2 }, { 9, 7 } } },
    [NOTIFICATION_TEST_COMPLETED] = { test_completed,
                                      COUNT_OF(test_completed),
                                      false,
                                      { { 7, 1 },
                                        { 7, 2 },
                                        { 7, 3 },
                                        { 7, 4 },
                                        { 7, 5 },
                                        { 7, 6 } } },
    [NOTIFICATION_ALARM_ADDED] = { alarm_added, COUNT_OF(alarm_added), false, { { 0, 0 } } },
    [NOTIFICATION_ALARM_REMOVED] = { alarm_removed, COUNT_OF(alarm_removed), false, { { 0, 0 } } },
    [NOTIFICATION_COMMS_LOST] = { comms_lost, COUNT_OF(comms_lost), true, { { 0, 0 } } },
    [NOTIFICATION_COMMS_RESTORED] = { comms_restored,
                                      COUNT_OF(comms_restored),
                                      true,
                                      { { 0, 0 } } },
    [NOTIFICATION_ON_LINE] = { on_line, COUNT_OF(on_line), true, { { 0, 0 } } },
};

static const struct scalar ident_name = { 1, 5 };

const arc *notification_name(enum notification_kind kind, size_t *length)
{
    *length = kinds[kind].length;
    return kinds[kind].name;
}

/* Variables ---------------------------------------------------------------------------------- */

/* The value as it is now, but for upsTestStartTime, which is told in the receiver's time. */
static void add_value(struct subtree_builder *builder, const struct subtree_value *value,
                      const struct monitor *monitor)
{
    if (value->type == SUBTREE_TEXT)
        subtree_text(builder, value->bytes, value->size);
    else if (value->type == SUBTREE_OBJECT_ID)
        subtree_object_id(builder, value->bytes, value->size / sizeof(arc));
    else if (value->type == SUBTREE_TIMETICKS)
        subtree_timestamp(builder, monitor->self_test.start);
    else
        subtree_integer(builder, value->type, value->number);
}

/* A notification must have its variables: what the device does not tell is 0. */
static void add_scalar(struct subtree_builder *builder, const struct scalar *scalar,
                       const struct monitor *monitor, const struct subtree *snapshot,
                       const struct moment *moment)
{
    const arc name[] = { OBJECTS_UPS_MIB, 1, scalar->group, scalar->number, 0 };
    struct subtree_value value = { .type = SUBTREE_INTEGER };
    size_t position;

    if (subtree_get(snapshot, name, COUNT_OF(name), &position) == SUBTREE_INSTANCE)
        subtree_value_at(snapshot, position, moment, &value);
    subtree_name(builder, name + 4, COUNT_OF(name) - 4);
    add_value(builder, &value, monitor);
}

static void add_alarm(struct subtree_builder *builder, const struct alarm *alarm)
{
    size_t length;
    const arc *description = alarm_description(alarm->kind, &length);

    subtree_name(builder, (const arc[]){ 2, 1, 33, 1, 6, 2, 1, 1, alarm->id }, 9);
    subtree_integer(builder, SUBTREE_INTEGER, (long)alarm->id);
    subtree_name(builder, (const arc[]){ 2, 1, 33, 1, 6, 2, 1, 2, alarm->id }, 9);
    subtree_object_id(builder, description, length);
}

/* ubDeviceName, ubDeviceComms, ubDeviceStatus. */
static void add_device(struct subtree_builder *builder, const struct monitor *monitor)
{
    bridge_cell(builder, BRIDGE_DEVICES, 2, monitor->number);
    display_text(builder, monitor->ups->name, DISPLAY_MAX);
    bridge_cell(builder, BRIDGE_DEVICES, 5, monitor->number);
    subtree_integer(builder, SUBTREE_INTEGER, (long)monitor->ups->comms + 1);
    bridge_cell(builder, BRIDGE_DEVICES, 6, monitor->number);
    display_text(builder, ups_value(monitor->ups, "ups.status"), DISPLAY_MAX);
}

static struct subtree *collect(enum notification_kind kind, struct monitor *monitor,
                               const struct alarm *alarm, uint64_t now)
{
    const struct moment moment = moment_at(now, 0);
    const struct subtree *snapshot = kinds[kind].of_site ? NULL : monitor_snapshot(monitor);
    struct subtree_builder *builder =
        kinds[kind].of_site || snapshot != NULL ? subtree_begin() : NULL;

    if (builder == NULL)
        return NULL;
    if (kinds[kind].of_site) {
        add_device(builder, monitor);
        return subtree_finish(builder);
    }
    for (size_t i = 0; i < SCALARS_MAX && kinds[kind].scalars[i].group != 0; i++)
        add_scalar(builder, &kinds[kind].scalars[i], monitor, snapshot, &moment);
    if (alarm != NULL)
        add_alarm(builder, alarm);
    add_scalar(builder, &ident_name, monitor, snapshot, &moment);
    return subtree_finish(builder);
}

/* Life --------------------------------------------------------------------------------------- */

struct notification *notification_new(enum notification_kind kind, struct monitor *monitor,
                                      const struct alarm *alarm, uint64_t now)
{
    const char *context = kinds[kind].of_site ? "" : monitor->ups->name;
    size_t size = strlen(context) + 1;
    struct notification *notification = calloc(1, sizeof *notification + size);

    if (notification == NULL)
        return NULL;
    notification->references = 1;
    notification->kind = kind;
    notification->device = monitor->number;
    notification->alarm = alarm == NULL ? 0 : (uint32_t)alarm->kind;
    notification->row = alarm == NULL ? 0 : alarm->id;
    memcpy(notification->context, context, size);
    notification->variables = collect(kind, monitor, alarm, now);
    if (notification->variables != NULL)
        return notification;
    notification_drop(notification);
    return NULL;
}

struct notification *notification_share(struct notification *notification)
{
    notification->references++;
    return notification;
}

void notification_drop(struct notification *notification)
{
    if (notification == NULL || --notification->references > 0)
        return;
    free(notification->variables);
    free(notification);
}

bool notification_replaces(const struct notification *newer, const struct notification *older)
{
    bool same = newer->kind == older->kind && newer->device == older->device &&
                newer->alarm == older->alarm;

    if (newer->kind == NOTIFICATION_ALARM_REMOVED && newer->alarm != ALARM_ON_BATTERY)
        return same && newer->row == older->row;
    return same;
}
