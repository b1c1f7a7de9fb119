/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes a client of the Modbus server, from the socket to the answers. Input: a byte of switches
 * (see below), a byte that says in pieces of what size the rest arrives, then what the client
 * sends. Each frame gets one answer, in the order they came, up to the first that is none; that
 * ends the connection, as the client's end does, and nothing is left then.
 */
#include "core/log.h"
#include "modbus/server.h"
#include "tests/fuzz/demand.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAY_WRITE 1
#define FAILS 2    /* what the UPS says to commands */
#define VANISHES 4 /* the UPS, with its first command */
#define MANY_DEVICES 8
#define INPUT_MAX 4096
#define TURNS_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct loop *loop;
    struct ups_store *store;
    struct ups *ups; /* NULL: it has gone */
    struct settings settings;
    struct modbus_server *server;
    uint64_t request; /* 0: none is under way */
    int client;
    uint8_t answer[260]; /* that has begun to arrive */
    size_t arrived;
    size_t answers;
    uint8_t transactions[INPUT_MAX / 8][2]; /* of the frames sent, in order */
    bool closed;
};

static bool take_request(void *worker, const struct ups_request *request)
{
    struct world *world = worker;

    world->request = request->id;
    return true;
}

static void begin(struct world *world, unsigned switches)
{
    static const struct ip_address address = { .ipv4 = true, .bytes = { 127, 0, 0, 1 } };
    struct update update = { .complete = true };
    int ends[2];

    log_open("fuzz", LOG_TO_SYSLOG);
    setlogmask(LOG_MASK(LOG_EMERG));
    world->loop = loop_new();
    demand(world->loop != NULL);
    world->store = ups_store_new(loop_base(world->loop), 86400);
    world->settings.modbus_write = (switches & MAY_WRITE) != 0;
    world->server = modbus_server_new(world->loop, world->store, &world->settings);
    world->ups = ups_add(world->store, "lab", "In the lab");
    if ((switches & MANY_DEVICES) != 0)
        ups_add(world->store, "hall", NULL);
    ups_attach_worker(world->ups, take_request, world);
    update_set(&update, "ups.status", "OL CHRG");
    update_set(&update, "battery.charge", "100");
    update_command(&update, "load.off");
    ups_apply(world->store, world->ups, &update);
    update_clear(&update);
    demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    world->client = ends[0];
    demand(modbus_server_take(world->server, ends[1], &address));
}

/* One byte of the answers. */
static void take_byte(struct world *world, uint8_t byte)
{
    uint8_t *answer = world->answer;

    answer[world->arrived++] = byte;
    if (world->arrived < 6)
        return;
    size_t length = (size_t)answer[4] << 8 | answer[5];
    demand(answer[2] == 0 && answer[3] == 0 && length >= 3 && length <= 254);
    if (world->arrived < 6 + length)
        return;
    demand(memcmp(answer, world->transactions[world->answers++], 2) == 0);
    world->arrived = 0;
}

static void turn(struct world *world, unsigned switches)
{
    uint8_t bytes[4096];
    ssize_t count;

    event_base_loop(loop_base(world->loop), EVLOOP_NONBLOCK);
    while ((count = read(world->client, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < count; i++)
            take_byte(world, bytes[i]);
    }
    world->closed = world->closed || count == 0 || errno != EAGAIN;
    uint64_t request = world->request;
    world->request = 0;
    if (request == 0)
        return;
    if ((switches & VANISHES) != 0) {
        ups_remove(world->store, world->ups);
        world->ups = NULL;
    } else
        ups_result(world->store, world->ups, request,
                   (switches & FAILS) != 0 ? UPS_FAILED : UPS_HANDLED);
}

/* How many frames there are up to the first that is none. */
static size_t count_frames(struct world *world, const uint8_t *data, size_t size, bool *garbled)
{
    size_t count = 0;

    for (size_t at = 0; size - at >= 7;) {
        size_t length = (size_t)data[at + 4] << 8 | data[at + 5];

        *garbled = data[at + 2] != 0 || data[at + 3] != 0 || length < 2 || length > 254;
        if (*garbled || size - at < 6 + length)
            break;
        memcpy(world->transactions[count++], data + at, 2);
        at += 6 + length;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = { .request = 0 };
    bool garbled = false;

    if (size < 3 || size > INPUT_MAX)
        return 0;
    unsigned switches = data[0];
    size_t piece = data[1] + 1u, at = 2;
    size_t frames = count_frames(&world, data + at, size - at, &garbled);
    begin(&world, switches);
    while (at < size && !world.closed) {
        size_t length = size - at < piece ? size - at : piece;
        ssize_t sent = send(world.client, data + at, length, MSG_NOSIGNAL);

        at += sent > 0 ? (size_t)sent : 0;
        turn(&world, switches);
    }
    shutdown(world.client, SHUT_WR);
    for (unsigned turns = 0; !world.closed; turns++) {
        demand(turns < TURNS_MAX);
        turn(&world, switches);
    }
    const struct modbus_counters *counters = &ups_store_census(world.store)->modbus;
    demand(garbled ? world.answers <= frames : world.answers == frames);
    demand(counters->clients == 0 && counters->connections == 1);
    demand(counters->garbled == garbled && counters->requests == frames);
    modbus_server_free(world.server);
    ups_store_free(world.store);
    loop_free(world.loop);
    close(world.client);
    return 0;
}
