/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/status.h"

#include <stdio.h>
#include <string.h>

/* Full enough that "low battery" on line contradicts itself. */
#define CHARGE_HIGH 50

static bool known(const struct flag_set *flags, enum status_flag flag)
{
    return (flags->known >> flag & 1) != 0;
}

static bool holds(const struct flag_set *flags, enum status_flag flag)
{
    return known(flags, flag) && (flags->set >> flag & 1) != 0;
}

static bool denied(const struct flag_set *flags, enum status_flag flag)
{
    return known(flags, flag) && (flags->set >> flag & 1) == 0;
}

/* On line or on battery ---------------------------------------------------------------------- */

enum power { POWER_UNKNOWN, POWER_LINE, POWER_BATTERY };

/*
 * A device that answers runs on something: if it has neither input power nor a battery, it has told
 * nothing yet (boards that answer with zeros until they have measured).
 */
static bool tells_nothing(const struct flag_set *flags)
{
    static const enum status_flag signs[] = {
        FLAG_ONLINE, FLAG_DISCHARGING, FLAG_CHARGING, FLAG_FULLY_CHARGED, FLAG_BATTERY_PRESENT,
    };

    if (!denied(flags, FLAG_ONLINE) || !denied(flags, FLAG_BATTERY_PRESENT))
        return false;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (holds(flags, signs[i]))
            return false;
    }
    return true;
}

static enum power power_of(const struct status_evidence *evidence)
{
    const struct flag_set *flags = &evidence->flags;

    if (tells_nothing(flags))
        return POWER_UNKNOWN;
    if (holds(flags, FLAG_ONLINE)) {
        if (holds(flags, FLAG_DISCHARGING) && (evidence->quirks & HID_QUIRK_DISCHARGE_IS_OB) != 0)
            return POWER_BATTERY;
        return POWER_LINE;
    }
    if (denied(flags, FLAG_ONLINE))
        return POWER_BATTERY;
    if (holds(flags, FLAG_DISCHARGING))
        return POWER_BATTERY;
    if (holds(flags, FLAG_CHARGING) || holds(flags, FLAG_FULLY_CHARGED))
        return POWER_LINE;
    return POWER_UNKNOWN;
}

/* Low battery -------------------------------------------------------------------------------- */

static bool charge_is_low(const struct status_evidence *evidence)
{
    if (!evidence->has_charge || !evidence->has_low_charge)
        return false;
    /* As NUT does for ignorelb: a limit of the user's own is crossed below it; a device's flag
     * comes when it is reached. */
    return evidence->user_low_charge ? evidence->charge < evidence->low_charge
                                     : evidence->charge <= evidence->low_charge;
}

static bool runtime_is_low(const struct status_evidence *evidence)
{
    return evidence->has_runtime && evidence->has_low_runtime &&
           evidence->runtime <= evidence->low_runtime;
}

/* Does anything else say that the end is near, or is there nothing that could? */
static bool imminent_is_credible(const struct status_evidence *evidence)
{
    const struct flag_set *flags = &evidence->flags;

    if ((evidence->quirks & HID_QUIRK_IMMINENT_LIES) == 0)
        return true;
    if (holds(flags, FLAG_LOW_BATTERY) || holds(flags, FLAG_TIME_LIMIT_EXPIRED) ||
        holds(flags, FLAG_DEPLETED) || charge_is_low(evidence) || runtime_is_low(evidence))
        return true;
    return !known(flags, FLAG_LOW_BATTERY) && !evidence->has_charge && !evidence->has_runtime;
}

static bool is_low_on_battery(const struct status_evidence *evidence)
{
    const struct flag_set *flags = &evidence->flags;
    bool user_decides = evidence->user_low_charge && evidence->has_charge;

    if (holds(flags, FLAG_TIME_LIMIT_EXPIRED) || holds(flags, FLAG_DEPLETED))
        return true;
    if (holds(flags, FLAG_SHUTDOWN_IMMINENT) && imminent_is_credible(evidence))
        return true;
    if (user_decides)
        return charge_is_low(evidence);
    if (holds(flags, FLAG_LOW_BATTERY))
        return true;
    /* A device that has limits and no flags for them. */
    return (!known(flags, FLAG_LOW_BATTERY) && charge_is_low(evidence)) ||
           (!known(flags, FLAG_TIME_LIMIT_EXPIRED) && !known(flags, FLAG_LOW_BATTERY) &&
            runtime_is_low(evidence));
}

/*
 * On line only what the charge bears out: firmwares raise the flag for a second for nothing, tell a
 * runtime of 0, or keep ShutdownImminent set.
 */
