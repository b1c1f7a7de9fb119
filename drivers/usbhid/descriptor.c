/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/descriptor.h"

#include "drivers/usbhid/usages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_MAX 16   /* Push items not yet popped */
#define USAGES_MAX 256 /* usages and ranges of usages before one main item */
#define FIELDS_FIRST 64
#define REPORT_BITS_MAX ((uint64_t)(HID_REPORT_MAX - 1) * 8)

/* Of main items' flags. */
#define FLAG_VARIABLE 0x02

#define PAGE_POWER_DEVICE 0x84
#define PAGE_BATTERY_SYSTEM 0x85

#define COLLECTION_INSTANCES 0x80

/* An item's first byte: tag, type, and how many bytes follow. */
#define ITEM_LONG 0xfe
#define ITEM_SIZE_MASK 0x03
#define ITEM_TYPE_MASK 0x0c
enum {
    TYPE_MAIN = 0x00,
    TYPE_GLOBAL = 0x04,
    TYPE_LOCAL = 0x08,
};

/* Tags with their types, the size left out. */
enum {
    MAIN_INPUT = 0x80,
    MAIN_OUTPUT = 0x90,
    MAIN_COLLECTION = 0xa0,
    MAIN_FEATURE = 0xb0,
    MAIN_END_COLLECTION = 0xc0,

    GLOBAL_USAGE_PAGE = 0x04,
    GLOBAL_LOGICAL_MINIMUM = 0x14,
    GLOBAL_LOGICAL_MAXIMUM = 0x24,
    GLOBAL_PHYSICAL_MINIMUM = 0x34,
    GLOBAL_PHYSICAL_MAXIMUM = 0x44,
    GLOBAL_EXPONENT = 0x54,
    GLOBAL_UNIT = 0x64,
    GLOBAL_REPORT_SIZE = 0x74,
    GLOBAL_REPORT_ID = 0x84,
    GLOBAL_REPORT_COUNT = 0x94,
    GLOBAL_PUSH = 0xa4,
    GLOBAL_POP = 0xb4,

    LOCAL_USAGE = 0x08,
    LOCAL_USAGE_MINIMUM = 0x18,
    LOCAL_USAGE_MAXIMUM = 0x28,
    LOCAL_DELIMITER = 0xa8,
};

struct item {
    uint8_t tag;  /* with its type, without its size */
    uint8_t size; /* 0, 1, 2 or 4 */
    uint32_t value;
    int32_t signed_value; /* the same as a signed number of its size */
};

struct globals {
    uint16_t usage_page;
    int32_t logical_minimum, logical_maximum;
    uint8_t logical_maximum_size;
    int32_t physical_minimum, physical_maximum;
    int8_t exponent;
    uint32_t unit;
    uint8_t report;
    uint32_t report_size, report_count;
};

/* A usage, or several that follow each other. */
struct usage_run {
    hid_usage first;
    uint32_t count;
};

/* What holds for the next main item only. */
struct locals {
    struct usage_run runs[USAGES_MAX];
    size_t run_count;
    bool has_minimum, has_maximum;
    hid_usage minimum, maximum;
    uint8_t minimum_size, maximum_size;
    bool in_delimiter, delimiter_filled;
};

struct parser {
    const uint8_t *at, *end;
    struct hid_descriptor *descriptor;
    size_t room; /* for fields */
    bool no_memory;
    struct globals globals;
    struct globals stack[STACK_MAX];
    size_t stack_depth;
    struct locals locals;
    struct hid_path path;          /* of the open collections */
    uint8_t lengths[HID_PATH_MAX]; /* of the path before each collection that is part of it */
    size_t depth;                  /* open collections that are part of the path */
    size_t too_deep;               /* open collections the path has no room for */
    uint32_t bits[HID_REPORT_TYPES][256];
};

static void refuse(struct parser *parser, const char *problem)
{
    snprintf(parser->descriptor->problem, sizeof parser->descriptor->problem, "%s", problem);
}

