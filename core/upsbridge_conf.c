/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "core/loading.h"
#include "core/variables.h"
#include "core/words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Appends to a list of texts. */
static void add_text(struct loading *loading, char ***list, size_t *count, const char *text)
{
    char **grown = loading_room(*list, *count, sizeof grown[0]);

    if (grown == NULL) {
        loading_error(loading, "out of memory");
        return;
    }
    *list = grown;
    grown[*count] = NULL;
    loading_text(loading, &grown[(*count)++], text);
}

/* Appends a network to a list of who is let in; the directive is for complaints. */
static void access_rule(struct loading *loading, const char *directive, struct access_rule **rules,
                        size_t *count, struct access_rule rule, const char *text)
{
    const char *wrong = network_parse(text, &rule.network);

    if (wrong != NULL) {
        loading_error(loading, "%s: '%s' %s", directive, text, wrong);
        return;
    }
    struct access_rule *grown = loading_room(*rules, *count, sizeof grown[0]);
    if (grown == NULL) {
        loading_error(loading, "out of memory");
        return;
    }
    *rules = grown;
    grown[(*count)++] = rule;
}

static void snmp_agentx(struct loading *loading, const char *address)
{
    struct settings *settings = loading->settings;

    for (size_t i = 0; i < settings->agentx_master_count; i++) {
        if (strcmp(settings->agentx_masters[i], address) == 0) {
            loading_error(loading, "SNMP agentx %s is there twice", address);
            return;
        }
    }
    if (settings->agentx_master_count >= LISTENERS_MAX)
        loading_error(loading, "SNMP agentx: more than %d masters", LISTENERS_MAX);
    else
        add_text(loading, &settings->agentx_masters, &settings->agentx_master_count, address);
}

static void snmp_listen(struct loading *loading, const char *address)
{
    struct settings *settings = loading->settings;
    bool known = strncasecmp(address, "udp:", 4) == 0 || strncasecmp(address, "udp6:", 5) == 0;
    unsigned port;

    if (!known || !config_unsigned(strrchr(address, ':') + 1, 1, 65535, &port)) {
        loading_error(loading, "SNMP listen: '%s' is not udp:HOST:PORT or udp6:[HOST]:PORT",
                      address);
        return;
    }
    if (settings->snmp_listener_count >= LISTENERS_MAX) {
        loading_error(loading, "SNMP listen: more than %d addresses", LISTENERS_MAX);
        return;
    }
    add_text(loading, &settings->snmp_listeners, &settings->snmp_listener_count, address);
    settings->snmp_mode = SNMP_LISTEN;
}

static void snmp_description(struct loading *loading, const char *text)
{
    size_t length = strlen(text);

    if (length == 0 || length > 255)
        loading_error(loading, "SNMP sysdescr: it must have 1 to 255 characters");
    else
        loading_text(loading, &loading->settings->snmp_description, text);
}

/* Two to 128 numbers of 32 bits with dots between, the first two of which are bounded (X.660). */
static bool is_object_id(const char *text)
{
    unsigned long long numbers[2] = { 0 };
    unsigned count = 0;

    for (const char *rest = text;; rest++) {
        char *end;

        if (*rest < '0' || *rest > '9')
            return false;
        unsigned long long number = strtoull(rest, &end, 10);
        if (number > UINT32_MAX || end - rest > 10)
            return false;
        if (count < 2)
            numbers[count] = number;
        count++;
        rest = end;
        if (*rest != '.')
            break;
    }
    return text[strspn(text, "0123456789.")] == '\0' && count >= 2 && count <= 128 &&
           numbers[0] <= 2 && (numbers[0] == 2 || numbers[1] < 40);
}

static void snmp_object_id(struct loading *loading, const char *text)
{
    if (*text == '.')
        text++;
    if (is_object_id(text))
        loading_text(loading, &loading->settings->snmp_object_id, text);
    else
        loading_error(loading, "SNMP sysobjectid: '%s' is no object identifier in numbers", text);
}

static void snmp_switch(struct loading *loading, const char *what, const char *value, bool *on)
{
    if (!config_boolean(value, on))
        loading_error(loading, "SNMP %s: '%s' is neither yes nor no", what, value);
}

/* How devices are shown, and whether they can be changed. False: it is another word. */
static bool snmp_presentation(struct loading *loading, const char *what, const char *value)
{
    if (strcasecmp(what, "sysdescr") == 0)
        snmp_description(loading, value);
    else if (strcasecmp(what, "sysobjectid") == 0)
        snmp_object_id(loading, value);
    else if (strcasecmp(what, "serve-index") == 0)
        snmp_switch(loading, what, value, &loading->settings->snmp_serve_index);
    else if (strcasecmp(what, "write") == 0)
        snmp_switch(loading, what, value, &loading->settings->snmp_write);
    else
        return false;
    return true;
}

