/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "nutproto/commands.h"

#include "core/log.h"
#include "nutproto/call.h"
#include "nutproto/inquiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A number of arguments that the command looks at itself. */
#define ANY (-1)

struct command {
    const char *name;
    signed char arguments;         /* exactly so many, or ANY */
    bool identified;               /* only after USERNAME and PASSWORD, whatever they were */
    enum tls_requirement in_clear; /* the strictest rule that allows it in clear */
    void (*run)(struct call *call);
};

/* What requests have in common --------------------------------------------------------------- */

void call_error(struct call *call, const char *token)
{
    answer_error(call->output, token);
}

static void deny(struct call *call)
{
    call->service->census->refused_logins++;
    call_error(call, "ACCESS-DENIED");
}

void call_answer(struct call *call, const char *line)
{
    output_text(call->output, line);
    output_character(call->output, '\n');
}

void call_topic(struct call *call, const struct topic *topics, size_t count)
{
    for (size_t i = 0; call->arguments > 0 && i < count; i++) {
        if (strcasecmp(topics[i].name, call_argument(call, 0)) != 0)
            continue;
        if (call->arguments < topics[i].arguments)
            break;
        topics[i].run(call);
        return;
    }
    call_error(call, "INVALID-ARGUMENT");
}

struct ups *call_ups(struct call *call, unsigned argument)
{
    struct ups *ups = ups_find(call->service->store, call_argument(call, argument));

    if (ups == NULL)
        call_error(call, "UNKNOWN-UPS");
    return ups;
}

struct ups *call_available_ups(struct call *call, unsigned argument)
{
    struct ups *ups = call_ups(call, argument);

    if (ups == NULL || ups_fresh(ups))
        return ups;
    /* A device that was once read is known; what is known of it is only too old. */
    call_error(call, ups->has_data ? "DATA-STALE" : "DRIVER-NOT-CONNECTED");
    return NULL;
}

const char *call_user_name(const struct call *call)
{
    return authority_user_name(call->service->authority, call->client);
}

/* The address comes first, and so that nothing a client calls itself can look like another one. */
static void refuse(struct call *call, const char *why)
{
    char address[CLIENT_ADDRESS_SIZE];

    service_complain(call->service, LOG_NOTICE, "Refused %s from %s by user %s: %s", call->command,
                     client_address(call->client, address), call_user_name(call), why);
    deny(call);
}

/* NULL: the client is nobody, and was told so, or it is not known yet. */
static const struct user *identify(struct call *call)
{
    const struct user *user;

    switch (authority_identify(call->service->authority, call->client, &user)) {
    case VERDICT_GRANTED:
        return user;
    case VERDICT_DENIED:
        refuse(call, "wrong user name or password");
        break;
    case VERDICT_WAITS:
        call->outcome = COMMAND_WAITS;
        break;
    }
    return NULL;
}

static bool check_right(struct call *call, bool right)
{
    if (right)
        return true;
    call->service->census->counters.missing_rights++;
    refuse(call, "this user has no right to it");
    return false;
}

bool call_may_act(struct call *call, const char *action)
{
    const struct user *user = identify(call);

    return user != NULL && check_right(call, user_may_act(user, action));
}

bool call_may_command(struct call *call, const char *command)
{
    const struct user *user = identify(call);

    return user != NULL && check_right(call, user_may_command(user, command));
}

/* For requests that only users may make: has it said who it is, and do TCP wrappers like it? */
static bool may_ask(struct call *call)
{
    const struct client *client = call->client;
    bool certified = authority_certified(call->service->authority, client) != NULL;

    if (!certified && client->user_name == NULL) {
        call_error(call, "USERNAME-REQUIRED");
        return false;
    }
    if (!certified && client->password == NULL) {
        call_error(call, "PASSWORD-REQUIRED");
        return false;
    }
    switch (authority_admit(call->service->authority, call->client)) {
    case VERDICT_GRANTED:
        return true;
    case VERDICT_DENIED:
        refuse(call, "TCP wrappers do not let it in");
        break;
    case VERDICT_WAITS:
        call->outcome = COMMAND_WAITS;
        break;
    }
    return false;
}

