/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/variables.h"

#include "core/update.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is believable. Wide on purpose: a reading outside is a broken reading, not a rare one. */
#define VOLTS_MAX 1000
#define BATTERY_VOLTS_MAX 2000
#define AMPERES_MAX 10000
#define HERTZ_MAX 1000
#define WATTS_MAX 10000000
#define PERCENT_MAX 100
#define LOAD_MAX 1000
#define SECONDS_MAX 1000000000
#define AMPERE_HOURS_MAX 100000
#define CELSIUS_MIN (-100)
#define CELSIUS_MAX 200
/* Devices say "no countdown" with a negative number: -1 in seconds, or in minutes. */
#define IDLE_COUNTDOWN (-60)

/* One row of the table. */
#define TEXT(name, text)                       \
    {                                          \
        name, TYPE_TEXT, UNIT_NONE, 0, 0, text \
    }
#define NUMBER(name, unit, minimum, maximum, text)      \
    {                                                   \
        name, TYPE_NUMBER, unit, minimum, maximum, text \
    }
#define COUNT(name, maximum, text) NUMBER(name, UNIT_NONE, 0, maximum, text)
#define VOLT(name, text) NUMBER(name, UNIT_VOLT, 0, VOLTS_MAX, text)
#define BATTERY_VOLT(name, text) NUMBER(name, UNIT_VOLT, 0, BATTERY_VOLTS_MAX, text)
#define AMPERE(name, text) NUMBER(name, UNIT_AMPERE, 0, AMPERES_MAX, text)
#define HERTZ(name, text) NUMBER(name, UNIT_HERTZ, 0, HERTZ_MAX, text)
#define WATT(name, text) NUMBER(name, UNIT_WATT, 0, WATTS_MAX, text)
#define VOLT_AMPERE(name, text) NUMBER(name, UNIT_VOLT_AMPERE, 0, WATTS_MAX, text)
#define PERCENT(name, text) NUMBER(name, UNIT_PERCENT, 0, PERCENT_MAX, text)
#define LOAD(name, text) NUMBER(name, UNIT_PERCENT, 0, LOAD_MAX, text)
#define CELSIUS(name, text) NUMBER(name, UNIT_CELSIUS, CELSIUS_MIN, CELSIUS_MAX, text)
#define SECOND(name, text) NUMBER(name, UNIT_SECOND, 0, SECONDS_MAX, text)
#define COUNTDOWN(name, text) NUMBER(name, UNIT_SECOND, IDLE_COUNTDOWN, SECONDS_MAX, text)
#define AMPERE_HOUR(name, text) NUMBER(name, UNIT_AMPERE_HOUR, 0, AMPERE_HOURS_MAX, text)

/*
 * Families of rows that recur in many places. at is the name in front of them, of says in words
 * what it stands for.
 */
#define CURRENT(at, of)                                                                \
    NUMBER(at "crestfactor", UNIT_NONE, 0, 100, of " crest factor of the current"),    \
        AMPERE(at "current", of " current"),                                           \
        AMPERE(at "current.high.critical", of " current that is critically high"),     \
        AMPERE(at "current.high.warning", of " current so high that it is warned of"), \
        AMPERE(at "current.low.critical", of " current that is critically low"),       \
        AMPERE(at "current.low.warning", of " current so low that it is warned of"),   \
        AMPERE(at "current.maximum", of " current, highest measured"),                 \
        AMPERE(at "current.minimum", of " current, lowest measured"),                  \
        AMPERE(at "current.nominal", of " current by design"),                         \
        AMPERE(at "current.peak", of " current at its crest"),                         \
        TEXT(at "current.status", of " current against its limits")
#define FREQUENCY(at, of)                                                        \
    HERTZ(at "frequency", of " frequency"),                                      \
        TEXT(at "frequency.extended", of " accepts a wide band of frequencies"), \
        HERTZ(at "frequency.high", of " frequency, upper limit"),                \
        HERTZ(at "frequency.low", of " frequency, lower limit"),                 \
        HERTZ(at "frequency.nominal", of " frequency by design"),                \
        TEXT(at "frequency.status", of " frequency against its limits")
