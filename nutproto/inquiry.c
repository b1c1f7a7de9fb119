/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/inquiry.h"

#include "core/loop.h"
#include "nutproto/passwords.h"
#include "nutproto/session.h"
#include "nutproto/wrappers.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* How soon to try again when the pool has no room. */
#define RETRY_MS 100

struct inquiry {
    struct job job; /* first */
    struct inquiries *inquiries;
    struct client *client;
    TAILQ_ENTRY(inquiry) entry; /* while WAITING or RUNNING, or settled */
    enum inquiry_state state;
    uint64_t turn; /* while WAITING: those of a lower one come first; 0: urgent */
    struct question question;
    struct client_address address;
    struct event delay; /* while DELAYED */
    bool settled;       /* READY, but the session does not know yet */
    bool answer;
    size_t size;  /* of texts */
    char texts[]; /* what the question points to */
};

TAILQ_HEAD(inquiry_list, inquiry);

struct inquiries {
    struct event_base *base;
    struct pool *pool;
    struct event *later; /* sees to the settled, and to those for whom the pool had no room */
    struct inquiry_list waiting, running, settled;
    unsigned running_count;
    uint64_t turn; /* the highest of those that ran */
    void (*abandoned)(void *context, const struct client_address *address);
    void *context;
};

static void see_to_rest(evutil_socket_t descriptor, short what, void *argument);

struct inquiries *
inquiries_new(struct event_base *base, struct pool *pool,
              void (*abandoned)(void *context, const struct client_address *address), void *context)
{
    struct inquiries *inquiries = calloc(1, sizeof *inquiries);

    if (inquiries == NULL)
        return NULL;
    inquiries->base = base;
    inquiries->pool = pool;
    inquiries->abandoned = abandoned;
    inquiries->context = context;
    inquiries->turn = 1;
    TAILQ_INIT(&inquiries->waiting);
    TAILQ_INIT(&inquiries->running);
    TAILQ_INIT(&inquiries->settled);
    inquiries->later = evtimer_new(base, see_to_rest, inquiries);
    if (inquiries->later == NULL) {
        free(inquiries);
        return NULL;
    }
    return inquiries;
}

void inquiries_free(struct inquiries *inquiries)
{
    if (inquiries == NULL)
        return;
    event_free(inquiries->later);
    free(inquiries);
}

static void destroy(struct inquiry *inquiry)
{
    explicit_bzero(inquiry->texts, inquiry->size);
    free(inquiry);
}

static struct inquiry *inquiry_new(struct inquiries *inquiries, struct client *client, size_t size)
{
    inquiry_drop(client);
    struct inquiry *inquiry = calloc(1, sizeof *inquiry + size);
    if (inquiry == NULL)
        return NULL;
    inquiry->inquiries = inquiries;
    inquiry->client = client;
    inquiry->address = client->address;
    inquiry->size = size;
    client->inquiry = inquiry;
    return inquiry;
}

/* Delays ------------------------------------------------------------------------------------- */

static void on_delay_over(evutil_socket_t descriptor, short what, void *argument)
{
    struct inquiry *inquiry = argument;

    (void)descriptor;
    (void)what;
    inquiry->state = INQUIRY_READY;
    session_continue(inquiry->client);
}

bool inquiry_delay(struct inquiries *inquiries, struct client *client, uint64_t milliseconds)
{
    struct inquiry *inquiry = inquiry_new(inquiries, client, 0);
    struct timeval delay = clock_span(milliseconds);

    if (inquiry == NULL)
        return false;
    evtimer_assign(&inquiry->delay, inquiries->base, on_delay_over, inquiry);
    inquiry->state = INQUIRY_DELAYED;
    if (event_add(&inquiry->delay, &delay) == 0)
        return true;
    inquiry_drop(client);
    return false;
}

/* Questions ---------------------------------------------------------------------------------- */

/* The functions of the job; in a thread of the pool but for on_answer(). */

