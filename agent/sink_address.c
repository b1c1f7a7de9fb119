/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/sink_address.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STACK_SIZE ((size_t)256 * 1024)

/* Reading ------------------------------------------------------------------------------------- */

static bool copy(char *out, size_t size, const char *text, size_t length)
{
    if (length == 0 || length >= size)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static bool is_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) <= 5 &&
           strtoul(text, NULL, 10) >= 1 && strtoul(text, NULL, 10) <= 65535;
}

/* The rest behind the host: nothing, or a port. */
static bool parse_port(const char *rest, struct sink_address *address)
{
    if (*rest == '\0')
        return copy(address->port, sizeof address->port, SINK_PORT, strlen(SINK_PORT));
    return *rest == ':' && is_number(rest + 1) &&
           copy(address->port, sizeof address->port, rest + 1, strlen(rest + 1));
}

static bool parse_host(const char *text, struct sink_address *address)
{
    size_t length = strcspn(text, ":");

    if (*text == '[') {
        const char *end = strchr(text, ']');

        if (address->family == AF_UNSPEC)
            address->family = AF_INET6;
        return end != NULL &&
               copy(address->host, sizeof address->host, text + 1, (size_t)(end - text - 1)) &&
               parse_port(end + 1, address);
    }
    /* An IPv6 address can stand there without brackets, but then without a port. */
    if (address->family == AF_INET6 && strchr(text + length + (text[length] == ':'), ':') != NULL)
        length = strlen(text);
    return copy(address->host, sizeof address->host, text, length) &&
           parse_port(text + length, address);
}

bool sink_address_parse(const char *text, struct sink_address *address)
{
    static const struct {
        const char *prefix;
        int family;
    } kinds[] = {
        { "udp:", AF_INET },      { "udp6:", AF_INET6 }, { "udpv6:", AF_INET6 },
        { "udpipv6:", AF_INET6 }, { "ipv6:", AF_INET6 },
    };

    *address = (struct sink_address){ .family = AF_UNSPEC };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t length = strlen(kinds[i].prefix);

        if (strncasecmp(text, kinds[i].prefix, length) != 0)
            continue;
        address->family = kinds[i].family;
        return parse_host(text + length, address);
    }
    return parse_host(text, address);
}

/* Looking up --------------------------------------------------------------------------------- */

/* Shared by the thread and the main loop; the last to leave frees it. */
struct sink_lookup {
    struct message message;
    struct loop *loop;
    struct sink_address address;
    sink_found *found;
    void *owner;
    struct addrinfo *list;
    int error;
    pthread_mutex_t lock;
    bool given_up; /* nobody waits for it */
};

static void free_lookup(struct sink_lookup *lookup)
{
    if (lookup->list != NULL)
        freeaddrinfo(lookup->list);
    pthread_mutex_destroy(&lookup->lock);
    free(lookup);
}

static int resolve(const struct sink_address *address, int flags, struct addrinfo **list)
{
    const struct addrinfo hints = { .ai_family = address->family,
                                    .ai_socktype = SOCK_DGRAM,
                                    .ai_flags = flags | AI_NUMERICSERV };
    int error = getaddrinfo(address->host, address->port, &hints, list);

    if (error != 0)
        *list = NULL;
    return error;
}

const struct addrinfo *sink_address_choose(const struct addrinfo *list)
{
    const struct addrinfo *chosen = list;

    while (chosen != NULL && chosen->ai_family != AF_INET)
        chosen = chosen->ai_next;
    return chosen == NULL ? list : chosen;
}

static void deliver(struct message *message)
{
    struct sink_lookup *lookup = (struct sink_lookup *)message;
    const struct addrinfo *chosen = sink_address_choose(lookup->list);

    /* The thread may not have let go of it yet. */
    pthread_mutex_lock(&lookup->lock);
    pthread_mutex_unlock(&lookup->lock);
    if (!lookup->given_up)
        lookup->found(lookup->owner, lookup->error, chosen == NULL ? NULL : chosen->ai_addr,
                      chosen == NULL ? 0 : chosen->ai_addrlen);
    free_lookup(lookup);
}

/* The loop lives as long as somebody waits, so that it is asked for under the lock. */
static void *look_up(void *argument)
{
    struct sink_lookup *lookup = argument;

    lookup->error = resolve(&lookup->address, AI_ADDRCONFIG, &lookup->list);
    pthread_mutex_lock(&lookup->lock);
    bool given_up = lookup->given_up;
    if (!given_up)
        loop_post(lookup->loop, &lookup->message);
    pthread_mutex_unlock(&lookup->lock);
    if (given_up)
        free_lookup(lookup);
    return NULL;
}

/* Signals are for the main thread. */
static int start_thread(struct sink_lookup *lookup)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;

    sigfillset(&all);
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, &attributes, look_up, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

struct sink_lookup *sink_address_look_up(struct loop *loop, const struct sink_address *address,
                                         sink_found *found, void *owner)
{
    struct addrinfo *list;

    if (resolve(address, AI_NUMERICHOST, &list) == 0) {
        found(owner, 0, list->ai_addr, list->ai_addrlen);
        freeaddrinfo(list);
        return NULL;
    }
    struct sink_lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL)
        return NULL;
    lookup->message.deliver = deliver;
    lookup->loop = loop;
    lookup->address = *address;
    lookup->found = found;
    lookup->owner = owner;
    pthread_mutex_init(&lookup->lock, NULL);
    int error = start_thread(lookup);
    if (error == 0)
        return lookup;
    free_lookup(lookup);
    errno = error;
    return NULL;
}

void sink_address_give_up(struct sink_lookup *lookup)
{
    if (lookup == NULL)
        return;
    pthread_mutex_lock(&lookup->lock);
    lookup->given_up = true;
    pthread_mutex_unlock(&lookup->lock);
}
