/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/modbus/options.h"

#include "drivers/modbus/shared_maps.h"
#include "modbus/contacts.h"
#include "modbus/decode.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_UNIT 1u
#define DEFAULT_RESPONSE_MS 1000u
#define DEFAULT_RETRIES 2u
#define CONTACTS "generic_modbus"
#define PATH_SIZE 4096

const char *const modbus_nut_names[] = {
    "adelsystem_cbi",        "apc_modbus",   CONTACTS, "huawei-ups2000",
    "phoenixcontact_modbus", "socomec_jbus", NULL,
};

const struct driver_option modbus_option_names[] = {
    { "map", false },
    { "unit", false },
    { "baud", false },
    { "parity", false },
    { "databits", false },
    { "stopbits", false },
    { "rts", false },
    { "rts_delay_us", false },
    { "response_timeout_ms", false },
    { "pause_ms", false },
    { "retries", false },
    { "pollfreq", false },
    { "offdelay", false },
    { "ondelay", false },
    { "rebootdelay", false },
    { "debug_registers", true },
    /* NUT's apc_modbus */
    { "porttype", false },
    { "slaveid", false },
    /* NUT's adelsystem_cbi and generic_modbus */
    { "ser_*", false },
    { "dev_slave_id", false },
    { "rio_slave_id", false },
    { "mod_resp_to_s", false },
    { "mod_resp_to_us", false },
    { "mod_byte_to_s", false },
    { "mod_byte_to_us", false },
    { "device_mfr", false },
    { "device_model", false },
    { "OL_*", false },
    { "OB_*", false },
    { "LB_*", false },
    { "HB_*", false },
    { "RB_*", false },
    { "CHRG_*", false },
    { "DISCHRG_*", false },
    { "FSD_*", false },
    { NULL, false },
};

/* The maps that NUT's drivers stand for, the likeliest first. */
static const struct {
    const char *driver;
    const char *maps[MODBUS_CANDIDATES_MAX];
} maps_of[] = {
    { "adelsystem_cbi", { "adelsystem-cbi" } },
    { "apc_modbus", { "apc-smart-ups" } },
    { "huawei-ups2000", { "huawei-ups2000" } },
    { "phoenixcontact_modbus", { "phoenix-quint4", "phoenix-trio2g", "phoenix-quint" } },
    { "socomec_jbus", { "socomec-jbus" } },
};

struct reader {
    const struct device_settings *settings;
    const char *directory;
    struct config_report *report;
    bool good;
};

static void complain(struct reader *reader, unsigned line, const char *text, const char *value)
{
    config_error(reader->report, reader->settings->file, line, "[%s] %s '%s'",
                 reader->settings->name, text, value);
    reader->good = false;
}

/* Words and numbers -------------------------------------------------------------------------- */

/* The option under any of the names, which are NULL-ended; NULL: not given. */
static const struct option_setting *find(const struct reader *reader, const char *const *names)
{
    const struct option_setting *found = NULL;

    for (; *names != NULL && found == NULL; names++)
        found = device_option_find(reader->settings, *names);
    return found;
}

static unsigned number(struct reader *reader, const char *const *names, unsigned minimum,
                       unsigned maximum, unsigned absent)
{
    const struct option_setting *option = find(reader, names);
    char text[96], *end = NULL;

    if (option == NULL)
        return absent;
    const char *value = option->value == NULL ? "" : option->value;
    unsigned long found = strtoul(value, &end, 0);
    if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && found >= minimum && found <= maximum)
        return (unsigned)found;
    snprintf(text, sizeof text, "%s must be a number from %u to %u, not", option->key, minimum,
             maximum);
    complain(reader, option->line, text, value);
    return absent;
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static char parity(struct reader *reader, char absent)
{
    const struct option_setting *option = find(reader, NAMES("parity", "ser_parity"));
    const char *value = option == NULL || option->value == NULL ? "" : option->value;
    static const char allowed[] = "NEOneo";

    if (option == NULL)
        return absent;
    const char *found = value[0] == '\0' || value[1] != '\0' ? NULL : strchr(allowed, value[0]);
    if (found != NULL)
        return allowed[(found - allowed) % 3];
    complain(reader, option->line, "parity must be N, E or O, not", value);
    return absent;
}

