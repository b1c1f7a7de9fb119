/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Powercom: newer models on the standard's pages, without any unit; older ones with a tree of their
 * own on page 2.
 * Source: recording tests/data/hid/powercom-0004 (NUT issue 3045), NUT's usbhid-ups for paths and
 * numbers, NUT's issues as named below.
 */
#include "drivers/usbhid/families.h"

#include <string.h>

#define OLD "PowercomUPS."
#define OLD_CONVERTER OLD "PowercomPowerConverter."
#define OLD_OUTPUT OLD_CONVERTER "PowercomOutput."
#define FAULTS OLD_OUTPUT "PowercomInternalChargeController"
#define STATES OLD_OUTPUT "PowercomPrimaryBatterySupport"

/* A report of seven characters like " 13.7 2": the battery's voltage comes first (issue 2766). */
#define VOLTAGE_REPORT 0xa4
#define VOLTAGE_REPORT_SIZE 8
/* Bits of a delay's seconds that say what comes after it. */
#define RETURN 0x40
#define STAY_OFF 0x80
#define SECONDS_MASK 0x3f

static const struct usage_name usages[] = {
    { "PowercomUPS", 0x00020004 },
    { "PowercomBatterySystem", 0x00020010 },
    { "PowercomPowerConverter", 0x00020016 },
    { "PowercomInput", 0x0002001a },
    { "PowercomOutput", 0x0002001c },
    { "PowercomVoltage", 0x00020030 },
    { "PowercomFrequency", 0x00020032 },
    { "PowercomPercentLoad", 0x00020035 },
    { "PowercomTemperature", 0x00020036 },
    { "PowercomDelayBeforeStartup", 0x00020056 },
    { "PowercomDelayBeforeShutdown", 0x00020057 },
    { "PowercomTest", 0x00020058 },
    { "PowercomInternalChargeController", 0x00020081 },
    { "PowercomPrimaryBatterySupport", 0x00020082 },
    { "PowercomManufacturerDate", 0x00020085 },
    { "PCMDelayBeforeStartup", 0x00ff0056 },
    { "PCMDelayBeforeShutdown", 0x00ff0057 },
    { NULL, 0 },
};

/* Conversions -------------------------------------------------------------------------------- */

/* The first number of a text of digits, points and blanks. */
static bool first_number(const char *text, double *number)
{
    double scale = 0;

    text += strcspn(text, "0123456789");
    if (*text == '\0')
        return false;
    *number = 0;
    for (; (*text >= '0' && *text <= '9') || (*text == '.' && scale == 0); text++) {
        if (*text == '.') {
            scale = 1;
            continue;
        }
        *number = *number * 10 + (*text - '0');
        scale *= 10;
    }
    if (scale > 0)
        *number /= scale;
    return true;
}

static bool show_battery_voltage(struct hid_device *device, const struct hid_field *field,
                                 int64_t raw, double physical, char *out, size_t size)
{
    const struct hid_transport *transport = device->transport;
    uint8_t bytes[VOLTAGE_REPORT_SIZE + 1];
    double volts;

    (void)field;
    (void)raw;
    (void)physical;
    if (transport->get_report == NULL ||
        device->descriptor->report_sizes[HID_FEATURE - 1][VOLTAGE_REPORT] != VOLTAGE_REPORT_SIZE)
        return false;
    ssize_t got = transport->get_report(transport->state, HID_FEATURE, VOLTAGE_REPORT, bytes,
                                        VOLTAGE_REPORT_SIZE);
    if (got < 2 || got > VOLTAGE_REPORT_SIZE)
        return false;
    bytes[got] = '\0';
    /* It may be empty the first times: the next poll asks again. */
    return first_number((const char *)bytes + 1, &volts) && volts > 0 &&
           show_decimals(volts, 1, out, size);
}

