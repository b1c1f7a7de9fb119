/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every request of the protocol and upsd's order of checks, as seen by a connected client.
 */
#include <config.h>

#include "core/variables.h"
#include "tests/unit/nutproto_fixture.h"

#ifdef HAVE_OPENSSL
#define NO_TLS "ERR FEATURE-NOT-CONFIGURED\n"
#else
#define NO_TLS "ERR FEATURE-NOT-SUPPORTED\n"
#endif

struct exchange {
    const char *request, *answer;
};

static void run_exchanges(struct fixture *fixture, int client, const struct exchange *exchanges,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char request[1024];

        snprintf(request, sizeof request, "%s\n", exchanges[i].request);
        expect_answers(fixture, client, request, exchanges[i].answer);
    }
}

#define RUN(fixture, client, exchanges) \
    run_exchanges(fixture, client, exchanges, sizeof(exchanges) / sizeof(exchanges)[0])

static int connect_as(struct fixture *fixture, const char *name, const char *password)
{
    int client = connect_client(fixture);
    char text[128];

    snprintf(text, sizeof text, "USERNAME %s\nPASSWORD %s\n", name, password);
    assert_string_equal(ask(fixture, client, text), "OK\nOK\n");
    return client;
}

/* Reading ------------------------------------------------------------------------------------ */

static void test_unidentified(void **state)
{
    static const struct exchange exchanges[] = {
        { "", "ERR UNKNOWN-COMMAND\n" },
        { "  \t ", "ERR UNKNOWN-COMMAND\n" },
        { "# VER", "ERR UNKNOWN-COMMAND\n" },
        { "ATTACH", "ERR UNKNOWN-COMMAND\n" },
        { "GET=VAR alpha ups.id", "ERR INVALID-ARGUMENT\n" },
        { "NETVER", "1.3\n" },
        { "netver\r", "1.3\n" },
        { "PROTVER", "1.3\n" },
        { "NETVER \"\"", "ERR INVALID-ARGUMENT\n" },
        { "NETVER \\\n", "ERR INVALID-ARGUMENT\n" },
        { "PROTVER x", "ERR INVALID-ARGUMENT\n" },
        { "VER x", "ERR INVALID-ARGUMENT\n" },
        { "HELP", "Commands: HELP VER GET LIST SET INSTCMD LOGIN LOGOUT USERNAME PASSWORD "
                  "STARTTLS\n" },
        { "HELP me", "ERR INVALID-ARGUMENT\n" },
        { "STARTTLS", NO_TLS },
        { "STARTTLS x", NO_TLS },
        { "USERNAME", "ERR INVALID-ARGUMENT\n" },
        { "PASSWORD a b", "ERR INVALID-ARGUMENT\n" },
        { "LOGOUT x", "ERR INVALID-ARGUMENT\n" },
        { "LOGIN", "ERR USERNAME-REQUIRED\n" },
        { "LOGIN nosuch", "ERR USERNAME-REQUIRED\n" },
        { "PRIMARY alpha", "ERR USERNAME-REQUIRED\n" },
        { "MASTER alpha", "ERR USERNAME-REQUIRED\n" },
        { "FSD alpha", "ERR USERNAME-REQUIRED\n" },
        { "SET", "ERR USERNAME-REQUIRED\n" },
        { "SET TRACKING ON", "ERR USERNAME-REQUIRED\n" },
        { "INSTCMD", "ERR USERNAME-REQUIRED\n" },
    };
    struct fixture *fixture = *state;
    int client = connect_client(fixture);

    RUN(fixture, client, exchanges);
    close(client);
}

