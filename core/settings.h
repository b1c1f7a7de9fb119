/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what ups.conf, upsd.conf and upsbridge.conf say, as typed records. (upsd.users belongs
 * to nutproto/users.h.) A settings object is immutable once loaded; a reload loads another.
 * Source: NUT 2.8's ups.conf(5) and upsd.conf(5) for names, meaning and defaults.
 */
#ifndef UPSBRIDGE_CORE_SETTINGS_H
#define UPSBRIDGE_CORE_SETTINGS_H

#include "core/config.h"
#include "core/networks.h"

#include <stdbool.h>
#include <stddef.h>

#define DEVICES_MAX 4096
#define LISTENERS_MAX 64
#define MODBUS_UNIT_MAX 247

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
    char *description;      /* NULL: none */
    const char *file;       /* path of ups.conf, for messages; owned by the settings */
    const char *state_path; /* STATEPATH; owned by the settings */
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

/* A word whose meaning another layer checks, and where it stands. */
struct placed_word {
    char *text;            /* NULL: not given */
    const char *directive; /* static */
    const char *file;      /* base name of the file; static */
    unsigned line;
};

enum certificate_request {
    CERTIFICATE_REQUEST_NO,
    CERTIFICATE_REQUEST_ANY,     /* a client must send one, whoever signed it */
    CERTIFICATE_REQUEST_VERIFIED /* a client must send one that verifies */
};

/* What a client may not do before it speaks TLS; each includes the one before. */
enum tls_requirement {
    TLS_OPTIONAL,
    TLS_FOR_LOGINS, /* show a user name or a password, or use a right */
    TLS_FOR_ALL     /* anything but saying hello */
};

/* A line of REQUIRE_TLS. */
struct tls_rule {
    enum tls_requirement requirement;
    char *address, *port; /* as LISTEN has them; NULL: any */
    unsigned line;
};

/* TLS of the NUT face. Paths are as written: relative ones start in the settings' directory. */
struct tls_settings {
    struct placed_word certificate_file; /* CERTFILE */
    struct placed_word authorities;      /* CERTPATH */
    struct placed_word identity;         /* CERTIDENT's name; may be "" */
    char *password;                      /* CERTIDENT's password; NULL: no CERTIDENT */
    struct placed_word request_word;     /* CERTREQUEST as written, ... */
    enum certificate_request request;    /* ... and what it means */
    struct placed_word ciphers;          /* TLS_CIPHERS */
    struct placed_word revocations;      /* TLS_CRL */
    bool only_tls_1_3;                   /* TLS_MIN_PROTOCOL 1.3 */
    struct placed_word minimum_protocol; /* TLS_MIN_PROTOCOL as written */
    struct tls_rule *rules;              /* REQUIRE_TLS */
    size_t rule_count;
};

/* SECCOMP: on, log, off. */
enum sandbox_mode { SANDBOX_ON, SANDBOX_LOG, SANDBOX_OFF };

/* MODBUS unit NUMBER NAME */
struct modbus_unit_setting {
    unsigned number; /* 1 to MODBUS_UNIT_MAX */
    char *name;
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

    struct tls_settings tls; /* upsd.conf and upsbridge.conf */

    /* upsbridge.conf */
    struct access_rule *access; /* ACCESS, in order */
    size_t access_count;
    unsigned maximum_address_connections; /* MAXCONN_ADDRESS: 0: none of its own */
    bool wrappers;                        /* WRAPPERS */
    enum sandbox_mode sandbox_mode;       /* SECCOMP */
    bool strict_permissions;              /* STRICT_PERMISSIONS */
    enum snmp_mode snmp_mode;
    char **agentx_masters; /* SNMP agentx ADDRESS ...; none: the usual address */
    size_t agentx_master_count;
    char **snmp_listeners; /* SNMP listen udp:HOST:PORT ... */
    size_t snmp_listener_count;
    char *snmp_default;      /* SNMP default NAME; NULL: the first device */
    char *snmp_description;  /* SNMP sysdescr TEXT; NULL: the usual one */
    char *snmp_object_id;    /* SNMP sysobjectid OID, digits and dots; NULL: the usual one */
    bool snmp_serve_index;   /* SNMP serve-index */
    bool snmp_write;         /* SNMP write */
    char **modbus_listeners; /* MODBUS listen HOST:PORT ... */
    size_t modbus_listener_count;
    struct modbus_unit_setting *modbus_units; /* MODBUS unit */
    size_t modbus_unit_count;
    struct access_rule *modbus_access; /* MODBUS allow: they have to pass ACCESS as well */
    size_t modbus_access_count;
    bool modbus_write;      /* MODBUS write */
    char **modbus_commands; /* MODBUS write COMMAND ...: only these; none: all */
    size_t modbus_command_count;
};

/*
 * Loads and checks the files in directory. On any error everything found wrong is reported and NULL
 * returned. ups.conf and upsd.conf must exist; upsbridge.conf may be missing. Driver names and
 * options are checked by the daemon through the driver registry (this layer does not know them).
 */
struct settings *settings_load(const char *directory, struct config_report *report);
void settings_free(struct settings *settings);

/*
 * The first word of upsd.conf that asks for TLS; NULL: there is none. If there is any, clients must
 * not be served as if there was none.
 */
const struct placed_word *settings_tls_word(const struct tls_settings *tls);

/*
 * What REQUIRE_TLS says for the clients of a LISTEN: the rule that says most about it. If there is
 * no such LISTEN, the strictest of all.
 */
enum tls_requirement settings_tls_requirement(const struct settings *settings, const char *address,
                                              const char *port);

/* The value of a section's key; NULL if it is not there (or is a flag). */
const char *device_option(const struct device_settings *device, const char *key);
/* The whole record of a key, flags included; NULL if it is not there. The last one wins. */
const struct option_setting *device_option_find(const struct device_settings *device,
                                                const char *key);
/* Is it the same text, or in neither? */
bool settings_text_equal(const char *a, const char *b);
/* Do both say the same, file positions and description apart? */
bool device_settings_equal(const struct device_settings *a, const struct device_settings *b);

#endif
