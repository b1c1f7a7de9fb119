/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/permissions.h"

#include "core/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the configuration directory, and of NUT's and our words for what is in them. */
static const char *const names[] = { "ups.conf", "upsd.conf", "upsd.users", "upsbridge.conf",
                                     "upsbridge-snmp.conf" };
enum { UPS_CONF, UPSD_CONF, UPSD_USERS, UPSBRIDGE_CONF, UPSBRIDGE_SNMP_CONF };

static bool has_secrets(const struct settings *settings, size_t file)
{
    return file == UPSD_USERS || file == UPSBRIDGE_SNMP_CONF ||
           (file == UPSD_CONF && settings->tls.password != NULL);
}

static void check_file(const struct settings *settings, size_t file, struct config_report *report)
{
    void (*complain)(struct config_report *, const char *, unsigned, const char *, ...) =
        settings->strict_permissions ? config_error : config_warning;
    char path[PATH_MAX];
    struct stat status;

    snprintf(path, sizeof path, "%s/%s", settings->directory, names[file]);
    if (stat(path, &status) != 0)
        return;
    if ((status.st_mode & S_IWOTH) != 0)
        complain(report, path, 0, "everybody may change it: chmod o= %s", path);
    /* In NUT's words this was said of upsd.users when it was read. */
    else if ((status.st_mode & S_IROTH) != 0 && has_secrets(settings, file) &&
             (file != UPSD_USERS || settings->strict_permissions))
        complain(report, path, 0, "everybody may read its passwords: chmod o= %s", path);
}

void permissions_check(const struct settings *settings, struct config_report *report)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_file(settings, i, report);
}

void permissions_check_reload(const char *directory)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        if (access(path, R_OK) != 0 && errno == EACCES)
            log_warning("%s: a reload could not read it: chgrp %u %s && chmod g+r %s", path,
                        (unsigned)getegid(), path, path);
    }
}
