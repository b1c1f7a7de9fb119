/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AgentX requests, made as a master's would arrive, and the responses to them.
 */
#include "agent/agentx_answer.h"
#include "agent/objects.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static struct subtree *subtree;

static int set_up(void **state)
{
    struct subtree_builder *builder = subtree_begin();

    (void)state;
    for (arc object = 1; object <= 3; object++) {
        subtree_name(builder, (const arc[]){ 2, 1, 33, 1, 1, object, 0 }, 7);
        subtree_integer(builder, SUBTREE_INTEGER, (long)object * 10);
    }
    subtree_name(builder, (const arc[]){ 2, 1, 33, 1, 2, 1, 0 }, 7);
    subtree_text(builder, "abc", 3);
    subtree = subtree_finish(builder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(subtree);
    return 0;
}

static const struct subtree *snapshot(void *owner, const char *context)
{
    (void)owner;
    return strcmp(context, "") == 0 || strcmp(context, "alpha") == 0 ? subtree : NULL;
}

static netsnmp_pdu *request_of(int command, const char *context)
{
    netsnmp_pdu *request = snmp_pdu_create(command);

    request->version = AGENTX_VERSION_1;
    request->sessid = 7;
    request->transid = 8;
    request->reqid = 9;
    request->flags |= AGENTX_NETWORK_BYTE_ORDER;
    if (*context != '\0') {
        request->community = (u_char *)strdup(context);
        request->community_len = strlen(context);
    }
    return request;
}

/* A search range: upsObjects.group.object.0 to the end of upsObjects.last_group; 0: open. */
static void add_range(netsnmp_pdu *request, arc group, arc object, bool inclusive, arc last_group)
{
    const oid start[] = { OBJECTS_UPS_MIB, 1, group, object, 0 };
    const oid end[] = { OBJECTS_UPS_MIB, 1, last_group + 1 };
    const oid none[] = { 0, 0 };

    snmp_pdu_add_variable(request, start, 11, inclusive ? ASN_PRIV_INCL_RANGE : ASN_PRIV_EXCL_RANGE,
                          last_group == 0 ? none : end, last_group == 0 ? sizeof none : sizeof end);
}

static netsnmp_pdu *answer_to(netsnmp_pdu *request, bool *done)
{
    const struct contexts contexts = { .snapshot = snapshot };
    const struct moment moment = moment_at(1000, 0);
    netsnmp_pdu *response = NULL;

    *done = agentx_answer(request, &contexts, &moment, &response);
    snmp_free_pdu(request);
    return response;
}

static netsnmp_pdu *answer(netsnmp_pdu *request)
{
    bool done;
    netsnmp_pdu *response = answer_to(request, &done);

    assert_true(done);
    assert_non_null(response);
    assert_int_equal(response->command, AGENTX_RESPONSE);
    assert_int_equal(response->sessid, 7);
    assert_int_equal(response->transid, 8);
    assert_int_equal(response->reqid, 9);
    assert_true(response->flags & AGENTX_NETWORK_BYTE_ORDER);
    return response;
}

static void assert_variable(const netsnmp_variable_list *variable, arc group, arc object, int type)
{
    const oid name[] = { OBJECTS_UPS_MIB, 1, group, object, 0 };

    assert_non_null(variable);
    assert_int_equal(variable->name_length, 11);
    assert_memory_equal(variable->name, name, sizeof name);
    assert_int_equal(variable->type, type);
}

static void test_get(void **state)
{
    netsnmp_pdu *request = request_of(AGENTX_GET, "");

    (void)state;
    add_range(request, 1, 2, true, 0);
    add_range(request, 1, 4, true, 0);
    add_range(request, 10, 1, true, 0);
    add_range(request, 2, 1, true, 0);
    netsnmp_pdu *response = answer(request);
    const netsnmp_variable_list *variable = response->variables;
    assert_int_equal(response->errstat, 0);
    assert_variable(variable, 1, 2, ASN_INTEGER);
    assert_int_equal(*variable->val.integer, 20);
    variable = variable->next_variable;
    assert_variable(variable, 1, 4, SNMP_NOSUCHINSTANCE);
    variable = variable->next_variable;
    assert_variable(variable, 10, 1, SNMP_NOSUCHOBJECT);
    variable = variable->next_variable;
    assert_variable(variable, 2, 1, ASN_OCTET_STR);
    assert_int_equal(variable->val_len, 3);
    assert_null(variable->next_variable);
    snmp_free_pdu(response);
}

static void test_get_in_contexts(void **state)
{
    static const struct {
        const char *context;
        int type;
    } cases[] = { { "alpha", ASN_INTEGER }, { "beta", SNMP_NOSUCHINSTANCE } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        netsnmp_pdu *request = request_of(AGENTX_GET, cases[i].context);

        add_range(request, 1, 1, true, 0);
        netsnmp_pdu *response = answer(request);
        if (strcmp(cases[i].context, "beta") == 0)
            assert_variable(response->variables, 1, 1, SNMP_NOSUCHOBJECT);
        else
            assert_variable(response->variables, 1, 1, cases[i].type);
        snmp_free_pdu(response);
    }
}

static void test_a_context_too_long(void **state)
{
    char context[1000];
    netsnmp_pdu *request;

    (void)state;
    memset(context, 'x', sizeof context - 1);
    context[sizeof context - 1] = '\0';
    request = request_of(AGENTX_GETNEXT, context);
    add_range(request, 1, 1, true, 0);
    netsnmp_pdu *response = answer(request);
    assert_variable(response->variables, 1, 1, SNMP_ENDOFMIBVIEW);
    snmp_free_pdu(response);
}

static void test_getnext(void **state)
{
    netsnmp_pdu *request = request_of(AGENTX_GETNEXT, "alpha");

    (void)state;
    add_range(request, 1, 1, false, 0); /* behind 1.1 */
    add_range(request, 1, 1, true, 0);  /* at it */
    add_range(request, 1, 3, false, 1); /* nothing more in group 1 */
    add_range(request, 1, 3, false, 2); /* group 2 follows */
    add_range(request, 2, 1, false, 0); /* the end of everything */
    netsnmp_pdu *response = answer(request);
    const netsnmp_variable_list *variable = response->variables;
    assert_variable(variable, 1, 2, ASN_INTEGER);
    variable = variable->next_variable;
    assert_variable(variable, 1, 1, ASN_INTEGER);
    variable = variable->next_variable;
    assert_variable(variable, 1, 3, SNMP_ENDOFMIBVIEW);
    variable = variable->next_variable;
    assert_variable(variable, 2, 1, ASN_OCTET_STR);
    variable = variable->next_variable;
    assert_variable(variable, 2, 1, SNMP_ENDOFMIBVIEW);
    assert_null(variable->next_variable);
    snmp_free_pdu(response);
}

static void test_getbulk(void **state)
{
    netsnmp_pdu *request = request_of(AGENTX_GETBULK, "");

    (void)state;
    request->non_repeaters = 1;
    request->max_repetitions = 3;
    add_range(request, 2, 1, true, 0);
    add_range(request, 1, 1, false, 0);
    add_range(request, 1, 3, false, 0);
    netsnmp_pdu *response = answer(request);
    const netsnmp_variable_list *variable = response->variables;
    static const struct {
        arc group, object;
        int type;
    } expected[] = {
        { 2, 1, ASN_OCTET_STR }, { 1, 2, ASN_INTEGER },       { 2, 1, ASN_OCTET_STR },
        { 1, 3, ASN_INTEGER },   { 2, 1, SNMP_ENDOFMIBVIEW }, { 2, 1, ASN_OCTET_STR },
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_variable(variable, expected[i].group, expected[i].object, expected[i].type);
        variable = variable->next_variable;
    }
    assert_non_null(variable); /* the second range, ended */
    assert_int_equal(variable->type, SNMP_ENDOFMIBVIEW);
    assert_null(variable->next_variable);
    snmp_free_pdu(response);
}

static void test_getbulk_is_bounded(void **state)
{
    netsnmp_pdu *request = request_of(AGENTX_GETBULK, "");
    size_t count = 0;

    (void)state;
    request->max_repetitions = 65535;
    for (int i = 0; i < 20; i++)
        add_range(request, 1, 1, false, 0);
    netsnmp_pdu *response = answer(request);
    for (const netsnmp_variable_list *variable = response->variables; variable != NULL;
         variable = variable->next_variable)
        count++;
    assert_true(count <= 1024);
    snmp_free_pdu(response);
}

static void test_what_no_master_sends(void **state)
{
    bool done;

    (void)state;
    assert_null(answer_to(request_of(AGENTX_OPEN, ""), &done));
    assert_false(done);
    assert_null(answer_to(request_of(99, ""), &done));
    assert_false(done);
    /* Somebody else's. */
    assert_null(answer_to(request_of(AGENTX_TESTSET, ""), &done));
    assert_false(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_get_in_contexts),
        cmocka_unit_test(test_a_context_too_long),
        cmocka_unit_test(test_getnext),
        cmocka_unit_test(test_getbulk),
        cmocka_unit_test(test_getbulk_is_bounded),
        cmocka_unit_test(test_what_no_master_sends),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
