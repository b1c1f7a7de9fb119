/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/objects.h"
#include "agent/subtree.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OID(...)                                    \
    (const arc[]){ OBJECTS_INTERNET, __VA_ARGS__ }, \
        sizeof((const arc[]){ OBJECTS_INTERNET, __VA_ARGS__ }) / sizeof(arc)
#define BELOW(...) (const arc[]){ __VA_ARGS__ }, sizeof((const arc[]){ __VA_ARGS__ }) / sizeof(arc)

static const arc some_object[] = { 1, 3, 6, 1, 9 };

static struct subtree *build(void)
{
    struct subtree_builder *builder = subtree_begin();

    subtree_name(builder, BELOW(2, 1, 33, 1, 1, 1, 0));
    subtree_text(builder, "maker", 5);
    subtree_name(builder, BELOW(2, 1, 33, 1, 2, 2, 0));
    subtree_seconds_since(builder, 5000);
    subtree_name(builder, BELOW(2, 1, 33, 1, 3, 1, 0));
    subtree_integer(builder, SUBTREE_COUNTER, 7);
    subtree_name(builder, BELOW(2, 1, 33, 1, 3, 3, 1, 3, 1));
    subtree_integer(builder, SUBTREE_INTEGER, 230);
    subtree_name(builder, BELOW(2, 1, 33, 1, 3, 3, 1, 3, 2));
    subtree_integer(builder, SUBTREE_INTEGER, -1);
    subtree_name(builder, BELOW(2, 1, 33, 1, 7, 1, 0));
    subtree_object_id(builder, some_object, 5);
    subtree_name(builder, BELOW(2, 1, 33, 1, 7, 5, 0));
    subtree_timestamp(builder, 12000);
    return subtree_finish(builder);
}

static void test_get(void **state)
{
    struct subtree *subtree = build();
    size_t position = 99;

    (void)state;
    assert_non_null(subtree);
    assert_int_equal(subtree_count(subtree), 7);
    assert_int_equal(subtree_get(subtree, OID(2, 1, 33, 1, 1, 1, 0), &position), SUBTREE_INSTANCE);
    assert_int_equal(position, 0);
    assert_int_equal(subtree_get(subtree, OID(2, 1, 33, 1, 3, 3, 1, 3, 2), &position),
                     SUBTREE_INSTANCE);
    assert_int_equal(position, 4);
    /* Objects we know, without such an instance. */
    assert_int_equal(subtree_get(subtree, OID(2, 1, 33, 1, 1, 1), &position), SUBTREE_NO_INSTANCE);
    assert_int_equal(subtree_get(subtree, OID(2, 1, 33, 1, 1, 1, 0, 0), &position),
                     SUBTREE_NO_INSTANCE);
    assert_int_equal(subtree_get(subtree, OID(2, 1, 33, 1, 3, 3, 1, 3, 3), &position),
                     SUBTREE_NO_INSTANCE);
    assert_int_equal(subtree_get(subtree, OID(2, 1, 33, 1, 2, 7, 0), &position),
                     SUBTREE_NO_INSTANCE);
    /* Objects we do not. */
    assert_int_equal(subtree_get(subtree, OID(2, 1, 33, 1, 3, 3, 1, 1, 1), &position),
                     SUBTREE_NO_OBJECT);
    assert_int_equal(subtree_get(subtree, OID(2, 1, 33, 1, 10, 1, 0), &position),
                     SUBTREE_NO_OBJECT);
    assert_int_equal(subtree_get(subtree, (const arc[]){ 1, 3, 6 }, 3, &position),
                     SUBTREE_NO_OBJECT);
    assert_int_equal(subtree_get(subtree, (const arc[]){ 0, 0 }, 2, &position), SUBTREE_NO_OBJECT);
    assert_int_equal(subtree_get(subtree, NULL, 0, &position), SUBTREE_NO_OBJECT);
    free(subtree);
}

