/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a HID UPS without a cable: reports as a table, as recorded or as a test makes them, and
 * what is written to it. Include after tests/unit/unit.h.
 */
#ifndef UPSBRIDGE_TESTS_HID_FAKE_H
#define UPSBRIDGE_TESTS_HID_FAKE_H

#include "core/update.h"
#include "drivers/usbhid/device.h"
#include "tests/unit/hid_recording.h"

#include <limits.h>

struct fake_hid {
    struct recording *recording; /* the reports as they are now */
    struct hid_identity identity;
    struct hid_options options;
    struct hid_transport transport;
    struct hid_device *device;
    enum hid_result refusal[HID_REPORT_TYPES][256]; /* not HID_OK: what a report is answered with */
    bool ignores_writes;
    enum hid_result write_result;
    unsigned gets, sets;
    uint8_t written[HID_REPORT_MAX]; /* the last report written */
    size_t written_length;
    uint8_t log[16][8]; /* the first bytes of all of them */
};

static uint64_t fake_now;

static inline uint64_t fake_clock(void)
{
    return fake_now;
}

static inline ssize_t fake_get(void *state, enum hid_report_type type, uint8_t report,
                               uint8_t *bytes, size_t size)
{
    struct fake_hid *fake = state;
    const struct recorded_report *recorded = recorded_report(fake->recording, type, report);

    fake->gets++;
    if (fake->refusal[type - 1][report] != HID_OK)
        return fake->refusal[type - 1][report];
    if (recorded == NULL)
        return HID_STALLED;
    size_t length = recorded->length < size ? recorded->length : size;
    memcpy(bytes, recorded->bytes, length);
    return (ssize_t)length;
}

static inline enum hid_result fake_set(void *state, enum hid_report_type type, uint8_t report,
                                       const uint8_t *bytes, size_t length)
{
    struct fake_hid *fake = state;

    if (fake->write_result != HID_OK)
        return fake->write_result;
    memcpy(fake->written, bytes, length);
    fake->written_length = length;
    memcpy(fake->log[fake->sets % 16], bytes, length < 8 ? length : 8);
    fake->sets++;
    for (size_t i = 0; i < fake->recording->report_count && !fake->ignores_writes; i++) {
        struct recorded_report *recorded = &fake->recording->reports[i];

        if (recorded->type == type && recorded->report == report) {
            memcpy(recorded->bytes, bytes, length);
            recorded->length = length;
        }
    }
    return HID_OK;
}

static inline enum hid_result fake_string(void *state, uint8_t index, char *out, size_t size)
{
    (void)state;
    snprintf(out, size, "string %u", index);
    return HID_OK;
}

/* "key: value" of a recording's device.txt; "" if it has none. */
static inline void recorded_fact(const struct recording *recording, const char *key, char *out,
                                 size_t size)
{
    FILE *file = recording_open(recording, "device.txt");
    size_t length = strlen(key);
    char line[1024];

    out[0] = '\0';
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            snprintf(out, size, "%.*s", (int)strcspn(line + length + 2, "\r\n"), line + length + 2);
    }
    fclose(file);
}

/* A device as recorded, not yet open. */
static inline void fake_prepare(struct fake_hid *fake, const char *name)
{
    unsigned vendor, product;
    char text[64];

    memset(fake, 0, sizeof *fake);
    fake->recording = recording_read(name);
    recorded_fact(fake->recording, "vidpid", text, sizeof text);
    assert_int_equal(sscanf(text, "%x:%x", &vendor, &product), 2);
    fake->identity.vendor_id = (uint16_t)vendor;
    fake->identity.product_id = (uint16_t)product;
    recorded_fact(fake->recording, "manufacturer", fake->identity.vendor,
                  sizeof fake->identity.vendor);
    recorded_fact(fake->recording, "product", fake->identity.product,
                  sizeof fake->identity.product);
    fake->options = (struct hid_options){ .off_delay = UINT_MAX, .on_delay = UINT_MAX };
    fake->transport = (struct hid_transport){
        .state = fake, .get_report = fake_get, .set_report = fake_set, .get_string = fake_string
    };
    fake_now = 1000;
}

static inline void fake_open(struct fake_hid *fake)
{
    char problem[160];

    fake->device = hid_device_new(&fake->identity, &fake->options, fake->recording->descriptor,
                                  fake->recording->descriptor_length, &fake->transport, problem);
    if (fake->device == NULL)
        fail_msg("%s: %s", fake->recording->path, problem);
    fake->device->clock = fake_clock;
}

static inline void fake_start(struct fake_hid *fake, const char *name)
{
    fake_prepare(fake, name);
    fake_open(fake);
}

static inline void fake_stop(struct fake_hid *fake)
{
    hid_device_free(fake->device);
    free(fake->recording);
}

/* Changes, or adds, a report: bytes in hexadecimal, its number first. */
static inline void fake_report(struct fake_hid *fake, enum hid_report_type type, const char *hex)
{
    struct recording *recording = fake->recording;
    struct recorded_report made = { .type = type };
    size_t i = 0;

    made.length = recorded_bytes(hex, made.bytes, sizeof made.bytes);
    made.report = made.bytes[0];
    while (i < recording->report_count &&
           (recording->reports[i].type != type || recording->reports[i].report != made.report))
        i++;
    assert_true(i < RECORDED_REPORTS_MAX);
    recording->reports[i] = made;
    if (i == recording->report_count)
        recording->report_count++;
}

static inline bool fake_send(struct fake_hid *fake, const char *hex)
{
    uint8_t bytes[64];
    size_t length = recorded_bytes(hex, bytes, sizeof bytes);

    return hid_device_take_input(fake->device, bytes, length);
}

/* The last thing a batch says of a variable; NULL: nothing, or that it is gone. */
static inline const char *told(const struct update *update, const char *name)
{
    struct update_item item;
    const char *value = NULL;

    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        if ((item.kind == UPDATE_SET || item.kind == UPDATE_UNSET) && strcmp(item.name, name) == 0)
            value = item.kind == UPDATE_SET ? item.value : NULL;
    }
    return value;
}

static inline bool offers(const struct update *update, const char *command)
{
    struct update_item item;

    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        if (item.kind == UPDATE_COMMAND && strcmp(item.name, command) == 0)
            return true;
    }
    return false;
}

#endif