static void snmp_line(struct loading *loading)
{
    const struct config_line *line = loading->line;
    struct settings *settings = loading->settings;
    const char *what = line->count > 1 ? line->words[1] : "";
    const char *value = line->count > 2 ? line->words[2] : NULL;

    if (line->count > 3)
        loading_error(loading, "SNMP %s: '%s' is too much", what, line->words[3]);
    else if (strcasecmp(what, "off") == 0)
        settings->snmp_mode = SNMP_OFF;
    else if (strcasecmp(what, "agentx") == 0 && settings->snmp_listener_count > 0)
        loading_error(loading, "SNMP agentx and SNMP listen exclude each other");
    else if (strcasecmp(what, "agentx") == 0) {
        settings->snmp_mode = SNMP_AGENTX;
        if (value != NULL)
            snmp_agentx(loading, value);
    } else if (strcasecmp(what, "listen") == 0 && value != NULL &&
               settings->agentx_master_count > 0)
        loading_error(loading, "SNMP agentx and SNMP listen exclude each other");
    else if (strcasecmp(what, "listen") == 0 && value != NULL)
        snmp_listen(loading, value);
    else if (strcasecmp(what, "default") == 0 && value != NULL) {
        loading_text(loading, &settings->snmp_default, value);
        loading->snmp_default_line = line->number;
    } else if (value == NULL || !snmp_presentation(loading, what, value))
        loading_error(loading,
                      "SNMP must be followed by 'agentx [ADDRESS]', 'listen udp:HOST:PORT', "
                      "'default NAME', 'sysdescr TEXT', 'sysobjectid OID', 'serve-index yes', "
                      "'write yes' or 'off'");
}

static void modbus_listen(struct loading *loading, const char *address)
{
    struct settings *settings = loading->settings;
    const char *colon = strrchr(address, ':');
    unsigned port;

    if (colon == NULL || colon == address || !config_unsigned(colon + 1, 1, 65535, &port))
        loading_error(loading, "MODBUS listen: '%s' is not HOST:PORT or [ADDRESS]:PORT", address);
    else if (settings->modbus_listener_count >= LISTENERS_MAX)
        loading_error(loading, "MODBUS listen: more than %d addresses", LISTENERS_MAX);
    else
        add_text(loading, &settings->modbus_listeners, &settings->modbus_listener_count, address);
}

static void modbus_unit(struct loading *loading, const char *number_text, const char *name)
{
    struct settings *settings = loading->settings;
    unsigned number;

    if (!config_unsigned(number_text, 1, MODBUS_UNIT_MAX, &number)) {
        loading_error(loading, "MODBUS unit: '%s' is no number from 1 to %d", number_text,
                      MODBUS_UNIT_MAX);
        return;
    }
    for (size_t i = 0; i < settings->modbus_unit_count; i++) {
        const struct modbus_unit_setting *other = &settings->modbus_units[i];

        if (other->number == number || strcasecmp(other->name, name) == 0) {
            loading_error(loading, "MODBUS unit %u %s: line %u says %u %s", number, name,
                          other->line, other->number, other->name);
            return;
        }
    }
    struct modbus_unit_setting *grown =
        loading_room(settings->modbus_units, settings->modbus_unit_count, sizeof grown[0]);
    if (grown == NULL) {
        loading_error(loading, "out of memory");
        return;
    }
    settings->modbus_units = grown;
    grown += settings->modbus_unit_count++;
    *grown = (struct modbus_unit_setting){ .number = number, .line = loading->line->number };
    loading_text(loading, &grown->name, name);
}

static void modbus_allow(struct loading *loading)
{
    const struct config_line *line = loading->line;
    struct settings *settings = loading->settings;

    if (line->count >= WORDS_MAX)
        loading_error(loading, "MODBUS allow: not more than %d addresses fit in a line",
                      WORDS_MAX - 3);
    for (unsigned i = 2; i < line->count; i++)
        access_rule(loading, "MODBUS allow", &settings->modbus_access,
                    &settings->modbus_access_count, (struct access_rule){ .allow = true },
                    line->words[i]);
}

/* yes, no, or the commands that may be given. */
static void modbus_write(struct loading *loading)
{
    const struct config_line *line = loading->line;
    struct settings *settings = loading->settings;

    if (line->count == 3 && config_boolean(line->words[2], &settings->modbus_write))
        return;
    for (unsigned i = 2; i < line->count; i++) {
        if (command_find(line->words[i]) == NULL) {
            loading_error(loading, "MODBUS write: '%s' is neither yes nor no nor a command",
                          line->words[i]);
            return;
        }
        add_text(loading, &settings->modbus_commands, &settings->modbus_command_count,
                 line->words[i]);
    }
    settings->modbus_write = true;
}

static void modbus_line(struct loading *loading)
{
    const struct config_line *line = loading->line;
    const char *what = line->count > 1 ? line->words[1] : "";

    if (strcasecmp(what, "listen") == 0 && line->count == 3)
        modbus_listen(loading, line->words[2]);
    else if (strcasecmp(what, "unit") == 0 && line->count == 4)
        modbus_unit(loading, line->words[2], line->words[3]);
    else if (strcasecmp(what, "allow") == 0 && line->count > 2)
        modbus_allow(loading);
    else if (strcasecmp(what, "write") == 0 && line->count > 2)
        modbus_write(loading);
    else
        loading_error(loading, "MODBUS must be followed by 'listen HOST:PORT', 'unit NUMBER NAME', "
                               "'allow NETWORK ...' or 'write yes'");
}

