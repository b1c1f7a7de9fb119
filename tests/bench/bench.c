/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void fail_errno(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

unsigned number_argument(const char *text, unsigned minimum)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || number < minimum || number > 1000000)
        fail("a number in the arguments is wrong");
    return (unsigned)number;
}

double seconds_argument(const char *text)
{
    char *end;
    double seconds = strtod(text, &end);

    if (*text == '\0' || *end != '\0' || !(seconds > 0 && seconds < 3600))
        fail("the number of seconds is wrong");
    return seconds;
}

struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

char *read_file(const char *path, size_t *size)
{
    enum { SIZE_MAXIMUM = 1024 * 1024 };
    char *bytes = malloc(SIZE_MAXIMUM + 1);
    FILE *file = fopen(path, "re");

    if (bytes == NULL || file == NULL)
        fail_errno(path);
    *size = fread(bytes, 1, SIZE_MAXIMUM, file);
    if (ferror(file) || !feof(file) || *size == 0)
        fail("the file is empty, too large or unreadable");
    fclose(file);
    bytes[*size] = '\0';
    return bytes;
}

void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail_errno("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail_errno("setrlimit");
}

void print_result(uint64_t answered, uint64_t begun_ns)
{
    printf("%llu %.6f\n", (unsigned long long)answered, (double)(now_ns() - begun_ns) / 1e9);
}
