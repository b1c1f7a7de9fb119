/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What contexts contain: the numbers of devices, when what shows all of them is made anew, and that
 * nothing is left of a device that has gone.
 */
#include "agent/contents.h"

#include "agent/bridgemib.h"
#include "agent/entity.h"
#include "agent/objects.h"
#include "tests/unit/device.h"

#include <stdio.h>
#include <stdlib.h>

#define DEVICES_MAX_HERE 40

struct fixture {
    struct loop *loop;
    struct ups_store *store;
    struct contents *contents;
    int slot;
};

static void ignore(void *context, struct ups *ups, const struct ups_event *event)
{
    (void)context;
    (void)ups;
    (void)event;
}

static void open_fixture(struct fixture *fixture)
{
    fixture->loop = loop_new();
    fixture->store = ups_store_new(loop_base(fixture->loop), 600);
    fixture->slot = ups_subscribe(fixture->store, ignore, NULL);
    fixture->contents = contents_new(loop_base(fixture->loop), fixture->store, fixture->slot);
    assert_non_null(fixture->contents);
}

static struct monitor *add(struct fixture *fixture, const char *name)
{
    struct ups *ups = ups_add(fixture->store, name, NULL);

    assert_non_null(ups);
    struct monitor *monitor = monitor_new(ups);
    assert_non_null(monitor);
    ups->attachments[fixture->slot] = monitor;
    contents_admit(fixture->contents, monitor);
    return monitor;
}

static void drop(struct fixture *fixture, struct monitor *monitor)
{
    struct ups *ups = ups_find(fixture->store, monitor->ups->name);

    contents_forget(fixture->contents, monitor);
    ups->attachments[fixture->slot] = NULL;
    monitor_free(monitor);
    ups_remove(fixture->store, ups);
}

static void close_fixture(struct fixture *fixture)
{
    while (ups_count(fixture->store) > 0)
        drop(fixture, ups_at(fixture->store, 0)->attachments[fixture->slot]);
    contents_free(fixture->contents);
    ups_store_free(fixture->store);
    loop_free(fixture->loop);
}

static void tell(struct fixture *fixture, const struct monitor *monitor, const char *readings)
{
    struct device_fixture device = { .loop = fixture->loop,
                                     .store = fixture->store,
                                     .ups = ups_find(fixture->store, monitor->ups->name) };

    device_tell(&device, readings);
}

/* How many instances are below a subtree of the default context. */
static size_t count_below(struct fixture *fixture, const arc *root, size_t length)
{
    const struct subtree *site = contents_of_site(fixture->contents, NULL);
    arc behind[SUBTREE_NAME_MAX];
    struct subtree_end end = { .name = behind, .length = length };
    size_t count = 0;

    memcpy(behind, root, length * sizeof root[0]);
    behind[length - 1]++;
    for (size_t at = subtree_next(site, root, length, false, &end); at != SUBTREE_NONE;
         at = subtree_after(site, at, &end))
        count++;
    return count;
}

static const arc sensor_values[] = { OBJECTS_ENTITY_SENSOR_MIB, 1, 1, 1, 4 };
static const arc device_names[] = { 1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 1628, 1, 2, 1, 2 };

#define SENSORS(fixture) count_below(fixture, sensor_values, 11)
#define NAMES(fixture) count_below(fixture, device_names, 14)

static void test_numbers_belong_to_names(void **state)
{
    (void)state;
    /* FNV-1a of "a" and of nothing, as its authors publish them. */
    assert_int_equal(bridgemib_number("a", UINT32_MAX), 0xe40c292cu + 1);
    assert_int_equal(bridgemib_number("A", UINT32_MAX), 0xe40c292cu + 1);
    assert_int_equal(bridgemib_number("", UINT32_MAX), 0x811c9dc5u + 1);
    for (unsigned i = 0; i < 5000; i++) {
        char name[16];

        snprintf(name, sizeof name, "ups%u", i);
        uint32_t number = bridgemib_number(name, 7);
        assert_in_range(number, 1, 7);
    }
}

