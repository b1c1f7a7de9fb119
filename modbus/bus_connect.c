/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/bus_connect.h"

#include "core/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_MS 100 /* how often it is asked whether to stop */

static bool must_stop(const struct bus_unit *unit)
{
    return unit->must_stop != NULL && unit->must_stop(unit->context);
}

/* 0, or an error number; ECANCELED: the caller is to stop. */
static int wait_for_connection(int descriptor, unsigned timeout_ms, const struct bus_unit *unit)
{
    struct pollfd socket = { .fd = descriptor, .events = POLLOUT };
    uint64_t deadline = clock_ms() + timeout_ms;
    int problem = 0;
    socklen_t size = sizeof problem;

    for (uint64_t now = clock_ms(); now < deadline; now = clock_ms()) {
        uint64_t left = deadline - now;

        if (must_stop(unit))
            return ECANCELED;
        int ready = poll(&socket, 1, left < LOOK_MS ? (int)left : LOOK_MS);
        if (ready < 0 && errno != EINTR)
            return errno;
        if (ready > 0)
            return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem
                                                                                      : errno;
    }
    return ETIMEDOUT;
}

/* libmodbus waits with select() and reads what is there: it wants a descriptor that blocks. */
static int make_blocking(int descriptor)
{
    int flags = fcntl(descriptor, F_GETFL);

    return flags >= 0 && fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0 ? 0 : errno;
}

static int try_address(const struct addrinfo *where, unsigned timeout_ms,
                       const struct bus_unit *unit, int *problem)
{
    int descriptor = socket(where->ai_family, where->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                            where->ai_protocol);
    int on = 1;

    if (descriptor < 0) {
        *problem = errno;
        return -1;
    }
    *problem = connect(descriptor, where->ai_addr, where->ai_addrlen) == 0 ? 0 : errno;
    if (*problem == EINPROGRESS)
        *problem = wait_for_connection(descriptor, timeout_ms, unit);
    if (*problem == 0)
        *problem = make_blocking(descriptor);
    if (*problem == 0) {
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return descriptor;
    }
    close(descriptor);
    return -1;
}

int bus_connect(const struct bus_address *address, unsigned timeout_ms, const struct bus_unit *unit,
                char *problem, size_t size)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    int why = getaddrinfo(address->host, address->service, &hints, &found);
    int failed = 0, descriptor = -1;

    problem[0] = '\0';
    if (why != 0) {
        snprintf(problem, size, "%s: %s", address->host, gai_strerror(why));
        return -1;
    }
    for (struct addrinfo *one = found; one != NULL && descriptor < 0 && failed != ECANCELED;
         one = one->ai_next)
        descriptor = try_address(one, timeout_ms, unit, &failed);
    freeaddrinfo(found);
    if (descriptor < 0 && failed != ECANCELED)
        snprintf(problem, size, "%s port %s: %s", address->host, address->service,
                 strerror(failed));
    return descriptor;
}
