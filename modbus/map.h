/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a register map: what a family of Modbus UPSes tells in which register, how it is told
 * apart from others, what its link bears, and how it is commanded. Read from a text file
 * (upsbridge-map(5)), checked whole, and immutable from then on: any number of threads and devices
 * may share it.
 *
 * Addresses are 0-based everywhere in here, as on the wire, whatever the file's base is.
 * No I/O with devices: modbus/plan.h says what to read, modbus/decode.h what it means.
 */
#ifndef UPSBRIDGE_MODBUS_MAP_H
#define UPSBRIDGE_MODBUS_MAP_H

#include "core/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The protocol's own bounds. */
#define MODBUS_READ_MAX 125       /* registers in one read */
#define MODBUS_WRITE_MAX 123      /* registers in one write */
#define MODBUS_READ_BITS_MAX 2000 /* coils or discrete inputs in one read */
#define MODBUS_OBJECT_MAX 255     /* bytes of a device identification object */

/* Bounds of a map file. */
#define MAP_FILE_MAX (256u * 1024)
#define MAP_ITEMS_MAX 4096u /* rows of all kinds */

enum modbus_table {
    MODBUS_COILS,    /* functions 1, 5, 15 */
    MODBUS_DISCRETE, /* function 2 */
    MODBUS_INPUT,    /* function 4 */
    MODBUS_HOLDING,  /* functions 3, 6, 16 */
    MODBUS_TABLES
};

/* "coil", "discrete", "input", "holding" */
const char *modbus_table_name(enum modbus_table table);
static inline bool modbus_table_has_bits(enum modbus_table table)
{
    return table == MODBUS_COILS || table == MODBUS_DISCRETE;
}

/* Which function writes registers; coils are written with 5 or 15 alike. */
enum modbus_write {
    MODBUS_WRITE_AUTO,     /* 6 for one register, 16 for more */
    MODBUS_WRITE_SINGLE,   /* 6 alone: several registers one after the other */
    MODBUS_WRITE_MULTIPLE, /* 16 alone, for one register too */
};

/* What the link and the device bear; a section of ups.conf may say otherwise. 0: not given. */
struct modbus_link {
    unsigned unit; /* 0-255; has_unit tells whether it was given */
    bool has_unit;
    unsigned baud;           /* bits a second */
    char parity;             /* 'N', 'E', 'O'; 0: not given */
    unsigned data_bits;      /* 7 or 8 */
    unsigned stop_bits;      /* 1 or 2 */
    unsigned pause_ms;       /* between an answer and the next request */
    unsigned after_write_ms; /* between a write and the next request */
    unsigned response_ms;    /* until an answer begins */
    unsigned byte_ms;        /* between two bytes of an answer */
};

struct modbus_limits {
    unsigned read_registers;  /* in one read, 1-125 */
    unsigned read_bits;       /* in one read, 1-2000 */
    unsigned write_registers; /* in one write, 1-123 */
    bool gaps_readable;       /* registers between known ones answer (with anything) */
    unsigned maximum_gap;     /* registers that may be read through where gaps are readable */
    enum modbus_write write;
    bool verify_writes; /* a setting is read back after it was written */
};

/* How sure the map's source is. */
enum map_certainty { MAP_UNCONFIRMED, MAP_COMMUNITY, MAP_DRIVER, MAP_VENDOR };

struct map_items; /* modbus/map_items.h: for the parts of modbus/ alone */

struct modbus_map {
    char *path;        /* of the file, or what it was made from, for messages */
    char *name;        /* "apc-smart-ups" */
    char *description; /* "APC Smart-UPS SMT, SMX" */
    char *source;      /* the document it is from */
    enum map_certainty certainty;
    struct modbus_link link;
    struct modbus_limits limits;
    struct map_items *items;
};

/*
 * Reads a map file. NULL if it has errors, which are reported with file, line and field, or cannot
 * be read, which is reported too. Never partly right: a map with an error is no map.
 */
struct modbus_map *map_load(const char *path, struct config_report *report);
/* The same from memory; path is what messages call it, and where "extends" looks for others. */
struct modbus_map *map_load_text(const char *path, const char *text, size_t length,
                                 struct config_report *report);
void map_free(struct modbus_map *map);

/*
 * The path of a map by what a section says: a name ("apc-smart-ups") is looked for in the
 * directory of maps, anything with a '/' or ending in ".map" is a file, relative to directory.
 * False: it does not fit.
 */
bool map_path(const char *wanted, const char *directory, char *out, size_t size);
/* Where the maps are installed; UPSBRIDGE_MAPS in the environment overrides it. */
const char *map_directory(void);

/*
 * What is right but odd, as warnings with file and line: overlaps, names the vocabulary does not
 * have, text for a number, bits that can never be set, rows that never hold, blocks that cannot be
 * read at once, names and areas nobody uses, a status without OL or OB. Returns how many.
 */
unsigned map_lint(const struct modbus_map *map, struct config_report *report);

#endif
