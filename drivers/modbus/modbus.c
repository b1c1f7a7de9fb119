/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "drivers/modbus/modbus.h"

#include "core/log.h"
#include "drivers/modbus/modbus_device.h"

#include <ctype.h>
#include <limits.h>
#include <modbus-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* device->memory: what lives while the device is away. */
struct memory {
    struct modbus_options options;
    struct modbus_image *images[MODBUS_CANDIDATES_MAX]; /* with the settings that live with us */
};

/* A section that is wrong was reported when it was read. */
static void ignore_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    (void)text;
}

static bool must_stop(const void *context)
{
    return driver_must_stop(context);
}

static void check(const struct device_settings *settings, const char *directory,
                  struct config_report *report)
{
    struct modbus_options options;

    if (modbus_options_read(settings, directory, &options, report))
        modbus_options_clear(&options);
}

/* Opening ------------------------------------------------------------------------------------ */

static void forget(struct device *device)
{
    struct memory *memory = device->memory;

    if (memory == NULL)
        return;
    for (size_t i = 0; i < MODBUS_CANDIDATES_MAX; i++)
        image_free(memory->images[i]);
    modbus_options_clear(&memory->options);
    free(memory);
    device->memory = NULL;
}

/* offdelay and the like are other names for delays that live with us. */
static void set_delay(struct modbus_image *image, const char *name, unsigned seconds)
{
    struct modbus_order *order = NULL;
    char value[16], problem[160];

    if (seconds == UINT_MAX)
        return;
    snprintf(value, sizeof value, "%u", seconds);
    enum modbus_answer answer = image_set(image, name, value, &order, problem, sizeof problem);
    if (answer == MODBUS_ACTIONS)
        order_free(order);
    if (answer == MODBUS_INVALID)
        log_warning("%s: %s", name, problem);
}

static struct modbus_image *new_image(const struct modbus_options *options, size_t candidate)
{
    struct modbus_image *image = image_new(options->candidates[candidate].map);

    if (image == NULL)
        return NULL;
    set_delay(image, "ups.delay.shutdown", options->off_delay);
    set_delay(image, "ups.delay.start", options->on_delay);
    set_delay(image, "ups.delay.reboot", options->reboot_delay);
    return image;
}

static struct memory *remember(struct device *device, bool *is_wrong)
{
    struct config_report report = { .sink = ignore_complaint };
    struct memory *memory = device->memory;

    *is_wrong = false;
    if (memory != NULL)
        return memory;
    memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return NULL;
    if (!modbus_options_read(device->settings, device->directory, &memory->options, &report)) {
        *is_wrong = true;
        free(memory);
        return NULL;
    }
    device->memory = memory;
    for (size_t i = 0; i < memory->options.count; i++) {
        memory->images[i] = new_image(&memory->options, i);
        if (memory->images[i] == NULL) {
            forget(device);
            return NULL;
        }
    }
    return memory;
}

static void close_modbus(struct device *device)
{
    struct modbus_device *modbus = device->state;

    bus_leave(modbus->reader.station);
    plan_free(modbus->reader.plan);
    free(modbus);
    device->state = NULL;
}

/* DRIVER_REFUSED: it is a device, but not of this map. */
static enum driver_result try_candidate(struct device *device, const struct memory *memory,
                                        size_t candidate)
{
    const struct modbus_candidate *wanted = &memory->options.candidates[candidate];
    struct modbus_device *modbus = device->state;
    struct bus_unit unit = wanted->unit;
    bool fits = false;

    unit.name = device->name;
    unit.must_stop = must_stop;
    unit.context = device;
    modbus->reader = (struct modbus_reader){ .map = wanted->map,
                                             .image = memory->images[candidate],
                                             .plan = plan_new(wanted->map) };
    image_clear(modbus->reader.image);
    if (modbus->reader.plan == NULL)
        return driver_problem(device, DRIVER_GONE, "out of memory");
    modbus->reader.station =
        bus_join(&wanted->address, &unit, device->problem, sizeof device->problem);
    if (modbus->reader.station == NULL)
        return DRIVER_GONE;
    enum bus_result result = poll_identify(&modbus->reader, &fits);
    if (result != BUS_OK)
        return driver_problem(device, DRIVER_GONE, "%s", bus_problem(modbus->reader.station));
    return fits ? DRIVER_OK
                : driver_problem(device, DRIVER_REFUSED,
                                 "its registers are not those of map %s (see --probe-modbus)",
                                 wanted->map->name);
}

