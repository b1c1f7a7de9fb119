/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: upsbridged --make-certificate and --make-authority: a key on the curve P-256 and its
 * certificate, in one PEM file as CERTFILE wants it.
 */
#ifndef UPSBRIDGE_DAEMON_MAKE_CERTIFICATE_H
#define UPSBRIDGE_DAEMON_MAKE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

struct certificate_order {
    const char *file;      /* to be made, for its owner's eyes alone; must not exist */
    bool authority;        /* one that signs others, not one for TLS itself */
    const char *sign_with; /* PEM with an authority's certificate and key; NULL: it signs itself */
    char *const *names;    /* hosts and addresses; the first is the common name */
    size_t name_count;     /* 0: the name of this host */
};

/* Returns the exit status; what goes wrong is said on stderr, what was made on stdout. */
int make_certificate(const struct certificate_order *order);

#endif
