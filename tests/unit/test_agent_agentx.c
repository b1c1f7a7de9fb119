/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AgentX session against a master played by the test: what it sends, what becomes of it when
 * the master refuses, is silent, or goes.
 */
#include "agent/agentx.h"
#include "agent/agentx_address.h"
#include "agent/library.h"
#include "core/log.h"
#include "core/loop.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define LIMIT_MS 5000

struct master {
    struct loop *loop;
    struct event *ticker;
    struct agentx *agentx;
    char directory[64], path[96];
    int listener, connection;
    unsigned char pdu[4096];
    size_t length; /* of the PDU last read */
};

static const struct subtree *no_snapshot(void *owner, const char *context)
{
    (void)owner;
    (void)context;
    return NULL;
}

static void on_tick(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    (void)context;
}

static void turn(struct master *master)
{
    event_base_loop(loop_base(master->loop), EVLOOP_ONCE);
}

static void begin_listening(struct master *master)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof address.sun_path, "%s", master->path);
    master->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(master->listener, (struct sockaddr *)(void *)&address, sizeof address),
                     0);
    assert_int_equal(listen(master->listener, 4), 0);
}

static void open_master(struct master *master)
{
    static const struct timeval tick = { .tv_usec = 5000 };
    const struct contexts contexts = { .snapshot = no_snapshot };

    *master = (struct master){ .loop = loop_new(), .listener = -1, .connection = -1 };
    snprintf(master->directory, sizeof master->directory, "/tmp/upsbridge-test-XXXXXX");
    assert_non_null(mkdtemp(master->directory));
    snprintf(master->path, sizeof master->path, "%s/agentx", master->directory);
    master->ticker = event_new(loop_base(master->loop), -1, EV_PERSIST, on_tick, NULL);
    event_add(master->ticker, &tick);
    master->agentx = agentx_new(loop_base(master->loop), master->path, &contexts);
    assert_non_null(master->agentx);
}

static void close_master(struct master *master)
{
    agentx_free(master->agentx);
    if (master->connection >= 0)
        close(master->connection);
    if (master->listener >= 0)
        close(master->listener);
    unlink(master->path);
    rmdir(master->directory);
    event_free(master->ticker);
    loop_free(master->loop);
}

static void accept_agent(struct master *master)
{
    uint64_t end = clock_ms() + LIMIT_MS;

    while ((master->connection = accept4(master->listener, NULL, NULL, SOCK_NONBLOCK)) < 0 &&
           clock_ms() < end)
        turn(master);
    assert_true(master->connection >= 0);
}

/* The next so many bytes; false at the end of the connection. */
static bool read_bytes(struct master *master, unsigned char *bytes, size_t length)
{
    uint64_t end = clock_ms() + LIMIT_MS;
    size_t used = 0;

    while (used < length) {
        ssize_t got = read(master->connection, bytes + used, length - used);

        assert_true(clock_ms() < end);
        if (got == 0)
            return false;
        if (got > 0)
            used += (size_t)got;
        else
            turn(master);
    }
    return true;
}

static uint32_t number_at(const struct master *master, size_t at)
{
    const unsigned char *bytes = master->pdu + at;
    uint32_t big =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];

    return (master->pdu[2] & 0x10) != 0 ? big : __builtin_bswap32(big);
}

/* Reads a PDU; returns its type. */
static int read_pdu(struct master *master)
{
    assert_true(read_bytes(master, master->pdu, 20));
    size_t payload = number_at(master, 16);
    assert_true(payload <= sizeof master->pdu - 20);
    assert_true(read_bytes(master, master->pdu + 20, payload));
    master->length = 20 + payload;
    return master->pdu[1];
}

static void put_number(unsigned char *bytes, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> (24 - 8 * i));
}

/* Responds to the PDU last read. */
static void respond(struct master *master, uint32_t session, uint32_t uptime, unsigned error)
{
    unsigned char response[28] = { 1, 18, 0x10, 0 };

    put_number(response + 4, session);
    put_number(response + 8, number_at(master, 8));
    put_number(response + 12, number_at(master, 12));
    put_number(response + 16, 8);
    put_number(response + 20, uptime);
    response[24] = (unsigned char)(error >> 8);
    response[25] = (unsigned char)error;
    assert_int_equal(write(master->connection, response, sizeof response), sizeof response);
}

