/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "drivers/registry.h"

#include "drivers/apcsmart/apcsmart.h"
#include "drivers/contact/contact.h"
#ifdef HAVE_LIBMODBUS
#include "drivers/modbus/modbus.h"
#endif
#include "drivers/megatec/megatec.h"
#include "drivers/nutdriver/nutdriver.h"
#include "drivers/shut/shut.h"
#include "drivers/simulated.h"
#ifdef HAVE_LIBUSB
#include "drivers/usbhid/usbhid.h"
#endif

#include <string.h>

static const struct driver *const drivers[] = {
    &driver_megatec,   &driver_simulated,
    &driver_apcsmart,  &driver_contact,
    &driver_shut,
#ifdef HAVE_LIBMODBUS
    &driver_modbus,
#endif
#ifdef HAVE_LIBUSB
    &driver_usbhid,
#endif
    &driver_nutdriver, NULL,
};

/* Which library a driver of NUT's would rest on. */
enum need { NEED_NOTHING, NEED_LIBUSB, NEED_LIBMODBUS, NEED_NETSNMP };

/* NUT's drivers that this version has no counterpart of, and ours that a build may lack. */
static const struct {
    const char *name;
    enum need need;
} nut_drivers[] = {
    { "adelsystem_cbi", NEED_LIBMODBUS },
    { "al175", NEED_NOTHING },
    { "apc_modbus", NEED_LIBMODBUS },
    { "apcupsd-ups", NEED_NOTHING },
    { "bcmxcp", NEED_NOTHING },
    { "bcmxcp_usb", NEED_LIBUSB },
    { "belkin", NEED_NOTHING },
    { "belkinunv", NEED_NOTHING },
    { "bestfcom", NEED_NOTHING },
    { "bestfortress", NEED_NOTHING },
    { "bestuferrups", NEED_NOTHING },
    { "bestups", NEED_NOTHING },
    { "bicker_ser", NEED_NOTHING },
    { "blazer_ser", NEED_NOTHING },
    { "blazer_usb", NEED_LIBUSB },
    { "clone", NEED_NOTHING },
    { "clone-outlet", NEED_NOTHING },
    { "etapro", NEED_NOTHING },
    { "everups", NEED_NOTHING },
    { "failover", NEED_NOTHING },
    { "gamatronic", NEED_NOTHING },
    { "generic_gpio_libgpiod", NEED_NOTHING },
    { "generic_modbus", NEED_LIBMODBUS },
    { "huawei-ups2000", NEED_LIBMODBUS },
    { "isbmex", NEED_NOTHING },
    { "ivtscd", NEED_NOTHING },
    { "liebert", NEED_NOTHING },
    { "liebert-esp2", NEED_NOTHING },
    { "masterguard", NEED_NOTHING },
    { "metasys", NEED_NOTHING },
    { "mge-utalk", NEED_NOTHING },
    { "microdowell", NEED_NOTHING },
    { "microsol-apc", NEED_NOTHING },
    { "modbus", NEED_LIBMODBUS },
    { "netxml-ups", NEED_NOTHING },
    { "nhs_ser", NEED_NOTHING },
    { "nut-ipmipsu", NEED_NOTHING },
    { "nutdrv_atcl_usb", NEED_LIBUSB },
    { "nutdrv_qx", NEED_LIBUSB },
    { "nutdrv_siemens-sitop", NEED_NOTHING },
    { "oneac", NEED_NOTHING },
    { "optiups", NEED_NOTHING },
    { "phoenixcontact_modbus", NEED_LIBMODBUS },
    { "powercom", NEED_NOTHING },
    { "powerpanel", NEED_NOTHING },
    { "rhino", NEED_NOTHING },
    { "richcomm_usb", NEED_LIBUSB },
    { "riello_ser", NEED_NOTHING },
    { "riello_usb", NEED_LIBUSB },
    { "safenet", NEED_NOTHING },
    { "snmp-ups", NEED_NETSNMP },
    { "socomec_jbus", NEED_LIBMODBUS },
    { "solis", NEED_NOTHING },
    { "sms_ser", NEED_NOTHING },
    { "tripplite", NEED_NOTHING },
    { "tripplite_usb", NEED_LIBUSB },
    { "tripplitesu", NEED_NOTHING },
    { "upscode2", NEED_NOTHING },
    { "usbhid", NEED_LIBUSB },
    { "usbhid-ups", NEED_LIBUSB },
    { "ve-direct", NEED_NOTHING },
    { "victronups", NEED_NOTHING },
};

/*
 * Keys every driver takes. We honour driver, port, desc, pollinterval, maxstartdelay, ignorelb,
 * sdorder, override.* and default.*; the others speak to NUT's driver processes and their
 * controller, which are not here, and do no harm.
 */
static const struct driver_option common[] = {
    { "driver", false },
    { "port", false },
    { "desc", false },
    { "pollinterval", false },
    { "maxstartdelay", false },
    { "ignorelb", true },
    { "sdorder", false },
    { "override.*", false },
    { "default.*", false },
    { "synchronous", false },
    { "nolock", true },
    { "maxretry", false },
    { "retrydelay", false },
    { "debug_min", false },
    { "user", false },
    { "group", false },
    { "allow_killpower", false },
    { "sdcommands", false },
    { "sddelay", false },
    { "reconnect_max_tries", false },
    { "reconnect_report_freq", false },
    { NULL, false },
};

static bool answers_to(const struct driver *driver, const char *name)
{
    if (strcmp(driver->name, name) == 0)
        return true;
    if (driver->answers_to == NULL)
        return false;
    for (const char *const *nut_name = driver->answers_to; *nut_name != NULL; nut_name++) {
        if (strcmp(*nut_name, name) == 0)
            return true;
    }
    return false;
}

