/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/agentx_notify.h"

#include "agent/agentx_library.h"
#include "agent/courier.h"

#include <string.h>

static bool set_context(netsnmp_pdu *pdu, const char *context)
{
    if (*context == '\0')
        return true;
    pdu->flags |= AGENTX_NON_DEFAULT_CONTEXT;
    pdu->community = (u_char *)strdup(context);
    pdu->community_len = strlen(context);
    return pdu->community != NULL;
}

/* sysUpTime.0 is the master's to add. */
netsnmp_pdu *agentx_notify_pdu(const struct notification *notification, long session,
                               const struct moment *moment)
{
    netsnmp_pdu *pdu = snmp_pdu_create(AGENTX_NOTIFY);

    if (pdu == NULL)
        return NULL;
    pdu->version = AGENTX_VERSION_1;
    pdu->sessid = session;
    if (set_context(pdu, notification->context) && courier_add_variables(pdu, notification, moment))
        return pdu;
    snmp_free_pdu(pdu);
    return NULL;
}
