/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/traps.h"

#include "core/log.h"
#include "core/loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* What managers were told of one kind of alarm. */
struct told {
    enum alarm_kind kind;
    uint32_t id;             /* of the row they know of; 0: none */
    uint64_t added, removed; /* when its last coming and going was told; 0: never */
};

/* What managers were told of one device. Made when there is something to tell for the first time.
 */
struct watch {
    struct watch *next;
    struct monitor *monitor;
    uint64_t due; /* clock_ms(): when there is more to tell if nothing changes; UINT64_MAX: never */

    struct told *alarms; /* those there ever were */
    size_t alarm_count;

    bool on_battery; /* they take it for being on battery */
    uint64_t on_battery_told, on_line_told;
    bool comms_lost;
    uint64_t comms_lost_told, comms_restored_told;
    uint64_t test_end; /* of the last test whose end they know of */
    uint64_t test_told;
};

struct traps {
    struct traps_outlet outlet;
    struct event *timer; /* NULL: the caller runs it */
    uint64_t armed;      /* what for; UINT64_MAX: it is not */
    struct watch *watches;
};

/* One look at a device. */
struct looking {
    struct traps *traps;
    struct watch *watch;
    struct monitor *monitor;
    uint64_t now;
};

static void dispatch(const struct looking *looking, enum notification_kind kind,
                     const struct alarm *alarm)
{
    const struct traps_outlet *outlet = &looking->traps->outlet;

    if (!outlet->wanted(outlet->owner))
        return;
    struct notification *notification =
        notification_new(kind, looking->monitor, alarm, looking->now);
    if (notification == NULL) {
        log_error("[%s] out of memory: an SNMP notification is lost", looking->monitor->ups->name);
        return;
    }
    outlet->send(outlet->owner, notification);
    notification_drop(notification);
}

/* Has it been so long since the last time? If not, it will be looked at again then. */
static bool has_rested(const struct looking *looking, uint64_t last, uint64_t rest)
{
    if (last == 0 || looking->now >= last + rest)
        return true;
    if (looking->watch->due > last + rest)
        looking->watch->due = last + rest;
    return false;
}

/* Tells one, unless the last one of this kind is too fresh. */
static bool tell(const struct looking *looking, enum notification_kind kind,
                 const struct alarm *alarm, uint64_t *last)
{
    if (!has_rested(looking, *last, TRAPS_REST_MS))
        return false;
    *last = looking->now;
    dispatch(looking, kind, alarm);
    return true;
}

/* Battery ------------------------------------------------------------------------------------ */

/* What was last known of a device that is silent is nothing to repeat for ever. */
static void look_at_battery(const struct looking *looking)
{
    struct watch *watch = looking->watch;
    bool holds = looking->monitor->on_battery_since != 0;

    if (!holds) {
        if (watch->on_battery && tell(looking, NOTIFICATION_ON_LINE, NULL, &watch->on_line_told))
            watch->on_battery = false;
        return;
    }
    if (!ups_fresh(looking->monitor->ups) ||
        !has_rested(looking, watch->on_battery_told,
                    watch->on_battery ? TRAPS_REPEAT_MS : TRAPS_REST_MS))
        return;
    watch->on_battery = true;
    watch->on_battery_told = looking->now;
    dispatch(looking, NOTIFICATION_ON_BATTERY, NULL);
    has_rested(looking, watch->on_battery_told, TRAPS_REPEAT_MS);
}

/* Alarms ------------------------------------------------------------------------------------- */

/* upsTrapOnBattery tells of its row; nobody is told of that of a test. */
static bool tell_added(const struct looking *looking, const struct alarm *row, uint64_t *last)
{
    if (row->kind == ALARM_ON_BATTERY)
        return looking->watch->on_battery;
    return row->kind == ALARM_TEST_IN_PROGRESS ||
           tell(looking, NOTIFICATION_ALARM_ADDED, row, last);
}

static bool tell_removed(const struct looking *looking, const struct alarm *row, uint64_t *last)
{
    return row->kind == ALARM_TEST_IN_PROGRESS ||
           tell(looking, NOTIFICATION_ALARM_REMOVED, row, last);
}

/* row NULL: there is none. */
static void look_at_alarm(const struct looking *looking, struct told *told, const struct alarm *row)
{
    const struct alarm gone = { .id = told->id, .kind = told->kind };

    if (told->id == (row == NULL ? 0 : row->id))
        return;
    if (told->id != 0) {
        if (!tell_removed(looking, &gone, &told->removed))
            return;
        told->id = 0;
    }
    if (row != NULL && tell_added(looking, row, &told->added))
        told->id = row->id;
}

static const struct alarm *row_of(const struct monitor *monitor, enum alarm_kind kind)
{
    for (size_t i = 0; i < monitor->alarms.count; i++) {
        if (monitor->alarms.rows[i].kind == kind)
            return &monitor->alarms.rows[i];
    }
    return NULL;
}

/* So that what was told of a kind can be noted. False: out of memory, to be tried again. */
static bool know_kind(struct watch *watch, enum alarm_kind kind)
{
    size_t at = 0;

    while (at < watch->alarm_count && watch->alarms[at].kind < kind)
        at++;
    if (at < watch->alarm_count && watch->alarms[at].kind == kind)
        return true;
    struct told *grown = realloc(watch->alarms, (watch->alarm_count + 1) * sizeof grown[0]);
    if (grown == NULL)
        return false;
    memmove(grown + at + 1, grown + at, (watch->alarm_count - at) * sizeof grown[0]);
    grown[at] = (struct told){ .kind = kind };
    watch->alarms = grown;
    watch->alarm_count++;
    return true;
}