const struct driver *const *driver_table(void)
{
    return drivers;
}

const struct driver_option *driver_common_options(void)
{
    return common;
}

/* The complaint about a library this build lacks; NULL if it has it. */
static const char *lacking(enum need need)
{
    switch (need) {
    case NEED_LIBUSB:
#ifndef HAVE_LIBUSB
        return "needs libusb, which this build was configured without (--without-libusb)";
#endif
        break;
    case NEED_LIBMODBUS:
#ifndef HAVE_LIBMODBUS
        return "needs libmodbus, which this build was configured without (--without-libmodbus)";
#endif
        break;
    case NEED_NETSNMP:
#ifndef HAVE_NETSNMP
        return "needs net-snmp, which this build was configured without (--without-netsnmp)";
#endif
        break;
    case NEED_NOTHING:
        break;
    }
    return NULL;
}

/* Is it one of NUT's that nobody here stands for? Then its own process serves. */
static bool is_only_nuts(const char *name)
{
    for (size_t i = 0; i < sizeof nut_drivers / sizeof nut_drivers[0]; i++) {
        if (strcmp(nut_drivers[i].name, name) == 0)
            return lacking(nut_drivers[i].need) == NULL;
    }
    return false;
}

const struct driver *driver_find(const char *name)
{
    for (size_t i = 0; drivers[i] != NULL; i++) {
        if (answers_to(drivers[i], name))
            return drivers[i];
    }
    return is_only_nuts(name) ? &driver_nutdriver : NULL;
}

const char *driver_absence(const char *name)
{
    for (size_t i = 0; i < sizeof nut_drivers / sizeof nut_drivers[0]; i++) {
        if (strcmp(nut_drivers[i].name, name) == 0 && lacking(nut_drivers[i].need) != NULL)
            return lacking(nut_drivers[i].need);
    }
    return "is not a driver upsbridge knows";
}

/* Checks ------------------------------------------------------------------------------------- */

static const struct driver_option *find_option(const struct driver_option *options, const char *key)
{
    for (; options != NULL && options->name != NULL; options++) {
        size_t length = strlen(options->name);

        if (options->name[length - 1] == '*' ? strncmp(options->name, key, length - 1) == 0
                                             : strcmp(options->name, key) == 0)
            return options;
    }
    return NULL;
}

/* The variable's name in "override.NAME" or "default.NAME"; NULL for other keys. */
static const char *fixed_variable(const char *key)
{
    static const char *const prefixes[] = { "override.", "default." };

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t length = strlen(prefixes[i]);

        if (strncmp(key, prefixes[i], length) == 0)
            return key + length;
    }
    return NULL;
}

/* Dotted, as all names are, so that "override.batery" is found out. */
static bool is_plausible_variable(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= UPDATE_NAME_MAX && strchr(name, '.') != NULL && name[0] != '.' &&
           name[length - 1] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               length;
}

static void check_option(const struct device_settings *device, const struct driver *driver,
                         const struct option_setting *option, struct config_report *report)
{
    const struct driver_option *known = find_option(common, option->key);
    const char *variable = fixed_variable(option->key);

    if (known == NULL)
        known = find_option(driver->options, option->key);
    if (known == NULL)
        config_error(report, device->file, option->line, "[%s] unknown option '%s' for driver %s",
                     device->name, option->key, device->driver);
    else if (!known->is_flag && option->value == NULL)
        config_error(report, device->file, option->line, "[%s] option '%s' needs a value",
                     device->name, option->key);
    else if (known->is_flag && option->value != NULL)
        config_warning(report, device->file, option->line,
                       "[%s] option '%s' is a flag: it is set, and its value ignored", device->name,
                       option->key);
    else if (variable != NULL && !is_plausible_variable(variable))
        config_error(report, device->file, option->line,
                     "[%s] '%s': '%s' cannot be the name of a variable", device->name, option->key,
                     variable);
    else if (variable != NULL && strlen(option->value) > UPDATE_VALUE_MAX)
        config_error(report, device->file, option->line,
                     "[%s] '%s': the value is longer than %d bytes", device->name, option->key,
                     UPDATE_VALUE_MAX);
}

static void check_device(const struct device_settings *device, const struct settings *settings,
                         struct config_report *report)
{
    const struct option_setting *option = device_option_find(device, "driver");
    const struct driver *driver = driver_find(device->driver);
    unsigned line = option == NULL ? device->line : option->line;

    if (driver == NULL) {
        config_error(report, device->file, line, "[%s] driver '%s' %s", device->name,
                     device->driver, driver_absence(device->driver));
        return;
    }
    if (driver == &driver_nutdriver && !answers_to(driver, device->driver))
        config_warning(report, device->file, line,
                       "[%s] driver '%s' is none of ours: NUT's own process serves, by its socket",
                       device->name, device->driver);
    for (size_t i = 0; i < device->option_count; i++)
        check_option(device, driver, &device->options[i], report);
    if (driver->check != NULL)
        driver->check(device, settings->directory, report);
    if (device->poll_interval > settings->maximum_age / 3 && device->poll_interval > 1)
        config_warning(report, device->file, device->line,
                       "[%s] pollinterval %u is more than a third of MAXAGE %u: it is polled more "
                       "often, so that its readings do not grow stale between polls",
                       device->name, device->poll_interval, settings->maximum_age);
}

void registry_check(const struct settings *settings, struct config_report *report)
{
    for (size_t i = 0; i < settings->device_count; i++)
        check_device(&settings->devices[i], settings, report);
}
