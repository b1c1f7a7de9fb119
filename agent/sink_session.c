/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/sink_session.h"

#include "agent/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* UDP's own bound. */
#define DATAGRAM_MAX 65507

/* The library's transport, reduced to a connected socket that never blocks. ------------------ */

static int receive(netsnmp_transport *transport, void *buffer, int size, void **opaque,
                   int *opaque_length)
{
    *opaque = NULL;
    *opaque_length = 0;
    ssize_t received = recv(transport->sock, buffer, (size_t)size, MSG_DONTWAIT);
    if (received > 0)
        return (int)received;
    /* Nothing, or word that what was sent did not arrive: informs find that out by themselves. */
    transport->flags |= NETSNMP_TRANSPORT_FLAG_EMPTY_PKT;
    return 0;
}

/* The first try may only bring word of what became of the datagram before. */
static int transmit(netsnmp_transport *transport, const void *buffer, int size, void **opaque,
                    int *opaque_length)
{
    (void)opaque;
    (void)opaque_length;
    ssize_t sent = send(transport->sock, buffer, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        sent = send(transport->sock, buffer, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return (int)sent;
}

static netsnmp_transport *new_transport(const struct sockaddr *address, socklen_t length)
{
    int descriptor = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (descriptor < 0)
        return NULL;
    if (connect(descriptor, address, length) == 0)
        return transport_new(descriptor, DATAGRAM_MAX, receive, transmit);
    int saved_errno = errno;
    close(descriptor);
    errno = saved_errno;
    return NULL;
}

/* Engines ------------------------------------------------------------------------------------ */

/* Who sends a trap is its authoritative engine, who receives an inform is; the context is ours. */
static void set_engines(netsnmp_session *session, int command, u_char *engine, size_t length)
{
    if (session->contextEngineIDLen == 0) {
        session->contextEngineID = engine;
        session->contextEngineIDLen = length;
    }
    if (session->securityEngineIDLen == 0 && command != SNMP_MSG_INFORM) {
        session->securityEngineID = engine;
        session->securityEngineIDLen = length;
    }
}

/* Users -------------------------------------------------------------------------------------- */

static struct usmUser *user_of(const netsnmp_session *session)
{
    return usm_get_user(session->securityEngineID, session->securityEngineIDLen,
                        session->securityName);
}

static bool needs_user(const netsnmp_session *session)
{
    return session->version == SNMP_VERSION_3 && session->securityEngineIDLen > 0 &&
           user_of(session) == NULL;
}

bool sink_session_make_user(struct sink_session *session)
{
    netsnmp_session *inside = snmp_sess_session(session->session);
    bool needed = needs_user(inside);

    if (!needed)
        return true;
    session->made_user = usm_create_user_from_session(inside) == SNMPERR_SUCCESS;
    return session->made_user;
}

static void forget_user(const netsnmp_session *session)
{
    struct usmUser *user = user_of(session);

    if (user == NULL)
        return;
    usm_remove_user(user);
    usm_free_user(user);
}

/* Opening and closing ------------------------------------------------------------------------ */

bool sink_session_open(struct sink_session *opened, const struct sink_word *word,
                       const struct sockaddr *socket, socklen_t length)
{
    netsnmp_transport *transport = new_transport(socket, length);
    netsnmp_session session = word->session;
    u_char engine[SNMP_MAXBUF_SMALL];

    *opened = (struct sink_session){ 0 };
    if (transport == NULL)
        return false;
    if (session.version == SNMP_VERSION_3)
        set_engines(&session, word->command, engine, snmpv3_get_engineID(engine, sizeof engine));
    session.peername = NULL;
    session.authenticator = NULL;
    /* The library would ask for the engine here and now, and wait for the answer. */
    session.flags |= SNMP_FLAGS_DONT_PROBE;
    opened->descriptor = transport->sock;
    /* If the engine is known, the library makes the user here. */
    opened->made_user = needs_user(&session);
    opened->session = snmp_sess_add(&session, transport, NULL, NULL);
    if (opened->session == NULL) {
        *opened = (struct sink_session){ 0 };
        errno = ENOMEM;
        return false;
    }
    snmp_sess_session(opened->session)->flags |= SNMP_FLAGS_DONT_PROBE;
    return true;
}

void sink_session_close(struct sink_session *session)
{
    if (session->session == NULL)
        return;
    if (session->made_user)
        forget_user(snmp_sess_session(session->session));
    snmp_sess_close(session->session);
    *session = (struct sink_session){ 0 };
}

bool sink_session_lacks_engine(const struct sink_session *session)
{
    const netsnmp_session *inside = snmp_sess_session(session->session);

    return inside->version == SNMP_VERSION_3 && inside->securityEngineIDLen == 0;
}

/* The user without a name, as whom engines are asked for. */
static bool make_nameless_user(void)
{
    char name[] = "";

    if (usm_get_user(NULL, 0, name) != NULL)
        return true;
    struct usmUser *user = calloc(1, sizeof *user);
    if (user == NULL)
        return false;
    user->name = strdup("");
    user->secName = strdup("");
    user->authProtocolLen = OID_LENGTH(usmNoAuthProtocol);
    user->authProtocol = snmp_duplicate_objid(usmNoAuthProtocol, user->authProtocolLen);
    user->privProtocolLen = OID_LENGTH(usmNoPrivProtocol);
    user->privProtocol = snmp_duplicate_objid(usmNoPrivProtocol, user->privProtocolLen);
    if (user->name != NULL && user->secName != NULL && user->authProtocol != NULL &&
        user->privProtocol != NULL && usm_add_user(user) != NULL)
        return true;
    usm_free_user(user);
    return false;
}

bool sink_session_ask_engine(struct sink_session *session, netsnmp_callback callback, void *magic)
{
    netsnmp_pdu *pdu = make_nameless_user() ? snmp_pdu_create(SNMP_MSG_GET) : NULL;

    if (pdu == NULL)
        return false;
    pdu->version = SNMP_VERSION_3;
    pdu->securityName = strdup("");
    pdu->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
    pdu->securityModel = SNMP_SEC_MODEL_USM;
    if (pdu->securityName != NULL &&
        snmp_sess_async_send(session->session, pdu, callback, magic) != 0)
        return true;
    snmp_free_pdu(pdu);
    return false;
}
