/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what a client's request waits for: that some time passes, or that the pool answers a
 * question. Clients of one place wait for each other, and places take turns, so that many clients do
 * not keep out others, wherever they come from.
 *
 * A client has one inquiry at most. When it is READY or ANSWERED the client's session is continued,
 * and whoever began the inquiry drops it.
 */
#ifndef UPSBRIDGE_NUTPROTO_INQUIRY_H
#define UPSBRIDGE_NUTPROTO_INQUIRY_H

#include "core/pool.h"
#include "nutproto/client.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct inquiries;

enum inquiry_state {
    INQUIRY_NONE,
    INQUIRY_DELAYED,
    INQUIRY_READY,   /* the time has passed */
    INQUIRY_WAITING, /* for its turn */
    INQUIRY_RUNNING,
    INQUIRY_ANSWERED,
};

enum inquiry_topic { INQUIRY_PASSWORD, INQUIRY_WRAPPERS };

struct question {
    enum inquiry_topic topic;
    /* PASSWORD: the hash that is to be tried, and the password. WRAPPERS: the user's name. */
    const char *hash, *text;
    uint64_t token;      /* PASSWORD: of the credentials */
    bool lost;           /* PASSWORD: the answer is no, however long it takes to find out */
    bool urgent;         /* it goes before those that are not */
    unsigned generation; /* of the users, for whoever asks */
};

/*
 * abandoned(context, address) is told of a client that went away while its password was being
 * looked at. NULL: out of memory.
 */
struct inquiries *inquiries_new(struct event_base *base, struct pool *pool,
                                void (*abandoned)(void *context,
                                                  const struct client_address *address),
                                void *context);
/* No client may have an inquiry any more. */
void inquiries_free(struct inquiries *inquiries);

/* Both replace what the client waited for. False: out of memory; it then waits for nothing. */
bool inquiry_delay(struct inquiries *inquiries, struct client *client, uint64_t milliseconds);
/* What the question points to is copied. */
bool inquiry_ask(struct inquiries *inquiries, struct client *client,
                 const struct question *question);

enum inquiry_state inquiry_state(const struct client *client);
/* What was asked; NULL: nothing. Its texts are gone. */
const struct question *inquiry_question(const struct client *client);
/* Of an ANSWERED one. */
bool inquiry_answer(const struct client *client);
void inquiry_drop(struct client *client);

/* These credentials are right: whoever has a question about the same need not wait for an answer.
 */
void inquiries_settle(struct inquiries *inquiries, uint64_t token);

#endif
