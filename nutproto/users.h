/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: upsd.users: who may do what. A table is immutable once loaded; a reload loads another,
 * and rights are looked up anew at every privileged command.
 * Source: NUT 2.8's upsd.users(5).
 */
#ifndef UPSBRIDGE_NUTPROTO_USERS_H
#define UPSBRIDGE_NUTPROTO_USERS_H

#include "core/config.h"

#include <stdbool.h>

struct users;

/*
 * Reads path. A missing file is a warning and an empty table. NULL: errors (all reported) or out of
 * memory.
 */
struct users *users_load(const char *path, struct config_report *report);
void users_free(struct users *users);

/*
 * True if the user exists, has exactly this password, and the right: an action ("SET", "FSD",
 * "LOGIN", "MASTER") or an instant command. Names of actions and commands ignore case. The password
 * is compared in constant time.
 */
bool users_may_act(const struct users *users, const char *name, const char *password,
                   const char *action);
bool users_may_command(const struct users *users, const char *name, const char *password,
                       const char *command);

#endif
