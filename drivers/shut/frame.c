/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/shut/frame.h"

#include <string.h>

#define LAST 0x80u

static bool is_token(uint8_t byte)
{
    return byte == SHUT_OK || byte == SHUT_NOK || byte == SHUT_SYNC || byte == SHUT_SYNC_LIGHT ||
           byte == SHUT_SYNC_OFF;
}

static bool is_type(uint8_t byte)
{
    unsigned type = byte & ~LAST;

    return type == SHUT_REQUEST || type == SHUT_RESPONSE || type == SHUT_NOTIFICATION;
}

static uint8_t checksum(const uint8_t *data, size_t length)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < length; i++)
        sum ^= data[i];
    return sum;
}

/* The length stands there twice, so that what is no frame is found out early. */
static bool is_length(uint8_t byte)
{
    return (byte >> 4) == (byte & 0x0f) && (byte & 0x0f) <= SHUT_DATA_MAX;
}

enum shut_event shut_reader_take(struct shut_reader *reader, uint8_t byte, uint8_t *token,
                                 struct shut_frame *frame)
{
    if (reader->used == 0 && is_token(byte)) {
        *token = byte;
        return SHUT_TOKEN;
    }
    if ((reader->used == 0 && !is_type(byte)) || (reader->used == 1 && !is_length(byte))) {
        reader->used = 0;
        return SHUT_UNFRAMED;
    }
    reader->bytes[reader->used++] = byte;
    if (reader->used < 2 || reader->used < 3u + (reader->bytes[1] & 0x0f))
        return SHUT_NOTHING;
    reader->used = 0;
    frame->type = (enum shut_type)(reader->bytes[0] & ~LAST);
    frame->is_last = (reader->bytes[0] & LAST) != 0;
    frame->length = reader->bytes[1] & 0x0f;
    memcpy(frame->data, reader->bytes + 2, frame->length);
    return checksum(frame->data, frame->length) == byte ? SHUT_FRAME : SHUT_CORRUPT;
}

size_t shut_frame_write(const struct shut_frame *frame, uint8_t bytes[SHUT_FRAME_MAX])
{
    bytes[0] = (uint8_t)((unsigned)frame->type | (frame->is_last ? LAST : 0));
    bytes[1] = (uint8_t)(frame->length << 4 | frame->length);
    memcpy(bytes + 2, frame->data, frame->length);
    bytes[2 + frame->length] = checksum(frame->data, frame->length);
    return 3u + frame->length;
}
