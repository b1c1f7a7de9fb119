/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delta Amplon.
 * Source: NUT's usbhid-ups for paths and numbers.
 */
#include "drivers/usbhid/families.h"

#include <stdio.h>

#define OUTPUT "UPS.PowerConverter.Output."
#define CUSTOM "UPS.DeltaCustom.[1]."

static const struct usage_name usages[] = {
    { "DeltaCustom", 0xffff0010 },
    { "DeltaConfigTransferLowMax", 0xffff0057 },
    { "DeltaConfigTransferLowMin", 0xffff0058 },
    { "DeltaConfigTransferHighMax", 0xffff0059 },
    { "DeltaConfigTransferHighMin", 0xffff005a },
    { "DeltaConfigExternalBatteryPack", 0xffff0061 },
    { "DeltaModelName", 0xffff0075 },
    { "DeltaUPSType", 0xffff007c },
    { "DeltaConfigStartPowerRestoreDelay", 0xffff0081 },
    { "DeltaOutputSource", 0xffff0091 },
    { "DeltaConfigSensitivity", 0xffff009b },
    { "DeltaConfigStartPowerRestore", 0xffff009c },
    { NULL, 0 },
};

static const struct value_word sensitivities[] = {
    { 0, "normal" }, { 1, "reduced" }, { 2, "low" }, { 0, NULL }
};

static bool show_type(struct hid_device *device, const struct hid_field *field, int64_t raw,
                      double physical, char *out, size_t size)
{
    static const struct value_word types[] = {
        { 0, "online" },           { 1, "offline" }, { 2, "line-interactive" }, { 3, "offline" },
        { 4, "line-interactive" }, { 5, "3-phase" }, { 6, "split-phase" },      { 0, NULL },
    };

    (void)device;
    (void)field;
    (void)physical;
    return show_word(types, raw & 0x0f, out, size);
}

static const struct value_word sources[] = {
    { 0, "normal" },   { 1, "battery" },   { 2, "bypass/reserve" },
    { 3, "reducing" }, { 4, "boosting" },  { 5, "manual bypass" },
    { 6, "other" },    { 7, "no output" }, { 8, "on eco" },
    { 0, NULL },
};

static bool is_bypass(int64_t raw)
{
    return raw == 2;
}

static bool is_manual_bypass(int64_t raw)
{
    return raw == 5;
}

static bool is_eco(int64_t raw)
{
    return raw == 8;
}

static const struct variable_row variables[] = {
    FULL("battery.charge", BATTERY "RemainingCapacity", NULL),
    STATIC("battery.packs.external", CUSTOM "DeltaConfigExternalBatteryPack", show_raw),
    WORDS_RW("input.sensitivity", CUSTOM "DeltaConfigSensitivity", NULL, sensitivities),
    FULL_WORDS("input.source", OUTLET "DeltaOutputSource", sources),
    STATIC("input.transfer.high.max", OUTPUT "DeltaConfigTransferHighMax", NULL),
    STATIC("input.transfer.high.min", OUTPUT "DeltaConfigTransferHighMin", NULL),
    STATIC("input.transfer.low.max", OUTPUT "DeltaConfigTransferLowMax", NULL),
    STATIC("input.transfer.low.min", OUTPUT "DeltaConfigTransferLowMin", NULL),
    FULL("input.voltage", SUMMARY "Input.Voltage", NULL),
    WORDS_RW("ups.start.auto", CUSTOM "DeltaConfigStartPowerRestore", show_yes_no, words_yes_no),
    STATIC("ups.type", CUSTOM "DeltaUPSType", show_type),
    VARIABLES_END,
};

/* Of PowerConverter.PresentStatus.Used NUT makes "no battery"; on models with the same usage it is
 * set on line, with a battery: it is left alone. */
static const struct status_row flags[] = {
    { FLAG_OFF, PRESENT "Good", is_zero },
    { FLAG_BYPASS_AUTO, OUTLET "DeltaOutputSource", is_bypass },
    { FLAG_BYPASS_MANUAL, OUTLET "DeltaOutputSource", is_manual_bypass },
    { FLAG_ECO, OUTLET "DeltaOutputSource", is_eco },
    FLAGS_END,
};

static const struct command_row commands[] = { COMMANDS_END };

static void describe(struct hid_device *device)
{
    int64_t index;
    char text[64];

    if (hid_device_raw(device, CUSTOM "DeltaModelName", true, &index, NULL) &&
        show_string(device, NULL, index, 0, text, sizeof text))
        snprintf(device->model, sizeof device->model, "%s", text);
}

static const struct family_id ids[] = { ID(0x05dd, 0x041b, 0), IDS_END };

const struct family family_delta = {
    .name = "delta",
    .maker = "Delta",
    .ids = ids,
    .usages = usages,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
    .describe = describe,
};
