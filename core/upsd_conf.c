/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/loading.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum value_kind {
    VALUE_UNSIGNED,
    VALUE_BOOLEAN,
    VALUE_TEXT,
    VALUE_LISTEN,
    VALUE_WORD,
    VALUE_IDENTITY,
    VALUE_REQUEST,
    VALUE_WEAK_TLS,
    VALUE_LEGACY,
    VALUE_IDLE
};

struct directive {
    const char *name;
    enum value_kind kind;
    size_t offset; /* of the field in struct settings */
    unsigned minimum, maximum;
};

#define FIELD(member) offsetof(struct settings, member)

static const struct directive directives[] = {
    { "MAXAGE", VALUE_UNSIGNED, FIELD(maximum_age), 1, 86400 },
    { "TRACKINGDELAY", VALUE_UNSIGNED, FIELD(tracking_delay), 1, 31536000 },
    { "MAXCONN", VALUE_UNSIGNED, FIELD(maximum_connections), 1, 1000000 },
    { "DEBUG_MIN", VALUE_UNSIGNED, FIELD(debug_minimum), 0, 9 },
    { "STATEPATH", VALUE_TEXT, FIELD(state_path), 0, 0 },
    { "DATAPATH", VALUE_IDLE, 0, 0, 0 },
    { "LISTEN", VALUE_LISTEN, 0, 0, 0 },
    { "ALLOW_NO_DEVICE", VALUE_BOOLEAN, FIELD(allow_no_device), 0, 0 },
    { "ALLOW_NOT_ALL_LISTENERS", VALUE_BOOLEAN, FIELD(allow_not_all_listeners), 0, 0 },
    { "CERTFILE", VALUE_WORD, FIELD(tls.certificate_file), 0, 0 },
    { "CERTPATH", VALUE_WORD, FIELD(tls.authorities), 0, 0 },
    { "CERTIDENT", VALUE_IDENTITY, 0, 0, 0 },
    { "CERTREQUEST", VALUE_REQUEST, 0, 0, 0 },
    { "DISABLE_WEAK_SSL", VALUE_WEAK_TLS, 0, 0, 0 },
    { "ACCEPT", VALUE_LEGACY, 0, 0, 0 },
    { "REJECT", VALUE_LEGACY, 0, 0, 0 },
    { "ACL", VALUE_LEGACY, 0, 0, 0 },
};

void loading_listener(struct loading *loading, const char *address, const char *port)
{
    struct settings *settings = loading->settings;

    if (settings->listener_count >= LISTENERS_MAX) {
        loading_error(loading, "LISTEN: more than %d addresses", LISTENERS_MAX);
        return;
    }
    struct listen_setting *grown =
        loading_room(settings->listeners, settings->listener_count, sizeof settings->listeners[0]);
    if (grown == NULL) {
        loading_error(loading, "out of memory");
        return;
    }
    settings->listeners = grown;
    struct listen_setting *listener = &grown[settings->listener_count++];
    *listener = (struct listen_setting){ .line = loading->line->number };
    loading_text(loading, &listener->address, address);
    loading_text(loading, &listener->port, port);
}

static void listen_line(struct loading *loading)
{
    const struct config_line *line = loading->line;
    unsigned port;

    if (line->count < 2) {
        loading_error(loading, "LISTEN needs an address");
        return;
    }
    if (line->count > 2 && !config_unsigned(line->words[2], 1, 65535, &port))
        loading_error(loading, "LISTEN: '%s' is not a port", line->words[2]);
    loading->settings->listeners_given = true;
    loading_listener(loading, line->words[1], line->count > 2 ? line->words[2] : NUT_PORT);
}

/* CERTIDENT NAME PASSWORD */
static void identity_line(struct loading *loading)
{
    const struct config_line *line = loading->line;

    if (line->count != 3) {
        loading_error(loading, "CERTIDENT needs a name and a password, each of which may be \"\"");
        return;
    }
    loading_place(loading, "CERTIDENT", &loading->settings->tls.identity, line->words[1]);
    loading_text(loading, &loading->settings->tls.password, line->words[2]);
}

static void request_line(struct loading *loading)
{
    static const char *const words[][2] = {
        [CERTIFICATE_REQUEST_NO] = { "0", "NO" },
        [CERTIFICATE_REQUEST_ANY] = { "1", "REQUEST" },
        [CERTIFICATE_REQUEST_VERIFIED] = { "2", "REQUIRE" },
    };
    const char *value = loading->line->count > 1 ? loading->line->words[1] : "";

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(value, words[i][0]) == 0 || strcasecmp(value, words[i][1]) == 0) {
            loading->settings->tls.request = (enum certificate_request)i;
            loading_place(loading, "CERTREQUEST", &loading->settings->tls.request_word, value);
            return;
        }
    }
    loading_error(loading, "CERTREQUEST must be NO, REQUEST or REQUIRE (0, 1 or 2), not '%s'",
                  value);
}

static void weak_tls_line(struct loading *loading)
{
    const char *value = loading->line->count > 1 ? loading->line->words[1] : "";
    bool disabled;

    if (!config_boolean(value, &disabled))
        loading_error(loading, "DISABLE_WEAK_SSL must be true or false, not '%s'", value);
    else if (!disabled)
        loading_warning(loading,
                        "DISABLE_WEAK_SSL %s has no effect: TLS before 1.2 is never spoken", value);
}

static void directive_value(struct loading *loading, const struct directive *directive)
{
    const struct config_line *line = loading->line;
    const char *value = line->count > 1 ? line->words[1] : "";
    void *field = (char *)loading->settings + directive->offset;

    switch (directive->kind) {
    case VALUE_UNSIGNED:
        if (!config_unsigned(value, directive->minimum, directive->maximum, field))
            loading_error(loading, "%s must be a whole number from %u to %u, not '%s'",
                          directive->name, directive->minimum, directive->maximum, value);
        break;
    case VALUE_BOOLEAN:
        if (!config_boolean(value, field))
            loading_error(loading, "%s must be true or false, not '%s'", directive->name, value);
        break;
    case VALUE_TEXT:
        if (*value == '\0')
            loading_error(loading, "%s needs a value", directive->name);
        else
            loading_text(loading, field, value);
        break;
    case VALUE_LISTEN:
        listen_line(loading);
        break;
    case VALUE_WORD:
        loading_word(loading, directive->name, field);
        break;
    case VALUE_IDENTITY:
        identity_line(loading);
        break;
    case VALUE_REQUEST:
        request_line(loading);
        break;
    case VALUE_WEAK_TLS:
        weak_tls_line(loading);
        break;
    case VALUE_LEGACY:
        loading_warning(loading, "%s is obsolete and has no effect: use LISTEN and a firewall",
                        directive->name);
        break;
    case VALUE_IDLE:
        break;
    }
}

void upsd_conf_line(struct loading *loading)
{
    const char *name = loading->line->words[0];

    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        /* The one name that may be written in either case. */
        bool any_case = directives[i].offset == FIELD(debug_minimum);

        if ((any_case ? strcasecmp : strcmp)(name, directives[i].name) == 0) {
            directive_value(loading, &directives[i]);
            return;
        }
    }
    loading_warning(loading, "unknown directive '%s' has no effect", name);
}
