/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transport: input in any pieces, slow and silent clients, bounded memory.
 */
#include "tests/unit/nutproto_fixture.h"

static const char script[] = "VER x\n"
                             "GET VAR alpha ups.id\r\n"
                             "\n"
                             "  GET   VAR \"alpha\" 'x'   \n"
                             "LIST UPS\n"
                             "NET\\\nVER\n"
                             "GET VAR alpha \"ups.\nmfr\" # comment\n"
                             "GET DESC alpha \"\"\n"
                             "\x01\xffNETVER\n"
                             "LIST VAR Alpha\n";

static void test_split_at_every_byte(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    char *expected = strdup(ask(fixture, client, script));
    size_t length = strlen(script);

    assert_true(strlen(expected) > 300);
    for (size_t split = 1; split < length; split++) {
        char got[4096];
        bool closed;

        send_bytes(client, script, split);
        size_t used =
            (size_t)snprintf(got, sizeof got, "%s", receive_all(fixture, client, &closed));
        send_bytes(client, script + split, length - split);
        snprintf(got + used, sizeof got - used, "%s", receive_all(fixture, client, &closed));
        assert_string_equal(got, expected);
    }
    free(expected);
    close(client);
}

static void test_byte_by_byte(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    char *expected = strdup(ask(fixture, client, script));
    char got[4096] = "";
    bool closed;

    for (size_t i = 0; script[i] != '\0'; i++) {
        send_bytes(client, script + i, 1);
        strcat(got, receive_all(fixture, client, &closed));
    }
    assert_string_equal(got, expected);
    free(expected);
    close(client);
}

/* A line begun by one client must not leak into another's. */
static void test_partial_lines_are_kept_apart(void **state)
{
    struct fixture *fixture = *state;
    int first = connect_client(fixture);
    int second = connect_client(fixture);

    assert_string_equal(ask(fixture, first, "GET VAR alp"), "");
    assert_string_equal(ask(fixture, second, "GET \"VAR"), "");
    assert_string_equal(ask(fixture, first, "ha ups.id\nNET"), "VAR alpha ups.id \"my-id\"\n");
    assert_string_equal(ask(fixture, second, "\" alpha ups.status\n"),
                        "VAR alpha ups.status \"OL\"\n");
    close(second);
    assert_string_equal(ask(fixture, first, "VER\n"), "1.3\n");
    close(first);
}

static void test_pipelining(void **state)
{
    enum { REQUESTS = 3000 };
    static const char request[] = "GET VAR alpha ups.id\nFOO\n";
    static const char answer[] = "VAR alpha ups.id \"my-id\"\nERR UNKNOWN-COMMAND\n";
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    char *requests = malloc(REQUESTS * (sizeof request - 1));

    for (size_t i = 0; i < REQUESTS; i++)
        memcpy(requests + i * (sizeof request - 1), request, sizeof request - 1);
    send_bytes(client, requests, REQUESTS * (sizeof request - 1));
    free(requests);
    bool closed;
    const char *got = receive_all(fixture, client, &closed);
    assert_int_equal(strlen(got), REQUESTS * (sizeof answer - 1));
    for (size_t i = 0; i < REQUESTS; i++)
        assert_memory_equal(got + i * (sizeof answer - 1), answer, sizeof answer - 1);
    close(client);
}

static void test_half_close(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    bool closed;

    send_bytes(client, "NETVER\nPROTVER\nVER", 18);
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    assert_string_equal(receive_all(fixture, client, &closed), "1.3\n1.3\n");
    assert_true(closed);
    assert_int_equal(fixture->service->session_count, 0);
    close(client);
}

static void test_nothing_is_answered_behind_logout(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    bool closed;

    send_bytes(client, "NETVER\nLOGOUT\nNETVER\n", 21);
    assert_string_equal(receive_all(fixture, client, &closed), "1.3\nOK Goodbye\n");
    assert_true(closed);
    close(client);
}

static void test_parse_error_voids_its_block(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    char text[1024];

    assert_string_equal(ask(fixture, client, "NETVER\nGET \"a#b\"\nNETVER\n"), "1.3\n");
    assert_string_equal(ask(fixture, client, "NETVER\n"), "1.3\n");
    assert_string_equal(ask(fixture, client, "GET \"a"), "");
    assert_string_equal(ask(fixture, client, "#b\n"), "");
    assert_string_equal(ask(fixture, client, "NETVER\n"), "1.3\n");
    /* What stands beyond the block of 512 bytes is heard again. */
    memset(text, ' ', sizeof text);
    memcpy(text, "\"#", 2);
    memcpy(text + 505, "NETVER\n", 7);
    memcpy(text + 512, "PROTVER x\n", 11);
    assert_string_equal(ask(fixture, client, text), "ERR INVALID-ARGUMENT\n");
    close(client);
}

