/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/activation.h"

#include "core/config.h"
#include "core/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* The protocol's number of the first. */
#define DESCRIPTORS_FROM 3

/* For this very process, not for a parent that has passed its environment on. */
static bool is_for_us(void)
{
    const char *text = getenv("LISTEN_PID");
    unsigned pid;

    return text != NULL && config_unsigned(text, 1, INT_MAX, &pid) && (pid_t)pid == getpid();
}

size_t activation_take(int *descriptors, size_t room)
{
    const char *text = getenv("LISTEN_FDS");
    unsigned handed = 0;
    size_t taken = 0;

    if (text != NULL && is_for_us() &&
        !config_unsigned(text, 0, INT_MAX - DESCRIPTORS_FROM, &handed))
        log_warning("LISTEN_FDS is no number of sockets: %s", text);
    for (unsigned i = 0; i < handed; i++) {
        int descriptor = DESCRIPTORS_FROM + (int)i;

        if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
            log_warning("LISTEN_FDS: there are only %u sockets, not %u", i, handed);
            break;
        }
        if (taken < room) {
            descriptors[taken++] = descriptor;
        } else {
            log_warning("LISTEN_FDS: more than %zu sockets", room);
            close(descriptor);
        }
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return taken;
}
