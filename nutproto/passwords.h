/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: passwords as upsd.users has them: in plain text, or hashed by crypt(3).
 * Source: crypt(5) for the forms of hashes.
 */
#ifndef UPSBRIDGE_NUTPROTO_PASSWORDS_H
#define UPSBRIDGE_NUTPROTO_PASSWORDS_H

#include <stdbool.h>

/* Does it begin as a hash does: "$", the method, and "$" or ","? */
bool password_is_hash(const char *text);

/* What is wrong with such a text, or NULL. *weak: the method is out of date. */
const char *password_check_hash(const char *text, bool *weak);

/* Is it the same text? Takes as long for any wrong text of one length, wherever it differs. */
bool password_same(const char *secret, const char *text);

/* Is it the password of this hash? Takes long by design; any thread. False if out of memory too. */
bool password_matches(const char *hash, const char *text);

/*
 * What is wrong with a new password, or NULL: clients send printable ASCII only, as the protocol
 * drops anything else.
 */
const char *password_check(const char *text);

/* The hash of a password by the system's best method; freed by the caller. NULL with errno. */
char *password_hash(const char *text);

#endif
