/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: one request being answered, and the checks that requests have in common. For the files
 * that implement commands alone.
 */
#ifndef UPSBRIDGE_NUTPROTO_CALL_H
#define UPSBRIDGE_NUTPROTO_CALL_H

#include "nutproto/answers.h"
#include "nutproto/client.h"
#include "nutproto/commands.h"
#include "nutproto/service.h"

#include <stdbool.h>

/* What the server says of itself. Clients look for the words and the number in front. */
#define NUT_SERVER_VERSION "2.8.0 (upsbridge " PACKAGE_VERSION ")"
#define NUT_SERVER_INFO \
    "Network UPS Tools upsd " NUT_SERVER_VERSION " - https://www.networkupstools.org/"
#define NUT_PROTOCOL_VERSION "1.3"

struct call {
    struct service *service;
    struct client *client;
    struct output *output;
    const struct words *words;
    const char *command; /* its name; NULL: there is no such command */
    unsigned arguments;  /* words behind the command's own */
    enum command_outcome outcome;
};

/* The keyword that follows GET, LIST or SET, and what it means. */
struct topic {
    const char *name;
    unsigned arguments; /* at least so many behind the command, the keyword included */
    void (*run)(struct call *call);
};

/* Argument number i, from 0. */
static inline const char *call_argument(const struct call *call, unsigned i)
{
    return words_at(call->words, i + 1);
}

/* Runs the topic that the first argument names; anything else is an invalid argument. */
void call_topic(struct call *call, const struct topic *topics, size_t count);

/* The whole answer. */
void call_error(struct call *call, const char *token);
void call_answer(struct call *call, const char *line);

/* The device an argument names; NULL: there is none, and the client was told so. */
struct ups *call_ups(struct call *call, unsigned argument);
/* The same; also NULL, after telling, when its readings cannot be shown. */
struct ups *call_available_ups(struct call *call, unsigned argument);

/* As the user it is, or says it is; NULL: it said nothing. */
const char *call_user_name(const struct call *call);

/*
 * Has the client, with its credentials as of now, the right to an action, to an instant command? If
 * not it was told so, or the request waits: in both cases there is nothing more to do.
 */
bool call_may_act(struct call *call, const char *action);
bool call_may_command(struct call *call, const char *command);

void call_get(struct call *call);
void call_list(struct call *call);
void call_set(struct call *call);
void call_instant_command(struct call *call);

#endif
