/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's limit: a server that does nothing but receive and send. Over TCP each line gets the
 * same answer, and all lines that came together get theirs with one send; over UDP a datagram is
 * sent back as it is.
 *
 *   echo_server tcp PORT ANSWER-FILE
 *   echo_server udp PORT
 */
#include "bench.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_SIZE 16384
#define EVENTS 256

struct answers {
    char *one; /* the answer to a line */
    size_t size;
    char *bytes; /* room for an answer to each byte of the input */
};

static int bound_socket(int type, unsigned port)
{
    struct sockaddr_in address = loopback(port);
    int descriptor = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    if (descriptor < 0)
        fail_errno("socket");
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0)
        fail_errno("bind");
    return descriptor;
}

static void watch(int epoll, int descriptor)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = descriptor };

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
        fail_errno("epoll_ctl");
}

static void accept_client(int epoll, int listener)
{
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (descriptor < 0)
        fail_errno("accept");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    watch(epoll, descriptor);
}

static void answer_client(int descriptor, const struct answers *answers)
{
    static char input[INPUT_SIZE];
    ssize_t got = recv(descriptor, input, sizeof input, 0);
    size_t used = 0;

    if (got <= 0) {
        close(descriptor);
        return;
    }
    for (const char *at = input; (at = memchr(at, '\n', (size_t)(input + got - at))) != NULL;
         at++) {
        memcpy(answers->bytes + used, answers->one, answers->size);
        used += answers->size;
    }
    if (used > 0 && send(descriptor, answers->bytes, used, MSG_NOSIGNAL) != (ssize_t)used)
        fail_errno("send");
}

static _Noreturn void serve_tcp(unsigned port, const char *path)
{
    struct answers answers = { 0 };
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    answers.one = read_file(path, &answers.size);
    answers.bytes = malloc(answers.size * INPUT_SIZE);
    int listener = bound_socket(SOCK_STREAM, port);
    if (epoll < 0 || answers.bytes == NULL || listen(listener, SOMAXCONN) != 0)
        fail_errno("listen");
    watch(epoll, listener);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);

        if (ready < 0 && errno != EINTR)
            fail_errno("epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener)
                accept_client(epoll, listener);
            else
                answer_client(events[i].data.fd, &answers);
        }
    }
}

static _Noreturn void serve_udp(unsigned port)
{
    int descriptor = bound_socket(SOCK_DGRAM, port);
    char datagram[65536];

    for (;;) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t got =
            recvfrom(descriptor, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &length);

        if (got < 0 ||
            sendto(descriptor, datagram, (size_t)got, 0, (struct sockaddr *)&from, length) != got)
            fail_errno("datagram");
    }
}

int main(int argc, char **argv)
{
    raise_descriptor_limit();
    if (argc == 4 && strcmp(argv[1], "tcp") == 0)
        serve_tcp(number_argument(argv[2], 1), argv[3]);
    if (argc == 3 && strcmp(argv[1], "udp") == 0)
        serve_udp(number_argument(argv[2], 1));
    fail("usage: echo_server tcp PORT ANSWER-FILE | udp PORT");
}
