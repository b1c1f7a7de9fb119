/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/loading.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool add_rule(struct loading *loading, enum tls_requirement requirement)
{
    struct tls_settings *tls = &loading->settings->tls;
    const struct config_line *line = loading->line;

    struct tls_rule *grown = loading_room(tls->rules, tls->rule_count, sizeof grown[0]);
    if (grown == NULL)
        return false;
    tls->rules = grown;
    struct tls_rule *rule = &grown[tls->rule_count++];
    *rule = (struct tls_rule){ .requirement = requirement, .line = line->number };
    if (line->count > 2)
        rule->address = strdup(line->words[2]);
    if (line->count > 3)
        rule->port = strdup(line->words[3]);
    return (line->count <= 2 || rule->address != NULL) && (line->count <= 3 || rule->port != NULL);
}

void require_tls_line(struct loading *loading)
{
    static const char *const words[] = {
        [TLS_OPTIONAL] = "no",
        [TLS_FOR_LOGINS] = "logins",
        [TLS_FOR_ALL] = "all",
    };
    const struct config_line *line = loading->line;
    const char *value = line->count > 1 ? line->words[1] : "";

    if (line->count > 4) {
        loading_error(loading, "REQUIRE_TLS: '%s' is too much", line->words[4]);
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(value, words[i]) != 0)
            continue;
        if (!add_rule(loading, (enum tls_requirement)i))
            loading_error(loading, "out of memory");
        return;
    }
    loading_error(loading, "REQUIRE_TLS must be no, logins or all, not '%s'", value);
}

static bool applies(const struct tls_rule *rule, const char *address, const char *port)
{
    return (rule->address == NULL || strcasecmp(rule->address, address) == 0) &&
           (rule->port == NULL || strcmp(rule->port, port) == 0);
}

static bool applies_anywhere(const struct tls_rule *rule, const struct settings *settings)
{
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (applies(rule, settings->listeners[i].address, settings->listeners[i].port))
            return true;
    }
    return false;
}

void require_tls_check(struct loading *loading)
{
    const struct settings *settings = loading->settings;
    const struct tls_settings *tls = &settings->tls;
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", settings->directory, UPSBRIDGE_CONF);
    for (size_t i = 0; i < tls->rule_count; i++) {
        const struct tls_rule *rule = &tls->rules[i];

        if (!applies_anywhere(rule, settings))
            config_error(loading->report, path, rule->line,
                         "REQUIRE_TLS: no LISTEN has the address %s%s%s", rule->address,
                         rule->port == NULL ? "" : " and the port ",
                         rule->port == NULL ? "" : rule->port);
        if (rule->requirement != TLS_OPTIONAL && settings_tls_word(tls) == NULL)
            config_error(loading->report, path, rule->line,
                         "REQUIRE_TLS needs a certificate: see CERTFILE in upsd.conf");
    }
}

static bool is_described(const struct settings *settings, const char *address, const char *port)
{
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct listen_setting *listener = &settings->listeners[i];

        if (strcasecmp(listener->address, address) == 0 && strcmp(listener->port, port) == 0)
            return true;
    }
    return false;
}

static enum tls_requirement strictest(const struct tls_settings *tls)
{
    enum tls_requirement requirement = TLS_OPTIONAL;

    for (size_t i = 0; i < tls->rule_count; i++) {
        if (tls->rules[i].requirement > requirement)
            requirement = tls->rules[i].requirement;
    }
    return requirement;
}

enum tls_requirement settings_tls_requirement(const struct settings *settings, const char *address,
                                              const char *port)
{
    enum tls_requirement requirement = TLS_OPTIONAL;
    unsigned best = 0;

    /* Which rule is meant for its clients nobody knows. */
    if (!is_described(settings, address, port))
        return strictest(&settings->tls);
    for (size_t i = 0; i < settings->tls.rule_count; i++) {
        const struct tls_rule *rule = &settings->tls.rules[i];
        unsigned detail = rule->port != NULL ? 2 : rule->address != NULL ? 1 : 0;

        if (detail < best || !applies(rule, address, port))
            continue;
        best = detail;
        requirement = rule->requirement;
    }
    return requirement;
}

void require_tls_free(struct tls_settings *tls)
{
    for (size_t i = 0; i < tls->rule_count; i++) {
        free(tls->rules[i].address);
        free(tls->rules[i].port);
    }
    free(tls->rules);
}
