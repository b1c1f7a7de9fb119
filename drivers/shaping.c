/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/shaping.h"

#include "core/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Keys that steer the program, not the device: NUT publishes none of them. */
static const char *const unpublished[] = {
    "driver",
    "desc",
    "sdorder",
    "sddelay",
    "sdcommands",
    "user",
    "group",
    "chroot",
    "debug_min",
    "maxstartdelay",
    "maxretry",
    "retrydelay",
    "allow_killpower",
    "driverpath",
    "statepath",
    "pollinterval",
    "synchronous",
    "nowait",
    "LIBUSB_DEBUG",
    "reconnect_max_tries",
    "override.*",
    "default.*",
    "reconnect_report_freq",
};

/* What ignorelb compares: value number i against low number i. */
enum { CHARGE, RUNTIME, LEVELS };

static const struct {
    const char *value, *low;
} level_names[LEVELS] = {
    [CHARGE] = { "battery.charge", "battery.charge.low" },
    [RUNTIME] = { "battery.runtime", "battery.runtime.low" },
};

struct level {
    bool has_value, has_low;
    long value, low;
};

static const struct {
    const char *device, *ups;
} twins[] = {
    { "device.mfr", "ups.mfr" },
    { "device.model", "ups.model" },
    { "device.serial", "ups.serial" },
};

#define TWINS (sizeof twins / sizeof twins[0])

struct shaping {
    const struct device_settings *settings;
    char *version;
    char *status; /* as the driver last told it; NULL: not yet */
    char *sent;   /* as last published */
    bool alarm;   /* ups.alarm is not empty */
    bool twin_told[TWINS];
    struct level levels[LEVELS];
};

/* The words of the section ------------------------------------------------------------------- */

static bool matches(const char *pattern, const char *key)
{
    size_t length = strlen(pattern);

    if (length > 0 && pattern[length - 1] == '*')
        return strncmp(pattern, key, length - 1) == 0;
    return strcmp(pattern, key) == 0;
}

/* The variable an option like "override.battery.packs = 2" speaks of; NULL for other options. */
static const char *fixed_name(const struct option_setting *option, const char *prefix)
{
    size_t length = strlen(prefix);

    if (option->value == NULL || strncmp(option->key, prefix, length) != 0)
        return NULL;
    return option->key + length;
}

/* The last override (or default) of a variable; NULL if there is none. */
static const char *fixed_value(const struct shaping *shaping, const char *prefix, const char *name)
{
    const struct device_settings *settings = shaping->settings;

    for (size_t i = settings->option_count; i-- > 0;) {
        const char *fixed = fixed_name(&settings->options[i], prefix);

        if (fixed != NULL && strcasecmp(fixed, name) == 0)
            return settings->options[i].value;
    }
    return NULL;
}

static bool overridden(const struct shaping *shaping, const char *name)
{
    return fixed_value(shaping, "override.", name) != NULL;
}

static bool is_published(const char *key)
{
    for (size_t i = 0; i < sizeof unpublished / sizeof unpublished[0]; i++) {
        if (matches(unpublished[i], key))
            return false;
    }
    return true;
}

/* Publishing --------------------------------------------------------------------------------- */

static size_t twin_of_ups(const char *name)
{
    size_t i = 0;

    while (i < TWINS && strcasecmp(twins[i].ups, name) != 0)
        i++;
    return i;
}

/* Which device.* follows what is said of this ups.*; NULL: none. */
static const char *twin_to_keep(const struct shaping *shaping, const char *name)
{
    size_t i = twin_of_ups(name);

    if (i == TWINS || overridden(shaping, twins[i].device))
        return NULL;
    /* An override speaks louder than the device, in both places. */
    if (shaping->twin_told[i] && !overridden(shaping, name))
        return NULL;
    return twins[i].device;
}

/* Is this a device.* that an override of its ups.* has decided? */
static bool decided_by_twin(const struct shaping *shaping, const char *name)
{
    for (size_t i = 0; i < TWINS; i++) {
        if (strcasecmp(twins[i].device, name) == 0)
            return overridden(shaping, twins[i].ups) && !overridden(shaping, name);
    }
    return false;
}

