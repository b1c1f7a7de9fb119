/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "daemon/jail.h"

#include "core/config.h"
#include "core/log.h"
#include "core/words.h"
#include "drivers/registry.h"
#include "nutproto/tls_context.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ups.conf before its time -------------------------------------------------------------------- */

/* Whatever is wrong with the file is told when it is loaded. */
static void keep_silent(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    (void)text;
}

char *jail_global_setting(const char *root, const char *directory, const char *key)
{
    struct config_report report = { .sink = keep_silent };
    char path[PATH_MAX], name[WORD_LENGTH_MAX];
    const char *found = NULL;

    /* Inside, a path starts at the root either way. */
    const char *slash = root[0] != '\0' && directory[0] != '/' ? "/" : "";
    if (snprintf(path, sizeof path, "%s%s%s/ups.conf", root, slash, directory) >= (int)sizeof path)
        return NULL;
    struct config_file *file = config_read(path, &report);
    if (file == NULL)
        return NULL;
    for (size_t i = 0; i < file->count; i++) {
        const struct config_line *line = &file->lines[i];

        if (config_section(line, name, sizeof name))
            break;
        if (strcmp(line->words[0], key) == 0)
            found = config_value(line);
    }
    char *copy = found == NULL || *found == '\0' ? NULL : strdup(found);
    config_free(file);
    return copy;
}

/* Entering ----------------------------------------------------------------------------------- */

/* glibc and OpenSSL read these when they are first needed, which would be inside. */
static void prepare_libraries(void)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;

    /* Only a named zone is kept: without a name localtime() looks for the file again each time. */
    setenv("TZ", ":/etc/localtime", 0);
    tzset();
    /* Reads nsswitch.conf, which is then kept, and loads what it names. */
    if (getaddrinfo("localhost", "3493", &hints, &list) == 0)
        freeaddrinfo(list);
    getpwnam("root");
    tls_prepare();
}

struct system_file {
    const char *path;
    const char *use;
};

/* One by one, so that the command can be copied from the log. */
static void warn_of_lacking(const char *root)
{
    static const struct system_file files[] = {
        { "/etc/hosts.allow", "TCP wrappers let in whoever it does not name" },
        { "/etc/hosts.deny", "TCP wrappers let in whoever it does not name" },
        { "/etc/hosts", "names of hosts are not found" },
        { "/etc/resolv.conf", "names of hosts are not found" },
    };
    char inside[PATH_MAX];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *path = files[i].path;

        if (snprintf(inside, sizeof inside, "%s%s", root, path) >= (int)sizeof inside ||
            access(path, F_OK) != 0 || access(inside, F_OK) == 0)
            continue;
        log_warning("jail: there is no %s, without which %s: mkdir -p %s/etc && cp %s %s/etc", path,
                    files[i].use, root, path, root);
    }
}

bool jail_enter(const char *root)
{
    prepare_libraries();
    warn_of_lacking(root);
    if (chdir(root) != 0 || chroot(".") != 0 || chdir("/") != 0) {
        log_error("cannot chroot to %s: %s", root, strerror(errno));
        return false;
    }
    return true;
}

/* Inside ------------------------------------------------------------------------------------- */

static void check_state_path(const char *root, const char *path, const char *user)
{
    if (access(path, F_OK) != 0)
        log_warning("jail: there is no %s to keep state in: install -d -m 0770 -o %s %s%s", path,
                    user == NULL ? "root" : user, root, path);
}

static void check_usb(const char *root, const char *device)
{
    static const char *const folders[] = { "/dev/bus/usb", "/sys", "/run/udev" };

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (access(folders[i], F_OK) != 0)
            log_warning("jail: [%s] needs %s: mkdir -p %s%s && mount --rbind %s %s%s", device,
                        folders[i], root, folders[i], folders[i], root, folders[i]);
    }
}

/* A device's node, or a simulated device's file. */
static void check_port(const char *root, const struct device_settings *device)
{
    if (device->port[0] == '/' && access(device->port, F_OK) != 0)
        log_warning("jail: [%s] needs %s: mkdir -p $(dirname %s%s) && cp -a %s %s%s", device->name,
                    device->port, root, device->port, device->port, root, device->port);
}

/* NUT's USB drivers have no port but this, and it is theirs alone. */
static bool is_usb(const struct device_settings *device)
{
    const struct driver *driver = driver_find(device->driver);

    return strcmp(device->port, "auto") == 0 ||
           (driver != NULL && strcmp(driver->name, "usbhid") == 0);
}

void jail_check(const char *root, const struct settings *settings, const char *user)
{
    const char *usb_device = NULL;

    check_state_path(root, settings->state_path, user);
    for (size_t i = 0; i < settings->device_count; i++) {
        const struct device_settings *device = &settings->devices[i];

        if (is_usb(device))
            usb_device = usb_device == NULL ? device->name : usb_device;
        else
            check_port(root, device);
    }
    if (usb_device != NULL)
        check_usb(root, usb_device);
}
