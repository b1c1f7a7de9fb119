/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the reports of a device that is played by the input: two bytes of length and a descriptor;
 * a number of reports, each with type, number, length or failure, and bytes; then what is done.
 */
#include "drivers/usbhid/reports.h"
#include "tests/fuzz/demand.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 64
/* Lengths that mean something else. */
enum { PLAY_STALL = 0xff, PLAY_TIME_OUT = 0xfe, PLAY_BREAK = 0xfd, PLAY_BOAST = 0xfc };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

struct entry {
    uint8_t type, report, length;
    uint8_t bytes[256];
};

struct device {
    struct entry entries[ENTRIES_MAX];
    size_t count;
    bool is_broken;
};

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

static struct entry *entry_of(struct device *device, enum hid_report_type type, uint8_t report)
{
    for (size_t i = 0; i < device->count; i++) {
        if (device->entries[i].type == type && device->entries[i].report == report)
            return &device->entries[i];
    }
    return NULL;
}

static ssize_t get_report(void *state, enum hid_report_type type, uint8_t report, uint8_t *bytes,
                          size_t size)
{
    struct device *device = state;
    const struct entry *entry = entry_of(device, type, report);

    demand(!device->is_broken && size > 0 && size <= HID_REPORT_MAX);
    memset(bytes, 0, size);
    if (entry == NULL || entry->length == PLAY_STALL)
        return HID_STALLED;
    if (entry->length == PLAY_TIME_OUT)
        return HID_TIMED_OUT;
    device->is_broken = entry->length == PLAY_BREAK;
    if (device->is_broken)
        return HID_BROKEN;
    memcpy(bytes, entry->bytes, size < sizeof entry->bytes ? size : sizeof entry->bytes);
    return entry->length == PLAY_BOAST ? 100000 : entry->length;
}

static enum hid_result set_report(void *state, enum hid_report_type type, uint8_t report,
                                  const uint8_t *bytes, size_t length)
{
    struct device *device = state;
    struct entry *entry = entry_of(device, type, report);

    demand(!device->is_broken && length > 0 && length <= HID_REPORT_MAX);
    if (entry == NULL)
        return HID_STALLED;
    memcpy(entry->bytes, bytes, length < sizeof entry->bytes ? length : sizeof entry->bytes);
    return HID_OK;
}

static void read_device(struct input *input, struct device *device)
{
    device->count = next(input) % (ENTRIES_MAX + 1);
    for (size_t i = 0; i < device->count; i++) {
        struct entry *entry = &device->entries[i];

        entry->type = next(input);
        entry->report = next(input);
        entry->length = next(input);
        if (entry->length < PLAY_BOAST)
            next_bytes(input, entry->bytes, entry->length);
    }
}

static void read_field(struct hid_reports *reports, const struct hid_field *field, bool keep)
{
    unsigned before = hid_reports_requests(reports);
    int64_t raw;
    enum hid_result result = hid_reports_value(reports, field, keep, &raw);
    unsigned after = hid_reports_requests(reports);
    int64_t again;

    demand(after - before <= 2);
    demand((result == HID_BROKEN) == hid_reports_broken(reports));
    /* Nothing is asked for twice in a poll, and nothing changes without a reason. */
    demand(hid_reports_value(reports, field, keep, &again) == result);
    demand(result != HID_OK || raw == again);
    demand(hid_reports_requests(reports) == after);
}

static void write_field(struct hid_reports *reports, const struct hid_field *field, int64_t raw)
{
    int64_t written;

    if (hid_reports_write(reports, field, raw, &written) == HID_OK)
        demand(written >= INT32_MIN && written <= UINT32_MAX);
}

static void act(struct input *input, struct hid_descriptor *descriptor, struct device *device,
                struct hid_reports *reports)
{
    uint8_t action = next(input);
    uint8_t bytes[256];
    size_t number = next(input);

    number = (number | (size_t)next(input) << 8) % descriptor->field_count;
    struct hid_field *field = &descriptor->fields[number];
    switch (action % 6) {
    case 0:
        hid_reports_begin(reports);
        break;
    case 1:
        for (size_t i = 0; i < descriptor->field_count; i++)
            read_field(reports, &descriptor->fields[i], false);
        break;
    case 2:
        read_field(reports, field, next(input) % 2 == 0);
        break;
    case 3:
        memset(bytes, 0, 4);
        next_bytes(input, bytes, 4);
        write_field(reports, field,
                    (int64_t)(bytes[0] | bytes[1] << 8 | bytes[2] << 16) - (bytes[3] & 1));
        break;
    case 4:
        number = next_bytes(input, bytes, next(input));
        hid_reports_take_input(reports, bytes, number);
        break;
    default:
        if (device->count > 0)
            device->entries[number % device->count].length = next(input);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { data, size };
    size_t length = next(&input);

    length |= (size_t)next(&input) << 8;
    if (length > input.left)
        length = input.left;
    struct hid_descriptor *descriptor = hid_descriptor_parse(input.at, length);
    struct device *device = calloc(1, sizeof *device);
    demand(descriptor != NULL && device != NULL);
    input.at += length;
    input.left -= length;
    const struct hid_transport transport = { .state = device,
                                             .get_report = get_report,
                                             .set_report = set_report };
    struct hid_reports *reports = hid_reports_new(descriptor, &transport);
    demand(reports != NULL);
    read_device(&input, device);
    while (input.left > 0 && descriptor->field_count > 0)
        act(&input, descriptor, device, reports);
    hid_reports_free(reports);
    hid_descriptor_free(descriptor);
    free(device);
    return 0;
}
