/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/worker_thread.h"

#include "core/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNDELIVERED_MAX 64 /* messages; above that the main loop gets no more readings */
#define FAILED_RETRY_MS 2000
#define FAILURES_TO_LOG 2
#define FAILURES_TO_CLOSE 3
#define BACKOFF_LAST_MS 5000
#define BACKOFF_REFUSED_MS 30000

int driver_wake_descriptor(const struct device *device)
{
    return device->worker == NULL ? -1 : device->worker->wake;
}

bool driver_must_stop(const struct device *device)
{
    return device->worker != NULL && atomic_load(&device->worker->stopping);
}

void driver_retry(const struct device *device)
{
    atomic_store(&device->worker->retry_now, true);
    worker_wake(device->worker);
}

enum driver_result driver_problem(struct device *device, enum driver_result result,
                                  const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(device->problem, sizeof device->problem, format, arguments);
    va_end(arguments);
    return result;
}

/* Telling the main loop ---------------------------------------------------------------------- */

/* Takes update over. False: out of memory. After a stop nobody listens, and the loop may be gone.
 */
static bool report(struct worker *worker, enum report_kind kind, bool up, struct update *update)
{
    if (atomic_load(&worker->stopping))
        return true;
    struct report *told = malloc(sizeof *told);

    if (told == NULL)
        return false;
    *told = (struct report){
        .message.deliver = worker_deliver_report, .worker = worker, .kind = kind, .up = up
    };
    if (update != NULL) {
        told->update = *update;
        *update = (struct update){ 0 };
    }
    worker_post(worker, &told->message);
    return true;
}

static void tell_link(struct worker *worker, bool up)
{
    enum link_told link = up ? LINK_UP : LINK_DOWN;

    /* If it cannot be told now, the next occasion tries again. */
    if (worker->attempt.link != link && report(worker, REPORT_LINK, up, NULL))
        worker->attempt.link = link;
}

/* Shapes a batch and sends it off. False: too large, or out of memory. */
static bool send_batch(struct worker *worker, enum report_kind kind, const struct update *in)
{
    struct update out = { 0 };

    shaping_apply(worker->shaping, in, &out);
    bool sent = update_ok(&out) && report(worker, kind, false, &out);
    update_clear(&out);
    return sent;
}

static void complain(struct worker *worker)
{
    struct attempt *attempt = &worker->attempt;
    const char *reason = worker->device.problem;

    /* A call that was ended early for us is nobody's failure. */
    if (atomic_load(&worker->stopping))
        return;
    if (*reason == '\0')
        reason = "the driver gave no reason";
    if (attempt->down_since == 0)
        attempt->down_since = clock_ms();
    if (attempt->complaint != NULL && strcmp(attempt->complaint, reason) == 0)
        return;
    log_warning("[%s] %s: %s", worker->device.name, attempt->ever_up ? "lost" : "no contact yet",
                reason);
    free(attempt->complaint);
    attempt->complaint = strdup(reason);
}

static void is_well(struct worker *worker)
{
    struct attempt *attempt = &worker->attempt;

    attempt->failures = 0;
    attempt->complete_due = false;
    attempt->backoff_ms = WORKER_BACKOFF_FIRST_MS;
    if (!attempt->ever_up)
        log_message(attempt->down_since == 0 ? LOG_INFO : LOG_NOTICE,
                    "[%s] opened: driver %s, port %s", worker->device.name,
                    worker->settings->driver, worker->settings->port);
    else if (attempt->down_since != 0)
        log_notice("[%s] is back after %u s", worker->device.name,
                   (unsigned)((clock_ms() - attempt->down_since) / 1000));
    attempt->down_since = 0;
    attempt->ever_up = true;
    free(attempt->complaint);
    attempt->complaint = NULL;
}

/* Opening and closing ------------------------------------------------------------------------ */

static void close_device(struct worker *worker)
{
    worker->driver->close(&worker->device);
    worker->attempt.is_open = false;
}

static void schedule_retry(struct worker *worker, enum driver_result result)
{
    struct attempt *attempt = &worker->attempt;
    unsigned delay = attempt->backoff_ms;

    if (result == DRIVER_REFUSED)
        delay = BACKOFF_REFUSED_MS;
    else if (delay < BACKOFF_LAST_MS)
        attempt->backoff_ms = delay * 2 < BACKOFF_LAST_MS ? delay * 2 : BACKOFF_LAST_MS;
    attempt->retry = clock_ms() + delay;
}

/* A call to the open device has failed. */
static void failed(struct worker *worker, enum driver_result result)
{
    struct attempt *attempt = &worker->attempt;
    bool is_up = attempt->link == LINK_UP;
    bool give_up = result != DRIVER_FAILED || ++attempt->failures >= FAILURES_TO_CLOSE;

    /* A single failed poll of a device that is well is nothing to wake anybody for. */
    if (give_up || !is_up || attempt->failures >= FAILURES_TO_LOG)
        complain(worker);
    if (give_up || !is_up)
        tell_link(worker, false);
    if (!give_up)
        return;
    close_device(worker);
    if (result == DRIVER_FAILED)
        attempt->backoff_ms = WORKER_BACKOFF_FIRST_MS;
    schedule_retry(worker, result);
}

