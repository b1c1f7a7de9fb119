/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/credentials.h"

#include "core/keyed_hash.h"
#include "core/words.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_MS ((uint64_t)3600 * 1000)
#define SETS 64
#define WAYS 4

struct entry {
    uint64_t token; /* 0: not in use */
    uint64_t until;
    bool doubted;
};

struct credentials {
    struct hash_key key;
    bool has_key;
    struct entry (*sets)[WAYS]; /* NULL: nothing is kept */
};

struct credentials *credentials_new(void)
{
    return calloc(1, sizeof(struct credentials));
}

void credentials_free(struct credentials *credentials)
{
    if (credentials == NULL)
        return;
    free(credentials->sets);
    explicit_bzero(credentials, sizeof *credentials);
    free(credentials);
}

uint64_t credentials_token(struct credentials *credentials, const char *user_name,
                           const char *password)
{
    char text[2 * (WORD_LENGTH_MAX + 1)];
    size_t name_size = strlen(user_name) + 1;
    size_t password_size = strlen(password) + 1;

    if (name_size + password_size > sizeof text)
        return 0;
    if (!credentials->has_key)
        credentials->has_key = hash_key_make(&credentials->key);
    if (!credentials->has_key)
        return 0;
    memcpy(text, user_name, name_size);
    memcpy(text + name_size, password, password_size);
    uint64_t token = keyed_hash(&credentials->key, text, name_size + password_size);
    explicit_bzero(text, sizeof text);
    return token;
}

/* NULL: there is none. */
static struct entry *find(const struct credentials *credentials, uint64_t token, uint64_t now)
{
    if (token == 0 || credentials->sets == NULL)
        return NULL;
    struct entry *set = credentials->sets[token % SETS];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].token == token && set[i].until > now)
            return &set[i];
    }
    return NULL;
}

bool credentials_known(struct credentials *credentials, uint64_t token, uint64_t now)
{
    struct entry *entry = find(credentials, token, now);

    if (entry == NULL || entry->doubted)
        return false;
    entry->until = now + KEPT_MS;
    return true;
}

static struct entry *oldest(struct entry set[WAYS])
{
    struct entry *found = &set[0];

    for (size_t i = 1; i < WAYS; i++) {
        if (set[i].until < found->until)
            found = &set[i];
    }
    return found;
}

void credentials_keep(struct credentials *credentials, uint64_t token, uint64_t now)
{
    struct entry *entry = find(credentials, token, now);

    if (credentials->sets == NULL)
        credentials->sets = calloc(SETS, sizeof credentials->sets[0]);
    if (token == 0 || credentials->sets == NULL)
        return;
    if (entry == NULL)
        entry = oldest(credentials->sets[token % SETS]);
    *entry = (struct entry){ .token = token, .until = now + KEPT_MS };
}

void credentials_forget(struct credentials *credentials, uint64_t token)
{
    struct entry *entry = find(credentials, token, 0);

    if (entry != NULL)
        *entry = (struct entry){ 0 };
}

void credentials_doubt(struct credentials *credentials)
{
    for (size_t i = 0; credentials->sets != NULL && i < SETS; i++) {
        for (size_t j = 0; j < WAYS; j++)
            credentials->sets[i][j].doubted = true;
    }
}

bool credentials_were_right(const struct credentials *credentials, uint64_t token, uint64_t now)
{
    return find(credentials, token, now) != NULL;
}
