/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: who may read and write the files of the configuration.
 */
#ifndef UPSBRIDGE_DAEMON_PERMISSIONS_H
#define UPSBRIDGE_DAEMON_PERMISSIONS_H

#include "core/config.h"
#include "core/settings.h"

/*
 * Reports each file with secrets in it that everybody may read, and each file that everybody may
 * change: as a warning, or with STRICT_PERMISSIONS as an error. (Keys of TLS are checked where they
 * are read.)
 */
void permissions_check(const struct settings *settings, struct config_report *report);

/* After the user was changed: warns of files that a reload could not read any more. */
void permissions_check_reload(const char *directory);

#endif
