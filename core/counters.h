/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the NUT face has refused since the start, and what the Modbus face has done, for
 * whoever shows it.
 */
#ifndef UPSBRIDGE_CORE_COUNTERS_H
#define UPSBRIDGE_CORE_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

struct counters {
    uint64_t wrong_credentials; /* requests with a wrong user name or password */
    uint64_t missing_rights;    /* requests of users who lack the right to them */
    uint64_t wrappers_refusals; /* requests that TCP wrappers forbid */
    uint64_t access_refusals;   /* connections that ACCESS forbids */
    uint64_t crowding_refusals; /* connections of hosts that have too many */
    uint64_t delayed_attempts;  /* passwords that were looked at only after a while */
};

/* What the Modbus face has seen. */
struct modbus_counters {
    size_t clients; /* connected now */
    /* Since the start: */
    uint64_t connections; /* accepted */
    uint64_t refused;     /* closed at once: too many, or not let in */
    uint64_t requests;    /* answered, exceptions included */
    uint64_t exceptions;
    uint64_t garbled; /* closed for something that is no frame */
};

#endif
