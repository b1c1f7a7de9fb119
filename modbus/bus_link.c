/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "modbus/bus_link.h"

#include "core/loop.h"
#include "modbus/bus_connect.h"

#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ACKNOWLEDGE 5u /* exception */
#define FRAME_MAX 260  /* bytes of a frame with all that is around it */
#define TCP_HEADER 6   /* of a frame by TCP, before the unit's number */
#define CRC_SIZE 2     /* behind a frame of a serial line */
#define SILENCE_MIN_US 1750
#define SETTLED_MS 30     /* of silence: nothing more will come */
#define SETTLE_MAX_MS 500 /* but who never falls silent is not listened to for ever */
#define BITS_A_BYTE 11    /* on a line: start, eight of data, parity, stop */
#define BROADCAST 0

struct bus_link {
    struct bus_address address;
    modbus_t *context;
};

/* Opening ------------------------------------------------------------------------------------ */

static bool is_line(const struct bus_link *link)
{
    return link->address.kind == BUS_RTU;
}

static bool set_transmitter(struct bus_link *link, const char **step)
{
    const struct bus_address *address = &link->address;

    *step = "RS-485 by the kernel";
    if (address->rts == BUS_RTS_RS485)
        return modbus_rtu_set_serial_mode(link->context, MODBUS_RTU_RS485) == 0;
    *step = "RTS";
    if (address->rts == BUS_RTS_NONE)
        return true;
    if (modbus_rtu_set_serial_mode(link->context, MODBUS_RTU_RS232) != 0 ||
        modbus_rtu_set_rts(link->context, address->rts == BUS_RTS_UP ? MODBUS_RTU_RTS_UP
                                                                     : MODBUS_RTU_RTS_DOWN) != 0)
        return false;
    return address->rts_delay_us == 0 ||
           modbus_rtu_set_rts_delay(link->context, (int)address->rts_delay_us) == 0;
}

/* Nobody else is to send on it: neither one who asks first nor one who just opens it. */
static bool keep_to_ourselves(int descriptor)
{
    return flock(descriptor, LOCK_EX | LOCK_NB) == 0 && ioctl(descriptor, TIOCEXCL) == 0;
}

static bool open_line(struct bus_link *link, const char **step)
{
    *step = "opening";
    if (modbus_connect(link->context) != 0)
        return false;
    int descriptor = modbus_get_socket(link->context);
    *step = "locking: another program has it";
    if (descriptor < FD_SETSIZE && !keep_to_ourselves(descriptor))
        return false;
    return set_transmitter(link, step);
}

static modbus_t *new_context(const struct bus_address *address)
{
    if (address->kind == BUS_TCP)
        return modbus_new_tcp_pi(address->host, address->service);
    /* Of a serial server's connection only the framing matters. */
    return modbus_new_rtu(address->kind == BUS_RTU ? address->host : "/dev/null",
                          (int)address->baud, address->parity, (int)address->data_bits,
                          (int)address->stop_bits);
}

static bool open_link(struct bus_link *link, unsigned timeout_ms, const struct bus_unit *unit,
                      char *problem, size_t size)
{
    const char *step = "";

    if (is_line(link)) {
        if (open_line(link, &step))
            return true;
        snprintf(problem, size, "%s: %s: %s", link->address.host, step, modbus_strerror(errno));
        return false;
    }
    int descriptor = bus_connect(&link->address, timeout_ms, unit, problem, size);

    return descriptor >= 0 && modbus_set_socket(link->context, descriptor) == 0;
}

struct bus_link *link_open(const struct bus_address *address, unsigned timeout_ms,
                           const struct bus_unit *unit, char *problem, size_t size)
{
    struct bus_link *link = calloc(1, sizeof *link);

    problem[0] = '\0';
    if (link != NULL) {
        link->address = *address;
        link->context = new_context(address);
    }
    if (link == NULL || link->context == NULL) {
        snprintf(problem, size, "%s", modbus_strerror(errno));
        free(link);
        return NULL;
    }
    if (!open_link(link, timeout_ms, unit, problem, size)) {
        link_close(link);
        return NULL;
    }
    /* select() has no bit for it: the library would write beside its set. */
    if (modbus_get_socket(link->context) >= FD_SETSIZE) {
        snprintf(problem, size, "%s: too many descriptors are open", address->host);
        link_close(link);
        return NULL;
    }
    /* Off: the whole answer has to come within the response time-out. */
    modbus_set_byte_timeout(link->context, 0, 0);
    return link;
}

