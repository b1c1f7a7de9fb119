/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "agent/contents.h"

#include "agent/bridgemib.h"
#include "agent/entity.h"
#include "agent/objects.h"
#include "agent/system.h"
#include "core/loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* How long what shows the whole site holds, and how long it is kept without being asked for. */
#define SITE_HOLDS_MS 1000
#define SITE_KEPT_SECONDS 10
/* Devices whose entities are kept. */
#define KEPT_MAX 16
#define SITE_PARTS (3 + ENTITY_SLICES + 1)

/* A subtree of the whole site. */
struct site {
    struct subtree *subtree; /* NULL: not built, or given up */
    uint64_t built, asked;   /* clock_ms() */
};

/* The entities of one device. */
struct kept {
    const struct monitor *monitor; /* NULL: free */
    uint64_t generation;
    uint64_t used; /* grows with each use: the least is the one to give up */
    struct subtree *subtree;
};

struct contents {
    struct ups_store *store;
    int slot;
    struct monitor *asked; /* whose context is being looked at */
    struct subtree *device_joint, *site_joint;
    struct subtree_part site_parts[SITE_PARTS];
    struct subtree *device_mibs, *site_mibs; /* sysORTable */
    struct kept kept[KEPT_MAX];
    uint64_t uses;
    struct site entities[ENTITY_SLICES], bridge;
    struct entity_history history;
    struct event *timer; /* pending while there is something of the site to give up */
};

/* The parts of both kinds of contexts -------------------------------------------------------- */

static const struct subtree *fetch_base(void *owner, unsigned slice)
{
    const struct contents *contents = owner;

    (void)slice;
    return contents->asked == NULL ? NULL : monitor_snapshot(contents->asked);
}

static const struct subtree *fetch_device_mibs(void *owner, unsigned slice)
{
    const struct contents *contents = owner;

    (void)slice;
    return contents->device_mibs;
}

static const struct subtree *fetch_site_mibs(void *owner, unsigned slice)
{
    const struct contents *contents = owner;

    (void)slice;
    return contents->site_mibs;
}

/* The place for a device's entities: its own, else a free one, else the one used longest ago. */
static struct kept *find_kept(struct contents *contents, const struct monitor *monitor)
{
    struct kept *best = &contents->kept[0];

    for (size_t i = 0; i < KEPT_MAX; i++) {
        struct kept *kept = &contents->kept[i];

        if (kept->monitor == monitor)
            return kept;
        if (kept->used < best->used)
            best = kept;
    }
    return best;
}

static void drop_kept(struct kept *kept)
{
    free(kept->subtree);
    *kept = (struct kept){ 0 };
}

static const struct subtree *fetch_device_entities(void *owner, unsigned slice)
{
    struct contents *contents = owner;
    struct monitor *monitor = contents->asked;
    struct kept *kept = find_kept(contents, monitor);

    (void)slice;
    if (kept->monitor != monitor || kept->generation != monitor->ups->generation) {
        drop_kept(kept);
        kept->subtree = entity_build_device(monitor, clock_ms());
        kept->monitor = kept->subtree == NULL ? NULL : monitor;
        kept->generation = monitor->ups->generation;
    }
    kept->used = ++contents->uses;
    return kept->subtree;
}

/* The site ----------------------------------------------------------------------------------- */

static int compare_monitors(const void *a, const void *b)
{
    const struct monitor *const *monitor = a;
    const struct monitor *const *other = b;

    return ((*monitor)->number > (*other)->number) - ((*monitor)->number < (*other)->number);
}

/* All monitors in ascending order of numbers; NULL: out of memory. */
static struct monitor **list_monitors(const struct contents *contents, size_t *count)
{
    struct monitor **monitors = malloc((ups_count(contents->store) + 1) * sizeof monitors[0]);