static enum bus_rts rts(struct reader *reader)
{
    static const char *const words[] = { [BUS_RTS_NONE] = "none",
                                         [BUS_RTS_RS485] = "rs485",
                                         [BUS_RTS_UP] = "up",
                                         [BUS_RTS_DOWN] = "down" };
    const struct option_setting *option = device_option_find(reader->settings, "rts");
    const char *value = option == NULL || option->value == NULL ? "" : option->value;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(value, words[i]) == 0)
            return (enum bus_rts)i;
    }
    if (option != NULL)
        complain(reader, option->line, "rts must be none, rs485, up or down, not", value);
    return BUS_RTS_NONE;
}

static unsigned response_ms(struct reader *reader, unsigned absent)
{
    unsigned seconds = number(reader, NAMES("mod_resp_to_s"), 0, 30, UINT_MAX);
    unsigned micros = number(reader, NAMES("mod_resp_to_us"), 0, 999999, UINT_MAX);
    unsigned given = number(reader, NAMES("response_timeout_ms"), 20, 30000, 0);

    if (given != 0)
        return given;
    if (seconds == UINT_MAX && micros == UINT_MAX)
        return absent;
    unsigned milliseconds =
        (seconds == UINT_MAX ? 0 : seconds * 1000) + (micros == UINT_MAX ? 0 : micros / 1000);
    return milliseconds < 20 ? 20 : milliseconds;
}

/* The line and the unit ---------------------------------------------------------------------- */

static unsigned first(unsigned given, unsigned fallback)
{
    return given != 0 ? given : fallback;
}

static void read_line(struct reader *reader, const struct modbus_link *link,
                      struct bus_address *address)
{
    address->baud = number(reader, NAMES("baud", "ser_baud_rate"), 110, 4000000,
                           first(link->baud, address->baud));
    address->parity = parity(reader, link->parity != 0 ? link->parity : address->parity);
    address->data_bits = number(reader, NAMES("databits", "ser_data_bit"), 7, 8,
                                first(link->data_bits, address->data_bits));
    address->stop_bits = number(reader, NAMES("stopbits", "ser_stop_bit"), 1, 2,
                                first(link->stop_bits, address->stop_bits));
    address->rts = rts(reader);
    address->rts_delay_us = number(reader, NAMES("rts_delay_us"), 0, 1000000, 0);
}

static void read_unit(struct reader *reader, const struct modbus_link *link,
                      const struct bus_address *address, struct bus_unit *unit)
{
    static const char *const names[] = { "unit", "slaveid", "dev_slave_id", "rio_slave_id", NULL };

    *unit = (struct bus_unit){
        .number = number(reader, names, 0, 255, link->has_unit ? link->unit : DEFAULT_UNIT),
        .response_ms = response_ms(reader, first(link->response_ms, DEFAULT_RESPONSE_MS)),
        .pause_ms = number(reader, NAMES("pause_ms"), 0, 5000, link->pause_ms),
        .after_write_ms = link->after_write_ms,
        .retries = number(reader, NAMES("retries"), 0, 10, DEFAULT_RETRIES),
    };
    const struct option_setting *option = find(reader, names);
    /* What libmodbus takes; 0 would be everybody on a line. */
    unsigned least = address->kind == BUS_TCP ? 0 : 1;
    bool is_fine = (unit->number >= least && unit->number <= 247) ||
                   (unit->number == 255 && address->kind == BUS_TCP);
    if (is_fine)
        return;
    if (option == NULL)
        complain(reader, reader->settings->line,
                 "needs unit = NUMBER: on a serial line there is none like the map's",
                 link->unit == 0 ? "0" : "255");
    else
        complain(reader, option->line,
                 address->kind == BUS_TCP ? "a unit is 0 to 247, or 255, not"
                                          : "a unit on a serial line is 1 to 247, not",
                 option->value == NULL ? "" : option->value);
}

