/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the answer to a request for device identification, which is the one Modbus frame the
 * clients read by themselves. Input: the object asked for, then the answer's PDU. Each beginning of
 * an answer asks for more than it has, or settles what it is once and for all.
 */
#include "modbus/bus_link.h"
#include "tests/fuzz/demand.h"

#include <string.h>

#define PDU_MAX 253

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[MODBUS_OBJECT_MAX + 1] = "";
    enum bus_result settled = BUS_SILENT;

    if (size < 1 || size > PDU_MAX + 1)
        return 0;
    for (size_t length = 0; length < size; length++) {
        unsigned exception = 0;
        size_t wanted = 0;
        enum bus_result result =
            identification_parse(data + 1, length, data[0], text, &exception, &wanted);

        if (result == BUS_SILENT) {
            demand(settled == BUS_SILENT && wanted > length);
            continue;
        }
        demand(settled == BUS_SILENT || result == settled);
        demand(result == BUS_OK || result == BUS_EXCEPTION || result == BUS_GARBLED);
        demand(result == BUS_GARBLED || wanted <= length);
        settled = result;
        demand(strlen(text) <= MODBUS_OBJECT_MAX);
    }
    return 0;
}
