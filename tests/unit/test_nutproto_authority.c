/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who a client is, seen from its own end: hashed passwords, delays, certificates, TCP wrappers.
 */
#include <config.h>

#include "nutproto/authority.h"

#include "core/pool.h"
#include "nutproto/inquiry.h"
#include "nutproto/passwords.h"
#include "tests/unit/nutproto_fixture.h"

#ifdef HAVE_LIBWRAP
#include <tcpd.h>
#endif

#include <stdatomic.h>

#define CLIENTS 60

/* "secret", by a method that is cheap to try. */
#define HASH "\"$5$rounds=1000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2\""

static const char hashed_users[] = "[mon]\npassword = " HASH "\nupsmon primary\n"
                                   "certsubject = \"CN=mon,O=Acme\"\n"
                                   "[plain]\npassword = pw\nactions = SET\n"
                                   "[card]\ncertsubject = \"CN=card\"\nactions = SET\n"
                                   "[none]\nactions = SET\n";

static int begin(void **state)
{
    set_up(state);
    struct fixture *fixture = *state;
    authority_set_users(fixture->service->authority, users_from(hashed_users));
    return 0;
}

/* While the gates are closed the pool answers nothing: one before each thread. */
struct gate {
    struct job job; /* first */
    unsigned number;
};

static atomic_uint gates_open;

static void wait_at_gate(struct job *job)
{
    const struct gate *gate = (struct gate *)(void *)job;

    while (atomic_load(&gates_open) <= gate->number)
        sleep_ms(1);
}

static void free_job(struct job *job)
{
    free(job);
}

static void close_gate(struct fixture *fixture)
{
    atomic_store(&gates_open, 0);
    for (unsigned i = 0; i < POOL_THREADS; i++) {
        struct gate *gate = calloc(1, sizeof *gate);

        gate->number = i;
        gate->job.run = wait_at_gate;
        gate->job.done = gate->job.discard = free_job;
        assert_true(pool_submit(fixture->service->pool, &gate->job));
    }
}

static void open_gate(void)
{
    atomic_store(&gates_open, POOL_THREADS);
}

/* One thread goes on, so that the order of answers is that of questions. */
static void open_one_gate(void)
{
    atomic_store(&gates_open, 1);
}

/* The service's side of the newest connection. */
static struct client *newest(const struct fixture *fixture)
{
    return (struct client *)(void *)fixture->service->sessions;
}

static int connect_as(struct fixture *fixture, const char *name, const char *password)
{
    int client = connect_client(fixture);
    char text[128];

    snprintf(text, sizeof text, "USERNAME %s\nPASSWORD %s\n", name, password);
    assert_string_equal(ask(fixture, client, text), "OK\nOK\n");
    return client;
}

/* A wrong password, and its answer. */
static void fail_once(struct fixture *fixture)
{
    int client = connect_as(fixture, "mon", "wrong");

    expect_answers(fixture, client, "LOGIN alpha\n", "ERR ACCESS-DENIED\n");
    close(client);
}

static void send_line(struct fixture *fixture, int client, const char *line)
{
    send_bytes(client, line, strlen(line));
    turn(fixture);
}

/* As if it came from 198.51.100.x. */
static void move_to(const struct fixture *fixture, unsigned host)
{
    newest(fixture)->address =
        (struct client_address){ .family = AF_INET, .ipv4.s_addr = htonl(0xc6336400u + host) };
}

static unsigned count_before(const char *text, const char *what, const char *end)
{
    unsigned count = 0;

    for (const char *at = strstr(text, what); at != NULL && at < end; at = strstr(at + 1, what))
        count++;
    return count;
}

