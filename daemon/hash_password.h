/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: upsbridged --hash-password: from a password to the line that upsd.users wants.
 */
#ifndef UPSBRIDGE_DAEMON_HASH_PASSWORD_H
#define UPSBRIDGE_DAEMON_HASH_PASSWORD_H

/*
 * Reads a password: twice and without echo from a terminal, else the first line of the standard
 * input; never from the command line, which others can see. Prints its hash. The exit status.
 */
int hash_password_print(void);

#endif
