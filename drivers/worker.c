/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "drivers/worker.h"

#include "core/log.h"
#include "drivers/crew.h"
#include "drivers/registry.h"
#include "drivers/worker_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_SIZE (128 * 1024)

/* References --------------------------------------------------------------------------------- */

static void worker_free(struct worker *worker)
{
    while (worker->first_request != NULL) {
        struct request *request = worker->first_request;

        worker->first_request = request->next;
        free(request);
    }
    shaping_free(worker->shaping);
    free(worker->attempt.complaint);
    free((char *)(uintptr_t)worker->device.directory);
    free(worker->settings);
    if (!worker->in_crew && worker->wake >= 0)
        close(worker->wake);
    pthread_cond_destroy(&worker->has_ended);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

void worker_release(struct worker *worker)
{
    if (atomic_fetch_sub(&worker->references, 1) == 1)
        worker_free(worker);
}

void worker_post(struct worker *worker, struct message *message)
{
    atomic_fetch_add(&worker->references, 1);
    if (worker->mailbag != NULL)
        mailbag_put(worker->mailbag, worker->loop, message);
    else
        loop_post(worker->loop, message);
}

/* What the thread has told ------------------------------------------------------------------- */

void worker_deliver_report(struct message *message)
{
    struct report *report = (struct report *)message;
    struct worker *worker = report->worker;

    if (worker->ups != NULL) {
        switch (report->kind) {
        case REPORT_READING:
            ups_apply(worker->store, worker->ups, &report->update);
            break;
        case REPORT_CHANGES:
            ups_amend(worker->store, worker->ups, &report->update);
            break;
        case REPORT_LINK:
            ups_link(worker->store, worker->ups, report->up);
            break;
        }
    }
    update_clear(&report->update);
    free(report);
    worker_release(worker);
}

static void settle(struct worker *worker, uint64_t id, enum ups_outcome outcome)
{
    for (size_t i = 0; i < worker->outstanding_count; i++) {
        if (worker->outstanding[i] == id) {
            worker->outstanding[i] = worker->outstanding[--worker->outstanding_count];
            ups_result(worker->store, worker->ups, id, outcome);
            return;
        }
    }
}

static void deliver_outcome(struct message *message)
{
    struct request *request = (struct request *)message;
    struct worker *worker = request->worker;

    if (worker->ups != NULL)
        settle(worker, request->id, request->outcome);
    free(request);
    worker_release(worker);
}

/* Requests ----------------------------------------------------------------------------------- */

void worker_wake(const struct worker *worker)
{
    static const uint64_t one = 1;

    /* A full counter is readable too, so the thread wakes in any case. */
    if (write(worker->wake, &one, sizeof one) < 0 && errno != EAGAIN)
        log_error("[%s] cannot wake its thread: %s", worker->device.name, strerror(errno));
}

static struct request *request_new(struct worker *worker, const struct ups_request *asked)
{
    size_t name_size = strlen(asked->name) + 1;
    size_t value_size = asked->value == NULL ? 0 : strlen(asked->value) + 1;
    struct request *request = malloc(sizeof *request + name_size + value_size);

    if (request == NULL)
        return NULL;
    *request = (struct request){ .message.deliver = deliver_outcome,
                                 .worker = worker,
                                 .id = asked->id,
                                 .kind = asked->kind,
                                 .name = request->text };
    memcpy(request->text, asked->name, name_size);
    if (value_size > 0) {
        request->value = request->text + name_size;
        memcpy(request->text + name_size, asked->value, value_size);
    }
    return request;
}

static bool submit(void *context, const struct ups_request *asked)
{
    struct worker *worker = context;
    struct request *request = NULL;

    if (worker->outstanding_count < UPS_REQUESTS_MAX)
        request = request_new(worker, asked);
    if (request == NULL)
        return false;
    worker->outstanding[worker->outstanding_count++] = asked->id;
    pthread_mutex_lock(&worker->mutex);
    if (worker->first_request == NULL)
        worker->first_request = request;
    else
        worker->last_request->next = request;
    worker->last_request = request;
    pthread_mutex_unlock(&worker->mutex);
    worker_wake(worker);
    return true;
}

/* Start and end ------------------------------------------------------------------------------ */

/* Copies text behind *end and moves *end on; NULL stays NULL. */
static char *pack(char **end, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*end, text, size);
    *end += size;
    return copy;
}

static size_t packed_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static struct device_settings *copy_settings(const struct device_settings *from)
{
    size_t options_size = from->option_count * sizeof from->options[0];
    size_t size = sizeof *from + options_size + packed_size(from->name) +
                  packed_size(from->driver) + packed_size(from->port) +
                  packed_size(from->description) + packed_size(from->file) +
                  packed_size(from->state_path);

    for (size_t i = 0; i < from->option_count; i++)
        size += packed_size(from->options[i].key) + packed_size(from->options[i].value);
    struct device_settings *copy = malloc(size);
    if (copy == NULL)
        return NULL;
    *copy = *from;
    copy->options = (struct option_setting *)(copy + 1);
    char *end = (char *)(copy + 1) + options_size;
    copy->name = pack(&end, from->name);
    copy->driver = pack(&end, from->driver);
    copy->port = pack(&end, from->port);
    copy->description = pack(&end, from->description);
    copy->file = pack(&end, from->file);
    copy->state_path = pack(&end, from->state_path);
    for (size_t i = 0; i < from->option_count; i++) {
        copy->options[i] = from->options[i];
        copy->options[i].key = pack(&end, from->options[i].key);
        copy->options[i].value = pack(&end, from->options[i].value);
    }
    return copy;
}

