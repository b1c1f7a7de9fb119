/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated UPS: a file (drivers/devfile.h) tells what the device says, for trials and tests
 * without hardware. Does what NUT's dummy-ups does in its dummy modes; see dummy-ups(8).
 *
 * The file is read through once (dummy-once), or again and again (dummy-loop), pausing at each
 * TIMER; a change of the file starts it over at once. What a client sets holds until the file says
 * otherwise. Nothing of the file is kept in memory between two readings but the place reached.
 */
#include "drivers/simulated.h"
#include "core/log.h"
#include "core/loop.h"
#include "drivers/devfile.h"
#include "drivers/driver.h"
#include "drivers/filewatch.h"
#include "drivers/reaction.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Even "TIMER 0" pauses, so that a file cannot keep a processor busy. */
#define PAUSE_MIN_MS 100
#define NEVER UINT64_MAX

enum mode { MODE_ONCE, MODE_LOOP };

/* By these a changed file is told from the one read last. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct simulated {
    char *path;
    enum mode mode;
    struct file_watch *watch; /* NULL: not to be had; each poll looks at the file */
    bool told;                /* the basics were published since it was opened */
    bool begun;               /* what follows is valid */
    struct identity identity;
    struct devfile_place place; /* where to go on */
    uint64_t resume;            /* clock_ms(): when to go on; NEVER: the file was read through */
};

/* What a variable allows clients, where it is not the usual: writable text of 32 bytes. */
struct allowance {
    const char *name;
    unsigned flags;
    long length;
};

/* Options: how the device reacts to a command, or a setting, of the name behind. */
#define COMMAND_OPTION "command."
#define SET_OPTION "set."

#define TEXT_LENGTH 32
#define NUMBER (VARIABLE_RW | VARIABLE_NUMBER)
#define TEXT (VARIABLE_RW | VARIABLE_STRING)

/* As Debian's dummy-ups 2.8.0 answers LIST RW and GET TYPE. */
static const struct allowance allowances[] = {
    { "ambient.humidity", NUMBER, 0 },
    { "ambient.humidity.alarm", NUMBER, 0 },
    { "ambient.humidity.high", NUMBER, 0 },
    { "ambient.humidity.low", NUMBER, 0 },
    { "ambient.temperature", NUMBER, 0 },
    { "ambient.temperature.alarm", NUMBER, 0 },
    { "ambient.temperature.high", NUMBER, 0 },
    { "ambient.temperature.low", NUMBER, 0 },
    { "battery.charge", NUMBER, 0 },
    { "battery.charge.low", NUMBER, 0 },
    { "battery.charge.restart", NUMBER, 0 },
    { "battery.current", NUMBER, 0 },
    { "battery.runtime", NUMBER, 0 },
    { "battery.runtime.low", NUMBER, 0 },
    { "battery.temperature", NUMBER, 0 },
    { "battery.voltage", NUMBER, 0 },
    { "battery.voltage.nominal", NUMBER, 0 },
    { "input.frequency", NUMBER, 0 },
    { "input.quality", TEXT, 6 },
    { "input.sensitivity", TEXT, 1 },
    { "input.transfer.boost.high", NUMBER, 0 },
    { "input.transfer.boost.low", NUMBER, 0 },
    { "input.transfer.high", NUMBER, 0 },
    { "input.transfer.low", NUMBER, 0 },
    { "input.transfer.reason", TEXT, 1 },
    { "input.transfer.trim.high", NUMBER, 0 },
    { "input.transfer.trim.low", NUMBER, 0 },
    { "input.voltage", NUMBER, 0 },
    { "input.voltage.maximum", NUMBER, 0 },
    { "input.voltage.minimum", NUMBER, 0 },
    { "input.voltage.nominal", NUMBER, 0 },
    { "output.current", NUMBER, 0 },
    { "output.frequency", NUMBER, 0 },
    { "output.voltage", NUMBER, 0 },
    { "ups.date", TEXT, 16 },
    { "ups.delay.reboot", NUMBER, 0 },
    { "ups.delay.shutdown", NUMBER, 0 },
    { "ups.delay.start", NUMBER, 0 },
    { "ups.firmware", TEXT, 16 },
    { "ups.firmware.aux", TEXT, 16 },
    { "ups.id", TEXT, 16 },
    { "ups.load", NUMBER, 0 },
    { "ups.mfr.date", TEXT, 16 },
    { "ups.temperature", NUMBER, 0 },
    { "ups.test.interval", NUMBER, 0 },
    { "ups.test.result", TEXT, 16 },
    { "ups.time", TEXT, 16 },
};

