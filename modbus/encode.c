/* SPDX-License-Identifier: BSD-2-Clause */
/* From settings and commands to what is written. */
#include "core/config.h"
#include "modbus/decode.h"
#include "modbus/image.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How long a device may take to show what was written. */
#define VERIFY_MS 2000
/* Steps of a range are met if they are met this closely. */
#define STEP_TOLERANCE 1e-6

/* What a check looks at: an expression, or the words that were written. */
struct order_check {
    int expression; /* or NONE */
    const struct map_register *reading;
    uint16_t words[MODBUS_WRITE_MAX];
    uint16_t mask; /* of each word */
};

struct modbus_order {
    struct modbus_image *image;
    char *parameter;
    /* A setting: one write, and perhaps a check of it. */
    struct modbus_action write;
    struct order_check check;
    bool has_write, has_check;
    /* A command: the steps that are left. */
    int step, steps_left;
    struct modbus_block *blocks;
    size_t block_count;
    bool out_of_memory;
};

static enum modbus_answer invalid(char *problem, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum modbus_answer invalid(char *problem, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, size, format, arguments);
    va_end(arguments);
    return MODBUS_INVALID;
}

static struct modbus_order *new_order(struct modbus_image *image)
{
    struct modbus_order *order = calloc(1, sizeof *order);

    if (order != NULL)
        order->image = image;
    return order;
}

void order_free(struct modbus_order *order)
{
    if (order == NULL)
        return;
    free(order->parameter);
    free(order->blocks);
    free(order);
}

/* Settings ------------------------------------------------------------------------------------ */

static bool check_range(const struct map_row *row, double number, char *problem, size_t size)
{
    if (row->ranged && (number < row->range_minimum || number > row->range_maximum)) {
        invalid(problem, size, "%g is not from %g to %g", number, row->range_minimum,
                row->range_maximum);
        return false;
    }
    double steps =
        row->step > 0 ? (number - (row->ranged ? row->range_minimum : 0)) / row->step : 0;
    if (fabs(steps - round(steps)) > STEP_TOLERANCE) {
        invalid(problem, size, "%g is no multiple of %g", number, row->step);
        return false;
    }
    return true;
}

static enum modbus_answer set_delay(struct modbus_image *image, const struct map_row *row,
                                    const char *value, char *problem, size_t size)
{
    size_t i = (size_t)(row - image->map->items->rows);
    double number;

    if (!number_parse(value, &number))
        return invalid(problem, size, "'%.80s' is no number", value);
    if (!check_range(row, number, problem, size))
        return MODBUS_INVALID;
    image->rows[i].number = number;
    image_refresh_row(image, i);
    return MODBUS_KEPT;
}

static bool parse_date(const char *text, long *days)
{
    int year, month, day, used = 0;
    long same_year, same_month, same_day;

    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || text[used] != '\0' ||
        year < 1900 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    *days = date_to_days(year, month, day);
    date_from_days(*days, &same_year, &same_month, &same_day);
    return same_month == month && same_day == day;
}

/* What the row's expression must give for this text. */
static bool wanted_number(const struct map_items *items, const struct map_row *row,
                          const char *value, double *number, char *problem, size_t size)
{
    const struct map_table *table = row->table == NONE ? NULL : &items->tables[row->table];
    long days;

    for (int i = 0; table != NULL && i < table->count; i++) {
        const struct map_entry *entry = &items->entries[table->first + i];

        if (strcasecmp(entry->text, value) == 0) {
            *number = entry->key;
            return true;
        }
    }
    if (table != NULL && !table->else_plain) {
        invalid(problem, size, "'%.80s' is not one of its values", value);
        return false;
    }
    if (row->format == FORMAT_DAYS) {
        if (!parse_date(value, &days) || days < row->epoch) {
            invalid(problem, size, "'%.80s' is no date such as 2026-01-31", value);
            return false;
        }
        *number = (double)(days - row->epoch);
        return true;
    }
    if (!number_parse(value, number)) {
        invalid(problem, size, "'%.80s' is no number", value);
        return false;
    }
    if (!check_range(row, *number, problem, size))
        return false;
    *number = (*number - row->offset) / row->factor;
    return true;
}