static void test_hashed_password(void **state)
{
    struct fixture *fixture = *state;
    int reader = connect_client(fixture);
    int client = connect_as(fixture, "mon", "secret");

    close_gate(fixture);
    assert_string_equal(ask(fixture, client, "LOGIN alpha\n"), "");
    assert_int_equal(inquiry_state(newest(fixture)), INQUIRY_RUNNING);
    /* Nobody else has to wait for that. */
    assert_string_equal(ask(fixture, reader, "GET NUMLOGINS alpha\n"), "NUMLOGINS alpha 0\n");
    open_gate();
    expect_answers(fixture, client, "", "OK\n");
    /* From now on the answer is at once, here and for others. */
    assert_string_equal(ask(fixture, client, "FSD alpha\nGET NUMLOGINS alpha\n"),
                        "OK FSD-SET\nNUMLOGINS alpha 1\n");
    int other = connect_as(fixture, "mon", "secret");
    assert_string_equal(ask(fixture, other, "LOGIN alpha\n"), "OK\n");
    assert_int_equal(fixture->service->census->counters.wrong_credentials, 0);
    close(reader);
    close(client);
    close(other);
}

/* Whatever is wrong, it takes a hash to find out. */
static void test_wrong_takes_as_long_as_unknown(void **state)
{
    static const char *const attempts[][2] = {
        { "mon", "wrong" },   { "nobody", "secret" }, { "plain", "secret" },
        { "none", "secret" }, { "card", "secret" },
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        int client = connect_as(fixture, attempts[i][0], attempts[i][1]);
        uint64_t deadline = clock_ms() + 20000;

        close_gate(fixture);
        send_line(fixture, client, "SET VAR alpha ups.id x\n");
        while (inquiry_state(newest(fixture)) == INQUIRY_DELAYED && clock_ms() < deadline)
            turn(fixture);
        assert_int_equal(inquiry_state(newest(fixture)), INQUIRY_RUNNING);
        assert_int_equal(inquiry_question(newest(fixture))->topic, INQUIRY_PASSWORD);
        open_gate();
        expect_answers(fixture, client, "", "ERR ACCESS-DENIED\n");
        close(client);
    }
    assert_int_equal(fixture->service->census->counters.wrong_credentials, 5);
    assert_int_equal(fixture->handed.count, 0);
}

static void test_plain_among_hashed(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "plain", "pw");

    assert_string_equal(ask(fixture, client, "SET VAR alpha ups.id x\n"), "OK\n");
    close(client);
}

static void test_delay(void **state)
{
    struct fixture *fixture = *state;
    int known = connect_as(fixture, "mon", "secret");

    expect_answers(fixture, known, "LOGIN alpha\n", "OK\n");
    for (unsigned i = 0; i < 3; i++)
        fail_once(fixture);
    uint64_t failed = clock_ms();
    /* One who was right lately is not kept waiting, on whatever connection. */
    assert_string_equal(ask(fixture, known, "FSD alpha\n"), "OK FSD-SET\n");
    int again = connect_as(fixture, "mon", "secret");
    assert_string_equal(ask(fixture, again, "LOGIN alpha\n"), "OK\n");
    /* One who was not is, right or wrong, until some time has passed. */
    int late = connect_as(fixture, "plain", "pw");
    send_line(fixture, late, "SET VAR alpha ups.id x\n");
    /* Unless this machine was that slow. */
    if (clock_ms() - failed < 400)
        assert_int_equal(inquiry_state(newest(fixture)), INQUIRY_DELAYED);
    expect_answers(fixture, late, "", "OK\n");
    assert_true(fixture->service->census->counters.delayed_attempts > 0);
    close(known);
    close(again);
    close(late);
}

/* A reload forgets who was right, but not that a connection was not guessing. */
static void test_reload(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "secret");

    expect_answers(fixture, client, "LOGIN alpha\n", "OK\n");
    struct client *side = newest(fixture);
    for (unsigned i = 0; i < 3; i++)
        fail_once(fixture);
    authority_set_users(fixture->service->authority, users_from(hashed_users));
    close_gate(fixture);
    send_line(fixture, client, "FSD alpha\n");
    assert_int_equal(inquiry_state(side), INQUIRY_RUNNING);
    open_gate();
    expect_answers(fixture, client, "", "OK FSD-SET\n");
    authority_set_users(fixture->service->authority, users_from("[mon]\npassword = new\n"));
    expect_answers(fixture, client, "FSD alpha\n", "ERR ACCESS-DENIED\n");
    assert_false(side->verified);
    close(client);
}

