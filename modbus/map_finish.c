/* SPDX-License-Identifier: BSD-2-Clause */
/* The arrays of a map, and what is found out once all its rows are read. */
#include "modbus/map_items.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool items_grow(void *array, size_t count, size_t element)
{
    void **list = array;

    if ((count & (count - 1)) != 0)
        return true;
    void *grown = realloc(*list, (count == 0 ? 1 : count * 2) * element);
    if (grown == NULL)
        return false;
    *list = grown;
    return true;
}

void items_free(struct map_items *items)
{
    if (items == NULL)
        return;
    for (size_t i = 0; i < items->node_count; i++)
        free(items->nodes[i].text);
    for (size_t i = 0; i < items->entry_count; i++)
        free(items->entries[i].text);
    for (size_t i = 0; i < items->table_count; i++)
        free(items->tables[i].other);
    for (size_t i = 0; i < items->row_count; i++) {
        free(items->rows[i].name);
        free(items->rows[i].unit);
    }
    for (size_t i = 0; i < items->condition_count; i++)
        free(items->conditions[i].text);
    for (size_t i = 0; i < items->command_count; i++)
        free(items->commands[i].name);
    for (size_t i = 0; i < items->step_count; i++)
        free(items->steps[i].text);
    for (size_t i = 0; i < items->name_count; i++)
        free(items->names[i].name);
    for (size_t i = 0; i < items->path_count; i++)
        free(items->paths[i]);
    free(items->registers);
    free(items->nodes);
    free(items->intervals);
    free(items->entries);
    free(items->tables);
    free(items->rows);
    free(items->conditions);
    free(items->commands);
    free(items->steps);
    free(items->areas);
    free(items->names);
    free(items->paths);
    free(items->extents);
    free(items);
}

/* Walking expressions ------------------------------------------------------------------------- */

/* Calls visit with each node that is a leaf. */
static void visit_leaves(const struct map_items *items, int node,
                         void (*visit)(void *context, const struct map_node *leaf), void *context)
{
    const struct map_node *at = &items->nodes[node];

    switch (at->kind) {
    case NODE_NUMBER:
    case NODE_TEXT:
    case NODE_REGISTER:
    case NODE_OBJECT:
    case NODE_VARIABLE:
    case NODE_PARAMETER:
        visit(context, at);
        break;
    case NODE_NOT:
    case NODE_NEGATE:
    case NODE_IN:
        visit_leaves(items, at->left, visit, context);
        break;
    default:
        visit_leaves(items, at->left, visit, context);
        visit_leaves(items, at->right, visit, context);
    }
}

struct register_visit {
    const struct map_items *items;
    void (*visit)(void *context, struct map_register *reading);
    void *context;
};

static void visit_if_register(void *context, const struct map_node *leaf)
{
    const struct register_visit *visit = context;

    if (leaf->kind == NODE_REGISTER)
        visit->visit(visit->context, &visit->items->registers[leaf->index]);
}

void items_visit(const struct map_items *items, int node,
                 void (*visit)(void *context, struct map_register *reading), void *context)
{
    struct register_visit visit_context = { .items = items, .visit = visit, .context = context };

    visit_leaves(items, node, visit_if_register, &visit_context);
}

static void mark_register(void *context, struct map_register *reading)
{
    reading->uses |= *(const unsigned *)context;
}

void items_mark(const struct map_items *items, int node, unsigned uses)
{
    items_visit(items, node, mark_register, &uses);
}

/* Uses ---------------------------------------------------------------------------------------- */

static bool words_tell_power(const char *text)
{
    for (const char *at = text; at != NULL && *at != '\0'; at = strchr(at, ' ')) {
        at += strspn(at, " ");
        if (strncmp(at, "OL", 2) == 0 || strncmp(at, "OB", 2) == 0) {
            if (at[2] == ' ' || at[2] == '\0')
                return true;
        }
        if (*at == '\0')
            break;
    }
    return false;
}

