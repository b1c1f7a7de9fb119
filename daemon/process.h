/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the daemon is as a process: background, pid file, limits.
 * All functions log what goes wrong.
 */
#ifndef UPSBRIDGE_DAEMON_PROCESS_H
#define UPSBRIDGE_DAEMON_PROCESS_H

#include <stdbool.h>

/* Raises the limit of open files to what is allowed; keeps memory of many threads together. */
void process_set_limits(void);

/*
 * Goes to the background. Returns in the child only, with a descriptor for
 * process_ready() and /dev/null for its input; the parent exits 0 once the child is ready, 1 if it
 * ends before. -1: failed.
 */
int process_background(void);
/* Tells the waiting parent that service has begun, and lets go of the terminal. */
void process_ready(int descriptor);

/*
 * Creates and locks the pid file. Returns its descriptor, or -1: another instance holds it, or it
 * cannot be written.
 */
int process_pid_file_open(const char *path);
/* Writes the present process id. */
bool process_pid_file_write(int descriptor, const char *path);

#endif