static void look_at_alarms(const struct looking *looking)
{
    const struct alarms *alarms = &looking->monitor->alarms;
    struct watch *watch = looking->watch;

    for (size_t i = 0; i < alarms->count; i++) {
        if (!know_kind(watch, alarms->rows[i].kind))
            log_error("[%s] out of memory: an alarm is not told", looking->monitor->ups->name);
    }
    for (size_t i = 0; i < watch->alarm_count; i++)
        look_at_alarm(looking, &watch->alarms[i], row_of(looking->monitor, watch->alarms[i].kind));
}

/* The rest ----------------------------------------------------------------------------------- */

static void look_at_comms(const struct looking *looking)
{
    struct watch *watch = looking->watch;
    bool lost = !ups_fresh(looking->monitor->ups);

    if (lost == watch->comms_lost)
        return;
    if (lost ? tell(looking, NOTIFICATION_COMMS_LOST, NULL, &watch->comms_lost_told)
             : tell(looking, NOTIFICATION_COMMS_RESTORED, NULL, &watch->comms_restored_told))
        watch->comms_lost = lost;
}

static void look_at_test(const struct looking *looking)
{
    struct watch *watch = looking->watch;
    uint64_t end = looking->monitor->self_test.end;

    if (end != 0 && end != watch->test_end &&
        tell(looking, NOTIFICATION_TEST_COMPLETED, NULL, &watch->test_told))
        watch->test_end = end;
}

static void look(struct traps *traps, struct watch *watch, uint64_t now)
{
    const struct looking looking = { traps, watch, watch->monitor, now };
    bool had_snapshot = watch->monitor->snapshot != NULL;

    watch->due = UINT64_MAX;
    look_at_comms(&looking);
    look_at_battery(&looking);
    look_at_alarms(&looking);
    look_at_test(&looking);
    /* Nobody has asked for it: it would only take room. */
    if (!had_snapshot)
        monitor_forget_snapshot(watch->monitor);
}

/* Time --------------------------------------------------------------------------------------- */

static void arm(struct traps *traps, uint64_t due, uint64_t now)
{
    uint64_t milliseconds = due > now ? due - now : 0;
    struct timeval delay = clock_span(milliseconds);

    if (traps->timer == NULL || due >= traps->armed)
        return;
    if (event_add(traps->timer, &delay) == 0)
        traps->armed = due;
    else
        log_error("SNMP: cannot arm a timer; notifications may come late");
}

uint64_t traps_run(struct traps *traps, uint64_t now)
{
    uint64_t next = UINT64_MAX;

    for (struct watch *watch = traps->watches; watch != NULL; watch = watch->next) {
        if (watch->due <= now)
            look(traps, watch, now);
        if (watch->due < next)
            next = watch->due;
    }
    return next;
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    struct traps *traps = argument;
    uint64_t now = clock_ms();

    (void)descriptor;
    (void)what;
    traps->armed = UINT64_MAX;
    arm(traps, traps_run(traps, now), now);
}

/* Life --------------------------------------------------------------------------------------- */

struct traps *traps_new(struct event_base *base, const struct traps_outlet *outlet)
{
    struct traps *traps = calloc(1, sizeof *traps);

    if (traps == NULL)
        return NULL;
    traps->outlet = *outlet;
    traps->armed = UINT64_MAX;
    if (base != NULL)
        traps->timer = evtimer_new(base, on_timer, traps);
    if (base == NULL || traps->timer != NULL)
        return traps;
    free(traps);
    return NULL;
}

static void forget(struct traps *traps, struct monitor *monitor)
{
    struct watch **link = &traps->watches;

    if (monitor->watch == NULL)
        return;
    while (*link != monitor->watch)
        link = &(*link)->next;
    *link = monitor->watch->next;
    free(monitor->watch->alarms);
    free(monitor->watch);
    monitor->watch = NULL;
}

void traps_free(struct traps *traps)
{
    if (traps == NULL)
        return;
    while (traps->watches != NULL)
        forget(traps, traps->watches->monitor);
    if (traps->timer != NULL)
        event_free(traps->timer);
    free(traps);
}

static bool worth_watching(const struct monitor *monitor)
{
    return monitor->alarms.count > 0 || monitor->on_battery_since != 0 ||
           monitor->self_test.end != 0;
}

static struct watch *watch_of(struct traps *traps, struct monitor *monitor)
{
    if (monitor->watch != NULL || !worth_watching(monitor))
        return monitor->watch;
    struct watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL) {
        log_error("[%s] out of memory: nothing is told of it by SNMP", monitor->ups->name);
        return NULL;
    }
    watch->monitor = monitor;
    watch->next = traps->watches;
    traps->watches = watch;
    monitor->watch = watch;
    return watch;
}

void traps_observe(struct traps *traps, struct monitor *monitor, uint64_t now)
{
    struct watch *watch = watch_of(traps, monitor);

    if (watch == NULL)
        return;
    look(traps, watch, now);
    arm(traps, watch->due, now);
}

void traps_retire(struct traps *traps, struct monitor *monitor, uint64_t now)
{
    struct watch *watch = monitor->watch;
    const struct looking looking = { traps, watch, monitor, now };

    if (watch == NULL)
        return;
    for (size_t i = 0; i < watch->alarm_count; i++) {
        const struct told *told = &watch->alarms[i];

        if (told->id != 0 && told->kind != ALARM_TEST_IN_PROGRESS)
            dispatch(&looking, NOTIFICATION_ALARM_REMOVED,
                     &(const struct alarm){ .id = told->id, .kind = told->kind });
    }
    forget(traps, monitor);
}
