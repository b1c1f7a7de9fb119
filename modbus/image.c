/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers as they were read, and expressions over them. */
#include "modbus/image.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct map_value unknown = { .kind = VALUE_UNKNOWN };

static struct map_value number_value(double number)
{
    if (!isfinite(number))
        return unknown;
    return (struct map_value){ .kind = VALUE_NUMBER, .number = number };
}

static struct map_value text_value(const char *text)
{
    if (text == NULL || text[0] == '\0')
        return unknown;
    return (struct map_value){ .kind = VALUE_TEXT, .text = text };
}

/* Keeping ------------------------------------------------------------------------------------- */

struct modbus_image *image_new(const struct modbus_map *map)
{
    const struct map_items *items = map->items;
    struct modbus_image *image = calloc(1, sizeof *image);

    if (image == NULL)
        return NULL;
    image->map = map;
    image->words = calloc(items->cell_count + 1, sizeof image->words[0]);
    image->known = calloc(items->cell_count + 1, sizeof image->known[0]);
    image->rows = calloc(items->row_count + 1, sizeof image->rows[0]);
    if (image->words == NULL || image->known == NULL || image->rows == NULL) {
        image_free(image);
        return NULL;
    }
    for (size_t i = 0; i < items->row_count; i++) {
        if (items->rows[i].section == SECTION_DELAYS)
            image->rows[i] =
                (struct row_state){ .kind = VALUE_NUMBER, .number = items->rows[i].initial };
    }
    return image;
}

void image_free(struct modbus_image *image)
{
    if (image == NULL)
        return;
    for (size_t i = 0; image->rows != NULL && i < image->map->items->row_count; i++)
        free(image->rows[i].text);
    for (unsigned i = 0; i < 256; i++)
        free(image->objects[i]);
    free(image->words);
    free(image->known);
    free(image->rows);
    free(image);
}

void image_clear(struct modbus_image *image)
{
    const struct map_items *items = image->map->items;

    memset(image->known, 0, items->cell_count * sizeof image->known[0]);
    for (size_t i = 0; i < items->row_count; i++) {
        if (items->rows[i].section == SECTION_DELAYS)
            continue;
        free(image->rows[i].text);
        image->rows[i] = (struct row_state){ .published = image->rows[i].published };
    }
    for (unsigned i = 0; i < 256; i++) {
        free(image->objects[i]);
        image->objects[i] = NULL;
    }
}

static void store(struct modbus_image *image, enum modbus_table table, unsigned address,
                  unsigned count, const uint16_t *words)
{
    const struct map_items *items = image->map->items;

    for (size_t i = 0; i < items->extent_count; i++) {
        const struct map_extent *extent = &items->extents[i];
        unsigned first = address > extent->address ? address : extent->address;
        unsigned end = extent->address + extent->count;

        end = end < address + count ? end : address + count;
        if (extent->table != table)
            continue;
        for (unsigned at = first; at < end; at++) {
            size_t cell = extent->cell + at - extent->address;

            image->known[cell] = words != NULL;
            image->words[cell] = words == NULL ? 0 : words[at - address];
        }
    }
}

void image_store(struct modbus_image *image, enum modbus_table table, uint16_t address,
                 uint16_t count, const uint16_t *words)
{
    store(image, table, address, count, words);
}

void image_forget(struct modbus_image *image, enum modbus_table table, uint16_t address,
                  uint16_t count)
{
    store(image, table, address, count, NULL);
}

void image_store_object(struct modbus_image *image, uint8_t object, const char *text)
{
    free(image->objects[object]);
    image->objects[object] = text == NULL ? NULL : strndup(text, MODBUS_OBJECT_MAX);
}

/* Registers ----------------------------------------------------------------------------------- */

static uint16_t swap(uint16_t word)
{
    return (uint16_t)(word << 8 | word >> 8);
}

static bool has_swapped_bytes(enum map_order order)
{
    return order == MAP_BADC || order == MAP_DCBA;
}

static bool has_swapped_words(enum map_order order)
{
    return order == MAP_CDAB || order == MAP_DCBA;
}

