/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/serial_port.h"

#include "core/loop.h"
#include "drivers/serial_open.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LOOK_MS 100       /* how often must_stop() is asked while the wake is for others */
#define DRAIN_STEP_MS 5   /* how often the output queue is looked at */
#define FLUSH_READS_MAX 8 /* what floods cannot be thrown away to the end */

static bool must_stop(const struct serial_port *port)
{
    return port->caller.must_stop != NULL && port->caller.must_stop(port->caller.context);
}

/*
 * Until the descriptor is ready. A wake that is not for good stays readable, so that it is waited
 * for only until it is first heard in a call.
 */
static enum serial_result wait_for(const struct serial_port *port, short events, uint64_t deadline)
{
    bool hears_wake = port->caller.wake_descriptor >= 0;

    for (;;) {
        struct pollfd waited[2] = { { .fd = port->descriptor, .events = events },
                                    { .fd = port->caller.wake_descriptor, .events = POLLIN } };
        uint64_t now = clock_ms();

        if (must_stop(port))
            return SERIAL_STOPPED;
        uint64_t left = deadline > now ? deadline - now : 0;
        int step = hears_wake || left < LOOK_MS ? (int)left : LOOK_MS;
        int ready = poll(waited, hears_wake ? 2 : 1, step);
        if (ready < 0 && errno != EINTR)
            return SERIAL_GONE;
        if (ready > 0 && (waited[0].revents & (events | POLLHUP | POLLERR | POLLNVAL)) != 0)
            return (waited[0].revents & events) != 0 ? SERIAL_OK : SERIAL_GONE;
        if (ready > 0)
            hears_wake = false;
        if (ready == 0 && clock_ms() >= deadline)
            return SERIAL_TIMED_OUT;
    }
}

static bool is_momentary(int problem)
{
    return problem == EAGAIN || problem == EWOULDBLOCK || problem == EINTR;
}

enum serial_result serial_port_write(struct serial_port *port, const void *bytes, size_t length,
                                     unsigned timeout_ms)
{
    uint64_t deadline = clock_ms() + timeout_ms;
    const unsigned char *next = bytes;

    while (length > 0) {
        enum serial_result result = wait_for(port, POLLOUT, deadline);

        if (result != SERIAL_OK)
            return result;
        ssize_t written = port->is_terminal ? write(port->descriptor, next, length)
                                            : send(port->descriptor, next, length, MSG_NOSIGNAL);
        if (written < 0 && !is_momentary(errno))
            return SERIAL_GONE;
        if (written > 0) {
            next += written;
            length -= (size_t)written;
        }
    }
    return SERIAL_OK;
}

/* tcdrain() has no deadline: a device that holds us off would keep the worker for ever. */
enum serial_result serial_port_drain(struct serial_port *port, unsigned timeout_ms)
{
    uint64_t deadline = clock_ms() + timeout_ms;
    int waiting;

    while (port->is_terminal) {
        if (ioctl(port->descriptor, TIOCOUTQ, &waiting) != 0)
            return errno == ENOTTY ? SERIAL_OK : SERIAL_GONE;
        if (waiting == 0)
            return SERIAL_OK;
        if (must_stop(port))
            return SERIAL_STOPPED;
        if (clock_ms() >= deadline)
            return SERIAL_TIMED_OUT;
        poll(NULL, 0, DRAIN_STEP_MS);
    }
    return SERIAL_OK;
}

/* Bytes, or enum serial_result; SERIAL_TIMED_OUT: there is nothing now. */
static ssize_t read_some(const struct serial_port *port, void *bytes, size_t size)
{
    ssize_t got = read(port->descriptor, bytes, size);

    if (got > 0)
        return got;
    /* A terminal that reads as ended has hung up: poll() said that there was something. */
    return got < 0 && is_momentary(errno) ? SERIAL_TIMED_OUT : SERIAL_GONE;
}

enum serial_result serial_port_flush(struct serial_port *port)
{
    unsigned char bytes[512];

    port->used = 0;
    for (unsigned i = 0; i < FLUSH_READS_MAX; i++) {
        struct pollfd waited = { .fd = port->descriptor, .events = POLLIN };

        if (poll(&waited, 1, 0) <= 0)
            return SERIAL_OK;
        ssize_t got = read_some(port, bytes, sizeof bytes);
        if (got == SERIAL_GONE)
            return SERIAL_GONE;
    }
    return SERIAL_OK;
}