static void test_next(void **state)
{
    struct subtree *subtree = build();
    const arc before[] = { 0, 0 };
    const arc behind[] = { 1, 3, 6, 2 };

    (void)state;
    assert_int_equal(subtree_next(subtree, before, 2, false, NULL), 0);
    assert_int_equal(subtree_next(subtree, NULL, 0, false, NULL), 0);
    assert_int_equal(subtree_next(subtree, (const arc[]){ 1, 3 }, 2, false, NULL), 0);
    assert_int_equal(subtree_next(subtree, OID(2, 1, 33, 1, 1, 1, 0), false, NULL), 1);
    assert_int_equal(subtree_next(subtree, OID(2, 1, 33, 1, 1, 1, 0), true, NULL), 0);
    assert_int_equal(subtree_next(subtree, OID(2, 1, 33, 1, 1, 1), false, NULL), 0);
    assert_int_equal(subtree_next(subtree, OID(2, 1, 33, 1, 1, 1, 0, 1), false, NULL), 1);
    assert_int_equal(subtree_next(subtree, OID(2, 1, 33, 1, 3, 3), false, NULL), 3);
    assert_int_equal(subtree_next(subtree, OID(2, 1, 33, 1, 7, 5, 0), true, NULL), 6);
    assert_int_equal(subtree_next(subtree, OID(2, 1, 33, 1, 7, 5, 0), false, NULL), SUBTREE_NONE);
    assert_int_equal(subtree_next(subtree, behind, 4, true, NULL), SUBTREE_NONE);
    free(subtree);
}

static void test_walk_names_everything_in_order(void **state)
{
    struct subtree *subtree = build();
    arc name[SUBTREE_NAME_MAX] = { 0 };
    size_t length = 0;
    size_t count = 0;

    (void)state;
    for (size_t at = subtree_next(subtree, NULL, 0, false, NULL); at != SUBTREE_NONE;
         at = subtree_next(subtree, name, length, false, NULL)) {
        arc previous[SUBTREE_NAME_MAX];
        size_t previous_length = length;
        size_t found;

        memcpy(previous, name, sizeof name);
        length = subtree_name_at(subtree, at, name);
        assert_true(arcs_compare(previous, previous_length, name, length) < 0);
        assert_int_equal(subtree_get(subtree, name, length, &found), SUBTREE_INSTANCE);
        assert_int_equal(found, at);
        count++;
    }
    assert_int_equal(count, subtree_count(subtree));
    free(subtree);
}

static struct subtree_value value_at(const struct subtree *subtree, size_t position, uint64_t now,
                                     int64_t epoch)
{
    struct moment moment = moment_at(now, epoch);
    struct subtree_value value;

    subtree_value_at(subtree, position, &moment, &value);
    return value;
}

static void test_values(void **state)
{
    struct subtree *subtree = build();

    (void)state;
    struct subtree_value value = value_at(subtree, 0, 0, 0);
    assert_int_equal(value.type, SUBTREE_TEXT);
    assert_int_equal(value.size, 5);
    assert_memory_equal(value.bytes, "maker", 5);
    value = value_at(subtree, 2, 0, 0);
    assert_int_equal(value.type, SUBTREE_COUNTER);
    assert_int_equal(value.number, 7);
    assert_int_equal(value_at(subtree, 4, 0, 0).number, -1);
    value = value_at(subtree, 5, 0, 0);
    assert_int_equal(value.type, SUBTREE_OBJECT_ID);
    assert_int_equal(value.size, sizeof some_object);
    assert_memory_equal(value.bytes, some_object, sizeof some_object);
    free(subtree);
}

static void test_values_that_move_with_the_clock(void **state)
{
    struct subtree *subtree = build();

    (void)state;
    /* Seconds since 5000 ms. */
    assert_int_equal(value_at(subtree, 1, 5999, 0).number, 0);
    assert_int_equal(value_at(subtree, 1, 6000, 0).number, 1);
    assert_int_equal(value_at(subtree, 1, 65000, 0).number, 60);
    assert_int_equal(value_at(subtree, 1, 4000, 0).number, 0);
    assert_int_equal(value_at(subtree, 1, UINT64_MAX, 0).number, INT32_MAX);
    /* sysUpTime at 12000 ms, whatever the time is now. */
    assert_int_equal(value_at(subtree, 6, 99000, 2000).number, 1000);
    assert_int_equal(value_at(subtree, 6, 99000, 2000).type, SUBTREE_TIMETICKS);
    /* Before the master started, and with a master that runs longer than this machine. */
    assert_int_equal(value_at(subtree, 6, 99000, 12000).number, 0);
    assert_int_equal(value_at(subtree, 6, 99000, 50000).number, 0);
    assert_int_equal(value_at(subtree, 6, 99000, -8000).number, 2000);
    free(subtree);
}