static const struct allowance *find_allowance(const char *name)
{
    static const struct allowance usual = { NULL, TEXT, TEXT_LENGTH };
    size_t low = 0;
    size_t high = sizeof allowances / sizeof allowances[0];

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, allowances[middle].name);

        if (order == 0)
            return &allowances[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return &usual;
}

static void publish(struct update *update, const char *name, const char *value)
{
    const struct allowance *allowance = find_allowance(name);

    if (*value == '\0') {
        update_unset(update, name);
        return;
    }
    update_set(update, name, value);
    update_flags(update, name, allowance->flags, allowance->length);
}

/* The section -------------------------------------------------------------------------------- */

static bool has_ending(const char *path, const char *ending)
{
    size_t length = strlen(path);

    return length >= strlen(ending) && strcmp(path + length - strlen(ending), ending) == 0;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_reaction(const struct option_setting *option)
{
    return has_prefix(option->key, COMMAND_OPTION) || has_prefix(option->key, SET_OPTION);
}

static enum mode mode_of(const struct device_settings *settings)
{
    const char *text = device_option(settings, "mode");

    if (text == NULL)
        return has_ending(settings->port, ".dev") ? MODE_ONCE : MODE_LOOP;
    return strcmp(text, "dummy-once") == 0 ? MODE_ONCE : MODE_LOOP;
}

static void check(const struct device_settings *settings, const char *directory,
                  struct config_report *report)
{
    const struct option_setting *mode = device_option_find(settings, "mode");
    const char *text = mode == NULL ? NULL : mode->value;

    (void)directory;
    if (strchr(settings->port, '@') != NULL || (text != NULL && strcmp(text, "repeater") == 0))
        config_error(report, settings->file, settings->line,
                     "[%s] port '%s': the repeater mode of dummy-ups is not part of this version "
                     "of upsbridge",
                     settings->name, settings->port);
    else if (settings->port[0] == '\0')
        config_error(report, settings->file, settings->line, "[%s] port must name a file",
                     settings->name);
    else if (mode != NULL &&
             (text == NULL || (strcmp(text, "dummy") != 0 && strcmp(text, "dummy-once") != 0 &&
                               strcmp(text, "dummy-loop") != 0)))
        config_error(report, settings->file, mode->line,
                     "[%s] mode must be dummy-once or dummy-loop, not '%s'", settings->name,
                     text == NULL ? "" : text);
    for (size_t i = 0; i < settings->option_count; i++) {
        const struct option_setting *option = &settings->options[i];

        if (is_reaction(option) && option->value != NULL && !reaction_check(option->value))
            config_error(report, settings->file, option->line,
                         "[%s] '%s': '%s' is no reaction to a request", settings->name, option->key,
                         option->value);
    }
}

/* Opening and closing ------------------------------------------------------------------------ */

static char *path_of(const struct device *device)
{
    const char *port = device->settings->port;
    char *path = NULL;

    if (port[0] == '/')
        return strdup(port);
    return asprintf(&path, "%s/%s", device->directory, port) < 0 ? NULL : path;
}

static void close_simulated(struct device *device)
{
    struct simulated *simulated = device->state;

    file_watch_free(simulated->watch);
    free(simulated->path);
    free(simulated);
    device->state = NULL;
}

/* A missing or wrong file is the first poll's business, so that its appearance is waited for. */
static enum driver_result open_simulated(struct device *device)
{
    struct simulated *simulated;

    if (strchr(device->settings->port, '@') != NULL)
        return driver_problem(device, DRIVER_REFUSED,
                              "the repeater mode of dummy-ups is not part of this version");
    simulated = calloc(1, sizeof *simulated);
    if (simulated == NULL)
        return driver_problem(device, DRIVER_GONE, "out of memory");
    device->state = simulated;
    simulated->mode = mode_of(device->settings);
    simulated->path = path_of(device);
    if (simulated->path == NULL) {
        close_simulated(device);
        return driver_problem(device, DRIVER_GONE, "out of memory");
    }
    simulated->watch = file_watch_new(simulated->path, driver_wake_descriptor(device));
    if (simulated->watch == NULL)
        log_debug(1, "[%s] cannot watch %s (%s): changes are seen with the next poll", device->name,
                  simulated->path, strerror(errno));
    return DRIVER_OK;
}

/* Reading ------------------------------------------------------------------------------------ */

static enum driver_result bad_file(struct device *device, const struct devfile_entry *entry)
{
    const struct simulated *simulated = device->state;

    if (entry->line == 0)
        return driver_problem(device, DRIVER_FAILED, "%s: %s", simulated->path, entry->problem);
    return driver_problem(device, DRIVER_FAILED, "%s:%u: %s", simulated->path, entry->line,
                          entry->problem);
}

/* Looks for errors up to the end, so that none shows up in the middle of a sequence. */
static enum driver_result check_file(struct device *device, int descriptor)
{
    struct devfile *file = devfile_new(descriptor, &(struct devfile_place){ 0 });
    struct devfile_entry entry;

    if (file == NULL)
        return driver_problem(device, DRIVER_FAILED, "out of memory");
    do {
        devfile_next(file, &entry);
    } while (entry.kind != DEVFILE_END && entry.kind != DEVFILE_ERROR);
    enum driver_result result = entry.kind == DEVFILE_ERROR ? bad_file(device, &entry) : DRIVER_OK;
    devfile_free(file);
    return result;
}

/* Collections that are the program's own. */
static bool is_ours(const char *name)
{
    return strncasecmp(name, "driver.", 7) == 0 || strncasecmp(name, "server.", 7) == 0;
}

/*
 * Publishes what stands from the present place to the next TIMER or the end. *count says how many
 * variables that were.
 */
static enum driver_result read_part(struct device *device, int descriptor, struct update *update,
                                    struct devfile_entry *end, unsigned *count)
{
    struct simulated *simulated = device->state;
    struct devfile *file = devfile_new(descriptor, &simulated->place);
    enum driver_result result = DRIVER_OK;

    if (file == NULL)
        return driver_problem(device, DRIVER_FAILED, "out of memory");
    *count = 0;
    for (devfile_next(file, end); end->kind == DEVFILE_VARIABLE; devfile_next(file, end)) {
        if (!is_ours(end->name))
            publish(update, end->name, end->value);
        ++*count;
    }
    if (end->kind == DEVFILE_ERROR)
        result = bad_file(device, end);
    simulated->place = devfile_place(file);
    devfile_free(file);
    return result;
}

/* A TIMER counts from the end of the one before, so that a sequence keeps its time. */
static void pause_for(struct simulated *simulated, uint64_t milliseconds)
{
    uint64_t now = clock_ms();
    uint64_t start = simulated->resume;

    if (start > now || now - start > 1000)
        start = now;
    simulated->resume = start + (milliseconds < PAUSE_MIN_MS ? PAUSE_MIN_MS : milliseconds);
}

static enum driver_result read_on(struct device *device, int descriptor, struct update *update)
{
    struct simulated *simulated = device->state;
    struct devfile_entry end;
    unsigned count;
    enum driver_result result = read_part(device, descriptor, update, &end, &count);

    /* The last TIMER of a loop is over: the beginning follows at once. */
    if (result == DRIVER_OK && end.kind == DEVFILE_END && simulated->mode == MODE_LOOP &&
        count == 0) {
        simulated->place = (struct devfile_place){ 0 };
        result = read_part(device, descriptor, update, &end, &count);
    }
    if (result != DRIVER_OK)
        return result;
    if (end.kind == DEVFILE_TIMER) {
        pause_for(simulated, end.milliseconds);
    } else if (simulated->mode == MODE_LOOP) {
        /* As a TIMER: what the last lines say must be seen for a while. */
        simulated->place = (struct devfile_place){ 0 };
        pause_for(simulated, (uint64_t)device->settings->poll_interval * 1000);
    } else {
        simulated->resume = NEVER;
    }
    return DRIVER_OK;
}

static struct identity identity_of(const struct stat *status)
{
    return (struct identity){ .device = status->st_dev,
                              .inode = status->st_ino,
                              .size = status->st_size,
                              .modified = status->st_mtim };
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

/* What every simulated UPS has, whatever its file says later. */
static void publish_basics(const struct device *device, struct update *update)
{
    const struct simulated *simulated = device->state;

    publish(update, "ups.mfr", "Dummy Manufacturer");
    publish(update, "ups.model", "Dummy UPS");
    publish(update, "ups.status", "OL");
    update_set(update, "driver.parameter.mode",
               simulated->mode == MODE_ONCE ? "dummy-once" : "dummy-loop");
    update_command(update, "load.off");
    for (size_t i = 0; i < device->settings->option_count; i++) {
        const char *key = device->settings->options[i].key;

        if (has_prefix(key, COMMAND_OPTION))
            update_command(update, key + strlen(COMMAND_OPTION));
    }
}

/* Goes on where the file was left, or begins it anew if it is another than last time. */
static enum driver_result read_file(struct device *device, int descriptor,
                                    const struct identity *identity, struct update *update)
{
    struct simulated *simulated = device->state;

    if (!simulated->begun || !same_identity(identity, &simulated->identity)) {
        simulated->begun = false;
        enum driver_result result = check_file(device, descriptor);
        if (result != DRIVER_OK)
            return result;
        simulated->identity = *identity;
        simulated->place = (struct devfile_place){ 0 };
        simulated->resume = 0;
    }
    if (!simulated->told)
        publish_basics(device, update);
    enum driver_result result = read_on(device, descriptor, update);
    simulated->begun = result == DRIVER_OK;
    simulated->told |= simulated->begun;
    return result;
}

static enum driver_result open_and_read(struct device *device, struct update *update)
{
    const struct simulated *simulated = device->state;
    /* Not to be held up by a pipe that somebody calls a file. */
    int descriptor = open(simulated->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    enum driver_result result;

    if (descriptor < 0)
        return driver_problem(device, DRIVER_FAILED, "%s: %s", simulated->path, strerror(errno));
    if (fstat(descriptor, &status) != 0) {
        result = driver_problem(device, DRIVER_FAILED, "%s: %s", simulated->path, strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        result = driver_problem(device, DRIVER_FAILED, "%s: not a regular file", simulated->path);
    } else {
        struct identity identity = identity_of(&status);

        result = read_file(device, descriptor, &identity, update);
    }
    close(descriptor);
    return result;
}

static enum driver_result poll_simulated(struct device *device, enum poll_kind kind,
                                         struct update *update)
{
    struct simulated *simulated = device->state;
    struct stat status;

    (void)kind;
    if (simulated->watch != NULL && file_watch_changed(simulated->watch))
        simulated->begun = false;
    if (simulated->begun && clock_ms() < simulated->resume && stat(simulated->path, &status) == 0) {
        struct identity identity = identity_of(&status);

        if (same_identity(&identity, &simulated->identity))
            return DRIVER_OK;
    }
    return open_and_read(device, update);
}

/* Is there something to read before the next regular poll? */
static bool is_due(struct simulated *simulated)
{
    if (simulated->watch != NULL && file_watch_changed(simulated->watch)) {
        simulated->begun = false;
        return true;
    }
    return simulated->begun && simulated->resume <= clock_ms();
}

static enum driver_result wait_simulated(struct device *device, int timeout_ms, bool *happened)
{
    struct simulated *simulated = device->state;
    struct pollfd descriptor = { .fd = driver_wake_descriptor(device), .events = POLLIN };

    /* Also before: the change's signal may have been taken for another one's already. */
    *happened = is_due(simulated);
    if (*happened)
        return DRIVER_OK;
    uint64_t now = clock_ms();
    uint64_t resume = simulated->begun ? simulated->resume : NEVER;
    uint64_t left = resume > now ? resume - now : 0;
    if (left < (uint64_t)timeout_ms)
        timeout_ms = (int)left;
    if (poll(&descriptor, 1, timeout_ms) < 0 && errno != EINTR)
        return driver_problem(device, DRIVER_FAILED, "poll: %s", strerror(errno));
    *happened = is_due(simulated);
    return DRIVER_OK;
}

static uint64_t due_simulated(struct device *device)
{
    struct simulated *simulated = device->state;

    if (is_due(simulated))
        return 0;
    return simulated->begun ? simulated->resume : NEVER;
}

/* Requests ----------------------------------------------------------------------------------- */

/* Only a reaction to a request can take its time. */
static bool never_waits(const struct device_settings *settings)
{
    for (size_t i = 0; i < settings->option_count; i++) {
        const struct option_setting *option = &settings->options[i];

        if (is_reaction(option) && option->value != NULL && reaction_waits(option->value))
            return false;
    }
    return true;
}

/* The option that says how the device reacts to a request; NULL: none does. */
static const char *reaction_to(const struct device *device, const char *prefix, const char *name)
{
    char key[UPDATE_NAME_MAX + 16];

    snprintf(key, sizeof key, "%s%s", prefix, name);
    return device_option(device->settings, key);
}

static enum ups_outcome set_simulated(struct device *device, const char *name, const char *value,
                                      struct update *update)
{
    const char *reaction = reaction_to(device, SET_OPTION, name);

    if (is_ours(name))
        return UPS_UNKNOWN;
    /* Clients take a UPS without a status for dead. */
    if (*value == '\0' && strcmp(name, "ups.status") == 0)
        return UPS_INVALID;
    enum ups_outcome outcome =
        reaction == NULL ? UPS_HANDLED : reaction_follow(device, reaction, value, publish, update);
    if (outcome == UPS_HANDLED)
        publish(update, name, value);
    return outcome;
}

/* dummy-ups offers load.off too, and does not know it when it is asked. */
static enum ups_outcome command_simulated(struct device *device, const char *name,
                                          const char *parameter, struct update *update)
{
    const char *reaction = reaction_to(device, COMMAND_OPTION, name);

    return reaction == NULL ? UPS_UNKNOWN
                            : reaction_follow(device, reaction, parameter, publish, update);
}

static const char *const nut_names[] = { "dummy-ups", NULL };

static const struct driver_option options[] = {
    { "mode", false },
    { "command.*", false },
    { "set.*", false },
    { NULL, false },
};

const struct driver driver_simulated = {
    .name = "simulated",
    .answers_to = nut_names,
    .description = "a UPS simulated from a .dev or .seq file",
    .options = options,
    .check = check,
    .open = open_simulated,
    .poll = poll_simulated,
    .wait = wait_simulated,
    .never_waits = never_waits,
    .due = due_simulated,
    .command = command_simulated,
    .set = set_simulated,
    .close = close_simulated,
};
