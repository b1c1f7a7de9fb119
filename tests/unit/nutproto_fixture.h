/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a service with a real store and a real loop, and clients connected by socket pairs, for
 * the tests of sessions and commands.
 */
#ifndef UPSBRIDGE_TESTS_NUTPROTO_FIXTURE_H
#define UPSBRIDGE_TESTS_NUTPROTO_FIXTURE_H

#include "core/loop.h"
#include "nutproto/authority.h"
#include "nutproto/client.h"
#include "nutproto/service.h"
#include "nutproto/session.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What the worker stand-in was last handed. */
struct handed {
    unsigned count;
    uint64_t id;
    enum ups_request_kind kind;
    char name[64], value[600];
    bool has_value;
    bool refuse;
};

struct fixture {
    struct loop *loop;
    struct ups_store *store;
    struct service *service;
    struct ups *alpha, *beta, *dead;
    struct handed handed;
    char *answer; /* of the last exchange */
    size_t answer_size;
};

static inline bool take_request(void *worker, const struct ups_request *request)
{
    struct handed *handed = worker;

    if (handed->refuse)
        return false;
    handed->count++;
    handed->id = request->id;
    handed->kind = request->kind;
    handed->has_value = request->value != NULL;
    snprintf(handed->name, sizeof handed->name, "%s", request->name);
    snprintf(handed->value, sizeof handed->value, "%s",
             request->value == NULL ? "" : request->value);
    return true;
}

static inline struct users *users_from(const char *text)
{
    char path[] = "/tmp/test_nutproto.XXXXXX";
    struct config_report report = { 0 };
    int descriptor = mkstemp(path);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
    struct users *users = users_load(path, &report);
    unlink(path);
    assert_non_null(users);
    return users;
}

static const char fixture_users[] = "[admin]\npassword = adm\nactions = SET FSD\ninstcmds = ALL\n"
                                    "[mon]\npassword = pw\nupsmon primary\n"
                                    "[sec]\npassword = s\nupsmon slave\n"
                                    "[one]\npassword = 1\ninstcmds = load.off\n";

static inline void fill_alpha(struct update *update)
{
    update_set(update, "ups.status", "OL");
    update_set(update, "ups.id", "my-id");
    update_flags(update, "ups.id", VARIABLE_RW | VARIABLE_STRING, 8);
    update_set(update, "ups.mfr", "a\"b\\c#d");
    update_set(update, "x.enum", "b");
    update_flags(update, "x.enum", VARIABLE_RW | VARIABLE_STRING, 9);
    update_enum(update, "x.enum", "b");
    update_enum(update, "x.enum", "A \"x\"");
    update_set(update, "x.range", "80");
    update_flags(update, "x.range", VARIABLE_RW | VARIABLE_NUMBER, 0);
    update_range(update, "x.range", 10, 20);
    update_range(update, "x.range", -5, -1);
    update_set(update, "x.zero", "");
    update_flags(update, "x.zero", VARIABLE_RW | VARIABLE_STRING, 0);
    update_command(update, "load.off");
    update_command(update, "Load.on");
}

static inline struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct update update = { 0 };

    fixture->loop = loop_new();
    fixture->store = ups_store_new(loop_base(fixture->loop), 600);
    fixture->alpha = ups_add(fixture->store, "alpha", "The # \"first\"");
    fixture->beta = ups_add(fixture->store, "Beta", NULL);
    fixture->dead = ups_add(fixture->store, "dead", NULL);
    ups_attach_worker(fixture->alpha, take_request, &fixture->handed);
    fill_alpha(&update);
    ups_apply(fixture->store, fixture->alpha, &update);
    update_clear(&update);
    ups_link(fixture->store, fixture->dead, false);
    fixture->service = service_new(fixture->loop, fixture->store, 3600);
    assert_non_null(fixture->service);
    authority_set_users(fixture->service->authority, users_from(fixture_users));
    return fixture;
}

static inline int set_up(void **state)
{
    *state = fixture_new();
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;

    service_free(fixture->service);
    ups_store_free(fixture->store);
    loop_free(fixture->loop);
    free(fixture->answer);
    free(fixture);
    return 0;
}