static bool pdu_holds(const struct master *master, const char *text)
{
    return memmem(master->pdu, master->length, text, strlen(text)) != NULL;
}

/* What the agent tells of itself before all else: a line of sysORTable for each MIB. */
static void hear_of_mibs(struct master *master)
{
    static const char *const words[] = { "uninterruptible", "physical entities", "sensors",
                                         "upsbridge" };

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(read_pdu(master), 16); /* AddAgentCaps */
        assert_int_equal(number_at(master, 4), 77);
        assert_true(pdu_holds(master, words[i]));
        respond(master, 77, 0, 0);
    }
}

static void welcome_agent(struct master *master)
{
    accept_agent(master);
    assert_int_equal(read_pdu(master), 1); /* Open */
    respond(master, 77, 0, 0);
    hear_of_mibs(master);
}

static void test_opens_and_registers(void **state)
{
    struct master master;

    (void)state;
    open_master(&master);
    assert_true(agentx_register_context(master.agentx, "", &objects_regions[1]));
    assert_true(agentx_register_context(master.agentx, "alpha", &objects_regions[1]));
    begin_listening(&master);
    welcome_agent(&master);
    bool named = false;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(read_pdu(&master), 3); /* Register */
        assert_int_equal(number_at(&master, 4), 77);
        named |= (master.pdu[2] & 0x08) != 0 && pdu_holds(&master, "alpha");
        respond(&master, 77, 0, 0);
    }
    assert_true(named);
    /* A context more, and one less, while it is open. */
    assert_true(agentx_register_context(master.agentx, "beta", &objects_regions[0]));
    assert_int_equal(read_pdu(&master), 3);
    assert_true(pdu_holds(&master, "beta"));
    respond(&master, 77, 0, 0);
    for (int i = 0; i < 5; i++)
        turn(&master);
    agentx_unregister_context(master.agentx, "beta", &objects_regions[0]);
    assert_int_equal(read_pdu(&master), 4); /* Unregister */
    assert_true(pdu_holds(&master, "beta"));
    respond(&master, 77, 0, 0);
    close_master(&master);
}

static void test_takes_back_what_is_unwanted_before_the_answer(void **state)
{
    struct master master;

    (void)state;
    open_master(&master);
    agentx_register_context(master.agentx, "alpha", &objects_regions[1]);
    begin_listening(&master);
    welcome_agent(&master);
    assert_int_equal(read_pdu(&master), 3);
    agentx_unregister_context(master.agentx, "alpha", &objects_regions[1]);
    respond(&master, 77, 0, 0);
    assert_int_equal(read_pdu(&master), 4);
    assert_true(pdu_holds(&master, "alpha"));
    close_master(&master);
}

static void test_comes_back_when_the_master_does(void **state)
{
    struct master master;

    (void)state;
    open_master(&master);
    agentx_register_context(master.agentx, "alpha", &objects_regions[1]);
    begin_listening(&master);
    for (int round = 0; round < 3; round++) {
        welcome_agent(&master);
        assert_int_equal(read_pdu(&master), 3);
        /* Lost with and without an answer to the registration. */
        if (round == 1)
            respond(&master, 77, 0, 0);
        close(master.connection);
    }
    welcome_agent(&master);
    assert_int_equal(read_pdu(&master), 3);
    assert_true(pdu_holds(&master, "alpha"));
    close_master(&master);
}

static void test_is_refused_and_tries_again(void **state)
{
    struct master master;

    (void)state;
    open_master(&master);
    begin_listening(&master);
    accept_agent(&master);
    assert_int_equal(read_pdu(&master), 1);
    respond(&master, 0, 0, 256); /* openFailed */
    unsigned char byte;
    assert_false(read_bytes(&master, &byte, 1));
    close(master.connection);
    welcome_agent(&master);
    close_master(&master);
}

static void test_ends_on_what_is_no_agentx(void **state)
{
    struct master master;
    unsigned char byte;
    static const char nonsense[64] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

    (void)state;
    open_master(&master);
    begin_listening(&master);
    accept_agent(&master);
    assert_int_equal(read_pdu(&master), 1);
    assert_int_equal(write(master.connection, nonsense, sizeof nonsense), sizeof nonsense);
    close(master.connection);
    accept_agent(&master);
    assert_int_equal(read_pdu(&master), 1);
    respond(&master, 77, 0, 0);
    hear_of_mibs(&master);
    /* A PDU of more than anybody may send. */
    unsigned char huge[20] = { 1, 5, 0x10, 0 };
    put_number(huge + 16, 0x7fffffff);
    assert_int_equal(write(master.connection, huge, sizeof huge), sizeof huge);
    assert_false(read_bytes(&master, &byte, 1));
    close_master(&master);
}