static void open_device(struct worker *worker)
{
    struct attempt *attempt = &worker->attempt;
    uint64_t begun = clock_ms();

    worker->device.problem[0] = '\0';
    enum driver_result result = worker->driver->open(&worker->device);
    uint64_t took = clock_ms() - begun;
    if (took > (uint64_t)worker->settings->max_start_delay * 1000)
        log_warning("[%s] opening it took %u s, longer than maxstartdelay", worker->device.name,
                    (unsigned)(took / 1000));
    if (result != DRIVER_OK) {
        complain(worker);
        tell_link(worker, false);
        schedule_retry(worker, result);
        return;
    }
    attempt->is_open = true;
    attempt->complete_due = true;
    attempt->event_due = false;
    attempt->failures = 0;
    attempt->next_poll = 0;
}

/* Polls and requests ------------------------------------------------------------------------- */

static enum driver_result read_device(struct worker *worker, enum poll_kind kind)
{
    struct update in = { 0 };

    worker->device.problem[0] = '\0';
    enum driver_result result = worker->driver->poll(&worker->device, kind, &in);
    if (result == DRIVER_OK) {
        in.complete |= worker->attempt.complete_due;
        tell_link(worker, true);
        if (!send_batch(worker, REPORT_READING, &in))
            result = driver_problem(&worker->device, DRIVER_GONE,
                                    "a reading is too large, or out of memory");
    }
    update_clear(&in);
    return result;
}

static uint64_t next_tick(uint64_t now, uint64_t interval)
{
    return (now / interval + 1) * interval;
}

static uint64_t poll_interval(const struct worker *worker)
{
    return atomic_load(&worker->poll_ms);
}

static uint64_t full_poll_interval(const struct worker *worker)
{
    uint64_t interval = poll_interval(worker);

    return worker->full_poll_ms > interval ? worker->full_poll_ms : interval;
}

uint64_t worker_next_full_poll(const char *name, uint64_t now, uint64_t poll, uint64_t full)
{
    uint32_t hash = 2166136261u;

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    uint64_t phase = hash % (full / poll) * poll;
    return next_tick(now + full - phase, full) - (full - phase);
}

static uint64_t next_full_poll(const struct worker *worker, uint64_t now)
{
    return worker_next_full_poll(worker->device.name, now, poll_interval(worker),
                                 full_poll_interval(worker));
}

static void schedule_polls(struct worker *worker, bool regular, bool full)
{
    struct attempt *attempt = &worker->attempt;
    uint64_t now = clock_ms();

    /* An event comes before the regular poll, not instead of it. */
    if (regular)
        attempt->next_poll = next_tick(now, poll_interval(worker));
    if (full)
        attempt->next_full_poll = next_full_poll(worker, now);
    if (attempt->failures > 0 && attempt->next_poll > now + FAILED_RETRY_MS)
        attempt->next_poll = now + FAILED_RETRY_MS;
}

/* The status first where the rest has its own pace: on slow devices it takes seconds. */
static enum driver_result read_all(struct worker *worker)
{
    enum driver_result result = DRIVER_OK;

    if (worker->full_poll_ms > 0 && !worker->attempt.complete_due)
        result = read_device(worker, POLL_QUICK);
    return result == DRIVER_OK ? read_device(worker, POLL_FULL) : result;
}

static void poll_device(struct worker *worker)
{
    struct attempt *attempt = &worker->attempt;
    uint64_t now = clock_ms();
    bool unasked = attempt->event_due;
    bool full = attempt->complete_due || (!unasked && now >= attempt->next_full_poll);

    attempt->event_due = false;
    /* A main loop that does not keep up gets no more: its readings grow stale, not our memory. */
    if (atomic_load(&worker->references) <= UNDELIVERED_MAX) {
        enum driver_result result = full ? read_all(worker) : read_device(worker, POLL_QUICK);

        if (result == DRIVER_OK)
            is_well(worker);
        else
            failed(worker, result);
    }
    schedule_polls(worker, !unasked || full, full);
}

static struct request *take_request(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    struct request *request = worker->first_request;
    if (request != NULL)
        worker->first_request = request->next;
    pthread_mutex_unlock(&worker->mutex);
    return request;
}

static enum ups_outcome carry_out(struct worker *worker, const struct request *request,
                                  struct update *update)
{
    const struct driver *driver = worker->driver;

    if (!worker->attempt.is_open)
        return UPS_FAILED;
    if (request->kind == UPS_REQUEST_COMMAND)
        return driver->command == NULL
                   ? UPS_UNKNOWN
                   : driver->command(&worker->device, request->name, request->value, update);
    return driver->set == NULL
               ? UPS_UNKNOWN
               : driver->set(&worker->device, request->name, request->value, update);
}

