/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usb_watch.h"

#include "core/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <libusb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define STACK_SIZE (128 * 1024)
#define LOOK_SECONDS 1
#define SYSTEM_DEVICES "/sys/bus/usb/devices"

static struct {
    pthread_mutex_t lifetime; /* guards what follows, and start and stop of the thread */
    size_t users;             /* 0: the thread does not run */
    libusb_context *libusb;
    pthread_t thread;
    atomic_bool stopping;
    const struct usb_watcher *watcher;
    bool has_arrived; /* the thread's: since it looked last */
} context = { .lifetime = PTHREAD_MUTEX_INITIALIZER };

static int LIBUSB_CALL take_event(libusb_context *libusb, libusb_device *device,
                                  libusb_hotplug_event event, void *argument)
{
    (void)libusb;
    (void)device;
    (void)event;
    (void)argument;
    context.has_arrived = true;
    return 0;
}

/* A number that is another one when devices have come or gone. */
static uint64_t look_at_system(void)
{
    DIR *directory = opendir(SYSTEM_DEVICES);
    const struct dirent *entry;
    uint64_t sum = 0;

    if (directory == NULL)
        return 0;
    while ((entry = readdir(directory)) != NULL) {
        struct stat status;

        /* Each plugging makes a new entry, though the name is the same. */
        if (entry->d_name[0] != '.' &&
            fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
            sum += (uint64_t)status.st_ino * UINT64_C(0x9e3779b97f4a7c15);
    }
    closedir(directory);
    return sum;
}

static void *run(void *argument)
{
    uint64_t seen = look_at_system();

    (void)argument;
    while (!atomic_load(&context.stopping)) {
        struct timeval most = { .tv_sec = LOOK_SECONDS };

        /* Without anybody who waits there is nothing to look for. */
        if (!context.watcher->anybody_waits())
            most.tv_sec = 3600;
        libusb_handle_events_timeout_completed(context.libusb, &most, NULL);
        if (atomic_load(&context.stopping))
            break;
        uint64_t sight = look_at_system();
        if (context.has_arrived || sight != seen)
            context.watcher->arrived();
        context.has_arrived = false;
        seen = sight;
    }
    return NULL;
}

static int start_thread(void)
{
    pthread_attr_t attributes;
    sigset_t all, before;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&context.thread, &attributes, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error == 0)
        pthread_setname_np(context.thread, "usb-watch");
    return error;
}

static bool start(const struct usb_watcher *watcher)
{
    int error = libusb_init(&context.libusb);

    if (error != 0) {
        log_debug(1, "cannot watch USB: %s", libusb_strerror(error));
        return false;
    }
    context.watcher = watcher;
    context.has_arrived = false;
    atomic_store(&context.stopping, false);
    if (libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG) == 0 ||
        libusb_hotplug_register_callback(context.libusb, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED, 0,
                                         LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY,
                                         LIBUSB_HOTPLUG_MATCH_ANY, take_event, NULL, NULL) != 0)
        log_debug(1, "USB tells of no new devices: they are looked for");
    error = start_thread();
    if (error == 0)
        return true;
    log_error("cannot watch USB: %s", strerror(error));
    libusb_exit(context.libusb);
    context.libusb = NULL;
    return false;
}

bool usb_watch_begin(const struct usb_watcher *watcher)
{
    pthread_mutex_lock(&context.lifetime);
    bool good = context.users > 0 || start(watcher);
    if (good)
        context.users++;
    pthread_mutex_unlock(&context.lifetime);
    return good;
}

void usb_watch_look(void)
{
    libusb_interrupt_event_handler(context.libusb);
}

void usb_watch_end(void)
{
    pthread_mutex_lock(&context.lifetime);
    if (--context.users == 0) {
        atomic_store(&context.stopping, true);
        libusb_interrupt_event_handler(context.libusb);
        pthread_join(context.thread, NULL);
        libusb_exit(context.libusb);
        context.libusb = NULL;
    }
    pthread_mutex_unlock(&context.lifetime);
}
