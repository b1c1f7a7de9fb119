/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: --scan PORT...: what UPS is on a serial line, by asking. Only lines that were named are
 * asked, and one after another; a line that another program has is left alone.
 */
#ifndef UPSBRIDGE_DAEMON_SCAN_SERIAL_H
#define UPSBRIDGE_DAEMON_SCAN_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Prints a section for ups.conf for each port that answers. False: none did. */
bool scan_serial(char *const *ports, size_t count, FILE *out);

#endif
