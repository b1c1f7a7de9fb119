/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what a device can be ordered by which of NUT's commands and variables, and how exactly a
 * setting can be met.
 */
#ifndef UPSBRIDGE_AGENT_CONTROL_H
#define UPSBRIDGE_AGENT_CONTROL_H

#include "core/ups.h"

#include <stdbool.h>
#include <stddef.h>

bool control_has_command(const struct ups *ups, const char *name);
/* The first command of a list, NULL at its end, that the device has; NULL: none. */
const char *control_first_command(const struct ups *ups, const char *const *names);
/* The variable if clients may set it; NULL. */
const struct ups_variable *control_setting(const struct ups *ups, const char *name);

/* The value's text as the variable takes it. False: it allows no such value. */
bool control_exact(const struct ups_variable *variable, long number, double scale, char *text,
                   size_t size);
/* The same for the smallest value allowed that is not below number, or if capped, the largest. */
bool control_at_least(const struct ups_variable *variable, long number, bool capped, char *text,
                      size_t size);
/* The first of these words, NULL at their end, that the variable takes; NULL: none. */
const char *control_word(const struct ups_variable *variable, const char *const *words);

/* Can shutting down mean the output alone, the whole UPS? */
bool control_can_switch_output(const struct ups *ups);
bool control_can_shut_down(const struct ups *ups);

#endif
