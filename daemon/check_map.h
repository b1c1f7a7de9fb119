/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: --check-map, which checks a Modbus register map, shows what it reads, and decodes a dump
 * of registers with it, all without a device.
 */
#ifndef UPSBRIDGE_DAEMON_CHECK_MAP_H
#define UPSBRIDGE_DAEMON_CHECK_MAP_H

/*
 * wanted: a file, or the name of an installed map. dump: a file of registers, or NULL. Returns the
 * exit status: 0 only if the map is right and the dump gives what it says it should.
 */
int check_map(const char *wanted, const char *dump);

#endif
