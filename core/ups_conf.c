/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/loading.h"
#include "core/words.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECTION_NAME_MAX 127

static void number_key(struct loading *loading, const char *key, const char *value,
                       unsigned minimum, unsigned maximum, unsigned *place)
{
    if (value == NULL || !config_unsigned(value, minimum, maximum, place))
        loading_error(loading, "%s must be a whole number from %u to %u, not '%s'", key, minimum,
                      maximum, value == NULL ? "" : value);
}

/* Keys every driver shares and this layer reads. */
static void common_key(struct loading *loading, const char *key, const char *value)
{
    struct device_settings *device = loading->section;

    if (strcmp(key, "driver") == 0 || strcmp(key, "port") == 0) {
        /* Without a value it is as good as absent, as for upsd. */
        if (value != NULL && loading->line->count > 2)
            loading_text(loading, key[0] == 'd' ? &device->driver : &device->port, value);
    } else if (strcmp(key, "desc") == 0)
        loading_text(loading, &device->description, value == NULL ? "" : value);
    else if (strcmp(key, "pollinterval") == 0)
        number_key(loading, key, value, 1, 86400, &device->poll_interval);
    else if (strcmp(key, "maxstartdelay") == 0)
        number_key(loading, key, value, 0, 86400, &device->max_start_delay);
    else if (strcmp(key, "ignorelb") == 0)
        device->ignore_low_battery = true;
    else if (strcmp(key, "sdorder") == 0) {
        char *end = NULL;
        long order = value == NULL ? 0 : strtol(value, &end, 10);

        if (value == NULL || end == value || *end != '\0' || order < -1 || order > INT_MAX)
            loading_error(loading, "sdorder must be a whole number, -1 or more, not '%s'",
                          value == NULL ? "" : value);
        else
            device->shutdown_order = (int)order;
    }
}

static void device_key(struct loading *loading, const char *key, const char *value)
{
    struct device_settings *device = loading->section;
    struct option_setting *grown =
        loading_room(device->options, device->option_count, sizeof device->options[0]);

    if (grown == NULL) {
        loading_error(loading, "out of memory");
        return;
    }
    device->options = grown;
    struct option_setting *option = &grown[device->option_count++];
    *option = (struct option_setting){ .line = loading->line->number };
    loading_text(loading, &option->key, key);
    if (value != NULL)
        loading_text(loading, &option->value, value);
    common_key(loading, key, value);
}

static void global_key(struct loading *loading, const char *key, const char *value)
{
    /* Words for NUT's driver controller and driver processes; there are none here. */
    static const char *const idle[] = { "driverpath",
                                        "maxretry",
                                        "retrydelay",
                                        "nowait",
                                        "synchronous",
                                        "debug_min",
                                        "group",
                                        "statepath",
                                        "reconnect_max_tries",
                                        "LIBUSB_DEBUG",
                                        "reconnect_report_freq",
                                        "lowbatt",
                                        "nolock" };

    if (strcmp(key, "pollinterval") == 0) {
        number_key(loading, key, value, 1, 86400, &loading->poll_interval);
    } else if (strcmp(key, "maxstartdelay") == 0) {
        number_key(loading, key, value, 0, 86400, &loading->max_start_delay);
    } else if ((strcmp(key, "user") == 0 || strcmp(key, "chroot") == 0) &&
               (value == NULL || *value == '\0')) {
        loading_error(loading, "%s needs a value", key);
    } else if (strcmp(key, "user") == 0) {
        loading_text(loading, &loading->settings->user, value);
    } else if (strcmp(key, "chroot") == 0) {
        loading_text(loading, &loading->settings->chroot, value);
    } else {
        for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++) {
            if (strcasecmp(key, idle[i]) == 0)
                return;
        }
        loading_warning(loading, "unknown global setting '%s' has no effect", key);
    }
}

struct device_settings *loading_find_device(struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->device_count; i++) {
        if (strcasecmp(settings->devices[i].name, name) == 0)
            return &settings->devices[i];
    }
    return NULL;
}

static void open_section(struct loading *loading, const char *name)
{
    struct settings *settings = loading->settings;
    struct device_settings *known = loading_find_device(settings, name);

    if (known != NULL && strcmp(known->name, name) == 0) {
        loading->section = known;
        return;
    }
    if (known != NULL)
        loading_error(loading, "UPS name [%s] is already in use, as [%s] in line %u", name,
                      known->name, known->line);
    if (name[0] == '\0')
        loading_error(loading, "[] is no name for a UPS");
    else if (strlen(name) > SECTION_NAME_MAX)
        loading_error(loading, "the name of a UPS is longer than %d characters", SECTION_NAME_MAX);
    else if (strpbrk(name, " \"\\#=@") != NULL)
        loading_warning(loading, "[%s]: most clients cannot ask for a UPS of this name", name);
    if (settings->device_count >= DEVICES_MAX) {
        loading_error(loading, "more than %d UPSes", DEVICES_MAX);
        return;
    }
    struct device_settings *grown =
        loading_room(settings->devices, settings->device_count, sizeof settings->devices[0]);
    if (grown == NULL) {
        loading_error(loading, "out of memory");
        return;
    }
    settings->devices = grown;
    loading->section = &grown[settings->device_count++];
    *loading->section = (struct device_settings){ .line = loading->line->number,
                                                  .poll_interval = loading->poll_interval,
                                                  .max_start_delay = loading->max_start_delay };
    loading_text(loading, &loading->section->name, name);
}

void ups_conf_line(struct loading *loading)
{
    const struct config_line *line = loading->line;
    const char *key = line->words[0];
    const char *value = config_value(line);
    char name[WORD_LENGTH_MAX];

    if (config_section(line, name, sizeof name)) {
        open_section(loading, name);
        return;
    }
    /* What follows it would silently belong to the section before. */
    if (key[0] == '[') {
        loading_error(loading,
                      "'%s' does not end in ']': a name with blanks must be written \"[name]\"",
                      key);
        return;
    }
    if (value == NULL && line->count > 1)
        loading_warning(loading, "'%s' is taken as a flag: what follows is not '= value'", key);
    if (line->count > 3)
        loading_warning(loading,
                        "only '%s' counts as the value of %s: put a value with blanks in quotes",
                        value == NULL ? "" : value, key);
    if (loading->section != NULL)
        device_key(loading, key, value);
    else
        global_key(loading, key, value);
}

void loading_free_device(struct device_settings *device)
{
    for (size_t i = 0; i < device->option_count; i++) {
        free(device->options[i].key);
        free(device->options[i].value);
    }
    free(device->options);
    free(device->name);
    free(device->driver);
    free(device->port);
    free(device->description);
}

/* upsd ignores a section without driver and port; a site may rely on that. */
void ups_conf_end(struct loading *loading)
{
    struct settings *settings = loading->settings;
    size_t kept = 0;

    loading_text(loading, &settings->ups_conf, loading->file->path);
    for (size_t i = 0; i < settings->device_count; i++) {
        struct device_settings *device = &settings->devices[i];

        if (device->driver != NULL && device->port != NULL) {
            device->file = settings->ups_conf;
            settings->devices[kept++] = *device;
            continue;
        }
        config_warning(loading->report, loading->file->path, device->line,
                       "ignoring incomplete configuration for UPS [%s]: no %s", device->name,
                       device->driver == NULL ? "driver" : "port");
        loading_free_device(device);
    }
    settings->device_count = kept;
}