static uint64_t gather(const struct map_register *reading, const uint16_t *words)
{
    uint64_t raw = 0;

    for (unsigned i = 0; i < reading->count; i++) {
        uint16_t word = words[has_swapped_words(reading->order) ? reading->count - 1u - i : i];

        raw = raw << 16 | (has_swapped_bytes(reading->order) ? swap(word) : word);
    }
    return raw;
}

static void scatter(const struct map_register *reading, uint64_t raw, uint16_t *words)
{
    for (unsigned i = reading->count; i-- > 0; raw >>= 16) {
        uint16_t word = (uint16_t)raw;

        words[has_swapped_words(reading->order) ? reading->count - 1u - i : i] =
            has_swapped_bytes(reading->order) ? swap(word) : word;
    }
}

static double from_bcd(uint64_t raw, unsigned digits)
{
    double number = 0;

    for (unsigned i = digits; i-- > 0;) {
        unsigned digit = (unsigned)(raw >> 4 * i & 15);

        if (digit > 9)
            return NAN;
        number = number * 10 + digit;
    }
    return number;
}

static double from_bits(uint64_t raw, bool is_double)
{
    uint32_t half = (uint32_t)raw;
    double number;
    float small;

    if (is_double) {
        memcpy(&number, &raw, sizeof number);
        return number;
    }
    memcpy(&small, &half, sizeof small);
    return (double)small;
}

static double to_number(const struct map_register *reading, uint64_t raw)
{
    switch (reading->type) {
    case MAP_S16:
        return (double)(int16_t)raw;
    case MAP_S32:
        return (double)(int32_t)raw;
    case MAP_S64:
        return (double)(int64_t)raw;
    case MAP_FLOAT:
    case MAP_DOUBLE:
        return from_bits(raw, reading->type == MAP_DOUBLE);
    case MAP_BCD16:
        return from_bcd(raw, 4);
    case MAP_BCD32:
        return from_bcd(raw, 8);
    default:
        return (double)raw;
    }
}

/* Up to a NUL, printable, without blanks around it. */
static struct map_value read_text(struct modbus_image *image, const struct map_register *reading)
{
    char *out = image->scratch[image->scratch_used++ % SCRATCH_TEXTS];
    size_t used = 0;

    for (unsigned i = 0; i < reading->count * 2u; i++) {
        uint16_t word = image->words[reading->cell + i / 2];
        unsigned char byte =
            (unsigned char)((i % 2 == 0) != has_swapped_bytes(reading->order) ? word >> 8 : word);

        if (byte == '\0')
            break;
        if (byte == 0xff || (used == 0 && byte == ' '))
            continue;
        out[used++] = byte < ' ' || byte > '~' ? '?' : (char)byte;
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
    return text_value(out);
}

struct map_value image_register(struct modbus_image *image, const struct map_register *reading)
{
    for (unsigned i = 0; i < reading->count; i++) {
        if (!image->known[reading->cell + i])
            return unknown;
    }
    if (reading->type == MAP_STRING)
        return read_text(image, reading);
    uint64_t raw = gather(reading, &image->words[reading->cell]);
    for (unsigned i = 0; i < reading->missing_count; i++) {
        if (raw == reading->missing[i])
            return unknown;
    }
    if (reading->bit_count == 0)
        return number_value(to_number(reading, raw));
    raw >>= reading->first_bit;
    if (reading->bit_count < 64)
        raw &= ((uint64_t)1 << reading->bit_count) - 1;
    return number_value((double)raw);
}

static uint64_t to_bcd(double number)
{
    uint64_t rest = (uint64_t)number, raw = 0;

    for (unsigned i = 0; rest > 0; i += 4, rest /= 10)
        raw |= rest % 10 << i;
    return raw;
}

static uint64_t float_bits(double number, bool is_double)
{
    uint64_t raw = 0;
    uint32_t half;
    float small = (float)number;

    if (is_double) {
        memcpy(&raw, &number, sizeof raw);
        return raw;
    }
    memcpy(&half, &small, sizeof half);
    return half;
}

bool register_pack(const struct map_register *reading, double number, uint16_t *words)
{
    static const struct {
        double minimum, maximum;
    } bounds[MAP_TYPES] = {
        [MAP_BIT] = { 0, 1 },
        [MAP_U16] = { 0, UINT16_MAX },
        [MAP_S16] = { INT16_MIN, INT16_MAX },
        [MAP_U32] = { 0, UINT32_MAX },
        [MAP_S32] = { INT32_MIN, INT32_MAX },
        [MAP_U64] = { 0, 9007199254740992.0 },
        [MAP_S64] = { -9007199254740992.0, 9007199254740992.0 },
        [MAP_FLOAT] = { -3e38, 3e38 },
        [MAP_DOUBLE] = { -1e300, 1e300 },
        [MAP_BCD16] = { 0, 9999 },
        [MAP_BCD32] = { 0, 99999999 },
    };
    bool is_float = reading->type == MAP_FLOAT || reading->type == MAP_DOUBLE;
    uint64_t raw;

    if (reading->type == MAP_STRING || !isfinite(number))
        return false;
    number = is_float ? number : round(number);
    if (number < bounds[reading->type].minimum || number > bounds[reading->type].maximum)
        return false;
    if (is_float)
        raw = float_bits(number, reading->type == MAP_DOUBLE);
    else if (reading->type == MAP_BCD16 || reading->type == MAP_BCD32)
        raw = to_bcd(number);
    else
        raw = number < 0 ? (uint64_t)(int64_t)number : (uint64_t)number;
    scatter(reading, raw, words);
    return true;
}

/* Padded with blanks, as most devices do. */
void register_pack_text(const struct map_register *reading, const char *text, uint16_t *words)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < reading->count; i++) {
        unsigned high = (unsigned char)(i * 2 < length ? text[i * 2] : ' ');
        unsigned low = (unsigned char)(i * 2 + 1 < length ? text[i * 2 + 1] : ' ');
        uint16_t word = (uint16_t)(high << 8 | low);

        words[i] = has_swapped_bytes(reading->order) ? swap(word) : word;
    }
}