static void test_get(void **state)
{
    static const struct exchange exchanges[] = {
        { "GET", "ERR INVALID-ARGUMENT\n" },
        { "GET x", "ERR INVALID-ARGUMENT\n" },
        { "GET x alpha y", "ERR INVALID-ARGUMENT\n" },
        { "GET VAR alpha", "ERR INVALID-ARGUMENT\n" },
        { "GET VAR nosuch", "ERR INVALID-ARGUMENT\n" },
        { "GET VAR nosuch x", "ERR UNKNOWN-UPS\n" },
        { "GET VAR \"\" x", "ERR UNKNOWN-UPS\n" },
        { "GET VAR alpha@host x", "ERR UNKNOWN-UPS\n" },
        { "GET VAR dead x", "ERR DRIVER-NOT-CONNECTED\n" },
        { "GET VAR alpha x", "ERR VAR-NOT-SUPPORTED\n" },
        { "GET VAR alpha ups.id", "VAR alpha ups.id \"my-id\"\n" },
        { "get var ALPHA Ups.Id more words", "VAR ALPHA Ups.Id \"my-id\"\n" },
        { "GET VAR alpha ups.mfr", "VAR alpha ups.mfr \"a\\\"b\\\\c\\#d\"\n" },
        { "GET VAR alpha x.zero", "VAR alpha x.zero \"\"\n" },
        { "GET VAR beta ups.status", "VAR beta ups.status \"WAIT\"\n" },
        { "GET VAR beta ups.mfr", "ERR VAR-NOT-SUPPORTED\n" },
        { "GET VAR nosuch server.x", "ERR VAR-NOT-SUPPORTED\n" },
        { "GET TYPE alpha", "ERR INVALID-ARGUMENT\n" },
        { "GET TYPE alpha x", "ERR VAR-NOT-SUPPORTED\n" },
        { "GET TYPE alpha server.info", "ERR VAR-NOT-SUPPORTED\n" },
        { "GET TYPE nosuch x", "ERR UNKNOWN-UPS\n" },
        { "GET TYPE dead x", "ERR DRIVER-NOT-CONNECTED\n" },
        { "GET TYPE Alpha UPS.id", "TYPE Alpha UPS.id RW STRING:8\n" },
        { "GET TYPE alpha x.enum", "TYPE alpha x.enum RW ENUM STRING:9\n" },
        { "GET TYPE alpha x.range", "TYPE alpha x.range RW RANGE NUMBER\n" },
        { "GET TYPE alpha ups.mfr", "TYPE alpha ups.mfr NUMBER\n" },
        { "GET DESC alpha", "ERR INVALID-ARGUMENT\n" },
        { "GET DESC nosuch x", "ERR UNKNOWN-UPS\n" },
        { "GET DESC dead x", "ERR DRIVER-NOT-CONNECTED\n" },
        { "GET DESC alpha nosuch", "DESC alpha nosuch \"Description unavailable\"\n" },
        { "GET DESC alpha \"a \\\"b\"", "DESC alpha a \"b \"Description unavailable\"\n" },
        { "GET CMDDESC alpha nosuch", "CMDDESC alpha nosuch \"Description unavailable\"\n" },
        { "GET CMDDESC dead load.off", "ERR DRIVER-NOT-CONNECTED\n" },
        { "GET UPSDESC", "ERR INVALID-ARGUMENT\n" },
        { "GET UPSDESC nosuch", "ERR UNKNOWN-UPS\n" },
        { "GET UPSDESC Alpha", "UPSDESC Alpha \"The \\# \\\"first\\\"\"\n" },
        { "GET UPSDESC beta", "UPSDESC beta \"Unavailable\"\n" },
        { "GET UPSDESC dead", "UPSDESC dead \"Unavailable\"\n" },
        { "GET NUMLOGINS", "ERR INVALID-ARGUMENT\n" },
        { "GET NUMLOGINS nosuch", "ERR UNKNOWN-UPS\n" },
        { "GET NUMLOGINS dead", "ERR DRIVER-NOT-CONNECTED\n" },
        { "GET NUMLOGINS Alpha x", "NUMLOGINS Alpha 0\n" },
        { "GET TRACKING", "OFF\n" },
        { "GET TRACKING x", "ERR FEATURE-NOT-CONFIGURED\n" },
    };
    struct fixture *fixture = *state;
    int client = connect_client(fixture);

    RUN(fixture, client, exchanges);
    close(client);
}

static void test_server_variables(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    const char *answer = ask(fixture, client, "VER\n");
    char expected[256];

    assert_memory_equal(answer, "Network UPS Tools upsd 2.8.0 ", 29);
    snprintf(expected, sizeof expected, "VAR bogus server.info \"%.*s\"\n",
             (int)strcspn(answer, "\n"), answer);
    assert_string_equal(ask(fixture, client, "GET VAR bogus Server.Info\n"), expected);
    assert_memory_equal(ask(fixture, client, "GET VAR x SERVER.VERSION\n"),
                        "VAR x server.version \"2.8.0 ", 28);
    close(client);
}

static void test_descriptions_come_from_the_vocabulary(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    const struct variable_info *variable = variable_find("ups.status");
    const struct command_info *command = command_find("load.off");
    char expected[512];

    assert_non_null(variable);
    assert_non_null(command);
    snprintf(expected, sizeof expected, "DESC alpha UPS.status \"%s\"\n", variable->description);
    assert_string_equal(ask(fixture, client, "GET DESC alpha UPS.status\n"), expected);
    assert_memory_equal(ask(fixture, client, "GET CMDDESC alpha load.off\n"),
                        "CMDDESC alpha load.off \"", 24);
    assert_null(strstr(fixture->answer, "unavailable"));
    close(client);
}

