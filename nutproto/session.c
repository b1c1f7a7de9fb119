/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/session.h"

#include "core/log.h"
#include "core/loop.h"
#include "nutproto/client.h"
#include "nutproto/commands.h"
#include "nutproto/tls.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Answers are sent when they reach this size even if more requests are waiting. */
#define ANSWERS_ENOUGH ((size_t)64 * 1024)
/* What upsd reads at a time; a broken line takes the rest of its block with it. */
#define BLOCK_SIZE 512

/* What waits for a client that does not read its answers, or for a parked line. */
struct backlog {
    size_t queue_start, queue_length; /* answers the kernel did not take: what is left of them */
    size_t input_length;              /* requests not looked at yet, behind the answers */
    uint64_t progress;                /* clock_ms() when the kernel last took some */
    char bytes[];                     /* answers, then requests */
};

/* How far the serving of what has arrived has come. */
enum progress {
    SERVING, /* there may be more to do */
    PARKED,  /* a line waits, and all behind it */
    STALLED, /* answers wait for the client, and all behind them */
    LEAVING, /* the client wants no more */
    SHAKING, /* the answer is the last in clear */
    BROKEN,  /* the session cannot go on */
};

struct session {
    struct client client; /* first: a client's session is found by its address */
    struct service *service;
    struct session *next, **link; /* in service->sessions */
    struct event readiness;       /* reading; writing while there is a backlog */
    struct event deadline;
    uint64_t last_line;      /* clock_ms() of the last complete line */
    struct words *line;      /* begun and not ended, or parked; NULL: none */
    struct backlog *backlog; /* NULL: none */
    struct ssl_st *tls;      /* NULL: in clear */
    struct handshake *handshake;
    int descriptor;
    bool parked;  /* until session_continue() */
    bool run_due; /* the line that was parked is to run again */
    bool more;    /* has arrived, but the socket does not say so */
};

/* Transport ---------------------------------------------------------------------------------- */

/* > 0: bytes received; 0: the peer has ended; < 0 with errno. */
static ssize_t session_receive(struct session *session, char *bytes, size_t size)
{
    if (session->tls != NULL)
        return tls_receive(session->tls, bytes, size, &session->more);
    return recv(session->descriptor, bytes, size, 0);
}

/* >= 0: bytes taken; < 0: the connection is broken. */
static ssize_t session_transmit(struct session *session, const char *bytes, size_t length)
{
    if (session->tls != NULL)
        return tls_transmit(session->tls, bytes, length);
    ssize_t sent = send(session->descriptor, bytes, length, MSG_NOSIGNAL);

    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    return sent;
}

/* Life --------------------------------------------------------------------------------------- */

static void on_readable(evutil_socket_t descriptor, short what, void *argument);
static void on_writable(evutil_socket_t descriptor, short what, void *argument);

static void free_backlog(struct session *session)
{
    if (session->backlog == NULL)
        return;
    session->service->queued -= session->backlog->queue_length;
    free(session->backlog);
    session->backlog = NULL;
}

static void free_line(struct session *session)
{
    if (session->line == NULL)
        return;
    words_clear(session->line);
    free(session->line);
    session->line = NULL;
}

void session_close(struct session *session)
{
    struct service *service = session->service;

    event_del(&session->readiness);
    event_del(&session->deadline);
    tls_close(session->tls);
    close(session->descriptor);
    handshakes_remove(&service->handshakes, session->handshake);
    free_backlog(session);
    free_line(session);
    struct client_address address = session->client.address;
    client_clear(&session->client);
    *session->link = session->next;
    if (session->next != NULL)
        session->next->link = session->link;
    service->session_count--;
    service->census->clients = service->session_count;
    free(session);
    if (service->on_leave != NULL)
        service->on_leave(service->context, &address);
}

const struct session *session_older(const struct session *session)
{
    return session->next;
}

const struct client *session_client(const struct session *session)
{
    return &session->client;
}

void session_kick(struct client *client)
{
    session_close((struct session *)(void *)client);
}

static bool arm_deadline(struct session *session, uint64_t milliseconds)
{
    struct timeval delay = clock_span(milliseconds);

    return event_add(&session->deadline, &delay) == 0;
}

/*
 * The deadline is not moved with each request: when it fires it looks at what has happened since,
 * so a busy client costs one timer a minute.
 */
