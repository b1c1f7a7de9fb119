/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CyberPower, and what is sold under other names with its ids.
 * Source: recordings of four models (tests/data/hid/cyberpower-*), NUT's usbhid-ups for paths, and
 * NUT's issues as named below.
 */
#include "drivers/usbhid/families.h"

#include <math.h>
#include <stdio.h>
#include <strings.h>

#define PAGE_CYBERPOWER 0xff01
#define UNIT_VOLT 0x00f0d121

/* Memory of a device: the factor of its battery voltage; 0: not found yet. */
#define BATTERY_FACTOR 0

static const struct usage_name usages[] = {
    { "CPSFirmwareVersion", 0xff0100d0 },
    { "CPSInputSensitivity", 0xff010043 },
    { NULL, 0 },
};

/* Conversions -------------------------------------------------------------------------------- */

static const struct value_word sensitivities[] = {
    { 0, "low" }, { 1, "normal" }, { 2, "high" }, { 0, NULL }
};

/* Some tell a little more than all. */
static bool show_charge(struct hid_device *device, const struct hid_field *field, int64_t raw,
                        double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)raw;
    return show_decimals(physical > 100 && physical < 256 ? 100 : physical, 0, out, size);
}

/*
 * Some of 0764:0501 tell half as much again: 2/3 of it, found at the first reading and kept, so
 * that a battery that sinks does not jump. What is then still none of such a battery is not shown
 * (issue 2983). Eight bits of tenths end at 25.5 V: full, they are a limit and no measurement.
 */
static bool show_battery_voltage(struct hid_device *device, const struct hid_field *field,
                                 int64_t raw, double physical, char *out, size_t size)
{
    double *factor = &device->family_numbers[BATTERY_FACTOR];
    double nominal;

    if (field->bit_size <= 8 && raw == 255)
        return false;
    if (!hid_device_number(device, SUMMARY "ConfigVoltage", true, &nominal) || nominal <= 0)
        return show_decimals(physical, 1, out, size);
    if (*factor <= 0)
        *factor = physical / nominal > 1.4 ? 2.0 / 3.0 : 1;
    physical *= *factor;
    if (physical / nominal > 1.6)
        return false;
    return show_decimals(physical, 1, out, size);
}

/* 499.0 for 49.9 Hz, of the input and of the output apart (issue 2717). */
static bool show_frequency(struct hid_device *device, const struct hid_field *field, int64_t raw,
                           double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)raw;
    return show_decimals(physical >= 400 ? physical / 10 : physical, 1, out, size);
}

/* Rebadged models tell 22.6 for 226 V (issue 2874): the input, if it is there, knows better. */
static bool show_output_voltage(struct hid_device *device, const struct hid_field *field,
                                int64_t raw, double physical, char *out, size_t size)
{
    double input;

    (void)raw;
    if (hid_device_number(device, "UPS.Input.Voltage", false, &input) && input > 80 &&
        fabs(physical * 10 - input) < input / 5)
        physical *= 10;
    return show_decimals(physical, field->exponent < 7 && field->unit == UNIT_VOLT ? 1 : 0, out,
                         size);
}

/* The battery's health. */
static bool show_health(struct hid_device *device, const struct hid_field *field, int64_t raw,
                        double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)physical;
    return raw > 0 && raw <= 100 && snprintf(out, size, "%d%%", (int)raw) < (int)size;
}

/* Rows --------------------------------------------------------------------------------------- */

/* Of iOEMInformation NUT makes battery.mfr.date, which then is "CPS": left out. */
static const struct variable_row variables[] = {
    FULL("battery.charge", SUMMARY "RemainingCapacity", show_charge),
    STATIC("battery.status", SUMMARY "FullChargeCapacity", show_health),
    FULL("battery.voltage", SUMMARY "Voltage", show_battery_voltage),
    FULL("input.frequency", "UPS.Input.Frequency", show_frequency),
    FULL("output.frequency", "UPS.Output.Frequency", show_frequency),
    FULL("output.voltage", "UPS.Output.Voltage", show_output_voltage),
    WORDS_RW("input.sensitivity", "UPS.Output.CPSInputSensitivity", NULL, sensitivities),
    STATIC("ups.firmware", SUMMARY "CPSFirmwareVersion", show_string),
    VARIABLES_END,
};

