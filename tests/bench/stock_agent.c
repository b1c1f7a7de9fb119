/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What net-snmp's agent library does by itself: one handler on one subtree, answering from a sorted
 * array, with the library's own listening and its own loop. The objects are those of a file:
 *
 *   OID TYPE VALUE       TYPE as ASN.1 tags it: 2 integer, 4 string (the rest of the line), 6 OID,
 *                        65 counter, 66 gauge, 67 time ticks
 *
 *   stock_agent listen ADDRESS OBJECTS     an agent of its own
 *   stock_agent agentx SOCKET OBJECTS      a subagent
 *
 * Access control comes from bench.conf in SNMPCONFPATH.
 */
#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include "bench.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "bench"
#define OBJECTS_MAX 4096
#define OID_LENGTH_MAX 32

/* Of the library's agent/mibgroup, without a header among the installed ones. */
void init_vacm_conf(void);

struct object {
    oid name[OID_LENGTH_MAX];
    size_t name_length;
    u_char type;
    size_t length;
    union {
        long integer;
        char *text;
        oid *oid;
        void *any;
    } value;
};

static struct {
    struct object objects[OBJECTS_MAX];
    size_t count;
} served;

/* The first object at or behind a name; count if there is none. */
static size_t position_of(const oid *name, size_t length)
{
    size_t low = 0;
    size_t high = served.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct object *object = &served.objects[middle];

        if (snmp_oid_compare(object->name, object->name_length, name, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(size_t position, const oid *name, size_t length)
{
    return position < served.count &&
           snmp_oid_compare(served.objects[position].name, served.objects[position].name_length,
                            name, length) == 0;
}

static void give(netsnmp_variable_list *variable, size_t position)
{
    const struct object *object = &served.objects[position];

    if (object->type == ASN_OCTET_STR || object->type == ASN_OBJECT_ID)
        snmp_set_var_typed_value(variable, object->type, object->value.any, object->length);
    else
        snmp_set_var_typed_integer(variable, object->type, object->value.integer);
}

/* False: there is nothing behind the variable's name. */
static bool get_next(netsnmp_variable_list *variable, bool inclusive)
{
    size_t position = position_of(variable->name, variable->name_length);

    if (!inclusive && is_at(position, variable->name, variable->name_length))
        position++;
    if (position == served.count)
        return false;
    snmp_set_var_objid(variable, served.objects[position].name,
                       served.objects[position].name_length);
    give(variable, position);
    return true;
}

/* The library has laid out the variables of the repetitions to come one behind the other. */
static void get_bulk(netsnmp_request_info *request)
{
    netsnmp_variable_list *variable = request->requestvb;

    while (get_next(variable, request->inclusive != 0) && request->repeat > 0 &&
           variable->next_variable != NULL) {
        netsnmp_variable_list *next = variable->next_variable;

        snmp_set_var_objid(next, variable->name, variable->name_length);
        next->type = ASN_PRIV_RETRY;
        request->requestvb = variable = next;
        request->inclusive = 0;
        request->repeat--;
    }
}

static void get(netsnmp_agent_request_info *asked, netsnmp_request_info *request)
{
    netsnmp_variable_list *variable = request->requestvb;
    size_t position = position_of(variable->name, variable->name_length);

    if (is_at(position, variable->name, variable->name_length))
        give(variable, position);
    else
        netsnmp_set_request_error(asked, request, SNMP_NOSUCHOBJECT);
}

static int handle(netsnmp_mib_handler *handler, netsnmp_handler_registration *registration,
                  netsnmp_agent_request_info *asked, netsnmp_request_info *requests)
{
    (void)handler;
    (void)registration;
    for (; requests != NULL; requests = requests->next) {
        if (requests->processed)
            continue;
        if (asked->mode == MODE_GETBULK)
            get_bulk(requests);
        else if (asked->mode == MODE_GETNEXT)
            get_next(requests->requestvb, requests->inclusive != 0);
        else
            get(asked, requests);
    }
    return SNMP_ERR_NOERROR;
}

/* Objects ------------------------------------------------------------------------------------ */

static size_t parse_name(const char *text, oid *name)
{
    size_t length = OID_LENGTH_MAX;

    if (read_objid(text, name, &length) == 0)
        fail("an OID of the objects cannot be read");
    return length;
}

static void set_value(struct object *object, const char *text)
{
    oid name[OID_LENGTH_MAX];

    if (object->type == ASN_OCTET_STR) {
        object->value.text = strdup(text);
        object->length = strlen(text);
    } else if (object->type == ASN_OBJECT_ID) {
        object->length = parse_name(text, name) * sizeof name[0];
        object->value.any = malloc(object->length);
        if (object->value.any != NULL)
            memcpy(object->value.any, name, object->length);
    } else {
        object->value.integer = strtol(text, NULL, 10);
    }
}

static void read_objects(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[1024], name[512];
    unsigned type;
    int value;

    if (file == NULL)
        fail_errno(path);
    while (fgets(line, sizeof line, file) != NULL) {
        struct object *object = &served.objects[served.count];

        line[strcspn(line, "\n")] = '\0';
        if (served.count == OBJECTS_MAX || sscanf(line, "%511s %u %n", name, &type, &value) != 2)
            fail("the objects cannot be read");
        object->name_length = parse_name(name, object->name);
        object->type = (u_char)type;
        set_value(object, line + value);
        served.count++;
    }
    fclose(file);
    if (served.count == 0)
        fail("there are no objects");
}

/* Start -------------------------------------------------------------------------------------- */

static void register_subtree(void)
{
    static const oid root[] = { 1, 3, 6, 1, 2, 1, 33 };
    netsnmp_handler_registration *registration = netsnmp_create_handler_registration(
        "upsMIB", handle, root, OID_LENGTH(root), HANDLER_CAN_RONLY | HANDLER_CAN_GETBULK);

    if (registration == NULL || netsnmp_register_handler(registration) != MIB_REGISTERED_OK)
        fail("the subtree cannot be registered");
}

int main(int argc, char **argv)
{
    bool agentx = argc == 4 && strcmp(argv[1], "agentx") == 0;

    if (!agentx && (argc != 4 || strcmp(argv[1], "listen") != 0))
        fail("usage: stock_agent listen ADDRESS OBJECTS | agentx SOCKET OBJECTS");
    snmp_enable_stderrlog();
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_ROLE, agentx);
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID,
                           NETSNMP_DS_AGENT_DONT_LOG_TCPWRAPPERS_CONNECTS, 1);
    netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID,
                          agentx ? NETSNMP_DS_AGENT_X_SOCKET : NETSNMP_DS_AGENT_PORTS, argv[2]);
    init_agent(NAME);
    read_objects(argv[3]);
    register_subtree();
    if (!agentx)
        init_vacm_conf();
    init_snmp(NAME);
    if (!agentx && init_master_agent() != 0)
        fail("the address cannot be listened on");
    for (;;)
        agent_check_and_process(1);
}
