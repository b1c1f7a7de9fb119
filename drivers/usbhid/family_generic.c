/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every HID power device: the paths that the standard's usages lead makers to. A maker's own rows
 * come before these.
 * Source: HID usage tables for power devices 1.1; NUT's usbhid-ups for which path is which name.
 */
#include "drivers/usbhid/families.h"

bool is_zero(int64_t raw)
{
    return raw == 0;
}

bool show_nothing(struct hid_device *device, const struct hid_field *field, int64_t raw,
                  double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)raw;
    (void)physical;
    (void)out;
    (void)size;
    return false;
}

/* A charge in percent also from devices that count milliampere hours. */
static bool show_charge(struct hid_device *device, const struct hid_field *field, int64_t raw,
                        double physical, char *out, size_t size)
{
    int64_t mode, full;

    (void)field;
    if (hid_device_raw(device, SUMMARY "CapacityMode", true, &mode, NULL) && mode < 2 &&
        hid_device_raw(device, SUMMARY "FullChargeCapacity", true, &full, NULL) && full > 100)
        physical = (double)raw * 100 / (double)full;
    return show_decimals(physical, 0, out, size);
}

bool show_timer(struct hid_device *device, const struct hid_field *field, int64_t raw,
                double physical, char *out, size_t size)
{
    (void)device;
    if (raw == ((int64_t)1 << field->bit_size) - 1)
        physical = -1;
    return show_decimals(physical, 0, out, size);
}

