/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/server.h"

#include "core/log.h"
#include "nutproto/access.h"
#include "nutproto/client.h"
#include "nutproto/listeners.h"
#include "nutproto/peers.h"
#include "nutproto/service.h"
#include "nutproto/session.h"
#include "nutproto/tls_context.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Descriptors below are left to libraries that use select(). */
#define CLIENT_DESCRIPTORS_FROM 1024
/* With few descriptors in all, so many at least are left to devices and the rest. */
#define DESCRIPTORS_RESERVED 128
/* Connections accepted in one go, so that a flood of them does not keep the others waiting. */
#define ACCEPT_BATCH 64
/* How soon to look again when the system had no room for another connection. */
#define SHORTAGE_PAUSE_S 1
/* How often to look whether a certificate is about to expire. */
#define CERTIFICATE_LOOK_S 86400

struct nut_server {
    struct service *service;
    struct listeners listeners;
    struct event accepting[SOCKETS_MAX];
    struct event *shortage_timer;
    struct event *certificate_timer; /* NULL: there were no certificates yet */
    struct peers *peers;
    struct access access;
    size_t session_limit;
    size_t address_limit; /* MAXCONN_ADDRESS; 0: none */
    int descriptors_from; /* lowest number for a client's descriptor; 0: any */
    bool paused;          /* not accepting: at the limit, or short of descriptors */
};

static void pause_accepting(struct nut_server *server)
{
    if (server->paused)
        return;
    server->paused = true;
    for (size_t i = 0; i < server->listeners.count; i++)
        event_del(&server->accepting[i]);
}

static void resume_accepting(struct nut_server *server)
{
    if (!server->paused || server->service->session_count >= server->session_limit)
        return;
    server->paused = false;
    for (size_t i = 0; i < server->listeners.count; i++) {
        if (event_add(&server->accepting[i], NULL) != 0)
            log_error("cannot accept connections any more: %s", strerror(errno));
    }
}

static void on_leave(void *context, const struct client_address *address)
{
    struct nut_server *server = context;

    peers_leave(server->peers, address);
    resume_accepting(server);
}

static void on_shortage_over(evutil_socket_t descriptor, short what, void *argument)
{
    (void)descriptor;
    (void)what;
    resume_accepting(argument);
}

/* Descriptors may also come free elsewhere, so it is not only a leaving client that is awaited. */
static void pause_for_shortage(struct nut_server *server, int error)
{
    static const struct timeval pause = { .tv_sec = SHORTAGE_PAUSE_S };

    service_complain(server->service, LOG_WARNING, "cannot accept a connection: %s",
                     strerror(error));
    pause_accepting(server);
    event_add(server->shortage_timer, &pause);
}

/* The same socket under a number out of the way; -1 with errno, the socket closed. */
static int move_up(const struct nut_server *server, int descriptor)
{
    if (server->descriptors_from == 0)
        return descriptor;
    int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, server->descriptors_from);
    int saved_errno = errno;
    close(descriptor);
    errno = saved_errno;
    return moved;
}

/* No host but this one may take more than half of all places. */
static size_t limit_of_address(const struct nut_server *server)
{
    size_t half = (server->session_limit + 1) / 2;

    return server->address_limit > 0 && server->address_limit < half ? server->address_limit : half;
}

static bool admit(struct nut_server *server, const struct client_address *address)
{
    struct service *service = server->service;
    struct client client = { .address = *address };
    char text[CLIENT_ADDRESS_SIZE];

    if (!access_admits(&server->access, address)) {
        service->census->refused_connections++;
        service->census->counters.access_refusals++;
        service_complain(service, LOG_NOTICE, "Refusing client %s: ACCESS does not let it in",
                         client_address(&client, text));
        return false;
    }
    if (peers_enter(server->peers, address, limit_of_address(server)))
        return true;
    service->census->refused_connections++;
    service->census->counters.crowding_refusals++;
    service_complain(service, LOG_NOTICE, "Refusing client %s: it has too many connections",
                     client_address(&client, text));
    return false;
}

/* False: there is nothing more to accept now. */
static bool accept_one(struct nut_server *server, unsigned listener)
{
    struct sockaddr_storage storage = { 0 };
    socklen_t length = sizeof storage;
    struct client_address address;
    int descriptor = accept4(server->listeners.descriptors[listener], (struct sockaddr *)&storage,
                             &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    /* A connection that ended before it was accepted is no reason to stop. */
    if (descriptor < 0 && (errno == ECONNABORTED || errno == EINTR || errno == EPROTO))
        return true;
    if (descriptor >= 0)
        descriptor = move_up(server, descriptor);
    if (descriptor < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            pause_for_shortage(server, errno);
        return false;
    }
    client_address_take(&address, (struct sockaddr *)&storage);
    if (!admit(server, &address)) {
        close(descriptor);
        return true;
    }
    if (session_new(server->service, descriptor, &address, listener) == NULL) {
        close(descriptor);
        peers_leave(server->peers, &address);
        pause_for_shortage(server, ENOMEM);
        return false;
    }
    return true;
}

static void on_acceptable(evutil_socket_t descriptor, short what, void *argument)
{
    struct nut_server *server = argument;
    unsigned listener = 0;

    (void)what;
    while (server->listeners.descriptors[listener] != descriptor)
        listener++;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        if (server->service->session_count >= server->session_limit) {
            pause_accepting(server);
            return;
        }
        if (!accept_one(server, listener))
            return;
    }
}

