/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: user names and passwords that were right lately, so that they need not be verified each
 * time. Only a keyed hash of them is kept, of a bounded number. Times are clock_ms().
 */
#ifndef UPSBRIDGE_NUTPROTO_CREDENTIALS_H
#define UPSBRIDGE_NUTPROTO_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

struct credentials;

/* NULL: out of memory. */
struct credentials *credentials_new(void);
void credentials_free(struct credentials *credentials);

/* What stands for the two together; 0: nothing can, as there is no randomness yet. */
uint64_t credentials_token(struct credentials *credentials, const char *user_name,
                           const char *password);

/* Were they right? If so, they are remembered for another hour. */
bool credentials_known(struct credentials *credentials, uint64_t token, uint64_t now);
void credentials_keep(struct credentials *credentials, uint64_t token, uint64_t now);
/* These are wrong. */
void credentials_forget(struct credentials *credentials, uint64_t token);
/* All may be wrong from now on; that they were right is remembered. */
void credentials_doubt(struct credentials *credentials);
bool credentials_were_right(const struct credentials *credentials, uint64_t token, uint64_t now);

#endif
