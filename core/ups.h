/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the device store: what is true now of every UPS, in NUT's names and units.
 *
 * The main loop alone calls this, so nothing here takes a lock. Drivers change a device through
 * whole batches (ups_apply); faces read the fields below directly and subscribe to events. Each
 * change a client could see bumps the device's generation, by which faces cache what they render.
 */
#ifndef UPSBRIDGE_CORE_UPS_H
#define UPSBRIDGE_CORE_UPS_H

#include "core/census.h"
#include "core/status.h"
#include "core/update.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct ups_store;

/* Bounds of what is kept of one device; what it tells beyond is left out, with one log line. */
#define UPS_VARIABLES_MAX 4096
#define UPS_COMMANDS_MAX 1024
#define UPS_CHOICES_MAX 256 /* values, and ranges, of one variable */

struct ups_range {
    long minimum, maximum;
};

/* What a variable may be set to. */
struct ups_choices {
    uint16_t enum_count, range_count;
    const char **enums; /* in the order the driver gave them */
    struct ups_range *ranges;
};

/* There are many: as small as can be. */
struct ups_variable {
    const char *name;                  /* as the driver spells it */
    const char *value;                 /* unescaped */
    double number;                     /* the value as a number; meaningful if is_number */
    const struct ups_choices *choices; /* never NULL */
    uint16_t length;                   /* maximal length of a STRING */
    uint16_t room;                     /* the store's own bookkeeping: bytes at value */
    uint8_t flags;                     /* VARIABLE_* */
    bool is_number;
    bool told, flags_told; /* the store's own bookkeeping */
};

/* How far a device's readings can be trusted. */
enum ups_comms {
    UPS_CONNECTING, /* being opened for the first time: nothing is known, ups.status is WAIT */
    UPS_OK,         /* readings are at most MAXAGE old (even if the device is being re-opened) */
    UPS_STALE,      /* the device is open, its last good poll is older than MAXAGE */
    UPS_LOST,       /* it cannot be opened, and the last good poll (if any) is older than MAXAGE */
};

/* Outcome of a command or setting; numbered as NUT's drivers number them. */
enum ups_outcome {
    UPS_HANDLED = 0,
    UPS_UNKNOWN = 1, /* the device has no such command or setting */
    UPS_INVALID = 2, /* it refuses the value */
    UPS_FAILED = 3,  /* it did not do it */
};

/* Requests of one device that have no outcome yet, at most. */
#define UPS_REQUESTS_MAX 32

enum ups_request_kind { UPS_REQUEST_COMMAND, UPS_REQUEST_SET };

/* Something a client asks of a device. name and value live only during the submit() call. */
struct ups_request {
    uint64_t id; /* unique in this process, never 0 */
    enum ups_request_kind kind;
    const char *name;
    const char *value; /* NULL: a command without parameter */
};

/* The driver's end of a device: hands a request over without blocking; false if its queue is full.
 */
typedef bool ups_submit(void *worker, const struct ups_request *request);

#define UPS_SUBSCRIBERS 4

struct ups {
    const char *name;
    const char *description; /* NULL if there is none */
    uint64_t generation;     /* grows with every visible change; 0 is never used */
    enum ups_comms comms;
    bool has_data;                  /* at least one good poll since the device was configured */
    bool forced_shutdown;           /* FSD was set by a client; stays until the device is removed */
    status_set status;              /* of ups.status, STATUS_FSD added while forced_shutdown */
    uint64_t last_good;             /* clock_ms() of the last good poll; 0: none */
    struct ups_variable *variables; /* sorted by strcasecmp of name */
    size_t variable_count;
    char *texts; /* the store's own bookkeeping: all values */
    size_t texts_used, texts_size;
    const char **commands; /* sorted by strcasecmp */
    size_t command_count;
    bool has_worker;      /* there is somebody to take requests */
    size_t request_count; /* handed over and without an outcome yet */
    bool crowded;         /* the store's own bookkeeping: a bound was passed, and logged */
    void *attachments[UPS_SUBSCRIBERS]; /* slot i belongs to subscriber i */
};