/* 256ths of a volt, where the range can mean nothing else. */
static bool show_fixed_point(struct hid_device *device, const struct hid_field *field, int64_t raw,
                             double physical, char *out, size_t size)
{
    (void)device;
    (void)physical;
    return field->logical_minimum >= 2048 && show_decimals((double)raw / 256, 1, out, size);
}

static const struct value_word beeper[] = {
    { 0, "disabled" }, { 1, "enabled" }, { 2, "disabled" }, { 0, NULL }
};

/* Old models count in steps of four volts. */
static bool show_four_volts(struct hid_device *device, const struct hid_field *field, int64_t raw,
                            double physical, char *out, size_t size)
{
    return show_raw(device, field, raw * 4, physical, out, size);
}

/* Minutes above, seconds below; of older firmwares the other way round. */
static bool show_shutdown_timer(struct hid_device *device, const struct hid_field *field,
                                int64_t raw, double physical, char *out, size_t size)
{
    int64_t minutes = raw >> 8 & 0xff;
    int64_t seconds = raw & 0xff;

    if (device->options.powercom_swapped) {
        minutes = seconds;
        seconds = raw >> 8 & 0xff;
    }
    return show_raw(device, field, minutes * 60 + (seconds & SECONDS_MASK), physical, out, size);
}

/* 0 would be the longest delay there is (issues 1695, 3182). */
static int64_t encode_delay(const struct hid_device *device, double delay, int64_t what)
{
    int64_t whole = delay < 1 ? 1 : (int64_t)delay;

    if (whole > 255 * 60)
        whole = 255 * 60;
    int64_t minutes = whole / 60;
    int64_t seconds = whole % 60 | what;
    return device->options.powercom_swapped ? seconds << 8 | minutes : minutes << 8 | seconds;
}

static int64_t encode_return(const struct hid_device *device, double delay)
{
    return encode_delay(device, delay, RETURN);
}

static int64_t encode_stay_off(const struct hid_device *device, double delay)
{
    return encode_delay(device, delay, STAY_OFF);
}

/* Bits of the two words of old models. */
static bool fan_fails(int64_t raw)
{
    return (raw & 0x01) != 0;
}

static bool battery_is_bad(int64_t raw)
{
    return (raw & 0x02) != 0;
}

static bool is_testing(int64_t raw)
{
    return (raw & 0x04) != 0;
}

static bool shuts_down(int64_t raw)
{
    return (raw & 0x10) != 0;
}

static bool has_power(int64_t raw)
{
    return (raw & 0x01) == 0;
}

static bool battery_is_low(int64_t raw)
{
    return (raw & 0x02) != 0;
}

static bool trims(int64_t raw)
{
    return (raw & 0x18) == 0x08;
}

static bool boosts(int64_t raw)
{
    return (raw & 0x18) == 0x18;
}

static bool is_overloaded(int64_t raw)
{
    return (raw & 0x20) != 0;
}

/* Rows --------------------------------------------------------------------------------------- */