void link_close(struct bus_link *link)
{
    if (link == NULL)
        return;
    /* The library would give the connection the settings of the line it took it for. */
    if (link->address.kind == BUS_RTU_TCP && modbus_get_socket(link->context) >= 0)
        close(modbus_get_socket(link->context));
    else
        modbus_close(link->context);
    modbus_free(link->context);
    free(link);
}

/* What lies around --------------------------------------------------------------------------- */

uint64_t link_silence_us(const struct bus_address *address)
{
    if (address->kind != BUS_RTU)
        return 0;
    /* Three and a half characters, but never below 1.75 ms. */
    uint64_t silence = 7 * BITS_A_BYTE * 1000000 / 2 / address->baud + 1;
    return silence < SILENCE_MIN_US ? SILENCE_MIN_US : silence;
}

bool link_is_stale(struct bus_link *link)
{
    int descriptor = modbus_get_socket(link->context);
    char byte;

    if (is_line(link)) {
        tcflush(descriptor, TCIFLUSH);
        return false;
    }
    return recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
           (errno != EAGAIN && errno != EINTR);
}

void link_settle(struct bus_link *link)
{
    struct pollfd line = { .fd = modbus_get_socket(link->context), .events = POLLIN };
    uint64_t end = clock_ms() + SETTLE_MAX_MS;
    uint8_t bytes[FRAME_MAX];

    while (clock_ms() < end && poll(&line, 1, SETTLED_MS) == 1) {
        if (read(line.fd, bytes, sizeof bytes) <= 0)
            return;
    }
}

/* Device identification ---------------------------------------------------------------------- */

static uint16_t crc_of(const uint8_t *bytes, size_t length)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (uint16_t)((crc >> 1) ^ ((crc & 1) != 0 ? 0xa001 : 0));
    }
    return crc;
}

/* A frame that is arriving. */
struct arrival {
    uint8_t bytes[FRAME_MAX];
    size_t length;
};

/* Reads until there are so many bytes. */
static enum bus_result receive(struct bus_link *link, struct arrival *arrival, size_t wanted,
                               uint64_t deadline)
{
    struct pollfd socket = { .fd = modbus_get_socket(link->context), .events = POLLIN };

    if (wanted > sizeof arrival->bytes)
        return BUS_GARBLED;
    while (arrival->length < wanted) {
        uint64_t now = clock_ms();

        int ready = now < deadline ? poll(&socket, 1, (int)(deadline - now)) : 0;
        if (ready == 0)
            return BUS_SILENT;
        /* A connection blocks: it is read only when there is something. */
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = read(socket.fd, arrival->bytes + arrival->length, wanted - arrival->length);
        if (got > 0)
            arrival->length += (size_t)got;
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            return BUS_GONE;
    }
    return BUS_OK;
}

/* Is what is around the PDU what belongs to our request? Its last two bytes are a line's CRC. */
static bool is_framed(const struct bus_link *link, const struct bus_unit *unit,
                      const struct arrival *arrival)
{
    const uint8_t *bytes = arrival->bytes;

    if (link->address.kind == BUS_TCP)
        /* libmodbus numbers what it sends as it is with 0. */
        return bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0 &&
               (size_t)(bytes[4] << 8 | bytes[5]) + TCP_HEADER == arrival->length &&
               bytes[TCP_HEADER] == unit->number;
    size_t length = arrival->length - CRC_SIZE;
    uint16_t crc = crc_of(bytes, length);
    return bytes[0] == unit->number && bytes[length] == (crc & 0xff) &&
           bytes[length + 1] == crc >> 8;
}

