/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a session of net-snmp's with one receiver of notifications, over a socket of our own,
 * and what SNMPv3 needs before anything can be sent.
 */
#ifndef UPSBRIDGE_AGENT_SINK_SESSION_H
#define UPSBRIDGE_AGENT_SINK_SESSION_H

#include "agent/sink_words.h"

#include <stdbool.h>
#include <sys/socket.h>

/* All zero is none. */
struct sink_session {
    void *session;  /* net-snmp's */
    int descriptor; /* its socket */
    bool made_user; /* one that was not known before, and is to be forgotten with it */
};

/* A session over UDP. Nothing is sent yet. False with errno set. */
bool sink_session_open(struct sink_session *session, const struct sink_word *word,
                       const struct sockaddr *socket, socklen_t length);
void sink_session_close(struct sink_session *session);

/* Has the receiver to be asked for its engine first? */
bool sink_session_lacks_engine(const struct sink_session *session);
/* Asks; when callback has been called and the library is left, it is known or not. */
bool sink_session_ask_engine(struct sink_session *session, netsnmp_callback callback, void *magic);

/* Makes the user known that a session is to send as, once its engine is. False: out of memory. */
bool sink_session_make_user(struct sink_session *session);

#endif
