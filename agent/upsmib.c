/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/upsmib.h"

#include "agent/objects.h"
#include "agent/system.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define NAMES_MAX 5
#define LINES_MAX 3
#define TEST_ID_LENGTH 11

struct view;

/* A scalar, or a column of a table of lines. */
struct object {
    arc group, number;
    arc column; /* 0: a scalar; else number is the table's */
    void (*add)(struct view *view, const struct object *object);
    /* Variables that tell it, the first one that exists; '#' and '+' stand for this and the next
     * line's number. */
    const char *names[NAMES_MAX];
    /* The same where there is more than one line. */
    const char *line_names[NAMES_MAX];
    double scale;
    long minimum, maximum; /* of texts: maximal length */
    bool stays;            /* also while the readings are stale */
};

/* What is built, from what. */
struct view {
    const struct monitor *monitor;
    const struct ups *ups;
    struct subtree_builder *builder;
    bool fresh;
    bool index; /* columns of indices are shown */
};

/* Naming instances --------------------------------------------------------------------------- */

static void name_scalar(struct view *view, const struct object *object)
{
    subtree_name(view->builder, (const arc[]){ 2, 1, 33, 1, object->group, object->number, 0 }, 7);
}

static void name_cell(struct view *view, const struct object *object, arc index)
{
    subtree_name(
        view->builder,
        (const arc[]){ 2, 1, 33, 1, object->group, object->number, 1, object->column, index }, 9);
}

static void add_integer(struct view *view, const struct object *object, long number)
{
    name_scalar(view, object);
    subtree_integer(view->builder, SUBTREE_INTEGER, number);
}

/* Texts -------------------------------------------------------------------------------------- */

/* The first variable with something to read in it; fallback if there is none. */
static const char *first_text(const struct view *view, const struct object *object,
                              const char *fallback)
{
    for (size_t i = 0; i < NAMES_MAX && object->names[i] != NULL; i++) {
        const char *value = ups_value(view->ups, object->names[i]);

        if (value != NULL && value[strspn(value, " ")] != '\0')
            return value;
    }
    return fallback;
}

/* Devices pad their texts with blanks. */
static void add_text_value(struct view *view, const struct object *object, const char *text)
{
    size_t length = strnlen(text, (size_t)object->maximum);

    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    name_scalar(view, object);
    subtree_text(view->builder, text, length);
}

static void add_text(struct view *view, const struct object *object)
{
    add_text_value(view, object, first_text(view, object, ""));
}

/* Managers probe these two, and take a UPS without them for none. */
static void add_known_text(struct view *view, const struct object *object)
{
    add_text_value(view, object, first_text(view, object, "unknown"));
}

/* What a manager has written; NULL: none has. */
static const char *kept_text(const struct view *view, enum kept_text which)
{
    const struct kept_values *kept = view->monitor->kept;

    return kept != NULL && kept->written[which] ? kept->texts[which] : NULL;
}

/* As it was written, for it must read so: blanks at its end included. */
static bool add_kept_text(struct view *view, const struct object *object, enum kept_text which)
{
    const char *text = kept_text(view, which);

    if (text == NULL)
        return false;
    name_scalar(view, object);
    subtree_text(view->builder, text, strlen(text));
    return true;
}

static void add_attached_devices(struct view *view, const struct object *object)
{
    if (!add_kept_text(view, object, KEPT_ATTACHED_DEVICES))
        add_text_value(view, object, "");
}

static void add_name(struct view *view, const struct object *object)
{
    if (add_kept_text(view, object, KEPT_NAME))
        return;
    add_text_value(view, object, first_text(view, object, view->ups->name));
}

static void add_agent_version(struct view *view, const struct object *object)
{
    add_text_value(view, object, system_agent_version);
}

/* Numbers ------------------------------------------------------------------------------------ */

static long to_integer(double value, const struct object *object)
{
    if (value <= (double)object->minimum)
        return object->minimum;
    if (value >= (double)object->maximum)
        return object->maximum;
    return lround(value);
}

static bool first_number(const struct view *view, const char *const names[NAMES_MAX],
                         double *number)
{
    for (size_t i = 0; i < NAMES_MAX && names[i] != NULL; i++) {
        if (ups_number(view->ups, names[i], number))
            return true;
    }
    return false;
}

