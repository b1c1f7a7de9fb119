/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the parts of the map file's reader share: the map being built, the line being read
 * and how to complain of it.
 */
#ifndef UPSBRIDGE_MODBUS_MAP_READER_H
#define UPSBRIDGE_MODBUS_MAP_READER_H

#include "modbus/map_items.h"
#include "modbus/map_text.h"

enum map_base { BASE_ZERO, BASE_ONE, BASE_MODICON };

struct map_missing {
    uint8_t count;
    uint64_t values[MAP_MISSING_MAX];
};

struct map_reader {
    struct modbus_map *map;
    struct map_items *items;
    struct config_report *report;
    const char *path;
    const char *field; /* what the line is about, for messages */
    enum map_section section;
    unsigned level; /* of extension: 0 is the file asked for */
    struct map_tokens tokens;
    size_t at;

    /* What [map] said for the addresses below it. */
    enum map_base base;
    enum modbus_table table;
    enum map_order order;
    struct map_missing missing[MAP_TYPES];

    unsigned depth;    /* of the expression being read */
    size_t first_node; /* ... and where it began */
    bool failed;
    bool out_of_memory;
};

/* Reports an error in the field being read. Returns false for brevity. */
bool reader_error(struct map_reader *reader, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool reader_no_memory(struct map_reader *reader);

const struct map_token *reader_peek(const struct map_reader *reader);
const struct map_token *reader_take(struct map_reader *reader);
bool reader_accept(struct map_reader *reader, enum token_kind kind, const char *text);
/* Reports what is there instead. */
bool reader_expect(struct map_reader *reader, enum token_kind kind, const char *text);
/* A number with an optional '-'. */
bool reader_number(struct map_reader *reader, double *number);
/* A text that stays: owned by the caller. NULL: out of memory, noted. */
char *reader_copy(struct map_reader *reader, const char *text);

/* modbus/map_register.c: the text behind '@'. Returns the register's number or NONE. */
int reader_register(struct map_reader *reader, const struct map_token *token);
/* @[table:]FIRST..LAST or @[table:]ONE */
bool reader_area(struct map_reader *reader, const struct map_token *token, struct map_area *area);
/* "fc43:0x87": its number, or NONE if it is no object. */
int reader_object(const char *text);
bool reader_table(const char *text, enum modbus_table *table);
bool reader_order(const char *text, enum map_order *order);
bool reader_type(const char *text, enum map_type *type, unsigned *count);
/* Bits of a register: "3", "4..7". */
bool reader_bits(struct map_reader *reader, const char *text, struct map_register *reading,
                 unsigned line);
/* The list of "missing": numbers or none. */
bool reader_missing(struct map_reader *reader, struct map_missing *missing);
bool missing_apply(struct map_register *reading, const struct map_missing *missing);

/* modbus/map_expression.c: returns the node or NONE. */
int reader_expression(struct map_reader *reader);
/* One that is a single register. */
int reader_target(struct map_reader *reader);

/* Decimals that make sense for what an expression gives. */
int node_digits(const struct map_items *items, int node);

/* modbus/map_values.c, modbus/map_sections.c, modbus/map_commands.c: a line of a section. */
bool reader_value_row(struct map_reader *reader, const char *name);
bool reader_delay_row(struct map_reader *reader, const char *name);
/* Reads "{...}" if there is one: its number, or NONE (then *ok says whether that is right). */
int reader_braces(struct map_reader *reader, bool bits, bool *ok);
bool reader_condition_row(struct map_reader *reader);
bool reader_identity_row(struct map_reader *reader);
bool reader_name_row(struct map_reader *reader, const char *name);
bool reader_area_row(struct map_reader *reader, const char *name);
bool reader_command_row(struct map_reader *reader, const char *name);
/* A line of [map]: value is what stands behind '=', without quotes. */
bool reader_map_row(struct map_reader *reader, const char *key, const char *value, unsigned line);

#endif
