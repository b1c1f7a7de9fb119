/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what TLS sessions share, built from the settings: OpenSSL's context with key,
 * certificates, authorities, protocol versions and ciphers. Handshakes and bytes are
 * nutproto/tls.h's business. In a build without OpenSSL any configured TLS is an error.
 *
 * A context is immutable. A reload loads another; sessions keep the one they began with alive
 * through their SSL.
 */
#ifndef UPSBRIDGE_NUTPROTO_TLS_CONTEXT_H
#define UPSBRIDGE_NUTPROTO_TLS_CONTEXT_H

#include "core/certificates.h"
#include "core/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct ssl_st;     /* OpenSSL's SSL */
struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct tls_context;

/* Loads the libraries that reading would load: before they are out of reach in a jail. */
void tls_prepare(void);

/*
 * Reads and checks every file the settings name. True and *context NULL: no TLS is configured.
 * False: it is, and wrong; every reason was reported. Certificates that have expired, or whose key
 * others may read, are warnings. Files are read here and never again.
 */
bool tls_context_load(const struct settings *settings, struct config_report *report,
                      struct tls_context **context);

/* Owned by the context; each SSL made of it holds a reference. */
struct ssl_ctx_st *tls_context_ssl(const struct tls_context *context);
/* The server's certificate, then the others that are sent with it. */
const struct certificates *tls_context_certificates(const struct tls_context *context);
/* When the server's certificate expires. */
time_t tls_context_expiry(const struct tls_context *context);
/* NULL is allowed. */
void tls_context_free(struct tls_context *context);

/* Room for the subject of any certificate that can stand for a user. */
#define TLS_SUBJECT_SIZE 1024

/*
 * The subject of the peer's certificate as `openssl x509 -subject -nameopt RFC2253` prints it.
 * False: the peer sent none, it did not verify, or it has no subject, or one longer than size.
 */
bool tls_peer_subject(const struct ssl_st *ssl, char *subject, size_t size);

#endif
