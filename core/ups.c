/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/ups.h"

#include "core/apply.h"
#include "core/log.h"
#include "core/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The public part first, so that one pointer serves both. */
struct entry {
    struct ups ups;
    struct ups_store *store;
    struct entry *next_in_bucket;
    struct event *age_timer; /* pending while comms could still go bad by waiting */
    uint64_t configured;     /* clock_ms() of ups_add() */
    bool link_up;
    ups_submit *submit;
    void *worker;
};

struct subscriber {
    ups_listener *listener;
    void *context;
};

struct ups_store {
    struct event_base *base;
    unsigned maximum_age;
    struct entry **devices; /* in order of configuration */
    size_t count, size;
    struct entry **buckets; /* by hash of the name; their number is a power of two */
    size_t bucket_count;
    struct subscriber subscribers[UPS_SUBSCRIBERS];
    uint64_t last_request;
    struct census census;
};

static struct entry *entry_of(struct ups *ups)
{
    return (struct entry *)ups;
}

/* Events ------------------------------------------------------------------------------------- */

static void publish(struct ups_store *store, struct ups *ups, const struct ups_event *event)
{
    for (size_t i = 0; i < UPS_SUBSCRIBERS; i++) {
        const struct subscriber *subscriber = &store->subscribers[i];

        if (subscriber->listener != NULL)
            subscriber->listener(subscriber->context, ups, event);
    }
}

static void publish_kind(struct ups_store *store, struct ups *ups, enum ups_event_kind kind)
{
    publish(store, ups, &(struct ups_event){ .kind = kind });
}

int ups_subscribe(struct ups_store *store, ups_listener *listener, void *context)
{
    for (int i = 0; i < UPS_SUBSCRIBERS; i++) {
        if (store->subscribers[i].listener == NULL) {
            store->subscribers[i] = (struct subscriber){ listener, context };
            return i;
        }
    }
    return -1;
}

void ups_unsubscribe(struct ups_store *store, int slot)
{
    store->subscribers[slot] = (struct subscriber){ 0 };
}

/* Publishes what a batch or a flag has changed: the data, then the status if it moved. */
static void publish_changes(struct ups_store *store, struct ups *ups)
{
    const char *text = ups_value(ups, "ups.status");
    status_set old_status = ups->status;

    ups->generation++;
    ups->status = text == NULL ? 0 : status_parse(text);
    if (ups->forced_shutdown)
        ups->status |= STATUS_FSD;
    publish_kind(store, ups, UPS_EVENT_DATA);
    if (ups->status != old_status)
        publish(store, ups,
                &(struct ups_event){ .kind = UPS_EVENT_STATUS,
                                     .old_status = old_status,
                                     .new_status = ups->status });
}

/* Freshness ---------------------------------------------------------------------------------- */

static enum ups_comms judge(const struct entry *entry, uint64_t now)
{
    const struct ups *ups = &entry->ups;
    uint64_t limit = (uint64_t)entry->store->maximum_age * 1000;

    if (!ups->has_data) {
        bool waiting = ups->comms == UPS_CONNECTING && now - entry->configured <= limit;

        return waiting ? UPS_CONNECTING : UPS_LOST;
    }
    if (now - ups->last_good <= limit)
        return UPS_OK;
    return entry->link_up ? UPS_STALE : UPS_LOST;
}

static void set_comms(struct entry *entry, enum ups_comms comms)
{
    struct ups *ups = &entry->ups;
    enum ups_comms old_comms = ups->comms;

    if (comms == old_comms)
        return;
    ups->comms = comms;
    ups->generation++;
    publish(
        entry->store, ups,
        &(struct ups_event){ .kind = UPS_EVENT_COMMS, .old_comms = old_comms, .new_comms = comms });
}

/* Re-armed only when it fires, so that a good poll costs no timer work. */
static void arm_age_timer(struct entry *entry, uint64_t now)
{
    const struct ups *ups = &entry->ups;
    uint64_t since = ups->has_data ? ups->last_good : entry->configured;
    uint64_t end = since + (uint64_t)entry->store->maximum_age * 1000 + 1;
    uint64_t wait = end > now ? end - now : 1;
    struct timeval delay = clock_span(wait);

    if (event_add(entry->age_timer, &delay) != 0)
        log_error("[%s] cannot arm the timer that guards against stale data", ups->name);
}

static void on_age_timer(evutil_socket_t descriptor, short what, void *argument)
{
    struct entry *entry = argument;
    uint64_t now = clock_ms();

    (void)descriptor;
    (void)what;
    set_comms(entry, judge(entry, now));
    if (ups_fresh(&entry->ups))
        arm_age_timer(entry, now);
}