static bool refused(const struct parser *parser)
{
    return parser->no_memory || parser->descriptor->problem[0] != '\0';
}

/* Local items -------------------------------------------------------------------------------- */

/* Usages of four bytes bring their own page. */
static hid_usage full_usage(const struct parser *parser, const struct item *item)
{
    if (item->size == 4)
        return item->value;
    return (hid_usage)parser->globals.usage_page << 16 | item->value;
}

static void add_usages(struct parser *parser, hid_usage first, uint32_t count)
{
    struct locals *locals = &parser->locals;

    /* A delimited set names one thing in several ways: the first is the preferred one. */
    if (locals->in_delimiter && locals->delimiter_filled)
        return;
    if (locals->run_count == USAGES_MAX) {
        refuse(parser, "too many usages for one item");
        return;
    }
    locals->runs[locals->run_count++] = (struct usage_run){ first, count };
    locals->delimiter_filled = locals->in_delimiter;
}

static hid_usage with_page(hid_usage usage, hid_usage other)
{
    return (other & UINT32_C(0xffff0000)) | (usage & 0xffff);
}

static void add_range(struct parser *parser)
{
    struct locals *locals = &parser->locals;

    if (!locals->has_minimum || !locals->has_maximum)
        return;
    locals->has_minimum = locals->has_maximum = false;
    /* Where only one end brings its page, it is meant for both. */
    if (locals->minimum_size == 4 && locals->maximum_size < 4)
        locals->maximum = with_page(locals->maximum, locals->minimum);
    else if (locals->maximum_size == 4 && locals->minimum_size < 4)
        locals->minimum = with_page(locals->minimum, locals->maximum);
    if (locals->minimum <= locals->maximum && locals->minimum >> 16 == locals->maximum >> 16)
        add_usages(parser, locals->minimum, locals->maximum - locals->minimum + 1);
}

static void take_local(struct parser *parser, const struct item *item)
{
    struct locals *locals = &parser->locals;

    switch (item->tag) {
    case LOCAL_USAGE:
        add_usages(parser, full_usage(parser, item), 1);
        break;
    case LOCAL_USAGE_MINIMUM:
        locals->minimum = full_usage(parser, item);
        locals->minimum_size = item->size;
        locals->has_minimum = true;
        add_range(parser);
        break;
    case LOCAL_USAGE_MAXIMUM:
        locals->maximum = full_usage(parser, item);
        locals->maximum_size = item->size;
        locals->has_maximum = true;
        add_range(parser);
        break;
    case LOCAL_DELIMITER:
        locals->in_delimiter = item->value == 1;
        locals->delimiter_filled = false;
        break;
    default:
        break;
    }
}

static void forget_locals(struct locals *locals)
{
    locals->run_count = 0;
    locals->has_minimum = locals->has_maximum = false;
    locals->in_delimiter = locals->delimiter_filled = false;
}

/* The usage of element number index; the last one serves all that follow. False: there is none. */
static bool usage_at(const struct locals *locals, uint32_t index, hid_usage *usage)
{
    if (locals->run_count == 0)
        return false;
    for (size_t i = 0; i < locals->run_count; i++) {
        const struct usage_run *run = &locals->runs[i];

        if (index < run->count) {
            *usage = run->first + index;
            return true;
        }
        index -= run->count;
    }
    const struct usage_run *last = &locals->runs[locals->run_count - 1];
    *usage = last->first + last->count - 1;
    return true;
}

static uint32_t usage_count(const struct locals *locals)
{
    uint32_t count = 0;

    for (size_t i = 0; i < locals->run_count; i++)
        count += locals->runs[i].count;
    return count;
}

/* Global items ------------------------------------------------------------------------------- */

static void push(struct parser *parser)
{
    if (parser->stack_depth == STACK_MAX) {
        refuse(parser, "it pushes its state too often");
        return;
    }
    parser->stack[parser->stack_depth++] = parser->globals;
}

static void take_state(struct parser *parser, const struct item *item)
{
    if (item->tag == GLOBAL_PUSH)
        push(parser);
    else if (item->tag == GLOBAL_POP && parser->stack_depth > 0)
        parser->globals = parser->stack[--parser->stack_depth];
}

