/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: chroot: prepares what libraries would otherwise open later, enters, and says what is
 * missing inside with the command that puts it there. All functions log what goes wrong.
 */
#ifndef UPSBRIDGE_DAEMON_JAIL_H
#define UPSBRIDGE_DAEMON_JAIL_H

#include "core/settings.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The value that the global section of ups.conf in directory, as seen below root ("": here), gives
 * to key; NULL: none, or the file cannot be read. For what has to be known before the configuration
 * is loaded. Freed by the caller.
 */
char *jail_global_setting(const char *root, const char *directory, const char *key);

/*
 * Makes root the process's root directory and present directory. Warns of each file that the
 * system has and the jail lacks, if programs behave otherwise without it. As root only.
 */
bool jail_enter(const char *root);

/*
 * Inside: warns of what the settings lead to and is not there. root, and whom the daemon becomes
 * (NULL: nobody else), are for the commands in the messages.
 */
void jail_check(const char *root, const struct settings *settings, const char *user);

#endif
