/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives pseudo-terminals the modem lines that they lack: preloaded into a program, it answers the
 * requests for them from a file of two numbers that it shares with the test (UPSBRIDGE_TEST_LINES):
 * what the device says, and what the program has set; a third counts breaks.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

struct lines {
    int from_device, to_device, breaks;
};

static volatile struct lines *lines;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("UPSBRIDGE_TEST_LINES");
    int descriptor = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

    if (descriptor < 0)
        return;
    void *shared = mmap(NULL, sizeof *lines, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (shared != MAP_FAILED)
        lines = shared;
    close(descriptor);
}

int ioctl(int descriptor, unsigned long request, ...)
{
    static int (*original)(int, unsigned long, ...);
    va_list arguments;

    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (original == NULL)
        *(void **)&original = dlsym(RTLD_NEXT, "ioctl");
    if (lines == NULL)
        return original(descriptor, request, argument);
    switch (request) {
    case TIOCMGET:
        *(int *)argument = lines->from_device | lines->to_device;
        return 0;
    case TIOCMSET:
        lines->to_device = *(const int *)argument & (TIOCM_DTR | TIOCM_RTS);
        return 0;
    case TIOCMBIS:
        lines->to_device |= *(const int *)argument;
        return 0;
    case TIOCMBIC:
        lines->to_device &= ~*(const int *)argument;
        return 0;
    case TIOCSBRK:
    case TCSBRK:
        lines->breaks++;
        return 0;
    default:
        return original(descriptor, request, argument);
    }
}

int tcsendbreak(int descriptor, int duration)
{
    (void)descriptor;
    (void)duration;
    if (lines != NULL)
        lines->breaks++;
    return 0;
}
