/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/sinks.h"

#include "agent/courier.h"
#include "agent/sink_address.h"
#include "agent/sink_session.h"
#include "agent/sink_words.h"
#include "core/log.h"
#include "core/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 30000
/* How often requests without an answer are looked at, to be sent again. */
#define LOOK_MS 200
#define TEXT_SIZE 320

enum state { CLOSED, LOOKING_UP, ASKING_ENGINE, OPEN };

/* One receiver. */
struct sink {
    struct sink *next;
    struct sinks *sinks;
    struct sink_word *word;
    char text[TEXT_SIZE]; /* for the log */
    enum state state;
    struct sink_lookup *lookup;
    struct sink_session session;
    struct event *readiness, *timer;
    struct courier *courier;
    bool broken;     /* the session is to be closed as soon as the library is left */
    bool complained; /* that it cannot be reached */
};

struct sinks {
    struct loop *loop;
    const int64_t *epoch;
    bool started;
    netsnmp_large_fd_set readable;
    struct sink *first;
};

static bool is_inform(const struct sink *sink)
{
    return sink->word->command == SNMP_MSG_INFORM;
}

static void set_timer(struct sink *sink, unsigned milliseconds)
{
    struct timeval delay = clock_span(milliseconds);

    if (event_add(sink->timer, &delay) != 0)
        log_error("SNMP: cannot arm a timer; %s is not tried again", sink->text);
}

/* Sending ------------------------------------------------------------------------------------ */

static bool add_uptime(netsnmp_pdu *pdu, const struct moment *moment)
{
    static const oid up_time[] = { 1, 3, 6, 1, 2, 1, 1, 3, 0 };
    const u_long ticks = moment->uptime;

    return snmp_pdu_add_variable(pdu, up_time, OID_LENGTH(up_time), ASN_TIMETICKS, &ticks,
                                 sizeof ticks) != NULL;
}

/* The context of the default one is the session's own, if trapsess names any. */
static bool set_context(netsnmp_pdu *pdu, const char *context)
{
    if (pdu->version != SNMP_VERSION_3 || *context == '\0')
        return true;
    pdu->contextName = strdup(context);
    pdu->contextNameLen = strlen(context);
    return pdu->contextName != NULL;
}

/* By RFC 3584; our address is one of this host's. */
static netsnmp_pdu *to_v1(netsnmp_pdu *pdu)
{
    netsnmp_pdu *converted = convert_v2pdu_to_v1(pdu);
    in_addr_t address = get_myaddr();

    snmp_free_pdu(pdu);
    if (converted != NULL)
        memcpy(converted->agent_addr, &address, sizeof converted->agent_addr);
    return converted;
}

static netsnmp_pdu *make(void *owner, const struct notification *notification)
{
    const struct sink *sink = owner;
    struct moment moment = moment_at(clock_ms(), *sink->sinks->epoch);
    bool of_v1 = sink->word->command == SNMP_MSG_TRAP;
    /* SNMPv1's is made of SNMPv2's. */
    netsnmp_pdu *pdu = snmp_pdu_create(is_inform(sink) ? SNMP_MSG_INFORM : SNMP_MSG_TRAP2);

    if (pdu == NULL)
        return NULL;
    pdu->version = sink->word->session.version;
    if (!set_context(pdu, notification->context) || !add_uptime(pdu, &moment) ||
        !courier_add_variables(pdu, notification, &moment)) {
        snmp_free_pdu(pdu);
        return NULL;
    }
    return of_v1 ? to_v1(pdu) : pdu;
}

static void note_confirmed(void *owner, const netsnmp_pdu *answer)
{
    struct sink *sink = owner;

    (void)answer;
    if (sink->complained)
        log_notice("SNMP: %s confirms notifications", sink->text);
    sink->complained = false;
}

/* From within the library: it is closed later. */
static void on_broken(void *owner)
{
    struct sink *sink = owner;

    sink->broken = true;
    set_timer(sink, 0);
}

/* Opening and closing ------------------------------------------------------------------------ */

