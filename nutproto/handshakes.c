/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/handshakes.h"

#include "core/loop.h"

#include <stdlib.h>

struct handshake *handshakes_add(struct handshakes *handshakes, struct session *session)
{
    struct handshake *handshake = malloc(sizeof *handshake);

    if (handshake == NULL)
        return NULL;
    *handshake =
        (struct handshake){ .session = session, .older = handshakes->newest, .begun = clock_ms() };
    if (handshake->older != NULL)
        handshake->older->newer = handshake;
    else
        handshakes->oldest = handshake;
    handshakes->newest = handshake;
    handshakes->count++;
    return handshake;
}

void handshakes_remove(struct handshakes *handshakes, struct handshake *handshake)
{
    if (handshake == NULL)
        return;
    if (handshake->older != NULL)
        handshake->older->newer = handshake->newer;
    else
        handshakes->oldest = handshake->newer;
    if (handshake->newer != NULL)
        handshake->newer->older = handshake->older;
    else
        handshakes->newest = handshake->older;
    handshakes->count--;
    free(handshake);
}
