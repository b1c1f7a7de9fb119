/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

/* How often a call may read from the socket; the rest of what is there can wait for the next. */
#define HANDSHAKE_READS 4
#define RECEIVE_READS 1

/*
 * OpenSSL goes on reading as long as there are records that bring no data, and a peer may send them
 * faster than it can be done with them. So each of our calls has a number of reads, where this
 * finds it, and behind them the socket seems to be empty.
 */
static long count_reads(BIO *socket, int operation, const char *bytes, size_t length, int argument,
                        long number, int result, size_t *processed)
{
    unsigned *left = (unsigned *)(void *)BIO_get_callback_arg(socket);

    (void)bytes;
    (void)length;
    (void)argument;
    (void)number;
    (void)processed;
    if (operation != BIO_CB_READ || left == NULL)
        return result;
    if (*left > 0) {
        (*left)--;
        return result;
    }
    BIO_clear_retry_flags(socket);
    BIO_set_retry_read(socket);
    return -1;
}

static void allow_reads(const SSL *tls, unsigned *left)
{
    BIO_set_callback_arg(SSL_get_rbio(tls), (char *)left);
}

struct ssl_st *tls_new(const struct tls_context *context, int descriptor)
{
    SSL *tls = SSL_new(tls_context_ssl(context));

    if (tls != NULL && SSL_set_fd(tls, descriptor) == 1) {
        SSL_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_set_options(tls, SSL_OP_NO_RENEGOTIATION);
        /* One call reads all that has come, instead of two for each record. */
        SSL_set_read_ahead(tls, 1);
        SSL_set_accept_state(tls);
        BIO_set_callback_ex(SSL_get_rbio(tls), count_reads);
        return tls;
    }
    SSL_free(tls);
    ERR_clear_error();
    return NULL;
}

/* Empties the queue of errors: what one connection leaves there must not be taken for another's. */
static void take_reason(const SSL *tls, int kind, int saved_errno, char reason[TLS_REASON_SIZE])
{
    unsigned long error = ERR_peek_last_error();
    const char *text = ERR_reason_error_string(error);
    long verified = SSL_get_verify_result(tls);

    if (kind == SSL_ERROR_SYSCALL && error == 0)
        snprintf(reason, TLS_REASON_SIZE, "%s",
                 saved_errno == 0 ? "the client ended the connection" : strerror(saved_errno));
    else if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        snprintf(reason, TLS_REASON_SIZE, "the client ended the connection");
    else if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        snprintf(reason, TLS_REASON_SIZE, "the client's certificate does not verify: %s",
                 X509_verify_cert_error_string(verified));
    else
        snprintf(reason, TLS_REASON_SIZE, "%s", text == NULL ? "unknown error" : text);
    ERR_clear_error();
}

enum tls_step tls_handshake(struct ssl_st *tls, char reason[TLS_REASON_SIZE])
{
    unsigned reads = HANDSHAKE_READS;

    ERR_clear_error();
    errno = 0;
    allow_reads(tls, &reads);
    int result = SSL_accept(tls);
    int saved_errno = errno;
    allow_reads(tls, NULL);
    if (result == 1)
        return TLS_ESTABLISHED;
    int kind = SSL_get_error(tls, result);
    switch (kind) {
    case SSL_ERROR_WANT_READ:
        return TLS_WAITS_FOR_INPUT;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WAITS_FOR_ROOM;
    default:
        take_reason(tls, kind, saved_errno, reason);
        return TLS_FAILED;
    }
}

ssize_t tls_receive(struct ssl_st *tls, char *bytes, size_t size, bool *more)
{
    unsigned reads = RECEIVE_READS;
    size_t used = 0;
    int got;

    ERR_clear_error();
    allow_reads(tls, &reads);
    do {
        got = SSL_read(tls, bytes + used, (int)(size - used < INT_MAX ? size - used : INT_MAX));
        if (got > 0)
            used += (size_t)got;
    } while (got > 0 && used < size && SSL_has_pending(tls) == 1);
    allow_reads(tls, NULL);
    int kind = got > 0 ? SSL_ERROR_NONE : SSL_get_error(tls, got);
    bool waits = kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
    /* An end behind the bytes is reported by the next call. */
    *more = kind == SSL_ERROR_NONE ? SSL_has_pending(tls) == 1 : used > 0 && !waits;
    if (used > 0)
        return (ssize_t)used;
    if (kind == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = waits ? EAGAIN : ECONNRESET;
    return -1;
}

bool tls_receive_needs_room(const struct ssl_st *tls)
{
    return SSL_want_write(tls);
}

ssize_t tls_transmit(struct ssl_st *tls, const char *bytes, size_t length)
{
    size_t sent = 0;

    ERR_clear_error();
    while (sent < length) {
        int taken =
            SSL_write(tls, bytes + sent, (int)(length - sent < INT_MAX ? length - sent : INT_MAX));

        if (taken <= 0) {
            bool full = SSL_get_error(tls, taken) == SSL_ERROR_WANT_WRITE;

            ERR_clear_error();
            return full ? (ssize_t)sent : -1;
        }
        sent += (size_t)taken;
    }
    return (ssize_t)sent;
}

void tls_close(struct ssl_st *tls)
{
    if (tls == NULL)
        return;
    SSL_shutdown(tls);
    SSL_free(tls);
    ERR_clear_error();
}
