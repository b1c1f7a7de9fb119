/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/notify.h"

#include "core/log.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 512
/* A manager that does not read must not hold up the start for longer. */
#define SEND_LIMIT_S 1

struct notifier {
    int descriptor;
    uint64_t watchdog_us; /* the manager waits so long for a sign of life; 0: it does not */
    struct event *watchdog;
};

/* A path, or "@" and a name in the abstract space. 0: not usable. */
static socklen_t fill_address(struct sockaddr_un *address, const char *text)
{
    size_t length = strlen(text);

    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if ((text[0] != '/' && text[0] != '@') || length >= sizeof address->sun_path)
        return 0;
    memcpy(address->sun_path, text, length);
    if (text[0] == '@') {
        address->sun_path[0] = '\0';
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    }
    return sizeof *address;
}

static int connect_to(const char *text)
{
    static const struct timeval limit = { .tv_sec = SEND_LIMIT_S };
    struct sockaddr_un address;
    socklen_t length = fill_address(&address, text);
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0)
        return -1;
    if (length == 0)
        errno = EINVAL;
    if (length != 0 && setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
        connect(descriptor, (const struct sockaddr *)&address, length) == 0)
        return descriptor;
    int saved_errno = errno;
    close(descriptor);
    errno = saved_errno;
    return -1;
}

/* Microseconds; 0: nobody waits for us. */
static uint64_t watchdog_interval(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    const char *interval = getenv("WATCHDOG_USEC");

    if (interval == NULL || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid()))
        return 0;
    return strtoull(interval, NULL, 10);
}

struct notifier *notify_open(void)
{
    const char *address = getenv("NOTIFY_SOCKET");
    struct notifier *notifier = NULL;

    if (address == NULL)
        return NULL;
    notifier = calloc(1, sizeof *notifier);
    if (notifier != NULL)
        notifier->descriptor = connect_to(address);
    if (notifier == NULL || notifier->descriptor < 0) {
        log_warning("cannot reach the service manager at %s: %s", address, strerror(errno));
        free(notifier);
        notifier = NULL;
    } else {
        notifier->watchdog_us = watchdog_interval();
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    return notifier;
}

void notify_close(struct notifier *notifier)
{
    if (notifier == NULL)
        return;
    if (notifier->watchdog != NULL)
        event_free(notifier->watchdog);
    close(notifier->descriptor);
    free(notifier);
}

static void send_text(const struct notifier *notifier, const char *text, int flags)
{
    if (send(notifier->descriptor, text, strlen(text), MSG_NOSIGNAL | flags) < 0)
        log_debug(1, "cannot tell the service manager: %s", strerror(errno));
}

/* From the main loop, for it is that which must not hang. */
static void on_watchdog(evutil_socket_t descriptor, short what, void *argument)
{
    (void)descriptor;
    (void)what;
    send_text(argument, "WATCHDOG=1", MSG_DONTWAIT);
}

static void start_watchdog(struct notifier *notifier, struct loop *loop)
{
    uint64_t half = notifier->watchdog_us / 2;
    struct timeval interval = { .tv_sec = (time_t)(half / 1000000),
                                .tv_usec = (suseconds_t)(half % 1000000) };

    if (half == 0)
        return;
    notifier->watchdog = event_new(loop_base(loop), -1, EV_PERSIST, on_watchdog, notifier);
    if (notifier->watchdog == NULL || event_add(notifier->watchdog, &interval) != 0)
        log_error("cannot serve the service manager's watchdog: %s", strerror(errno));
}

void notify_ready(struct notifier *notifier, struct loop *loop, const char *status)
{
    char text[MESSAGE_MAX];

    if (notifier == NULL)
        return;
    /* In the background it is not the process that was started. */
    snprintf(text, sizeof text, "READY=1\nSTATUS=%s\nMAINPID=%ld", status, (long)getpid());
    send_text(notifier, text, 0);
    start_watchdog(notifier, loop);
}

void notify_reloading(struct notifier *notifier)
{
    char text[MESSAGE_MAX];
    struct timespec now;

    if (notifier == NULL)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    send_text(notifier, text, 0);
}

void notify_reloaded(struct notifier *notifier, const char *status)
{
    char text[MESSAGE_MAX];

    if (notifier == NULL)
        return;
    snprintf(text, sizeof text, "READY=1\nSTATUS=%s", status);
    send_text(notifier, text, 0);
}

void notify_stopping(struct notifier *notifier)
{
    if (notifier != NULL)
        send_text(notifier, "STOPPING=1", MSG_DONTWAIT);
}
