/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/ups.h"

#include "core/log.h"
#include "core/loop.h"
#include "core/variables.h"

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

/* Variables ---------------------------------------------------------------------------------- */

/* Position of name, or where it would be inserted. */
static size_t variable_position(const struct ups *ups, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = ups->variable_count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcasecmp(name, ups->variables[middle].name);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const struct ups_variable *ups_variable(const struct ups *ups, const char *name)
{
    bool found;
    size_t position = variable_position(ups, name, &found);

    return found ? &ups->variables[position] : NULL;
}

const char *ups_value(const struct ups *ups, const char *name)
{
    const struct ups_variable *variable = ups_variable(ups, name);

    return variable == NULL ? NULL : variable->value;
}

bool ups_number(const struct ups *ups, const char *name, double *number)
{
    const struct ups_variable *variable = ups_variable(ups, name);

    if (variable == NULL || !variable->is_number)
        return false;
    *number = variable->number;
    return true;
}

static void forget_choices(struct ups_variable *variable)
{
    for (size_t i = 0; i < variable->enum_count; i++)
        free(variable->enums[i]);
    free(variable->enums);
    free(variable->ranges);
    variable->enums = NULL;
    variable->ranges = NULL;
    variable->enum_count = 0;
    variable->range_count = 0;
}

static void variable_clear(struct ups_variable *variable)
{
    forget_choices(variable);
    if (variable->owns_name)
        free((char *)(uintptr_t)variable->name);
    free(variable->value);
}

static void variable_remove(struct ups *ups, size_t position)
{
    variable_clear(&ups->variables[position]);
    ups->variable_count--;
    memmove(&ups->variables[position], &ups->variables[position + 1],
            (ups->variable_count - position) * sizeof ups->variables[0]);
}

/* The vocabulary's own spelling is shared by all devices; only strange names cost memory. */
static bool name_take(struct ups_variable *variable, const char *name)
{
    const struct variable_info *info = variable_find(name);

    if (info != NULL && strcmp(info->name, name) == 0) {
        variable->name = info->name;
        return true;
    }
    variable->name = strdup(name);
    variable->owns_name = true;
    return variable->name != NULL;
}

static struct ups_variable *variable_insert(struct ups *ups, size_t position, const char *name)
{
    struct ups_variable fresh = { 0 };

    /* Capacity grows in steps of 16, so count alone tells when it is full. */
    if (ups->variable_count % 16 == 0) {
        struct ups_variable *grown =
            realloc(ups->variables, (ups->variable_count + 16) * sizeof ups->variables[0]);
        if (grown == NULL)
            return NULL;
        ups->variables = grown;
    }
    if (!name_take(&fresh, name))
        return NULL;
    memmove(&ups->variables[position + 1], &ups->variables[position],
            (ups->variable_count - position) * sizeof ups->variables[0]);
    ups->variables[position] = fresh;
    ups->variable_count++;
    return &ups->variables[position];
}

/* The result of each step below: 1 something changed, 0 nothing did, -1 out of memory. */

static int apply_set(struct ups *ups, const struct update_item *item)
{
    bool found;
    size_t position = variable_position(ups, item->name, &found);
    struct ups_variable *variable = &ups->variables[position];

    if (found && strcmp(variable->value, item->value) == 0) {
        variable->told = true;
        return 0;
    }
    char *value = strdup(item->value);
    if (value == NULL)
        return -1;
    if (!found) {
        variable = variable_insert(ups, position, item->name);
        if (variable == NULL) {
            free(value);
            return -1;
        }
    }
    free(variable->value);
    variable->value = value;
    variable->is_number = number_parse(value, &variable->number);
    variable->told = true;
    return 1;
}

static int apply_flags(struct ups_variable *variable, const struct update_item *item)
{
    uint16_t length =
        item->length < 0 || item->length > UINT16_MAX ? UINT16_MAX : (uint16_t)item->length;
    bool same = variable->flags == item->flags && variable->length == length &&
                variable->enum_count == 0 && variable->range_count == 0;

    forget_choices(variable);
    variable->flags = (uint8_t)item->flags;
    variable->length = length;
    return same ? 0 : 1;
}

static int apply_enum(struct ups_variable *variable, const struct update_item *item)
{
    if (variable->enum_count == UINT16_MAX)
        return 0;
    char **grown =
        realloc(variable->enums, ((size_t)variable->enum_count + 1) * sizeof variable->enums[0]);
    if (grown == NULL)
        return -1;
    variable->enums = grown;
    grown[variable->enum_count] = strdup(item->value);
    if (grown[variable->enum_count] == NULL)
        return -1;
    variable->enum_count++;
    return 1;
}

static int apply_range(struct ups_variable *variable, const struct update_item *item)
{
    if (variable->range_count == UINT16_MAX)
        return 0;
    struct ups_range *grown =
        realloc(variable->ranges, ((size_t)variable->range_count + 1) * sizeof variable->ranges[0]);
    if (grown == NULL)
        return -1;
    variable->ranges = grown;
    grown[variable->range_count++] = (struct ups_range){ item->minimum, item->maximum };
    return 1;
}

static int apply_unset(struct ups *ups, const struct update_item *item)
{
    bool found;
    size_t position = variable_position(ups, item->name, &found);

    if (!found)
        return 0;
    variable_remove(ups, position);
    return 1;
}

/* Commands ----------------------------------------------------------------------------------- */

static size_t command_position(const struct ups *ups, const char *name, bool *found)
{
    size_t position = 0;
    int order = 1;

    while (position < ups->command_count && (order = strcasecmp(name, ups->commands[position])) > 0)
        position++;
    *found = position < ups->command_count && order == 0;
    return position;
}

const char *ups_command_name(const struct ups *ups, const char *name)
{
    bool found;
    size_t position = command_position(ups, name, &found);

    return found ? ups->commands[position] : NULL;
}

static int apply_command(struct ups *ups, const struct update_item *item)
{
    bool found;
    size_t position = command_position(ups, item->name, &found);

    if (found)
        return 0;
    const char **grown = realloc(ups->commands, (ups->command_count + 1) * sizeof ups->commands[0]);
    if (grown == NULL)
        return -1;
    ups->commands = grown;
    char *name = strdup(item->name);
    if (name == NULL)
        return -1;
    memmove(&grown[position + 1], &grown[position],
            (ups->command_count - position) * sizeof grown[0]);
    grown[position] = name;
    ups->command_count++;
    return 1;
}

static void command_remove(struct ups *ups, size_t position)
{
    free((char *)(uintptr_t)ups->commands[position]);
    ups->command_count--;
    memmove(&ups->commands[position], &ups->commands[position + 1],
            (ups->command_count - position) * sizeof ups->commands[0]);
}

static int apply_uncommand(struct ups *ups, const struct update_item *item)
{
    bool found;
    size_t position = command_position(ups, item->name, &found);

    if (!found)
        return 0;
    command_remove(ups, position);
    return 1;
}

/* Batches ------------------------------------------------------------------------------------ */

static int apply_item(struct ups *ups, const struct update_item *item)
{
    struct ups_variable *variable;

    switch (item->kind) {
    case UPDATE_SET:
        return apply_set(ups, item);
    case UPDATE_UNSET:
        return apply_unset(ups, item);
    case UPDATE_COMMAND:
        return apply_command(ups, item);
    case UPDATE_UNCOMMAND:
        return apply_uncommand(ups, item);
    case UPDATE_FLAGS:
    case UPDATE_ENUM:
    case UPDATE_RANGE:
        break;
    }
    variable = (struct ups_variable *)(uintptr_t)ups_variable(ups, item->name);
    if (variable == NULL)
        return 0;
    if (item->kind == UPDATE_FLAGS)
        return apply_flags(variable, item);
    if (item->kind == UPDATE_ENUM)
        return apply_enum(variable, item);
    return apply_range(variable, item);
}

static bool names_command(const struct update *update, const char *name)
{
    struct update_item item;

    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        if (item.kind == UPDATE_COMMAND && strcasecmp(item.name, name) == 0)
            return true;
    }
    return false;
}

