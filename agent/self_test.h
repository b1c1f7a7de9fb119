/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the last self-test of a device, for upsTest: which it was, when, and what came of it;
 * both of tests ordered through SNMP and of those that others started, as far as the device shows
 * them. Source: RFC 1628 (upsTest, upsWellKnownTests).
 */
#ifndef UPSBRIDGE_AGENT_SELF_TEST_H
#define UPSBRIDGE_AGENT_SELF_TEST_H

#include "agent/conditions.h"
#include "core/ups.h"

#include <stdbool.h>
#include <stdint.h>

/* The last number of upsTestId, below upsWellKnownTests. */
enum test_kind {
    TEST_KIND_NONE = 1, /* upsTestNoTestsInitiated */
    TEST_KIND_ABORT,
    TEST_KIND_GENERAL,
    TEST_KIND_QUICK_BATTERY,
    TEST_KIND_DEEP_BATTERY,
};

struct self_test {
    enum test_kind kind; /* never ABORT */
    enum test_summary summary;
    uint64_t start, end; /* clock_ms(); 0: none, or not yet */
    bool ordered;        /* through the MIB's test group */
    bool seen;           /* the device has shown that it runs */
    bool aborting;       /* it was told to stop */
    uint64_t limit;      /* clock_ms() when an ordered one is given up */
    uint32_t before;     /* digest of what the device said of tests when it was ordered */
    const char *detail;  /* static, instead of what the device says; NULL */
};

#define SELF_TEST_NONE                               \
    (struct self_test)                               \
    {                                                \
        .kind = TEST_KIND_NONE, .summary = TEST_NONE \
    }

/* A test is about to be ordered; what was before can be put back by assignment if it is not. */
void self_test_order(struct self_test *test, const struct ups *ups, enum test_kind kind,
                     uint64_t now);
/* The device did not do what was ordered after all. */
void self_test_refuse(struct self_test *test, uint64_t now);
/* The running test is about to be told to stop; or it was not after all. */
void self_test_abort(struct self_test *test, bool aborting);

/* The device has told something new, or the limit is over. */
void self_test_observe(struct self_test *test, const struct ups *ups,
                       const struct conditions *conditions, uint64_t now);

/* clock_ms() when it is to be looked at again, whatever the device says; 0: never. */
uint64_t self_test_next_look(const struct self_test *test);

#endif
