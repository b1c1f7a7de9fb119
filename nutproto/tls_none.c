/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instead of nutproto/tls_context.c in a build without OpenSSL.
 */
#include "nutproto/tls_context.h"

#include <limits.h>
#include <stdio.h>

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
