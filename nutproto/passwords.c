/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/passwords.h"

#include "core/words.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* crypt(3) takes less than the whole hash for a setting, so what is cut off must be seen here. */
struct method {
    const char *start;
    size_t digest; /* characters behind the last '$' */
};

static const struct method methods[] = {
    { "$1$", 22 },   { "$2a$", 53 },  { "$2b$", 53 },   { "$2x$", 53 }, { "$2y$", 53 },
    { "$3$", 32 },   { "$5$", 43 },   { "$6$", 86 },    { "$7$", 43 },  { "$gy$", 43 },
    { "$md5$", 22 }, { "$md5,", 22 }, { "$sha1$", 28 }, { "$y$", 43 },
};

bool password_is_hash(const char *text)
{
    if (text[0] != '$')
        return false;
    size_t method = strspn(text + 1, LETTERS_AND_DIGITS);
    char behind = text[1 + method];

    return method > 0 && (behind == '$' || behind == ',');
}

const char *password_check_hash(const char *text, bool *weak)
{
    const char *digest = strrchr(text, '$') + 1;
    int verdict = crypt_checksalt(text);

    *weak = verdict == CRYPT_SALT_METHOD_LEGACY || verdict == CRYPT_SALT_TOO_CHEAP;
    if (verdict == CRYPT_SALT_METHOD_DISABLED)
        return "is hashed by a method that is switched off on this system";
    if (verdict == CRYPT_SALT_INVALID)
        return "looks like a hash, but of no method that crypt(5) knows";
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strncmp(text, methods[i].start, strlen(methods[i].start)) == 0 &&
            (strlen(digest) != methods[i].digest ||
             strspn(digest, "./" LETTERS_AND_DIGITS) != methods[i].digest))
            return "is no whole hash (is it in double quotes?)";
    }
    return NULL;
}

bool password_same(const char *secret, const char *text)
{
    size_t secret_length = strlen(secret);
    size_t text_length = strlen(text);
    volatile unsigned char difference = secret_length != text_length;

    for (size_t i = 0; i < text_length; i++)
        difference |= (unsigned char)(text[i] ^ (i < secret_length ? secret[i] : 0));
    return difference == 0;
}

bool password_matches(const char *hash, const char *text)
{
    struct crypt_data *data = calloc(1, sizeof *data);

    if (data == NULL)
        return false;
    const char *result = crypt_r(text, hash, data);
    /* What crypt(3) returns for an error is never equal to the hash it was given. */
    bool same = result != NULL && result[0] != '*' && password_same(hash, result);
    explicit_bzero(data, sizeof *data);
    free(data);
    return same;
}

const char *password_check(const char *text)
{
    size_t length = strlen(text);

    if (length == 0)
        return "is empty";
    if (length >= CRYPT_MAX_PASSPHRASE_SIZE || length >= WORD_LENGTH_MAX)
        return "is too long";
    for (size_t i = 0; i < length; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e)
            return "has characters that are not printable ASCII: clients cannot send them";
    }
    return NULL;
}

char *password_hash(const char *text)
{
    char *setting = crypt_gensalt_ra(NULL, 0, NULL, 0);
    struct crypt_data *data = calloc(1, sizeof *data);
    char *hash = NULL;

    if (setting != NULL && data != NULL) {
        const char *result = crypt_r(text, setting, data);

        if (result != NULL && result[0] != '*')
            hash = strdup(result);
    }
    int saved_errno = errno;
    if (data != NULL)
        explicit_bzero(data, sizeof *data);
    free(data);
    free(setting);
    errno = saved_errno;
    return hash;
}
