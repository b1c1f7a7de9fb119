/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/server.h"

#include "core/log.h"
#include "modbus/bus.h"
#include "modbus/served_answer.h"
#include "modbus/served_units.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define CLIENTS_OF_ADDRESS_MAX 16
#define IDLE_S 600
#define UNREAD_S 30
#define COMMAND_S 10     /* until the client is told that it takes longer */
#define OUTPUT_MAX 16384 /* bytes that wait for a client; then it is not read from */
#define HEADER 7         /* transaction, protocol, length, unit */
#define LENGTH_MIN 2     /* of what follows the length: unit and function */
#define LENGTH_MAX 254
#define LATE 5 /* exception: it is being worked on */

struct session {
    struct session *next;
    struct modbus_server *server;
    struct ip_address address;
    struct bufferevent *connection;

    /* The command it waits for: nothing else is answered meanwhile. */
    struct ups *ups; /* NULL: none */
    uint64_t request;
    struct event *timer;
    uint8_t header[HEADER];
    uint8_t answer[SERVED_PDU_MAX];
    size_t answer_length;
};

struct modbus_server {
    struct event_base *base;
    struct ups_store *store;
    const struct settings *settings;
    int slot; /* of the store's subscription */
    struct evconnlistener *listeners[LISTENERS_MAX];
    size_t listener_count;
    struct served_units units;
    struct session *sessions;
    unsigned session_count;
};

/* Sessions ----------------------------------------------------------------------------------- */

static void end_session(struct session *session)
{
    struct session **link = &session->server->sessions;

    while (*link != session)
        link = &(*link)->next;
    *link = session->next;
    session->server->session_count--;
    bufferevent_free(session->connection);
    if (session->timer != NULL)
        event_free(session->timer);
    free(session);
}

static void send_answer(struct session *session, const uint8_t header[static HEADER],
                        const uint8_t *pdu, size_t length)
{
    uint8_t frame[HEADER + SERVED_PDU_MAX];

    memcpy(frame, header, HEADER);
    frame[4] = (uint8_t)((length + 1) >> 8);
    frame[5] = (uint8_t)(length + 1);
    memcpy(frame + HEADER, pdu, length);
    bufferevent_write(session->connection, frame, HEADER + length);
}

static void on_read(struct bufferevent *connection, void *argument);

/* The command is over; what has arrived meanwhile is answered now. */
static void finish_command(struct session *session, uint8_t exception)
{
    if (exception != 0)
        session->answer_length = served_exception(session->answer[0], exception, session->answer);
    session->ups = NULL;
    evtimer_del(session->timer);
    send_answer(session, session->header, session->answer, session->answer_length);
    on_read(session->connection, session);
}

static void on_late(evutil_socket_t descriptor, short what, void *argument)
{
    (void)descriptor;
    (void)what;
    finish_command(argument, LATE);
}

/* False: it cannot be handed over. */
static bool begin_command(struct session *session, struct ups *ups, const char *command)
{
    static const struct timeval deadline = { .tv_sec = COMMAND_S };
    struct modbus_server *server = session->server;

    if (session->timer == NULL)
        session->timer = evtimer_new(server->base, on_late, session);
    if (session->timer == NULL || evtimer_add(session->timer, &deadline) != 0)
        return false;
    log_notice("[%s] %s by a Modbus client", ups->name, command);
    session->request = ups_request_command(server->store, ups, command, NULL);
    if (session->request != 0)
        session->ups = ups;
    else
        evtimer_del(session->timer);
    return session->ups != NULL;
}

static void answer_frame(struct session *session, const uint8_t *frame, size_t length)
{
    struct modbus_server *server = session->server;
    struct ups *ups = served_units_find(&server->units, frame[HEADER - 1]);
    const struct served_request request = { .pdu = frame + HEADER,
                                            .length = length - HEADER,
                                            .ups = ups,
                                            .may_write = server->settings->modbus_write,
                                            .now = clock_ms() };
    const char *command;
    size_t answered = served_answer(&request, session->answer, &command);

    if (command != NULL) {
        memcpy(session->header, frame, HEADER);
        session->answer_length = answered;
        if (begin_command(session, ups, command))
            return;
        answered = served_exception(frame[HEADER], SERVED_DEVICE_FAILURE, session->answer);
    }
    send_answer(session, frame, session->answer, answered);
}