static void test_list(void **state)
{
    static const struct exchange exchanges[] = {
        { "LIST", "ERR INVALID-ARGUMENT\n" },
        { "LIST x", "ERR INVALID-ARGUMENT\n" },
        { "LIST x y z", "ERR INVALID-ARGUMENT\n" },
        { "LIST CLIENTS alpha", "ERR INVALID-ARGUMENT\n" },
        { "LIST VAR", "ERR INVALID-ARGUMENT\n" },
        { "LIST ENUM nosuch", "ERR INVALID-ARGUMENT\n" },
        { "LIST VAR nosuch", "ERR UNKNOWN-UPS\n" },
        { "LIST VAR dead", "ERR DRIVER-NOT-CONNECTED\n" },
        { "LIST RW dead", "ERR DRIVER-NOT-CONNECTED\n" },
        { "LIST CMD dead", "ERR DRIVER-NOT-CONNECTED\n" },
        { "LIST ENUM dead x", "ERR DRIVER-NOT-CONNECTED\n" },
        { "LIST RANGE dead x", "ERR DRIVER-NOT-CONNECTED\n" },
        { "LIST UPS more", "BEGIN LIST UPS\n"
                           "UPS alpha \"The \\# \\\"first\\\"\"\n"
                           "UPS Beta \"Description unavailable\"\n"
                           "UPS dead \"Description unavailable\"\n"
                           "END LIST UPS\n" },
        { "LIST VAR BETA", "BEGIN LIST VAR BETA\nVAR BETA ups.status \"WAIT\"\n"
                           "END LIST VAR BETA\n" },
        { "LIST VAR alpha x", "BEGIN LIST VAR alpha\n"
                              "VAR alpha ups.id \"my-id\"\n"
                              "VAR alpha ups.mfr \"a\\\"b\\\\c\\#d\"\n"
                              "VAR alpha ups.status \"OL\"\n"
                              "VAR alpha x.enum \"b\"\n"
                              "VAR alpha x.range \"80\"\n"
                              "VAR alpha x.zero \"\"\n"
                              "END LIST VAR alpha\n" },
        { "LIST RW Alpha", "BEGIN LIST RW Alpha\n"
                           "RW Alpha ups.id \"my-id\"\n"
                           "RW Alpha x.enum \"b\"\n"
                           "RW Alpha x.range \"80\"\n"
                           "RW Alpha x.zero \"\"\n"
                           "END LIST RW Alpha\n" },
        { "LIST CMD alpha", "BEGIN LIST CMD alpha\nCMD alpha load.off\nCMD alpha Load.on\n"
                            "END LIST CMD alpha\n" },
        { "LIST CMD beta", "BEGIN LIST CMD beta\nEND LIST CMD beta\n" },
        { "LIST ENUM alpha X.enum", "BEGIN LIST ENUM alpha X.enum\n"
                                    "ENUM alpha X.enum \"b\"\n"
                                    "ENUM alpha X.enum \"A \\\"x\\\"\"\n"
                                    "END LIST ENUM alpha X.enum\n" },
        { "LIST ENUM alpha ups.id", "BEGIN LIST ENUM alpha ups.id\nEND LIST ENUM alpha ups.id\n" },
        { "LIST ENUM alpha nosuch", "ERR VAR-NOT-SUPPORTED\n" },
        { "LIST RANGE alpha x.range", "BEGIN LIST RANGE alpha x.range\n"
                                      "RANGE alpha x.range \"10\" \"20\"\n"
                                      "RANGE alpha x.range \"-5\" \"-1\"\n"
                                      "END LIST RANGE alpha x.range\n" },
        { "LIST RANGE alpha nosuch", "ERR VAR-NOT-SUPPORTED\n" },
        { "LIST CLIENT nosuch", "ERR UNKNOWN-UPS\n" },
        { "LIST CLIENT Dead", "BEGIN LIST CLIENT Dead\nEND LIST CLIENT Dead\n" },
    };
    struct fixture *fixture = *state;
    int client = connect_client(fixture);

    RUN(fixture, client, exchanges);
    close(client);
}

