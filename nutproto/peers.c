/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/peers.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS 1024u

/* What is counted as one place. */
struct key {
    uint64_t prefix; /* the address, or the network half of an IPv6 address */
    sa_family_t family;
};

struct peer {
    struct peer *next;
    struct key key;
    size_t connections;
};

struct peers {
    uint64_t seed; /* so that nobody can choose addresses that share a bucket */
    struct peer *buckets[BUCKETS];
};

struct peers *peers_new(void)
{
    struct peers *peers = calloc(1, sizeof *peers);

    if (peers != NULL && getrandom(&peers->seed, sizeof peers->seed, GRND_NONBLOCK) < 0)
        peers->seed = (uintptr_t)peers;
    return peers;
}

void peers_free(struct peers *peers)
{
    if (peers == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (peers->buckets[i] != NULL) {
            struct peer *peer = peers->buckets[i];

            peers->buckets[i] = peer->next;
            free(peer);
        }
    }
    free(peers);
}

/* False: connections from there are not counted. */
static bool key_of(const struct client_address *address, struct key *key)
{
    *key = (struct key){ .family = address->family };
    if (address->family == AF_INET) {
        uint32_t host = ntohl(address->ipv4.s_addr);

        key->prefix = host;
        return host >> 24 != 127;
    }
    if (address->family != AF_INET6 || IN6_IS_ADDR_LOOPBACK(&address->ipv6))
        return false;
    memcpy(&key->prefix, &address->ipv6, sizeof key->prefix);
    return true;
}

/* The link to the peer, or to where it would be added. */
static struct peer **find(struct peers *peers, const struct key *key)
{
    uint64_t hash = (key->prefix ^ peers->seed) * UINT64_C(0x9e3779b97f4a7c15);

    hash = (hash ^ hash >> 32) * (peers->seed | 1);
    struct peer **link = &peers->buckets[hash >> 32 & (BUCKETS - 1)];

    while (*link != NULL &&
           ((*link)->key.prefix != key->prefix || (*link)->key.family != key->family))
        link = &(*link)->next;
    return link;
}

bool peers_enter(struct peers *peers, const struct client_address *address, size_t limit)
{
    struct key key;

    if (!key_of(address, &key))
        return true;
    struct peer **link = find(peers, &key);
    if (*link == NULL) {
        *link = calloc(1, sizeof **link);
        if (*link == NULL)
            return false;
        (*link)->key = key;
    }
    if ((*link)->connections >= limit)
        return false;
    (*link)->connections++;
    return true;
}

void peers_leave(struct peers *peers, const struct client_address *address)
{
    struct key key;

    if (!key_of(address, &key))
        return;
    struct peer **link = find(peers, &key);
    struct peer *peer = *link;
    if (peer == NULL || --peer->connections > 0)
        return;
    *link = peer->next;
    free(peer);
}
