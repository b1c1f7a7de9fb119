/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/loop.h"

#include "core/log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define SIGNALS_MAX 8

struct signal_handler {
    struct event *event;
    void (*handler)(void *context);
    void *context;
};

struct loop {
    struct event_base *base;
    struct event *mail_event;
    int mail_descriptor;
    /* A stack that any thread pushes to and the main loop takes whole: newest first. */
    _Atomic(struct message *) mail;
    struct signal_handler signals[SIGNALS_MAX];
    size_t signal_count;
};

uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + 1;
}

struct timeval clock_span(uint64_t milliseconds)
{
    return (struct timeval){ .tv_sec = (time_t)(milliseconds / 1000),
                             .tv_usec = (suseconds_t)(milliseconds % 1000) * 1000 };
}

static void deliver_all(struct loop *loop)
{
    struct message *newest = atomic_exchange_explicit(&loop->mail, NULL, memory_order_acquire);
    struct message *oldest = NULL;

    while (newest != NULL) {
        struct message *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct message *next = oldest->next;

        oldest->deliver(oldest);
        oldest = next;
    }
}

static void on_mail(evutil_socket_t descriptor, short what, void *argument)
{
    struct loop *loop = argument;
    uint64_t count;

    (void)what;
    /* Emptied before the stack is taken, so a later post always wakes the loop again. */
    if (read(descriptor, &count, sizeof count) < 0 && errno != EAGAIN)
        log_error("cannot read the mailbox descriptor: %s", strerror(errno));
    deliver_all(loop);
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof *loop);
    struct event_config *config = event_config_new();

    if (loop == NULL || config == NULL)
        goto failed;
    loop->mail_descriptor = -1;
    /* Only the main thread touches the base; the mailbox brings everything else to it. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop->base = event_base_new_with_config(config);
    if (loop->base == NULL)
        goto failed;
    loop->mail_descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->mail_descriptor < 0)
        goto failed;
    loop->mail_event =
        event_new(loop->base, loop->mail_descriptor, EV_READ | EV_PERSIST, on_mail, loop);
    if (loop->mail_event == NULL || event_add(loop->mail_event, NULL) != 0)
        goto failed;
    event_config_free(config);
    return loop;
failed:
    if (config != NULL)
        event_config_free(config);
    loop_free(loop);
    return NULL;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    /* Delivering may post in its turn. */
    while (atomic_load_explicit(&loop->mail, memory_order_relaxed) != NULL)
        deliver_all(loop);
    for (size_t i = 0; i < loop->signal_count; i++)
        event_free(loop->signals[i].event);
    if (loop->mail_event != NULL)
        event_free(loop->mail_event);
    if (loop->mail_descriptor >= 0)
        close(loop->mail_descriptor);
    if (loop->base != NULL)
        event_base_free(loop->base);
    free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

int loop_run(struct loop *loop)
{
    return event_base_dispatch(loop->base) < 0 ? -1 : 0;
}

void loop_stop(struct loop *loop)
{
    event_base_loopbreak(loop->base);
}

static void on_signal(evutil_socket_t signal_number, short what, void *argument)
{
    struct signal_handler *entry = argument;

    (void)signal_number;
    (void)what;
    entry->handler(entry->context);
}

int loop_on_signal(struct loop *loop, int signal_number, void (*handler)(void *context),
                   void *context)
{
    if (loop->signal_count == SIGNALS_MAX)
        return -1;
    struct signal_handler *entry = &loop->signals[loop->signal_count];
    entry->handler = handler;
    entry->context = context;
    entry->event = evsignal_new(loop->base, signal_number, on_signal, entry);
    if (entry->event == NULL)
        return -1;
    loop->signal_count++;
    return event_add(entry->event, NULL);
}

void loop_post(struct loop *loop, struct message *message)
{
    static const uint64_t one = 1;
    struct message *head = atomic_load_explicit(&loop->mail, memory_order_relaxed);

    do {
        message->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&loop->mail, &head, message,
                                                    memory_order_release, memory_order_relaxed));
    /* Only the first post into an empty stack needs to wake the loop. */
    if (head == NULL && write(loop->mail_descriptor, &one, sizeof one) < 0)
        log_error("cannot wake the main loop: %s", strerror(errno));
}
