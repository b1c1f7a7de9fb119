/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "daemon/bridge.h"

#include "agent/agent.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/settings.h"
#include "core/ups.h"
#include "daemon/permissions.h"
#include "drivers/registry.h"
#include "drivers/worker.h"
#include "modbus/server.h"
#include "nutproto/server.h"
#include "nutproto/tls_context.h"
#include "nutproto/users.h"

#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STOP_MS 2000
#define RETIRED_LOOK_MS 100

/* A configured device and who serves it. */
struct served {
    struct ups *ups;
    struct worker *worker; /* NULL: none could be started, or not yet */
};

/* A worker that was told to stop and has not ended yet. */
struct retired {
    struct retired *next;
    struct worker *worker;
    uint64_t deadline;
};

struct bridge {
    struct loop *loop;
    struct settings *settings;
    struct ups_store *store;
    struct nut_server *server;
    struct modbus_server *modbus; /* NULL: nobody asked for it */
    struct agent *agent;          /* NULL: no SNMP */
    struct served *served;        /* as the store's devices: one each, same order */
    size_t served_count;
    struct retired *retired;
    struct event *retired_timer;
};

static void check_settings(const struct settings *settings, struct config_report *report)
{
    permissions_check(settings, report);
    registry_check(settings, report);
#ifdef HAVE_NETSNMP
    agent_check(settings, report);
#endif
}

bool configuration_load(struct configuration *configuration, const char *directory,
                        struct config_report *report)
{
    unsigned errors_before = report->errors;
    char path[PATH_MAX];

    *configuration = (struct configuration){ .settings = settings_load(directory, report) };
    if (configuration->settings != NULL)
        check_settings(configuration->settings, report);
    snprintf(path, sizeof path, "%s/upsd.users", directory);
    configuration->users = users_load(path, report);
    if (configuration->settings != NULL && configuration->users != NULL &&
        report->errors == errors_before)
        return true;
    configuration_clear(configuration);
    return false;
}

void configuration_clear(struct configuration *configuration)
{
    settings_free(configuration->settings);
    users_free(configuration->users);
    *configuration = (struct configuration){ 0 };
}

/* Devices ------------------------------------------------------------------------------------ */

static void start_worker(struct bridge *bridge, struct served *served,
                         const struct device_settings *device)
{
    served->worker =
        worker_start(bridge->loop, bridge->store, served->ups, device, bridge->settings->directory);
    if (served->worker == NULL)
        log_error("[%s] cannot start a thread: %m", device->name);
}

static void look_at_retired(struct bridge *bridge)
{
    static const struct timeval soon = { .tv_usec = RETIRED_LOOK_MS * 1000 };
    struct retired **link = &bridge->retired;

    while (*link != NULL) {
        struct retired *retired = *link;

        if (!worker_ended(retired->worker) && clock_ms() < retired->deadline) {
            link = &retired->next;
            continue;
        }
        worker_finish(retired->worker, clock_ms());
        *link = retired->next;
        free(retired);
    }
    if (bridge->retired != NULL)
        event_add(bridge->retired_timer, &soon);
}

static void on_retired_timer(evutil_socket_t descriptor, short what, void *argument)
{
    (void)descriptor;
    (void)what;
    look_at_retired(argument);
}

/* Stops a worker without waiting for it: the loop goes on meanwhile. */
static void retire_worker(struct bridge *bridge, struct served *served)
{
    if (served->worker == NULL)
        return;
    worker_stop(served->worker);
    struct retired *retired = malloc(sizeof *retired);
    if (retired == NULL) {
        worker_finish(served->worker, clock_ms() + STOP_MS);
    } else {
        *retired = (struct retired){ .next = bridge->retired,
                                     .worker = served->worker,
                                     .deadline = clock_ms() + STOP_MS };
        bridge->retired = retired;
    }
    served->worker = NULL;
}

static const struct device_settings *find_device(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->device_count; i++) {
        if (strcasecmp(settings->devices[i].name, name) == 0)
            return &settings->devices[i];
    }
    return NULL;
}

