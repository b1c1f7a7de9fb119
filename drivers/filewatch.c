/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/filewatch.h"

#include "core/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#define STACK_SIZE (64 * 1024)
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB)

struct file_watch {
    struct file_watch *next;
    int directory; /* watch descriptor of the directory; -1: the kernel dropped it */
    int wake;
    atomic_bool changed;
    char name[]; /* in that directory */
};

static struct {
    pthread_mutex_t lifetime; /* guards what follows, and start and stop of the thread */
    size_t users;             /* 0: the thread does not run, the descriptors are closed */
    int inotify, stop;
    pthread_t thread;
    pthread_mutex_t list; /* guards the list; taken behind lifetime, and by the thread */
    struct file_watch *watches;
} context = { .lifetime = PTHREAD_MUTEX_INITIALIZER,
              .inotify = -1,
              .stop = -1,
              .list = PTHREAD_MUTEX_INITIALIZER };

static void signal_change(struct file_watch *watch)
{
    static const uint64_t one = 1;

    atomic_store(&watch->changed, true);
    /* The counter cannot overflow; a full one would be readable anyway. */
    if (write(watch->wake, &one, sizeof one) < 0 && errno != EAGAIN)
        log_error("cannot tell of a changed file: %s", strerror(errno));
}

static void take_event(const struct inotify_event *event)
{
    for (struct file_watch *watch = context.watches; watch != NULL; watch = watch->next) {
        bool overflow = (event->mask & IN_Q_OVERFLOW) != 0;

        if (overflow || (watch->directory == event->wd &&
                         (event->len == 0 || strcmp(event->name, watch->name) == 0)))
            signal_change(watch);
        if ((event->mask & IN_IGNORED) != 0 && watch->directory == event->wd)
            watch->directory = -1;
    }
}

static void take_events(void)
{
    _Alignas(struct inotify_event) char bytes[sizeof(struct inotify_event) + NAME_MAX + 1];
    ssize_t got;

    while ((got = read(context.inotify, bytes, sizeof bytes)) > 0) {
        pthread_mutex_lock(&context.list);
        for (ssize_t at = 0; at < got;) {
            const struct inotify_event *event = (const void *)(bytes + at);

            take_event(event);
            at += (ssize_t)(sizeof *event + event->len);
        }
        pthread_mutex_unlock(&context.list);
    }
}

static void *run(void *argument)
{
    struct pollfd descriptors[] = { { .fd = context.inotify, .events = POLLIN },
                                    { .fd = context.stop, .events = POLLIN } };

    (void)argument;
    while (descriptors[1].revents == 0) {
        if (poll(descriptors, 2, -1) < 0 && errno != EINTR) {
            log_error("cannot watch files: %s", strerror(errno));
            break;
        }
        if (descriptors[0].revents != 0)
            take_events();
    }
    return NULL;
}

static void close_descriptors(void)
{
    if (context.inotify >= 0)
        close(context.inotify);
    if (context.stop >= 0)
        close(context.stop);
    context.inotify = context.stop = -1;
}

static int start_thread(void)
{
    sigset_t all, before;
    pthread_attr_t attributes;

    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int result = pthread_create(&context.thread, &attributes, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (result == 0)
        pthread_setname_np(context.thread, "file-watch");
    return result;
}

/* Opens the shared instance for its first user. */
static bool start(void)
{
    context.inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    context.stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int result = context.inotify < 0 || context.stop < 0 ? errno : start_thread();

    if (result == 0)
        return true;
    close_descriptors();
    errno = result;
    return false;
}

static void stop(void)
{
    static const uint64_t one = 1;

    if (write(context.stop, &one, sizeof one) < 0)
        log_error("cannot stop watching files: %s", strerror(errno));
    else
        pthread_join(context.thread, NULL);
    close_descriptors();
}

/* The directory's watch descriptor; -1 with errno set. */
static int watch_directory(const char *path, const char *name)
{
    size_t length = (size_t)(name - path);
    char *directory = length == 0 ? strdup(".") : strndup(path, length);

    if (directory == NULL)
        return -1;
    int descriptor = inotify_add_watch(context.inotify, directory, EVENTS | IN_ONLYDIR);
    free(directory);
    return descriptor;
}

static struct file_watch *add(const char *path, int wake)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    struct file_watch *watch = malloc(sizeof *watch + strlen(name) + 1);

    if (watch == NULL)
        return NULL;
    /* Held from before the kernel knows the watch, so that its first event finds it in the list. */
    pthread_mutex_lock(&context.list);
    watch->directory = watch_directory(path, name);
    if (watch->directory < 0) {
        pthread_mutex_unlock(&context.list);
        free(watch);
        return NULL;
    }
    watch->wake = wake;
    atomic_init(&watch->changed, false);
    memcpy(watch->name, name, strlen(name) + 1);
    watch->next = context.watches;
    context.watches = watch;
    pthread_mutex_unlock(&context.list);
    return watch;
}

struct file_watch *file_watch_new(const char *path, int wake)
{
    struct file_watch *watch = NULL;

    pthread_mutex_lock(&context.lifetime);
    if (context.users > 0 || start()) {
        watch = add(path, wake);
        if (watch != NULL)
            context.users++;
        else if (context.users == 0)
            stop();
    }
    pthread_mutex_unlock(&context.lifetime);
    return watch;
}

bool file_watch_changed(struct file_watch *watch)
{
    return atomic_exchange(&watch->changed, false);
}

static void unlink_watch(struct file_watch *watch)
{
    struct file_watch **link = &context.watches;
    bool shared = false;

    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
    for (const struct file_watch *other = context.watches; other != NULL; other = other->next)
        shared |= other->directory == watch->directory;
    if (!shared && watch->directory >= 0)
        inotify_rm_watch(context.inotify, watch->directory);
}

void file_watch_free(struct file_watch *watch)
{
    if (watch == NULL)
        return;
    pthread_mutex_lock(&context.lifetime);
    pthread_mutex_lock(&context.list);
    unlink_watch(watch);
    pthread_mutex_unlock(&context.list);
    if (--context.users == 0)
        stop();
    pthread_mutex_unlock(&context.lifetime);
    free(watch);
}