/* The unit's exponent is a signed number of four bits. */
static int8_t exponent_of(uint32_t value)
{
    int nibble = (int)(value & 0x0f);

    return (int8_t)(nibble < 8 ? nibble : nibble - 16);
}

static void take_report_id(struct parser *parser, const struct item *item)
{
    if (item->value > 255) {
        refuse(parser, "a report has a number above 255");
        return;
    }
    parser->globals.report = (uint8_t)item->value;
    /* 0 is reserved: it is what reports without a number have. */
    if (item->value != 0)
        parser->descriptor->numbered = true;
}

static void take_global(struct parser *parser, const struct item *item)
{
    struct globals *globals = &parser->globals;

    switch (item->tag) {
    case GLOBAL_USAGE_PAGE:
        globals->usage_page = (uint16_t)item->value;
        break;
    case GLOBAL_LOGICAL_MINIMUM:
        globals->logical_minimum = item->signed_value;
        break;
    case GLOBAL_LOGICAL_MAXIMUM:
        globals->logical_maximum = item->signed_value;
        globals->logical_maximum_size = item->size == 0 ? 1 : item->size;
        break;
    case GLOBAL_PHYSICAL_MINIMUM:
        globals->physical_minimum = item->signed_value;
        break;
    case GLOBAL_PHYSICAL_MAXIMUM:
        globals->physical_maximum = item->signed_value;
        break;
    case GLOBAL_EXPONENT:
        globals->exponent = exponent_of(item->value);
        break;
    case GLOBAL_UNIT:
        globals->unit = item->value;
        break;
    case GLOBAL_REPORT_SIZE:
        globals->report_size = item->value;
        break;
    case GLOBAL_REPORT_ID:
        take_report_id(parser, item);
        break;
    case GLOBAL_REPORT_COUNT:
        globals->report_count = item->value;
        break;
    default:
        take_state(parser, item);
        break;
    }
}

/* Main items --------------------------------------------------------------------------------- */

static void open_collection(struct parser *parser, uint8_t type)
{
    struct hid_path *path = &parser->path;
    bool is_instance = type > COLLECTION_INSTANCES;
    uint8_t more = is_instance ? 2 : 1;
    hid_usage usage = 0;

    if (parser->too_deep > 0 || path->length + more > HID_PATH_MAX) {
        parser->too_deep++;
        return;
    }
    usage_at(&parser->locals, 0, &usage);
    parser->lengths[parser->depth++] = path->length;
    path->usages[path->length] = usage;
    if (is_instance)
        path->usages[path->length + 1] = HID_INSTANCE(type - COLLECTION_INSTANCES);
    path->length = (uint8_t)(path->length + more);
}

static void close_collection(struct parser *parser)
{
    if (parser->too_deep > 0)
        parser->too_deep--;
    else if (parser->depth > 0)
        parser->path.length = parser->lengths[--parser->depth];
}

static struct hid_field *new_field(struct parser *parser)
{
    struct hid_descriptor *descriptor = parser->descriptor;

    if (descriptor->field_count == HID_FIELDS_MAX) {
        refuse(parser, "it has too many fields");
        return NULL;
    }
    if (descriptor->field_count == parser->room) {
        size_t room = parser->room == 0 ? FIELDS_FIRST : parser->room * 2;
        struct hid_field *fields = realloc(descriptor->fields, room * sizeof *fields);

        if (fields == NULL) {
            parser->no_memory = true;
            return NULL;
        }
        descriptor->fields = fields;
        parser->room = room;
    }
    return &descriptor->fields[descriptor->field_count++];
}

