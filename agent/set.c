/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/set.h"

#include "core/log.h"
#include "core/loop.h"

#include <ctype.h>
#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTION_MAX 400

enum phase {
    TESTED,
    SAVING,  /* what is kept here goes to the disk */
    RUNNING, /* the device has an order */
    COMMITTED,
    ROLLING_BACK, /* the device has an order to take back one */
    UNDONE,
};

struct set {
    struct set *next;
    struct setter *setter;
    struct plan plan; /* its monitor becomes NULL when the device goes */
    enum phase phase;
    size_t position;  /* of the order under way */
    uint64_t request; /* its request; 0: none is open */
    bool ended;       /* nobody waits for it any more */
    bool late;        /* committing was answered before it was done */
    bool undo_wanted; /* as soon as what is under way is over */
    bool undo_failed; /* something could not be taken back */
    set_done *done;   /* NULL: nobody is waiting */
    void *context;    /* of done */
    struct event *patience;
    bool saved; /* what is kept here is on the disk */
    struct kept_values kept_before;
    struct self_test test_before;
    bool handled[PLAN_ORDERS_MAX];                /* orders that the device has carried out */
    char before[PLAN_ORDERS_MAX][PLAN_VALUE_MAX]; /* of settings: what was before */
    char description[DESCRIPTION_MAX];
};

struct setter {
    struct event_base *base;
    struct ups_store *store;
    struct kept *kept;
    setter_changed *changed;
    void *owner;
    bool allowed;
    struct set *sets;
};

/* Life --------------------------------------------------------------------------------------- */

static void on_patience(evutil_socket_t descriptor, short what, void *argument);

struct setter *setter_new(struct event_base *base, struct ups_store *store, struct kept *kept,
                          setter_changed *changed, void *owner)
{
    struct setter *setter = calloc(1, sizeof *setter);

    if (setter == NULL)
        return NULL;
    setter->base = base;
    setter->store = store;
    setter->kept = kept;
    setter->changed = changed;
    setter->owner = owner;
    return setter;
}

void setter_allow(struct setter *setter, bool allow)
{
    setter->allowed = allow;
}

static void set_free(struct set *set)
{
    struct set **link = &set->setter->sets;

    while (*link != set)
        link = &(*link)->next;
    *link = set->next;
    kept_forget(set->setter->kept, set);
    event_free(set->patience);
    free(set);
}

void setter_free(struct setter *setter)
{
    if (setter == NULL)
        return;
    while (setter->sets != NULL)
        set_free(setter->sets);
    free(setter);
}

static bool is_under_way(const struct set *set)
{
    return set->phase == SAVING || set->phase == RUNNING || set->phase == ROLLING_BACK;
}

/* The last thing to be done with a set that has come to rest: it may be gone afterwards. */
static void answer(struct set *set, enum set_error error, size_t index)
{
    const struct set_verdict verdict = { .error = error, .index = index };
    set_done *done = set->done;

    if (set->ended && !is_under_way(set)) {
        set_free(set);
        return;
    }
    set->done = NULL;
    evtimer_del(set->patience);
    if (done != NULL)
        done(set->context, &verdict);
}

/* The log ------------------------------------------------------------------------------------ */

/* What the bindings say, for the log; no octet of theirs can break its lines. */
static void describe(char *out, const struct set_binding *bindings, size_t count)
{
    size_t used = 0;

    *out = '\0';
    for (size_t i = 0; i < count && used + 1 < DESCRIPTION_MAX; i++) {
        const struct set_binding *binding = &bindings[i];
        size_t room = DESCRIPTION_MAX - used;
        char text[KEPT_TEXT_MAX + 1] = "";

        if (binding->type == SUBTREE_TEXT) {
            for (size_t j = 0; j < binding->size; j++) {
                unsigned char octet = ((const unsigned char *)binding->bytes)[j];

                text[j] = isprint(octet) ? (char)octet : '?';
            }
        } else if (binding->type == SUBTREE_OBJECT_ID) {
            const arc *arcs = binding->bytes;

            snprintf(text, sizeof text, "%lu", arcs[binding->size - 1]);
        } else {
            snprintf(text, sizeof text, "%ld", binding->number);
        }
        int length = snprintf(out + used, room, "%s%s = %s", i == 0 ? "" : ", ",
                              plan_object_name(binding), text);
        used += length < 0 || (size_t)length >= room ? room - 1 : (size_t)length;
    }
}

