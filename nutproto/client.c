/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/client.h"

#include "nutproto/exhibit.h"
#include "nutproto/inquiry.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

void client_address_take(struct client_address *out, const struct sockaddr *address)
{
    *out = (struct client_address){ 0 };
    out->family = address->sa_family;
    if (address->sa_family == AF_INET)
        out->ipv4 = ((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address->sa_family == AF_INET6)
        out->ipv6 = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (out->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&out->ipv6)) {
        struct in_addr ipv4;

        memcpy(&ipv4, &out->ipv6.s6_addr[12], sizeof ipv4);
        *out = (struct client_address){ .family = AF_INET, .ipv4 = ipv4 };
    }
}

void client_address_give(const struct client_address *address, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){ .ss_family = address->family };
    if (address->family == AF_INET)
        ((struct sockaddr_in *)(void *)out)->sin_addr = address->ipv4;
    else if (address->family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)out)->sin6_addr = address->ipv6;
}

struct client_place client_place_of(const struct client_address *address)
{
    struct client_place place = { .family = address->family };

    if (address->family == AF_INET)
        place.prefix = ntohl(address->ipv4.s_addr);
    else if (address->family == AF_INET6)
        memcpy(&place.prefix, &address->ipv6, sizeof place.prefix);
    return place;
}

bool client_place_same(const struct client_place *a, const struct client_place *b)
{
    return a->prefix == b->prefix && a->family == b->family;
}

void client_init(struct client *client, uint64_t number, const struct client_address *address,
                 unsigned listener)
{
    *client = (struct client){ .number = number, .address = *address, .listener = listener };
}

static void wipe(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void client_clear(struct client *client)
{
    client_logout(client);
    inquiry_drop(client);
    free(client->user_name);
    free(client->certificate_subject);
    wipe(client->password);
    client->user_name = NULL;
    client->certificate_subject = NULL;
    client->password = NULL;
}

const char *client_address(const struct client *client, char text[CLIENT_ADDRESS_SIZE])
{
    const struct client_address *address = &client->address;

    if (inet_ntop(address->family, &address->ipv4, text, CLIENT_ADDRESS_SIZE) == NULL)
        memcpy(text, "local", sizeof "local");
    return text;
}

void client_login(struct client *client, struct ups *ups, struct exhibit *exhibit)
{
    struct client *newer = NULL;
    struct client *older = exhibit->newest;

    /* The newest connection is usually the one that logs in: the first look mostly ends it. */
    while (older != NULL && older->number > client->number) {
        newer = older;
        older = older->older;
    }
    client->login = ups;
    client->exhibit = exhibit;
    client->newer = newer;
    client->older = older;
    if (older != NULL)
        older->newer = client;
    if (newer != NULL)
        newer->older = client;
    else
        exhibit->newest = client;
    exhibit->login_count++;
}

void client_logout(struct client *client)
{
    if (client->login == NULL)
        return;
    if (client->older != NULL)
        client->older->newer = client->newer;
    if (client->newer != NULL)
        client->newer->older = client->older;
    else
        client->exhibit->newest = client->older;
    client->exhibit->login_count--;
    client->login = NULL;
    client->exhibit = NULL;
}