/* About the server --------------------------------------------------------------------------- */

static void run_version(struct call *call)
{
    call_answer(call, NUT_SERVER_INFO);
}

static void run_protocol_version(struct call *call)
{
    call_answer(call, NUT_PROTOCOL_VERSION);
}

static void run_help(struct call *call)
{
    call_answer(call, "Commands: HELP VER GET LIST SET INSTCMD LOGIN LOGOUT USERNAME PASSWORD "
                      "STARTTLS");
}

static void run_start_tls(struct call *call)
{
#ifdef HAVE_OPENSSL
    if (call->client->tls)
        call_error(call, "ALREADY-SSL-MODE");
    else if (call->service->tls == NULL)
        call_error(call, "FEATURE-NOT-CONFIGURED");
    else {
        call_answer(call, "OK STARTTLS");
        call->outcome = COMMAND_STARTS_TLS;
    }
#else
    call_error(call, "FEATURE-NOT-SUPPORTED");
#endif
}

/* About the client --------------------------------------------------------------------------- */

static void complain(struct call *call, const char *what)
{
    const struct client *client = call->client;
    char address[CLIENT_ADDRESS_SIZE];

    client_address(client, address);
    if (client->user_name == NULL)
        service_complain(call->service, LOG_INFO, "Client on %s %s", address, what);
    else
        service_complain(call->service, LOG_INFO, "Client %s@%s %s", client->user_name, address,
                         what);
}

static void keep_credential(struct call *call, char **place)
{
    *place = strdup(call_argument(call, 0));
    if (*place == NULL)
        call->output->failed = true;
    else
        call_answer(call, "OK");
}

static void run_user_name(struct call *call)
{
    if (call->client->user_name == NULL) {
        keep_credential(call, &call->client->user_name);
        return;
    }
    complain(call, "tried to set a username twice");
    call_error(call, "ALREADY-SET-USERNAME");
}

static void run_password(struct call *call)
{
    if (call->client->password == NULL) {
        keep_credential(call, &call->client->password);
        return;
    }
    complain(call, "tried to set a password twice");
    call_error(call, "ALREADY-SET-PASSWORD");
}

static void run_login(struct call *call)
{
    struct client *client = call->client;
    char address[CLIENT_ADDRESS_SIZE];

    if (client->login != NULL) {
        complain(call, "tried to login twice");
        call_error(call, "ALREADY-LOGGED-IN");
        return;
    }
    struct ups *ups = call_ups(call, 0);
    if (ups == NULL)
        return;
    if (!call_may_act(call, "LOGIN"))
        return;
    struct exhibit *exhibit = service_exhibit(call->service, ups);
    if (exhibit == NULL) {
        call->output->failed = true;
        return;
    }
    client_login(client, ups, exhibit);
    log_info("User %s@%s logged into UPS [%s]%s", call_user_name(call),
             client_address(client, address), ups->name, client->tls ? " (SSL)" : "");
    call_answer(call, "OK");
}

static void run_logout(struct call *call)
{
    struct client *client = call->client;
    char address[CLIENT_ADDRESS_SIZE];

    if (client->login != NULL)
        log_info("User %s@%s logged out from UPS [%s]", call_user_name(call),
                 client_address(client, address), client->login->name);
    client_logout(client);
    client->leaving = true;
    call_answer(call, "OK Goodbye");
}

static void grant(struct call *call, const char *answer)
{
    if (call_ups(call, 0) == NULL)
        return;
    if (call_may_act(call, "PRIMARY"))
        call_answer(call, answer);
}

static void run_primary(struct call *call)
{
    grant(call, "OK PRIMARY-GRANTED");
}

