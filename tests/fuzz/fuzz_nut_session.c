/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: everything a client can send, from the socket to the answers. The first byte of the
 * input says in pieces of what size the rest arrives.
 */
#include "core/log.h"
#include "core/loop.h"
#include "nutproto/client.h"
#include "nutproto/service.h"
#include "nutproto/session.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct loop *loop;
    struct ups_store *store;
    struct service *service;
    struct ups *ups;
    uint64_t last_request;
};

static bool take_request(void *worker, const struct ups_request *request)
{
    struct world *world = worker;

    world->last_request = request->id;
    return true;
}

static struct users *make_users(void)
{
    static const char text[] = "[u]\npassword = p\nactions = SET\ninstcmds = ALL\nupsmon primary\n";
    char path[] = "/tmp/fuzz_nut_session.XXXXXX";
    struct config_report report = { 0 };
    int descriptor = mkstemp(path);

    if (descriptor < 0 || write(descriptor, text, sizeof text - 1) != sizeof text - 1)
        abort();
    close(descriptor);
    struct users *users = users_load(path, &report);
    unlink(path);
    return users;
}

static void begin(struct world *world)
{
    struct update update = { 0 };

    /* The log is part of what is tried, but nobody wants to read it. */
    log_open("fuzz", LOG_TO_SYSLOG);
    setlogmask(LOG_MASK(LOG_EMERG));
    world->loop = loop_new();
    world->store = ups_store_new(loop_base(world->loop), 86400);
    world->ups = ups_add(world->store, "u", "a \"description\"");
    ups_add(world->store, "v", NULL);
    ups_attach_worker(world->ups, take_request, world);
    update_set(&update, "ups.status", "OL");
    update_set(&update, "a", "#\\\"");
    update_flags(&update, "a", VARIABLE_RW | VARIABLE_STRING, 5);
    update_enum(&update, "a", "x");
    update_set(&update, "b", "5");
    update_flags(&update, "b", VARIABLE_RW, 0);
    update_range(&update, "b", 1, 9);
    update_command(&update, "c");
    ups_apply(world->store, world->ups, &update);
    update_clear(&update);
    world->service = service_new(loop_base(world->loop), world->store, 3600);
    world->service->users = make_users();
}

/* Answers are lines of printable text, whatever was asked. */
static void check_answers(struct world *world, int descriptor)
{
    char bytes[65536];
    ssize_t length;

    while ((length = recv(descriptor, bytes, sizeof bytes, 0)) > 0) {
        for (ssize_t i = 0; i < length; i++) {
            unsigned char byte = (unsigned char)bytes[i];

            if ((byte < 0x20 && byte != '\n') || byte > 0x7f)
                abort();
        }
    }
    if (world->last_request != 0)
        ups_result(world->store, world->ups, world->last_request, UPS_HANDLED);
    world->last_request = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct client_address address = { .family = AF_INET6, .ipv6 = in6addr_loopback };
    int ends[2];

    if (world.loop == NULL)
        begin(&world);
    if (size == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
        return 0;
    if (session_new(world.service, ends[1], &address, 0) == NULL)
        abort();
    size_t piece = data[0] == 0 ? size : data[0];
    for (size_t at = 1; at < size; at += piece) {
        size_t length = size - at < piece ? size - at : piece;

        if (send(ends[0], data + at, length, MSG_NOSIGNAL) < 0)
            break;
        event_base_loop(loop_base(world.loop), EVLOOP_NONBLOCK);
        check_answers(&world, ends[0]);
    }
    /* Everything the session held must be given back when the client leaves. */
    close(ends[0]);
    for (int i = 0; i < 100 && world.service->session_count > 0; i++)
        event_base_loop(loop_base(world.loop), EVLOOP_NONBLOCK);
    if (world.service->session_count > 0 || world.service->queued > 0)
        abort();
    return 0;
}