static void publish(const struct shaping *shaping, struct update *out, const char *name,
                    const char *value)
{
    const char *twin = twin_to_keep(shaping, name);

    update_set(out, name, value);
    if (twin != NULL)
        update_set(out, twin, value);
}

/* ups.status waits for the first reading: a guess must never look like one. */
static void publish_fixed(const struct shaping *shaping, struct update *out, const char *prefix)
{
    const struct device_settings *settings = shaping->settings;

    for (size_t i = 0; i < settings->option_count; i++) {
        const char *name = fixed_name(&settings->options[i], prefix);

        if (name != NULL && strcasecmp(name, "ups.status") != 0)
            publish(shaping, out, name, settings->options[i].value);
    }
}

static void publish_options(const struct shaping *shaping, struct update *out)
{
    const struct device_settings *settings = shaping->settings;
    const char *synchronous = device_option(settings, "synchronous");
    char name[UPDATE_NAME_MAX + 1];

    update_setf(out, "driver.parameter.pollinterval", "%u", settings->poll_interval);
    update_set(out, "driver.parameter.synchronous", synchronous == NULL ? "auto" : synchronous);
    for (size_t i = 0; i < settings->option_count; i++) {
        const struct option_setting *option = &settings->options[i];

        if (!is_published(option->key))
            continue;
        snprintf(name, sizeof name, "driver.%s.%s", option->value == NULL ? "flag" : "parameter",
                 option->key);
        update_set(out, name, option->value == NULL ? "enabled" : option->value);
    }
}

void shaping_begin(struct shaping *shaping, struct update *out)
{
    update_set(out, "device.type", "ups");
    update_set(out, "driver.name", shaping->settings->driver);
    update_set(out, "driver.version", shaping->version);
    update_set(out, "driver.version.internal", shaping->version);
    publish_options(shaping, out);
    publish_fixed(shaping, out, "default.");
    publish_fixed(shaping, out, "override.");
}

/* What is remembered between batches --------------------------------------------------------- */

static bool replace(char **place, const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);

    if (text != NULL && copy == NULL)
        return false;
    free(*place);
    *place = copy;
    return true;
}

/* Takes note of name = value; NULL: it vanished. False: out of memory. */
static bool note(struct shaping *shaping, const char *name, const char *value)
{
    if (strcasecmp(name, "ups.status") == 0)
        return replace(&shaping->status, value);
    if (strcasecmp(name, "ups.alarm") == 0)
        shaping->alarm = value != NULL && *value != '\0';
    for (size_t i = 0; i < TWINS; i++) {
        if (strcasecmp(name, twins[i].device) == 0)
            shaping->twin_told[i] = value != NULL;
    }
    for (size_t i = 0; i < LEVELS; i++) {
        struct level *level = &shaping->levels[i];

        if (strcasecmp(name, level_names[i].value) == 0) {
            level->has_value = value != NULL;
            level->value = value == NULL ? 0 : strtol(value, NULL, 10);
        } else if (strcasecmp(name, level_names[i].low) == 0) {
            level->has_low = value != NULL;
            level->low = value == NULL ? 0 : strtol(value, NULL, 10);
        }
    }
    return true;
}

static bool note_fixed(struct shaping *shaping, const char *prefix)
{
    const struct device_settings *settings = shaping->settings;

    for (size_t i = 0; i < settings->option_count; i++) {
        const char *name = fixed_name(&settings->options[i], prefix);

        if (name != NULL && !note(shaping, name, settings->options[i].value))
            return false;
    }
    return true;
}

/* Back to what is known before the device has told anything. */
static bool forget(struct shaping *shaping)
{
    shaping->alarm = false;
    memset(shaping->twin_told, 0, sizeof shaping->twin_told);
    memset(shaping->levels, 0, sizeof shaping->levels);
    return replace(&shaping->sent, NULL) && replace(&shaping->status, NULL) &&
           note_fixed(shaping, "default.") && note_fixed(shaping, "override.");
}

