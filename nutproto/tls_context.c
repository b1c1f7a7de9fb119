/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "nutproto/tls_context.h"

#include "nutproto/tls_loading.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Forward secrecy and authenticated encryption alone; every TLS library of NUT clients has them. */
#define CIPHERS_1_2                                              \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:" \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define CURVES "X25519:P-256:P-384"
/* At least 112 bits: RSA from 2048 on, no SHA-1. */
#define SECURITY_LEVEL 2

struct tls_context {
    SSL_CTX *ssl;
    struct certificates certificates;
};

static bool set_protocol(SSL_CTX *ssl, bool only_tls_1_3)
{
    SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Who comes again resumes by a ticket; the server remembers nothing. */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ssl, 1);
    return SSL_CTX_set_min_proto_version(ssl, only_tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) ==
               1 &&
           SSL_CTX_set1_groups_list(ssl, CURVES) == 1 &&
           SSL_CTX_set_cipher_list(ssl, CIPHERS_1_2) == 1;
}

/* Ciphers ------------------------------------------------------------------------------------ */

/* TLS_CIPHERS, parted: OpenSSL has one list for TLS 1.3 and one for what was before. */
struct cipher_lists {
    char suites[512];
    char list[2048];
};

static bool append(char *list, size_t size, const char *word)
{
    size_t used = strlen(list);

    return snprintf(list + used, size - used, "%s%s", used == 0 ? "" : ":", word) <
           (int)(size - used);
}

/* A list may hold words that take away; one that names must name what there is. */
static bool part_cipher(const struct tls_loading *loading, SSL_CTX *ssl, const char *word,
                        struct cipher_lists *lists)
{
    const struct placed_word *directive = &loading->settings->tls.ciphers;
    bool suite = strncmp(word, "TLS_", 4) == 0;
    bool takes_away = strchr("!-+", word[0]) != NULL;

    if (strchr(word, '@') != NULL) {
        tls_error(loading, directive, "'%s': the order and the level of security are fixed", word);
        return false;
    }
    if (!takes_away &&
        (suite ? SSL_CTX_set_ciphersuites(ssl, word) : SSL_CTX_set_cipher_list(ssl, word)) != 1) {
        tls_error(loading, directive, "OpenSSL knows no cipher '%s'", word);
        ERR_clear_error();
        return false;
    }
    if (suite ? append(lists->suites, sizeof lists->suites, word)
              : append(lists->list, sizeof lists->list, word))
        return true;
    tls_error(loading, directive, "the list is too long");
    return false;
}

static bool check_ciphers(const struct tls_loading *loading, SSL_CTX *ssl)
{
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(ssl);

    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);

        if (SSL_CIPHER_get_bits(cipher, NULL) < 128 ||
            SSL_CIPHER_get_auth_nid(cipher) == NID_auth_null) {
            tls_error(loading, &loading->settings->tls.ciphers, "%s protects nothing",
                      SSL_CIPHER_get_name(cipher));
            return false;
        }
    }
    return true;
}

static bool set_ciphers(const struct tls_loading *loading, SSL_CTX *ssl)
{
    const struct placed_word *directive = &loading->settings->tls.ciphers;
    struct cipher_lists lists = { .suites = "" };
    char *rest = NULL;
    bool right = true;

    if (directive->text == NULL)
        return true;
    char *words = strdup(directive->text);
    if (words == NULL) {
        tls_error(loading, directive, "out of memory");
        return false;
    }
    for (char *word = strtok_r(words, ":", &rest); word != NULL; word = strtok_r(NULL, ":", &rest))
        right = part_cipher(loading, ssl, word, &lists) && right;
    free(words);
    if (!right)
        return false;
    if ((lists.suites[0] != '\0' && SSL_CTX_set_ciphersuites(ssl, lists.suites) != 1) ||
        SSL_CTX_set_cipher_list(ssl, lists.list[0] == '\0' ? CIPHERS_1_2 : lists.list) != 1) {
        tls_error(loading, directive, "nothing is left of the list: %s", tls_reason());
        return false;
    }
    return check_ciphers(loading, ssl);
}

/* Client certificates ------------------------------------------------------------------------ */

