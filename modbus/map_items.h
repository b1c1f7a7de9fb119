/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of a register map, for the parts of modbus/ alone: registers, expressions
 * over them, and the rows that name what they give. Everything lies in arrays and refers to others
 * by number, so that a map is read-only once it is loaded.
 */
#ifndef UPSBRIDGE_MODBUS_MAP_ITEMS_H
#define UPSBRIDGE_MODBUS_MAP_ITEMS_H

#include "core/variables.h"
#include "modbus/map.h"

#define NONE (-1)
#define MAP_MISSING_MAX 4
#define MAP_STRING_MAX 62 /* registers of a string */
#define MAP_TEXT_MAX 255  /* bytes of a text */

enum map_type {
    MAP_BIT, /* a coil or discrete input */
    MAP_U16,
    MAP_S16,
    MAP_U32,
    MAP_S32,
    MAP_U64,
    MAP_S64,
    MAP_FLOAT,
    MAP_DOUBLE,
    MAP_BCD16,
    MAP_BCD32,
    MAP_STRING,
    MAP_TYPES
};

/* How the bytes of a number lie in its registers; a string takes the bytes of each from it. */
enum map_order {
    MAP_ABCD, /* high word first, high byte first */
    MAP_CDAB, /* low word first */
    MAP_BADC, /* low byte first */
    MAP_DCBA, /* both */
};

/* Why a register is read. */
enum {
    MAP_USE_STATUS = 1u << 0,    /* status and alarms: each poll */
    MAP_USE_VALUE = 1u << 1,     /* full polls */
    MAP_USE_ONCE = 1u << 2,      /* the first poll */
    MAP_USE_IDENTITY = 1u << 3,  /* the first poll */
    MAP_USE_COMMAND = 1u << 4,   /* in the course of a command */
    MAP_USE_ESSENTIAL = 1u << 5, /* without it input power is not told from battery */
};

struct map_register {
    enum modbus_table table;
    enum map_type type;
    enum map_order order;
    uint16_t address, count;
    uint8_t first_bit, bit_count; /* bit_count 0: the whole value */
    uint8_t missing_count;
    uint64_t missing[MAP_MISSING_MAX]; /* what stands for "not available", as it lies there */
    unsigned line;
    unsigned uses;
    size_t cell; /* where an image keeps it */
};

enum map_node_kind {
    NODE_NUMBER,
    NODE_TEXT,
    NODE_REGISTER,  /* index: of the register */
    NODE_OBJECT,    /* index: the object's number */
    NODE_VARIABLE,  /* index: of its first row; rows below limit count */
    NODE_PARAMETER, /* what a command was given */
    NODE_NOT,
    NODE_NEGATE,
    NODE_AND,
    NODE_OR,
    NODE_EQUAL,
    NODE_UNEQUAL,
    NODE_LESS,
    NODE_AT_MOST,
    NODE_MORE,
    NODE_AT_LEAST,
    NODE_LIKE,
    NODE_IN, /* index, limit: the intervals */
    NODE_ADD,
    NODE_SUBTRACT,
    NODE_MULTIPLY,
    NODE_DIVIDE,
    NODE_DIVIDE_WHOLE,
    NODE_MODULO,
    NODE_MASK,
};

struct map_node {
    enum map_node_kind kind;
    int left, right;
    int index, limit;
    double number;
    char *text;
};

struct map_interval {
    double minimum, maximum;
};

/* A number (or a bit) and the text that stands for it. */
struct map_entry {
    double key;
    char *text;
    unsigned line;
};

struct map_table {
    bool bits;       /* the keys are bits: the texts of all that are set */
    bool else_plain; /* other numbers are told as they are */
    char *other;     /* the text of other numbers; NULL: they are a mistake */
    int first, count;
};

enum map_section {
    SECTION_NONE,
    SECTION_MAP,
    SECTION_REGISTERS,
    SECTION_READ,
    SECTION_IDENTIFY,
    SECTION_VALUES,
    SECTION_STATUS,
    SECTION_ALARMS,
    SECTION_SETTINGS,
    SECTION_DELAYS,
    SECTION_COMMANDS,
};

enum map_format { FORMAT_PLAIN, FORMAT_DAYS, FORMAT_PACKED_DATE, FORMAT_FIELD };