static void test_stale(void **state)
{
    static const struct exchange exchanges[] = {
        { "GET VAR alpha ups.status", "ERR DATA-STALE\n" },
        { "LIST VAR alpha", "ERR DATA-STALE\n" },
        { "GET NUMLOGINS alpha", "ERR DATA-STALE\n" },
        { "SET VAR alpha ups.id x", "ERR DATA-STALE\n" },
        { "INSTCMD alpha load.off", "ERR DATA-STALE\n" },
        { "GET UPSDESC beta", "UPSDESC beta \"Unavailable\"\n" },
        { "GET VAR beta ups.status", "ERR DRIVER-NOT-CONNECTED\n" },
        { "LOGIN alpha", "OK\n" },
        { "PRIMARY alpha", "OK PRIMARY-GRANTED\n" },
        { "FSD alpha", "OK FSD-SET\n" },
        { "LIST CLIENT alpha", "BEGIN LIST CLIENT alpha\nCLIENT alpha 192.0.2.7\n"
                               "END LIST CLIENT alpha\n" },
    };
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "pw");
    struct update update = { 0 };

    ups_link(fixture->store, fixture->alpha, true);
    sleep_ms(5);
    ups_store_set_maximum_age(fixture->store, 0);
    assert_int_equal(fixture->alpha->comms, UPS_STALE);
    RUN(fixture, client, exchanges);
    ups_link(fixture->store, fixture->alpha, false);
    assert_int_equal(fixture->alpha->comms, UPS_LOST);
    assert_string_equal(ask(fixture, client, "LIST RW alpha\n"), "ERR DATA-STALE\n");
    ups_store_set_maximum_age(fixture->store, 600);
    update_set(&update, "ups.status", "OB");
    ups_apply(fixture->store, fixture->alpha, &update);
    update_clear(&update);
    assert_string_equal(ask(fixture, client, "GET VAR alpha ups.status\n"),
                        "VAR alpha ups.status \"FSD OB\"\n");
    close(client);
}

/* Logging in --------------------------------------------------------------------------------- */

static void test_credentials(void **state)
{
    static const struct exchange exchanges[] = {
        { "PASSWORD \"\"", "OK\n" },
        { "PASSWORD x", "ERR ALREADY-SET-PASSWORD\n" },
        { "LOGIN", "ERR USERNAME-REQUIRED\n" },
        { "PASSWORD", "ERR INVALID-ARGUMENT\n" },
        { "USERNAME nobody", "OK\n" },
        { "USERNAME other", "ERR ALREADY-SET-USERNAME\n" },
        { "USERNAME a b", "ERR INVALID-ARGUMENT\n" },
        { "LOGIN alpha", "ERR ACCESS-DENIED\n" },
        { "LOGIN nosuch", "ERR UNKNOWN-UPS\n" },
        { "LOGIN a b", "ERR INVALID-ARGUMENT\n" },
        { "PRIMARY", "ERR INVALID-ARGUMENT\n" },
        { "PRIMARY nosuch", "ERR UNKNOWN-UPS\n" },
        { "PRIMARY alpha", "ERR ACCESS-DENIED\n" },
        { "MASTER alpha", "ERR ACCESS-DENIED\n" },
        { "FSD alpha", "ERR ACCESS-DENIED\n" },
        { "FSD nosuch", "ERR UNKNOWN-UPS\n" },
        { "FSD", "ERR INVALID-ARGUMENT\n" },
        { "SET TRACKING on", "OK\n" },
        { "GET TRACKING", "ON\n" },
        { "GET TRACKING x", "ERR UNKNOWN\n" },
        { "SET TRACKING x", "ERR INVALID-ARGUMENT\n" },
        { "SET TRACKING", "ERR INVALID-ARGUMENT\n" },
        { "SET TRACKING off", "OK\n" },
        { "GET TRACKING", "OFF\n" },
    };
    struct fixture *fixture = *state;
    int client = connect_client(fixture);

    assert_string_equal(ask(fixture, client, "USERNAME\nLOGIN alpha\n"),
                        "ERR INVALID-ARGUMENT\nERR USERNAME-REQUIRED\n");
    RUN(fixture, client, exchanges);
    close(client);
    client = connect_client(fixture);
    assert_string_equal(ask(fixture, client, "USERNAME mon\nLOGIN alpha\n"),
                        "OK\nERR PASSWORD-REQUIRED\n");
    close(client);
}

static void test_roles(void **state)
{
    static const struct {
        const char *name, *password;
        const char *answers; /* to the requests below */
    } roles[] = {
        { "mon", "pw", "OK\nOK PRIMARY-GRANTED\nOK MASTER-GRANTED\nOK FSD-SET\n" },
        { "sec", "s", "OK\nERR ACCESS-DENIED\nERR ACCESS-DENIED\nERR ACCESS-DENIED\n" },
        { "admin", "adm", "ERR ACCESS-DENIED\nERR ACCESS-DENIED\nERR ACCESS-DENIED\nOK FSD-SET\n" },
        { "mon", "PW",
          "ERR ACCESS-DENIED\nERR ACCESS-DENIED\nERR ACCESS-DENIED\nERR ACCESS-DENIED\n" },
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        int client = connect_as(fixture, roles[i].name, roles[i].password);

        expect_answers(fixture, client, "LOGIN dead\nPRIMARY dead\nMASTER dead\nFSD dead\n",
                       roles[i].answers);
        close(client);
    }
}

