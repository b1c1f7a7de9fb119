/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what upsbridge-snmp.conf says of where notifications go, in net-snmp's own words:
 * trapsink, trap2sink, informsink, trapsess, trapcommunity. The library's own readers of them
 * resolve names and look for SNMPv3 engines while the main loop waits; these only read.
 * Source: snmpd.conf(5), snmpcmd(1).
 */
#ifndef UPSBRIDGE_AGENT_SINK_WORDS_H
#define UPSBRIDGE_AGENT_SINK_WORDS_H

#include "agent/netsnmp.h"

#define SINK_ARGUMENTS_MAX 64

/* One line. */
struct sink_word {
    struct sink_word *next;
    char *host, *port;       /* as sink_address_parse() takes them apart */
    int family;              /* AF_UNSPEC: either */
    int command;             /* SNMP_MSG_TRAP (of SNMPv1), SNMP_MSG_TRAP2 or SNMP_MSG_INFORM */
    netsnmp_session session; /* version, community or user, timeout; not to be opened itself */
    char *arguments[SINK_ARGUMENTS_MAX]; /* what the session points into */
    int argument_count;
};

/* Once the library has named its own readers, before it reads. */
void sink_words_register(const char *application);

/* What was read since the last time, in the order of the lines; then the caller's. */
struct sink_word *sink_words_take(void);
void sink_word_free(struct sink_word *word);

/* Forgets what was read and not taken. */
void sink_words_forget(void);

#endif
