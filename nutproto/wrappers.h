/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: TCP wrappers: /etc/hosts.allow and /etc/hosts.deny, where our service is called "upsd"
 * and the client user is the NUT user.
 * Source: hosts_access(5), and upsd for the name and the use of users.
 */
#ifndef UPSBRIDGE_NUTPROTO_WRAPPERS_H
#define UPSBRIDGE_NUTPROTO_WRAPPERS_H

#include "nutproto/client.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* What was last seen of one of the two files. */
struct wrappers_file {
    struct timespec changed;
    uint64_t number, size; /* inode, bytes */
    bool present, rules;   /* has it any line but comments? */
};

/* A zeroed struct is ready for use. */
struct wrappers {
    struct wrappers_file allow, deny;
    uint32_t stamp; /* another one after each change of a file */
};

/* Looks for changes. False: there is no rule in either file, so everybody is let in. */
bool wrappers_look(struct wrappers *wrappers);

/*
 * Do the rules let this user in from there? May look up names, so it may block, and only one thread
 * may call it at a time.
 */
bool wrappers_admit(const char *user_name, const struct client_address *address);

#endif