/* 0: it has not arrived whole. -1: it is no frame of Modbus/TCP. */
static ssize_t frame_length(struct evbuffer *input)
{
    uint8_t header[HEADER];

    if (evbuffer_copyout(input, header, HEADER) < HEADER)
        return 0;
    unsigned length = (unsigned)header[4] << 8 | header[5];
    if (header[2] != 0 || header[3] != 0 || length < LENGTH_MIN || length > LENGTH_MAX)
        return -1;
    return evbuffer_get_length(input) < HEADER - 1 + length ? 0 : HEADER - 1 + (ssize_t)length;
}

/* Answers what has arrived, as long as the client reads. */
static void on_read(struct bufferevent *connection, void *argument)
{
    struct session *session = argument;
    struct evbuffer *input = bufferevent_get_input(connection);
    struct evbuffer *output = bufferevent_get_output(connection);

    while (session->ups == NULL && evbuffer_get_length(output) < OUTPUT_MAX) {
        uint8_t frame[HEADER + SERVED_PDU_MAX];
        ssize_t length = frame_length(input);

        if (length == 0)
            return;
        if (length < 0) {
            log_debug(1, "Modbus: a client sends what is no frame");
            end_session(session);
            return;
        }
        evbuffer_remove(input, frame, (size_t)length);
        answer_frame(session, frame, (size_t)length);
    }
}

static void on_event(struct bufferevent *connection, short what, void *argument)
{
    (void)connection;
    (void)what;
    end_session(argument);
}

/* Accepting ---------------------------------------------------------------------------------- */

static struct ip_address address_of(const struct sockaddr *peer)
{
    const struct sockaddr_in *ipv4 = (const void *)peer;
    const struct sockaddr_in6 *ipv6 = (const void *)peer;
    struct ip_address address = { .ipv4 = true };

    if (peer->sa_family == AF_INET)
        memcpy(address.bytes, &ipv4->sin_addr, 4);
    else if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr))
        memcpy(address.bytes, &ipv6->sin6_addr.s6_addr[12], 4);
    else {
        address.ipv4 = false;
        memcpy(address.bytes, &ipv6->sin6_addr, 16);
    }
    return address;
}

static bool is_same(const struct ip_address *one, const struct ip_address *other)
{
    return one->ipv4 == other->ipv4 && memcmp(one->bytes, other->bytes, sizeof one->bytes) == 0;
}

static bool is_admitted(struct modbus_server *server, const struct ip_address *address)
{
    struct counters *counters = &ups_store_census(server->store)->counters;
    unsigned of_address = 0;

    if (!access_allows(server->settings->access, server->settings->access_count, address)) {
        counters->access_refusals++;
        return false;
    }
    for (const struct session *session = server->sessions; session != NULL; session = session->next)
        of_address += is_same(&session->address, address);
    if (server->session_count < CLIENTS_MAX && of_address < CLIENTS_OF_ADDRESS_MAX)
        return true;
    counters->crowding_refusals++;
    return false;
}

static struct session *new_session(struct modbus_server *server, evutil_socket_t descriptor)
{
    static const struct timeval idle = { .tv_sec = IDLE_S }, unread = { .tv_sec = UNREAD_S };
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL)
        return NULL;
    session->connection = bufferevent_socket_new(server->base, descriptor, BEV_OPT_CLOSE_ON_FREE);
    if (session->connection == NULL) {
        free(session);
        return NULL;
    }
    bufferevent_setcb(session->connection, on_read, on_read, on_event, session);
    bufferevent_set_timeouts(session->connection, &idle, &unread);
    /* So much is taken at once, and no more while a command is under way. */
    bufferevent_setwatermark(session->connection, EV_READ, 0, OUTPUT_MAX);
    return session;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t descriptor,
                      struct sockaddr *peer, int length, void *argument)
{
    static const int on = 1;
    struct modbus_server *server = argument;
    struct ip_address address = address_of(peer);

    (void)listener;
    (void)length;
    struct session *session =
        is_admitted(server, &address) ? new_session(server, descriptor) : NULL;
    if (session == NULL) {
        close(descriptor);
        return;
    }
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    session->server = server;
    session->address = address;
    session->next = server->sessions;
    server->sessions = session;
    server->session_count++;
    bufferevent_enable(session->connection, EV_READ | EV_WRITE);
}

