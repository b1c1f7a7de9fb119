/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/agentx.h"
#include "agent/agentx_inside.h"
#include "agent/agentx_library.h"
#include "core/log.h"

#include <stdlib.h>
#include <string.h>

/* Registrations under way at once: not more than a socket holds. */
#define WINDOW 32
#define PRIORITY 127

enum registration_state {
    WANTED,   /* to be asked for */
    ASKED,    /* no answer yet */
    HELD,     /* the master has it */
    REFUSED,  /* the master said no; asked for again with each look */
    UNWANTED, /* ASKED, but no longer wanted: to be taken back once it is held */
};

struct registration {
    struct registration *next;
    struct agentx *agentx;
    const struct region *region;
    enum registration_state state;
    bool complained;
    char context[];
};

static netsnmp_pdu *registration_pdu(const struct agentx *agentx, int command,
                                     const struct registration *registration)
{
    const struct region *region = registration->region;
    netsnmp_pdu *pdu = agentx_new_pdu(agentx, command);

    if (pdu == NULL)
        return NULL;
    pdu->priority = PRIORITY;
    if (registration->context[0] != '\0') {
        pdu->flags |= AGENTX_NON_DEFAULT_CONTEXT;
        pdu->community = (u_char *)strdup(registration->context);
        pdu->community_len = strlen(registration->context);
    }
    if (snmp_add_null_var(pdu, region->root, region->length) == NULL) {
        snmp_free_pdu(pdu);
        return NULL;
    }
    return pdu;
}

static void remove_registration(struct agentx *agentx, struct registration *registration)
{
    struct registration **link = &agentx->registrations;

    while (*link != registration)
        link = &(*link)->next;
    *link = registration->next;
    free(registration);
}

static void take_back(struct agentx *agentx, struct registration *registration)
{
    agentx_ask(agentx, registration_pdu(agentx, AGENTX_UNREGISTER, registration),
               agentx_ignore_answer, NULL);
    remove_registration(agentx, registration);
}

static void note_refusal(struct registration *registration, long error)
{
    const char *context = registration->context;

    registration->state = REFUSED;
    if (registration->complained)
        return;
    registration->complained = true;
    log_warning("AgentX: the master refuses %s in context \"%s\": %s", registration->region->name,
                context,
                error == AGENTX_DUPLICATE_REGISTRATION ? "another subagent has it already"
                                                       : agentx_error_text(error));
}

static int on_registered(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                         void *magic)
{
    struct registration *registration = magic;
    struct agentx *agentx = registration->agentx;

    (void)session;
    (void)request;
    if (operation == NETSNMP_CALLBACK_OP_RESEND)
        return 1;
    agentx->asked--;
    if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) {
        agentx->broken = true;
        return 1;
    }
    agentx_note_uptime(agentx, pdu);
    bool held = pdu->errstat == SNMP_ERR_NOERROR;
    if (registration->state == UNWANTED) {
        if (held)
            take_back(agentx, registration);
        else
            remove_registration(agentx, registration);
    } else if (held) {
        registration->state = HELD;
        registration->complained = false;
    } else {
        note_refusal(registration, pdu->errstat);
    }
    agentx_register_wanted(agentx);
    return 1;
}

/* Registers what is not yet, a window's worth at a time. */
void agentx_register_wanted(struct agentx *agentx)
{
    struct registration *registration = agentx->registrations;

    if (agentx->state != OPEN)
        return;
    for (; registration != NULL && agentx->asked < WINDOW && !agentx->broken;
         registration = registration->next) {
        if (registration->state != WANTED)
            continue;
        registration->state = ASKED;
        agentx->asked++;
        agentx_ask(agentx, registration_pdu(agentx, AGENTX_REGISTER, registration), on_registered,
                   registration);
    }
}

/* For the session ---------------------------------------------------------------------------- */

/* What the lost master had is to be registered with the next one. */
void agentx_reset_registrations(struct agentx *agentx)
{
    struct registration **link = &agentx->registrations;

    while (*link != NULL) {
        struct registration *registration = *link;

        if (registration->state == UNWANTED) {
            *link = registration->next;
            free(registration);
            continue;
        }
        registration->state = WANTED;
        link = &registration->next;
    }
}

/* Who had it before us may be gone by now: a subagent that ends, or ourselves before a reconnect.
 */
void agentx_ask_again(struct agentx *agentx)
{
    for (struct registration *registration = agentx->registrations; registration != NULL;
         registration = registration->next) {
        if (registration->state == REFUSED)
            registration->state = WANTED;
    }
    agentx_register_wanted(agentx);
}

static struct registration *find_registration(const struct agentx *agentx, const char *context,
                                              const struct region *region)
{
    struct registration *registration = agentx->registrations;

    while (registration != NULL &&
           (registration->region != region || strcmp(registration->context, context) != 0))
        registration = registration->next;
    return registration;
}

bool agentx_register_context(struct agentx *agentx, const char *context,
                             const struct region *region)
{
    struct registration *registration = find_registration(agentx, context, region);

    if (registration != NULL) {
        if (registration->state == UNWANTED)
            registration->state = ASKED;
        return true;
    }
    registration = calloc(1, sizeof *registration + strlen(context) + 1);
    if (registration == NULL)
        return false;
    registration->agentx = agentx;
    registration->region = region;
    memcpy(registration->context, context, strlen(context) + 1);
    registration->next = agentx->registrations;
    agentx->registrations = registration;
    agentx_register_wanted(agentx);
    /* Called from outside the library, but perhaps from within one of its call-backs: later. */
    if (agentx->broken)
        agentx_set_timer(agentx, 0);
    return true;
}

void agentx_unregister_context(struct agentx *agentx, const char *context,
                               const struct region *region)
{
    struct registration *registration = find_registration(agentx, context, region);

    if (registration == NULL)
        return;
    if (registration->state == ASKED)
        registration->state = UNWANTED;
    else if (registration->state == HELD)
        take_back(agentx, registration);
    else if (registration->state != UNWANTED)
        remove_registration(agentx, registration);
    if (agentx->broken)
        agentx_set_timer(agentx, 0);
}

void agentx_forget_registrations(struct agentx *agentx)
{
    while (agentx->registrations != NULL) {
        struct registration *registration = agentx->registrations;

        agentx->registrations = registration->next;
        free(registration);
    }
}
