/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SERVICE "502"

static const struct {
    const char *prefix;
    enum bus_kind kind;
} prefixes[] = { { "rtutcp:", BUS_RTU_TCP }, { "rtu:", BUS_RTU }, { "tcp:", BUS_TCP } };

static bool complain(char *problem, size_t size, const char *text, const char *why)
{
    snprintf(problem, size, "\"%s\" %s", text, why);
    return false;
}

/* Copies [from, to). False: it is empty or does not fit. */
static bool copy_part(char out[static BUS_NAME_MAX + 1], const char *from, const char *to)
{
    size_t length = (size_t)(to - from);

    if (length == 0 || length > BUS_NAME_MAX)
        return false;
    memcpy(out, from, length);
    out[length] = '\0';
    return true;
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    long number = strtol(text, NULL, 10);
    return number >= 1 && number <= 65535;
}

/* "HOST", "HOST:PORT", "[ADDRESS]:PORT", or a bare IPv6 address, which has more than one colon. */
static bool parse_host(const char *rest, struct bus_address *address, const char **why)
{
    const char *end = rest + strlen(rest);
    const char *colon = strchr(rest, ':');
    const char *service = DEFAULT_SERVICE;

    if (rest[0] == '[') {
        const char *bracket = strchr(rest, ']');

        *why = "has a [ without its ]";
        if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':'))
            return false;
        if (bracket[1] == ':')
            service = bracket + 2;
        rest++;
        end = bracket;
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        service = colon + 1;
        end = colon;
    }
    *why = "names no host";
    if (!copy_part(address->host, rest, end))
        return false;
    *why = "has no port of 1 to 65535 behind the colon";
    if (!is_port(service))
        return false;
    snprintf(address->service, sizeof address->service, "%s", service);
    return true;
}

bool bus_parse(const char *text, struct bus_address *address, char *problem, size_t size)
{
    const char *rest = text;
    const char *why = "";

    *address = (struct bus_address){
        .kind = text[0] == '/' ? BUS_RTU : BUS_TCP,
        .baud = 9600,
        .parity = 'N',
        .data_bits = 8,
        .stop_bits = 1,
    };
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t length = strlen(prefixes[i].prefix);

        if (strncmp(text, prefixes[i].prefix, length) == 0) {
            address->kind = prefixes[i].kind;
            rest = text + length;
            break;
        }
    }
    if (address->kind != BUS_RTU)
        return parse_host(rest, address, &why) || complain(problem, size, text, why);
    if (rest[0] != '/')
        return complain(problem, size, text, "is not the path of a serial device");
    return copy_part(address->host, rest, rest + strlen(rest)) ||
           complain(problem, size, text, "is too long");
}

void bus_print(const struct bus_address *address, char *text, size_t size)
{
    static const char *const names[] = {
        [BUS_RTU] = "rtu", [BUS_TCP] = "tcp", [BUS_RTU_TCP] = "rtutcp"
    };
    bool brackets = strchr(address->host, ':') != NULL;

    if (address->kind == BUS_RTU)
        snprintf(text, size, "rtu:%s", address->host);
    else
        snprintf(text, size, "%s:%s%s%s:%s", names[address->kind], brackets ? "[" : "",
                 address->host, brackets ? "]" : "", address->service);
}
