/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Belkin: a tree of its own on page 0x86, beside the standard's.
 * Source: NUT's usbhid-ups for paths, numbers and the bits of the two words of status.
 */
#include "drivers/usbhid/families.h"

#define CONFIG "UPS.BELKINConfig."
#define CONTROLS "UPS.BELKINControls."
#define POWER_STATUS "UPS.BELKINStatus.BELKINPowerStatus"
#define BATTERY_STATUS "UPS.BELKINStatus.BELKINBatteryStatus"

static const struct usage_name usages[] = {
    { "BELKINBatterySystem", 0x00860010 },
    { "BELKINInput", 0x0086001a },
    { "BELKINOutput", 0x0086001c },
    { "BELKINPowerStatus", 0x00860021 },
    { "BELKINBatteryStatus", 0x00860022 },
    { "BELKINConfig", 0x00860026 },
    { "BELKINControls", 0x00860027 },
    { "BELKINStatus", 0x00860028 },
    { "BELKINDevice", 0x00860029 },
    { "BELKINPowerState", 0x0086002a },
    { "BELKINVoltage", 0x00860030 },
    { "BELKINFrequency", 0x00860032 },
    { "BELKINPercentLoad", 0x00860035 },
    { "BELKINTemperature", 0x00860036 },
    { "BELKINCharge", 0x00860039 },
    { "BELKINConfigVoltage", 0x00860040 },
    { "BELKINConfigFrequency", 0x00860042 },
    { "BELKINConfigApparentPower", 0x00860043 },
    { "BELKINConfigBatteryVoltage", 0x00860044 },
    { "BELKINConfigOverloadTransfer", 0x00860045 },
    { "BELKINLowVoltageTransfer", 0x00860053 },
    { "BELKINHighVoltageTransfer", 0x00860054 },
    { "BELKINDelayBeforeReboot", 0x00860055 },
    { "BELKINDelayBeforeStartup", 0x00860056 },
    { "BELKINDelayBeforeShutdown", 0x00860057 },
    { "BELKINTest", 0x00860058 },
    { "BELKINAudibleAlarmControl", 0x0086005a },
    { "BELKINLowVoltageTransferMax", 0x0086005b },
    { "BELKINLowVoltageTransferMin", 0x0086005c },
    { "BELKINHighVoltageTransferMax", 0x0086005d },
    { "BELKINHighVoltageTransferMin", 0x0086005e },
    { "BELKINRunTimeToEmpty", 0x0086006c },
    { "BELKINVoltageSensitivity", 0x00860074 },
    { "BELKINUPSType", 0x0086007c },
    { NULL, 0 },
};

/* Conversions -------------------------------------------------------------------------------- */

static const struct value_word sensitivities[] = {
    { 0, "normal" }, { 1, "reduced" }, { 2, "low" }, { 0, NULL }
};

static bool show_firmware(struct hid_device *device, const struct hid_field *field, int64_t raw,
                          double physical, char *out, size_t size)
{
    return show_raw(device, field, raw >> 4, physical, out, size);
}

static bool show_type(struct hid_device *device, const struct hid_field *field, int64_t raw,
                      double physical, char *out, size_t size)
{
    static const struct value_word types[] = {
        { 0, "online" },
        { 1, "offline" },
        { 2, "line-interactive" },
        { 3, "simple online" },
        { 4, "simple offline" },
        { 5, "simple line-interactive" },
        { 0, NULL },
    };

    (void)device;
    (void)field;
    (void)physical;
    return show_word(types, raw & 0x0f, out, size);
}

/* As others', but that 0 is "none". */
static bool show_belkin_test(struct hid_device *device, const struct hid_field *field, int64_t raw,
                             double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)physical;
    return show_word(words_test, raw == 0 ? 6 : raw, out, size);
}

/* The delay to the start is in minutes. */
static int64_t minutes(const struct hid_device *device, double seconds)
{
    (void)device;
    return seconds < 0 ? -1 : (int64_t)((seconds + 59) / 60);
}

/* Bits of the two words of status. */
static bool has_power(int64_t raw)
{
    return (raw & 0x0001) == 0;
}

static bool is_overloaded(int64_t raw)
{
    return (raw & 0x0010) != 0;
}

static bool is_off(int64_t raw)
{
    return (raw & 0x0020) != 0;
}

static bool is_hot(int64_t raw)
{
    return (raw & 0x0040) != 0;
}

static bool is_faulty(int64_t raw)
{
    return (raw & 0x0080) != 0;
}

static bool awaits_power(int64_t raw)
{
    return (raw & 0x2000) != 0;
}

static bool battery_is_low(int64_t raw)
{
    return (raw & 0x04) != 0;
}

static bool battery_charges(int64_t raw)
{
    return (raw & 0x10) != 0;
}

static bool battery_discharges(int64_t raw)
{
    return (raw & 0x20) != 0;
}

static bool battery_is_empty(int64_t raw)
{
    return (raw & 0x40) != 0;
}

static bool battery_is_bad(int64_t raw)
{
    return (raw & 0x80) != 0;
}

/* Rows --------------------------------------------------------------------------------------- */

