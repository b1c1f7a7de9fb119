/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines that have to wait: the session is tried with commands of our own, which take the place of
 * the protocol's when this program is linked.
 */
#include <config.h>

#include "nutproto/commands.h"
#include "tests/unit/nutproto_fixture.h"

#ifdef HAVE_OPENSSL
#include "tests/unit/tls_peer.h"

#include <signal.h>
#endif

/* How often a line has yet to be told to wait, and who asked last. */
static unsigned waits_due;
static unsigned runs;
static struct client *waiting;

/*
 * "wait" waits as long as it is told to; every line is answered by its words, "starttls" by the
 * last words in clear.
 */
enum command_outcome commands_run(struct service *service, struct client *client,
                                  struct words *words)
{
    struct output *output = &service->output;

    runs++;
    if (words->count > 0 && strcmp(words_at(words, 0), "wait") == 0 && waits_due > 0) {
        waits_due--;
        waiting = client;
        return COMMAND_WAITS;
    }
    for (unsigned i = 0; i < words->count; i++) {
        output_text(output, words_at(words, i));
        output_character(output, i + 1 < words->count ? ' ' : '\n');
    }
    if (words->count > 1 && strcmp(words_at(words, 0), "much") == 0) {
        for (long i = strtol(words_at(words, 1), NULL, 10); i > 0; i--)
            output_character(output, '.');
        output_character(output, '\n');
    }
    client->leaving = words->count > 0 && strcmp(words_at(words, 0), "leave") == 0;
    if (words->count > 0 && strcmp(words_at(words, 0), "starttls") == 0)
        return COMMAND_STARTS_TLS;
    return COMMAND_ANSWERED;
}

static int begin(void **state)
{
    waits_due = 0;
    runs = 0;
    waiting = NULL;
    return set_up(state);
}

static void test_line_runs_again(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    bool closed;

    waits_due = 1;
    assert_string_equal(ask(fixture, client, "a\nb \"c d\"\nwait \"for me\"\nbehind\nlast"),
                        "a\nb c d\n");
    assert_int_equal(runs, 3);
    /* Nothing more is read, let alone run. */
    assert_string_equal(ask(fixture, client, " one\n"), "");
    assert_int_equal(runs, 3);
    session_continue(waiting);
    assert_string_equal(receive_all(fixture, client, &closed), "wait for me\nbehind\nlast one\n");
    assert_int_equal(runs, 6);
    /* It was told once; more is not heard. */
    session_continue(waiting);
    assert_string_equal(ask(fixture, client, "x\n"), "x\n");
    assert_int_equal(runs, 7);
    close(client);
}

static void test_line_waits_twice(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    bool closed;

    waits_due = 3;
    assert_string_equal(ask(fixture, client, "wait 1\nwait 2\nz\n"), "");
    session_continue(waiting);
    assert_string_equal(receive_all(fixture, client, &closed), "");
    session_continue(waiting);
    assert_string_equal(receive_all(fixture, client, &closed), "");
    session_continue(waiting);
    assert_string_equal(receive_all(fixture, client, &closed), "wait 1\nwait 2\nz\n");
    close(client);
}

/* However the bytes come, and whoever else is served meanwhile. */
static void test_line_in_pieces(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    int other = connect_client(fixture);
    bool closed;

    waits_due = 1;
    assert_string_equal(ask(fixture, client, "wa"), "");
    assert_string_equal(ask(fixture, other, "hello \"the"), "");
    assert_string_equal(ask(fixture, client, "it here\n"), "");
    assert_string_equal(ask(fixture, other, "re\"\n"), "hello there\n");
    assert_int_equal(waits_due, 0);
    session_continue(waiting);
    assert_string_equal(receive_all(fixture, client, &closed), "wait here\n");
    close(client);
    close(other);
}

static void test_leaving_behind_a_waiting_line(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    bool closed;

    waits_due = 1;
    assert_string_equal(ask(fixture, client, "wait\nleave\nnever\n"), "");
    session_continue(waiting);
    assert_string_equal(receive_all(fixture, client, &closed), "wait\nleave\n");
    assert_true(closed);
    assert_int_equal(fixture->service->session_count, 0);
    close(client);
}

/* The answers before the line are still on their way when it may go on. */
static void test_continued_before_its_turn(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_narrow_client(fixture);
    bool closed;

    waits_due = 1;
    send_bytes(client, "much 30000\nwait\nx\n", 18);
    turn(fixture);
    assert_int_equal(waits_due, 0);
    assert_true(fixture->service->queued > 0);
    session_continue(waiting);
    assert_int_equal(runs, 2);
    const char *got = receive_all(fixture, client, &closed);
    assert_int_equal(strlen(got), 11 + 30001 + 7);
    assert_string_equal(got + 11 + 30001, "wait\nx\n");
    assert_int_equal(fixture->service->queued, 0);
    close(client);
}

static void test_answers_leave_while_a_line_waits(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_narrow_client(fixture);
    bool closed;

    waits_due = 1;
    send_bytes(client, "much 30000\nwait\nx\n", 18);
    assert_int_equal(strlen(receive_all(fixture, client, &closed)), 11 + 30001);
    assert_int_equal(fixture->service->queued, 0);
    assert_int_equal(runs, 2);
    session_continue(waiting);
    assert_string_equal(receive_all(fixture, client, &closed), "wait\nx\n");
    close(client);
}