    *count = 0;
    if (monitors == NULL)
        return NULL;
    for (size_t i = 0; i < ups_count(contents->store); i++) {
        struct monitor *monitor = ups_at(contents->store, i)->attachments[contents->slot];

        if (monitor != NULL)
            monitors[(*count)++] = monitor;
    }
    qsort(monitors, *count, sizeof monitors[0], compare_monitors);
    return monitors;
}

static void drop_site(struct site *site)
{
    free(site->subtree);
    site->subtree = NULL;
}

static void arm_timer(struct contents *contents)
{
    static const struct timeval later = { .tv_sec = SITE_KEPT_SECONDS };

    event_add(contents->timer, &later);
}

static bool give_up_unasked(struct site *site, uint64_t now)
{
    if (site->subtree != NULL && now - site->asked >= SITE_KEPT_SECONDS * 1000)
        drop_site(site);
    return site->subtree == NULL;
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    struct contents *contents = argument;
    uint64_t now = clock_ms();
    bool all = give_up_unasked(&contents->bridge, now);

    (void)descriptor;
    (void)what;
    for (size_t i = 0; i < ENTITY_SLICES; i++)
        all &= give_up_unasked(&contents->entities[i], now);
    if (!all)
        arm_timer(contents);
}

static void drop_sites(struct contents *contents)
{
    for (size_t i = 0; i < ENTITY_SLICES; i++)
        drop_site(&contents->entities[i]);
    drop_site(&contents->bridge);
}

/* Is what was built still good? Takes note that it was asked for. */
static bool site_holds(struct contents *contents, struct site *site, uint64_t now)
{
    site->asked = now;
    if (!event_pending(contents->timer, EV_TIMEOUT, NULL))
        arm_timer(contents);
    return site->subtree != NULL && now - site->built < SITE_HOLDS_MS;
}

static struct subtree *build_entities(struct contents *contents, unsigned slice,
                                      struct monitor *const *monitors, size_t count)
{
    return entity_build_site(slice, monitors, count, &contents->history, clock_ms());
}

static struct subtree *build_bridge(struct contents *contents, unsigned slice,
                                    struct monitor *const *monitors, size_t count)
{
    (void)slice;
    return bridgemib_build(monitors, count, ups_store_census(contents->store), time(NULL));
}

/* The old one goes before the new one comes: there need not be room for both. */
static const struct subtree *
fetch_site(struct contents *contents, struct site *site, unsigned slice,
           struct subtree *(*build)(struct contents *, unsigned, struct monitor *const *, size_t))
{
    uint64_t now = clock_ms();
    size_t count;

    if (site_holds(contents, site, now))
        return site->subtree;
    drop_site(site);
    struct monitor **monitors = list_monitors(contents, &count);
    if (monitors != NULL)
        site->subtree = build(contents, slice, monitors, count);
    site->built = now;
    free(monitors);
    return site->subtree;
}

static const struct subtree *fetch_site_entities(void *owner, unsigned slice)
{
    struct contents *contents = owner;

    return fetch_site(contents, &contents->entities[slice], slice, build_entities);
}

static const struct subtree *fetch_site_bridge(void *owner, unsigned slice)
{
    struct contents *contents = owner;

    return fetch_site(contents, &contents->bridge, slice, build_bridge);
}

/* Putting it together ------------------------------------------------------------------------ */

static const arc internet[] = { OBJECTS_INTERNET };
static const arc mibs[] = { OBJECTS_SYSTEM, 8 };
static const arc ups_mib[] = { OBJECTS_UPS_MIB };
static const arc entity_mib[] = { OBJECTS_ENTITY_MIB };
static const arc bridge_mib[] = { OBJECTS_BRIDGE_MIB };

#define FROM(arcs, fetch)                              \
    {                                                  \
        arcs, sizeof(arcs) / sizeof(arcs)[0], fetch, 0 \
    }
static const struct subtree *fetch_nothing(void *owner, unsigned slice)
{
    (void)owner;
    (void)slice;
    return NULL;
}

