/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes networks in CIDR notation: what is taken contains its own address and nothing that differs
 * in a bit that counts; what is not taken has a reason.
 */
#include "core/networks.h"
#include "tests/fuzz/demand.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct network *network)
{
    unsigned bits = network->address.ipv4 ? 32 : 128;

    demand(network->length <= bits);
    for (unsigned bit = 0; bit < bits; bit++) {
        struct ip_address other = network->address;

        other.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        demand(network_contains(network, &other) == (bit >= network->length));
    }
    struct access_rule rule = { .network = *network, .allow = true };
    struct ip_address mixed = network->address;
    demand(access_allows(&rule, 1, &network->address));
    mixed.ipv4 = !mixed.ipv4;
    demand(!access_allows(&rule, 1, &mixed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct network network;

    demand(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    const char *wrong = network_parse(text, &network);
    if (wrong == NULL)
        check(&network);
    else
        demand(*wrong != '\0');
    free(text);
    return 0;
}