static bool is_low_on_line(const struct status_evidence *evidence)
{
    if (evidence->user_low_charge && evidence->has_charge)
        return charge_is_low(evidence);
    return holds(&evidence->flags, FLAG_LOW_BATTERY) &&
           (!evidence->has_charge || evidence->charge < CHARGE_HIGH);
}

static bool is_low(const struct status_evidence *evidence, enum power power)
{
    switch (power) {
    case POWER_BATTERY:
        return is_low_on_battery(evidence);
    case POWER_LINE:
        return is_low_on_line(evidence);
    case POWER_UNKNOWN:
        break;
    }
    return false;
}

/* Words -------------------------------------------------------------------------------------- */

static void add(char *out, size_t size, const char *text)
{
    size_t used = strlen(out);

    snprintf(out + used, size - used, "%s%s", used == 0 ? "" : " ", text);
}

static bool is_charging(const struct flag_set *flags, enum power power)
{
    if (known(flags, FLAG_CHARGING))
        return holds(flags, FLAG_CHARGING);
    return power == POWER_LINE && denied(flags, FLAG_FULLY_CHARGED) &&
           !holds(flags, FLAG_DISCHARGING);
}

static bool is_calibrating(const struct status_evidence *evidence, enum power power)
{
    const struct flag_set *flags = &evidence->flags;

    return holds(flags, FLAG_CALIBRATING) ||
           (power == POWER_LINE && holds(flags, FLAG_DISCHARGING) &&
            (evidence->quirks & HID_QUIRK_DISCHARGE_IS_CAL) != 0);
}

static bool battery_is_missing(const struct flag_set *flags)
{
    return denied(flags, FLAG_BATTERY_PRESENT) && !tells_nothing(flags);
}

void status_compose(const struct status_evidence *evidence, char *out, size_t size)
{
    const struct flag_set *flags = &evidence->flags;
    enum power power = power_of(evidence);
    const struct {
        const char *word;
        bool is_so;
    } words[] = {
        { "OL", power == POWER_LINE },
        { "OB", power == POWER_BATTERY },
        { "CAL", is_calibrating(evidence, power) },
        { "DISCHRG", holds(flags, FLAG_DISCHARGING) },
        { "CHRG", is_charging(flags, power) },
        { "LB", is_low(evidence, power) },
        { "OVER", holds(flags, FLAG_OVERLOAD) },
        { "RB", holds(flags, FLAG_REPLACE_BATTERY) || battery_is_missing(flags) },
        { "TRIM", holds(flags, FLAG_TRIM) },
        { "BOOST", holds(flags, FLAG_BOOST) },
        { "BYPASS", holds(flags, FLAG_BYPASS_AUTO) || holds(flags, FLAG_BYPASS_MANUAL) },
        { "ECO", holds(flags, FLAG_ECO) },
        { "TEST", holds(flags, FLAG_TEST_RUNNING) },
        { "OFF", holds(flags, FLAG_OFF) && evidence->off_settled },
    };

    if (size == 0)
        return;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].is_so)
            add(out, size, words[i].word);
    }
    if (out[0] == '\0')
        add(out, size, "WAIT");
}

void status_alarms(const struct status_evidence *evidence, char *out, size_t size)
{
    static const struct {
        enum status_flag flag;
        const char *text;
    } alarms[] = {
        { FLAG_REPLACE_BATTERY, "[Replace battery!]" },
        { FLAG_OVERLOAD, "[Overload!]" },
        { FLAG_OVER_TEMPERATURE, "[Temperature too high!]" },
        { FLAG_INTERNAL_FAILURE, "[Internal UPS fault!]" },
        { FLAG_COMMUNICATION_LOST, "[Internal communication fault!]" },
        { FLAG_FAN_FAILURE, "[Fan failure!]" },
        { FLAG_CHARGER_FAILURE, "[Battery charger fail!]" },
        { FLAG_BATTERY_VOLTAGE_HIGH, "[Battery voltage too high!]" },
        { FLAG_BATTERY_VOLTAGE_LOW, "[Battery voltage too low!]" },
        { FLAG_AWAITING_POWER, "[Awaiting power!]" },
        { FLAG_BYPASS_AUTO, "[Automatic bypass mode!]" },
        { FLAG_BYPASS_MANUAL, "[Manual bypass mode!]" },
    };

    if (size == 0)
        return;
    out[0] = '\0';
    if (battery_is_missing(&evidence->flags))
        add(out, size, "[No battery installed!]");
    for (size_t i = 0; i < sizeof alarms / sizeof alarms[0]; i++) {
        if (holds(&evidence->flags, alarms[i].flag))
            add(out, size, alarms[i].text);
    }
}