/* The store ---------------------------------------------------------------------------------- */

/* What a device said to the command of whoever waits for it. */
static void pass_outcome(struct modbus_server *server, const struct ups *ups,
                         const struct ups_event *event)
{
    struct session *next;

    for (struct session *session = server->sessions; session != NULL; session = next) {
        next = session->next;
        if (session->ups != ups || session->request != event->request)
            continue;
        finish_command(session, event->outcome == UPS_HANDLED ? 0 : SERVED_DEVICE_FAILURE);
        return;
    }
}

static void drop_commands(struct modbus_server *server, const struct ups *ups)
{
    struct session *next;

    for (struct session *session = server->sessions; session != NULL; session = next) {
        next = session->next;
        if (session->ups == ups)
            finish_command(session, SERVED_DEVICE_FAILURE);
    }
}

static void on_store_event(void *context, struct ups *ups, const struct ups_event *event)
{
    struct modbus_server *server = context;

    switch (event->kind) {
    case UPS_EVENT_ADDED:
        served_units_assign(&server->units, server->store, server->settings, NULL);
        break;
    case UPS_EVENT_REMOVED:
        served_units_assign(&server->units, server->store, server->settings, ups);
        drop_commands(server, ups);
        break;
    case UPS_EVENT_RESULT:
        pass_outcome(server, ups, event);
        break;
    default:
        break;
    }
}

/* Life --------------------------------------------------------------------------------------- */

static bool listen_at(struct modbus_server *server, const struct addrinfo *where)
{
    const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE |
                           (where->ai_family == AF_INET6 ? LEV_OPT_BIND_IPV6ONLY : 0);

    server->listeners[server->listener_count] = evconnlistener_new_bind(
        server->base, on_accept, server, flags, SOMAXCONN, where->ai_addr, (int)where->ai_addrlen);
    if (server->listeners[server->listener_count] == NULL)
        return false;
    server->listener_count++;
    return true;
}

/* Resolves a name, so it may block: at the start only. */
static bool open_listener(struct modbus_server *server, const char *text)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct bus_address address;
    struct addrinfo *found;
    char problem[BUS_NAME_MAX + 80];

    if (!bus_parse(text, &address, problem, sizeof problem) || address.kind != BUS_TCP) {
        log_error("MODBUS listen %s: it must be HOST:PORT", text);
        return false;
    }
    int why = getaddrinfo(address.host, address.service, &hints, &found);
    if (why != 0) {
        log_error("MODBUS listen %s: %s", text, gai_strerror(why));
        return false;
    }
    bool listening = listen_at(server, found);
    int error = errno;
    freeaddrinfo(found);
    if (listening)
        log_info("Modbus: listening on %s port %s", address.host, address.service);
    else
        log_error("MODBUS listen %s: %s", text, strerror(error));
    return listening;
}

struct modbus_server *modbus_server_new(struct loop *loop, struct ups_store *store,
                                        const struct settings *settings)
{
    struct modbus_server *server = calloc(1, sizeof *server);

    if (server == NULL) {
        log_error("Modbus: out of memory");
        return NULL;
    }
    server->base = loop_base(loop);
    server->store = store;
    server->settings = settings;
    server->slot = ups_subscribe(store, on_store_event, server);
    bool works = server->slot >= 0;
    for (size_t i = 0; works && i < settings->modbus_listener_count; i++)
        works = open_listener(server, settings->modbus_listeners[i]);
    if (!works) {
        modbus_server_free(server);
        return NULL;
    }
    served_units_assign(&server->units, store, settings, NULL);
    return server;
}

void modbus_server_configure(struct modbus_server *server, const struct settings *settings)
{
    server->settings = settings;
    served_units_assign(&server->units, server->store, settings, NULL);
}

void modbus_server_free(struct modbus_server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 0; i < server->listener_count; i++)
        evconnlistener_free(server->listeners[i]);
    while (server->sessions != NULL)
        end_session(server->sessions);
    if (server->slot >= 0)
        ups_unsubscribe(server->store, server->slot);
    free(server);
}
