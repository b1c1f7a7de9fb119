/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the contract between a driver and its worker. A driver is a protocol and nothing else:
 * it opens a device, polls it, waits for what the device says unasked, and carries out commands and
 * settings. The worker (drivers/worker.h) owns the thread, deadlines, retries, back-off, stale
 * marking, the command queue, pollinterval, override.*, default.*, ignorelb and logging of changes
 * of state. No driver sleeps, logs in loops or retries by itself.
 *
 * All functions run in the device's own worker thread, one at a time (but see never_waits). Each
 * blocking call inside them must end by its deadline, and early when driver_wake_descriptor()
 * becomes readable.
 */
#ifndef UPSBRIDGE_DRIVERS_DRIVER_H
#define UPSBRIDGE_DRIVERS_DRIVER_H

#include "core/settings.h"
#include "core/update.h"
#include "core/ups.h"

#include <stdbool.h>
#include <stddef.h>

struct worker;

/* What a driver sees of its device. */
struct device {
    const char *name;                       /* of the UPS, for messages */
    const struct device_settings *settings; /* its section; lives as long as the worker */
    const char *directory;                  /* confdir: relative file names start here */
    struct worker *worker;                  /* NULL: it is only looked at, once */
    void *state;                            /* the driver's own, from open() to close() */
    void *memory;      /* the driver's own, from its first open() to forget() */
    char problem[256]; /* why the last call failed, for the log */
};

enum driver_result {
    DRIVER_OK = 0,
    DRIVER_FAILED = -1, /* this call failed; the device may still be there: poll again */
    DRIVER_GONE = -2,   /* the device must be closed and opened anew */
    DRIVER_REFUSED = -3 /* opening can never succeed as configured: retried rarely */
};

enum poll_kind {
    POLL_FULL,  /* everything */
    POLL_QUICK, /* the status, and what is as cheap and as urgent */
};

/* Names of options beside the common ones (pollinterval, desc, override.* ...). */
struct driver_option {
    const char *name; /* a trailing '*' matches any ending */
    bool is_flag;     /* no value is expected */
};

struct driver {
    const char *name;              /* ours */
    const char *const *answers_to; /* NUT driver names it stands for, NULL-ended; may be NULL */
    const char *description;       /* one line for --help and the manual */
    const struct driver_option *options; /* ended by a NULL name; may be NULL */
    unsigned full_poll; /* seconds between full polls unless pollfreq says; 0: each poll is one */

    /*
     * Checks a section without touching hardware (-t): reports errors with file and line. May be
     * NULL.
     */
    void (*check)(const struct device_settings *settings, const char *directory,
                  struct config_report *report);

    /* Opens the device and sets device->state. On failure nothing is left open. */
    enum driver_result (*open)(struct device *device);

    /*
     * Reads the device into update. The first POLL_FULL after open() must tell everything: the
     * worker marks that batch complete. An empty update after DRIVER_OK is a good poll too.
     */
    enum driver_result (*poll)(struct device *device, enum poll_kind kind, struct update *update);

    /*
     * Waits at most timeout_ms for something the device says by itself, or until the wake
     * descriptor is readable. DRIVER_OK with *happened set: poll(POLL_QUICK) follows at once. NULL:
     * the device never speaks unasked. The worker empties the wake descriptor before it calls this:
     * a driver that has it written to by others looks for what they left before it waits.
     */
    enum driver_result (*wait)(struct device *device, int timeout_ms, bool *happened);

    /*
     * Is this section's device one whose calls never wait for anything? All such devices share one
     * thread, in which due() is asked instead of wait(): clock_ms() of when the device has
     * something to tell by itself, now or before if it has already, UINT64_MAX if that cannot be
     * known. Both may be NULL: then the device has a thread of its own.
     */
    bool (*never_waits)(const struct device_settings *settings);
    uint64_t (*due)(struct device *device);

    /*
     * Carries out an instant command or a setting; changes to publish go into update. name is
     * spelled as the driver offered it. parameter is NULL if none was given.
     */
    enum ups_outcome (*command)(struct device *device, const char *name, const char *parameter,
                                struct update *update);
    enum ups_outcome (*set)(struct device *device, const char *name, const char *value,
                            struct update *update);

    /* Never fails; frees device->state. */
    void (*close)(struct device *device);

    /*
     * The worker ends: frees device->memory, what is to outlive closing and opening anew. May be
     * NULL. device->memory is NULL if no open() has set it.
     */
    void (*forget)(struct device *device);
};

/* Becomes readable when the worker has a command or must stop: put it in every poll(2). */
int driver_wake_descriptor(const struct device *device);

/*
 * Is the wake for good? A call that commands must not interrupt goes on unless this says so, and
 * looks again every now and then.
 */
bool driver_must_stop(const struct device *device);

/*
 * Has an open() that failed tried again at once instead of after the back-off: for drivers that
 * hear of devices coming. From any thread, until forget() has returned.
 */
void driver_retry(const struct device *device);

/* Says why a call failed; the worker logs it once per change. Returns result for brevity. */
enum driver_result driver_problem(struct device *device, enum driver_result result,
                                  const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