static void on_deadline(evutil_socket_t descriptor, short what, void *argument)
{
    struct session *session = argument;
    const struct service *service = session->service;
    uint64_t since = session->last_line;
    uint64_t limit = service->idle_limit;
    const char *reason = "it has been silent for too long";
    char address[CLIENT_ADDRESS_SIZE];

    (void)descriptor;
    (void)what;
    if (session->handshake != NULL) {
        since = session->handshake->told;
        limit = service->handshake_limit;
        reason = "it does not come to an end with its TLS handshake";
    } else if (session->backlog != NULL && session->backlog->queue_length > 0) {
        since = session->backlog->progress;
        limit = service->stall_limit;
        reason = "it does not read its answers";
    }
    uint64_t passed = clock_ms() - since;
    if (passed < limit && arm_deadline(session, limit - passed))
        return;
    log_debug(1, "Dropping client %s: %s", client_address(&session->client, address), reason);
    session_close(session);
}

static void watch(struct session *session, short what, event_callback_fn callback)
{
    event_assign(&session->readiness, session->service->base, session->descriptor,
                 (short)(what | EV_PERSIST), callback, session);
}

struct session *session_new(struct service *service, int descriptor,
                            const struct client_address *address, unsigned listener)
{
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL)
        return NULL;
    session->service = service;
    session->descriptor = descriptor;
    session->last_line = clock_ms();
    client_init(&session->client, ++service->session_number, address, listener);
    session->client.since = session->last_line;
    watch(session, EV_READ, on_readable);
    evtimer_assign(&session->deadline, service->base, on_deadline, session);
    if (event_add(&session->readiness, NULL) != 0 || !arm_deadline(session, service->idle_limit)) {
        event_del(&session->readiness);
        free(session);
        return NULL;
    }
    session->next = service->sessions;
    session->link = &service->sessions;
    if (session->next != NULL)
        session->next->link = &session->next;
    service->sessions = session;
    service->session_count++;
    service->census->connections++;
    service->census->clients = service->session_count;
    return session;
}

/* Waiting ------------------------------------------------------------------------------------ */

/* Keeps answers the kernel did not take, and requests that must wait. */
static bool keep_backlog(struct session *session, const char *answers, size_t answers_length,
                         const char *input, size_t input_length)
{
    struct service *service = session->service;

    if (answers_length > service->queue_limit - service->queued) {
        char address[CLIENT_ADDRESS_SIZE];

        service_complain(service, LOG_NOTICE,
                         "Dropping client %s: too many answers wait for slow clients",
                         client_address(&session->client, address));
        return false;
    }
    struct backlog *backlog = malloc(sizeof *backlog + answers_length + input_length);
    if (backlog == NULL)
        return false;
    *backlog = (struct backlog){ .queue_length = answers_length,
                                 .input_length = input_length,
                                 .progress = clock_ms() };
    memcpy(backlog->bytes, answers, answers_length);
    memcpy(backlog->bytes + answers_length, input, input_length);
    service->queued += answers_length;
    session->backlog = backlog;
    return true;
}

/* Waits for the kernel to take more answers. */
static bool wait_for_room(struct session *session)
{
    event_del(&session->readiness);
    watch(session, EV_WRITE, on_writable);
    return event_add(&session->readiness, NULL) == 0 &&
           arm_deadline(session, session->service->stall_limit);
}

/*
 * Reads nothing, but is told of changes. A client that has only ended its own half is waiting for
 * the answer; one that is gone altogether is not.
 */
static void on_change_while_parked(evutil_socket_t descriptor, short what, void *argument)
{
    struct pollfd state = { .fd = descriptor };

    (void)what;
    if (poll(&state, 1, 0) == 1 && (state.revents & (POLLERR | POLLHUP)) != 0)
        session_close(argument);
}

static bool wait_while_parked(struct session *session)
{
    event_del(&session->readiness);
    watch(session, EV_READ | EV_ET, on_change_while_parked);
    return event_add(&session->readiness, NULL) == 0;
}

/* Keeps a line beyond this wake-up, so that the shared state is free for the next session. */
static bool keep_line(struct session *session)
{
    struct service *service = session->service;

    if (session->line != NULL)
        return true;
    session->line = malloc(sizeof *session->line);
    if (session->line == NULL) {
        words_clear(&service->words);
        return false;
    }
    *session->line = service->words;
    service->words = (struct words){ 0 };
    return true;
}

/* TLS ---------------------------------------------------------------------------------------- */

static void on_handshake(evutil_socket_t descriptor, short what, void *argument);

/* Only so many may have begun: then the one that did so first gives way. */
static void make_way(struct service *service)
{
    char address[CLIENT_ADDRESS_SIZE];

    if (service->handshakes.count < service->handshakes_max || service->handshakes.oldest == NULL)
        return;
    struct session *slow = service->handshakes.oldest->session;
    service_complain(service, LOG_NOTICE,
                     "Dropping client %s: too many TLS handshakes are under way",
                     client_address(&slow->client, address));
    session_close(slow);
}

/*
 * Input behind STARTTLS came in clear, perhaps from somebody in between; it must not pass for a
 * request of the client, and no client sends any before it has the answer.
 */
