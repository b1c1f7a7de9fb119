/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a TLS client whose bytes the test carries itself, over memory, and a server's context
 * with a certificate made on the spot. Anything unexpected aborts, so that fuzz targets can use it.
 */
#ifndef UPSBRIDGE_TESTS_TLS_PEER_H
#define UPSBRIDGE_TESTS_TLS_PEER_H

#include "nutproto/tls_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void tls_peer_expect(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

#define TLS_PEER_EXPECT(condition) tls_peer_expect((condition), #condition)

/* A self-signed certificate for localhost and its key, as one PEM. */
static inline void tls_peer_write_certificate(FILE *file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();

    TLS_PEER_EXPECT(key != NULL && certificate != NULL);
    X509_NAME *name = X509_get_subject_name(certificate);
    TLS_PEER_EXPECT(X509_set_version(certificate, 2) == 1 &&
                    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
                    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
                    X509_gmtime_adj(X509_getm_notAfter(certificate), 100L * 86400) != NULL &&
                    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                               (const unsigned char *)"localhost", -1, -1, 0) == 1);
    TLS_PEER_EXPECT(
        X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
        X509_sign(certificate, key, EVP_sha256()) > 0 && PEM_write_X509(file, certificate) == 1 &&
        PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* What CERTFILE makes of it. */
static inline struct tls_context *tls_peer_context(void)
{
    char path[] = "/tmp/tls_peer.XXXXXX";
    char directory[] = "/";
    char directive[] = "CERTFILE";
    struct settings settings = { .directory = directory,
                                 .tls.certificate_file = { .text = path,
                                                           .directive = directive,
                                                           .file = "upsd.conf",
                                                           .line = 1 } };
    struct config_report report = { 0 };
    struct tls_context *context;
    int descriptor = mkstemp(path);

    TLS_PEER_EXPECT(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    TLS_PEER_EXPECT(file != NULL);
    tls_peer_write_certificate(file);
    fclose(file);
    TLS_PEER_EXPECT(tls_context_load(&settings, &report, &context) && context != NULL);
    unlink(path);
    return context;
}

struct tls_peer {
    SSL_CTX *context;
    SSL *ssl;
    BIO *from_server, *to_server; /* owned by ssl */
};

static inline void tls_peer_open(struct tls_peer *peer, int minimum, int maximum)
{
    peer->context = SSL_CTX_new(TLS_client_method());
    TLS_PEER_EXPECT(peer->context != NULL);
    /* The test says what is weak. */
    SSL_CTX_set_security_level(peer->context, 0);
    TLS_PEER_EXPECT(SSL_CTX_set_min_proto_version(peer->context, minimum) == 1 &&
                    SSL_CTX_set_max_proto_version(peer->context, maximum) == 1);
    peer->ssl = SSL_new(peer->context);
    peer->from_server = BIO_new(BIO_s_mem());
    peer->to_server = BIO_new(BIO_s_mem());
    TLS_PEER_EXPECT(peer->ssl != NULL && peer->from_server != NULL && peer->to_server != NULL);
    BIO_set_mem_eof_return(peer->from_server, -1);
    SSL_set_bio(peer->ssl, peer->from_server, peer->to_server);
    SSL_set_connect_state(peer->ssl);
}

static inline void tls_peer_close(struct tls_peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
    ERR_clear_error();
}

#endif
