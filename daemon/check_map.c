/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/check_map.h"

#include "core/variables.h"
#include "modbus/decode.h"
#include "modbus/dump.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    fprintf(stderr, "%s: %s\n", is_error ? "error" : "warning", text);
}

static void print_problem(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "problem: %s\n", text);
}

static void print_reading(void *context, const char *name, const char *raw, const char *cooked)
{
    (void)context;
    if (raw[0] != '\0')
        printf("    %-32s %-24s <- %s\n", name, cooked[0] == '\0' ? "-" : cooked, raw);
}

static void print_map(const struct modbus_map *map)
{
    static const char *const certainties[] = {
        [MAP_UNCONFIRMED] = "not confirmed by anybody",
        [MAP_COMMUNITY] = "confirmed by a user",
        [MAP_DRIVER] = "in use by another driver",
        [MAP_VENDOR] = "the vendor's document",
    };

    printf("%s: %s\n", map->name, map->description == NULL ? "" : map->description);
    if (map->source != NULL)
        printf("source: %s (%s)\n", map->source, certainties[map->certainty]);
}

/* The last value of a name in a batch; NULL: it has none. */
static const char *value_of(const struct update *update, const char *name)
{
    const char *value = NULL;
    struct update_item item;
    size_t cursor = 0;

    while (update_next(update, &cursor, &item)) {
        if (item.kind == UPDATE_SET && strcmp(item.name, name) == 0)
            value = item.value;
    }
    return value;
}

static bool is_same(const char *value, const char *wanted)
{
    double number, other;

    if (number_parse(value, &number) && number_parse(wanted, &other))
        return fabs(number - other) < 1e-9;
    return strcmp(value, wanted) == 0;
}

/* What the dump says should come out. */
static unsigned compare(const struct modbus_dump *dump, const struct update *update)
{
    const char *name, *wanted;
    unsigned different = 0;

    for (size_t i = 0; dump_expected(dump, i, &name, &wanted); i++) {
        const char *value = value_of(update, name);

        if (value != NULL && is_same(value, wanted))
            continue;
        fprintf(stderr, "different: %s is %s, it should be %s\n", name,
                value == NULL ? "not there" : value, wanted);
        different++;
    }
    return different;
}

static void print_values(const struct update *update)
{
    struct update_item item;
    size_t cursor = 0;

    while (update_next(update, &cursor, &item)) {
        if (item.kind == UPDATE_SET)
            printf("%s: %s\n", item.name, item.value);
    }
}

static bool decode(const struct modbus_dump *dump, struct modbus_plan *plan,
                   struct modbus_image *image)
{
    static const struct modbus_observer observer = { .problem = print_problem,
                                                     .reading = print_reading };
    struct update update = { 0 };
    bool missing;
    unsigned requests = dump_poll(dump, plan, PLAN_FIRST, image, &missing);

    printf("\nregisters:\n");
    struct modbus_outcome outcome = image_decode(image, PLAN_FIRST, &update, &observer);
    printf("\nvalues, after %u reads:\n", requests);
    print_values(&update);
    if (missing)
        fprintf(stderr, "problem: the dump is without registers of the status\n");
    if (!image_identify(image))
        fprintf(stderr, "problem: the dump is not of this map's device, by [identify]\n");
    if (outcome.stale)
        fprintf(stderr, "problem: the device is stale\n");
    unsigned different = compare(dump, &update);
    bool right = update_ok(&update) && different == 0;
    update_clear(&update);
    return right;
}

static bool decode_dump(const struct modbus_map *map, struct modbus_plan *plan, const char *path,
                        struct config_report *report)
{
    struct modbus_dump *dump = dump_load(path, report);
    struct modbus_image *image = dump == NULL ? NULL : image_new(map);
    bool right = image != NULL && decode(dump, plan, image);

    image_free(image);
    dump_free(dump);
    return right;
}

int check_map(const char *wanted, const char *dump)
{
    struct config_report report = { .sink = print_complaint };
    char path[PATH_MAX];

    if (access(wanted, R_OK) == 0)
        snprintf(path, sizeof path, "%s", wanted);
    else if (!map_path(wanted, ".", path, sizeof path))
        snprintf(path, sizeof path, "%s", wanted);
    struct modbus_map *map = map_load(path, &report);
    if (map == NULL) {
        fprintf(stderr, "%s: %u error%s\n", path, report.errors, report.errors == 1 ? "" : "s");
        return EXIT_FAILURE;
    }
    unsigned found = map_lint(map, &report);
    struct modbus_plan *plan = plan_new(map);
    bool right = plan != NULL;
    if (right) {
        print_map(map);
        plan_print(plan, stdout);
        right = dump == NULL || decode_dump(map, plan, dump, &report);
    }
    if (right && found == 0)
        printf("%s: the map is right\n", path);
    else if (right)
        printf("%s: the map can be used, with %u warning%s\n", path, found, found == 1 ? "" : "s");
    plan_free(plan);
    map_free(map);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