#define APPARENT_POWER(at, of)                                                              \
    VOLT_AMPERE(at "power", of " apparent power"),                                          \
        VOLT_AMPERE(at "power.maximum", of " apparent power, highest measured"),            \
        LOAD(at "power.maximum.percent", of " apparent power, highest share of full load"), \
        VOLT_AMPERE(at "power.minimum", of " apparent power, lowest measured"),             \
        LOAD(at "power.minimum.percent", of " apparent power, lowest share of full load"),  \
        VOLT_AMPERE(at "power.nominal", of " apparent power by design"),                    \
        LOAD(at "power.percent", of " apparent power as share of full load"),               \
        NUMBER(at "powerfactor", UNIT_NONE, -1, 1, of " power factor")
#define REAL_POWER(at, of) \
    WATT(at "realpower", of " real power"), WATT(at "realpower.nominal", of " rated real power")
#define VOLTAGE_LIMITS(at, of)                                                       \
    VOLT(at "voltage.high.critical", of " voltage that is critically high"),         \
        VOLT(at "voltage.high.warning", of " voltage so high that it is warned of"), \
        VOLT(at "voltage.low.critical", of " voltage that is critically low"),       \
        VOLT(at "voltage.low.warning", of " voltage so low that it is warned of"),   \
        VOLT(at "voltage.maximum", of " voltage, highest measured"),                 \
        VOLT(at "voltage.minimum", of " voltage, lowest measured"),                  \
        VOLT(at "voltage.nominal", of " voltage by design"),                         \
        TEXT(at "voltage.status", of " voltage against its limits")
#define VOLTAGE(at, of) VOLT(at "voltage", of " voltage"), VOLTAGE_LIMITS(at, of)
#define PHASES(at, of) NUMBER(at "phases", UNIT_NONE, 1, 3, of " number of phases")

/* All that is measured on one phase, and on a line as a whole. */
#define PHASE(at, of)                                                   \
    TEXT(at "alarm", of " alarms"), CURRENT(at, of), FREQUENCY(at, of), \
        LOAD(at "load", of " load"), APPARENT_POWER(at, of), REAL_POWER(at, of), VOLTAGE(at, of)
#define LINE(at, of)                                                                             \
    TEXT(at "alarm", of " alarms"), CURRENT(at, of), FREQUENCY(at, of),                          \
        LOAD(at "load", of " load"), PHASES(at, of), APPARENT_POWER(at, of), REAL_POWER(at, of), \
        VOLTAGE(at, of)

#define HUMIDITY(at, of)                                                                  \
    PERCENT(at "humidity", of " relative humidity"),                                      \
        TEXT(at "humidity.alarm", of " watches the humidity: enabled or disabled"),       \
        TEXT(at "humidity.alarm.enable", of " raises humidity alarms: yes or no"),        \
        PERCENT(at "humidity.alarm.maximum", of " humidity alarm, upper limit"),          \
        PERCENT(at "humidity.alarm.minimum", of " humidity alarm, lower limit"),          \
        PERCENT(at "humidity.high", of " humidity, upper limit"),                         \
        PERCENT(at "humidity.high.critical", of " humidity that is critically high"),     \
        PERCENT(at "humidity.high.warning", of " humidity so high that it is warned of"), \
        PERCENT(at "humidity.low", of " humidity, lower limit"),                          \
        PERCENT(at "humidity.low.critical", of " humidity that is critically low"),       \
        PERCENT(at "humidity.low.warning", of " humidity so low that it is warned of"),   \
        PERCENT(at "humidity.maximum", of " humidity, highest measured"),                 \
        PERCENT(at "humidity.minimum", of " humidity, lowest measured"),                  \
        TEXT(at "humidity.status", of " humidity against its limits")
#define TEMPERATURE(at, of)                                                                     \
    CELSIUS(at "temperature", of " temperature"),                                               \
        TEXT(at "temperature.alarm", of " watches the temperature: enabled or disabled"),       \
        TEXT(at "temperature.alarm.enable", of " raises temperature alarms: yes or no"),        \
        CELSIUS(at "temperature.alarm.maximum", of " temperature alarm, upper limit"),          \
        CELSIUS(at "temperature.alarm.minimum", of " temperature alarm, lower limit"),          \
        CELSIUS(at "temperature.high", of " temperature, upper limit"),                         \
        CELSIUS(at "temperature.high.critical", of " temperature that is critically high"),     \
        CELSIUS(at "temperature.high.warning", of " temperature so high that it is warned of"), \
        CELSIUS(at "temperature.low", of " temperature, lower limit"),                          \
        CELSIUS(at "temperature.low.critical", of " temperature that is critically low"),       \
        CELSIUS(at "temperature.low.warning", of " temperature so low that it is warned of"),   \
        CELSIUS(at "temperature.maximum", of " temperature, highest measured"),                 \
        CELSIUS(at "temperature.minimum", of " temperature, lowest measured"),                  \
        TEXT(at "temperature.status", of " temperature against its limits")
