/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/agent.h"

#include "agent/agentx.h"
#include "agent/contents.h"
#include "agent/contexts.h"
#include "agent/kept.h"
#include "agent/library.h"
#include "agent/lineage.h"
#include "agent/monitor.h"
#include "agent/objects.h"
#include "agent/set.h"
#include "agent/standalone.h"
#include "agent/system.h"
#include "agent/traps.h"
#include "core/log.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CONTEXT ""

struct agent {
    struct ups_store *store;
    int slot;                /* of the monitors in the store */
    struct agentx **masters; /* these, or the agent of our own */
    size_t master_count;
    struct standalone *standalone;
    struct contents *contents;
    struct traps *traps;
    struct lineage lineage;
    struct presentation presentation;
    char *default_name; /* NULL: the first device */
    char *state_path;
    struct kept *kept;
    struct setter *setter;
    struct event *alarm_clock; /* for what changes by the clock alone */
    uint64_t next_look;        /* clock_ms() when it rings; 0: it does not */
};

static struct monitor *monitor_of(const struct agent *agent, const struct ups *ups)
{
    return ups == NULL ? NULL : ups->attachments[agent->slot];
}

/* Contexts ----------------------------------------------------------------------------------- */

static struct ups *default_ups(const struct agent *agent)
{
    if (agent->default_name != NULL)
        return ups_find(agent->store, agent->default_name);
    return ups_at(agent->store, 0);
}

static const struct subtree *snapshot(void *owner, const char *context)
{
    const struct agent *agent = owner;

    if (*context == '\0')
        return contents_of_site(agent->contents, monitor_of(agent, default_ups(agent)));
    struct monitor *monitor = monitor_of(agent, ups_find(agent->store, context));
    return monitor == NULL ? NULL : contents_of_device(agent->contents, monitor);
}

static struct monitor *device_of(void *owner, const char *context)
{
    const struct agent *agent = owner;

    if (*context == '\0')
        return monitor_of(agent, default_ups(agent));
    return monitor_of(agent, ups_find(agent->store, context));
}

static bool register_regions(struct agentx *agentx, const char *context)
{
    bool done = true;

    for (size_t i = 0; i < OBJECTS_REGIONS; i++) {
        const struct region *region = &objects_regions[i];

        if (objects_shown(region, context) && (*context != '\0' || !region->of_master))
            done &= agentx_register_context(agentx, context, region);
    }
    return done;
}

static void register_context(struct agent *agent, const char *context)
{
    bool done = true;

    if (agent->standalone != NULL)
        done = standalone_register_context(agent->standalone, context);
    for (size_t i = 0; i < agent->master_count; i++)
        done &= register_regions(agent->masters[i], context);

    if (!done)
        log_error("SNMP: cannot serve context \"%s\": out of memory", context);
}

static void unregister_context(struct agent *agent, const char *context)
{
    if (agent->standalone != NULL) {
        standalone_unregister_context(agent->standalone, context);
        return;
    }
    for (size_t master = 0; master < agent->master_count; master++) {
        for (size_t i = 0; i < OBJECTS_REGIONS; i++)
            agentx_unregister_context(agent->masters[master], context, &objects_regions[i]);
    }
}

/* Devices ------------------------------------------------------------------------------------ */

/* So that it rings no later than the monitor needs. */
static void set_alarm_clock(struct agent *agent, const struct monitor *monitor)
{
    uint64_t now = clock_ms();
    uint64_t next = monitor_next_look(monitor, now);

    if (next == 0 || (agent->next_look != 0 && agent->next_look <= next))
        return;
    uint64_t wait = next > now ? next - now : 1;
    struct timeval delay = clock_span(wait);
    agent->next_look = next;
    if (event_add(agent->alarm_clock, &delay) != 0)
        log_error("[%s] SNMP: cannot arm a timer", monitor->ups->name);
}

/* The device, or what was done to it, has changed: to be called after each change. */
static void observe(struct agent *agent, struct monitor *monitor)
{
    uint64_t now = clock_ms();

    monitor_observe(monitor, now);
    traps_observe(agent->traps, monitor, now);
    set_alarm_clock(agent, monitor);
}

/* The same if the device's generation does not tell it. */
static void on_changed(void *owner, struct monitor *monitor)
{
    monitor_forget_snapshot(monitor);
    observe(owner, monitor);
}

static void add_device(struct agent *agent, struct ups *ups)
{
    struct monitor *monitor = monitor_new(ups);

    if (monitor == NULL) {
        log_error("[%s] out of memory: SNMP does not show it", ups->name);
        return;
    }
    monitor->presentation = &agent->presentation;
    monitor->kept = kept_of(agent->kept, ups->name);
    lineage_inherit(&agent->lineage, monitor);
    ups->attachments[agent->slot] = monitor;
    contents_admit(agent->contents, monitor);
    observe(agent, monitor);
    register_context(agent, ups->name);
}

