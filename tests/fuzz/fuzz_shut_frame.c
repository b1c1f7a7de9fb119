/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the frames of SHUT. Input: bytes of the line. A frame that passes, written again, must be
 * the bytes that it was read from.
 */
#include "drivers/shut/frame.h"
#include "tests/fuzz/demand.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shut_reader reader = { .used = 0 };

    for (size_t i = 0; i < size; i++) {
        struct shut_frame frame;
        uint8_t bytes[SHUT_FRAME_MAX], token = 0;
        enum shut_event event = shut_reader_take(&reader, data[i], &token, &frame);

        demand(reader.used < SHUT_FRAME_MAX);
        demand(event != SHUT_TOKEN || token == data[i]);
        if (event != SHUT_FRAME)
            continue;
        demand(frame.length <= SHUT_DATA_MAX);
        size_t length = shut_frame_write(&frame, bytes);
        demand(length <= i + 1 && memcmp(bytes, data + i + 1 - length, length) == 0);
    }
    return 0;
}
