/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the process may do: the user it becomes, and the rights it gives up for good.
 * All functions log what goes wrong.
 * Source: credentials(7), capabilities(7), prctl(2).
 */
#ifndef UPSBRIDGE_DAEMON_PRIVILEGES_H
#define UPSBRIDGE_DAEMON_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A user, looked up while the system's files are still in sight. */
struct identity;

/* NULL: there is no such user, or it cannot be looked up. */
struct identity *identity_find(const char *name);
void identity_free(struct identity *identity);

/*
 * Gives up for good what the process may do beyond an ordinary user: as root it becomes this user
 * (NULL: it stays root, which is warned of), and whoever it is then, unless still root, keeps no
 * capability in any set and no way to get one back. keep_dumpable: core dumps and debuggers stay
 * possible. To be called before there are threads. False: failed, and the program must not go on.
 */
bool privileges_give_up(const struct identity *identity, bool keep_dumpable);

#endif