static const struct variable_row variables[] = {
    /* The status stands for the report with the voltage, whose fields are names. */
    FULL("battery.voltage", PRESENT "ACPresent", show_battery_voltage),
    FULL("battery.voltage", "UPS.Battery.Voltage", show_fixed_point),
    /* The output's. */
    FULL("battery.voltage", SUMMARY "Voltage", show_nothing),
    STATIC("battery.voltage.nominal", "UPS.Battery.ConfigVoltage", show_fixed_point),
    STATIC("battery.voltage.nominal", SUMMARY "ConfigVoltage", show_nothing),
    FULL_WORDS("ups.beeper.status", SUMMARY "AudibleAlarmControl", beeper),
    FULL_WORDS("ups.beeper.status", "UPS.AudibleAlarmControl", beeper),
    FULL("ups.timer.shutdown", SUMMARY "DelayBeforeShutdown", show_shutdown_timer),
    FULL("ups.timer.shutdown", SUMMARY "PCMDelayBeforeShutdown", show_shutdown_timer),
    FULL("ups.timer.shutdown", "UPS.Output.DelayBeforeShutdown", show_nothing),
    FULL("ups.timer.start", SUMMARY "DelayBeforeStartup", show_nothing),
    FULL("ups.timer.start", "UPS.Output.DelayBeforeStartup", show_nothing),

    FULL("battery.charge", OLD "PowercomBatterySystem.PowercomVoltage", show_raw),
    FULL("battery.temperature", OLD "PowercomBatterySystem.PowercomTemperature", show_raw),
    FULL("input.voltage", OLD_CONVERTER "PowercomInput.PowercomVoltage", show_four_volts),
    FULL("input.frequency", OLD_CONVERTER "PowercomInput.PowercomFrequency", show_raw),
    FULL("output.voltage", OLD_OUTPUT "PowercomVoltage", show_four_volts),
    FULL("output.frequency", OLD_OUTPUT "PowercomFrequency", show_raw),
    FULL("ups.load", OLD_OUTPUT "PowercomPercentLoad", show_raw),
    FULL_WORDS("ups.test.result", OLD_CONVERTER "PowercomTest", words_test),
    STATIC("ups.mfr.date", OLD "PowercomManufacturerDate", show_date),
    VARIABLES_END,
};

static const struct status_row flags[] = {
    { FLAG_FAN_FAILURE, FAULTS, fan_fails },
    { FLAG_REPLACE_BATTERY, FAULTS, battery_is_bad },
    { FLAG_TEST_RUNNING, FAULTS, is_testing },
    { FLAG_SHUTDOWN_IMMINENT, FAULTS, shuts_down },
    { FLAG_ONLINE, STATES, has_power },
    { FLAG_LOW_BATTERY, STATES, battery_is_low },
    { FLAG_TRIM, STATES, trims },
    { FLAG_BOOST, STATES, boosts },
    { FLAG_OVERLOAD, STATES, is_overloaded },
    FLAGS_END,
};

#define SHUTDOWN(path)                                                       \
    ENCODED("load.off", path, WRITE_NUMBER, 1, encode_stay_off),             \
        ENCODED("shutdown.return", path, WRITE_OFF_DELAY, 0, encode_return), \
        ENCODED("shutdown.stayoff", path, WRITE_OFF_DELAY, 0, encode_stay_off)

static const struct command_row commands[] = {
    SHUTDOWN(SUMMARY "DelayBeforeShutdown"),
    SHUTDOWN(SUMMARY "PCMDelayBeforeShutdown"),
    WRITE("beeper.enable", SUMMARY "AudibleAlarmControl", 1),
    WRITE("beeper.on", SUMMARY "AudibleAlarmControl", 1),
    WRITE("beeper.disable", SUMMARY "AudibleAlarmControl", 0),
    WRITE("beeper.off", SUMMARY "AudibleAlarmControl", 0),
    /* Plain seconds mean something else here, and how to take them back nobody knows. */
    WITHHELD("beeper.mute"),
    WITHHELD("load.off.delay"),
    WITHHELD("load.on.delay"),
    WITHHELD("load.on"),
    WITHHELD("shutdown.stop"),
    WITHHELD("shutdown.reboot"),
    COMMANDS_END,
};

/* ShutdownImminent is set for good on some (issue 3045). */
#define QUIRKS HID_QUIRK_IMMINENT_LIES

static const struct family_id ids[] = {
    ID(0x0d9f, 0x0001, QUIRKS), ID_AND_UNKNOWN(0x0d9f, 0x0004, QUIRKS),
    ID(0x0d9f, 0x00a2, QUIRKS), ID(0x0d9f, 0x00a3, QUIRKS),
    ID(0x0d9f, 0x00a4, QUIRKS), ID(0x0d9f, 0x00a5, QUIRKS),
    ID(0x0d9f, 0x00a6, QUIRKS), IDS_END,
};

const struct family family_powercom = {
    .name = "powercom",
    .maker = "Powercom",
    .page = 0x0002,
    .ids = ids,
    .usages = usages,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 60,
};
