/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/peers.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS 1024u

struct peer {
    struct peer *next;
    struct client_place place;
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

static bool is_counted(const struct client_address *address)
{
    if (address->family == AF_INET)
        return ntohl(address->ipv4.s_addr) >> 24 != 127;
    return address->family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&address->ipv6);
}

/* The link to the peer, or to where it would be added. */
static struct peer **find(struct peers *peers, const struct client_place *place)
{
    uint64_t hash = (place->prefix ^ peers->seed) * UINT64_C(0x9e3779b97f4a7c15);

    hash = (hash ^ hash >> 32) * (peers->seed | 1);
    struct peer **link = &peers->buckets[hash >> 32 & (BUCKETS - 1)];

    while (*link != NULL && !client_place_same(&(*link)->place, place))
        link = &(*link)->next;
    return link;
}

bool peers_enter(struct peers *peers, const struct client_address *address, size_t limit)
{
    struct client_place place = client_place_of(address);

    if (!is_counted(address))
        return true;
    struct peer **link = find(peers, &place);
    if (*link == NULL) {
        *link = calloc(1, sizeof **link);
        if (*link == NULL)
            return false;
        (*link)->place = place;
    }
    if ((*link)->connections >= limit)
        return false;
    (*link)->connections++;
    return true;
}

void peers_leave(struct peers *peers, const struct client_address *address)
{
    struct client_place place = client_place_of(address);

    if (!is_counted(address))
        return;
    struct peer **link = find(peers, &place);
    struct peer *peer = *link;
    if (peer == NULL || --peer->connections > 0)
        return;
    *link = peer->next;
    free(peer);
}
