/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "modbus/served_answer.h"

#include <string.h>

#define EXCEPTION_BIT 0x80
#define READ_REGISTERS_MAX 125
#define READ_BITS_MAX 2000
#define COIL_ON 0xff00
#define MEI_TYPE 0x0e
#define OBJECTS 7 /* of device identification: basic and regular ones */
#define BASIC_OBJECTS 3

static unsigned word_at(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

size_t served_exception(uint8_t function, uint8_t exception, uint8_t answer[static SERVED_PDU_MAX])
{
    answer[0] = function | EXCEPTION_BIT;
    answer[1] = exception;
    return 2;
}

static size_t refuse(const struct served_request *request, uint8_t exception, uint8_t *answer)
{
    return served_exception(request->pdu[0], exception, answer);
}

/* Reading ------------------------------------------------------------------------------------ */

/* 0, or the exception for a range of so many that there are. */
static uint8_t check_range(const struct served_request *request, unsigned limit, unsigned there_are)
{
    if (request->length != 5)
        return SERVED_ILLEGAL_VALUE;
    unsigned address = word_at(request->pdu + 1), count = word_at(request->pdu + 3);

    if (count < 1 || count > limit)
        return SERVED_ILLEGAL_VALUE;
    return address + count > there_are ? SERVED_ILLEGAL_ADDRESS : 0;
}

static size_t read_registers(const struct served_request *request, uint8_t *answer)
{
    struct served_snapshot passing = { .generation = 0 };
    uint8_t wrong = check_range(request, READ_REGISTERS_MAX, SERVED_REGISTERS);

    if (wrong != 0)
        return refuse(request, wrong, answer);
    unsigned address = word_at(request->pdu + 1), count = word_at(request->pdu + 3);
    const uint16_t *words = served_registers(
        request->snapshot != NULL ? request->snapshot : &passing, request->ups, request->now);
    answer[0] = request->pdu[0];
    answer[1] = (uint8_t)(2 * count);
    for (unsigned i = 0; i < count; i++) {
        answer[2 + 2 * i] = (uint8_t)(words[address + i] >> 8);
        answer[3 + 2 * i] = (uint8_t)words[address + i];
    }
    return 2 + 2 * count;
}

static size_t read_bits(const struct served_request *request, uint32_t bits, unsigned there_are,
                        uint8_t *answer)
{
    uint8_t wrong = check_range(request, READ_BITS_MAX, there_are);

    if (wrong != 0)
        return refuse(request, wrong, answer);
    unsigned address = word_at(request->pdu + 1), count = word_at(request->pdu + 3);
    answer[0] = request->pdu[0];
    answer[1] = (uint8_t)((count + 7) / 8);
    memset(answer + 2, 0, answer[1]);
    for (unsigned i = 0; i < count; i++)
        answer[2 + i / 8] |= (uint8_t)((bits >> (address + i) & 1) << i % 8);
    return 2u + answer[1];
}

/* Device identification ---------------------------------------------------------------------- */

static const char *object_text(const struct ups *ups, unsigned object)
{
    const char *text = NULL;

    switch (object) {
    case 0:
        return PACKAGE_NAME;
    case 1:
    case 4:
        return PACKAGE_NAME "d";
    case 2:
        return PACKAGE_VERSION;
    case 5:
        text = ups_value(ups, "device.model");
        break;
    case 6:
        text = ups->name;
        break;
    default:
        break;
    }
    return text == NULL ? "" : text;
}

/* Appends an object; false: it does not fit any more. */
static bool add_object(const struct ups *ups, unsigned object, uint8_t *answer, size_t *length)
{
    const char *text = object_text(ups, object);
    size_t size = strnlen(text, 100);

    if (*length + 2 + size > SERVED_PDU_MAX)
        return false;
    answer[(*length)++] = (uint8_t)object;
    answer[(*length)++] = (uint8_t)size;
    memcpy(answer + *length, text, size);
    *length += size;
    return true;
}

static size_t identify(const struct served_request *request, uint8_t *answer)
{
    const uint8_t *pdu = request->pdu;

    if (request->length < 2 || pdu[1] != MEI_TYPE)
        return refuse(request, SERVED_ILLEGAL_FUNCTION, answer);
    if (request->length != 4)
        return refuse(request, SERVED_ILLEGAL_VALUE, answer);
    unsigned code = pdu[2], object = pdu[3];
    unsigned end = code == 1 ? BASIC_OBJECTS : OBJECTS;
    size_t length = 7;

    if (code < 1 || code > 4)
        return refuse(request, SERVED_ILLEGAL_VALUE, answer);
    if (object >= end && code == 4)
        return refuse(request, SERVED_ILLEGAL_ADDRESS, answer);
    /* A stream that begins behind its end begins at the first object. */
    object = object < end ? object : 0;
    end = code == 4 ? object + 1 : end;
    memcpy(answer, (const uint8_t[]){ pdu[0], MEI_TYPE, pdu[2], 0x82, 0, 0, 0 }, 7);
    for (; object < end; object++) {
        if (!add_object(request->ups, object, answer, &length)) {
            answer[4] = 0xff;
            answer[5] = (uint8_t)object;
            break;
        }
        answer[6]++;
    }
    return length;
}

/* Commands ----------------------------------------------------------------------------------- */

static bool is_allowed(const struct served_request *request, unsigned coil)
{
    for (size_t i = 0; i < request->command_count; i++) {
        if (served_is_command(coil, request->commands[i]))
            return true;
    }
    return request->command_count == 0;
}

/* The coil is set, or nothing. */
static size_t order(const struct served_request *request, unsigned coil, bool on, uint8_t *answer,
                    const char **command)
{
    if (!request->may_write)
        return refuse(request, SERVED_ILLEGAL_FUNCTION, answer);
    if (coil >= SERVED_COILS || !is_allowed(request, coil))
        return refuse(request, SERVED_ILLEGAL_ADDRESS, answer);
    if (on) {
        *command = served_command(request->ups, coil);
        if (*command == NULL)
            return refuse(request, SERVED_ILLEGAL_ADDRESS, answer);
    }
    memcpy(answer, request->pdu, 5);
    return 5;
}

static size_t write_coil(const struct served_request *request, uint8_t *answer,
                         const char **command)
{
    if (request->length != 5)
        return refuse(request, SERVED_ILLEGAL_VALUE, answer);
    unsigned value = word_at(request->pdu + 3);

    if (value != 0 && value != COIL_ON)
        return refuse(request, SERVED_ILLEGAL_VALUE, answer);
    return order(request, word_at(request->pdu + 1), value == COIL_ON, answer, command);
}

/* One command a request: of several one could fail and the others be carried out. */
static size_t write_coils(const struct served_request *request, uint8_t *answer,
                          const char **command)
{
    if (request->length != 7 || word_at(request->pdu + 3) != 1 || request->pdu[5] != 1)
        return refuse(request, SERVED_ILLEGAL_VALUE, answer);
    return order(request, word_at(request->pdu + 1), (request->pdu[6] & 1) != 0, answer, command);
}

size_t served_answer(const struct served_request *request, uint8_t answer[static SERVED_PDU_MAX],
                     const char **command)
{
    *command = NULL;
    if (request->ups == NULL)
        return refuse(request, SERVED_NO_TARGET, answer);
    switch (request->pdu[0]) {
    case 0x01:
        return read_bits(request, 0, SERVED_COILS, answer);
    case 0x02:
        return read_bits(request, served_inputs(request->ups), SERVED_INPUTS, answer);
    case 0x03:
    case 0x04:
        return read_registers(request, answer);
    case 0x05:
        return write_coil(request, answer, command);
    case 0x0f:
        return write_coils(request, answer, command);
    case 0x06:
    case 0x10:
        /* No register can be written, whoever asks. */
        return refuse(
            request, request->may_write ? SERVED_ILLEGAL_ADDRESS : SERVED_ILLEGAL_FUNCTION, answer);
    case 0x2b:
        return identify(request, answer);
    default:
        return refuse(request, SERVED_ILLEGAL_FUNCTION, answer);
    }
}
