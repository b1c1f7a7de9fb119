/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "core/settings.h"

#include "core/loading.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void load_file(struct loading *loading, const char *name, bool needed,
                      void (*take_line)(struct loading *loading))
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", loading->settings->directory, name) >=
        (int)sizeof path) {
        config_error(loading->report, name, 0, "the directory's name is too long");
        return;
    }
    struct config_file *file = config_read(path, loading->report);
    if (file == NULL) {
        if (needed || errno != ENOENT)
            config_error(loading->report, path, 0, "cannot read: %s", strerror(errno));
        return;
    }
    loading->file = file;
    for (size_t i = 0; i < file->count; i++) {
        loading->line = &file->lines[i];
        take_line(loading);
    }
    if (take_line == ups_conf_line)
        ups_conf_end(loading);
    loading->file = NULL;
    config_free(file);
}

static void environment_boolean(const char *name, bool *value)
{
    const char *text = getenv(name);

    if (text != NULL)
        config_boolean(text, value);
}

static void check_modbus_units(struct loading *loading)
{
    const struct settings *settings = loading->settings;
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/" UPSBRIDGE_CONF, settings->directory);
    for (size_t i = 0; i < settings->modbus_unit_count; i++) {
        const struct modbus_unit_setting *unit = &settings->modbus_units[i];

        if (unit->name != NULL && !loading_find_device(loading->settings, unit->name))
            config_error(loading->report, path, unit->line,
                         "MODBUS unit %u %s: there is no such UPS in ups.conf", unit->number,
                         unit->name);
    }
}

static void check_snmp_default(struct loading *loading)
{
    const struct settings *settings = loading->settings;
    char path[PATH_MAX];

    if (settings->snmp_default == NULL ||
        loading_find_device(loading->settings, settings->snmp_default))
        return;
    snprintf(path, sizeof path, "%s/upsbridge.conf", settings->directory);
    config_error(loading->report, path, loading->snmp_default_line,
                 "SNMP default %s: there is no such UPS in ups.conf", settings->snmp_default);
}

/* Whose upsmon is shut out cannot know when to shut down. */
static void check_access(struct loading *loading)
{
    static const struct ip_address local = { .ipv4 = true, .bytes = { 127, 0, 0, 1 } };
    const struct settings *settings = loading->settings;
    char path[PATH_MAX];

    if (access_allows(settings->access, settings->access_count, &local))
        return;
    snprintf(path, sizeof path, "%s/" UPSBRIDGE_CONF, settings->directory);
    config_warning(
        loading->report, path, 0,
        "ACCESS lets no client of this host itself in: say ACCESS allow 127.0.0.0/8 ::1");
}

static void check_whole(struct loading *loading)
{
    static const struct config_line nowhere = { 0 };
    struct config_file defaults = { .path = loading->settings->directory };
    struct settings *settings = loading->settings;

    loading->file = &defaults;
    loading->line = &nowhere;
    if (settings->listener_count == 0) {
        loading_listener(loading, "127.0.0.1", NUT_PORT);
        loading_listener(loading, "::1", NUT_PORT);
    }
    environment_boolean("ALLOW_NO_DEVICE", &settings->allow_no_device);
    environment_boolean("ALLOW_NOT_ALL_LISTENERS", &settings->allow_not_all_listeners);
    if (settings->device_count == 0 && !settings->allow_no_device && loading->report->errors == 0)
        loading_error(loading,
                      "at least one UPS must be defined in ups.conf (or ALLOW_NO_DEVICE true in "
                      "upsd.conf)");
    for (size_t i = 0; i < loading->settings->device_count; i++)
        loading->settings->devices[i].state_path = loading->settings->state_path;
    check_snmp_default(loading);
    check_modbus_units(loading);
    check_access(loading);
    require_tls_check(loading);
}

struct settings *settings_load(const char *directory, struct config_report *report)
{
    unsigned errors_before = report->errors;
    struct settings *settings = calloc(1, sizeof *settings);
    struct loading loading = {
        .settings = settings, .report = report, .poll_interval = 2, .max_start_delay = 75
    };