static void add_number(struct view *view, const struct object *object)
{
    double number;

    if (first_number(view, object->names, &number))
        add_integer(view, object, to_integer(number * object->scale, object));
}

/* Whole minutes that are certainly left; the object cannot say 0. */
static void add_minutes_left(struct view *view, const struct object *object)
{
    double seconds;

    if (first_number(view, object->names, &seconds))
        add_integer(view, object, to_integer(floor(seconds / 60), object));
}

static void add_low_battery_minutes(struct view *view, const struct object *object)
{
    long minutes;

    if (low_battery_minutes(view->ups, &minutes))
        add_integer(view, object, minutes);
}

static void add_countdown(struct view *view, const struct object *object, enum countdown countdown)
{
    const char *name = monitor_countdown_name(countdown);
    double told;

    if (!ups_number(view->ups, name, &told)) {
        name_scalar(view, object);
        subtree_seconds_until(view->builder, view->monitor->commanded.ends[countdown]);
        return;
    }
    long seconds = view->fresh ? countdown_seconds(view->ups, name) : -1;
    add_integer(view, object, seconds < object->maximum ? seconds : object->maximum);
}

static void add_shutdown_countdown(struct view *view, const struct object *object)
{
    add_countdown(view, object, COUNTDOWN_SHUTDOWN);
}

static void add_startup_countdown(struct view *view, const struct object *object)
{
    add_countdown(view, object, COUNTDOWN_STARTUP);
}

static void add_reboot_countdown(struct view *view, const struct object *object)
{
    add_countdown(view, object, COUNTDOWN_REBOOT);
}

/* Words that stand for numbers --------------------------------------------------------------- */

struct word {
    const char *word;
    long number;
};

static long number_of_word(const struct view *view, const struct object *object,
                           const struct word *words, size_t count, long otherwise)
{
    const char *value = ups_value(view->ups, object->names[0]);

    for (size_t i = 0; value != NULL && i < count; i++) {
        if (strcasecmp(value, words[i].word) == 0)
            return words[i].number;
    }
    return otherwise;
}

static void add_auto_restart(struct view *view, const struct object *object)
{
    add_integer(view, object, monitor_restarts(view->monitor) ? 1 : 2);
}

static void add_audible_status(struct view *view, const struct object *object)
{
    static const struct word words[] = { { "disabled", 1 }, { "enabled", 2 }, { "muted", 3 } };
    long number = number_of_word(view, object, words, COUNT_OF(words), 0);

    if (number != 0)
        add_integer(view, object, number);
}

static void add_shutdown_type(struct view *view, const struct object *object)
{
    add_integer(view, object, monitor_shutdown_type(view->monitor));
}

/* What the monitor knows --------------------------------------------------------------------- */

static void add_battery_status(struct view *view, const struct object *object)
{
    add_integer(view, object, view->monitor->conditions.battery);
}

static void add_output_source(struct view *view, const struct object *object)
{
    add_integer(view, object, view->monitor->conditions.source);
}

static void add_seconds_on_battery(struct view *view, const struct object *object)
{
    name_scalar(view, object);
    subtree_seconds_since(view->builder, view->monitor->on_battery_since);
}

static void add_line_bads(struct view *view, const struct object *object)
{
    name_scalar(view, object);
    subtree_integer(view->builder, SUBTREE_COUNTER, (long)view->monitor->input_line_bads);
}

static void add_alarms_present(struct view *view, const struct object *object)
{
    name_scalar(view, object);
    subtree_integer(view->builder, SUBTREE_GAUGE, (long)view->monitor->alarms.count);
}

static void add_alarm_indices(struct view *view, const struct object *object)
{
    const struct alarms *alarms = &view->monitor->alarms;

    for (size_t i = 0; view->index && i < alarms->count; i++) {
        name_cell(view, object, alarms->rows[i].id);
        subtree_integer(view->builder, SUBTREE_INTEGER, (long)alarms->rows[i].id);
    }
}

static void add_alarm_descriptions(struct view *view, const struct object *object)
{
    const struct alarms *alarms = &view->monitor->alarms;

    for (size_t i = 0; i < alarms->count; i++) {
        size_t length;
        const arc *description = alarm_description(alarms->rows[i].kind, &length);

        name_cell(view, object, alarms->rows[i].id);
        subtree_object_id(view->builder, description, length);
    }
}

