/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/standalone_set.h"

#include "agent/set.h"
#include "agent/varbind.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct pending {
    struct pending *next;
    struct standalone_sets *sets;
    const netsnmp_agent_session *session; /* the library's record of the request */
    struct set *set;
    netsnmp_delegated_cache *cache; /* what waits for the set; NULL: nothing does */
    bool returned;                  /* the handler has returned without an answer */
    bool answered;
    struct set_verdict verdict;
};

struct standalone_sets {
    const struct contexts *contexts;
    struct pending *pending;
};

struct standalone_sets *standalone_sets_new(const struct contexts *contexts)
{
    struct standalone_sets *sets = calloc(1, sizeof *sets);

    if (sets != NULL)
        sets->contexts = contexts;
    return sets;
}

static void end_pending(struct standalone_sets *sets, struct pending *pending)
{
    struct pending **link = &sets->pending;

    while (*link != pending)
        link = &(*link)->next;
    *link = pending->next;
    set_end(pending->set);
    if (pending->cache != NULL)
        netsnmp_free_delegated_cache(pending->cache);
    free(pending);
}

void standalone_sets_free(struct standalone_sets *sets)
{
    if (sets == NULL)
        return;
    while (sets->pending != NULL)
        end_pending(sets, sets->pending);
    free(sets);
}

static struct pending *find(const struct standalone_sets *sets,
                            const netsnmp_agent_session *session)
{
    struct pending *pending = sets->pending;

    while (pending != NULL && pending->session != session)
        pending = pending->next;
    return pending;
}

static void refuse(netsnmp_agent_request_info *info, netsnmp_request_info *requests,
                   const struct set_verdict *verdict)
{
    netsnmp_request_info *request = requests;

    if (verdict->error == SET_OK)
        return;
    for (size_t i = 1; i < verdict->index && request->next != NULL; i++)
        request = request->next;
    netsnmp_set_request_error(info, request, (int)verdict->error);
}

/* Who asks: the address and the user, or what a community stands for. */
static void describe_origin(char *out, size_t size, const netsnmp_agent_request_info *info)
{
    const netsnmp_pdu *pdu = info->asp->pdu;
    netsnmp_transport *transport = snmp_sess_transport(snmp_sess_pointer(info->asp->session));
    char *address =
        transport == NULL || transport->f_fmtaddr == NULL
            ? NULL
            : transport->f_fmtaddr(transport, pdu->transport_data, pdu->transport_data_length);

    snprintf(out, size, "%.*s%s%s", pdu->securityName == NULL ? 0 : (int)pdu->securityNameLen,
             pdu->securityName == NULL ? "" : pdu->securityName,
             pdu->securityName == NULL ? "" : " at ", address == NULL ? "an address" : address);
    free(address);
}

static void test(struct standalone_sets *sets, const netsnmp_handler_registration *handler,
                 netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
    const char *context = handler->contextName == NULL ? "" : handler->contextName;
    struct pending *pending = calloc(1, sizeof *pending);
    struct set_verdict verdict;
    char origin[128];
    size_t count = 0;

    for (const netsnmp_request_info *one = requests; one != NULL; one = one->next)
        count++;
    struct set_binding *bindings = calloc(count, sizeof bindings[0]);
    if (pending == NULL || bindings == NULL) {
        netsnmp_set_request_error(info, requests, SNMP_ERR_RESOURCEUNAVAILABLE);
        free(pending);
        free(bindings);
        return;
    }
    count = 0;
    for (const netsnmp_request_info *one = requests; one != NULL; one = one->next)
        bindings[count++] = varbind_read(one->requestvb);
    describe_origin(origin, sizeof origin, info);
    struct set *set =
        set_test(sets->contexts->setter, sets->contexts->device(sets->contexts->owner, context),
                 bindings, count, origin, &verdict);
    free(bindings);
    if (set == NULL) {
        free(pending);
        refuse(info, requests, &verdict);
        return;
    }
    *pending =
        (struct pending){ .next = sets->pending, .sets = sets, .session = info->asp, .set = set };
    sets->pending = pending;
}

/* Lets the library go on with what waited. */
static void resume(struct pending *pending)
{
    netsnmp_delegated_cache *cache = netsnmp_handler_check_cache(pending->cache);
    netsnmp_delegated_cache *kept = pending->cache;
    bool undone = pending->verdict.error == SET_UNDO_FAILED;

    pending->cache = NULL;
    if (cache != NULL) {
        for (netsnmp_request_info *one = cache->requests; one != NULL; one = one->next)
            one->delegated = 0;
        refuse(cache->reqinfo, cache->requests, &pending->verdict);
        undone = cache->reqinfo->mode == MODE_SET_UNDO;
    }
    netsnmp_free_delegated_cache(kept);
    if (undone || cache == NULL)
        end_pending(pending->sets, pending);
    netsnmp_check_outstanding_agent_requests();
}

static void on_done(void *context, const struct set_verdict *verdict)
{
    struct pending *pending = context;

    pending->answered = true;
    pending->verdict = *verdict;
    if (pending->returned)
        resume(pending);
}

/* Commits, or takes back; what cannot be answered at once is delegated. True: it is answered. */
static bool go(struct pending *pending, netsnmp_mib_handler *chain,
               netsnmp_handler_registration *handler, netsnmp_agent_request_info *info,
               netsnmp_request_info *requests,
               void (*phase)(struct set *set, set_done *done, void *context))
{
    pending->answered = pending->returned = false;
    phase(pending->set, on_done, pending);
    if (pending->answered) {
        refuse(info, requests, &pending->verdict);
        return true;
    }
    pending->cache = netsnmp_create_delegated_cache(chain, handler, info, requests, NULL);
    if (pending->cache == NULL) {
        netsnmp_set_request_error(info, requests, SNMP_ERR_GENERR);
        return true;
    }
    pending->returned = true;
    for (netsnmp_request_info *one = requests; one != NULL; one = one->next)
        one->delegated = 1;
    return false;
}

void standalone_sets_take(struct standalone_sets *sets, netsnmp_mib_handler *chain,
                          netsnmp_handler_registration *handler, netsnmp_agent_request_info *info,
                          netsnmp_request_info *requests)
{
    struct pending *pending = find(sets, info->asp);

    switch (info->mode) {
    case MODE_SET_RESERVE1:
        /* Of a request that was dropped, at the same place in memory. */
        if (pending != NULL)
            end_pending(sets, pending);
        test(sets, handler, info, requests);
        break;
    case MODE_SET_ACTION:
        if (pending == NULL)
            netsnmp_set_request_error(info, requests, SNMP_ERR_COMMITFAILED);
        else
            go(pending, chain, handler, info, requests, set_commit);
        break;
    case MODE_SET_UNDO:
        if (pending != NULL && go(pending, chain, handler, info, requests, set_undo))
            end_pending(sets, pending);
        break;
    case MODE_SET_COMMIT:
    case MODE_SET_FREE:
        if (pending != NULL)
            end_pending(sets, pending);
        break;
    default:
        break;
    }
}
