/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: carries notifications to one receiver through a session of net-snmp's. While there is
 * none they wait; what the receiver was to confirm, and did not before the session ended, is sent
 * again in the next one: so it may get one twice, but none is lost with a session.
 */
#ifndef UPSBRIDGE_AGENT_COURIER_H
#define UPSBRIDGE_AGENT_COURIER_H

#include "agent/netsnmp.h"
#include "agent/notification.h"

#include <stdbool.h>

struct courier;
struct event_base;

/* Who has the session. */
struct courier_owner {
    void *owner;
    const char *receiver; /* for the log */
    bool confirmed;       /* the receiver answers each */
    /* The PDU of one, for the session. NULL: out of memory. */
    netsnmp_pdu *(*make)(void *owner, const struct notification *notification);
    /* What the receiver said to one; only if confirmed. */
    void (*answered)(void *owner, const netsnmp_pdu *answer);
    /* The session is of no use any more; perhaps called from within it, when it must not be closed.
     */
    void (*broken)(void *owner);
};

/* NULL: out of memory. */
struct courier *courier_new(struct event_base *base, const struct courier_owner *owner);
/* After the session was closed. */
void courier_free(struct courier *courier);

/* There is a session, or it has been closed. */
void courier_begin(struct courier *courier, void *session);
void courier_end(struct courier *courier);

/* Shares the notification. */
void courier_put(struct courier *courier, struct notification *notification);

/* Takes over what another one, whose session was closed, did not deliver; for a new one. */
void courier_inherit(struct courier *courier, struct courier *from);

/* Is any on its way, or waiting? */
bool courier_busy(const struct courier *courier);

/* Appends snmpTrapOID.0 and the variables. False: out of memory. */
bool courier_add_variables(netsnmp_pdu *pdu, const struct notification *notification,
                           const struct moment *moment);

#endif
