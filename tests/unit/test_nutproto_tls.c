/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * STARTTLS and what comes behind it: handshakes of every speed, records of every size, slow readers
 * and peers that do not keep to the rules.
 */
#include "tests/unit/nutproto_fixture.h"
#include "tests/unit/tls_peer.h"

#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>

struct secure {
    struct tls_peer peer;
    int descriptor;
    size_t piece; /* bytes sent at a time; 0: all there are */
    bool closed;  /* by the service */
};

static int begin(void **state)
{
    int result = set_up(state);
    struct fixture *fixture = *state;

    fixture->service->tls = tls_peer_context();
    ERR_clear_error();
    return result;
}

/* The client that connected last. */
static const struct client *newest(const struct fixture *fixture)
{
    return (const struct client *)(const void *)fixture->service->sessions;
}

static void start_with(struct fixture *fixture, struct secure *secure, int descriptor, int minimum,
                       int maximum)
{
    *secure = (struct secure){ .descriptor = descriptor };
    assert_string_equal(ask(fixture, secure->descriptor, "STARTTLS\n"), "OK STARTTLS\n");
    tls_peer_open(&secure->peer, minimum, maximum);
}

static void start(struct fixture *fixture, struct secure *secure)
{
    start_with(fixture, secure, connect_client(fixture), TLS1_2_VERSION, TLS1_3_VERSION);
}

static void stop(struct secure *secure)
{
    tls_peer_close(&secure->peer);
    close(secure->descriptor);
}

/* What the service has to say comes in; false if that is nothing. */
static bool fetch(struct fixture *fixture, struct secure *secure)
{
    char bytes[65536];
    bool any = false;

    for (int i = 0; i < 3 && !secure->closed; i++) {
        ssize_t got = recv(secure->descriptor, bytes, sizeof bytes, 0);

        if (got > 0) {
            assert_int_equal(BIO_write(secure->peer.from_server, bytes, (int)got), got);
            any = true;
        } else if (got == 0 || errno != EAGAIN)
            secure->closed = true;
        turn(fixture);
        /* Whatever happened to one connection, nothing of it is left for the next. */
        assert_int_equal(ERR_peek_error(), 0);
    }
    return any;
}

/* What the client's TLS has to say goes out; answers come in if they must first. */
static void flush(struct fixture *fixture, struct secure *secure)
{
    char *bytes;
    size_t length = (size_t)BIO_get_mem_data(secure->peer.to_server, &bytes);

    for (size_t at = 0; at < length && !secure->closed;) {
        size_t piece =
            secure->piece > 0 && secure->piece < length - at ? secure->piece : length - at;
        ssize_t sent = send(secure->descriptor, bytes + at, piece, MSG_NOSIGNAL);

        if (sent > 0)
            at += (size_t)sent;
        else if (errno == EAGAIN)
            fetch(fixture, secure);
        else
            secure->closed = true;
        if (sent != (ssize_t)length)
            turn(fixture);
    }
    (void)BIO_reset(secure->peer.to_server);
}

/* Is TLS established? */
static bool shake(struct fixture *fixture, struct secure *secure)
{
    for (int i = 0; i < 20; i++) {
        int result = SSL_do_handshake(secure->peer.ssl);
        bool waits = SSL_get_error(secure->peer.ssl, result) == SSL_ERROR_WANT_READ;

        ERR_clear_error();
        flush(fixture, secure);
        fetch(fixture, secure);
        if (result == 1)
            return true;
        if (!waits || secure->closed)
            return false;
    }
    return false;
}

static void open_secure(struct fixture *fixture, struct secure *secure)
{
    start(fixture, secure);
    assert_true(shake(fixture, secure));
}

/* All answers there are now; the string is valid until the next call. */
static const char *secure_answers(struct fixture *fixture, struct secure *secure)
{
    size_t used = 0;
    bool more;

    do {
        int got;

        more = fetch(fixture, secure);
        do {
            if (fixture->answer_size - used < 65536) {
                fixture->answer_size = fixture->answer_size * 2 + 131072;
                fixture->answer = realloc(fixture->answer, fixture->answer_size);
                assert_non_null(fixture->answer);
            }
            got = SSL_read(secure->peer.ssl, fixture->answer + used, 65535);
            used += got > 0 ? (size_t)got : 0;
        } while (got > 0);
        ERR_clear_error();
    } while (more);
    fixture->answer[used] = '\0';
    return fixture->answer;
}