static void close_session(struct sink *sink)
{
    sink_address_give_up(sink->lookup);
    sink->lookup = NULL;
    if (sink->readiness != NULL)
        event_free(sink->readiness);
    sink->readiness = NULL;
    sink_session_close(&sink->session);
    courier_end(sink->courier);
    sink->broken = false;
    sink->state = CLOSED;
}

static void lose(struct sink *sink, const char *reason)
{
    close_session(sink);
    if (!sink->complained)
        log_warning("SNMP: notifications to %s have to wait: %s; trying on", sink->text, reason);
    sink->complained = true;
    set_timer(sink, RETRY_MS);
}

/* Looks at what was not answered while there is any. */
static void look_later(struct sink *sink)
{
    bool awaits = is_inform(sink) && sink->state == OPEN && courier_busy(sink->courier);

    if (sink->state == ASKING_ENGINE || awaits)
        set_timer(sink, LOOK_MS);
}

static void begin(struct sink *sink)
{
    if (!sink_session_make_user(&sink->session)) {
        lose(sink, "its user cannot be made");
        return;
    }
    sink->state = OPEN;
    courier_begin(sink->courier, sink->session.session);
}

/* After each use of the library: it must not be closed from within its own call-backs. */
static void settle(struct sink *sink)
{
    if (sink->broken)
        lose(sink, "it cannot be reached, or does not confirm them");
    else if (sink->state == ASKING_ENGINE && !sink_session_lacks_engine(&sink->session))
        begin(sink);
}

/* The Report that tells the engine is an error to the library, which notes it all the same. */
static int on_engine(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                     void *magic)
{
    struct sink *sink = magic;

    (void)session;
    (void)request;
    (void)pdu;
    if (operation == NETSNMP_CALLBACK_OP_TIMED_OUT)
        on_broken(sink);
    return 1;
}

static void on_readable(evutil_socket_t descriptor, short what, void *argument)
{
    struct sink *sink = argument;
    netsnmp_large_fd_set *readable = &sink->sinks->readable;

    (void)what;
    NETSNMP_LARGE_FD_ZERO(readable);
    NETSNMP_LARGE_FD_SET(descriptor, readable);
    snmp_sess_read2(sink->session.session, readable);
    settle(sink);
}

static bool watch(struct sink *sink, int descriptor)
{
    sink->readiness = event_new(loop_base(sink->sinks->loop), descriptor, EV_READ | EV_PERSIST,
                                on_readable, sink);
    return sink->readiness != NULL && event_add(sink->readiness, NULL) == 0;
}

static void open_session(struct sink *sink, const struct sockaddr *socket, socklen_t length)
{
    if (!sink_session_open(&sink->session, sink->word, socket, length)) {
        lose(sink, strerror(errno));
        return;
    }
    if (is_inform(sink) && !watch(sink, sink->session.descriptor)) {
        lose(sink, "out of memory");
        return;
    }
    if (!sink_session_lacks_engine(&sink->session)) {
        begin(sink);
        look_later(sink);
        return;
    }
    sink->state = ASKING_ENGINE;
    if (sink_session_ask_engine(&sink->session, on_engine, sink))
        look_later(sink);
    else
        lose(sink, "it cannot be asked for its engine");
}

static void on_found(void *owner, int error, const struct sockaddr *socket, socklen_t length)
{
    struct sink *sink = owner;

    sink->lookup = NULL;
    sink->state = CLOSED;
    if (error != 0)
        lose(sink, gai_strerror(error));
    else
        open_session(sink, socket, length);
}

static void open_sink(struct sink *sink)
{
    struct sink_address address = { .family = sink->word->family };

    snprintf(address.host, sizeof address.host, "%s", sink->word->host);
    snprintf(address.port, sizeof address.port, "%s", sink->word->port);
    sink->state = LOOKING_UP;
    sink->lookup = sink_address_look_up(sink->sinks->loop, &address, on_found, sink);
    if (sink->lookup == NULL && sink->state == LOOKING_UP)
        lose(sink, strerror(errno));
}

static void on_timer(evutil_socket_t descriptor, short what, void *argument)
{
    struct sink *sink = argument;

    (void)descriptor;
    (void)what;
    if (sink->state == CLOSED) {
        open_sink(sink);
        return;
    }
    if (sink->session.session != NULL && !sink->broken)
        snmp_sess_timeout(sink->session.session);
    settle(sink);
    look_later(sink);
}

