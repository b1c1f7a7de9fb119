/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/subtree.h"

#include "agent/objects.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* How the value of a row comes about. */
enum source { NUMBER, TEXT, OBJECT_ID, SECONDS_SINCE, INTERVAL_SINCE, TIMESTAMP, UPTIME };

struct row {
    uint32_t arcs[SUBTREE_ARCS_MAX]; /* below 1.3.6.1 */
    uint8_t arc_count;
    uint8_t source; /* enum source */
    uint8_t type;   /* enum subtree_type */
    uint16_t size;  /* TEXT: octets; OBJECT_ID: arcs */
    union {
        long number;
        uint64_t happened;
        const arc *object_id;
        size_t text; /* where it starts in the text */
    };
};

/* One block: the rows, then the text. */
struct subtree {
    size_t count;
    const char *text;
    struct row rows[];
};

struct subtree_builder {
    struct row *rows;
    size_t count, size;
    char *text;
    size_t text_used, text_size;
    bool failed;
};

/* Time --------------------------------------------------------------------------------------- */

struct moment moment_at(uint64_t now, int64_t epoch)
{
    struct moment moment = { .now = now, .epoch = epoch };

    moment.uptime = moment_timestamp(&moment, now);
    return moment;
}

uint32_t moment_timestamp(const struct moment *moment, uint64_t happened)
{
    if (happened == 0 || (int64_t)happened <= moment->epoch)
        return 0;
    return (uint32_t)(((int64_t)happened - moment->epoch) / 10);
}

/* Building ----------------------------------------------------------------------------------- */

struct subtree_builder *subtree_begin(void)
{
    return calloc(1, sizeof(struct subtree_builder));
}

void subtree_name(struct subtree_builder *builder, const arc *arcs, size_t count)
{
    if (builder->count == builder->size && !builder->failed) {
        size_t size = builder->size == 0 ? 128 : builder->size * 2;
        struct row *rows = realloc(builder->rows, size * sizeof rows[0]);

        if (rows == NULL) {
            builder->failed = true;
            return;
        }
        builder->rows = rows;
        builder->size = size;
    }
    if (builder->failed)
        return;
    struct row *row = &builder->rows[builder->count++];
    *row = (struct row){ .arc_count = (uint8_t)count };
    for (size_t i = 0; i < count; i++)
        row->arcs[i] = (uint32_t)arcs[i];
}

/* The row just named; NULL when memory is short. */
static struct row *last_row(struct subtree_builder *builder, enum source source,
                            enum subtree_type type)
{
    if (builder->failed)
        return NULL;
    struct row *row = &builder->rows[builder->count - 1];

    row->source = (uint8_t)source;
    row->type = (uint8_t)type;
    return row;
}

void subtree_integer(struct subtree_builder *builder, enum subtree_type type, long number)
{
    struct row *row = last_row(builder, NUMBER, type);

    if (row != NULL)
        row->number = number;
}

void subtree_text(struct subtree_builder *builder, const char *text, size_t length)
{
    struct row *row = last_row(builder, TEXT, SUBTREE_TEXT);

    if (row == NULL)
        return;
    if (length > builder->text_size - builder->text_used) {
        size_t size = builder->text_size * 2 + length + 256;
        char *grown = realloc(builder->text, size);

        if (grown == NULL) {
            builder->failed = true;
            return;
        }
        builder->text = grown;
        builder->text_size = size;
    }
    row->text = builder->text_used;
    row->size = (uint16_t)length;
    if (length > 0)
        memcpy(builder->text + builder->text_used, text, length);
    builder->text_used += length;
}

void subtree_object_id(struct subtree_builder *builder, const arc *arcs, size_t count)
{
    struct row *row = last_row(builder, OBJECT_ID, SUBTREE_OBJECT_ID);

    if (row == NULL)
        return;
    row->object_id = arcs;
    row->size = (uint16_t)count;
}

static void event_row(struct subtree_builder *builder, enum source source, enum subtree_type type,
                      uint64_t happened)
{
    struct row *row = last_row(builder, source, type);

    if (row != NULL)
        row->happened = happened;
}

void subtree_seconds_since(struct subtree_builder *builder, uint64_t happened)
{
    event_row(builder, SECONDS_SINCE, SUBTREE_INTEGER, happened);
}

void subtree_interval_since(struct subtree_builder *builder, uint64_t happened)
{
    event_row(builder, INTERVAL_SINCE, SUBTREE_INTEGER, happened);
}

void subtree_timestamp(struct subtree_builder *builder, uint64_t happened)
{
    event_row(builder, TIMESTAMP, SUBTREE_TIMETICKS, happened);
}

void subtree_uptime(struct subtree_builder *builder)
{
    event_row(builder, UPTIME, SUBTREE_TIMETICKS, 0);
}

struct subtree *subtree_finish(struct subtree_builder *builder)
{
    struct subtree *subtree = NULL;

