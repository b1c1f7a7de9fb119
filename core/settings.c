/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "core/settings.h"

#include "core/loading.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUT_PORT "3493"

/* What all parts need ------------------------------------------------------------------------ */

void loading_error(struct loading *loading, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    config_error(loading->report, loading->file->path, loading->line->number, "%s", text);
}

void loading_warning(struct loading *loading, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    config_warning(loading->report, loading->file->path, loading->line->number, "%s", text);
}

void loading_text(struct loading *loading, char **place, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        loading_error(loading, "out of memory");
        return;
    }
    free(*place);
    *place = copy;
}

void *loading_room(void *array, size_t count, size_t element)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return array;
    return realloc(array, (count == 0 ? 1 : count * 2) * element);
}

/* upsd.conf ---------------------------------------------------------------------------------- */

enum value_kind {
    VALUE_UNSIGNED,
    VALUE_BOOLEAN,
    VALUE_TEXT,
    VALUE_LISTEN,
    VALUE_TLS,
    VALUE_LEGACY,
    VALUE_IDLE
};

struct directive {
    const char *name;
    enum value_kind kind;
    size_t offset; /* of the field in struct settings */
    unsigned minimum, maximum;
};

#define FIELD(member) offsetof(struct settings, member)

static const struct directive directives[] = {
    { "MAXAGE", VALUE_UNSIGNED, FIELD(maximum_age), 1, 86400 },
    { "TRACKINGDELAY", VALUE_UNSIGNED, FIELD(tracking_delay), 1, 31536000 },
    { "MAXCONN", VALUE_UNSIGNED, FIELD(maximum_connections), 1, 1000000 },
    { "DEBUG_MIN", VALUE_UNSIGNED, FIELD(debug_minimum), 0, 9 },
    { "STATEPATH", VALUE_TEXT, FIELD(state_path), 0, 0 },
    { "DATAPATH", VALUE_IDLE, 0, 0, 0 },
    { "LISTEN", VALUE_LISTEN, 0, 0, 0 },
    { "ALLOW_NO_DEVICE", VALUE_BOOLEAN, FIELD(allow_no_device), 0, 0 },
    { "ALLOW_NOT_ALL_LISTENERS", VALUE_BOOLEAN, FIELD(allow_not_all_listeners), 0, 0 },
    { "CERTFILE", VALUE_TLS, 0, 0, 0 },
    { "CERTPATH", VALUE_TLS, 0, 0, 0 },
    { "CERTIDENT", VALUE_TLS, 0, 0, 0 },
    { "CERTREQUEST", VALUE_TLS, 0, 0, 0 },
    { "DISABLE_WEAK_SSL", VALUE_TLS, 0, 0, 0 },
    { "ACCEPT", VALUE_LEGACY, 0, 0, 0 },
    { "REJECT", VALUE_LEGACY, 0, 0, 0 },
    { "ACL", VALUE_LEGACY, 0, 0, 0 },
};

static void add_listener(struct loading *loading, const char *address, const char *port)
{
    struct settings *settings = loading->settings;

    if (settings->listener_count >= LISTENERS_MAX) {
        loading_error(loading, "LISTEN: more than %d addresses", LISTENERS_MAX);
        return;
    }
    struct listen_setting *grown =
        loading_room(settings->listeners, settings->listener_count, sizeof settings->listeners[0]);
    if (grown == NULL) {
        loading_error(loading, "out of memory");
        return;
    }
    settings->listeners = grown;
    struct listen_setting *listener = &grown[settings->listener_count++];
    *listener = (struct listen_setting){ .line = loading->line->number };
    loading_text(loading, &listener->address, address);
    loading_text(loading, &listener->port, port);
}

static void listen_line(struct loading *loading)
{
    const struct config_line *line = loading->line;
    unsigned port;

    if (line->count < 2) {
        loading_error(loading, "LISTEN needs an address");
        return;
    }
    if (line->count > 2 && !config_unsigned(line->words[2], 1, 65535, &port))
        loading_error(loading, "LISTEN: '%s' is not a port", line->words[2]);
    loading->settings->listeners_given = true;
    add_listener(loading, line->words[1], line->count > 2 ? line->words[2] : NUT_PORT);
}

static void directive_value(struct loading *loading, const struct directive *directive)
{
    const struct config_line *line = loading->line;
    const char *value = line->count > 1 ? line->words[1] : "";
    void *field = (char *)loading->settings + directive->offset;

    switch (directive->kind) {
    case VALUE_UNSIGNED:
        if (!config_unsigned(value, directive->minimum, directive->maximum, field))
            loading_error(loading, "%s must be a whole number from %u to %u, not '%s'",
                          directive->name, directive->minimum, directive->maximum, value);
        break;
    case VALUE_BOOLEAN:
        if (!config_boolean(value, field))
            loading_error(loading, "%s must be true or false, not '%s'", directive->name, value);
        break;
    case VALUE_TEXT:
        if (*value == '\0')
            loading_error(loading, "%s needs a value", directive->name);
        else
            loading_text(loading, field, value);
        break;
    case VALUE_LISTEN:
        listen_line(loading);
        break;
    case VALUE_TLS:
        loading_warning(loading, "%s has no effect: this version serves no TLS", directive->name);
        break;
    case VALUE_LEGACY:
        loading_warning(loading, "%s is obsolete and has no effect: use LISTEN and a firewall",
                        directive->name);
        break;
    case VALUE_IDLE:
        break;
    }
}

