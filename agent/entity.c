/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/entity.h"

#include "agent/display.h"
#include "agent/entity_sensors.h"
#include "agent/objects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_SIZE 256
/* Of entPhysicalSerialNum and entPhysicalAlias. */
#define SHORT_TEXT_MAX 32

/* entPhySensorOperStatus */
enum oper_status { OPER_OK = 1, OPER_UNAVAILABLE };

/* TruthValue */
enum truth { TRUE = 1, FALSE };

/* What is built, from what. */
struct view {
    struct subtree_builder *builder;
    const struct entity *entities; /* in ascending order of numbers */
    size_t count;
    bool of_site;
};

/* The number of an entity of a device, where it is shown. */
static arc index_of(const struct view *view, const struct entity *entity, unsigned number)
{
    return view->of_site ? (arc)entity->monitor->number * ENTITY_DEVICE + number : number;
}

/* entPhysicalTable --------------------------------------------------------------------------- */

enum physical_column {
    PHYSICAL_DESCRIPTION = 2,
    PHYSICAL_VENDOR_TYPE,
    PHYSICAL_CONTAINED_IN,
    PHYSICAL_CLASS,
    PHYSICAL_PARENT_POSITION,
    PHYSICAL_NAME,
    PHYSICAL_HARDWARE,
    PHYSICAL_FIRMWARE,
    PHYSICAL_SOFTWARE,
    PHYSICAL_SERIAL,
    PHYSICAL_MAKER,
    PHYSICAL_MODEL,
    PHYSICAL_ALIAS,
    PHYSICAL_ASSET,
    PHYSICAL_REPLACEABLE,
    PHYSICAL_MADE,
    PHYSICAL_URIS,
};

static void append(char label[LABEL_SIZE], size_t *used, const char *text)
{
    size_t length = strnlen(text, LABEL_SIZE - 1 - *used);

    memcpy(label + *used, text, length);
    *used += length;
    label[*used] = '\0';
}

/* "Input L1 voltage"; among many devices the name of this one goes in front. */
static void add_label(const struct view *view, const struct entity *entity, const char *separator)
{
    char label[LABEL_SIZE];
    size_t used = 0;

    if (view->of_site) {
        append(label, &used, entity->monitor->ups->name);
        append(label, &used, separator);
    }
    append(label, &used, entity->part);
    if (entity->line != 0) {
        append(label, &used, " ");
        append(label, &used, entity_line_text(entity->line));
    }
    if (entity->what != NULL) {
        append(label, &used, " ");
        append(label, &used, entity->what);
    }
    display_text(view->builder, label, DISPLAY_MAX);
}

static const char *first_of(const struct ups *ups, const char *const names[2])
{
    const char *value = ups_value(ups, names[0]);

    return value != NULL || names[1] == NULL ? value : ups_value(ups, names[1]);
}

/* What only the UPS as a whole tells. */
static void add_identity(const struct view *view, const struct entity *entity,
                         enum physical_column column)
{
    static const char *const names[][2] = {
        [PHYSICAL_HARDWARE] = { "device.part", NULL },
        [PHYSICAL_FIRMWARE] = { "ups.firmware", NULL },
        [PHYSICAL_SOFTWARE] = { "ups.firmware.aux", NULL },
        [PHYSICAL_SERIAL] = { "ups.serial", "device.serial" },
        [PHYSICAL_MAKER] = { "ups.mfr", "device.mfr" },
        [PHYSICAL_MODEL] = { "ups.model", "device.model" },
        [PHYSICAL_ALIAS] = { "ups.id", NULL },
    };
    bool is_short = column == PHYSICAL_SERIAL || column == PHYSICAL_ALIAS;
    bool whole = entity->parent == 0;

    display_text(view->builder, whole ? first_of(entity->monitor->ups, names[column]) : NULL,
                 is_short ? SHORT_TEXT_MAX : DISPLAY_MAX);
}

static void add_position(const struct view *view, const struct entity *entity)
{
    long position = entity->parent == 0 ? -1 : entity->number % 100;

    subtree_integer(view->builder, SUBTREE_INTEGER, position);
}

static void add_physical_value(const struct view *view, const struct entity *entity,
                               enum physical_column column)
{
    static const arc nothing[] = { 0, 0 };
    static const char unknown_time[8];
    bool replaceable = entity->parent == 0 || entity->class == CLASS_BATTERY;

