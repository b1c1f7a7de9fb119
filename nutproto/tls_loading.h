/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of tls_context_load(): what its parts share. For nutproto/tls_*.c alone.
 */
#ifndef UPSBRIDGE_NUTPROTO_TLS_LOADING_H
#define UPSBRIDGE_NUTPROTO_TLS_LOADING_H

#include "core/settings.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

/* One pass over the files that the settings name. */
struct tls_loading {
    const struct settings *settings;
    struct config_report *report;
};

/* Complaints about what a directive names: file, line and directive come before the text. */
void tls_error(const struct tls_loading *loading, const struct placed_word *word,
               const char *format, ...) __attribute__((format(printf, 3, 4)));
void tls_warning(const struct tls_loading *loading, const struct placed_word *word,
                 const char *format, ...) __attribute__((format(printf, 3, 4)));

/* OpenSSL's reason for the last failure; empties its queue of errors. Static. */
const char *tls_reason(void);

/* The path a word names; false: it is too long, which was reported. */
bool tls_path(const struct tls_loading *loading, const struct placed_word *word,
              char path[PATH_MAX]);

/* A file in memory. */
struct tls_file {
    const char *path;
    unsigned char *data;
    size_t size;
    mode_t mode;
};

/* False: it could not be read, which was reported. Freed by tls_file_free(), which wipes it. */
bool tls_file_read(const struct tls_loading *loading, const struct placed_word *word,
                   const char *path, struct tls_file *file);
void tls_file_free(struct tls_file *file);

/*
 * Complains if everybody may read or write a file that holds a private key. False: that is an
 * error, by STRICT_PERMISSIONS.
 */
bool tls_check_mode(const struct tls_loading *loading, const struct placed_word *word,
                    const char *path, mode_t mode);

/* Has it lines of PEM in it? */
bool tls_file_is_pem(const struct tls_file *file);

/*
 * Adds every certificate of PEM to certificates, at most maximum. False: there is none, or a
 * damaged one, which was reported.
 */
bool tls_certificates_read(const struct tls_loading *loading, const struct placed_word *word,
                           const struct tls_file *file, STACK_OF(X509) * certificates, int maximum);

/* What the server shows of itself. */
struct tls_identity {
    X509 *certificate;
    EVP_PKEY *key;
    STACK_OF(X509) * others; /* NULL: none */
};

/* CERTFILE. False: reported. Cleared by tls_identity_clear() in either case. */
bool tls_identity_read(const struct tls_loading *loading, const char *path,
                       struct tls_identity *identity);
/* Key and certificate belong together, the name of CERTIDENT fits. */
bool tls_identity_check(const struct tls_loading *loading, const struct placed_word *word,
                        const char *path, struct tls_identity *identity);
/* Those of others that lead from the certificate upwards, in order, the root left out. */
STACK_OF(X509) * tls_identity_chain(const struct tls_identity *identity);
void tls_identity_clear(struct tls_identity *identity);

/* CERTPATH, if it is no database of NSS, and TLS_CRL. False: reported. */
bool tls_authorities_load(const struct tls_loading *loading, X509_STORE *store);
bool tls_revocations_load(const struct tls_loading *loading, X509_STORE *store);
/* Warns of a list that is out of date. */
void tls_revocations_check(const struct tls_loading *loading, const struct placed_word *word,
                           const char *path, const X509_CRL *list);

/* "sql" or "dbm" if the directory is a database of NSS, else NULL. */
const char *tls_nss_kind(const char *path);
/* tls_check_mode() of the file in it that holds the keys. */
bool tls_nss_check_mode(const struct tls_loading *loading, const char *path);
/* In a build without NSS: an error that says how to export what is needed. */
void tls_nss_refuse(const struct tls_loading *loading, const char *path);
/* In a build with NSS: loads the modules that it would else look for when it opens a database. */
void tls_nss_prepare(void);
/*
 * In a build with NSS: the certificate that CERTIDENT names with its key, and the authorities that
 * clients are verified by. Either may be NULL: not wanted. False: reported.
 */
bool tls_nss_read(const struct tls_loading *loading, const char *path,
                  struct tls_identity *identity, X509_STORE *store);

/* Seconds since 1970. */
time_t tls_time(const ASN1_TIME *time);
/* In the form of RFC 2253; false: it has none or does not fit. */
bool tls_subject(const X509 *certificate, char *subject, size_t size);

#endif