static bool read_port(struct reader *reader, struct bus_address *address)
{
    const struct option_setting *type = device_option_find(reader->settings, "porttype");
    const struct option_setting *port = device_option_find(reader->settings, "port");
    const char *value = type == NULL || type->value == NULL ? "" : type->value;
    unsigned line = port == NULL ? reader->settings->line : port->line;
    char problem[BUS_NAME_MAX + 80];

    if (type != NULL && strcmp(value, "serial") != 0 && strcmp(value, "tcp") != 0) {
        complain(reader, type->line,
                 "porttype is serial or tcp (by USB an APC is served by driver usbhid-ups), not",
                 value);
        return false;
    }
    if (strcmp(reader->settings->port, "auto") == 0) {
        complain(reader, line,
                 "port must be a serial device or HOST:PORT (by USB: driver usbhid-ups), not",
                 reader->settings->port);
        return false;
    }
    if (bus_parse(reader->settings->port, address, problem, sizeof problem)) {
        if (type == NULL || (address->kind == BUS_RTU) == (strcmp(value, "serial") == 0))
            return true;
        complain(reader, type->line, "port is no such one as porttype says:", value);
        return false;
    }
    config_error(reader->report, reader->settings->file, line, "[%s] port: %s",
                 reader->settings->name, problem);
    reader->good = false;
    return false;
}

/* Maps --------------------------------------------------------------------------------------- */

static const struct modbus_map *load_contacts(struct reader *reader)
{
    const struct device_settings *settings = reader->settings;
    struct contact_option *options = calloc(settings->option_count, sizeof *options);

    if (options == NULL)
        return NULL;
    for (size_t i = 0; i < settings->option_count; i++)
        options[i] = (struct contact_option){ settings->options[i].key, settings->options[i].value,
                                              settings->options[i].line };
    struct modbus_map *map = contacts_map(options, settings->option_count, settings->file,
                                          settings->line, reader->report);
    free(options);
    return map == NULL ? NULL : shared_map_adopt(map);
}

static void add_map(struct reader *reader, struct modbus_options *options, const char *wanted)
{
    char path[PATH_SIZE];
    unsigned errors = reader->report->errors;
    const struct option_setting *given = device_option_find(reader->settings, "map");

    if (!map_path(wanted, reader->directory, path, sizeof path)) {
        complain(reader, given == NULL ? reader->settings->line : given->line,
                 "the name of the map is too long:", wanted);
        return;
    }
    const struct modbus_map *map = shared_map_load(path, reader->report);
    if (map != NULL) {
        options->candidates[options->count++].map = map;
        return;
    }
    reader->good = false;
    if (reader->report->errors == errors)
        complain(reader, reader->settings->line, "out of memory for the map", wanted);
}

/* Is a map what the section has to name? For a NUT name it comes with it. */
static void add_maps(struct reader *reader, struct modbus_options *options)
{
    const struct device_settings *settings = reader->settings;
    const char *wanted = device_option(settings, "map");

    if (wanted != NULL) {
        add_map(reader, options, wanted);
        return;
    }
    if (strcmp(settings->driver, CONTACTS) == 0) {
        options->candidates[0].map = load_contacts(reader);
        options->count = options->candidates[0].map != NULL;
        reader->good &= options->count == 1;
        return;
    }
    for (size_t i = 0; i < sizeof maps_of / sizeof maps_of[0]; i++) {
        if (strcmp(settings->driver, maps_of[i].driver) != 0)
            continue;
        for (size_t k = 0; k < MODBUS_CANDIDATES_MAX && maps_of[i].maps[k] != NULL; k++)
            add_map(reader, options, maps_of[i].maps[k]);
        return;
    }
    config_error(reader->report, settings->file, settings->line,
                 "[%s] needs map = NAME: upsbridged --probe-modbus tells which", settings->name);
    reader->good = false;
}

