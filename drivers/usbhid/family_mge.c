/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eaton, once MGE UPS Systems; also what they make for Dell, IBM, HP, AEG, Powerware and Santak.
 * Phoenixtec's and Salicru's larger models have the same tree (family_phoenixtec.c,
 * family_salicru.c).
 * Source: recordings of five models (tests/data/hid/eaton-*, santak-*, powerwalker-*), NUT's
 * usbhid-ups for paths and numbers, NUT's issues as named below.
 */
#include "drivers/usbhid/families.h"

#include <stdio.h>
#include <string.h>

#define INPUT "UPS.PowerConverter.Input.[1]."
#define BYPASS "UPS.PowerConverter.Input.[2]."
#define RESERVE "UPS.PowerConverter.Input.[3]."
#define OUTPUT "UPS.PowerConverter.Output."
#define CHARGER "UPS.BatterySystem.Charger."
#define MAIN_OUTLET "UPS.OutletSystem.Outlet.[1]."
#define OUTLET_1 "UPS.OutletSystem.Outlet.[2]."
#define OUTLET_2 "UPS.OutletSystem.Outlet.[3]."
#define OUTLET_3 "UPS.OutletSystem.Outlet.[4]."

const struct usage_name mge_usages[] = {
    { "Statistic", 0xffff0003 },
    { "StatisticSystem", 0xffff0004 },
    { "USB", 0xffff0005 },
    { "Phase", 0xffff0010 },
    { "Inverter", 0xffff0014 },
    { "OverallAlarm", 0xffff0022 },
    { "ConfigurationFailure", 0xffff002d },
    { "ConverterType", 0xffff0041 },
    { "AutomaticRestart", 0xffff0043 },
    { "ForcedReboot", 0xffff0044 },
    { "TestPeriod", 0xffff0045 },
    { "EnergySaving", 0xffff0046 },
    { "StartOnBattery", 0xffff0047 },
    { "DeepDischargeProtection", 0xffff0049 },
    { "ShortCircuit", 0xffff004a },
    { "ExtendedVoltageMode", 0xffff004b },
    { "SensitivityMode", 0xffff004c },
    { "RemainingCapacityLimitSetting", 0xffff004d },
    { "ExtendedFrequencyMode", 0xffff004e },
    { "LowVoltageBoostTransfer", 0xffff0050 },
    { "HighVoltageBoostTransfer", 0xffff0051 },
    { "LowVoltageBuckTransfer", 0xffff0052 },
    { "HighVoltageBuckTransfer", 0xffff0053 },
    { "OverloadTransferEnable", 0xffff0054 },
    { "OutOfToleranceTransferEnable", 0xffff0055 },
    { "ForcedTransferEnable", 0xffff0056 },
    { "LowVoltageBypassTransfer", 0xffff0057 },
    { "HighVoltageBypassTransfer", 0xffff0058 },
    { "FrequencyRangeBypassTransfer", 0xffff0059 },
    { "LowVoltageEcoTransfer", 0xffff005a },
    { "HighVoltageEcoTransfer", 0xffff005b },
    { "FrequencyRangeEcoTransfer", 0xffff005c },
    { "ShutdownTimer", 0xffff005d },
    { "StartupTimer", 0xffff005e },
    { "RestartLevel", 0xffff005f },
    { "EmergencyStop", 0xffff0068 },
    { "PowerFactor", 0xffff0069 },
    { "ChargerType", 0xffff006b },
    { "VoltageTooHigh", 0xffff0074 },
    { "VoltageTooLow", 0xffff0075 },
    { "FanFailure", 0xffff0077 },
    { "WiringFault", 0xffff0078 },
    { "OverThreshold", 0xffff007e },
    { "ECOControl", 0xffff0085 },
    { "Efficiency", 0xffff0086 },
    { "ABMEnable", 0xffff0087 },
    { "Mode", 0xffff0094 },
    { "Time", 0xffff0097 },
    { "HysteresisVoltageTransfer", 0xffff009c },
    { "iDesignator", 0xffff00ba },
    { "System", 0xffff00e5 },
    { "Status", 0xffff00e9 },
    { "iModel", 0xffff00f0 },
    { "iVersion", 0xffff00f1 },
    { "iPartNumber", 0xffff00f3 },
    { NULL, 0 },
};

