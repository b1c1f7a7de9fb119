/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of a modbus_image, and how expressions are worked out on it. For the parts
 * of modbus/ alone.
 */
#ifndef UPSBRIDGE_MODBUS_IMAGE_H
#define UPSBRIDGE_MODBUS_IMAGE_H

#include "modbus/decode.h"
#include "modbus/map_items.h"

#define SCRATCH_TEXTS 4

enum value_kind { VALUE_UNKNOWN, VALUE_NUMBER, VALUE_TEXT };

struct map_value {
    enum value_kind kind;
    double number;
    const char *text; /* valid until four more texts were read from registers */
};

/* What a row gave when it was last worked out. */
struct row_state {
    enum value_kind kind; /* of what others may reckon with */
    double number;
    char *text;     /* as to publish; NULL: nothing */
    bool published; /* head rows: the variable is known to the store */
};

struct modbus_image {
    const struct modbus_map *map;
    uint16_t *words; /* of each cell */
    bool *known;
    char *objects[256];
    struct row_state *rows;
    const char *parameter; /* of the command that is being worked out */
    char scratch[SCRATCH_TEXTS][MAP_TEXT_MAX + 1];
    unsigned scratch_used;
};

struct map_value image_evaluate(struct modbus_image *image, int node);
/* 1 true, 0 false, -1 unknown */
int image_truth(struct modbus_image *image, int node);
struct map_value image_register(struct modbus_image *image, const struct map_register *reading);

/*
 * How a number or text lies in the words of a register: reading->count of them. False: it does not
 * fit.
 */
bool register_pack(const struct map_register *reading, double number, uint16_t *words);
void register_pack_text(const struct map_register *reading, const char *text, uint16_t *words);

/* "holding 130 = 51200 (0xc800)", for all registers of an expression. */
void image_describe(const struct modbus_image *image, int node, char *out, size_t size);

/* The live row that others see under this name, or NULL. */
const struct map_row *map_setting(const struct map_items *items, const char *name);
/* The text a row publishes for a number; false: there is none. */
bool row_text(const struct map_items *items, const struct map_row *row, double number, char *out,
              size_t size);
/* Days since 1970 of a date and back. */
long date_to_days(long year, long month, long day);
void date_from_days(long days, long *year, long *month, long *day);
/* Works out row i again and keeps it. */
void image_refresh_row(struct modbus_image *image, size_t i);

#endif