#define CONTACTS(at)                                                              \
    TEXT(at "contacts.#.alarm", "Dry contact's alarm: enabled or disabled"),      \
        TEXT(at "contacts.#.config", "Dry contact's idle state: open or closed"), \
        TEXT(at "contacts.#.name", "Dry contact's name"),                         \
        TEXT(at "contacts.#.status", "Dry contact's state: open, closed, active or inactive")

#define OUTLET_A_TO_D(at, of)                                                               \
    TEXT(at "alarm", of " alarms"),                                                         \
        PERCENT(at "autoswitch.charge.low", of " is switched off below this charge"),       \
        PERCENT(at "battery.charge.low", of " is switched off below this battery charge"),  \
        TEXT(at "color", of " colour code"), CURRENT(at, of),                               \
        COUNTDOWN(at "delay.shutdown", of " delay before switching off"),                   \
        COUNTDOWN(at "delay.start", of " delay before switching on"),                       \
        TEXT(at "desc", of " description"), TEXT(at "designator", of " label on the case"), \
        TEXT(at "ecocontrol", of " economy control")
#define OUTLET_I_TO_Z(at, of)                                                                      \
    TEXT(at "id", of " identifier"), LOAD(at "load", of " load"), TEXT(at "name", of " name"),     \
        APPARENT_POWER(at, of), TEXT(at "protect.status", of " protection state"),                 \
        REAL_POWER(at, of), TEXT(at "status", of " state: on or off"),                             \
        TEXT(at "switch", of " switch: on or off"),                                                \
        TEXT(at "switchable", of " can be switched: yes or no"),                                   \
        COUNTDOWN(at "timer.shutdown", of " countdown to switching off"),                          \
        COUNTDOWN(at "timer.start", of " countdown to switching on"), TEXT(at "type", of " type"), \
        VOLTAGE(at, of)

