/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/megatec/readings.h"

#include "core/variables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void megatec_image_begin(struct megatec_image *image)
{
    for (size_t i = 0; i < SLOT_COUNT; i++)
        image->slots[i] = NAN;
    image->bits_kind = BITS_NONE;
    image->mode = '\0';
    image->has_alarm = false;
}

/* Checking ----------------------------------------------------------------------------------- */

static unsigned bit_count(enum megatec_bits bits)
{
    return bits == BITS_Q1 || bits == BITS_OMRON ? 8 : bits == BITS_QGS ? 12 : 0;
}

static bool is_mode(const char *field)
{
    return strlen(field) == 1 && strchr("PSYLBTFECD", field[0]) != NULL;
}

static bool bits_are_good(const struct megatec_question *question,
                          const struct megatec_answer *answer)
{
    const char *field = answer->count > 0 ? answer->fields[question->bits_position] : "";
    bool bits[MEGATEC_BITS_MAX];

    switch (question->bits) {
    case BITS_NONE:
        return true;
    case BITS_MODE:
        return is_mode(field);
    case BITS_Q1:
    case BITS_OMRON:
    case BITS_QGS:
        break;
    }
    return megatec_bits_read(field, bit_count(question->bits), bits);
}

static bool is_field(const struct megatec_field *field)
{
    return field->variable != NULL || field->slot != SLOT_NONE;
}

/* Numbers, all of them, even those that nothing is made of: noise spares no field. */
static bool numbers_are_good(const struct megatec_question *question,
                             const struct megatec_answer *answer)
{
    double number;

    if (question->fields == NULL)
        return true;
    for (const struct megatec_field *field = question->fields; is_field(field); field++) {
        if (field->decimals == MEGATEC_AS_TEXT)
            continue;
        if (field->position >= answer->count ||
            megatec_number_read(answer->fields[field->position], &number) == MEGATEC_WRONG)
            return false;
    }
    return true;
}

/* A bridge answers in place of a UPS that is off or not connected: nothing but zeros. */
static bool is_all_zero(const struct megatec_question *question,
                        const struct megatec_answer *answer)
{
    bool has_zero = false;
    double number;

    if (bit_count(question->bits) == 0)
        return false;
    for (const struct megatec_field *field = question->fields; is_field(field); field++) {
        if (megatec_number_read(answer->fields[field->position], &number) != MEGATEC_NUMBER)
            continue;
        if (number > 0 || number < 0)
            return false;
        has_zero = true;
    }
    return has_zero;
}

static const char *complaint(const struct megatec_question *question,
                             const struct megatec_answer *answer)
{
    size_t count = question->form == MEGATEC_TEXT ? strlen(answer->text) : answer->count;

    if (count < question->least || count > question->most)
        return "an answer with fields missing, or too many";
    if (!numbers_are_good(question, answer))
        return "an answer with a field that is no number";
    if (!bits_are_good(question, answer))
        return "an answer without its status bits";
    if (is_all_zero(question, answer))
        return "an answer of nothing but zeros: is the UPS on?";
    return NULL;
}

/* Taking over -------------------------------------------------------------------------------- */

static bool is_believable(const char *variable, double number)
{
    const struct variable_info *info = variable == NULL ? NULL : variable_find(variable);

    return info == NULL || info->type != TYPE_NUMBER ||
           (number >= info->minimum && number <= info->maximum);
}

static void take_field(struct megatec_image *image, const struct megatec_field *field,
                       const char *text, struct update *update)
{
    double number = NAN;

    if (field->decimals == MEGATEC_AS_TEXT) {
        if (update != NULL && text[0] != '\0')
            update_set(update, field->variable, text);
        return;
    }
    bool is_told = megatec_number_read(text, &number) == MEGATEC_NUMBER;

    number *= field->factor;
    if (!is_told || (field->skips_zero && number <= 0) || !is_believable(field->variable, number)) {
        if (field->slot != SLOT_NONE)
            image->slots[field->slot] = NAN;
        if (field->variable != NULL && update != NULL)
            update_unset(update, field->variable);
        return;
    }
    if (field->slot != SLOT_NONE)
        image->slots[field->slot] = number;
    if (field->variable != NULL && update != NULL)
        update_setf(update, field->variable, "%.*f", field->decimals, number);
}