static const char *device_name(const struct set *set)
{
    return set->plan.monitor == NULL ? "a UPS that is gone" : set->plan.monitor->ups->name;
}

static void tell_change(const struct set *set)
{
    set->setter->changed(set->setter->owner, set->plan.monitor);
}

/* What is kept here -------------------------------------------------------------------------- */

static void ignore_written(void *context, bool done)
{
    (void)context;
    (void)done;
}

static long lock_after(long lock)
{
    return lock == INT_MAX ? 0 : lock + 1;
}

static void take_lock(const struct set *set)
{
    struct monitor *monitor = set->plan.monitor;

    if (set->plan.takes_lock)
        monitor->spin_lock = lock_after(set->plan.lock);
}

/* Puts back what is not the device's. */
static void restore(struct set *set)
{
    struct monitor *monitor = set->plan.monitor;

    if (monitor == NULL)
        return;
    if (set->plan.takes_lock && monitor->spin_lock == lock_after(set->plan.lock))
        monitor->spin_lock = set->plan.lock;
    if (set->plan.test > TEST_KIND_ABORT)
        monitor->self_test = set->test_before;
    if (set->plan.keeps) {
        *monitor->kept = set->kept_before;
        if (set->saved && !kept_write(set->setter->kept, ignore_written, NULL))
            set->undo_failed = true;
    }
    tell_change(set);
}

/* Requests ----------------------------------------------------------------------------------- */

static bool ask_setting(struct set *set, const char *name, const char *value)
{
    set->request =
        ups_request_set(set->setter->store,
                        ups_find(set->setter->store, set->plan.monitor->ups->name), name, value);
    return set->request != 0;
}

/* By the name as the device spells it, if it still has it. */
static bool ask_command(struct set *set, const char *name, const char *parameter)
{
    struct ups *ups = ups_find(set->setter->store, set->plan.monitor->ups->name);
    const char *spelled = ups_command_name(ups, name);

    set->request =
        spelled == NULL ? 0 : ups_request_command(set->setter->store, ups, spelled, parameter);
    return set->request != 0;
}

/* Taking back -------------------------------------------------------------------------------- */

static void finish_rolling_back(struct set *set)
{
    set->phase = UNDONE;
    if (set->undo_failed)
        log_warning("[%s] SNMP: not all could be taken back of: %s", device_name(set),
                    set->description);
}

/* Asks for what takes back one order. False: there is nothing to wait for. */
static bool take_back(struct set *set, size_t position)
{
    const struct order *order = &set->plan.orders[position];
    const char *now;

    if (!set->handled[position] || order->restores)
        return false;
    if (order->kind == UPS_REQUEST_SET) {
        now = ups_value(set->plan.monitor->ups, order->name);
        if (now != NULL && strcmp(now, set->before[position]) == 0)
            return false;
        if (ask_setting(set, order->name, set->before[position]))
            return true;
    } else if (order->undo != NULL && ask_command(set, order->undo, NULL)) {
        return true;
    }
    set->undo_failed = true;
    return false;
}

/* Goes on taking back, from position - 1 down. True: it is over. */
static bool roll_on(struct set *set)
{
    set->phase = ROLLING_BACK;
    while (set->position > 0) {
        set->position--;
        if (set->plan.monitor == NULL) {
            set->undo_failed |= set->handled[set->position];
            continue;
        }
        if (take_back(set, set->position))
            return false;
    }
    finish_rolling_back(set);
    return true;
}

static void answer_undone(struct set *set)
{
    answer(set, set->undo_failed ? SET_UNDO_FAILED : SET_OK, set->undo_failed ? 1 : 0);
}

/* Committing --------------------------------------------------------------------------------- */

