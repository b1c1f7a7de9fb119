/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the command line of upsbridged.
 */
#ifndef UPSBRIDGE_DAEMON_OPTIONS_H
#define UPSBRIDGE_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
    const char *directory;    /* -c: where the configuration is; NULL: look in the usual places */
    const char *pid_file;     /* -P */
    const char *user;         /* -u: run as; NULL: not given */
    const char *jail;         /* -r: chroot to; NULL: not given */
    int debug;                /* -D, once a step */
    bool foreground;          /* -F */
    bool test;                /* -t: check the configuration and exit */
    bool demo;                /* --demo */
    bool hash_password;       /* --hash-password */
    bool scan;                /* --scan */
    bool drivers;             /* --drivers */
    const char *check_map;    /* --check-map: a file or name; NULL: not given */
    const char *dump;         /* --dump: registers for it; NULL: not given */
    const char *probe_modbus; /* --probe-modbus: a port; NULL: not given */
    const char *units;        /* --units: numbers for it; NULL: not given */
    const char *udev_group;   /* --udev-rules; NULL: not given */
    const char *make_certificate; /* --make-certificate: the file; NULL: not given */
    const char *make_authority;   /* --make-authority: the file; NULL: not given */
    const char *sign_with;        /* --sign-with; NULL: not given */
    char *const *names;           /* what follows the options: for --scan and what makes something */
    size_t name_count;
};

/*
 * Reads the command line. Returns -1 to go on, else the exit status (after --help, --version, or a
 * mistake, which is explained on stderr).
 */
int options_parse(struct options *options, int argc, char **argv);

#endif
