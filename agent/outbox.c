/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/outbox.h"

#include "core/log.h"

#include <stdlib.h>

struct outbox_item {
    struct outbox_item *next;
    struct notification *notification;
};

static void remove_first(struct outbox *outbox)
{
    struct outbox_item *item = outbox->first;

    outbox->first = item->next;
    if (outbox->first == NULL)
        outbox->last = NULL;
    outbox->count--;
    free(item);
}

/* Of those it says yes to the first one is taken out; NULL: there is none. */
typedef bool needless(const struct notification *judge, const struct notification *waiting);

static struct notification *take_out(struct outbox *outbox, needless *is_needless,
                                     const struct notification *judge)
{
    struct outbox_item **link = &outbox->first;
    struct outbox_item *before = NULL;

    while (*link != NULL && !is_needless(judge, (*link)->notification)) {
        before = *link;
        link = &before->next;
    }
    struct outbox_item *item = *link;
    if (item == NULL)
        return NULL;
    *link = item->next;
    if (outbox->last == item)
        outbox->last = before;
    outbox->count--;
    struct notification *notification = item->notification;
    free(item);
    return notification;
}

static bool is_going_of(const struct notification *coming, const struct notification *waiting)
{
    return waiting->kind == NOTIFICATION_ALARM_REMOVED && waiting->device == coming->device &&
           waiting->row == coming->row;
}

/* With the coming of an alarm that nobody will be told of goes its going. */
static void remove_replaced(struct outbox *outbox, const struct notification *newer)
{
    struct notification *replaced = take_out(outbox, notification_replaces, newer);

    if (replaced != NULL && replaced->kind == NOTIFICATION_ALARM_ADDED &&
        replaced->row != newer->row)
        notification_drop(take_out(outbox, is_going_of, replaced));
    notification_drop(replaced);
}

static struct outbox_item *new_item(struct outbox *outbox, struct notification *notification)
{
    struct outbox_item *item = calloc(1, sizeof *item);

    if (item == NULL) {
        log_error("SNMP: %s: out of memory, a notification is lost", outbox->receiver);
        notification_drop(notification);
        return NULL;
    }
    item->notification = notification;
    outbox->count++;
    return item;
}

void outbox_put(struct outbox *outbox, struct notification *notification)
{
    remove_replaced(outbox, notification);
    if (outbox->count >= OUTBOX_MAX) {
        if (!outbox->overflowed)
            log_warning("SNMP: %s: %d notifications wait already; the oldest are dropped",
                        outbox->receiver, OUTBOX_MAX);
        outbox->overflowed = true;
        notification_drop(outbox->first->notification);
        remove_first(outbox);
    }
    struct outbox_item *item = new_item(outbox, notification);
    if (item == NULL)
        return;
    if (outbox->last == NULL)
        outbox->first = item;
    else
        outbox->last->next = item;
    outbox->last = item;
}

void outbox_put_back(struct outbox *outbox, struct notification *notification)
{
    struct outbox_item *item = new_item(outbox, notification);

    if (item == NULL)
        return;
    item->next = outbox->first;
    outbox->first = item;
    if (outbox->last == NULL)
        outbox->last = item;
}

unsigned outbox_wait(const struct outbox *outbox, uint64_t now)
{
    if (outbox->first == NULL)
        return UINT_MAX;
    if (outbox->burst < OUTBOX_BURST || now >= outbox->burst_since + OUTBOX_REST_MS)
        return 0;
    return (unsigned)(outbox->burst_since + OUTBOX_REST_MS - now);
}

struct notification *outbox_take(struct outbox *outbox, uint64_t now)
{
    if (outbox_wait(outbox, now) != 0)
        return NULL;
    if (now >= outbox->burst_since + OUTBOX_REST_MS) {
        outbox->burst_since = now;
        outbox->burst = 0;
    }
    outbox->burst++;
    struct notification *notification = outbox->first->notification;
    remove_first(outbox);
    if (outbox->first == NULL)
        outbox->overflowed = false;
    return notification;
}

void outbox_inherit(struct outbox *outbox, struct outbox *from)
{
    outbox_clear(outbox);
    outbox->first = from->first;
    outbox->last = from->last;
    outbox->count = from->count;
    from->first = NULL;
    from->last = NULL;
    from->count = 0;
}

void outbox_clear(struct outbox *outbox)
{
    while (outbox->first != NULL) {
        notification_drop(outbox->first->notification);
        remove_first(outbox);
    }
    outbox->overflowed = false;
}
