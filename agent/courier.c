/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/courier.h"

#include "agent/outbox.h"
#include "agent/varbind.h"
#include "core/log.h"
#include "core/loop.h"

#include <event2/event.h>
#include <stdlib.h>

/* Without an answer at once: not more than a socket holds, beside what else goes through it. */
#define WINDOW 16

/* One on its way. */
struct flight {
    struct flight *next; /* sent after it */
    struct courier *courier;
    struct notification *notification;
};

struct courier {
    struct courier_owner owner;
    struct outbox outbox;
    void *session;       /* NULL: there is none, or it is broken */
    struct event *timer; /* until the next burst */
    struct flight *first, *last;
    unsigned flights;
};

static void pump(struct courier *courier);

/* On the way --------------------------------------------------------------------------------- */

/* Takes the reference over. */
static struct flight *start_flight(struct courier *courier, struct notification *notification)
{
    struct flight *flight = calloc(1, sizeof *flight);

    if (flight == NULL)
        return NULL;
    flight->courier = courier;
    flight->notification = notification;
    if (courier->last == NULL)
        courier->first = flight;
    else
        courier->last->next = flight;
    courier->last = flight;
    courier->flights++;
    return flight;
}

/* The notification's reference becomes the caller's. */
static struct notification *end_flight(struct flight *flight)
{
    struct courier *courier = flight->courier;
    struct notification *notification = flight->notification;
    struct flight **link = &courier->first;
    struct flight *before = NULL;

    while (*link != flight) {
        before = *link;
        link = &before->next;
    }
    *link = flight->next;
    if (courier->last == flight)
        courier->last = before;
    courier->flights--;
    free(flight);
    return notification;
}

static void give_up_session(struct courier *courier)
{
    if (courier->session == NULL)
        return;
    courier->session = NULL;
    courier->owner.broken(courier->owner.owner);
}

static int on_answer(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                     void *magic)
{
    struct flight *flight = magic;
    struct courier *courier = flight->courier;

    (void)session;
    (void)request;
    if (operation == NETSNMP_CALLBACK_OP_RESEND)
        return 1;
    /* What the library makes of a Report it says with another operation, or it sends again. */
    if (operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE && pdu->command == SNMP_MSG_REPORT)
        return 1;
    /* What was not answered stays, to be sent again; the library also says so of what is on its
     * way when a session is closed. */
    if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) {
        give_up_session(courier);
        return 1;
    }
    courier->owner.answered(courier->owner.owner, pdu);
    notification_drop(end_flight(flight));
    pump(courier);
    return 1;
}

/* Sending ------------------------------------------------------------------------------------ */

bool courier_add_variables(netsnmp_pdu *pdu, const struct notification *notification,
                           const struct moment *moment)
{
    static const oid trap_oid[] = { 1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0 };
    size_t length;
    const arc *name = notification_name(notification->kind, &length);

    return snmp_pdu_add_variable(pdu, trap_oid, OID_LENGTH(trap_oid), ASN_OBJECT_ID, name,
                                 length * sizeof name[0]) != NULL &&
           varbind_add_all(pdu, notification->variables, moment);
}

/* What cannot be sent at all must not be in the way of what can. */
static void discard(struct courier *courier, struct notification *notification, const char *reason)
{
    log_error("SNMP: a notification to %s is lost: %s", courier->owner.receiver, reason);
    notification_drop(notification);
}

static void dispatch_confirmed(struct courier *courier, struct notification *notification,
                               netsnmp_pdu *pdu)
{
    struct flight *flight = start_flight(courier, notification);

    if (flight == NULL) {
        snmp_free_pdu(pdu);
        discard(courier, notification, "out of memory");
        return;
    }
    if (snmp_sess_async_send(courier->session, pdu, on_answer, flight) != 0)
        return;
    snmp_free_pdu(pdu);
    give_up_session(courier);
}

static void dispatch(struct courier *courier, struct notification *notification)
{
    netsnmp_pdu *pdu = courier->owner.make(courier->owner.owner, notification);

    if (pdu == NULL) {
        discard(courier, notification, "out of memory");
        return;
    }
    if (courier->owner.confirmed) {
        dispatch_confirmed(courier, notification, pdu);
        return;
    }
    if (snmp_sess_send(courier->session, pdu) != 0) {
        notification_drop(notification);
        return;
    }
    snmp_free_pdu(pdu);
    outbox_put_back(&courier->outbox, notification);
    give_up_session(courier);
}

/* Sends what the receiver may get now. */
static void pump(struct courier *courier)
{
    uint64_t now = clock_ms();

    while (courier->session != NULL && courier->flights < WINDOW) {
        struct notification *notification = outbox_take(&courier->outbox, now);

        if (notification == NULL)
            break;
        dispatch(courier, notification);
    }
    unsigned wait = outbox_wait(&courier->outbox, now);
    if (courier->session == NULL || wait == 0 || wait == UINT_MAX)
        return;
    struct timeval delay = clock_span(wait);
    if (event_add(courier->timer, &delay) != 0)
        log_error("SNMP: cannot arm a timer; notifications may come late");
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    (void)descriptor;
    (void)what;
    pump(argument);
}

/* Life --------------------------------------------------------------------------------------- */

struct courier *courier_new(struct event_base *base, const struct courier_owner *owner)
{
    struct courier *courier = calloc(1, sizeof *courier);

    if (courier == NULL)
        return NULL;
    courier->owner = *owner;
    courier->outbox.receiver = owner->receiver;
    courier->timer = evtimer_new(base, on_timer, courier);
    if (courier->timer != NULL)
        return courier;
    free(courier);
    return NULL;
}

void courier_free(struct courier *courier)
{
    if (courier == NULL)
        return;
    courier_end(courier);
    outbox_clear(&courier->outbox);
    event_free(courier->timer);
    free(courier);
}

void courier_begin(struct courier *courier, void *session)
{
    courier->session = session;
    pump(courier);
}

void courier_end(struct courier *courier)
{
    courier->session = NULL;
    event_del(courier->timer);
    while (courier->last != NULL)
        outbox_put_back(&courier->outbox, end_flight(courier->last));
}

void courier_put(struct courier *courier, struct notification *notification)
{
    outbox_put(&courier->outbox, notification_share(notification));
    pump(courier);
}

void courier_inherit(struct courier *courier, struct courier *from)
{
    courier_end(from);
    outbox_inherit(&courier->outbox, &from->outbox);
}

bool courier_busy(const struct courier *courier)
{
    return courier->flights > 0 || courier->outbox.count > 0;
}
