/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of an AgentX subagent, shared by its two halves alone: agent/agentx.c, which
 * has the session with the master, and agent/agentx_registrations.c, which registers contexts in
 * it.
 */
#ifndef UPSBRIDGE_AGENT_AGENTX_INSIDE_H
#define UPSBRIDGE_AGENT_AGENTX_INSIDE_H

#include "agent/agentx_address.h"
#include "agent/contexts.h"
#include "agent/netsnmp.h"

#include <stdbool.h>
#include <stdint.h>

struct registration;

enum state { WAITING, CONNECTING, OPENING, OPEN };

struct agentx {
    struct event_base *base;
    struct contexts contexts;
    struct agentx_sets *sets;
    struct agentx_address address;
    enum state state;
    int descriptor; /* of a connection being made; the session's later */
    void *session;  /* net-snmp's; NULL: none */
    struct event *readiness, *timer;
    netsnmp_large_fd_set readable;
    unsigned retry_ms, looks;
    int64_t epoch;   /* clock_ms() when the master's sysUpTime was 0 */
    bool broken;     /* the session is to be closed as soon as the library is left */
    bool complained; /* that there is no master */
    unsigned asked;  /* registrations without an answer */
    struct registration *registrations;
    struct courier *courier; /* of notifications */
    bool refused;            /* the last one, which was logged */
};

/* The session's half. ------------------------------------------------------------------------ */

void agentx_set_timer(struct agentx *agentx, unsigned milliseconds);
/* NULL: out of memory. */
netsnmp_pdu *agentx_new_pdu(const struct agentx *agentx, int command);
/* Takes pdu over. False: the session is broken. */
bool agentx_ask(struct agentx *agentx, netsnmp_pdu *pdu, netsnmp_callback callback, void *magic);
/* Each response tells the master's sysUpTime, in which we tell times too. */
void agentx_note_uptime(struct agentx *agentx, const netsnmp_pdu *response);
/* A callback for what needs none. */
int agentx_ignore_answer(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                         void *magic);

/* The registrations'. ------------------------------------------------------------------------ */

/* Registers what is not yet, a window's worth at a time. */
void agentx_register_wanted(struct agentx *agentx);
/* What the lost master had is to be registered with the next one. */
void agentx_reset_registrations(struct agentx *agentx);
/* Asks again for what was refused. */
void agentx_ask_again(struct agentx *agentx);
void agentx_forget_registrations(struct agentx *agentx);

#endif