static void fill_write(struct modbus_action *action, const struct map_register *reading)
{
    action->kind = MODBUS_DO_WRITE;
    action->table = reading->table;
    action->address = reading->address;
    action->count = reading->count;
}

/* Bits of a register are changed where they lie. */
static bool fill_modify(struct modbus_action *action, const struct map_register *reading,
                        double number)
{
    unsigned mask = ((1u << reading->bit_count) - 1) << reading->first_bit;

    if (reading->count != 1 || number < 0 || number > mask >> reading->first_bit)
        return false;
    action->kind = MODBUS_DO_MODIFY;
    action->table = reading->table;
    action->address = reading->address;
    action->count = 1;
    action->keep = (uint16_t)~mask;
    action->set = (uint16_t)((unsigned)number << reading->first_bit);
    return true;
}

static bool set_text(struct modbus_order *order, const struct map_register *reading,
                     const char *value, char *problem, size_t size)
{
    if (strlen(value) > reading->count * 2u) {
        invalid(problem, size, "it is longer than %u bytes", reading->count * 2u);
        return false;
    }
    for (const char *at = value; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            invalid(problem, size, "it has a byte that is not printable ASCII");
            return false;
        }
    }
    fill_write(&order->write, reading);
    register_pack_text(reading, value, order->write.words);
    return true;
}

static bool set_number(struct modbus_order *order, const struct map_row *row,
                       const struct map_register *reading, const char *value, char *problem,
                       size_t size)
{
    const struct map_items *items = order->image->map->items;
    double number, factor, offset;
    int index;

    if (!wanted_number(items, row, value, &number, problem, size) ||
        !node_linear(items, row->expression, &index, &factor, &offset))
        return false;
    number = (number - offset) / factor;
    bool fits;
    if (reading->bit_count != 0) {
        fits = fill_modify(&order->write, reading, round(number));
    } else {
        fits = register_pack(reading, number, order->write.words);
        fill_write(&order->write, reading);
    }
    if (!fits)
        invalid(problem, size, "'%.80s' does not fit into the device's register", value);
    return fits;
}

/* What was written must be read back. */
static bool add_verification(struct modbus_order *order, const struct map_register *reading)
{
    order->blocks = calloc(1, sizeof order->blocks[0]);
    if (order->blocks == NULL)
        return false;
    order->blocks[0] = (struct modbus_block){ .table = reading->table,
                                              .address = reading->address,
                                              .count = reading->count };
    order->block_count = 1;
    order->has_check = true;
    order->check =
        (struct order_check){ .expression = NONE, .reading = reading, .mask = UINT16_MAX };
    memcpy(order->check.words, order->write.words, sizeof order->check.words);
    if (order->write.kind == MODBUS_DO_MODIFY) {
        order->check.words[0] = order->write.set;
        order->check.mask = (uint16_t)~order->write.keep;
    }
    return true;
}

enum modbus_answer image_set(struct modbus_image *image, const char *name, const char *value,
                             struct modbus_order **order, char *problem, size_t size)
{
    const struct map_items *items = image->map->items;
    const struct map_row *row = map_setting(items, name);
    double factor, offset;
    int index;

    problem[0] = '\0';
    if (row == NULL)
        return MODBUS_UNKNOWN;
    if (row->section == SECTION_DELAYS)
        return set_delay(image, row, value, problem, size);
    node_linear(items, row->expression, &index, &factor, &offset);
    const struct map_register *reading = &items->registers[index];
    *order = new_order(image);
    if (*order == NULL)
        return invalid(problem, size, "out of memory");
    (*order)->has_write = true;
    bool right = reading->type == MAP_STRING
                     ? set_text(*order, reading, value, problem, size)
                     : set_number(*order, row, reading, value, problem, size);
    if (right && image->map->limits.verify_writes && !add_verification(*order, reading)) {
        invalid(problem, size, "out of memory");
        right = false;
    }
    if (!right) {
        order_free(*order);
        *order = NULL;
        return MODBUS_INVALID;
    }
    return MODBUS_ACTIONS;
}

