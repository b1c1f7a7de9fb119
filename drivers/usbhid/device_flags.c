/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flags of a HID UPS: asked for, or as it sent them; and what becomes of them over time.
 */
#include "drivers/usbhid/plan.h"
#include "drivers/usbhid/status.h"

#include <string.h>

/* A self test of some models says for ten seconds that the output is off. */
#define OFF_SETTLES_MS 15000
/* What HID_QUIRK_FLICKERS waits for. */
#define FLICKER_MS 15000
/* A flag that is refused is as it was last for so long. */
#define HOLDS_MS 6000
/* A fall of the levels that is more than their noise: points of charge, share of runtime. */
#define CHARGE_FALL 2
#define RUNTIME_FALL 0.9

static enum flag_state state_of(const struct status_row *row, int64_t raw)
{
    bool is_set = row->holds != NULL ? row->holds(raw) : raw != 0;

    return is_set ? FLAG_SET : FLAG_CLEAR;
}

/* Flags of which only the best source counts: one stuck elsewhere must not hide what it says. */
static bool first_decides(enum status_flag flag)
{
    return flag == FLAG_ONLINE || flag == FLAG_DISCHARGING || flag == FLAG_CHARGING ||
           flag == FLAG_FULLY_CHARGED || flag == FLAG_BATTERY_PRESENT || flag == FLAG_OFF;
}

/* Whether the same usage elsewhere has told the flag already. */
static bool is_spare(const struct hid_plan *plan, size_t i)
{
    const struct bound_flag *flag = &plan->flags[i];
    hid_usage usage = flag->field->path.usages[flag->field->path.length - 1];

    for (size_t j = 0; j < i; j++) {
        const struct bound_flag *other = &plan->flags[j];

        if (other->row->flag == flag->row->flag && other->polled != FLAG_UNKNOWN &&
            other->field->path.usages[other->field->path.length - 1] == usage)
            return true;
    }
    return false;
}

static bool tells_power(const struct bound_flag *flag)
{
    return flag->row->flag == FLAG_ONLINE || flag->row->flag == FLAG_DISCHARGING;
}

/*
 * Asks for one flag. A refusal for once, or half an answer, says nothing, so what was known holds
 * for a while: only then another place tells, or nobody.
 */
static enum hid_result read_flag(struct hid_device *device, struct bound_flag *flag)
{
    uint64_t now = device->clock();
    int64_t raw;
    enum hid_result result = hid_plan_read(device, flag->field, false, &raw);

    if (result == HID_OK) {
        flag->polled = state_of(flag->row, raw);
        flag->read = now;
    } else if (result != HID_TIMED_OUT && result != HID_BROKEN && now - flag->read > HOLDS_MS) {
        flag->polled = FLAG_UNKNOWN;
    }
    return result;
}

/* Input power that is not known must not stay so because its report was refused once. */
static void insist_on_power(struct hid_device *device)
{
    const struct hid_plan *plan = device->plan;

    for (size_t i = 0; i < plan->flag_count; i++) {
        if (tells_power(&plan->flags[i]))
            hid_reports_insist(device->reports, plan->flags[i].field);
    }
}

bool hid_flags_read(struct hid_device *device)
{
    struct hid_plan *plan = device->plan;
    bool knows_power = false, is_late = false;

    for (size_t i = 0; i < plan->flag_count; i++) {
        struct bound_flag *flag = &plan->flags[i];

        if (is_spare(plan, i)) {
            flag->polled = FLAG_UNKNOWN;
            continue;
        }
        enum hid_result result = read_flag(device, flag);
        knows_power = knows_power || (tells_power(flag) && result == HID_OK);
        is_late = is_late || (tells_power(flag) && result == HID_TIMED_OUT);
    }
    if (!knows_power)
        insist_on_power(device);
    plan->status_was_read = plan->status_was_read || knows_power;
    return knows_power || plan->prefer_input || (!plan->status_was_read && !is_late);
}

/*
 * The flags as one set. What came by itself counts where asking tells nothing; only_heard: nothing
 * else counts.
 */
static struct flag_set collect(const struct hid_plan *plan, bool only_heard)
{
    struct flag_set set = { 0 };

