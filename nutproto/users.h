/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: upsd.users: who may do what. A table is immutable once loaded; a reload loads another,
 * and rights are looked up anew at every privileged command.
 * Source: NUT 2.8's upsd.users(5); hashed passwords and certsubject are ours.
 */
#ifndef UPSBRIDGE_NUTPROTO_USERS_H
#define UPSBRIDGE_NUTPROTO_USERS_H

#include "core/config.h"

#include <stdbool.h>

struct users;
struct user;

/*
 * Reads path. A missing file is a warning and an empty table. NULL: errors (all reported) or out of
 * memory.
 */
struct users *users_load(const char *path, struct config_report *report);
void users_free(struct users *users);

/* The user of that name, or whom a client's certificate stands for; NULL: there is none. */
const struct user *users_find(const struct users *users, const char *name);
const struct user *users_find_subject(const struct users *users, const char *subject);

/* The hash of some password in the table; NULL: all are in plain text. */
const char *users_some_hash(const struct users *users);

/* All texts belong to the table. */
const char *user_name(const struct user *user);
/* NULL: without one; nobody can be this user by a password. */
const char *user_password(const struct user *user, bool *hashed);

/*
 * Has the user the right to an action ("SET", "FSD", "LOGIN", "PRIMARY", "MASTER"), to an instant
 * command? Names ignore case, and "PRIMARY" and "MASTER" are the same.
 */
bool user_may_act(const struct user *user, const char *action);
bool user_may_command(const struct user *user, const char *command);

#endif
