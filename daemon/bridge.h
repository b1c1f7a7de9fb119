/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: builds the rooms of the design (store, drivers, faces) from the settings, and rebuilds
 * what a reload has changed.
 */
#ifndef UPSBRIDGE_DAEMON_BRIDGE_H
#define UPSBRIDGE_DAEMON_BRIDGE_H

#include "core/config.h"

#include <stdbool.h>

struct bridge;
struct inherited; /* nutproto/listeners.h */
struct loop;

/* Everything a directory configures, loaded and checked, not yet in force. */
struct configuration {
    struct settings *settings;
    struct users *users;
};

/* Reports everything wrong; false if there was any error. */
bool configuration_load(struct configuration *configuration, const char *directory,
                        struct config_report *report);
void configuration_clear(struct configuration *configuration);

/*
 * Opens ports, takes the configuration over (it is cleared). NULL: a face could not be opened, with
 * the reason logged. Drivers do not run yet. Sockets that were inherited take the place of LISTEN.
 */
struct bridge *bridge_new(struct loop *loop, struct configuration *configuration,
                          const struct inherited *inherited);

/*
 * Reads certificates and keys, starts the drivers, and what else is to run with less rights: after
 * privileges were dropped. False: TLS is configured, but wrong, with the reasons logged.
 */
bool bridge_start(struct bridge *bridge);

/*
 * Loads the configuration anew. If it is right, only devices whose section changed restart, and
 * clients keep their connections. If not, everything stays as it was, and false is returned.
 */
bool bridge_reload(struct bridge *bridge);

const struct settings *bridge_settings(const struct bridge *bridge);

/* Stops the drivers (2 s at most) and closes the faces. */
void bridge_free(struct bridge *bridge);

#endif