    for (size_t i = 0; i < plan->flag_count; i++) {
        const struct bound_flag *flag = &plan->flags[i];
        uint64_t bit = UINT64_C(1) << flag->row->flag;
        enum flag_state state = flag->polled;

        if (flag->row->flag >= STATUS_FLAGS || is_spare(plan, i))
            continue;
        if (only_heard || state == FLAG_UNKNOWN)
            state = flag->heard;
        if (state == FLAG_UNKNOWN || (first_decides(flag->row->flag) && (set.known & bit) != 0))
            continue;
        set.known |= bit;
        if (state == FLAG_SET)
            set.set |= bit;
    }
    return set;
}

/* Neither line nor battery: such an answer is none. */
bool hid_flags_tell_nothing(const struct flag_set *flags)
{
    uint64_t signs = UINT64_C(1) << FLAG_ONLINE | UINT64_C(1) << FLAG_BATTERY_PRESENT;

    return (flags->known & signs) == signs && flags->set == 0;
}

/* Takes note of an answer that is one. */
static void note_answer(struct hid_plan *plan, const struct flag_set *polled)
{
    plan->flags_told = plan->flags_told || polled->set != 0;
    plan->battery_was_present =
        plan->battery_was_present || (polled->set >> FLAG_BATTERY_PRESENT & 1) != 0;
}

bool hid_flags_are_lost(const struct hid_plan *plan)
{
    struct flag_set polled = collect(plan, false);

    /* A battery does not vanish together with the input power: the answer was zeros for once. */
    return !plan->prefer_input && plan->battery_was_present && hid_flags_tell_nothing(&polled);
}

struct flag_set hid_flags_present(struct hid_device *device)
{
    struct hid_plan *plan = device->plan;
    struct flag_set polled = collect(plan, false);
    bool is_answer = !hid_flags_tell_nothing(&polled) && !hid_device_is_unready(device);

    if (is_answer || plan->prefer_input) {
        note_answer(plan, &polled);
        return polled;
    }
    /* Of a device that never told of a battery, zeros are a power failure like any other. */
    if (plan->flags_told) {
        polled.known &= ~(UINT64_C(1) << FLAG_BATTERY_PRESENT);
        return polled;
    }
    struct flag_set heard = collect(plan, true);
    if (heard.set != 0)
        hid_plan_turn_to_input(plan);
    return heard;
}

static void note_since(struct hid_device *device, const struct flag_set *flags)
{
    struct hid_plan *plan = device->plan;
    uint64_t now = device->clock();

    for (unsigned i = 0; i < STATUS_FLAGS; i++) {
        if ((flags->set >> i & 1) == 0)
            plan->since[i] = 0;
        else if (plan->since[i] == 0)
            plan->since[i] = now == 0 ? 1 : now;
    }
}

static bool has_held(struct hid_device *device, enum status_flag flag, uint64_t milliseconds)
{
    uint64_t since = device->plan->since[flag];

    return since != 0 && device->clock() - since >= milliseconds;
}

static bool level(struct hid_plan *plan, const char *name, double *number)
{
    const struct bound_variable *variable = hid_plan_variable(plan, name);

    return variable != NULL && variable->text[0] != '\0' && number_parse(variable->text, number);
}

/* Discharging on line: on battery only if the levels fall, as they do on a real one. */
static bool levels_fall(struct hid_plan *plan, const struct status_evidence *evidence)
{
    uint64_t both = UINT64_C(1) << FLAG_ONLINE | UINT64_C(1) << FLAG_DISCHARGING;

    if ((evidence->flags.set & both) != both) {
        plan->watching = plan->falling = false;
        return false;
    }
    if (!plan->watching) {
        plan->watching = true;
        plan->has_first_charge = evidence->has_charge;
        plan->has_first_runtime = evidence->has_runtime;
        plan->first_charge = evidence->charge;
        plan->first_runtime = evidence->runtime;
    }
    if ((plan->has_first_charge && evidence->has_charge &&
         evidence->charge <= plan->first_charge - CHARGE_FALL) ||
        (plan->has_first_runtime && evidence->has_runtime &&
         evidence->runtime < plan->first_runtime * RUNTIME_FALL))
        plan->falling = true;
    return plan->falling;
}

