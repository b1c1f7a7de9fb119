/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the Modbus server's answers. Input: a byte of switches (unit there, may write), then the
 * PDU of a request. Any bytes give one answer within its bounds, of the same function; a command
 * only for who may give one.
 */
#include "modbus/served_answer.h"
#include "tests/fuzz/demand.h"

#include <event2/event.h>
#include <string.h>

#define PDU_MAX 253

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ups *device(void)
{
    static struct ups *ups;

    if (ups != NULL)
        return ups;
    struct ups_store *store = ups_store_new(event_base_new(), 15);
    struct update update = { .complete = true };

    demand(store != NULL);
    ups = ups_add(store, "lab", "In the lab");
    update_set(&update, "ups.status", "OL");
    update_set(&update, "device.model", "Bridge");
    update_set(&update, "battery.charge", "100");
    update_command(&update, "load.off");
    ups_apply(store, ups, &update);
    update_clear(&update);
    return ups;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t answer[SERVED_PDU_MAX], pdu[PDU_MAX];
    const char *command;

    if (size < 2 || size > PDU_MAX + 1)
        return 0;
    memcpy(pdu, data + 1, size - 1);
    const struct served_request request = { .pdu = pdu,
                                            .length = size - 1,
                                            .ups = (data[0] & 1) != 0 ? device() : NULL,
                                            .may_write = (data[0] & 2) != 0,
                                            .now = 1 };
    size_t length = served_answer(&request, answer, &command);

    demand(length >= 2 && length <= SERVED_PDU_MAX);
    demand((answer[0] & 0x7f) == (pdu[0] & 0x7f));
    demand(command == NULL || (request.may_write && request.ups != NULL && length == 5));
    return 0;
}