/* A delay that lives in the device, or nowhere, is not set by a section. */
static void check_delay(struct reader *reader, const struct modbus_map *map, const char *key,
                        const char *variable)
{
    const struct option_setting *option = device_option_find(reader->settings, key);
    struct modbus_image *image = option == NULL ? NULL : image_new(map);
    struct modbus_order *order = NULL;
    char problem[160], value[16];

    if (image == NULL)
        return;
    snprintf(value, sizeof value, "%lu", strtoul(option->value, NULL, 0));
    enum modbus_answer answer = image_set(image, variable, value, &order, problem, sizeof problem);
    if (answer == MODBUS_ACTIONS)
        order_free(order);
    if (answer == MODBUS_INVALID) {
        config_error(reader->report, reader->settings->file, option->line, "[%s] %s: %s",
                     reader->settings->name, key, problem);
        reader->good = false;
    } else if (answer != MODBUS_KEPT) {
        config_warning(reader->report, reader->settings->file, option->line,
                       "[%s] %s has no effect: with map %s, %s", reader->settings->name, key,
                       map->name,
                       answer == MODBUS_ACTIONS ? "the UPS has a setting of its own for it"
                                                : "the UPS has no such delay");
    }
    image_free(image);
}

/* Contacts are options of one driver alone: elsewhere they would do nothing. */
static void check_contacts(struct reader *reader)
{
    const struct device_settings *settings = reader->settings;

    if (strcmp(settings->driver, CONTACTS) == 0)
        return;
    for (size_t i = 0; i < settings->option_count; i++) {
        const char *key = settings->options[i].key;

        if (contacts_option(key) && strncmp(key, "ser_", 4) != 0 &&
            strcmp(key, "rio_slave_id") != 0)
            complain(reader, settings->options[i].line, "only driver " CONTACTS " has the option",
                     key);
    }
}

bool modbus_options_read(const struct device_settings *settings, const char *directory,
                         struct modbus_options *options, struct config_report *report)
{
    struct reader reader = { settings, directory, report, true };
    struct bus_address address;

    *options = (struct modbus_options){ .count = 0 };
    if (device_option_find(settings, "mod_byte_to_s") != NULL ||
        device_option_find(settings, "mod_byte_to_us") != NULL)
        config_warning(report, settings->file, settings->line,
                       "[%s] mod_byte_to_* has no effect: a whole answer has one time-out",
                       settings->name);
    check_contacts(&reader);
    if (read_port(&reader, &address))
        add_maps(&reader, options);
    for (size_t i = 0; i < options->count; i++) {
        struct modbus_candidate *candidate = &options->candidates[i];

        candidate->address = address;
        read_line(&reader, &candidate->map->link, &candidate->address);
        read_unit(&reader, &candidate->map->link, &candidate->address, &candidate->unit);
        if (!reader.good)
            break;
    }
    options->shows_registers = device_option_find(settings, "debug_registers") != NULL;
    options->off_delay = number(&reader, NAMES("offdelay"), 0, 604800, UINT_MAX);
    options->on_delay = number(&reader, NAMES("ondelay"), 0, 604800, UINT_MAX);
    options->reboot_delay = number(&reader, NAMES("rebootdelay"), 0, 604800, UINT_MAX);
    for (size_t i = 0; i < options->count && reader.good; i++) {
        check_delay(&reader, options->candidates[i].map, "offdelay", "ups.delay.shutdown");
        check_delay(&reader, options->candidates[i].map, "ondelay", "ups.delay.start");
        check_delay(&reader, options->candidates[i].map, "rebootdelay", "ups.delay.reboot");
    }
    if (reader.good)
        return true;
    modbus_options_clear(options);
    return false;
}

void modbus_options_clear(struct modbus_options *options)
{
    for (size_t i = 0; i < options->count; i++)
        shared_map_drop(options->candidates[i].map);
    options->count = 0;
}