/* Commands ------------------------------------------------------------------------------------ */

static bool uses_parameter(const struct map_items *items, int node)
{
    const struct map_node *at = &items->nodes[node];

    switch (at->kind) {
    case NODE_PARAMETER:
        return true;
    case NODE_NUMBER:
    case NODE_TEXT:
    case NODE_REGISTER:
    case NODE_OBJECT:
    case NODE_VARIABLE:
        return false;
    case NODE_NOT:
    case NODE_NEGATE:
    case NODE_IN:
        return uses_parameter(items, at->left);
    default:
        return uses_parameter(items, at->left) || uses_parameter(items, at->right);
    }
}

static bool takes_parameter(const struct map_items *items, const struct map_command *command)
{
    for (int i = 0; i < command->step_count; i++) {
        int expression = items->steps[command->first_step + i].expression;

        if (expression != NONE && uses_parameter(items, expression))
            return true;
    }
    return false;
}

static const struct map_command *find_command(const struct map_items *items, const char *name)
{
    for (size_t i = 0; i < items->command_count; i++) {
        if (!items->commands[i].replaced && strcasecmp(items->commands[i].name, name) == 0)
            return &items->commands[i];
    }
    return NULL;
}

enum modbus_answer image_command(struct modbus_image *image, const char *name,
                                 const char *parameter, struct modbus_order **order, char *problem,
                                 size_t size)
{
    const struct map_items *items = image->map->items;
    const struct map_command *command = find_command(items, name);

    problem[0] = '\0';
    if (command == NULL)
        return MODBUS_UNKNOWN;
    bool wanted = takes_parameter(items, command);
    if (wanted != (parameter != NULL))
        return invalid(problem, size, wanted ? "it needs a value" : "it takes no value");
    *order = new_order(image);
    if (*order == NULL ||
        (parameter != NULL && ((*order)->parameter = strdup(parameter)) == NULL)) {
        order_free(*order);
        *order = NULL;
        return invalid(problem, size, "out of memory");
    }
    (*order)->step = command->first_step;
    (*order)->steps_left = command->step_count;
    return MODBUS_ACTIONS;
}

static void add_block(void *context, struct map_register *reading)
{
    struct modbus_order *order = context;
    struct modbus_block *last =
        order->block_count == 0 ? NULL : &order->blocks[order->block_count - 1];
    struct modbus_block block = { .table = reading->table,
                                  .address = reading->address,
                                  .count = reading->count };

    if (last != NULL && last->table == block.table && last->address <= block.address &&
        block.address + block.count <= last->address + last->count)
        return;
    if (!items_grow(&order->blocks, order->block_count, sizeof block)) {
        order->out_of_memory = true;
        return;
    }
    order->blocks[order->block_count++] = block;
}

/* The words of one value of a write. */
static bool fill_value(struct modbus_order *order, const struct map_step *step, uint16_t *words)
{
    struct modbus_image *image = order->image;
    const struct map_register *reading = &image->map->items->registers[step->target];

    image->parameter = order->parameter;
    struct map_value value = image_evaluate(image, step->expression);
    image->parameter = NULL;
    if (reading->type != MAP_STRING)
        return value.kind == VALUE_NUMBER && register_pack(reading, value.number, words);
    if (value.kind != VALUE_TEXT || strlen(value.text) > reading->count * 2u)
        return false;
    register_pack_text(reading, value.text, words);
    return true;
}

