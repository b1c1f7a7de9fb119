/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/agentx_notify.h"

#include "agent/agentx_library.h"
#include "agent/outbox.h"
#include "agent/varbind.h"
#include "core/log.h"
#include "core/loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* Without an answer at once: not more than a socket holds, with the registrations. */
#define WINDOW 16

/* One on its way. */
struct flight {
    struct flight *next; /* sent after it */
    struct agentx_notifier *notifier;
    struct notification *notification;
};

struct agentx_notifier {
    struct outbox outbox;
    void *session; /* NULL: the master is away */
    const int64_t *epoch;
    struct event *timer; /* until the next burst */
    void (*broken)(void *owner);
    void *owner;
    struct flight *first, *last;
    unsigned flights;
    bool complained; /* of the master's refusing them */
};

static void pump(struct agentx_notifier *notifier);

/* On the way --------------------------------------------------------------------------------- */

static struct flight *start_flight(struct agentx_notifier *notifier,
                                   struct notification *notification)
{
    struct flight *flight = calloc(1, sizeof *flight);

    if (flight == NULL)
        return NULL;
    flight->notifier = notifier;
    flight->notification = notification;
    if (notifier->last == NULL)
        notifier->first = flight;
    else
        notifier->last->next = flight;
    notifier->last = flight;
    notifier->flights++;
    return flight;
}

/* The notification's reference becomes the caller's. */
static struct notification *end_flight(struct flight *flight)
{
    struct agentx_notifier *notifier = flight->notifier;
    struct notification *notification = flight->notification;
    struct flight **link = &notifier->first;
    struct flight *before = NULL;

    while (*link != flight) {
        before = *link;
        link = &before->next;
    }
    *link = flight->next;
    if (notifier->last == flight)
        notifier->last = before;
    notifier->flights--;
    free(flight);
    return notification;
}

static void note_answer(struct agentx_notifier *notifier, long error)
{
    bool refused = error != SNMP_ERR_NOERROR;

    if (refused && !notifier->complained)
        log_warning("AgentX: the master at %s refuses notifications: %s", notifier->outbox.receiver,
                    agentx_error_text(error));
    notifier->complained = refused;
}

static int on_answer(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                     void *magic)
{
    struct flight *flight = magic;
    struct agentx_notifier *notifier = flight->notifier;

    (void)session;
    (void)request;
    if (operation == NETSNMP_CALLBACK_OP_RESEND)
        return 1;
    /* What was not answered stays, to be sent again. The library also says so of what is on its
     * way when a session is closed. */
    if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) {
        notifier->session = NULL;
        notifier->broken(notifier->owner);
        return 1;
    }
    note_answer(notifier, pdu->errstat);
    notification_drop(end_flight(flight));
    pump(notifier);
    return 1;
}

/* Sending ------------------------------------------------------------------------------------ */

/* snmpTrapOID.0, then the variables; sysUpTime.0 is the master's to add. */
static bool add_variables(netsnmp_pdu *pdu, const struct notification *notification,
                          const struct moment *moment)
{
    static const oid trap_oid[] = { 1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0 };
    size_t length;
    const arc *name = notification_name(notification->kind, &length);

    if (snmp_pdu_add_variable(pdu, trap_oid, OID_LENGTH(trap_oid), ASN_OBJECT_ID, name,
                              length * sizeof name[0]) == NULL)
        return false;
    return varbind_add_all(pdu, notification->variables, moment);
}

static netsnmp_pdu *notify_pdu(const struct agentx_notifier *notifier,
                               const struct notification *notification)
{
    struct moment moment = moment_at(clock_ms(), *notifier->epoch);
    netsnmp_pdu *pdu = snmp_pdu_create(AGENTX_NOTIFY);

    if (pdu == NULL)
        return NULL;
    pdu->version = AGENTX_VERSION_1;
    pdu->sessid = snmp_sess_session(notifier->session)->sessid;
    bool done = add_variables(pdu, notification, &moment);
    if (notification->context[0] != '\0') {
        pdu->flags |= AGENTX_NON_DEFAULT_CONTEXT;
        pdu->community = (u_char *)strdup(notification->context);
        pdu->community_len = strlen(notification->context);
        done &= pdu->community != NULL;
    }
    if (done)
        return pdu;
    snmp_free_pdu(pdu);
    return NULL;
}

/* Takes the reference over. False: the session is broken. */
static bool dispatch(struct agentx_notifier *notifier, struct notification *notification)
{
    netsnmp_pdu *pdu = notify_pdu(notifier, notification);
    struct flight *flight = pdu == NULL ? NULL : start_flight(notifier, notification);

    if (flight == NULL) {
        log_error("AgentX: out of memory: a notification is lost");
        if (pdu != NULL)
            snmp_free_pdu(pdu);
        notification_drop(notification);
        return true;
    }
    if (snmp_sess_async_send(notifier->session, pdu, on_answer, flight) != 0)
        return true;
    snmp_free_pdu(pdu);
    return false;
}

/* Sends what the master may get now. */
static void pump(struct agentx_notifier *notifier)
{
    uint64_t now = clock_ms();

    while (notifier->session != NULL && notifier->flights < WINDOW) {
        struct notification *notification = outbox_take(&notifier->outbox, now);

        if (notification == NULL)
            break;
        if (!dispatch(notifier, notification) && notifier->session != NULL) {
            notifier->session = NULL;
            notifier->broken(notifier->owner);
        }
    }
    unsigned wait = outbox_wait(&notifier->outbox, now);
    if (notifier->session == NULL || wait == 0 || wait == UINT_MAX)
        return;
    struct timeval delay = { .tv_usec = (suseconds_t)wait * 1000 };
    if (event_add(notifier->timer, &delay) != 0)
        log_error("AgentX: cannot arm a timer; notifications may come late");
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    (void)descriptor;
    (void)what;
    pump(argument);
}

/* Life --------------------------------------------------------------------------------------- */

struct agentx_notifier *agentx_notifier_new(struct event_base *base, const char *master,
                                            const int64_t *epoch, void (*broken)(void *owner),
                                            void *owner)
{
    struct agentx_notifier *notifier = calloc(1, sizeof *notifier);

    if (notifier == NULL)
        return NULL;
    notifier->outbox.receiver = master;
    notifier->epoch = epoch;
    notifier->broken = broken;
    notifier->owner = owner;
    notifier->timer = evtimer_new(base, on_timer, notifier);
    if (notifier->timer != NULL)
        return notifier;
    free(notifier);
    return NULL;
}

void agentx_notifier_free(struct agentx_notifier *notifier)
{
    if (notifier == NULL)
        return;
    agentx_notifier_end(notifier);
    outbox_clear(&notifier->outbox);
    event_free(notifier->timer);
    free(notifier);
}

void agentx_notifier_begin(struct agentx_notifier *notifier, void *session)
{
    notifier->session = session;
    notifier->complained = false;
    pump(notifier);
}

void agentx_notifier_end(struct agentx_notifier *notifier)
{
    notifier->session = NULL;
    event_del(notifier->timer);
    while (notifier->last != NULL)
        outbox_put_back(&notifier->outbox, end_flight(notifier->last));
}

void agentx_notifier_put(struct agentx_notifier *notifier, struct notification *notification)
{
    outbox_put(&notifier->outbox, notification_share(notification));
    pump(notifier);
}