/* In strcmp() order of lower-case names. */
static const struct variable_info variables[] = {
    /* ambient: probes around the UPS */
    CONTACTS("ambient.#."),
    TEXT("ambient.#.firmware", "Ambient probe firmware"),
    HUMIDITY("ambient.#.", "Ambient probe"),
    TEXT("ambient.#.id", "Ambient probe identifier"),
    TEXT("ambient.#.mfr", "Ambient probe maker"),
    TEXT("ambient.#.model", "Ambient probe model"),
    TEXT("ambient.#.name", "Ambient probe name"),
    TEXT("ambient.#.parent.serial", "Serial number of what the ambient probe hangs on"),
    TEXT("ambient.#.present", "Ambient probe is there: yes or no"),
    TEXT("ambient.#.serial", "Ambient probe serial number"),
    TEMPERATURE("ambient.#.", "Ambient probe"),
    CONTACTS("ambient."),
    COUNT("ambient.count", 1000, "Number of ambient probes"),
    HUMIDITY("ambient.", "Ambient"),
    TEXT("ambient.present", "An ambient probe is there: yes or no"),
    TEMPERATURE("ambient.", "Ambient"),

    /* battery */
    TEXT("battery.alarm.threshold", "When the UPS sounds its battery alarm"),
    AMPERE_HOUR("battery.capacity", "Capacity of the battery"),
    AMPERE_HOUR("battery.capacity.nominal", "Capacity of the battery by design"),
    PERCENT("battery.charge", "Charge left in the battery"),
    TEXT("battery.charge.approx", "Charge of the battery where only a bound is known"),
    PERCENT("battery.charge.low", "Charge below which the battery counts as low"),
    PERCENT("battery.charge.restart", "Charge the UPS waits for before it starts again"),
    PERCENT("battery.charge.warning", "Charge below which the UPS warns"),
    TEXT("battery.charger.status", "What the charger does: charging, floating, resting..."),
    TEXT("battery.charger.type", "How the charger works"),
    NUMBER("battery.current", UNIT_AMPERE, -AMPERES_MAX, AMPERES_MAX, "Battery current"),
    NUMBER("battery.current.total", UNIT_AMPERE, -AMPERES_MAX, AMPERES_MAX,
           "Current of all battery strings together"),
    TEXT("battery.date", "When the battery was last replaced"),
    TEXT("battery.date.maintenance", "When the battery is due for replacement"),
    TEXT("battery.energysave", "Switch off on battery with little load: yes or no"),
    COUNT("battery.energysave.delay", SECONDS_MAX, "Minutes of little load before switching off"),
    LOAD("battery.energysave.load", "Load that counts as little"),
    WATT("battery.energysave.realpower", "Real power that counts as little"),
    TEXT("battery.mfr.date", "When the battery was made"),
    COUNT("battery.packs", 10000, "Number of battery packs"),
    COUNT("battery.packs.bad", 10000, "Number of defective battery packs"),
    COUNT("battery.packs.external", 10000, "Number of battery packs outside the case"),
    TEXT("battery.protection", "Battery is kept from deep discharge: yes or no"),
    SECOND("battery.runtime", "How long the battery would last at this load"),
    SECOND("battery.runtime.elapsed", "How long the UPS has been on battery"),
    SECOND("battery.runtime.low", "Runtime below which the battery counts as low"),
    SECOND("battery.runtime.restart", "Runtime the UPS waits for before it starts again"),
    TEXT("battery.status", "State of the battery"),
    CELSIUS("battery.temperature", "Temperature of the battery"),
    TEXT("battery.type", "Chemistry of the battery"),
    BATTERY_VOLT("battery.voltage", "Battery voltage"),
    BATTERY_VOLT("battery.voltage.high", "Battery voltage at full charge"),
    BATTERY_VOLT("battery.voltage.low", "Battery voltage at which it is empty"),
    BATTERY_VOLT("battery.voltage.nominal", "Battery voltage by design"),

    /* device: the box as such */
    TEXT("device.contact", "Who looks after the device"),
    COUNT("device.count", 1000, "Number of devices in the chain"),
    TEXT("device.country", "Country the device is made for"),
    TEXT("device.description", "What the device is for"),
    TEXT("device.location", "Where the device stands"),
    TEXT("device.macaddr", "Hardware address of its network card"),
    TEXT("device.mfr", "Maker of the device"),
    TEXT("device.model", "Model of the device"),
    TEXT("device.part", "Part number"),
    TEXT("device.serial", "Serial number of the device"),
    TEXT("device.type", "Kind of device: ups, pdu, scd, psu or ats"),
    SECOND("device.uptime", "How long the device has been running"),
    TEXT("device.usb.version", "USB version the device speaks"),

    /* driver: the software that reads the device */
    COUNT("driver.debug", 100, "Verbosity of the driver's debugging"),
    TEXT("driver.flag.*", "A flag of the device's section in ups.conf"),
    TEXT("driver.name", "Name of the driver"),
    TEXT("driver.parameter.*", "A setting of the device's section in ups.conf"),
    TEXT("driver.state", "What the driver is doing"),
    TEXT("driver.usb.bus", "USB bus of the device"),
    TEXT("driver.usb.busport", "USB ports on the way to the device"),
    TEXT("driver.usb.device", "Number of the device on its USB bus"),
    COUNT("driver.usb.errors.disconnect", UINT32_MAX, "Times the device has left its USB bus"),
    COUNT("driver.usb.errors.io", UINT32_MAX, "USB transfers that were disturbed"),
    COUNT("driver.usb.errors.overflow", UINT32_MAX, "USB transfers longer than asked for"),
    COUNT("driver.usb.errors.stall", UINT32_MAX, "USB requests the device has refused"),
    COUNT("driver.usb.errors.timeout", UINT32_MAX, "USB requests without an answer in time"),
    COUNT("driver.usb.reconnects", UINT32_MAX, "Times the device was opened anew"),
    TEXT("driver.version", "Version of the driver"),
    TEXT("driver.version.data", "Version of the driver's table of readings"),
    TEXT("driver.version.internal", "Version of the driver's protocol"),
    TEXT("driver.version.usb", "Version of the USB library"),

    /* input */
    PHASE("input.*.", "Input phase"),
    TEXT("input.alarm", "Input alarms"),
    PHASE("input.bypass.*.", "Bypass input phase"),
    TEXT("input.bypass.alarm", "Bypass input alarms"),
    CURRENT("input.bypass.", "Bypass input"),
    FREQUENCY("input.bypass.", "Bypass input"),
    LOAD("input.bypass.load", "Bypass input load"),
    PHASES("input.bypass.", "Bypass input"),
    APPARENT_POWER("input.bypass.", "Bypass input"),
    REAL_POWER("input.bypass.", "Bypass input"),
    TEXT("input.bypass.switch.off", "Leaves the bypass when set"),
    TEXT("input.bypass.switch.on", "Goes on bypass when set"),
    TEXT("input.bypass.switchable", "Bypass can be switched by hand"),
    VOLTAGE("input.bypass.", "Bypass input"),
    CURRENT("input.", "Input"),
    TEXT("input.eco.switchable", "Economy mode can be switched"),
    TEXT("input.feed.color", "Colour code of the input feed"),
    TEXT("input.feed.desc", "Description of the input feed"),
    FREQUENCY("input.", "Input"),
    HERTZ("input.frequency.transfer.high", "Input frequency above which the UPS transfers"),
    HERTZ("input.frequency.transfer.low", "Input frequency below which the UPS transfers"),
    LOAD("input.load", "Input load"),
    NUMBER("input.phase.shift", UNIT_NONE, -360, 360, "Degrees between the input sources"),
    PHASES("input.", "Input"),
    APPARENT_POWER("input.", "Input"),
    TEXT("input.quality", "Quality of the input power"),
    REAL_POWER("input.", "Input"),
    TEXT("input.sensitivity", "How readily the UPS leaves a disturbed input"),
    PHASE("input.servicebypass.*.", "Service bypass input phase"),
    LINE("input.servicebypass.", "Service bypass input"),
    TEXT("input.source", "Input source in use"),
    TEXT("input.source.preferred", "Input source to be used when it is good"),
    VOLT("input.transfer.boost.high", "Input voltage at which raising ends"),
    VOLT("input.transfer.boost.low", "Input voltage at which raising begins"),
    TEXT("input.transfer.bypass.forced", "Bypass even outside its limits: enabled or disabled"),
    VOLT("input.transfer.bypass.high", "Voltage above which the bypass is not taken"),
    VOLT("input.transfer.bypass.low", "Voltage below which the bypass is not taken"),
    TEXT("input.transfer.bypass.outlimits", "Bypass outside its limits: enabled or disabled"),
    TEXT("input.transfer.bypass.overload", "Bypass at overload: enabled or disabled"),
    SECOND("input.transfer.delay", "How long the input must be good before returning to it"),
    VOLT("input.transfer.eco.high", "Voltage above which economy mode ends"),
    VOLT("input.transfer.eco.low", "Voltage below which economy mode ends"),
    PERCENT("input.transfer.frequency.bypass.range", "Frequency deviation the bypass allows"),
    PERCENT("input.transfer.frequency.eco.range", "Frequency deviation economy mode allows"),
    VOLT("input.transfer.high", "Input voltage above which the UPS goes on battery"),
    VOLT("input.transfer.high.max", "Highest setting of input.transfer.high"),
    VOLT("input.transfer.high.min", "Lowest setting of input.transfer.high"),
    VOLT("input.transfer.hysteresis", "How far the voltage must recover before returning"),
    VOLT("input.transfer.low", "Input voltage below which the UPS goes on battery"),
    VOLT("input.transfer.low.max", "Highest setting of input.transfer.low"),
    VOLT("input.transfer.low.min", "Lowest setting of input.transfer.low"),
    TEXT("input.transfer.reason", "Why the UPS last went on battery"),
    VOLT("input.transfer.trim.high", "Input voltage at which lowering begins"),
    VOLT("input.transfer.trim.low", "Input voltage at which lowering ends"),
    VOLT("input.voltage", "Input voltage"),
    TEXT("input.voltage.extended", "Input accepts a wide band of voltages"),
    VOLT("input.voltage.fault", "Input voltage at the last transfer"),
    VOLTAGE_LIMITS("input.", "Input"),

    /* outlet: without number the device's whole set */
    OUTLET_A_TO_D("outlet.#.", "Outlet"),
    TEXT("outlet.#.groupid", "Outlet's group"),
    OUTLET_I_TO_Z("outlet.#.", "Outlet"),
    OUTLET_A_TO_D("outlet.", "Main outlet"),
    OUTLET_A_TO_D("outlet.group.#.", "Outlet group"),
    OUTLET_I_TO_Z("outlet.group.#.", "Outlet group"),
    COUNT("outlet.group.count", 1000, "Number of outlet groups"),
    OUTLET_I_TO_Z("outlet.", "Main outlet"),

    /* output */
    PHASE("output.*.", "Output phase"),
    TEXT("output.alarm", "Output alarms"),
    PHASE("output.bypass.*.", "Bypass output phase"),
    LINE("output.bypass.", "Bypass output"),
    CURRENT("output.", "Output"),
    FREQUENCY("output.", "Output"),
    PHASE("output.inverter.*.", "Inverter phase"),
    LINE("output.inverter.", "Inverter"),
    LOAD("output.load", "Output load"),
    PHASES("output.", "Output"),
    APPARENT_POWER("output.", "Output"),
    REAL_POWER("output.", "Output"),
    PHASE("output.servicebypass.*.", "Service bypass output phase"),
    LINE("output.servicebypass.", "Service bypass output"),
    VOLT("output.transfer.high", "Output voltage above which the UPS transfers"),
    VOLT("output.transfer.low", "Output voltage below which the UPS transfers"),
    VOLTAGE("output.", "Output"),

    /* server: the program itself */
    TEXT("server.info", "Name and version of the server"),
    TEXT("server.version", "Version of the server"),

    /* ups */
    LOAD("ups.*.load", "Load of a phase of the UPS"),
    VOLT_AMPERE("ups.*.power", "Apparent power of a phase of the UPS"),
    WATT("ups.*.realpower", "Real power of a phase of the UPS"),
    TEXT("ups.alarm", "Alarms of the UPS"),
    TEXT("ups.beeper.status", "Beeper: enabled, disabled or muted"),
    TEXT("ups.contacts", "Contact sensors of the UPS"),
    TEXT("ups.date", "Date by the UPS's clock"),
    COUNTDOWN("ups.delay.reboot", "How long the UPS waits before it restarts the load"),
    COUNTDOWN("ups.delay.shutdown", "How long the UPS waits before it switches off"),
    COUNTDOWN("ups.delay.start", "How long the UPS waits before it switches on"),
    TEXT("ups.display.language", "Language of the front panel"),
    PERCENT("ups.efficiency", "Output power as share of input power"),
    TEXT("ups.firmware", "Firmware of the UPS"),
    TEXT("ups.firmware.aux", "Firmware of the UPS's second processor or card"),
    TEXT("ups.id", "Name the UPS was given"),
    LOAD("ups.load", "Load of the UPS as share of full load"),
    TEXT("ups.load.energysave", "Switch off when the load is little: yes or no"),
    LOAD("ups.load.high", "Load above which the UPS is overloaded"),
    TEXT("ups.mfr", "Maker of the UPS"),
    TEXT("ups.mfr.date", "When the UPS was made"),
    TEXT("ups.mode", "How the UPS works now: online, line-interactive, bypass..."),
    TEXT("ups.model", "Model of the UPS"),
    VOLT_AMPERE("ups.power", "Apparent power of the load"),
    VOLT_AMPERE("ups.power.nominal", "Apparent power the UPS is built for"),
    TEXT("ups.productid", "USB product identifier"),
    WATT("ups.realpower", "Real power of the load"),
    WATT("ups.realpower.nominal", "Real power the UPS is built for"),
    TEXT("ups.serial", "Serial number of the UPS"),
    TEXT("ups.shutdown", "UPS obeys orders to switch off: enabled or disabled"),
    TEXT("ups.start.auto", "UPS starts when input power returns: yes or no"),
    TEXT("ups.start.battery", "UPS starts without input power: yes or no"),
    TEXT("ups.start.reboot", "UPS restarts the load after an aborted shutdown: yes or no"),
    TEXT("ups.status", "State of the UPS: OL on line, OB on battery, LB low battery..."),
    CELSIUS("ups.temperature", "Temperature inside the UPS"),
    TEXT("ups.test.date", "When the last self test was"),
    SECOND("ups.test.interval", "Time from one self test to the next"),
    TEXT("ups.test.result", "Result of the last self test"),
    TEXT("ups.time", "Time by the UPS's clock"),
    COUNTDOWN("ups.timer.reboot", "Countdown to restarting the load"),
    COUNTDOWN("ups.timer.shutdown", "Countdown to switching the load off"),
    COUNTDOWN("ups.timer.start", "Countdown to switching the load on"),
    TEXT("ups.type", "Construction of the UPS: offline, line-interactive, online"),
    TEXT("ups.vendorid", "USB vendor identifier"),
    TEXT("ups.watchdog.status", "Watchdog of the UPS: enabled or disabled"),
};

