/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: --probe-modbus, which finds the units on a Modbus line or behind a TCP address, tells by
 * the installed maps what they are, and prints a section of ups.conf for each. It only reads.
 */
#ifndef UPSBRIDGE_DAEMON_PROBE_MODBUS_H
#define UPSBRIDGE_DAEMON_PROBE_MODBUS_H

/*
 * port: as in a section of ups.conf. units: "FIRST-LAST" or one number; NULL: all there can be.
 * Sections go to stdout, what is under way to stderr. Returns the exit status: 0 only if a unit was
 * found.
 */
int probe_modbus(const char *port, const char *units);

#endif