static void test_garbage(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    int other = connect_client(fixture);
    uint32_t random = 12345;
    char bytes[4096];
    bool closed;

    for (int round = 0; round < 300; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (char)(random >> 24);
        }
        /* Quotes would only make most of it one endless word. */
        for (size_t i = 0; round % 2 == 0 && i < sizeof bytes; i++)
            bytes[i] = bytes[i] == '"' ? '\n' : bytes[i];
        send_bytes(client, bytes, sizeof bytes);
        receive_all(fixture, client, &closed);
        assert_false(closed);
        assert_string_equal(ask(fixture, other, "NETVER\n"), "1.3\n");
    }
    close(client);
    close(other);
}

static void test_endless_line(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    char bytes[8192];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i % 600 == 0 ? ' ' : 'x';
    for (int i = 0; i < 500; i++) {
        bool closed;

        send_bytes(client, bytes, sizeof bytes);
        assert_string_equal(receive_all(fixture, client, &closed), "");
        assert_false(closed);
    }
    assert_string_equal(ask(fixture, client, "\nNETVER\n"), "ERR UNKNOWN-COMMAND\n1.3\n");
    close(client);
}

/* Slow clients ------------------------------------------------------------------------------- */

static const char list_request[] = "LIST VAR alpha\n";

/* Sends requests without reading answers until the service stops listening; how many. */
static size_t flood(struct fixture *fixture, int client)
{
    size_t sent = 0;

    for (unsigned refused = 0; refused < 20;) {
        ssize_t length = send(client, list_request, sizeof list_request - 1, MSG_NOSIGNAL);

        if (length < 0) {
            assert_int_equal(errno, EAGAIN);
            refused++;
        } else {
            assert_int_equal(length, sizeof list_request - 1);
            sent++;
            refused = 0;
        }
        turn(fixture);
    }
    return sent;
}

static void test_slow_reader(void **state)
{
    struct fixture *fixture = *state;
    int slow = connect_client(fixture);
    int other = connect_client(fixture);
    size_t answer_length = strlen(ask(fixture, other, list_request));
    char *answer = strdup(fixture->answer);
    size_t requests = flood(fixture, slow);
    bool closed;

    assert_true(fixture->service->queued > 0);
    assert_true(fixture->service->queued < 128 * 1024);
    assert_string_equal(ask(fixture, other, "NETVER\n"), "1.3\n");
    const char *got = receive_all(fixture, slow, &closed);
    assert_false(closed);
    assert_int_equal(strlen(got), requests * answer_length);
    for (size_t i = 0; i < requests; i++)
        assert_memory_equal(got + i * answer_length, answer, answer_length);
    assert_int_equal(fixture->service->queued, 0);
    assert_string_equal(ask(fixture, slow, "NETVER\n"), "1.3\n");
    free(answer);
    close(slow);
    close(other);
}

static void test_slow_reader_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    int slow = connect_client(fixture);

    fixture->service->stall_limit = 100;
    flood(fixture, slow);
    assert_int_equal(fixture->service->session_count, 1);
    sleep_ms(150);
    turn(fixture);
    assert_int_equal(fixture->service->session_count, 0);
    assert_int_equal(fixture->service->queued, 0);
    close(slow);
}

static void test_progress_keeps_a_slow_reader(void **state)
{
    struct fixture *fixture = *state;
    int slow = connect_narrow_client(fixture);
    char bytes[65536];

    fixture->service->stall_limit = 200;
    flood(fixture, slow);
    for (int i = 0; i < 4; i++) {
        sleep_ms(120);
        assert_true(recv(slow, bytes, sizeof bytes, 0) > 0);
        turn(fixture);
        assert_true(fixture->service->queued > 0);
        assert_int_equal(fixture->service->session_count, 1);
    }
    close(slow);
}

