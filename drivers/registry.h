/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: which drivers there are, and the NUT driver names they answer to.
 */
#ifndef UPSBRIDGE_DRIVERS_REGISTRY_H
#define UPSBRIDGE_DRIVERS_REGISTRY_H

#include "drivers/driver.h"

/*
 * By our name or a NUT driver name (exact spelling). One that only NUT has is served by NUT's own
 * process (drivers/nutdriver). NULL: nobody knows it, or this build lacks its library.
 */
const struct driver *driver_find(const char *name);

/*
 * For a name driver_find() does not know: why not, as the end of a sentence ("needs libusb, which
 * this build was configured without", "is not a driver upsbridge knows").
 */
const char *driver_absence(const char *name);

/* All drivers of this build, NULL-ended. */
const struct driver *const *driver_table(void);

/* What a section may say whichever its driver is, ended by a NULL name. */
const struct driver_option *driver_common_options(void);

/*
 * Checks every section: the driver exists, its options are known to it or common to all, values of
 * common options are right, override.* and default.* name plausible variables. Reports with file,
 * line and key.
 */
void registry_check(const struct settings *settings, struct config_report *report);

#endif