/* The order under way, or saving, came to nothing. */
static void fail(struct set *set, size_t index)
{
    struct monitor *monitor = set->plan.monitor;

    log_warning("[%s] SNMP: not done, the UPS did not do it: %s", device_name(set),
                set->description);
    if (monitor != NULL && set->plan.test == TEST_KIND_ABORT)
        self_test_abort(&monitor->self_test, false);
    if (!set->late) {
        restore(set);
    } else if (monitor != NULL && set->plan.test > TEST_KIND_ABORT &&
               monitor->self_test.summary == TEST_RUNNING && !monitor->self_test.seen) {
        self_test_refuse(&monitor->self_test, clock_ms());
        tell_change(set);
    }
    bool over = roll_on(set);
    if (set->undo_wanted) {
        if (over)
            answer_undone(set);
        return;
    }
    answer(set, SET_COMMIT_FAILED, index);
}

static void take_effect(struct set *set)
{
    struct monitor *monitor = set->plan.monitor;

    for (enum countdown i = 0; monitor != NULL && i < COUNTDOWNS; i++) {
        if (set->plan.countdowns[i] != 0)
            commanded_count(&monitor->commanded, i, set->plan.countdowns[i], clock_ms());
    }
    if (monitor == NULL)
        return;
    tell_change(set);
}

/* Asks for one order. *asked: there is an outcome to wait for. False: it cannot be asked for. */
static bool give_order(struct set *set, size_t position, bool *asked)
{
    const struct order *order = &set->plan.orders[position];
    struct monitor *monitor = set->plan.monitor;
    const char *now;

    *asked = true;
    if (order->kind == UPS_REQUEST_SET) {
        now = ups_value(monitor->ups, order->name);
        *asked = now == NULL || strcmp(now, order->value) != 0;
        if (!*asked)
            return true;
        if (now == NULL || strlen(now) >= PLAN_VALUE_MAX)
            return false;
        memcpy(set->before[position], now, strlen(now) + 1);
        return ask_setting(set, order->name, order->value);
    }
    /* Before the device can say anything of it. */
    if (order->stage == STAGE_TEST && set->plan.test == TEST_KIND_ABORT) {
        self_test_abort(&monitor->self_test, true);
    } else if (order->stage == STAGE_TEST) {
        self_test_order(&monitor->self_test, monitor->ups, set->plan.test, clock_ms());
        tell_change(set);
    }
    return ask_command(set, order->name, order->has_value ? order->value : NULL);
}

static void run_on(struct set *set)
{
    set->phase = RUNNING;
    for (; set->position < set->plan.count; set->position++) {
        const struct order *order = &set->plan.orders[set->position];
        bool asked;

        if (set->plan.monitor == NULL || !give_order(set, set->position, &asked)) {
            fail(set, order->index);
            return;
        }
        if (asked)
            return;
    }
    set->phase = COMMITTED;
    take_effect(set);
    answer(set, SET_OK, 0);
}

/* Committed, as far as it goes: back again. */
static void turn_back(struct set *set)
{
    restore(set);
    if (roll_on(set))
        answer_undone(set);
}

static void on_saved(void *context, bool done)
{
    struct set *set = context;

    set->saved = done;
    if (!done)
        fail(set, set->plan.kept_index);
    else if (set->undo_wanted)
        turn_back(set);
    else
        run_on(set);
}

static void take_outcome(struct set *set, enum ups_outcome outcome)
{
    const struct order *order = &set->plan.orders[set->position];

    set->request = 0;
    if (set->phase == ROLLING_BACK) {
        set->undo_failed |= outcome != UPS_HANDLED;
        if (roll_on(set) && (set->undo_wanted || set->ended))
            answer_undone(set);
        return;
    }
    if (outcome != UPS_HANDLED && !order->restores) {
        fail(set, order->index);
        return;
    }
    set->handled[set->position++] = true;
    if (set->undo_wanted)
        turn_back(set);
    else
        run_on(set);
}

void setter_note_result(struct setter *setter, uint64_t request, enum ups_outcome outcome)
{
    for (struct set *set = setter->sets; set != NULL; set = set->next) {
        if (set->request == request) {
            take_outcome(set, outcome);
            return;
        }
    }
}

void setter_forget_device(struct setter *setter, const struct monitor *monitor)
{
    struct set *next;

    for (struct set *set = setter->sets; set != NULL; set = next) {
        next = set->next;
        if (set->plan.monitor != monitor)
            continue;
        set->plan.monitor = NULL;
        if (set->request != 0)
            take_outcome(set, UPS_FAILED);
    }
}

/* Phases ------------------------------------------------------------------------------------- */