static unsigned quirks_now(struct hid_device *device, const struct status_evidence *evidence)
{
    const struct hid_options *options = &device->options;
    unsigned quirks = device->quirks & ~(unsigned)HID_QUIRK_DISCHARGE_IS_OB;

    if (options->discharge_is_ob ||
        ((device->quirks & HID_QUIRK_DISCHARGE_IS_OB) != 0 && levels_fall(device->plan, evidence)))
        quirks |= HID_QUIRK_DISCHARGE_IS_OB;
    if (options->discharge_is_cal)
        quirks |= HID_QUIRK_DISCHARGE_IS_CAL;
    return quirks;
}

static void gather(struct hid_device *device, struct flag_set flags,
                   struct status_evidence *evidence)
{
    struct hid_plan *plan = device->plan;

    *evidence = (struct status_evidence){ .flags = flags };
    note_since(device, &flags);
    evidence->has_charge = level(plan, "battery.charge", &evidence->charge);
    evidence->has_runtime = level(plan, "battery.runtime", &evidence->runtime);
    evidence->has_low_runtime = level(plan, "battery.runtime.low", &evidence->low_runtime);
    evidence->has_low_charge = level(plan, "battery.charge.low", &evidence->low_charge);
    if (plan->user_low) {
        evidence->user_low_charge = evidence->has_low_charge = true;
        evidence->low_charge = plan->low_charge;
    }
    evidence->off_settled = has_held(device, FLAG_OFF, OFF_SETTLES_MS);
    if ((device->quirks & HID_QUIRK_FLICKERS) != 0 &&
        !has_held(device, FLAG_REPLACE_BATTERY, FLICKER_MS))
        evidence->flags.set &= ~(UINT64_C(1) << FLAG_REPLACE_BATTERY);
    evidence->quirks = quirks_now(device, evidence);
}

static void publish_status(struct hid_device *device, struct flag_set flags, struct update *update)
{
    struct status_evidence evidence;
    char text[256];

    gather(device, flags, &evidence);
    status_compose(&evidence, text, sizeof text);
    update_set(update, "ups.status", text);
    status_alarms(&evidence, text, sizeof text);
    if (text[0] != '\0')
        update_set(update, "ups.alarm", text);
    else
        update_unset(update, "ups.alarm");
}

/* Why the UPS left the line, where no field tells it in words. */
static void publish_reason(struct hid_device *device, const struct flag_set *flags,
                           struct update *update)
{
    const char *reason = NULL;

    if (hid_plan_variable(device->plan, "input.transfer.reason") != NULL)
        return;
    if ((flags->set >> FLAG_INPUT_VOLTAGE_BAD & 1) != 0)
        reason = "input voltage out of range";
    else if ((flags->set >> FLAG_INPUT_FREQUENCY_BAD & 1) != 0)
        reason = "input frequency out of range";
    if (reason != NULL)
        update_set(update, "input.transfer.reason", reason);
    else
        update_unset(update, "input.transfer.reason");
}

void hid_flags_publish(struct hid_device *device, struct flag_set flags, struct update *update)
{
    publish_status(device, flags, update);
    publish_reason(device, &flags, update);
}

struct flag_set hid_flags_heard(const struct hid_plan *plan)
{
    return collect(plan, false);
}

/* What the device sends ---------------------------------------------------------------------- */

bool hid_flags_hear(struct hid_device *device, uint8_t report)
{
    struct hid_plan *plan = device->plan;
    bool changed = false;

    for (size_t i = 0; i < plan->flag_count; i++) {
        struct bound_flag *flag = &plan->flags[i];
        int64_t raw;

        if (flag->twin == NULL || flag->twin->report != report ||
            hid_reports_value(device->reports, flag->twin, true, &raw) != HID_OK)
            continue;
        enum flag_state state = state_of(flag->row, raw);
        enum flag_state before = flag->polled != FLAG_UNKNOWN ? flag->polled : flag->heard;
        flag->heard = state;
        if (is_spare(plan, i))
            continue;
        changed = changed || state != before;
        /* Until it is asked again, this is the present state. */
        if (!plan->prefer_input && flag->polled != FLAG_UNKNOWN)
            flag->polled = state;
    }
    return changed;
}
