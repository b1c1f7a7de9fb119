/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what is known of the certificates in use, for whoever shows it: both faces and the log.
 * How they are read is nutproto/tls_context.h's business.
 */
#ifndef UPSBRIDGE_CORE_CERTIFICATES_H
#define UPSBRIDGE_CORE_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* With fewer days left it is time to renew a certificate. */
#define CERTIFICATE_RENEWAL_DAYS 30

struct certificate {
    char *name;    /* "server", then "chain 1" and so on for what is sent with it */
    char *file;    /* where it was read; for a database its directory */
    char *subject; /* in the form of RFC 2253 */
    time_t not_before, not_after;
};

/* Zeroed: none. */
struct certificates {
    struct certificate *items; /* "server" is the first */
    size_t count;
};

/* Copies its arguments; false: out of memory, nothing was added. */
bool certificates_add(struct certificates *certificates, const struct certificate *certificate);
/* Makes copy, which may hold others, equal to original. False: out of memory, nothing changed. */
bool certificates_copy(struct certificates *copy, const struct certificates *original);
void certificates_clear(struct certificates *certificates);

/* Whole days until it expires; below 0: it has expired. */
long certificate_days(const struct certificate *certificate, time_t now);

/* Room for "2027-01-31T12:00:00Z" and years of any length. */
#define CERTIFICATE_TIME_SIZE 40
/* ISO 8601, UTC. Returns text. */
const char *certificate_time(time_t time, char text[CERTIFICATE_TIME_SIZE]);

/* Logs which expire soon, have expired or are not valid yet; with all, also those that are well. */
void certificates_log(const struct certificates *certificates, time_t now, bool all);

#endif
