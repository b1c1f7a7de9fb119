/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/bus_link.h"

#include <string.h>

#define FUNCTION 0x2b
#define MEI_TYPE 0x0e
#define HEADER 7 /* function, MEI type, code, conformity, more follows, next object, how many */
#define EXCEPTION_BIT 0x80

/* Text as a unit sends it: padded with blanks or NULs, and with who knows what in it. */
static void copy_text(char text[static MODBUS_OBJECT_MAX + 1], const uint8_t *bytes, size_t length)
{
    while (length > 0 && (bytes[length - 1] == ' ' || bytes[length - 1] == '\0'))
        length--;
    for (size_t i = 0; i < length; i++)
        text[i] = bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '?';
    text[length] = '\0';
}

enum bus_result identification_parse(const uint8_t *pdu, size_t length, uint8_t object,
                                     char text[static MODBUS_OBJECT_MAX + 1], unsigned *exception,
                                     size_t *wanted)
{
    bool found = false;
    size_t at = HEADER;

    *wanted = 2;
    if (length < *wanted)
        return BUS_SILENT;
    if (pdu[0] == (FUNCTION | EXCEPTION_BIT)) {
        *exception = pdu[1];
        return BUS_EXCEPTION;
    }
    if (pdu[0] != FUNCTION || pdu[1] != MEI_TYPE)
        return BUS_GARBLED;
    *wanted = HEADER;
    if (length < HEADER)
        return BUS_SILENT;
    for (unsigned i = 0; i < pdu[HEADER - 1]; i++) {
        *wanted = at + 2;
        if (length < *wanted)
            return BUS_SILENT;
        size_t size = pdu[at + 1];
        *wanted = at + 2 + size;
        if (length < *wanted)
            return BUS_SILENT;
        if (pdu[at] == object && !found) {
            copy_text(text, pdu + at + 2, size);
            found = true;
        }
        at = *wanted;
    }
    *wanted = at;
    return found ? BUS_OK : BUS_GARBLED;
}