/* After a reload the password is looked at anew, but nobody who guesses comes before it. */
static void test_known_ones_come_first_after_a_reload(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "secret");
    int guessing[5];

    expect_answers(fixture, client, "LOGIN alpha\n", "OK\n");
    close(client);
    authority_set_users(fixture->service->authority, users_from(hashed_users));
    close_gate(fixture);
    for (unsigned i = 0; i < 5; i++) {
        guessing[i] = connect_as(fixture, "mon", "wrong");
        send_line(fixture, guessing[i], "LOGIN alpha\n");
    }
    /* The first of them is looked at, the others have to wait; so one is before us. */
    client = connect_as(fixture, "mon", "secret");
    send_line(fixture, client, "LOGIN alpha\n");
    assert_int_equal(inquiry_state(newest(fixture)), INQUIRY_WAITING);
    int saved;
    int log = log_begin(&saved);
    open_gate();
    expect_answers(fixture, client, "", "OK\n");
    const char *text = log_end(log, saved);
    const char *login = strstr(text, "User mon@192.0.2.7 logged into");
    assert_non_null(login);
    const char *refusal = strstr(text, "Refused LOGIN");
    if (refusal != NULL && refusal < login)
        refusal = strstr(refusal + 1, "Refused LOGIN");
    assert_true(refusal == NULL || refusal > login);
    for (unsigned i = 0; i < 5; i++)
        close(guessing[i]);
    close(client);
}

static void turn_until_empty(struct fixture *fixture)
{
    uint64_t deadline = clock_ms() + 20000;

    while (fixture->service->session_count > 0 && clock_ms() < deadline)
        turn(fixture);
    assert_int_equal(fixture->service->session_count, 0);
}

/* Whoever comes from elsewhere waits for one of each place that guesses, not for all of them. */
static void test_places_take_turns(void **state)
{
    enum { PLACES = 4, OF_EACH = 4 };
    struct fixture *fixture = *state;
    int guessing[PLACES * OF_EACH];

    close_gate(fixture);
    for (unsigned i = 0; i < PLACES * OF_EACH; i++) {
        guessing[i] = connect_as(fixture, "mon", "wrong");
        move_to(fixture, i / OF_EACH);
        send_line(fixture, guessing[i], "LOGIN alpha\n");
    }
    int client = connect_as(fixture, "mon", "secret");
    send_line(fixture, client, "LOGIN alpha\n");
    assert_int_equal(inquiry_state(newest(fixture)), INQUIRY_WAITING);
    int saved;
    int log = log_begin(&saved);
    open_one_gate();
    expect_answers(fixture, client, "", "OK\n");
    const char *text = log_end(log, saved);
    const char *login = strstr(text, "User mon@192.0.2.7 logged into");
    assert_non_null(login);
    /* Those that were handed to the pool already come on top. */
    assert_true(count_before(text, "Refused LOGIN", login) <= PLACES + POOL_THREADS);
    open_gate();
    for (unsigned i = 0; i < PLACES * OF_EACH; i++)
        close(guessing[i]);
    close(client);
    turn_until_empty(fixture);
}

static void test_reload_while_it_is_looked_at(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "secret");

    close_gate(fixture);
    send_line(fixture, client, "FSD alpha\n");
    assert_int_equal(inquiry_state(newest(fixture)), INQUIRY_RUNNING);
    open_gate();
    authority_set_users(fixture->service->authority,
                        users_from("[mon]\npassword = other\nactions = FSD\n"));
    expect_answers(fixture, client, "", "ERR ACCESS-DENIED\n");
    close(client);
}

/* Nothing is left of who leaves while it waits, but that it tried. */
static void test_leaving(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "secret");

    close_gate(fixture);
    send_line(fixture, client, "LOGIN alpha\n");
    close(client);
    session_close(fixture->service->sessions);
    uint64_t left = clock_ms();
    open_gate();
    client = connect_as(fixture, "mon", "secret");
    send_line(fixture, client, "LOGIN alpha\n");
    if (clock_ms() - left < 100)
        assert_int_equal(inquiry_state(newest(fixture)), INQUIRY_DELAYED);
    close(client);
    turn_until_empty(fixture);
    assert_int_equal(fixture->service->census->counters.wrong_credentials, 0);
}