/* In strcmp() order. */
static const struct command_info commands[] = {
    { "beeper.disable", "Silence the beeper for good" },
    { "beeper.enable", "Let the beeper sound" },
    { "beeper.mute", "Silence the beeper until the next alarm" },
    { "beeper.off", "Silence the beeper (old name of beeper.disable)" },
    { "beeper.on", "Let the beeper sound (old name of beeper.enable)" },
    { "beeper.toggle", "Change the beeper from on to off or back" },
    { "bypass.start", "Lead the load around the UPS" },
    { "bypass.stop", "Take the load back from the bypass" },
    { "calibrate.start", "Discharge the battery to measure its runtime" },
    { "calibrate.stop", "End the runtime calibration" },
    { "driver.exit", "Stop the driver" },
    { "driver.killpower", "Have the driver cut the power" },
    { "driver.reload", "Have the driver read its configuration again, as far as it can" },
    { "driver.reload-or-error", "As driver.reload; fails when a restart would be needed" },
    { "driver.reload-or-exit", "As driver.reload; stops the driver when a restart is needed" },
    { "load.off", "Switch the load off at once" },
    { "load.off.delay", "Switch the load off after a while" },
    { "load.on", "Switch the load on at once" },
    { "load.on.delay", "Switch the load on after a while" },
    { "outlet.#.load.cycle", "Switch the outlet off and on again" },
    { "outlet.#.load.off", "Switch the outlet off at once" },
    { "outlet.#.load.off.delay", "Switch the outlet off after a while" },
    { "outlet.#.load.on", "Switch the outlet on at once" },
    { "outlet.#.load.on.delay", "Switch the outlet on after a while" },
    { "outlet.#.shutdown.return", "Switch the outlet off, and on when power is back" },
    { "outlet.#.shutdown.stayoff", "Switch the outlet off and leave it off" },
    { "outlet.group.#.load.cycle", "Switch the outlet group off and on again" },
    { "outlet.group.#.load.off", "Switch the outlet group off at once" },
    { "outlet.group.#.load.off.delay", "Switch the outlet group off after a while" },
    { "outlet.group.#.load.on", "Switch the outlet group on at once" },
    { "outlet.group.#.load.on.delay", "Switch the outlet group on after a while" },
    { "outlet.group.#.shutdown.return", "Switch the outlet group off, and on when power is back" },
    { "outlet.group.#.shutdown.stayoff", "Switch the outlet group off and leave it off" },
    { "reset.input.minmax", "Forget the highest and lowest input voltage measured" },
    { "reset.watchdog", "Restart the watchdog's countdown" },
    { "shutdown.default", "Switch off in the way the section's sdcommands say" },
    { "shutdown.reboot", "Switch the load off for a moment" },
    { "shutdown.reboot.graceful", "After a while, switch the load off for a moment" },
    { "shutdown.return", "Switch the load off, and on when power is back" },
    { "shutdown.stayoff", "Switch the load off and leave it off" },
    { "shutdown.stop", "Call off a shutdown under way" },
    { "test.battery.start", "Test the battery" },
    { "test.battery.start.deep", "Test the battery by a long discharge" },
    { "test.battery.start.low", "Test the battery until it is low" },
    { "test.battery.start.quick", "Test the battery briefly" },
    { "test.battery.stop", "End the battery test" },
    { "test.failure.start", "Act as if input power had failed" },
    { "test.failure.stop", "End the simulated power failure" },
    { "test.panel.start", "Test lamps and display" },
    { "test.panel.stop", "End the test of lamps and display" },
    { "test.system.start", "Test the UPS as a whole" },
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A part of a name between dots, as the tables spell it: '#', '*', or NULL for itself. */
static const char *part_pattern(const char *part, size_t length)
{
    static const char *const phases[] = { "L1",   "L2",   "L3",    "N",     "L1-N",
                                          "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1" };
    size_t digits = 0;

    while (digits < length && is_digit(part[digits]))
        digits++;
    if (length > 0 && digits == length)
        return "#";
    for (size_t i = 0; i < COUNT_OF(phases); i++)
        if (strlen(phases[i]) == length && strncasecmp(part, phases[i], length) == 0)
            return "*";
    return NULL;
}

/* The name as the tables spell it. False if no row can have such a name. */
static bool normalize(const char *name, char key[UPDATE_NAME_MAX + 1])
{
    size_t used = 0;

    /* Signs of patterns are no part of real names. */
    if (strlen(name) > UPDATE_NAME_MAX || strpbrk(name, "#*") != NULL)
        return false;
    for (;;) {
        size_t length = strcspn(name, ".");
        const char *pattern = part_pattern(name, length);

        if (pattern != NULL)
            key[used++] = *pattern;
        else
            for (size_t i = 0; i < length; i++)
                key[used++] = lower(name[i]);
        if (name[length] == '\0')
            break;
        key[used++] = '.';
        name += length + 1;
    }
    key[used] = '\0';
    return true;
}

/* Both kinds of rows begin with their name. */
static const void *row_find(const void *rows, size_t count, size_t size, const char *key)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *row = (const char *)rows + middle * size;
        int order = strcmp(key, *(const char *const *)(const void *)row);

        if (order == 0)
            return row;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const struct variable_info *variable_row(const char *key)
{
    return row_find(variables, COUNT_OF(variables), sizeof variables[0], key);
}

const struct variable_info *variable_find(const char *name)
{
    char key[UPDATE_NAME_MAX + 1];

    if (!normalize(name, key))
        return NULL;
    const struct variable_info *info = variable_row(key);
    if (info != NULL)
        return info;

    /* driver.parameter.* and driver.flag.* end in whatever the section's author wrote. */
    char *dot = strchr(key, '.');
    char *ending = dot == NULL ? NULL : strchr(dot + 1, '.');
    if (ending == NULL || strncmp(key, "driver.", 7) != 0 || ending[1] == '\0')
        return NULL;
    ending[1] = '*';
    ending[2] = '\0';
    return variable_row(key);
}

const struct command_info *command_find(const char *name)
{
    char key[UPDATE_NAME_MAX + 1];

    if (!normalize(name, key))
        return NULL;
    return row_find(commands, COUNT_OF(commands), sizeof commands[0], key);
}

const struct variable_info *variable_table(size_t *count)
{
    *count = COUNT_OF(variables);
    return variables;
}

const struct command_info *command_table(size_t *count)
{
    *count = COUNT_OF(commands);
    return commands;
}

const char *variable_unit_text(enum variable_unit unit)
{
    static const char *const texts[] = {
        [UNIT_NONE] = "",     [UNIT_VOLT] = "V",         [UNIT_AMPERE] = "A",  [UNIT_HERTZ] = "Hz",
        [UNIT_WATT] = "W",    [UNIT_VOLT_AMPERE] = "VA", [UNIT_PERCENT] = "%", [UNIT_SECOND] = "s",
        [UNIT_CELSIUS] = "C", [UNIT_AMPERE_HOUR] = "Ah",
    };

    return (size_t)unit < COUNT_OF(texts) ? texts[unit] : "";
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/*
 * The digits read so far: value * 10^exponent. What does not fit 19 digits is beyond the precision
 * of a double and only counted.
 */
struct decimal {
    uint64_t value;
    int exponent;
};

/* Takes a run of digits; NULL if there is none. */
static const char *take_digits(struct decimal *decimal, const char *text, bool fraction)
{
    const char *start = text;

    for (; is_digit(*text); text++) {
        bool fits = decimal->value <= (UINT64_MAX - 9) / 10;

        if (fits)
            decimal->value = decimal->value * 10 + (uint64_t)(*text - '0');
        if (fits == fraction && decimal->exponent > -100000 && decimal->exponent < 100000)
            decimal->exponent += fraction ? -1 : 1;
    }
    return text == start ? NULL : text;
}

/* Exact up to 10^22; infinity beyond what a double can hold. */
static double power_of_ten(int exponent)
{
    double power = 1;

    for (int i = 0; i < exponent && isfinite(power); i++)
        power *= 10;
    return power;
}

/* strtod() would obey the locale, and take hexadecimal, exponents, "inf" and "nan". */
bool number_parse(const char *text, double *number)
{
    struct decimal decimal = { 0 };
    const char *at = skip_blanks(text);
    bool negative = *at == '-';

    if (*at == '-' || *at == '+')
        at++;
    at = take_digits(&decimal, at, false);
    if (at != NULL && *at == '.')
        at = take_digits(&decimal, at + 1, true);
    if (at == NULL || *skip_blanks(at) != '\0')
        return false;

    /* A quotient of two exact numbers is rounded once: "230.1" is what the compiler calls 230.1. */
    double value = (double)decimal.value;
    double scale = power_of_ten(abs(decimal.exponent));
    if (decimal.value != 0)
        value = decimal.exponent < 0 ? value / scale : value * scale;
    if (!isfinite(value))
        return false;
    *number = negative ? -value : value;
    return true;
}
