/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/agentx_address.h"

#include "agent/agentx_library.h"
#include "core/log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>
#include <unistd.h>

#define AGENTX_PORT "705"

static bool parse_path(struct agentx_address *address, const char *path)
{
    struct sockaddr_un *socket = (struct sockaddr_un *)(void *)&address->socket;

    if (strlen(path) >= sizeof socket->sun_path) {
        log_error("SNMP agentx %s: the path is longer than a socket's may be", path);
        return false;
    }
    socket->sun_family = AF_UNIX;
    memcpy(socket->sun_path, path, strlen(path) + 1);
    address->length = sizeof *socket;
    return true;
}

static bool parse_host(struct agentx_address *address, const char *text, int family)
{
    struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;
    char host[256];

    snprintf(host, sizeof host, "%s", text);
    char *name = host;
    char *port = strrchr(host, ':');
    char *bracket = strrchr(host, ']');
    if (port != NULL && (bracket == NULL || port > bracket))
        *port++ = '\0';
    else
        port = NULL;
    if (name[0] == '[' && bracket != NULL) {
        *bracket = '\0';
        name++;
    }
    int error = getaddrinfo(name, port == NULL ? AGENTX_PORT : port, &hints, &list);
    if (error != 0) {
        log_error("SNMP agentx %s: %s", address->text,
                  error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return false;
    }
    memcpy(&address->socket, list->ai_addr, list->ai_addrlen);
    address->length = list->ai_addrlen;
    freeaddrinfo(list);
    return true;
}

bool agentx_address_parse(struct agentx_address *address, const char *text)
{
    static const struct {
        const char *prefix;
        int family; /* AF_UNIX: what follows is a path */
    } kinds[] = {
        { "unix:", AF_UNIX },
        { "tcp:", AF_INET },
        { "tcp6:", AF_INET6 },
        { "tcpv6:", AF_INET6 },
    };

    *address = (struct agentx_address){ 0 };
    if (text == NULL)
        text = AGENTX_ADDRESS_USUAL;
    snprintf(address->text, sizeof address->text, "%s", text);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t length = strlen(kinds[i].prefix);

        if (strncasecmp(text, kinds[i].prefix, length) != 0)
            continue;
        return kinds[i].family == AF_UNIX ? parse_path(address, text + length)
                                          : parse_host(address, text + length, kinds[i].family);
    }
    return strchr(text, '/') != NULL ? parse_path(address, text)
                                     : parse_host(address, text, AF_UNSPEC);
}

int agentx_address_connect(const struct agentx_address *address)
{
    static const int on = 1, room = 4 * AGENTX_PDU_SIZE_MAX;
    int descriptor =
        socket(address->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (descriptor < 0)
        return -1;
    if (address->socket.ss_family != AF_UNIX)
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* So that the largest PDU is always taken whole by a master that reads. */
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (connect(descriptor, (const struct sockaddr *)&address->socket, address->length) == 0 ||
        errno == EINPROGRESS)
        return descriptor;
    int saved_errno = errno;
    close(descriptor);
    errno = saved_errno;
    return -1;
}
