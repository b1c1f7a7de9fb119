/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SET and INSTCMD: what clients ask of a device. OK means that the device's driver has it; what
 * came of it is known by TRACKING.
 */
#include "core/log.h"
#include "core/loop.h"
#include "nutproto/call.h"

#include <stdlib.h>
#include <strings.h>

/* Makes an identifier if the client wants one; text says "disabled" otherwise. */
static bool begin_tracking(const struct call *call, char text[TRACKING_TEXT_SIZE])
{
    if (call->client->tracking && tracking_make_id(text))
        return true;
    memcpy(text, "disabled", sizeof "disabled");
    return false;
}

/* The answer to a request that was handed over. */
static void answer_accepted(struct call *call, uint64_t request, bool tracked, const char *id)
{
    if (!tracked || !tracking_add(call->service->tracking, id, request, clock_ms())) {
        call_answer(call, "OK");
        return;
    }
    output_text(call->output, "OK TRACKING ");
    call_answer(call, id);
}

/* SET VAR ------------------------------------------------------------------------------------ */

static bool in_enumeration(const struct ups_variable *variable, const char *value)
{
    for (size_t i = 0; i < variable->choices->enum_count; i++) {
        if (strcmp(variable->choices->enums[i], value) == 0)
            return true;
    }
    return variable->choices->enum_count == 0;
}

/* Only the leading integer counts, and text counts as 0, as clients of upsd are used to. */
static bool in_ranges(const struct ups_variable *variable, const char *value)
{
    long number = strtol(value, NULL, 10);

    for (size_t i = 0; i < variable->choices->range_count; i++) {
        if (number >= variable->choices->ranges[i].minimum &&
            number <= variable->choices->ranges[i].maximum)
            return true;
    }
    return variable->choices->range_count == 0;
}

/* The error token for a value the variable does not allow, or NULL. */
static const char *check_value(const struct ups_variable *variable, const char *value)
{
    if ((variable->flags & VARIABLE_RW) == 0)
        return "READONLY";
    if ((variable->flags & VARIABLE_STRING) != 0) {
        if (variable->length == 0)
            return "SET-FAILED";
        if (strlen(value) > variable->length)
            return "TOO-LONG";
    }
    if (!in_enumeration(variable, value) || !in_ranges(variable, value))
        return "INVALID-VALUE";
    return NULL;
}

static void hand_over_value(struct call *call, struct ups *ups, const struct ups_variable *variable)
{
    const char *value = call_argument(call, 3);
    char id[TRACKING_TEXT_SIZE];
    char address[CLIENT_ADDRESS_SIZE];
    bool tracked = begin_tracking(call, id);
    uint64_t request = ups_request_set(call->service->store, ups, variable->name, value);

    if (request == 0) {
        call_error(call, "SET-FAILED");
        return;
    }
    log_info("Set variable: %s@%s set %s on %s to %s (tracking ID: %s)", call_user_name(call),
             client_address(call->client, address), call_argument(call, 2), ups->name, value, id);
    answer_accepted(call, request, tracked, id);
}

static void set_variable(struct call *call)
{
    struct ups *ups = call_available_ups(call, 1);

    if (ups == NULL)
        return;
    if (!call_may_act(call, "SET"))
        return;
    const struct ups_variable *variable = ups_variable(ups, call_argument(call, 2));
    const char *error =
        variable == NULL ? "VAR-NOT-SUPPORTED" : check_value(variable, call_argument(call, 3));
    if (error != NULL)
        call_error(call, error);
    else
        hand_over_value(call, ups, variable);
}

/* SET TRACKING ------------------------------------------------------------------------------- */

static void set_tracking(struct call *call)
{
    const char *wanted = call_argument(call, 1);
    bool on = strcasecmp(wanted, "ON") == 0;

    if (!on && strcasecmp(wanted, "OFF") != 0) {
        call_error(call, "INVALID-ARGUMENT");
        return;
    }
    call->client->tracking = on;
    call_answer(call, "OK");
}

static const struct topic topics[] = {
    { "VAR", 4, set_variable },
    { "TRACKING", 2, set_tracking },
};

void call_set(struct call *call)
{
    call_topic(call, topics, sizeof topics / sizeof topics[0]);
}

/* INSTCMD ------------------------------------------------------------------------------------ */

/* upsd passes a parameter on only if nothing follows it, and an empty one gets lost on the way. */
static const char *command_parameter(const struct call *call)
{
    if (call->arguments != 3 || call_argument(call, 2)[0] == '\0')
        return NULL;
    return call_argument(call, 2);
}

static void hand_over_command(struct call *call, struct ups *ups, const char *name)
{
    const char *parameter = command_parameter(call);
    char id[TRACKING_TEXT_SIZE];
    char address[CLIENT_ADDRESS_SIZE];
    bool tracked = begin_tracking(call, id);
    uint64_t request = ups_request_command(call->service->store, ups, name, parameter);

    if (request == 0) {
        call_error(call, "INSTCMD-FAILED");
        return;
    }
    log_info("Instant command: %s@%s did %s%s%s on %s (tracking ID: %s)", call_user_name(call),
             client_address(call->client, address), call_argument(call, 1),
             parameter == NULL ? "" : " with value ", parameter == NULL ? "" : parameter, ups->name,
             id);
    answer_accepted(call, request, tracked, id);
}

void call_instant_command(struct call *call)
{
    if (call->arguments < 2) {
        call_error(call, "INVALID-ARGUMENT");
        return;
    }
    struct ups *ups = call_available_ups(call, 0);
    if (ups == NULL)
        return;
    const char *name = ups_command_name(ups, call_argument(call, 1));
    if (name == NULL)
        call_error(call, "CMD-NOT-SUPPORTED");
    else if (call_may_command(call, name))
        hand_over_command(call, ups, name);
}