enum ups_event_kind {
    UPS_EVENT_ADDED,   /* a device was configured */
    UPS_EVENT_REMOVED, /* it is about to be freed: drop every pointer to it and your attachment */
    UPS_EVENT_DATA,    /* a batch changed variables, commands or the description */
    UPS_EVENT_STATUS,  /* the status set changed (sent after DATA of the same batch) */
    UPS_EVENT_COMMS,   /* comms changed */
    UPS_EVENT_REQUEST, /* somebody's request was handed to the driver */
    UPS_EVENT_RESULT,  /* a request has an outcome */
};

struct ups_event {
    enum ups_event_kind kind;
    status_set old_status, new_status;   /* STATUS */
    enum ups_comms old_comms, new_comms; /* COMMS */
    const struct ups_request *asked;     /* REQUEST */
    uint64_t request;                    /* RESULT */
    enum ups_outcome outcome;            /* RESULT */
};

typedef void ups_listener(void *context, struct ups *ups, const struct ups_event *event);

/* maximum_age: seconds after which readings are stale (upsd.conf MAXAGE). NULL: out of memory. */
struct ups_store *ups_store_new(struct event_base *base, unsigned maximum_age);
void ups_store_free(struct ups_store *store); /* removes every device, with events */
void ups_store_set_maximum_age(struct ups_store *store, unsigned maximum_age);
unsigned ups_store_maximum_age(const struct ups_store *store);
/* What is known beside the devices; the store's own, but others fill it. */
struct census *ups_store_census(struct ups_store *store);

/*
 * Subscribes; returns the attachment slot, or -1 when all UPS_SUBSCRIBERS are taken. Listeners are
 * called after a batch has applied as a whole, and must not add or remove devices.
 */
int ups_subscribe(struct ups_store *store, ups_listener *listener, void *context);
void ups_unsubscribe(struct ups_store *store, int slot);

/*
 * Devices in order of configuration: position 0 .. count - 1. ups_find() ignores case.
 * ups_add() returns NULL with errno EEXIST for a name in use, else ENOMEM.
 */
size_t ups_count(const struct ups_store *store);
struct ups *ups_at(const struct ups_store *store, size_t position);
struct ups *ups_find(const struct ups_store *store, const char *name);
struct ups *ups_add(struct ups_store *store, const char *name, const char *description);
void ups_remove(struct ups_store *store, struct ups *ups);
void ups_set_description(struct ups_store *store, struct ups *ups, const char *description);
/* Moves a device to a position of the order; what stood there and behind moves up by one. */
void ups_move(struct ups_store *store, struct ups *ups, size_t position);

/* Case-insensitive; NULL / false if the device has none. */
const struct ups_variable *ups_variable(const struct ups *ups, const char *name);
const char *ups_value(const struct ups *ups, const char *name);
bool ups_number(const struct ups *ups, const char *name, double *number);
/* The name as the device spells it, or NULL. */
const char *ups_command_name(const struct ups *ups, const char *name);

/* Is what the variables say fit to be shown? (CONNECTING counts: ups.status is WAIT then.) */
static inline bool ups_fresh(const struct ups *ups)
{
    return ups->comms == UPS_OK || ups->comms == UPS_CONNECTING;
}

/* Drivers' side, called from delivered messages. -------------------------------------------- */

/* The worker that serves ups; NULL submit: none (requests then fail). */
void ups_attach_worker(struct ups *ups, ups_submit *submit, void *worker);
/* A good poll: applies the batch as a whole, marks the readings fresh. A broken batch is refused.
 */
void ups_apply(struct ups_store *store, struct ups *ups, const struct update *update);
/* Changes that are not a reading (driver.*, override.*): applied without marking data fresh. */
void ups_amend(struct ups_store *store, struct ups *ups, const struct update *update);
/* The device was opened / closed or failed to open. Readings stay until MAXAGE. */
void ups_link(struct ups_store *store, struct ups *ups, bool up);
void ups_result(struct ups_store *store, struct ups *ups, uint64_t request,
                enum ups_outcome outcome);

/* Faces' side. ------------------------------------------------------------------------------- */

/*
 * Hands a command or setting to the device. Returns the request's id; its outcome comes as
 * UPS_EVENT_RESULT, later, never from within this call. 0: it could not be handed over.
 */
uint64_t ups_request_command(struct ups_store *store, struct ups *ups, const char *name,
                             const char *parameter);
uint64_t ups_request_set(struct ups_store *store, struct ups *ups, const char *name,
                         const char *value);
void ups_force_shutdown(struct ups_store *store, struct ups *ups);

#endif