/* Life --------------------------------------------------------------------------------------- */

static void free_sink(struct sink *sink)
{
    if (sink->courier != NULL) {
        close_session(sink);
        courier_free(sink->courier);
    }
    if (sink->timer != NULL)
        event_free(sink->timer);
    if (sink->word != NULL)
        sink_word_free(sink->word);
    free(sink);
}

/* Takes the word over. NULL: out of memory. */
static struct sink *new_sink(struct sinks *sinks, struct sink_word *word)
{
    struct sink *sink = calloc(1, sizeof *sink);

    if (sink == NULL) {
        sink_word_free(word);
        return NULL;
    }
    const struct courier_owner owner = { .owner = sink,
                                         .receiver = sink->text,
                                         .confirmed = word->command == SNMP_MSG_INFORM,
                                         .make = make,
                                         .answered = note_confirmed,
                                         .broken = on_broken };
    sink->sinks = sinks;
    sink->word = word;
    snprintf(sink->text, sizeof sink->text, strchr(word->host, ':') ? "[%s]:%s" : "%s:%s",
             word->host, word->port);
    sink->timer = evtimer_new(loop_base(sinks->loop), on_timer, sink);
    sink->courier = sink->timer == NULL ? NULL : courier_new(loop_base(sinks->loop), &owner);
    if (sink->courier != NULL)
        return sink;
    free_sink(sink);
    return NULL;
}

static void free_all(struct sink *sink)
{
    while (sink != NULL) {
        struct sink *next = sink->next;

        free_sink(sink);
        sink = next;
    }
}

struct sinks *sinks_new(struct loop *loop, const int64_t *epoch)
{
    struct sinks *sinks = calloc(1, sizeof *sinks);

    if (sinks == NULL)
        return NULL;
    sinks->loop = loop;
    sinks->epoch = epoch;
    netsnmp_large_fd_set_init(&sinks->readable, FD_SETSIZE);
    sinks_renew(sinks);
    return sinks;
}

void sinks_free(struct sinks *sinks)
{
    if (sinks == NULL)
        return;
    free_all(sinks->first);
    sink_words_forget();
    netsnmp_large_fd_set_cleanup(&sinks->readable);
    free(sinks);
}

/* Of those that take what they have left over. */
static bool is_same(const struct sink *sink, const struct sink *other)
{
    return strcmp(sink->text, other->text) == 0 && sink->word->command == other->word->command &&
           sink->word->session.version == other->word->session.version;
}

/* What a receiver has not got yet is not lost by a reload. */
static void inherit(struct sink *sink, struct sink *old)
{
    while (old != NULL && (!is_same(sink, old) || !courier_busy(old->courier)))
        old = old->next;
    if (old == NULL)
        return;
    close_session(old);
    courier_inherit(sink->courier, old->courier);
}

void sinks_renew(struct sinks *sinks)
{
    struct sink_word *word = sink_words_take();
    struct sink *old = sinks->first;
    struct sink **link = &sinks->first;

    sinks->first = NULL;
    while (word != NULL) {
        struct sink_word *next = word->next;
        struct sink *sink = new_sink(sinks, word);

        if (sink == NULL) {
            log_error("SNMP: out of memory: somebody gets no notifications");
        } else {
            inherit(sink, old);
            *link = sink;
            link = &sink->next;
        }
        word = next;
    }
    free_all(old);
    if (sinks->started)
        sinks_start(sinks);
}

void sinks_start(struct sinks *sinks)
{
    sinks->started = true;
    for (struct sink *sink = sinks->first; sink != NULL; sink = sink->next)
        open_sink(sink);
}

bool sinks_any(const struct sinks *sinks)
{
    return sinks->first != NULL;
}

void sinks_send(struct sinks *sinks, struct notification *notification)
{
    for (struct sink *sink = sinks->first; sink != NULL; sink = sink->next) {
        courier_put(sink->courier, notification);
        if (!event_pending(sink->timer, EV_TIMEOUT, NULL))
            look_later(sink);
    }
}