    if (builder == NULL)
        return NULL;
    size_t rows_size = builder->count * sizeof builder->rows[0];
    if (!builder->failed)
        subtree = malloc(sizeof *subtree + rows_size + builder->text_used);
    if (subtree != NULL) {
        char *text = (char *)subtree->rows + rows_size;

        subtree->count = builder->count;
        subtree->text = text;
        if (rows_size > 0)
            memcpy(subtree->rows, builder->rows, rows_size);
        if (builder->text_used > 0)
            memcpy(text, builder->text, builder->text_used);
    }
    free(builder->rows);
    free(builder->text);
    free(builder);
    return subtree;
}

/* Searching ---------------------------------------------------------------------------------- */

static const arc internet[] = { OBJECTS_INTERNET };

#define INTERNET_LENGTH (sizeof internet / sizeof internet[0])

int arcs_compare(const arc *a, size_t a_length, const arc *b, size_t b_length)
{
    size_t shorter = a_length < b_length ? a_length : b_length;

    for (size_t i = 0; i < shorter; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return (a_length > b_length) - (a_length < b_length);
}

/* Compares what follows 1.3.6.1 with a row. */
static int compare_row(const arc *name, size_t length, const struct row *row)
{
    size_t shorter = length < row->arc_count ? length : row->arc_count;

    for (size_t i = 0; i < shorter; i++) {
        if (name[i] != row->arcs[i])
            return name[i] < row->arcs[i] ? -1 : 1;
    }
    return (length > row->arc_count) - (length < row->arc_count);
}

/* The first row that is not before what follows 1.3.6.1. */
static size_t lower_bound(const struct subtree *subtree, const arc *name, size_t length,
                          bool *exact)
{
    size_t low = 0;
    size_t high = subtree->count;

    *exact = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_row(name, length, &subtree->rows[middle]);

        if (order == 0) {
            *exact = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* < 0: before everything we have; 0: below 1.3.6.1; > 0: behind everything. */
static int compare_internet(const arc *name, size_t length)
{
    if (length > INTERNET_LENGTH)
        length = INTERNET_LENGTH;
    return arcs_compare(name, length, internet, INTERNET_LENGTH);
}

enum subtree_match subtree_get(const struct subtree *subtree, const arc *name, size_t length,
                               size_t *position)
{
    bool exact = false;

    if (compare_internet(name, length) == 0)
        *position = lower_bound(subtree, name + INTERNET_LENGTH, length - INTERNET_LENGTH, &exact);
    if (exact)
        return SUBTREE_INSTANCE;
    return objects_know(name, length) ? SUBTREE_NO_INSTANCE : SUBTREE_NO_OBJECT;
}

size_t subtree_next(const struct subtree *subtree, const arc *name, size_t length, bool inclusive)
{
    int order = compare_internet(name, length);
    bool exact;

    if (order > 0)
        return SUBTREE_NONE;
    size_t position =
        order < 0 ? 0
                  : lower_bound(subtree, name + INTERNET_LENGTH, length - INTERNET_LENGTH, &exact);
    if (order == 0 && exact && !inclusive)
        position++;
    return position < subtree->count ? position : SUBTREE_NONE;
}

size_t subtree_count(const struct subtree *subtree)
{
    return subtree->count;
}

size_t subtree_name_at(const struct subtree *subtree, size_t position, arc name[SUBTREE_NAME_MAX])
{
    const struct row *row = &subtree->rows[position];

    memcpy(name, internet, sizeof internet);
    for (size_t i = 0; i < row->arc_count; i++)
        name[INTERNET_LENGTH + i] = row->arcs[i];
    return INTERNET_LENGTH + row->arc_count;
}

/* Whole units of so many milliseconds since an event, as an INTEGER can hold them. */
static long since(const struct moment *moment, uint64_t happened, unsigned unit)
{
    if (happened == 0 || moment->now <= happened)
        return 0;
    uint64_t units = (moment->now - happened) / unit;
    return units < INT32_MAX ? (long)units : INT32_MAX;
}

void subtree_value_at(const struct subtree *subtree, size_t position, const struct moment *moment,
                      struct subtree_value *value)
{
    const struct row *row = &subtree->rows[position];

    *value = (struct subtree_value){ .type = (enum subtree_type)row->type };
    switch ((enum source)row->source) {
    case NUMBER:
        value->number = row->number;
        break;
    case TEXT:
        value->bytes = subtree->text + row->text;
        value->size = row->size;
        break;
    case OBJECT_ID:
        value->bytes = row->object_id;
        value->size = row->size * sizeof row->object_id[0];
        break;
    case SECONDS_SINCE:
        value->number = since(moment, row->happened, 1000);
        break;
    case INTERVAL_SINCE:
        value->number = since(moment, row->happened, 10);
        break;
    case TIMESTAMP:
        value->number = (long)moment_timestamp(moment, row->happened);
        break;
    case UPTIME:
        value->number = (long)moment->uptime;
        break;
    }
}