static const struct subtree_part device_parts[] = {
    FROM(internet, fetch_base),      FROM(mibs, fetch_device_mibs),
    FROM(ups_mib, fetch_base),       FROM(entity_mib, fetch_device_entities),
    FROM(bridge_mib, fetch_nothing),
};

/* In front of and behind the slices of the entities. */
static const struct subtree_part site_before[] = {
    FROM(internet, fetch_base),
    FROM(mibs, fetch_site_mibs),
    FROM(ups_mib, fetch_base),
};
static const struct subtree_part site_behind = FROM(bridge_mib, fetch_site_bridge);

#define SITE_BEFORE (sizeof site_before / sizeof site_before[0])
_Static_assert(SITE_BEFORE + ENTITY_SLICES + 1 == SITE_PARTS, "each part has its place");

static struct subtree *join_site(struct subtree_part parts[SITE_PARTS])
{
    size_t count = SITE_BEFORE;

    memcpy(parts, site_before, sizeof site_before);
    for (unsigned slice = 0; slice < ENTITY_SLICES; slice++)
        parts[count++] =
            (struct subtree_part){ entity_slices[slice].from, entity_slices[slice].length,
                                   fetch_site_entities, slice };
    parts[count++] = site_behind;
    return subtree_join(parts, count);
}

static struct subtree *build_mibs(const char *context)
{
    struct subtree_builder *builder = subtree_begin();

    if (builder == NULL)
        return NULL;
    system_build_mibs(context, builder);
    return subtree_finish(builder);
}

struct contents *contents_new(struct event_base *base, struct ups_store *store, int slot)
{
    struct contents *contents = calloc(1, sizeof *contents);

    if (contents == NULL)
        return NULL;
    contents->store = store;
    contents->slot = slot;
    contents->device_joint =
        subtree_join(device_parts, sizeof device_parts / sizeof device_parts[0]);
    contents->site_joint = join_site(contents->site_parts);
    contents->device_mibs = build_mibs("a device");
    contents->site_mibs = build_mibs("");
    contents->timer = evtimer_new(base, on_timer, contents);
    if (contents->device_joint != NULL && contents->site_joint != NULL &&
        contents->device_mibs != NULL && contents->site_mibs != NULL && contents->timer != NULL)
        return contents;
    contents_free(contents);
    return NULL;
}

void contents_free(struct contents *contents)
{
    if (contents == NULL)
        return;
    if (contents->timer != NULL)
        event_free(contents->timer);
    for (size_t i = 0; i < KEPT_MAX; i++)
        drop_kept(&contents->kept[i]);
    drop_sites(contents);
    free(contents->device_joint);
    free(contents->site_joint);
    free(contents->device_mibs);
    free(contents->site_mibs);
    free(contents);
}

void contents_forget(struct contents *contents, const struct monitor *monitor)
{
    struct kept *kept = find_kept(contents, monitor);

    if (kept->monitor == monitor)
        drop_kept(kept);
    drop_sites(contents);
}

/* Names of other devices can have the same number: then it is the next that is free. */
void contents_admit(struct contents *contents, struct monitor *monitor)
{
    uint32_t number = bridgemib_number(monitor->ups->name, BRIDGE_DEVICE_MAX);
    size_t i = 0;

    while (i < ups_count(contents->store)) {
        const struct monitor *other = ups_at(contents->store, i)->attachments[contents->slot];

        if (other == NULL || other == monitor || other->number != number) {
            i++;
            continue;
        }
        number = number % BRIDGE_DEVICE_MAX + 1;
        i = 0;
    }
    monitor->number = number;
    drop_sites(contents);
}

const struct subtree *contents_of_device(struct contents *contents, struct monitor *monitor)
{
    contents->asked = monitor;
    subtree_renew(contents->device_joint, contents);
    return contents->device_joint;
}

const struct subtree *contents_of_site(struct contents *contents, struct monitor *monitor)
{
    contents->asked = monitor;
    subtree_renew(contents->site_joint, contents);
    return contents->site_joint;
}
