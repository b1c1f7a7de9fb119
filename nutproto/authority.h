/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: who a client is, and whether TCP wrappers let it in. What takes long is done elsewhere
 * while the client's request waits (COMMAND_WAITS); the request is then run again, and asks again.
 *
 * A user is who sends its name and its password, or who has its certificate. Credentials that were
 * right lately are at once. Others wait if wrong ones came from the same place, and wait for the
 * pool if any password of the table is hashed: then a wrong one takes as long as that for a user
 * there is not.
 */
#ifndef UPSBRIDGE_NUTPROTO_AUTHORITY_H
#define UPSBRIDGE_NUTPROTO_AUTHORITY_H

#include "core/counters.h"
#include "nutproto/client.h"
#include "nutproto/users.h"

#include <stdbool.h>

struct authority;
struct event_base;
struct pool;

enum verdict { VERDICT_GRANTED, VERDICT_DENIED, VERDICT_WAITS };

/* NULL: out of memory. counters is kept by reference. There are no users yet. */
struct authority *authority_new(struct event_base *base, struct pool *pool,
                                struct counters *counters);
/* Frees the users too. No client may be left. */
void authority_free(struct authority *authority);

/* Takes users over. Whoever was right by the old ones has to be right anew, but need not wait. */
void authority_set_users(struct authority *authority, struct users *users);
/* Are TCP wrappers to be asked? Not if this is never called. */
void authority_set_wrappers(struct authority *authority, bool wrappers);

/* The user that a verified certificate of the client stands for; NULL: none. */
const struct user *authority_certified(const struct authority *authority,
                                       const struct client *client);

/*
 * The name of the user the client is, or says it is; failing both its certificate's subject. NULL:
 * it said nothing.
 */
const char *authority_user_name(const struct authority *authority, const struct client *client);

/* Do TCP wrappers let this client use its name? */
enum verdict authority_admit(struct authority *authority, struct client *client);

/* Granted: *user, until the users change, is who the client is as of now. */
enum verdict authority_identify(struct authority *authority, struct client *client,
                                const struct user **user);

#endif
