/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads a NUT server over TLS, by one connection at a time. Every byte of the answers is compared.
 *
 *   tls_load PORT SECONDS get DEPTH REQUEST ANSWER-FILE
 *   tls_load PORT SECONDS connect REQUEST ANSWER-FILE
 *
 * get: the same request again and again on one connection, DEPTH of them under way. connect: for
 * each request a new connection with a full handshake. Prints how many requests were answered in
 * how many seconds.
 */
#include "bench.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_SIZE 65536

struct traffic {
    unsigned depth;
    char *requests, *answers; /* depth of them in a row */
    size_t request_size, answer_size;
};

static SSL *connect_tls(SSL_CTX *context, unsigned port)
{
    static const char request[] = "STARTTLS\n";
    struct sockaddr_in address = loopback(port);
    char answer[64];
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0)
        fail_errno("connect");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (send(descriptor, request, sizeof request - 1, MSG_NOSIGNAL) < 0 ||
        recv(descriptor, answer, sizeof answer, 0) < 2 || memcmp(answer, "OK", 2) != 0)
        fail("the server does not start TLS");
    SSL *tls = SSL_new(context);
    if (tls == NULL || SSL_set_fd(tls, descriptor) != 1 || SSL_connect(tls) != 1)
        fail("no handshake with the server");
    return tls;
}

static void disconnect(SSL *tls)
{
    int descriptor = SSL_get_fd(tls);

    SSL_shutdown(tls);
    SSL_free(tls);
    close(descriptor);
}

static void ask(SSL *tls, const struct traffic *traffic, size_t count)
{
    int size = (int)(count * traffic->request_size);

    if (count > 0 && SSL_write(tls, traffic->requests, size) != size)
        fail("cannot send");
}

/* Compares what has come with what should; returns how many answers that completes. */
static size_t receive(SSL *tls, const struct traffic *traffic, size_t *received)
{
    static char input[INPUT_SIZE];
    int got = SSL_read(tls, input, sizeof input);

    if (got <= 0)
        fail("the server has closed the connection");
    size_t end = *received + (size_t)got;
    if (end > traffic->depth * traffic->answer_size ||
        memcmp(input, traffic->answers + *received, (size_t)got) != 0)
        fail("the server gave another answer than expected");
    *received = end % traffic->answer_size;
    return end / traffic->answer_size;
}

static uint64_t run_get(SSL_CTX *context, unsigned port, const struct traffic *traffic,
                        uint64_t end)
{
    SSL *tls = connect_tls(context, port);
    size_t received = 0;
    uint64_t answered = 0;

    ask(tls, traffic, traffic->depth);
    while (now_ns() < end) {
        size_t complete = receive(tls, traffic, &received);

        answered += complete;
        ask(tls, traffic, complete);
    }
    disconnect(tls);
    return answered;
}

static uint64_t run_connect(SSL_CTX *context, unsigned port, const struct traffic *traffic,
                            uint64_t end)
{
    uint64_t answered = 0;

    while (now_ns() < end) {
        SSL *tls = connect_tls(context, port);
        size_t received = 0;

        ask(tls, traffic, 1);
        while (receive(tls, traffic, &received) == 0)
            continue;
        disconnect(tls);
        answered++;
    }
    return answered;
}

static char *repeated(const char *text, size_t size, size_t count)
{
    char *bytes = malloc(size * count);

    if (bytes == NULL)
        fail_errno("traffic");
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * size, text, size);
    return bytes;
}

static struct traffic make_traffic(char *request, const char *answer_path, unsigned depth)
{
    struct traffic traffic = { .depth = depth, .request_size = strlen(request) + 1 };
    char *answer = read_file(answer_path, &traffic.answer_size);

    request[traffic.request_size - 1] = '\n';
    traffic.requests = repeated(request, traffic.request_size, depth);
    traffic.answers = repeated(answer, traffic.answer_size, depth);
    free(answer);
    return traffic;
}

int main(int argc, char **argv)
{
    int again = argc == 7 && strcmp(argv[3], "get") == 0;

    if (!again && (argc != 6 || strcmp(argv[3], "connect") != 0))
        fail("usage: tls_load PORT SECONDS (get DEPTH | connect) REQUEST ANSWER-FILE");
    unsigned port = number_argument(argv[1], 1);
    double seconds = seconds_argument(argv[2]);
    struct traffic traffic =
        make_traffic(argv[argc - 2], argv[argc - 1], again ? number_argument(argv[4], 1) : 1);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL)
        fail("no TLS");
    uint64_t begun = now_ns();
    uint64_t end = begun + (uint64_t)(seconds * 1e9);
    print_result(again ? run_get(context, port, &traffic, end)
                       : run_connect(context, port, &traffic, end),
                 begun);
    return 0;
}