/* Any certificate will do; that it did not verify stays known, see tls_peer_subject(). */
static int accept_any(int verified, X509_STORE_CTX *store)
{
    (void)verified;
    (void)store;
    return 1;
}

/* NSS's rule on lists of revoked certificates: only where there is one it counts. */
static int accept_unlisted(int verified, X509_STORE_CTX *store)
{
    if (verified == 0 && X509_STORE_CTX_get_error(store) == X509_V_ERR_UNABLE_TO_GET_CRL) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    return verified;
}

static void request_certificates(const struct tls_settings *tls, SSL_CTX *ssl)
{
    SSL_verify_cb callback = NULL;

    if (tls->request == CERTIFICATE_REQUEST_ANY)
        callback = accept_any;
    else if (tls->revocations.text == NULL)
        callback = accept_unlisted;
    /* What a ticket resumes was verified some time ago. */
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ssl, 0);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, callback);
    /* A certificate listed as trusted is, without its issuer, too. */
    X509_STORE_set_flags(SSL_CTX_get_cert_store(ssl), X509_V_FLAG_PARTIAL_CHAIN);
}

/* CERTREQUEST, TLS_CRL, and CERTPATH but for a database of NSS. */
static bool set_verification(const struct tls_loading *loading, SSL_CTX *ssl, bool database)
{
    const struct tls_settings *tls = &loading->settings->tls;
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    bool right = true;

    if (tls->request != CERTIFICATE_REQUEST_NO)
        request_certificates(tls, ssl);
    if (tls->authorities.text != NULL && !database)
        right = tls_authorities_load(loading, store);
    if (tls->revocations.text != NULL)
        right = tls_revocations_load(loading, store) && right;
    if (tls->authorities.text == NULL && tls->request == CERTIFICATE_REQUEST_VERIFIED) {
        tls_error(loading, &tls->request_word, "CERTPATH must say whose certificates clients have");
        right = false;
    } else if (tls->authorities.text == NULL && tls->request == CERTIFICATE_REQUEST_ANY) {
        tls_warning(loading, &tls->request_word,
                    "without CERTPATH no certificate of a client can be verified");
    }
    if (tls->revocations.text != NULL && tls->request == CERTIFICATE_REQUEST_NO)
        tls_warning(loading, &tls->revocations, "has no effect without CERTREQUEST");
    return right;
}

/* The server's certificate ------------------------------------------------------------------- */

static bool add_certificate(struct certificates *list, char *name, char *file, X509 *certificate)
{
    char subject[TLS_SUBJECT_SIZE] = "";

    tls_subject(certificate, subject, sizeof subject);
    return certificates_add(
        list, &(struct certificate){ .name = name,
                                     .file = file,
                                     .subject = subject,
                                     .not_before = tls_time(X509_get0_notBefore(certificate)),
                                     .not_after = tls_time(X509_get0_notAfter(certificate)) });
}

static bool list_certificates(struct tls_context *context, char *path, X509 *certificate,
                              const STACK_OF(X509) * chain)
{
    char name[32] = "server";

    if (!add_certificate(&context->certificates, name, path, certificate))
        return false;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        snprintf(name, sizeof name, "chain %d", i + 1);
        if (!add_certificate(&context->certificates, name, path, sk_X509_value(chain, i)))
            return false;
    }
    return true;
}

/* Takes over what the server shows of itself. */
static bool use_identity(const struct tls_loading *loading, struct tls_context *context,
                         const struct placed_word *word, char *path, struct tls_identity *identity)
{
    STACK_OF(X509) *chain = tls_identity_chain(identity);
    bool used = chain != NULL && SSL_CTX_use_cert_and_key(context->ssl, identity->certificate,
                                                          identity->key, chain, 1) == 1;

    if (!used)
        tls_error(loading, word, "%s: OpenSSL does not take it: %s", path, tls_reason());
    else if (!list_certificates(context, path, identity->certificate, chain)) {
        tls_error(loading, word, "out of memory");
        used = false;
    }
    sk_X509_free(chain);
    return used;
}

/* CERTPATH is a database of NSS. It holds the authorities, and the server's certificate too unless
 * CERTFILE does. */