/* Many at once, right and wrong, some of whom do not wait for the answer. */
static void test_crowd(void **state)
{
    struct fixture *fixture = *state;
    int clients[CLIENTS];

    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = connect_as(fixture, "mon", i % 3 == 0 ? "wrong" : "secret");
        send_line(fixture, clients[i], "LOGIN alpha\n");
    }
    for (unsigned i = 0; i < CLIENTS; i += 5)
        close(clients[i]);
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (i % 5 != 0)
            expect_answers(fixture, clients[i], "", i % 3 == 0 ? "ERR ACCESS-DENIED\n" : "OK\n");
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (i % 5 != 0)
            close(clients[i]);
    }
    turn_until_empty(fixture);
}

static void test_certificate(void **state)
{
    struct fixture *fixture = *state;
    int saved;
    int log = log_begin(&saved);
    int client = connect_client(fixture);
    struct client *side = newest(fixture);

    assert_string_equal(ask(fixture, client, "LOGIN alpha\n"), "ERR USERNAME-REQUIRED\n");
    side->certificate_subject = strdup("CN=mon,O=Acme");
    side->tls = true;
    assert_string_equal(ask(fixture, client, "LOGIN alpha\nUSERNAME mon\nFSD alpha\n"),
                        "OK\nOK\nOK FSD-SET\n");
    send_line(fixture, client, "LOGOUT\n");
    close(client);
    client = connect_client(fixture);
    side = newest(fixture);
    side->certificate_subject = strdup("CN=mon,O=Acme");
    /* It stands for its own user alone. */
    assert_string_equal(ask(fixture, client, "USERNAME plain\nSET TRACKING on\n"),
                        "OK\nERR PASSWORD-REQUIRED\n");
    assert_string_equal(ask(fixture, client, "PASSWORD pw\nSET VAR alpha ups.id x\n"), "OK\nOK\n");
    close(client);
    client = connect_client(fixture);
    side = newest(fixture);
    side->certificate_subject = strdup("CN=mon");
    assert_string_equal(ask(fixture, client, "LOGIN alpha\n"), "ERR USERNAME-REQUIRED\n");
    close(client);
    const char *text = log_end(log, saved);
    assert_non_null(strstr(text, "User mon@192.0.2.7 logged into UPS [alpha] (SSL)\n"));
    assert_non_null(strstr(text, "User mon@192.0.2.7 logged out from UPS [alpha]\n"));
    assert_non_null(strstr(text, "Client mon@192.0.2.7 set FSD on UPS [alpha]\n"));
}

/* What a certificate stood for may be nobody any more when its client leaves. */
static void test_certificate_loses_its_user(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    int saved;
    int log = log_begin(&saved);

    newest(fixture)->certificate_subject = strdup("CN=mon,O=Acme");
    assert_string_equal(ask(fixture, client, "LOGIN alpha\n"), "OK\n");
    authority_set_users(fixture->service->authority, users_from("[mon]\npassword = new\n"));
    assert_string_equal(ask(fixture, client, "FSD alpha\n"), "ERR USERNAME-REQUIRED\n");
    send_line(fixture, client, "LOGOUT\n");
    close(client);
    assert_non_null(
        strstr(log_end(log, saved), "User CN=mon,O=Acme@192.0.2.7 logged out from UPS [alpha]\n"));
}

static void test_log_lines(void **state)
{
    struct fixture *fixture = *state;
    int saved;
    int log = log_begin(&saved);
    int client = connect_as(fixture, "x@198.51.100.1", "secret");

    expect_answers(fixture, client, "LOGIN alpha\n", "ERR ACCESS-DENIED\n");
    close(client);
    client = connect_as(fixture, "plain", "pw");
    expect_answers(fixture, client, "fsd alpha\n", "ERR ACCESS-DENIED\n");
    close(client);
    for (unsigned i = 0; i < 40; i++) {
        client = connect_as(fixture, "plain", "pw");
        expect_answers(fixture, client, "INSTCMD alpha load.off\n", "ERR ACCESS-DENIED\n");
        close(client);
    }
    const char *text = log_end(log, saved);
    assert_non_null(strstr(text, "Refused LOGIN from 192.0.2.7 by user x@198.51.100.1: wrong user "
                                 "name or password\n"));
    assert_non_null(
        strstr(text, "Refused FSD from 192.0.2.7 by user plain: this user has no right to it\n"));
    assert_non_null(strstr(text, "More complaints about clients are left out"));
    assert_int_equal(fixture->service->census->counters.wrong_credentials, 1);
    assert_int_equal(fixture->service->census->counters.missing_rights, 41);
}