static void test_logins_are_counted(void **state)
{
    struct fixture *fixture = *state;
    int first = connect_as(fixture, "mon", "pw");
    int second = connect_as(fixture, "sec", "s");
    int third = connect_as(fixture, "mon", "pw");
    bool closed;

    assert_string_equal(ask(fixture, third, "LOGIN ALPHA\n"), "OK\n");
    assert_string_equal(ask(fixture, first, "LOGIN alpha\n"), "OK\n");
    assert_string_equal(ask(fixture, second, "LOGIN alpha\nLOGIN nosuch\n"),
                        "OK\nERR ALREADY-LOGGED-IN\n");
    assert_string_equal(ask(fixture, first, "GET NUMLOGINS Alpha\n"), "NUMLOGINS Alpha 3\n");
    /* The newest connection comes first, whenever it logged in. */
    uint64_t before = UINT64_MAX;
    const struct exhibit *exhibit = service_exhibit(fixture->service, fixture->alpha);
    for (const struct client *client = exhibit->newest; client != NULL; client = client->older) {
        assert_true(client->number < before);
        before = client->number;
    }
    assert_string_equal(ask(fixture, first, "LIST CLIENT Alpha\n"),
                        "BEGIN LIST CLIENT Alpha\nCLIENT alpha 192.0.2.7\nCLIENT alpha 192.0.2.7\n"
                        "CLIENT alpha 192.0.2.7\nEND LIST CLIENT Alpha\n");
    close(second);
    assert_string_equal(ask(fixture, first, "GET NUMLOGINS alpha\n"), "NUMLOGINS alpha 2\n");
    send_bytes(third, "LOGOUT\n", 7);
    assert_string_equal(receive_all(fixture, third, &closed), "OK Goodbye\n");
    assert_true(closed);
    close(third);
    assert_string_equal(ask(fixture, first, "GET NUMLOGINS alpha\n"), "NUMLOGINS alpha 1\n");
    close(first);
    turn(fixture);
    assert_int_equal(exhibit->login_count, 0);
    assert_null(exhibit->newest);
}

static void test_removed_device_takes_its_clients(void **state)
{
    struct fixture *fixture = *state;
    int watcher = connect_as(fixture, "mon", "pw");
    int other = connect_as(fixture, "sec", "s");
    int reader = connect_client(fixture);
    bool closed;

    ask(fixture, watcher, "LOGIN dead\n");
    ask(fixture, other, "LOGIN alpha\n");
    assert_string_equal(ask(fixture, reader, "LIST CLIENT dead\n"),
                        "BEGIN LIST CLIENT dead\nCLIENT dead 192.0.2.7\nEND LIST CLIENT dead\n");
    ups_remove(fixture->store, fixture->dead);
    assert_string_equal(receive_all(fixture, watcher, &closed), "");
    assert_true(closed);
    assert_string_equal(ask(fixture, other, "GET NUMLOGINS alpha\n"), "NUMLOGINS alpha 1\n");
    assert_string_equal(ask(fixture, reader, "LIST CLIENT dead\n"), "ERR UNKNOWN-UPS\n");
    close(watcher);
    close(other);
    close(reader);
}

static void test_reloaded_users_lose_rights_at_once(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "mon", "pw");

    assert_string_equal(ask(fixture, client, "PRIMARY alpha\n"), "OK PRIMARY-GRANTED\n");
    authority_set_users(fixture->service->authority,
                        users_from("[mon]\npassword = new\nupsmon primary\n"));
    assert_string_equal(ask(fixture, client, "PRIMARY alpha\n"), "ERR ACCESS-DENIED\n");
    close(client);
}

static void test_forced_shutdown_is_a_latch(void **state)
{
    static const struct exchange exchanges[] = {
        { "GET VAR alpha UPS.status", "VAR alpha UPS.status \"FSD OL\"\n" },
        { "LIST RW alpha", "BEGIN LIST RW alpha\nRW alpha ups.id \"my-id\"\n"
                           "RW alpha x.enum \"b\"\nRW alpha x.range \"80\"\n"
                           "RW alpha x.zero \"\"\nEND LIST RW alpha\n" },
        { "FSD Alpha", "OK FSD-SET\n" },
        { "GET VAR alpha ups.status", "VAR alpha ups.status \"FSD OL\"\n" },
    };
    struct fixture *fixture = *state;
    int first = connect_as(fixture, "admin", "adm");
    int second = connect_as(fixture, "admin", "adm");

    assert_string_equal(ask(fixture, first, "FSD alpha\n"), "OK FSD-SET\n");
    close(first);
    RUN(fixture, second, exchanges);
    assert_non_null(strstr(ask(fixture, second, "LIST VAR alpha\n"), "ups.status \"FSD OL\"\n"));
    assert_true((fixture->alpha->status & STATUS_FSD) != 0);
    close(second);
}

/* Control ------------------------------------------------------------------------------------ */

