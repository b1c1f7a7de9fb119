/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: IP addresses and networks in CIDR notation, and lists of who is let in.
 */
#ifndef UPSBRIDGE_CORE_NETWORKS_H
#define UPSBRIDGE_CORE_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address has no port. An IPv4 address mapped into IPv6 is the IPv4 address. */
struct ip_address {
    bool ipv4;         /* only the first 4 bytes count */
    uint8_t bytes[16]; /* network order */
};

struct network {
    struct ip_address address;
    uint8_t length; /* bits that count */
};

/* "192.0.2.0/24", "2001:db8::/32", or an address alone. NULL, or what is wrong with the text. */
const char *network_parse(const char *text, struct network *network);
bool network_contains(const struct network *network, const struct ip_address *address);

struct access_rule {
    struct network network;
    bool allow;
};

/*
 * The first rule that has the address decides. Who is in none is let in if there is no rule that
 * allows.
 */
bool access_allows(const struct access_rule *rules, size_t count, const struct ip_address *address);

#endif
