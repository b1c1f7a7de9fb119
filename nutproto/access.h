/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: which addresses may connect at all: the ACCESS lines of upsbridge.conf.
 */
#ifndef UPSBRIDGE_NUTPROTO_ACCESS_H
#define UPSBRIDGE_NUTPROTO_ACCESS_H

#include "core/networks.h"
#include "core/settings.h"
#include "nutproto/client.h"

#include <stdbool.h>
#include <stddef.h>

/* A zeroed struct lets everybody in. */
struct access {
    struct access_rule *rules;
    size_t count;
};

/* Takes a copy of the rules. False: out of memory, and the old ones stay. */
bool access_configure(struct access *access, const struct settings *settings);
void access_clear(struct access *access);

bool access_admits(const struct access *access, const struct client_address *address);

#endif