/* Our end of a new connection; the service sees it come from 192.0.2.7. */
static inline int connect_client_with(struct fixture *fixture, int send_buffer)
{
    struct client_address address = { .family = AF_INET, .ipv4.s_addr = htonl(0xc0000207) };
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    if (send_buffer > 0)
        assert_int_equal(
            setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer), 0);
    assert_non_null(session_new(fixture->service, ends[1], &address, 0));
    return ends[0];
}

static inline int connect_client(struct fixture *fixture)
{
    return connect_client_with(fixture, 0);
}

/* One to whom the kernel takes little at a time. */
static inline int connect_narrow_client(struct fixture *fixture)
{
    return connect_client_with(fixture, 4096);
}

static inline void turn(struct fixture *fixture)
{
    event_base_loop(loop_base(fixture->loop), EVLOOP_NONBLOCK);
}

static inline void sleep_ms(unsigned milliseconds)
{
    struct timespec time = { .tv_sec = milliseconds / 1000,
                             .tv_nsec = (long)(milliseconds % 1000) * 1000000 };

    nanosleep(&time, NULL);
}

/* Everything the service has to say now. *closed tells whether it has ended the connection. */
static inline const char *receive_all(struct fixture *fixture, int descriptor, bool *closed)
{
    size_t used = 0;
    unsigned idle = 0;

    *closed = false;
    while (idle < 3 && !*closed) {
        if (fixture->answer_size - used < 65536) {
            fixture->answer_size = fixture->answer_size * 2 + 131072;
            fixture->answer = realloc(fixture->answer, fixture->answer_size);
            assert_non_null(fixture->answer);
        }
        turn(fixture);
        ssize_t got = recv(descriptor, fixture->answer + used, 65535, 0);
        if (got > 0) {
            used += (size_t)got;
            idle = 0;
        } else if (got < 0 && errno == EAGAIN) {
            idle++;
        } else {
            *closed = true;
        }
    }
    fixture->answer[used] = '\0';
    return fixture->answer;
}

static inline void send_bytes(int descriptor, const char *bytes, size_t length)
{
    assert_int_equal(send(descriptor, bytes, length, MSG_NOSIGNAL), length);
}

/* Sends the text and returns the answers; the connection must stay open. */
static inline const char *ask(struct fixture *fixture, int descriptor, const char *text)
{
    bool closed;

    send_bytes(descriptor, text, strlen(text));
    const char *answer = receive_all(fixture, descriptor, &closed);
    assert_false(closed);
    return answer;
}

/* Sends the text and demands these answers, which may take a while. */
static inline void expect_answers(struct fixture *fixture, int descriptor, const char *text,
                                  const char *answers)
{
    uint64_t deadline = clock_ms() + 20000;
    size_t got = 0;
    bool closed = false;

    send_bytes(descriptor, text, strlen(text));
    while (got < strlen(answers) && !closed && clock_ms() < deadline) {
        const char *more = receive_all(fixture, descriptor, &closed);

        if (strncmp(answers + got, more, strlen(more)) != 0)
            print_error("to: %s\n", text);
        assert_true(strlen(more) <= strlen(answers + got));
        assert_memory_equal(more, answers + got, strlen(more));
        got += strlen(more);
        if (*more == '\0')
            sleep_ms(2);
    }
    assert_false(closed);
    assert_int_equal(got, strlen(answers));
}

/* Redirects the log (standard error) into memory, until log_end(). */
static inline int log_begin(int *saved)
{
    int memory = memfd_create("log", MFD_CLOEXEC);

    assert_true(memory >= 0);
    *saved = dup(STDERR_FILENO);
    dup2(memory, STDERR_FILENO);
    return memory;
}

static inline const char *log_end(int memory, int saved)
{
    static char text[16384];

    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t length = pread(memory, text, sizeof text - 1, 0);
    close(memory);
    assert_true(length >= 0);
    text[length] = '\0';
    return text;
}

#endif
