/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/serial_port.h"

#include "core/loop.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static struct {
    int master, slave;
    char path[64];
    bool stopping;
} line;

static bool must_stop(const void *context)
{
    (void)context;
    return line.stopping;
}

static const struct serial_settings usual = { .baud = 2400 };
static const struct serial_caller nobody = { .wake_descriptor = -1, .must_stop = must_stop };

static int begin(void **state)
{
    struct termios raw;

    (void)state;
    line.stopping = false;
    if (openpty(&line.master, &line.slave, line.path, NULL, NULL) != 0 ||
        tcgetattr(line.slave, &raw) != 0)
        return -1;
    cfmakeraw(&raw);
    return tcsetattr(line.slave, TCSANOW, &raw);
}

static int end(void **state)
{
    (void)state;
    if (line.master >= 0)
        close(line.master);
    close(line.slave);
    return 0;
}

static struct serial_port *open_line(const struct serial_caller *caller)
{
    char problem[200] = "";
    struct serial_port *port = serial_port_open(line.path, &usual, caller, problem, sizeof problem);

    if (port == NULL)
        fail_msg("%s", problem);
    return port;
}

static void say(const char *bytes)
{
    assert_int_equal(write(line.master, bytes, strlen(bytes)), strlen(bytes));
}

static void test_lines_of_one_read(void **state)
{
    struct serial_port *port = open_line(&nobody);
    char text[64];

    (void)state;
    say("(one\r\n#two\rrest");
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL), 4);
    assert_memory_equal(text, "(one", 4);
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL), 5);
    assert_memory_equal(text, "\n#two", 5);
    assert_int_equal(serial_port_read(port, text, sizeof text, 2000), 4);
    assert_memory_equal(text, "rest", 4);
    serial_port_close(port);
}

static void test_an_unfinished_line_is_none(void **state)
{
    struct serial_port *port = open_line(&nobody);
    char text[64];
    size_t length = 0;

    (void)state;
    say("(230.0");
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 100, &length),
                     SERIAL_TIMED_OUT);
    assert_int_equal(length, 6);
    say("(1\r");
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL), 2);
    serial_port_close(port);
}

static void test_too_much(void **state)
{
    struct serial_port *port = open_line(&nobody);
    char text[8], flood[2000];

    (void)state;
    say("0123456789\r(ok\r");
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL),
                     SERIAL_OVERFLOW);
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL), 3);
    memset(flood, 'x', sizeof flood);
    flood[sizeof flood - 1] = '\0';
    say(flood);
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL),
                     SERIAL_OVERFLOW);
    assert_int_equal(serial_port_flush(port), SERIAL_OK);
    assert_true(serial_port_is_quiet(port, 20));
    serial_port_close(port);
}

static void test_flush_forgets_what_was_kept(void **state)
{
    struct serial_port *port = open_line(&nobody);
    char text[8];

    (void)state;
    say("a\rlate\r");
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL), 1);
    assert_int_equal(serial_port_flush(port), SERIAL_OK);
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 50, NULL),
                     SERIAL_TIMED_OUT);
    serial_port_close(port);
}

static void test_writes_arrive(void **state)
{
    struct serial_port *port = open_line(&nobody);
    char text[8];

    (void)state;
    assert_int_equal(serial_port_write(port, "Q1\r", 3, 2000), SERIAL_OK);
    assert_int_equal(serial_port_drain(port, 2000), SERIAL_OK);
    assert_int_equal(read(line.master, text, sizeof text), 3);
    assert_memory_equal(text, "Q1\r", 3);
    serial_port_close(port);
}

static void test_the_terminal_is_raw_while_open(void **state)
{
    struct termios before, now;

    (void)state;
    assert_int_equal(tcgetattr(line.slave, &before), 0);
    before.c_lflag |= ECHO | ICANON;
    assert_int_equal(tcsetattr(line.slave, TCSANOW, &before), 0);
    struct serial_port *port = open_line(&nobody);
    assert_int_equal(tcgetattr(line.slave, &now), 0);
    assert_int_equal(now.c_lflag & (tcflag_t)(ECHO | ICANON | ISIG), 0);
    assert_int_equal(cfgetospeed(&now), B2400);
    assert_true((now.c_cflag & CLOCAL) != 0 && (now.c_cflag & HUPCL) == 0);
    serial_port_close(port);
    assert_int_equal(tcgetattr(line.slave, &now), 0);
    assert_int_equal(now.c_lflag, before.c_lflag);
}

static void test_only_one_has_it(void **state)
{
    struct serial_port *port = open_line(&nobody);
    char problem[200] = "";

    (void)state;
    assert_null(serial_port_open(line.path, &usual, &nobody, problem, sizeof problem));
    assert_non_null(strstr(problem, "another program"));
    serial_port_close(port);
    port = open_line(&nobody);
    serial_port_close(port);
}

