/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/writable.h"

#include "agent/control.h"
#include "agent/objects.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define TEST_ID_LENGTH 11

/* upsConfigAudibleStatus */
enum { BEEPER_DISABLED = 1, BEEPER_ENABLED, BEEPER_MUTED };

/* Orders ------------------------------------------------------------------------------------- */

static struct order *add_order(struct draft *draft, enum order_stage stage,
                               enum ups_request_kind kind, const char *name)
{
    struct plan *plan = draft->plan;
    size_t at = plan->count++;

    /* Each object is named once at most, which bounds them. */
    for (; at > 0 && plan->orders[at - 1].stage > stage; at--)
        plan->orders[at] = plan->orders[at - 1];
    plan->orders[at] =
        (struct order){ .stage = stage, .kind = kind, .name = name, .index = draft->index };
    return &plan->orders[at];
}

static void add_setting(struct draft *draft, enum order_stage stage, const char *name,
                        const char *value)
{
    struct order *order = add_order(draft, stage, UPS_REQUEST_SET, name);

    snprintf(order->value, sizeof order->value, "%s", value);
    order->has_value = true;
}

static struct order *add_command(struct draft *draft, enum order_stage stage, const char *name,
                                 const char *undo)
{
    struct order *order = add_order(draft, stage, UPS_REQUEST_COMMAND, name);

    if (undo != NULL && control_has_command(draft->ups, undo))
        order->undo = undo;
    return order;
}

/* A delay that a command of the same stage is to use. False: it cannot have that value. */
static bool add_delay(struct draft *draft, enum order_stage stage, const char *name, long seconds)
{
    const struct ups_variable *variable = control_setting(draft->ups, name);
    char text[PLAN_VALUE_MAX];
    double told;

    if (variable == NULL)
        return ups_number(draft->ups, name, &told) && told >= (double)seconds - 0.5 &&
               told <= (double)seconds + 0.5;
    if (!control_at_least(variable, seconds, false, text, sizeof text))
        return false;
    add_setting(draft, stage, name, text);
    return true;
}

/* So that the next shutdown, which may be NUT's, finds the delay it knows. */
static void add_restoration(struct draft *draft, enum order_stage stage, const char *name)
{
    const struct ups_variable *variable = control_setting(draft->ups, name);

    if (variable == NULL || strlen(variable->value) >= PLAN_VALUE_MAX)
        return;
    add_setting(draft, stage, name, variable->value);
    for (size_t i = draft->plan->count; i > 0; i--) {
        struct order *order = &draft->plan->orders[i - 1];

        if (order->stage == stage && order->kind == UPS_REQUEST_SET) {
            order->restores = true;
            return;
        }
    }
}

static bool takes_parameter(const char *command)
{
    return strcmp(command, "load.off.delay") == 0 || strcmp(command, "load.on.delay") == 0;
}

/* A command that waits for as long as a variable, or its parameter, says. */
static enum set_error add_delayed(struct draft *draft, enum order_stage stage, const char *command,
                                  const char *delay, long seconds)
{
    bool settable = control_setting(draft->ups, delay) != NULL;

    if ((settable || !takes_parameter(command)) && !add_delay(draft, stage, delay, seconds))
        return SET_INCONSISTENT_VALUE;
    struct order *order = add_command(draft, stage, command, "shutdown.stop");
    if (takes_parameter(command)) {
        snprintf(order->value, sizeof order->value, "%ld", seconds);
        order->has_value = true;
    }
    if (settable)
        add_restoration(draft, stage, delay);
    return SET_OK;
}

/* Identification and upsShutdownType: kept here ----------------------------------------------- */

static void note_keeping(struct draft *draft)
{
    if (!draft->plan->keeps)
        draft->plan->kept_index = draft->index;
    draft->plan->keeps = true;
}

static void keep_text(struct draft *draft, enum kept_text which, const struct set_binding *binding)
{
    struct kept_values *kept = &draft->plan->kept;

    note_keeping(draft);
    kept->written[which] = true;
    memset(kept->texts[which], 0, sizeof kept->texts[which]);
    if (binding->size > 0)
        memcpy(kept->texts[which], binding->bytes, binding->size);
}

