/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/loop.h"

#include "tests/unit/unit.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SENDERS 4
#define LETTERS 5000

struct letter {
    struct message message;
    struct letterbox *box;
    int sender, number;
};

/* What has been delivered; the main thread's, but for the loop that senders post to. */
struct letterbox {
    struct loop *loop;
    int next[SENDERS]; /* the number expected of each */
    int total, wanted;
    bool in_order;
    pthread_t reader;
    bool by_reader_alone;
};

static void deliver(struct message *message)
{
    struct letter *letter = (struct letter *)message;
    struct letterbox *box = letter->box;

    if (letter->number != box->next[letter->sender]++)
        box->in_order = false;
    if (!pthread_equal(pthread_self(), box->reader))
        box->by_reader_alone = false;
    free(letter);
    if (++box->total == box->wanted)
        loop_stop(box->loop);
}

static void post(struct letterbox *box, int sender, int number)
{
    struct letter *letter = malloc(sizeof *letter);

    if (letter == NULL)
        abort();
    *letter = (struct letter){
        .message.deliver = deliver, .box = box, .sender = sender, .number = number
    };
    loop_post(box->loop, &letter->message);
}

static struct letterbox letterbox(int wanted)
{
    struct letterbox box = { .loop = loop_new(),
                             .wanted = wanted,
                             .in_order = true,
                             .reader = pthread_self(),
                             .by_reader_alone = true };

    assert_non_null(box.loop);
    return box;
}

struct sender {
    pthread_t thread;
    struct letterbox *box;
    int number;
    bool pauses;
};

static void *send_letters(void *argument)
{
    const struct sender *sender = argument;

    for (int i = 0; i < LETTERS; i++) {
        post(sender->box, sender->number, i);
        /* Now and then the box is found empty, so that the loop sleeps and must be woken. */
        if (sender->pauses && i % 100 == 0)
            usleep(200);
    }
    return NULL;
}

static void test_many_senders(void **state)
{
    struct letterbox box = letterbox(SENDERS * LETTERS);
    struct sender senders[SENDERS];

    (void)state;
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ .box = &box, .number = i, .pauses = i % 2 == 0 };
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_letters, &senders[i]), 0);
    }
    assert_int_equal(loop_run(box.loop), 0);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    assert_int_equal(box.total, SENDERS * LETTERS);
    assert_true(box.in_order);
    assert_true(box.by_reader_alone);
    loop_free(box.loop);
}

static void test_freeing_delivers_what_is_left(void **state)
{
    struct letterbox box = letterbox(-1);

    (void)state;
    for (int i = 0; i < 10; i++)
        post(&box, 0, i);
    assert_int_equal(box.total, 0);
    loop_free(box.loop);
    assert_int_equal(box.total, 10);
    assert_true(box.in_order);
    loop_free(NULL);
}

struct chain {
    struct message message;
    struct loop *loop;
    int left;
};

static void deliver_chain(struct message *message)
{
    struct chain *chain = (struct chain *)message;

    if (--chain->left > 0)
        loop_post(chain->loop, message);
    else
        loop_stop(chain->loop);
}

/* Delivering may post: that is for the next turn, and wakes the loop like any other. */
static void test_posting_while_delivering(void **state)
{
    struct chain chain = { .message.deliver = deliver_chain, .loop = loop_new(), .left = 1000 };

    (void)state;
    loop_post(chain.loop, &chain.message);
    assert_int_equal(loop_run(chain.loop), 0);
    assert_int_equal(chain.left, 0);
    chain.left = 3;
    loop_post(chain.loop, &chain.message);
    loop_free(chain.loop);
    assert_int_equal(chain.left, 0);
}

static struct {
    struct loop *loop;
    int hups, users;
} signals;

static void on_hup(void *context)
{
    assert_ptr_equal(context, &signals);
    signals.hups++;
    raise(SIGUSR1);
}

static void on_user(void *context)
{
    assert_ptr_equal(context, &signals.users);
    signals.users++;
    loop_stop(signals.loop);
}

static void test_signals(void **state)
{
    (void)state;
    signals.loop = loop_new();
    assert_int_equal(loop_on_signal(signals.loop, SIGHUP, on_hup, &signals), 0);
    assert_int_equal(loop_on_signal(signals.loop, SIGUSR1, on_user, &signals.users), 0);
    raise(SIGHUP);
    assert_int_equal(loop_run(signals.loop), 0);
    assert_int_equal(signals.hups, 1);
    assert_int_equal(signals.users, 1);
    loop_free(signals.loop);
}

static void test_signals_are_bounded(void **state)
{
    struct loop *loop = loop_new();

    (void)state;
    for (int i = 0; i < 8; i++)
        assert_int_equal(loop_on_signal(loop, SIGRTMIN + i, on_user, NULL), 0);
    assert_int_equal(loop_on_signal(loop, SIGRTMIN + 8, on_user, NULL), -1);
    loop_free(loop);
}

static void test_the_clock(void **state)
{
    uint64_t before = clock_ms();

    (void)state;
    assert_int_not_equal(before, 0);
    usleep(20000);
    assert_true(clock_ms() >= before + 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_senders),
        cmocka_unit_test(test_freeing_delivers_what_is_left),
        cmocka_unit_test(test_posting_while_delivering),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_signals_are_bounded),
        cmocka_unit_test(test_the_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
