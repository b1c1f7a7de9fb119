/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: reads a simulated UPS's file (.dev, .seq) one entry at a time, as NUT's dummy-ups reads
 * it: lines of words in NUT's syntax (core/words.h), the first being a variable's name with a colon
 * behind it. The words of a value are joined by single blanks.
 *
 *   battery.charge: 87            a variable
 *   ups.alarm:                    it vanishes (the same as "")
 *   ALARM Replace battery!        ups.alarm; ALARM alone clears it
 *   TIMER 5                       what follows holds 5 seconds later (fractions are allowed)
 *
 * Stricter than NUT where NUT would publish nonsense: a control byte, a first word without a colon
 * or that is no variable's name, an empty ups.status, and quotes left open are errors.
 *
 * Bounds: DEVFILE_SIZE_MAX bytes a file, DEVFILE_LINES_MAX lines from one TIMER to the next.
 * Source: dummy-ups(8) of NUT 2.8.0 and the behaviour of Debian's build.
 */
#ifndef UPSBRIDGE_DRIVERS_DEVFILE_H
#define UPSBRIDGE_DRIVERS_DEVFILE_H

#include <stdint.h>
#include <sys/types.h>

#define DEVFILE_SIZE_MAX (1024 * 1024)
#define DEVFILE_LINES_MAX 4096u

/* A place between two lines: where reading can be taken up again. Zero is the file's beginning. */
struct devfile_place {
    off_t offset;
    unsigned line; /* lines before it */
};

enum devfile_kind {
    DEVFILE_VARIABLE, /* name and value; value "" means that it vanishes */
    DEVFILE_TIMER,    /* milliseconds */
    DEVFILE_END,
    DEVFILE_ERROR, /* line and problem; reading cannot go on */
};

struct devfile_entry {
    enum devfile_kind kind;
    const char *name, *value; /* live until the next devfile_next() */
    uint64_t milliseconds;
    unsigned line; /* 0: the problem is not in one line */
    const char *problem;
};

struct devfile;

/*
 * Reads from place on through descriptor, which stays the caller's. NULL: out of memory.
 * devfile_next() returns DEVFILE_END or DEVFILE_ERROR for ever once it has returned it.
 */
struct devfile *devfile_new(int descriptor, const struct devfile_place *place);
void devfile_next(struct devfile *file, struct devfile_entry *entry);
/* The place behind the entry last returned. */
struct devfile_place devfile_place(const struct devfile *file);
void devfile_free(struct devfile *file);

#endif
