/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: Modbus units for tests, in a thread of their own behind a TCP port, a pseudo-terminal or
 * a connection with serial frames, which misbehave as they are told. The frames are taken apart
 * here by hand, so that they check what libmodbus makes of ours.
 *
 * Register a of unit u holds 1000 * u + a in each table; bit a is set where a is a multiple of 3.
 */
#ifndef UPSBRIDGE_TESTS_MODBUS_FAKE_H
#define UPSBRIDGE_TESTS_MODBUS_FAKE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define FAKE_UNITS 256
#define FAKE_LOG 4096

enum fake_mood {
    FAKE_WELL,
    FAKE_SILENT,
    FAKE_REFUSES,    /* with exception fake.exception */
    FAKE_SHORT,      /* half a frame */
    FAKE_NOISE,      /* bytes that are no frame */
    FAKE_BAD_CRC,    /* or, by TCP, another protocol's number */
    FAKE_OTHER_UNIT, /* answers with another's number */
    FAKE_OTHER_FUNCTION,
    FAKE_STALE,    /* by TCP: the answer to the request before it first */
    FAKE_RESETS,   /* closes in the midst of the frame */
    FAKE_HANGS_UP, /* answers well and closes */
    FAKE_DRIPS,    /* a byte each 40 ms */
    FAKE_LATE,     /* fake.delay_ms later */
};

static struct {
    int listener;            /* or the master of the terminal, with is_line */
    bool is_line, is_serial; /* a terminal; frames with CRC */
    unsigned short port;
    char path[64];
    int wake[2];
    pthread_t thread;

    _Atomic enum fake_mood moods[FAKE_UNITS];
    atomic_uint after; /* so many requests do not meet the mood yet */
    atomic_uint once;  /* so many requests meet the mood, then all is well; 0: all do */
    atomic_uint exception, delay_ms, connections;

    /* What was asked: unit << 8 | function. */
    atomic_uint log[FAKE_LOG];
    atomic_uint logged;
    _Atomic uint16_t written[65536];
    atomic_bool is_written[65536];
} fake;

static void fake_sleep(unsigned milliseconds)
{
    struct timespec time = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };

    nanosleep(&time, NULL);
}

static uint16_t fake_crc(const uint8_t *bytes, size_t length)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < length * 8; i++) {
        if (i % 8 == 0)
            crc ^= bytes[i / 8];
        crc = (uint16_t)((crc >> 1) ^ (crc % 2 * 0xa001u));
    }
    return crc;
}