static bool keeps_anything(const struct monitor *monitor, const struct writable *writable)
{
    (void)writable;
    return monitor->kept != NULL;
}

static enum set_error plan_name(struct draft *draft, const struct writable *writable,
                                const struct set_binding *binding)
{
    (void)writable;
    keep_text(draft, KEPT_NAME, binding);
    return SET_OK;
}

static enum set_error plan_attached_devices(struct draft *draft, const struct writable *writable,
                                            const struct set_binding *binding)
{
    (void)writable;
    keep_text(draft, KEPT_ATTACHED_DEVICES, binding);
    return SET_OK;
}

static bool has_choice_of_type(const struct monitor *monitor, const struct writable *writable)
{
    (void)writable;
    return monitor->kept != NULL && control_can_switch_output(monitor->ups) &&
           control_can_shut_down(monitor->ups);
}

static enum set_error plan_shutdown_type(struct draft *draft, const struct writable *writable,
                                         const struct set_binding *binding)
{
    (void)writable;
    note_keeping(draft);
    draft->plan->kept.shutdown_type = (int)binding->number;
    return SET_OK;
}

/* Tests -------------------------------------------------------------------------------------- */

static const char *const test_commands[][4] = {
    [TEST_KIND_ABORT] = { "test.battery.stop", "calibrate.stop", "test.system.stop" },
    [TEST_KIND_GENERAL] = { "test.system.start", "test.battery.start" },
    [TEST_KIND_QUICK_BATTERY] = { "test.battery.start.quick", "test.battery.start" },
    [TEST_KIND_DEEP_BATTERY] = { "test.battery.start.deep", "calibrate.start" },
};

/* NONE: it names no test that can be ordered. */
static enum test_kind test_of(const struct set_binding *binding)
{
    static const arc tests[] = { OBJECTS_UPS_MIB, 1, 7, 7 };
    const arc *id = binding->bytes;

    if (binding->size != TEST_ID_LENGTH || arcs_compare(id, COUNT_OF(tests), tests, 10) != 0 ||
        id[10] < TEST_KIND_ABORT || id[10] > TEST_KIND_DEEP_BATTERY)
        return TEST_KIND_NONE;
    return (enum test_kind)id[10];
}

/* What ends a running test: of those that end tests the one that goes with how it was started. */
static const char *stop_command(const struct draft *draft, enum test_kind kind)
{
    static const char *const calibration[] = { "calibrate.stop", "test.battery.stop", NULL };
    bool calibrates = kind == TEST_KIND_DEEP_BATTERY &&
                      !control_has_command(draft->ups, "test.battery.start.deep");

    return control_first_command(draft->ups,
                                 calibrates ? calibration : test_commands[TEST_KIND_ABORT]);
}

static enum set_error plan_test(struct draft *draft, const struct writable *writable,
                                const struct set_binding *binding)
{
    enum test_kind kind = test_of(binding);
    bool runs = draft->monitor->self_test.summary == TEST_RUNNING;

    (void)writable;
    if (kind == TEST_KIND_NONE || runs != (kind == TEST_KIND_ABORT))
        return SET_INCONSISTENT_VALUE;
    const char *stop =
        stop_command(draft, kind == TEST_KIND_ABORT ? draft->monitor->self_test.kind : kind);
    const char *command =
        kind == TEST_KIND_ABORT ? stop : control_first_command(draft->ups, test_commands[kind]);
    if (command == NULL)
        return SET_INCONSISTENT_VALUE;
    add_command(draft, STAGE_TEST, command, kind == TEST_KIND_ABORT ? NULL : stop);
    draft->plan->test = kind;
    return SET_OK;
}

static enum set_error plan_lock(struct draft *draft, const struct writable *writable,
                                const struct set_binding *binding)
{
    (void)draft;
    (void)writable;
    (void)binding;
    return SET_OK;
}

/* Control ------------------------------------------------------------------------------------ */

static bool counts(const struct draft *draft, enum countdown countdown)
{
    /* A device may tell of it only with its next full poll; calling it off must not wait for that.
     */
    return monitor_countdown(draft->monitor, countdown, draft->now) > 0 ||
           draft->monitor->commanded.ends[countdown] > draft->now;
}

