/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: Modbus lines and connections (libmodbus), each shared by all devices that name it: an
 * RS-485 line with several UPSes, a gateway in front of one, or the network card of a single UPS.
 *
 * A bus has no thread of its own. The devices' worker threads take turns on it: who has the turn
 * does one exchange, a request and its answer (or the two of a read-modify-write), and hands it on
 * to who has waited longest. So each unit gets the same share, whatever it asks.
 *
 * What is done about a unit or line that fails:
 * - An exchange that failed is repeated, up to the unit's retries, each time in a turn of its own.
 * - A unit that is silent is asked once a time from then on, and has a rest after each try, so that
 *   all silent units of a bus take a fifth of its time at most; but a rest is half a minute at
 * most, however many they are. It outlasts bus_leave() and another bus_join(). A bus with one unit
 * knows no rests.
 * - No answer is ever taken for that to another request: after a time-out or garbage a connection
 *   is closed and opened anew (libmodbus compares transaction identifiers besides), and a line is
 *   listened to until it is silent.
 * - A connection that was closed while nobody used it is opened again without a word.
 *
 * Thread-safe between stations; one station belongs to one thread at a time.
 * Source: MODBUS Application Protocol V1.1b3, MODBUS over Serial Line V1.02, MODBUS Messaging on
 * TCP/IP V1.0b.
 */
#ifndef UPSBRIDGE_MODBUS_BUS_H
#define UPSBRIDGE_MODBUS_BUS_H

#include "modbus/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_NAME_MAX 255 /* bytes of a device's path, a host or a port */

enum bus_kind {
    BUS_RTU,     /* a serial line */
    BUS_TCP,     /* Modbus/TCP */
    BUS_RTU_TCP, /* the frames of a serial line through a plain connection, as serial servers do */
};

/* Who drives the transmitter of an RS-485 line. */
enum bus_rts {
    BUS_RTS_NONE,  /* the adapter by itself, or it is RS-232 */
    BUS_RTS_RS485, /* the kernel */
    BUS_RTS_UP,    /* RTS is on while sending */
    BUS_RTS_DOWN,  /* RTS is off while sending */
};

/* Which bus, and how it is spoken to. The line's part does not matter to BUS_TCP. */
struct bus_address {
    enum bus_kind kind;
    char host[BUS_NAME_MAX + 1];    /* or the path of the serial device */
    char service[BUS_NAME_MAX + 1]; /* a port; "" for BUS_RTU */
    unsigned baud;                  /* bits a second */
    char parity;                    /* 'N', 'E', 'O' */
    unsigned data_bits, stop_bits;  /* 7 or 8; 1 or 2 */
    enum bus_rts rts;
    unsigned rts_delay_us; /* between switching the transmitter and sending; 0: one byte's time */
};

/*
 * Reads "rtu:/dev/...", "/dev/...", "tcp:HOST[:PORT]", "rtutcp:HOST:PORT", "HOST[:PORT]"; an IPv6
 * address stands in brackets before a port. The port is 502 unless told. Fills kind, host and
 * service, and 9600 8N1 into the rest. False: problem says why.
 */
bool bus_parse(const char *text, struct bus_address *address, char *problem, size_t size);
/* The same as text, without the line's part: "tcp:192.0.2.1:502". */
void bus_print(const struct bus_address *address, char *text, size_t size);

/* A unit on a bus, as one device talks to it. */
struct bus_unit {
    const char *name;        /* of the device, for messages; must outlive the station */
    unsigned number;         /* 0-247, or 255 by BUS_TCP */
    unsigned response_ms;    /* until an answer has begun; on a line its own time is added */
    unsigned pause_ms;       /* from its answer to the next request of anybody's on the bus */
    unsigned after_write_ms; /* from a write to the next request of this station's */
    unsigned retries;        /* after the first try */
    /* Is the caller to stop? Any thread's waiting ends within a tenth of a second then. */
    bool (*must_stop)(const void *context);
    const void *context;
};

enum bus_result {
    BUS_OK,
    BUS_EXCEPTION, /* the unit said no: bus_exception() */
    BUS_SILENT,    /* no answer in time */
    BUS_GARBLED,   /* what came was no answer: length, CRC, function, unit */
    BUS_GONE,      /* the line or connection cannot be had, or broke */
    BUS_RESTING,   /* the unit was silent; it is not asked just now */
    BUS_STOPPED,   /* must_stop() */
    BUS_RESULTS
};

/* What became of the exchanges of one station, repeated ones included. */
struct bus_counts {
    uint64_t requests; /* sent */
    uint64_t results[BUS_RESULTS];
    uint64_t repeated;
    uint64_t connected; /* times the bus was opened in a turn of this station's */
};

struct bus_station;

/*
 * Joins a bus; nothing is opened before the first exchange. NULL with the reason in problem: out of
 * memory, or others have the line at another speed or parity (who is named).
 */
struct bus_station *bus_join(const struct bus_address *address, const struct bus_unit *unit,
                             char *problem, size_t size);
/* The last one closes the bus. NULL is allowed. */
void bus_leave(struct bus_station *station);

/* Reads a block within the protocol's bounds: count registers, or bits as 0 and 1, into words. */
enum bus_result bus_read(struct bus_station *station, const struct modbus_block *block,
                         uint16_t *words);

/*
 * Writes coils or holding registers in as few requests as function allows; each is repeated only if
 * the unit cannot have got it. Silence on the broadcast address of a line is no failure; neither
 * is an acknowledgement (exception 5): the unit is at work.
 */
enum bus_result bus_write(struct bus_station *station, enum modbus_table table, uint16_t address,
                          uint16_t count, const uint16_t *words, enum modbus_write function);

/* Reads a holding register, keeps the bits of keep, sets those of set, and writes it: one turn. */
enum bus_result bus_modify(struct bus_station *station, uint16_t address, uint16_t keep,
                           uint16_t set, enum modbus_write function);

/*
 * Device identification (function 43/14) of one object, as text without padding. The exception of a
 * unit that has no such object, or not even the function, is BUS_EXCEPTION as others. Asked once,
 * but for a maker's own object that does not come with the one before it; silence does not count as
 * that of a dead unit: some say nothing to a function they do not know.
 */
enum bus_result bus_identify(struct bus_station *station, uint8_t object,
                             char text[static MODBUS_OBJECT_MAX + 1]);

/* Of the last BUS_EXCEPTION: 1-11, or what else the unit sent. */
unsigned bus_exception(const struct bus_station *station);
/* Why the last exchange failed, in words; "" if it did not. */
const char *bus_problem(const struct bus_station *station);
const struct bus_counts *bus_counts(const struct bus_station *station);
/* "timed out" and the like, for counters' names: "ok", "exception", "silent", ... */
const char *bus_result_name(enum bus_result result);

#endif
