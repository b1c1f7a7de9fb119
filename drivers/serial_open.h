/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of drivers/serial_port.h: what opening makes and reading and writing use.
 */
#ifndef UPSBRIDGE_DRIVERS_SERIAL_OPEN_H
#define UPSBRIDGE_DRIVERS_SERIAL_OPEN_H

#include "drivers/serial_port.h"

#include <sys/socket.h>
#include <termios.h>

#define SERIAL_LINE_MAX 1024 /* bytes kept at most until a line is complete */

struct serial_port {
    int descriptor;
    bool is_terminal;
    struct termios found; /* the terminal's settings before ours */
    struct serial_caller caller;
    size_t used;
    char kept[SERIAL_LINE_MAX];
};

#endif