static bool can_shut_down_at_all(const struct monitor *monitor, const struct writable *writable)
{
    (void)writable;
    return control_can_switch_output(monitor->ups) || control_can_shut_down(monitor->ups);
}

/* By which command the output goes off later; NULL: by none that does what else is set. */
static const char *shutdown_command(const struct draft *draft)
{
    static const char *const restarting[] = { "shutdown.return", "load.off.delay", NULL };
    static const char *const whole[] = { "shutdown.stayoff", "load.off.delay", NULL };
    static const char *const output[] = { "load.off.delay", "shutdown.stayoff", NULL };

    return control_first_command(draft->ups, draft->restarts ? restarting
                                             : draft->whole  ? whole
                                                             : output);
}

static enum set_error plan_stop(struct draft *draft, enum order_stage stage,
                                enum countdown countdown)
{
    if (!control_has_command(draft->ups, "shutdown.stop"))
        return SET_INCONSISTENT_VALUE;
    add_command(draft, stage, "shutdown.stop", NULL);
    draft->plan->countdowns[countdown] = -1;
    return SET_OK;
}

static enum set_error plan_shutdown(struct draft *draft, const struct writable *writable,
                                    const struct set_binding *binding)
{
    const char *command = shutdown_command(draft);

    (void)writable;
    if (binding->number < 0)
        return counts(draft, COUNTDOWN_SHUTDOWN)
                   ? plan_stop(draft, STAGE_SHUTDOWN, COUNTDOWN_SHUTDOWN)
                   : SET_OK;
    draft->shuts = true;
    if (draft->reboots)
        return SET_INCONSISTENT_VALUE;
    if (binding->number == 0 && control_has_command(draft->ups, "load.off") &&
        (!draft->whole || command == NULL)) {
        add_command(draft, STAGE_SHUTDOWN, "load.off", "load.on");
        return SET_OK;
    }
    if (command == NULL)
        return SET_INCONSISTENT_VALUE;
    return add_delayed(draft, STAGE_SHUTDOWN, command, "ups.delay.shutdown", binding->number);
}

static bool can_start(const struct monitor *monitor, const struct writable *writable)
{
    (void)writable;
    return control_has_command(monitor->ups, "load.on") ||
           control_has_command(monitor->ups, "load.on.delay");
}

static enum set_error plan_no_startup(struct draft *draft)
{
    if (!counts(draft, COUNTDOWN_STARTUP))
        return SET_OK;
    if (control_setting(draft->ups, "ups.timer.start") != NULL) {
        add_setting(draft, STAGE_STARTUP, "ups.timer.start", "-1");
        draft->plan->countdowns[COUNTDOWN_STARTUP] = -1;
        return SET_OK;
    }
    /* It would be called off as well, which nobody has asked for. */
    if (counts(draft, COUNTDOWN_SHUTDOWN))
        return SET_INCONSISTENT_VALUE;
    return plan_stop(draft, STAGE_STARTUP, COUNTDOWN_STARTUP);
}

static enum set_error plan_startup(struct draft *draft, const struct writable *writable,
                                   const struct set_binding *binding)
{
    (void)writable;
    if (binding->number < 0)
        return plan_no_startup(draft);
    draft->starts = true;
    if (draft->reboots)
        return SET_INCONSISTENT_VALUE;
    if (binding->number == 0 && control_has_command(draft->ups, "load.on")) {
        add_command(draft, STAGE_STARTUP, "load.on", "load.off");
        return SET_OK;
    }
    if (!control_has_command(draft->ups, "load.on.delay"))
        return SET_INCONSISTENT_VALUE;
    return add_delayed(draft, STAGE_STARTUP, "load.on.delay", "ups.delay.start", binding->number);
}

static bool can_reboot(const struct monitor *monitor, const struct writable *writable)
{
    (void)writable;
    return control_has_command(monitor->ups, "shutdown.reboot") ||
           (control_has_command(monitor->ups, "shutdown.return") &&
            control_setting(monitor->ups, "ups.delay.start") != NULL);
}