static void test_what_cannot_be_opened(void **state)
{
    char problem[200] = "";

    (void)state;
    assert_null(serial_port_open("/dev/nonexistent", &usual, &nobody, problem, sizeof problem));
    assert_non_null(strstr(problem, "No such file"));
    assert_null(serial_port_open("/dev/null", &usual, &nobody, problem, sizeof problem));
    assert_non_null(strstr(problem, "not a serial line"));
    assert_null(serial_port_open("tcp:host", &usual, &nobody, problem, sizeof problem));
    assert_non_null(strstr(problem, "tcp:HOST:PORT"));
}

static void test_a_vanished_adapter(void **state)
{
    struct serial_port *port = open_line(&nobody);
    char text[8];

    (void)state;
    close(line.master);
    line.master = -1;
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL), SERIAL_GONE);
    assert_int_equal(serial_port_write(port, "Q1\r", 3, 2000), SERIAL_GONE);
    serial_port_close(port);
}

static void test_stopping_ends_a_wait(void **state)
{
    int wake = eventfd(1, EFD_CLOEXEC);
    const struct serial_caller caller = { .wake_descriptor = wake, .must_stop = must_stop };
    struct serial_port *port = open_line(&caller);
    char text[8];

    (void)state;
    /* A command that waits is no reason to give up an answer. */
    say("(1\r");
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL), 2);
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 50, NULL),
                     SERIAL_TIMED_OUT);
    line.stopping = true;
    uint64_t start = clock_ms();
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 60000, NULL),
                     SERIAL_STOPPED);
    assert_true(clock_ms() - start < 30000);
    serial_port_close(port);
    close(wake);
}

static void test_no_modem_lines(void **state)
{
    struct serial_port *port = open_line(&nobody);
    unsigned lines;

    (void)state;
    assert_false(serial_port_set_lines(port, SERIAL_DTR));
    assert_false(serial_port_get_lines(port, &lines));
    serial_port_close(port);
}

static void test_a_terminal_server(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    char name[64], problem[200] = "", text[8];

    (void)state;
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    snprintf(name, sizeof name, "tcp:127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    struct serial_port *port = serial_port_open(name, &usual, &nobody, problem, sizeof problem);
    assert_non_null(port);
    int peer = accept(listener, NULL, NULL);
    assert_int_equal(serial_port_write(port, "Q1\r", 3, 2000), SERIAL_OK);
    assert_int_equal(recv(peer, text, 3, MSG_WAITALL), 3);
    assert_int_equal(send(peer, "(x\r", 3, 0), 3);
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL), 2);
    assert_int_equal(serial_port_drain(port, 10), SERIAL_OK);
    assert_false(serial_port_set_lines(port, SERIAL_DTR));
    close(peer);
    assert_int_equal(serial_port_read_line(port, '\r', text, sizeof text, 2000, NULL), SERIAL_GONE);
    serial_port_close(port);
    close(listener);
    assert_null(serial_port_open(name, &usual, &nobody, problem, sizeof problem));
    assert_non_null(strstr(problem, "refused"));
}

static void count_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    assert_non_null(strstr(text, "ups.conf:"));
}

static void test_names_of_ports(void **state)
{
    static const struct {
        const char *port;
        bool good;
    } rows[] = {
        { "/dev/ttyS0", true },          { "tcp:ups.example:4001", true },
        { "tcp:[2001:db8::1]:1", true }, { "auto", false },
        { "tcp:ups.example", false },    { "tcp::4001", false },
        { "tcp:2001:db8::1:1", false },  { "tcp:host:65536", false },
        { "tcp:[::1]", false },          { "ttyS0", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char port[64];
        struct config_report report = { .sink = count_complaint };
        struct device_settings settings = { .port = port, .file = "ups.conf", .line = 3 };

        settings.name = port;
        snprintf(port, sizeof port, "%s", rows[i].port);
        assert_int_equal(serial_port_check(&settings, &report), rows[i].good);
        assert_int_equal(report.errors, rows[i].good ? 0 : 1);
    }
}

#define LINE_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINE_TEST(test_lines_of_one_read),
        LINE_TEST(test_an_unfinished_line_is_none),
        LINE_TEST(test_too_much),
        LINE_TEST(test_flush_forgets_what_was_kept),
        LINE_TEST(test_writes_arrive),
        LINE_TEST(test_the_terminal_is_raw_while_open),
        LINE_TEST(test_only_one_has_it),
        LINE_TEST(test_what_cannot_be_opened),
        LINE_TEST(test_a_vanished_adapter),
        LINE_TEST(test_stopping_ends_a_wait),
        LINE_TEST(test_no_modem_lines),
        cmocka_unit_test(test_a_terminal_server),
        cmocka_unit_test(test_names_of_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