static void test_set(void **state)
{
    static const struct exchange exchanges[] = {
        { "SET", "ERR INVALID-ARGUMENT\n" },
        { "SET x y z w", "ERR INVALID-ARGUMENT\n" },
        { "SET VAR", "ERR INVALID-ARGUMENT\n" },
        { "SET VAR nosuch ups.id", "ERR INVALID-ARGUMENT\n" },
        { "SET VAR nosuch ups.id x", "ERR UNKNOWN-UPS\n" },
        { "SET VAR dead ups.id x", "ERR DRIVER-NOT-CONNECTED\n" },
        { "SET VAR alpha nosuch x", "ERR VAR-NOT-SUPPORTED\n" },
        { "SET VAR alpha ups.mfr x", "ERR READONLY\n" },
        { "SET VAR alpha ups.id 123456789", "ERR TOO-LONG\n" },
        { "SET VAR alpha x.zero \"\"", "ERR SET-FAILED\n" },
        { "SET VAR alpha x.enum B", "ERR INVALID-VALUE\n" },
        { "SET VAR alpha x.enum \"A \\\"x\\\"\"", "OK\n" },
        { "SET VAR alpha x.range 9", "ERR INVALID-VALUE\n" },
        { "SET VAR alpha x.range text", "ERR INVALID-VALUE\n" },
        { "SET VAR alpha x.range 99999999999999999999", "ERR INVALID-VALUE\n" },
        { "SET VAR alpha x.range 20.9", "OK\n" },
        { "SET VAR alpha x.range -3", "OK\n" },
        { "SET VAR Alpha UPS.id \"1 \\# \\\"3\" extra", "OK\n" },
    };
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "admin", "adm");

    RUN(fixture, client, exchanges);
    assert_int_equal(fixture->handed.count, 4);
    assert_int_equal(fixture->handed.kind, UPS_REQUEST_SET);
    assert_string_equal(fixture->handed.name, "ups.id");
    assert_string_equal(fixture->handed.value, "1 # \"3");
    assert_string_equal(ask(fixture, client, "GET VAR alpha ups.id\n"),
                        "VAR alpha ups.id \"my-id\"\n");
    fixture->handed.refuse = true;
    assert_string_equal(ask(fixture, client, "SET VAR alpha ups.id x\n"), "ERR SET-FAILED\n");
    assert_string_equal(ask(fixture, client, "INSTCMD alpha load.off\n"), "ERR INSTCMD-FAILED\n");
    close(client);
}

static void test_set_without_right(void **state)
{
    static const struct exchange exchanges[] = {
        { "SET VAR alpha", "ERR INVALID-ARGUMENT\n" },
        { "SET VAR nosuch x y", "ERR UNKNOWN-UPS\n" },
        { "SET VAR dead x y", "ERR DRIVER-NOT-CONNECTED\n" },
        { "SET VAR alpha nosuch y", "ERR ACCESS-DENIED\n" },
        { "SET VAR alpha ups.mfr y", "ERR ACCESS-DENIED\n" },
        { "SET VAR alpha ups.id y", "ERR ACCESS-DENIED\n" },
        { "INSTCMD alpha nosuch", "ERR CMD-NOT-SUPPORTED\n" },
        { "INSTCMD alpha load.off", "ERR ACCESS-DENIED\n" },
    };
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "sec", "s");

    RUN(fixture, client, exchanges);
    assert_int_equal(fixture->handed.count, 0);
    close(client);
}

static void test_instant_commands(void **state)
{
    static const struct {
        const char *request, *answer;
        const char *value; /* handed over; NULL: none */
    } cases[] = {
        { "INSTCMD alpha load.off\n", "OK\n", NULL },
        { "INSTCMD alpha LOAD.off 5\n", "OK\n", "5" },
        { "INSTCMD alpha load.off \"a b\"\n", "OK\n", "a b" },
        { "INSTCMD alpha load.off 5 6\n", "OK\n", NULL },
        { "INSTCMD alpha load.off \"\"\n", "OK\n", NULL },
    };
    static const struct exchange errors[] = {
        { "INSTCMD", "ERR INVALID-ARGUMENT\n" },
        { "INSTCMD nosuch", "ERR INVALID-ARGUMENT\n" },
        { "INSTCMD nosuch x", "ERR UNKNOWN-UPS\n" },
        { "INSTCMD dead x", "ERR DRIVER-NOT-CONNECTED\n" },
        { "INSTCMD alpha nosuch", "ERR CMD-NOT-SUPPORTED\n" },
        { "INSTCMD alpha load.on", "ERR ACCESS-DENIED\n" },
    };
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "one", "1");

    RUN(fixture, client, errors);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(ask(fixture, client, cases[i].request), cases[i].answer);
        assert_int_equal(fixture->handed.count, i + 1);
        assert_int_equal(fixture->handed.kind, UPS_REQUEST_COMMAND);
        assert_string_equal(fixture->handed.name, "load.off");
        assert_int_equal(fixture->handed.has_value, cases[i].value != NULL);
        assert_string_equal(fixture->handed.value, cases[i].value == NULL ? "" : cases[i].value);
    }
    close(client);
}