static void take_columns(const struct megatec_question *question,
                         const struct megatec_answer *answer, struct update *update)
{
    char text[MEGATEC_ANSWER_MAX + 1];

    for (const struct megatec_column *column = question->columns; column->variable != NULL;
         column++) {
        if (update != NULL &&
            megatec_columns_read(answer, column->first, column->last, text, sizeof text))
            update_setf(update, column->variable, "%s%s",
                        column->prefix == NULL ? "" : column->prefix, text);
    }
}

bool megatec_image_take(struct megatec_image *image, const struct megatec_question *question,
                        const struct megatec_answer *answer, struct update *update,
                        const char **problem)
{
    *problem = complaint(question, answer);
    if (*problem != NULL)
        return false;
    if (question->fields != NULL) {
        for (const struct megatec_field *field = question->fields; is_field(field); field++)
            take_field(image, field, answer->fields[field->position], update);
    }
    if (question->columns != NULL)
        take_columns(question, answer, update);
    if (question->bits == BITS_MODE) {
        image->mode = answer->fields[0][0];
    } else if (question->bits != BITS_NONE) {
        image->bits_kind = question->bits;
        /* Of an answer before: it would be a status made of two times. */
        image->mode = '\0';
        (void)megatec_bits_read(answer->fields[question->bits_position], bit_count(question->bits),
                                image->bits);
    }
    return true;
}

/* Status ------------------------------------------------------------------------------------- */

/* The bits of both kinds by one name. */
struct state {
    bool on_battery, low, bypassed, failed, testing, shutting_down, beeps, online;
};

static struct state state_of(const struct megatec_image *image)
{
    const bool *bits = image->bits;

    if (image->bits_kind == BITS_QGS)
        return (struct state){ bits[2], bits[3], bits[4],  bits[5],
                               bits[7], bits[8], !bits[9], bits[0] && !bits[1] };
    return (
        struct state){ bits[0], bits[1], bits[2], bits[3], bits[5], bits[6], bits[7], !bits[4] };
}

bool megatec_image_on_battery(const struct megatec_image *image)
{
    return image->bits_kind != BITS_NONE && state_of(image).on_battery;
}

bool megatec_image_beeper_is_on(const struct megatec_image *image)
{
    return image->bits_kind != BITS_NONE && state_of(image).beeps;
}

/* One bit says that the voltage is changed, or that it is not: which, the voltages tell. */
static const char *regulation(const struct megatec_image *image, const struct state *state)
{
    double input = image->slots[SLOT_INPUT], output = image->slots[SLOT_OUTPUT];

    if (state->online)
        return " BYPASS";
    if (!(input > 0) || !(output > 0))
        return "";
    double ratio = output / input;
    return ratio < 0.5    ? ""
           : ratio < 0.95 ? " TRIM"
           : ratio < 1.05 ? (image->bits_kind == BITS_OMRON ? "" : " BYPASS")
           : ratio < 1.5  ? " BOOST"
                          : "";
}

/* What QMOD adds; whether on line or on battery is for the bits alone to say. */
static const char *mode_word(const struct megatec_image *image, const struct state *state)
{
    switch (image->mode) {
    case 'S':
        return " OFF";
    case 'Y':
        return state->bypassed ? "" : " BYPASS";
    case 'E':
        return " ECO";
    default:
        return "";
    }
}

static void publish_alarm(struct megatec_image *image, const struct state *state,
                          struct update *update)
{
    char text[160] = "";

