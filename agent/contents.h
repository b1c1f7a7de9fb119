/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what each context contains, put together from its parts, each of which is built when
 * somebody asks for it and not before:
 *
 * - the system group and the UPS-MIB of a device hold as long as the device's generation, in its
 *   monitor;
 * - its entities and sensors too, but only those of the devices asked for last are kept;
 * - what shows all devices, in the default context alone, is built at most once a second, and freed
 *   when nobody has asked for it for a while.
 */
#ifndef UPSBRIDGE_AGENT_CONTENTS_H
#define UPSBRIDGE_AGENT_CONTENTS_H

#include "agent/monitor.h"

struct contents;
struct event_base;

/* slot: of the monitors in the store. NULL: out of memory. */
struct contents *contents_new(struct event_base *base, struct ups_store *store, int slot);
void contents_free(struct contents *contents);

/* To be told before a device is freed, and after one was added. */
void contents_forget(struct contents *contents, const struct monitor *monitor);
void contents_admit(struct contents *contents, struct monitor *monitor);

/* Lives until the next call of either. */
const struct subtree *contents_of_device(struct contents *contents, struct monitor *monitor);
/* monitor: of the default device; NULL: there is none. */
const struct subtree *contents_of_site(struct contents *contents, struct monitor *monitor);

#endif