/* Expressions --------------------------------------------------------------------------------- */

/* '*' any bytes, '?' one, in as many steps as the texts are long together, times that of one. */
static bool is_like(const char *text, const char *pattern)
{
    const char *star = NULL, *from = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            from = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static struct map_value compare_texts(enum map_node_kind kind, const char *left, const char *right)
{
    switch (kind) {
    case NODE_EQUAL:
        return number_value(strcmp(left, right) == 0);
    case NODE_UNEQUAL:
        return number_value(strcmp(left, right) != 0);
    case NODE_LIKE:
        return number_value(is_like(left, right));
    default:
        return unknown;
    }
}

static double whole(double number)
{
    return number < 0 || number >= 18446744073709551616.0 ? 0 : (double)(uint64_t)number;
}

static struct map_value mask(double left, double right)
{
    if (whole(left) != left || whole(right) != right)
        return unknown;
    return number_value((double)((uint64_t)left & (uint64_t)right));
}

static struct map_value calculate(enum map_node_kind kind, double left, double right)
{
    switch (kind) {
    case NODE_EQUAL:
        return number_value(left == right);
    case NODE_UNEQUAL:
        return number_value(left != right);
    case NODE_LESS:
        return number_value(left < right);
    case NODE_AT_MOST:
        return number_value(left <= right);
    case NODE_MORE:
        return number_value(left > right);
    case NODE_AT_LEAST:
        return number_value(left >= right);
    case NODE_ADD:
        return number_value(left + right);
    case NODE_SUBTRACT:
        return number_value(left - right);
    case NODE_MULTIPLY:
        return number_value(left * right);
    case NODE_DIVIDE:
        return right == 0 ? unknown : number_value(left / right);
    case NODE_DIVIDE_WHOLE:
        return right == 0 ? unknown : number_value(floor(left / right));
    case NODE_MODULO:
        return right == 0 ? unknown : number_value(fmod(left, right));
    case NODE_MASK:
        return mask(left, right);
    default:
        return unknown;
    }
}

static struct map_value evaluate_list(struct modbus_image *image, const struct map_node *node)
{
    struct map_value value = image_evaluate(image, node->left);

    if (value.kind != VALUE_NUMBER)
        return unknown;
    for (int i = node->index; i < node->limit; i++) {
        const struct map_interval *interval = &image->map->items->intervals[i];

        if (value.number >= interval->minimum && value.number <= interval->maximum)
            return number_value(1);
    }
    return number_value(0);
}

/* The first row of the name that has given something. */
static struct map_value evaluate_variable(const struct modbus_image *image,
                                          const struct map_node *node)
{
    const struct map_items *items = image->map->items;

    for (int i = node->index; i != NONE && i < node->limit; i = items->rows[i].next) {
        const struct row_state *state = &image->rows[i];

        if (items->rows[i].replaced || state->kind == VALUE_UNKNOWN)
            continue;
        return state->kind == VALUE_NUMBER ? number_value(state->number) : text_value(state->text);
    }
    return unknown;
}

/* What is not known decides nothing, but where the other side does. */
static struct map_value evaluate_logic(struct modbus_image *image, const struct map_node *node)
{
    int decides = node->kind == NODE_OR ? 1 : 0;
    int left = image_truth(image, node->left);

    if (left == decides)
        return number_value(decides);
    int right = image_truth(image, node->right);
    if (right == decides)
        return number_value(decides);
    return left < 0 || right < 0 ? unknown : number_value(!decides);
}

static struct map_value evaluate_two(struct modbus_image *image, const struct map_node *node)
{
    struct map_value left = image_evaluate(image, node->left);
    struct map_value right = image_evaluate(image, node->right);

    if (left.kind == VALUE_TEXT && right.kind == VALUE_TEXT)
        return compare_texts(node->kind, left.text, right.text);
    if (left.kind != VALUE_NUMBER || right.kind != VALUE_NUMBER)
        return unknown;
    return calculate(node->kind, left.number, right.number);
}

static struct map_value parameter_value(const char *parameter)
{
    double number;

    if (parameter == NULL)
        return unknown;
    return number_parse(parameter, &number) ? number_value(number) : text_value(parameter);
}

struct map_value image_evaluate(struct modbus_image *image, int index)
{
    const struct map_node *node = &image->map->items->nodes[index];
    int truth;

    switch (node->kind) {
    case NODE_NUMBER:
        return number_value(node->number);
    case NODE_TEXT:
        return text_value(node->text);
    case NODE_REGISTER:
        return image_register(image, &image->map->items->registers[node->index]);
    case NODE_OBJECT:
        return text_value(image->objects[node->index]);
    case NODE_VARIABLE:
        return evaluate_variable(image, node);
    case NODE_PARAMETER:
        return parameter_value(image->parameter);
    case NODE_NEGATE: {
        struct map_value value = image_evaluate(image, node->left);

        return value.kind == VALUE_NUMBER ? number_value(-value.number) : unknown;
    }
    case NODE_NOT:
        truth = image_truth(image, node->left);
        return truth < 0 ? unknown : number_value(!truth);
    case NODE_AND:
    case NODE_OR:
        return evaluate_logic(image, node);
    case NODE_IN:
        return evaluate_list(image, node);
    default:
        return evaluate_two(image, node);
    }
}

int image_truth(struct modbus_image *image, int node)
{
    struct map_value value = image_evaluate(image, node);

    if (value.kind == VALUE_UNKNOWN)
        return -1;
    return value.kind == VALUE_TEXT || value.number != 0;
}

/* Describing ---------------------------------------------------------------------------------- */

struct description {
    const struct modbus_image *image;
    char *out;
    size_t size, used;
};

static void describe_register(void *context, struct map_register *reading)
{
    struct description *description = context;
    const struct modbus_image *image = description->image;
    char *at = description->out + description->used;
    size_t left = description->size - description->used;
    int length = snprintf(at, left, "%s%s %u", description->used == 0 ? "" : ", ",
                          modbus_table_name(reading->table), reading->address);

    for (unsigned i = 0; i < reading->count && length >= 0 && (size_t)length < left && i < 8; i++) {
        const char *lead = i == 0 ? " =" : "";
        size_t cell = reading->cell + i;

        if (image->known[cell])
            length +=
                snprintf(at + length, left - (size_t)length, "%s 0x%04x", lead, image->words[cell]);
        else
            length += snprintf(at + length, left - (size_t)length, "%s ?", lead);
    }
    if (length > 0)
        description->used += (size_t)length < left ? (size_t)length : left - 1;
}

void image_describe(const struct modbus_image *image, int node, char *out, size_t size)
{
    struct description description = { .image = image, .out = out, .size = size };

    out[0] = '\0';
    items_visit(image->map->items, node, describe_register, &description);
}