static bool next_write(struct modbus_order *order, struct modbus_action *action)
{
    const struct map_items *items = order->image->map->items;
    const struct map_step *step = &items->steps[order->step];

    fill_write(action, &items->registers[step->target]);
    action->count = 0;
    for (;;) {
        unsigned count = items->registers[step->target].count;

        if (action->count + count > order->image->map->limits.write_registers) {
            snprintf(action->problem, sizeof action->problem,
                     "line %u of the map writes more registers than it allows",
                     items->registers[step->target].line);
            return false;
        }
        if (!fill_value(order, step, action->words + action->count)) {
            snprintf(action->problem, sizeof action->problem,
                     "there is no value to write to %s %u that fits",
                     modbus_table_name(action->table), items->registers[step->target].address);
            return false;
        }
        action->count = (uint16_t)(action->count + count);
        order->step++;
        order->steps_left--;
        if (step->next == NONE)
            return true;
        step = &items->steps[step->next];
    }
}

static bool next_bit(const struct map_items *items, const struct map_step *step,
                     struct modbus_action *action)
{
    return fill_modify(action, &items->registers[step->target], step->kind == STEP_SET_BIT);
}

static bool next_check(struct modbus_order *order, const struct map_step *step,
                       struct modbus_action *action)
{
    order->block_count = 0;
    free(order->blocks);
    order->blocks = NULL;
    order->check = (struct order_check){ .expression = step->expression };
    items_visit(order->image->map->items, step->expression, add_block, order);
    action->kind = MODBUS_DO_CHECK;
    action->milliseconds = step->milliseconds;
    action->blocks = order->blocks;
    action->block_count = order->block_count;
    action->condition = &order->check;
    snprintf(action->problem, sizeof action->problem, "%s",
             order->out_of_memory ? "out of memory"
             : step->text != NULL ? step->text
                                  : "the device is not in the state for it");
    return !order->out_of_memory;
}

static bool next_step(struct modbus_order *order, struct modbus_action *action)
{
    const struct map_items *items = order->image->map->items;
    const struct map_step *step = &items->steps[order->step];

    if (step->kind == STEP_WRITE)
        return next_write(order, action);
    order->step++;
    order->steps_left--;
    switch (step->kind) {
    case STEP_SET_BIT:
    case STEP_CLEAR_BIT:
        return next_bit(items, step, action);
    case STEP_REQUIRE:
    case STEP_EXPECT:
        return next_check(order, step, action);
    default:
        action->kind = MODBUS_DO_WAIT;
        action->milliseconds = step->milliseconds;
        return true;
    }
}

bool order_next(struct modbus_order *order, struct modbus_action *action, bool *failed)
{
    *failed = false;
    *action = (struct modbus_action){ 0 };
    if (order->steps_left > 0) {
        *failed = !next_step(order, action);
        return !*failed;
    }
    if (order->has_write) {
        order->has_write = false;
        *action = order->write;
        return true;
    }
    if (!order->has_check)
        return false;
    order->has_check = false;
    action->kind = MODBUS_DO_CHECK;
    action->milliseconds = VERIFY_MS;
    action->blocks = order->blocks;
    action->block_count = order->block_count;
    action->condition = &order->check;
    snprintf(action->problem, sizeof action->problem, "the device did not take the value");
    return true;
}

/* Devices pad texts in their own way. */
static bool holds_text(struct modbus_image *image, const struct order_check *check)
{
    struct map_value value = image_register(image, check->reading);
    struct map_register wanted = *check->reading;
    uint16_t expected[MAP_STRING_MAX];

    if (value.kind != VALUE_TEXT) {
        memcpy(expected, check->words, sizeof expected);
        return expected[0] == 0x2020;
    }
    register_pack_text(&wanted, value.text, expected);
    return memcmp(expected, check->words, wanted.count * sizeof expected[0]) == 0;
}

bool image_action_holds(struct modbus_image *image, const struct modbus_action *action)
{
    const struct order_check *check = action->condition;
    const struct map_register *reading = check->reading;

    if (check->expression != NONE && reading == NULL)
        return image_truth(image, check->expression) == 1;
    for (unsigned i = 0; i < reading->count; i++) {
        if (!image->known[reading->cell + i])
            return false;
    }
    if (reading->type == MAP_STRING)
        return holds_text(image, check);
    for (unsigned i = 0; i < reading->count; i++) {
        if (((image->words[reading->cell + i] ^ check->words[i]) & check->mask) != 0)
            return false;
    }
    return true;
}
