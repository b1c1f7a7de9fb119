/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/agentx_answer.h"

#include "agent/varbind.h"

#include <stdlib.h>

/* Instances told at most in one answer to GETBULK: more would not fit a PDU anyway. */
#define BULK_MAX 512

/* One request being answered. */
struct answering {
    const struct subtree *subtree; /* NULL: a context we do not know */
    const struct moment *moment;
    netsnmp_pdu *response;
};

static bool add_exception(const struct answering *answering, const netsnmp_variable_list *range,
                          u_char exception)
{
    return snmp_pdu_add_variable(answering->response, range->name, range->name_length, exception,
                                 NULL, 0) != NULL;
}

static bool add_instance(const struct answering *answering, size_t position)
{
    oid name[SUBTREE_NAME_MAX];
    size_t length = subtree_name_at(answering->subtree, position, name);
    netsnmp_variable_list *variable =
        snmp_pdu_add_variable(answering->response, name, length, ASN_NULL, NULL, 0);

    return variable != NULL &&
           varbind_set(variable, answering->subtree, position, answering->moment);
}

static bool answer_get(const struct answering *answering, const netsnmp_variable_list *range)
{
    enum subtree_match match = SUBTREE_NO_OBJECT;
    size_t position = SUBTREE_NONE;

    if (answering->subtree != NULL)
        match = subtree_get(answering->subtree, range->name, range->name_length, &position);
    if (match == SUBTREE_INSTANCE)
        return add_instance(answering, position);
    return add_exception(answering, range,
                         match == SUBTREE_NO_INSTANCE ? SNMP_NOSUCHINSTANCE : SNMP_NOSUCHOBJECT);
}

/* The next instance within a search range: from its start to before its end, if it has one. */
static size_t next_in_range(const struct answering *answering, const oid *start, size_t length,
                            bool inclusive, const netsnmp_variable_list *range)
{
    struct subtree_end end = { .name = range->val.objid, .length = range->val_len / sizeof(oid) };

    if (answering->subtree == NULL)
        return SUBTREE_NONE;
    /* Some masters say "no end" by 0.0. */
    if (end.length == 2 && end.name[0] == 0)
        end.length = 0;
    return subtree_next(answering->subtree, start, length, inclusive, &end);
}

/* Sets *position to what was told, or SUBTREE_NONE at the end of the range. */
static bool answer_next(const struct answering *answering, const netsnmp_variable_list *range,
                        size_t *position)
{
    *position = next_in_range(answering, range->name, range->name_length,
                              range->type == ASN_PRIV_INCL_RANGE, range);
    if (*position == SUBTREE_NONE)
        return add_exception(answering, range, SNMP_ENDOFMIBVIEW);
    return add_instance(answering, *position);
}

/* The next one behind what was told last; at the end, the last name again with endOfMibView. */
static bool answer_next_again(const struct answering *answering, const netsnmp_variable_list *range,
                              size_t *position)
{
    oid name[SUBTREE_NAME_MAX];
    size_t length;

    if (*position == SUBTREE_NONE)
        return add_exception(answering, range, SNMP_ENDOFMIBVIEW);
    length = subtree_name_at(answering->subtree, *position, name);
    *position = next_in_range(answering, name, length, false, range);
    if (*position == SUBTREE_NONE)
        return snmp_pdu_add_variable(answering->response, name, length, SNMP_ENDOFMIBVIEW, NULL,
                                     0) != NULL;
    return add_instance(answering, *position);
}

/* net-snmp's master makes GETNEXT of GETBULK; others may not. */
static bool answer_bulk(const struct answering *answering, const netsnmp_pdu *request)
{
    const netsnmp_variable_list *range = request->variables;
    size_t ranges = 0;

    for (long i = 0; i < request->non_repeaters && range != NULL; i++) {
        size_t position;

        if (!answer_next(answering, range, &position))
            return false;
        range = range->next_variable;
    }
    for (const netsnmp_variable_list *one = range; one != NULL; one = one->next_variable)
        ranges++;
    size_t *positions = calloc(ranges + 1, sizeof positions[0]);
    bool done = positions != NULL;
    size_t told = 0;
    for (long round = 0;
         done && ranges > 0 && round < request->max_repetitions && told + ranges <= BULK_MAX;
         round++, told += ranges) {
        size_t *position = positions;

        for (const netsnmp_variable_list *one = range; done && one != NULL;
             one = one->next_variable, position++)
            done = round == 0 ? answer_next(answering, one, position)
                              : answer_next_again(answering, one, position);
    }
    free(positions);
    return done;
}

static bool answer_each(const struct answering *answering, const netsnmp_pdu *request)
{
    for (const netsnmp_variable_list *range = request->variables; range != NULL;
         range = range->next_variable) {
        size_t position;
        bool done = request->command == AGENTX_GET ? answer_get(answering, range)
                                                   : answer_next(answering, range, &position);

        if (!done)
            return false;
    }
    return true;
}

netsnmp_pdu *agentx_new_response(const netsnmp_pdu *request)
{
    netsnmp_pdu *response = snmp_pdu_create(AGENTX_RESPONSE);

    if (response == NULL)
        return NULL;
    response->version = AGENTX_VERSION_1;
    response->flags |= request->flags & AGENTX_NETWORK_BYTE_ORDER;
    response->sessid = request->sessid;
    response->transid = request->transid;
    response->reqid = request->reqid;
    response->errstat = SNMP_ERR_NOERROR;
    response->errindex = 0;
    response->time = 0;
    return response;
}

bool agentx_context_of(const netsnmp_pdu *request, char context[AGENTX_CONTEXT_SIZE])
{
    if (request->community_len >= AGENTX_CONTEXT_SIZE)
        return false;
    if (request->community_len > 0)
        memcpy(context, request->community, request->community_len);
    context[request->community_len] = '\0';
    return true;
}

static const struct subtree *find_subtree(const netsnmp_pdu *request,
                                          const struct contexts *contexts)
{
    char context[AGENTX_CONTEXT_SIZE];

    if (!agentx_context_of(request, context))
        return NULL;
    return contexts->snapshot(contexts->owner, context);
}

bool agentx_answer(const netsnmp_pdu *request, const struct contexts *contexts,
                   const struct moment *moment, netsnmp_pdu **response)
{
    bool done;

    struct answering answering = { .subtree = find_subtree(request, contexts),
                                   .moment = moment,
                                   .response = agentx_new_response(request) };
    if (answering.response == NULL)
        return false;
    switch (request->command) {
    case AGENTX_GET:
    case AGENTX_GETNEXT:
        done = answer_each(&answering, request);
        break;
    case AGENTX_GETBULK:
        done = answer_bulk(&answering, request);
        break;
    case AGENTX_UNREADABLE:
        answering.response->errstat = AGENTX_PARSE_FAILED;
        done = true;
        break;
    default:
        done = false;
        break;
    }
    if (!done) {
        snmp_free_pdu(answering.response);
        return false;
    }
    *response = answering.response;
    return true;
}

bool agentx_respond(void *session, netsnmp_pdu *response)
{
    if (snmp_sess_async_send(session, response, NULL, NULL) != 0)
        return true;
    /* Whoever may ask can ask for too much; others' answers must not suffer by it. */
    if (snmp_sess_session(session)->s_snmp_errno == SNMPERR_TOO_LONG) {
        snmp_free_varbind(response->variables);
        response->variables = NULL;
        response->errstat = SNMP_ERR_TOOBIG;
        response->errindex = 1;
        if (snmp_sess_async_send(session, response, NULL, NULL) != 0)
            return true;
    }
    snmp_free_pdu(response);
    return false;
}
