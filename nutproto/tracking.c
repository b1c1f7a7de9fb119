/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries stand in a ring in the order of their requests, so the oldest leave at its tail, and
 * a request is found by binary search. Identifiers are found through chains of ring positions.
 */
#include "nutproto/tracking.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ID_SIZE 16
#define ENTRIES_FIRST 16u
#define NONE UINT32_MAX

struct entry {
    unsigned char id[ID_SIZE];
    uint64_t request;
    uint64_t entered;
    uint32_t next; /* in its chain: a ring position, or NONE */
    uint8_t state;
};

struct tracking {
    unsigned delay; /* s */
    struct entry *entries;
    uint32_t *chains;      /* by hash of the identifier: ring positions */
    uint32_t size;         /* of both; a power of two, or 0 */
    uint32_t first, count; /* of the ring */
};

struct tracking *tracking_new(unsigned delay)
{
    struct tracking *tracking = calloc(1, sizeof *tracking);

    if (tracking != NULL)
        tracking->delay = delay;
    return tracking;
}

void tracking_free(struct tracking *tracking)
{
    if (tracking == NULL)
        return;
    free(tracking->entries);
    free(tracking->chains);
    free(tracking);
}

void tracking_set_delay(struct tracking *tracking, unsigned delay)
{
    tracking->delay = delay;
}

/* Identifiers as text ------------------------------------------------------------------------ */

static bool is_dash(size_t position)
{
    return position == 8 || position == 13 || position == 18 || position == 23;
}