static void test_tracking(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_as(fixture, "admin", "adm");
    int other = connect_as(fixture, "nobody", "x");
    char request[128];
    char id[64];

    ask(fixture, client, "SET TRACKING ON\n");
    assert_string_equal(ask(fixture, client, "SET VAR alpha nosuch x\n"),
                        "ERR VAR-NOT-SUPPORTED\n");
    assert_int_equal(
        sscanf(ask(fixture, client, "SET VAR alpha ups.id x\n"), "OK TRACKING %36s\n", id), 1);
    snprintf(request, sizeof request, "GET TRACKING %s\n", id);
    assert_string_equal(ask(fixture, client, request), "PENDING\n");
    assert_string_equal(ask(fixture, other, request), "ERR FEATURE-NOT-CONFIGURED\n");
    ask(fixture, other, "SET TRACKING ON\n");
    assert_string_equal(ask(fixture, other, request), "PENDING\n");
    ups_result(fixture->store, fixture->alpha, fixture->handed.id, UPS_INVALID);
    assert_string_equal(ask(fixture, other, request), "ERR INVALID-ARGUMENT\n");
    assert_int_equal(
        sscanf(ask(fixture, client, "INSTCMD alpha load.off\n"), "OK TRACKING %36s\n", id), 1);
    close(client);
    ups_result(fixture->store, fixture->alpha, fixture->handed.id, UPS_HANDLED);
    snprintf(request, sizeof request, "GET TRACKING %s\n", id);
    assert_string_equal(ask(fixture, other, request), "SUCCESS\n");
    close(other);
}

/* The log ------------------------------------------------------------------------------------ */

static void test_log_lines(void **state)
{
    static const char *const lines[] = {
        "User mon@192.0.2.7 logged into UPS [alpha]\n",
        "Client mon@192.0.2.7 tried to login twice\n",
        "User mon@192.0.2.7 logged out from UPS [alpha]\n",
        "Client admin@192.0.2.7 set FSD on UPS [alpha]\n",
        "Client admin@192.0.2.7 tried to set a username twice\n",
        "Client admin@192.0.2.7 tried to set a password twice\n",
        "Client on 192.0.2.7 tried to set a password twice\n",
        "Instant command: admin@192.0.2.7 did Load.off on alpha (tracking ID: disabled)\n",
        "Instant command: admin@192.0.2.7 did Load.off with value 5 on alpha (",
        "Set variable: admin@192.0.2.7 set UPS.id on alpha to abc (tracking ID: disabled)\n",
        "\tresult: ERR FAILED\n",
        "Kicking client 192.0.2.7 (was on UPS [Beta])\n",
        "Parse error on sock: Unbalanced word due to unescaped # in quotes\n",
    };
    struct fixture *fixture = *state;
    int admin = connect_as(fixture, "admin", "adm");
    int monitor = connect_as(fixture, "mon", "pw");
    int watcher = connect_as(fixture, "sec", "s");
    int unknown = connect_client(fixture);
    bool closed;
    int saved;
    int memory = log_begin(&saved);

    send_bytes(monitor, "LOGIN Alpha\nLOGIN Alpha\nLOGOUT\n", 31);
    receive_all(fixture, monitor, &closed);
    ask(fixture, unknown, "PASSWORD x\nPASSWORD x\n");
    ask(fixture, admin,
        "FSD Alpha\nUSERNAME x\nPASSWORD x\nINSTCMD Alpha Load.off\nINSTCMD Alpha Load.off 5\n"
        "SET VAR Alpha UPS.id abc\nSET TRACKING ON\nINSTCMD alpha load.off\nVER \"a#b\n");
    ups_result(fixture->store, fixture->alpha, fixture->handed.id, UPS_FAILED);
    ask(fixture, watcher, "LOGIN beta\n");
    ups_remove(fixture->store, fixture->beta);
    const char *log = log_end(memory, saved);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (strstr(log, lines[i]) == NULL)
            print_error("missing: %sin:\n%s", lines[i], log);
        assert_non_null(strstr(log, lines[i]));
    }
    close(admin);
    close(monitor);
    close(watcher);
    close(unknown);
}

static void test_complaints_are_limited(void **state)
{
    struct fixture *fixture = *state;
    int client = connect_client(fixture);
    unsigned lines = 0;
    int saved;

    ask(fixture, client, "USERNAME x\n");
    int memory = log_begin(&saved);
    for (int i = 0; i < 200; i++)
        ask(fixture, client, "USERNAME y\n");
    for (const char *log = log_end(memory, saved); *log != '\0'; log++)
        lines += *log == '\n';
    assert_in_range(lines, 1, 30);
    close(client);
}

