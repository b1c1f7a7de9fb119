/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/agentx.h"

#include "agent/agentx_answer.h"
#include "agent/agentx_inside.h"
#include "agent/agentx_library.h"
#include "agent/agentx_notify.h"
#include "agent/agentx_set.h"
#include "agent/courier.h"
#include "agent/system.h"
#include "core/log.h"
#include "core/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS 2000
/* How long the master may take for the answer to anything we ask. */
#define ANSWER_SECONDS 10
/* A look at requests without an answer, and every third time a ping. */
#define LOOK_SECONDS 5
#define LOOKS_A_PING 3

void agentx_set_timer(struct agentx *agentx, unsigned milliseconds)
{
    struct timeval delay = clock_span(milliseconds);

    if (event_add(agentx->timer, &delay) != 0)
        log_error("AgentX: cannot arm a timer; the master is not tried again");
}

/* Losing the master -------------------------------------------------------------------------- */

static void stop_watching(struct agentx *agentx)
{
    if (agentx->readiness != NULL)
        event_free(agentx->readiness);
    agentx->readiness = NULL;
}

static void close_session(struct agentx *agentx)
{
    stop_watching(agentx);
    agentx_sets_clear(agentx->sets);
    if (agentx->session != NULL)
        snmp_sess_close(agentx->session);
    else if (agentx->descriptor >= 0)
        close(agentx->descriptor);
    agentx->session = NULL;
    agentx->descriptor = -1;
    if (agentx->courier != NULL)
        courier_end(agentx->courier);
    agentx->asked = 0;
    agentx->broken = false;
    agentx->state = WAITING;
}

/* reason NULL: it was said before. */
static void lose(struct agentx *agentx, const char *reason)
{
    bool was_open = agentx->state == OPEN;

    close_session(agentx);
    agentx_reset_registrations(agentx);
    if (was_open)
        log_notice("AgentX: the master at %s is gone: %s", agentx->address.text, reason);
    else if (!agentx->complained)
        log_warning("AgentX: no master at %s yet: %s; trying on", agentx->address.text, reason);
    agentx->complained = true;
    if (was_open)
        agentx->retry_ms = RETRY_FIRST_MS;
    agentx_set_timer(agentx, agentx->retry_ms);
    agentx->retry_ms = agentx->retry_ms * 2 < RETRY_LAST_MS ? agentx->retry_ms * 2 : RETRY_LAST_MS;
}

/* Asking the master -------------------------------------------------------------------------- */

/* Takes pdu over. False: the session is broken. */
bool agentx_ask(struct agentx *agentx, netsnmp_pdu *pdu, netsnmp_callback callback, void *magic)
{
    if (pdu != NULL && snmp_sess_async_send(agentx->session, pdu, callback, magic) != 0)
        return true;
    if (pdu != NULL)
        snmp_free_pdu(pdu);
    agentx->broken = true;
    return false;
}

/* Each response tells the master's sysUpTime, in which we tell times too. */
void agentx_note_uptime(struct agentx *agentx, const netsnmp_pdu *response)
{
    agentx->epoch = (int64_t)clock_ms() - (int64_t)(uint32_t)response->time * 10;
}

netsnmp_pdu *agentx_new_pdu(const struct agentx *agentx, int command)
{
    netsnmp_pdu *pdu = snmp_pdu_create(command);

    if (pdu != NULL) {
        pdu->version = AGENTX_VERSION_1;
        pdu->sessid = snmp_sess_session(agentx->session)->sessid;
    }
    return pdu;
}

int agentx_ignore_answer(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                         void *magic)
{
    (void)operation;
    (void)session;
    (void)request;
    (void)pdu;
    (void)magic;
    return 1;
}

static int on_pong(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                   void *magic)
{
    struct agentx *agentx = magic;

    (void)session;
    (void)request;
    if (operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE)
        agentx_note_uptime(agentx, pdu);
    else if (operation != NETSNMP_CALLBACK_OP_RESEND)
        agentx->broken = true;
    return 1;
}

/* Opening ------------------------------------------------------------------------------------ */

/* So that the master's sysORTable tells of our MIBs; it takes them out when the session ends. */
static void announce_mibs(struct agentx *agentx)
{
    for (size_t i = 0; i < OBJECTS_REGIONS && !agentx->broken; i++) {
        const struct region *region = &objects_regions[i];
        netsnmp_pdu *pdu;

        if (region->description == NULL)
            continue;
        pdu = agentx_new_pdu(agentx, AGENTX_ADD_AGENT_CAPABILITIES);
        if (pdu != NULL &&
            snmp_pdu_add_variable(pdu, region->root, region->length, ASN_OCTET_STR,
                                  region->description, strlen(region->description)) == NULL) {
            snmp_free_pdu(pdu);
            pdu = NULL;
        }
        agentx_ask(agentx, pdu, agentx_ignore_answer, NULL);
    }
}

