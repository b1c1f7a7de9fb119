/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "daemon/sandbox.h"

#include "core/log.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZERS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZERS
#endif
#endif

#if defined(HAVE_LIBSECCOMP) && !defined(SANITIZERS)

#include <asm/termbits.h>
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* Any arguments. A name that an architecture does not have is left out there. */
static const char *const allowed[] = {
    /* memory */
    "brk",
    "madvise",
    "membarrier",
    "mremap",
    "munmap",
    /* files */
    "access",
    "chmod",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fallocate",
    "fchmod",
    "fchmodat",
    "fcntl",
    "fdatasync",
    "flock",
    "fstat",
    "fstatfs",
    "fsync",
    "ftruncate",
    "getcwd",
    "getdents",
    "getdents64",
    "lseek",
    "lstat",
    "mkdir",
    "mkdirat",
    "newfstatat",
    "open",
    "openat",
    "pread64",
    "preadv",
    "pwrite64",
    "pwritev",
    "read",
    "readlink",
    "readlinkat",
    "readv",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "stat",
    "statfs",
    "statx",
    "umask",
    "unlink",
    "unlinkat",
    "utimensat",
    "write",
    "writev",
    /* waiting */
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd2",
    "inotify_add_watch",
    "inotify_init1",
    "inotify_rm_watch",
    "pipe",
    "pipe2",
    "poll",
    "ppoll",
    "pselect6",
    "select",
    "signalfd4",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_settime",
    /* sockets, but for their making */
    "accept",
    "accept4",
    "bind",
    "connect",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    /* time */
    "alarm",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "getitimer",
    "gettimeofday",
    "nanosleep",
    "setitimer",
    "time",
    "times",
    /* threads and signals; clone3 has been refused before this list is asked */
    "clone3",
    "exit",
    "exit_group",
    "futex",
    "get_robust_list",
    "getcpu",
    "gettid",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_yield",
    "set_robust_list",
    "sigaltstack",
    "tgkill",
    /* who and where we are */
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getpgrp",
    "getpid",
    "getppid",
    "getrandom",
    "getresgid",
    "getresuid",
    "getrlimit",
    "getrusage",
    "getuid",
    "sysinfo",
    "uname",
};

/* An argument, of which the bits of mask must have this value. Several of a call: any of them. */
struct allowed_argument {
    const char *call;
    unsigned position;
    uint64_t mask;
    uint64_t value;
};

#define EXACTLY UINT64_MAX
/* Some callers keep an ioctl's request in an int, of which the sign is then carried on. */
#define REQUEST UINT32_MAX
#define REQUEST_TYPE 0xff00

static const struct allowed_argument allowed_arguments[] = {
    /* memory that is never writable and executable at once */
    { "mmap", 2, PROT_WRITE, 0 },
    { "mmap", 2, PROT_EXEC, 0 },
    { "mprotect", 2, PROT_EXEC, 0 },
    /* a thread, but no process and no namespace */
    { "clone", 0, CLONE_THREAD | CLONE_NEWUSER, CLONE_THREAD },
    { "prctl", 0, EXACTLY, PR_SET_NAME },
    { "prctl", 0, EXACTLY, PR_GET_NAME },
    { "prctl", 0, EXACTLY, PR_SET_VMA },
    /* limits are read only */
    { "prlimit64", 2, EXACTLY, 0 },
    { "socket", 0, EXACTLY, AF_UNIX },
    { "socket", 0, EXACTLY, AF_INET },
    { "socket", 0, EXACTLY, AF_INET6 },
    { "socket", 0, EXACTLY, AF_NETLINK },
    { "socketpair", 0, EXACTLY, AF_UNIX },
    /* descriptors, terminals and serial lines; not TIOCSTI, which types for others */
    { "ioctl", 1, REQUEST, FIOCLEX },
    { "ioctl", 1, REQUEST, FIONBIO },
    { "ioctl", 1, REQUEST, FIONCLEX },
    { "ioctl", 1, REQUEST, FIONREAD },
    { "ioctl", 1, REQUEST, TCFLSH },
    { "ioctl", 1, REQUEST, TCGETS },
    { "ioctl", 1, REQUEST, TCGETS2 },
    { "ioctl", 1, REQUEST, TCSBRK },
    { "ioctl", 1, REQUEST, TCSBRKP },
    { "ioctl", 1, REQUEST, TCSETS },
    { "ioctl", 1, REQUEST, TCSETS2 },
    { "ioctl", 1, REQUEST, TCSETSF },
    { "ioctl", 1, REQUEST, TCSETSF2 },
    { "ioctl", 1, REQUEST, TCSETSW },
    { "ioctl", 1, REQUEST, TCSETSW2 },
    { "ioctl", 1, REQUEST, TCXONC },
    { "ioctl", 1, REQUEST, TIOCCBRK },
    { "ioctl", 1, REQUEST, TIOCEXCL },
    { "ioctl", 1, REQUEST, TIOCGRS485 },
    { "ioctl", 1, REQUEST, TIOCGSERIAL },
    { "ioctl", 1, REQUEST, TIOCGWINSZ },
    { "ioctl", 1, REQUEST, TIOCMBIC },
    { "ioctl", 1, REQUEST, TIOCMBIS },
    { "ioctl", 1, REQUEST, TIOCMGET },
    { "ioctl", 1, REQUEST, TIOCMSET },
    { "ioctl", 1, REQUEST, TIOCNXCL },
    { "ioctl", 1, REQUEST, TIOCOUTQ },
    { "ioctl", 1, REQUEST, TIOCSBRK },
    { "ioctl", 1, REQUEST, TIOCSRS485 },
    { "ioctl", 1, REQUEST, TIOCSSERIAL },
    /* the interface of a link-local address */
    { "ioctl", 1, REQUEST, SIOCGIFINDEX },
    { "ioctl", 1, REQUEST, SIOCGIFNAME },
    /* net-snmp asks them for the address of this host, which SNMPv1 traps bear */
    { "ioctl", 1, REQUEST, SIOCGIFADDR },
    { "ioctl", 1, REQUEST, SIOCGIFCONF },
    { "ioctl", 1, REQUEST, SIOCGIFFLAGS },
    /* usbdevfs */
    { "ioctl", 1, REQUEST_TYPE, 'U' << 8 },
};

