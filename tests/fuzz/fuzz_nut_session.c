/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: everything a client can send, from the socket to the answers. The first byte of the
 * input says in pieces of what size the rest arrives. Once the client was told to start TLS, the
 * next byte says how it goes on: the rest is sent as it is; or within TLS; or as it is, but behind
 * a handshake.
 */
#include <config.h>

#include "core/log.h"
#include "core/loop.h"
#include "nutproto/client.h"
#include "nutproto/service.h"
#include "nutproto/session.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef HAVE_OPENSSL
#include "tests/unit/tls_peer.h"

#include <signal.h>
#endif

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
    world->service = service_new(world->loop, world->store, 3600);
    authority_set_users(world->service->authority, make_users());
#ifdef HAVE_OPENSSL
    signal(SIGPIPE, SIG_IGN);
    world->service->tls = tls_peer_context();
#endif
}

enum way { IN_CLEAR, RAW, WITHIN_TLS, BEHIND_HANDSHAKE };

/* The client's end of a connection. */
struct end {
    int descriptor;
    enum way way;
    bool told_to_start; /* TLS */
#ifdef HAVE_OPENSSL
    struct tls_peer peer; /* unless IN_CLEAR or RAW */
#endif
};

static void turn(struct world *world)
{
    event_base_loop(loop_base(world->loop), EVLOOP_NONBLOCK);
}

/* Answers are lines of printable text, whatever was asked. */
static void check_text(struct end *end, const char *bytes, size_t length)
{
    static const char told[] = "OK STARTTLS\n";

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if ((byte < 0x20 && byte != '\n') || byte > 0x7f)
            abort();
    }
    end->told_to_start = length >= sizeof told - 1 &&
                         memcmp(bytes + length - (sizeof told - 1), told, sizeof told - 1) == 0;
}

static void check_within_tls(struct end *end, const char *bytes, size_t length)
{
#ifdef HAVE_OPENSSL
    char text[16384];
    int got;

    if (BIO_write(end->peer.from_server, bytes, (int)length) != (int)length)
        abort();
    while (end->way == WITHIN_TLS && SSL_is_init_finished(end->peer.ssl) &&
           (got = SSL_read(end->peer.ssl, text, sizeof text)) > 0)
        check_text(end, text, (size_t)got);
    ERR_clear_error();
#else
    (void)end;
    (void)bytes;
    (void)length;
#endif
}

static void check_answers(struct world *world, struct end *end)
{
    char bytes[65536];
    ssize_t length;

    while ((length = recv(end->descriptor, bytes, sizeof bytes, 0)) > 0) {
        if (end->way == IN_CLEAR)
            check_text(end, bytes, (size_t)length);
        else if (end->way != RAW)
            check_within_tls(end, bytes, (size_t)length);
    }
    if (world->last_request != 0)
        ups_result(world->store, world->ups, world->last_request, UPS_HANDLED);
    world->last_request = 0;
}

static bool send_raw(struct world *world, struct end *end, const char *bytes, size_t length)
{
    bool sent = length == 0 || send(end->descriptor, bytes, length, MSG_NOSIGNAL) > 0;

    turn(world);
    check_answers(world, end);
    return sent;
}

#ifdef HAVE_OPENSSL
/* What the client's TLS has to say. */
static bool flush(struct world *world, struct end *end)
{
    char *bytes;
    size_t length = (size_t)BIO_get_mem_data(end->peer.to_server, &bytes);
    bool sent = send_raw(world, end, bytes, length);

    (void)BIO_reset(end->peer.to_server);
    return sent;
}

static void start_tls(struct world *world, struct end *end, enum way way)
{
    end->way = way;
    end->told_to_start = false;
    if (way == RAW)
        return;
    tls_peer_open(&end->peer, TLS1_2_VERSION, TLS1_3_VERSION);
    for (int i = 0; i < 10 && SSL_do_handshake(end->peer.ssl) != 1; i++)
        flush(world, end);
    flush(world, end);
    /* Nobody is in the way, so it must succeed. */
    if (!SSL_is_init_finished(end->peer.ssl))
        abort();
}

static bool send_piece(struct world *world, struct end *end, const char *bytes, size_t length)
{
    if (end->way != WITHIN_TLS)
        return send_raw(world, end, bytes, length);
    bool sent = SSL_write(end->peer.ssl, bytes, (int)length) > 0;
    ERR_clear_error();
    return sent && flush(world, end);
}

static void hang_up(struct end *end)
{
    if (end->way == WITHIN_TLS || end->way == BEHIND_HANDSHAKE)
        tls_peer_close(&end->peer);
    close(end->descriptor);
    /* One connection must not leave its errors to the next. */
    if (ERR_peek_error() != 0)
        abort();
}
#else
static void start_tls(struct world *world, struct end *end, enum way way)
{
    (void)world;
    (void)end;
    (void)way;
    abort();
}

static bool send_piece(struct world *world, struct end *end, const char *bytes, size_t length)
{
    return send_raw(world, end, bytes, length);
}

static void hang_up(struct end *end)
{
    close(end->descriptor);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum way ways[] = { RAW, WITHIN_TLS, BEHIND_HANDSHAKE };
    static struct world world;
    struct client_address address = { .family = AF_INET6, .ipv6 = in6addr_loopback };
    int ends[2];

    if (world.loop == NULL)
        begin(&world);
    if (size == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
        return 0;
    if (session_new(world.service, ends[1], &address, 0) == NULL)
        abort();
    struct end end = { .descriptor = ends[0] };
    size_t piece = data[0] == 0 ? size : data[0];
    for (size_t at = 1; at < size;) {
        size_t length = size - at < piece ? size - at : piece;

        if (!send_piece(&world, &end, (const char *)data + at, length))
            break;
        at += length;
        if (end.way == IN_CLEAR && end.told_to_start && at < size)
            start_tls(&world, &end, ways[data[at++] % 3]);
    }
    /* Everything the session held must be given back when the client leaves. */
    hang_up(&end);
    for (int i = 0; i < 100 && world.service->session_count > 0; i++)
        turn(&world);
    if (world.service->session_count > 0 || world.service->queued > 0 ||
        world.service->handshakes.count > 0)
        abort();
    return 0;
}