static enum set_error plan_reboot(struct draft *draft, const struct writable *writable,
                                  const struct set_binding *binding)
{
    bool direct = control_has_command(draft->ups, "shutdown.reboot");
    bool settable = control_setting(draft->ups, "ups.delay.start") != NULL;

    (void)writable;
    if (binding->number < 0)
        return counts(draft, COUNTDOWN_REBOOT) ? plan_stop(draft, STAGE_SHUTDOWN, COUNTDOWN_REBOOT)
                                               : SET_OK;
    draft->reboots = true;
    if (draft->shuts || draft->starts ||
        (settable && !add_delay(draft, STAGE_SHUTDOWN, "ups.delay.start", binding->number)) ||
        (!direct && !add_delay(draft, STAGE_SHUTDOWN, "ups.delay.shutdown", 0)))
        return SET_INCONSISTENT_VALUE;
    add_command(draft, STAGE_SHUTDOWN, direct ? "shutdown.reboot" : "shutdown.return",
                "shutdown.stop");
    if (!direct)
        add_restoration(draft, STAGE_SHUTDOWN, "ups.delay.shutdown");
    if (settable)
        add_restoration(draft, STAGE_SHUTDOWN, "ups.delay.start");
    draft->plan->countdowns[COUNTDOWN_REBOOT] = binding->number;
    return SET_OK;
}

static bool is_setting(const struct monitor *monitor, const struct writable *writable)
{
    return control_setting(monitor->ups, writable->variable) != NULL;
}

static enum set_error plan_word(struct draft *draft, const char *name, const char *const *words)
{
    const char *word = control_word(control_setting(draft->ups, name), words);

    if (word == NULL)
        return SET_INCONSISTENT_VALUE;
    add_setting(draft, STAGE_SETTINGS, name, word);
    return SET_OK;
}

static enum set_error plan_auto_restart(struct draft *draft, const struct writable *writable,
                                        const struct set_binding *binding)
{
    static const char *const yes[] = { "yes", "on", "1", NULL };
    static const char *const no[] = { "no", "off", "0", NULL };

    return plan_word(draft, writable->variable, binding->number == RESTART_ON ? yes : no);
}

/* Configuration ------------------------------------------------------------------------------ */

static enum set_error plan_setting(struct draft *draft, const struct writable *writable,
                                   const struct set_binding *binding)
{
    const struct ups_variable *variable = control_setting(draft->ups, writable->variable);
    char text[PLAN_VALUE_MAX];

    if (!control_exact(variable, binding->number, writable->scale, text, sizeof text))
        return SET_INCONSISTENT_VALUE;
    add_setting(draft, STAGE_SETTINGS, writable->variable, text);
    return SET_OK;
}

/* By the MIB what the UPS cannot have is rounded, and too much is no error. */
static enum set_error plan_low_battery_time(struct draft *draft, const struct writable *writable,
                                            const struct set_binding *binding)
{
    const struct ups_variable *variable = control_setting(draft->ups, writable->variable);
    long seconds = binding->number > INT_MAX / 60 ? INT_MAX : binding->number * 60;
    char text[PLAN_VALUE_MAX];

    if (!control_at_least(variable, seconds, true, text, sizeof text))
        return SET_INCONSISTENT_VALUE;
    add_setting(draft, STAGE_SETTINGS, writable->variable, text);
    return SET_OK;
}

static const struct {
    const char *word, *command;
} beeper_states[] = {
    [BEEPER_DISABLED] = { "disabled", "beeper.disable" },
    [BEEPER_ENABLED] = { "enabled", "beeper.enable" },
    [BEEPER_MUTED] = { "muted", "beeper.mute" },
};

/* 0: unknown */
static long beeper_state(const struct ups *ups)
{
    const char *value = ups_value(ups, "ups.beeper.status");

    for (long i = BEEPER_DISABLED; value != NULL && i <= BEEPER_MUTED; i++) {
        if (strcasecmp(value, beeper_states[i].word) == 0)
            return i;
    }
    return 0;
}

static bool has_beeper(const struct monitor *monitor, const struct writable *writable)
{
    static const char *const commands[] = { "beeper.disable", "beeper.enable", "beeper.mute",
                                            "beeper.toggle", NULL };

    return beeper_state(monitor->ups) != 0 &&
           (control_first_command(monitor->ups, commands) != NULL ||
            control_setting(monitor->ups, writable->variable) != NULL);
}