    if (state->failed)
        strcat(text, " UPS selftest failed!");
    if (image->mode == 'F')
        strcat(text, " Fault!");
    if (state->shutting_down && !image->ignores_shutdown_bit)
        strcat(text, " Shutdown imminent!");
    if (text[0] != '\0')
        update_set(update, "ups.alarm", text + 1);
    else if (image->has_alarm)
        update_unset(update, "ups.alarm");
    image->has_alarm = text[0] != '\0';
}

static const char *type_of(const struct megatec_image *image, const struct state *state)
{
    if (state->online)
        return "online";
    return image->bits_kind == BITS_QGS && !image->bits[1] ? "offline"
                                                           : "offline / line interactive";
}

/* Battery ------------------------------------------------------------------------------------ */

static double nominal_of(const struct megatec_image *image)
{
    double told = image->slots[SLOT_NOMINAL];

    if (image->battery_options.nominal > 0)
        return image->battery_options.nominal;
    return told > 0 ? told : 0;
}

static void publish_charge(struct megatec_image *image, double volts, const struct state *state,
                           uint64_t now, struct update *update)
{
    struct megatec_battery_options limits = image->battery_options;
    double low, high, charge = NAN, runtime;

    if (!(limits.low > 0) && image->slots[SLOT_LOW] > 0)
        limits.low = image->slots[SLOT_LOW];
    if (!(limits.high > 0) && image->slots[SLOT_HIGH] > 0)
        limits.high = image->slots[SLOT_HIGH];
    bool is_told = !isnan(image->slots[SLOT_CHARGE]);
    if (is_told)
        charge = image->slots[SLOT_CHARGE];
    if (megatec_battery_limits(&limits, nominal_of(image), &low, &high)) {
        update_setf(update, "battery.voltage.low", "%.2f", low);
        update_setf(update, "battery.voltage.high", "%.2f", high);
        if (!is_told && volts > 0)
            charge = megatec_battery_charge(volts, low, high);
    }
    double load = image->slots[SLOT_LOAD];
    if (!isnan(charge) && !isnan(load) && isnan(image->slots[SLOT_RUNTIME]) &&
        megatec_battery_reckon(image->battery, &image->battery_options, load, charge,
                               state->on_battery, now, &charge, &runtime)) {
        update_setf(update, "battery.runtime", "%.0f", runtime);
        if (is_told)
            charge = image->slots[SLOT_CHARGE];
    }
    if (!is_told && !isnan(charge))
        update_setf(update, "battery.charge", "%.0f", charge);
}

static void publish_battery(struct megatec_image *image, const struct state *state, uint64_t now,
                            struct update *update)
{
    double whole = image->slots[SLOT_BATTERY_WHOLE], told = image->slots[SLOT_BATTERY];
    double volts = whole > 0 ? whole : 0;

    if (!(volts > 0) && !isnan(told))
        volts =
            megatec_battery_volts(image->battery, &image->battery_options, told, nominal_of(image));
    if (volts > 0 && is_believable("battery.voltage", volts))
        update_setf(update, "battery.voltage", "%.2f", volts);
    else
        update_unset(update, "battery.voltage");
    publish_charge(image, volts, state, now, update);
}

bool megatec_image_publish(struct megatec_image *image, uint64_t now, struct update *update)
{
    if (image->bits_kind == BITS_NONE)
        return false;
    struct state state = state_of(image);

    update_setf(update, "ups.status", "%s%s%s%s%s", state.on_battery ? "OB" : "OL",
                state.low ? " LB" : "",
                state.bypassed && !state.on_battery ? regulation(image, &state) : "",
                state.testing || image->mode == 'T' ? " CAL" : "", mode_word(image, &state));
    update_set(update, "ups.type", type_of(image, &state));
    update_set(update, "ups.beeper.status", state.beeps ? "enabled" : "disabled");
    publish_alarm(image, &state, update);
    publish_battery(image, &state, now, update);
    return true;
}