bool condition_tells_power(const struct map_items *items, const struct map_condition *condition)
{
    if (condition->section != SECTION_STATUS || condition->stale || condition->replaced)
        return false;
    if (condition->text != NULL)
        return words_tell_power(condition->text);
    const struct map_table *table = &items->tables[condition->table];
    for (int i = 0; i < table->count; i++) {
        if (words_tell_power(items->entries[table->first + i].text))
            return true;
    }
    return table->other != NULL && words_tell_power(table->other);
}

struct marking {
    struct map_items *items;
    unsigned *row_uses; /* of each row, beside its own */
    unsigned uses;
};

static void mark_leaf(void *context, const struct map_node *leaf)
{
    struct marking *marking = context;
    const struct map_items *items = marking->items;

    if (leaf->kind == NODE_REGISTER)
        items->registers[leaf->index].uses |= marking->uses;
    for (int i = leaf->kind == NODE_VARIABLE ? leaf->index : NONE; i != NONE && i < leaf->limit;
         i = items->rows[i].next)
        marking->row_uses[i] |= marking->uses;
}

static void mark(struct marking *marking, int node, unsigned uses)
{
    marking->uses = uses;
    if (node != NONE)
        visit_leaves(marking->items, node, mark_leaf, marking);
}

static void mark_conditions(struct marking *marking)
{
    struct map_items *items = marking->items;

    for (size_t i = 0; i < items->condition_count; i++) {
        const struct map_condition *condition = &items->conditions[i];

        if (condition->replaced)
            continue;
        if (condition->section == SECTION_IDENTIFY) {
            items->has_identity = true;
            mark(marking, condition->expression, MAP_USE_IDENTITY);
        } else {
            bool power = condition_tells_power(items, condition);

            mark(marking, condition->expression,
                 MAP_USE_STATUS | (power ? (unsigned)MAP_USE_ESSENTIAL : 0));
        }
    }
}

/* Rows refer to rows before them alone, so going backwards each is complete when it is reached. */
static void mark_rows(struct marking *marking)
{
    struct map_items *items = marking->items;

    for (size_t i = items->row_count; i-- > 0;) {
        const struct map_row *row = &items->rows[i];
        unsigned uses = (row->once ? MAP_USE_ONCE : MAP_USE_VALUE) |
                        (marking->row_uses[i] & ((unsigned)MAP_USE_STATUS | MAP_USE_ESSENTIAL));

        if (row->replaced || row->section == SECTION_DELAYS)
            continue;
        mark(marking, row->expression, uses);
        mark(marking, row->condition, uses);
    }
}

static void link_rows(struct map_items *items)
{
    for (size_t i = 0; i < items->row_count; i++) {
        items->rows[i].next = NONE;
        for (size_t next = i + 1; next < items->row_count; next++) {
            if (strcasecmp(items->rows[i].name, items->rows[next].name) == 0) {
                items->rows[i].next = (int)next;
                break;
            }
        }
    }
}

static bool mark_all(struct map_items *items)
{
    struct marking marking = { .items = items,
                               .row_uses = calloc(items->row_count + 1, sizeof(unsigned)) };

    if (marking.row_uses == NULL)
        return false;
    mark_conditions(&marking);
    mark_rows(&marking);
    for (size_t i = 0; i < items->step_count; i++)
        mark(&marking, items->steps[i].expression, MAP_USE_COMMAND);
    free(marking.row_uses);
    return true;
}

/* Extents ------------------------------------------------------------------------------------- */

static int compare_registers(const void *a, const void *b)
{
    const struct map_register *one = *(struct map_register *const *)a;
    const struct map_register *two = *(struct map_register *const *)b;

    if (one->table != two->table)
        return one->table < two->table ? -1 : 1;
    return (one->address > two->address) - (one->address < two->address);
}

