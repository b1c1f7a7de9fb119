/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static struct {
    const char *name;
    enum log_target target;
    atomic_int debug;
} output = { .name = "upsbridged", .target = LOG_TO_STDERR };

void log_open(const char *name, enum log_target target)
{
    output.name = name;
    output.target = target;
    if (target != LOG_TO_STDERR)
        openlog(name, LOG_PID | LOG_NDELAY | (target == LOG_TO_BOTH ? LOG_PERROR : 0), LOG_DAEMON);
}

void log_set_debug(int debug)
{
    atomic_store_explicit(&output.debug, debug, memory_order_relaxed);
}

bool log_debugging(int debug)
{
    return atomic_load_explicit(&output.debug, memory_order_relaxed) >= debug;
}

void log_message_va(int level, const char *format, va_list arguments)
{
    int saved_errno = errno;
    char line[LINE_MAX_BYTES];
    size_t length = 0;

    if (level == LOG_DEBUG && !log_debugging(1))
        return;
    if (output.target == LOG_TO_STDERR)
        length = (size_t)snprintf(line, sizeof line, "%.64s: ", output.name);
    int more = vsnprintf(line + length, sizeof line - length - 1, format, arguments);
    if (more < 0)
        more = 0;
    length += (size_t)more;
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    /* What a client or device said must not forge log lines. */
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            line[i] = '?';
    }
    if (output.target == LOG_TO_STDERR) {
        line[length++] = '\n';
        if (write(STDERR_FILENO, line, length) < 0) {
            /* There is nowhere left to say so. */
        }
    } else {
        line[length] = '\0';
        syslog(level, "%s", line);
    }
    errno = saved_errno;
}

void log_message(int level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_message_va(level, format, arguments);
    va_end(arguments);
}
