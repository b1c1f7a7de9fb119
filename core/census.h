/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the NUT and the Modbus face tell of their clients, and the daemon of its
 * certificates, for whoever shows it: so that the faces need not know each other. One a store
 * (ups_store_census()).
 */
#ifndef UPSBRIDGE_CORE_CENSUS_H
#define UPSBRIDGE_CORE_CENSUS_H

#include "core/certificates.h"
#include "core/counters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connected client. The texts live only during the visit. */
struct census_client {
    uint64_t number; /* connections in the order they were accepted, from 1 */
    const char *address;
    const char *user; /* NULL: it is not logged in */
    const char *ups;  /* that it is logged in to; NULL */
    bool tls;
    uint64_t since; /* clock_ms() */
};

typedef void census_visit(void *context, const struct census_client *client);

/* Zeroed: nothing is known. */
struct census {
    /* Since the start: */
    uint64_t connections;         /* accepted */
    uint64_t refused_connections; /* closed at once: too many, or not let in */
    uint64_t refused_logins;      /* answers that a right is missing */
    uint64_t requests;            /* lines answered */
    size_t clients;               /* connected now */
    struct counters counters;     /* the refusals in detail */

    struct modbus_counters modbus;

    /* Visits each client, in any order; NULL: there is nobody to ask. */
    void (*each_client)(void *source, census_visit *visit, void *context);
    void *source;

    const struct certificates *certificates; /* in use; NULL: none */
};

#endif
