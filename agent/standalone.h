/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: an SNMP agent of our own: net-snmp's agent library with v1, v2c and v3, its access
 * control (VACM, USM) from upsbridge-snmp.conf, and its sockets in the main loop.
 *
 * The listening sessions are ours, not the library's: its own read hosts.allow for each datagram.
 * Access control is upsbridge-snmp.conf's alone.
 * Source: RFC 3413, RFC 3415; snmpd.conf(5) for the words of the file.
 */
#ifndef UPSBRIDGE_AGENT_STANDALONE_H
#define UPSBRIDGE_AGENT_STANDALONE_H

#include "agent/contexts.h"

#include <stdbool.h>
#include <stddef.h>

/* What the library calls us. */
#define STANDALONE_NAME "upsbridge-snmp"
#define STANDALONE_ACCESS_FILE STANDALONE_NAME ".conf"

struct standalone;
struct loop;
struct notification;

/* What the configuration says of it (net-snmp's headers and core/settings.h do not go together). */
struct standalone_settings {
    const char *directory;  /* where upsbridge-snmp.conf is */
    const char *state_path; /* where the library may keep a directory of its own */
    char *const *addresses; /* "udp:HOST:PORT" ... */
    size_t address_count;
};

/*
 * Reads upsbridge-snmp.conf and opens the addresses. NULL: one could not be opened, or the file is
 * wrong, which is logged. contexts must outlive the result. Once a process: the library
 * cannot begin anew.
 */
struct standalone *standalone_new(struct loop *loop, const struct standalone_settings *settings,
                                  const struct contexts *contexts);
/* After privileges were dropped: from now on the engine's state is stored. */
void standalone_start(struct standalone *standalone);
void standalone_free(struct standalone *standalone);

/* Reads upsbridge-snmp.conf anew. What is wrong in it is logged and left out. */
void standalone_reload(struct standalone *standalone);

/* Everything a context's snapshot shows is served from now on, or no longer. False: out of memory.
 */
bool standalone_register_context(struct standalone *standalone, const char *context);
void standalone_unregister_context(struct standalone *standalone, const char *context);

/* Is there anybody who is to get notifications? */
bool standalone_has_sinks(const struct standalone *standalone);
void standalone_notify(struct standalone *standalone, struct notification *notification);

#endif
