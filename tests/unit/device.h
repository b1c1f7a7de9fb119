/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a store with one device whose readings a test sets as text: for the tests of what reads
 * the store. Everything is static, so each test program has its own.
 */
#ifndef UPSBRIDGE_TESTS_DEVICE_H
#define UPSBRIDGE_TESTS_DEVICE_H

#include "core/loop.h"
#include "core/ups.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

struct device_fixture {
    struct loop *loop;
    struct ups_store *store;
    struct ups *ups;
};

static inline void device_open(struct device_fixture *fixture, unsigned maximum_age)
{
    fixture->loop = loop_new();
    assert_non_null(fixture->loop);
    fixture->store = ups_store_new(loop_base(fixture->loop), maximum_age);
    assert_non_null(fixture->store);
    fixture->ups = ups_add(fixture->store, "alpha", NULL);
    assert_non_null(fixture->ups);
}

static inline void device_close(struct device_fixture *fixture)
{
    ups_store_free(fixture->store);
    loop_free(fixture->loop);
}

/*
 * A good poll that tells exactly these readings: "name=value" one a line.
 */
static inline void device_tell(struct device_fixture *fixture, const char *readings)
{
    struct update update = { .complete = true };
    char *copy = strdup(readings);
    char *rest = copy;
    char *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        char *value = strchr(line, '=');

        if (value == NULL)
            continue;
        *value++ = '\0';
        update_set(&update, line, value);
    }
    assert_true(update_ok(&update));
    ups_link(fixture->store, fixture->ups, true);
    ups_apply(fixture->store, fixture->ups, &update);
    update_clear(&update);
    free(copy);
}

#endif
