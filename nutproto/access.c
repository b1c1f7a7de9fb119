/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/access.h"

#include <stdlib.h>
#include <string.h>

bool access_configure(struct access *access, const struct settings *settings)
{
    size_t size = settings->access_count * sizeof access->rules[0];
    struct access_rule *rules = size == 0 ? NULL : malloc(size);

    if (size > 0 && rules == NULL)
        return false;
    if (size > 0)
        memcpy(rules, settings->access, size);
    free(access->rules);
    *access = (struct access){ .rules = rules, .count = settings->access_count };
    return true;
}

void access_clear(struct access *access)
{
    free(access->rules);
    *access = (struct access){ 0 };
}

bool access_admits(const struct access *access, const struct client_address *address)
{
    struct ip_address bytes = { .ipv4 = address->family == AF_INET };

    memcpy(bytes.bytes, &address->ipv6, bytes.ipv4 ? 4 : sizeof bytes.bytes);
    return access_allows(access->rules, access->count, &bytes);
}