static struct served *find_served(struct bridge *bridge, const struct ups *ups)
{
    for (size_t i = 0; i < bridge->served_count; i++) {
        if (bridge->served[i].ups == ups)
            return &bridge->served[i];
    }
    return NULL;
}

/* Removes the devices that the new settings no longer have. */
static void remove_devices(struct bridge *bridge, const struct settings *fresh)
{
    size_t kept = 0;

    for (size_t i = 0; i < bridge->served_count; i++) {
        struct served *served = &bridge->served[i];
        const struct device_settings *device = find_device(fresh, served->ups->name);

        if (device != NULL && strcmp(device->name, served->ups->name) == 0) {
            bridge->served[kept++] = *served;
            continue;
        }
        log_notice("Deleting UPS [%s]", served->ups->name);
        retire_worker(bridge, served);
        ups_remove(bridge->store, served->ups);
    }
    bridge->served_count = kept;
}

/* Makes the store's devices those of the settings, in their order. Workers are not started. */
static bool arrange_devices(struct bridge *bridge, const struct settings *fresh)
{
    struct served *served = calloc(fresh->device_count + 1, sizeof *served);

    if (served == NULL)
        return false;
    for (size_t i = 0; i < fresh->device_count; i++) {
        const struct device_settings *device = &fresh->devices[i];
        struct ups *ups = ups_find(bridge->store, device->name);

        if (ups == NULL) {
            ups = ups_add(bridge->store, device->name, device->description);
            if (ups == NULL) {
                log_error("[%s] out of memory", device->name);
                free(served);
                return false;
            }
            served[i].ups = ups;
        } else {
            served[i] = *find_served(bridge, ups);
            ups_set_description(bridge->store, ups, device->description);
        }
        ups_move(bridge->store, ups, i);
    }
    free(bridge->served);
    bridge->served = served;
    bridge->served_count = fresh->device_count;
    return true;
}

/* Life --------------------------------------------------------------------------------------- */

static bool open_faces(struct bridge *bridge, struct configuration *configuration,
                       const struct inherited *inherited)
{
    bridge->server = nut_server_new(bridge->loop, bridge->store, bridge->settings, inherited,
                                    configuration->users);
    if (bridge->server == NULL)
        return false;
    configuration->users = NULL;
    if (bridge->settings->modbus_listener_count > 0) {
        bridge->modbus = modbus_server_new(bridge->loop, bridge->store, bridge->settings);
        if (bridge->modbus == NULL)
            return false;
    }
    if (bridge->settings->snmp_mode == SNMP_OFF)
        return true;
#ifdef HAVE_NETSNMP
    bridge->agent = agent_new(bridge->loop, bridge->store, bridge->settings);
    return bridge->agent != NULL;
#else
    log_warning("SNMP is configured, but this build has none (--without-netsnmp)");
    return true;
#endif
}

struct bridge *bridge_new(struct loop *loop, struct configuration *configuration,
                          const struct inherited *inherited)
{
    struct bridge *bridge = calloc(1, sizeof *bridge);

    if (bridge == NULL)
        return NULL;
    bridge->loop = loop;
    bridge->settings = configuration->settings;
    configuration->settings = NULL;
    bridge->retired_timer = evtimer_new(loop_base(loop), on_retired_timer, bridge);
    bridge->store = ups_store_new(loop_base(loop), bridge->settings->maximum_age);
    if (bridge->retired_timer == NULL || bridge->store == NULL ||
        !arrange_devices(bridge, bridge->settings) ||
        !open_faces(bridge, configuration, inherited)) {
        configuration_clear(configuration);
        bridge_free(bridge);
        return NULL;
    }
    configuration_clear(configuration);
    return bridge;
}

