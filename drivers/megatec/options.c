/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/megatec/options.h"

#include "core/variables.h"
#include "drivers/megatec/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAUD 2400u
#define OFF_DELAY 30u
#define ON_DELAY 180u
#define ON_DELAY_MAX 599940u
#define OFF_DELAY_MIN 12u
#define OFF_DELAY_MAX 5940u
#define CHARGE_TIME 43200.0
#define IDLE_LOAD 10.0

const struct driver_option megatec_option_names[] = {
    { "protocol", false },
    { "pollfreq", false },
    { "baud", false },
    { "cablepower", false },
    { "offdelay", false },
    { "ondelay", false },
    { "stayoff", true },
    { "norating", true },
    { "novendor", true },
    { "ignoresab", true },
    { "runtimecal", false },
    { "chargetime", false },
    { "idleload", false },
    { "battery_voltage_reports_one_pack", true },
    /* of USB bridges */
    { "subdriver", false },
    { "vendorid", false },
    { "productid", false },
    { "vendor", false },
    { "product", false },
    { "serial", false },
    { "bus", false },
    { "device", false },
    { "busport", false },
    { "bcdDevice", false },
    { "langid_fix", false },
    { "noscanlangid", true },
    /* of single dialects of NUT's */
    { "pins_shutdown_mode", false },
    { "testing", true },
    { NULL, false },
};

/* Options of NUT's that there is nothing to do for here. */
static const char *const without_effect[] = { "stayoff", "pins_shutdown_mode", "testing",
                                              "langid_fix", "noscanlangid" };

static const struct {
    const char *name;
    unsigned lines;
} cable_powers[] = {
    { "normal", SERIAL_DTR },
    { "reverse", SERIAL_RTS },
    { "both", SERIAL_DTR | SERIAL_RTS },
    { "none", 0 },
};

struct reader {
    const struct device_settings *settings;
    struct config_report *report;
    bool good;
};

static void complain(struct reader *reader, const struct option_setting *option, const char *text)
{
    config_error(reader->report, reader->settings->file, option->line, "[%s] %s %s, not '%s'",
                 reader->settings->name, option->key, text,
                 option->value == NULL ? "" : option->value);
    reader->good = false;
}

static double number(struct reader *reader, const char *key, double minimum, double maximum,
                     double absent)
{
    const struct option_setting *option = device_option_find(reader->settings, key);
    char text[80];
    double value;

    if (option == NULL)
        return absent;
    if (option->value != NULL && number_parse(option->value, &value) && value >= minimum &&
        value <= maximum)
        return value;
    snprintf(text, sizeof text, "must be a number from %.0f to %.0f", minimum, maximum);
    complain(reader, option, text);
    return absent;
}

static bool flag(const struct reader *reader, const char *key)
{
    return device_option_find(reader->settings, key) != NULL;
}

static const struct megatec_dialect *read_dialect(struct reader *reader)
{
    const struct option_setting *option = device_option_find(reader->settings, "protocol");
    char text[256] = "must be one of";

    if (option == NULL || option->value == NULL)
        return NULL;
    const struct megatec_dialect *dialect = megatec_dialect_find(option->value);
    if (dialect != NULL)
        return dialect;
    for (const struct megatec_dialect *const *one = megatec_dialects(); *one != NULL; one++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof text - used, " %s", (*one)->names[0]);
    }
    complain(reader, option, text);
    return NULL;
}

static unsigned read_cable_power(struct reader *reader)
{
    const struct option_setting *option = device_option_find(reader->settings, "cablepower");

    if (option == NULL)
        return SERIAL_DTR;
    for (size_t i = 0; i < sizeof cable_powers / sizeof cable_powers[0]; i++) {
        if (option->value != NULL && strcmp(option->value, cable_powers[i].name) == 0)
            return cable_powers[i].lines;
    }
    complain(reader, option, "must be normal, reverse, both or none");
    return SERIAL_DTR;
}

static unsigned read_baud(struct reader *reader)
{
    const struct option_setting *option = device_option_find(reader->settings, "baud");
    unsigned baud;

    if (option == NULL)
        return BAUD;
    if (option->value != NULL && config_unsigned(option->value, 1, 4000000, &baud) &&
        serial_baud_is_known(baud))
        return baud;
    complain(reader, option, "must be a usual speed, such as 2400 or 9600");
    return BAUD;
}