static bool load_database(const struct tls_loading *loading, struct tls_context *context,
                          char *path, struct tls_identity *identity)
{
    const struct tls_settings *tls = &loading->settings->tls;
    bool authorities = tls->request != CERTIFICATE_REQUEST_NO;

    if (identity == NULL && !authorities) {
        tls_warning(
            loading, &tls->authorities,
            "the NSS database %s is not needed, as CERTFILE is given and CERTREQUEST is not", path);
        return true;
    }
    if (identity != NULL && (tls->identity.text == NULL || tls->identity.text[0] == '\0')) {
        tls_error(loading, &tls->authorities,
                  "CERTIDENT must name the server's certificate in the NSS database %s", path);
        return false;
    }
#ifdef HAVE_NSS
    return tls_nss_check_mode(loading, path) &&
           tls_nss_read(loading, path, identity,
                        authorities ? SSL_CTX_get_cert_store(context->ssl) : NULL);
#else
    (void)context;
    tls_nss_refuse(loading, path);
    return false;
#endif
}

static bool load_files(const struct tls_loading *loading, struct tls_context *context)
{
    const struct tls_settings *tls = &loading->settings->tls;
    bool from_file = tls->certificate_file.text != NULL;
    const struct placed_word *word = from_file ? &tls->certificate_file : &tls->authorities;
    struct tls_identity identity = { 0 };
    char path[PATH_MAX], database[PATH_MAX] = "";

    if (tls->authorities.text != NULL && !tls_path(loading, &tls->authorities, database))
        return false;
    bool is_database = database[0] != '\0' && tls_nss_kind(database) != NULL;
    if (!from_file && !is_database) {
        tls_error(loading, settings_tls_word(tls),
                  "CERTFILE must name the server's certificate and key");
        return false;
    }
    bool right = set_verification(loading, context->ssl, is_database);
    if (is_database)
        right = load_database(loading, context, database, from_file ? NULL : &identity) && right;
    if (from_file)
        right =
            tls_path(loading, word, path) && tls_identity_read(loading, path, &identity) && right;
    right = right && tls_identity_check(loading, word, from_file ? path : database, &identity) &&
            use_identity(loading, context, word, from_file ? path : database, &identity);
    tls_identity_clear(&identity);
    return right;
}

void tls_prepare(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
#ifdef HAVE_NSS
    tls_nss_prepare();
#endif
}

static void warn_of_idle_words(const struct tls_loading *loading)
{
    const struct tls_settings *tls = &loading->settings->tls;
    const struct placed_word *words[] = { &tls->minimum_protocol, &tls->ciphers,
                                          &tls->revocations };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i]->text != NULL)
            tls_warning(loading, words[i], "has no effect without CERTFILE in upsd.conf");
    }
}

bool tls_context_load(const struct settings *settings, struct config_report *report,
                      struct tls_context **context)
{
    struct tls_loading loading = { .settings = settings, .report = report };
    const struct placed_word *word = settings_tls_word(&settings->tls);

    *context = NULL;
    if (word == NULL) {
        warn_of_idle_words(&loading);
        return true;
    }
    struct tls_context *fresh = calloc(1, sizeof *fresh);
    if (fresh != NULL)
        fresh->ssl = SSL_CTX_new(TLS_server_method());
    if (fresh == NULL || fresh->ssl == NULL ||
        !set_protocol(fresh->ssl, settings->tls.only_tls_1_3)) {
        tls_error(&loading, word, "cannot set up TLS: %s", tls_reason());
    } else {
        bool right = set_ciphers(&loading, fresh->ssl);

        if (load_files(&loading, fresh) && right) {
            ERR_clear_error();
            *context = fresh;
            return true;
        }
    }
    ERR_clear_error();
    tls_context_free(fresh);
    return false;
}

SSL_CTX *tls_context_ssl(const struct tls_context *context)
{
    return context->ssl;
}

const struct certificates *tls_context_certificates(const struct tls_context *context)
{
    return &context->certificates;
}

time_t tls_context_expiry(const struct tls_context *context)
{
    return context->certificates.items[0].not_after;
}

void tls_context_free(struct tls_context *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->ssl);
    certificates_clear(&context->certificates);
    free(context);
}

bool tls_peer_subject(const SSL *ssl, char *subject, size_t size)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);

    return certificate != NULL && SSL_get_verify_result(ssl) == X509_V_OK &&
           tls_subject(certificate, subject, size);
}
