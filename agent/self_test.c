/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/self_test.h"

#include <stddef.h>

#define MINUTE_MS UINT64_C(60000)

/* How long a device may keep silent about a test before it is no longer called running. */
static uint64_t limit_of(enum test_kind kind)
{
    return kind == TEST_KIND_DEEP_BATTERY ? 24 * 60 * MINUTE_MS : 10 * MINUTE_MS;
}

/* FNV-1a of what the device says of its last test. */
static uint32_t digest(const struct ups *ups)
{
    static const char *const names[] = { "ups.test.result", "ups.test.date" };
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = ups_value(ups, names[i]);

        for (; value != NULL && *value != '\0'; value++)
            hash = (hash ^ (unsigned char)*value) * 16777619u;
        hash = (hash ^ 0xff) * 16777619u;
    }
    return hash;
}

void self_test_order(struct self_test *test, const struct ups *ups, enum test_kind kind,
                     uint64_t now)
{
    *test = (struct self_test){ .kind = kind,
                                .summary = TEST_RUNNING,
                                .start = now,
                                .ordered = true,
                                .limit = now + limit_of(kind),
                                .before = digest(ups) };
}

static void finish(struct self_test *test, enum test_summary summary, uint64_t now)
{
    test->summary = summary;
    test->end = now;
}

void self_test_refuse(struct self_test *test, uint64_t now)
{
    test->detail = "the UPS did not start the test";
    finish(test, TEST_ABORTED, now);
}

void self_test_abort(struct self_test *test, bool aborting)
{
    test->aborting = aborting;
}

/* What a test that is over has come to. */
static enum test_summary verdict(const struct self_test *test, enum test_summary outcome)
{
    if (test->aborting && (outcome == TEST_NONE || outcome == TEST_WARNING))
        return TEST_ABORTED;
    /* A test without a told outcome is nothing to call passed. */
    return outcome == TEST_NONE ? TEST_WARNING : outcome;
}

static void observe_running(struct self_test *test, const struct ups *ups,
                            const struct conditions *conditions, uint64_t now)
{
    if (conditions->test_running) {
        test->seen = true;
        return;
    }
    /* Of one that was ordered the device need not have shown anything yet. */
    if (test->seen || !test->ordered ||
        (conditions->outcome != TEST_NONE && digest(ups) != test->before))
        finish(test, verdict(test, conditions->outcome), now);
    else if (test->aborting)
        finish(test, TEST_ABORTED, now);
}

/* Tests are seen here whoever started them. */
void self_test_observe(struct self_test *test, const struct ups *ups,
                       const struct conditions *conditions, uint64_t now)
{
    if (test->summary == TEST_RUNNING) {
        observe_running(test, ups, conditions, now);
        if (test->summary == TEST_RUNNING && test->ordered && !test->seen && now >= test->limit) {
            test->detail = "the UPS has told no result of the test";
            finish(test, TEST_WARNING, now);
        }
        return;
    }
    if (conditions->test_running) {
        *test = (struct self_test){ .kind = (ups->status & STATUS_CAL) != 0 ? TEST_KIND_DEEP_BATTERY
                                                                            : TEST_KIND_GENERAL,
                                    .summary = TEST_RUNNING,
                                    .start = now,
                                    .seen = true };
    } else if (test->kind != TEST_KIND_NONE && conditions->outcome != TEST_NONE &&
               test->detail == NULL && !test->aborting) {
        test->summary = conditions->outcome;
    }
}

uint64_t self_test_next_look(const struct self_test *test)
{
    bool waits = test->summary == TEST_RUNNING && test->ordered && !test->seen;

    return waits ? test->limit : 0;
}
