/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: --demo: the configuration and recordings built into the program, laid out in a private
 * directory so that the rest of the program need not know of it.
 */
#ifndef UPSBRIDGE_DAEMON_DEMO_H
#define UPSBRIDGE_DAEMON_DEMO_H

#include <stdbool.h>
#include <stddef.h>

struct embedded_file {
    const char *name;
    const unsigned char *bytes;
    size_t size;
};

/* Made by tools/embed from conf/demo/; ended by a NULL name. */
extern const struct embedded_file demo_files[];

/*
 * Makes a directory under TMPDIR and writes the files into it; path receives its name. false: it
 * could not, which is logged. user may read it (NULL: the present user).
 */
bool demo_lay_out(char *path, size_t size, const char *user);

/* Removes the directory and everything demo_lay_out() or the daemon put into it. */
void demo_remove(const char *path);

/* Says on stdout what can be tried now. */
void demo_print_welcome(const char *path);

#endif
