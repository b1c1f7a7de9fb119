/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/process.h"

#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPEN_FILES_WANTED 65536

void process_set_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < OPEN_FILES_WANTED) {
        limit.rlim_cur = limit.rlim_max < OPEN_FILES_WANTED ? limit.rlim_max : OPEN_FILES_WANTED;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            log_warning("cannot raise the limit of open files: %s", strerror(errno));
    }
    /* An arena a thread would cost more than all they ever hold. */
    mallopt(M_ARENA_MAX, 1);
    /* What is big and lives briefly, such as a table of all devices, goes back to the system. */
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
}

int process_background(void)
{
    int ends[2];

    if (pipe(ends) != 0 || fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0) {
        log_error("cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    pid_t child = fork();
    if (child < 0) {
        log_error("cannot go to the background: %s", strerror(errno));
        return -1;
    }
    if (child > 0) {
        char ready;

        close(ends[1]);
        _exit(read(ends[0], &ready, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ends[0]);
    setsid();
    /* While it can be found: a jail may have none. */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0) {
        log_error("cannot open /dev/null: %s", strerror(errno));
        return -1;
    }
    if (null != STDIN_FILENO)
        close(null);
    return ends[1];
}

void process_ready(int descriptor)
{
    dup2(STDIN_FILENO, STDOUT_FILENO);
    dup2(STDIN_FILENO, STDERR_FILENO);
    if (write(descriptor, "", 1) != 1)
        log_warning("cannot tell the parent that service has begun: %s", strerror(errno));
    close(descriptor);
}

int process_pid_file_open(const char *path)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

    if (descriptor < 0) {
        log_error("cannot open the pid file %s: %s", path, strerror(errno));
        return -1;
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        log_error("%s is locked: another upsbridged is running", path);
        close(descriptor);
        return -1;
    }
    return descriptor;
}

bool process_pid_file_write(int descriptor, const char *path)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%d\n", (int)getpid());

    if (ftruncate(descriptor, 0) != 0 || write(descriptor, text, (size_t)length) != length) {
        log_error("cannot write the pid file %s: %s", path, strerror(errno));
        return false;
    }
    return true;
}
