/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: how a simulated device reacts to a command or a setting, as its section tells: steps
 * between semicolons, carried out in order.
 *
 *   ups.status: OL OFF     a variable changes; $1 is the command's parameter, or the value set
 *   after 1.5              so many seconds pass
 *   fails                  nothing follows, and the device has failed
 *   refuses                nothing follows, and it did not like the value
 */
#ifndef UPSBRIDGE_DRIVERS_REACTION_H
#define UPSBRIDGE_DRIVERS_REACTION_H

#include "drivers/driver.h"

#include <stdbool.h>

/* The longest time that can pass in one step: seconds. */
#define REACTION_SECONDS_MAX 60

/* Is each step one of these? */
bool reaction_check(const char *text);
/* Does time pass in one of them? */
bool reaction_waits(const char *text);

/* How a change is put into an update. */
typedef void reaction_publish(struct update *update, const char *name, const char *value);

/* Carries out the steps of a text that reaction_check() likes. */
enum ups_outcome reaction_follow(const struct device *device, const char *text,
                                 const char *parameter, reaction_publish *publish,
                                 struct update *update);

#endif
