/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: SETs of managers, in the phases of SNMP and AgentX alike, whichever of the two brings
 * them: test, commit, undo, and the end.
 *
 * Testing refuses all that can be known to be refused, and changes nothing. Committing hands the
 * orders to the device one after another and is done when the device has answered them all, or
 * after SET_PATIENCE_MS: a slow device goes on then, and what becomes of it is told by the log and
 * by upsTest. If an order fails, those before it are taken back.
 * Source: RFC 3416 section 4.2.5, RFC 2741 section 7.2.4, RFC 1628 (upsTestSpinLock).
 */
#ifndef UPSBRIDGE_AGENT_SET_H
#define UPSBRIDGE_AGENT_SET_H

#include "agent/kept.h"
#include "agent/plan.h"

#include <stdbool.h>
#include <stddef.h>

/* How long a commit, or an undo, may take. A master waits for a second, unless told otherwise. */
#define SET_PATIENCE_MS 700

struct event_base;
struct setter;
struct set;

/* Something of a device changed that only its monitor knows. */
typedef void setter_changed(void *owner, struct monitor *monitor);

/* NULL: out of memory. kept must outlive it. */
struct setter *setter_new(struct event_base *base, struct ups_store *store, struct kept *kept,
                          setter_changed *changed, void *owner);
/* Every set must have been forgotten. */
void setter_free(struct setter *setter);
/* Until then nothing is writable. */
void setter_allow(struct setter *setter, bool allow);

/* To be told of every outcome, and of devices before they are freed. */
void setter_note_result(struct setter *setter, uint64_t request, enum ups_outcome outcome);
void setter_forget_device(struct setter *setter, const struct monitor *monitor);

/*
 * monitor: of the device whose context it is; NULL: there is none. origin: who asks, for the log;
 * "" if it is not known. NULL: it is refused, as verdict says.
 */
struct set *set_test(struct setter *setter, struct monitor *monitor,
                     const struct set_binding *bindings, size_t count, const char *origin,
                     struct set_verdict *verdict);

/* Called once for each commit and undo, perhaps before they return; not after set_end(). */
typedef void set_done(void *context, const struct set_verdict *verdict);

void set_commit(struct set *set, set_done *done, void *context);
/* Takes back what was committed. */
void set_undo(struct set *set, set_done *done, void *context);
/* Nothing more will be asked of it; it belongs to the setter now. */
void set_end(struct set *set);

#endif
