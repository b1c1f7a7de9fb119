/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "drivers/megatec/megatec.h"

#include "core/log.h"
#include "core/loop.h"
#include "drivers/megatec/device.h"

#include <stdlib.h>
#include <string.h>

#define GIVE_UP 3 /* a question that got no answer so often in a row is not asked again */

static void check(const struct device_settings *settings, const char *directory,
                  struct config_report *report)
{
    struct megatec_options options;

    (void)directory;
    megatec_options_read(settings, &options, report);
}

const struct megatec_transport *megatec_transport_of(const struct device_settings *settings,
                                                     struct config_report *report)
{
    if (strcmp(settings->port, "auto") != 0)
        return &megatec_serial;
#ifdef HAVE_LIBUSB
    (void)report;
    return &megatec_usb;
#else
    config_error(report, settings->file, settings->line,
                 "[%s] port auto needs libusb, which this build was configured without "
                 "(--without-libusb)",
                 settings->name);
    return NULL;
#endif
}

/* For an open device's section nobody is told what is wrong: -t and the start have said it. */
static void ignore_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    (void)text;
}

/* Opening and closing ------------------------------------------------------------------------ */

static unsigned clamp(unsigned value, unsigned minimum, unsigned maximum)
{
    return value < minimum ? minimum : value > maximum ? maximum : value;
}

static struct megatec_memory *remember(struct device *device, bool *is_wrong)
{
    struct config_report report = { .sink = ignore_complaint };
    struct megatec_memory *memory = device->memory;

    *is_wrong = false;
    if (memory != NULL)
        return memory;
    memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return NULL;
    if (!megatec_options_read(device->settings, &memory->options, &report)) {
        *is_wrong = true;
        free(memory);
        return NULL;
    }
    memory->transport = megatec_transport_of(device->settings, &report);
    memory->off_delay = memory->options.off_delay;
    memory->on_delay = memory->options.on_delay;
    device->memory = memory;
    return memory;
}

static void forget(struct device *device)
{
    struct megatec_memory *memory = device->memory;

    if (memory != NULL && memory->transport->forget != NULL)
        memory->transport->forget(memory->transport_memory);
    free(memory);
    device->memory = NULL;
}

static void close_megatec(struct device *device)
{
    struct megatec *megatec = device->state;

    if (megatec->line != NULL)
        megatec->transport->close(megatec->line);
    free(megatec);
    device->state = NULL;
}

static enum driver_result open_line(struct megatec *megatec)
{
    struct megatec_memory *memory = megatec->memory;

    megatec->transport = memory->transport;
    megatec->line =
        megatec->transport->open(megatec->device, &memory->options, &memory->transport_memory);
    if (megatec->line == NULL)
        return DRIVER_GONE;
    enum driver_result result = megatec_detect(megatec);
    if (result != DRIVER_OK)
        return result;
    const struct megatec_dialect *dialect = megatec->dialect;
    memory->off_delay = clamp(memory->off_delay, dialect->off_minimum, dialect->off_maximum);
    memory->on_delay = clamp(memory->on_delay, dialect->on_minimum, dialect->on_maximum);
    if (memory->was_open)
        memory->counters.reopened++;
    memory->was_open = true;
    return DRIVER_OK;
}

static enum driver_result open_megatec(struct device *device)
{
    bool is_wrong;
    struct megatec_memory *memory = remember(device, &is_wrong);
    struct megatec *megatec = calloc(1, sizeof *megatec);

    if (memory == NULL || megatec == NULL) {
        free(megatec);
        return driver_problem(device, is_wrong ? DRIVER_REFUSED : DRIVER_GONE, "%s",
                              is_wrong ? "its section is wrong" : "out of memory");
    }
    device->state = megatec;
    megatec->device = device;
    megatec->memory = memory;
    megatec->image.battery_options = memory->options.battery;
    megatec->image.battery = &memory->battery;
    megatec->image.ignores_shutdown_bit = memory->options.ignores_shutdown_bit;
    megatec_image_begin(&megatec->image);
    enum driver_result result = open_line(megatec);
    if (result != DRIVER_OK)
        close_megatec(device);
    return result;
}

/* Reading ------------------------------------------------------------------------------------ */

static bool is_left_out(const struct megatec_options *options, enum megatec_group group)
{
    return (group == MEGATEC_RATING && options->skips_rating) ||
           (group == MEGATEC_VENDOR && options->skips_vendor);
}