static void upsd_conf_line(struct loading *loading)
{
    const char *name = loading->line->words[0];

    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        /* The one name that may be written in either case. */
        bool any_case = directives[i].offset == FIELD(debug_minimum);

        if ((any_case ? strcasecmp : strcmp)(name, directives[i].name) == 0) {
            directive_value(loading, &directives[i]);
            return;
        }
    }
    loading_warning(loading, "unknown directive '%s' has no effect", name);
}

/* upsbridge.conf ----------------------------------------------------------------------------- */

static void snmp_listen(struct loading *loading, const char *address)
{
    struct settings *settings = loading->settings;
    bool known = strncasecmp(address, "udp:", 4) == 0 || strncasecmp(address, "udp6:", 5) == 0;
    unsigned port;

    if (!known || !config_unsigned(strrchr(address, ':') + 1, 1, 65535, &port)) {
        loading_error(loading, "SNMP listen: '%s' is not udp:HOST:PORT or udp6:[HOST]:PORT",
                      address);
        return;
    }
    if (settings->snmp_listener_count >= LISTENERS_MAX) {
        loading_error(loading, "SNMP listen: more than %d addresses", LISTENERS_MAX);
        return;
    }
    char **grown =
        loading_room(settings->snmp_listeners, settings->snmp_listener_count, sizeof grown[0]);
    if (grown == NULL) {
        loading_error(loading, "out of memory");
        return;
    }
    settings->snmp_listeners = grown;
    grown[settings->snmp_listener_count] = NULL;
    loading_text(loading, &grown[settings->snmp_listener_count++], address);
    settings->snmp_mode = SNMP_LISTEN;
}

static void snmp_line(struct loading *loading)
{
    const struct config_line *line = loading->line;
    struct settings *settings = loading->settings;
    const char *what = line->count > 1 ? line->words[1] : "";
    const char *value = line->count > 2 ? line->words[2] : NULL;

    if (line->count > 3)
        loading_error(loading, "SNMP %s: '%s' is too much", what, line->words[3]);
    else if (strcasecmp(what, "off") == 0)
        settings->snmp_mode = SNMP_OFF;
    else if (strcasecmp(what, "agentx") == 0 && settings->snmp_listener_count > 0)
        loading_error(loading, "SNMP agentx and SNMP listen exclude each other");
    else if (strcasecmp(what, "agentx") == 0) {
        settings->snmp_mode = SNMP_AGENTX;
        if (value != NULL)
            loading_text(loading, &settings->agentx_address, value);
    } else if (strcasecmp(what, "listen") == 0 && value != NULL && settings->agentx_address != NULL)
        loading_error(loading, "SNMP agentx and SNMP listen exclude each other");
    else if (strcasecmp(what, "listen") == 0 && value != NULL)
        snmp_listen(loading, value);
    else if (strcasecmp(what, "default") == 0 && value != NULL) {
        loading_text(loading, &settings->snmp_default, value);
        loading->snmp_default_line = line->number;
    } else
        loading_error(loading,
                      "SNMP must be followed by 'agentx [ADDRESS]', 'listen udp:HOST:PORT', "
                      "'default NAME' or 'off'");
}

static void upsbridge_conf_line(struct loading *loading)
{
    if (strcasecmp(loading->line->words[0], "SNMP") == 0)
        snmp_line(loading);
    else
        loading_error(loading, "unknown directive '%s'", loading->line->words[0]);
}

/* All of it ---------------------------------------------------------------------------------- */

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

static void check_whole(struct loading *loading)
{
    static const struct config_line nowhere = { 0 };
    struct config_file defaults = { .path = loading->settings->directory };
    struct settings *settings = loading->settings;

    loading->file = &defaults;
    loading->line = &nowhere;
    if (settings->listener_count == 0) {
        add_listener(loading, "127.0.0.1", NUT_PORT);
        add_listener(loading, "::1", NUT_PORT);
    }
    environment_boolean("ALLOW_NO_DEVICE", &settings->allow_no_device);
    environment_boolean("ALLOW_NOT_ALL_LISTENERS", &settings->allow_not_all_listeners);
    if (settings->device_count == 0 && !settings->allow_no_device && loading->report->errors == 0)
        loading_error(loading,
                      "at least one UPS must be defined in ups.conf (or ALLOW_NO_DEVICE true in "
                      "upsd.conf)");
    check_snmp_default(loading);
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
    settings->directory = strdup(directory);
    settings->state_path = strdup(STATE_PATH);
    if (settings->directory == NULL || settings->state_path == NULL) {
        config_error(report, directory, 0, "out of memory");
        settings_free(settings);
        return NULL;
    }
    load_file(&loading, "ups.conf", true, ups_conf_line);
    load_file(&loading, "upsd.conf", true, upsd_conf_line);
    load_file(&loading, "upsbridge.conf", false, upsbridge_conf_line);
    check_whole(&loading);
    if (report->errors > errors_before) {
        settings_free(settings);
        return NULL;
    }
    return settings;
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
    free(settings->snmp_default);
    free(settings->agentx_address);
    free(settings->directory);
    free(settings->state_path);
    free(settings->ups_conf);
    free(settings->user);
    free(settings->chroot);
    free(settings);
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

static bool same_text(const char *a, const char *b)
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
            !same_text(a->options[i].value, b->options[j].value))
            return false;
        i = skip_description(a, i + 1);
        j = skip_description(b, j + 1);
    }
    return i == a->option_count && j == b->option_count;
}