void ups_apply(struct ups_store *store, struct ups *ups, const struct update *update)
{
    struct entry *entry = entry_of(ups);
    uint64_t now = clock_ms();

    if (!update_ok(update)) {
        log_error("[%s] a reading was thrown away: it is too large or out of memory", ups->name);
        return;
    }
    bool changed = apply_update(ups, update);
    ups->has_data = true;
    ups->last_good = now;
    if (changed)
        publish_changes(store, ups);
    set_comms(entry, UPS_OK);
    if (!evtimer_pending(entry->age_timer, NULL))
        arm_age_timer(entry, now);
}

void ups_amend(struct ups_store *store, struct ups *ups, const struct update *update)
{
    if (update_ok(update) && apply_update(ups, update))
        publish_changes(store, ups);
}

void ups_link(struct ups_store *store, struct ups *ups, bool up)
{
    struct entry *entry = entry_of(ups);

    (void)store;
    entry->link_up = up;
    if (!up && !ups->has_data)
        set_comms(entry, UPS_LOST);
    else
        set_comms(entry, judge(entry, clock_ms()));
}

/* Devices ------------------------------------------------------------------------------------ */

static size_t hash_name(const char *name)
{
    size_t hash = 2166136261u;

    for (; *name != '\0'; name++) {
        unsigned char byte = (unsigned char)*name;

        if (byte >= 'A' && byte <= 'Z')
            byte = (unsigned char)(byte | 0x20);
        hash = (hash ^ byte) * 16777619u;
    }
    return hash;
}

static void bucket_insert(struct ups_store *store, struct entry *entry)
{
    struct entry **bucket = &store->buckets[hash_name(entry->ups.name) & (store->bucket_count - 1)];

    entry->next_in_bucket = *bucket;
    *bucket = entry;
}

static void bucket_remove(struct ups_store *store, const struct entry *entry)
{
    struct entry **link = &store->buckets[hash_name(entry->ups.name) & (store->bucket_count - 1)];

    while (*link != entry)
        link = &(*link)->next_in_bucket;
    *link = entry->next_in_bucket;
}

/* Makes room for one more device; at most one device a bucket on average. */
static bool grow(struct ups_store *store)
{
    if (store->count < store->size)
        return true;
    size_t size = store->size == 0 ? 8 : store->size * 2;
    struct entry **devices = realloc(store->devices, size * sizeof devices[0]);
    if (devices == NULL)
        return false;
    store->devices = devices;
    struct entry **buckets = calloc(size, sizeof buckets[0]);
    if (buckets == NULL)
        return false;
    free(store->buckets);
    store->buckets = buckets;
    store->bucket_count = size;
    store->size = size;
    for (size_t i = 0; i < store->count; i++)
        bucket_insert(store, store->devices[i]);
    return true;
}

static void entry_free(struct entry *entry)
{
    struct ups *ups = &entry->ups;

    apply_clear(ups);
    free((char *)(uintptr_t)ups->name);
    free((char *)(uintptr_t)ups->description);
    if (entry->age_timer != NULL)
        event_free(entry->age_timer);
    free(entry);
}

/* What a client sees before the first reading. */
static bool set_waiting(struct ups *ups)
{
    struct update wait = { 0 };

    update_set(&wait, "ups.status", "WAIT");
    bool done = update_ok(&wait) && apply_update(ups, &wait);
    update_clear(&wait);
    return done;
}

static struct entry *entry_new(struct ups_store *store, const char *name, const char *description)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL)
        return NULL;
    entry->store = store;
    entry->configured = clock_ms();
    entry->ups.generation = 1;
    entry->ups.status = STATUS_WAIT;
    entry->ups.name = strdup(name);
    entry->ups.description = description == NULL ? NULL : strdup(description);
    entry->age_timer = evtimer_new(store->base, on_age_timer, entry);
    if (entry->ups.name == NULL || (description != NULL && entry->ups.description == NULL) ||
        entry->age_timer == NULL || !set_waiting(&entry->ups)) {
        entry_free(entry);
        return NULL;
    }
    return entry;
}

