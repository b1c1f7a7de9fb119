/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the server's end of one TLS connection over a non-blocking socket, which stays its
 * owner's. The calls resemble recv() and send(), and none of them blocks. While a connection is
 * idle OpenSSL keeps no buffer for it.
 *
 * The process must ignore SIGPIPE. In a build without OpenSSL no connection can be made.
 */
#ifndef UPSBRIDGE_NUTPROTO_TLS_H
#define UPSBRIDGE_NUTPROTO_TLS_H

#include "nutproto/tls_context.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum tls_step {
    TLS_ESTABLISHED,
    TLS_WAITS_FOR_INPUT,
    TLS_WAITS_FOR_ROOM, /* to send */
    TLS_FAILED
};

/* Room for the reason of a failure. */
#define TLS_REASON_SIZE 160

/* Nothing is sent or received yet. NULL: out of memory. */
struct ssl_st *tls_new(const struct tls_context *context, int descriptor);

/* Goes on with the handshake; reason is written if it failed. */
enum tls_step tls_handshake(struct ssl_st *tls, char reason[TLS_REASON_SIZE]);

/*
 * > 0: bytes received; 0: the peer has ended; < 0 with errno, EAGAIN if there is nothing yet. *more
 * is set if it should be called again though the socket has nothing to read.
 */
ssize_t tls_receive(struct ssl_st *tls, char *bytes, size_t size, bool *more);

/* Was there nothing to receive because something had to be sent first, and the socket was full? */
bool tls_receive_needs_room(const struct ssl_st *tls);

/*
 * >= 0: bytes taken, fewer than length if the socket is full: the rest must be offered again, first
 * and whole. < 0: the connection is broken.
 */
ssize_t tls_transmit(struct ssl_st *tls, const char *bytes, size_t length);

/* Tells the peer if that can be done at once, and frees; NULL is allowed. */
void tls_close(struct ssl_st *tls);

#endif
