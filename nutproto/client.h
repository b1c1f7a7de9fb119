/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: who a client says it is and what it has asked for so far: the protocol's state of one
 * connection, without its transport (session.h).
 */
#ifndef UPSBRIDGE_NUTPROTO_CLIENT_H
#define UPSBRIDGE_NUTPROTO_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct exhibit;
struct inquiry;
struct ups;

struct client_address {
    sa_family_t family; /* AF_INET, AF_INET6; others have no text */
    union {
        struct in_addr ipv4;
        struct in6_addr ipv6;
    };
};

/* What counts as one place: an address, or the /64 network of an IPv6 address. */
struct client_place {
    uint64_t prefix;
    sa_family_t family;
};

struct client {
    uint64_t number;              /* connections in the order they were accepted */
    char *user_name, *password;   /* as sent; NULL: not yet. Not verified here */
    char *certificate_subject;    /* RFC 2253; NULL: no certificate that was verified */
    struct ups *login;            /* NULL: not logged in */
    struct exhibit *exhibit;      /* of login */
    struct client *newer, *older; /* among the clients of login, by number */
    struct client_address address;
    unsigned listener;       /* the number of the one that accepted it */
    uint64_t since;          /* clock_ms() when it was accepted */
    struct inquiry *inquiry; /* what a request waits for; NULL: nothing */
    uint64_t admitted_until; /* clock_ms() as long as TCP wrappers need not be asked again, ... */
    uint32_t admitted_stamp; /* ... if their rules are still the same */
    bool verified;           /* the name and the password were right when last looked at */
    bool tracking;
    bool tls;     /* what it says cannot be read on the way */
    bool denied;  /* something for want of TLS, and the log knows */
    bool leaving; /* said LOGOUT: nothing more is read, and what was answered is the last */
};

#define CLIENT_ADDRESS_SIZE INET6_ADDRSTRLEN

/* An IPv4 address mapped into IPv6 is the IPv4 address. */
void client_address_take(struct client_address *out, const struct sockaddr *address);
/* The inverse, with port 0. */
void client_address_give(const struct client_address *address, struct sockaddr_storage *out);

struct client_place client_place_of(const struct client_address *address);
bool client_place_same(const struct client_place *a, const struct client_place *b);

void client_init(struct client *client, uint64_t number, const struct client_address *address,
                 unsigned listener);
/* Logs out, drops what it waits for, and frees what it holds; the password is wiped. */
void client_clear(struct client *client);

/* The numeric address, without port; text is returned. */
const char *client_address(const struct client *client, char text[CLIENT_ADDRESS_SIZE]);

/* Counts the client in and out of ups; logging out does nothing if it is not logged in. */
void client_login(struct client *client, struct ups *ups, struct exhibit *exhibit);
void client_logout(struct client *client);

#endif
