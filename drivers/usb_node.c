/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usb_node.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_DEVICES "/sys/bus/usb/devices"
#define DESCRIPTORS_MAX 65536 /* of all processes, looked through for who has a node */

/* sysfs -------------------------------------------------------------------------------------- */

static ssize_t read_whole(const char *path, void *bytes, size_t size)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    ssize_t got = 0;

    if (descriptor < 0)
        return -1;
    while (used < size && (got = read(descriptor, (char *)bytes + used, size - used)) > 0)
        used += (size_t)got;
    close(descriptor);
    return got < 0 ? -1 : (ssize_t)used;
}

bool usb_node_text(const char *busport, const char *attribute, char *out, size_t size)
{
    char path[128];

    snprintf(path, sizeof path, SYSTEM_DEVICES "/%s/%s", busport, attribute);
    ssize_t got = read_whole(path, out, size - 1);
    if (got < 0) {
        out[0] = '\0';
        return false;
    }
    while (got > 0 && isspace((unsigned char)out[got - 1]))
        got--;
    out[got] = '\0';
    for (char *at = out; *at != '\0'; at++) {
        if (!isprint((unsigned char)*at))
            *at = '?';
    }
    return true;
}

ssize_t usb_node_report_descriptor(const char *busport, unsigned configuration, unsigned interface,
                                   uint8_t *bytes, size_t size)
{
    char path[128];
    const struct dirent *entry;
    ssize_t got = -1;

    snprintf(path, sizeof path, SYSTEM_DEVICES "/%s:%u.%u", busport, configuration, interface);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return -1;
    /* "0003:051D:0002.0001": bus type, ids, and a counter. */
    while (got < 0 && (entry = readdir(directory)) != NULL) {
        char file[512];

        if (strncmp(entry->d_name, "0003:", 5) != 0)
            continue;
        snprintf(file, sizeof file, "%s/%s/report_descriptor", path, entry->d_name);
        got = read_whole(file, bytes, size);
    }
    closedir(directory);
    return got > 0 ? got : -1;
}

/* Denials ------------------------------------------------------------------------------------ */

static void node_path(const struct usb_place *place, char out[32])
{
    snprintf(out, 32, "/dev/bus/usb/%.3s/%.3s", place->bus, place->number);
}

static void user_name(uid_t user, char *out, size_t size)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];

    if (getpwuid_r(user, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        snprintf(out, size, "%s", found->pw_name);
    else
        snprintf(out, size, "%u", (unsigned)user);
}

static void group_name(gid_t group, char *out, size_t size)
{
    struct group entry, *found = NULL;
    char buffer[4096];

    if (getgrgid_r(group, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        snprintf(out, size, "%s", found->gr_name);
    else
        snprintf(out, size, "%u", (unsigned)group);
}

void usb_node_explain_denial(const struct usb_place *place, char *out, size_t size)
{
    char path[32], owner[33], group[33], self[33];
    struct stat status;

    node_path(place, path);
    if (stat(path, &status) != 0) {
        snprintf(out, size, "%s: %s", path, strerror(errno));
        return;
    }
    user_name(status.st_uid, owner, sizeof owner);
    group_name(status.st_gid, group, sizeof group);
    user_name(geteuid(), self, sizeof self);
    if (access(path, R_OK | W_OK) == 0)
        snprintf(out, size,
                 "%s may not be opened although its mode allows it: in a container, allow the "
                 "devices 'c 189:* rw'",
                 path);
    else
        snprintf(out, size,
                 "%s (owner %s, group %s, mode %04o) may not be opened by user %s: the udev "
                 "rules " USB_UDEV_RULES " give access to its group",
                 path, owner, group, (unsigned)(status.st_mode & 07777), self);
}

/* Who has it --------------------------------------------------------------------------------- */

/* Has the process, a number below /proc, opened the node? *budget: descriptors to look at. */
static bool has_opened(const char *process, const char *node, unsigned *budget)
{
    char path[300], target[64];
    const struct dirent *entry;
    bool found = false;

    snprintf(path, sizeof path, "/proc/%s/fd", process);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return false;
    while (!found && *budget > 0 && (entry = readdir(directory)) != NULL) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);

        --*budget;
        if (length > 0) {
            target[length] = '\0';
            found = strcmp(target, node) == 0;
        }
    }
    closedir(directory);
    return found;
}

static bool find_holder(const char *node, char *out, size_t size)
{
    unsigned budget = DESCRIPTORS_MAX;
    const struct dirent *entry;
    bool found = false;
    DIR *directory = opendir("/proc");

    if (directory == NULL)
        return false;
    while (!found && budget > 0 && (entry = readdir(directory)) != NULL) {
        char path[300], name[32];

        if (!isdigit((unsigned char)entry->d_name[0]) ||
            strtol(entry->d_name, NULL, 10) == (long)getpid() ||
            !has_opened(entry->d_name, node, &budget))
            continue;
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        ssize_t got = read_whole(path, name, sizeof name - 1);
        name[got < 0 ? 0 : got] = '\0';
        name[strcspn(name, "\n")] = '\0';
        snprintf(out, size, "%s, process %.16s", name, entry->d_name);
        found = true;
    }
    closedir(directory);
    return found;
}

void usb_node_explain_busy(const struct usb_place *place, char *out, size_t size)
{
    char path[32], holder[64];

    node_path(place, path);
    if (find_holder(path, holder, sizeof holder))
        snprintf(out, size, "another program has %s (%s)", path, holder);
    else
        snprintf(out, size, "another program has %s (a driver of NUT, or apcupsd?)", path);
}