static void secure_say(struct fixture *fixture, struct secure *secure, const char *text)
{
    int length = (int)strlen(text);

    assert_int_equal(SSL_write(secure->peer.ssl, text, length), length);
    flush(fixture, secure);
}

static const char *secure_ask(struct fixture *fixture, struct secure *secure, const char *text)
{
    secure_say(fixture, secure, text);
    return secure_answers(fixture, secure);
}

/* Established -------------------------------------------------------------------------------- */

static void test_requests(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 2; i++) {
        struct secure secure;
        int descriptor = connect_client(fixture);

        assert_string_equal(ask(fixture, descriptor, "USERNAME mon\nNETVER\n"), "OK\n1.3\n");
        start_with(fixture, &secure, descriptor, versions[i], versions[i]);
        assert_false(newest(fixture)->tls);
        assert_int_equal(fixture->service->handshakes.count, 0);
        assert_true(shake(fixture, &secure));
        assert_int_equal(fixture->service->handshakes.count, 0);
        assert_true(newest(fixture)->tls);
        assert_null(newest(fixture)->certificate_subject);
        assert_string_equal(secure_ask(fixture, &secure, "NETVER\n"), "1.3\n");
        assert_string_equal(secure_ask(fixture, &secure, "STARTTLS\n"), "ERR ALREADY-SSL-MODE\n");
        /* What was said in clear still holds. */
        assert_string_equal(secure_ask(fixture, &secure, "PASSWORD pw\nLOGIN alpha\nGET \"VA"),
                            "OK\nOK\n");
        assert_string_equal(secure_ask(fixture, &secure, "R\" alpha ups.id\n"),
                            "VAR alpha ups.id \"my-id\"\n");
        stop(&secure);
        turn(fixture);
        assert_int_equal(fixture->service->session_count, 0);
    }
}

static void check_repeated(const char *got, const char *answer, size_t count)
{
    size_t length = strlen(answer);

    assert_int_equal(strlen(got), count * length);
    for (size_t i = 0; i < count; i++)
        assert_memory_equal(got + i * length, answer, length);
}

static void test_many_requests_in_one_record(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;
    char requests[16384] = "";
    size_t count = 0;

    open_secure(fixture, &secure);
    for (size_t i = 0; i < 60; i++)
        strcat(requests, "GET VAR alpha ups.id\n");
    check_repeated(secure_ask(fixture, &secure, requests), "VAR alpha ups.id \"my-id\"\n", 60);
    /* The longest record there is. */
    for (requests[0] = '\0'; strlen(requests) < sizeof requests - 30; count++)
        strcat(requests, "GET VAR alpha ups.id\n");
    check_repeated(secure_ask(fixture, &secure, requests), "VAR alpha ups.id \"my-id\"\n", count);
    stop(&secure);
}

/* In one flight, so that most of them are in memory when the socket has nothing any more. */
static void test_many_records(void **state)
{
    enum { RECORDS = 2000 };
    struct fixture *fixture = *state;
    struct secure secure;
    char filler[2048];

    open_secure(fixture, &secure);
    for (size_t i = 0; i < RECORDS; i++)
        assert_int_equal(SSL_write(secure.peer.ssl, "NETVER\n", 7), 7);
    flush(fixture, &secure);
    check_repeated(secure_answers(fixture, &secure), "1.3\n", RECORDS);
    /* More text than one wake-up takes in. */
    memset(filler, ' ', sizeof filler);
    memcpy(filler + sizeof filler - 8, "NETVER\n", 8);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(SSL_write(secure.peer.ssl, filler, sizeof filler - 1), sizeof filler - 1);
    flush(fixture, &secure);
    check_repeated(secure_answers(fixture, &secure), "1.3\n", 50);
    stop(&secure);
}

static void test_logout_says_goodbye(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;

    open_secure(fixture, &secure);
    assert_string_equal(secure_ask(fixture, &secure, "NETVER\nLOGOUT\nNETVER\n"),
                        "1.3\nOK Goodbye\n");
    assert_true(secure.closed);
    assert_int_equal(SSL_get_shutdown(secure.peer.ssl), SSL_RECEIVED_SHUTDOWN);
    assert_int_equal(fixture->service->session_count, 0);
    stop(&secure);
}

