/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: maps from text for tests, what they complain of, and what they make of registers.
 * Include after tests/unit/unit.h.
 */
#ifndef UPSBRIDGE_TESTS_MODBUS_MAP_H
#define UPSBRIDGE_TESTS_MODBUS_MAP_H

#include "modbus/decode.h"
#include "modbus/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct complaints {
    char text[8192]; /* one a line */
    size_t used;
};

static inline void take_complaint(void *context, bool is_error, const char *text)
{
    struct complaints *complaints = context;

    (void)is_error;
    complaints->used += (size_t)snprintf(complaints->text + complaints->used,
                                         sizeof complaints->text - complaints->used, "%s\n", text);
    assert_true(complaints->used < sizeof complaints->text);
}

#define MAP_HEAD "[map]\nname = test\nsource = test\n" /* three lines */

/* NULL if it has errors; complaints may be NULL if there must be none. */
static inline struct modbus_map *map_of(const char *text, struct complaints *complaints)
{
    struct complaints own = { 0 };
    struct config_report report = { .sink = take_complaint,
                                    .context = complaints == NULL ? &own : complaints };
    struct modbus_map *map = map_load_text("test.map", text, strlen(text), &report);

    if (complaints == NULL)
        assert_string_equal(own.text, "");
    assert_int_equal(map == NULL, report.errors > 0);
    return map;
}

static inline struct modbus_dump *dump_of(const char *text)
{
    struct complaints complaints = { 0 };
    struct config_report report = { .sink = take_complaint, .context = &complaints };
    struct modbus_dump *dump = dump_load_text("test.txt", text, strlen(text), &report);

    assert_string_equal(complaints.text, "");
    assert_non_null(dump);
    return dump;
}

/* The last value of a name; NULL: it is not set, or was unset. */
static inline const char *updated(const struct update *update, const char *name)
{
    const char *value = NULL;
    struct update_item item;
    size_t cursor = 0;

    while (update_next(update, &cursor, &item)) {
        if (strcmp(item.name, name) != 0)
            continue;
        if (item.kind == UPDATE_SET)
            value = item.value;
        else if (item.kind == UPDATE_UNSET)
            value = NULL;
    }
    return value;
}

static inline void take_problem(void *context, const char *text)
{
    take_complaint(context, false, text);
}

/* A map, a dump, and what the one makes of the other. */
struct decoded {
    struct modbus_map *map;
    struct modbus_plan *plan;
    struct modbus_image *image;
    struct update update;
    struct modbus_outcome outcome;
    struct complaints problems;
    bool missing;
};

static inline void decode_again(struct decoded *decoded, const char *registers, enum plan_poll poll)
{
    struct modbus_dump *dump = dump_of(registers);
    const struct modbus_observer observer = { .context = &decoded->problems,
                                              .problem = take_problem };

    update_clear(&decoded->update);
    decoded->problems = (struct complaints){ 0 };
    dump_poll(dump, decoded->plan, poll, decoded->image, &decoded->missing);
    decoded->outcome = image_decode(decoded->image, poll, &decoded->update, &observer);
    assert_true(update_ok(&decoded->update));
    dump_free(dump);
}

static inline void decode_text(struct decoded *decoded, const char *map, const char *registers)
{
    *decoded = (struct decoded){ .map = map_of(map, NULL) };
    decoded->plan = plan_new(decoded->map);
    decoded->image = image_new(decoded->map);
    assert_non_null(decoded->plan);
    assert_non_null(decoded->image);
    decode_again(decoded, registers, PLAN_FIRST);
}

static inline void decoded_clear(struct decoded *decoded)
{
    update_clear(&decoded->update);
    image_free(decoded->image);
    plan_free(decoded->plan);
    map_free(decoded->map);
}

static inline const char *source_path(const char *name)
{
    static char path[1024];
    const char *source = getenv("srcdir");

    snprintf(path, sizeof path, "%s/%s", source == NULL ? "." : source, name);
    return path;
}

#endif
