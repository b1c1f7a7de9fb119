/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: `upsbridged --drivers`: what this build can serve, and every option a section may have,
 * from the very tables that sections are checked by.
 */
#ifndef UPSBRIDGE_DAEMON_LIST_DRIVERS_H
#define UPSBRIDGE_DAEMON_LIST_DRIVERS_H

#include <stdio.h>

/*
 * A line "driver NAME", then indented lines "what TEXT", "stands-for NAME...", "full-poll SECONDS"
 * and "option NAME" (a flag) or "option NAME = VALUE", in order of names; last a driver called *,
 * for what each driver takes. tools/drivers-manual makes upsbridge-drivers(7) of it. Returns an
 * exit status.
 */
int list_drivers(FILE *out);

#endif
