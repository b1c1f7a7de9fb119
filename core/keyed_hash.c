/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/keyed_hash.h"

#include <sys/random.h>

bool hash_key_make(struct hash_key *key)
{
    return getrandom(key, sizeof *key, GRND_NONBLOCK) == sizeof *key;
}

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void stir(struct state *state, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        state->v0 += state->v1;
        state->v2 += state->v3;
        state->v1 = rotate(state->v1, 13) ^ state->v0;
        state->v3 = rotate(state->v3, 16) ^ state->v2;
        state->v0 = rotate(state->v0, 32);
        state->v2 += state->v1;
        state->v0 += state->v3;
        state->v1 = rotate(state->v1, 17) ^ state->v2;
        state->v3 = rotate(state->v3, 21) ^ state->v0;
        state->v2 = rotate(state->v2, 32);
    }
}

static void take(struct state *state, uint64_t word)
{
    state->v3 ^= word;
    stir(state, 2);
    state->v0 ^= word;
}

/* Up to 8 bytes, the first one lowest. */
static uint64_t word_of(const unsigned char *bytes, size_t length)
{
    uint64_t word = 0;

    for (size_t i = 0; i < length; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

uint64_t keyed_hash(const struct hash_key *key, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    struct state state = { .v0 = key->words[0] ^ UINT64_C(0x736f6d6570736575),
                           .v1 = key->words[1] ^ UINT64_C(0x646f72616e646f6d),
                           .v2 = key->words[0] ^ UINT64_C(0x6c7967656e657261),
                           .v3 = key->words[1] ^ UINT64_C(0x7465646279746573) };

    for (size_t left = length; left >= 8; left -= 8, at += 8)
        take(&state, word_of(at, 8));
    take(&state, (uint64_t)length << 56 | word_of(at, length % 8));
    state.v2 ^= 0xff;
    stir(&state, 4);
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}
