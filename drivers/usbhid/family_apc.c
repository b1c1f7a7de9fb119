/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * APC: Back-UPS and Smart-UPS.
 * Source: recordings of six models (tests/data/hid/apc-*), NUT's usbhid-ups for paths and numbers,
 * NUT's issues as named below.
 */
#include "drivers/usbhid/families.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define GENERAL "UPS.APCGeneralCollection."
#define PROBE "UPS.APCEnvironment.APCProbe1."

static const struct usage_name usages[] = {
    { "APCGeneralCollection", 0xff860005 },
    { "APCEnvironment", 0xff860006 },
    { "APCProbe1", 0xff860007 },
    { "APCProbe2", 0xff860008 },
    { "APCBattReplaceDate", 0xff860016 },
    { "APCBattCapBeforeStartup", 0xff860019 },
    { "APCLineFailCause", 0xff860052 },
    { "APCStatusFlag", 0xff860060 },
    { "APCSensitivity", 0xff860061 },
    { "APCPanelTest", 0xff860072 },
    { "APCDelayBeforeReboot", 0xff86007c },
    { "APCDelayBeforeShutdown", 0xff86007d },
    { "APCDelayBeforeStartup", 0xff86007e },
    { NULL, 0 },
};

/* Conversions -------------------------------------------------------------------------------- */

static const struct value_word sensitivities[] = {
    { 0, "low" }, { 1, "medium" }, { 2, "high" }, { 0, NULL }
};

static const struct value_word line_fail_causes[] = {
    { 1, "input voltage out of range" },
    { 2, "input voltage out of range" },
    { 3, "input voltage out of range" },
    { 4, "input voltage out of range" },
    { 5, "self test" },
    { 6, "commanded shutdown" },
    { 7, "input frequency out of range" },
    { 8, "input voltage out of range" },
    { 9, "input voltage out of range" },
    { 10, "commanded shutdown" },
    { 11, "self test" },
    { 12, "self test" },
    { 13, "self test" },
    { 0, NULL },
};

/* New units tell the factory's date: 1 January 2001 (issue 1208), 25 September 2001. */
static bool show_battery_date(struct hid_device *device, const struct hid_field *field, int64_t raw,
                              double physical, char *out, size_t size)
{
    return show_date(device, field, raw, physical, out, size) && strcmp(out, "2001/01/01") != 0 &&
           strcmp(out, "2001/09/25") != 0;
}

/* Rows --------------------------------------------------------------------------------------- */

static const struct variable_row variables[] = {
    FULL("battery.charge", SUMMARY "RemainingCapacity", NULL),
    NUMBER_RW("battery.charge.restart", "UPS.Battery.APCBattCapBeforeStartup", show_whole),
    TEXT_RW("battery.mfr.date", "UPS.Battery.ManufacturerDate", show_battery_date, read_date),
    /* Old Back-UPS have no other date of the battery. */
    STATIC("battery.mfr.date", SUMMARY "APCBattReplaceDate", show_bcd_date),
    STATIC("battery.date", "UPS.Battery.APCBattReplaceDate", show_bcd_date),
    WORDS_RW("input.sensitivity", "UPS.Input.APCSensitivity", NULL, sensitivities),
    FULL_WORDS("input.transfer.reason", "UPS.Input.APCLineFailCause", line_fail_causes),
    FULL("ambient.temperature", PROBE "Temperature", NULL),
    FULL("ambient.humidity", PROBE "Humidity", NULL),
    STATIC("ups.id", "UPS.iName", show_string),
    FULL("ups.timer.reboot", SUMMARY "DelayBeforeReboot", show_timer),
    FULL("ups.timer.reboot", "UPS.Output.DelayBeforeReboot", show_timer),
    FULL("ups.timer.reboot", GENERAL "APCDelayBeforeReboot", show_timer),
    FULL("ups.timer.shutdown", SUMMARY "DelayBeforeShutdown", show_timer),
    FULL("ups.timer.shutdown", "UPS.Output.DelayBeforeShutdown", show_timer),
    FULL("ups.timer.shutdown", GENERAL "APCDelayBeforeShutdown", show_timer),
    FULL("ups.timer.start", "UPS.Output.DelayBeforeStartup", show_timer),
    FULL("ups.timer.start", GENERAL "APCDelayBeforeStartup", show_timer),
    VARIABLES_END,
};

static const struct status_row flags[] = {
    /* 8 is normal, 16 a moment after power-on, 0 off. */
    { FLAG_OFF, SUMMARY "APCStatusFlag", is_zero },
    FLAGS_END,
};

static const struct command_row commands[] = {
    WRITE("test.panel.start", "UPS.APCPanelTest", 1),
    WRITE("test.panel.start", SUMMARY "APCPanelTest", 1),
    WRITE("test.panel.stop", "UPS.APCPanelTest", 0),
    WRITE("test.panel.stop", SUMMARY "APCPanelTest", 0),
    DELAY_COMMANDS(SUMMARY),
    DELAY_COMMANDS("UPS.Output."),
    OFF_DELAY("load.off.delay", GENERAL "APCDelayBeforeShutdown"),
    ON_DELAY("load.on.delay", GENERAL "APCDelayBeforeStartup"),
    WRITE("shutdown.stop", GENERAL "APCDelayBeforeShutdown", -1),
    /* A switch, not a delay: off, and on again when the input power is there. Back-UPS have no
     * other way to return; the output is cycled also if the power came back meanwhile. */
    WRITE("shutdown.reboot", GENERAL "APCDelayBeforeReboot", 1),
    WRITE("shutdown.return", "UPS.Output.APCDelayBeforeReboot", 1),
    WRITE("shutdown.return", GENERAL "APCDelayBeforeReboot", 1),
    COMMANDS_END,
};

