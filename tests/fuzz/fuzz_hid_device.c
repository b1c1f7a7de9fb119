/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes a whole HID UPS without its cable, with the tables of all families. The input: vendor's
 * and product's number (big endian), options, two bytes of length and a descriptor; a number of
 * reports, each with type, number, length or failure, and bytes; then what is done.
 */
#include "core/log.h"
#include "core/variables.h"
#include "drivers/usbhid/device.h"
#include "tests/fuzz/demand.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 64
#define ACTIONS_MAX 32
/* Lengths that mean something else. */
enum { PLAY_STALL = 0xff, PLAY_TIME_OUT = 0xfe, PLAY_BREAK = 0xfd };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

struct entry {
    uint8_t type, report, length;
    uint8_t bytes[256];
};

struct cable {
    struct entry entries[ENTRIES_MAX];
    size_t count;
};

static uint64_t now;

static uint64_t fake_clock(void)
{
    return now;
}

static uint8_t next(struct input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

static size_t next_bytes(struct input *input, uint8_t *bytes, size_t count)
{
    if (count > input->left)
        count = input->left;
    memcpy(bytes, input->at, count);
    input->at += count;
    input->left -= count;
    return count;
}

/* The cable ---------------------------------------------------------------------------------- */

static ssize_t get_report(void *state, enum hid_report_type type, uint8_t report, uint8_t *bytes,
                          size_t size)
{
    const struct cable *cable = state;

    for (size_t i = 0; i < cable->count; i++) {
        const struct entry *entry = &cable->entries[i];
        size_t length = entry->length < size ? entry->length : size;

        if (entry->type != type || entry->report != report)
            continue;
        if (entry->length == PLAY_STALL)
            return HID_STALLED;
        if (entry->length == PLAY_TIME_OUT)
            return HID_TIMED_OUT;
        if (entry->length == PLAY_BREAK)
            return HID_BROKEN;
        memcpy(bytes, entry->bytes, length);
        return (ssize_t)length;
    }
    return HID_STALLED;
}

static enum hid_result set_report(void *state, enum hid_report_type type, uint8_t report,
                                  const uint8_t *bytes, size_t length)
{
    struct cable *cable = state;

    for (size_t i = 0; i < cable->count; i++) {
        struct entry *entry = &cable->entries[i];

        if (entry->type == type && entry->report == report && length <= entry->length &&
            entry->length < PLAY_BREAK) {
            memcpy(entry->bytes, bytes, length);
            return HID_OK;
        }
    }
    return HID_STALLED;
}

static enum hid_result get_string(void *state, uint8_t index, char *out, size_t size)
{
    (void)state;
    demand(size > 0);
    snprintf(out, size, "%*s", index, "x");
    return index == 200 ? HID_TIMED_OUT : HID_OK;
}

/* What is done ------------------------------------------------------------------------------- */

static void check(const struct update *update)
{
    struct update_item item;
    bool has_status = false;

    demand(update_ok(update));
    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        const struct variable_info *info = variable_find(item.name);
        double number;

        if (item.kind != UPDATE_SET)
            continue;
        demand(info != NULL);
        has_status = has_status || (strcmp(item.name, "ups.status") == 0 && item.value[0] != '\0');
        if (info->type == TYPE_NUMBER)
            demand(number_parse(item.value, &number) && number >= info->minimum &&
                   number <= info->maximum);
    }
    demand(has_status);
}

static void poll_device(struct hid_device *device, enum poll_kind kind)
{
    struct update update = { 0 };

    if (hid_device_poll(device, kind, &update) == HID_OK)
        check(&update);
    update_clear(&update);
}

static void order(struct hid_device *device, uint8_t which, const char *text)
{
    /* Without those that pause. */
    static const char *const commands[] = {
        "load.off.delay",    "load.on.delay",   "load.off",       "load.on",
        "shutdown.stop",     "shutdown.reboot", "beeper.disable", "test.battery.start.quick",
        "outlet.1.load.off",
    };
    static const char *const settings[] = {
        "battery.charge.low", "ups.delay.shutdown", "ups.delay.start", "input.transfer.high",
        "input.sensitivity",  "battery.mfr.date",   "ups.start.auto",  "output.voltage.nominal",
    };
    struct update update = { 0 };

    if (which < 128)
        hid_device_command(device, commands[which % (sizeof commands / sizeof commands[0])], text,
                           &update);
    else
        hid_device_set(device, settings[which % (sizeof settings / sizeof settings[0])], text,
                       &update);
    demand(update_ok(&update));
    update_clear(&update);
}

static void act(struct hid_device *device, struct input *input)
{
    uint8_t bytes[256];
    char text[9] = "";

    switch (next(input) % 5) {
    case 0:
        poll_device(device, POLL_FULL);
        break;
    case 1:
        poll_device(device, POLL_QUICK);
        break;
    case 2:
        hid_device_take_input(device, bytes, next_bytes(input, bytes, next(input)));
        break;
    case 3: {
        uint8_t which = next(input);

        next_bytes(input, (uint8_t *)text, next(input) % sizeof text);
        text[sizeof text - 1] = '\0';
        order(device, which, text);
        break;
    }
    default:
        now += (uint64_t)next(input) * 100;
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { data, size };
    struct hid_identity identity = { .product = "Back-UPS BX FW:1 USB FW:2", .serial = "000" };
    struct hid_options options = { .off_delay = UINT_MAX, .on_delay = UINT_MAX };
    static struct cable cable;
    struct hid_transport transport = { .state = &cable,
                                       .get_report = get_report,
                                       .set_report = set_report,
                                       .get_string = get_string };
    static uint8_t descriptor[HID_DESCRIPTOR_MAX];
    char problem[160];

    log_open("fuzz", LOG_TO_SYSLOG);
    now = 1000;
    memset(&cable, 0, sizeof cable);
    identity.vendor_id = (uint16_t)(next(&input) << 8);
    identity.vendor_id = (uint16_t)(identity.vendor_id | next(&input));
    identity.product_id = (uint16_t)(next(&input) << 8);
    identity.product_id = (uint16_t)(identity.product_id | next(&input));
    uint8_t choices = next(&input);
    options.low_charge = (choices & 1) != 0 ? 30 : 0;
    options.input_only = (choices & 2) != 0;
    options.discharge_is_ob = (choices & 4) != 0;
    options.keep_descriptor = (choices & 8) != 0;
    if ((choices & 16) != 0)
        snprintf(identity.product, sizeof identity.product, "UT");
    size_t length = (size_t)next(&input) << 8;
    length = next_bytes(&input, descriptor, (length | next(&input)) % sizeof descriptor);
    cable.count = next(&input) % ENTRIES_MAX;
    for (size_t i = 0; i < cable.count; i++) {
        struct entry *entry = &cable.entries[i];

        entry->type = next(&input);
        entry->report = next(&input);
        entry->length = next(&input);
        if (entry->length < PLAY_BREAK)
            next_bytes(&input, entry->bytes, entry->length);
    }
    struct hid_device *device =
        hid_device_new(&identity, &options, descriptor, length, &transport, problem);
    demand((device == NULL) == (problem[0] != '\0'));
    if (device == NULL)
        return 0;
    device->clock = fake_clock;
    poll_device(device, POLL_FULL);
    for (int i = 0; i < ACTIONS_MAX && input.left > 0; i++)
        act(device, &input);
    hid_device_free(device);
    return 0;
}