static enum driver_result open_modbus(struct device *device)
{
    bool is_wrong;
    struct memory *memory = remember(device, &is_wrong);
    enum driver_result result = DRIVER_REFUSED;

    if (memory == NULL)
        return driver_problem(device, is_wrong ? DRIVER_REFUSED : DRIVER_GONE, "%s",
                              is_wrong ? "its section or map is wrong" : "out of memory");
    for (size_t i = 0; i < memory->options.count && result == DRIVER_REFUSED; i++) {
        device->state = calloc(1, sizeof(struct modbus_device));
        if (device->state == NULL)
            return driver_problem(device, DRIVER_GONE, "out of memory");
        result = try_candidate(device, memory, i);
        if (result != DRIVER_OK)
            close_modbus(device);
    }
    /* What does not fit may be a device that is starting: it is asked again soon. */
    return result == DRIVER_REFUSED ? DRIVER_GONE : result;
}

/* Reading ------------------------------------------------------------------------------------ */

/* What is odd is logged once each, however often it is met. */
static void note_problem(void *context, const char *text)
{
    const struct device *device = context;
    struct modbus_device *modbus = device->state;
    uint32_t hash = 2166136261u;

    for (const char *byte = text; *byte != '\0'; byte++)
        hash = (hash ^ (uint8_t)*byte) * 16777619u;
    for (size_t i = 0; i < modbus->problem_count; i++) {
        if (modbus->problems[i] == hash)
            return;
    }
    if (modbus->problem_count == MODBUS_PROBLEMS_MAX)
        return;
    modbus->problems[modbus->problem_count++] = hash;
    log_warning("[%s] %s", device->name, text);
}

/* The debug view: a row of the map as a variable. */
struct view {
    const struct device *device;
    struct update *update;
};

static void note_view_problem(void *context, const char *text)
{
    const struct view *view = context;

    note_problem((void *)(uintptr_t)view->device, text);
}

static void show_reading(void *context, const char *name, const char *raw, const char *cooked)
{
    const struct view *view = context;
    char variable[UPDATE_NAME_MAX + 1];
    int length = snprintf(variable, sizeof variable, "driver.debug.%s", name);

    if (length < 0 || (size_t)length >= sizeof variable)
        return;
    for (char *byte = variable; *byte != '\0'; byte++) {
        if (!isalnum((unsigned char)*byte) && *byte != '.' && *byte != '-')
            *byte = '_';
    }
    update_setf(view->update, variable, "%s -> %s", raw, cooked);
}

/* What the library and the bus have to say of themselves. */
static void publish_driver(const struct device *device, struct update *update)
{
    const struct modbus_device *modbus = device->state;
    const struct bus_counts *counts = bus_counts(modbus->reader.station);

    update_set(update, "driver.version.data", modbus->reader.map->description);
    update_set(update, "driver.version.internal", "libmodbus " LIBMODBUS_VERSION_STRING);
    if (device_option(device->settings, "pollfreq") == NULL)
        update_setf(update, "driver.parameter.pollfreq", "%d", MODBUS_POLL_FREQUENCY);
    for (enum bus_result result = BUS_EXCEPTION; result <= BUS_GONE; result++) {
        char name[64];

        snprintf(name, sizeof name, "driver.modbus.%s", bus_result_name(result));
        update_setf(update, name, "%llu", (unsigned long long)counts->results[result]);
    }
    update_setf(update, "driver.modbus.reconnects", "%llu",
                (unsigned long long)(counts->connected > 0 ? counts->connected - 1 : 0));
}

