/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: takes apart what a UPS of the Q family has answered: a line of fields between blanks,
 * led by a character that tells its kind. What is echoed, refused, cut off, run together or noise
 * is told from an answer, so that nothing of it becomes a reading.
 * Source: the protocol's own descriptions; the oddities are those of devices that users met.
 */
#ifndef UPSBRIDGE_DRIVERS_MEGATEC_ANSWER_H
#define UPSBRIDGE_DRIVERS_MEGATEC_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEGATEC_ANSWER_MAX 255 /* bytes without the ending CR */
#define MEGATEC_FIELDS_MAX 24
#define MEGATEC_BITS_MAX 12

enum megatec_verdict {
    MEGATEC_GOOD,
    MEGATEC_SILENT,    /* nothing came */
    MEGATEC_ECHOED,    /* the query came back: it is not understood */
    MEGATEC_REFUSED,   /* NAK, in any of its spellings */
    MEGATEC_MALFORMED, /* not an answer to this query, or not a whole one */
};

/* How a line is written. */
enum megatec_form {
    MEGATEC_FIELDS, /* fields between blanks */
    MEGATEC_COMMAS, /* fields between commas */
    MEGATEC_UNITS,  /* fields between slashes, each a number with its unit: "048V" */
    MEGATEC_TEXT,   /* columns, or a text as a whole */
    MEGATEC_BINARY, /* the Voltronic P and T protocols': bytes, made into fields as QS has them */
};

struct megatec_answer {
    char text[MEGATEC_ANSWER_MAX + 1]; /* MEGATEC_TEXT: the whole line, lead included */
    unsigned count;
    const char *fields[MEGATEC_FIELDS_MAX]; /* within text; the lead is left out */
};

/*
 * lead is what the line must begin with; '\0': anything. query is what was asked, without its CR.
 * bytes is the line, without its CR.
 */
enum megatec_verdict megatec_answer_read(const char *query, enum megatec_form form, char lead,
                                         const char *bytes, size_t length,
                                         struct megatec_answer *answer);

enum megatec_number {
    MEGATEC_NUMBER,
    MEGATEC_ABSENT, /* "--.-": the device has no such reading */
    MEGATEC_WRONG,  /* no number */
};
enum megatec_number megatec_number_read(const char *field, double *number);

/* Exactly count digits, each 0 or 1: bits[0] is the first. */
bool megatec_bits_read(const char *field, unsigned count, bool bits[MEGATEC_BITS_MAX]);

/*
 * Columns first to last of a text, without blanks around. False: there is nothing in them, or what
 * fills them is no name ("-------", "2222222").
 */
bool megatec_columns_read(const struct megatec_answer *answer, unsigned first, unsigned last,
                          char *out, size_t size);

#endif