static bool add_field(struct parser *parser, enum hid_report_type type, uint16_t flags,
                      uint32_t offset, hid_usage usage)
{
    const struct globals *globals = &parser->globals;
    struct hid_field *field = new_field(parser);

    if (field == NULL)
        return false;
    *field = (struct hid_field){
        .type = type,
        .report = globals->report,
        .bit_offset = (uint16_t)offset,
        .bit_size = (uint8_t)globals->report_size,
        .flags = flags,
        .path = parser->path,
        .logical_minimum = globals->logical_minimum,
        .logical_maximum = globals->logical_maximum,
        .logical_maximum_size = globals->logical_maximum_size,
        .physical_minimum = globals->physical_minimum,
        .physical_maximum = globals->physical_maximum,
        .exponent = globals->exponent,
        .unit = globals->unit,
    };
    field->path.usages[field->path.length++] = usage;
    return true;
}

/* Whether the elements of a main item can be named and looked at one by one. */
static bool makes_fields(const struct parser *parser, uint16_t flags)
{
    const struct globals *globals = &parser->globals;

    if (globals->report_size > 32 || parser->too_deep > 0 || parser->path.length == HID_PATH_MAX)
        return false;
    /* An array's elements hold numbers of usages: none of them is the value of a usage. Where as
     * many usages are named as there are elements, the writer meant variables. */
    return (flags & FLAG_VARIABLE) != 0 || usage_count(&parser->locals) <= globals->report_count;
}

static void add_report_bits(struct parser *parser, enum hid_report_type type, uint16_t flags)
{
    const struct globals *globals = &parser->globals;
    uint32_t *bits = &parser->bits[type - 1][globals->report];
    uint64_t more = (uint64_t)globals->report_size * globals->report_count;
    uint32_t named = usage_count(&parser->locals);
    hid_usage usage;

    if (more > REPORT_BITS_MAX || *bits + more > REPORT_BITS_MAX) {
        refuse(parser, "a report is too long");
        return;
    }
    /* The product says nothing of a size of 0. */
    if (more > 0 && makes_fields(parser, flags)) {
        uint32_t last = globals->report_count;

        if (last > named + HID_REPEATS_MAX)
            last = named + HID_REPEATS_MAX;
        for (uint32_t i = 0; i < last && usage_at(&parser->locals, i, &usage); i++) {
            if (!add_field(parser, type, flags, *bits + i * globals->report_size, usage))
                return;
        }
    }
    *bits += (uint32_t)more;
}

static void take_main(struct parser *parser, const struct item *item)
{
    uint16_t flags = (uint16_t)(item->value & 0x1ff);

    switch (item->tag) {
    case MAIN_INPUT:
        add_report_bits(parser, HID_INPUT, flags);
        break;
    case MAIN_OUTPUT:
        add_report_bits(parser, HID_OUTPUT, flags);
        break;
    case MAIN_FEATURE:
        add_report_bits(parser, HID_FEATURE, flags);
        break;
    case MAIN_COLLECTION:
        open_collection(parser, (uint8_t)item->value);
        break;
    case MAIN_END_COLLECTION:
        close_collection(parser);
        break;
    default:
        break;
    }
    forget_locals(&parser->locals);
}

/* All of it ---------------------------------------------------------------------------------- */

static int32_t sign_extend(uint32_t value, uint8_t size)
{
    if (size == 1)
        return (int8_t)value;
    return size == 2 ? (int16_t)value : (int32_t)value;
}

/* False: the end, or an item that is cut off. Long items are nobody's: they are passed over. */
static bool next_item(struct parser *parser, struct item *item)
{
    static const uint8_t sizes[] = { 0, 1, 2, 4 };

    while (parser->at < parser->end && *parser->at == ITEM_LONG) {
        size_t left = (size_t)(parser->end - parser->at);

        if (left < 3 || left - 3 < parser->at[1])
            return false;
        parser->at += 3 + (size_t)parser->at[1];
    }
    if (parser->at == parser->end)
        return false;
    uint8_t first = *parser->at++;
    *item = (struct item){ .tag = (uint8_t)(first & ~ITEM_SIZE_MASK),
                           .size = sizes[first & ITEM_SIZE_MASK] };
    if ((size_t)(parser->end - parser->at) < item->size)
        return false;
    for (uint8_t i = 0; i < item->size; i++)
        item->value |= (uint32_t)*parser->at++ << 8 * i;
    item->signed_value = sign_extend(item->value, item->size);
    return true;
}