static enum driver_result fail(struct device *device)
{
    struct modbus_device *modbus = device->state;

    modbus->must_identify = true;
    return driver_problem(device, DRIVER_FAILED, "%s", bus_problem(modbus->reader.station));
}

/* After it was away, another device may be at its place. */
static enum driver_result look_again(struct device *device)
{
    struct modbus_device *modbus = device->state;
    bool fits = false;

    if (!modbus->must_identify)
        return DRIVER_OK;
    if (poll_identify(&modbus->reader, &fits) != BUS_OK)
        return fail(device);
    if (!fits)
        return driver_problem(device, DRIVER_GONE, "another device answers in its place");
    modbus->must_identify = false;
    return DRIVER_OK;
}

/* What it lacks is told once: it is not asked for again. */
static enum driver_result take_refusals(struct device *device,
                                        const struct modbus_refusals *refusals)
{
    const struct modbus_block *first = &refusals->first;

    if (refusals->essential)
        return driver_problem(device, DRIVER_GONE,
                              "it refuses %s %u, without which its state is unknown",
                              modbus_table_name(first->table), first->address);
    if (refusals->count > 0)
        log_info("[%s] refuses %u of the map's blocks (%s %u to %u first): not asked again",
                 device->name, refusals->count, modbus_table_name(first->table), first->address,
                 first->address + first->count - 1u);
    return DRIVER_OK;
}

static enum driver_result read_device(struct device *device, enum plan_poll poll)
{
    struct modbus_device *modbus = device->state;
    struct modbus_refusals refusals = { .count = 0 };
    enum driver_result result = look_again(device);

    if (result != DRIVER_OK)
        return result;
    bool has_failed = poll_blocks(&modbus->reader, poll, &refusals) != BUS_OK;
    result = take_refusals(device, &refusals);
    return result == DRIVER_OK && has_failed ? fail(device) : result;
}

static enum driver_result poll_modbus(struct device *device, enum poll_kind kind,
                                      struct update *update)
{
    struct modbus_device *modbus = device->state;
    const struct memory *memory = device->memory;
    bool is_full = kind == POLL_FULL || modbus->has_written;
    enum plan_poll poll = !is_full ? PLAN_QUICK : modbus->has_told_all ? PLAN_FULL : PLAN_FIRST;
    struct view view = { device, update };
    const struct modbus_observer observer = { .context = &view,
                                              .problem = note_view_problem,
                                              .reading = memory->options.shows_registers
                                                             ? show_reading
                                                             : NULL };
    enum driver_result result = read_device(device, poll);

    if (result != DRIVER_OK)
        return result;
    struct modbus_outcome outcome = image_decode(modbus->reader.image, poll, update, &observer);
    if (outcome.stale || !outcome.status_known) {
        update_clear(update);
        image_untold(modbus->reader.image);
        return driver_problem(device, DRIVER_FAILED, "%s",
                              outcome.stale ? "the card has lost its UPS"
                                            : "whether it is on battery is not known");
    }
    modbus->has_written = false;
    if (is_full) {
        modbus->has_told_all = true;
        publish_driver(device, update);
    }
    return DRIVER_OK;
}

const struct driver driver_modbus = {
    .name = "modbus",
    .answers_to = modbus_nut_names,
    .description = "UPSes with Modbus RTU or TCP, by register maps",
    .options = modbus_option_names,
    .full_poll = MODBUS_POLL_FREQUENCY,
    .check = check,
    .open = open_modbus,
    .poll = poll_modbus,
    .command = modbus_command,
    .set = modbus_set,
    .close = close_modbus,
    .forget = forget,
};