/* Repairs ------------------------------------------------------------------------------------ */

/* Input.Voltage has the 8-bit range of ConfigVoltage before it, on 230 V models too (issue 1189).
 */
static void repair(struct hid_descriptor *descriptor, const struct hid_identity *identity,
                   unsigned quirks)
{
    struct hid_field *voltage = find_feature(descriptor, "UPS.Input.Voltage", NULL);
    struct hid_field *nominal = find_feature(descriptor, "UPS.Input.ConfigVoltage", NULL);
    struct hid_field *high = find_feature(descriptor, "UPS.Input.HighVoltageTransfer", NULL);

    (void)identity;
    (void)quirks;
    if (voltage == NULL || high == NULL || voltage->bit_size <= 8 ||
        high->logical_maximum <= voltage->logical_maximum || high->logical_maximum > INT16_MAX)
        return;
    voltage->logical_minimum = 0;
    voltage->logical_maximum = 2 * high->logical_maximum;
    voltage->logical_maximum_size = 4;
    if (nominal != NULL && nominal->bit_size == 8) {
        nominal->logical_minimum = 0;
        nominal->logical_maximum = 255;
        nominal->logical_maximum_size = 2;
    }
}

/* Strings ------------------------------------------------------------------------------------ */

/* Copies text up to end (NULL: all), without blanks around it. */
static void copy_part(const char *text, const char *end, char *out, size_t size)
{
    size_t length = end == NULL ? strlen(text) : (size_t)(end - text);

    while (length > 0 && *text == ' ') {
        text++;
        length--;
    }
    while (length > 0 && text[length - 1] == ' ')
        length--;
    snprintf(out, size, "%.*s", (int)length, text);
}

/* "Back-UPS ES 850G2 FW:938.a2 .I USB FW:a2", "Smart-UPS_3000 FW:UPS 06.0 / ID=1027". */
static void describe(struct hid_device *device)
{
    char text[sizeof device->model];

    snprintf(text, sizeof text, "%s", device->model);
    char *usb = strstr(text, "USB FW:");
    if (usb != NULL) {
        copy_part(usb + 7, NULL, device->firmware_aux, sizeof device->firmware_aux);
        *usb = '\0';
    }
    const char *firmware = strstr(text, "FW:");
    if (firmware != NULL)
        copy_part(firmware + 3, NULL, device->firmware, sizeof device->firmware);
    copy_part(text, firmware, device->model, sizeof device->model);
    for (char *at = device->model; *at != '\0'; at++) {
        if (*at == '_')
            *at = ' ';
    }
}

/* Ids ---------------------------------------------------------------------------------------- */

static bool begins(const struct hid_identity *identity, const char *words)
{
    return strncasecmp(identity->product, words, strlen(words)) == 0;
}

/* Flags of a bad battery for a second, "OL DISCHRG" at 99 %, answers longer than asked for, drops
 * of the connection when much is asked (issues 2347, 2565, 2805). */
static bool is_bx(const struct hid_identity *identity, const struct hid_descriptor *descriptor)
{
    (void)descriptor;
    return begins(identity, "Back-UPS BX");
}

/* Answer with other lengths than they declare. */
static bool is_old_back_ups(const struct hid_identity *identity,
                            const struct hid_descriptor *descriptor)
{
    static const char *const models[] = { "Back-UPS CS",  "Back-UPS ES",  "Back-UPS LS",
                                          "Back-UPS BF",  "Back-UPS 350", "Back-UPS 500",
                                          "Back-UPS 650", "Back-UPS 725" };

    (void)descriptor;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (begins(identity, models[i]))
            return true;
    }
    return false;
}

static const struct family_id ids[] = {
    ID_IF(0x051d, 0x0002, is_bx, HID_QUIRK_FLICKERS | HID_QUIRK_POLL_ONLY | HID_QUIRK_LARGE_READS),
    ID_IF(0x051d, 0x0002, is_old_back_ups, HID_QUIRK_DISCHARGE_IS_CAL | HID_QUIRK_LARGE_READS),
    ID(0x051d, 0x0000, HID_QUIRK_DISCHARGE_IS_CAL),
    ID_AND_UNKNOWN(0x051d, 0x0002, HID_QUIRK_DISCHARGE_IS_CAL),
    /* Their interrupt pipe carries a protocol of its own. */
    ID(0x051d, 0x0003, HID_QUIRK_DISCHARGE_IS_CAL | HID_QUIRK_POLL_ONLY),
    ID(0x051d, 0x0004, HID_QUIRK_DISCHARGE_IS_CAL | HID_QUIRK_POLL_ONLY),
    ID(0x051d, 0x0005, HID_QUIRK_DISCHARGE_IS_CAL),
    IDS_END,
};

const struct family family_apc = {
    .name = "apc",
    .maker = "APC",
    .ids = ids,
    .usages = usages,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
    .repair = repair,
    .describe = describe,
};
