/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the parser of HID report descriptors: any bytes give fields that lie inside their reports,
 * whose paths can be written, read and found, and that give back what was put into them.
 */
#include "drivers/usbhid/descriptor.h"
#include "drivers/usbhid/usages.h"
#include "drivers/usbhid/value.h"
#include "tests/fuzz/demand.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PATHS_CHECKED 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct hid_descriptor *descriptor, const struct hid_field *field)
{
    char text[1024];
    struct hid_path path;
    const struct hid_field *found;
    size_t from = 0;

    demand(field->path.length >= 1 && field->path.length <= HID_PATH_MAX);
    hid_path_print(&field->path, NULL, text, sizeof text);
    demand(strlen(text) < sizeof text - 1);
    demand(hid_path_parse(&path, text, NULL));
    demand(hid_path_equal(&path, &field->path));
    do {
        found = hid_descriptor_find(descriptor, &path, field->type, &from);
        demand(found != NULL);
    } while (found != field);
    if (field->type != HID_OUTPUT)
        demand(hid_descriptor_find(descriptor, &path, 0, NULL) != NULL);
}

static void check_value(const struct hid_descriptor *descriptor, const struct hid_field *field,
                        int64_t wanted)
{
    size_t size = descriptor->report_sizes[field->type - 1][field->report];
    uint8_t *report = malloc(size);
    int64_t raw, minimum, maximum;
    char date[11];
    bool clamped;

    demand(report != NULL);
    memset(report, 0xa5, size);
    demand(hid_value_get(descriptor, field, report, size, &raw, NULL));
    demand(isfinite(hid_value_to_physical(field, raw)));
    hid_value_from_physical(field, hid_value_to_physical(field, raw), raw % 2 == 0);
    hid_date_text(raw, date);
    hid_logical_range(field, &minimum, &maximum);
    demand(minimum <= maximum);
    if (hid_value_put(descriptor, field, report, size, wanted)) {
        demand(hid_value_get(descriptor, field, report, size, &raw, &clamped));
        demand(clamped == (raw < minimum || raw > maximum));
        /* -1 to 255 in eight bits: 255 comes back as -1. */
        demand(((uint64_t)raw ^ (uint64_t)wanted) << (64 - field->bit_size) == 0 ||
               wanted < minimum || wanted > maximum);
    }
    demand(!hid_value_get(descriptor, field, report, 0, &raw, NULL));
    free(report);
}

static void check_field(const struct hid_descriptor *descriptor, const struct hid_field *field)
{
    size_t size = descriptor->report_sizes[field->type - 1][field->report];

    demand(size <= HID_REPORT_MAX && size > (descriptor->numbered ? 1 : 0));
    demand(field->bit_size >= 1 && field->bit_size <= 32);
    demand(field->bit_offset + field->bit_size <= (size - (descriptor->numbered ? 1 : 0)) * 8);
    demand(field->exponent >= -8 && field->exponent <= 7);
    check_value(descriptor, field, field->logical_minimum);
    check_value(descriptor, field, field->logical_maximum);
    check_value(descriptor, field, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hid_descriptor *descriptor = hid_descriptor_parse(data, size);

    demand(descriptor != NULL);
    demand((descriptor->problem[0] != '\0') == (descriptor->field_count == 0));
    demand(descriptor->field_count <= HID_FIELDS_MAX);
    hid_descriptor_is_power_device(descriptor);
    for (size_t i = 0; i < descriptor->field_count; i++) {
        check_field(descriptor, &descriptor->fields[i]);
        /* Finding costs as much as there are fields. */
        if (i < PATHS_CHECKED)
            check_path(descriptor, &descriptor->fields[i]);
    }
    hid_descriptor_free(descriptor);
    return 0;
}
