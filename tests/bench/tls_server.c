/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limit of TLS on this machine: a server that serves one client after the other, waits for
 * each, and does nothing but OpenSSL's work. After STARTTLS each line gets the same answer.
 *
 *   tls_server PORT PEM ANSWER-FILE
 */
#include "bench.h"

#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_SIZE 16384

static int listen_on(unsigned port)
{
    struct sockaddr_in address = loopback(port);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0)
        fail_errno("socket");
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(descriptor, SOMAXCONN) != 0)
        fail_errno("listen");
    return descriptor;
}

static SSL_CTX *make_context(const char *pem)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (context == NULL || SSL_CTX_use_certificate_file(context, pem, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, pem, SSL_FILETYPE_PEM) != 1)
        fail("no certificate");
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

/* Answers each line; all that came together get theirs with one call. */
static void serve(SSL *tls, const char *answer, size_t size, char *answers)
{
    char input[INPUT_SIZE];
    int got;

    while ((got = SSL_read(tls, input, sizeof input)) > 0) {
        size_t used = 0;

        for (int i = 0; i < got; i++) {
            if (input[i] != '\n')
                continue;
            memcpy(answers + used, answer, size);
            used += size;
        }
        if (used > 0 && SSL_write(tls, answers, (int)used) <= 0)
            return;
    }
}

int main(int argc, char **argv)
{
    static const char greeting[] = "OK STARTTLS\n";
    size_t size;
    char line[64];

    if (argc != 4)
        fail("usage: tls_server PORT PEM ANSWER-FILE");
    signal(SIGPIPE, SIG_IGN);
    int listener = listen_on(number_argument(argv[1], 1));
    SSL_CTX *context = make_context(argv[2]);
    char *answer = read_file(argv[3], &size);
    char *answers = malloc(size * INPUT_SIZE);

    if (answers == NULL)
        fail_errno("answers");
    for (;;) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (descriptor < 0)
            fail_errno("accept");
        SSL *tls = SSL_new(context);
        if (tls != NULL && recv(descriptor, line, sizeof line, 0) > 0 &&
            send(descriptor, greeting, sizeof greeting - 1, MSG_NOSIGNAL) > 0 &&
            SSL_set_fd(tls, descriptor) == 1 && SSL_accept(tls) == 1)
            serve(tls, answer, size, answers);
        if (tls != NULL)
            SSL_shutdown(tls);
        SSL_free(tls);
        close(descriptor);
    }
}
