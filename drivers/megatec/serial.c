/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of the Q family on a serial line. */
#include "core/loop.h"
#include "drivers/megatec/transport.h"
#include "drivers/serial_port.h"

#include <stdio.h>
#include <string.h>

#define PAUSE_MS 150   /* after which a late answer has ended, or does not come */
#define PAUSES_MAX 10u /* of a device that does not stop talking */

static bool must_stop(const void *context)
{
    return driver_must_stop(context);
}

static void *open_line(struct device *device, const struct megatec_options *options, void **memory)
{
    const struct serial_caller caller = { .wake_descriptor = driver_wake_descriptor(device),
                                          .must_stop = must_stop,
                                          .context = device };
    struct serial_port *port = serial_port_open(device->settings->port, &options->serial, &caller,
                                                device->problem, sizeof device->problem);

    (void)memory;
    /* Some cables live on these lines; where there are none, none are needed. */
    if (port != NULL)
        (void)serial_port_set_lines(port, options->cable_power);
    return port;
}

static bool forget_input(void *line, bool is_late)
{
    if (serial_port_flush(line) == SERIAL_GONE)
        return false;
    for (unsigned i = 0; is_late && i < PAUSES_MAX && !serial_port_is_quiet(line, PAUSE_MS); i++) {
        if (serial_port_flush(line) == SERIAL_GONE)
            return false;
    }
    return true;
}

static ssize_t exchange(void *line, const char *text, char *answer, size_t size,
                        unsigned timeout_ms)
{
    char query[64];
    int length = snprintf(query, sizeof query, "%s\r", text);
    uint64_t deadline = clock_ms() + timeout_ms;
    size_t partial = 0;

    if (length < 0 || (size_t)length >= sizeof query)
        return MEGATEC_LINE_OVERFLOW;
    switch (serial_port_write(line, query, (size_t)length, timeout_ms)) {
    case SERIAL_OK:
        break;
    case SERIAL_TIMED_OUT:
    case SERIAL_OVERFLOW:
        return MEGATEC_LINE_SILENT;
    case SERIAL_GONE:
    case SERIAL_STOPPED:
        return MEGATEC_LINE_GONE;
    }
    uint64_t now = clock_ms();
    ssize_t got = serial_port_read_line(line, '\r', answer, size,
                                        now < deadline ? (unsigned)(deadline - now) : 0, &partial);
    if (got >= 0)
        return got;
    if (got == SERIAL_TIMED_OUT)
        return partial > 0 ? MEGATEC_LINE_OVERFLOW : MEGATEC_LINE_SILENT;
    return got == SERIAL_OVERFLOW ? MEGATEC_LINE_OVERFLOW : MEGATEC_LINE_GONE;
}

static void close_line(void *line)
{
    serial_port_close(line);
}

const struct megatec_transport megatec_serial = {
    .check = serial_port_check,
    .open = open_line,
    .forget_input = forget_input,
    .exchange = exchange,
    .close = close_line,
};
