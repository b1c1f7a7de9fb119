/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "agent/bridgemib.h"

#include "agent/bridge_tables.h"
#include "agent/display.h"
#include "agent/entity.h"
#include "agent/objects.h"
#include "agent/system.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 3
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

uint32_t bridgemib_number(const char *name, uint32_t maximum)
{
    uint32_t hash = 2166136261u;

    for (; *name != '\0'; name++)
        hash = (hash ^ (uint32_t)(unsigned char)tolower((unsigned char)*name)) * 16777619u;
    return hash % maximum + 1;
}

/* Naming instances --------------------------------------------------------------------------- */

void bridge_name(struct subtree_builder *builder, const arc *rest, size_t count)
{
    static const arc root[] = { BRIDGE_MIB_BELOW_INTERNET };
    arc name[SUBTREE_ARCS_MAX];

    memcpy(name, root, sizeof root);
    memcpy(name + COUNT_OF(root), rest, count * sizeof name[0]);
    subtree_name(builder, name, COUNT_OF(root) + count);
}

void bridge_cell(struct subtree_builder *builder, enum bridge_table table, arc column, arc index)
{
    bridge_name(builder, (const arc[]){ 1, table, 1, column, index }, 5);
}

/* The server --------------------------------------------------------------------------------- */

static void name_scalar(struct subtree_builder *builder, arc number)
{
    bridge_name(builder, (const arc[]){ 1, BRIDGE_SERVER, number, 0 }, 4);
}

static void add_scalar(struct subtree_builder *builder, arc number, enum subtree_type type,
                       uint64_t value)
{
    name_scalar(builder, number);
    subtree_integer(builder, type, (long)(uint32_t)value);
}

static void add_server(struct subtree_builder *builder, struct monitor *const *monitors,
                       size_t count, const struct census *census)
{
    uint64_t unwell = 0;

    for (size_t i = 0; i < count; i++)
        unwell += monitors[i]->ups->comms != UPS_OK;
    name_scalar(builder, 1);
    display_text(builder, system_agent_version, DISPLAY_MAX);
    add_scalar(builder, 2, SUBTREE_GAUGE, count);
    add_scalar(builder, 3, SUBTREE_GAUGE, unwell);
    add_scalar(builder, 4, SUBTREE_GAUGE, census->clients);
    add_scalar(builder, 5, SUBTREE_COUNTER, census->connections);
    add_scalar(builder, 6, SUBTREE_COUNTER, census->refused_connections);
    add_scalar(builder, 7, SUBTREE_COUNTER, census->refused_logins);
    name_scalar(builder, 8);
    subtree_counter64(builder, census->requests);
    const struct counters *counters = &census->counters;
    const uint64_t refusals[] = { counters->wrong_credentials, counters->missing_rights,
                                  counters->wrappers_refusals, counters->access_refusals,
                                  counters->crowding_refusals, counters->delayed_attempts };
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        add_scalar(builder, 9 + i, SUBTREE_COUNTER, refusals[i]);
    const struct modbus_counters *modbus = &census->modbus;
    const uint64_t counts[] = { modbus->connections, modbus->refused, modbus->requests,
                                modbus->exceptions, modbus->garbled };
    add_scalar(builder, 15, SUBTREE_GAUGE, modbus->clients);
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        add_scalar(builder, 16 + i, SUBTREE_COUNTER, counts[i]);
}

/* Devices ------------------------------------------------------------------------------------ */

/* A column of ubDeviceTable. */
struct column {
    arc number;
    void (*add)(struct subtree_builder *builder, const struct column *column,
                const struct monitor *monitor);
    const char *names[NAMES_MAX]; /* variables that tell it: the first one that exists */
    double scale;
    double minimum;
    bool stays; /* also while the readings are stale */
};

static void name_device(struct subtree_builder *builder, const struct column *column,
                        const struct monitor *monitor)
{
    bridge_cell(builder, BRIDGE_DEVICES, column->number, monitor->number);
}

static void add_device_name(struct subtree_builder *builder, const struct column *column,
                            const struct monitor *monitor)
{
    name_device(builder, column, monitor);
    display_text(builder, monitor->ups->name, DISPLAY_MAX);
}

static void add_description(struct subtree_builder *builder, const struct column *column,
                            const struct monitor *monitor)
{
    name_device(builder, column, monitor);
    display_text(builder, monitor->ups->description, DISPLAY_MAX);
}

static void add_comms(struct subtree_builder *builder, const struct column *column,
                      const struct monitor *monitor)
{
    name_device(builder, column, monitor);
    subtree_integer(builder, SUBTREE_INTEGER, (long)monitor->ups->comms + 1);
}

static void add_alarms(struct subtree_builder *builder, const struct column *column,
                       const struct monitor *monitor)
{
    name_device(builder, column, monitor);
    subtree_integer(builder, SUBTREE_GAUGE, (long)monitor->alarms.count);
}

