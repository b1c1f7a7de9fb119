/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/listeners.h"

#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* The socket, or -1 with errno. */
static int open_socket(const struct addrinfo *info)
{
    static const int on = 1;
    int type = info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int descriptor = socket(info->ai_family, type, info->ai_protocol);

    if (descriptor < 0)
        return -1;
    /* Accepted sockets inherit TCP_NODELAY, which saves a call for each. */
    bool set = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
               setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
               (info->ai_family != AF_INET6 ||
                setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0);
    if (set && bind(descriptor, info->ai_addr, info->ai_addrlen) == 0 &&
        listen(descriptor, SOMAXCONN) == 0)
        return descriptor;
    int saved_errno = errno;
    close(descriptor);
    errno = saved_errno;
    return -1;
}

/*
 * Sockets of IPv6 serve IPv6 alone, and so cannot be bound to an IPv4 address that is written as
 * one of IPv6: it is the IPv4 address that is meant.
 */
static void unmap(struct addrinfo *info, struct sockaddr_in *ipv4)
{
    const struct sockaddr_in6 *mapped = (const void *)info->ai_addr;

    if (info->ai_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&mapped->sin6_addr))
        return;
    *ipv4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = mapped->sin6_port };
    memcpy(&ipv4->sin_addr, &mapped->sin6_addr.s6_addr[12], sizeof ipv4->sin_addr);
    info->ai_family = AF_INET;
    info->ai_addr = (struct sockaddr *)ipv4;
    info->ai_addrlen = sizeof *ipv4;
}

/* Binds the first address of a name that can be bound. */
static bool open_address(struct listeners *listeners, const char *address, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *list;
    int descriptor = -1;
    int error = getaddrinfo(address, port, &hints, &list);

    if (error != 0) {
        log_error("not listening on %s port %s: %s", address, port,
                  error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return false;
    }
    for (const struct addrinfo *info = list; info != NULL && descriptor < 0; info = info->ai_next) {
        struct addrinfo one = *info;
        struct sockaddr_in ipv4;

        unmap(&one, &ipv4);
        descriptor = open_socket(&one);
    }
    int saved_errno = errno;
    freeaddrinfo(list);
    if (descriptor < 0) {
        log_error("not listening on %s port %s: %s", address, port, strerror(saved_errno));
        return false;
    }
    log_info("listening on %s port %s", address, port);
    listeners->descriptors[listeners->count++] = descriptor;
    return true;
}

static bool open_setting(struct listeners *listeners, const struct listen_setting *setting)
{
    if (strcmp(setting->address, "*") != 0)
        return open_address(listeners, setting->address, setting->port);
    /* A machine without one of the families still listens everywhere it can. */
    bool ipv6 = open_address(listeners, "::", setting->port);
    bool ipv4 = open_address(listeners, "0.0.0.0", setting->port);
    return ipv6 || ipv4;
}

/* Notes which LISTEN the sockets from the first on are for. */
static bool note_origin(struct listeners *listeners, size_t first,
                        const struct listen_setting *setting)
{
    bool noted = true;

    for (size_t i = first; i < listeners->count; i++) {
        listeners->origins[i] = (struct listen_setting){ .address = strdup(setting->address),
                                                         .port = strdup(setting->port),
                                                         .line = setting->line };
        noted =
            noted && listeners->origins[i].address != NULL && listeners->origins[i].port != NULL;
    }
    if (!noted)
        log_error("not listening: %s", strerror(ENOMEM));
    return noted;
}

static bool is_local(const char *address)
{
    static const char *const names[] = { "localhost",  "127.0.0.1",     "::1",
                                         "localhost4", "ip6-localhost", "localhost6" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(address, names[i]) == 0)
            return true;
    }
    return false;
}

bool listeners_open(struct listeners *listeners, const struct settings *settings)
{
    bool complete = true;

    listeners->count = 0;
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct listen_setting *setting = &settings->listeners[i];
        size_t first = listeners->count;

        if (listeners->count + 2 > SOCKETS_MAX) {
            log_error("more than %d LISTEN addresses", LISTENERS_MAX);
            complete = false;
            break;
        }
        if (!open_setting(listeners, setting) && !is_local(setting->address))
            complete = false;
        if (!note_origin(listeners, first, setting)) {
            listeners_close(listeners);
            return false;
        }
    }
    if (listeners->count > 0 && (complete || settings->allow_not_all_listeners))
        return true;
    if (listeners->count == 0)
        log_error("no listening interface available");
    else
        log_error("not all LISTEN addresses are available (ALLOW_NOT_ALL_LISTENERS would go on)");
    listeners_close(listeners);
    return false;
}

/* The LISTEN that would have led to a socket. False, with errno: it is no TCP socket. */
static bool describe(int descriptor, struct listen_setting *setting)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0)
        return false;
    if ((address.ss_family != AF_INET && address.ss_family != AF_INET6) ||
        getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        errno = EAFNOSUPPORT;
        return false;
    }
    *setting = (struct listen_setting){ .address = strdup(host), .port = strdup(port) };
    if (setting->address != NULL && setting->port != NULL)
        return true;
    free(setting->address);
    free(setting->port);
    *setting = (struct listen_setting){ 0 };
    errno = ENOMEM;
    return false;
}

/* As open_socket() would have made it. */
static bool prepare(int descriptor)
{
    static const int on = 1;
    int listening = 0;
    socklen_t length = sizeof listening;
    int flags = fcntl(descriptor, F_GETFL);

    if (flags < 0 || getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0)
        return false;
    if (!listening) {
        errno = EINVAL;
        return false;
    }
    return fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
           setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

bool listeners_inherit(struct listeners *listeners, const struct inherited *inherited)
{
    bool usable = true;

    *listeners = (struct listeners){ .count = inherited->count };
    for (size_t i = 0; i < inherited->count; i++) {
        int descriptor = inherited->descriptors[i];
        struct listen_setting *origin = &listeners->origins[i];

        listeners->descriptors[i] = descriptor;
        if (!usable)
            continue;
        usable = describe(descriptor, origin) && prepare(descriptor);
        if (usable)
            log_info("listening on %s port %s, a socket handed over", origin->address,
                     origin->port);
        else
            log_error("socket %zu of those handed over does not listen for TCP: %s", i + 1,
                      strerror(errno));
    }
    if (!usable)
        listeners_close(listeners);
    return usable;
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        close(listeners->descriptors[i]);
        free(listeners->origins[i].address);
        free(listeners->origins[i].port);
    }
    listeners->count = 0;
}

bool listeners_same(const struct settings *a, const struct settings *b)
{
    if (a->listener_count != b->listener_count)
        return false;
    for (size_t i = 0; i < a->listener_count; i++) {
        if (strcmp(a->listeners[i].address, b->listeners[i].address) != 0 ||
            strcmp(a->listeners[i].port, b->listeners[i].port) != 0)
            return false;
    }
    return true;
}
