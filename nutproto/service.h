/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what all sessions share: the store, the users, tracked requests, limits, and the buffers
 * of the one session that is being served at a time.
 */
#ifndef UPSBRIDGE_NUTPROTO_SERVICE_H
#define UPSBRIDGE_NUTPROTO_SERVICE_H

#include "core/certificates.h"
#include "core/loop.h"
#include "core/ups.h"
#include "core/words.h"
#include "nutproto/authority.h"
#include "nutproto/exhibit.h"
#include "nutproto/handshakes.h"
#include "nutproto/listeners.h"
#include "nutproto/output.h"
#include "nutproto/tracking.h"

#include <stddef.h>
#include <stdint.h>

/* What one wake-up takes in: enough for deep pipelines, short enough to be fair to the others. */
#define SERVICE_INPUT_SIZE 16384

struct event_base;
struct client_address;
struct session;
struct tls_context;

struct service {
    struct event_base *base;
    struct ups_store *store;
    int slot;          /* of our attachments in the store */
    struct pool *pool; /* for what may block */
    struct authority *authority;
    struct tracking *tracking;
    struct census *census;            /* the store's: what others may know of our clients */
    struct tls_context *tls;          /* owned; NULL: none configured */
    struct certificates certificates; /* those of tls */

    enum tls_requirement tls_required[SOCKETS_MAX]; /* of the clients of each listener */

    unsigned idle_limit;      /* ms without a complete line before a client is dropped */
    unsigned stall_limit;     /* ms a client may leave its answers unread without taking any */
    unsigned handshake_limit; /* ms from STARTTLS until TLS must be established */
    size_t handshakes_max;    /* begun and not ended, all together */
    size_t queue_limit;       /* bytes of answers that may wait for all slow clients together */

    struct session *sessions; /* this and the handshakes belong to session.c */
    struct handshakes handshakes;
    size_t session_count;
    uint64_t session_number; /* of the newest */
    size_t queued;           /* bytes waiting, against queue_limit */
    /* A session ended; may be NULL. */
    void (*on_leave)(void *context, const struct client_address *address);
    void *context;

    /* Complaints about clients in the log are limited: */
    uint64_t complaints_since; /* clock_ms() */
    unsigned complaints;

    struct words words;   /* of lines that arrive whole */
    struct output output; /* answers of the wake-up being served */
    char input[SERVICE_INPUT_SIZE];
};

/* NULL: out of memory, or the store has no slot left. */
struct service *service_new(struct loop *loop, struct ups_store *store, unsigned tracking_delay);
/* Closes every session. */
void service_free(struct service *service);

/* The attachment of a device; NULL when out of memory. */
struct exhibit *service_exhibit(struct service *service, struct ups *ups);

/*
 * Logs what a client did wrong. Anybody can cause such lines, known or not, so their number is
 * limited.
 */
void service_complain(struct service *service, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