static void run_master(struct call *call)
{
    grant(call, "OK MASTER-GRANTED");
}

static void run_forced_shutdown(struct call *call)
{
    struct ups *ups = call_ups(call, 0);
    char address[CLIENT_ADDRESS_SIZE];

    if (ups == NULL)
        return;
    if (!call_may_act(call, "FSD"))
        return;
    log_info("Client %s@%s set FSD on UPS [%s]", call_user_name(call),
             client_address(call->client, address), ups->name);
    ups_force_shutdown(call->service->store, ups);
    call_answer(call, "OK FSD-SET");
}

/* Dispatch ----------------------------------------------------------------------------------- */

/* Those that clients send most come first. */
static const struct command commands[] = {
    { "GET", ANY, false, TLS_FOR_LOGINS, call_get },
    { "LIST", ANY, false, TLS_FOR_LOGINS, call_list },
    { "USERNAME", 1, false, TLS_OPTIONAL, run_user_name },
    { "PASSWORD", 1, false, TLS_OPTIONAL, run_password },
    { "STARTTLS", ANY, false, TLS_FOR_ALL, run_start_tls },
    { "LOGIN", 1, true, TLS_OPTIONAL, run_login },
    { "LOGOUT", 0, false, TLS_FOR_ALL, run_logout },
    { "PRIMARY", 1, true, TLS_OPTIONAL, run_primary },
    { "MASTER", 1, true, TLS_OPTIONAL, run_master },
    { "FSD", 1, true, TLS_OPTIONAL, run_forced_shutdown },
    { "SET", ANY, true, TLS_OPTIONAL, call_set },
    { "INSTCMD", ANY, true, TLS_OPTIONAL, call_instant_command },
    { "VER", 0, false, TLS_FOR_ALL, run_version },
    { "NETVER", 0, false, TLS_FOR_ALL, run_protocol_version },
    { "PROTVER", 0, false, TLS_FOR_ALL, run_protocol_version },
    { "HELP", 0, false, TLS_FOR_ALL, run_help },
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcasecmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

/*
 * Denies what REQUIRE_TLS wants to be said in TLS only. NUT's clients send the password whatever
 * they were answered to the user's name, but not if the connection ends without any answer.
 */
static bool deny_in_clear(struct call *call, const struct command *command)
{
    bool credential = command->run == run_user_name || command->run == run_password;
    char what[64];

    if (call->client->tls ||
        call->service->tls_required[call->client->listener] <= command->in_clear)
        return false;
    snprintf(what, sizeof what, "was denied %s without TLS", command->name);
    if (!call->client->denied)
        complain(call, what);
    call->client->denied = true;
    if (credential)
        call->client->leaving = true;
    else
        deny(call);
    return true;
}

static void run_admitted(struct call *call, const struct command *command)
{
    if (command->arguments != ANY && call->arguments != (unsigned)command->arguments)
        call_error(call, "INVALID-ARGUMENT");
    else
        command->run(call);
}

static void run_command(struct call *call, const struct command *command)
{
    call->command = command->name;
    if (!deny_in_clear(call, command) && (!command->identified || may_ask(call)))
        run_admitted(call, command);
    /* What was found out is of no use to another request, however this one has ended. */
    if (command->identified && call->outcome != COMMAND_WAITS)
        inquiry_drop(call->client);
}

enum command_outcome commands_run(struct service *service, struct client *client,
                                  struct words *words)
{
    struct call call = { .service = service,
                         .client = client,
                         .output = &service->output,
                         .words = words,
                         .arguments = words->count == 0 ? 0 : words->count - 1 };
    const struct command *command = words->count == 0 ? NULL : find_command(words_at(words, 0));

    if (command == NULL)
        call_error(&call, "UNKNOWN-COMMAND");
    else
        run_command(&call, command);
    service->census->requests += call.outcome != COMMAND_WAITS;
    return call.outcome;
}
