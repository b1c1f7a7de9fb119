/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/privileges.h"

#include "core/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ThreadSanitizer has a thread of its own, from the beginning. */
#if defined(__SANITIZE_THREAD__)
#define THREADS_EXPECTED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREADS_EXPECTED 1
#endif
#endif
#ifndef THREADS_EXPECTED
#define THREADS_EXPECTED 0
#endif

struct identity {
    uid_t user;
    gid_t group;
    int group_count; /* the supplementary ones, group among them */
    gid_t groups[];
};

struct identity *identity_find(const char *name)
{
    int count = 0;

    errno = 0;
    const struct passwd *entry = getpwnam(name);
    if (entry == NULL) {
        log_error("there is no user '%s' to run as%s%s", name, errno == 0 ? "" : ": ",
                  errno == 0 ? "" : strerror(errno));
        return NULL;
    }
    getgrouplist(name, entry->pw_gid, NULL, &count);
    struct identity *identity =
        malloc(sizeof *identity + (size_t)count * sizeof identity->groups[0]);
    if (identity == NULL || getgrouplist(name, entry->pw_gid, identity->groups, &count) < 0) {
        log_error("cannot look up the groups of user '%s'", name);
        free(identity);
        return NULL;
    }
    identity->user = entry->pw_uid;
    identity->group = entry->pw_gid;
    identity->group_count = count;
    return identity;
}

void identity_free(struct identity *identity)
{
    free(identity);
}

/* So that not even a program that were executed could have one. Needs CAP_SETPCAP. */
static bool drop_bounding_set(void)
{
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
         capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
            return false;
    }
    return true;
}

static bool has_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];
    uint32_t all = 0;

    if (syscall(SYS_capget, &header, held) != 0)
        return true;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        all |= held[i].effective | held[i].permitted | held[i].inheritable;
    return all != 0;
}

/* glibc has no function for it, and its kernel interface is all libcap would add. */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

    /* A service manager may have taken all, and the right to give any up with them. */
    if (!has_capabilities())
        return true;
    /* Kernels before 4.3 have no ambient set. */
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return false;
    return syscall(SYS_capset, &header, none) == 0;
}

static bool become(const struct identity *identity)
{
    if (!drop_bounding_set())
        log_warning("cannot empty the bounding set of capabilities: %s", strerror(errno));
    if (setgroups((size_t)identity->group_count, identity->groups) != 0 ||
        setresgid(identity->group, identity->group, identity->group) != 0 ||
        setresuid(identity->user, identity->user, identity->user) != 0) {
        log_error("cannot become user %u: %s", (unsigned)identity->user, strerror(errno));
        return false;
    }
    return true;
}

/* What has to hold afterwards, whatever the calls above returned. */
static bool check_given_up(void)
{
    if (geteuid() == 0 || setuid(0) == 0 || setresuid((uid_t)-1, 0, (uid_t)-1) == 0) {
        log_error("root could be regained");
        return false;
    }
    return true;
}

bool privileges_give_up(const struct identity *identity, bool keep_dumpable)
{
    bool was_root = geteuid() == 0;

    /* The kernel keeps capabilities by thread. */
    if (!__libc_single_threaded && !THREADS_EXPECTED) {
        log_error("there are threads already: they would keep their rights");
        return false;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        log_error("cannot renounce new privileges: %s", strerror(errno));
        return false;
    }
    if (was_root && (identity == NULL || identity->user == 0)) {
        log_warning("running as root: say -u USER to run with less");
        return true;
    }
    if (was_root && !become(identity))
        return false;
    if (!drop_capabilities()) {
        log_error("cannot give up capabilities: %s", strerror(errno));
        return false;
    }
    /* Memory holds what root alone could read. */
    if (was_root && !keep_dumpable)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return check_given_up();
}