/* Conversions -------------------------------------------------------------------------------- */

static const struct value_word sensitivities[] = {
    { 0, "normal" }, { 1, "high" }, { 2, "low" }, { 0, NULL }
};

static const struct value_word types[] = {
    { 1, "offline / line interactive" },      { 2, "online" },
    { 3, "online - unitary/parallel" },       { 4, "online - parallel with hot standby" },
    { 5, "online - hot standby redundancy" }, { 0, NULL },
};

/* The charger tells its state only where its three-stage charging is on. */
static bool charger_tells(struct hid_device *device)
{
    int64_t enabled;

    return hid_device_raw(device, CHARGER "ABMEnable", false, &enabled, NULL) && enabled == 1;
}

static bool show_charger_mode(struct hid_device *device, const struct hid_field *field, int64_t raw,
                              double physical, char *out, size_t size)
{
    static const struct value_word words[] = {
        { 1, "charging" }, { 2, "discharging" }, { 3, "floating" },
        { 4, "resting" },  { 6, "off" },         { 0, NULL },
    };

    (void)field;
    (void)physical;
    return charger_tells(device) && show_word(words, raw, out, size);
}

/* Numbered another way than the mode. */
static bool show_charger_status(struct hid_device *device, const struct hid_field *field,
                                int64_t raw, double physical, char *out, size_t size)
{
    static const struct value_word words[] = {
        { 1, "charging" },    { 2, "floating" }, { 3, "resting" },
        { 4, "discharging" }, { 6, "off" },      { 0, NULL },
    };

    (void)field;
    (void)physical;
    return charger_tells(device) && show_word(words, raw, out, size);
}

/* What outlets are called: they have numbers, and no names. */
static bool show_main_outlet(struct hid_device *device, const struct hid_field *field, int64_t raw,
                             double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)raw;
    (void)physical;
    return snprintf(out, size, "Main Outlet") < (int)size;
}

static bool show_share_outlet(struct hid_device *device, const struct hid_field *field, int64_t raw,
                              double physical, char *out, size_t size)
{
    hid_usage instance = field->path.usages[field->path.length - 2];

    (void)device;
    (void)raw;
    (void)physical;
    return snprintf(out, size, "PowerShare Outlet %u", (unsigned)(instance & 0xffff) - 1) <
           (int)size;
}

/* Rows --------------------------------------------------------------------------------------- */

#define YES_NO(variable, path) WORDS_RW(variable, path, show_yes_no, words_yes_no)
#define ENABLED(variable, path) WORDS_RW(variable, path, show_enabled, words_enabled)
#define SHARE_OUTLET(number, at)                                                                 \
    STATIC("outlet." number ".id", at "OutletID", show_raw),                                     \
        STATIC("outlet." number ".desc", at "OutletID", show_share_outlet),                      \
        STATIC("outlet." number ".designator", at "iDesignator", show_string),                   \
        STATIC("outlet." number ".switchable", at "PresentStatus.Switchable", show_yes_no),      \
        FULL("outlet." number ".status", at "PresentStatus.SwitchOn/Off", show_on_off),          \
        NUMBER_RW("outlet." number ".autoswitch.charge.low", at "RemainingCapacityLimit", NULL), \
        NUMBER_RW("outlet." number ".delay.shutdown", at "ShutdownTimer", NULL),                 \
        NUMBER_RW("outlet." number ".delay.start", at "StartupTimer", NULL),                     \
        FULL("outlet." number ".power", at "ApparentPower", NULL),                               \
        FULL("outlet." number ".realpower", at "ActivePower", NULL),                             \
        FULL("outlet." number ".current", at "Current", NULL),                                   \
        FULL("outlet." number ".powerfactor", at "PowerFactor", show_percent_as_factor)