/* What was read and is not asked for yet comes first. */
static size_t take_kept(struct serial_port *port, void *bytes, size_t size)
{
    size_t taken = port->used < size ? port->used : size;

    memcpy(bytes, port->kept, taken);
    port->used -= taken;
    memmove(port->kept, port->kept + taken, port->used);
    return taken;
}

ssize_t serial_port_read(struct serial_port *port, void *bytes, size_t size, unsigned timeout_ms)
{
    uint64_t deadline = clock_ms() + timeout_ms;

    if (port->used > 0)
        return (ssize_t)take_kept(port, bytes, size);
    for (;;) {
        enum serial_result result = wait_for(port, POLLIN, deadline);

        if (result != SERIAL_OK)
            return result;
        ssize_t got = read_some(port, bytes, size);
        if (got != SERIAL_TIMED_OUT)
            return got;
    }
}

/* Length of the line, if it is complete; else -1. */
static ssize_t take_line(struct serial_port *port, char end, char *line, size_t size)
{
    const char *found = memchr(port->kept, end, port->used);

    if (found == NULL)
        return -1;
    size_t length = (size_t)(found - port->kept);
    size_t whole = length + 1;
    if (length <= size)
        memcpy(line, port->kept, length);
    port->used -= whole;
    memmove(port->kept, port->kept + whole, port->used);
    return length <= size ? (ssize_t)length : SERIAL_OVERFLOW;
}

ssize_t serial_port_read_line(struct serial_port *port, char end, char *line, size_t size,
                              unsigned timeout_ms, size_t *length_so_far)
{
    uint64_t deadline = clock_ms() + timeout_ms;
    ssize_t result;

    for (;;) {
        result = take_line(port, end, line, size);
        if (result != -1)
            return result;
        if (port->used == sizeof port->kept) {
            result = SERIAL_OVERFLOW;
            break;
        }
        result = wait_for(port, POLLIN, deadline);
        if (result != SERIAL_OK)
            break;
        ssize_t got = read_some(port, port->kept + port->used, sizeof port->kept - port->used);
        if (got == SERIAL_GONE) {
            result = SERIAL_GONE;
            break;
        }
        if (got > 0)
            port->used += (size_t)got;
    }
    if (length_so_far != NULL)
        *length_so_far = port->used;
    port->used = 0;
    return result;
}

bool serial_port_is_quiet(struct serial_port *port, unsigned pause_ms)
{
    return port->used == 0 && wait_for(port, POLLIN, clock_ms() + pause_ms) == SERIAL_TIMED_OUT;
}

/* Modem lines -------------------------------------------------------------------------------- */

static const struct {
    unsigned line;
    int system;
} modem_lines[] = {
    { SERIAL_DTR, TIOCM_DTR }, { SERIAL_RTS, TIOCM_RTS }, { SERIAL_CTS, TIOCM_CTS },
    { SERIAL_DSR, TIOCM_DSR }, { SERIAL_DCD, TIOCM_CAR }, { SERIAL_RI, TIOCM_RNG },
};

bool serial_port_set_lines(struct serial_port *port, unsigned lines)
{
    int raised = 0, lowered = 0;

    if (!port->is_terminal)
        return false;
    for (size_t i = 0; i < 2; i++) {
        if ((lines & modem_lines[i].line) != 0)
            raised |= modem_lines[i].system;
        else
            lowered |= modem_lines[i].system;
    }
    return (raised == 0 || ioctl(port->descriptor, TIOCMBIS, &raised) == 0) &&
           (lowered == 0 || ioctl(port->descriptor, TIOCMBIC, &lowered) == 0);
}

bool serial_port_get_lines(struct serial_port *port, unsigned *lines)
{
    int now = 0;

    if (!port->is_terminal || ioctl(port->descriptor, TIOCMGET, &now) != 0)
        return false;
    *lines = 0;
    for (size_t i = 0; i < sizeof modem_lines / sizeof modem_lines[0]; i++) {
        if ((now & modem_lines[i].system) != 0)
            *lines |= modem_lines[i].line;
    }
    return true;
}

bool serial_port_send_break(struct serial_port *port)
{
    return port->is_terminal && tcsendbreak(port->descriptor, 0) == 0;
}