static void find_answer(struct job *job)
{
    struct inquiry *inquiry = (struct inquiry *)(void *)job;
    const struct question *question = &inquiry->question;

    if (question->topic == INQUIRY_WRAPPERS)
        inquiry->answer = wrappers_admit(question->text, &inquiry->address);
    else
        inquiry->answer = password_matches(question->hash, question->text) && !question->lost;
}

static void discard(struct job *job)
{
    destroy((struct inquiry *)(void *)job);
}

static bool may_run(const struct inquiries *inquiries, const struct inquiry *candidate)
{
    struct client_place place = client_place_of(&candidate->address);
    const struct inquiry *running;

    TAILQ_FOREACH(running, &inquiries->running, entry)
    {
        struct client_place taken = client_place_of(&running->address);

        if (running->question.topic == candidate->question.topic &&
            (running->job.exclusive || client_place_same(&taken, &place)))
            return false;
    }
    return true;
}

static void run_waiting(struct inquiries *inquiries)
{
    static const struct timeval pause = { .tv_usec = RETRY_MS * 1000 };
    struct inquiry *inquiry = TAILQ_FIRST(&inquiries->waiting);

    while (inquiry != NULL && inquiries->running_count < POOL_THREADS) {
        struct inquiry *next = TAILQ_NEXT(inquiry, entry);

        if (may_run(inquiries, inquiry)) {
            if (!pool_submit(inquiries->pool, &inquiry->job)) {
                event_add(inquiries->later, &pause);
                return;
            }
            TAILQ_REMOVE(&inquiries->waiting, inquiry, entry);
            TAILQ_INSERT_TAIL(&inquiries->running, inquiry, entry);
            inquiry->state = INQUIRY_RUNNING;
            if (inquiries->turn < inquiry->turn)
                inquiries->turn = inquiry->turn;
            inquiries->running_count++;
        }
        inquiry = next;
    }
}

static void see_to_rest(evutil_socket_t descriptor, short what, void *argument)
{
    struct inquiries *inquiries = argument;
    struct inquiry *inquiry;

    (void)descriptor;
    (void)what;
    while ((inquiry = TAILQ_FIRST(&inquiries->settled)) != NULL) {
        TAILQ_REMOVE(&inquiries->settled, inquiry, entry);
        inquiry->settled = false;
        session_continue(inquiry->client);
    }
    run_waiting(inquiries);
}

static void leave_running(struct inquiry *inquiry)
{
    TAILQ_REMOVE(&inquiry->inquiries->running, inquiry, entry);
    inquiry->inquiries->running_count--;
}

static void on_answer(struct job *job)
{
    struct inquiry *inquiry = (struct inquiry *)(void *)job;
    struct inquiries *inquiries = inquiry->inquiries;

    leave_running(inquiry);
    explicit_bzero(inquiry->texts, inquiry->size);
    inquiry->question.hash = inquiry->question.text = NULL;
    inquiry->state = INQUIRY_ANSWERED;
    session_continue(inquiry->client);
    run_waiting(inquiries);
}

/* One behind the last of the same place: so whoever comes from another waits for one of each. */
static uint64_t next_turn(const struct inquiries *inquiries, const struct inquiry *fresh)
{
    struct client_place place = client_place_of(&fresh->address);
    uint64_t turn = inquiries->turn;
    const struct inquiry *other;

    TAILQ_FOREACH(other, &inquiries->waiting, entry)
    {
        struct client_place taken = client_place_of(&other->address);

        if (other->turn >= turn && client_place_same(&taken, &place))
            turn = other->turn + 1;
    }
    return turn;
}

