/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the parts and sensors a device has, found by its variables: for agent/entity.c, which
 * shows them.
 */
#ifndef UPSBRIDGE_AGENT_ENTITY_SENSORS_H
#define UPSBRIDGE_AGENT_ENTITY_SENSORS_H

#include "agent/monitor.h"

/* entPhysicalClass */
enum entity_class {
    CLASS_OTHER = 1,
    CLASS_CHASSIS = 3,
    CLASS_POWER_SUPPLY = 6,
    CLASS_SENSOR = 8,
    CLASS_BATTERY = 14,
};

/* entPhySensorType */
enum sensor_type {
    SENSOR_NONE,
    SENSOR_OTHER = 1,
    SENSOR_VOLTS_AC = 3,
    SENSOR_VOLTS_DC,
    SENSOR_AMPERES,
    SENSOR_WATTS,
    SENSOR_HERTZ,
    SENSOR_CELSIUS,
    SENSOR_HUMIDITY,
};

/* The UPS, a part of it, or a sensor. */
struct entity {
    const struct monitor *monitor;
    uint16_t number, parent; /* within the device; parent 0: none */
    uint8_t class;           /* enum entity_class */
    uint8_t type;            /* enum sensor_type; NONE: it is no sensor */
    uint8_t precision;       /* digits behind the point */
    uint8_t line;
    const char *part, *what; /* "Input", "voltage"; what NULL: the part itself */
    const char *unit;
    const struct ups_variable *variable; /* of a sensor */
};

/* At most so many has a device. */
#define ENTITIES_MAX 256

/* Finds the entities of a device, in ascending order of their numbers; returns how many. */
size_t entity_sensors_find(const struct monitor *monitor, struct entity out[ENTITIES_MAX]);

/* "L1", "L2-L3", "N"; "" for line 0. */
const char *entity_line_text(unsigned line);

#endif