static void read_delays(struct reader *reader, struct megatec_options *options)
{
    bool is_blazer = strncmp(reader->settings->driver, "blazer_", 7) == 0;
    unsigned unit = is_blazer ? 60 : 1;
    const struct megatec_dialect *dialect = options->dialect;
    unsigned off_minimum = dialect == NULL ? OFF_DELAY_MIN : dialect->off_minimum;
    unsigned off_maximum = dialect == NULL ? OFF_DELAY_MAX : dialect->off_maximum;
    unsigned on_minimum = dialect == NULL ? 0 : dialect->on_minimum;

    options->off_delay = (unsigned)number(reader, "offdelay", off_minimum, off_maximum, OFF_DELAY);
    options->on_delay = unit * (unsigned)number(reader, "ondelay", on_minimum / unit,
                                                ON_DELAY_MAX / unit, ON_DELAY / unit);
}

/* "seconds,percent,seconds,percent", the higher load first. */
static void read_calibration(struct reader *reader, struct megatec_battery_options *battery)
{
    const struct option_setting *option = device_option_find(reader->settings, "runtimecal");
    double values[4];
    char text[32];

    if (option == NULL)
        return;
    const char *next = option->value == NULL ? "" : option->value;
    for (size_t i = 0; i < 4; i++) {
        size_t length = strcspn(next, ",");

        snprintf(text, sizeof text, "%.*s", length < sizeof text ? (int)length : 0, next);
        if (!number_parse(text, &values[i]) || (next[length] == ',') != (i < 3)) {
            complain(reader, option, "must be SECONDS,PERCENT,SECONDS,PERCENT");
            return;
        }
        next += length + 1;
    }
    if (!(values[0] > 0 && values[2] >= values[0] && values[3] > 0 && values[1] > values[3] &&
          values[1] <= 100)) {
        complain(reader, option, "must tell the higher load, with the shorter time, first");
        return;
    }
    battery->times[0] = values[0];
    battery->loads[0] = values[1];
    battery->times[1] = values[2];
    battery->loads[1] = values[3];
}

/* What override.* and default.* say of the battery is reckoned with, too. */
static double fixed(const struct reader *reader, const char *variable)
{
    static const char *const prefixes[] = { "override.", "default." };
    double value;

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        char key[64];

        snprintf(key, sizeof key, "%s%s", prefixes[i], variable);
        const char *text = device_option(reader->settings, key);
        if (text != NULL && number_parse(text, &value) && value > 0)
            return value;
    }
    return 0;
}

static void read_battery(struct reader *reader, struct megatec_battery_options *battery)
{
    read_calibration(reader, battery);
    battery->charge_time = number(reader, "chargetime", 1, 1000000, CHARGE_TIME);
    battery->idle_load = number(reader, "idleload", 1, 100, IDLE_LOAD);
    battery->nominal = fixed(reader, "battery.voltage.nominal");
    battery->low = fixed(reader, "battery.voltage.low");
    battery->high = fixed(reader, "battery.voltage.high");
    battery->packs = fixed(reader, "battery.packs");
    battery->reports_one_pack = flag(reader, "battery_voltage_reports_one_pack");
}

static void warn_of_idle_options(const struct reader *reader)
{
    for (size_t i = 0; i < sizeof without_effect / sizeof without_effect[0]; i++) {
        const struct option_setting *option =
            device_option_find(reader->settings, without_effect[i]);

        if (option != NULL)
            config_warning(reader->report, reader->settings->file, option->line,
                           "[%s] option '%s' has no effect here", reader->settings->name,
                           option->key);
    }
}

bool megatec_options_read(const struct device_settings *settings, struct megatec_options *options,
                          struct config_report *report)
{
    const struct megatec_transport *transport = megatec_transport_of(settings, report);
    struct reader reader = { settings, report,
                             transport != NULL && transport->check(settings, report) };

    *options = (struct megatec_options){ 0 };
    options->dialect = read_dialect(&reader);
    options->serial.baud = read_baud(&reader);
    options->serial.ignores_locks = flag(&reader, "nolock");
    options->cable_power = read_cable_power(&reader);
    options->skips_rating = flag(&reader, "norating");
    options->skips_vendor = flag(&reader, "novendor");
    options->ignores_shutdown_bit = flag(&reader, "ignoresab");
    read_delays(&reader, options);
    read_battery(&reader, &options->battery);
    (void)number(&reader, "pollfreq", 1, 86400, MEGATEC_POLL_FREQUENCY);
    warn_of_idle_options(&reader);
    return reader.good;
}