    switch (column) {
    case PHYSICAL_DESCRIPTION:
        add_label(view, entity, ": ");
        break;
    case PHYSICAL_NAME:
        add_label(view, entity, " ");
        break;
    case PHYSICAL_VENDOR_TYPE:
        subtree_object_id(view->builder, nothing, 2);
        break;
    case PHYSICAL_CONTAINED_IN:
        subtree_integer(view->builder, SUBTREE_INTEGER,
                        entity->parent == 0 ? 0 : (long)index_of(view, entity, entity->parent));
        break;
    case PHYSICAL_CLASS:
        subtree_integer(view->builder, SUBTREE_INTEGER, entity->class);
        break;
    case PHYSICAL_PARENT_POSITION:
        add_position(view, entity);
        break;
    case PHYSICAL_REPLACEABLE:
        subtree_integer(view->builder, SUBTREE_INTEGER, replaceable ? TRUE : FALSE);
        break;
    case PHYSICAL_MADE:
        subtree_text(view->builder, unknown_time, sizeof unknown_time);
        break;
    case PHYSICAL_ASSET:
    case PHYSICAL_URIS:
        display_text(view->builder, NULL, DISPLAY_MAX);
        break;
    case PHYSICAL_HARDWARE:
    case PHYSICAL_FIRMWARE:
    case PHYSICAL_SOFTWARE:
    case PHYSICAL_SERIAL:
    case PHYSICAL_MAKER:
    case PHYSICAL_MODEL:
    case PHYSICAL_ALIAS:
        add_identity(view, entity, column);
        break;
    }
}

static void add_physical(const struct view *view, const struct entity_slice *slice)
{
    for (unsigned column = slice->first; column <= slice->last; column++) {
        for (size_t i = 0; i < view->count; i++) {
            const struct entity *entity = &view->entities[i];
            arc index = index_of(view, entity, entity->number);

            subtree_name(view->builder, (const arc[]){ 2, 1, 47, 1, 1, 1, 1, column, index }, 9);
            add_physical_value(view, entity, (enum physical_column)column);
        }
    }
}

/* entPhysicalContainsTable: the UPS with its parts, then each part with its sensors. */
static void add_contains(const struct view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct entity *parent = &view->entities[i];

        if (parent->type != SENSOR_NONE)
            continue;
        arc parent_index = index_of(view, parent, parent->number);
        for (size_t j = i + 1; j < view->count; j++) {
            const struct entity *child = &view->entities[j];

            if (child->monitor != parent->monitor)
                break;
            if (child->parent != parent->number)
                continue;
            arc index = index_of(view, child, child->number);
            subtree_name(view->builder,
                         (const arc[]){ 2, 1, 47, 1, 3, 3, 1, 1, parent_index, index }, 10);
            subtree_integer(view->builder, SUBTREE_INTEGER, (long)index);
        }
    }
}

/* entPhySensorTable -------------------------------------------------------------------------- */

enum sensor_column {
    COLUMN_TYPE = 1,
    COLUMN_SCALE,
    COLUMN_PRECISION,
    COLUMN_VALUE,
    COLUMN_OPER_STATUS,
    COLUMN_UNITS,
    COLUMN_TIME,
    COLUMN_UPDATE_RATE,
};

#define SCALE_UNITS 9
/* entPhySensorValue: these stand for whatever is beyond them. */
#define VALUE_MAX 1000000000

static long value_of(const struct entity *entity)
{
    static const double factors[] = { 1, 10, 100 };
    double value = entity->variable->number * factors[entity->precision];

    if (value >= VALUE_MAX)
        return VALUE_MAX;
    return value <= -VALUE_MAX ? -VALUE_MAX : lround(value);
}

/* Milliseconds between readings; 0: not known. */
static long update_rate(const struct ups *ups)
{
    double seconds;

    if (!ups_number(ups, "driver.parameter.pollinterval", &seconds) || seconds < 0 ||
        seconds > 86400)
        return 0;
    return lround(seconds * 1000);
}

static void add_sensor_value(const struct view *view, const struct entity *entity,
                             enum sensor_column column)
{
    struct subtree_builder *builder = view->builder;
    const struct ups *ups = entity->monitor->ups;

    switch (column) {
    case COLUMN_TYPE:
        subtree_integer(builder, SUBTREE_INTEGER, entity->type);
        break;
    case COLUMN_SCALE:
        subtree_integer(builder, SUBTREE_INTEGER, SCALE_UNITS);
        break;
    case COLUMN_PRECISION:
        subtree_integer(builder, SUBTREE_INTEGER, entity->precision);
        break;
    case COLUMN_VALUE:
        subtree_integer(builder, SUBTREE_INTEGER, value_of(entity));
        break;
    case COLUMN_OPER_STATUS:
        subtree_integer(builder, SUBTREE_INTEGER, ups_fresh(ups) ? OPER_OK : OPER_UNAVAILABLE);
        break;
    case COLUMN_UNITS:
        display_text(view->builder, entity->unit, DISPLAY_MAX);
        break;
    case COLUMN_TIME:
        subtree_latest(builder, &ups->last_good);
        break;
    case COLUMN_UPDATE_RATE:
        subtree_integer(builder, SUBTREE_GAUGE, update_rate(ups));
        break;
    }
}