static void remove_device(struct agent *agent, struct ups *ups)
{
    struct monitor *monitor = monitor_of(agent, ups);

    if (monitor == NULL)
        return;
    setter_forget_device(agent->setter, monitor);
    unregister_context(agent, ups->name);
    contents_forget(agent->contents, monitor);
    traps_retire(agent->traps, monitor, clock_ms());
    lineage_leave(&agent->lineage, monitor);
    ups->attachments[agent->slot] = NULL;
    monitor_free(monitor);
}

static void on_alarm_clock(evutil_socket_t descriptor, short what, void *argument)
{
    struct agent *agent = argument;
    uint64_t now = clock_ms();

    (void)descriptor;
    (void)what;
    agent->next_look = 0;
    for (size_t i = 0; i < ups_count(agent->store); i++) {
        struct monitor *monitor = monitor_of(agent, ups_at(agent->store, i));

        if (monitor == NULL)
            continue;
        uint64_t due = monitor_next_look(monitor, 0);
        if (due != 0 && due <= now)
            on_changed(agent, monitor);
        else
            set_alarm_clock(agent, monitor);
    }
}

static void on_store_event(void *context, struct ups *ups, const struct ups_event *event)
{
    struct agent *agent = context;
    struct monitor *monitor = monitor_of(agent, ups);

    switch (event->kind) {
    case UPS_EVENT_ADDED:
        add_device(agent, ups);
        break;
    case UPS_EVENT_REMOVED:
        remove_device(agent, ups);
        break;
    case UPS_EVENT_DATA:
    case UPS_EVENT_COMMS:
        if (monitor != NULL)
            observe(agent, monitor);
        break;
    case UPS_EVENT_REQUEST:
        if (monitor != NULL)
            monitor_note_request(monitor, event->asked);
        break;
    case UPS_EVENT_RESULT:
        if (monitor != NULL &&
            monitor_note_result(monitor, event->request, event->outcome, clock_ms()))
            on_changed(agent, monitor);
        setter_note_result(agent->setter, event->request, event->outcome);
        break;
    case UPS_EVENT_STATUS:
        break;
    }
}

/* Notifications ------------------------------------------------------------------------------ */

/* A master agent may have sinks, or may get some: that is its business. */
static bool notification_wanted(void *owner)
{
    const struct agent *agent = owner;

    return agent->standalone == NULL || standalone_has_sinks(agent->standalone);
}

static void notify(void *owner, struct notification *notification)
{
    const struct agent *agent = owner;

    for (size_t i = 0; i < agent->master_count; i++)
        agentx_notify(agent->masters[i], notification);
    if (agent->standalone != NULL)
        standalone_notify(agent->standalone, notification);
}

/* Life --------------------------------------------------------------------------------------- */

static bool set_default(struct agent *agent, const struct settings *settings)
{
    char *name = settings->snmp_default == NULL ? NULL : strdup(settings->snmp_default);

    if (settings->snmp_default != NULL && name == NULL) {
        log_error("SNMP: out of memory");
        return false;
    }
    free(agent->default_name);
    agent->default_name = name;
    return true;
}

static bool make_setter(struct agent *agent, struct loop *loop, const struct settings *settings)
{
    agent->state_path = strdup(settings->state_path);
    agent->kept = kept_new(loop);
    agent->setter = agent->kept == NULL
                        ? NULL
                        : setter_new(loop_base(loop), agent->store, agent->kept, on_changed, agent);
    agent->alarm_clock = evtimer_new(loop_base(loop), on_alarm_clock, agent);
    if (agent->state_path == NULL || agent->setter == NULL || agent->alarm_clock == NULL) {
        log_error("SNMP: out of memory");
        return false;
    }
    setter_allow(agent->setter, settings->snmp_write);
    return true;
}

/* No address: the usual one. */
static bool open_masters(struct agent *agent, struct loop *loop, const struct settings *settings,
                         const struct contexts *contexts)
{
    size_t named = settings->agentx_master_count;

    agent->masters = calloc(named + 1, sizeof agent->masters[0]);
    if (agent->masters == NULL)
        return false;
    do {
        const char *address = named == 0 ? NULL : settings->agentx_masters[agent->master_count];
        struct agentx *master = agentx_new(loop_base(loop), address, contexts);

        if (master == NULL)
            return false;
        agent->masters[agent->master_count++] = master;
    } while (agent->master_count < named);
    return true;
}

