/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/subtree.h"

#include "agent/objects.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* How the value of a row comes about. */
enum source {
    NUMBER,
    COUNTER,
    TEXT,
    OBJECT_ID,
    SECONDS_SINCE,
    SECONDS_UNTIL,
    INTERVAL_SINCE,
    TIMESTAMP,
    LATEST,
    UPTIME
};

/* There are many: as small as can be. */
struct row {
    uint32_t arcs;         /* where they start among all, below 1.3.6.1 */
    uint8_t arc_count : 4; /* at most SUBTREE_ARCS_MAX */
    uint8_t source : 4;    /* enum source */
    uint8_t type;          /* enum subtree_type */
    uint16_t size;         /* TEXT: octets; OBJECT_ID: arcs */
    union {
        long number;
        uint64_t counter;
        uint64_t happened;
        const uint64_t *latest;
        const arc *object_id;
        size_t text; /* where it starts in the text */
    };
};

struct joint;

struct subtree {
    struct joint *joint; /* NULL: it has rows of its own */
    size_t count;
    const struct row *rows;
    const uint32_t *arcs;
    const char *text;
};

/* One with rows: they are followed by their arcs, and these by the text. */
struct block {
    struct subtree subtree;
    struct row rows[];
};

/* Parts that are shown as one. */
struct joint {
    struct subtree subtree; /* without rows */
    const struct subtree_part *parts;
    size_t count;
    void *owner;
    const struct subtree *fetched[SUBTREE_PARTS_MAX]; /* meaningful where asked */
    bool asked[SUBTREE_PARTS_MAX];
};

/* A position among parts: which one in the highest bits, and the row in it. */
#define PART_SHIFT (sizeof(size_t) * CHAR_BIT - 4)
#define PART_ROW (((size_t)1 << PART_SHIFT) - 1)
_Static_assert(SUBTREE_PARTS_MAX <= 16, "a position has four bits for the part");

struct subtree_builder {
    struct block *block; /* what is to become of it: only its rows yet */
    size_t count, size;  /* of the rows */
    uint32_t *arcs;
    size_t arcs_used, arcs_size;
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

/* Makes room in an array behind a header of so many bytes: it grows by doubling. */
static void *grow(struct subtree_builder *builder, void *block, size_t header, size_t *size,
                  size_t element)
{
    size_t wanted = *size == 0 ? 128 : *size * 2;
    void *grown = realloc(block, header + wanted * element);

    if (grown == NULL) {
        builder->failed = true;
        return block;
    }
    *size = wanted;
    return grown;
}

void subtree_name(struct subtree_builder *builder, const arc *arcs, size_t count)
{
    if (builder->count == builder->size && !builder->failed)
        builder->block = grow(builder, builder->block, sizeof *builder->block, &builder->size,
                              sizeof builder->block->rows[0]);
    if (builder->arcs_size - builder->arcs_used < count && !builder->failed)
        builder->arcs =
            grow(builder, builder->arcs, 0, &builder->arcs_size, sizeof builder->arcs[0]);
    if (builder->failed)
        return;
    builder->block->rows[builder->count++] =
        (struct row){ .arcs = (uint32_t)builder->arcs_used, .arc_count = count & 0x0f };
    for (size_t i = 0; i < count; i++)
        builder->arcs[builder->arcs_used++] = (uint32_t)arcs[i];
}

/* The row just named; NULL when memory is short. */
static struct row *last_row(struct subtree_builder *builder, enum source source,
                            enum subtree_type type)
{
    if (builder->failed)
        return NULL;
    struct row *row = &builder->block->rows[builder->count - 1];

