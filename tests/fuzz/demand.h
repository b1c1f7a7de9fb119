/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: how a fuzz target says that something must be so: a crash is what the fuzzer looks for.
 */
#ifndef UPSBRIDGE_TESTS_FUZZ_DEMAND_H
#define UPSBRIDGE_TESTS_FUZZ_DEMAND_H

#include <stdbool.h>
#include <stdlib.h>

static inline void demand(bool truth)
{
    if (!truth)
        abort();
}

#endif
