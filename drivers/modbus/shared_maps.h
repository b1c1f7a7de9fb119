/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: one register map for all devices that use it, however many. A file that has changed
 * since is another map. Thread-safe.
 */
#ifndef UPSBRIDGE_DRIVERS_MODBUS_SHARED_MAPS_H
#define UPSBRIDGE_DRIVERS_MODBUS_SHARED_MAPS_H

#include "modbus/map.h"

/* As map_load(), but the map may be in use elsewhere. Given back by shared_map_drop(). */
const struct modbus_map *shared_map_load(const char *path, struct config_report *report);
/* Takes over a map that only one device has, so that it is given back like others. NULL: no memory,
 * and the map was freed. */
const struct modbus_map *shared_map_adopt(struct modbus_map *map);
/* NULL is allowed. */
void shared_map_drop(const struct modbus_map *map);

#endif