static void minimum_protocol_line(struct loading *loading)
{
    struct tls_settings *tls = &loading->settings->tls;

    loading_word(loading, "TLS_MIN_PROTOCOL", &tls->minimum_protocol);
    const char *version = tls->minimum_protocol.text;
    if (version == NULL)
        return;
    tls->only_tls_1_3 = strcmp(version, "1.3") == 0;
    if (!tls->only_tls_1_3 && strcmp(version, "1.2") != 0)
        loading_error(loading, "TLS_MIN_PROTOCOL must be 1.2 or 1.3, not '%s'", version);
}

static void access_line(struct loading *loading)
{
    const struct config_line *line = loading->line;
    struct settings *settings = loading->settings;
    bool allow = line->count > 1 && strcasecmp(line->words[1], "allow") == 0;

    if (line->count < 3 || (!allow && strcasecmp(line->words[1], "deny") != 0)) {
        loading_error(loading, "ACCESS must be followed by 'allow' or 'deny', and by addresses or "
                               "networks such as 192.0.2.0/24");
        return;
    }
    if (line->count >= WORDS_MAX)
        loading_error(loading, "ACCESS: not more than %d addresses fit in a line", WORDS_MAX - 3);
    for (unsigned i = 2; i < line->count; i++)
        access_rule(loading, "ACCESS", &settings->access, &settings->access_count,
                    (struct access_rule){ .allow = allow }, line->words[i]);
}

static void address_connections_line(struct loading *loading)
{
    const struct config_line *line = loading->line;
    const char *value = line->count == 2 ? line->words[1] : "";

    if (!config_unsigned(value, 1, 1000000, &loading->settings->maximum_address_connections))
        loading_error(loading, "MAXCONN_ADDRESS must be a whole number from 1 to 1000000");
}

static void wrappers_line(struct loading *loading)
{
    const struct config_line *line = loading->line;
    const char *value = line->count == 2 ? line->words[1] : "";
    struct settings *settings = loading->settings;

    if (!config_boolean(value, &settings->wrappers)) {
        loading_error(loading, "WRAPPERS must be yes or no, not '%s'", value);
        return;
    }
#ifndef HAVE_LIBWRAP
    if (settings->wrappers)
        loading_error(loading, "WRAPPERS: this build knows no TCP wrappers (--without-libwrap)");
    settings->wrappers = false;
#endif
}

static void seccomp_line(struct loading *loading)
{
    static const char *const modes[] = {
        [SANDBOX_ON] = "on", [SANDBOX_LOG] = "log", [SANDBOX_OFF] = "off"
    };
    const char *value = loading->line->count > 1 ? loading->line->words[1] : "";

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcasecmp(value, modes[i]) == 0) {
            loading->settings->sandbox_mode = (enum sandbox_mode)i;
            return;
        }
    }
    loading_error(loading, "SECCOMP must be on, off or log, not '%s'", value);
}

static void strict_permissions_line(struct loading *loading)
{
    const char *value = loading->line->count > 1 ? loading->line->words[1] : "";

    if (!config_boolean(value, &loading->settings->strict_permissions))
        loading_error(loading, "STRICT_PERMISSIONS must be yes or no, not '%s'", value);
}

void upsbridge_conf_line(struct loading *loading)
{
    struct tls_settings *tls = &loading->settings->tls;

    if (strcasecmp(loading->line->words[0], "SNMP") == 0)
        snmp_line(loading);
    else if (strcasecmp(loading->line->words[0], "MODBUS") == 0)
        modbus_line(loading);
    else if (strcasecmp(loading->line->words[0], "REQUIRE_TLS") == 0)
        require_tls_line(loading);
    else if (strcasecmp(loading->line->words[0], "ACCESS") == 0)
        access_line(loading);
    else if (strcasecmp(loading->line->words[0], "MAXCONN_ADDRESS") == 0)
        address_connections_line(loading);
    else if (strcasecmp(loading->line->words[0], "WRAPPERS") == 0)
        wrappers_line(loading);
    else if (strcasecmp(loading->line->words[0], "TLS_MIN_PROTOCOL") == 0)
        minimum_protocol_line(loading);
    else if (strcasecmp(loading->line->words[0], "TLS_CIPHERS") == 0)
        loading_word(loading, "TLS_CIPHERS", &tls->ciphers);
    else if (strcasecmp(loading->line->words[0], "TLS_CRL") == 0)
        loading_word(loading, "TLS_CRL", &tls->revocations);
    else if (strcasecmp(loading->line->words[0], "SECCOMP") == 0)
        seccomp_line(loading);
    else if (strcasecmp(loading->line->words[0], "STRICT_PERMISSIONS") == 0)
        strict_permissions_line(loading);
    else
        loading_error(loading, "unknown directive '%s'", loading->line->words[0]);
}