static void add_alarm_times(struct view *view, const struct object *object)
{
    const struct alarms *alarms = &view->monitor->alarms;

    for (size_t i = 0; i < alarms->count; i++) {
        name_cell(view, object, alarms->rows[i].id);
        subtree_timestamp(view->builder, alarms->rows[i].noticed);
    }
}

static void add_test_id(struct view *view, const struct object *object)
{
    static const arc tests[][TEST_ID_LENGTH] = {
        [TEST_KIND_NONE] = { OBJECTS_UPS_MIB, 1, 7, 7, 1 },
        [TEST_KIND_ABORT] = { OBJECTS_UPS_MIB, 1, 7, 7, 2 },
        [TEST_KIND_GENERAL] = { OBJECTS_UPS_MIB, 1, 7, 7, 3 },
        [TEST_KIND_QUICK_BATTERY] = { OBJECTS_UPS_MIB, 1, 7, 7, 4 },
        [TEST_KIND_DEEP_BATTERY] = { OBJECTS_UPS_MIB, 1, 7, 7, 5 },
    };

    name_scalar(view, object);
    subtree_object_id(view->builder, tests[view->monitor->self_test.kind], TEST_ID_LENGTH);
}

static void add_test_spin_lock(struct view *view, const struct object *object)
{
    add_integer(view, object, view->monitor->spin_lock);
}

static void add_test_detail(struct view *view, const struct object *object)
{
    const char *detail = view->monitor->self_test.detail;

    add_text_value(view, object, detail != NULL ? detail : first_text(view, object, ""));
}

static void add_test_summary(struct view *view, const struct object *object)
{
    add_integer(view, object, view->monitor->self_test.summary);
}

static void add_test_start(struct view *view, const struct object *object)
{
    name_scalar(view, object);
    subtree_timestamp(view->builder, view->monitor->self_test.start);
}

static void add_test_elapsed(struct view *view, const struct object *object)
{
    const struct self_test *test = &view->monitor->self_test;
    uint64_t took = (test->end - test->start) / 10;

    name_scalar(view, object);
    if (test->end == 0)
        subtree_interval_since(view->builder, test->start);
    else
        subtree_integer(view->builder, SUBTREE_INTEGER, took < INT_MAX ? (long)took : INT_MAX);
}

/* Lines -------------------------------------------------------------------------------------- */

/* A name with the numbers of a line and the next one put in. */
static void line_name(char *out, size_t size, const char *pattern, unsigned line)
{
    size_t used = 0;

    for (; *pattern != '\0' && used + 1 < size; pattern++) {
        if (*pattern == '#')
            out[used++] = (char)('0' + line);
        else if (*pattern == '+')
            out[used++] = (char)('0' + line % LINES_MAX + 1);
        else
            out[used++] = *pattern;
    }
    out[used] = '\0';
}

static bool first_line_number(const struct view *view, const struct object *object, unsigned line,
                              double *number)
{
    char name[64];

    for (size_t i = 0; i < NAMES_MAX && object->line_names[i] != NULL; i++) {
        line_name(name, sizeof name, object->line_names[i], line);
        if (ups_number(view->ups, name, number))
            return true;
    }
    return false;
}

/* Where the lines of a group are told: the prefix of their variables. */
static const struct {
    arc group;
    const char *phases;           /* how many */
    const char *names[NAMES_MAX]; /* what tells that there is one */
    const char *last_line[NAMES_MAX];
} line_groups[] = {
    { 3,
      "input.phases",
      { "input.voltage", "input.frequency", "input.current", "input.realpower" },
      { "input.L3-N.voltage", "input.L3.voltage", "input.L3.current", "input.L3-L1.voltage" } },
    { 4,
      "output.phases",
      { "output.voltage", "output.frequency", "output.current", "output.realpower", "ups.load" },
      { "output.L3-N.voltage", "output.L3.voltage", "output.L3.current", "output.L3-L1.voltage" } },
    { 5,
      "input.bypass.phases",
      { "input.bypass.voltage", "input.bypass.frequency", "input.bypass.current",
        "input.bypass.realpower" },
      { "input.bypass.L3-N.voltage", "input.bypass.L3.voltage", "input.bypass.L3.current",
        "input.bypass.L3-L1.voltage" } },
};

