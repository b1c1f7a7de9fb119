/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/device.h"

#include "core/loop.h"
#include "drivers/usbhid/plan.h"
#include "drivers/usbhid/status.h"
#include "drivers/usbhid/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A device that answers so often, but not about its input power, is opened anew. */
#define SILENT_POLLS_MAX 3
/* A string or a constant that cannot be read so often is not asked for again. */
#define FAILURES_MAX 3
/* A reading that came too late so often in a row is no longer known. */
#define LATE_MAX 3

/* Life --------------------------------------------------------------------------------------- */

/* Printable, without blanks around it; what is nothing but zeros is no serial number either. */
static void clean(char *text)
{
    size_t length = strlen(text);
    size_t start = strspn(text, " \t");

    while (length > start && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    memmove(text, text + start, length - start);
    text[length - start] = '\0';
}

static void describe(struct hid_device *device)
{
    snprintf(device->vendor, sizeof device->vendor, "%s", device->identity.vendor);
    snprintf(device->model, sizeof device->model, "%s", device->identity.product);
    snprintf(device->serial, sizeof device->serial, "%s", device->identity.serial);
    clean(device->vendor);
    clean(device->model);
    clean(device->serial);
    if (device->vendor[0] == '\0' && device->family->maker != NULL)
        snprintf(device->vendor, sizeof device->vendor, "%s", device->family->maker);
    if (device->family->describe != NULL)
        device->family->describe(device);
}

static struct hid_device *fail(struct hid_device *device, char problem[160], const char *text)
{
    snprintf(problem, 160, "%s", text);
    hid_device_free(device);
    return NULL;
}

static bool prepare(struct hid_device *device)
{
    device->family = family_find(&device->identity, device->descriptor, &device->quirks);
    if (device->family == NULL)
        return false;
    if (!device->options.keep_descriptor && device->family->repair != NULL)
        device->family->repair(device->descriptor, &device->identity, device->quirks);
    family_repair_common(device->descriptor);
    return true;
}

struct hid_device *hid_device_new(const struct hid_identity *identity,
                                  const struct hid_options *options, const uint8_t *descriptor,
                                  size_t descriptor_length, const struct hid_transport *transport,
                                  char problem[160])
{
    struct hid_device *device = calloc(1, sizeof *device);

    problem[0] = '\0';
    if (device == NULL)
        return fail(NULL, problem, "out of memory");
    device->identity = *identity;
    device->options = *options;
    device->transport = transport;
    device->clock = clock_ms;
    device->descriptor = hid_descriptor_parse(descriptor, descriptor_length);
    if (device->descriptor == NULL)
        return fail(device, problem, "out of memory");
    if (device->descriptor->problem[0] != '\0') {
        char text[160];

        snprintf(text, sizeof text, "report descriptor: %s", device->descriptor->problem);
        return fail(device, problem, text);
    }
    if (!prepare(device))
        return fail(device, problem, "not a power device");
    device->reports = hid_reports_new(device->descriptor, device->transport);
    device->plan = hid_plan_new(device);
    if (device->reports == NULL || device->plan == NULL)
        return fail(device, problem, "out of memory");
    describe(device);
    return device;
}

void hid_device_free(struct hid_device *device)
{
    if (device == NULL)
        return;
    hid_plan_free(device->plan);
    hid_reports_free(device->reports);
    hid_descriptor_free(device->descriptor);
    free(device);
}

/* For families ------------------------------------------------------------------------------- */

bool hid_device_raw(struct hid_device *device, const char *path, bool keep, int64_t *raw,
                    const struct hid_field **field)
{
    struct hid_path parsed;

    if (!hid_path_parse(&parsed, path, device->family->usages))
        return false;
    const struct hid_field *found = hid_descriptor_find(device->descriptor, &parsed, 0, NULL);
    if (found == NULL || hid_plan_read(device, found, keep, raw) != HID_OK)
        return false;
    if (field != NULL)
        *field = found;
    return true;
}

bool hid_device_number(struct hid_device *device, const char *path, bool keep, double *physical)
{
    const struct hid_field *field;
    int64_t raw;

    if (!hid_device_raw(device, path, keep, &raw, &field))
        return false;
    *physical = hid_value_to_physical(field, raw);
    return true;
}

/* Variables ---------------------------------------------------------------------------------- */

static bool is_broken(struct hid_device *device)
{
    if (!hid_reports_broken(device->reports))
        return false;
    snprintf(device->problem, sizeof device->problem, "the device no longer answers");
    return true;
}

static bool is_static(const struct candidate *candidate)
{
    return candidate->row->class == ROW_STATIC;
}

/*
 * Tries what tells the variable, in order, until one does; from then on only that one. True: text
 * is new or gone. A report that came too late says nothing: what was known stays for this poll.
 */
static bool read_variable(struct hid_device *device, struct bound_variable *variable)
{
    for (uint8_t i = 0; i < variable->candidate_count; i++) {
        const struct candidate *candidate = &variable->candidates[i];
        int64_t raw;

        if (variable->settled != NULL && variable->settled != candidate)
            continue;
        enum hid_result result =
            hid_plan_read(device, candidate->field, is_static(candidate), &raw);
        if (result == HID_BROKEN || result == HID_TIMED_OUT)
            return false;
        if (result == HID_OK && hid_plan_show(device, variable, candidate, candidate->field, raw)) {
            variable->settled = candidate;
            return true;
        }
    }
    variable->text[0] = '\0';
    return true;
}

/* What never changes is read until it is known, or has failed often enough. */
static bool is_due(const struct bound_variable *variable)
{
    const struct candidate *first =
        variable->settled != NULL ? variable->settled : &variable->candidates[0];

    return !is_static(first) || (variable->text[0] == '\0' && variable->failures < FAILURES_MAX);
}

/* Its value, or that it is gone. */
static void publish_variable(const struct bound_variable *variable, struct update *update)
{
    if (variable->text[0] == '\0')
        update_unset(update, variable->name);
    else
        update_set(update, variable->name, variable->text);
}

static bool is_quick(const struct hid_plan *plan, const struct bound_variable *variable,
                     bool watch_levels)
{
    /* What is sent costs nothing to look at. */
    if (plan->prefer_input && variable->candidates[0].field->type == HID_INPUT)
        return true;
    if (variable->candidates[0].row->class == ROW_QUICK)
        return true;
    return watch_levels && (strcmp(variable->name, "battery.charge") == 0 ||
                            strcmp(variable->name, "battery.runtime") == 0);
}

static void poll_variable(struct hid_device *device, struct bound_variable *variable,
                          struct update *update)
{
    struct hid_plan *plan = device->plan;
    bool had_text = variable->text[0] != '\0';

    if (is_due(variable)) {
        variable->late = read_variable(device, variable) ? 0 : variable->late + 1;
        if (variable->late >= LATE_MAX) {
            variable->text[0] = '\0';
            variable->late = 0;
        }
        if (variable->text[0] == '\0' && variable->failures < FAILURES_MAX)
            variable->failures++;
    }
    /* The user's limit is the one that decides, whatever the device has made of it. */
    if (plan->user_low && strcmp(variable->name, "battery.charge.low") == 0)
        snprintf(variable->text, sizeof variable->text, "%.0f", plan->low_charge);
    if (had_text || variable->text[0] != '\0')
        publish_variable(variable, update);
    if (variable->text[0] != '\0')
        hid_device_publish_access(device, variable, update);
}

/* Polling ------------------------------------------------------------------------------------ */

static void publish_text(struct update *update, const char *name, const char *text)
{
    if (text[0] != '\0')
        update_set(update, name, text);
}

static void publish_identity(struct hid_device *device, struct update *update)
{
    publish_text(update, "ups.mfr", device->vendor);
    publish_text(update, "ups.model", device->model);
    publish_text(update, "ups.serial", device->serial);
    publish_text(update, "ups.firmware", device->firmware);
    publish_text(update, "ups.firmware.aux", device->firmware_aux);
    update_setf(update, "ups.vendorid", "%04x", device->identity.vendor_id);
    update_setf(update, "ups.productid", "%04x", device->identity.product_id);
}

static bool watches_levels(const struct hid_plan *plan, const struct flag_set *flags)
{
    uint64_t online = UINT64_C(1) << FLAG_ONLINE;
    uint64_t discharging = UINT64_C(1) << FLAG_DISCHARGING;

    return plan->user_low || (flags->set & online) == 0 || (flags->set & discharging) != 0;
}

/* What came by itself is published without asking for anything. */
static void publish_heard(struct hid_device *device, struct update *update)
{
    struct hid_plan *plan = device->plan;

    for (size_t i = 0; i < plan->variable_count; i++) {
        struct bound_variable *variable = &plan->variables[i];
        const struct candidate *source = variable->settled;
        int64_t raw;

        if (source == NULL || source->twin == NULL || !plan->heard[source->twin->report] ||
            hid_reports_value(device->reports, source->twin, true, &raw) != HID_OK)
            continue;
        if (hid_plan_show(device, variable, source, source->twin, raw))
            publish_variable(variable, update);
    }
    hid_flags_publish(device, hid_flags_heard(plan), update);
    memset(plan->heard, 0, sizeof plan->heard);
}

static bool anything_heard(const struct hid_plan *plan)
{
    for (size_t i = 0; i < 256; i++) {
        if (plan->heard[i])
            return true;
    }
    return false;
}

static void poll_variables(struct hid_device *device, enum poll_kind kind,
                           const struct flag_set *flags, struct update *update)
{
    struct hid_plan *plan = device->plan;
    bool watch_levels = watches_levels(plan, flags);
    /* A board that answers with zeros answers so for its readings too. */
    bool skip_twins = hid_flags_tell_nothing(flags) && !plan->prefer_input;

    for (size_t i = 0; i < plan->variable_count && !hid_reports_broken(device->reports); i++) {
        struct bound_variable *variable = &plan->variables[i];

        if (kind != POLL_FULL && !is_quick(plan, variable, watch_levels))
            continue;
        if (!skip_twins || variable->candidates[0].twin == NULL)
            poll_variable(device, variable, update);
    }
    if (kind == POLL_FULL)
        hid_device_publish_low_charge(device, update);
}

static enum hid_result silent(struct hid_device *device)
{
    snprintf(device->problem, sizeof device->problem,
             "the device answers, but does not tell whether it has input power");
    return ++device->plan->silent_polls < SILENT_POLLS_MAX ? HID_STALLED : HID_TIMED_OUT;
}

bool hid_device_is_unready(const struct hid_device *device)
{
    return hid_reports_only_zeros(device->reports);
}

/*
 * Zeros in all flags may be the truth, if anything else is not zero: asks for the rest to know.
 * What was read costs no second request when it is published.
 */
static bool proves_ready(struct hid_device *device, enum poll_kind kind,
                         const struct flag_set *flags)
{
    struct hid_plan *plan = device->plan;
    struct update unsaid = { 0 };

    if (hid_reports_told_more(device->reports))
        return true;
    poll_variables(device, kind, flags, &unsaid);
    update_clear(&unsaid);
    for (size_t i = 0; i < plan->variable_count; i++) {
        struct bound_variable *variable = &plan->variables[i];

        variable->settled = NULL;
        variable->failures = variable->late = 0;
        variable->text[0] = '\0';
    }
    return !hid_device_is_unready(device);
}

enum hid_result hid_device_poll(struct hid_device *device, enum poll_kind kind,
                                struct update *update)
{
    struct hid_plan *plan = device->plan;

    if (hid_reports_broken(device->reports)) {
        is_broken(device);
        return HID_BROKEN;
    }
    /* Every other one at most, so that a device that talks much is still asked. */
    if (kind == POLL_QUICK && plan->told && !plan->prefer_input && !plan->answered_unread &&
        anything_heard(plan)) {
        plan->answered_unread = true;
        publish_heard(device, update);
        return HID_OK;
    }
    plan->answered_unread = false;
    memset(plan->heard, 0, sizeof plan->heard);
    hid_reports_begin(device->reports);
    bool knows_status = hid_flags_read(device) && !hid_flags_are_lost(plan);
    struct flag_set flags = hid_flags_present(device);
    if (kind == POLL_FULL && plan->low_unwritten)
        hid_device_write_low_charge(device);
    if (plan->prefer_input || proves_ready(device, kind, &flags))
        poll_variables(device, kind, &flags, update);
    if (is_broken(device))
        return HID_BROKEN;
    /* Readings without the one that counts must not look fresh. */
    if (!knows_status)
        return silent(device);
    plan->silent_polls = 0;
    flags = hid_flags_present(device);
    hid_flags_publish(device, flags, update);
    if (kind == POLL_FULL) {
        publish_identity(device, update);
        hid_device_publish_delays(device, update);
        hid_device_publish_commands(device, update);
        plan->told = true;
    }
    return HID_OK;
}

/* What the device sends ---------------------------------------------------------------------- */

static bool hear_variables(struct hid_device *device, uint8_t report)
{
    struct hid_plan *plan = device->plan;

    for (size_t i = 0; i < plan->variable_count; i++) {
        struct bound_variable *variable = &plan->variables[i];
        const struct candidate *source = variable->settled;
        struct bound_variable copy;
        int64_t raw;

        if (source == NULL && plan->prefer_input)
            source = &variable->candidates[0];
        if (source == NULL || source->twin == NULL || source->twin->report != report ||
            hid_reports_value(device->reports, source->twin, true, &raw) != HID_OK)
            continue;
        copy = *variable;
        bool is_shown = hid_plan_show(device, &copy, source, source->twin, raw);
        variable->warned = copy.warned;
        if (is_shown && strcmp(copy.text, variable->text) != 0)
            return true;
    }
    return false;
}

bool hid_device_take_input(struct hid_device *device, const uint8_t *bytes, size_t length)
{
    struct hid_plan *plan = device->plan;
    uint8_t report = device->descriptor->numbered && length > 0 ? bytes[0] : 0;

    if (!hid_reports_take_input(device->reports, bytes, length))
        return false;
    plan->seen[report] = true;
    bool flags_changed = hid_flags_hear(device, report);
    if (!flags_changed && !hear_variables(device, report))
        return false;
    plan->heard[report] = true;
    return true;
}
