/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: remembers where wrong passwords came from, so that trying many takes long. What is
 * remembered is bounded: with too many places, those that failed least and longest ago are
 * forgotten. Times are clock_ms().
 */
#ifndef UPSBRIDGE_NUTPROTO_ATTEMPTS_H
#define UPSBRIDGE_NUTPROTO_ATTEMPTS_H

#include "nutproto/client.h"

#include <stdint.h>

/* The longest delay, in ms. */
#define ATTEMPTS_DELAY_MAX 2000

struct attempts;

/* NULL: out of memory. */
struct attempts *attempts_new(void);
void attempts_free(struct attempts *attempts);

/* How long the next attempt from there has to wait, in ms; 0: not at all. */
uint64_t attempts_delay(const struct attempts *attempts, const struct client_address *address,
                        uint64_t now);
/* Each failure doubles the delay; a time without any lets it shrink again. */
void attempts_failed(struct attempts *attempts, const struct client_address *address, uint64_t now);

#endif