/* Answers that are sent before their batch is complete. */
static void test_line_behind_many_answers(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_narrow_client(fixture);
    bool closed;

    waits_due = 1;
    send_bytes(client, "much 200000\nwait\nx\n", 19);
    assert_int_equal(strlen(receive_all(fixture, client, &closed)), 12 + 200001);
    assert_int_equal(waits_due, 0);
    session_continue(waiting);
    assert_string_equal(receive_all(fixture, client, &closed), "wait\nx\n");
    close(client);
}

static void test_half_closed_client_is_answered(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    bool closed;

    waits_due = 1;
    assert_string_equal(ask(fixture, client, "wait\nx\n"), "");
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    assert_string_equal(receive_all(fixture, client, &closed), "");
    assert_false(closed);
    session_continue(waiting);
    assert_string_equal(receive_all(fixture, client, &closed), "wait\nx\n");
    assert_true(closed);
    assert_int_equal(fixture->service->session_count, 0);
    close(client);
}

static void test_client_gone_while_waiting(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);

    waits_due = 1;
    assert_string_equal(ask(fixture, client, "wait\nx\n"), "");
    assert_int_equal(fixture->service->session_count, 1);
    close(client);
    turn(fixture);
    turn(fixture);
    assert_int_equal(fixture->service->session_count, 0);
}

static void test_waiting_has_a_deadline(void **state)
{
    struct fixture *fixture = *state;

    fixture->service->idle_limit = 50;
    int client = connect_client(fixture);
    waits_due = 1;
    assert_string_equal(ask(fixture, client, "wait\n"), "");
    sleep_ms(80);
    turn(fixture);
    assert_int_equal(fixture->service->session_count, 0);
    close(client);
}

/* What a client sends meanwhile costs no processor time and no memory of ours. */
static void test_flood_behind_a_waiting_line(void **state)
{
    static const char line[] = "much ado about nothing\n";
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    size_t sent = 0;
    bool closed;

    waits_due = 1;
    assert_string_equal(ask(fixture, client, "wait\n"), "");
    while (send(client, line, sizeof line - 1, MSG_NOSIGNAL) > 0) {
        sent++;
        turn(fixture);
    }
    assert_int_equal(runs, 1);
    session_continue(waiting);
    receive_all(fixture, client, &closed);
    assert_false(closed);
    assert_int_equal(runs, 2 + sent);
    close(client);
}

static void test_service_ends_while_a_line_waits(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);

    waits_due = 1;
    assert_string_equal(ask(fixture, client, "wait\nx\ny"), "");
    assert_non_null(waiting);
    close(client);
}

#ifdef HAVE_OPENSSL
/* Carries what both ends of a TLS connection have to say, until neither has anything. */
static void carry(struct fixture *fixture, int client, struct tls_peer *peer)
{
    char bytes[65536];

    for (int idle = 0; idle < 3; idle++) {
        char *out;
        size_t length = (size_t)BIO_get_mem_data(peer->to_server, &out);

        if (length > 0)
            send_bytes(client, out, length);
        (void)BIO_reset(peer->to_server);
        turn(fixture);
        ssize_t got = recv(client, bytes, sizeof bytes, 0);
        if (got <= 0)
            continue;
        assert_int_equal(BIO_write(peer->from_server, bytes, (int)got), got);
        idle = -1;
    }
}

/* More than a wake-up takes in, so that part of it is within OpenSSL while the line waits. */
static void test_line_waits_within_tls(void **state)
{
    enum { RECORDS = 40 };
    struct fixture *fixture = *state;
    struct tls_peer peer;
    int client = connect_client(fixture);
    char line[1024], text[65536];

    signal(SIGPIPE, SIG_IGN);
    fixture->service->tls = tls_peer_context();
    assert_string_equal(ask(fixture, client, "starttls\n"), "starttls\n");
    tls_peer_open(&peer, TLS1_2_VERSION, TLS1_3_VERSION);
    for (int i = 0; i < 5 && SSL_do_handshake(peer.ssl) != 1; i++)
        carry(fixture, client, &peer);
    assert_true(SSL_is_init_finished(peer.ssl));
    waits_due = 1;
    runs = 0;
    assert_int_equal(SSL_write(peer.ssl, "wait\n", 5), 5);
    memset(line, ' ', sizeof line);
    memcpy(line, "x", 1);
    line[sizeof line - 1] = '\n';
    for (size_t i = 0; i < RECORDS; i++)
        assert_int_equal(SSL_write(peer.ssl, line, sizeof line), sizeof line);
    carry(fixture, client, &peer);
    assert_int_equal(SSL_read(peer.ssl, text, sizeof text), -1);
    ERR_clear_error();
    assert_int_equal(runs, 1);
    session_continue(waiting);
    carry(fixture, client, &peer);
    size_t used = 0;
    for (int got; (got = SSL_read(peer.ssl, text + used, (int)(sizeof text - used))) > 0;)
        used += (size_t)got;
    assert_int_equal(used, 5 + 2 * RECORDS);
    assert_memory_equal(text, "wait\nx\nx\n", 9);
    assert_int_equal(runs, 2 + RECORDS);
    tls_peer_close(&peer);
    close(client);
}
#endif

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_line_runs_again),
        TEST(test_line_waits_twice),
        TEST(test_line_in_pieces),
        TEST(test_leaving_behind_a_waiting_line),
        TEST(test_continued_before_its_turn),
        TEST(test_answers_leave_while_a_line_waits),
        TEST(test_line_behind_many_answers),
        TEST(test_half_closed_client_is_answered),
        TEST(test_client_gone_while_waiting),
        TEST(test_waiting_has_a_deadline),
        TEST(test_flood_behind_a_waiting_line),
        TEST(test_service_ends_while_a_line_waits),
#ifdef HAVE_OPENSSL
        TEST(test_line_waits_within_tls),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