/* All functions return 0 or a negative errno, as libseccomp's do. */

static int allow_calls(scmp_filter_ctx filter)
{
    int error = 0;

    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && error == 0; i++) {
        int call = seccomp_syscall_resolve_name(allowed[i]);

        if (call >= 0)
            error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
    }
    return error;
}

static int allow_arguments(scmp_filter_ctx filter)
{
    int error = 0;

    for (size_t i = 0; i < sizeof allowed_arguments / sizeof allowed_arguments[0] && error == 0;
         i++) {
        const struct allowed_argument *argument = &allowed_arguments[i];
        const struct scmp_arg_cmp comparison = { .arg = argument->position,
                                                 .op = SCMP_CMP_MASKED_EQ,
                                                 .datum_a = argument->mask,
                                                 .datum_b = argument->value };
        int call = seccomp_syscall_resolve_name(argument->call);

        if (call >= 0)
            error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &comparison);
    }
    return error;
}

/*
 * The flags of clone3 cannot be looked at, those of clone can, and glibc falls back on it. A filter
 * of its own, as that is no reason for a line in the kernel's log.
 */
static int refuse_clone3(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int call = seccomp_syscall_resolve_name("clone3");
    int error = filter == NULL ? -ENOMEM : 0;

    if (error == 0)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (error == 0 && call >= 0)
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0);
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}

static int refuse_the_rest(enum sandbox_mode mode)
{
    scmp_filter_ctx filter =
        seccomp_init(mode == SANDBOX_LOG ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(ENOSYS));
    int error = filter == NULL ? -ENOMEM : 0;

    if (error == 0)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    /* Older kernels cannot, and refuse silently. */
    if (error == 0 && seccomp_api_get() >= 3)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    /* A search tree, for this is asked at each call. */
    if (error == 0)
        error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (error == 0)
        error = allow_calls(filter);
    if (error == 0)
        error = allow_arguments(filter);
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}

bool sandbox_is_built(void)
{
    return true;
}

void sandbox_enter(enum sandbox_mode mode)
{
    if (mode == SANDBOX_OFF)
        return;
    int error = refuse_clone3();
    if (error == 0)
        error = refuse_the_rest(mode);
    /* Making the filters takes more memory than all that comes afterwards. */
    malloc_trim(0);
    if (error != 0)
        log_warning("SECCOMP: any system call stays allowed: %s", strerror(-error));
    else if (mode == SANDBOX_LOG)
        log_notice("SECCOMP log: the kernel logs system calls out of the ordinary");
}

#else

bool sandbox_is_built(void)
{
    return false;
}

void sandbox_enter(enum sandbox_mode mode)
{
    if (mode == SANDBOX_LOG)
        log_warning("SECCOMP log has no effect: this build has no sandbox");
}

#endif