static void add_generation(struct subtree_builder *builder, const struct column *column,
                           const struct monitor *monitor)
{
    name_device(builder, column, monitor);
    subtree_integer(builder, SUBTREE_COUNTER, (long)(uint32_t)monitor->ups->generation);
}

static void add_last_update(struct subtree_builder *builder, const struct column *column,
                            const struct monitor *monitor)
{
    name_device(builder, column, monitor);
    subtree_latest(builder, &monitor->ups->last_good);
}

static void add_age(struct subtree_builder *builder, const struct column *column,
                    const struct monitor *monitor)
{
    if (!monitor->ups->has_data)
        return;
    name_device(builder, column, monitor);
    subtree_seconds_since(builder, monitor->ups->last_good);
}

static void add_entity(struct subtree_builder *builder, const struct column *column,
                       const struct monitor *monitor)
{
    name_device(builder, column, monitor);
    subtree_integer(builder, SUBTREE_INTEGER, entity_of_device(monitor));
}

/* Always there, perhaps empty. */
static void add_told(struct subtree_builder *builder, const struct column *column,
                     const struct monitor *monitor)
{
    const char *value = NULL;

    for (size_t i = 0; i < NAMES_MAX && value == NULL && column->names[i] != NULL; i++)
        value = ups_value(monitor->ups, column->names[i]);
    name_device(builder, column, monitor);
    display_text(builder, value, DISPLAY_MAX);
}

/* Of a number the device does not tell there is no instance. */
static void add_number(struct subtree_builder *builder, const struct column *column,
                       const struct monitor *monitor)
{
    double number;

    for (size_t i = 0; i < NAMES_MAX && column->names[i] != NULL; i++) {
        if (!ups_number(monitor->ups, column->names[i], &number))
            continue;
        number = fmin(fmax(number * column->scale, column->minimum), INT32_MAX);
        name_device(builder, column, monitor);
        subtree_integer(builder, SUBTREE_INTEGER, lround(number));
        return;
    }
}

#define KNOWN(number, function)                \
    {                                          \
        number, function, { NULL }, 1, 0, true \
    }
#define TOLD(number, ...)                             \
    {                                                 \
        number, add_told, { __VA_ARGS__ }, 1, 0, true \
    }
#define MEASURED(number, scale, minimum, ...)                      \
    {                                                              \
        number, add_number, { __VA_ARGS__ }, scale, minimum, false \
    }

static const struct column columns[] = {
    KNOWN(2, add_device_name),
    KNOWN(3, add_description),
    TOLD(4, "driver.name"),
    KNOWN(5, add_comms),
    TOLD(6, "ups.status"),
    KNOWN(7, add_alarms),
    TOLD(8, "ups.mfr", "device.mfr"),
    TOLD(9, "ups.model", "device.model"),
    TOLD(10, "ups.serial", "device.serial"),
    MEASURED(11, 1, 0, "battery.charge"),
    MEASURED(12, 1, 0, "battery.runtime"),
    MEASURED(13, 1, 0, "ups.load", "output.power.percent"),
    MEASURED(14, 10, 0, "input.voltage", "input.L1-N.voltage", "input.L1.voltage"),
    MEASURED(15, 10, 0, "output.voltage", "output.L1-N.voltage", "output.L1.voltage"),
    MEASURED(16, 10, 0, "battery.voltage"),
    MEASURED(17, 10, INT32_MIN, "battery.temperature", "ups.temperature"),
    MEASURED(18, 1, 0, "output.realpower", "ups.realpower"),
    KNOWN(19, add_generation),
    KNOWN(20, add_last_update),
    KNOWN(21, add_age),
    KNOWN(22, add_entity),
};

static void add_devices(struct subtree_builder *builder, struct monitor *const *monitors,
                        size_t count)
{
    for (size_t c = 0; c < COUNT_OF(columns); c++) {
        for (size_t i = 0; i < count; i++) {
            if (columns[c].stays || ups_fresh(monitors[i]->ups))
                columns[c].add(builder, &columns[c], monitors[i]);
        }
    }
}

struct subtree *bridgemib_build(struct monitor *const *monitors, size_t count,
                                const struct census *census, time_t wall_time)
{
    struct subtree_builder *builder = subtree_begin();

    if (builder == NULL)
        return NULL;
    add_server(builder, monitors, count, census);
    add_devices(builder, monitors, count);
    bool done =
        bridge_add_variables(builder, monitors, count) && bridge_add_clients(builder, census);
    bridge_add_certificates(builder, census->certificates, wall_time);
    struct subtree *subtree = subtree_finish(builder);
    if (done)
        return subtree;
    free(subtree);
    return NULL;
}