bool bridge_start(struct bridge *bridge)
{
    if (!nut_server_start(bridge->server, bridge->settings))
        return false;
#ifdef HAVE_NETSNMP
    if (bridge->agent != NULL)
        agent_start(bridge->agent);
#endif
    for (size_t i = 0; i < bridge->served_count; i++)
        start_worker(bridge, &bridge->served[i], &bridge->settings->devices[i]);
    return true;
}

/* Restarts the devices whose section changed, and starts new ones. */
static void restart_workers(struct bridge *bridge, const struct settings *old)
{
    for (size_t i = 0; i < bridge->served_count; i++) {
        const struct device_settings *device = &bridge->settings->devices[i];
        const struct device_settings *before = find_device(old, device->name);
        struct served *served = &bridge->served[i];

        if (served->worker != NULL && before != NULL && device_settings_equal(before, device)) {
            worker_set_maximum_age(served->worker, bridge->settings->maximum_age);
            continue;
        }
        if (served->worker != NULL)
            log_notice("Redefined UPS [%s]", device->name);
        retire_worker(bridge, served);
        start_worker(bridge, served, device);
    }
    look_at_retired(bridge);
}

static void note_what_stays(const struct settings *old, const struct settings *fresh)
{
    if (!settings_text_equal(old->user, fresh->user) ||
        !settings_text_equal(old->chroot, fresh->chroot))
        log_warning("user and chroot of ups.conf do not change before a restart");
}

bool bridge_reload(struct bridge *bridge)
{
    struct config_report report = { 0 };
    struct configuration fresh;
    struct tls_context *tls = NULL;

    log_notice("SIGHUP: reloading configuration");
    if (!configuration_load(&fresh, bridge->settings->directory, &report) ||
        !tls_context_load(fresh.settings, &report, &tls)) {
        configuration_clear(&fresh);
        log_error("the configuration has %u error%s: the old one stays in force", report.errors,
                  report.errors == 1 ? "" : "s");
        return false;
    }
    struct settings *old = bridge->settings;
    note_what_stays(old, fresh.settings);
    remove_devices(bridge, fresh.settings);
    if (!arrange_devices(bridge, fresh.settings)) {
        log_error("out of memory: devices stay as they were");
        configuration_clear(&fresh);
        tls_context_free(tls);
        return false;
    }
    bridge->settings = fresh.settings;
    fresh.settings = NULL;
    ups_store_set_maximum_age(bridge->store, bridge->settings->maximum_age);
    nut_server_configure(bridge->server, old, bridge->settings, fresh.users);
    fresh.users = NULL;
    nut_server_set_tls(bridge->server, tls);
    if (bridge->modbus != NULL)
        modbus_server_configure(bridge->modbus, bridge->settings);
    else if (bridge->settings->modbus_listener_count > 0)
        log_warning("MODBUS listen starts with the next restart");
#ifdef HAVE_NETSNMP
    if (bridge->agent != NULL)
        agent_configure(bridge->agent, old, bridge->settings);
    else if (bridge->settings->snmp_mode != SNMP_OFF)
        log_warning("SNMP starts with the next restart");
#endif
    restart_workers(bridge, old);
    settings_free(old);
    return true;
}

const struct settings *bridge_settings(const struct bridge *bridge)
{
    return bridge->settings;
}

static void stop_workers(struct bridge *bridge)
{
    for (size_t i = 0; i < bridge->served_count; i++)
        retire_worker(bridge, &bridge->served[i]);
    while (bridge->retired != NULL) {
        struct retired *retired = bridge->retired;

        worker_finish(retired->worker, retired->deadline);
        bridge->retired = retired->next;
        free(retired);
    }
}

void bridge_free(struct bridge *bridge)
{
    nut_server_free(bridge->server);
    modbus_server_free(bridge->modbus);
    stop_workers(bridge);
#ifdef HAVE_NETSNMP
    agent_free(bridge->agent);
#endif
    ups_store_free(bridge->store);
    if (bridge->retired_timer != NULL)
        event_free(bridge->retired_timer);
    settings_free(bridge->settings);
    free(bridge->served);
    free(bridge);
}
