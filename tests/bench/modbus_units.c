/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modbus units that all have the registers of one dump, and count what they are asked.
 *
 *   modbus_units tcp PORT COUNT DUMP            a unit each at 127.1.0.1, 127.1.0.2, ...
 *   modbus_units line COUNT BAUD DEAD ADDRESS DUMP
 *                                               units 1 to COUNT on a simulated line; DEAD never
 *                                               answers (0: all do)
 *
 * Prints "ready", and the path of the line, when it can be asked. For each line of input it prints
 * what happened since the one before: requests, microseconds, microseconds of these in which the
 * line was busy, and the longest time in microseconds that a unit which answers was not asked for
 * the block at ADDRESS.
 *
 * The line is busy while a frame's bytes are on it, of eleven bits each, and during the silence of
 * three and a half bytes that ends each frame. So an answer arrives when a real line would have
 * brought it.
 */
#include "bench.h"
#include "modbus/dump.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64
#define UNITS_MAX 247
#define BITS_A_BYTE 11
#define REQUEST_SIZE 8 /* of a read on a line */
#define TCP_REQUEST_SIZE 12
#define FRAME_MAX 260
#define ILLEGAL_FUNCTION 1

static struct {
    struct modbus_dump *dump;
    unsigned count, baud, dead, address;

    uint64_t since_ns, busy_ns, longest_ns;
    unsigned requests;
    uint64_t asked_ns[UNITS_MAX + 1];
} server;

/* What was counted --------------------------------------------------------------------------- */

static void note_gap(unsigned unit, uint64_t now)
{
    uint64_t since = server.asked_ns[unit];

    if (since < server.since_ns)
        since = server.since_ns;
    if (unit != server.dead && now - since > server.longest_ns)
        server.longest_ns = now - since;
}

static void note_request(unsigned unit, const uint8_t *pdu)
{
    unsigned address = (unsigned)pdu[1] << 8 | pdu[2];

    server.requests++;
    if (address != server.address || unit > UNITS_MAX)
        return;
    uint64_t now = now_ns();
    note_gap(unit, now);
    server.asked_ns[unit] = now;
}

/* Answers a line of input. */
static void tell(void)
{
    char line[16];
    ssize_t got = read(STDIN_FILENO, line, sizeof line);
    uint64_t now = now_ns();

    if (got <= 0)
        exit(0);
    for (unsigned unit = 1; server.baud != 0 && unit <= server.count; unit++)
        note_gap(unit, now);
    printf("%u %llu %llu %llu\n", server.requests,
           (unsigned long long)(now - server.since_ns) / 1000,
           (unsigned long long)server.busy_ns / 1000, (unsigned long long)server.longest_ns / 1000);
    fflush(stdout);
    server.since_ns = now;
    server.busy_ns = server.longest_ns = 0;
    server.requests = 0;
}

static void say_ready(const char *path)
{
    printf("ready %s\n", path);
    fflush(stdout);
    server.since_ns = now_ns();
}

/* Answers ------------------------------------------------------------------------------------ */

static size_t refuse(uint8_t function, unsigned exception, uint8_t *answer)
{
    answer[0] = function | 0x80;
    answer[1] = (uint8_t)exception;
    return 2;
}

/* The answer to a PDU of five bytes; returns its length. */
static size_t answer_to(const uint8_t *pdu, uint8_t *answer)
{
    const struct modbus_block block = { .table = pdu[0] == 3 ? MODBUS_HOLDING : MODBUS_INPUT,
                                        .address = (uint16_t)(pdu[1] << 8 | pdu[2]),
                                        .count = (uint16_t)(pdu[3] << 8 | pdu[4]) };
    uint16_t words[MODBUS_READ_MAX];

    if (pdu[0] != 3 && pdu[0] != 4)
        return refuse(pdu[0], ILLEGAL_FUNCTION, answer);
    if (block.count == 0 || block.count > MODBUS_READ_MAX)
        return refuse(pdu[0], 3, answer);
    unsigned exception = dump_read(server.dump, &block, words);
    if (exception != 0)
        return refuse(pdu[0], exception, answer);
    answer[0] = pdu[0];
    answer[1] = (uint8_t)(2 * block.count);
    for (unsigned i = 0; i < block.count; i++) {
        answer[2 + 2 * i] = (uint8_t)(words[i] >> 8);
        answer[3 + 2 * i] = (uint8_t)words[i];
    }
    return 2u + answer[1];
}

/* By TCP ------------------------------------------------------------------------------------- */

static void watch(int epoll, int descriptor)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = descriptor };

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
        fail_errno("epoll_ctl");
}

static int listen_at(unsigned number, unsigned port)
{
    struct sockaddr_in address = loopback(port);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(0x7f010000u + number);
    if (descriptor < 0)
        fail_errno("socket");
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(descriptor, SOMAXCONN) != 0)
        fail_errno("listen");
    return descriptor;
}

/* A request comes in one piece on the loopback interface. */
static void answer_client(int descriptor)
{
    uint8_t request[FRAME_MAX], answer[FRAME_MAX];
    ssize_t got = recv(descriptor, request, sizeof request, 0);

    if (got <= 0) {
        close(descriptor);
        return;
    }
    if (got != TCP_REQUEST_SIZE)
        fail("a request is no read");
    note_request(request[6], request + 7);
    size_t length = answer_to(request + 7, answer + 7);
    memcpy(answer, request, 7);
    answer[4] = 0;
    answer[5] = (uint8_t)(length + 1);
    if (send(descriptor, answer, length + 7, MSG_NOSIGNAL) != (ssize_t)length + 7)
        fail_errno("send");
}

