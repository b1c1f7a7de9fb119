/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: serial lines for drivers: opens one for ourselves alone, sets speed and flow control and
 * the modem lines, and carries bytes with deadlines. "tcp:HOST:PORT" is a raw connection to a
 * terminal server instead (ser2net's raw mode): all but the modem lines works the same.
 *
 * Blocking, for worker threads. Times are milliseconds. Each call ends by its deadline, and soon
 * after must_stop() holds. A line whose adapter was unplugged, or a connection that has ended,
 * answers SERIAL_GONE: close it and open anew.
 *
 * A terminal is locked by TIOCEXCL and flock(), as NUT's drivers do, and a lock file of UUCP's in
 * /var/lock is heeded; none is made. Opening does not wait for a carrier, and closing leaves the
 * modem lines as they are, since to some cables a pulse means "off".
 * Source: termios(3), tty_ioctl(4), FHS 3.0 (lock files).
 */
#ifndef UPSBRIDGE_DRIVERS_SERIAL_PORT_H
#define UPSBRIDGE_DRIVERS_SERIAL_PORT_H

#include "core/config.h"
#include "core/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum serial_result {
    SERIAL_OK = 0,
    SERIAL_TIMED_OUT = -1,
    SERIAL_GONE = -2,    /* unplugged, hung up, or broken otherwise */
    SERIAL_STOPPED = -3, /* must_stop() */
    SERIAL_OVERFLOW = -4 /* more bytes than there is room for came without an end of line */
};

enum serial_flow { SERIAL_FLOW_NONE, SERIAL_FLOW_HARDWARE, SERIAL_FLOW_SOFTWARE };

/* Modem lines, as a set. Ours are DTR and RTS. */
enum {
    SERIAL_DTR = 1u << 0,
    SERIAL_RTS = 1u << 1,
    SERIAL_CTS = 1u << 2,
    SERIAL_DSR = 1u << 3,
    SERIAL_DCD = 1u << 4,
    SERIAL_RI = 1u << 5,
};

struct serial_settings {
    unsigned baud; /* 8N1 */
    enum serial_flow flow;
    bool ignores_locks; /* nolock */
};

/* Who calls, and how calls are ended early. */
struct serial_caller {
    int wake_descriptor;                    /* readable: look at must_stop(); -1: none */
    bool (*must_stop)(const void *context); /* NULL: never */
    const void *context;
};

struct serial_port;

/* Is it a terminal's path or "tcp:HOST:PORT"? Reports what is wrong with file and line. */
bool serial_port_check(const struct device_settings *settings, struct config_report *report);

/* Is it a speed that terminals have? */
bool serial_baud_is_known(unsigned baud);

/*
 * NULL with a text in problem: it tells apart that there is no such port, that it may not be opened
 * (names its group), that another program has it, and what the system says else.
 */
struct serial_port *serial_port_open(const char *port, const struct serial_settings *settings,
                                     const struct serial_caller *caller, char *problem,
                                     size_t size);
/* Leaves the terminal's settings as they were found. NULL is fine. */
void serial_port_close(struct serial_port *port);

/* Hands over all bytes, in the time given. */
enum serial_result serial_port_write(struct serial_port *port, const void *bytes, size_t length,
                                     unsigned timeout_ms);
/* Waits until what was written has left. On a connection: at once. */
enum serial_result serial_port_drain(struct serial_port *port, unsigned timeout_ms);
/* Throws away what has come and was not read. */
enum serial_result serial_port_flush(struct serial_port *port);

/* Some bytes, at least one: their count, or enum serial_result. */
ssize_t serial_port_read(struct serial_port *port, void *bytes, size_t size, unsigned timeout_ms);
/*
 * A line up to the byte end, which is left out: its length, or enum serial_result. What comes
 * behind is kept for the next call. *length_so_far (may be NULL) is what there was of a line that
 * did not end; it is thrown away. line is not ended by NUL.
 */
ssize_t serial_port_read_line(struct serial_port *port, char end, char *line, size_t size,
                              unsigned timeout_ms, size_t *length_so_far);
/* Ends at a pause: true if nothing was heard for so long. False: must stop, gone, or heard. */
bool serial_port_is_quiet(struct serial_port *port, unsigned pause_ms);

/* False: there are no such lines (a connection, a pseudo-terminal), or it is gone. */
bool serial_port_set_lines(struct serial_port *port, unsigned lines);
bool serial_port_get_lines(struct serial_port *port, unsigned *lines);
bool serial_port_send_break(struct serial_port *port);

#endif
