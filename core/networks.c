/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/networks.h"

#include "core/config.h"

#include <arpa/inet.h>
#include <string.h>

#define MAPPED_BITS 96

static const uint8_t mapped[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };

static unsigned bits_of(const struct ip_address *address)
{
    return address->ipv4 ? 32 : 128;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned rest = bits % 8;

    return memcmp(a, b, bits / 8) == 0 &&
           (rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0);
}

/* Is nothing set behind the prefix? */
static bool is_base(const struct network *network)
{
    for (unsigned bit = network->length; bit < bits_of(&network->address); bit++) {
        if ((network->address.bytes[bit / 8] & 0x80 >> bit % 8) != 0)
            return false;
    }
    return true;
}

const char *network_parse(const char *text, struct network *network)
{
    const char *slash = strchr(text, '/');
    size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);
    char address[INET6_ADDRSTRLEN];
    unsigned bits;

    *network = (struct network){ .address.ipv4 = memchr(text, ':', length) == NULL };
    if (length >= sizeof address)
        return "is no IP address";
    memcpy(address, text, length);
    address[length] = '\0';
    if (inet_pton(network->address.ipv4 ? AF_INET : AF_INET6, address, network->address.bytes) != 1)
        return "is no IP address";
    unsigned most = bits_of(&network->address);
    if (slash != NULL && !config_unsigned(slash + 1, 0, most, &bits))
        return network->address.ipv4 ? "needs a number from 0 to 32 behind the '/'"
                                     : "needs a number from 0 to 128 behind the '/'";
    network->length = (uint8_t)(slash == NULL ? most : bits);
    if (!is_base(network))
        return "has bits set behind the network's own";
    if (!network->address.ipv4 && network->length >= MAPPED_BITS &&
        memcmp(network->address.bytes, mapped, sizeof mapped) == 0) {
        memmove(network->address.bytes, network->address.bytes + sizeof mapped, 4);
        memset(network->address.bytes + 4, 0, 12);
        network->address.ipv4 = true;
        network->length = (uint8_t)(network->length - MAPPED_BITS);
    }
    return NULL;
}

bool network_contains(const struct network *network, const struct ip_address *address)
{
    return network->address.ipv4 == address->ipv4 &&
           same_bits(network->address.bytes, address->bytes, network->length);
}

bool access_allows(const struct access_rule *rules, size_t count, const struct ip_address *address)
{
    bool allowing = false;

    for (size_t i = 0; i < count; i++) {
        if (network_contains(&rules[i].network, address))
            return rules[i].allow;
        allowing = allowing || rules[i].allow;
    }
    return !allowing;
}