static enum bus_result receive_identification(struct bus_link *link, const struct bus_unit *unit,
                                              struct exchange *exchange)
{
    size_t before = 1 + (link->address.kind == BUS_TCP ? TCP_HEADER : 0);
    size_t after = link->address.kind == BUS_TCP ? 0 : CRC_SIZE;
    uint64_t deadline =
        clock_ms() + unit->response_ms + FRAME_MAX * BITS_A_BYTE * 1000 / link->address.baud;
    struct arrival arrival = { .length = 0 };
    size_t wanted = 2;
    enum bus_result parsed = BUS_SILENT;

    while (parsed == BUS_SILENT) {
        enum bus_result received = receive(link, &arrival, before + wanted, deadline);

        if (received != BUS_OK)
            return received;
        parsed =
            identification_parse(arrival.bytes + before, arrival.length - before, exchange->object,
                                 exchange->text, &exchange->exception, &wanted);
    }
    enum bus_result received = receive(link, &arrival, before + wanted + after, deadline);
    if (received != BUS_OK)
        return received;
    return is_framed(link, unit, &arrival) ? parsed : BUS_GARBLED;
}

/* The stream that holds the object, from it on: one object alone is what few units can. */
static uint8_t stream_of(uint8_t object)
{
    return object < 3 ? 1 : object < 0x80 ? 2 : 3;
}

static enum bus_result identify(struct bus_link *link, const struct bus_unit *unit,
                                struct exchange *exchange)
{
    uint8_t request[] = { (uint8_t)unit->number, 0x2b, 0x0e, stream_of(exchange->first_object),
                          exchange->first_object };

    exchange->frames++;
    if (modbus_send_raw_request(link->context, request, sizeof request) < 0)
        return BUS_GONE;
    return receive_identification(link, unit, exchange);
}

/* Reading and writing ------------------------------------------------------------------------ */