static int on_opened(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                     void *magic)
{
    struct agentx *agentx = magic;

    (void)request;
    if (operation == NETSNMP_CALLBACK_OP_RESEND)
        return 1;
    if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE || pdu->errstat != SNMP_ERR_NOERROR) {
        agentx->broken = true;
        return 1;
    }
    session->sessid = pdu->sessid;
    agentx_note_uptime(agentx, pdu);
    agentx->state = OPEN;
    agentx->complained = false;
    agentx->retry_ms = RETRY_FIRST_MS;
    log_notice("AgentX: connected to the master at %s", agentx->address.text);
    announce_mibs(agentx);
    agentx_register_wanted(agentx);
    courier_begin(agentx->courier, agentx->session);
    return 1;
}

/* Perhaps long after the request, and outside of the library. */
static void respond(void *owner, netsnmp_pdu *response)
{
    struct agentx *agentx = owner;

    if (agentx_respond(agentx->session, response))
        return;
    agentx->broken = true;
    agentx_set_timer(agentx, 0);
}

/* False: the session is to end. */
static bool answer(struct agentx *agentx, const netsnmp_pdu *request)
{
    struct moment moment = moment_at(clock_ms(), agentx->epoch);
    netsnmp_pdu *response = NULL;

    if (request->command == AGENTX_CLOSE)
        return false;
    if (agentx_is_set(request))
        return agentx_sets_take(agentx->sets, request);
    if (!agentx_answer(request, &agentx->contexts, &moment, &response))
        return false;
    return response == NULL || agentx_respond(agentx->session, response);
}

/* What the master says unasked, and the end of the connection. */
static int on_packet(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                     void *magic)
{
    struct agentx *agentx = magic;

    (void)session;
    (void)request;
    if (operation == NETSNMP_CALLBACK_OP_DISCONNECT) {
        stop_watching(agentx);
        agentx->broken = true;
    } else if (operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE && !answer(agentx, pdu)) {
        agentx->broken = true;
    }
    return 1;
}

/* After each use of the library: it must not be closed from within its own call-backs. */
static void settle(struct agentx *agentx, const char *reason)
{
    if (agentx->broken)
        lose(agentx, reason);
}

static void on_readable(evutil_socket_t descriptor, short what, void *argument)
{
    struct agentx *agentx = argument;

    (void)what;
    NETSNMP_LARGE_FD_ZERO(&agentx->readable);
    NETSNMP_LARGE_FD_SET(descriptor, &agentx->readable);
    snmp_sess_read2(agentx->session, &agentx->readable);
    settle(agentx, "it closed the connection");
}

static bool watch(struct agentx *agentx, short what, event_callback_fn callback)
{
    stop_watching(agentx);
    agentx->readiness =
        event_new(agentx->base, agentx->descriptor, (short)(what | EV_PERSIST), callback, agentx);
    return agentx->readiness != NULL && event_add(agentx->readiness, NULL) == 0;
}

static netsnmp_pdu *open_pdu(const struct agentx *agentx)
{
    static const oid none[] = { 0, 0 };
    netsnmp_pdu *pdu = agentx_new_pdu(agentx, AGENTX_OPEN);

    if (pdu == NULL)
        return NULL;
    if (snmp_pdu_add_variable(pdu, none, sizeof none / sizeof none[0], ASN_OCTET_STR,
                              system_agent_version, strlen(system_agent_version)) != NULL)
        return pdu;
    snmp_free_pdu(pdu);
    return NULL;
}

static void open_session(struct agentx *agentx)
{
    netsnmp_session session;

    snmp_sess_init(&session);
    session.version = AGENTX_VERSION_1;
    session.retries = 0;
    session.timeout = ANSWER_SECONDS * 1000000L;
    session.flags |= SNMP_FLAGS_STREAM_SOCKET;
    session.callback = on_packet;
    session.callback_magic = agentx;
    session.authenticator = NULL;
    agentx->session = agentx_library_open(&session, agentx->descriptor);
    if (agentx->session == NULL) {
        /* The library has closed the descriptor. */
        agentx->descriptor = -1;
        lose(agentx, "out of memory");
        return;
    }
    agentx->state = OPENING;
    if (!watch(agentx, EV_READ, on_readable) ||
        !agentx_ask(agentx, open_pdu(agentx), on_opened, agentx)) {
        lose(agentx, "it does not take what is sent");
        return;
    }
    agentx->looks = 0;
    agentx_set_timer(agentx, LOOK_SECONDS * 1000);
}

