/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: answers to Modbus requests, PDU for PDU, without any I/O: the protocol's side of the
 * server. Total: any bytes give an answer.
 * Source: MODBUS Application Protocol V1.1b3.
 */
#ifndef UPSBRIDGE_MODBUS_SERVED_ANSWER_H
#define UPSBRIDGE_MODBUS_SERVED_ANSWER_H

#include "core/ups.h"
#include "modbus/served_registers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVED_PDU_MAX 253

enum {
    SERVED_ILLEGAL_FUNCTION = 1,
    SERVED_ILLEGAL_ADDRESS = 2,
    SERVED_ILLEGAL_VALUE = 3,
    SERVED_DEVICE_FAILURE = 4,
    SERVED_BUSY = 6,
    SERVED_NO_TARGET = 11,
};

struct served_request {
    const uint8_t *pdu;
    size_t length;                    /* at least 1 */
    const struct ups *ups;            /* NULL: there is no such unit */
    struct served_snapshot *snapshot; /* of its registers; NULL: none is kept */
    bool may_write;
    char *const *commands; /* the only ones that may be given; none: all */
    size_t command_count;
    uint64_t now; /* clock_ms() */
};

/*
 * Writes the answer and returns its length. *command: one that the device has and that has to be
 * carried out first; the answer is that of success, and served_exception() makes it another. It
 * lives as long as the device says nothing else. NULL: there is none.
 */
size_t served_answer(const struct served_request *request, uint8_t answer[static SERVED_PDU_MAX],
                     const char **command);
/* The answer that says no to a function. */
size_t served_exception(uint8_t function, uint8_t exception, uint8_t answer[static SERVED_PDU_MAX]);

#endif
