/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: one end of a Modbus line or connection: libmodbus with what it lacks, a connect that can
 * be broken off, serial frames through a connection, and device identification. Knows nothing of
 * turns, repetition and rests (modbus/bus.c).
 *
 * What libmodbus 3.1.6 does is kept within bounds: the whole answer has to arrive within one span
 * of time, so that a unit which sends a byte now and then holds nobody up; and a descriptor its
 * select() could not bear is refused.
 */
#ifndef UPSBRIDGE_MODBUS_BUS_LINK_H
#define UPSBRIDGE_MODBUS_BUS_LINK_H

#include "modbus/bus.h"

enum exchange_kind { EXCHANGE_READ, EXCHANGE_WRITE, EXCHANGE_MODIFY, EXCHANGE_IDENTIFY };

/* What is asked of a unit, and what it said. */
struct exchange {
    enum exchange_kind kind;
    enum modbus_table table;
    uint16_t address, count;    /* WRITE one by one: moves on with what was taken */
    uint16_t *words;            /* READ: filled */
    const uint16_t *to_write;   /* WRITE: likewise */
    enum modbus_write function; /* WRITE, MODIFY */
    uint16_t keep, set;         /* MODIFY */
    uint8_t object;             /* IDENTIFY */
    uint8_t first_object;       /* IDENTIFY: asked for, with those that follow */
    char *text;                 /* IDENTIFY: MODBUS_OBJECT_MAX + 1 bytes, filled */
    uint64_t pause_us;          /* from an answer to the next request, if there are several */

    unsigned frames;    /* requests sent */
    unsigned exception; /* with BUS_EXCEPTION */
    char problem[160];  /* without BUS_OK */
};

struct bus_link;

/*
 * Opens what address says, within timeout_ms a network address. NULL: problem says why, or nothing
 * if unit's must_stop() said so.
 */
struct bus_link *link_open(const struct bus_address *address, unsigned timeout_ms,
                           const struct bus_unit *unit, char *problem, size_t size);
/* NULL is allowed. */
void link_close(struct bus_link *link);

/*
 * Has the other side closed it, or sent what nobody asked for? It is to be opened anew then. Of a
 * line: drops what has arrived.
 */
bool link_is_stale(struct bus_link *link);

/* One exchange. After anything but BUS_OK and BUS_EXCEPTION the link is of use only if it is a
 * line. */
enum bus_result link_exchange(struct bus_link *link, const struct bus_unit *unit,
                              struct exchange *exchange);

/* Listens until the line has been silent for a moment. Bounded. */
void link_settle(struct bus_link *link);

/* Microseconds the line must be silent between two frames; 0 without one. */
uint64_t link_silence_us(const struct bus_address *address);

/*
 * The answer to a request for an object of device identification, as a PDU.
 * BUS_OK: text is filled. BUS_EXCEPTION: *exception. BUS_SILENT: it is not complete yet; *wanted
 * says how long it is at least. BUS_GARBLED: it is no such answer, or lacks the object.
 */
enum bus_result identification_parse(const uint8_t *pdu, size_t length, uint8_t object,
                                     char text[static MODBUS_OBJECT_MAX + 1], unsigned *exception,
                                     size_t *wanted);

#endif