struct ups *ups_add(struct ups_store *store, const char *name, const char *description)
{
    if (ups_find(store, name) != NULL) {
        errno = EEXIST;
        return NULL;
    }
    struct entry *entry = grow(store) ? entry_new(store, name, description) : NULL;
    if (entry == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    store->devices[store->count++] = entry;
    bucket_insert(store, entry);
    arm_age_timer(entry, entry->configured);
    publish_kind(store, &entry->ups, UPS_EVENT_ADDED);
    return &entry->ups;
}

static size_t position_of(const struct ups_store *store, const struct ups *ups)
{
    size_t position = 0;

    while (&store->devices[position]->ups != ups)
        position++;
    return position;
}

void ups_remove(struct ups_store *store, struct ups *ups)
{
    size_t position = position_of(store, ups);

    publish_kind(store, ups, UPS_EVENT_REMOVED);
    bucket_remove(store, entry_of(ups));
    store->count--;
    memmove(&store->devices[position], &store->devices[position + 1],
            (store->count - position) * sizeof store->devices[0]);
    entry_free(entry_of(ups));
}

void ups_move(struct ups_store *store, struct ups *ups, size_t position)
{
    size_t old = position_of(store, ups);

    if (position < old)
        memmove(&store->devices[position + 1], &store->devices[position],
                (old - position) * sizeof store->devices[0]);
    else
        memmove(&store->devices[old], &store->devices[old + 1],
                (position - old) * sizeof store->devices[0]);
    store->devices[position] = entry_of(ups);
}

void ups_set_description(struct ups_store *store, struct ups *ups, const char *description)
{
    bool same = description == NULL
                    ? ups->description == NULL
                    : ups->description != NULL && strcmp(description, ups->description) == 0;
    if (same)
        return;
    char *copy = description == NULL ? NULL : strdup(description);
    if (description != NULL && copy == NULL) {
        log_error("[%s] out of memory: the old description stays", ups->name);
        return;
    }
    free((char *)(uintptr_t)ups->description);
    ups->description = copy;
    ups->generation++;
    publish_kind(store, ups, UPS_EVENT_DATA);
}

struct ups *ups_find(const struct ups_store *store, const char *name)
{
    if (store->count == 0)
        return NULL;
    struct entry *entry = store->buckets[hash_name(name) & (store->bucket_count - 1)];

    while (entry != NULL && strcasecmp(entry->ups.name, name) != 0)
        entry = entry->next_in_bucket;
    return entry == NULL ? NULL : &entry->ups;
}

size_t ups_count(const struct ups_store *store)
{
    return store->count;
}

struct ups *ups_at(const struct ups_store *store, size_t position)
{
    return position < store->count ? &store->devices[position]->ups : NULL;
}

/* Store -------------------------------------------------------------------------------------- */

struct ups_store *ups_store_new(struct event_base *base, unsigned maximum_age)
{
    struct ups_store *store = calloc(1, sizeof *store);

    if (store != NULL) {
        store->base = base;
        store->maximum_age = maximum_age;
    }
    return store;
}

void ups_store_free(struct ups_store *store)
{
    if (store == NULL)
        return;
    while (store->count > 0)
        ups_remove(store, &store->devices[store->count - 1]->ups);
    free(store->devices);
    free(store->buckets);
    free(store);
}

void ups_store_set_maximum_age(struct ups_store *store, unsigned maximum_age)
{
    uint64_t now = clock_ms();

    store->maximum_age = maximum_age;
    for (size_t i = 0; i < store->count; i++) {
        set_comms(store->devices[i], judge(store->devices[i], now));
        if (ups_fresh(&store->devices[i]->ups))
            arm_age_timer(store->devices[i], now);
    }
}

unsigned ups_store_maximum_age(const struct ups_store *store)
{
    return store->maximum_age;
}

struct census *ups_store_census(struct ups_store *store)
{
    return &store->census;
}

/* Requests ----------------------------------------------------------------------------------- */

void ups_attach_worker(struct ups *ups, ups_submit *submit, void *worker)
{
    entry_of(ups)->submit = submit;
    entry_of(ups)->worker = worker;
    ups->has_worker = submit != NULL;
}

static uint64_t submit(struct ups_store *store, struct ups *ups, enum ups_request_kind kind,
                       const char *name, const char *value)
{
    struct entry *entry = entry_of(ups);
    struct ups_request request = {
        .id = store->last_request + 1, .kind = kind, .name = name, .value = value
    };

    if (entry->submit == NULL || !entry->submit(entry->worker, &request))
        return 0;
    store->last_request = request.id;
    ups->request_count++;
    publish(store, ups, &(struct ups_event){ .kind = UPS_EVENT_REQUEST, .asked = &request });
    return request.id;
}

uint64_t ups_request_command(struct ups_store *store, struct ups *ups, const char *name,
                             const char *parameter)
{
    return submit(store, ups, UPS_REQUEST_COMMAND, name, parameter);
}

uint64_t ups_request_set(struct ups_store *store, struct ups *ups, const char *name,
                         const char *value)
{
    return submit(store, ups, UPS_REQUEST_SET, name, value);
}

void ups_result(struct ups_store *store, struct ups *ups, uint64_t request,
                enum ups_outcome outcome)
{
    if (ups->request_count > 0)
        ups->request_count--;
    publish(
        store, ups,
        &(struct ups_event){ .kind = UPS_EVENT_RESULT, .request = request, .outcome = outcome });
}

void ups_force_shutdown(struct ups_store *store, struct ups *ups)
{
    if (ups->forced_shutdown)
        return;
    ups->forced_shutdown = true;
    publish_changes(store, ups);
}