static enum set_error plan_beeper(struct draft *draft, const struct writable *writable,
                                  const struct set_binding *binding)
{
    const status_set sounding = STATUS_OB | STATUS_LB | STATUS_OVER | STATUS_RB | STATUS_ALARM;
    long state = beeper_state(draft->ups);
    const char *words[] = { beeper_states[binding->number].word, NULL };
    const char *command = beeper_states[binding->number].command;

    if (binding->number == state ||
        (binding->number == BEEPER_MUTED && (draft->ups->status & sounding) == 0))
        return SET_OK;
    if (control_has_command(draft->ups, command)) {
        add_command(draft, STAGE_SETTINGS, command, beeper_states[state].command);
        return SET_OK;
    }
    if (binding->number != BEEPER_MUTED && state != BEEPER_MUTED &&
        control_has_command(draft->ups, "beeper.toggle")) {
        add_command(draft, STAGE_SETTINGS, "beeper.toggle", "beeper.toggle");
        return SET_OK;
    }
    if (control_setting(draft->ups, writable->variable) == NULL)
        return SET_INCONSISTENT_VALUE;
    return plan_word(draft, writable->variable, words);
}

/* The table ---------------------------------------------------------------------------------- */

/* clang-format off */
#define NUMBER(label, group, number, minimum, maximum, variable, role, possible, plan) \
    { label, group, number, SUBTREE_INTEGER, minimum, maximum, variable, 1, role, possible, plan }
#define TEXT(label, number, plan) \
    { label, 1, number, SUBTREE_TEXT, 0, KEPT_TEXT_MAX, NULL, 1, ROLE_NONE, keeps_anything, plan }
#define CONFIG(label, number, variable, scale) \
    { label, 9, number, SUBTREE_INTEGER, 0, INT_MAX, variable, scale, ROLE_NONE, is_setting, \
      plan_setting }

const struct writable writables[WRITABLES] = {
    TEXT("upsIdentName", 5, plan_name),
    TEXT("upsIdentAttachedDevices", 6, plan_attached_devices),
    { "upsTestId", 7, 1, SUBTREE_OBJECT_ID, 0, 0, NULL, 1, ROLE_TEST, NULL, plan_test },
    NUMBER("upsTestSpinLock", 7, 2, 0, INT_MAX, NULL, ROLE_LOCK, NULL, plan_lock),
    NUMBER("upsShutdownType", 8, 1, TYPE_OUTPUT, TYPE_SYSTEM, NULL, ROLE_TYPE, has_choice_of_type,
           plan_shutdown_type),
    NUMBER("upsShutdownAfterDelay", 8, 2, -1, INT_MAX, NULL, ROLE_NONE, can_shut_down_at_all,
           plan_shutdown),
    NUMBER("upsStartupAfterDelay", 8, 3, -1, INT_MAX, NULL, ROLE_NONE, can_start, plan_startup),
    NUMBER("upsRebootWithDuration", 8, 4, -1, 300, NULL, ROLE_NONE, can_reboot, plan_reboot),
    NUMBER("upsAutoRestart", 8, 5, RESTART_ON, RESTART_OFF, "ups.start.auto", ROLE_RESTART,
           is_setting, plan_auto_restart),
    CONFIG("upsConfigInputVoltage", 1, "input.voltage.nominal", 1),
    CONFIG("upsConfigInputFreq", 2, "input.frequency.nominal", 10),
    CONFIG("upsConfigOutputVoltage", 3, "output.voltage.nominal", 1),
    CONFIG("upsConfigOutputFreq", 4, "output.frequency.nominal", 10),
    NUMBER("upsConfigLowBattTime", 9, 7, 0, INT_MAX, "battery.runtime.low", ROLE_NONE, is_setting,
           plan_low_battery_time),
    NUMBER("upsConfigAudibleStatus", 9, 8, BEEPER_DISABLED, BEEPER_MUTED, "ups.beeper.status",
           ROLE_NONE, has_beeper, plan_beeper),
    CONFIG("upsConfigLowVoltageTransferPoint", 9, "input.transfer.low", 1),
    CONFIG("upsConfigHighVoltageTransferPoint", 10, "input.transfer.high", 1),
};
/* clang-format on */