    row->source = source & 0x0f;
    row->type = (uint8_t)type;
    return row;
}

void subtree_integer(struct subtree_builder *builder, enum subtree_type type, long number)
{
    struct row *row = last_row(builder, NUMBER, type);

    if (row != NULL)
        row->number = number;
}

void subtree_counter64(struct subtree_builder *builder, uint64_t number)
{
    struct row *row = last_row(builder, COUNTER, SUBTREE_COUNTER64);

    if (row != NULL)
        row->counter = number;
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

void subtree_seconds_until(struct subtree_builder *builder, uint64_t happens)
{
    event_row(builder, SECONDS_UNTIL, SUBTREE_INTEGER, happens);
}

void subtree_interval_since(struct subtree_builder *builder, uint64_t happened)
{
    event_row(builder, INTERVAL_SINCE, SUBTREE_INTEGER, happened);
}

void subtree_timestamp(struct subtree_builder *builder, uint64_t happened)
{
    event_row(builder, TIMESTAMP, SUBTREE_TIMETICKS, happened);
}

void subtree_latest(struct subtree_builder *builder, const uint64_t *happened)
{
    struct row *row = last_row(builder, LATEST, SUBTREE_TIMETICKS);

    if (row != NULL)
        row->latest = happened;
}

void subtree_uptime(struct subtree_builder *builder)
{
    event_row(builder, UPTIME, SUBTREE_TIMETICKS, 0);
}

/* Adds arcs and text to the block of the rows, which it takes over. A site's is big: one copy. */
static struct subtree *assemble(struct subtree_builder *builder)
{
    size_t rows_size = builder->count * sizeof builder->block->rows[0];
    size_t arcs_size = builder->arcs_used * sizeof builder->arcs[0];
    struct block *block =
        realloc(builder->block, sizeof *block + rows_size + arcs_size + builder->text_used);

    if (block == NULL)
        return NULL;
    builder->block = NULL;
    char *arcs = (char *)block->rows + rows_size;
    char *text = arcs + arcs_size;
    block->subtree = (struct subtree){ .count = builder->count,
                                       .rows = block->rows,
                                       .arcs = (const uint32_t *)(const void *)arcs,
                                       .text = text };
    if (arcs_size > 0)
        memcpy(arcs, builder->arcs, arcs_size);
    if (builder->text_used > 0)
        memcpy(text, builder->text, builder->text_used);
    return &block->subtree;
}

struct subtree *subtree_finish(struct subtree_builder *builder)
{
    if (builder == NULL)
        return NULL;
    struct subtree *subtree = builder->failed ? NULL : assemble(builder);
    free(builder->block);
    free(builder->arcs);
    free(builder->text);
    free(builder);
    return subtree;
}

/* Joining ------------------------------------------------------------------------------------ */

struct subtree *subtree_join(const struct subtree_part *parts, size_t count)
{
    struct joint *joint = calloc(1, sizeof *joint);

    if (joint == NULL)
        return NULL;
    joint->subtree.joint = joint;
    joint->parts = parts;
    joint->count = count;
    return &joint->subtree;
}

void subtree_renew(struct subtree *joint, void *owner)
{
    joint->joint->owner = owner;
    memset(joint->joint->asked, 0, sizeof joint->joint->asked);
}

static const struct subtree *fetch(struct joint *joint, size_t part)
{
    if (!joint->asked[part])
        joint->fetched[part] = joint->parts[part].fetch(joint->owner, joint->parts[part].slice);
    joint->asked[part] = true;
    return joint->fetched[part];
}

/* The part in which a name would be. */
static size_t part_of(const struct joint *joint, const arc *name, size_t length)
{
    size_t part = joint->count - 1;

    while (part > 0 &&
           arcs_compare(name, length, joint->parts[part].from, joint->parts[part].length) < 0)
        part--;
    return part;
}

/* A position as a whole, of one in a part. */
static size_t position_in(size_t part, size_t position)
{
    return part << PART_SHIFT | position;
}

/* The part's subtree and the position in it, of a position as a whole. */
static const struct subtree *resolve(const struct subtree *subtree, size_t *position)
{
    if (subtree->joint == NULL)
        return subtree;
    size_t part = *position >> PART_SHIFT;
    *position &= PART_ROW;
    return fetch(subtree->joint, part);
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
static int compare_row(const struct subtree *subtree, const struct row *row, const arc *name,
                       size_t length)
{
    const uint32_t *arcs = subtree->arcs + row->arcs;
    size_t shorter = length < row->arc_count ? length : row->arc_count;

    for (size_t i = 0; i < shorter; i++) {
        if (name[i] != arcs[i])
            return name[i] < arcs[i] ? -1 : 1;
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
        int order = compare_row(subtree, &subtree->rows[middle], name, length);

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

static enum subtree_match get_from_part(struct joint *joint, const arc *name, size_t length,
                                        size_t *position)
{
    size_t part = part_of(joint, name, length);
    const struct subtree *subtree = fetch(joint, part);

    if (subtree == NULL)
        return SUBTREE_NO_OBJECT;
    enum subtree_match match = subtree_get(subtree, name, length, position);
    if (match == SUBTREE_INSTANCE)
        *position = position_in(part, *position);
    return match;
}

enum subtree_match subtree_get(const struct subtree *subtree, const arc *name, size_t length,
                               size_t *position)
{
    bool exact = false;

    if (subtree->joint != NULL)
        return get_from_part(subtree->joint, name, length, position);
    if (compare_internet(name, length) == 0)
        *position = lower_bound(subtree, name + INTERNET_LENGTH, length - INTERNET_LENGTH, &exact);
    if (exact)
        return SUBTREE_INSTANCE;
    return objects_know(name, length) ? SUBTREE_NO_INSTANCE : SUBTREE_NO_OBJECT;
}

static bool is_before(const arc *name, size_t length, const struct subtree_end *end)
{
    return end == NULL || end->length == 0 ||
           arcs_compare(name, length, end->name, end->length) < 0;
}

/* The position, if what is there is before the end. */
static size_t bounded(const struct subtree *subtree, size_t position, const struct subtree_end *end)
{
    arc name[SUBTREE_NAME_MAX];

    if (position >= subtree->count)
        return SUBTREE_NONE;
    if (end == NULL || end->length == 0)
        return position;
    size_t length = subtree_name_at(subtree, position, name);
    return is_before(name, length, end) ? position : SUBTREE_NONE;
}

/* Where a part ends, or the search before that. */
static struct subtree_end end_of_part(const struct joint *joint, size_t part,
                                      const struct subtree_end *end)
{
    struct subtree_end nearest = end == NULL ? (struct subtree_end){ 0 } : *end;

    if (part + 1 == joint->count)
        return nearest;
    const struct subtree_part *next = &joint->parts[part + 1];
    if (is_before(next->from, next->length, end))
        nearest = (struct subtree_end){ .name = next->from, .length = next->length };
    return nearest;
}

/* The first row behind (or at) a name in this part or one behind it. */
static size_t next_from_part(struct joint *joint, size_t part, const arc *name, size_t length,
                             bool inclusive, const struct subtree_end *end)
{
    for (; part < joint->count; part++) {
        const struct subtree_part *description = &joint->parts[part];
        bool at_start = arcs_compare(name, length, description->from, description->length) < 0;

        if (!is_before(description->from, description->length, end))
            break;
        const struct subtree *subtree = fetch(joint, part);
        struct subtree_end nearest = end_of_part(joint, part, end);
        size_t position = subtree == NULL ? SUBTREE_NONE
                          : at_start ? subtree_next(subtree, description->from, description->length,
                                                    true, &nearest)
                                     : subtree_next(subtree, name, length, inclusive, &nearest);
        if (position != SUBTREE_NONE)
            return position_in(part, position);
    }
    return SUBTREE_NONE;
}

size_t subtree_next(const struct subtree *subtree, const arc *name, size_t length, bool inclusive,
                    const struct subtree_end *end)
{
    int order = compare_internet(name, length);
    bool exact;

    if (order > 0)
        return SUBTREE_NONE;
    if (subtree->joint != NULL)
        return next_from_part(subtree->joint, part_of(subtree->joint, name, length), name, length,
                              inclusive, end);
    size_t position =
        order < 0 ? 0
                  : lower_bound(subtree, name + INTERNET_LENGTH, length - INTERNET_LENGTH, &exact);
    if (order == 0 && exact && !inclusive)
        position++;
    return bounded(subtree, position, end);
}

size_t subtree_after(const struct subtree *subtree, size_t position, const struct subtree_end *end)
{
    struct joint *joint = subtree->joint;
    size_t part = position >> PART_SHIFT;
    size_t row = position;
    const struct subtree *rows = resolve(subtree, &row);

    if (joint == NULL)
        return bounded(rows, row + 1, end);
    struct subtree_end nearest = end_of_part(joint, part, end);
    row = bounded(rows, row + 1, &nearest);
    if (row != SUBTREE_NONE)
        return position_in(part, row);
    if (part + 1 == joint->count)
        return SUBTREE_NONE;
    const struct subtree_part *next = &joint->parts[part + 1];
    return next_from_part(joint, part + 1, next->from, next->length, true, end);
}

size_t subtree_count(const struct subtree *subtree)
{
    return subtree->count;
}

size_t subtree_name_at(const struct subtree *subtree, size_t position, arc name[SUBTREE_NAME_MAX])
{
    subtree = resolve(subtree, &position);
    const struct row *row = &subtree->rows[position];

    memcpy(name, internet, sizeof internet);
    for (size_t i = 0; i < row->arc_count; i++)
        name[INTERNET_LENGTH + i] = subtree->arcs[row->arcs + i];
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

/* Rounded up, so that a countdown that runs never says 0. */
static long seconds_until(const struct row *row, const struct moment *moment)
{
    if (row->happened <= moment->now)
        return -1;
    uint64_t seconds = (row->happened - moment->now + 999) / 1000;
    return seconds < INT_MAX ? (long)seconds : INT_MAX;
}

void subtree_value_at(const struct subtree *subtree, size_t position, const struct moment *moment,
                      struct subtree_value *value)
{
    subtree = resolve(subtree, &position);
    const struct row *row = &subtree->rows[position];

    *value = (struct subtree_value){ .type = (enum subtree_type)row->type };
    switch ((enum source)row->source) {
    case NUMBER:
        value->number = row->number;
        break;
    case COUNTER:
        value->counter = row->counter;
        break;
    case TEXT:
        value->bytes = subtree->text + row->text;
        value->size = row->size;
        break;
    case OBJECT_ID:
        value->bytes = row->object_id;
        value->size = row->size * sizeof row->object_id[0];
        break;
    case SECONDS_UNTIL:
        value->number = seconds_until(row, moment);
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
    case LATEST:
        value->number = (long)moment_timestamp(moment, *row->latest);
        break;
    case UPTIME:
        value->number = (long)moment->uptime;
        break;
    }
}
