/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Liebert and Vertiv.
 * Source: recording tests/data/hid/liebert-gxt5 (NUT issue 3613); NUT's usbhid-ups for the ids.
 */
#include "drivers/usbhid/families.h"

#include <stddef.h>

#define UNIT_VOLT 0x00f0d121
#define UNIT_NONE_GIVEN 0

#define QUIRK_GXT5 (1u * HID_QUIRK_OWN)

/* GXT5 counts minutes. */
static bool show_runtime(struct hid_device *device, const struct hid_field *field, int64_t raw,
                         double physical, char *out, size_t size)
{
    (void)field;
    if ((device->quirks & QUIRK_GXT5) != 0)
        physical = (double)raw * 60;
    return show_decimals(physical, 0, out, size);
}

static const struct variable_row variables[] = {
    FULL("battery.runtime", SUMMARY "RunTimeToEmpty", show_runtime),
    VARIABLES_END,
};

static const struct status_row flags[] = {
    { FLAG_OFF, PRESENT "Good", is_zero },
    FLAGS_END,
};

static const struct command_row commands[] = { COMMANDS_END };

/*
 * GXT5 tells everything of one collection, input, battery and output with the same usages in
 * reports of their own, and units that are others'. Which is which follows from the numbers: plain
 * volts, hundredths of amperes.
 */
static const struct {
    uint8_t report;
    const char *path; /* of what stands first in the report */
    uint32_t unit;
    int8_t exponent;
} gxt5_fields[] = {
    { 0x01, "UPS.Input.Voltage", UNIT_VOLT, 7 },
    { 0x02, "UPS.Input.Current", 0x00100001, -2 },
    { 0x03, "UPS.Input.Frequency", 0x0000f001, 0 },
    { 0x09, "UPS.Battery.Voltage", UNIT_VOLT, 7 },
    { 0x0a, "UPS.Battery.Current", 0x00100001, -2 },
    { 0x0b, "UPS.Output.Voltage", UNIT_VOLT, 7 },
    { 0x0c, "UPS.Output.Current", 0x00100001, -2 },
    { 0x0d, "UPS.Output.Frequency", 0x0000f001, 0 },
    { 0x10, "UPS.Output.PercentLoad", UNIT_NONE_GIVEN, 0 },
};

/* Nobody knows in what unit these are. */
#define GXT5_APPARENT_POWER 0x0e
#define GXT5_ACTIVE_POWER 0x0f

static void repair_gxt5_field(struct hid_field *field)
{
    bool is_known = true;

    for (size_t i = 0; i < sizeof gxt5_fields / sizeof gxt5_fields[0]; i++) {
        if (gxt5_fields[i].report != field->report)
            continue;
        is_known = field->bit_offset == 0;
        if (!is_known)
            break;
        hid_path_parse(&field->path, gxt5_fields[i].path, NULL);
        field->unit = gxt5_fields[i].unit;
        field->exponent = gxt5_fields[i].exponent;
    }
    /* What is left without a path is bound to nothing: second and third phases, and the powers. */
    if (!is_known || field->report == GXT5_APPARENT_POWER || field->report == GXT5_ACTIVE_POWER)
        field->path.length = 1;
}

static void repair(struct hid_descriptor *descriptor, const struct hid_identity *identity,
                   unsigned quirks)
{
    (void)identity;
    for (size_t i = 0; i < descriptor->field_count && (quirks & QUIRK_GXT5) != 0; i++) {
        if (descriptor->fields[i].type == HID_FEATURE)
            repair_gxt5_field(&descriptor->fields[i]);
    }
}

static const struct family_id ids[] = {
    ID(0x10af, 0x0000, 0),          ID_AND_UNKNOWN(0x10af, 0x0001, 0),
    ID(0x10af, 0x0002, 0), /* PSA, PSI */
    ID(0x10af, 0x0004, 0),          ID(0x10af, 0x0008, 0),
    ID(0x10af, 0x1000, QUIRK_GXT5), IDS_END,
};

const struct family family_liebert = {
    .name = "liebert",
    .maker = "Liebert",
    .ids = ids,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
    .repair = repair,
};
