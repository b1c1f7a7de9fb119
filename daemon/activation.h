/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: sockets that a service manager has opened and hands over.
 * Source: sd_listen_fds(3).
 */
#ifndef UPSBRIDGE_DAEMON_ACTIVATION_H
#define UPSBRIDGE_DAEMON_ACTIVATION_H

#include <stddef.h>

/*
 * Takes the descriptors handed to this process, so before it goes to the background. They are the
 * caller's, and end with an exec; there is nothing to take a second time. What finds no room is
 * closed, which is logged. Returns how many.
 */
size_t activation_take(int *descriptors, size_t room);

#endif
