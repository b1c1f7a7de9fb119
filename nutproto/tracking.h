/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what became of the commands and settings that clients asked to be tracked. Identifiers
 * are valid on every connection, for a while after the request; memory is bounded, the oldest go
 * first.
 * Source: RFC 9271 section 4.2.3 and the behaviour of upsd 2.8.0.
 */
#ifndef UPSBRIDGE_NUTPROTO_TRACKING_H
#define UPSBRIDGE_NUTPROTO_TRACKING_H

#include "core/ups.h"

#include <stdbool.h>
#include <stdint.h>

#define TRACKING_TEXT_SIZE 37 /* a UUID as text, with its NUL */
#define TRACKING_ENTRIES_MAX 65536u

struct tracking;

enum tracking_state {
    TRACKING_HANDLED = UPS_HANDLED,
    TRACKING_UNKNOWN = UPS_UNKNOWN, /* of the device, or: no such identifier (any more) */
    TRACKING_INVALID = UPS_INVALID,
    TRACKING_FAILED = UPS_FAILED,
    TRACKING_PENDING,
};

/* delay: seconds an entry lives, counted from the request. NULL: out of memory. */
struct tracking *tracking_new(unsigned delay);
void tracking_free(struct tracking *tracking);
void tracking_set_delay(struct tracking *tracking, unsigned delay);

/*
 * Makes a new identifier, a random UUID in upper case. False: the system gave no random bytes; the
 * request should then go untracked.
 */
bool tracking_make_id(char text[TRACKING_TEXT_SIZE]);

/*
 * Enters a request as pending. Requests must come in growing order, as the store numbers them. now
 * is clock_ms(). False: out of memory.
 */
bool tracking_add(struct tracking *tracking, const char *id, uint64_t request, uint64_t now);

/*
 * Notes the outcome of a request. If it is tracked, copies its identifier to text and returns true.
 */
bool tracking_complete(struct tracking *tracking, uint64_t request, enum ups_outcome outcome,
                       char text[TRACKING_TEXT_SIZE]);

/* Case-insensitive; anything that is no identifier of an entry is TRACKING_UNKNOWN. */
enum tracking_state tracking_find(struct tracking *tracking, const char *id, uint64_t now);

/* As clients and the log are told it: "PENDING", "SUCCESS", "ERR FAILED"... */
const char *tracking_state_text(enum tracking_state state);

#endif