static unsigned fake_word(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static void fake_put(uint8_t *bytes, unsigned word)
{
    bytes[0] = (uint8_t)(word >> 8);
    bytes[1] = (uint8_t)word;
}

/* The answer to a PDU of a unit; returns its length. */
static size_t fake_answer(unsigned unit, const uint8_t *ask, uint8_t *answer)
{
    static const char name[] = "Fake UPS  ";
    unsigned address = fake_word(ask + 1), count = fake_word(ask + 3);

    answer[0] = ask[0];
    switch (ask[0]) {
    case 1:
    case 2:
        answer[1] = (uint8_t)((count + 7) / 8);
        memset(answer + 2, 0, answer[1]);
        for (unsigned i = 0; i < count; i++)
            answer[2 + i / 8] |= (uint8_t)(((address + i) % 3 == 0) << i % 8);
        return 2u + answer[1];
    case 3:
    case 4:
        answer[1] = (uint8_t)(2 * count);
        for (unsigned i = 0; i < count; i++) {
            bool is_written = atomic_load(&fake.is_written[address + i]);
            fake_put(answer + 2 + 2 * i, is_written ? atomic_load(&fake.written[address + i])
                                                    : 1000 * unit + address + i);
        }
        return 2u + answer[1];
    case 5:
    case 6:
        atomic_store(&fake.written[address], (uint16_t)count);
        atomic_store(&fake.is_written[address], true);
        memcpy(answer, ask, 5);
        return 5;
    case 15:
    case 16:
        for (unsigned i = 0; i < count; i++) {
            atomic_store(&fake.written[address + i],
                         (uint16_t)(ask[0] == 16 ? fake_word(ask + 6 + 2 * i)
                                                 : (unsigned)ask[6 + i / 8] >> i % 8 & 1u));
            atomic_store(&fake.is_written[address + i], true);
        }
        memcpy(answer, ask, 5);
        return 5;
    case 0x2b:
        /* A list that is asked for as a whole. */
        if (ask[3] == 0x87) {
            memcpy(answer,
                   (uint8_t[]){ 0x2b, 0x0e, 3, 3, 0, 0, 2, 0x87, 4, 0, 0, 0, 1, 0x88,
                                sizeof name - 1 },
                   15);
            memcpy(answer + 15, name, sizeof name - 1);
            return 15 + sizeof name - 1;
        }
        if (ask[3] == 0x88) {
            answer[0] |= 0x80;
            answer[1] = 2;
            return 2;
        }
        memcpy(answer, (uint8_t[]){ 0x2b, 0x0e, ask[2], 0x83, 0, 0, 2, ask[3], sizeof name - 1 },
               9);
        memcpy(answer + 9, name, sizeof name - 1);
        memcpy(answer + 9 + sizeof name - 1, (uint8_t[]){ 0x77, 1, 'x' }, 3);
        return 9 + sizeof name - 1 + 3;
    default:
        answer[0] |= 0x80;
        answer[1] = 1;
        return 2;
    }
}

static bool fake_get(int descriptor, uint8_t *bytes, size_t length)
{
    while (length > 0) {
        struct pollfd both[] = { { .fd = descriptor, .events = POLLIN },
                                 { .fd = fake.wake[0], .events = POLLIN } };

        if (poll(both, 2, -1) < 0 || both[1].revents != 0)
            return false;
        ssize_t got = read(descriptor, bytes, length);
        /* A terminal that nobody has open. */
        if (got < 0 && errno == EIO && fake.is_line) {
            fake_sleep(5);
            continue;
        }
        if (got <= 0)
            return false;
        bytes += got;
        length -= (size_t)got;
    }
    return true;
}

/* Reads a request: its unit and PDU. */
static bool fake_request(int descriptor, uint8_t head[7], uint8_t *pdu)
{
    if (!fake.is_serial)
        return fake_get(descriptor, head, 7) && fake_word(head + 4) >= 2 &&
               fake_word(head + 4) < 256 && fake_get(descriptor, pdu, fake_word(head + 4) - 1u);
    size_t length = 5;
    if (!fake_get(descriptor, head + 6, 1) || !fake_get(descriptor, pdu, 1))
        return false;
    if (pdu[0] == 0x2b)
        length = 4;
    if (!fake_get(descriptor, pdu + 1, length - 1))
        return false;
    if (pdu[0] == 15 || pdu[0] == 16) {
        if (!fake_get(descriptor, pdu + 5, 1) || !fake_get(descriptor, pdu + 6, pdu[5]))
            return false;
        length += 1u + pdu[5];
    }
    uint8_t frame[300] = { head[6] }, crc[2];
    memcpy(frame + 1, pdu, length);
    return fake_get(descriptor, crc, 2) &&
           fake_crc(frame, length + 1) == (crc[0] | (unsigned)crc[1] << 8);
}

static size_t fake_frame(uint8_t *frame, const uint8_t head[7], const uint8_t *pdu, size_t length,
                         unsigned number_offset)
{
    if (fake.is_serial) {
        frame[0] = head[6];
        memcpy(frame + 1, pdu, length);
        uint16_t crc = fake_crc(frame, length + 1);
        frame[length + 1] = (uint8_t)crc;
        frame[length + 2] = (uint8_t)(crc >> 8);
        return length + 3;
    }
    fake_put(frame, fake_word(head) - number_offset);
    fake_put(frame + 2, 0);
    fake_put(frame + 4, (unsigned)length + 1);
    frame[6] = head[6];
    memcpy(frame + 7, pdu, length);
    return length + 7;
}

static bool fake_send(int descriptor, const uint8_t *bytes, size_t length)
{
    return fake.is_line ? write(descriptor, bytes, length) == (ssize_t)length
                        : send(descriptor, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static enum fake_mood fake_mood_of(unsigned unit)
{
    enum fake_mood mood = atomic_load(&fake.moods[unit]);

    if (mood != FAKE_WELL && atomic_load(&fake.after) != 0) {
        atomic_fetch_sub(&fake.after, 1);
        return FAKE_WELL;
    }
    if (mood != FAKE_WELL && atomic_load(&fake.once) != 0 && atomic_fetch_sub(&fake.once, 1) == 1)
        atomic_store(&fake.moods[unit], FAKE_WELL);
    return mood;
}

/* False: the connection is to be closed. */
static bool fake_reply(int descriptor, uint8_t head[7], const uint8_t *ask)
{
    static const uint8_t noise[] = { 0xff, 0x00, 0x55, 0xaa, 0x13, 0x01, 0x02, 0x03, 0xfe };
    uint8_t pdu[300], frame[320];
    unsigned unit = head[6];
    enum fake_mood mood = fake_mood_of(unit);
    size_t length = fake_answer(unit, ask, pdu);
    size_t size;

    if (mood == FAKE_SILENT)
        return true;
    if (mood == FAKE_NOISE)
        return fake_send(descriptor, noise, sizeof noise);
    if (mood == FAKE_REFUSES) {
        pdu[0] = ask[0] | 0x80;
        pdu[1] = (uint8_t)atomic_load(&fake.exception);
        length = 2;
    }
    if (mood == FAKE_OTHER_FUNCTION)
        pdu[0] = (uint8_t)(pdu[0] == 3 ? 4 : 3);
    if (mood == FAKE_OTHER_UNIT)
        head[6] = (uint8_t)(unit + 1);
    if (mood == FAKE_LATE)
        fake_sleep(atomic_load(&fake.delay_ms));
    if (mood == FAKE_STALE) {
        size = fake_frame(frame, head, pdu, length, 1);
        frame[size - 1] ^= 0x55;
        fake_send(descriptor, frame, size);
    }
    size = fake_frame(frame, head, pdu, length, 0);
    if (mood == FAKE_BAD_CRC)
        frame[fake.is_serial ? size - 1 : 2] ^= 0x55;
    if (mood == FAKE_SHORT || mood == FAKE_RESETS)
        size /= 2;
    for (size_t i = 0; mood == FAKE_DRIPS && i + 1 < size; i++) {
        if (!fake_send(descriptor, frame + i, 1))
            return false;
        fake_sleep(40);
    }
    return fake_send(descriptor, mood == FAKE_DRIPS ? frame + size - 1 : frame,
                     mood == FAKE_DRIPS ? 1 : size) &&
           mood != FAKE_RESETS && mood != FAKE_HANGS_UP;
}

static void fake_serve(int descriptor)
{
    uint8_t head[7] = { 0 }, pdu[300];

    while (fake_request(descriptor, head, pdu)) {
        unsigned at = atomic_fetch_add(&fake.logged, 1);

        fake.log[at % FAKE_LOG] = (unsigned)head[6] << 8 | pdu[0];
        if (!fake_reply(descriptor, head, pdu))
            return;
    }
}

static void *fake_run(void *argument)
{
    (void)argument;
    if (fake.is_line) {
        struct pollfd wake = { .fd = fake.wake[0], .events = POLLIN };

        /* After a frame that was none, a line goes on. */
        while (poll(&wake, 1, 0) == 0)
            fake_serve(fake.listener);
        return NULL;
    }
    for (;;) {
        struct pollfd both[] = { { .fd = fake.listener, .events = POLLIN },
                                 { .fd = fake.wake[0], .events = POLLIN } };

        if (poll(both, 2, -1) < 0 || both[1].revents != 0)
            return NULL;
        int descriptor = accept(fake.listener, NULL, NULL);
        if (descriptor < 0)
            continue;
        atomic_fetch_add(&fake.connections, 1);
        fake_serve(descriptor);
        close(descriptor);
    }
}

static void fake_listen(void)
{
    struct sockaddr_in where = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof where;

    fake.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fake.listener, (struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(listen(fake.listener, 64), 0);
    assert_int_equal(getsockname(fake.listener, (struct sockaddr *)&where, &size), 0);
    fake.port = ntohs(where.sin_port);
}

static void fake_open_line(void)
{
    struct termios settings;

    fake.listener = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(fake.listener >= 0 && grantpt(fake.listener) == 0 && unlockpt(fake.listener) == 0);
    assert_int_equal(ptsname_r(fake.listener, fake.path, sizeof fake.path), 0);
    assert_int_equal(tcgetattr(fake.listener, &settings), 0);
    cfmakeraw(&settings);
    assert_int_equal(tcsetattr(fake.listener, TCSANOW, &settings), 0);
}

static void fake_start(bool is_line, bool is_serial)
{
    memset(&fake, 0, sizeof fake);
    fake.is_line = is_line;
    fake.is_serial = is_serial;
    assert_int_equal(pipe(fake.wake), 0);
    if (is_line)
        fake_open_line();
    else
        fake_listen();
    assert_int_equal(pthread_create(&fake.thread, NULL, fake_run, NULL), 0);
}

static void fake_stop(void)
{
    assert_int_equal(write(fake.wake[1], "x", 1), 1);
    pthread_join(fake.thread, NULL);
    close(fake.listener);
    close(fake.wake[0]);
    close(fake.wake[1]);
}

#endif