/* The client's goodbye may come in the same flight as its last requests. */
static void test_client_says_goodbye(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;

    open_secure(fixture, &secure);
    assert_int_equal(SSL_write(secure.peer.ssl, "NETVER\nPROTVER\n", 15), 15);
    assert_int_equal(SSL_shutdown(secure.peer.ssl), 0);
    flush(fixture, &secure);
    assert_string_equal(secure_answers(fixture, &secure), "1.3\n1.3\n");
    assert_true(secure.closed);
    assert_int_equal(SSL_get_shutdown(secure.peer.ssl), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    stop(&secure);
}

static void test_half_close(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;

    open_secure(fixture, &secure);
    assert_int_equal(SSL_write(secure.peer.ssl, "NETVER\nVER", 10), 10);
    flush(fixture, &secure);
    assert_int_equal(shutdown(secure.descriptor, SHUT_WR), 0);
    assert_string_equal(secure_answers(fixture, &secure), "1.3\n");
    assert_true(secure.closed);
    stop(&secure);
}

static void test_service_ends_with_clients(void **state)
{
    struct fixture *fixture = *state;
    struct secure established, waiting;

    open_secure(fixture, &established);
    start(fixture, &waiting);
    service_free(fixture->service);
    fixture->service = service_new(fixture->loop, fixture->store, 3600);
    secure_answers(fixture, &established);
    assert_true(established.closed);
    assert_int_equal(SSL_get_shutdown(established.peer.ssl), SSL_RECEIVED_SHUTDOWN);
    stop(&established);
    stop(&waiting);
}

/* A reload swaps the context; who is connected does not notice. */
static void test_context_is_swapped(void **state)
{
    struct fixture *fixture = *state;
    struct secure established, begun, late;

    open_secure(fixture, &established);
    start(fixture, &begun);
    tls_context_free(fixture->service->tls);
    fixture->service->tls = tls_peer_context();
    assert_string_equal(secure_ask(fixture, &established, "NETVER\n"), "1.3\n");
    assert_true(shake(fixture, &begun));
    start(fixture, &late);
    tls_context_free(fixture->service->tls);
    fixture->service->tls = NULL;
    assert_false(shake(fixture, &late));
    assert_string_equal(secure_ask(fixture, &established, "NETVER\n"), "1.3\n");
    stop(&established);
    stop(&begun);
    stop(&late);
}

static void test_required_and_there(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;

    fixture->service->tls_required[0] = TLS_FOR_ALL;
    open_secure(fixture, &secure);
    assert_string_equal(secure_ask(fixture, &secure, "USERNAME mon\nPASSWORD pw\nLOGIN alpha\n"),
                        "OK\nOK\nOK\n");
    assert_string_equal(secure_ask(fixture, &secure, "GET VAR alpha ups.status\n"),
                        "VAR alpha ups.status \"OL\"\n");
    stop(&secure);
}

/* Versions and sessions ---------------------------------------------------------------------- */

static void test_old_versions_are_refused(void **state)
{
    static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 2; i++) {
        struct secure secure;

        start_with(fixture, &secure, connect_client(fixture), versions[i], versions[i]);
        assert_false(shake(fixture, &secure));
        assert_true(secure.closed);
        stop(&secure);
    }
}

static void test_session_is_resumed(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 2; i++) {
        struct secure first, second;

        start_with(fixture, &first, connect_client(fixture), versions[i], versions[i]);
        assert_true(shake(fixture, &first));
        assert_string_equal(secure_ask(fixture, &first, "NETVER\n"), "1.3\n");
        SSL_SESSION *session = SSL_get1_session(first.peer.ssl);
        assert_non_null(session);
        start_with(fixture, &second, connect_client(fixture), versions[i], versions[i]);
        assert_int_equal(SSL_set_session(second.peer.ssl, session), 1);
        assert_true(shake(fixture, &second));
        assert_int_equal(SSL_session_reused(second.peer.ssl), 1);
        assert_string_equal(secure_ask(fixture, &second, "NETVER\n"), "1.3\n");
        SSL_SESSION_free(session);
        stop(&first);
        stop(&second);
    }
}

