/* SPDX-License-Identifier: BSD-2-Clause */
/* The maps that are installed: each is right, and makes of every dump what it should. */
#include "tests/unit/unit.h"

#include "tests/unit/modbus_map.h"

#include "core/variables.h"

#include <dirent.h>
#include <math.h>

static struct modbus_map *load(const char *name, struct complaints *complaints)
{
    struct config_report report = { .sink = take_complaint, .context = complaints };
    char path[600];

    snprintf(path, sizeof path, "modbus/maps/%s", name);
    struct modbus_map *map = map_load(source_path(path), &report);
    if (map != NULL)
        map_lint(map, &report);
    return map;
}

static void check_map(const char *name)
{
    struct complaints complaints = { 0 };
    struct modbus_map *map = load(name, &complaints);

    assert_string_equal(complaints.text, "");
    assert_non_null(map);
    assert_int_equal(strlen(map->name) + strlen(".map"), strlen(name));
    assert_memory_equal(map->name, name, strlen(map->name));
    assert_non_null(map->description);
    assert_non_null(map->source);
    assert_true(map->link.has_unit);
    assert_true(map->link.response_ms >= 100);
    map_free(map);
}

static void test_every_map_is_right(void **state)
{
    DIR *directory = opendir(source_path("modbus/maps"));
    struct dirent *entry;
    size_t count = 0;

    (void)state;
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name);

        if (length < 5 || strcmp(entry->d_name + length - 4, ".map") != 0)
            continue;
        check_map(entry->d_name);
        count++;
    }
    closedir(directory);
    assert_true(count >= 14);
}

static bool is_same(const char *value, const char *wanted)
{
    double number, other;

    if (number_parse(value, &number) && number_parse(wanted, &other))
        return fabs(number - other) < 1e-9;
    return strcmp(value, wanted) == 0;
}

struct recorded {
    const char *dump, *map;
    bool has_status, is_identified;
    unsigned full, quick; /* reads of a full and of a quick poll */
};

static const struct recorded recordings[] = {
    { "apc-smt-750-ddl", "apc-smart-ups", true, true, 4, 2 },
    { "apc-smt-nmc-tcp-1", "apc-smart-ups", true, true, 4, 2 },
    { "apc-smx-750-usb-static", "apc-smart-ups", false, true, 4, 2 },
    { "generex-bacs-synthetic", "generex", true, true, 1, 1 },
    { "huawei-ups2000-g-ddl", "huawei-ups2000", true, true, 3, 3 },
    { "phoenix-quint4-synthetic", "phoenix-quint4", true, true, 5, 2 },
    { "powerwalker-vfi-1500-iot", "powerwalker-iot", true, true, 1, 1 },
    { "tripplite-modbuscard-synthetic", "tripplite-modbuscard", true, true, 6, 2 },
};

static void expect_all(const struct modbus_dump *dump, const struct update *update,
                       const char *title)
{
    const char *name, *wanted;
    size_t count = 0;

    for (; dump_expected(dump, count, &name, &wanted); count++) {
        const char *value = updated(update, name);

        if (value == NULL || !is_same(value, wanted))
            fail_msg("%s: %s is %s, not %s", title, name, value == NULL ? "missing" : value,
                     wanted);
    }
    assert_true(count > 0);
}

static void expect_reads(const struct modbus_plan *plan, enum plan_poll poll, unsigned wanted,
                         const char *title)
{
    size_t count;

    plan_blocks(plan, poll, &count);
    if (count != wanted)
        fail_msg("%s: poll %d takes %zu reads, not %u", title, poll, count, wanted);
}