/* Is it the turn of an item of the dialect? */
static bool is_due(const struct megatec *megatec, size_t i, enum poll_kind kind)
{
    enum megatec_group group = megatec->dialect->items[i].group;

    if (is_left_out(&megatec->memory->options, group))
        return false;
    if (i == 0)
        return true;
    /* One that never was answered is given up; one that was may have been drowned in noise. */
    if (!megatec->answered[i] && megatec->failures[i] >= GIVE_UP)
        return false;
    if (group == MEGATEC_STATUS)
        return true;
    return kind == POLL_FULL && (group == MEGATEC_DETAIL || !megatec->answered[i]);
}

/* False: the poll has failed with it. */
static bool ask_item(struct megatec *megatec, size_t i, struct update *update)
{
    /* Nobody has seen its status yet: what may never be answered must not hold that up. */
    megatec->is_probing = i > 0 && !megatec->has_told_all;
    enum megatec_verdict verdict =
        megatec_ask(megatec, megatec->dialect->items[i].question, update);
    megatec->is_probing = false;
    switch (verdict) {
    case MEGATEC_GOOD:
        megatec->answered[i] = true;
        megatec->failures[i] = 0;
        return true;
    case MEGATEC_ECHOED:
    case MEGATEC_REFUSED:
        megatec->failures[i] = megatec->answered[i] ? 0 : GIVE_UP;
        break;
    case MEGATEC_SILENT:
    case MEGATEC_MALFORMED:
        megatec->failures[i]++;
        break;
    }
    /* Half of a status would go on as it was, and look fresh. */
    bool is_needed =
        i == 0 || (megatec->dialect->items[i].group == MEGATEC_STATUS && megatec->answered[i]);
    return !is_needed && !megatec->is_gone;
}

static void publish_driver(const struct megatec *megatec, struct update *update)
{
    const struct megatec_counters *counters = &megatec->memory->counters;

    update_set(update, "driver.version.data", megatec->dialect->names[0]);
    if (device_option(megatec->device->settings, "pollfreq") == NULL)
        update_setf(update, "driver.parameter.pollfreq", "%d", MEGATEC_POLL_FREQUENCY);
    update_setf(update, "driver.serial.errors.echo", "%u", counters->echoes);
    update_setf(update, "driver.serial.errors.malformed", "%u", counters->malformed);
    update_setf(update, "driver.serial.errors.refused", "%u", counters->refusals);
    update_setf(update, "driver.serial.errors.timeout", "%u", counters->silences);
    update_setf(update, "driver.serial.reconnects", "%u", counters->reopened);
}

static enum driver_result poll_megatec(struct device *device, enum poll_kind kind,
                                       struct update *update)
{
    struct megatec *megatec = device->state;
    const struct megatec_item *items = megatec->dialect->items;

    if (!megatec->has_told_all)
        kind = POLL_FULL;
    for (size_t i = 0; items[i].question != NULL; i++) {
        if (is_due(megatec, i, kind) && !ask_item(megatec, i, update)) {
            update_clear(update);
            return driver_problem(device, megatec->is_gone ? DRIVER_GONE : DRIVER_FAILED, "%s: %s",
                                  items[i].question->query,
                                  megatec->is_gone ? "the line was lost" : megatec->reason);
        }
    }
    if (!megatec_image_publish(&megatec->image, clock_ms(), update))
        return driver_problem(device, DRIVER_FAILED, "its status is not known");
    if (kind == POLL_FULL) {
        publish_driver(megatec, update);
        megatec_publish_orders(megatec, update);
    }
    megatec->has_told_all = true;
    return DRIVER_OK;
}

static const char *const nut_names[] = { "nutdrv_qx", "blazer_ser", "blazer_usb", NULL };

const struct driver driver_megatec = {
    .name = "megatec",
    .answers_to = nut_names,
    .description =
        "UPSes with the Megatec, Voltronic and related Q protocols, serial or by a USB bridge",
    .options = megatec_option_names,
    .full_poll = MEGATEC_POLL_FREQUENCY,
    .check = check,
    .open = open_megatec,
    .poll = poll_megatec,
    .command = megatec_command,
    .set = megatec_set,
    .close = close_megatec,
    .forget = forget,
};
