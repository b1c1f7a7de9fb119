/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what SNMP managers have written of a device that no device keeps itself: its name and
 * what is attached to it, and what shutting down means. It is kept over restarts in one small text
 * file, which is replaced as a whole, by a thread that may wait for the disk.
 * Source: RFC 1628 (upsIdentName, upsIdentAttachedDevices, upsShutdownType).
 */
#ifndef UPSBRIDGE_AGENT_KEPT_H
#define UPSBRIDGE_AGENT_KEPT_H

#include "core/loop.h"

#include <stdbool.h>
#include <stddef.h>

/* The file, in STATEPATH. */
#define KEPT_FILE "snmp-written"
#define KEPT_TEXT_MAX 63 /* octets */

enum kept_text { KEPT_NAME, KEPT_ATTACHED_DEVICES, KEPT_TEXTS };

/* Texts of a device, any octet but NUL in them; the type is 0 while nobody has written it. */
struct kept_values {
    bool written[KEPT_TEXTS];
    char texts[KEPT_TEXTS][KEPT_TEXT_MAX + 1];
    int shutdown_type;
};

struct kept;

/* NULL: out of memory. */
struct kept *kept_new(struct loop *loop);
/* Writes that are not done yet are waited for, though not for ever. Nobody is called any more. */
void kept_free(struct kept *kept);

/*
 * From now on there is a directory to write to. Reads what is there; a file that makes no sense is
 * set aside, under a name that the log tells.
 */
void kept_open(struct kept *kept, const char *state_path);

/* The values of a device of this name, live as long as kept. NULL: out of memory. */
struct kept_values *kept_of(struct kept *kept, const char *device);

/*
 * Writes all values as they are now; then calls written(context, done), but never from within this
 * call. False: it cannot even be begun.
 */
typedef void kept_written(void *context, bool done);
bool kept_write(struct kept *kept, kept_written *written, void *context);
/* Nobody called with this context any more. */
void kept_forget(struct kept *kept, const void *context);

#endif
