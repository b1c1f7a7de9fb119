/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/demo.h"

#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_file(const char *directory, const struct embedded_file *file)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", directory, file->name);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return false;
    bool written = write(descriptor, file->bytes, file->size) == (ssize_t)file->size;
    return close(descriptor) == 0 && written;
}

/* SNMP keeps its engine state here, so that the demo leaves no trace elsewhere. */
static bool append_state_path(const char *directory)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/upsd.conf", directory);
    FILE *file = fopen(path, "ae");
    if (file == NULL)
        return false;
    fprintf(file, "STATEPATH \"%s\"\n", directory);
    return fclose(file) == 0;
}

static bool give_to(const char *directory, const char *user)
{
    char path[PATH_MAX];
    const struct passwd *entry = user == NULL || geteuid() != 0 ? NULL : getpwnam(user);

    if (entry == NULL)
        return true;
    for (const struct embedded_file *file = demo_files; file->name != NULL; file++) {
        snprintf(path, sizeof path, "%s/%s", directory, file->name);
        if (chown(path, entry->pw_uid, entry->pw_gid) != 0)
            return false;
    }
    return chown(directory, entry->pw_uid, entry->pw_gid) == 0;
}

bool demo_lay_out(char *path, size_t size, const char *user)
{
    const char *parent = getenv("TMPDIR");

    snprintf(path, size, "%s/upsbridge-demo.XXXXXX", parent == NULL ? "/tmp" : parent);
    if (mkdtemp(path) == NULL) {
        log_error("cannot make the demo's directory %s: %s", path, strerror(errno));
        return false;
    }
    for (const struct embedded_file *file = demo_files; file->name != NULL; file++) {
        if (!write_file(path, file)) {
            log_error("cannot write %s/%s: %s", path, file->name, strerror(errno));
            demo_remove(path);
            return false;
        }
    }
    if (!append_state_path(path) || !give_to(path, user)) {
        log_error("cannot prepare the demo's directory %s: %s", path, strerror(errno));
        demo_remove(path);
        return false;
    }
    return true;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status;
    (void)type;
    (void)position;
    if (remove(path) != 0)
        log_warning("cannot remove %s: %s", path, strerror(errno));
    return 0;
}

void demo_remove(const char *path)
{
    nftw(path, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}

void demo_print_welcome(const char *path)
{
    printf("upsbridge demo: two recorded UPSes, 'apc' and 'eaton'; Ctrl-C ends it.\n"
           "'apc' goes on battery after half a minute, for one minute, again and again.\n\n"
           "Try, in another terminal:\n"
           "  upsc apc@127.0.0.1\n"
           "  upsc eaton@127.0.0.1 ups.status\n"
           "  snmpwalk -v2c -c public 127.0.0.1:1161 1.3.6.1.2.1.33\n"
           "  snmpwalk -v2c -c eaton 127.0.0.1:1161 1.3.6.1.2.1.33\n"
           "  snmpwalk -v3 -l authPriv -u demo -a SHA -A demo-auth-pass -x AES -X demo-priv-pass "
           "-n apc 127.0.0.1:1161 1.3.6.1.2.1.33\n\n"
           "Its configuration is in %s.\n",
           path);
    fflush(stdout);
}
