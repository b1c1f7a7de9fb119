/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/serial_open.h"

#include "core/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECT_MS 5000
#define LOOK_MS 100
#define TCP_PREFIX "tcp:"

static const struct {
    unsigned baud;
    speed_t speed;
} speeds[] = {
    { 300, B300 },   { 600, B600 },     { 1200, B1200 },   { 2400, B2400 },   { 4800, B4800 },
    { 9600, B9600 }, { 19200, B19200 }, { 38400, B38400 }, { 57600, B57600 }, { 115200, B115200 },
};

static bool find_speed(unsigned baud, speed_t *speed)
{
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        if (speeds[i].baud == baud) {
            *speed = speeds[i].speed;
            return true;
        }
    }
    return false;
}

bool serial_baud_is_known(unsigned baud)
{
    speed_t speed;

    return find_speed(baud, &speed);
}

/* Names -------------------------------------------------------------------------------------- */

struct place {
    char host[256], service[16];
};

/* "tcp:HOST:PORT", the host in brackets if it has colons. */
static bool parse_tcp(const char *port, struct place *place)
{
    const char *host = port + strlen(TCP_PREFIX);
    const char *colon = strrchr(host, ':');
    unsigned number;

    if (colon == NULL || !config_unsigned(colon + 1, 1, 65535, &number))
        return false;
    size_t length = (size_t)(colon - host);
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    } else if (memchr(host, ':', length) != NULL) {
        return false;
    }
    if (length == 0 || length >= sizeof place->host)
        return false;
    snprintf(place->host, sizeof place->host, "%.*s", (int)length, host);
    snprintf(place->service, sizeof place->service, "%u", number);
    return true;
}

static bool is_tcp(const char *port)
{
    return strncmp(port, TCP_PREFIX, strlen(TCP_PREFIX)) == 0;
}

bool serial_port_check(const struct device_settings *settings, struct config_report *report)
{
    const struct option_setting *option = device_option_find(settings, "port");
    struct place place;

    if (is_tcp(settings->port) ? parse_tcp(settings->port, &place) : settings->port[0] == '/')
        return true;
    config_error(report, settings->file, option == NULL ? settings->line : option->line,
                 "[%s] port must be the path of a serial line, \"/dev/ttyS0\", or \"tcp:HOST:PORT\""
                 " of a terminal server, not '%s'",
                 settings->name, settings->port);
    return false;
}

/* Connections -------------------------------------------------------------------------------- */

static bool must_stop(const struct serial_caller *caller)
{
    return caller->must_stop != NULL && caller->must_stop(caller->context);
}

/* 0, or an error number. */
static int wait_for_connection(int descriptor, const struct serial_caller *caller)
{
    struct pollfd waited = { .fd = descriptor, .events = POLLOUT };
    uint64_t deadline = clock_ms() + CONNECT_MS;
    int problem = 0;
    socklen_t size = sizeof problem;

    while (clock_ms() < deadline) {
        if (must_stop(caller))
            return ECANCELED;
        int ready = poll(&waited, 1, LOOK_MS);
        if (ready < 0 && errno != EINTR)
            return errno;
        if (ready > 0)
            return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem
                                                                                      : errno;
    }
    return ETIMEDOUT;
}

static int connect_to(const struct addrinfo *where, const struct serial_caller *caller,
                      int *problem)
{
    int on = 1;
    int descriptor = socket(where->ai_family, where->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                            where->ai_protocol);

    if (descriptor < 0) {
        *problem = errno;
        return -1;
    }
    *problem = connect(descriptor, where->ai_addr, where->ai_addrlen) == 0 ? 0 : errno;
    if (*problem == EINPROGRESS)
        *problem = wait_for_connection(descriptor, caller);
    if (*problem != 0) {
        close(descriptor);
        return -1;
    }
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* A terminal server that was switched off says nothing: the system is to find out. */
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return descriptor;
}

static int open_connection(const char *port, const struct serial_caller *caller, char *problem,
                           size_t size)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    struct place place;
    int descriptor = -1, failed = 0;

    if (!parse_tcp(port, &place)) {
        snprintf(problem, size, "%s is not tcp:HOST:PORT", port);
        return -1;
    }
    int why = getaddrinfo(place.host, place.service, &hints, &found);
    if (why != 0) {
        snprintf(problem, size, "%s: %s", port, gai_strerror(why));
        return -1;
    }
    for (struct addrinfo *one = found; one != NULL && descriptor < 0 && failed != ECANCELED;
         one = one->ai_next)
        descriptor = connect_to(one, caller, &failed);
    freeaddrinfo(found);
    if (descriptor < 0)
        snprintf(problem, size, "%s: %s", port, strerror(failed));
    return descriptor;
}

/* Terminals ---------------------------------------------------------------------------------- */

