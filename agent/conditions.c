/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/conditions.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define IMMINENT_SECONDS 5
/* What passes a threshold has to come back by so much more than it. */
#define RUNTIME_HYSTERESIS 0.1
#define VOLTAGE_HYSTERESIS 0.01

/* Text ---------------------------------------------------------------------------------------- */

static bool contains(const char *text, size_t length, const char *word)
{
    size_t word_length = strlen(word);

    for (size_t at = 0; at + word_length <= length; at++) {
        if (strncasecmp(text + at, word, word_length) == 0)
            return true;
    }
    return false;
}

/*
 * What a single alarm's text speaks of: both words must be in it (NULL: no second word). The first
 * row that fits decides, so the more special ones come first.
 */
static const struct {
    const char *word, *other;
    enum alarm_kind kind;
} alarm_words[] = {
    { "charger", NULL, ALARM_CHARGER_FAILED },
    { "replace", "batter", ALARM_BATTERY_BAD },
    { "no batter", NULL, ALARM_DEPLETED_BATTERY },
    { "nobatt", NULL, ALARM_DEPLETED_BATTERY },
    { "batter", "deplet", ALARM_DEPLETED_BATTERY },
    { "batter", "discharged", ALARM_DEPLETED_BATTERY },
    { "batter", "empty", ALARM_DEPLETED_BATTERY },
    { "batter", "missing", ALARM_DEPLETED_BATTERY },
    { "batter", "disconnect", ALARM_DEPLETED_BATTERY },
    { "batter", "not present", ALARM_DEPLETED_BATTERY },
    { "temperature", NULL, ALARM_TEMP_BAD },
    { "overheat", NULL, ALARM_TEMP_BAD },
    { "over heat", NULL, ALARM_TEMP_BAD },
    { "too hot", NULL, ALARM_TEMP_BAD },
    { "low", "batter", ALARM_LOW_BATTERY },
    { "batter", "fail", ALARM_BATTERY_BAD },
    { "batter", "fault", ALARM_BATTERY_BAD },
    { "batter", "bad", ALARM_BATTERY_BAD },
    { "batter", "defect", ALARM_BATTERY_BAD },
    { "batter", "end of life", ALARM_BATTERY_BAD },
    { "overload", NULL, ALARM_OUTPUT_OVERLOAD },
    { "over load", NULL, ALARM_OUTPUT_OVERLOAD },
    { "fan", NULL, ALARM_FAN_FAILURE },
    { "fuse", NULL, ALARM_FUSE_FAILURE },
    { "shutdown imminent", NULL, ALARM_SHUTDOWN_IMMINENT },
    { "shutdown pending", NULL, ALARM_SHUTDOWN_PENDING },
    { "awaiting power", NULL, ALARM_AWAITING_POWER },
    { "bypass", NULL, ALARM_BYPASS_BAD },
    { "input", NULL, ALARM_INPUT_BAD },
    { "output", NULL, ALARM_OUTPUT_BAD },
};

static uint32_t alarm_of(const char *text, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(alarm_words); i++) {
        if (contains(text, length, alarm_words[i].word) &&
            (alarm_words[i].other == NULL || contains(text, length, alarm_words[i].other)))
            return ALARM_BIT(alarm_words[i].kind);
    }
    return ALARM_BIT(ALARM_GENERAL_FAULT);
}

static bool is_blank(const char *text, size_t length)
{
    while (length > 0 && (isspace((unsigned char)text[length - 1]) || text[length - 1] == ','))
        length--;
    return length == 0;
}

/* ups.alarm holds one text after another, each in brackets by convention, or all in one. */
static uint32_t alarms_of_text(const char *text)
{
    uint32_t alarms = 0;

    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, "[]");

        if (!is_blank(text, length))
            alarms |= alarm_of(text, length);
        text += length + (text[length] != '\0');
    }
    return alarms;
}

static enum test_summary summary_of_text(const char *text)
{
    static const struct {
        const char *word;
        enum test_summary summary;
    } words[] = {
        { "no test", TEST_NONE },      { "in progress", TEST_RUNNING }, { "running", TEST_RUNNING },
        { "testing", TEST_RUNNING },   { "abort", TEST_ABORTED },       { "warning", TEST_WARNING },
        { "not passed", TEST_FAILED }, { "fail", TEST_FAILED },         { "error", TEST_FAILED },
        { "bad", TEST_FAILED },        { "not ok", TEST_FAILED },       { "pass", TEST_PASSED },
        { "good", TEST_PASSED },       { "success", TEST_PASSED },      { "ok", TEST_PASSED },
    };

