/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/server.h"

#include "core/log.h"
#include "modbus/bus.h"
#include "modbus/served_answer.h"
#include "modbus/served_units.h"

#include <arpa/inet.h>
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
#define COMMAND_S 2      /* until the client is told that it takes longer */
#define OUTPUT_MAX 16384 /* bytes that wait for a client; then it is not read from */
#define HEADER 7         /* transaction, protocol, length, unit */
#define LENGTH_MIN 2     /* of what follows the length: unit and function */
#define LENGTH_MAX 254
#define LATE 5       /* exception: it is being worked on */
#define SHORTAGE_S 1 /* without accepting, when there are no descriptors */
#define ADDRESS_SIZE INET6_ADDRSTRLEN
#define COMPLAINTS_MAX 10
#define COMPLAINTS_WINDOW_MS 60000

/* A controller that lost its power never says good-bye. */
#define SILENT_S 60
#define PROBE_S 10
#define PROBES 3

struct session {
    struct session *next;
    struct modbus_server *server;
    struct ip_address address;
    struct bufferevent *connection;
    bool leaving; /* it sends no more, and goes when it has its answers */

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
    struct event *shortage_timer;
    struct served_units units;
    bool units_outdated; /* devices came or went, or settings changed */
    struct session *sessions;
    unsigned session_count;
    unsigned complaints; /* since: */
    uint64_t complaints_since;
};

static struct modbus_counters *counters(const struct modbus_server *server)
{
    return &ups_store_census(server->store)->modbus;
}

static const char *address_text(const struct ip_address *address, char text[static ADDRESS_SIZE])
{
    return inet_ntop(address->ipv4 ? AF_INET : AF_INET6, address->bytes, text, ADDRESS_SIZE);
}

/* About clients: not more than some a minute, for anybody can cause them. */
static bool may_complain(struct modbus_server *server)
{
    uint64_t now = clock_ms();

    if (now - server->complaints_since > COMPLAINTS_WINDOW_MS) {
        server->complaints_since = now;
        server->complaints = 0;
    }
    return server->complaints++ < COMPLAINTS_MAX;
}

/* Sessions ----------------------------------------------------------------------------------- */

static void end_session(struct session *session)
{
    struct session **link = &session->server->sessions;

    while (*link != session)
        link = &(*link)->next;
    *link = session->next;
    counters(session->server)->clients = --session->server->session_count;
    bufferevent_free(session->connection);
    if (session->timer != NULL)
        event_free(session->timer);
    free(session);
}

/* A number is looked up by requests only: when all who come at once are there. */
static struct ups *find_unit(struct modbus_server *server, unsigned number)
{
    if (server->units_outdated) {
        size_t without = served_units_assign(&server->units, server->store, server->settings);

        server->units_outdated = false;
        if (without > 0)
            log_warning("Modbus: %zu UPSes are not shown, since there are %d unit numbers", without,
                        MODBUS_UNIT_MAX);
    }
    return served_units_find(&server->units, number);
}

/* Made when it is asked for; NULL: out of memory, or nobody's. */
static struct served_snapshot *snapshot_of(const struct modbus_server *server, struct ups *ups)
{
    if (ups == NULL)
        return NULL;
    if (ups->attachments[server->slot] == NULL)
        ups->attachments[server->slot] = calloc(1, sizeof(struct served_snapshot));
    return ups->attachments[server->slot];
}

static void forget_snapshot(const struct modbus_server *server, struct ups *ups)
{
    free(ups->attachments[server->slot]);
    ups->attachments[server->slot] = NULL;
}

static void send_answer(struct session *session, const uint8_t header[static HEADER],
                        const uint8_t *pdu, size_t length)
{
    uint8_t frame[HEADER + SERVED_PDU_MAX];

    counters(session->server)->requests++;
    counters(session->server)->exceptions += (pdu[0] & 0x80) != 0;
    memcpy(frame, header, HEADER);
    frame[4] = (uint8_t)((length + 1) >> 8);
    frame[5] = (uint8_t)(length + 1);
    memcpy(frame + HEADER, pdu, length);
    bufferevent_write(session->connection, frame, HEADER + length);
}