    if (settings == NULL)
        return NULL;
    settings->maximum_age = 15;
    settings->tracking_delay = 3600;
    settings->debug_minimum = -1;
    settings->snmp_mode = SNMP_AGENTX;
#ifdef HAVE_LIBWRAP
    settings->wrappers = true;
#endif
    settings->directory = strdup(directory);
    settings->state_path = strdup(STATE_PATH);
    if (settings->directory == NULL || settings->state_path == NULL) {
        config_error(report, directory, 0, "out of memory");
        settings_free(settings);
        return NULL;
    }
    load_file(&loading, "ups.conf", true, ups_conf_line);
    load_file(&loading, UPSD_CONF, true, upsd_conf_line);
    load_file(&loading, UPSBRIDGE_CONF, false, upsbridge_conf_line);
    check_whole(&loading);
    if (report->errors > errors_before) {
        settings_free(settings);
        return NULL;
    }
    return settings;
}

static void free_tls(struct tls_settings *tls)
{
    free(tls->certificate_file.text);
    free(tls->authorities.text);
    free(tls->identity.text);
    if (tls->password != NULL)
        explicit_bzero(tls->password, strlen(tls->password));
    free(tls->password);
    free(tls->request_word.text);
    free(tls->ciphers.text);
    free(tls->revocations.text);
    free(tls->minimum_protocol.text);
    require_tls_free(tls);
}

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    for (size_t i = 0; i < settings->device_count; i++)
        loading_free_device(&settings->devices[i]);
    free(settings->devices);
    for (size_t i = 0; i < settings->listener_count; i++) {
        free(settings->listeners[i].address);
        free(settings->listeners[i].port);
    }
    free(settings->listeners);
    for (size_t i = 0; i < settings->snmp_listener_count; i++)
        free(settings->snmp_listeners[i]);
    free(settings->snmp_listeners);
    for (size_t i = 0; i < settings->modbus_listener_count; i++)
        free(settings->modbus_listeners[i]);
    free(settings->modbus_listeners);
    for (size_t i = 0; i < settings->modbus_unit_count; i++)
        free(settings->modbus_units[i].name);
    free(settings->modbus_units);
    free(settings->modbus_access);
    for (size_t i = 0; i < settings->modbus_command_count; i++)
        free(settings->modbus_commands[i]);
    free(settings->modbus_commands);
    free(settings->access);
    free_tls(&settings->tls);
    free(settings->snmp_default);
    free(settings->snmp_description);
    free(settings->snmp_object_id);
    for (size_t i = 0; i < settings->agentx_master_count; i++)
        free(settings->agentx_masters[i]);
    free(settings->agentx_masters);
    free(settings->directory);
    free(settings->state_path);
    free(settings->ups_conf);
    free(settings->user);
    free(settings->chroot);
    free(settings);
}

const struct placed_word *settings_tls_word(const struct tls_settings *tls)
{
    const struct placed_word *words[] = { &tls->certificate_file, &tls->authorities,
                                          &tls->identity };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i]->text != NULL)
            return words[i];
    }
    return tls->request == CERTIFICATE_REQUEST_NO ? NULL : &tls->request_word;
}

const struct option_setting *device_option_find(const struct device_settings *device,
                                                const char *key)
{
    for (size_t i = device->option_count; i-- > 0;) {
        if (strcmp(device->options[i].key, key) == 0)
            return &device->options[i];
    }
    return NULL;
}

const char *device_option(const struct device_settings *device, const char *key)
{
    const struct option_setting *option = device_option_find(device, key);

    return option == NULL ? NULL : option->value;
}

bool settings_text_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The first option from number i on that is not the description; the count: none. */
static size_t skip_description(const struct device_settings *device, size_t i)
{
    while (i < device->option_count && strcmp(device->options[i].key, "desc") == 0)
        i++;
    return i;
}

bool device_settings_equal(const struct device_settings *a, const struct device_settings *b)
{
    size_t i = skip_description(a, 0);
    size_t j = skip_description(b, 0);

    if (a->poll_interval != b->poll_interval || a->max_start_delay != b->max_start_delay)
        return false;
    while (i < a->option_count && j < b->option_count) {
        if (strcmp(a->options[i].key, b->options[j].key) != 0 ||
            !settings_text_equal(a->options[i].value, b->options[j].value))
            return false;
        i = skip_description(a, i + 1);
        j = skip_description(b, j + 1);
    }
    return i == a->option_count && j == b->option_count;
}