/* TLS required ------------------------------------------------------------------------------- */

/* The connection ends without an answer, so that no client goes on with the password. */
static void check_no_credential(struct fixture *fixture, const char *request)
{
    char text[128];
    int client = connect_client(fixture);
    bool closed;

    snprintf(text, sizeof text, "NETVER\n%s\nNETVER\n", request);
    send_bytes(client, text, strlen(text));
    assert_string_equal(receive_all(fixture, client, &closed), "1.3\n");
    assert_true(closed);
    close(client);
}

static void test_no_login_in_clear(void **state)
{
    static const struct exchange exchanges[] = {
        { "LOGIN alpha", "ERR ACCESS-DENIED\n" },
        { "PRIMARY alpha", "ERR ACCESS-DENIED\n" },
        { "MASTER alpha", "ERR ACCESS-DENIED\n" },
        { "FSD alpha", "ERR ACCESS-DENIED\n" },
        { "SET VAR alpha ups.id x", "ERR ACCESS-DENIED\n" },
        { "SET", "ERR ACCESS-DENIED\n" },
        { "INSTCMD alpha load.off", "ERR ACCESS-DENIED\n" },
        { "GET VAR alpha ups.status", "VAR alpha ups.status \"OL\"\n" },
        { "LIST CLIENT alpha", "BEGIN LIST CLIENT alpha\nEND LIST CLIENT alpha\n" },
        { "STARTTLS", NO_TLS },
        { "NETVER", "1.3\n" },
        { "NOSUCH", "ERR UNKNOWN-COMMAND\n" },
    };
    struct fixture *fixture = *state;
    int before = connect_as(fixture, "mon", "pw");

    fixture->service->tls_required[0] = TLS_FOR_LOGINS;
    int client = connect_client(fixture);
    RUN(fixture, client, exchanges);
    check_no_credential(fixture, "USERNAME mon");
    check_no_credential(fixture, "PASSWORD pw");
    /* A reload may have brought the rule. */
    assert_string_equal(ask(fixture, before, "LOGIN alpha\n"), "ERR ACCESS-DENIED\n");
    fixture->service->tls_required[0] = TLS_OPTIONAL;
    fixture->service->tls_required[1] = TLS_FOR_ALL;
    assert_string_equal(ask(fixture, before, "LOGIN alpha\n"), "OK\n");
    close(client);
    close(before);
}

static void test_nothing_in_clear(void **state)
{
    static const struct exchange exchanges[] = {
        { "GET VAR alpha ups.status", "ERR ACCESS-DENIED\n" },
        { "GET", "ERR ACCESS-DENIED\n" },
        { "LIST UPS", "ERR ACCESS-DENIED\n" },
        { "SET TRACKING ON", "ERR ACCESS-DENIED\n" },
        { "STARTTLS", NO_TLS },
        { "NETVER", "1.3\n" },
        { "PROTVER", "1.3\n" },
        { "VER x", "ERR INVALID-ARGUMENT\n" },
        { "HELP me", "ERR INVALID-ARGUMENT\n" },
        { "LOGOUT x", "ERR INVALID-ARGUMENT\n" },
        { "nosuch", "ERR UNKNOWN-COMMAND\n" },
    };
    struct fixture *fixture = *state;
    int saved;
    int memory = log_begin(&saved);

    fixture->service->tls_required[0] = TLS_FOR_ALL;
    int client = connect_client(fixture);
    RUN(fixture, client, exchanges);
    check_no_credential(fixture, "USERNAME mon");
    const char *log = log_end(memory, saved);
    assert_non_null(strstr(log, "Client on 192.0.2.7 was denied GET without TLS\n"));
    assert_non_null(strstr(log, "Client on 192.0.2.7 was denied USERNAME without TLS\n"));
    close(client);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unidentified),
        TEST(test_get),
        TEST(test_server_variables),
        TEST(test_descriptions_come_from_the_vocabulary),
        TEST(test_list),
        TEST(test_stale),
        TEST(test_credentials),
        TEST(test_roles),
        TEST(test_logins_are_counted),
        TEST(test_removed_device_takes_its_clients),
        TEST(test_reloaded_users_lose_rights_at_once),
        TEST(test_forced_shutdown_is_a_latch),
        TEST(test_set),
        TEST(test_set_without_right),
        TEST(test_instant_commands),
        TEST(test_tracking),
        TEST(test_log_lines),
        TEST(test_complaints_are_limited),
        TEST(test_no_login_in_clear),
        TEST(test_nothing_in_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
