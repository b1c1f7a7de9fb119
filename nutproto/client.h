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
struct ups;

struct client_address {
    sa_family_t family; /* AF_INET, AF_INET6; others have no text */
    union {
        struct in_addr ipv4;
        struct in6_addr ipv6;
    };
};

struct client {
    uint64_t number;              /* connections in the order they were accepted */
    char *user_name, *password;   /* as sent; NULL: not yet. Not verified here */
    char *certificate_subject;    /* RFC 2253; NULL: no certificate that was verified */
    struct ups *login;            /* NULL: not logged in */
    struct exhibit *exhibit;      /* of login */
    struct client *newer, *older; /* among the clients of login, by number */
    struct client_address address;
    unsigned listener; /* the number of the one that accepted it */
    uint64_t since; /* clock_ms() when it was accepted */
    bool tracking;
    bool tls;     /* what it says cannot be read on the way */
    bool denied;  /* something for want of TLS, and the log knows */
    bool leaving; /* said LOGOUT: nothing more is read, and what was answered is the last */
};

#define CLIENT_ADDRESS_SIZE INET6_ADDRSTRLEN

void client_address_take(struct client_address *out, const struct sockaddr *address);

void client_init(struct client *client, uint64_t number, const struct client_address *address,
                 unsigned listener);
/* Logs out and frees what it holds; the password is wiped. */
void client_clear(struct client *client);

/* The numeric address, without port; text is returned. */
const char *client_address(const struct client *client, char text[CLIENT_ADDRESS_SIZE]);

/* Counts the client in and out of ups; logging out does nothing if it is not logged in. */
void client_login(struct client *client, struct ups *ups, struct exhibit *exhibit);
void client_logout(struct client *client);

#endif
