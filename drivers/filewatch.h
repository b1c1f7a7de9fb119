/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: tells at once when a file was changed, replaced, created or removed.
 *
 * All watches of the process share one inotify instance (the kernel allows 128 a user) and one
 * small thread, which live from the first file_watch_new() to the last file_watch_free(). What is
 * watched is the file's directory, so that a rename over the file is seen. A file that is written
 * in place counts as changed when its writer closes it.
 */
#ifndef UPSBRIDGE_DRIVERS_FILEWATCH_H
#define UPSBRIDGE_DRIVERS_FILEWATCH_H

#include <stdbool.h>

struct file_watch;

/*
 * Watches path. When it changes, 1 is added to the eventfd wake. NULL with errno set: it cannot be
 * watched (no such directory, no inotify left); the caller has to look by itself.
 */
struct file_watch *file_watch_new(const char *path, int wake);
/* Has it changed since the last call? */
bool file_watch_changed(struct file_watch *watch);
void file_watch_free(struct file_watch *watch);

#endif
