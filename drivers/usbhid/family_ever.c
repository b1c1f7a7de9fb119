/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EVER: the standard's summary, and a tree of its own on page 0xff00 below a collection without a
 * usage.
 * Source: NUT's usbhid-ups for paths and numbers.
 */
#include "drivers/usbhid/families.h"

#define OWN "UPS.EVERTree."
#define MESSAGES OWN "EVERMessages."
#define ALARMS OWN "EVERAlarms."

static const struct usage_name usages[] = {
    { "EVERTree", 0x00000000 },
    { "EVERMessages", 0xff000016 },
    { "EVEROverload", 0xff000017 },
    { "EVERBatteryLow", 0xff000018 },
    { "EVERBoost", 0xff000019 },
    { "EVERBuck", 0xff00001a },
    { "EVERCharging", 0xff00001d },
    { "EVERNeedReplacement", 0xff000020 },
    { "EVERAlarms", 0xff000030 },
    { "EVEROverloadAlarm", 0xff000031 },
    { "EVERCommunicationLost", 0xff000038 },
    { "EVERHeatsinkTemperature", 0xff000040 },
    { "EVERBatteryTemperature", 0xff000041 },
    { "EVERPowerFactor", 0xff000042 },
    { "EVEROutputVoltage", 0xff000060 },
    { "EVERExternalPacks", 0xff000068 },
    { "EVERWorkMode", 0xff000090 },
    { "EVERStopped", 0xff000092 },
    { NULL, 0 },
};

/* The rows of NUT's "experimental.*" and "control.*" names are left out: no client knows them. */
static const struct variable_row variables[] = {
    FULL("battery.temperature", OWN "EVERBatteryTemperature", NULL),
    NUMBER_RW("battery.packs.external", OWN "EVERExternalPacks", show_raw),
    FULL("output.powerfactor", OWN "EVERPowerFactor", show_percent_as_factor),
    FULL("ups.temperature", OWN "EVERHeatsinkTemperature", NULL),
    VARIABLES_END,
};

static const struct status_row flags[] = {
    { FLAG_CHARGING, MESSAGES "EVERCharging", NULL },
    { FLAG_LOW_BATTERY, MESSAGES "EVERBatteryLow", NULL },
    { FLAG_OVERLOAD, MESSAGES "EVEROverload", NULL },
    { FLAG_OVERLOAD, ALARMS "EVEROverloadAlarm", NULL },
    { FLAG_BOOST, MESSAGES "EVERBoost", NULL },
    { FLAG_TRIM, MESSAGES "EVERBuck", NULL },
    { FLAG_REPLACE_BATTERY, MESSAGES "EVERNeedReplacement", NULL },
    { FLAG_COMMUNICATION_LOST, ALARMS "EVERCommunicationLost", NULL },
    { FLAG_AWAITING_POWER, PRESENT "AwaitingPower", NULL },
    { FLAG_OFF, OWN "EVERWorkMode.EVERStopped", NULL },
    FLAGS_END,
};

/* The only way off there is returns with the input power. */
static const struct command_row commands[] = {
    OFF_DELAY("shutdown.return", SUMMARY "DelayBeforeShutdown"),
    OFF_DELAY("load.off.delay", SUMMARY "DelayBeforeShutdown"),
    WITHHELD("shutdown.stayoff"),
    WITHHELD("shutdown.stop"),
    COMMANDS_END,
};

/* An id of STMicroelectronics. */
static bool has_its_tree(const struct hid_identity *identity,
                         const struct hid_descriptor *descriptor)
{
    (void)identity;
    for (size_t i = 0; i < descriptor->field_count; i++) {
        const struct hid_path *path = &descriptor->fields[i].path;

        if (path->usages[path->length - 1] >> 8 == 0xff0000)
            return true;
    }
    return false;
}

static const struct family_id ids[] = {
    ID(0x2e51, 0x0000, 0),
    ID_AND_UNKNOWN(0x2e51, 0xffff, 0),
    ID_IF(0x0483, 0xa113, has_its_tree, 0),
    IDS_END,
};

const struct family family_ever = {
    .name = "ever",
    .maker = "EVER",
    .ids = ids,
    .usages = usages,
    .variables = variables,
    .flags = flags,
    .commands = commands,
    .off_delay = 20,
    .on_delay = 30,
};