static void test_uptime(void **state)
{
    (void)state;
    assert_int_equal(moment_at(10000, 4000).uptime, 600);
    assert_int_equal(moment_at(10000, -4000).uptime, 1400);
    assert_int_equal(moment_at(10000, 10000).uptime, 0);
    /* 32 bits of hundredths of a second, then it begins anew. */
    assert_int_equal(moment_at(UINT64_C(42949672960) + 70, 0).uptime, 7);
    struct moment moment = moment_at(10000, 4000);
    assert_int_equal(moment_timestamp(&moment, 0), 0);
}

/* Joining ------------------------------------------------------------------------------------ */

static struct {
    struct subtree *whole, *other;
    unsigned fetched[4];
} joined;

static const struct subtree *fetch_whole(void *owner, unsigned slice)
{
    (void)owner;
    joined.fetched[slice]++;
    return joined.whole;
}

static const struct subtree *fetch_other(void *owner, unsigned slice)
{
    (void)owner;
    joined.fetched[slice]++;
    return slice == 1 ? joined.other : NULL;
}

static const arc from_start[] = { OBJECTS_INTERNET };
static const arc from_other[] = { OBJECTS_UPS_MIB, 1, 2, 3 };
static const arc from_again[] = { OBJECTS_UPS_MIB, 1, 3 };
static const arc from_none[] = { OBJECTS_UPS_MIB, 1, 4 };

/* The tree of build(), with another in its midst and nothing at its end. */
static struct subtree *build_joint(void)
{
    static const struct subtree_part parts[] = {
        { from_start, 4, fetch_whole, 0 },
        { from_other, 10, fetch_other, 1 },
        { from_again, 9, fetch_whole, 2 },
        { from_none, 9, fetch_other, 3 },
    };
    struct subtree_builder *builder = subtree_begin();

    for (arc object = 3; object <= 4; object++) {
        subtree_name(builder, BELOW(2, 1, 33, 1, 2, object, 0));
        subtree_integer(builder, SUBTREE_INTEGER, (long)object);
    }
    joined.whole = build();
    joined.other = subtree_finish(builder);
    memset(joined.fetched, 0, sizeof joined.fetched);
    struct subtree *joint = subtree_join(parts, 4);
    assert_non_null(joint);
    subtree_renew(joint, NULL);
    return joint;
}

static void free_joint(struct subtree *joint)
{
    free(joint);
    free(joined.whole);
    free(joined.other);
}

static void test_joined_parts_are_walked_as_one(void **state)
{
    static const char *const expected = "1.1.0 2.2.0 2.3.0 2.4.0 3.1.0 3.3.1.3.1 3.3.1.3.2 ";
    struct subtree *joint = build_joint();
    char walked[256] = "";
    arc name[SUBTREE_NAME_MAX];
    size_t length = 0;
    size_t found;

    (void)state;
    size_t at = subtree_next(joint, NULL, 0, false, NULL);
    for (size_t step = at; at != SUBTREE_NONE; step = subtree_after(joint, step, NULL)) {
        length = subtree_name_at(joint, at, name);
        for (size_t i = 8; i < length; i++)
            sprintf(walked + strlen(walked), "%lu%s", name[i], i + 1 < length ? "." : " ");
        assert_int_equal(subtree_get(joint, name, length, &found), SUBTREE_INSTANCE);
        assert_int_equal(found, at);
        assert_int_equal(step, at);
        at = subtree_next(joint, name, length, false, NULL);
    }
    assert_string_equal(walked, expected);
    free_joint(joint);
}

static void test_joined_parts_are_fetched_when_needed_and_once(void **state)
{
    struct subtree *joint = build_joint();
    const arc end_name[] = { OBJECTS_UPS_MIB, 1, 2, 3 };
    const struct subtree_end end = { end_name, 10 };
    size_t position;

    (void)state;
    /* A search that ends where the other part begins does not fetch it. */
    assert_int_equal(subtree_next(joint, OID(2, 1, 33, 1, 2, 2, 0), false, &end), SUBTREE_NONE);
    position = subtree_next(joint, OID(2, 1, 33, 1, 1, 1, 0), false, &end);
    assert_int_not_equal(position, SUBTREE_NONE);
    assert_int_equal(subtree_after(joint, position, &end), SUBTREE_NONE);
    assert_int_equal(joined.fetched[0], 1);
    assert_int_equal(joined.fetched[1], 0);
    /* A part that is not there has no objects, even those we know elsewhere. */
    assert_int_equal(subtree_get(joint, OID(2, 1, 33, 1, 4, 1, 0), &position), SUBTREE_NO_OBJECT);
    assert_int_equal(subtree_get(joint, OID(2, 1, 33, 1, 3, 2, 0), &position), SUBTREE_NO_INSTANCE);
    assert_int_equal(joined.fetched[2], 1);
    assert_int_equal(joined.fetched[3], 1);
    /* What one part has beyond its end is not seen. */
    assert_int_equal(subtree_get(joint, OID(2, 1, 33, 1, 7, 1, 0), &position), SUBTREE_NO_OBJECT);
    subtree_renew(joint, NULL);
    subtree_next(joint, NULL, 0, false, NULL);
    assert_int_equal(joined.fetched[0], 2);
    free_joint(joint);
}