    for (size_t i = 0; text != NULL && i < COUNT_OF(words); i++) {
        if (contains(text, strlen(text), words[i].word))
            return words[i].summary;
    }
    return TEST_NONE;
}

static bool is_fine(const char *value)
{
    static const char *const fine[] = { "good", "ok", "normal", "nominal", "" };

    for (size_t i = 0; i < COUNT_OF(fine); i++) {
        if (strcasecmp(value, fine[i]) == 0)
            return true;
    }
    return false;
}

/*
 * Variables such as input.L1-N.voltage.status, by how their names begin and end. The first row that
 * fits decides.
 */
static const struct {
    const char *beginning, *ending;
    enum alarm_kind kind;
} status_names[] = {
    { "input.bypass.", "voltage.status", ALARM_BYPASS_BAD },
    { "input.bypass.", "frequency.status", ALARM_BYPASS_BAD },
    { "input.", "voltage.status", ALARM_INPUT_BAD },
    { "input.", "frequency.status", ALARM_INPUT_BAD },
    { "output.", "voltage.status", ALARM_OUTPUT_BAD },
    { "output.", "frequency.status", ALARM_OUTPUT_BAD },
    { "", "temperature.status", ALARM_TEMP_BAD },
};

static bool ends_with(const char *name, size_t length, const char *ending)
{
    size_t ending_length = strlen(ending);

    return length >= ending_length && strcasecmp(name + length - ending_length, ending) == 0;
}

static uint32_t alarm_of_status(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(status_names); i++) {
        if (strncasecmp(name, status_names[i].beginning, strlen(status_names[i].beginning)) == 0 &&
            ends_with(name, length, status_names[i].ending))
            return ALARM_BIT(status_names[i].kind);
    }
    return 0;
}

static uint32_t alarms_of_statuses(const struct ups *ups)
{
    uint32_t alarms = 0;

    for (size_t i = 0; i < ups->variable_count; i++) {
        const struct ups_variable *variable = &ups->variables[i];
        size_t length = strlen(variable->name);

        if (ends_with(variable->name, length, ".status") && !is_fine(variable->value))
            alarms |= alarm_of_status(variable->name, length);
    }
    return alarms;
}

/* Conditions --------------------------------------------------------------------------------- */

static enum output_source source_of(status_set status)
{
    static const struct {
        status_set word;
        enum output_source source;
    } sources[] = {
        { STATUS_OFF, SOURCE_NONE },     { STATUS_BYPASS, SOURCE_BYPASS },
        { STATUS_OB, SOURCE_BATTERY },   { STATUS_BOOST, SOURCE_BOOSTER },
        { STATUS_TRIM, SOURCE_REDUCER }, { STATUS_OL, SOURCE_NORMAL },
    };

    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        if ((status & sources[i].word) != 0)
            return sources[i].source;
    }
    return SOURCE_OTHER;
}

bool low_battery_minutes(const struct ups *ups, long *minutes)
{
    double seconds;

    if (!ups_number(ups, "battery.runtime.low", &seconds) || seconds < 0)
        return false;
    double rounded = ceil(seconds / 60);
    *minutes = rounded < INT_MAX ? (long)rounded : INT_MAX;
    return true;
}

static bool runtime_is_low(const struct ups *ups, bool was_low)
{
    double runtime;
    long low;

    return ups_number(ups, "battery.runtime", &runtime) && low_battery_minutes(ups, &low) &&
           runtime <= (double)low * 60 * (was_low ? 1 + RUNTIME_HYSTERESIS : 1);
}

static enum battery_status battery_of(const struct ups *ups, uint32_t told, bool runtime_low)
{
    double charge, runtime;
    bool knows_runtime = ups_number(ups, "battery.runtime", &runtime);

    if (ups_number(ups, "battery.charge", &charge) && charge <= 0)
        return BATTERY_DEPLETED;
    if ((told & ALARM_BIT(ALARM_DEPLETED_BATTERY)) != 0 ||
        ((ups->status & STATUS_OB) != 0 && knows_runtime && runtime <= 0))
        return BATTERY_DEPLETED;
    if ((ups->status & STATUS_LB) != 0 || (told & ALARM_BIT(ALARM_LOW_BATTERY)) != 0)
        return BATTERY_LOW;
    return runtime_low ? BATTERY_LOW : BATTERY_NORMAL;
}

/*
 * Within the window in which the UPS does without its battery; false if that is not known: below an
 * upper end alone may be an outage.
 */