/* One at a time: between two slow ones the device is polled if that is due. False: there was none.
 */
static bool serve_request(struct worker *worker)
{
    struct request *request = take_request(worker);
    struct update in = { 0 };

    if (request == NULL)
        return false;
    request->outcome = carry_out(worker, request, &in);
    /* The new value before the outcome: who hears of success must see it. */
    if ((in.used > 0 || in.broken) && !send_batch(worker, REPORT_CHANGES, &in))
        log_error("[%s] out of memory: the effect of %s shows later", worker->device.name,
                  request->name);
    update_clear(&in);
    if (atomic_load(&worker->stopping))
        free(request);
    else
        worker_post(worker, &request->message);
    return true;
}

/* The loop ----------------------------------------------------------------------------------- */

static void drain_wake(struct worker *worker)
{
    uint64_t count;

    if (read(worker->wake, &count, sizeof count) < 0 && errno != EAGAIN)
        log_error("[%s] cannot read its wake descriptor: %s", worker->device.name, strerror(errno));
}

static void wait_until(struct worker *worker, uint64_t end)
{
    struct attempt *attempt = &worker->attempt;
    uint64_t now = clock_ms();
    int timeout = end <= now ? 0 : end - now > 60000 ? 60000 : (int)(end - now);

    if (attempt->is_open && worker->driver->wait != NULL) {
        bool happened = false;

        worker->device.problem[0] = '\0';
        enum driver_result result = worker->driver->wait(&worker->device, timeout, &happened);
        if (result != DRIVER_OK)
            failed(worker, result);
        else
            attempt->event_due |= happened;
        return;
    }
    struct pollfd descriptor = { .fd = worker->wake, .events = POLLIN };
    if (poll(&descriptor, 1, timeout) < 0 && errno != EINTR)
        log_error("[%s] cannot wait: %s", worker->device.name, strerror(errno));
}

/* Polls that were planned before the interval became shorter come sooner. */
static void hasten_polls(struct worker *worker, uint64_t now)
{
    struct attempt *attempt = &worker->attempt;
    uint64_t poll = next_tick(now, poll_interval(worker));
    uint64_t full_poll = next_full_poll(worker, now);

    if (attempt->next_poll > poll)
        attempt->next_poll = poll;
    if (attempt->next_full_poll > full_poll)
        attempt->next_full_poll = full_poll;
}

/* Something has come that may be the device. */
static void take_hint(struct worker *worker)
{
    struct attempt *attempt = &worker->attempt;

    /* While it is open the hint is kept: what has come may be the same device, plugged in again
     * before it was seen to leave. */
    if (attempt->is_open || !atomic_exchange(&worker->retry_now, false))
        return;
    attempt->retry = 0;
    attempt->backoff_ms = WORKER_BACKOFF_FIRST_MS;
}

/* When the device has something to tell beside its polls, as far as that can be known before. */
static uint64_t own_time(struct worker *worker)
{
    if (!worker->in_crew || !worker->attempt.is_open || worker->driver->due == NULL)
        return UINT64_MAX;
    return worker->driver->due(&worker->device);
}

bool worker_work(struct worker *worker, uint64_t *next)
{
    struct attempt *attempt = &worker->attempt;

    take_hint(worker);
    bool served = serve_request(worker);
    uint64_t own = own_time(worker);
    uint64_t now = clock_ms();
    attempt->event_due |= own <= now;
    hasten_polls(worker, now);
    *next = attempt->is_open ? attempt->next_poll : attempt->retry;
    if (now < *next && !(attempt->is_open && attempt->event_due)) {
        *next = own < *next ? own : *next;
        return served;
    }
    if (attempt->is_open)
        poll_device(worker);
    else
        open_device(worker);
    return true;
}

static void live(struct worker *worker)
{
    uint64_t next;

    while (!atomic_load(&worker->stopping)) {
        drain_wake(worker);
        /* Behind a request there may be another one, of which the descriptor has told already. */
        if (!worker_work(worker, &next))
            wait_until(worker, next);
    }
}

void worker_begin(struct worker *worker)
{
    struct update begin = { 0 };

    shaping_begin(worker->shaping, &begin);
    if (!update_ok(&begin) || !report(worker, REPORT_CHANGES, false, &begin))
        log_error("[%s] out of memory: defaults and overrides show later", worker->device.name);
    update_clear(&begin);
}

void worker_end(struct worker *worker)
{
    if (worker->attempt.is_open)
        close_device(worker);
    if (worker->driver->forget != NULL)
        worker->driver->forget(&worker->device);
    pthread_mutex_lock(&worker->mutex);
    worker->ended = true;
    bool abandoned = worker->abandoned;
    pthread_cond_signal(&worker->has_ended);
    pthread_mutex_unlock(&worker->mutex);
    if (abandoned)
        worker_release(worker);
}

void *worker_thread_run(void *argument)
{
    struct worker *worker = argument;

    worker_begin(worker);
    live(worker);
    worker_end(worker);
    return NULL;
}