static bool open_mode(struct agent *agent, struct loop *loop, const struct settings *settings)
{
    const struct contexts contexts = {
        .owner = agent, .snapshot = snapshot, .device = device_of, .setter = agent->setter
    };

    if (settings->snmp_mode == SNMP_LISTEN) {
        const struct standalone_settings standalone = {
            .directory = settings->directory,
            .state_path = settings->state_path,
            .addresses = settings->snmp_listeners,
            .address_count = settings->snmp_listener_count,
        };

        agent->standalone = standalone_new(loop, &standalone, &contexts);
        return agent->standalone != NULL;
    }
    library_begin(NULL, NULL);
    return open_masters(agent, loop, settings, &contexts);
}

void agent_check(const struct settings *settings, struct config_report *report)
{
    char path[PATH_MAX];

    if (settings->snmp_mode != SNMP_LISTEN)
        return;
    snprintf(path, sizeof path, "%s/%s", settings->directory, STANDALONE_ACCESS_FILE);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        config_error(report, path, 0, "%s: it must say who may ask by SNMP", strerror(errno));
    else
        close(descriptor);
}

struct agent *agent_new(struct loop *loop, struct ups_store *store, const struct settings *settings)
{
    struct agent *agent = calloc(1, sizeof *agent);

    if (agent == NULL)
        return NULL;
    agent->store = store;
    agent->slot = -1;
    if (!make_setter(agent, loop, settings) || !set_default(agent, settings) ||
        !open_mode(agent, loop, settings)) {
        agent_free(agent);
        return NULL;
    }
    system_presentation(settings, &agent->presentation);
    agent->slot = ups_subscribe(store, on_store_event, agent);
    agent->contents = agent->slot < 0 ? NULL : contents_new(loop_base(loop), store, agent->slot);
    agent->traps = traps_new(loop_base(loop),
                             &(const struct traps_outlet){ agent, notification_wanted, notify });
    if (agent->contents == NULL || agent->traps == NULL) {
        agent_free(agent);
        return NULL;
    }
    register_context(agent, DEFAULT_CONTEXT);
    for (size_t i = 0; i < ups_count(store); i++)
        add_device(agent, ups_at(store, i));
    return agent;
}

void agent_start(struct agent *agent)
{
    kept_open(agent->kept, agent->state_path);
    if (agent->standalone != NULL)
        standalone_start(agent->standalone);
}

static bool same_texts(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        if (strcmp(a[i], b[i]) != 0)
            return false;
    }
    return true;
}

static bool same_addresses(const struct settings *a, const struct settings *b)
{
    return a->snmp_mode == b->snmp_mode &&
           same_texts(a->snmp_listeners, a->snmp_listener_count, b->snmp_listeners,
                      b->snmp_listener_count) &&
           same_texts(a->agentx_masters, a->agentx_master_count, b->agentx_masters,
                      b->agentx_master_count);
}

static void present_anew(struct agent *agent, const struct settings *settings)
{
    for (size_t i = 0; i < ups_count(agent->store); i++) {
        struct monitor *monitor = monitor_of(agent, ups_at(agent->store, i));

        if (monitor != NULL)
            monitor_forget_snapshot(monitor);
    }
    system_presentation(settings, &agent->presentation);
}

void agent_configure(struct agent *agent, const struct settings *old,
                     const struct settings *settings)
{
    if (!same_addresses(old, settings))
        log_warning("SNMP: how it is reached does not change before a restart");
    set_default(agent, settings);
    setter_allow(agent->setter, settings->snmp_write);
    present_anew(agent, settings);
    if (agent->standalone != NULL)
        standalone_reload(agent->standalone);
}

void agent_free(struct agent *agent)
{
    if (agent == NULL)
        return;
    traps_free(agent->traps);
    lineage_clear(&agent->lineage);
    if (agent->slot >= 0) {
        ups_unsubscribe(agent->store, agent->slot);
        for (size_t i = 0; i < ups_count(agent->store); i++) {
            struct ups *ups = ups_at(agent->store, i);

            if (monitor_of(agent, ups) != NULL)
                setter_forget_device(agent->setter, monitor_of(agent, ups));
            monitor_free(monitor_of(agent, ups));
            ups->attachments[agent->slot] = NULL;
        }
    }
    contents_free(agent->contents);
    for (size_t i = 0; i < agent->master_count; i++)
        agentx_free(agent->masters[i]);
    if (agent->masters != NULL)
        library_end();
    free(agent->masters);
    standalone_free(agent->standalone);
    setter_free(agent->setter);
    kept_free(agent->kept);
    if (agent->alarm_clock != NULL)
        event_free(agent->alarm_clock);
    free(agent->state_path);
    free(agent->default_name);
    free(agent);
}