static bool transfer_window(const struct ups *ups, bool was_outside, bool *within)
{
    double margin = was_outside ? VOLTAGE_HYSTERESIS : 0;
    double voltage, low, high;

    if (!ups_number(ups, "input.voltage", &voltage))
        return false;
    bool has_low = ups_number(ups, "input.transfer.low", &low) && low > 0;
    bool has_high = ups_number(ups, "input.transfer.high", &high) && high > 0;
    *within = (!has_low || voltage >= low * (1 + margin)) &&
              (!has_high || voltage <= high * (1 - margin));
    return has_low || !*within;
}

static bool input_is_bad(const struct ups *ups, bool was_outside, bool *outside)
{
    bool within = false;
    bool knows_window = transfer_window(ups, was_outside, &within);
    bool by_choice = (ups->status & (STATUS_CAL | STATUS_TEST)) != 0;

    *outside = knows_window && !within;
    if (*outside)
        return true;
    return (ups->status & STATUS_OB) != 0 && !by_choice && !knows_window;
}

long countdown_seconds(const struct ups *ups, const char *name)
{
    double seconds;

    /* Many devices say 0 where they mean that nothing is counting. */
    if (!ups_number(ups, name, &seconds) || seconds <= 0)
        return -1;
    return seconds < INT_MAX ? lround(seconds) : INT_MAX;
}

static uint32_t alarms_by_status(const struct ups *ups)
{
    static const struct {
        status_set word;
        enum alarm_kind kind;
    } words[] = {
        { STATUS_RB, ALARM_BATTERY_BAD },
        { STATUS_OVER, ALARM_OUTPUT_OVERLOAD },
        { STATUS_OFF, ALARM_UPS_OUTPUT_OFF },
    };
    uint32_t alarms = 0;

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if ((ups->status & words[i].word) != 0)
            alarms |= ALARM_BIT(words[i].kind);
    }
    return alarms;
}

static uint32_t alarms_by_variables(const struct ups *ups)
{
    uint32_t alarms = 0;
    const char *charger = ups_value(ups, "battery.charger.status");
    long countdown = countdown_seconds(ups, "ups.timer.shutdown");

    if (charger != NULL &&
        (contains(charger, strlen(charger), "fault") || contains(charger, strlen(charger), "fail")))
        alarms |= ALARM_BIT(ALARM_CHARGER_FAILED);
    if (countdown > 0)
        alarms |= ALARM_BIT(ALARM_SHUTDOWN_PENDING);
    if (countdown > 0 && countdown < IMMINENT_SECONDS)
        alarms |= ALARM_BIT(ALARM_SHUTDOWN_IMMINENT);
    return alarms;
}

void conditions_read(const struct ups *ups, const struct conditions *before,
                     struct conditions *conditions)
{
    /* These two are objects of their own: text and object must never contradict each other. */
    const uint32_t by_status = ALARM_BIT(ALARM_LOW_BATTERY) | ALARM_BIT(ALARM_DEPLETED_BATTERY);
    uint32_t told = alarms_of_text(ups_value(ups, "ups.alarm")) | alarms_of_statuses(ups);
    enum test_summary outcome = summary_of_text(ups_value(ups, "ups.test.result"));

    bool outside;
    bool input_bad = input_is_bad(ups, before != NULL && before->voltage_outside, &outside);
    bool runtime_low = runtime_is_low(ups, before != NULL && before->runtime_low);
    *conditions = (struct conditions){
        .source = source_of(ups->status),
        .battery = battery_of(ups, told, runtime_low),
        .runtime_low = runtime_low,
        .voltage_outside = outside,
        .input_bad = input_bad || (told & ALARM_BIT(ALARM_INPUT_BAD)) != 0,
        .test_running = (ups->status & (STATUS_TEST | STATUS_CAL)) != 0 || outcome == TEST_RUNNING,
        .outcome = outcome == TEST_RUNNING ? TEST_NONE : outcome,
        .alarms = (told & ~by_status) | alarms_by_status(ups) | alarms_by_variables(ups),
    };
    if (conditions->source == SOURCE_BATTERY)
        conditions->alarms |= ALARM_BIT(ALARM_ON_BATTERY);
    if (conditions->source == SOURCE_BYPASS)
        conditions->alarms |= ALARM_BIT(ALARM_ON_BYPASS);
    if (conditions->battery == BATTERY_LOW)
        conditions->alarms |= ALARM_BIT(ALARM_LOW_BATTERY);
    if (conditions->battery == BATTERY_DEPLETED)
        conditions->alarms |= ALARM_BIT(ALARM_DEPLETED_BATTERY);
    if (conditions->input_bad)
        conditions->alarms |= ALARM_BIT(ALARM_INPUT_BAD);
    if (!ups_fresh(ups)) {
        conditions->source = SOURCE_OTHER;
        conditions->battery = BATTERY_UNKNOWN;
    }
}