static void add_sensors(const struct view *view, const struct entity_slice *slice)
{
    for (unsigned column = slice->first; column <= slice->last; column++) {
        for (size_t i = 0; i < view->count; i++) {
            const struct entity *entity = &view->entities[i];
            arc index = index_of(view, entity, entity->number);

            if (entity->type == SENSOR_NONE)
                continue;
            subtree_name(view->builder, (const arc[]){ 2, 1, 99, 1, 1, 1, column, index }, 8);
            add_sensor_value(view, entity, (enum sensor_column)column);
        }
    }
}

/* Both MIBs ---------------------------------------------------------------------------------- */

#define PHYSICAL_TABLE OBJECTS_ENTITY_MIB, 1, 1, 1, 1
#define SENSOR_TABLE OBJECTS_ENTITY_SENSOR_MIB, 1, 1, 1

/* entPhysicalContainsTable and entLastChangeTime are between the two tables' columns. */
const struct entity_slice entity_slices[ENTITY_SLICES] = {
    { { OBJECTS_ENTITY_MIB }, 7, PHYSICAL_DESCRIPTION, PHYSICAL_VENDOR_TYPE },
    { { PHYSICAL_TABLE, PHYSICAL_CONTAINED_IN }, 12, PHYSICAL_CONTAINED_IN, PHYSICAL_NAME },
    { { PHYSICAL_TABLE, PHYSICAL_HARDWARE }, 12, PHYSICAL_HARDWARE, PHYSICAL_MAKER },
    { { PHYSICAL_TABLE, PHYSICAL_MODEL }, 12, PHYSICAL_MODEL, PHYSICAL_URIS },
    { { OBJECTS_ENTITY_MIB, 1, 3 }, 9, 0, 0 },
    { { OBJECTS_ENTITY_SENSOR_MIB }, 7, COLUMN_TYPE, COLUMN_PRECISION },
    { { SENSOR_TABLE, COLUMN_VALUE }, 11, COLUMN_VALUE, COLUMN_UNITS },
    { { SENSOR_TABLE, COLUMN_TIME }, 11, COLUMN_TIME, COLUMN_UPDATE_RATE },
};

#define SLICE_BETWEEN 4

/* Has the set of entities changed since it was last looked at? */
static void note_change(const struct view *view, struct entity_history *history, uint64_t now)
{
    uint32_t signature = 2166136261u;

    for (size_t i = 0; i < view->count; i++)
        signature =
            (signature ^ (uint32_t)index_of(view, &view->entities[i], view->entities[i].number)) *
            16777619u;
    signature |= 1;
    if (history->signature != 0 && history->signature != signature)
        history->changed = now;
    history->signature = signature;
}

static void add_slice(const struct view *view, unsigned number,
                      const struct entity_history *history)
{
    const struct entity_slice *slice = &entity_slices[number];

    if (number < SLICE_BETWEEN) {
        add_physical(view, slice);
    } else if (number > SLICE_BETWEEN) {
        add_sensors(view, slice);
    } else {
        add_contains(view);
        /* entLastChangeTime */
        subtree_name(view->builder, (const arc[]){ 2, 1, 47, 1, 4, 1, 0 }, 7);
        subtree_timestamp(view->builder, history->changed);
    }
}

static struct subtree *build(struct view *view, unsigned first, unsigned last,
                             struct entity_history *history, uint64_t now)
{
    view->builder = subtree_begin();
    if (view->builder == NULL)
        return NULL;
    note_change(view, history, now);
    for (unsigned slice = first; slice <= last; slice++)
        add_slice(view, slice, history);
    return subtree_finish(view->builder);
}

struct subtree *entity_build_device(struct monitor *monitor, uint64_t now)
{
    struct entity entities[ENTITIES_MAX];
    struct view view = { .entities = entities, .count = entity_sensors_find(monitor, entities) };

    return build(&view, 0, ENTITY_SLICES - 1, &monitor->entities, now);
}

struct subtree *entity_build_site(unsigned slice, struct monitor *const *monitors, size_t count,
                                  struct entity_history *history, uint64_t now)
{
    struct entity *entities = NULL;
    size_t used = 0;
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        if (size - used < ENTITIES_MAX) {
            struct entity *grown =
                realloc(entities, (size * 2 + ENTITIES_MAX) * sizeof entities[0]);

            if (grown == NULL) {
                free(entities);
                return NULL;
            }
            entities = grown;
            size = size * 2 + ENTITIES_MAX;
        }
        used += entity_sensors_find(monitors[i], entities + used);
    }
    struct view view = { .entities = entities, .count = used, .of_site = true };
    struct subtree *subtree = build(&view, slice, slice, history, now);
    free(entities);
    return subtree;
}