static const struct variable_row variables[] = {
    FULL("battery.charge", "UPS.BELKINBatterySystem.BELKINCharge", show_raw),
    FULL("battery.voltage", "UPS.BELKINBatterySystem.BELKINVoltage", show_tenth),
    STATIC("battery.voltage.nominal", CONFIG "BELKINConfigBatteryVoltage", show_raw),
    FULL("input.frequency", "UPS.BELKINPowerState.BELKINInput.BELKINFrequency", show_tenth),
    STATIC("input.frequency.nominal", CONFIG "BELKINConfigFrequency", show_raw),
    WORDS_RW("input.sensitivity", "UPS.BELKINDevice.BELKINVoltageSensitivity", NULL, sensitivities),
    NUMBER_RW("input.transfer.high", CONFIG "BELKINHighVoltageTransfer", NULL),
    STATIC("input.transfer.high.max", CONFIG "BELKINHighVoltageTransferMax", show_raw),
    STATIC("input.transfer.high.min", CONFIG "BELKINHighVoltageTransferMin", show_raw),
    NUMBER_RW("input.transfer.low", CONFIG "BELKINLowVoltageTransfer", NULL),
    STATIC("input.transfer.low.max", CONFIG "BELKINLowVoltageTransferMax", show_raw),
    STATIC("input.transfer.low.min", CONFIG "BELKINLowVoltageTransferMin", show_raw),
    FULL("input.voltage", "UPS.BELKINPowerState.BELKINInput.BELKINVoltage", show_tenth),
    STATIC("input.voltage.nominal", CONFIG "BELKINConfigVoltage", show_raw),
    FULL("output.frequency", "UPS.BELKINPowerState.BELKINOutput.BELKINFrequency", show_tenth),
    FULL("output.voltage", "UPS.BELKINPowerState.BELKINOutput.BELKINVoltage", show_tenth),
    FULL_WORDS("ups.beeper.status", CONTROLS "BELKINAudibleAlarmControl", words_beeper),
    STATIC("ups.firmware", "UPS.BELKINDevice.BELKINUPSType", show_firmware),
    FULL("ups.load", "UPS.BELKINPowerState.BELKINOutput.BELKINPercentLoad", show_raw),
    STATIC("ups.load.high", CONFIG "BELKINConfigOverloadTransfer", show_raw),
    STATIC("ups.power.nominal", CONFIG "BELKINConfigApparentPower", show_raw),
    FULL("ups.test.result", CONTROLS "BELKINTest", show_belkin_test),
    FULL("ups.timer.shutdown", CONTROLS "BELKINDelayBeforeShutdown", show_timer),
    STATIC("ups.type", "UPS.BELKINDevice.BELKINUPSType", show_type),
    VARIABLES_END,
};

static const struct status_row flags[] = {
    { FLAG_ONLINE, POWER_STATUS, has_power },
    { FLAG_OVERLOAD, POWER_STATUS, is_overloaded },
    { FLAG_OFF, POWER_STATUS, is_off },
    { FLAG_OVER_TEMPERATURE, POWER_STATUS, is_hot },
    { FLAG_INTERNAL_FAILURE, POWER_STATUS, is_faulty },
    { FLAG_AWAITING_POWER, POWER_STATUS, awaits_power },
    { FLAG_LOW_BATTERY, BATTERY_STATUS, battery_is_low },
    { FLAG_CHARGING, BATTERY_STATUS, battery_charges },
    { FLAG_DISCHARGING, BATTERY_STATUS, battery_discharges },
    { FLAG_DEPLETED, BATTERY_STATUS, battery_is_empty },
    { FLAG_REPLACE_BATTERY, BATTERY_STATUS, battery_is_bad },
    FLAGS_END,
};

static const struct command_row commands[] = {
    TEST_COMMANDS(CONTROLS "BELKINTest"),
    BEEPER_COMMANDS(CONTROLS "BELKINAudibleAlarmControl"),
    OFF_DELAY("load.off.delay", CONTROLS "BELKINDelayBeforeShutdown"),
    ENCODED("load.on.delay", CONTROLS "BELKINDelayBeforeStartup", WRITE_ON_DELAY, 0, minutes),
    /* 0 is "none" here. */
    WRITE("load.off", CONTROLS "BELKINDelayBeforeShutdown", 1),
    WRITE("load.on", CONTROLS "BELKINDelayBeforeStartup", 1),
    WRITE("shutdown.stop", CONTROLS "BELKINDelayBeforeShutdown", -1),
    WRITE("shutdown.reboot", CONTROLS "BELKINDelayBeforeReboot", 10),
    COMMANDS_END,
};

static const struct family_id ids[] = {
    ID(0x050d, 0x0375, 0),
    ID(0x050d, 0x0551, 0),
    ID(0x050d, 0x0750, 0),
    ID(0x050d, 0x0751, 0),
    ID(0x050d, 0x0900, 0),
    ID(0x050d, 0x0910, 0),
    ID(0x050d, 0x0912, 0),
    ID(0x050d, 0x0980, 0),
    ID(0x050d, 0x0f51, 0),
    ID(0x050d, 0x1100, 0),
    IDS_END,
};

const struct family family_belkin = {
    .name = "belkin",
    .maker = "Belkin",
    .ids = ids,
    .usages = usages,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
};
