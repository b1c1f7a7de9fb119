/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GET: single values, and what is known about them.
 */
#include <config.h>

#include "core/loop.h"
#include "core/variables.h"
#include "nutproto/call.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

#define NO_DESCRIPTION "Description unavailable"
#define SERVER_PREFIX "server."

static const char *days_text(const struct certificate *certificate, char *text, size_t size)
{
    snprintf(text, size, "%ld", certificate_days(certificate, time(NULL)));
    return text;
}

/* Ours alone: about the certificate that a client sees who speaks TLS. */
static bool get_certificate_variable(struct call *call)
{
    const struct certificates *certificates = &call->service->certificates;
    const char *name = call_argument(call, 2);
    char text[CERTIFICATE_TIME_SIZE];
    const char *value = NULL;

    if (certificates->count == 0)
        return false;
    const struct certificate *server = &certificates->items[0];
    if (strcasecmp(name, "server.certificate.subject") == 0)
        value = server->subject;
    else if (strcasecmp(name, "server.certificate.notbefore") == 0)
        value = certificate_time(server->not_before, text);
    else if (strcasecmp(name, "server.certificate.notafter") == 0)
        value = certificate_time(server->not_after, text);
    else if (strcasecmp(name, "server.certificate.days") == 0)
        value = days_text(server, text, sizeof text);
    if (value == NULL)
        return false;
    answer_quoted(call->output, "VAR", call_argument(call, 1), name, value);
    return true;
}

static void get_server_variable(struct call *call)
{
    static const struct {
        const char *name, *value;
    } values[] = {
        { "server.info", NUT_SERVER_INFO },
        { "server.version", NUT_SERVER_VERSION },
    };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcasecmp(call_argument(call, 2), values[i].name) == 0) {
            answer_quoted(call->output, "VAR", call_argument(call, 1), values[i].name,
                          values[i].value);
            return;
        }
    }
    if (!get_certificate_variable(call))
        call_error(call, "VAR-NOT-SUPPORTED");
}

/* The variable the request asks about; NULL: the client was told why not. */
static const struct ups_variable *find_variable(struct call *call, struct ups **ups)
{
    *ups = call_available_ups(call, 1);
    if (*ups == NULL)
        return NULL;
    const struct ups_variable *variable = ups_variable(*ups, call_argument(call, 2));
    if (variable == NULL)
        call_error(call, "VAR-NOT-SUPPORTED");
    return variable;
}

static void get_variable(struct call *call)
{
    struct ups *ups;

    /* About the server itself any device may be named, even one that does not exist. */
    if (strncasecmp(call_argument(call, 2), SERVER_PREFIX, sizeof SERVER_PREFIX - 1) == 0) {
        get_server_variable(call);
        return;
    }
    const struct ups_variable *variable = find_variable(call, &ups);
    if (variable != NULL)
        answer_variable(call->output, ups, call_argument(call, 1), call_argument(call, 2),
                        variable);
}

static void get_type(struct call *call)
{
    struct output *output = call->output;
    struct ups *ups;
    const struct ups_variable *variable = find_variable(call, &ups);

    if (variable == NULL)
        return;
    output_text(output, "TYPE ");
    output_text(output, call_argument(call, 1));
    output_character(output, ' ');
    output_text(output, call_argument(call, 2));
    if ((variable->flags & VARIABLE_RW) != 0)
        output_text(output, " RW");
    if (variable->choices->enum_count > 0)
        output_text(output, " ENUM");
    if (variable->choices->range_count > 0)
        output_text(output, " RANGE");
    if ((variable->flags & VARIABLE_STRING) != 0) {
        output_text(output, " STRING:");
        output_number(output, variable->length);
    } else {
        output_text(output, " NUMBER");
    }
    output_character(output, '\n');
}

static void answer_description(struct call *call, const char *word, const char *description)
{
    answer_quoted(call->output, word, call_argument(call, 1), call_argument(call, 2),
                  description == NULL ? NO_DESCRIPTION : description);
}

static void get_description(struct call *call)
{
    if (call_available_ups(call, 1) == NULL)
        return;
    const struct variable_info *info = variable_find(call_argument(call, 2));
    answer_description(call, "DESC", info == NULL ? NULL : info->description);
}

static void get_command_description(struct call *call)
{
    if (call_available_ups(call, 1) == NULL)
        return;
    const struct command_info *info = command_find(call_argument(call, 2));
    answer_description(call, "CMDDESC", info == NULL ? NULL : info->description);
}

static void get_ups_description(struct call *call)
{
    const struct ups *ups = call_ups(call, 1);

    if (ups != NULL)
        answer_quoted(call->output, "UPSDESC", call_argument(call, 1), NULL,
                      ups->description == NULL ? "Unavailable" : ups->description);
}

static void get_login_count(struct call *call)
{
    struct ups *ups = call_available_ups(call, 1);

    if (ups == NULL)
        return;
    const struct exhibit *exhibit = service_exhibit(call->service, ups);
    output_text(call->output, "NUMLOGINS ");
    output_text(call->output, call_argument(call, 1));
    output_character(call->output, ' ');
    output_number(call->output, exhibit == NULL ? 0 : (long)exhibit->login_count);
    output_character(call->output, '\n');
}

static void get_tracking(struct call *call)
{
    if (call->arguments == 1)
        call_answer(call, call->client->tracking ? "ON" : "OFF");
    else if (!call->client->tracking)
        call_error(call, "FEATURE-NOT-CONFIGURED");
    else
        call_answer(call, tracking_state_text(tracking_find(call->service->tracking,
                                                            call_argument(call, 1), clock_ms())));
}

static const struct topic topics[] = {
    { "VAR", 3, get_variable },
    { "NUMLOGINS", 2, get_login_count },
    { "UPSDESC", 2, get_ups_description },
    { "TYPE", 3, get_type },
    { "DESC", 3, get_description },
    { "CMDDESC", 3, get_command_description },
    { "TRACKING", 1, get_tracking },
};

void call_get(struct call *call)
{
    call_topic(call, topics, sizeof topics / sizeof topics[0]);
}
