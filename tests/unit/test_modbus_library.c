/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bus with libmodbus's own server at its other end, by TCP, on a line and through a serial
 * server.
 */
#include "modbus/bus.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <modbus.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define UNIT 7
#define RESPONSE_MS 5000u
#define REGISTERS 200
#define BITS 2100

static struct {
    enum bus_kind kind;
    char text[100]; /* its address */
    int descriptor; /* the listener, or the master of the terminal */
    int terminal;   /* the other end, held open; -1: it is no line */
    int connection; /* what is served: the master, or what was accepted */
    modbus_t *context;
    modbus_mapping_t *mapping;
    pthread_t thread;
    struct bus_station *station;
} server;

static void *serve(void *argument)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    int length = 0;

    (void)argument;
    server.connection =
        server.kind == BUS_RTU ? server.descriptor : accept(server.descriptor, NULL, NULL);
    modbus_set_socket(server.context, server.connection);
    while (server.connection >= 0 && length >= 0) {
        length = modbus_receive(server.context, request);
        /* 0: it is for another unit. */
        if (length > 0)
            modbus_reply(server.context, request, length, server.mapping);
    }
    return NULL;
}

static void listen_on_loopback(void)
{
    struct sockaddr_in where = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof where;

    server.descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server.descriptor, (struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(listen(server.descriptor, 1), 0);
    assert_int_equal(getsockname(server.descriptor, (struct sockaddr *)&where, &size), 0);
    snprintf(server.text, sizeof server.text, "%s:127.0.0.1:%u",
             server.kind == BUS_TCP ? "tcp" : "rtutcp", ntohs(where.sin_port));
}

static void open_terminal(void)
{
    struct termios settings;
    char path[64];

    server.descriptor = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(server.descriptor >= 0);
    assert_int_equal(grantpt(server.descriptor), 0);
    assert_int_equal(unlockpt(server.descriptor), 0);
    assert_int_equal(ptsname_r(server.descriptor, path, sizeof path), 0);
    assert_int_equal(tcgetattr(server.descriptor, &settings), 0);
    cfmakeraw(&settings);
    assert_int_equal(tcsetattr(server.descriptor, TCSANOW, &settings), 0);
    server.terminal = open(path, O_RDWR | O_NOCTTY);
    assert_true(server.terminal >= 0);
    snprintf(server.text, sizeof server.text, "rtu:%s", path);
}

static void fill_mapping(void)
{
    server.mapping = modbus_mapping_new(BITS, BITS, REGISTERS, REGISTERS);
    assert_non_null(server.mapping);
    for (unsigned i = 0; i < BITS; i++) {
        server.mapping->tab_bits[i] = i % 3 == 0;
        server.mapping->tab_input_bits[i] = i % 5 == 0;
    }
    for (unsigned i = 0; i < REGISTERS; i++) {
        server.mapping->tab_registers[i] = (uint16_t)(1000 + i);
        server.mapping->tab_input_registers[i] = (uint16_t)(60000 + i);
    }
}

static void join(void)
{
    struct bus_address address;
    const struct bus_unit unit = { .name = "ups", .number = UNIT, .response_ms = RESPONSE_MS };
    char problem[200] = "";

    assert_true(bus_parse(server.text, &address, problem, sizeof problem));
    address.baud = 115200;
    server.station = bus_join(&address, &unit, problem, sizeof problem);
    if (server.station == NULL)
        fail_msg("%s", problem);
}

static int begin(enum bus_kind kind)
{
    memset(&server, 0, sizeof server);
    server.kind = kind;
    server.terminal = server.connection = -1;
    if (kind == BUS_RTU)
        open_terminal();
    else
        listen_on_loopback();
    fill_mapping();
    /* Of a context for a line only the framing matters: its end is given to it. */
    server.context = kind == BUS_TCP ? modbus_new_tcp("127.0.0.1", 502)
                                     : modbus_new_rtu("/dev/null", 115200, 'N', 8, 1);
    assert_non_null(server.context);
    assert_int_equal(modbus_set_slave(server.context, UNIT), 0);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
    join();
    return 0;
}

static int begin_tcp(void **state)
{
    (void)state;
    return begin(BUS_TCP);
}

static int begin_line(void **state)
{
    (void)state;
    return begin(BUS_RTU);
}

static int begin_serial_server(void **state)
{
    (void)state;
    return begin(BUS_RTU_TCP);
}

/* The thread ends as its other end is closed; shutdown(): nobody may have connected. */
static int end(void **state)
{
    (void)state;
    bus_leave(server.station);
    if (server.terminal >= 0)
        close(server.terminal);
    else
        shutdown(server.descriptor, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    if (server.connection >= 0 && server.connection != server.descriptor)
        close(server.connection);
    close(server.descriptor);
    modbus_free(server.context);
    modbus_mapping_free(server.mapping);
    return 0;
}

static enum bus_result read_block(struct bus_station *station, enum modbus_table table,
                                  unsigned address, unsigned count, uint16_t *words)
{
    const struct modbus_block block = { .table = table,
                                        .address = (uint16_t)address,
                                        .count = (uint16_t)count };

    return bus_read(station, &block, words);
}

/* The longest reads there are. */
static void test_reading(void **state)
{
    struct bus_station *station = server.station;
    static uint16_t words[MODBUS_READ_BITS_MAX];

    (void)state;
    assert_int_equal(read_block(station, MODBUS_HOLDING, 3, 125, words), BUS_OK);
    for (unsigned i = 0; i < 125; i++)
        assert_int_equal(words[i], 1003 + i);
    assert_int_equal(read_block(station, MODBUS_INPUT, 75, 125, words), BUS_OK);
    for (unsigned i = 0; i < 125; i++)
        assert_int_equal(words[i], 60075 + i);
    assert_int_equal(read_block(station, MODBUS_COILS, 1, 2000, words), BUS_OK);
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(words[i], (i + 1) % 3 == 0);
    assert_int_equal(read_block(station, MODBUS_DISCRETE, 7, 13, words), BUS_OK);
    for (unsigned i = 0; i < 13; i++)
        assert_int_equal(words[i], (i + 7) % 5 == 0);
    assert_int_equal(bus_counts(station)->requests, 4);
}

static void test_writing(void **state)
{
    struct bus_station *station = server.station;
    const uint16_t words[] = { 0x1234, 0, 0xffff };
    uint16_t read[3];

    (void)state;
    assert_int_equal(bus_write(station, MODBUS_HOLDING, 10, 3, words, MODBUS_WRITE_AUTO), BUS_OK);
    assert_int_equal(read_block(station, MODBUS_HOLDING, 10, 3, read), BUS_OK);
    assert_memory_equal(read, words, sizeof words);
    assert_int_equal(bus_write(station, MODBUS_HOLDING, 20, 3, words, MODBUS_WRITE_SINGLE), BUS_OK);
    assert_int_equal(read_block(station, MODBUS_HOLDING, 20, 3, read), BUS_OK);
    assert_memory_equal(read, words, sizeof words);
    assert_int_equal(bus_write(station, MODBUS_COILS, 1, 3, words, MODBUS_WRITE_AUTO), BUS_OK);
    assert_int_equal(read_block(station, MODBUS_COILS, 1, 3, read), BUS_OK);
    assert_true(read[0] == 1 && read[1] == 0 && read[2] == 1);
    assert_int_equal(bus_modify(station, 10, 0xff00, 0x0081, MODBUS_WRITE_AUTO), BUS_OK);
    assert_int_equal(read_block(station, MODBUS_HOLDING, 10, 1, read), BUS_OK);
    assert_int_equal(read[0], 0x1281);
}

static void test_a_refusal(void **state)
{
    struct bus_station *station = server.station;
    uint16_t words[125];

    (void)state;
    assert_int_equal(read_block(station, MODBUS_HOLDING, REGISTERS - 1, 2, words), BUS_EXCEPTION);
    assert_int_equal(bus_exception(station), 2);
    assert_int_equal(bus_modify(station, REGISTERS, 0, 1, MODBUS_WRITE_AUTO), BUS_EXCEPTION);
    assert_int_equal(read_block(station, MODBUS_HOLDING, REGISTERS - 1, 1, words), BUS_OK);
    assert_int_equal(bus_counts(station)->connected, 1);
}

#define BY_TCP(test) cmocka_unit_test_setup_teardown(test, begin_tcp, end)
#define BY_LINE(test) cmocka_unit_test_setup_teardown(test, begin_line, end)
#define BY_SERVER(test) cmocka_unit_test_setup_teardown(test, begin_serial_server, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BY_TCP(test_reading),   BY_LINE(test_reading),   BY_SERVER(test_reading),
        BY_TCP(test_writing),   BY_LINE(test_writing),   BY_SERVER(test_writing),
        BY_TCP(test_a_refusal), BY_LINE(test_a_refusal), BY_SERVER(test_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