static void describe_denial(const char *path, char *problem, size_t size)
{
    char buffer[1024];
    struct group entry, *group = NULL;
    struct stat status;

    if (stat(path, &status) != 0 ||
        getgrgid_r(status.st_gid, &entry, buffer, sizeof buffer, &group) != 0 || group == NULL)
        snprintf(problem, size, "%s: permission denied", path);
    else
        snprintf(problem, size,
                 "%s: permission denied: upsbridged's user must be in the group %s (mode %04o)",
                 path, group->gr_name, (unsigned)status.st_mode & 07777);
}

/* The process that a lock file of UUCP's names, if it lives and is another; else 0. */
static pid_t lock_holder(const char *path)
{
    const char *name = strrchr(path, '/');
    char lock[128], text[32] = "";
    struct stat status;
    long holder = 0;

    snprintf(lock, sizeof lock, "/var/lock/LCK..%s", name == NULL ? path : name + 1);
    int descriptor = open(lock, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return 0;
    ssize_t got = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (got > 0)
        holder = strtol(text, NULL, 10);
    if (holder <= 0 || holder == getpid())
        return 0;
    /* kill() would be the way to ask, but the sandbox has none. */
    snprintf(lock, sizeof lock, "/proc/%ld", holder);
    if (stat(lock, &status) != 0)
        return 0;
    return (pid_t)holder;
}

static bool lock_terminal(int descriptor, const char *path, char *problem, size_t size)
{
    pid_t holder = lock_holder(path);

    if (holder > 0) {
        snprintf(problem, size, "%s: process %ld has it (a lock file in /var/lock)", path,
                 (long)holder);
        return false;
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        snprintf(problem, size, "%s: another program, or another section, has it", path);
        return false;
    }
    return ioctl(descriptor, TIOCEXCL) == 0 || errno == ENOTTY;
}

static bool set_terminal(int descriptor, const struct serial_settings *settings)
{
    struct termios wanted;
    speed_t speed;

    if (!find_speed(settings->baud, &speed) || tcgetattr(descriptor, &wanted) != 0)
        return false;
    cfmakeraw(&wanted);
    wanted.c_iflag |= IGNBRK;
    wanted.c_cflag &= ~(tcflag_t)(CSTOPB | HUPCL | CRTSCTS);
    wanted.c_cflag |= CLOCAL | CREAD;
    if (settings->flow == SERIAL_FLOW_HARDWARE)
        wanted.c_cflag |= CRTSCTS;
    if (settings->flow == SERIAL_FLOW_SOFTWARE)
        wanted.c_iflag |= IXON | IXOFF;
    wanted.c_cc[VMIN] = 0;
    wanted.c_cc[VTIME] = 0;
    return cfsetispeed(&wanted, speed) == 0 && cfsetospeed(&wanted, speed) == 0 &&
           tcsetattr(descriptor, TCSANOW, &wanted) == 0 && tcflush(descriptor, TCIOFLUSH) == 0;
}

static int open_terminal(const char *path, const struct serial_settings *settings,
                         struct termios *found, char *problem, size_t size)
{
    int descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

    if (descriptor < 0) {
        if (errno == EACCES)
            describe_denial(path, problem, size);
        else
            snprintf(problem, size, "%s: %s", path,
                     errno == EBUSY ? "another program has it" : strerror(errno));
        return -1;
    }
    problem[0] = '\0';
    if (!isatty(descriptor))
        snprintf(problem, size, "%s: is not a serial line", path);
    else if (settings->ignores_locks || lock_terminal(descriptor, path, problem, size)) {
        if (tcgetattr(descriptor, found) == 0 && set_terminal(descriptor, settings))
            return descriptor;
    }
    if (problem[0] == '\0')
        snprintf(problem, size, "%s: cannot be set to %u baud: %s", path, settings->baud,
                 strerror(errno));
    close(descriptor);
    return -1;
}

/* Opening and closing ------------------------------------------------------------------------ */

struct serial_port *serial_port_open(const char *name, const struct serial_settings *settings,
                                     const struct serial_caller *caller, char *problem, size_t size)
{
    struct serial_port *port = calloc(1, sizeof *port);

    if (port == NULL) {
        snprintf(problem, size, "out of memory");
        return NULL;
    }
    port->caller = *caller;
    port->is_terminal = !is_tcp(name);
    port->descriptor = port->is_terminal
                           ? open_terminal(name, settings, &port->found, problem, size)
                           : open_connection(name, caller, problem, size);
    if (port->descriptor >= 0)
        return port;
    free(port);
    return NULL;
}

void serial_port_close(struct serial_port *port)
{
    if (port == NULL)
        return;
    if (port->is_terminal) {
        /* HUPCL of before would drop DTR now. */
        port->found.c_cflag &= ~(tcflag_t)HUPCL;
        tcsetattr(port->descriptor, TCSANOW, &port->found);
        ioctl(port->descriptor, TIOCNXCL);
    }
    close(port->descriptor);
    free(port);
}
