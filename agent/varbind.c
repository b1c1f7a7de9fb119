/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/varbind.h"

_Static_assert(_Generic((oid){ 0 }, arc : 1, default : 0),
               "object identifiers are kept as net-snmp does");
_Static_assert(SUBTREE_INTEGER == ASN_INTEGER && SUBTREE_TEXT == ASN_OCTET_STR &&
                   SUBTREE_OBJECT_ID == ASN_OBJECT_ID && SUBTREE_COUNTER == ASN_COUNTER &&
                   SUBTREE_GAUGE == ASN_GAUGE && SUBTREE_TIMETICKS == ASN_TIMETICKS &&
                   SUBTREE_COUNTER64 == ASN_COUNTER64,
               "types are numbered as in BER");

bool varbind_set(netsnmp_variable_list *variable, const struct subtree *subtree, size_t position,
                 const struct moment *moment)
{
    struct subtree_value value;

    subtree_value_at(subtree, position, moment, &value);
    if (value.type == SUBTREE_COUNTER64) {
        struct counter64 counter = { .high = (u_long)(value.counter >> 32),
                                     .low = (u_long)(value.counter & UINT32_MAX) };

        return snmp_set_var_typed_value(variable, (u_char)value.type, &counter, sizeof counter) ==
               0;
    }
    if (value.type == SUBTREE_TEXT || value.type == SUBTREE_OBJECT_ID)
        return snmp_set_var_typed_value(variable, (u_char)value.type, value.bytes, value.size) == 0;
    return snmp_set_var_typed_value(variable, (u_char)value.type, &value.number,
                                    sizeof value.number) == 0;
}

bool varbind_add_all(netsnmp_pdu *pdu, const struct subtree *subtree, const struct moment *moment)
{
    for (size_t i = 0; i < subtree_count(subtree); i++) {
        oid name[SUBTREE_NAME_MAX];
        size_t length = subtree_name_at(subtree, i, name);
        netsnmp_variable_list *variable =
            snmp_pdu_add_variable(pdu, name, length, ASN_NULL, NULL, 0);

        if (variable == NULL || !varbind_set(variable, subtree, i, moment))
            return false;
    }
    return true;
}

struct set_binding varbind_read(const netsnmp_variable_list *variable)
{
    struct set_binding binding = { .name = variable->name,
                                   .length = variable->name_length,
                                   .type = variable->type };

    switch (variable->type) {
    case ASN_INTEGER:
        binding.number = *variable->val.integer;
        break;
    case ASN_OCTET_STR:
        binding.bytes = variable->val.string;
        binding.size = variable->val_len;
        break;
    case ASN_OBJECT_ID:
        binding.bytes = variable->val.objid;
        binding.size = variable->val_len / sizeof(oid);
        break;
    default:
        break;
    }
    return binding;
}