static void test_slow_readers_share_a_limit(void **state)
{
    struct fixture *fixture = *state;
    int first = connect_client(fixture);
    int second = connect_client(fixture);
    bool closed;

    flood(fixture, first);
    assert_int_equal(fixture->service->session_count, 2);
    fixture->service->queue_limit = fixture->service->queued + 100;
    for (int i = 0; i < 100000 && fixture->service->session_count == 2; i++) {
        if (send(second, list_request, sizeof list_request - 1, MSG_NOSIGNAL) < 0)
            assert_int_equal(errno, EAGAIN);
        turn(fixture);
    }
    assert_int_equal(fixture->service->session_count, 1);
    assert_true(fixture->service->queued <= fixture->service->queue_limit);
    assert_non_null(strstr(receive_all(fixture, first, &closed), "END LIST VAR alpha\n"));
    assert_false(closed);
    close(first);
    close(second);
}

static void test_logout_behind_unread_answers(void **state)
{
    struct fixture *fixture = *state;
    int slow = connect_client(fixture);
    size_t length = strlen(ask(fixture, slow, list_request));
    char requests[400 * (sizeof list_request - 1) + 7];
    bool closed;

    for (size_t i = 0; i < 400; i++)
        memcpy(requests + i * (sizeof list_request - 1), list_request, sizeof list_request - 1);
    memcpy(requests + sizeof requests - 7, "LOGOUT\n", 7);
    int small = 4096;
    assert_int_equal(setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    send_bytes(slow, requests, sizeof requests);
    const char *got = receive_all(fixture, slow, &closed);
    assert_true(closed);
    assert_int_equal(strlen(got), 400 * length + 11);
    assert_string_equal(got + 400 * length, "OK Goodbye\n");
    close(slow);
}

static void test_peer_gone_while_answers_wait(void **state)
{
    struct fixture *fixture = *state;
    int slow = connect_client(fixture);

    flood(fixture, slow);
    close(slow);
    turn(fixture);
    turn(fixture);
    assert_int_equal(fixture->service->session_count, 0);
    assert_int_equal(fixture->service->queued, 0);
}

/* Silent clients ----------------------------------------------------------------------------- */

static void test_silent_client_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    bool closed;

    fixture->service->idle_limit = 200;
    int silent = connect_client(fixture);
    int partial = connect_client(fixture);
    int busy = connect_client(fixture);
    for (int i = 0; i < 5; i++) {
        sleep_ms(50);
        /* Bytes without the end of a line do not count. */
        send(partial, "x", 1, MSG_NOSIGNAL);
        assert_string_equal(ask(fixture, busy, "\n"), "ERR UNKNOWN-COMMAND\n");
    }
    assert_string_equal(receive_all(fixture, silent, &closed), "");
    assert_true(closed);
    receive_all(fixture, partial, &closed);
    assert_true(closed);
    assert_int_equal(fixture->service->session_count, 1);
    sleep_ms(100);
    assert_string_equal(ask(fixture, busy, "NETVER\n"), "1.3\n");
    sleep_ms(250);
    turn(fixture);
    assert_int_equal(fixture->service->session_count, 0);
    close(silent);
    close(partial);
    close(busy);
}

static void test_service_ends_with_clients(void **state)
{
    struct fixture *fixture = *state;
    int clients[10];
    bool closed;

    for (size_t i = 0; i < 10; i++) {
        clients[i] = connect_client(fixture);
        ask(fixture, clients[i], "USERNAME mon\nPASSWORD pw\nLOGIN alpha\nGET \"");
    }
    service_free(fixture->service);
    for (size_t i = 0; i < 10; i++) {
        assert_string_equal(receive_all(fixture, clients[i], &closed), "");
        assert_true(closed);
        close(clients[i]);
    }
    assert_null(fixture->alpha->attachments[0]);
    fixture->service = service_new(fixture->loop, fixture->store, 3600);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_split_at_every_byte),
        TEST(test_byte_by_byte),
        TEST(test_partial_lines_are_kept_apart),
        TEST(test_pipelining),
        TEST(test_half_close),
        TEST(test_nothing_is_answered_behind_logout),
        TEST(test_parse_error_voids_its_block),
        TEST(test_garbage),
        TEST(test_endless_line),
        TEST(test_slow_reader),
        TEST(test_slow_reader_is_dropped),
        TEST(test_progress_keeps_a_slow_reader),
        TEST(test_slow_readers_share_a_limit),
        TEST(test_logout_behind_unread_answers),
        TEST(test_peer_gone_while_answers_wait),
        TEST(test_silent_client_is_dropped),
        TEST(test_service_ends_with_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
