/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the dialects of the Q family as tables: which questions each asks, what the fields of an
 * answer are called, and how commands are written. No dialect knows what carries its lines.
 * Source: the Megatec, Voltronic and Best Power protocols as published; names are NUT's.
 */
#ifndef UPSBRIDGE_DRIVERS_MEGATEC_DIALECT_H
#define UPSBRIDGE_DRIVERS_MEGATEC_DIALECT_H

#include "drivers/megatec/answer.h"

#include <stdbool.h>

/* What is reckoned with, beside being published. */
enum megatec_slot {
    SLOT_NONE,
    SLOT_INPUT,     /* V */
    SLOT_OUTPUT,    /* V */
    SLOT_LOAD,      /* % */
    SLOT_FREQUENCY, /* Hz */
    SLOT_BATTERY,   /* V as told: perhaps of one cell. Published by battery.c */
    SLOT_BATTERY_WHOLE,
    SLOT_NOMINAL, /* V of the whole battery */
    SLOT_NOMINAL_PACK,
    SLOT_PACKS,
    SLOT_CHARGE,
    SLOT_RUNTIME,
    SLOT_LOW,
    SLOT_HIGH,
    SLOT_COUNT
};

#define MEGATEC_AS_TEXT (-1)

struct megatec_field {
    const char *variable; /* NULL: not published as it is */
    unsigned position;    /* field number from 0 */
    int decimals;         /* MEGATEC_AS_TEXT: it is no number */
    double factor;
    enum megatec_slot slot;
    bool skips_zero; /* 0 means that it is not told */
};

struct megatec_column {
    const char *variable;
    unsigned first, last; /* of the line, its lead being column 0 */
    const char *prefix;   /* of the value; NULL: none */
};

enum megatec_bits {
    BITS_NONE,
    BITS_Q1,
    BITS_OMRON, /* as Q1, but that of the regulator is set as well while it does nothing */
    BITS_QGS,
    BITS_MODE
};

struct megatec_question {
    const char *query;
    enum megatec_form form;
    char lead;
    unsigned least, most;                 /* fields; of MEGATEC_TEXT: bytes */
    const struct megatec_field *fields;   /* ended by a slotless NULL variable; or NULL */
    const struct megatec_column *columns; /* ended by a NULL variable; or NULL */
    enum megatec_bits bits;
    unsigned bits_position; /* of BITS_Q1 and BITS_QGS: the field */
};

enum megatec_group {
    MEGATEC_STATUS, /* with each poll */
    MEGATEC_DETAIL, /* with each full poll */
    MEGATEC_RATING, /* once; norating leaves it out */
    MEGATEC_VENDOR, /* once; novendor leaves it out */
};

struct megatec_item {
    enum megatec_group group;
    const struct megatec_question *question; /* NULL: the end */
};

/*
 * A command. In text %o is the delay to off (".5" or "02"), %r the minutes to on, %t the minutes
 * of a test, %b what the beeper is to become.
 */
struct megatec_order {
    const char *command; /* NULL: the end */
    const char *text;
    const char *text_without_on; /* with ups.delay.start 0; NULL: text */
    bool stops_first;            /* switches off: a shutdown under way is called off before */
    unsigned test_minimum;       /* seconds, of %t; 0: no parameter */
};

struct megatec_dialect {
    const char *const *names; /* what protocol may say; the first is told; NULL-ended */
    const struct megatec_item *items;
    const struct megatec_order *orders;
    bool confirms; /* an order that is carried out is answered by ACK */
    unsigned off_minimum, off_maximum, on_minimum, on_maximum; /* seconds */
};

extern const struct megatec_dialect megatec_dialect_megatec, megatec_dialect_old,
    megatec_dialect_mustek, megatec_dialect_q1, megatec_dialect_mecer, megatec_dialect_zinto,
    megatec_dialect_bestups, megatec_dialect_q6, megatec_dialect_omron, megatec_dialect_voltronic,
    megatec_dialect_voltronic_qs, megatec_dialect_voltronic_qs_hex;

/* NULL-ended. */
const struct megatec_dialect *const *megatec_dialects(void);
/* By what protocol says, without regard to case; NULL: there is none. */
const struct megatec_dialect *megatec_dialect_find(const char *name);
/* Its first question about the status. */
const struct megatec_question *megatec_dialect_status(const struct megatec_dialect *dialect);
const struct megatec_order *megatec_order_find(const struct megatec_dialect *dialect,
                                               const char *command);

/* Those that tell dialects apart. */
extern const struct megatec_question megatec_ask_protocol, megatec_ask_letter, megatec_ask_rating,
    megatec_ask_vendor, megatec_ask_best, megatec_ask_q6, megatec_ask_omron;

/* What the text of an order is made for. Times in seconds. */
struct megatec_terms {
    unsigned off_delay, on_delay, test;
    bool beeper_is_on;
};

/* False: it does not fit. */
bool megatec_order_write(const struct megatec_order *order, const struct megatec_terms *terms,
                         char *out, size_t size);

#endif
