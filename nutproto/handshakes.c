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

struct handshake *handshake_new(struct session *session)
{
    struct handshake *handshake = calloc(1, sizeof *handshake);

    if (handshake == NULL)
        return NULL;
    handshake->session = session;
    handshake->told = clock_ms();
    return handshake;
}

void handshakes_begin(struct handshakes *handshakes, struct handshake *handshake)
{
    handshake->begun = true;
    handshake->older = handshakes->newest;
    if (handshake->older != NULL)
        handshake->older->newer = handshake;
    else
        handshakes->oldest = handshake;
    handshakes->newest = handshake;
    handshakes->count++;
}

static void take_out(struct handshakes *handshakes, const struct handshake *handshake)
{
    if (handshake->older != NULL)
        handshake->older->newer = handshake->newer;
    else
        handshakes->oldest = handshake->newer;
    if (handshake->newer != NULL)
        handshake->newer->older = handshake->older;
    else
        handshakes->newest = handshake->older;
    handshakes->count--;
}

void handshakes_remove(struct handshakes *handshakes, struct handshake *handshake)
{
    if (handshake != NULL && handshake->begun)
        take_out(handshakes, handshake);
    free(handshake);
}