/* A variable; several rows may have one name: the first that gives something counts. */
struct map_row {
    enum map_section section; /* VALUES, SETTINGS, DELAYS */
    char *name;
    const struct variable_info *info; /* NULL: the vocabulary has no such name */
    unsigned line;
    const char *path; /* the file it stands in; owned by the items */
    unsigned level;   /* of extension: rows of a lower level replace those of a higher one */
    int expression, condition; /* condition: NODE or NONE */
    int table;                 /* or NONE */
    enum map_format format;
    long epoch;            /* FORMAT_DAYS: days since 1970; FORMAT_FIELD: the number of the field */
    char *unit;            /* as the row says, or NULL */
    double factor, offset; /* from its unit to ours */
    int digits;            /* behind the point */
    bool limited;          /* within: */
    double minimum, maximum;
    bool once;
    bool quick; /* can be told from the registers of the status alone */
    bool replaced;
    int next; /* row of the same name, or NONE */
    /* Settings and delays */
    bool ranged;
    double range_minimum, range_maximum, step;
    double initial; /* delays */
};

/* Something that is so or not so. */
struct map_condition {
    enum map_section section; /* STATUS, ALARMS, IDENTIFY */
    bool stale;               /* the device's card has lost it */
    char *text;               /* token or alarm; NULL: the table's texts */
    int expression;
    int table; /* or NONE */
    unsigned line;
    const char *path;
    unsigned level;
    bool replaced;
};

enum map_step_kind {
    STEP_WRITE,
    STEP_SET_BIT,
    STEP_CLEAR_BIT,
    STEP_WAIT,
    STEP_REQUIRE,
    STEP_EXPECT
};

struct map_step {
    enum map_step_kind kind;
    int target;     /* register written; NONE */
    int expression; /* what is written (the first of several: see next), or must hold */
    int next;       /* step that continues this write with the next registers, or NONE */
    bool continued; /* part of the write of a step before */
    unsigned milliseconds;
    char *text; /* why not */
};

struct map_command {
    char *name;
    int first_step, step_count;
    unsigned line;
    const char *path;
    unsigned level;
    bool replaced;
};

/* Registers that exist without gaps, or that a device may be without. */
struct map_area {
    enum modbus_table table;
    uint16_t address;
    unsigned count;
    bool optional;
    unsigned line;
};

/* A name of [registers]. */
struct map_name {
    char *name;
    int node;
    unsigned line;
    bool used;
};

/* Registers in a row that an image keeps. */
struct map_extent {
    enum modbus_table table;
    uint16_t address;
    unsigned count;
    size_t cell;
};

struct map_items {
    struct map_register *registers;
    size_t register_count;
    struct map_node *nodes;
    size_t node_count;
    struct map_interval *intervals;
    size_t interval_count;
    struct map_entry *entries;
    size_t entry_count;
    struct map_table *tables;
    size_t table_count;
    struct map_row *rows;
    size_t row_count;
    struct map_condition *conditions;
    size_t condition_count;
    struct map_command *commands;
    size_t command_count;
    struct map_step *steps;
    size_t step_count;
    struct map_area *areas;
    size_t area_count;
    struct map_name *names;
    size_t name_count;
    char **paths; /* of all files read */
    size_t path_count;

    struct map_extent *extents;
    size_t extent_count;
    size_t cell_count;
    uint8_t objects[256];
    size_t object_count;
    bool has_identity;
};

/* Grows an array that holds count elements by one; false: out of memory. */
bool items_grow(void *array, size_t count, size_t element);
void items_free(struct map_items *items);

/* Bytes of a type's name in a register: 1, 2, 4 registers; strings say themselves. */
unsigned map_type_count(enum map_type type);
const char *map_type_name(enum map_type type);
/* All ones in the width of the type. */
uint64_t map_type_mask(enum map_type type);

/* modbus/map_finish.c: after all rows are read: uses of registers, extents, links. */
bool items_finish(struct map_items *items);
/* Marks the registers an expression reads. */
void items_mark(const struct map_items *items, int node, unsigned uses);
/* Calls visit with each register of an expression; rows it refers to are not followed. */
void items_visit(const struct map_items *items, int node,
                 void (*visit)(void *context, struct map_register *reading), void *context);
/* modbus/map_expression.c */
/* What becomes of a register: factor * it + offset. False: it is more than that. */
bool node_linear(const struct map_items *items, int node, int *reading, double *factor,
                 double *offset);
/* Can the condition tell OL or OB? */
bool condition_tells_power(const struct map_items *items, const struct map_condition *condition);

#endif