static const struct status_row flags[] = { FLAGS_END };
static const struct command_row commands[] = { COMMANDS_END };

/* Repairs ------------------------------------------------------------------------------------ */

static void set_range(struct hid_field *field, int32_t maximum)
{
    int32_t most = field->bit_size < 31 ? (int32_t)(1 << field->bit_size) - 1 : INT32_MAX;

    field->logical_minimum = 0;
    field->logical_maximum = maximum < most ? maximum : most;
    field->logical_maximum_size = 4;
}

/*
 * Voltages inherit the range of the transfer voltages before them, so that those who believe it see
 * 136 or 253 V whatever is there; powers end below what they are (issues 439, 581, 982, 1973,
 * 2728).
 */
static void repair(struct hid_descriptor *descriptor, const struct hid_identity *identity,
                   unsigned quirks)
{
    static const char *const voltages[] = { "UPS.Input.Voltage", "UPS.Output.Voltage" };
    static const char *const powers[] = { "UPS.Output.ConfigActivePower",
                                          "UPS.Output.ConfigApparentPower" };

    (void)identity;
    (void)quirks;
    for (size_t i = 0; i < sizeof voltages / sizeof voltages[0]; i++) {
        struct hid_field *field = find_feature(descriptor, voltages[i], NULL);

        if (field != NULL && field->logical_maximum < 511)
            set_range(field, 511);
    }
    for (size_t i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        struct hid_field *field = find_feature(descriptor, powers[i], NULL);

        if (field != NULL && field->logical_maximum < 2048)
            set_range(field, 2048);
    }
}

/* Twelve zeros are no serial number (issues 2791, 2439). */
static void describe(struct hid_device *device)
{
    size_t length = 0;

    while (device->serial[length] == '0')
        length++;
    if (length >= 12 && device->serial[length] == '\0')
        device->serial[0] = '\0';
}

/* Ids ---------------------------------------------------------------------------------------- */

static bool has_its_page(const struct hid_identity *identity,
                         const struct hid_descriptor *descriptor)
{
    (void)identity;
    for (size_t i = 0; i < descriptor->field_count; i++) {
        const struct hid_path *path = &descriptor->fields[i].path;

        if (path->usages[path->length - 1] >> 16 == PAGE_CYBERPOWER)
            return true;
    }
    return false;
}

/* On battery they say that they are on line and discharging. */
static bool is_ut(const struct hid_identity *identity, const struct hid_descriptor *descriptor)
{
    (void)descriptor;
    return strncasecmp(identity->product, "UT", 2) == 0;
}

/* Reading their interrupt pipe makes them drop off the bus on many hosts. */
static const struct family_id ids[] = {
    ID_IF(0x0764, 0x0501, is_ut, HID_QUIRK_POLL_ONLY | HID_QUIRK_DISCHARGE_IS_OB),
    ID_IF(0x0764, 0x0601, is_ut, HID_QUIRK_POLL_ONLY | HID_QUIRK_DISCHARGE_IS_OB),
    ID(0x0764, 0x0005, HID_QUIRK_POLL_ONLY),
    ID_AND_UNKNOWN(0x0764, 0x0501, HID_QUIRK_POLL_ONLY),
    ID(0x0764, 0x0601, HID_QUIRK_POLL_ONLY),
    /* An id of STMicroelectronics. */
    ID_IF(0x0483, 0xa430, has_its_page, HID_QUIRK_POLL_ONLY),
    IDS_END,
};

/* They count minutes. */
const struct family family_cyberpower = {
    .name = "cyberpower",
    .maker = "CyberPower",
    .ids = ids,
    .usages = usages,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 60,
    .on_delay = 120,
    .repair = repair,
    .describe = describe,
};