static void id_format(const unsigned char id[ID_SIZE], char text[TRACKING_TEXT_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t nibble = 0;

    for (size_t at = 0; at < TRACKING_TEXT_SIZE - 1; at++) {
        if (is_dash(at)) {
            text[at] = '-';
            continue;
        }
        unsigned byte = id[nibble / 2];
        text[at] = digits[nibble % 2 == 0 ? byte >> 4 : byte & 0x0f];
        nibble++;
    }
    text[TRACKING_TEXT_SIZE - 1] = '\0';
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

static bool id_parse(const char *text, unsigned char id[ID_SIZE])
{
    size_t nibble = 0;

    if (strlen(text) != TRACKING_TEXT_SIZE - 1)
        return false;
    memset(id, 0, ID_SIZE);
    for (size_t at = 0; at < TRACKING_TEXT_SIZE - 1; at++) {
        int value = digit_value(text[at]);

        if (is_dash(at) != (text[at] == '-') || (!is_dash(at) && value < 0))
            return false;
        if (is_dash(at))
            continue;
        id[nibble / 2] = (unsigned char)((id[nibble / 2] << 4) | value);
        nibble++;
    }
    return true;
}

bool tracking_make_id(char text[TRACKING_TEXT_SIZE])
{
    unsigned char id[ID_SIZE];

    /* Early in the boot the pool is not seeded yet; the loop must not wait for it. */
    if (getrandom(id, sizeof id, GRND_NONBLOCK) != (ssize_t)sizeof id &&
        getrandom(id, sizeof id, GRND_INSECURE) != (ssize_t)sizeof id)
        return false;
    id[6] = (unsigned char)((id[6] & 0x0f) | 0x40);
    id[8] = (unsigned char)((id[8] & 0x3f) | 0x80);
    id_format(id, text);
    return true;
}

/* The ring ----------------------------------------------------------------------------------- */

static uint32_t ring_position(const struct tracking *tracking, uint32_t index)
{
    return (tracking->first + index) & (tracking->size - 1);
}

/* An identifier is random, so any four of its bytes are a good hash. */
static uint32_t *chain_of(const struct tracking *tracking, const unsigned char id[ID_SIZE])
{
    uint32_t hash;

    memcpy(&hash, id, sizeof hash);
    return &tracking->chains[hash & (tracking->size - 1)];
}

static void chain_insert(struct tracking *tracking, uint32_t position)
{
    uint32_t *chain = chain_of(tracking, tracking->entries[position].id);

    tracking->entries[position].next = *chain;
    *chain = position;
}

static void remove_oldest(struct tracking *tracking)
{
    uint32_t position = tracking->first;
    uint32_t *link = chain_of(tracking, tracking->entries[position].id);

    while (*link != position)
        link = &tracking->entries[*link].next;
    *link = tracking->entries[position].next;
    tracking->first = ring_position(tracking, 1);
    tracking->count--;
}

static void remove_expired(struct tracking *tracking, uint64_t now)
{
    uint64_t delay = (uint64_t)tracking->delay * 1000;

    while (tracking->count > 0 && now - tracking->entries[tracking->first].entered > delay)
        remove_oldest(tracking);
}

static bool grow(struct tracking *tracking)
{
    uint32_t size = tracking->size == 0 ? ENTRIES_FIRST : tracking->size * 2;
    struct entry *entries = malloc(size * sizeof entries[0]);
    uint32_t *chains = malloc(size * sizeof chains[0]);

    if (entries == NULL || chains == NULL) {
        free(entries);
        free(chains);
        return false;
    }
    for (uint32_t i = 0; i < tracking->count; i++)
        entries[i] = tracking->entries[ring_position(tracking, i)];
    memset(chains, 0xff, size * sizeof chains[0]);
    free(tracking->entries);
    free(tracking->chains);
    tracking->entries = entries;
    tracking->chains = chains;
    tracking->size = size;
    tracking->first = 0;
    for (uint32_t i = 0; i < tracking->count; i++)
        chain_insert(tracking, i);
    return true;
}

bool tracking_add(struct tracking *tracking, const char *id, uint64_t request, uint64_t now)
{
    struct entry entry = { .request = request, .entered = now, .state = TRACKING_PENDING };

    if (!id_parse(id, entry.id))
        return false;
    remove_expired(tracking, now);
    if (tracking->count == TRACKING_ENTRIES_MAX)
        remove_oldest(tracking);
    if (tracking->count == tracking->size && !grow(tracking))
        return false;
    uint32_t position = ring_position(tracking, tracking->count++);
    tracking->entries[position] = entry;
    chain_insert(tracking, position);
    return true;
}

static struct entry *find_request(const struct tracking *tracking, uint64_t request)
{
    uint32_t low = 0;
    uint32_t high = tracking->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct entry *entry = &tracking->entries[ring_position(tracking, middle)];

        if (entry->request == request)
            return entry;
        if (entry->request < request)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool tracking_complete(struct tracking *tracking, uint64_t request, enum ups_outcome outcome,
                       char text[TRACKING_TEXT_SIZE])
{
    struct entry *entry = find_request(tracking, request);

    if (entry == NULL)
        return false;
    entry->state = (uint8_t)outcome;
    id_format(entry->id, text);
    return true;
}

enum tracking_state tracking_find(struct tracking *tracking, const char *id, uint64_t now)
{
    unsigned char wanted[ID_SIZE];

    remove_expired(tracking, now);
    if (tracking->count == 0 || !id_parse(id, wanted))
        return TRACKING_UNKNOWN;
    for (uint32_t at = *chain_of(tracking, wanted); at != NONE; at = tracking->entries[at].next) {
        if (memcmp(tracking->entries[at].id, wanted, ID_SIZE) == 0)
            return (enum tracking_state)tracking->entries[at].state;
    }
    return TRACKING_UNKNOWN;
}

const char *tracking_state_text(enum tracking_state state)
{
    switch (state) {
    case TRACKING_HANDLED:
        return "SUCCESS";
    case TRACKING_INVALID:
        return "ERR INVALID-ARGUMENT";
    case TRACKING_FAILED:
        return "ERR FAILED";
    case TRACKING_PENDING:
        return "PENDING";
    case TRACKING_UNKNOWN:
        break;
    }
    return "ERR UNKNOWN";
}
