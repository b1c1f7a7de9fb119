/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose certificates clients may show: CERTPATH, and which of them were revoked: TLS_CRL. Each is a
 * PEM file or a directory as OpenSSL hashes it. All is read at once, so that no handshake waits for
 * a disk and a jail needs no more than that.
 */
#include "core/certificates.h"
#include "nutproto/tls_loading.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HASH_LENGTH 8
#define AUTHORITIES_MAX 2000

/* Takes what one file holds; the count, or -1: reported. */
typedef int take_file(const struct tls_loading *loading, const struct placed_word *word,
                      const struct tls_file *file, X509_STORE *store);

static int take_authorities(const struct tls_loading *loading, const struct placed_word *word,
                            const struct tls_file *file, X509_STORE *store)
{
    STACK_OF(X509) *certificates = sk_X509_new_null();
    int count = -1;

    if (certificates != NULL &&
        tls_certificates_read(loading, word, file, certificates, AUTHORITIES_MAX)) {
        count = sk_X509_num(certificates);
        for (int i = 0; i < count; i++)
            X509_STORE_add_cert(store, sk_X509_value(certificates, i));
    }
    sk_X509_pop_free(certificates, X509_free);
    return count;
}

void tls_revocations_check(const struct tls_loading *loading, const struct placed_word *word,
                           const char *path, const X509_CRL *list)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
    char time_text[CERTIFICATE_TIME_SIZE];
    char issuer[256] = "";

    if (next == NULL || X509_cmp_current_time(next) > 0)
        return;
    X509_NAME_oneline(X509_CRL_get_issuer(list), issuer, sizeof issuer);
    tls_warning(loading, word,
                "%s: the list of %s should have been renewed by %s: clients with its certificates "
                "are refused",
                path, issuer, certificate_time(tls_time(next), time_text));
}

static int take_revocations(const struct tls_loading *loading, const struct placed_word *word,
                            const struct tls_file *file, X509_STORE *store)
{
    BIO *bio = BIO_new_mem_buf(file->data, (int)file->size);
    bool pem = tls_file_is_pem(file);
    int count = 0;
    X509_CRL *list;

    while ((list = pem ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)
                       : d2i_X509_CRL_bio(bio, NULL)) != NULL) {
        tls_revocations_check(loading, word, file->path, list);
        X509_STORE_add_crl(store, list);
        X509_CRL_free(list);
        count++;
        if (!pem)
            break;
    }
    BIO_free(bio);
    bool damaged = pem && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
    const char *reason = tls_reason();
    if (!damaged && count > 0)
        return count;
    if (damaged)
        tls_error(loading, word, "%s: list %d is damaged: %s", file->path, count + 1, reason);
    else
        tls_error(loading, word, "%s holds no list of revoked certificates", file->path);
    return -1;
}

/* "0123abcd.0" for a certificate, "0123abcd.r0" for a list. */
static bool is_hashed(const char *name, bool list)
{
    const char *rest = name + HASH_LENGTH;

    for (int i = 0; i < HASH_LENGTH; i++) {
        if (!isxdigit((unsigned char)name[i]))
            return false;
    }
    if (*rest++ != '.' || (list && *rest++ != 'r'))
        return false;
    return *rest != '\0' && strspn(rest, "0123456789") == strlen(rest);
}

static int take_path(const struct tls_loading *loading, const struct placed_word *word,
                     const char *path, X509_STORE *store, take_file *take)
{
    struct tls_file file;

    if (!tls_file_read(loading, word, path, &file))
        return -1;
    int count = take(loading, word, &file, store);
    tls_file_free(&file);
    return count;
}

static bool take_directory(const struct tls_loading *loading, const struct placed_word *word,
                           const char *path, X509_STORE *store, take_file *take)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    char file[PATH_MAX];
    bool list = take == take_revocations;
    int taken = 0;

    if (directory == NULL) {
        tls_error(loading, word, "cannot read %s: %s", path, strerror(errno));
        return false;
    }
    while (taken >= 0 && (entry = readdir(directory)) != NULL) {
        if (!is_hashed(entry->d_name, list))
            continue;
        if (snprintf(file, sizeof file, "%s/%s", path, entry->d_name) >= (int)sizeof file)
            continue;
        int count = take_path(loading, word, file, store, take);
        taken = count < 0 ? -1 : taken + count;
    }
    closedir(directory);
    if (taken == 0)
        tls_error(loading, word, "%s holds no hashed %s: openssl rehash %s", path,
                  list ? "lists (0123abcd.r0)" : "certificates (0123abcd.0)", path);
    return taken > 0;
}

static bool take_word(const struct tls_loading *loading, const struct placed_word *word,
                      X509_STORE *store, take_file *take)
{
    char path[PATH_MAX];
    struct stat status;

    if (!tls_path(loading, word, path))
        return false;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return take_directory(loading, word, path, store, take);
    return take_path(loading, word, path, store, take) > 0;
}

bool tls_authorities_load(const struct tls_loading *loading, X509_STORE *store)
{
    return take_word(loading, &loading->settings->tls.authorities, store, take_authorities);
}

bool tls_revocations_load(const struct tls_loading *loading, X509_STORE *store)
{
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return take_word(loading, &loading->settings->tls.revocations, store, take_revocations);
}
