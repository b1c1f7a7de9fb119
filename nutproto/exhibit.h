/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what this face keeps with each device (its attachment in the store): who is logged in,
 * and the long answers as rendered last.
 */
#ifndef UPSBRIDGE_NUTPROTO_EXHIBIT_H
#define UPSBRIDGE_NUTPROTO_EXHIBIT_H

#include <stddef.h>
#include <stdint.h>

struct client;

enum listing { LISTING_VARIABLES, LISTING_WRITABLE, LISTING_COMMANDS, LISTINGS };

/* An answer for clients that spell the device's name as the configuration does. */
struct rendering {
    uint64_t generation; /* of the device when it was rendered; 0: never */
    size_t length;
    char *bytes;
};

struct exhibit {
    struct client *newest; /* of the clients logged in; the others follow by client.older */
    unsigned login_count;
    struct rendering renderings[LISTINGS];
};

/* NULL: out of memory. */
struct exhibit *exhibit_new(void);
/* No client may be logged in any more. NULL is fine. */
void exhibit_free(struct exhibit *exhibit);

/* Keeps a copy of an answer. Without memory for it the next client has it rendered anew. */
void rendering_keep(struct rendering *rendering, uint64_t generation, const char *bytes,
                    size_t length);

#endif
