/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of settings_load(): what its parts, one a file of the configuration, share.
 * For core/settings.c and the files that read one file of the configuration each.
 */
#ifndef UPSBRIDGE_CORE_LOADING_H
#define UPSBRIDGE_CORE_LOADING_H

#include "core/settings.h"

#define NUT_PORT "3493"
#define UPSD_CONF "upsd.conf"
#define UPSBRIDGE_CONF "upsbridge.conf"

/* One pass over the files: what is being filled, and where complaints go. */
struct loading {
    struct settings *settings;
    struct config_report *report;
    const struct config_file *file;
    const struct config_line *line;
    struct device_settings *section;         /* ups.conf: the open section; NULL: the global part */
    unsigned poll_interval, max_start_delay; /* ups.conf: global values */
    unsigned snmp_default_line;              /* upsbridge.conf */
};

/* Complaints about the present line. */
void loading_error(struct loading *loading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void loading_warning(struct loading *loading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Replaces *place by a copy of text; a shortage of memory is an error of this load. */
void loading_text(struct loading *loading, char **place, const char *text);

/*
 * The same with the place of the present line, which is one of upsd.conf or upsbridge.conf.
 * directive is kept by reference.
 */
void loading_place(struct loading *loading, const char *directive, struct placed_word *word,
                   const char *text);
/* Takes the one word behind the directive. */
void loading_word(struct loading *loading, const char *directive, struct placed_word *word);

/* Makes room for one more element of an array that grows by doubling; NULL: out of memory. */
void *loading_room(void *array, size_t count, size_t element);

/* One more address to listen on, for the present line. */
void loading_listener(struct loading *loading, const char *address, const char *port);

/* Takes a line of upsd.conf, of upsbridge.conf. */
void upsd_conf_line(struct loading *loading);
void upsbridge_conf_line(struct loading *loading);

/* REQUIRE_TLS: takes a line, and looks at all of them when LISTEN and CERTFILE are known. */
void require_tls_line(struct loading *loading);
void require_tls_check(struct loading *loading);
void require_tls_free(struct tls_settings *tls);

/* Takes a line of ups.conf, and looks through its sections at the end of the file. */
void ups_conf_line(struct loading *loading);
void ups_conf_end(struct loading *loading);

/* The section of a name, whatever its case; NULL if there is none. */
struct device_settings *loading_find_device(struct settings *settings, const char *name);

/* Frees what a section holds, not the record itself. */
void loading_free_device(struct device_settings *device);

#endif
