/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/apcsmart/unit.h"

#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"
#define FORCED_SLEEP_MS 3500

const struct driver_option apc_option_names[] = {
    { "cable", false },    { "ttymode", false },  { "sdtype", false },
    { "advorder", false }, { "awd", false },      { "wugrace", false },
    { "cshdelay", false }, { "pollfreq", false }, { NULL, false },
};

/* NUT's sdtype 0 to 5. */
static const char *const methods_of_type[] = { "", "01", "3", "2", "4", "1" };

struct reader {
    const struct device_settings *settings;
    struct config_report *report;
    bool is_good;
};

static void complain(struct reader *reader, const struct option_setting *option, const char *wanted)
{
    config_error(reader->report, reader->settings->file, option->line, "[%s] %s '%s' is not %s",
                 reader->settings->name, option->key, option->value, wanted);
    reader->is_good = false;
}

/* The option, if it is there and has a value. */
static const struct option_setting *find(const struct reader *reader, const char *name)
{
    const struct option_setting *option = device_option_find(reader->settings, name);

    return option != NULL && option->value != NULL ? option : NULL;
}

static bool is_made_of(const char *text, const char *bytes, size_t maximum)
{
    size_t length = strlen(text);

    return length > 0 && length <= maximum && strspn(text, bytes) == length;
}

static void read_cable(struct reader *reader, struct apc_options *options)
{
    const struct option_setting *cable = find(reader, "cable");

    if (cable == NULL || strcmp(cable->value, "940-0024C") == 0)
        return;
    if (strcmp(cable->value, "940-0095B") != 0)
        complain(reader, cable, "940-0024C or 940-0095B");
    options->has_dual_cable = true;
}

static void read_methods(struct reader *reader, struct apc_options *options)
{
    const struct option_setting *type = find(reader, "sdtype");
    const struct option_setting *order = find(reader, "advorder");

    if (type != NULL) {
        if (!is_made_of(type->value, "012345", 1))
            complain(reader, type, "a digit from 0 to 5");
        else
            strcpy(options->methods, methods_of_type[type->value[0] - '0']);
    }
    if (order != NULL && strcmp(order->value, "no") != 0) {
        if (!is_made_of(order->value, "01234", APC_METHODS_MAX))
            complain(reader, order, "'no' or at most five digits from 0 to 4");
        else
            strcpy(options->methods, order->value);
    }
}

bool apc_wake_delay_read(const char *text, char delay[4])
{
    size_t length = strlen(text);

    if (!is_made_of(text, DIGITS, 3))
        return false;
    strcpy(delay, "00");
    memcpy(length == 1 ? delay + 2 : delay, text, length);
    delay[length == 1 ? 3 : length] = '\0';
    return true;
}

static void read_wake_delay(struct reader *reader, const char *name, struct apc_options *options)
{
    const struct option_setting *delay = find(reader, name);

    if (delay != NULL && !apc_wake_delay_read(delay->value, options->wake_delay))
        complain(reader, delay, "one to three digits");
}

static void read_forced_sleep(struct reader *reader, struct apc_options *options)
{
    const struct option_setting *delay = find(reader, "cshdelay");

    if (delay == NULL)
        return;
    const char *text = delay->value;
    bool has_tenths = strlen(text) == 3 && text[1] == '.' && is_made_of(text + 2, DIGITS, 1);
    if (strchr(DIGITS, text[0]) == NULL || text[0] == '\0' || !(text[1] == '\0' || has_tenths)) {
        complain(reader, delay, "a number of seconds from 0 to 9.9");
        return;
    }
    options->forced_sleep_ms = (unsigned)(text[0] - '0') * 1000;
    if (has_tenths)
        options->forced_sleep_ms += (unsigned)(text[2] - '0') * 100;
}

bool apc_options_read(const struct device_settings *settings, struct apc_options *options,
                      struct config_report *report)
{
    struct reader reader = { .settings = settings, .report = report, .is_good = true };

    *options = (struct apc_options){ .wake_delay = "000", .forced_sleep_ms = FORCED_SLEEP_MS };
    if (!serial_port_check(settings, report))
        reader.is_good = false;
    read_cable(&reader, options);
    read_methods(&reader, options);
    read_wake_delay(&reader, "wugrace", options);
    read_wake_delay(&reader, "awd", options);
    read_forced_sleep(&reader, options);
    return reader.is_good;
}
