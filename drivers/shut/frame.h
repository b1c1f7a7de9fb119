/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the frames of SHUT, which carry HID requests over a serial line: byte by byte, with
 * their checks. Nothing here reads or waits.
 * Source: MGE's SHUT protocol as NUT's mge-shut speaks it.
 */
#ifndef UPSBRIDGE_DRIVERS_SHUT_FRAME_H
#define UPSBRIDGE_DRIVERS_SHUT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHUT_DATA_MAX 8
#define SHUT_FRAME_MAX (SHUT_DATA_MAX + 3)

enum {
    SHUT_OK = 0x06,
    SHUT_NOK = 0x15,
    SHUT_SYNC = 0x16,       /* notifications of all kinds, please */
    SHUT_SYNC_LIGHT = 0x17, /* of some */
    SHUT_SYNC_OFF = 0x18,   /* of none */
};

enum shut_type { SHUT_REQUEST = 1, SHUT_RESPONSE = 4, SHUT_NOTIFICATION = 5 };

struct shut_frame {
    enum shut_type type;
    bool is_last;
    uint8_t length;
    uint8_t data[SHUT_DATA_MAX];
};

enum shut_event {
    SHUT_NOTHING,  /* not yet */
    SHUT_TOKEN,    /* one of the single bytes: *token */
    SHUT_FRAME,    /* a whole one, and right */
    SHUT_CORRUPT,  /* a whole one with a wrong checksum */
    SHUT_UNFRAMED, /* a byte that begins nothing */
};

/* What has come of a frame; zeroed: nothing. */
struct shut_reader {
    uint8_t bytes[SHUT_FRAME_MAX];
    size_t used;
};

enum shut_event shut_reader_take(struct shut_reader *reader, uint8_t byte, uint8_t *token,
                                 struct shut_frame *frame);

/* The bytes of a frame: their count. */
size_t shut_frame_write(const struct shut_frame *frame, uint8_t bytes[SHUT_FRAME_MAX]);

#endif
