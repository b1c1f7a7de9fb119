/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/wrappers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tcpd.h>

static bool has_rules(const char *path)
{
    FILE *stream = fopen(path, "re");
    bool rules = false;
    char *line = NULL;
    size_t size = 0;

    if (stream == NULL)
        return true;
    while (!rules && getline(&line, &size, stream) >= 0) {
        char first = line[strspn(line, " \t\r\n")];

        rules = first != '\0' && first != '#';
    }
    /* What cannot be read is for the library to judge. */
    rules = rules || ferror(stream);
    free(line);
    fclose(stream);
    return rules;
}

/* True if the file is another one than it was. */
static bool look_at(struct wrappers_file *file, const char *path)
{
    struct stat status;
    bool present = stat(path, &status) == 0;

    if (!present) {
        bool was_present = file->present;

        *file = (struct wrappers_file){ 0 };
        return was_present;
    }
    if (file->present && file->number == status.st_ino && file->size == (uint64_t)status.st_size &&
        file->changed.tv_sec == status.st_mtim.tv_sec &&
        file->changed.tv_nsec == status.st_mtim.tv_nsec)
        return false;
    *file = (struct wrappers_file){ .changed = status.st_mtim,
                                    .number = status.st_ino,
                                    .size = (uint64_t)status.st_size,
                                    .present = true,
                                    .rules = has_rules(path) };
    return true;
}

bool wrappers_look(struct wrappers *wrappers)
{
    bool allow_changed = look_at(&wrappers->allow, hosts_allow_table);
    bool deny_changed = look_at(&wrappers->deny, hosts_deny_table);

    if (allow_changed || deny_changed)
        wrappers->stamp++;
    return wrappers->allow.rules || wrappers->deny.rules;
}

bool wrappers_admit(const char *user_name, const struct client_address *address)
{
    struct sockaddr_storage storage = { 0 };
    struct request_info request;
    static char service[] = "upsd";

    client_address_give(address, &storage);
    /* A rule must not turn our process into another program ("twist"). */
    resident = 1;
    request_init(&request, RQ_DAEMON, service, RQ_USER, user_name, RQ_CLIENT_SIN, &storage, 0);
    sock_methods(&request);
    return hosts_access(&request) != 0;
}
