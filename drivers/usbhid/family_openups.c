/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mini-Box openUPS: tells the counts of its converters.
 * Source: NUT's usbhid-ups for paths and factors.
 */
#include "drivers/usbhid/families.h"

#define OPENUPS 0xd004

enum reading { INPUT_VOLTAGE, OUTPUT_VOLTAGE, CHARGE_CURRENT, DISCHARGE_CURRENT };

static bool show_scaled(const struct hid_device *device, enum reading reading, double physical,
                        char *out, size_t size)
{
    static const double factors[] = { [INPUT_VOLTAGE] = 3.545,
                                      [OUTPUT_VOLTAGE] = 2.571,
                                      [CHARGE_CURRENT] = 0.08274,
                                      [DISCHARGE_CURRENT] = 1.6113 };
    double factor = device->identity.product_id == OPENUPS ? factors[reading] : 0.1;

    return show_decimals(physical * factor, reading < CHARGE_CURRENT ? 2 : 3, out, size);
}

static bool show_input_voltage(struct hid_device *device, const struct hid_field *field,
                               int64_t raw, double physical, char *out, size_t size)
{
    (void)field;
    (void)raw;
    return show_scaled(device, INPUT_VOLTAGE, physical, out, size);
}

static bool show_output_voltage(struct hid_device *device, const struct hid_field *field,
                                int64_t raw, double physical, char *out, size_t size)
{
    (void)field;
    (void)raw;
    return show_scaled(device, OUTPUT_VOLTAGE, physical, out, size);
}

static bool show_charge_current(struct hid_device *device, const struct hid_field *field,
                                int64_t raw, double physical, char *out, size_t size)
{
    (void)field;
    (void)raw;
    return show_scaled(device, CHARGE_CURRENT, physical, out, size);
}

static bool show_discharge_current(struct hid_device *device, const struct hid_field *field,
                                   int64_t raw, double physical, char *out, size_t size)
{
    (void)field;
    (void)raw;
    return show_scaled(device, DISCHARGE_CURRENT, physical, out, size);
}

/* The temperature is a thermistor's count, of which nothing is published. */
static const struct variable_row variables[] = {
    FULL("input.voltage", SUMMARY "Input.Voltage", show_input_voltage),
    FULL("input.current", SUMMARY "Input.Current", show_charge_current),
    FULL("output.voltage", SUMMARY "Output.Voltage", show_output_voltage),
    FULL("output.current", SUMMARY "Output.Current", show_discharge_current),
    FULL("ups.temperature", SUMMARY "Temperature", show_nothing),
    VARIABLES_END,
};

static const struct status_row flags[] = {
    { FLAG_OFF, PRESENT "Good", is_zero },
    FLAGS_END,
};

static const struct command_row commands[] = { COMMANDS_END };

static const struct family_id ids[] = {
    ID(0x04d8, 0xd004, 0),
    ID(0x04d8, 0xd005, 0),
    IDS_END,
};

const struct family family_openups = {
    .name = "openups",
    .maker = "openUPS",
    .ids = ids,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
};