/* The master gets an answer whatever it asks, so that it does not end the session for want of one.
 */
static void test_answers_what_cannot_be_decoded(void **state)
{
    struct master master;
    static unsigned char oversized[20 + 80000] = { 1, 5, 0x10, 0 };
    static const unsigned char header_number[4] = { 9, 8, 7, 6 };

    (void)state;
    open_master(&master);
    begin_listening(&master);
    welcome_agent(&master);
    for (size_t payload = 80000; payload > 0; payload = payload == 80000 ? 4 : 0) {
        memcpy(oversized + 8, header_number, 4);
        memcpy(oversized + 12, "wxyz", 4);
        put_number(oversized + 16, (uint32_t)payload);
        memset(oversized + 20, 0xff, payload);
        for (size_t sent = 0; sent < 20 + payload;) {
            ssize_t more = write(master.connection, oversized + sent, 20 + payload - sent);

            if (more > 0)
                sent += (size_t)more;
            turn(&master);
        }
        assert_int_equal(read_pdu(&master), 18); /* Response */
        assert_memory_equal(master.pdu + 8, header_number, 4);
        assert_memory_equal(master.pdu + 12, "wxyz", 4);
        assert_int_equal(master.pdu[24] << 8 | master.pdu[25], 266); /* parseError */
    }
    close_master(&master);
}

/* Lengths that overflow what the library reckons with. */
static void test_ends_on_a_length_that_overflows(void **state)
{
    static const uint32_t lengths[] = { 0xffffffec, 0xfffffff0, 0x80000000 };
    unsigned char header[20] = { 1, 5, 0x10, 0 };
    struct master master;
    unsigned char byte;

    (void)state;
    open_master(&master);
    begin_listening(&master);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        welcome_agent(&master);
        put_number(header + 16, lengths[i]);
        assert_int_equal(write(master.connection, header, sizeof header), sizeof header);
        assert_false(read_bytes(&master, &byte, 1));
        close(master.connection);
    }
    close_master(&master);
}

static void test_says_goodbye(void **state)
{
    struct master master;

    (void)state;
    open_master(&master);
    begin_listening(&master);
    welcome_agent(&master);
    for (int i = 0; i < 5; i++)
        turn(&master);
    agentx_free(master.agentx);
    master.agentx = NULL;
    assert_int_equal(read_pdu(&master), 2); /* Close */
    close_master(&master);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *text;
        int family; /* 0: wrong */
    } cases[] = {
        { NULL, AF_UNIX },
        { "/run/agentx", AF_UNIX },
        { "unix:/run/agentx", AF_UNIX },
        { "tcp:127.0.0.1:705", AF_INET },
        { "TCP:127.0.0.1", AF_INET },
        { "127.0.0.1:1705", AF_INET },
        { "tcp6:[::1]:705", AF_INET6 },
        { "tcp6:[::1]", AF_INET6 },
        { "tcp:127.0.0.1:no-such-port", 0 },
        { "tcp:[::1]:705", 0 },
        { "/a/path/that/is/far/too/long/for/a/socket/012345678901234567890123456789012345678901234"
          "56789012345678901234567890123456789",
          0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct agentx_address address;
        bool right = agentx_address_parse(&address, cases[i].text);

        assert_int_equal(right, cases[i].family != 0);
        if (right)
            assert_int_equal(address.socket.ss_family, cases[i].family);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_and_registers),
        cmocka_unit_test(test_takes_back_what_is_unwanted_before_the_answer),
        cmocka_unit_test(test_comes_back_when_the_master_does),
        cmocka_unit_test(test_is_refused_and_tries_again),
        cmocka_unit_test(test_ends_on_what_is_no_agentx),
        cmocka_unit_test(test_answers_what_cannot_be_decoded),
        cmocka_unit_test(test_ends_on_a_length_that_overflows),
        cmocka_unit_test(test_says_goodbye),
        cmocka_unit_test(test_addresses),
    };

    library_begin(NULL, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    library_end();
    return failed;
}
