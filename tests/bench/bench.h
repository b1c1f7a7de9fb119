/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the benchmark programs have in common. They talk to loopback only, and whatever
 * goes wrong ends them with a message, so that no figure comes from a run that failed.
 */
#ifndef UPSBRIDGE_BENCH_H
#define UPSBRIDGE_BENCH_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the program. The first with the meaning of errno behind the message. */
_Noreturn void fail_errno(const char *what);
_Noreturn void fail(const char *what);

/* Nanoseconds on the monotonic clock. */
uint64_t now_ns(void);

/* A whole number of at least minimum, from the command line. */
unsigned number_argument(const char *text, unsigned minimum);
double seconds_argument(const char *text);

/* The loopback address with a port. */
struct sockaddr_in loopback(unsigned port);

/* A whole file, which the caller frees; never empty. */
char *read_file(const char *path, size_t *size);

/* As many descriptors as the system allows. */
void raise_descriptor_limit(void);

/* What all load programs print: how many requests were answered in what time. */
void print_result(uint64_t answered, uint64_t begun_ns);

#endif