#define PHASE_OF(number)                                                                     \
    FULL("input.L" number ".current", INPUT "Phase.[" number "].Current", NULL),             \
        FULL("input.bypass.L" number ".current", BYPASS "Phase.[" number "].Current", NULL), \
        FULL("output.L" number ".current", OUTPUT "Phase.[" number "].Current", NULL),       \
        FULL("ups.L" number ".power", OUTPUT "Phase.[" number "].ApparentPower", NULL),      \
        FULL("ups.L" number ".realpower", OUTPUT "Phase.[" number "].ActivePower", NULL)

const struct variable_row mge_variables[] = {
    NUMBER_RW("battery.charge.low", SUMMARY "RemainingCapacityLimitSetting", show_whole),
    STATIC("battery.charge.low", SUMMARY "RemainingCapacityLimit", show_low_limit),
    NUMBER_RW("battery.charge.restart", SUMMARY "RestartLevel", NULL),
    FULL("battery.charger.status", CHARGER "Mode", show_charger_mode),
    FULL("battery.charger.status", CHARGER "Status", show_charger_status),
    YES_NO("battery.energysave", RESERVE "EnergySaving"),
    NUMBER_RW("battery.energysave.load", RESERVE "ConfigPercentLoad", NULL),
    NUMBER_RW("battery.energysave.delay", RESERVE "EnergySaving.ShutdownTimer", NULL),
    NUMBER_RW("battery.energysave.delay", RESERVE "ShutdownTimer", NULL),
    NUMBER_RW("battery.energysave.realpower", RESERVE "ConfigActivePower", NULL),
    YES_NO("battery.protection", BATTERY "DeepDischargeProtection"),
    FULL("battery.runtime.elapsed", "UPS.StatisticSystem.Input.[1].Statistic.[1].Time", NULL),
    FULL("battery.voltage", "UPS.BatterySystem.Voltage", NULL),
    STATIC("battery.voltage.nominal", "UPS.BatterySystem.ConfigVoltage", NULL),
    STATIC("device.part", SUMMARY "iPartNumber", show_string),
    STATIC("device.usb.version", "UPS.System.USB.iVersion", show_string),

    FULL("input.bypass.current", BYPASS "Current", NULL),
    FULL("input.bypass.frequency", BYPASS "Frequency", NULL),
    FULL("input.bypass.voltage", BYPASS "Voltage", NULL),
    STATIC("input.bypass.current.nominal", "UPS.Flow.[2].ConfigCurrent", NULL),
    STATIC("input.bypass.frequency.nominal", "UPS.Flow.[2].ConfigFrequency", NULL),
    STATIC("input.bypass.voltage.nominal", "UPS.Flow.[2].ConfigVoltage", NULL),
    ENABLED("input.bypass.switchable", BYPASS "Switchable"),
    STATIC("input.current.nominal", "UPS.Flow.[1].ConfigCurrent", NULL),
    YES_NO("input.frequency.extended", OUTPUT "ExtendedFrequencyMode"),
    WORDS_RW("input.sensitivity", OUTPUT "SensitivityMode", NULL, sensitivities),
    NUMBER_RW("input.transfer.boost.high", OUTPUT "HighVoltageBoostTransfer", NULL),
    NUMBER_RW("input.transfer.boost.low", OUTPUT "LowVoltageBoostTransfer", NULL),
    ENABLED("input.transfer.bypass.forced", BYPASS "ForcedTransferEnable"),
    NUMBER_RW("input.transfer.bypass.high", OUTPUT "HighVoltageBypassTransfer", NULL),
    NUMBER_RW("input.transfer.bypass.low", OUTPUT "LowVoltageBypassTransfer", NULL),
    ENABLED("input.transfer.bypass.outlimits", BYPASS "OutOfToleranceTransferEnable"),
    ENABLED("input.transfer.bypass.overload", BYPASS "OverloadTransferEnable"),
    NUMBER_RW("input.transfer.eco.high", OUTPUT "HighVoltageEcoTransfer", NULL),
    NUMBER_RW("input.transfer.eco.low", OUTPUT "LowVoltageEcoTransfer", NULL),
    NUMBER_RW("input.transfer.frequency.bypass.range", OUTPUT "FrequencyRangeBypassTransfer",
              show_raw),
    NUMBER_RW("input.transfer.frequency.eco.range", OUTPUT "FrequencyRangeEcoTransfer", show_raw),
    NUMBER_RW("input.transfer.hysteresis", OUTPUT "HysteresisVoltageTransfer", NULL),
    NUMBER_RW("input.transfer.trim.high", OUTPUT "HighVoltageBuckTransfer", NULL),
    NUMBER_RW("input.transfer.trim.low", OUTPUT "LowVoltageBuckTransfer", NULL),
    YES_NO("input.voltage.extended", OUTPUT "ExtendedVoltageMode"),

    STATIC("outlet.id", MAIN_OUTLET "OutletID", show_raw),
    STATIC("outlet.desc", MAIN_OUTLET "OutletID", show_main_outlet),
    STATIC("outlet.switchable", MAIN_OUTLET "PresentStatus.Switchable", show_yes_no),
    FULL("outlet.power", MAIN_OUTLET "ApparentPower", NULL),
    FULL("outlet.realpower", MAIN_OUTLET "ActivePower", NULL),
    FULL("outlet.current", MAIN_OUTLET "Current", NULL),
    FULL("outlet.powerfactor", MAIN_OUTLET "PowerFactor", show_percent_as_factor),
    SHARE_OUTLET("1", OUTLET_1),
    SHARE_OUTLET("2", OUTLET_2),
    SHARE_OUTLET("3", OUTLET_3),
    STATIC("output.current.nominal", "UPS.Flow.[4].ConfigCurrent", NULL),
    FULL("output.powerfactor", OUTPUT "PowerFactor", show_percent_as_factor),
    NUMBER_RW("output.voltage.nominal", "UPS.Flow.[4].ConfigVoltage", NULL),
    PHASE_OF("1"),
    PHASE_OF("2"),
    PHASE_OF("3"),

    FULL("ups.efficiency", OUTPUT "Efficiency", NULL),
    STATIC("ups.firmware", SUMMARY "iVersion", show_string),
    NUMBER_RW("ups.load.high", "UPS.Flow.[4].ConfigPercentLoad", NULL),
    ENABLED("ups.shutdown", SUMMARY "PresentStatus.Switchable"),
    YES_NO("ups.start.auto", INPUT "AutomaticRestart"),
    YES_NO("ups.start.battery", RESERVE "StartOnBattery"),
    YES_NO("ups.start.reboot", OUTPUT "ForcedReboot"),
    NUMBER_RW("ups.test.interval", BATTERY "TestPeriod", NULL),
    STATIC_WORDS("ups.type", CONVERTER "ConverterType", types),
    VARIABLES_END,
};

