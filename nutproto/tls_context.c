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

static bool set_protocol(const struct tls_loading *loading, SSL_CTX *ssl)
{
    const struct tls_settings *tls = &loading->settings->tls;

    SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Who comes again resumes by a ticket; the server remembers nothing. */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ssl, 1);
    return SSL_CTX_set_min_proto_version(ssl, tls->only_tls_1_3 ? TLS1_3_VERSION
                                                                : TLS1_2_VERSION) == 1 &&
           SSL_CTX_set1_groups_list(ssl, CURVES) == 1 &&
           SSL_CTX_set_cipher_list(ssl, CIPHERS_1_2) == 1;
}

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

static bool load_identity(const struct tls_loading *loading, struct tls_context *context)
{
    const struct placed_word *word = &loading->settings->tls.certificate_file;
    struct tls_identity identity = { 0 };
    char path[PATH_MAX];

    bool loaded = tls_path(loading, word, path) && tls_identity_read(loading, path, &identity) &&
                  tls_identity_check(loading, word, path, &identity) &&
                  use_identity(loading, context, word, path, &identity);
    tls_identity_clear(&identity);
    return loaded;
}

bool tls_context_load(const struct settings *settings, struct config_report *report,
                      struct tls_context **context)
{
    struct tls_loading loading = { .settings = settings, .report = report };
    const struct placed_word *word = settings_tls_word(&settings->tls);

    *context = NULL;
    if (word == NULL)
        return true;
    struct tls_context *fresh = calloc(1, sizeof *fresh);
    if (fresh != NULL)
        fresh->ssl = SSL_CTX_new(TLS_server_method());
    if (fresh == NULL || fresh->ssl == NULL || !set_protocol(&loading, fresh->ssl))
        tls_error(&loading, word, "cannot set up TLS: %s", tls_reason());
    else if (load_identity(&loading, fresh)) {
        *context = fresh;
        return true;
    }
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