static unsigned line_count(const struct view *view, arc group)
{
    size_t i = 0;
    double number;

    while (line_groups[i].group != group)
        i++;
    if (!view->ups->has_data)
        return 0;
    if (ups_number(view->ups, line_groups[i].phases, &number) && number >= 1 && number <= LINES_MAX)
        return (unsigned)number;
    if (first_number(view, line_groups[i].last_line, &number))
        return LINES_MAX;
    return first_number(view, line_groups[i].names, &number) ? 1 : 0;
}

static void add_line_count(struct view *view, const struct object *object)
{
    add_integer(view, object, line_count(view, object->group));
}

/* Not accessible by the MIB: shown only to whom the configuration does the favour. */
static void add_line_indices(struct view *view, const struct object *object)
{
    unsigned lines = view->index ? line_count(view, object->group) : 0;

    for (unsigned line = 1; line <= lines; line++) {
        name_cell(view, object, line);
        subtree_integer(view->builder, SUBTREE_INTEGER, line);
    }
}

static void add_column(struct view *view, const struct object *object)
{
    unsigned lines = line_count(view, object->group);

    for (unsigned line = 1; line <= lines; line++) {
        double number;
        bool told = lines == 1 ? first_number(view, object->names, &number)
                               : first_line_number(view, object, line, &number);

        if (!told)
            continue;
        name_cell(view, object, line);
        subtree_integer(view->builder, SUBTREE_INTEGER, to_integer(number * object->scale, object));
    }
}

/* The table ---------------------------------------------------------------------------------- */

#define UPTO INT_MAX
#define TEXT(group, number, function, length, ...)                                \
    {                                                                             \
        group, number, 0, function, { __VA_ARGS__ }, { NULL }, 1, 0, length, true \
    }
/* A measurement, which vanishes when it is stale. */
#define MEASURED(group, number, scale, minimum, maximum, ...)                                   \
    {                                                                                           \
        group, number, 0, add_number, { __VA_ARGS__ }, { NULL }, scale, minimum, maximum, false \
    }
/* How the device is set up. */
#define RATED(group, number, scale, ...)                                              \
    {                                                                                 \
        group, number, 0, add_number, { __VA_ARGS__ }, { NULL }, scale, 0, UPTO, true \
    }
/* What is always there. */
#define KNOWN(group, number, function)                                   \
    {                                                                    \
        group, number, 0, function, { NULL }, { NULL }, 1, 0, UPTO, true \
    }
#define TOLD(group, number, function, maximum, name)                        \
    {                                                                       \
        group, number, 0, function, { name }, { NULL }, 1, 0, maximum, true \
    }
#define COLUMN(group, table, column, scale, maximum, names, line_names)               \
    {                                                                                 \
        group, table, column, add_column, names, line_names, scale, 0, maximum, false \
    }
/* A column of indices. */
#define INDICES(group, table, function, stays)                           \
    {                                                                    \
        group, table, 1, function, { NULL }, { NULL }, 1, 0, UPTO, stays \
    }
#define NAMES(...)  \
    {               \
        __VA_ARGS__ \
    }