static void check_recording(const struct recorded *recorded)
{
    char name[128];
    struct complaints complaints = { 0 }, problems = { 0 };
    struct config_report report = { .sink = take_complaint, .context = &complaints };
    struct modbus_observer observer = { .context = &problems, .problem = take_problem };
    struct update update = { 0 };
    bool missing;

    snprintf(name, sizeof name, "%s.map", recorded->map);
    struct modbus_map *map = load(name, &complaints);
    snprintf(name, sizeof name, "tests/data/modbus/%s.txt", recorded->dump);
    struct modbus_dump *dump = dump_load(source_path(name), &report);
    assert_string_equal(complaints.text, "");
    struct modbus_plan *plan = plan_new(map);
    struct modbus_image *image = image_new(map);

    dump_poll(dump, plan, PLAN_FIRST, image, &missing);
    struct modbus_outcome outcome = image_decode(image, PLAN_FIRST, &update, &observer);
    expect_all(dump, &update, recorded->dump);
    assert_int_equal(outcome.status_known, recorded->has_status);
    assert_int_equal(missing, !recorded->has_status);
    if (recorded->has_status)
        assert_string_equal(problems.text, "");
    assert_int_equal(image_identify(image), recorded->is_identified);
    plan_reset(plan);
    expect_reads(plan, PLAN_FULL, recorded->full, recorded->dump);
    expect_reads(plan, PLAN_QUICK, recorded->quick, recorded->dump);
    update_clear(&update);
    image_free(image);
    plan_free(plan);
    dump_free(dump);
    map_free(map);
}

static void test_every_dump_decodes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++)
        check_recording(&recordings[i]);
}

/* The dumps' variables are checked above; here, what they do not show. */
static const char *status_of(const char *map_name, const char *registers)
{
    static char status[128];
    struct complaints complaints = { 0 };
    struct modbus_map *map = load(map_name, &complaints);
    struct modbus_dump *dump = dump_of(registers);
    struct modbus_plan *plan = plan_new(map);
    struct modbus_image *image = image_new(map);
    struct update update = { 0 };
    bool missing;

    dump_poll(dump, plan, PLAN_FIRST, image, &missing);
    image_decode(image, PLAN_FIRST, &update, NULL);
    const char *value = updated(&update, "ups.status");
    snprintf(status, sizeof status, "%s", value == NULL ? "-" : value);
    update_clear(&update);
    image_free(image);
    plan_free(plan);
    dump_free(dump);
    map_free(map);
    return status;
}

static void test_states_of_devices(void **state)
{
    (void)state;
    /* Phoenix Contact: on battery, then low. */
    assert_string_equal(status_of("phoenix-quint4.map", "[input]\n0x2000 4\n0x3000 0\n0x3001 0\n"),
                        "OB DISCHRG");
    assert_string_equal(status_of("phoenix-quint4.map", "[input]\n0x2000 4\n0x3000 0\n0x3001 4\n"),
                        "OB DISCHRG LB");
    /* Nothing but "not available", and nothing at all. */
    assert_string_equal(
        status_of("phoenix-quint4.map", "[input]\n0x2000 65535\n0x3000 65535\n0x3001 65535\n"),
        "-");
    assert_string_equal(status_of("phoenix-quint4.map", "[input]\n0x3001 4\n"), "-");
    /* Huawei: a state that nobody knows. */
    assert_string_equal(status_of("huawei-ups2000.map", "11024 3\n12002 5\n"), "OB DISCHRG");
    assert_string_equal(status_of("huawei-ups2000.map", "11024 7\n12002 5\n"), "-");
    assert_string_equal(status_of("huawei-ups2000.map", "11024 65535\n12002 5\n"), "-");
    /* PowerWalker: mains gone, and mains not told. */
    assert_string_equal(status_of("powerwalker-iot.map", "# gaps: zero\n129 0\n132 0\n176 0\n"),
                        "OB DISCHRG");
    assert_string_equal(
        status_of("powerwalker-iot.map", "# gaps: zero\n129 65535\n132 65535\n176 0\n"), "-");
    /* Riello: the card has lost its UPS. */
    assert_string_equal(status_of("riello-netman.map",
                                  "[discrete]\n0 0\n1 0\n5 0\n6 0\n10 0\n11 0\n12 1\n13 0\n14 1\n"
                                  "16 0\n28 0\n29 0\n30 0\n48 1\n63 0\n"),
                        "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_map_is_right),
        cmocka_unit_test(test_every_dump_decodes),
        cmocka_unit_test(test_states_of_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