static const struct variable_row variables[] = {
    FULL("battery.charge", SUMMARY "RemainingCapacity", show_charge),
    FULL("battery.charge", "UPS.Battery.RemainingCapacity", show_charge),
    FULL("battery.charge", BATTERY "RemainingCapacity", show_charge),
    NUMBER_RW("battery.charge.low", SUMMARY "RemainingCapacityLimit", show_low_limit),
    STATIC("battery.charge.warning", SUMMARY "WarningCapacityLimit", NULL),
    FULL("battery.runtime", "UPS.Battery.RunTimeToEmpty", show_whole),
    FULL("battery.runtime", SUMMARY "RunTimeToEmpty", show_whole),
    FULL("battery.runtime", BATTERY "RunTimeToEmpty", show_whole),
    NUMBER_RW("battery.runtime.low", "UPS.Battery.RemainingTimeLimit", NULL),
    NUMBER_RW("battery.runtime.low", SUMMARY "RemainingTimeLimit", NULL),
    FULL("battery.voltage", "UPS.Battery.Voltage", NULL),
    FULL("battery.voltage", SUMMARY "Voltage", NULL),
    FULL("battery.voltage", BATTERY "Voltage", NULL),
    STATIC("battery.voltage.nominal", "UPS.Battery.ConfigVoltage", NULL),
    STATIC("battery.voltage.nominal", SUMMARY "ConfigVoltage", NULL),
    STATIC("battery.voltage.nominal", BATTERY "ConfigVoltage", NULL),
    FULL("battery.current", "UPS.Battery.Current", NULL),
    FULL("battery.current", SUMMARY "Current", NULL),
    STATIC("battery.capacity", SUMMARY "DesignCapacity", show_ampere_hours),
    STATIC("battery.capacity", BATTERY "DesignCapacity", show_ampere_hours),
    FULL("battery.temperature", "UPS.Battery.Temperature", NULL),
    FULL("battery.temperature", BATTERY "Temperature", NULL),
    FULL("battery.temperature", "UPS.BatterySystem.Temperature", NULL),
    STATIC("battery.type", SUMMARY "iDeviceChemistry", show_string),
    STATIC("battery.type", "UPS.Battery.iDeviceChemistry", show_string),
    STATIC("battery.mfr.date", "UPS.Battery.ManufacturerDate", show_date),
    STATIC("ups.mfr.date", "UPS.ManufacturerDate", show_date),
    STATIC("ups.mfr.date", SUMMARY "ManufacturerDate", show_date),

    FULL("input.voltage", "UPS.Input.Voltage", NULL),
    FULL("input.voltage", CONVERTER "Input.[1].Voltage", NULL),
    FULL("input.voltage", CONVERTER "Input.Voltage", NULL),
    FULL("input.voltage", SUMMARY "Input.Voltage", NULL),
    STATIC("input.voltage.nominal", "UPS.Input.ConfigVoltage", NULL),
    STATIC("input.voltage.nominal", "UPS.Flow.[1].ConfigVoltage", NULL),
    STATIC("input.voltage.nominal", SUMMARY "Input.ConfigVoltage", NULL),
    STATIC("input.voltage.nominal", "UPS.Flow.ConfigVoltage", NULL),
    FULL("input.current", "UPS.Input.Current", NULL),
    FULL("input.current", CONVERTER "Input.[1].Current", NULL),
    FULL("input.frequency", "UPS.Input.Frequency", NULL),
    FULL("input.frequency", CONVERTER "Input.[1].Frequency", NULL),
    FULL("input.frequency", CONVERTER "Input.Frequency", NULL),
    FULL("input.frequency", SUMMARY "Input.Frequency", NULL),
    STATIC("input.frequency.nominal", "UPS.Flow.[1].ConfigFrequency", NULL),
    STATIC("input.frequency.nominal", "UPS.Input.ConfigFrequency", NULL),
    NUMBER_RW("input.transfer.low", "UPS.Input.LowVoltageTransfer", NULL),
    NUMBER_RW("input.transfer.low", "UPS.Output.LowVoltageTransfer", NULL),
    NUMBER_RW("input.transfer.low", CONVERTER "Output.LowVoltageTransfer", NULL),
    NUMBER_RW("input.transfer.high", "UPS.Input.HighVoltageTransfer", NULL),
    NUMBER_RW("input.transfer.high", "UPS.Output.HighVoltageTransfer", NULL),
    NUMBER_RW("input.transfer.high", CONVERTER "Output.HighVoltageTransfer", NULL),

    FULL("output.voltage", "UPS.Output.Voltage", NULL),
    FULL("output.voltage", CONVERTER "Output.Voltage", NULL),
    STATIC("output.voltage.nominal", "UPS.Output.ConfigVoltage", NULL),
    STATIC("output.voltage.nominal", "UPS.Flow.[4].ConfigVoltage", NULL),
    STATIC("output.voltage.nominal", "UPS.Flow.ConfigVoltage", NULL),
    FULL("output.current", "UPS.Output.Current", NULL),
    FULL("output.current", CONVERTER "Output.Current", NULL),
    FULL("output.frequency", "UPS.Output.Frequency", NULL),
    FULL("output.frequency", CONVERTER "Output.Frequency", NULL),
    STATIC("output.frequency.nominal", "UPS.Output.ConfigFrequency", NULL),
    STATIC("output.frequency.nominal", "UPS.Flow.[4].ConfigFrequency", NULL),
    STATIC("output.frequency.nominal", "UPS.Flow.ConfigFrequency", NULL),

    FULL("ups.load", "UPS.Output.PercentLoad", NULL),
    FULL("ups.load", CONVERTER "PercentLoad", NULL),
    FULL("ups.load", CONVERTER "Output.PercentLoad", NULL),
    FULL("ups.load", SUMMARY "PercentLoad", NULL),
    FULL("ups.load", OUTLET "PercentLoad", NULL),
    FULL("ups.realpower", "UPS.Output.ActivePower", NULL),
    FULL("ups.realpower", CONVERTER "Output.ActivePower", NULL),
    FULL("ups.realpower", OUTLET "ActivePower", NULL),
    FULL("ups.power", "UPS.Output.ApparentPower", NULL),
    FULL("ups.power", CONVERTER "Output.ApparentPower", NULL),
    STATIC("ups.realpower.nominal", "UPS.Output.ConfigActivePower", NULL),
    STATIC("ups.realpower.nominal", CONVERTER "ConfigActivePower", NULL),
    STATIC("ups.realpower.nominal", "UPS.Flow.[4].ConfigActivePower", NULL),
    STATIC("ups.realpower.nominal", "UPS.Flow.ConfigActivePower", NULL),
    STATIC("ups.power.nominal", "UPS.Output.ConfigApparentPower", NULL),
    STATIC("ups.power.nominal", CONVERTER "ConfigApparentPower", NULL),
    STATIC("ups.power.nominal", "UPS.Flow.[4].ConfigApparentPower", NULL),
    STATIC("ups.power.nominal", "UPS.Flow.ConfigApparentPower", NULL),
    FULL("ups.temperature", SUMMARY "Temperature", NULL),
    FULL("ups.temperature", "UPS.Output.Temperature", NULL),
    FULL("ups.temperature", CONVERTER "Temperature", NULL),
    FULL_WORDS("ups.beeper.status", SUMMARY "AudibleAlarmControl", words_beeper),
    FULL_WORDS("ups.beeper.status", BATTERY "AudibleAlarmControl", words_beeper),
    FULL_WORDS("ups.beeper.status", "UPS.AudibleAlarmControl", words_beeper),
    FULL_WORDS("ups.test.result", "UPS.Battery.Test", words_test),
    FULL_WORDS("ups.test.result", BATTERY "Test", words_test),
    FULL_WORDS("ups.test.result", "UPS.BatterySystem.Test", words_test),
    FULL_WORDS("ups.test.result", "UPS.Output.Test", words_test),
    FULL_WORDS("ups.test.result", SUMMARY "Test", words_test),

    FULL("ups.timer.shutdown", SUMMARY "DelayBeforeShutdown", show_timer),
    FULL("ups.timer.shutdown", "UPS.Output.DelayBeforeShutdown", show_timer),
    FULL("ups.timer.shutdown", OUTLET "DelayBeforeShutdown", show_timer),
    FULL("ups.timer.start", SUMMARY "DelayBeforeStartup", show_timer),
    FULL("ups.timer.start", "UPS.Output.DelayBeforeStartup", show_timer),
    FULL("ups.timer.start", OUTLET "DelayBeforeStartup", show_timer),
    FULL("ups.timer.reboot", SUMMARY "DelayBeforeReboot", show_timer),
    FULL("ups.timer.reboot", "UPS.Output.DelayBeforeReboot", show_timer),
    FULL("ups.timer.reboot", OUTLET "DelayBeforeReboot", show_timer),
    VARIABLES_END,
};

