/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LIST: everything of one kind at once.
 */
#include "nutproto/call.h"

#include <stdio.h>

static void list_devices(struct call *call)
{
    const struct ups_store *store = call->service->store;

    answer_begin(call->output, "UPS", NULL, NULL);
    for (size_t i = 0; i < ups_count(store); i++) {
        const struct ups *ups = ups_at(store, i);

        answer_quoted(call->output, "UPS", ups->name, NULL,
                      ups->description == NULL ? "Description unavailable" : ups->description);
    }
    answer_end(call->output, "UPS", NULL, NULL);
}

static void list_of_device(struct call *call, enum listing listing)
{
    struct ups *ups = call_available_ups(call, 1);

    if (ups != NULL)
        answer_listing(call->output, ups, service_exhibit(call->service, ups), listing,
                       call_argument(call, 1));
}

static void list_variables(struct call *call)
{
    list_of_device(call, LISTING_VARIABLES);
}

static void list_writable(struct call *call)
{
    list_of_device(call, LISTING_WRITABLE);
}

static void list_commands(struct call *call)
{
    list_of_device(call, LISTING_COMMANDS);
}

static void list_clients(struct call *call)
{
    struct ups *ups = call_ups(call, 1);
    char address[CLIENT_ADDRESS_SIZE];

    if (ups == NULL)
        return;
    const struct exhibit *exhibit = service_exhibit(call->service, ups);
    const struct client *client = exhibit == NULL ? NULL : exhibit->newest;
    answer_begin(call->output, "CLIENT", call_argument(call, 1), NULL);
    for (; client != NULL; client = client->older) {
        output_text(call->output, "CLIENT ");
        output_text(call->output, ups->name);
        output_character(call->output, ' ');
        output_text(call->output, client_address(client, address));
        output_character(call->output, '\n');
    }
    answer_end(call->output, "CLIENT", call_argument(call, 1), NULL);
}

/* The variable whose choices are asked for; NULL: the client was told why not. */
static const struct ups_variable *find_variable(struct call *call)
{
    const struct ups *ups = call_available_ups(call, 1);
    const struct ups_variable *variable =
        ups == NULL ? NULL : ups_variable(ups, call_argument(call, 2));

    if (ups != NULL && variable == NULL)
        call_error(call, "VAR-NOT-SUPPORTED");
    return variable;
}

static void list_enumeration(struct call *call)
{
    const struct ups_variable *variable = find_variable(call);

    if (variable == NULL)
        return;
    answer_begin(call->output, "ENUM", call_argument(call, 1), call_argument(call, 2));
    for (size_t i = 0; i < variable->choices->enum_count; i++)
        answer_quoted(call->output, "ENUM", call_argument(call, 1), call_argument(call, 2),
                      variable->choices->enums[i]);
    answer_end(call->output, "ENUM", call_argument(call, 1), call_argument(call, 2));
}

static void list_ranges(struct call *call)
{
    const struct ups_variable *variable = find_variable(call);
    char bounds[64];

    if (variable == NULL)
        return;
    answer_begin(call->output, "RANGE", call_argument(call, 1), call_argument(call, 2));
    for (size_t i = 0; i < variable->choices->range_count; i++) {
        output_text(call->output, "RANGE ");
        output_text(call->output, call_argument(call, 1));
        output_character(call->output, ' ');
        output_text(call->output, call_argument(call, 2));
        snprintf(bounds, sizeof bounds, " \"%ld\" \"%ld\"\n", variable->choices->ranges[i].minimum,
                 variable->choices->ranges[i].maximum);
        output_text(call->output, bounds);
    }
    answer_end(call->output, "RANGE", call_argument(call, 1), call_argument(call, 2));
}

static const struct topic topics[] = {
    { "VAR", 2, list_variables }, { "UPS", 1, list_devices },    { "RW", 2, list_writable },
    { "CMD", 2, list_commands },  { "CLIENT", 2, list_clients }, { "ENUM", 3, list_enumeration },
    { "RANGE", 3, list_ranges },
};

void call_list(struct call *call)
{
    call_topic(call, topics, sizeof topics / sizeof topics[0]);
}
