/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: ups.status as a set of tokens, so that both faces ask the same question the same way.
 * Source: NUT's docs/new-drivers (status tokens); words outside the list are legal and kept as
 * STATUS_OTHER.
 */
#ifndef UPSBRIDGE_CORE_STATUS_H
#define UPSBRIDGE_CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t status_set;

enum {
    STATUS_OL = 1u << 0,      /* input power present */
    STATUS_OB = 1u << 1,      /* on battery */
    STATUS_LB = 1u << 2,      /* low battery */
    STATUS_HB = 1u << 3,      /* high battery */
    STATUS_RB = 1u << 4,      /* replace battery */
    STATUS_CHRG = 1u << 5,    /* charging */
    STATUS_DISCHRG = 1u << 6, /* discharging */
    STATUS_BYPASS = 1u << 7,  /* load on the bypass */
    STATUS_CAL = 1u << 8,     /* calibrating: on battery by choice */
    STATUS_OFF = 1u << 9,     /* output off */
    STATUS_OVER = 1u << 10,   /* overload */
    STATUS_TRIM = 1u << 11,   /* lowering input voltage */
    STATUS_BOOST = 1u << 12,  /* raising input voltage */
    STATUS_FSD = 1u << 13,    /* forced shutdown */
    STATUS_ALARM = 1u << 14,  /* ups.alarm is not empty */
    STATUS_WAIT = 1u << 15,   /* no reading yet */
    STATUS_ECO = 1u << 16,    /* economy mode */
    STATUS_TEST = 1u << 17,   /* self test running */
    STATUS_OTHER = 1u << 30,  /* a word of no list */
};

/* Words are separated by blanks; matching is exact and case-sensitive, as clients match. */
status_set status_parse(const char *text);

/* The token of one bit ("OL"), or NULL for STATUS_OTHER and for anything but a single known bit. */
const char *status_token(status_set bit);

/*
 * Copies text to out without the given word, single blanks between what is left. out holds size
 * bytes; the result is cut to fit and always ended. Returns true if the word was there.
 */
bool status_remove_word(const char *text, const char *word, char *out, size_t size);

#endif