static void on_connected(evutil_socket_t descriptor, short what, void *argument)
{
    struct agentx *agentx = argument;
    int error = 0;
    socklen_t size = sizeof error;

    (void)what;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error == 0)
        open_session(agentx);
    else
        lose(agentx, strerror(error));
}

static void start_connecting(struct agentx *agentx)
{
    agentx->descriptor = agentx_address_connect(&agentx->address);
    if (agentx->descriptor < 0) {
        lose(agentx, strerror(errno));
        return;
    }
    agentx->state = CONNECTING;
    if (!watch(agentx, EV_WRITE, on_connected)) {
        lose(agentx, "out of memory");
        return;
    }
    agentx_set_timer(agentx, ANSWER_SECONDS * 1000);
}

/* Looks for requests the master did not answer, and from time to time asks whether it is there. */
static void look(struct agentx *agentx)
{
    snmp_sess_timeout(agentx->session);
    if (agentx->state == OPEN && !agentx->broken)
        agentx_ask_again(agentx);
    if (agentx->state == OPEN && !agentx->broken && ++agentx->looks % LOOKS_A_PING == 0)
        agentx_ask(agentx, agentx_new_pdu(agentx, AGENTX_PING), on_pong, agentx);
    if (agentx->broken)
        lose(agentx, "it does not answer");
    else
        agentx_set_timer(agentx, LOOK_SECONDS * 1000);
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    struct agentx *agentx = argument;

    (void)descriptor;
    (void)what;
    switch (agentx->state) {
    case WAITING:
        start_connecting(agentx);
        break;
    case CONNECTING:
        lose(agentx, "it does not accept the connection");
        break;
    case OPENING:
    case OPEN:
        look(agentx);
        break;
    }
}

/* Notifications ------------------------------------------------------------------------------ */

/* From within a call-back of the library perhaps: it is closed later. */
static void on_courier_broken(void *owner)
{
    struct agentx *agentx = owner;

    agentx->broken = true;
    agentx_set_timer(agentx, 0);
}

static void note_notified(void *owner, const netsnmp_pdu *answer)
{
    struct agentx *agentx = owner;
    bool refused = answer->errstat != SNMP_ERR_NOERROR;

    if (refused && !agentx->refused)
        log_warning("AgentX: the master at %s refuses a notification: %s", agentx->address.text,
                    agentx_error_text(answer->errstat));
    agentx->refused = refused;
}

static netsnmp_pdu *make_notify(void *owner, const struct notification *notification)
{
    const struct agentx *agentx = owner;
    struct moment moment = moment_at(clock_ms(), agentx->epoch);

    return agentx_notify_pdu(notification, snmp_sess_session(agentx->session)->sessid, &moment);
}

static struct courier *new_courier(struct agentx *agentx)
{
    const struct courier_owner owner = { .owner = agentx,
                                         .receiver = agentx->address.text,
                                         .confirmed = true,
                                         .make = make_notify,
                                         .answered = note_notified,
                                         .broken = on_courier_broken };

    return courier_new(agentx->base, &owner);
}

void agentx_notify(struct agentx *agentx, struct notification *notification)
{
    courier_put(agentx->courier, notification);
}

/* Life --------------------------------------------------------------------------------------- */

struct agentx *agentx_new(struct event_base *base, const char *address,
                          const struct contexts *contexts)
{
    struct agentx *agentx = calloc(1, sizeof *agentx);

    if (agentx == NULL)
        return NULL;
    agentx->base = base;
    agentx->contexts = *contexts;
    agentx->descriptor = -1;
    agentx->retry_ms = RETRY_FIRST_MS;
    agentx->sets = agentx_sets_new(&agentx->contexts, respond, agentx);
    if (agentx->sets == NULL || !agentx_address_parse(&agentx->address, address)) {
        agentx_sets_free(agentx->sets);
        free(agentx);
        return NULL;
    }
    netsnmp_large_fd_set_init(&agentx->readable, FD_SETSIZE);
    agentx->timer = evtimer_new(base, on_timer, agentx);
    agentx->courier = new_courier(agentx);
    if (agentx->timer == NULL || agentx->courier == NULL) {
        agentx_free(agentx);
        return NULL;
    }
    agentx_set_timer(agentx, 0);
    return agentx;
}

void agentx_free(struct agentx *agentx)
{
    if (agentx == NULL)
        return;
    if (agentx->state == OPEN)
        agentx_library_say_goodbye(agentx->session);
    close_session(agentx);
    if (agentx->timer != NULL)
        event_free(agentx->timer);
    agentx_sets_free(agentx->sets);
    courier_free(agentx->courier);
    netsnmp_large_fd_set_cleanup(&agentx->readable);
    agentx_forget_registrations(agentx);
    free(agentx);
}