static bool begin_handshake(struct session *session, size_t input_length)
{
    struct service *service = session->service;
    char address[CLIENT_ADDRESS_SIZE];

    if (input_length > 0) {
        service_complain(service, LOG_NOTICE,
                         "Dropping client %s: it sent more in clear behind STARTTLS",
                         client_address(&session->client, address));
        return false;
    }
    session->handshake = handshake_new(session);
    return session->handshake != NULL && arm_deadline(session, service->handshake_limit);
}

static bool wait_for_handshake(struct session *session, short what)
{
    event_del(&session->readiness);
    watch(session, what, on_handshake);
    return event_add(&session->readiness, NULL) == 0;
}

/* Requests of the client may have come along with its last part of the handshake. */
static void end_handshake(struct session *session)
{
    struct client *client = &session->client;
    char subject[TLS_SUBJECT_SIZE];

    handshakes_remove(&session->service->handshakes, session->handshake);
    session->handshake = NULL;
    client->tls = true;
    session->last_line = clock_ms();
    event_del(&session->readiness);
    watch(session, EV_READ, on_readable);
    bool going = true;
    if (tls_peer_subject(session->tls, subject, sizeof subject)) {
        client->certificate_subject = strdup(subject);
        going = client->certificate_subject != NULL;
    }
    if (going && event_add(&session->readiness, NULL) == 0)
        on_readable(session->descriptor, EV_READ, session);
    else
        session_close(session);
}

static void on_handshake(evutil_socket_t descriptor, short what, void *argument)
{
    struct session *session = argument;
    struct service *service = session->service;
    enum tls_step step = TLS_FAILED;
    char reason[TLS_REASON_SIZE] = "TLS is no longer configured, or memory is out";
    char address[CLIENT_ADDRESS_SIZE];

    if (!handshakes_may_step(&service->handshakes))
        return;
    /* Who never begins costs little. */
    if (session->tls == NULL && service->tls != NULL) {
        make_way(service);
        session->tls = tls_new(service->tls, descriptor);
        handshakes_begin(&service->handshakes, session->handshake);
    }
    if (session->tls != NULL)
        step = tls_handshake(session->tls, reason);
    short wanted = step == TLS_WAITS_FOR_ROOM ? EV_WRITE : EV_READ;
    if (step == TLS_ESTABLISHED) {
        end_handshake(session);
        return;
    }
    if (step != TLS_FAILED && ((what & wanted) != 0 || wait_for_handshake(session, wanted)))
        return;
    service_complain(service, LOG_INFO, "TLS handshake with client %s failed: %s",
                     client_address(&session->client, address), reason);
    session_close(session);
}

/* Requests ----------------------------------------------------------------------------------- */

