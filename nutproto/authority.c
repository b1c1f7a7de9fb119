/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/authority.h"

#include "core/loop.h"
#include "nutproto/attempts.h"
#include "nutproto/credentials.h"
#include "nutproto/inquiry.h"
#include "nutproto/passwords.h"
#include "nutproto/wrappers.h"

#include <stdlib.h>
#include <string.h>

/* So long a client that TCP wrappers let in is not asked about again. */
#define ADMITTED_MS 5000

struct authority {
    struct users *users; /* NULL: not set yet */
    unsigned generation; /* of the users */
    struct credentials *credentials;
    struct attempts *attempts;
    struct inquiries *inquiries;
    struct wrappers wrappers;
    bool asks_wrappers;
    struct counters *counters;
};

/* Who does not wait for the answer must not get around the delay. */
static void on_abandoned(void *context, const struct client_address *address)
{
    struct authority *authority = context;

    attempts_failed(authority->attempts, address, clock_ms());
}

struct authority *authority_new(struct event_base *base, struct pool *pool,
                                struct counters *counters)
{
    struct authority *authority = calloc(1, sizeof *authority);

    if (authority == NULL)
        return NULL;
    authority->counters = counters;
    authority->credentials = credentials_new();
    authority->attempts = attempts_new();
    authority->inquiries = inquiries_new(base, pool, on_abandoned, authority);
    if (authority->credentials == NULL || authority->attempts == NULL ||
        authority->inquiries == NULL) {
        authority_free(authority);
        return NULL;
    }
    return authority;
}

void authority_free(struct authority *authority)
{
    if (authority == NULL)
        return;
    inquiries_free(authority->inquiries);
    attempts_free(authority->attempts);
    credentials_free(authority->credentials);
    users_free(authority->users);
    free(authority);
}

void authority_set_users(struct authority *authority, struct users *users)
{
    users_free(authority->users);
    authority->users = users;
    authority->generation++;
    credentials_doubt(authority->credentials);
}

void authority_set_wrappers(struct authority *authority, bool wrappers)
{
    authority->asks_wrappers = wrappers;
}

/* Names of users ----------------------------------------------------------------------------- */

const struct user *authority_certified(const struct authority *authority,
                                       const struct client *client)
{
    if (client->certificate_subject == NULL)
        return NULL;
    const struct user *user = users_find_subject(authority->users, client->certificate_subject);
    if (user != NULL && client->user_name != NULL &&
        strcmp(client->user_name, user_name(user)) != 0)
        return NULL;
    return user;
}

const char *authority_user_name(const struct authority *authority, const struct client *client)
{
    const struct user *user = authority_certified(authority, client);

    if (user != NULL)
        return user_name(user);
    return client->user_name != NULL ? client->user_name : client->certificate_subject;
}

/* TCP wrappers ------------------------------------------------------------------------------- */

static enum verdict conclude_admission(struct authority *authority, struct client *client)
{
    bool admitted = inquiry_answer(client);

    inquiry_drop(client);
    if (!admitted) {
        authority->counters->wrappers_refusals++;
        return VERDICT_DENIED;
    }
    client->admitted_until = clock_ms() + ADMITTED_MS;
    client->admitted_stamp = authority->wrappers.stamp;
    return VERDICT_GRANTED;
}

enum verdict authority_admit(struct authority *authority, struct client *client)
{
    const struct question *asked = inquiry_question(client);
    struct question question = { .topic = INQUIRY_WRAPPERS };

    if (!authority->asks_wrappers)
        return VERDICT_GRANTED;
    /* Whose password is being looked at has been admitted before. */
    if (inquiry_state(client) != INQUIRY_NONE &&
        (asked == NULL || asked->topic != INQUIRY_WRAPPERS))
        return VERDICT_GRANTED;
    if (inquiry_state(client) == INQUIRY_ANSWERED)
        return conclude_admission(authority, client);
    if (inquiry_state(client) != INQUIRY_NONE)
        return VERDICT_WAITS;
    if (!wrappers_look(&authority->wrappers) ||
        (client->admitted_until > clock_ms() &&
         client->admitted_stamp == authority->wrappers.stamp))
        return VERDICT_GRANTED;
    question.text = authority_user_name(authority, client);
    question.urgent = client->verified || authority_certified(authority, client) != NULL;
    return inquiry_ask(authority->inquiries, client, &question) ? VERDICT_WAITS : VERDICT_DENIED;
}