/* Takes a register into the last extent, or begins another. They come in order. */
static bool extend(struct map_items *items, struct map_register *reading)
{
    struct map_extent *last =
        items->extent_count == 0 ? NULL : &items->extents[items->extent_count - 1];
    unsigned end = (unsigned)reading->address + reading->count;

    if (last == NULL || last->table != reading->table ||
        last->address + last->count < reading->address) {
        if (!items_grow(&items->extents, items->extent_count, sizeof *last))
            return false;
        last = &items->extents[items->extent_count++];
        *last = (struct map_extent){ .table = reading->table,
                                     .address = reading->address,
                                     .cell = items->cell_count };
    }
    if (end > last->address + last->count) {
        items->cell_count += end - (last->address + last->count);
        last->count = end - last->address;
    }
    reading->cell = last->cell + (size_t)(reading->address - last->address);
    return true;
}

static bool lay_out(struct map_items *items)
{
    struct map_register **sorted = calloc(items->register_count + 1, sizeof sorted[0]);
    bool ok = sorted != NULL;

    for (size_t i = 0; ok && i < items->register_count; i++)
        sorted[i] = &items->registers[i];
    if (ok)
        qsort(sorted, items->register_count, sizeof sorted[0], compare_registers);
    for (size_t i = 0; ok && i < items->register_count; i++)
        ok = extend(items, sorted[i]);
    free(sorted);
    return ok;
}

/* What quick polls can tell ------------------------------------------------------------------- */

struct quick_check {
    const struct map_items *items;
    const bool *read; /* of each cell: by quick polls */
    bool quick, registers;
};

static void check_leaf(void *context, const struct map_node *leaf)
{
    struct quick_check *check = context;

    if (leaf->kind == NODE_REGISTER) {
        const struct map_register *reading = &check->items->registers[leaf->index];

        check->registers = true;
        for (size_t i = 0; i < reading->count; i++)
            check->quick = check->quick && check->read[reading->cell + i];
    } else if (leaf->kind == NODE_VARIABLE) {
        check->registers = true;
        check->quick = check->quick && check->items->rows[leaf->index].quick;
    } else if (leaf->kind == NODE_OBJECT) {
        check->quick = false;
    }
}

static bool row_is_quick(const struct map_items *items, const struct map_row *row, const bool *read)
{
    struct quick_check check = { .items = items, .read = read, .quick = true };

    if (row->section == SECTION_DELAYS)
        return false;
    visit_leaves(items, row->expression, check_leaf, &check);
    if (row->condition != NONE)
        visit_leaves(items, row->condition, check_leaf, &check);
    return check.quick && check.registers && !row->once;
}

static bool find_quick(struct map_items *items)
{
    bool *read = calloc(items->cell_count + 1, sizeof read[0]);

    if (read == NULL)
        return false;
    for (size_t i = 0; i < items->register_count; i++) {
        const struct map_register *reading = &items->registers[i];

        for (size_t k = 0; k < reading->count && (reading->uses & MAP_USE_STATUS) != 0; k++)
            read[reading->cell + k] = true;
    }
    for (size_t i = 0; i < items->row_count; i++)
        items->rows[i].quick = row_is_quick(items, &items->rows[i], read);
    /* The first row that gives something counts, so all of a name must be known. */
    for (size_t i = items->row_count; i-- > 0;) {
        struct map_row *row = &items->rows[i];

        for (int next = row->next; next != NONE; next = items->rows[next].next)
            row->quick = row->quick && items->rows[next].quick;
        for (int next = row->next; next != NONE; next = items->rows[next].next)
            items->rows[next].quick = row->quick && items->rows[next].quick;
    }
    free(read);
    return true;
}

static void find_objects(struct map_items *items)
{
    bool wanted[256] = { false };

    for (size_t i = 0; i < items->node_count; i++) {
        if (items->nodes[i].kind == NODE_OBJECT)
            wanted[items->nodes[i].index] = true;
    }
    for (unsigned i = 0; i < 256; i++) {
        if (wanted[i])
            items->objects[items->object_count++] = (uint8_t)i;
    }
}

bool items_finish(struct map_items *items)
{
    link_rows(items);
    find_objects(items);
    return mark_all(items) && lay_out(items) && find_quick(items);
}
