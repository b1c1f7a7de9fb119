/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/attempts.h"

#include "core/keyed_hash.h"

#include <stdlib.h>

#define DELAY_FIRST 100
/* Failures beyond this number make no difference. */
#define FAILURES_MAX 16
/* How long it takes until half of the failures are forgotten, in ms. */
#define HALF_LIFE 10000
#define SETS 256
#define WAYS 4

struct record {
    struct client_place place;
    unsigned failures; /* as of then; 0: not in use */
    uint64_t last;     /* failure */
    uint64_t free;     /* from then on the next attempt is looked at */
};

struct attempts {
    struct hash_key key;
    struct record (*sets)[WAYS]; /* NULL before the first failure */
};

struct attempts *attempts_new(void)
{
    struct attempts *attempts = calloc(1, sizeof *attempts);

    /* Without randomness somebody may choose addresses that displace others: no more than that. */
    if (attempts != NULL)
        (void)hash_key_make(&attempts->key);
    return attempts;
}

void attempts_free(struct attempts *attempts)
{
    if (attempts == NULL)
        return;
    free(attempts->sets);
    free(attempts);
}

static unsigned remembered(const struct record *record, uint64_t now)
{
    uint64_t halves = (now - record->last) / HALF_LIFE;

    return halves >= 32 ? 0 : record->failures >> halves;
}

static struct record *set_of(const struct attempts *attempts, const struct client_place *place)
{
    uint64_t words[2] = { place->prefix, place->family };

    return attempts->sets[keyed_hash(&attempts->key, words, sizeof words) % SETS];
}

static struct record *find(const struct attempts *attempts, const struct client_place *place)
{
    if (attempts->sets == NULL)
        return NULL;
    struct record *set = set_of(attempts, place);
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].failures > 0 && client_place_same(&set[i].place, place))
            return &set[i];
    }
    return NULL;
}

/* A record to be used anew: the one that says least. */
static struct record *replace(const struct attempts *attempts, const struct client_place *place,
                              uint64_t now)
{
    struct record *set = set_of(attempts, place);
    struct record *least = &set[0];

    for (size_t i = 1; i < WAYS; i++) {
        unsigned here = remembered(&set[i], now);
        unsigned there = remembered(least, now);

        if (here < there || (here == there && set[i].last < least->last))
            least = &set[i];
    }
    *least = (struct record){ .place = *place, .last = now };
    return least;
}

uint64_t attempts_delay(const struct attempts *attempts, const struct client_address *address,
                        uint64_t now)
{
    struct client_place place = client_place_of(address);
    const struct record *record = find(attempts, &place);

    return record == NULL || record->free <= now ? 0 : record->free - now;
}

void attempts_failed(struct attempts *attempts, const struct client_address *address, uint64_t now)
{
    struct client_place place = client_place_of(address);
    uint64_t delay = ATTEMPTS_DELAY_MAX;

    if (attempts->sets == NULL)
        attempts->sets = calloc(SETS, sizeof attempts->sets[0]);
    if (attempts->sets == NULL)
        return;
    struct record *record = find(attempts, &place);
    if (record == NULL)
        record = replace(attempts, &place, now);
    unsigned failures = remembered(record, now) + 1;
    if (failures < FAILURES_MAX && (uint64_t)DELAY_FIRST << (failures - 1) < delay)
        delay = (uint64_t)DELAY_FIRST << (failures - 1);
    record->failures = failures < FAILURES_MAX ? failures : FAILURES_MAX;
    record->last = now;
    record->free = now + delay;
}
