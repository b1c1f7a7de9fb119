/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instead of nutproto/tls_context.c and nutproto/tls.c in a build without OpenSSL.
 */
#include "nutproto/tls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

void tls_prepare(void)
{
}

bool tls_context_load(const struct settings *settings, struct config_report *report,
                      struct tls_context **context)
{
    const struct placed_word *word = settings_tls_word(&settings->tls);
    char path[PATH_MAX];

    *context = NULL;
    if (word == NULL)
        return true;
    snprintf(path, sizeof path, "%s/%s", settings->directory, word->file);
    config_error(report, path, word->line,
                 "%s: this build serves no TLS (--without-openssl), and nothing is served in clear "
                 "where TLS is wanted",
                 word->directive);
    return false;
}

struct ssl_ctx_st *tls_context_ssl(const struct tls_context *context)
{
    (void)context;
    return NULL;
}

const struct certificates *tls_context_certificates(const struct tls_context *context)
{
    static const struct certificates none = { 0 };

    (void)context;
    return &none;
}

time_t tls_context_expiry(const struct tls_context *context)
{
    (void)context;
    return 0;
}

void tls_context_free(struct tls_context *context)
{
    (void)context;
}

bool tls_peer_subject(const struct ssl_st *ssl, char *subject, size_t size)
{
    (void)ssl;
    (void)subject;
    (void)size;
    return false;
}

struct ssl_st *tls_new(const struct tls_context *context, int descriptor)
{
    (void)context;
    (void)descriptor;
    return NULL;
}

enum tls_step tls_handshake(struct ssl_st *tls, char reason[TLS_REASON_SIZE])
{
    (void)tls;
    snprintf(reason, TLS_REASON_SIZE, "this build has no TLS");
    return TLS_FAILED;
}

ssize_t tls_receive(struct ssl_st *tls, char *bytes, size_t size, bool *more)
{
    (void)tls;
    (void)bytes;
    (void)size;
    *more = false;
    errno = ENOTSUP;
    return -1;
}

bool tls_receive_needs_room(const struct ssl_st *tls)
{
    (void)tls;
    return false;
}

ssize_t tls_transmit(struct ssl_st *tls, const char *bytes, size_t length)
{
    (void)tls;
    (void)bytes;
    (void)length;
    return -1;
}

void tls_close(struct ssl_st *tls)
{
    (void)tls;
}