/* Two names that would have the same number; there are some among so many. */
static void find_twins(char first[16], char second[16])
{
    static uint32_t numbers[20000];

    for (unsigned i = 0; i < 20000; i++) {
        snprintf(second, 16, "ups%u", i);
        numbers[i] = bridgemib_number(second, BRIDGE_DEVICE_MAX);
        for (unsigned j = 0; j < i; j++) {
            if (numbers[j] == numbers[i]) {
                snprintf(first, 16, "ups%u", j);
                return;
            }
        }
    }
    fail_msg("no two names with the same number");
}

static void test_no_two_devices_have_the_same_number(void **state)
{
    struct fixture fixture;
    char first[16];
    char second[16];

    (void)state;
    find_twins(first, second);
    open_fixture(&fixture);
    struct monitor *one = add(&fixture, first);
    struct monitor *other = add(&fixture, second);
    assert_int_equal(one->number, bridgemib_number(first, BRIDGE_DEVICE_MAX));
    assert_int_equal(other->number, one->number % BRIDGE_DEVICE_MAX + 1);
    assert_int_equal(NAMES(&fixture), 2);
    /* The one that stays keeps what it has. */
    drop(&fixture, one);
    assert_int_equal(other->number, bridgemib_number(second, BRIDGE_DEVICE_MAX) + 1);
    assert_int_equal(NAMES(&fixture), 1);
    close_fixture(&fixture);
}

static void test_the_site_holds_for_a_while(void **state)
{
    struct fixture fixture;
    uint64_t begun = clock_ms();

    (void)state;
    open_fixture(&fixture);
    struct monitor *monitor = add(&fixture, "alpha");
    tell(&fixture, monitor, "ups.status=OL\ninput.voltage=230");
    assert_int_equal(SENSORS(&fixture), 1);
    tell(&fixture, monitor, "ups.status=OL\ninput.voltage=230\nups.load=5");
    size_t seen = SENSORS(&fixture);
    /* On a machine that stood still meanwhile there is nothing to see. */
    if (clock_ms() - begun < 900)
        assert_int_equal(seen, 1);
    while (SENSORS(&fixture) == 1)
        assert_true(clock_ms() - begun < 20000);
    assert_int_equal(SENSORS(&fixture), 2);
    close_fixture(&fixture);
}

static void test_what_is_gone_is_gone_at_once(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    struct monitor *alpha = add(&fixture, "alpha");
    struct monitor *beta = add(&fixture, "beta");
    tell(&fixture, alpha, "ups.status=OL\ninput.voltage=230");
    tell(&fixture, beta, "ups.status=OL\ninput.voltage=230\nbattery.charge=50");
    assert_int_equal(SENSORS(&fixture), 3);
    assert_int_equal(NAMES(&fixture), 2);
    drop(&fixture, beta);
    assert_int_equal(SENSORS(&fixture), 1);
    assert_int_equal(NAMES(&fixture), 1);
    beta = add(&fixture, "beta");
    assert_int_equal(NAMES(&fixture), 2);
    close_fixture(&fixture);
}

static void test_entities_of_a_device_follow_it(void **state)
{
    static const arc load[] = { OBJECTS_ENTITY_SENSOR_MIB, 1, 1, 1, 4, 160 };
    struct fixture fixture;
    struct monitor *monitors[DEVICES_MAX_HERE];

    (void)state;
    open_fixture(&fixture);
    for (size_t i = 0; i < DEVICES_MAX_HERE; i++) {
        char name[16];

        snprintf(name, sizeof name, "ups%zu", i);
        monitors[i] = add(&fixture, name);
    }
    /* More than are kept, in turn, so that each is given up and made anew. */
    for (long round = 1; round <= 3; round++) {
        for (size_t i = 0; i < DEVICES_MAX_HERE; i++) {
            struct moment moment = moment_at(1000, 0);
            struct subtree_value value;
            char readings[64];
            size_t position;

            long number = round * 100 + (long)i;
            snprintf(readings, sizeof readings, "ups.status=OL\nups.load=%ld", number);
            tell(&fixture, monitors[i], readings);
            const struct subtree *context = contents_of_device(fixture.contents, monitors[i]);
            assert_int_equal(subtree_get(context, load, 12, &position), SUBTREE_INSTANCE);
            subtree_value_at(context, position, &moment, &value);
            assert_int_equal(value.number, number * 10);
        }
    }
    close_fixture(&fixture);
}

