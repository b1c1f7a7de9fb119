/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the requests of the protocol: a table of commands, each of which appends exactly one
 * answer to the service's output.
 * Source: RFC 9271 section 4.2, and upsd 2.8.0 for the order of checks.
 */
#ifndef UPSBRIDGE_NUTPROTO_COMMANDS_H
#define UPSBRIDGE_NUTPROTO_COMMANDS_H

#include "nutproto/client.h"
#include "nutproto/service.h"

enum command_outcome {
    COMMAND_ANSWERED,
    /*
     * Nothing was answered: the line is to be run again when session_continue() is called. Until
     * then its words stay as they are and nothing more of this client is run.
     */
    COMMAND_WAITS,
    COMMAND_STARTS_TLS, /* the answer is the last in clear */
};

/* Answers one complete line. A line without words is answered too. */
enum command_outcome commands_run(struct service *service, struct client *client,
                                  struct words *words);

#endif
