/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/handshakes.h"

#include "core/loop.h"

#include <event2/event.h>
#include <stdlib.h>

static void on_look(evutil_socket_t descriptor, short what, void *argument)
{
    struct handshakes *handshakes = argument;

    (void)descriptor;
    (void)what;
    handshakes->steps = 0;
}

void handshakes_init(struct handshakes *handshakes, struct event_base *base)
{
    *handshakes = (struct handshakes){ 0 };
    evtimer_assign(&handshakes->look, base, on_look, handshakes);
}

void handshakes_clear(struct handshakes *handshakes)
{
    event_del(&handshakes->look);
}

bool handshakes_may_step(struct handshakes *handshakes)
{
    static const struct timeval next_turn = { 0 };

    /* Without a timer it is better to be unfair than to stand still. */
    if (handshakes->steps == 0 && event_add(&handshakes->look, &next_turn) != 0)
        return true;
    return handshakes->steps++ < HANDSHAKE_STEPS;
}

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
