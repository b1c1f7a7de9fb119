/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tripp Lite, and models of HP and Minuteman (Delta's ids) with the same firmware.
 * Source: recordings tests/data/hid/tripplite-3016 and legrand-keor-0032, NUT's usbhid-ups for
 * paths and numbers, NUT's issues as named below.
 */
#include "drivers/usbhid/families.h"

#define OUTPUT "UPS.PowerConverter.Output."
#define CUSTOM "UPS.TLCustom.[1]."
#define SYSTEM "UPS.TLSystem."

/* Of this family alone. */
#define QUIRK_BATTERY_TENTHS (1u * HID_QUIRK_OWN) /* battery voltage ten times too high */
#define QUIRK_NO_CHEMISTRY (2u * HID_QUIRK_OWN)   /* its string is garbage */

const struct usage_name tripplite_usages[] = {
    { "TLCustom", 0xffff0010 },
    { "TLSystem", 0xffff00fe },
    { "TLDelayBeforeStartup", 0xffff0056 },
    { "TLLowVoltageTransferMax", 0xffff0057 },
    { "TLLowVoltageTransferMin", 0xffff0058 },
    { "TLHighVoltageTransferMax", 0xffff0059 },
    { "TLHighVoltageTransferMin", 0xffff005a },
    { "UPSFirmwareVersion", 0xffff007c },
    { "iUPSPartNumber", 0xffff007f },
    { "TLWatchdog", 0xffff0092 },
    /* OMNI1000LCD has these of the battery page on the page of power devices. */
    { "TLCharging", 0x00840044 },
    { "TLDischarging", 0x00840045 },
    { "TLNeedReplacement", 0x0084004b },
    { "TLACPresent", 0x008400d0 },
    { NULL, 0 },
};

static bool show_chemistry(struct hid_device *device, const struct hid_field *field, int64_t raw,
                           double physical, char *out, size_t size)
{
    return (device->quirks & QUIRK_NO_CHEMISTRY) == 0 &&
           show_string(device, field, raw, physical, out, size);
}

/* What NUT calls ups.power is active power: it is ups.realpower here, from the generic rows. */
const struct variable_row tripplite_variables[] = {
    STATIC("battery.type", SUMMARY "iDeviceChemistry", show_chemistry),
    /* The voltage of the summary is the output's. */
    FULL("battery.voltage", SUMMARY "Voltage", show_nothing),
    FULL("output.voltage", OUTPUT "Voltage", NULL),
    FULL("output.voltage", SUMMARY "Voltage", NULL),
    STATIC("device.part", CUSTOM "iUPSPartNumber", show_string),
    FULL("input.voltage", SUMMARY "Input.Voltage", NULL),
    FULL("input.voltage", CONVERTER "Input.Voltage", NULL),
    STATIC("input.transfer.high.max", OUTPUT "TLHighVoltageTransferMax", NULL),
    STATIC("input.transfer.high.min", OUTPUT "TLHighVoltageTransferMin", NULL),
    STATIC("input.transfer.low.max", OUTPUT "TLLowVoltageTransferMax", NULL),
    STATIC("input.transfer.low.min", OUTPUT "TLLowVoltageTransferMin", NULL),
    STATIC("ups.firmware", CUSTOM "UPSFirmwareVersion", show_raw),
    FULL("ups.timer.start", OUTLET "DelayBeforeStartup", show_timer),
    FULL("ups.timer.start", OUTLET "TLDelayBeforeStartup", show_timer),
    FULL("ups.watchdog.status", OUTLET "TLWatchdog", show_raw),
    VARIABLES_END,
};

const struct status_row tripplite_flags[] = {
    { FLAG_ONLINE, PRESENT "ACPresent", NULL },
    { FLAG_ONLINE, PRESENT "TLACPresent", NULL },
    { FLAG_DISCHARGING, PRESENT "Discharging", NULL },
    { FLAG_DISCHARGING, PRESENT "TLDischarging", NULL },
    { FLAG_CHARGING, PRESENT "Charging", NULL },
    { FLAG_CHARGING, PRESENT "TLCharging", NULL },
    { FLAG_REPLACE_BATTERY, PRESENT "TLNeedReplacement", NULL },
    FLAGS_END,
};

const struct command_row tripplite_commands[] = {
    ON_DELAY("load.on.delay", OUTLET "DelayBeforeStartup"),
    ON_DELAY("load.on.delay", OUTLET "TLDelayBeforeStartup"),
    WRITE("shutdown.reboot", OUTLET "DelayBeforeReboot", 10),
    WRITE("shutdown.reboot", OUTLET "TLWatchdog", 10),
    WRITE("reset.watchdog", OUTLET "TLWatchdog", 60),
    COMMANDS_END,
};

static void repair(struct hid_descriptor *descriptor, const struct hid_identity *identity,
                   unsigned quirks)
{
    struct hid_field *voltage = find_feature(descriptor, BATTERY "Voltage", NULL);

    (void)identity;
    if ((quirks & QUIRK_BATTERY_TENTHS) != 0 && voltage != NULL)
        voltage->exponent = (int8_t)(voltage->exponent - 1);
}

/* The small models of Phoenixtec's id; the others have Eaton's tree. */
static bool has_no_instances(const struct hid_identity *identity,
                             const struct hid_descriptor *descriptor)
{
    (void)identity;
    return !has_instances(descriptor);
}

static const struct family_id ids[] = {
    ID(0x09ae, 0x1003, QUIRK_BATTERY_TENTHS | QUIRK_NO_CHEMISTRY),
    ID(0x09ae, 0x1007, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x1008, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x1009, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x1010, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x1330, 0),
    ID(0x09ae, 0x2005, QUIRK_BATTERY_TENTHS | QUIRK_NO_CHEMISTRY),
    ID(0x09ae, 0x2007, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x2008, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x2009, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x2010, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x2011, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x2012, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x2013, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x2014, QUIRK_BATTERY_TENTHS),
    ID(0x09ae, 0x3008, 0),
    ID(0x09ae, 0x3009, 0),
    ID(0x09ae, 0x3010, 0),
    ID(0x09ae, 0x3011, 0),
    ID(0x09ae, 0x3012, 0),
    ID(0x09ae, 0x3013, 0),
    ID(0x09ae, 0x3014, 0),
    ID(0x09ae, 0x3015, 0),
    ID_AND_UNKNOWN(0x09ae, 0x3016, 0),
    ID(0x09ae, 0x3024, 0),
    ID(0x09ae, 0x4001, 0),
    ID(0x09ae, 0x4002, 0),
    ID(0x09ae, 0x4003, 0),
    ID(0x09ae, 0x4004, 0),
    ID(0x09ae, 0x4005, 0),
    ID(0x09ae, 0x4006, 0),
    ID(0x09ae, 0x4007, 0),
    ID(0x09ae, 0x4008, 0),
    /* HP */
    ID(0x03f0, 0x0001, 0),
    ID(0x03f0, 0x1fe0, 0),
    ID(0x03f0, 0x1fe1, 0),
    ID(0x03f0, 0x1fe2, 0),
    ID(0x03f0, 0x1fe3, 0),
    ID(0x03f0, 0x1f06, 0),
    ID(0x03f0, 0x1f08, 0),
    ID(0x03f0, 0x1f09, 0),
    ID(0x03f0, 0x1f0a, 0),
    /* Minuteman, with Delta's id */
    ID(0x05dd, 0xa011, 0),
    ID(0x05dd, 0xa0a0, 0),
    ID_IF(0x06da, 0xffff, has_no_instances, 0),
    IDS_END,
};

const struct family family_tripplite = {
    .name = "tripplite",
    .maker = "Tripp Lite",
    .ids = ids,
    .usages = tripplite_usages,
    .variables = tripplite_variables,
    .flags = tripplite_flags,
    .commands = tripplite_commands,
    .off_delay = 20,
    .on_delay = 30,
    .repair = repair,
};