static const struct status_row flags[] = {
    { FLAG_ONLINE, PRESENT "ACPresent", NULL },
    { FLAG_ONLINE, SUMMARY "ACPresent", NULL },
    { FLAG_ONLINE, "UPS.PresentStatus.ACPresent", NULL },
    { FLAG_DISCHARGING, PRESENT "Discharging", NULL },
    { FLAG_DISCHARGING, SUMMARY "Discharging", NULL },
    { FLAG_DISCHARGING, "UPS.PresentStatus.Discharging", NULL },
    { FLAG_DISCHARGING, BATTERY "PresentStatus.Discharging", NULL },
    { FLAG_CHARGING, PRESENT "Charging", NULL },
    { FLAG_CHARGING, SUMMARY "Charging", NULL },
    { FLAG_CHARGING, "UPS.PresentStatus.Charging", NULL },
    { FLAG_CHARGING, BATTERY "PresentStatus.Charging", NULL },
    { FLAG_FULLY_CHARGED, PRESENT "FullyCharged", NULL },
    { FLAG_FULLY_CHARGED, SUMMARY "FullyCharged", NULL },
    { FLAG_DEPLETED, PRESENT "FullyDischarged", NULL },
    { FLAG_DEPLETED, SUMMARY "FullyDischarged", NULL },
    { FLAG_LOW_BATTERY, PRESENT "BelowRemainingCapacityLimit", NULL },
    { FLAG_LOW_BATTERY, SUMMARY "BelowRemainingCapacityLimit", NULL },
    { FLAG_LOW_BATTERY, "UPS.PresentStatus.BelowRemainingCapacityLimit", NULL },
    { FLAG_LOW_BATTERY, BATTERY "PresentStatus.BelowRemainingCapacityLimit", NULL },
    { FLAG_TIME_LIMIT_EXPIRED, PRESENT "RemainingTimeLimitExpired", NULL },
    { FLAG_TIME_LIMIT_EXPIRED, SUMMARY "RemainingTimeLimitExpired", NULL },
    { FLAG_TIME_LIMIT_EXPIRED, "UPS.PresentStatus.RemainingTimeLimitExpired", NULL },
    { FLAG_SHUTDOWN_IMMINENT, PRESENT "ShutdownImminent", NULL },
    { FLAG_SHUTDOWN_IMMINENT, SUMMARY "ShutdownImminent", NULL },
    { FLAG_SHUTDOWN_IMMINENT, "UPS.PresentStatus.ShutdownImminent", NULL },
    { FLAG_OVERLOAD, PRESENT "Overload", NULL },
    { FLAG_OVERLOAD, SUMMARY "Overload", NULL },
    { FLAG_OVERLOAD, "UPS.PresentStatus.Overload", NULL },
    { FLAG_OVERLOAD, "UPS.Output.Overload", NULL },
    { FLAG_OVERLOAD, CONVERTER "PresentStatus.Overload", NULL },
    { FLAG_REPLACE_BATTERY, PRESENT "NeedReplacement", NULL },
    { FLAG_REPLACE_BATTERY, SUMMARY "NeedReplacement", NULL },
    { FLAG_REPLACE_BATTERY, "UPS.PresentStatus.NeedReplacement", NULL },
    { FLAG_BATTERY_PRESENT, PRESENT "BatteryPresent", NULL },
    { FLAG_BATTERY_PRESENT, SUMMARY "BatteryPresent", NULL },
    { FLAG_BATTERY_PRESENT, "UPS.PresentStatus.BatteryPresent", NULL },
    { FLAG_BATTERY_PRESENT, BATTERY "PresentStatus.Present", NULL },
    { FLAG_BOOST, "UPS.Output.Boost", NULL },
    { FLAG_BOOST, CONVERTER "PresentStatus.Boost", NULL },
    { FLAG_BOOST, CONVERTER "Input.[1].PresentStatus.Boost", NULL },
    { FLAG_BOOST, "UPS.PresentStatus.Boost", NULL },
    { FLAG_TRIM, "UPS.Output.Buck", NULL },
    { FLAG_TRIM, CONVERTER "PresentStatus.Buck", NULL },
    { FLAG_TRIM, CONVERTER "Input.[1].PresentStatus.Buck", NULL },
    { FLAG_TRIM, "UPS.PresentStatus.Buck", NULL },
    { FLAG_OVER_TEMPERATURE, PRESENT "OverTemperature", NULL },
    { FLAG_OVER_TEMPERATURE, SUMMARY "OverTemperature", NULL },
    { FLAG_OVER_TEMPERATURE, CONVERTER "PresentStatus.OverTemperature", NULL },
    { FLAG_INTERNAL_FAILURE, PRESENT "InternalFailure", NULL },
    { FLAG_INTERNAL_FAILURE, CONVERTER "PresentStatus.InternalFailure", NULL },
    { FLAG_COMMUNICATION_LOST, PRESENT "CommunicationLost", NULL },
    { FLAG_COMMUNICATION_LOST, SUMMARY "CommunicationLost", NULL },
    { FLAG_AWAITING_POWER, CONVERTER "PresentStatus.AwaitingPower", NULL },
    { FLAG_INPUT_VOLTAGE_BAD, CONVERTER "PresentStatus.VoltageOutOfRange", NULL },
    { FLAG_INPUT_VOLTAGE_BAD, CONVERTER "Input.[1].PresentStatus.VoltageOutOfRange", NULL },
    { FLAG_INPUT_FREQUENCY_BAD, CONVERTER "Input.[1].PresentStatus.FrequencyOutOfRange", NULL },
    FLAGS_END,
};

static const struct command_row commands[] = {
    TEST_COMMANDS("UPS.Battery.Test"),
    TEST_COMMANDS(BATTERY "Test"),
    TEST_COMMANDS("UPS.BatterySystem.Test"),
    TEST_COMMANDS("UPS.Output.Test"),
    TEST_COMMANDS(SUMMARY "Test"),
    BEEPER_COMMANDS(SUMMARY "AudibleAlarmControl"),
    BEEPER_COMMANDS(BATTERY "AudibleAlarmControl"),
    BEEPER_COMMANDS("UPS.AudibleAlarmControl"),
    DELAY_COMMANDS(SUMMARY),
    DELAY_COMMANDS("UPS.Output."),
    DELAY_COMMANDS(OUTLET),
    COMMANDS_END,
};

static const struct family_id ids[] = { IDS_END };

const struct family family_generic = {
    .name = "generic",
    .ids = ids,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
};