static void test_contexts_are_sorted_and_complete(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    struct monitor *alpha = add(&fixture, "alpha");
    tell(&fixture, alpha,
         "ups.status=OL\ninput.phases=3\ninput.L1-N.voltage=1\ninput.L2-N.voltage=2\n"
         "input.L3-N.voltage=3\ninput.L1-L2.voltage=4\ninput.N.current=5\nbattery.charge=50\n"
         "ambient.temperature=20\nups.load=5");
    tell(&fixture, add(&fixture, "beta"), "ups.status=OL\ninput.voltage=230");
    monitor_observe(alpha, clock_ms());
    const struct subtree *contexts[] = { contents_of_device(fixture.contents, alpha),
                                         contents_of_site(fixture.contents, alpha) };
    for (size_t i = 0; i < 2; i++) {
        const struct subtree *context = i == 0 ? contents_of_device(fixture.contents, alpha)
                                               : contents_of_site(fixture.contents, alpha);
        arc name[SUBTREE_NAME_MAX] = { 0 };
        size_t length = 0;
        size_t count = 0;

        assert_ptr_equal(context, contexts[i]);
        for (size_t at = subtree_next(context, NULL, 0, false, NULL); at != SUBTREE_NONE;
             at = subtree_next(context, name, length, false, NULL)) {
            arc before[SUBTREE_NAME_MAX];
            size_t before_length = length;
            size_t found;

            memcpy(before, name, sizeof name);
            length = subtree_name_at(context, at, name);
            assert_true(arcs_compare(before, before_length, name, length) < 0);
            assert_true(objects_know(name, length));
            assert_int_equal(subtree_get(context, name, length, &found), SUBTREE_INSTANCE);
            assert_int_equal(found, at);
            count++;
        }
        assert_true(count > 200);
    }
    close_fixture(&fixture);
}

/* Each slice of the entities is made by itself, has its own part of the names, and is no big one.
 */
static void test_entities_come_in_slices(void **state)
{
    struct entity_history history = { 0 };
    struct monitor *monitors[2];
    struct fixture fixture;
    size_t counts[ENTITY_SLICES];
    size_t all = 0;

    (void)state;
    open_fixture(&fixture);
    monitors[0] = add(&fixture, "alpha");
    monitors[0]->number = 1;
    monitors[1] = add(&fixture, "beta");
    monitors[1]->number = 2;
    for (size_t i = 0; i < 2; i++)
        tell(&fixture, monitors[i], "ups.status=OL\ninput.voltage=230\nbattery.charge=90");
    for (unsigned slice = 0; slice < ENTITY_SLICES; slice++) {
        const struct entity_slice *here = &entity_slices[slice];
        struct subtree *subtree = entity_build_site(slice, monitors, 2, &history, 1000);
        arc name[SUBTREE_NAME_MAX];

        assert_non_null(subtree);
        counts[slice] = subtree_count(subtree);
        all += counts[slice];
        for (size_t at = 0; at < counts[slice]; at++) {
            size_t length = subtree_name_at(subtree, at, name);

            assert_true(arcs_compare(name, length, here->from, here->length) >= 0);
            assert_true(slice + 1 == ENTITY_SLICES ||
                        arcs_compare(name, length, here[1].from, here[1].length) < 0);
        }
        free(subtree);
    }
    for (unsigned slice = 0; slice < ENTITY_SLICES; slice++)
        assert_in_range(counts[slice], 1, all / 3);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_belong_to_names),
        cmocka_unit_test(test_no_two_devices_have_the_same_number),
        cmocka_unit_test(test_the_site_holds_for_a_while),
        cmocka_unit_test(test_what_is_gone_is_gone_at_once),
        cmocka_unit_test(test_entities_of_a_device_follow_it),
        cmocka_unit_test(test_contexts_are_sorted_and_complete),
        cmocka_unit_test(test_entities_come_in_slices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
