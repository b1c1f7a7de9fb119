/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: one copy of each name that devices have in common: of variables and commands, and of the
 * values they may be set to. Hundreds of devices of one kind spell the same few hundred of them.
 *
 * The main loop alone calls this. Names are told apart by their very spelling.
 */
#ifndef UPSBRIDGE_CORE_NAMES_H
#define UPSBRIDGE_CORE_NAMES_H

#include <stddef.h>

/*
 * The shared copy of a text: the vocabulary's own (core/variables.h) if it has this spelling. To be
 * given back as often as it was taken. NULL: out of memory.
 */
const char *name_share(const char *text);
/* NULL is fine. */
void name_unshare(const char *name);

/* How many names are held that are not the vocabulary's, for tests. */
size_t name_count(void);

#endif