/* RemainingTimeLimitExpired and the like are the generic ones. */
const struct status_row mge_flags[] = {
    { FLAG_OFF, PRESENT "Good", is_zero },
    { FLAG_OVERLOAD, OUTPUT "Overload.[1].PresentStatus.OverThreshold", NULL },
    { FLAG_OVERLOAD, OUTPUT "Overload.[2].PresentStatus.OverThreshold", NULL },
    { FLAG_BYPASS_AUTO, BYPASS "PresentStatus.Used", NULL },
    { FLAG_BYPASS_MANUAL, "UPS.PowerConverter.Input.[4].PresentStatus.Used", NULL },
    { FLAG_ECO, "UPS.PowerConverter.Input.[5].PresentStatus.Used", NULL },
    { FLAG_FAN_FAILURE, PRESENT "FanFailure", NULL },
    { FLAG_CHARGER_FAILURE, CHARGER "PresentStatus.InternalFailure", NULL },
    { FLAG_BATTERY_VOLTAGE_HIGH, CHARGER "PresentStatus.VoltageTooHigh", NULL },
    { FLAG_BATTERY_VOLTAGE_HIGH, BATTERY "PresentStatus.VoltageTooHigh", NULL },
    { FLAG_BATTERY_VOLTAGE_LOW, CHARGER "PresentStatus.VoltageTooLow", NULL },
    FLAGS_END,
};

