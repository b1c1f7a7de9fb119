/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a hash that nobody can predict or aim at who does not know the key: for tables that are
 * filled by strangers, and to recognize a secret without keeping it.
 * Source: SipHash-2-4 (Aumasson and Bernstein, 2012).
 */
#ifndef UPSBRIDGE_CORE_KEYED_HASH_H
#define UPSBRIDGE_CORE_KEYED_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t words[2];
};

/* A random key; false if the system has no randomness yet. */
bool hash_key_make(struct hash_key *key);

uint64_t keyed_hash(const struct hash_key *key, const void *bytes, size_t length);

#endif