/* Removes what a complete batch did not name. */
static bool remove_untold(struct ups *ups, const struct update *update)
{
    bool changed = false;

    for (size_t i = ups->variable_count; i-- > 0;) {
        if (!ups->variables[i].told) {
            variable_remove(ups, i);
            changed = true;
        }
    }
    for (size_t i = ups->command_count; i-- > 0;) {
        if (!names_command(update, ups->commands[i])) {
            command_remove(ups, i);
            changed = true;
        }
    }
    return changed;
}

/* Applies all items; returns whether a client could see a difference. */
static bool apply_items(struct ups *ups, const struct update *update)
{
    struct update_item item;
    bool changed = false;

    if (update->complete) {
        for (size_t i = 0; i < ups->variable_count; i++)
            ups->variables[i].told = false;
    }
    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        int result = apply_item(ups, &item);

        if (result < 0)
            log_error("[%s] out of memory: %s was not updated", ups->name, item.name);
        changed |= result > 0;
    }
    if (update->complete)
        changed |= remove_untold(ups, update);
    return changed;
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
    struct timeval delay = { .tv_sec = (time_t)(wait / 1000),
                             .tv_usec = (suseconds_t)(wait % 1000) * 1000 };

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
    bool changed = apply_items(ups, update);
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
    if (update_ok(update) && apply_items(ups, update))
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

    for (size_t i = 0; i < ups->variable_count; i++)
        variable_clear(&ups->variables[i]);
    free(ups->variables);
    for (size_t i = 0; i < ups->command_count; i++)
        free((char *)(uintptr_t)ups->commands[i]);
    free(ups->commands);
    free((char *)(uintptr_t)ups->name);
    free((char *)(uintptr_t)ups->description);
    if (entry->age_timer != NULL)
        event_free(entry->age_timer);
    free(entry);
}

static struct entry *entry_new(struct ups_store *store, const char *name, const char *description)
{
    struct update_item wait = { .kind = UPDATE_SET, .name = "ups.status", .value = "WAIT" };
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
        entry->age_timer == NULL || apply_set(&entry->ups, &wait) < 0) {
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

/* Requests ----------------------------------------------------------------------------------- */

void ups_attach_worker(struct ups *ups, ups_submit *submit, void *worker)
{
    entry_of(ups)->submit = submit;
    entry_of(ups)->worker = worker;
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