#define OUTLET_COMMANDS(number, at)                                   \
    WRITE("outlet." number ".load.off", at "DelayBeforeShutdown", 0), \
        WRITE("outlet." number ".load.on", at "DelayBeforeStartup", 0)

const struct command_row mge_commands[] = {
    WRITE("bypass.start", BYPASS "SwitchOnControl", 1),
    WRITE("bypass.stop", BYPASS "SwitchOffControl", 1),
    OUTLET_COMMANDS("1", OUTLET_1),
    OUTLET_COMMANDS("2", OUTLET_2),
    OUTLET_COMMANDS("3", OUTLET_3),
    COMMANDS_END,
};

/* "5E" and "1100i" are two strings. False: the device has no second one. */
static bool add_model_string(struct hid_device *device)
{
    int64_t index;
    char text[64];

    if (!hid_device_raw(device, SUMMARY "iModel", true, &index, NULL) ||
        !show_string(device, NULL, index, 0, text, sizeof text))
        return false;
    if (strstr(device->model, text) == NULL)
        add_to_model(device, text);
    return true;
}

void mge_describe(struct hid_device *device)
{
    add_model_string(device);
}

/* Without it the rating tells an "Eaton 5SC" 750 from a 1500: so people know theirs from NUT. */
static void describe(struct hid_device *device)
{
    double rating;
    char text[32];

    if (add_model_string(device) || device->model[0] == '\0' ||
        !hid_device_number(device, "UPS.Flow.[4].ConfigApparentPower", true, &rating) ||
        rating < 1 || rating > 1e6)
        return;
    snprintf(text, sizeof text, "%.0f", rating);
    if (strstr(device->model, text) == NULL)
        add_to_model(device, text);
}

/* Ids ---------------------------------------------------------------------------------------- */

/* ShutdownImminent goes up with the mains' going down (issues 1942, 3087). */
#define QUIRKS HID_QUIRK_IMMINENT_LIES

static const struct family_id ids[] = {
    ID(0x0463, 0x0001, QUIRKS),
    ID_AND_UNKNOWN(0x0463, 0xffff, QUIRKS),
    ID(0x047c, 0xffff, QUIRKS), /* Dell */
    ID(0x0592, 0x0004, QUIRKS), /* Powerware */
    ID(0x03f0, 0x1fe5, QUIRKS), /* HP R1500 G2 and its kin */
    ID(0x03f0, 0x1fe6, QUIRKS),
    ID(0x03f0, 0x1fe7, QUIRKS),
    ID(0x03f0, 0x1fe8, QUIRKS),
    ID(0x2b2d, 0xffff, QUIRKS), /* AEG */
    ID(0x04b3, 0x0001, QUIRKS), /* IBM */
    ID(0x09d6, 0x0001, QUIRKS), /* KSTAR */
    IDS_END,
};

const struct family family_mge = {
    .name = "mge",
    .maker = "Eaton",
    .ids = ids,
    .usages = mge_usages,
    .variables = mge_variables,
    .flags = mge_flags,
    .commands = mge_commands,
    .off_delay = 20,
    .on_delay = 30,
    .describe = describe,
};