/* Passwords ---------------------------------------------------------------------------------- */

static enum verdict grant(struct authority *authority, struct client *client,
                          const struct user **user)
{
    *user = users_find(authority->users, client->user_name);
    client->verified = *user != NULL;
    return *user == NULL ? VERDICT_DENIED : VERDICT_GRANTED;
}

static enum verdict conclude(struct authority *authority, struct client *client, bool right,
                             uint64_t token, const struct user **user)
{
    if (right) {
        credentials_keep(authority->credentials, token, clock_ms());
        inquiries_settle(authority->inquiries, token);
        return grant(authority, client, user);
    }
    client->verified = false;
    credentials_forget(authority->credentials, token);
    authority->counters->wrong_credentials++;
    attempts_failed(authority->attempts, &client->address, clock_ms());
    return VERDICT_DENIED;
}

/* Who was right before is not the one who tries out passwords, even if it has to be seen anew. */
static bool is_trusted(const struct authority *authority, const struct client *client,
                       uint64_t token)
{
    return client->verified || credentials_were_right(authority->credentials, token, clock_ms());
}

static enum verdict verify(struct authority *authority, struct client *client, uint64_t token,
                           const struct user **user)
{
    const struct user *known = users_find(authority->users, client->user_name);
    bool hashed = false;
    const char *password = known == NULL ? NULL : user_password(known, &hashed);
    const char *hash = hashed ? password : users_some_hash(authority->users);
    bool right = password != NULL && !hashed && password_same(password, client->password);

    if (right || hash == NULL)
        return conclude(authority, client, right, token, user);
    struct question question = { .topic = INQUIRY_PASSWORD,
                                 .hash = hash,
                                 .text = client->password,
                                 .token = token,
                                 .lost = !hashed,
                                 .urgent = is_trusted(authority, client, token),
                                 .generation = authority->generation };
    if (inquiry_ask(authority->inquiries, client, &question))
        return VERDICT_WAITS;
    return conclude(authority, client, false, token, user);
}

/* Must the client wait before it is looked at? */
static bool begin_delay(struct authority *authority, struct client *client, uint64_t token)
{
    uint64_t delay = attempts_delay(authority->attempts, &client->address, clock_ms());

    if (delay == 0 || is_trusted(authority, client, token))
        return false;
    authority->counters->delayed_attempts++;
    return inquiry_delay(authority->inquiries, client, delay);
}

enum verdict authority_identify(struct authority *authority, struct client *client,
                                const struct user **user)
{
    const struct question *question = inquiry_question(client);
    enum inquiry_state state = inquiry_state(client);

    *user = authority_certified(authority, client);
    if (*user != NULL)
        return VERDICT_GRANTED;
    uint64_t token = credentials_token(authority->credentials, client->user_name, client->password);
    if (credentials_known(authority->credentials, token, clock_ms())) {
        inquiry_drop(client);
        return grant(authority, client, user);
    }
    if (state == INQUIRY_DELAYED || state == INQUIRY_WAITING || state == INQUIRY_RUNNING)
        return VERDICT_WAITS;
    if (state == INQUIRY_ANSWERED && question->topic == INQUIRY_PASSWORD &&
        question->generation == authority->generation) {
        bool right = inquiry_answer(client);

        inquiry_drop(client);
        return conclude(authority, client, right, token, user);
    }
    if (state == INQUIRY_NONE && begin_delay(authority, client, token))
        return VERDICT_WAITS;
    inquiry_drop(client);
    return verify(authority, client, token, user);
}