static void line_up(struct inquiries *inquiries, struct inquiry *fresh)
{
    struct inquiry *before;

    if (fresh->question.urgent) {
        TAILQ_INSERT_HEAD(&inquiries->waiting, fresh, entry);
        return;
    }
    fresh->turn = next_turn(inquiries, fresh);
    before = TAILQ_LAST(&inquiries->waiting, inquiry_list);
    while (before != NULL && before->turn > fresh->turn)
        before = TAILQ_PREV(before, inquiry_list, entry);
    if (before == NULL)
        TAILQ_INSERT_HEAD(&inquiries->waiting, fresh, entry);
    else
        TAILQ_INSERT_AFTER(&inquiries->waiting, before, fresh, entry);
}

bool inquiry_ask(struct inquiries *inquiries, struct client *client,
                 const struct question *question)
{
    size_t hash_size = question->hash == NULL ? 0 : strlen(question->hash) + 1;
    size_t text_size = strlen(question->text) + 1;
    struct inquiry *inquiry = inquiry_new(inquiries, client, hash_size + text_size);

    if (inquiry == NULL)
        return false;
    inquiry->question = *question;
    inquiry->question.text = inquiry->texts + hash_size;
    memcpy(inquiry->texts + hash_size, question->text, text_size);
    if (hash_size > 0) {
        inquiry->question.hash = inquiry->texts;
        memcpy(inquiry->texts, question->hash, hash_size);
    }
    inquiry->job.exclusive = question->topic == INQUIRY_WRAPPERS;
    inquiry->job.run = find_answer;
    inquiry->job.done = on_answer;
    inquiry->job.discard = discard;
    inquiry->state = INQUIRY_WAITING;
    line_up(inquiries, inquiry);
    run_waiting(inquiries);
    return true;
}

enum inquiry_state inquiry_state(const struct client *client)
{
    return client->inquiry == NULL ? INQUIRY_NONE : client->inquiry->state;
}

const struct question *inquiry_question(const struct client *client)
{
    bool asked = inquiry_state(client) >= INQUIRY_WAITING;

    return asked ? &client->inquiry->question : NULL;
}

bool inquiry_answer(const struct client *client)
{
    return client->inquiry->answer;
}

/* The thread that has it frees it. */
static void abandon(struct inquiry *inquiry)
{
    struct inquiries *inquiries = inquiry->inquiries;

    if (inquiry->question.topic == INQUIRY_PASSWORD)
        inquiries->abandoned(inquiries->context, &inquiry->address);
    leave_running(inquiry);
    pool_cancel(&inquiry->job);
    run_waiting(inquiries);
}

void inquiry_drop(struct client *client)
{
    struct inquiry *inquiry = client->inquiry;

    if (inquiry == NULL)
        return;
    client->inquiry = NULL;
    switch (inquiry->state) {
    case INQUIRY_DELAYED:
        event_del(&inquiry->delay);
        break;
    case INQUIRY_READY:
        if (inquiry->settled)
            TAILQ_REMOVE(&inquiry->inquiries->settled, inquiry, entry);
        break;
    case INQUIRY_WAITING:
        TAILQ_REMOVE(&inquiry->inquiries->waiting, inquiry, entry);
        break;
    case INQUIRY_RUNNING:
        abandon(inquiry);
        return;
    case INQUIRY_NONE:
    case INQUIRY_ANSWERED:
        break;
    }
    destroy(inquiry);
}

void inquiries_settle(struct inquiries *inquiries, uint64_t token)
{
    struct inquiry *inquiry = TAILQ_FIRST(&inquiries->waiting);

    while (inquiry != NULL) {
        struct inquiry *next = TAILQ_NEXT(inquiry, entry);

        if (inquiry->question.topic == INQUIRY_PASSWORD && inquiry->question.token == token) {
            TAILQ_REMOVE(&inquiries->waiting, inquiry, entry);
            TAILQ_INSERT_TAIL(&inquiries->settled, inquiry, entry);
            inquiry->settled = true;
            inquiry->state = INQUIRY_READY;
        }
        inquiry = next;
    }
    /* Not here: we may be in the midst of a request of somebody else. */
    if (!TAILQ_EMPTY(&inquiries->settled))
        event_active(inquiries->later, EV_TIMEOUT, 0);
}