static size_t end_of_block(size_t at, size_t length)
{
    size_t end = (at + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;

    return end < length ? end : length;
}

/* Runs a complete line. */
static enum progress run_line(struct session *session, struct words *words)
{
    enum command_outcome outcome = commands_run(session->service, &session->client, words);

    if (outcome == COMMAND_WAITS) {
        session->parked = keep_line(session);
        return session->parked ? PARKED : BROKEN;
    }
    free_line(session);
    if (outcome == COMMAND_STARTS_TLS)
        return SHAKING;
    return session->client.leaving ? LEAVING : SERVING;
}

/* Takes input up to the end of a line and answers it. */
static enum progress take_line(struct session *session, const char *bytes, size_t length,
                               size_t *at, unsigned *lines)
{
    struct service *service = session->service;
    struct words *words = session->line != NULL ? session->line : &service->words;
    size_t consumed;

    enum words_result result = words_feed(words, bytes + *at, length - *at, &consumed);
    *at += consumed;
    switch (result) {
    case WORDS_MORE:
        return !words_pending(words) || keep_line(session) ? SERVING : BROKEN;
    case WORDS_LINE:
        (*lines)++;
        return run_line(session, words);
    case WORDS_ERROR:
        service_complain(service, LOG_NOTICE,
                         "Parse error on sock: Unbalanced word due to unescaped # in quotes");
        *at = end_of_block(*at, length);
        free_line(session);
        return SERVING;
    case WORDS_NO_MEMORY:
        break;
    }
    return BROKEN;
}

/*
 * Sends what was answered so far. If not all of it leaves, the rest of the input waits too;
 * otherwise the progress stays as it is.
 */
static enum progress send_answers(struct session *session, enum progress progress,
                                  const char *input, size_t input_length)
{
    struct output *output = &session->service->output;
    ssize_t sent = output->failed ? -1 : 0;

    if (sent == 0 && output->used > 0)
        sent = session_transmit(session, output->bytes, output->used);
    if (sent < 0)
        return BROKEN;
    if ((size_t)sent < output->used) {
        bool waits = keep_backlog(session, output->bytes + sent, output->used - (size_t)sent, input,
                                  input_length) &&
                     wait_for_room(session);
        return waits ? STALLED : BROKEN;
    }
    output_reset(output, 4 * ANSWERS_ENOUGH);
    return progress;
}

/* All answers have left: sees to what is to happen next. False: the session is to end. */
static bool settle(struct session *session, enum progress progress, const char *input,
                   size_t input_length)
{
    static const struct timeval at_once = { 0 };

    switch (progress) {
    case SERVING:
        /* Not now: others have waited meanwhile. */
        return !session->more || event_add(&session->readiness, &at_once) == 0;
    case PARKED:
        return (input_length == 0 || keep_backlog(session, "", 0, input, input_length)) &&
               wait_while_parked(session);
    case STALLED:
        return true;
    case SHAKING:
        return wait_for_handshake(session, EV_READ);
    default:
        return false;
    }
}

/* Answers what has arrived; closes the session if it is to end. */
static void serve(struct session *session, const char *bytes, size_t length)
{
    struct output *output = &session->service->output;
    enum progress progress = SERVING;
    unsigned lines = 0;
    size_t at = 0;

    output_reset(output, 4 * ANSWERS_ENOUGH);
    if (session->run_due) {
        session->run_due = false;
        progress = run_line(session, session->line);
    }
    while (progress == SERVING && at < length) {
        progress = take_line(session, bytes, length, &at, &lines);
        if (progress == SERVING && output->used >= ANSWERS_ENOUGH)
            progress = send_answers(session, progress, bytes + at, length - at);
    }
    if (lines > 0)
        session->last_line = clock_ms();
    if (progress == SHAKING && !begin_handshake(session, length - at))
        progress = BROKEN;
    if (progress != STALLED && progress != BROKEN)
        progress = send_answers(session, progress, bytes + at, length - at);
    if (!settle(session, progress, bytes + at, length - at))
        session_close(session);
}

/* Waits for what a session needs to read on: within TLS that may be room to send. */
static bool wait_for_input(struct session *session)
{
    short wanted =
        session->tls != NULL && tls_receive_needs_room(session->tls) ? EV_WRITE : EV_READ;

    /* What woke us by its timeout is not pending any more. */
    if (event_pending(&session->readiness, wanted, NULL) != 0)
        return true;
    event_del(&session->readiness);
    watch(session, wanted, on_readable);
    return event_add(&session->readiness, NULL) == 0;
}

static void on_readable(evutil_socket_t descriptor, short what, void *argument)
{
    struct session *session = argument;
    struct service *service = session->service;

    (void)descriptor;
    (void)what;
    session->more = false;
    ssize_t length = session_receive(session, service->input, sizeof service->input);
    int saved_errno = errno;
    bool idle =
        length < 0 && (saved_errno == EAGAIN || saved_errno == EWOULDBLOCK || saved_errno == EINTR);
    if ((length <= 0 && !idle) || !wait_for_input(session))
        session_close(session);
    else if (length > 0)
        serve(session, service->input, (size_t)length);
}

/* Nothing stands in the way any more: reads again, first the requests that had to wait. */
static void resume(struct session *session)
{
    struct backlog *backlog = session->backlog;

    session->backlog = NULL;
    event_del(&session->readiness);
    watch(session, EV_READ, on_readable);
    session->last_line = clock_ms();
    if (session->client.leaving || event_add(&session->readiness, NULL) != 0)
        session_close(session);
    else if (backlog != NULL)
        serve(session, backlog->bytes + backlog->queue_start, backlog->input_length);
    else
        serve(session, "", 0);
    free(backlog);
}

static void on_writable(evutil_socket_t descriptor, short what, void *argument)
{
    struct session *session = argument;
    struct backlog *backlog = session->backlog;

    (void)descriptor;
    (void)what;
    ssize_t sent =
        session_transmit(session, backlog->bytes + backlog->queue_start, backlog->queue_length);
    if (sent < 0) {
        session_close(session);
        return;
    }
    if (sent > 0)
        backlog->progress = clock_ms();
    backlog->queue_start += (size_t)sent;
    backlog->queue_length -= (size_t)sent;
    session->service->queued -= (size_t)sent;
    if (backlog->queue_length > 0)
        return;
    if (session->parked) {
        /* What is left are the requests behind the line. */
        if (!wait_while_parked(session))
            session_close(session);
    } else if (session->handshake != NULL) {
        free_backlog(session);
        if (!wait_for_handshake(session, EV_READ))
            session_close(session);
    } else
        resume(session);
}

void session_continue(struct client *client)
{
    struct session *session = (struct session *)(void *)client;

    if (!session->parked)
        return;
    session->parked = false;
    session->run_due = true;
    if (session->backlog == NULL || session->backlog->queue_length == 0)
        resume(session);
}