/* In order of object identifiers. */
static const struct object objects[] = {
    TEXT(1, 1, add_known_text, 31, "ups.mfr", "device.mfr"),
    TEXT(1, 2, add_known_text, 63, "ups.model", "device.model"),
    TEXT(1, 3, add_text, 63, "ups.firmware"),
    TEXT(1, 4, add_agent_version, 63, NULL),
    TEXT(1, 5, add_name, 63, "ups.id"),
    TEXT(1, 6, add_attached_devices, 63, NULL),

    KNOWN(2, 1, add_battery_status),
    KNOWN(2, 2, add_seconds_on_battery),
    { 2, 3, 0, add_minutes_left, { "battery.runtime" }, { NULL }, 1, 1, UPTO, false },
    MEASURED(2, 4, 1, 0, 100, "battery.charge"),
    MEASURED(2, 5, 10, 0, UPTO, "battery.voltage"),
    MEASURED(2, 6, 10, INT_MIN, UPTO, "battery.current"),
    MEASURED(2, 7, 1, INT_MIN, UPTO, "battery.temperature", "ups.temperature"),

    KNOWN(3, 1, add_line_bads),
    KNOWN(3, 2, add_line_count),
    INDICES(3, 3, add_line_indices, false),
    COLUMN(3, 3, 2, 10, UPTO, NAMES("input.frequency"),
           NAMES("input.L#.frequency", "input.frequency")),
    COLUMN(3, 3, 3, 1, UPTO, NAMES("input.voltage"),
           NAMES("input.L#-N.voltage", "input.L#.voltage", "input.L#-L+.voltage")),
    COLUMN(3, 3, 4, 10, UPTO, NAMES("input.current"), NAMES("input.L#.current")),
    COLUMN(3, 3, 5, 1, UPTO, NAMES("input.realpower"), NAMES("input.L#.realpower")),

    KNOWN(4, 1, add_output_source),
    MEASURED(4, 2, 10, 0, UPTO, "output.frequency", "output.L1.frequency"),
    KNOWN(4, 3, add_line_count),
    INDICES(4, 4, add_line_indices, false),
    COLUMN(4, 4, 2, 1, UPTO, NAMES("output.voltage"),
           NAMES("output.L#-N.voltage", "output.L#.voltage", "output.L#-L+.voltage")),
    COLUMN(4, 4, 3, 10, UPTO, NAMES("output.current"), NAMES("output.L#.current")),
    COLUMN(4, 4, 4, 1, UPTO, NAMES("output.realpower", "ups.realpower"),
           NAMES("output.L#.realpower")),
    COLUMN(4, 4, 5, 1, 200, NAMES("ups.load"),
           NAMES("output.L#.power.percent", "output.L#.load", "ups.load")),

    MEASURED(5, 1, 10, 0, UPTO, "input.bypass.frequency", "input.bypass.L1.frequency"),
    KNOWN(5, 2, add_line_count),
    INDICES(5, 3, add_line_indices, false),
    COLUMN(5, 3, 2, 1, UPTO, NAMES("input.bypass.voltage"),
           NAMES("input.bypass.L#-N.voltage", "input.bypass.L#.voltage",
                 "input.bypass.L#-L+.voltage")),
    COLUMN(5, 3, 3, 10, UPTO, NAMES("input.bypass.current"), NAMES("input.bypass.L#.current")),
    COLUMN(5, 3, 4, 1, UPTO, NAMES("input.bypass.realpower"), NAMES("input.bypass.L#.realpower")),

    KNOWN(6, 1, add_alarms_present),
    INDICES(6, 2, add_alarm_indices, true),
    { 6, 2, 2, add_alarm_descriptions, { NULL }, { NULL }, 1, 0, UPTO, true },
    { 6, 2, 3, add_alarm_times, { NULL }, { NULL }, 1, 0, UPTO, true },

    KNOWN(7, 1, add_test_id),
    KNOWN(7, 2, add_test_spin_lock),
    KNOWN(7, 3, add_test_summary),
    TEXT(7, 4, add_test_detail, 255, "ups.test.result"),
    KNOWN(7, 5, add_test_start),
    KNOWN(7, 6, add_test_elapsed),

    KNOWN(8, 1, add_shutdown_type),
    KNOWN(8, 2, add_shutdown_countdown),
    KNOWN(8, 3, add_startup_countdown),
    { 8, 4, 0, add_reboot_countdown, { NULL }, { NULL }, 1, 0, 300, true },
    KNOWN(8, 5, add_auto_restart),

    RATED(9, 1, 1, "input.voltage.nominal"),
    RATED(9, 2, 10, "input.frequency.nominal"),
    RATED(9, 3, 1, "output.voltage.nominal"),
    RATED(9, 4, 10, "output.frequency.nominal"),
    RATED(9, 5, 1, "ups.power.nominal", "output.power.nominal"),
    RATED(9, 6, 1, "ups.realpower.nominal", "output.realpower.nominal"),
    KNOWN(9, 7, add_low_battery_minutes),
    TOLD(9, 8, add_audible_status, UPTO, "ups.beeper.status"),
    RATED(9, 9, 1, "input.transfer.low"),
    RATED(9, 10, 1, "input.transfer.high"),
};

void upsmib_build(const struct monitor *monitor, struct subtree_builder *builder)
{
    struct view view = { .monitor = monitor,
                         .ups = monitor->ups,
                         .builder = builder,
                         .index = monitor->presentation->serve_index,
                         .fresh = monitor->ups->has_data && ups_fresh(monitor->ups) };

    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        if (view.fresh || objects[i].stays)
            objects[i].add(&view, &objects[i]);
    }
}