#ifdef HAVE_LIBWRAP

/* TCP wrappers ------------------------------------------------------------------------------- */

static char allow_path[] = "/tmp/test_authority.allow", deny_path[] = "/tmp/test_authority.deny";

static void put_file(const char *path, const char *text)
{
    FILE *stream = fopen(path, "w");

    assert_non_null(stream);
    fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
}

static int begin_wrapped(void **state)
{
    hosts_allow_table = allow_path;
    hosts_deny_table = deny_path;
    set_up(state);
    struct fixture *fixture = *state;
    authority_set_wrappers(fixture->service->authority, true);
    return 0;
}

static int end_wrapped(void **state)
{
    unlink(allow_path);
    unlink(deny_path);
    return tear_down(state);
}

static void test_wrappers_without_rules(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "pw");

    assert_string_equal(ask(fixture, client, "PRIMARY alpha\n"), "OK PRIMARY-GRANTED\n");
    put_file(allow_path, "# a comment\n\n   # another one\n");
    put_file(deny_path, "");
    assert_string_equal(ask(fixture, client, "PRIMARY alpha\n"), "OK PRIMARY-GRANTED\n");
    close(client);
}

static void test_wrappers_rules(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "pw");
    int other = connect_as(fixture, "admin", "adm");

    put_file(allow_path, "upsd: mon@192.0.2.7\n");
    put_file(deny_path, "upsd: ALL\n");
    /* Before any look at arguments, and at commands for users alone. */
    expect_answers(fixture, other, "SET\nFSD\nVER x\nGET NUMLOGINS alpha\n",
                   "ERR ACCESS-DENIED\nERR ACCESS-DENIED\nERR INVALID-ARGUMENT\n"
                   "NUMLOGINS alpha 0\n");
    expect_answers(fixture, client, "PRIMARY alpha\nLOGIN alpha\n", "OK PRIMARY-GRANTED\nOK\n");
    assert_int_equal(fixture->service->census->counters.wrappers_refusals, 2);
    assert_int_equal(fixture->service->census->counters.wrong_credentials, 0);
    /* A change counts at once, for those who were let in before too. */
    put_file(allow_path, "upsd: admin@192.0.2.0/255.255.255.0\n");
    expect_answers(fixture, client, "FSD alpha\n", "ERR ACCESS-DENIED\n");
    expect_answers(fixture, other, "FSD alpha\n", "OK FSD-SET\n");
    put_file(allow_path, "ALL: 198.51.100.0/255.255.255.0\n");
    expect_answers(fixture, other, "FSD alpha\n", "ERR ACCESS-DENIED\n");
    authority_set_wrappers(fixture->service->authority, false);
    assert_string_equal(ask(fixture, other, "FSD alpha\n"), "OK FSD-SET\n");
    close(client);
    close(other);
}

/* A rule that would make another program of us does not. */
static void test_wrappers_twist(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "pw");

    put_file(allow_path, "upsd: ALL: twist /bin/false\n");
    put_file(deny_path, "upsd: ALL\n");
    expect_answers(fixture, client, "PRIMARY alpha\n", "ERR ACCESS-DENIED\n");
    close(client);
}

/* That TCP wrappers like a client says nothing of its password. */
static void test_wrappers_are_switched_off_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "wrong");

    put_file(allow_path, "upsd: ALL\n");
    close_gate(fixture);
    send_line(fixture, client, "LOGIN alpha\n");
    assert_int_equal(inquiry_question(newest(fixture))->topic, INQUIRY_WRAPPERS);
    authority_set_wrappers(fixture->service->authority, false);
    open_gate();
    expect_answers(fixture, client, "", "ERR ACCESS-DENIED\n");
    close(client);
}

