/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/agentx_set.h"

#include "agent/agentx_answer.h"
#include "agent/set.h"
#include "agent/varbind.h"

#include <stdlib.h>

struct transaction {
    struct transaction *next;
    struct agentx_sets *sets;
    long id; /* h.transactionID */
    struct set *set;
    bool committing;           /* it was told to */
    netsnmp_pdu *response;     /* waits for the set; NULL: there is none to be sent */
    struct set_verdict commit; /* what came of it, once it is answered */
};

struct agentx_sets {
    const struct contexts *contexts;
    agentx_set_respond *respond;
    void *owner;
    struct transaction *transactions; /* in the order of their coming */
    size_t count;
};

struct agentx_sets *agentx_sets_new(const struct contexts *contexts, agentx_set_respond *respond,
                                    void *owner)
{
    struct agentx_sets *sets = calloc(1, sizeof *sets);

    if (sets == NULL)
        return NULL;
    sets->contexts = contexts;
    sets->respond = respond;
    sets->owner = owner;
    return sets;
}

/* Transactions ------------------------------------------------------------------------------- */

static void end_transaction(struct transaction **link)
{
    struct transaction *transaction = *link;

    *link = transaction->next;
    transaction->sets->count--;
    set_end(transaction->set);
    if (transaction->response != NULL)
        snmp_free_pdu(transaction->response);
    free(transaction);
}

void agentx_sets_clear(struct agentx_sets *sets)
{
    while (sets->transactions != NULL)
        end_transaction(&sets->transactions);
}

void agentx_sets_free(struct agentx_sets *sets)
{
    if (sets == NULL)
        return;
    agentx_sets_clear(sets);
    free(sets);
}

/* A transaction has several sets if the master sends what it asks in several PDUs. */
static struct transaction *find(const struct agentx_sets *sets, long id, bool committing)
{
    struct transaction *transaction = sets->transactions;

    while (transaction != NULL && (transaction->id != id || transaction->committing != committing))
        transaction = transaction->next;
    return transaction;
}

static void send_verdict(const struct agentx_sets *sets, netsnmp_pdu *response,
                         const struct set_verdict *verdict)
{
    response->errstat = (long)verdict->error;
    response->errindex = (long)verdict->index;
    sets->respond(sets->owner, response);
}

/* Phases ------------------------------------------------------------------------------------- */

static bool add_transaction(struct agentx_sets *sets, long id, struct set *set)
{
    struct transaction **link = &sets->transactions;
    struct transaction *transaction = calloc(1, sizeof *transaction);

    if (transaction == NULL)
        return false;
    *transaction = (struct transaction){ .sets = sets, .id = id, .set = set };
    while (*link != NULL)
        link = &(*link)->next;
    *link = transaction;
    sets->count++;
    return true;
}

static struct set *test(const struct agentx_sets *sets, const netsnmp_pdu *request,
                        const struct set_binding *bindings, size_t count,
                        struct set_verdict *verdict)
{
    char context[AGENTX_CONTEXT_SIZE];

    *verdict = (struct set_verdict){ .error = SET_NOT_WRITABLE, .index = 1 };
    if (!agentx_context_of(request, context))
        return NULL;
    *verdict = (struct set_verdict){ .error = SET_RESOURCE_UNAVAILABLE, .index = 1 };
    if (sets->count >= AGENTX_SETS_MAX)
        return NULL;
    return set_test(sets->contexts->setter, sets->contexts->device(sets->contexts->owner, context),
                    bindings, count, "", verdict);
}

static bool take_test(struct agentx_sets *sets, const netsnmp_pdu *request, netsnmp_pdu *response)
{
    struct set_verdict verdict;
    size_t count = 0, used = 0;

    for (const netsnmp_variable_list *one = request->variables; one != NULL;
         one = one->next_variable)
        count++;
    struct set_binding *bindings = calloc(count + 1, sizeof bindings[0]);
    if (bindings == NULL)
        return false;
    for (const netsnmp_variable_list *one = request->variables; one != NULL;
         one = one->next_variable)
        bindings[used++] = varbind_read(one);
    struct set *set = test(sets, request, bindings, count, &verdict);
    free(bindings);
    if (set != NULL && !add_transaction(sets, request->transid, set)) {
        set_end(set);
        return false;
    }
    send_verdict(sets, response, &verdict);
    return true;
}

static void on_committed(void *context, const struct set_verdict *verdict)
{
    struct transaction *transaction = context;
    netsnmp_pdu *response = transaction->response;

    transaction->response = NULL;
    transaction->commit = *verdict;
    send_verdict(transaction->sets, response, verdict);
}

static void take_commit(struct agentx_sets *sets, const netsnmp_pdu *request, netsnmp_pdu *response)
{
    const struct set_verdict unknown = { .error = SET_COMMIT_FAILED, .index = 1 };
    struct transaction *transaction = find(sets, request->transid, false);
    struct transaction *again = find(sets, request->transid, true);

    if (transaction != NULL) {
        transaction->committing = true;
        transaction->response = response;
        set_commit(transaction->set, on_committed, transaction);
    } else if (again != NULL && again->response != NULL) {
        /* A master that asks again has its answer coming. */
        snmp_free_pdu(response);
    } else {
        send_verdict(sets, response, again == NULL ? &unknown : &again->commit);
    }
}

static void on_undone(void *context, const struct set_verdict *verdict)
{
    struct transaction *transaction = context;
    struct agentx_sets *sets = transaction->sets;
    netsnmp_pdu *response = transaction->response;
    struct transaction **link = &sets->transactions;

    transaction->response = NULL;
    while (*link != transaction)
        link = &(*link)->next;
    end_transaction(link);
    send_verdict(sets, response, verdict);
}

static void take_undo(struct agentx_sets *sets, const netsnmp_pdu *request, netsnmp_pdu *response)
{
    const struct set_verdict nothing = { .error = SET_OK };
    struct transaction *transaction = find(sets, request->transid, true);

    if (transaction == NULL)
        transaction = find(sets, request->transid, false);
    if (transaction == NULL) {
        send_verdict(sets, response, &nothing);
        return;
    }
    /* A master that could not wait for the commit does not want to hear of it any more. */
    if (transaction->response != NULL)
        snmp_free_pdu(transaction->response);
    transaction->response = response;
    set_undo(transaction->set, on_undone, transaction);
}

static void take_cleanup(struct agentx_sets *sets, const netsnmp_pdu *request)
{
    struct transaction **link = &sets->transactions;

    while (*link != NULL) {
        if ((*link)->id == request->transid)
            end_transaction(link);
        else
            link = &(*link)->next;
    }
}

bool agentx_is_set(const netsnmp_pdu *request)
{
    return request->command == AGENTX_TESTSET || request->command == AGENTX_COMMITSET ||
           request->command == AGENTX_UNDOSET || request->command == AGENTX_CLEANUPSET;
}

bool agentx_sets_take(struct agentx_sets *sets, const netsnmp_pdu *request)
{
    if (request->command == AGENTX_CLEANUPSET) {
        take_cleanup(sets, request);
        return true;
    }
    netsnmp_pdu *response = agentx_new_response(request);
    if (response == NULL)
        return false;
    if (request->command == AGENTX_COMMITSET) {
        take_commit(sets, request, response);
    } else if (request->command == AGENTX_UNDOSET) {
        take_undo(sets, request, response);
    } else if (!take_test(sets, request, response)) {
        snmp_free_pdu(response);
        return false;
    }
    return true;
}