/*
 * How often the device is polled: pollinterval, but often enough that one failed poll does not make
 * readings stale. (NUT's drivers keep their data alive between polls; here a poll alone does.)
 */
static unsigned poll_ms(const struct device_settings *settings, unsigned maximum_age)
{
    unsigned limit = maximum_age < 3 ? 1000 : maximum_age * 1000 / 3;
    unsigned interval = settings->poll_interval * 1000;

    return interval < limit ? interval : limit;
}

/* How often everything is read: pollfreq of the drivers that have it; 0: with every poll. */
static uint64_t full_poll_ms(const struct driver *driver, const struct device_settings *settings)
{
    const char *text = device_option(settings, "pollfreq");
    unsigned seconds;

    if (text == NULL || !config_unsigned(text, 1, 86400, &seconds))
        seconds = driver->full_poll;
    return (uint64_t)seconds * 1000;
}

static void init_locks(struct worker *worker)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->has_ended, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&worker->mutex, NULL);
}

static struct worker *worker_new(const struct device_settings *settings, const char *directory)
{
    struct worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        return NULL;
    init_locks(worker);
    atomic_init(&worker->references, 1);
    worker->attempt.backoff_ms = WORKER_BACKOFF_FIRST_MS;
    worker->driver = driver_find(settings->driver);
    worker->wake = -1;
    worker->settings = copy_settings(settings);
    worker->device.directory = strdup(directory);
    if (worker->settings != NULL)
        worker->shaping = shaping_new(worker->settings, PACKAGE_VERSION);
    if (worker->driver == NULL)
        errno = ENODEV;
    if (worker->driver == NULL || worker->shaping == NULL || worker->device.directory == NULL) {
        int error = errno;

        worker_release(worker);
        errno = error;
        return NULL;
    }
    worker->device.name = worker->settings->name;
    worker->device.settings = worker->settings;
    worker->device.worker = worker;
    return worker;
}

int worker_start_thread(pthread_t *thread, const char *name, void *(*run)(void *), void *argument)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    char short_name[16];

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(thread, &attributes, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error == 0) {
        snprintf(short_name, sizeof short_name, "%s", name);
        pthread_setname_np(*thread, short_name);
    }
    return error;
}

/* Returns 0, or what was wrong. */
static int start_serving(struct worker *worker)
{
    const struct driver *driver = worker->driver;
    char name[64];

    worker->in_crew = driver->never_waits != NULL && driver->never_waits(worker->settings);
    if (worker->in_crew)
        return crew_enter(worker);
    worker->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (worker->wake < 0)
        return errno;
    snprintf(name, sizeof name, "ups %s", worker->device.name);
    return worker_start_thread(&worker->thread, name, worker_thread_run, worker);
}

struct worker *worker_start(struct loop *loop, struct ups_store *store, struct ups *ups,
                            const struct device_settings *settings, const char *directory)
{
    struct worker *worker = worker_new(settings, directory);

    if (worker == NULL)
        return NULL;
    worker->loop = loop;
    worker->store = store;
    worker->ups = ups;
    atomic_init(&worker->poll_ms, poll_ms(settings, ups_store_maximum_age(store)));
    worker->full_poll_ms = full_poll_ms(worker->driver, settings);
    int error = start_serving(worker);
    if (error != 0) {
        worker_release(worker);
        errno = error;
        return NULL;
    }
    ups_attach_worker(ups, submit, worker);
    return worker;
}

void worker_set_maximum_age(struct worker *worker, unsigned maximum_age)
{
    atomic_store(&worker->poll_ms, poll_ms(worker->settings, maximum_age));
    worker_wake(worker);
}

void worker_stop(struct worker *worker)
{
    if (worker->ups != NULL) {
        ups_attach_worker(worker->ups, NULL, NULL);
        /* Who asked for something must not wait for ever. */
        while (worker->outstanding_count > 0)
            settle(worker, worker->outstanding[0], UPS_FAILED);
        worker->ups = NULL;
    }
    atomic_store(&worker->stopping, true);
    worker_wake(worker);
}

bool worker_ended(const struct worker *worker)
{
    pthread_mutex_t *mutex = (pthread_mutex_t *)(uintptr_t)&worker->mutex;

    pthread_mutex_lock(mutex);
    bool ended = worker->ended;
    pthread_mutex_unlock(mutex);
    return ended;
}

void worker_finish(struct worker *worker, uint64_t deadline)
{
    /* clock_ms() is one ahead of the clock. */
    struct timespec end = { .tv_sec = (time_t)((deadline - 1) / 1000),
                            .tv_nsec = (long)((deadline - 1) % 1000) * 1000000 };
    char name[64];
    int error = 0;

    snprintf(name, sizeof name, "%s", worker->device.name);
    pthread_mutex_lock(&worker->mutex);
    while (!worker->ended && error == 0)
        error = pthread_cond_timedwait(&worker->has_ended, &worker->mutex, &end);
    bool ended = worker->ended;
    if (!ended) {
        /* From now on it may end at any time, and frees itself then. */
        worker->abandoned = true;
        if (!worker->in_crew)
            pthread_detach(worker->thread);
    }
    pthread_mutex_unlock(&worker->mutex);
    if (ended) {
        if (worker->in_crew)
            crew_leave();
        else
            pthread_join(worker->thread, NULL);
        worker_release(worker);
        return;
    }
    log_error("[%s] its thread does not end (stuck in the kernel?): it is abandoned", name);
}