/* A request that comes to another end leaves nothing behind that the next one could build on. */
static void test_device_goes_away_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "secret");

    authority_set_users(fixture->service->authority, users_from(hashed_users));
    put_file(allow_path, "upsd: ALL\n");
    expect_answers(fixture, client, "LOGIN nosuch\n", "ERR UNKNOWN-UPS\n");
    close_gate(fixture);
    send_line(fixture, client, "LOGIN dead\n");
    assert_int_equal(inquiry_question(newest(fixture))->topic, INQUIRY_PASSWORD);
    ups_remove(fixture->store, fixture->dead);
    open_gate();
    expect_answers(fixture, client, "", "ERR UNKNOWN-UPS\n");
    assert_int_equal(inquiry_state(newest(fixture)), INQUIRY_NONE);
    put_file(allow_path, "# nobody\n");
    put_file(deny_path, "upsd: ALL\n");
    expect_answers(fixture, client, "LOGIN alpha\n", "ERR ACCESS-DENIED\n");
    assert_int_equal(fixture->service->census->counters.wrappers_refusals, 1);
    close(client);
}

/* Who has proved who it is asks before those that have not: its FSD cannot wait for their names. */
static void test_wrappers_see_to_known_ones_first(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "pw");
    struct client *side = newest(fixture);
    int strangers[5];

    put_file(allow_path, "upsd: mon@ALL\n");
    put_file(deny_path, "upsd: ALL\n");
    expect_answers(fixture, client, "LOGIN alpha\n", "OK\n");
    side->admitted_until = 0;
    close_gate(fixture);
    for (unsigned i = 0; i < 5; i++) {
        strangers[i] = connect_as(fixture, "x", "x");
        send_line(fixture, strangers[i], "LOGIN alpha\n");
    }
    send_line(fixture, client, "FSD alpha\n");
    assert_int_equal(inquiry_state(side), INQUIRY_WAITING);
    int saved;
    int log = log_begin(&saved);
    open_gate();
    expect_answers(fixture, client, "", "OK FSD-SET\n");
    const char *text = log_end(log, saved);
    const char *set = strstr(text, "Client mon@192.0.2.7 set FSD");
    assert_non_null(set);
    assert_true(count_before(text, "Refused LOGIN", set) <= 1);
    for (unsigned i = 0; i < 5; i++)
        close(strangers[i]);
    close(client);
    turn_until_empty(fixture);
}

/* Both have to wait, one after the other. */
static void test_wrappers_and_hashes(void **state)
{
    struct fixture *fixture = *state;

    authority_set_users(fixture->service->authority, users_from(hashed_users));
    put_file(allow_path, "upsd: mon@ALL, LOCAL\n");
    put_file(deny_path, "ALL: ALL\n");
    fail_once(fixture);
    int client = connect_as(fixture, "mon", "secret");
    expect_answers(fixture, client, "LOGIN alpha\nFSD alpha\n", "OK\nOK FSD-SET\n");
    close(client);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hashed_password, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_takes_as_long_as_unknown, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_plain_among_hashed, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_delay, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_reload, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_known_ones_come_first_after_a_reload, begin,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_places_take_turns, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_reload_while_it_is_looked_at, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_leaving, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_crowd, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_certificate, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_certificate_loses_its_user, begin, tear_down),
        cmocka_unit_test_setup_teardown(test_log_lines, begin, tear_down),
#ifdef HAVE_LIBWRAP
        cmocka_unit_test_setup_teardown(test_wrappers_without_rules, begin_wrapped, end_wrapped),
        cmocka_unit_test_setup_teardown(test_wrappers_rules, begin_wrapped, end_wrapped),
        cmocka_unit_test_setup_teardown(test_wrappers_twist, begin_wrapped, end_wrapped),
        cmocka_unit_test_setup_teardown(test_wrappers_are_switched_off_meanwhile, begin_wrapped,
                                        end_wrapped),
        cmocka_unit_test_setup_teardown(test_device_goes_away_meanwhile, begin_wrapped,
                                        end_wrapped),
        cmocka_unit_test_setup_teardown(test_wrappers_see_to_known_ones_first, begin_wrapped,
                                        end_wrapped),
        cmocka_unit_test_setup_teardown(test_wrappers_and_hashes, begin_wrapped, end_wrapped),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