/* Before another request of the same exchange. */
static void pause_between(const struct exchange *exchange)
{
    struct timespec left = { .tv_sec = (time_t)(exchange->pause_us / 1000000),
                             .tv_nsec = (long)(exchange->pause_us % 1000000) * 1000 };

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* What a call of the library's came to. */
static enum bus_result judge(struct exchange *exchange, int done)
{
    exchange->frames++;
    if (done >= 0)
        return BUS_OK;
    int why = errno;

    snprintf(exchange->problem, sizeof exchange->problem, "%s", modbus_strerror(why));
    if (why > MODBUS_ENOBASE && why <= EMBXGTAR) {
        exchange->exception = (unsigned)(why - MODBUS_ENOBASE);
        return BUS_EXCEPTION;
    }
    if (why == ETIMEDOUT)
        return BUS_SILENT;
    return why > MODBUS_ENOBASE ? BUS_GARBLED : BUS_GONE;
}

/* A unit that acknowledges is at work on what it was sent: it has taken it. */
static enum bus_result judge_write(struct exchange *exchange, int done)
{
    enum bus_result result = judge(exchange, done);

    if (result != BUS_EXCEPTION || exchange->exception != ACKNOWLEDGE)
        return result;
    exchange->exception = 0;
    exchange->problem[0] = '\0';
    return BUS_OK;
}

static enum bus_result read_bits(struct bus_link *link, struct exchange *exchange)
{
    uint8_t bits[MODBUS_READ_BITS_MAX];
    int count = exchange->count;
    enum bus_result result = judge(
        exchange, exchange->table == MODBUS_COILS
                      ? modbus_read_bits(link->context, exchange->address, count, bits)
                      : modbus_read_input_bits(link->context, exchange->address, count, bits));

    for (unsigned i = 0; result == BUS_OK && i < exchange->count; i++)
        exchange->words[i] = bits[i];
    return result;
}

static enum bus_result read_registers(struct bus_link *link, struct exchange *exchange)
{
    int count = exchange->count;

    if (exchange->table == MODBUS_INPUT)
        return judge(exchange, modbus_read_input_registers(link->context, exchange->address, count,
                                                           exchange->words));
    return judge(exchange,
                 modbus_read_registers(link->context, exchange->address, count, exchange->words));
}

static enum bus_result write_coils(struct bus_link *link, struct exchange *exchange)
{
    uint8_t bits[MODBUS_WRITE_MAX];

    if (exchange->count == 1)
        return judge_write(exchange, modbus_write_bit(link->context, exchange->address,
                                                      exchange->to_write[0] != 0));
    for (unsigned i = 0; i < exchange->count; i++)
        bits[i] = exchange->to_write[i] != 0;
    return judge_write(exchange,
                       modbus_write_bits(link->context, exchange->address, exchange->count, bits));
}

static enum bus_result write_registers(struct bus_link *link, struct exchange *exchange)
{
    enum bus_result result = BUS_OK;

    if (exchange->function == MODBUS_WRITE_MULTIPLE ||
        (exchange->function == MODBUS_WRITE_AUTO && exchange->count > 1))
        return judge_write(exchange, modbus_write_registers(link->context, exchange->address,
                                                            exchange->count, exchange->to_write));
    while (exchange->count > 0) {
        result = judge_write(
            exchange, modbus_write_register(link->context, exchange->address, *exchange->to_write));
        if (result != BUS_OK)
            break;
        /* Once repeated, it goes on from here. */
        exchange->address++;
        exchange->to_write++;
        if (--exchange->count > 0)
            pause_between(exchange);
    }
    return result;
}

static enum bus_result modify(struct bus_link *link, struct exchange *exchange)
{
    uint16_t word;
    enum bus_result result =
        judge(exchange, modbus_read_registers(link->context, exchange->address, 1, &word));

    if (result != BUS_OK)
        return result;
    pause_between(exchange);
    word = (uint16_t)((word & exchange->keep) | exchange->set);
    exchange->count = 1;
    exchange->to_write = &word;
    result = write_registers(link, exchange);
    exchange->to_write = NULL;
    return result;
}

/* On a line the answer itself takes its time, which is not to count as the unit's. */
static unsigned span_of(const struct bus_link *link, const struct bus_unit *unit,
                        const struct exchange *exchange)
{
    size_t data =
        modbus_table_has_bits(exchange->table) ? exchange->count / 8u + 1u : exchange->count * 2u;
    size_t bytes = 8 + (exchange->kind == EXCHANGE_WRITE ? data : 0) + 8 +
                   (exchange->kind == EXCHANGE_READ ? data : 0);

    if (link->address.kind == BUS_TCP)
        return unit->response_ms;
    return unit->response_ms + (unsigned)(bytes * BITS_A_BYTE * 1000 / link->address.baud);
}

static enum bus_result carry_out(struct bus_link *link, const struct bus_unit *unit,
                                 struct exchange *exchange)
{
    bool bits = modbus_table_has_bits(exchange->table);

    switch (exchange->kind) {
    case EXCHANGE_READ:
        return bits ? read_bits(link, exchange) : read_registers(link, exchange);
    case EXCHANGE_WRITE:
        return bits ? write_coils(link, exchange) : write_registers(link, exchange);
    case EXCHANGE_MODIFY:
        return modify(link, exchange);
    case EXCHANGE_IDENTIFY:
        return identify(link, unit, exchange);
    }
    return BUS_GARBLED;
}

enum bus_result link_exchange(struct bus_link *link, const struct bus_unit *unit,
                              struct exchange *exchange)
{
    unsigned span = span_of(link, unit, exchange);

    exchange->frames = 0;
    exchange->exception = 0;
    exchange->problem[0] = '\0';
    if (modbus_set_slave(link->context, (int)unit->number) != 0 ||
        modbus_set_response_timeout(link->context, span / 1000, span % 1000 * 1000) != 0) {
        snprintf(exchange->problem, sizeof exchange->problem, "unit %u: %s", unit->number,
                 modbus_strerror(errno));
        return BUS_GONE;
    }
    enum bus_result result = carry_out(link, unit, exchange);
    if (result == BUS_SILENT && exchange->kind == EXCHANGE_WRITE && unit->number == BROADCAST &&
        link->address.kind != BUS_TCP)
        return BUS_OK;
    return result;
}