/* The command is over; what has arrived meanwhile is answered next. */
static void finish_command(struct session *session, uint8_t exception)
{
    if (exception != 0)
        session->answer_length = served_exception(session->answer[0], exception, session->answer);
    session->ups = NULL;
    evtimer_del(session->timer);
    send_answer(session, session->header, session->answer, session->answer_length);
    bufferevent_trigger(session->connection, EV_READ,
                        BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
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
    char text[ADDRESS_SIZE];

    if (session->timer == NULL)
        session->timer = evtimer_new(server->base, on_late, session);
    if (session->timer == NULL || evtimer_add(session->timer, &deadline) != 0)
        return false;
    log_notice("[%s] %s by Modbus client %s", ups->name, command,
               address_text(&session->address, text));
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
    struct ups *ups = find_unit(server, frame[HEADER - 1]);
    const struct served_request request = { .pdu = frame + HEADER,
                                            .length = length - HEADER,
                                            .ups = ups,
                                            .snapshot = snapshot_of(server, ups),
                                            .may_write = server->settings->modbus_write,
                                            .commands = server->settings->modbus_commands,
                                            .command_count = server->settings->modbus_command_count,
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
    char text[ADDRESS_SIZE];

    while (session->ups == NULL && evbuffer_get_length(output) < OUTPUT_MAX) {
        uint8_t frame[HEADER + SERVED_PDU_MAX];
        ssize_t length = frame_length(input);

        if (length == 0)
            break;
        if (length < 0) {
            counters(session->server)->garbled++;
            if (may_complain(session->server))
                log_notice("Modbus client %s sends what is no frame: closed",
                           address_text(&session->address, text));
            end_session(session);
            return;
        }
        evbuffer_remove(input, frame, (size_t)length);
        answer_frame(session, frame, (size_t)length);
    }
    if (session->leaving && session->ups == NULL && evbuffer_get_length(output) == 0)
        end_session(session);
}

static void on_event(struct bufferevent *connection, short what, void *argument)
{
    struct session *session = argument;

    if ((what & BEV_EVENT_EOF) == 0) {
        end_session(session);
        return;
    }
    session->leaving = true;
    bufferevent_disable(connection, EV_READ);
    on_read(connection, session);
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
    const struct settings *settings = server->settings;
    unsigned of_address = 0;
    char text[ADDRESS_SIZE];

    if (!access_allows(settings->access, settings->access_count, address) ||
        !access_allows(settings->modbus_access, settings->modbus_access_count, address)) {
        if (may_complain(server))
            log_notice("Refusing Modbus client %s: it is not let in", address_text(address, text));
        return false;
    }
    for (const struct session *session = server->sessions; session != NULL; session = session->next)
        of_address += is_same(&session->address, address);
    if (server->session_count < CLIENTS_MAX && of_address < CLIENTS_OF_ADDRESS_MAX)
        return true;
    if (may_complain(server))
        log_notice("Refusing Modbus client %s: there are too many", address_text(address, text));
    return false;
}

static void set_options(int descriptor)
{
    static const struct {
        int level, name, value;
    } options[] = { { IPPROTO_TCP, TCP_NODELAY, 1 },
                    { SOL_SOCKET, SO_KEEPALIVE, 1 },
                    { IPPROTO_TCP, TCP_KEEPIDLE, SILENT_S },
                    { IPPROTO_TCP, TCP_KEEPINTVL, PROBE_S },
                    { IPPROTO_TCP, TCP_KEEPCNT, PROBES } };

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        setsockopt(descriptor, options[i].level, options[i].name, &options[i].value,
                   sizeof options[i].value);
}

bool modbus_server_take(struct modbus_server *server, int descriptor,
                        const struct ip_address *address)
{
    static const struct timeval idle = { .tv_sec = IDLE_S }, unread = { .tv_sec = UNREAD_S };
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL)
        return false;
    session->connection = bufferevent_socket_new(server->base, descriptor, BEV_OPT_CLOSE_ON_FREE);
    if (session->connection == NULL) {
        free(session);
        return false;
    }
    set_options(descriptor);
    bufferevent_setcb(session->connection, on_read, on_read, on_event, session);
    bufferevent_set_timeouts(session->connection, &idle, &unread);
    /* So much is taken at once, and no more while a command is under way. */
    bufferevent_setwatermark(session->connection, EV_READ, 0, OUTPUT_MAX);
    session->server = server;
    session->address = *address;
    session->next = server->sessions;
    server->sessions = session;
    counters(server)->clients = ++server->session_count;
    counters(server)->connections++;
    bufferevent_enable(session->connection, EV_READ | EV_WRITE);
    return true;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t descriptor,
                      struct sockaddr *peer, int length, void *argument)
{
    struct modbus_server *server = argument;
    struct ip_address address = address_of(peer);

    (void)listener;
    (void)length;
    if (is_admitted(server, &address) && modbus_server_take(server, descriptor, &address))
        return;
    counters(server)->refused++;
    close(descriptor);
}

/* Descriptors may come free anywhere, so it is only time that is waited for. */
static void on_shortage(struct evconnlistener *listener, void *argument)
{
    static const struct timeval pause = { .tv_sec = SHORTAGE_S };
    struct modbus_server *server = argument;

    (void)listener;
    if (may_complain(server))
        log_warning("Modbus: cannot accept a connection: %s", strerror(errno));
    for (size_t i = 0; i < server->listener_count; i++)
        evconnlistener_disable(server->listeners[i]);
    evtimer_add(server->shortage_timer, &pause);
}

static void on_shortage_over(evutil_socket_t descriptor, short what, void *argument)
{
    struct modbus_server *server = argument;

    (void)descriptor;
    (void)what;
    for (size_t i = 0; i < server->listener_count; i++)
        evconnlistener_enable(server->listeners[i]);
}

/* The store ---------------------------------------------------------------------------------- */

/* What a device said to the command of whoever waits for it. */
static void pass_outcome(struct modbus_server *server, const struct ups *ups,
                         const struct ups_event *event)
{
    char text[ADDRESS_SIZE];

    for (struct session *session = server->sessions; session != NULL; session = session->next) {
        if (session->ups != ups || session->request != event->request)
            continue;
        if (event->outcome != UPS_HANDLED)
            log_notice("[%s] the command of Modbus client %s failed", ups->name,
                       address_text(&session->address, text));
        finish_command(session, event->outcome == UPS_HANDLED ? 0 : SERVED_DEVICE_FAILURE);
        return;
    }
}

static void drop_commands(struct modbus_server *server, const struct ups *ups)
{
    for (struct session *session = server->sessions; session != NULL; session = session->next) {
        if (session->ups == ups)
            finish_command(session, SERVED_DEVICE_FAILURE);
    }
}

static void on_store_event(void *context, struct ups *ups, const struct ups_event *event)
{
    struct modbus_server *server = context;

    switch (event->kind) {
    case UPS_EVENT_ADDED:
        server->units_outdated = true;
        break;
    case UPS_EVENT_REMOVED:
        served_units_forget(&server->units, ups);
        forget_snapshot(server, ups);
        server->units_outdated = true;
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
    evconnlistener_set_error_cb(server->listeners[server->listener_count++], on_shortage);
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

static bool listens_there(const struct modbus_server *server, const struct settings *settings)
{
    const struct settings *old = server->settings;
    bool same = old->modbus_listener_count == settings->modbus_listener_count;

    for (size_t i = 0; same && i < settings->modbus_listener_count; i++)
        same = strcmp(old->modbus_listeners[i], settings->modbus_listeners[i]) == 0;
    return same;
}

void modbus_server_configure(struct modbus_server *server, const struct settings *settings)
{
    if (!listens_there(server, settings))
        log_warning("MODBUS listen: where Modbus clients are waited for does not change before a "
                    "restart");
    server->settings = settings;
    server->units_outdated = true;
    for (size_t i = 0; i < settings->modbus_command_count; i++) {
        if (!served_is_command(SERVED_COILS, settings->modbus_commands[i]))
            log_warning("MODBUS write %s: no coil gives this command",
                        settings->modbus_commands[i]);
    }
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
    server->shortage_timer = evtimer_new(server->base, on_shortage_over, server);
    server->slot = ups_subscribe(store, on_store_event, server);
    bool works = server->slot >= 0 && server->shortage_timer != NULL;
    for (size_t i = 0; works && i < settings->modbus_listener_count; i++)
        works = open_listener(server, settings->modbus_listeners[i]);
    if (!works) {
        modbus_server_free(server);
        return NULL;
    }
    modbus_server_configure(server, settings);
    return server;
}

void modbus_server_free(struct modbus_server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 0; i < server->listener_count; i++)
        evconnlistener_free(server->listeners[i]);
    while (server->sessions != NULL)
        end_session(server->sessions);
    if (server->shortage_timer != NULL)
        event_free(server->shortage_timer);
    if (server->slot >= 0) {
        for (size_t i = 0; i < ups_count(server->store); i++)
            forget_snapshot(server, ups_at(server->store, i));
        ups_unsubscribe(server->store, server->slot);
    }
    free(server);
}