/* Orders of two sets at once would be mixed up. */
static bool is_busy(const struct setter *setter, const struct monitor *monitor)
{
    for (const struct set *set = setter->sets; set != NULL; set = set->next) {
        if (set->plan.monitor == monitor && set->plan.count > 0 && is_under_way(set))
            return true;
    }
    return false;
}

static struct set *set_new(struct setter *setter)
{
    struct set *set = calloc(1, sizeof *set);

    if (set == NULL)
        return NULL;
    set->setter = setter;
    set->patience = evtimer_new(setter->base, on_patience, set);
    if (set->patience == NULL) {
        free(set);
        return NULL;
    }
    set->next = setter->sets;
    setter->sets = set;
    return set;
}

struct set *set_test(struct setter *setter, struct monitor *monitor,
                     const struct set_binding *bindings, size_t count, const char *origin,
                     struct set_verdict *verdict)
{
    struct plan plan;

    *verdict = (struct set_verdict){ .error = SET_NOT_WRITABLE, .index = 1 };
    if (!setter->allowed || monitor == NULL || !plan_make(&plan, monitor, bindings, count, verdict))
        return NULL;
    *verdict = (struct set_verdict){ .error = SET_RESOURCE_UNAVAILABLE, .index = 1 };
    if (plan.count > 0 && is_busy(setter, monitor)) {
        verdict->index = plan.orders[0].index;
        return NULL;
    }
    struct set *set = set_new(setter);
    if (set == NULL)
        return NULL;
    *verdict = (struct set_verdict){ .error = SET_OK };
    set->plan = plan;
    describe(set->description, bindings, count);
    if (*origin != '\0')
        snprintf(set->description + strlen(set->description),
                 DESCRIPTION_MAX - strlen(set->description), " (by %s)", origin);
    return set;
}

static void wait_for(struct set *set, set_done *done, void *context)
{
    static const struct timeval patience = { .tv_sec = SET_PATIENCE_MS / 1000,
                                             .tv_usec = SET_PATIENCE_MS % 1000 * 1000 };

    set->done = done;
    set->context = context;
    event_add(set->patience, &patience);
}

static void on_patience(evutil_socket_t descriptor, short what, void *argument)
{
    struct set *set = argument;

    (void)descriptor;
    (void)what;
    if (set->undo_wanted) {
        answer(set, SET_UNDO_FAILED, 1);
        return;
    }
    set->late = true;
    log_info("[%s] SNMP: the UPS takes its time for: %s", device_name(set), set->description);
    answer(set, SET_OK, 0);
}

/* Is it still as it was when it was tested? */
static bool still_holds(const struct set *set)
{
    const struct monitor *monitor = set->plan.monitor;

    return monitor != NULL && (!set->plan.takes_lock || monitor->spin_lock == set->plan.lock) &&
           (set->plan.count == 0 || !is_busy(set->setter, monitor));
}

void set_commit(struct set *set, set_done *done, void *context)
{
    struct monitor *monitor = set->plan.monitor;

    wait_for(set, done, context);
    if (!still_holds(set)) {
        set->phase = UNDONE;
        answer(set, SET_COMMIT_FAILED, set->plan.takes_lock ? set->plan.lock_index : 1);
        return;
    }
    log_notice("[%s] SNMP sets %s", device_name(set), set->description);
    set->test_before = monitor->self_test;
    take_lock(set);
    tell_change(set);
    if (!set->plan.keeps) {
        run_on(set);
        return;
    }
    set->kept_before = *monitor->kept;
    *monitor->kept = set->plan.kept;
    set->phase = SAVING;
    if (!kept_write(set->setter->kept, on_saved, set))
        fail(set, set->plan.kept_index);
}

void set_undo(struct set *set, set_done *done, void *context)
{
    wait_for(set, done, context);
    set->undo_wanted = true;
    switch (set->phase) {
    case TESTED:
        set->phase = UNDONE;
        answer_undone(set);
        break;
    case UNDONE:
        answer_undone(set);
        break;
    case COMMITTED:
        turn_back(set);
        break;
    case SAVING:
    case RUNNING:
    case ROLLING_BACK:
        break;
    }
}

void set_end(struct set *set)
{
    set->ended = true;
    set->done = NULL;
    evtimer_del(set->patience);
    if (!is_under_way(set))
        set_free(set);
}