static void test_no_renegotiation(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;

    start_with(fixture, &secure, connect_client(fixture), TLS1_2_VERSION, TLS1_2_VERSION);
    assert_true(shake(fixture, &secure));
    assert_int_equal(SSL_renegotiate(secure.peer.ssl), 1);
    assert_int_equal(SSL_do_handshake(secure.peer.ssl), -1);
    flush(fixture, &secure);
    fetch(fixture, &secure);
    assert_int_equal(SSL_do_handshake(secure.peer.ssl), -1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    stop(&secure);
}

/* Each wants one in return; who does not read them has to wait, and the others do not. */
static void test_flood_of_key_updates(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;
    int other = connect_client(fixture);
    size_t sent = 0;

    start_with(fixture, &secure, connect_narrow_client(fixture), TLS1_3_VERSION, TLS1_3_VERSION);
    assert_true(shake(fixture, &secure));
    for (unsigned refused = 0; refused < 20; sent++) {
        char *bytes;

        assert_int_equal(SSL_key_update(secure.peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(secure.peer.ssl), 1);
        ssize_t length = BIO_get_mem_data(secure.peer.to_server, &bytes);
        for (ssize_t at = 0; at < length && refused < 20;) {
            ssize_t taken =
                send(secure.descriptor, bytes + at, (size_t)(length - at), MSG_NOSIGNAL);

            refused = taken < 0 ? refused + 1 : 0;
            at += taken < 0 ? 0 : taken;
            turn(fixture);
        }
        (void)BIO_reset(secure.peer.to_server);
    }
    assert_true(sent > 20);
    assert_int_equal(ERR_peek_error(), 0);
    assert_string_equal(ask(fixture, other, "NETVER\n"), "1.3\n");
    assert_int_equal(fixture->service->session_count, 2);
    stop(&secure);
    close(other);
}

/* OpenSSL goes on reading as long as there are such records; others must get their turn. */
static void test_key_updates_let_others_through(void **state)
{
    enum { UPDATES = 4000 };
    struct fixture *fixture = *state;
    struct secure secure;
    int waiting = 0;
    char *bytes;

    start_with(fixture, &secure, connect_client(fixture), TLS1_3_VERSION, TLS1_3_VERSION);
    assert_true(shake(fixture, &secure));
    for (int i = 0; i < UPDATES; i++) {
        assert_int_equal(SSL_key_update(secure.peer.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(secure.peer.ssl), 1);
    }
    size_t length = (size_t)BIO_get_mem_data(secure.peer.to_server, &bytes);
    send_bytes(secure.descriptor, bytes, length);
    (void)BIO_reset(secure.peer.to_server);
    event_base_loop(loop_base(fixture->loop), EVLOOP_ONCE);
    assert_int_equal(ioctl(secure.descriptor, SIOCOUTQ, &waiting), 0);
    assert_true(waiting > 0);
    assert_string_equal(secure_ask(fixture, &secure, "NETVER\n"), "1.3\n");
    stop(&secure);
}

/* Handshakes that do not go well ------------------------------------------------------------- */

/* Sends bytes in place of a handshake; they must end the session and harm nobody. */
static void check_refused(struct fixture *fixture, const char *bytes, size_t length)
{
    struct secure established;
    int client = connect_client(fixture);
    bool closed;

    open_secure(fixture, &established);
    assert_string_equal(ask(fixture, client, "STARTTLS\n"), "OK STARTTLS\n");
    send_bytes(client, bytes, length);
    receive_all(fixture, client, &closed);
    assert_true(closed);
    assert_int_equal(fixture->service->handshakes.count, 0);
    assert_int_equal(ERR_peek_error(), 0);
    assert_string_equal(secure_ask(fixture, &established, "NETVER\n"), "1.3\n");
    close(client);
    stop(&established);
    turn(fixture);
    assert_int_equal(fixture->service->session_count, 0);
}

static void test_no_handshake(void **state)
{
    struct fixture *fixture = *state;
    char bytes[20000];

    check_refused(fixture, "LIST UPS\n", 9);
    check_refused(fixture, "GET VAR alpha ups.status\n", 25);
    memset(bytes, 0, sizeof bytes);
    check_refused(fixture, bytes, sizeof bytes);
    memset(bytes, 0x16, sizeof bytes);
    check_refused(fixture, bytes, sizeof bytes);
    /* A record of a handshake that is none. */
    memcpy(bytes, "\x16\x03\x01\x02\x00\xff\xff\xff\xff", 9);
    check_refused(fixture, bytes, sizeof bytes);
    /* As SSL 2 began. */
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", 11);
    check_refused(fixture, bytes, sizeof bytes);
}

static void test_bytes_behind_starttls(void **state)
{
    struct fixture *fixture = *state;
    bool closed;
    int saved;
    int memory = log_begin(&saved);
    int client = connect_client(fixture);

    send_bytes(client, "NETVER\nSTARTTLS\nGET VAR", 23);
    assert_string_equal(receive_all(fixture, client, &closed), "");
    assert_true(closed);
    assert_int_equal(fixture->service->handshakes.count, 0);
    const char *log = log_end(memory, saved);
    assert_non_null(
        strstr(log, "Dropping client 192.0.2.7: it sent more in clear behind STARTTLS"));
    close(client);
}

static void test_failure_is_logged(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;
    int saved;
    int memory = log_begin(&saved);

    start_with(fixture, &secure, connect_client(fixture), TLS1_1_VERSION, TLS1_1_VERSION);
    assert_false(shake(fixture, &secure));
    stop(&secure);
    start(fixture, &secure);
    stop(&secure);
    turn(fixture);
    const char *log = log_end(memory, saved);
    assert_non_null(
        strstr(log, "TLS handshake with client 192.0.2.7 failed: unsupported protocol\n"));
    assert_non_null(strstr(
        log, "TLS handshake with client 192.0.2.7 failed: the client ended the connection\n"));
}

static void test_byte_by_byte(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;

    start(fixture, &secure);
    secure.piece = 1;
    assert_true(shake(fixture, &secure));
    assert_string_equal(secure_ask(fixture, &secure, "NETVER\nVER x\n"),
                        "1.3\nERR INVALID-ARGUMENT\n");
    stop(&secure);
}

/* Requests in the flight that completes the handshake. */
static void test_requests_with_the_handshake(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;

    start(fixture, &secure);
    assert_int_equal(SSL_do_handshake(secure.peer.ssl), -1);
    flush(fixture, &secure);
    fetch(fixture, &secure);
    assert_int_equal(SSL_do_handshake(secure.peer.ssl), 1);
    assert_int_equal(SSL_write(secure.peer.ssl, "NETVER\n", 7), 7);
    flush(fixture, &secure);
    assert_string_equal(secure_answers(fixture, &secure), "1.3\n");
    stop(&secure);
}

static void test_handshake_has_a_deadline(void **state)
{
    struct fixture *fixture = *state;
    struct secure silent, halfway;
    int other = connect_client(fixture);

    fixture->service->handshake_limit = 100;
    start(fixture, &silent);
    start(fixture, &halfway);
    assert_int_equal(SSL_do_handshake(halfway.peer.ssl), -1);
    flush(fixture, &halfway);
    fetch(fixture, &halfway);
    assert_int_equal(fixture->service->session_count, 3);
    sleep_ms(150);
    turn(fixture);
    assert_int_equal(fixture->service->session_count, 1);
    assert_int_equal(fixture->service->handshakes.count, 0);
    assert_string_equal(ask(fixture, other, "NETVER\n"), "1.3\n");
    stop(&silent);
    stop(&halfway);
    close(other);
}

static void test_established_outlives_the_deadline(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;

    fixture->service->handshake_limit = 50;
    open_secure(fixture, &secure);
    sleep_ms(80);
    assert_string_equal(secure_ask(fixture, &secure, "NETVER\n"), "1.3\n");
    stop(&secure);
}

/* The client says hello, and then nothing. */
static void say_hello(struct fixture *fixture, struct secure *secure)
{
    assert_int_equal(SSL_do_handshake(secure->peer.ssl), -1);
    ERR_clear_error();
    flush(fixture, secure);
    turn(fixture);
}

/* The newest always gets its chance, and those who have only been told to begin do not count. */
static void test_handshakes_are_limited(void **state)
{
    enum { LIMIT = 5, CLIENTS = 12 };
    struct fixture *fixture = *state;
    struct secure secure[CLIENTS], late;

    fixture->service->handshakes_max = LIMIT;
    start(fixture, &late);
    for (size_t i = 0; i < CLIENTS; i++) {
        start(fixture, &secure[i]);
        say_hello(fixture, &secure[i]);
        assert_int_equal(fixture->service->handshakes.count, i < LIMIT ? i + 1 : LIMIT);
    }
    assert_int_equal(fixture->service->session_count, LIMIT + 1);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(shake(fixture, &secure[i]), i >= CLIENTS - LIMIT);
    assert_true(shake(fixture, &late));
    assert_int_equal(fixture->service->handshakes.count, 0);
    assert_string_equal(secure_ask(fixture, &secure[CLIENTS - 1], "NETVER\n"), "1.3\n");
    for (size_t i = 0; i < CLIENTS; i++)
        stop(&secure[i]);
    stop(&late);
}

/* Many clients come at once, and one that was there before asks something. */
static void test_handshakes_let_others_through(void **state)
{
    enum { CLIENTS = 100 };
    struct fixture *fixture = *state;
    struct secure secure[CLIENTS];
    int other = connect_client(fixture);
    size_t begun = 0;

    for (size_t i = 0; i < CLIENTS; i++)
        start(fixture, &secure[i]);
    for (size_t i = 0; i < CLIENTS; i++) {
        char *bytes;

        assert_int_equal(SSL_do_handshake(secure[i].peer.ssl), -1);
        size_t length = (size_t)BIO_get_mem_data(secure[i].peer.to_server, &bytes);
        send_bytes(secure[i].descriptor, bytes, length);
        (void)BIO_reset(secure[i].peer.to_server);
    }
    ERR_clear_error();
    send_bytes(other, "NETVER\n", 7);
    event_base_loop(loop_base(fixture->loop), EVLOOP_ONCE);
    char byte;
    for (size_t i = 0; i < CLIENTS; i++)
        begun += recv(secure[i].descriptor, &byte, 1, MSG_PEEK) == 1;
    assert_int_equal(begun, HANDSHAKE_STEPS);
    bool closed;
    assert_string_equal(receive_all(fixture, other, &closed), "1.3\n");
    /* All of them get through, nevertheless. */
    for (int i = 0; i < 10 * CLIENTS / HANDSHAKE_STEPS; i++)
        turn(fixture);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_true(shake(fixture, &secure[i]));
    for (size_t i = 0; i < CLIENTS; i++)
        stop(&secure[i]);
    close(other);
}

/* Peers that do not keep to the rules -------------------------------------------------------- */

static void test_broken_record(void **state)
{
    struct fixture *fixture = *state;

    for (int with_request = 0; with_request < 2; with_request++) {
        struct secure secure;
        char *bytes;

        open_secure(fixture, &secure);
        if (with_request == 1)
            assert_int_equal(SSL_write(secure.peer.ssl, "NETVER\n", 7), 7);
        assert_int_equal(SSL_write(secure.peer.ssl, "GET VAR alpha ups.id\n", 21), 21);
        long length = BIO_get_mem_data(secure.peer.to_server, &bytes);
        bytes[length - 1] ^= 1;
        flush(fixture, &secure);
        assert_string_equal(secure_answers(fixture, &secure), "");
        assert_true(secure.closed);
        assert_int_equal(fixture->service->session_count, 0);
        stop(&secure);
    }
}

static void test_clear_text_within_tls(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;

    open_secure(fixture, &secure);
    send_bytes(secure.descriptor, "NETVER\n", 7);
    assert_string_equal(secure_answers(fixture, &secure), "");
    assert_true(secure.closed);
    stop(&secure);
}

static void test_gone_in_the_middle(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure;
    int moments = 0;

    for (bool established = false; !established; moments++) {
        start(fixture, &secure);
        for (int i = 0; i < moments && !established; i++) {
            established = SSL_do_handshake(secure.peer.ssl) == 1;
            ERR_clear_error();
            flush(fixture, &secure);
            fetch(fixture, &secure);
        }
        stop(&secure);
        turn(fixture);
        turn(fixture);
        assert_int_equal(fixture->service->session_count, 0);
        assert_int_equal(fixture->service->handshakes.count, 0);
        assert_int_equal(ERR_peek_error(), 0);
    }
    assert_true(moments > 1);
}

/* Slow clients ------------------------------------------------------------------------------- */

static const char list_request[] = "LIST VAR alpha\n";

/* Sends requests without reading answers until the service stops listening; how many. */
static size_t flood(struct fixture *fixture, struct secure *secure)
{
    size_t count = 0;
    unsigned refused = 0;

    while (refused < 20) {
        char *bytes;

        assert_int_equal(SSL_write(secure->peer.ssl, list_request, sizeof list_request - 1),
                         sizeof list_request - 1);
        size_t length = (size_t)BIO_get_mem_data(secure->peer.to_server, &bytes);
        ssize_t sent = -1;
        for (refused = 0; refused < 20 && sent < 0; refused += sent < 0) {
            sent = send(secure->descriptor, bytes, length, MSG_NOSIGNAL);
            turn(fixture);
        }
        if (sent < 0)
            return count;
        assert_int_equal(sent, length);
        (void)BIO_reset(secure->peer.to_server);
        count++;
    }
    return count;
}

static void test_slow_reader(void **state)
{
    struct fixture *fixture = *state;

    for (int narrow = 0; narrow < 2; narrow++) {
        struct secure slow;
        int other = connect_client(fixture);
        char *answer = strdup(ask(fixture, other, list_request));

        start_with(fixture, &slow,
                   narrow == 1 ? connect_narrow_client(fixture) : connect_client(fixture),
                   TLS1_2_VERSION, TLS1_3_VERSION);
        assert_true(shake(fixture, &slow));
        size_t requests = flood(fixture, &slow);
        assert_true(requests > 0);
        assert_true(fixture->service->queued > 0);
        assert_true(fixture->service->queued < 256 * 1024);
        assert_string_equal(ask(fixture, other, "NETVER\n"), "1.3\n");
        /* The last request is still with the client. */
        flush(fixture, &slow);
        check_repeated(secure_answers(fixture, &slow), answer, requests + 1);
        assert_int_equal(fixture->service->queued, 0);
        assert_string_equal(secure_ask(fixture, &slow, "NETVER\n"), "1.3\n");
        free(answer);
        stop(&slow);
        close(other);
        turn(fixture);
    }
}

static void test_slow_reader_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct secure slow;

    open_secure(fixture, &slow);
    fixture->service->stall_limit = 100;
    flood(fixture, &slow);
    assert_int_equal(fixture->service->session_count, 1);
    sleep_ms(150);
    turn(fixture);
    assert_int_equal(fixture->service->session_count, 0);
    assert_int_equal(fixture->service->queued, 0);
    assert_int_equal(ERR_peek_error(), 0);
    stop(&slow);
}

/* STARTTLS behind answers that the client has not read yet. */
static void test_handshake_behind_answers(void **state)
{
    struct fixture *fixture = *state;
    struct secure secure = { .descriptor = connect_narrow_client(fixture) };
    char requests[200 * (sizeof list_request - 1) + 10];
    bool closed;

    for (size_t i = 0; i < 200; i++)
        memcpy(requests + i * (sizeof list_request - 1), list_request, sizeof list_request - 1);
    memcpy(requests + sizeof requests - 10, "STARTTLS\n", 10);
    send_bytes(secure.descriptor, requests, sizeof requests - 1);
    turn(fixture);
    assert_true(fixture->service->queued > 0);
    const char *got = receive_all(fixture, secure.descriptor, &closed);
    assert_false(closed);
    assert_string_equal(got + strlen(got) - 12, "OK STARTTLS\n");
    tls_peer_open(&secure.peer, TLS1_2_VERSION, TLS1_3_VERSION);
    assert_true(shake(fixture, &secure));
    assert_string_equal(secure_ask(fixture, &secure, "NETVER\n"), "1.3\n");
    /* Nothing is left of what waited then when answers have to wait again. */
    flood(fixture, &secure);
    assert_true(fixture->service->queued > 0);
    flush(fixture, &secure);
    secure_answers(fixture, &secure);
    assert_int_equal(fixture->service->queued, 0);
    stop(&secure);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_requests),
        TEST(test_many_requests_in_one_record),
        TEST(test_many_records),
        TEST(test_logout_says_goodbye),
        TEST(test_client_says_goodbye),
        TEST(test_half_close),
        TEST(test_service_ends_with_clients),
        TEST(test_context_is_swapped),
        TEST(test_required_and_there),
        TEST(test_old_versions_are_refused),
        TEST(test_session_is_resumed),
        TEST(test_no_renegotiation),
        TEST(test_flood_of_key_updates),
        TEST(test_key_updates_let_others_through),
        TEST(test_no_handshake),
        TEST(test_bytes_behind_starttls),
        TEST(test_failure_is_logged),
        TEST(test_byte_by_byte),
        TEST(test_requests_with_the_handshake),
        TEST(test_handshake_has_a_deadline),
        TEST(test_established_outlives_the_deadline),
        TEST(test_handshakes_are_limited),
        TEST(test_handshakes_let_others_through),
        TEST(test_broken_record),
        TEST(test_clear_text_within_tls),
        TEST(test_gone_in_the_middle),
        TEST(test_slow_reader),
        TEST(test_slow_reader_is_dropped),
        TEST(test_handshake_behind_answers),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
