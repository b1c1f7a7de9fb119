/* SPDX-License-Identifier: BSD-2-Clause */
/* From registers to variables, status and alarms. */
#include "modbus/decode.h"

#include "core/status.h"
#include "modbus/image.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALL_BITS 18446744073709551616.0 /* 2^64 */

struct decoding {
    struct modbus_image *image;
    const struct map_items *items;
    const struct modbus_observer *observer;
    struct modbus_outcome outcome;
    char status[UPDATE_VALUE_MAX + 1];
    char alarm[UPDATE_VALUE_MAX + 1];
    bool power_unknown; /* some condition that could tell OL or OB could not be worked out */
};

static void problem(struct decoding *decoding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void problem(struct decoding *decoding, const char *format, ...)
{
    char text[512];
    va_list arguments;

    decoding->outcome.problems++;
    if (decoding->observer == NULL || decoding->observer->problem == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    decoding->observer->problem(decoding->observer->context, text);
}

/* Texts --------------------------------------------------------------------------------------- */

static void append(char *out, size_t size, const char *separator, const char *text)
{
    size_t used = strlen(out);

    snprintf(out + used, size - used, "%s%s", used == 0 ? "" : separator, text);
}

static bool has_bit(double number, double bit)
{
    return number >= 0 && number < ALL_BITS && ((uint64_t)number >> (unsigned)bit & 1) != 0;
}

/* The text of a number in a table; false: it has none. */
static bool look_up(const struct map_items *items, const struct map_table *table, double number,
                    char *out, size_t size)
{
    bool found = false;

    out[0] = '\0';
    for (int i = 0; i < table->count; i++) {
        const struct map_entry *entry = &items->entries[table->first + i];

        if (!table->bits && entry->key == number) {
            snprintf(out, size, "%s", entry->text);
            return true;
        }
        if (table->bits && has_bit(number, entry->key)) {
            append(out, size, ", ", entry->text);
            found = true;
        }
    }
    if (!found && table->other != NULL)
        snprintf(out, size, "%s", table->other);
    return found || table->bits || table->other != NULL;
}

long date_to_days(long year, long month, long day)
{
    long shifted = month > 2 ? year : year - 1;
    long era = shifted / 400;
    long of_era = shifted - era * 400;
    long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void date_from_days(long days, long *year, long *month, long *day)
{
    long shifted = days + 719468;
    long era = shifted / 146097;
    long of_era = shifted - era * 146097;
    long year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    long of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    long shifted_month = (5 * of_year + 2) / 153;

    *day = of_year - (153 * shifted_month + 2) / 5 + 1;
    *month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

/* False: it is no date that a UPS could mean. */
static bool date_text(const struct map_row *row, double number, char *out, size_t size)
{
    long year, month, day;

    if (number < 0 || number > 100000)
        return false;
    if (row->format == FORMAT_DAYS) {
        date_from_days(row->epoch + (long)number, &year, &month, &day);
    } else {
        /* As the Smart Battery specification packs it. */
        unsigned raw = (unsigned)number;

        year = 1980 + (long)(raw >> 9);
        month = raw >> 5 & 15;
        day = raw & 31;
        if (month < 1 || month > 12 || day < 1)
            return false;
    }
    snprintf(out, size, "%04ld-%02ld-%02ld", year, month, day);
    return true;
}

static void print_number(double number, int digits, char *out, size_t size)
{
    snprintf(out, size, "%.*f", digits, number);
    /* "-0.0" is no reading. */
    if (out[0] == '-' && strspn(out + 1, "0.") == strlen(out + 1))
        memmove(out, out + 1, strlen(out));
}

bool row_text(const struct map_items *items, const struct map_row *row, double number, char *out,
              size_t size)
{
    if (row->table != NONE) {
        const struct map_table *table = &items->tables[row->table];

        if (look_up(items, table, number, out, size))
            return true;
        if (!table->else_plain)
            return false;
    }
    if (row->format == FORMAT_DAYS || row->format == FORMAT_PACKED_DATE)
        return date_text(row, number, out, size);
    print_number(number * row->factor + row->offset, row->digits, out, size);
    return true;
}

/* The field "N=..." of "1=UPS2000;2=V100R001". */
static bool field_text(const char *text, long number, char *out, size_t size)
{
    char lead[16];
    int length = snprintf(lead, sizeof lead, "%ld=", number);

    for (const char *at = text; at != NULL; at = strchr(at, ';')) {
        at += *at == ';';
        if (strncmp(at, lead, (size_t)length) == 0) {
            snprintf(out, size, "%.*s", (int)strcspn(at + length, ";"), at + length);
            return out[0] != '\0';
        }
    }
    return false;
}

/* Rows ---------------------------------------------------------------------------------------- */

/* What cannot be: outside the row's own limits, or what the vocabulary believes. */
static bool is_believable(struct decoding *decoding, const struct map_row *row, double number)
{
    double minimum = row->info == NULL ? 0 : row->info->minimum;
    double maximum = row->info == NULL ? 0 : row->info->maximum;
    bool checked = row->info != NULL && row->info->type == TYPE_NUMBER;

    if (row->limited) {
        minimum = row->minimum;
        maximum = row->maximum;
        checked = true;
    }
    if (!checked || (number >= minimum && number <= maximum))
        return true;
    problem(decoding, "%s: %g cannot be (%g to %g)", row->name, number, minimum, maximum);
    return false;
}

/* The number of a row in our unit becomes its text. */
static bool tell_number(struct decoding *decoding, const struct map_row *row,
                        struct row_state *state, double raw, char *out, size_t size)
{
    const struct map_items *items = decoding->items;
    const struct map_table *table = row->table == NONE ? NULL : &items->tables[row->table];
    char ignored[MAP_TEXT_MAX + 1];
    bool plain = row->format == FORMAT_PLAIN &&
                 (table == NULL ||
                  (table->else_plain && !look_up(items, table, raw, ignored, sizeof ignored)));

    state->kind = VALUE_NUMBER;
    state->number = raw * row->factor + row->offset;
    if (plain && !is_believable(decoding, row, state->number)) {
        state->kind = VALUE_UNKNOWN;
        return false;
    }
    if (!row_text(items, row, raw, out, size)) {
        if (table != NULL)
            problem(decoding, "%s: %g is not in its list", row->name, raw);
        else
            problem(decoding, "%s: %g is no date", row->name, raw);
        return false;
    }
    return out[0] != '\0';
}

/* Works a row out: false: it gives nothing now. */
static bool work_out(struct decoding *decoding, const struct map_row *row, struct row_state *state,
                     char *out, size_t size)
{
    struct modbus_image *image = decoding->image;

    state->kind = VALUE_UNKNOWN;
    if (row->condition != NONE && image_truth(image, row->condition) != 1)
        return false;
    struct map_value value = image_evaluate(image, row->expression);
    if (value.kind == VALUE_NUMBER)
        return tell_number(decoding, row, state, value.number, out, size);
    if (value.kind == VALUE_UNKNOWN)
        return false;
    state->kind = VALUE_TEXT;
    if (row->format == FORMAT_FIELD)
        return field_text(value.text, row->epoch, out, size);
    snprintf(out, size, "%s", value.text);
    return true;
}

static void keep_text(struct row_state *state, const char *text)
{
    if (text != NULL && state->text != NULL && strcmp(text, state->text) == 0)
        return;
    free(state->text);
    state->text = text == NULL ? NULL : strdup(text);
    if (state->text == NULL && state->kind == VALUE_TEXT)
        state->kind = VALUE_UNKNOWN;
}

static void refresh(struct decoding *decoding, size_t i)
{
    const struct map_row *row = &decoding->items->rows[i];
    struct row_state *state = &decoding->image->rows[i];
    const struct modbus_observer *observer = decoding->observer;
    char text[UPDATE_VALUE_MAX + 1] = "", raw[512];
    bool told;

    if (row->section == SECTION_DELAYS) {
        print_number(state->number, row->digits, text, sizeof text);
        keep_text(state, text);
        return;
    }
    told = work_out(decoding, row, state, text, sizeof text);
    keep_text(state, told ? text : NULL);
    if (observer != NULL && observer->reading != NULL) {
        image_describe(decoding->image, row->expression, raw, sizeof raw);
        observer->reading(observer->context, row->name, raw, told ? text : "");
    }
}

void image_refresh_row(struct modbus_image *image, size_t i)
{
    struct decoding decoding = { .image = image, .items = image->map->items };

    refresh(&decoding, i);
}

static const struct map_row *writable_row(const struct map_items *items, size_t head)
{
    for (int i = (int)head; i != NONE; i = items->rows[i].next) {
        const struct map_row *row = &items->rows[i];

        if (!row->replaced && row->section != SECTION_VALUES)
            return row;
    }
    return NULL;
}

const struct map_row *map_setting(const struct map_items *items, const char *name)
{
    for (size_t i = 0; i < items->row_count; i++) {
        if (strcasecmp(items->rows[i].name, name) == 0)
            return writable_row(items, i);
    }
    return NULL;
}

static void tell_access(const struct map_items *items, const struct map_row *row,
                        struct update *update)
{
    int index = NONE;
    double factor, offset;

    if (row->section == SECTION_SETTINGS)
        node_linear(items, row->expression, &index, &factor, &offset);
    if (index != NONE && items->registers[index].type == MAP_STRING)
        update_flags(update, row->name, VARIABLE_RW | VARIABLE_STRING,
                     items->registers[index].count * 2L);
    else
        update_flags(update, row->name,
                     VARIABLE_RW | (row->table == NONE && row->format == FORMAT_PLAIN
                                        ? (unsigned)VARIABLE_NUMBER
                                        : (unsigned)VARIABLE_STRING),
                     row->format == FORMAT_DAYS ? 10
                     : row->table == NONE       ? 0
                                                : MAP_TEXT_MAX);
    for (int i = 0; row->table != NONE && i < items->tables[row->table].count; i++) {
        const char *text = items->entries[items->tables[row->table].first + i].text;

        if (text[0] != '\0')
            update_enum(update, row->name, text);
    }
    if (row->ranged && row->table == NONE)
        update_range(update, row->name, (long)ceil(row->range_minimum),
                     (long)floor(row->range_maximum));
}

/* The first row of a name that gives something is its value. */
static void publish(struct decoding *decoding, size_t head, struct update *update)
{
    const struct map_items *items = decoding->items;
    struct row_state *head_state = &decoding->image->rows[head];
    const struct map_row *writable = writable_row(items, head);
    const char *text = NULL, *name = items->rows[head].name;

    for (int i = (int)head; i != NONE && text == NULL; i = items->rows[i].next) {
        if (!items->rows[i].replaced)
            text = decoding->image->rows[i].text;
    }
    if (text != NULL) {
        update_set(update, name, text);
        head_state->published = true;
        if (writable != NULL)
            tell_access(items, writable, update);
    } else if (head_state->published) {
        update_unset(update, name);
        head_state->published = false;
    }
}

static bool is_head(const struct map_items *items, size_t i)
{
    for (size_t before = 0; before < i; before++) {
        if (items->rows[before].next == (int)i)
            return false;
    }
    return true;
}

static void decode_rows(struct decoding *decoding, enum plan_poll poll, struct update *update)
{
    const struct map_items *items = decoding->items;

    for (size_t i = 0; i < items->row_count; i++) {
        if (!items->rows[i].replaced && (poll != PLAN_QUICK || items->rows[i].quick))
            refresh(decoding, i);
    }
    for (size_t i = 0; i < items->row_count; i++) {
        if ((poll != PLAN_QUICK || items->rows[i].quick) && is_head(items, i))
            publish(decoding, i, update);
    }
}

/* Status and alarms --------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *word, size_t length)
{
    for (const char *at = text; *at != '\0'; at += strcspn(at, " ")) {
        at += strspn(at, " ");
        if (strncmp(at, word, length) == 0 && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* Each word once. */
static void add_words(char *out, size_t size, const char *words)
{
    while (*(words += strspn(words, " ,")) != '\0') {
        size_t length = strcspn(words, " ,");
        char word[UPDATE_VALUE_MAX + 1];

        snprintf(word, sizeof word, "%.*s", (int)length, words);
        if (!has_word(out, words, length))
            append(out, size, " ", word);
        words += length;
    }
}

static void set_condition(struct decoding *decoding, const struct map_condition *condition,
                          const char *text)
{
    if (condition->section == SECTION_STATUS)
        add_words(decoding->status, sizeof decoding->status, text);
    else if (text[0] != '\0')
        append(decoding->alarm, sizeof decoding->alarm, " ", text);
}

static const char *section_name(const struct map_condition *condition)
{
    return condition->section == SECTION_STATUS ? "ups.status" : "ups.alarm";
}

/* A list of states or bits. */
static void decode_list(struct decoding *decoding, const struct map_condition *condition)
{
    const struct map_table *table = &decoding->items->tables[condition->table];
    struct map_value value = image_evaluate(decoding->image, condition->expression);
    char text[UPDATE_VALUE_MAX + 1], raw[256];

    if (value.kind == VALUE_NUMBER &&
        look_up(decoding->items, table, value.number, text, sizeof text)) {
        set_condition(decoding, condition, text);
        return;
    }
    decoding->power_unknown =
        decoding->power_unknown || condition_tells_power(decoding->items, condition);
    if (value.kind == VALUE_NUMBER) {
        image_describe(decoding->image, condition->expression, raw, sizeof raw);
        problem(decoding, "%s: %g is no state that line %u of the map knows (%s)",
                section_name(condition), value.number, condition->line, raw);
    }
}

static void decode_condition(struct decoding *decoding, const struct map_condition *condition)
{
    int truth;

    if (condition->table != NONE) {
        decode_list(decoding, condition);
        return;
    }
    truth = image_truth(decoding->image, condition->expression);
    if (truth == 1)
        set_condition(decoding, condition, condition->text);
    else if (truth < 0 && condition_tells_power(decoding->items, condition))
        decoding->power_unknown = true;
}

static void observe_condition(struct decoding *decoding, const struct map_condition *condition)
{
    const struct modbus_observer *observer = decoding->observer;
    char raw[512];

    if (observer == NULL || observer->reading == NULL)
        return;
    image_describe(decoding->image, condition->expression, raw, sizeof raw);
    const char *what = condition->text == NULL ? "" : condition->text;
    int truth = condition->table != NONE ? -1 : image_truth(decoding->image, condition->expression);
    observer->reading(observer->context, section_name(condition), raw,
                      condition->table != NONE ? ""
                      : truth == 1             ? what
                                               : "");
}

static bool is_stale(const struct decoding *decoding)
{
    for (size_t i = 0; i < decoding->items->condition_count; i++) {
        const struct map_condition *condition = &decoding->items->conditions[i];

        if (condition->stale && !condition->replaced &&
            image_truth(decoding->image, condition->expression) == 1)
            return true;
    }
    return false;
}

/*
 * Unknown never becomes OL or OB: with OB all is said; OL, or a state without either, counts only
 * if everything that could have told otherwise was known.
 */
static void publish_status(struct decoding *decoding, struct update *update)
{
    bool on_battery = has_word(decoding->status, "OB", 2);
    bool on_line = has_word(decoding->status, "OL", 2);
    char words[UPDATE_VALUE_MAX + 1];

    if (on_battery && on_line) {
        problem(decoding, "ups.status: both on line and on battery: it counts as on battery");
        status_remove_word(decoding->status, "OL", words, sizeof words);
        snprintf(decoding->status, sizeof decoding->status, "%s", words);
    }
    decoding->outcome.status_known =
        on_battery || (!decoding->power_unknown && decoding->status[0] != '\0');
    if (decoding->outcome.status_known)
        update_set(update, "ups.status", decoding->status);
    else
        problem(decoding, "ups.status: the registers do not tell whether there is input power");
}

static void decode_conditions(struct decoding *decoding, struct update *update)
{
    for (size_t i = 0; i < decoding->items->condition_count; i++) {
        const struct map_condition *condition = &decoding->items->conditions[i];

        if (condition->replaced || condition->stale || condition->section == SECTION_IDENTIFY)
            continue;
        decode_condition(decoding, condition);
        observe_condition(decoding, condition);
    }
    publish_status(decoding, update);
    if (decoding->alarm[0] != '\0')
        update_set(update, "ups.alarm", decoding->alarm);
    else
        update_unset(update, "ups.alarm");
}

struct modbus_outcome image_decode(struct modbus_image *image, enum plan_poll poll,
                                   struct update *update, const struct modbus_observer *observer)
{
    struct decoding decoding = { .image = image, .items = image->map->items, .observer = observer };

    if (is_stale(&decoding)) {
        decoding.outcome.stale = true;
        problem(&decoding, "the device says that it has lost its UPS");
        return decoding.outcome;
    }
    decode_rows(&decoding, poll, update);
    decode_conditions(&decoding, update);
    for (size_t i = 0; poll != PLAN_QUICK && i < decoding.items->command_count; i++) {
        if (!decoding.items->commands[i].replaced)
            update_command(update, decoding.items->commands[i].name);
    }
    return decoding.outcome;
}

void image_untold(struct modbus_image *image)
{
    for (size_t i = 0; i < image->map->items->row_count; i++)
        image->rows[i].published = true;
}

void image_tell(struct modbus_image *image, const char *name, struct update *update)
{
    struct decoding decoding = { .image = image, .items = image->map->items };

    for (size_t i = 0; i < decoding.items->row_count; i++) {
        if (strcasecmp(decoding.items->rows[i].name, name) == 0) {
            publish(&decoding, i, update);
            return;
        }
    }
}

bool image_identify(struct modbus_image *image)
{
    const struct map_items *items = image->map->items;

    for (size_t i = 0; i < items->condition_count; i++) {
        const struct map_condition *condition = &items->conditions[i];

        if (condition->section == SECTION_IDENTIFY && !condition->replaced &&
            image_truth(image, condition->expression) != 1)
            return false;
    }
    return true;
}

bool map_identifies(const struct modbus_map *map)
{
    return map->items->has_identity;
}
