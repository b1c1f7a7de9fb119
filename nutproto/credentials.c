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

bool credentials_known(struct credentials *credentials, uint64_t token, uint64_t now)
{
    if (token == 0 || credentials->sets == NULL)
        return false;
    struct entry *set = credentials->sets[token % SETS];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].token == token && set[i].until > now) {
            set[i].until = now + KEPT_MS;
            return true;
        }
    }
    return false;
}

void credentials_keep(struct credentials *credentials, uint64_t token, uint64_t now)
{
    if (token == 0 || credentials_known(credentials, token, now))
        return;
    if (credentials->sets == NULL)
        credentials->sets = calloc(SETS, sizeof credentials->sets[0]);
    if (credentials->sets == NULL)
        return;
    struct entry *oldest = credentials->sets[token % SETS];
    for (size_t i = 1; i < WAYS; i++) {
        if (credentials->sets[token % SETS][i].until < oldest->until)
            oldest = &credentials->sets[token % SETS][i];
    }
    *oldest = (struct entry){ .token = token, .until = now + KEPT_MS };
}

void credentials_forget(struct credentials *credentials)
{
    free(credentials->sets);
    credentials->sets = NULL;
}
