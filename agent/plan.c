/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/plan.h"

#include "agent/objects.h"
#include "agent/writable.h"
#include "core/loop.h"

#include <limits.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
/* upsObjects.group.object */
#define OBJECT_LENGTH 10

_Static_assert(WRITABLES < 64, "each has its bit in draft.named");

static const struct writable *find_writable(const struct set_binding *binding)
{
    static const arc objects[] = { OBJECTS_UPS_MIB, 1 };

    if (binding->length < OBJECT_LENGTH ||
        arcs_compare(binding->name, COUNT_OF(objects), objects, COUNT_OF(objects)) != 0)
        return NULL;
    for (size_t i = 0; i < WRITABLES; i++) {
        if (binding->name[8] == writables[i].group && binding->name[9] == writables[i].number)
            return &writables[i];
    }
    return NULL;
}

const char *plan_object_name(const struct set_binding *binding)
{
    const struct writable *writable = find_writable(binding);

    return writable == NULL ? NULL : writable->label;
}

/* DisplayString is of ASCII alone; NUL, which NVT allows as padding, cannot be kept. */
static bool is_ascii(const unsigned char *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (octets[i] == 0 || octets[i] > 0x7f)
            return false;
    }
    return true;
}

static enum set_error check_value(const struct writable *writable,
                                  const struct set_binding *binding)
{
    if (binding->type != writable->type)
        return SET_WRONG_TYPE;
    if (writable->type == SUBTREE_TEXT && binding->size > (size_t)writable->maximum)
        return SET_WRONG_LENGTH;
    if (writable->type == SUBTREE_TEXT && !is_ascii(binding->bytes, binding->size))
        return SET_WRONG_VALUE;
    if (writable->type == SUBTREE_INTEGER &&
        (binding->number < writable->minimum || binding->number > writable->maximum))
        return SET_WRONG_VALUE;
    return SET_OK;
}

/* What can be said without looking at other bindings, or at how the device is now. */
static enum set_error check_alone(struct draft *draft, const struct set_binding *binding)
{
    const struct writable *writable = find_writable(binding);

    if (writable == NULL)
        return SET_NOT_WRITABLE;
    enum set_error error = check_value(writable, binding);
    if (error != SET_OK)
        return error;
    if (binding->length != OBJECT_LENGTH + 1 || binding->name[OBJECT_LENGTH] != 0)
        return SET_NO_CREATION;
    if (writable->possible != NULL && !writable->possible(draft->monitor, writable))
        return SET_NOT_WRITABLE;
    uint64_t bit = UINT64_C(1) << (writable - writables);
    if ((draft->named & bit) != 0)
        return SET_INCONSISTENT_VALUE;
    draft->named |= bit;
    if (writable->role == ROLE_LOCK) {
        draft->plan->takes_lock = true;
        draft->plan->lock = binding->number;
        draft->plan->lock_index = draft->index;
    }
    if (writable->role == ROLE_RESTART)
        draft->restarts = binding->number == RESTART_ON;
    if (writable->role == ROLE_TYPE)
        draft->whole = binding->number == TYPE_SYSTEM;
    return SET_OK;
}

static enum set_error check_lock(struct draft *draft, const struct set_binding *binding)
{
    const struct plan *plan = draft->plan;
    const struct writable *writable = find_writable(binding);

    if (writable->role == ROLE_TEST && !plan->takes_lock)
        return SET_INCONSISTENT_VALUE;
    if (writable->role == ROLE_LOCK && plan->lock != draft->monitor->spin_lock)
        return SET_INCONSISTENT_VALUE;
    return SET_OK;
}

static enum set_error plan_binding(struct draft *draft, const struct set_binding *binding)
{
    const struct writable *writable = find_writable(binding);

    return writable->plan(draft, writable, binding);
}

/* Takes one look at each binding; the first that finds fault decides. */
static bool look(struct draft *draft, const struct set_binding *bindings, size_t count,
                 enum set_error (*check)(struct draft *draft, const struct set_binding *binding),
                 struct set_verdict *verdict)
{
    for (size_t i = 0; i < count; i++) {
        draft->index = i + 1;
        enum set_error error = check(draft, &bindings[i]);
        if (error != SET_OK) {
            *verdict = (struct set_verdict){ .error = error, .index = i + 1 };
            return false;
        }
    }
    return true;
}

/* Is there a device that could do it now? */
static bool check_device(const struct plan *plan, const struct ups *ups,
                         struct set_verdict *verdict)
{
    if (plan->count == 0 ||
        (ups->has_worker && ups_fresh(ups) && ups->request_count < UPS_REQUESTS_MAX))
        return true;
    *verdict =
        (struct set_verdict){ .error = SET_RESOURCE_UNAVAILABLE, .index = plan->orders[0].index };
    return false;
}

bool plan_make(struct plan *plan, struct monitor *monitor, const struct set_binding *bindings,
               size_t count, struct set_verdict *verdict)
{
    struct draft draft = { .plan = plan,
                           .monitor = monitor,
                           .ups = monitor->ups,
                           .now = clock_ms(),
                           .restarts = monitor_restarts(monitor),
                           .whole = monitor_shutdown_type(monitor) == TYPE_SYSTEM };

    *plan = (struct plan){ .monitor = monitor, .test = TEST_KIND_NONE };
    if (monitor->kept != NULL)
        plan->kept = *monitor->kept;
    *verdict = (struct set_verdict){ .error = SET_OK };
    return look(&draft, bindings, count, check_alone, verdict) &&
           look(&draft, bindings, count, check_lock, verdict) &&
           look(&draft, bindings, count, plan_binding, verdict) &&
           check_device(plan, monitor->ups, verdict);
}