static _Noreturn void serve_tcp(unsigned port)
{
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(EPOLL_CLOEXEC), last_listener = -1;

    if (epoll < 0)
        fail_errno("epoll");
    for (unsigned number = 1; number <= server.count; number++)
        watch(epoll, last_listener = listen_at(number, port));
    watch(epoll, STDIN_FILENO);
    say_ready("");
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);

        if (ready < 0 && errno != EINTR)
            fail_errno("epoll_wait");
        for (int i = 0; i < ready; i++) {
            int descriptor = events[i].data.fd;

            if (descriptor == STDIN_FILENO)
                tell();
            else if (descriptor > last_listener)
                answer_client(descriptor);
            else
                watch(epoll, accept4(descriptor, NULL, NULL, SOCK_CLOEXEC));
        }
    }
}

/* On a line ---------------------------------------------------------------------------------- */

static int open_line(char *path, size_t size)
{
    struct termios settings;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 ||
        ptsname_r(master, path, size) != 0 || tcgetattr(master, &settings) != 0)
        fail_errno("a pseudo-terminal");
    cfmakeraw(&settings);
    /* Held open, or the line is gone whenever nobody else has it. */
    if (tcsetattr(master, TCSANOW, &settings) != 0 || open(path, O_RDWR | O_NOCTTY) < 0)
        fail_errno(path);
    return master;
}

static uint16_t crc_of(const uint8_t *bytes, size_t length)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < length * 8; i++) {
        if (i % 8 == 0)
            crc ^= bytes[i / 8];
        crc = (uint16_t)((crc >> 1) ^ (crc % 2 * 0xa001u));
    }
    return crc;
}

static uint64_t frame_ns(size_t bytes)
{
    return (2 * bytes + 7) * BITS_A_BYTE * 1000000000ull / (2 * server.baud);
}

static void sleep_until(uint64_t end_ns)
{
    struct timespec end = { .tv_sec = (time_t)(end_ns / 1000000000),
                            .tv_nsec = (long)(end_ns % 1000000000) };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) != 0)
        continue;
}

/* The silence behind the answer is for who asks next to keep: it counts, but is not waited for. */
static void answer_line(int line, const uint8_t *request)
{
    uint8_t answer[FRAME_MAX] = { request[0] };
    uint64_t began = now_ns();

    note_request(request[0], request + 1);
    server.busy_ns += frame_ns(REQUEST_SIZE);
    if (request[0] == server.dead)
        return;
    size_t length = 1 + answer_to(request + 1, answer + 1);
    uint16_t crc = crc_of(answer, length);
    answer[length++] = (uint8_t)crc;
    answer[length++] = (uint8_t)(crc >> 8);
    server.busy_ns += frame_ns(length);
    sleep_until(began + frame_ns(REQUEST_SIZE) + frame_ns(length) - frame_ns(0));
    if (write(line, answer, length) != (ssize_t)length)
        fail_errno("the line");
}

static void read_line(int line)
{
    static uint8_t request[REQUEST_SIZE];
    static size_t length;
    ssize_t got = read(line, request + length, sizeof request - length);

    if (got <= 0)
        fail_errno("the line");
    length += (size_t)got;
    if (length < sizeof request)
        return;
    length = 0;
    if (crc_of(request, 6) != (request[6] | (unsigned)request[7] << 8))
        fail("a request is no read");
    answer_line(line, request);
}

static _Noreturn void serve_line(void)
{
    char path[64];
    struct pollfd both[] = { { .fd = open_line(path, sizeof path), .events = POLLIN },
                             { .fd = STDIN_FILENO, .events = POLLIN } };

    say_ready(path);
    for (;;) {
        if (poll(both, 2, -1) < 0 && errno != EINTR)
            fail_errno("poll");
        if (both[0].revents != 0)
            read_line(both[0].fd);
        if (both[1].revents != 0)
            tell();
    }
}

/* -------------------------------------------------------------------------------------------- */

static void print_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    fprintf(stderr, "%s\n", text);
}

int main(int count, char **words)
{
    struct config_report report = { .sink = print_complaint };
    bool is_line = count == 7 && strcmp(words[1], "line") == 0;

    if (!is_line && (count != 5 || strcmp(words[1], "tcp") != 0))
        fail("usage: modbus_units tcp PORT COUNT DUMP | line COUNT BAUD DEAD ADDRESS DUMP");
    server.dump = dump_load(words[count - 1], &report);
    if (server.dump == NULL)
        return 1;
    raise_descriptor_limit();
    if (is_line) {
        server.count = number_argument(words[2], 1);
        server.baud = number_argument(words[3], 1);
        server.dead = number_argument(words[4], 0);
        server.address = number_argument(words[5], 0);
        if (server.count > UNITS_MAX)
            fail("too many units");
        serve_line();
    }
    server.count = number_argument(words[3], 1);
    serve_tcp(number_argument(words[2], 1));
}