/* MAXCONN, as far as the descriptors allow. */
static void set_session_limit(struct nut_server *server, unsigned maximum_connections)
{
    struct rlimit limit = { .rlim_cur = CLIENT_DESCRIPTORS_FROM };

    getrlimit(RLIMIT_NOFILE, &limit);
    size_t allowed = limit.rlim_cur;
    bool plenty = allowed > 2 * CLIENT_DESCRIPTORS_FROM;
    size_t reserved = plenty ? CLIENT_DESCRIPTORS_FROM : DESCRIPTORS_RESERVED;

    server->descriptors_from = plenty ? CLIENT_DESCRIPTORS_FROM : 0;
    allowed = allowed > 2 * reserved ? allowed - reserved : allowed / 2;
    server->session_limit = maximum_connections;
    if (maximum_connections == 0 || maximum_connections > allowed)
        server->session_limit = allowed;
    if (maximum_connections > allowed)
        log_warning("MAXCONN %u is more than the limit of open files allows: it is %zu",
                    maximum_connections, allowed);
}

static void set_tls_requirements(struct nut_server *server, const struct settings *settings)
{
    for (size_t i = 0; i < server->listeners.count; i++) {
        const struct listen_setting *origin = &server->listeners.origins[i];

        server->service->tls_required[i] =
            settings_tls_requirement(settings, origin->address, origin->port);
    }
}

/* Those that a reload changes at once. */
static void take_settings(struct nut_server *server, const struct settings *settings)
{
    authority_set_wrappers(server->service->authority, settings->wrappers);
    server->address_limit = settings->maximum_address_connections;
    if (!access_configure(&server->access, settings))
        log_error("cannot take ACCESS over: %s", strerror(ENOMEM));
}

static bool start_accepting(struct nut_server *server)
{
    struct event_base *base = server->service->base;

    for (size_t i = 0; i < server->listeners.count; i++) {
        event_assign(&server->accepting[i], base, server->listeners.descriptors[i],
                     EV_READ | EV_PERSIST, on_acceptable, server);
        if (event_add(&server->accepting[i], NULL) != 0)
            return false;
    }
    return true;
}

struct nut_server *nut_server_new(struct loop *loop, struct ups_store *store,
                                  const struct settings *settings,
                                  const struct inherited *inherited, struct users *users)
{
    struct nut_server *server = calloc(1, sizeof *server);

    if (server == NULL)
        return NULL;
    bool listening = inherited != NULL && inherited->count > 0
                         ? listeners_inherit(&server->listeners, inherited)
                         : listeners_open(&server->listeners, settings);
    if (!listening) {
        free(server);
        return NULL;
    }
    set_session_limit(server, settings->maximum_connections);
    server->shortage_timer = evtimer_new(loop_base(loop), on_shortage_over, server);
    server->peers = peers_new();
    server->service = service_new(loop, store, settings->tracking_delay);
    if (server->shortage_timer == NULL || server->peers == NULL || server->service == NULL ||
        !start_accepting(server)) {
        log_error("cannot serve the NUT protocol: %s", strerror(ENOMEM));
        nut_server_free(server);
        return NULL;
    }
    authority_set_users(server->service->authority, users);
    take_settings(server, settings);
    set_tls_requirements(server, settings);
    server->service->on_leave = on_leave;
    server->service->context = server;
    return server;
}

static void on_certificate_look(evutil_socket_t descriptor, short what, void *argument)
{
    struct nut_server *server = argument;

    (void)descriptor;
    (void)what;
    certificates_log(&server->service->certificates, time(NULL), false);
}

void nut_server_set_tls(struct nut_server *server, struct tls_context *tls)
{
    static const struct timeval daily = { .tv_sec = CERTIFICATE_LOOK_S };
    struct service *service = server->service;

    tls_context_free(service->tls);
    service->tls = tls;
    if (tls == NULL) {
        certificates_clear(&service->certificates);
        return;
    }
    if (!certificates_copy(&service->certificates, tls_context_certificates(tls)))
        log_error("cannot watch the certificates: %s", strerror(ENOMEM));
    certificates_log(&service->certificates, time(NULL), true);
    if (server->certificate_timer == NULL)
        server->certificate_timer =
            event_new(service->base, -1, EV_PERSIST, on_certificate_look, server);
    if (server->certificate_timer == NULL || event_add(server->certificate_timer, &daily) != 0)
        log_error("cannot watch the certificates: %s", strerror(ENOMEM));
}

bool nut_server_start(struct nut_server *server, const struct settings *settings)
{
    struct config_report report = { 0 };
    struct tls_context *tls;

    if (!tls_context_load(settings, &report, &tls))
        return false;
    nut_server_set_tls(server, tls);
    return true;
}

const struct certificates *nut_server_certificates(const struct nut_server *server)
{
    return &server->service->certificates;
}

void nut_server_configure(struct nut_server *server, const struct settings *old,
                          const struct settings *settings, struct users *users)
{
    struct service *service = server->service;

    if (!listeners_same(old, settings))
        log_warning("LISTEN: where NUT clients are waited for does not change before a restart");
    authority_set_users(service->authority, users);
    tracking_set_delay(service->tracking, settings->tracking_delay);
    set_tls_requirements(server, settings);
    set_session_limit(server, settings->maximum_connections);
    take_settings(server, settings);
    resume_accepting(server);
}

void nut_server_free(struct nut_server *server)
{
    if (server == NULL)
        return;
    if (server->service != NULL)
        pause_accepting(server);
    listeners_close(&server->listeners);
    if (server->shortage_timer != NULL)
        event_free(server->shortage_timer);
    if (server->certificate_timer != NULL)
        event_free(server->certificate_timer);
    service_free(server->service);
    peers_free(server->peers);
    access_clear(&server->access);
    free(server);
}
