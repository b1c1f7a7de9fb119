/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what ups.conf, upsd.conf and upsbridge.conf say, as typed records. (upsd.users belongs
 * to nutproto/users.h.) A settings object is immutable once loaded; a reload loads another.
 * Source: NUT 2.8's ups.conf(5) and upsd.conf(5) for names, meaning and defaults.
 */
#ifndef UPSBRIDGE_CORE_SETTINGS_H
#define UPSBRIDGE_CORE_SETTINGS_H

#include "core/config.h"

#include <stdbool.h>
#include <stddef.h>

#define DEVICES_MAX 4096
#define LISTENERS_MAX 64

struct option_setting {
    char *key;
    char *value; /* NULL: a flag */
    unsigned line;
};

/* A section of ups.conf. */
struct device_settings {
    char *name;
    char *driver; /* as written: a NUT driver name or one of ours */
    char *port;
    char *description; /* NULL: none */
    const char *file;  /* path of ups.conf, for messages; owned by the settings */
    unsigned line;
    unsigned poll_interval;         /* pollinterval: seconds, at least 1 */
    unsigned max_start_delay;       /* maxstartdelay: seconds */
    int shutdown_order;             /* sdorder */
    bool ignore_low_battery;        /* ignorelb */
    struct option_setting *options; /* every key of the section, driver and port included */
    size_t option_count;
};

struct listen_setting {
    char *address; /* "*": every address of both families */
    char *port;
    unsigned line;
};

enum snmp_mode { SNMP_OFF, SNMP_AGENTX, SNMP_LISTEN };

struct settings {
    char *directory; /* confdir */

    /* ups.conf */
    struct device_settings *devices;
    size_t device_count;
    char *ups_conf; /* its path */
    char *user;     /* NULL: not given */
    char *chroot;   /* NULL */

    /* upsd.conf */
    unsigned maximum_age;         /* MAXAGE: seconds */
    unsigned tracking_delay;      /* TRACKINGDELAY: seconds */
    unsigned maximum_connections; /* MAXCONN: 0 means as many as descriptors allow */
    int debug_minimum;            /* DEBUG_MIN: -1 not given */
    char *state_path;             /* STATEPATH */
    bool allow_no_device;         /* ALLOW_NO_DEVICE */
    bool allow_not_all_listeners;
    struct listen_setting *listeners; /* never empty: 127.0.0.1 and ::1 if none was given */
    size_t listener_count;
    bool listeners_given; /* false: the list is the default one */

    /* upsbridge.conf */
    enum snmp_mode snmp_mode;
    char *agentx_address;  /* SNMP agentx ADDRESS; NULL: the library's default */
    char **snmp_listeners; /* SNMP listen udp:HOST:PORT ... */
    size_t snmp_listener_count;
    char *snmp_default; /* SNMP default NAME; NULL: the first device */
};

/*
 * Loads and checks the files in directory. On any error everything found wrong is reported and NULL
 * returned. ups.conf and upsd.conf must exist; upsbridge.conf may be missing. Driver names and
 * options are checked by the daemon through the driver registry (this layer does not know them).
 */
struct settings *settings_load(const char *directory, struct config_report *report);
void settings_free(struct settings *settings);

/* The value of a section's key; NULL if it is not there (or is a flag). */
const char *device_option(const struct device_settings *device, const char *key);
/* The whole record of a key, flags included; NULL if it is not there. The last one wins. */
const struct option_setting *device_option_find(const struct device_settings *device,
                                                const char *key);
/* Do both say the same, file positions and description apart? */
bool device_settings_equal(const struct device_settings *a, const struct device_settings *b);

#endif