static void test_ends_of_searches(void **state)
{
    struct subtree *subtree = build();
    const arc name[] = { OBJECTS_UPS_MIB, 1, 3, 3, 1, 3, 2 };
    const struct subtree_end exact = { name, 13 };
    const struct subtree_end none = { NULL, 0 };

    (void)state;
    assert_int_equal(subtree_next(subtree, OID(2, 1, 33, 1, 3, 1, 0), false, &exact), 3);
    assert_int_equal(subtree_next(subtree, OID(2, 1, 33, 1, 3, 3, 1, 3, 1), false, &exact),
                     SUBTREE_NONE);
    assert_int_equal(subtree_after(subtree, 2, &exact), 3);
    assert_int_equal(subtree_after(subtree, 3, &exact), SUBTREE_NONE);
    assert_int_equal(subtree_after(subtree, 3, &none), 4);
    assert_int_equal(subtree_after(subtree, 6, NULL), SUBTREE_NONE);
    free(subtree);
}

static void test_other_values(void **state)
{
    struct subtree_builder *builder = subtree_begin();
    uint64_t latest = 0;

    (void)state;
    subtree_name(builder, BELOW(1));
    subtree_counter64(builder, UINT64_C(0xfedcba9876543210));
    subtree_name(builder, BELOW(2));
    subtree_latest(builder, &latest);
    struct subtree *subtree = subtree_finish(builder);
    assert_int_equal(value_at(subtree, 0, 0, 0).type, SUBTREE_COUNTER64);
    assert_true(value_at(subtree, 0, 0, 0).counter == UINT64_C(0xfedcba9876543210));
    assert_int_equal(value_at(subtree, 1, 50000, 1000).number, 0);
    latest = 3000;
    assert_int_equal(value_at(subtree, 1, 50000, 1000).number, 200);
    assert_int_equal(value_at(subtree, 1, 50000, 1000).type, SUBTREE_TIMETICKS);
    free(subtree);
}

static void test_empty(void **state)
{
    struct subtree *subtree = subtree_finish(subtree_begin());
    size_t position;

    (void)state;
    assert_non_null(subtree);
    assert_int_equal(subtree_count(subtree), 0);
    assert_int_equal(subtree_next(subtree, NULL, 0, false, NULL), SUBTREE_NONE);
    assert_int_equal(subtree_get(subtree, OID(2, 1, 33, 1, 1, 1, 0), &position),
                     SUBTREE_NO_INSTANCE);
    free(subtree);
    assert_null(subtree_finish(NULL));
}

static void test_more_than_fits_at_first(void **state)
{
    struct subtree_builder *builder = subtree_begin();

    (void)state;
    for (arc i = 0; i < 1000; i++) {
        subtree_name(builder, BELOW(2, 1, 33, 1, 1, i, 0));
        subtree_text(builder, "0123456789", 1 + i % 10);
    }
    struct subtree *subtree = subtree_finish(builder);
    assert_int_equal(subtree_count(subtree), 1000);
    for (size_t i = 0; i < 1000; i++) {
        struct subtree_value value = value_at(subtree, i, 0, 0);

        assert_int_equal(value.size, 1 + i % 10);
        assert_memory_equal(value.bytes, "0123456789", value.size);
    }
    free(subtree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_walk_names_everything_in_order),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_values_that_move_with_the_clock),
        cmocka_unit_test(test_uptime),
        cmocka_unit_test(test_joined_parts_are_walked_as_one),
        cmocka_unit_test(test_joined_parts_are_fetched_when_needed_and_once),
        cmocka_unit_test(test_ends_of_searches),
        cmocka_unit_test(test_other_values),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_more_than_fits_at_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
