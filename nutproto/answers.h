/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: how the protocol writes things down: error lines, variables, and the long lists, which
 * are rendered once for each state of a device.
 * Source: RFC 9271 section 4.2 and the behaviour of upsd 2.8.0.
 */
#ifndef UPSBRIDGE_NUTPROTO_ANSWERS_H
#define UPSBRIDGE_NUTPROTO_ANSWERS_H

#include "core/ups.h"
#include "nutproto/exhibit.h"
#include "nutproto/output.h"

/* "ERR token" */
void answer_error(struct output *output, const char *token);

/* `WORD first second "text"`: names as given, the text escaped. second may be NULL. */
void answer_quoted(struct output *output, const char *word, const char *first, const char *second,
                   const char *text);

/* The value of a variable as clients are shown it: a forced shutdown stands before ups.status. */
void answer_variable(struct output *output, const struct ups *ups, const char *ups_name,
                     const char *variable_name, const struct ups_variable *variable);

/* "BEGIN LIST WORD first second" and its END; first and second may be NULL. */
void answer_begin(struct output *output, const char *word, const char *first, const char *second);
void answer_end(struct output *output, const char *word, const char *first, const char *second);

/*
 * LIST VAR, RW or CMD of a device, whose name the client spelt ups_name. exhibit may be NULL: then
 * nothing is kept for the next client.
 */
void answer_listing(struct output *output, const struct ups *ups, struct exhibit *exhibit,
                    enum listing listing, const char *ups_name);

#endif