static void parse(struct parser *parser)
{
    struct item item;

    while (!refused(parser) && next_item(parser, &item)) {
        switch (item.tag & ITEM_TYPE_MASK) {
        case TYPE_MAIN:
            take_main(parser, &item);
            break;
        case TYPE_GLOBAL:
            take_global(parser, &item);
            break;
        case TYPE_LOCAL:
            take_local(parser, &item);
            break;
        default:
            break;
        }
    }
}

static void finish_sizes(const struct parser *parser)
{
    struct hid_descriptor *descriptor = parser->descriptor;

    for (size_t type = 0; type < HID_REPORT_TYPES; type++) {
        for (size_t report = 0; report < 256; report++) {
            uint32_t bits = parser->bits[type][report];

            if (bits > 0)
                descriptor->report_sizes[type][report] =
                    (uint16_t)((bits + 7) / 8 + (descriptor->numbered ? 1 : 0));
        }
    }
}

static void drop_fields(struct hid_descriptor *descriptor)
{
    free(descriptor->fields);
    descriptor->fields = NULL;
    descriptor->field_count = 0;
}

struct hid_descriptor *hid_descriptor_parse(const uint8_t *bytes, size_t length)
{
    struct hid_descriptor *descriptor = calloc(1, sizeof *descriptor);
    struct parser *parser = calloc(1, sizeof *parser);

    if (descriptor == NULL || parser == NULL) {
        free(descriptor);
        free(parser);
        return NULL;
    }
    parser->descriptor = descriptor;
    parser->at = bytes;
    parser->end = length == 0 ? bytes : bytes + length;
    if (length > HID_DESCRIPTOR_MAX)
        refuse(parser, "it is too long");
    else
        parse(parser);
    if (!refused(parser) && descriptor->field_count == 0)
        refuse(parser, "it describes no field");
    bool no_memory = parser->no_memory;
    if (refused(parser))
        drop_fields(descriptor);
    else
        finish_sizes(parser);
    free(parser);
    if (no_memory) {
        hid_descriptor_free(descriptor);
        return NULL;
    }
    return descriptor;
}

void hid_descriptor_free(struct hid_descriptor *descriptor)
{
    if (descriptor == NULL)
        return;
    free(descriptor->fields);
    free(descriptor);
}

bool hid_descriptor_is_power_device(const struct hid_descriptor *descriptor)
{
    for (size_t i = 0; i < descriptor->field_count; i++) {
        const struct hid_path *path = &descriptor->fields[i].path;
        hid_usage page = path->usages[0] >> 16;

        if (path->length > 1 && (page == PAGE_POWER_DEVICE || page == PAGE_BATTERY_SYSTEM))
            return true;
    }
    return false;
}

static struct hid_field *find_from(struct hid_descriptor *descriptor, const struct hid_path *path,
                                   enum hid_report_type type, size_t *from)
{
    for (; *from < descriptor->field_count; (*from)++) {
        struct hid_field *field = &descriptor->fields[*from];

        if (field->type == type && hid_path_equal(&field->path, path))
            return &descriptor->fields[(*from)++];
    }
    return NULL;
}

struct hid_field *hid_descriptor_find(struct hid_descriptor *descriptor,
                                      const struct hid_path *path, enum hid_report_type type,
                                      size_t *from)
{
    size_t start = 0;
    struct hid_field *field = NULL;

    if (from == NULL)
        from = &start;
    if (type != 0)
        return find_from(descriptor, path, type, from);
    /* Places up to field_count are among the Feature fields, those behind it among the Input. */
    if (*from < descriptor->field_count)
        field = find_from(descriptor, path, HID_FEATURE, from);
    if (field == NULL) {
        size_t behind = *from - descriptor->field_count;

        field = find_from(descriptor, path, HID_INPUT, &behind);
        *from = behind + descriptor->field_count;
    }
    return field;
}
