/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/exhibit.h"

#include <stdlib.h>
#include <string.h>

struct exhibit *exhibit_new(void)
{
    return calloc(1, sizeof(struct exhibit));
}

void exhibit_free(struct exhibit *exhibit)
{
    if (exhibit == NULL)
        return;
    for (size_t i = 0; i < LISTINGS; i++)
        free(exhibit->renderings[i].bytes);
    free(exhibit);
}

void rendering_keep(struct rendering *rendering, uint64_t generation, const char *bytes,
                    size_t length)
{
    if (rendering->length != length || rendering->bytes == NULL) {
        free(rendering->bytes);
        rendering->bytes = malloc(length);
    }
    rendering->length = length;
    rendering->generation = rendering->bytes == NULL ? 0 : generation;
    if (rendering->bytes != NULL)
        memcpy(rendering->bytes, bytes, length);
}