static bool note_batch(struct shaping *shaping, const struct update *in)
{
    struct update_item item;

    for (size_t cursor = 0; update_next(in, &cursor, &item);) {
        bool tells = item.kind == UPDATE_SET || item.kind == UPDATE_UNSET;

        if (tells && !overridden(shaping, item.name) &&
            !note(shaping, item.name, item.kind == UPDATE_SET ? item.value : NULL))
            return false;
    }
    return true;
}

struct shaping *shaping_new(const struct device_settings *settings, const char *version)
{
    struct shaping *shaping = calloc(1, sizeof *shaping);

    if (shaping == NULL)
        return NULL;
    shaping->settings = settings;
    shaping->version = strdup(version);
    if (shaping->version == NULL || !forget(shaping)) {
        shaping_free(shaping);
        return NULL;
    }
    return shaping;
}

void shaping_free(struct shaping *shaping)
{
    if (shaping == NULL)
        return;
    free(shaping->version);
    free(shaping->status);
    free(shaping->sent);
    free(shaping);
}

/* The status --------------------------------------------------------------------------------- */

static bool is_low(const struct shaping *shaping)
{
    for (size_t i = 0; i < LEVELS; i++) {
        const struct level *level = &shaping->levels[i];

        if (level->has_value && level->has_low && level->value < level->low)
            return true;
    }
    return false;
}

/* What ups.status is to be, from what the driver told last. */
static void compose_status(const struct shaping *shaping, char *out, size_t size)
{
    bool is_ours = !overridden(shaping, "ups.status");
    bool ignore_low = is_ours && shaping->settings->ignore_low_battery;
    bool add_alarm =
        is_ours && shaping->alarm && (status_parse(shaping->status) & STATUS_ALARM) == 0;
    const char *low = ignore_low && is_low(shaping) ? " LB" : "";
    size_t used = (size_t)snprintf(out, size, "%s", add_alarm ? "ALARM " : "");
    /* Of a status beyond all measure the device's own words are cut, never LB. */
    size_t room = size - used - strlen(low);

    if (ignore_low)
        status_remove_word(shaping->status, "LB", out + used, room);
    else
        snprintf(out + used, room, "%s", shaping->status);
    strcat(out + used, low);
}

/* Tells the status if the driver told it, or if it has moved without a word, by alarm or level. */
static void publish_status(struct shaping *shaping, struct update *out, bool told)
{
    char text[UPDATE_VALUE_MAX + 1];

    compose_status(shaping, text, sizeof text);
    if (!told && shaping->sent != NULL && strcmp(shaping->sent, text) == 0)
        return;
    update_set(out, "ups.status", text);
    if (!replace(&shaping->sent, text))
        out->broken = true;
}

/* Batches ------------------------------------------------------------------------------------ */

static void shape_item(struct shaping *shaping, const struct update_item *item, struct update *out)
{
    bool is_command = item->kind == UPDATE_COMMAND || item->kind == UPDATE_UNCOMMAND;

    if (!is_command && overridden(shaping, item->name))
        return;
    if ((item->kind == UPDATE_SET || item->kind == UPDATE_UNSET) &&
        decided_by_twin(shaping, item->name))
        return;
    if (item->kind == UPDATE_SET && strcasecmp(item->name, "ups.status") == 0) {
        /* NULL: a later item of this batch takes it away again. */
        if (shaping->status != NULL)
            publish_status(shaping, out, true);
        return;
    }
    update_append(out, item);
    const char *twin = twin_to_keep(shaping, item->name);
    if (twin != NULL && item->kind == UPDATE_SET)
        update_set(out, twin, item->value);
    else if (twin != NULL && item->kind == UPDATE_UNSET)
        update_unset(out, twin);
}

void shaping_apply(struct shaping *shaping, const struct update *in, struct update *out)
{
    struct update_item item;

    if (!update_ok(in) || (in->complete && !forget(shaping)) || !note_batch(shaping, in)) {
        out->broken = true;
        return;
    }
    if (in->complete) {
        out->complete = true;
        shaping_begin(shaping, out);
    }
    for (size_t cursor = 0; update_next(in, &cursor, &item);)
        shape_item(shaping, &item, out);
    if (shaping->status != NULL)
        publish_status(shaping, out, false);
}
