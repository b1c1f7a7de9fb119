/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads a NUT server: on each connection the same request again and again, DEPTH of them under way,
 * a new one for each answer that has come. Every byte of the answers is compared.
 *
 *   nut_load PORT SECONDS CONNECTIONS DEPTH IDLE REQUEST ANSWER-FILE
 *
 * IDLE more connections are opened first and held without a word until the end. Prints how many
 * requests were answered in how many seconds.
 */
#include "bench.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_SIZE 65536
#define EVENTS 256

/* What goes out, and what must come back, often enough in a row for all that is under way. */
struct traffic {
    size_t depth;
    char *requests;
    size_t request_size;
    char *answers;
    size_t answer_size;
};

struct connection {
    int descriptor;
    size_t received; /* of the answer that has begun */
};

static int connect_to(unsigned port)
{
    struct sockaddr_in address = loopback(port);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0)
        fail_errno("connect");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return descriptor;
}

/* Asked once, so that it is served before the next one comes: no server's backlog overflows. */
static void open_idle(unsigned port)
{
    static const char request[] = "NETVER\n";
    char answer[256];
    int descriptor = connect_to(port);

    if (send(descriptor, request, sizeof request - 1, MSG_NOSIGNAL) < 0 ||
        recv(descriptor, answer, sizeof answer, 0) <= 0)
        fail_errno("an idle connection");
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

static struct traffic make_traffic(const char *request, const char *answer_path, size_t depth)
{
    struct traffic traffic = { .depth = depth, .request_size = strlen(request) + 1 };
    char *line = repeated(request, traffic.request_size, 1);
    char *answer = read_file(answer_path, &traffic.answer_size);

    line[traffic.request_size - 1] = '\n';
    traffic.requests = repeated(line, traffic.request_size, depth);
    traffic.answers = repeated(answer, traffic.answer_size, depth);
    free(line);
    free(answer);
    return traffic;
}

static void ask(const struct connection *connection, const struct traffic *traffic, size_t count)
{
    size_t size = count * traffic->request_size;

    if (count > 0 &&
        send(connection->descriptor, traffic->requests, size, MSG_NOSIGNAL) != (ssize_t)size)
        fail_errno("send");
}

/* Compares what has come with what should; returns how many answers that completes. */
static size_t receive(struct connection *connection, const struct traffic *traffic)
{
    static char input[INPUT_SIZE];
    ssize_t got = recv(connection->descriptor, input, sizeof input, 0);

    if (got <= 0)
        fail("the server has closed the connection");
    size_t end = connection->received + (size_t)got;
    if (end > traffic->depth * traffic->answer_size ||
        memcmp(input, traffic->answers + connection->received, (size_t)got) != 0)
        fail("the server gave another answer than expected");
    connection->received = end % traffic->answer_size;
    return end / traffic->answer_size;
}

static uint64_t run(int epoll, const struct traffic *traffic, uint64_t end)
{
    struct epoll_event events[EVENTS];
    uint64_t answered = 0;

    while (now_ns() < end) {
        int ready = epoll_wait(epoll, events, EVENTS, 5000);

        if (ready == 0)
            fail("the server does not answer");
        if (ready < 0)
            fail_errno("epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            size_t complete = receive(connection, traffic);

            answered += complete;
            ask(connection, traffic, complete);
        }
    }
    return answered;
}

int main(int argc, char **argv)
{
    if (argc != 8)
        fail("usage: nut_load PORT SECONDS CONNECTIONS DEPTH IDLE REQUEST ANSWER-FILE");
    unsigned port = number_argument(argv[1], 1);
    double seconds = seconds_argument(argv[2]);
    unsigned count = number_argument(argv[3], 1);
    struct traffic traffic = make_traffic(argv[6], argv[7], number_argument(argv[4], 1));
    struct connection *connections = calloc(count, sizeof *connections);
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (epoll < 0 || connections == NULL)
        fail_errno("start");
    raise_descriptor_limit();
    for (unsigned idle = number_argument(argv[5], 0); idle > 0; idle--)
        open_idle(port);
    for (unsigned i = 0; i < count; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &connections[i] };

        connections[i].descriptor = connect_to(port);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].descriptor, &event) != 0)
            fail_errno("epoll_ctl");
        ask(&connections[i], &traffic, traffic.depth);
    }
    uint64_t begun = now_ns();
    print_result(run(epoll, &traffic, begun + (uint64_t)(seconds * 1e9)), begun);
    return 0;
}
