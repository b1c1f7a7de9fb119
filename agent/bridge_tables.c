/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/bridge_tables.h"

#include "agent/bridgemib.h"
#include "agent/display.h"

#include <stdlib.h>
#include <string.h>

/* TruthValue */
static void add_truth(struct subtree_builder *builder, bool truth)
{
    subtree_integer(builder, SUBTREE_INTEGER, truth ? 1 : 2);
}

/* Variables ---------------------------------------------------------------------------------- */

/* A row of ubVariableTable. */
struct variable_row {
    uint32_t device, index;
    const struct ups_variable *variable;
};

static int compare_variables(const void *a, const void *b)
{
    const struct variable_row *row = a;
    const struct variable_row *other = b;

    if (row->index == other->index)
        return row->variable > other->variable ? 1 : -1;
    return row->index > other->index ? 1 : -1;
}

/* The rows of one device. Names that would have the same index get the next one. */
static void number_variables(const struct monitor *monitor, struct variable_row *rows)
{
    const struct ups *ups = monitor->ups;

    for (size_t i = 0; i < ups->variable_count; i++)
        rows[i] = (struct variable_row){
            .device = monitor->number,
            .index = bridgemib_number(ups->variables[i].name, INT32_MAX - UPS_VARIABLES_MAX),
            .variable = &ups->variables[i],
        };
    qsort(rows, ups->variable_count, sizeof rows[0], compare_variables);
    for (size_t i = 1; i < ups->variable_count; i++) {
        if (rows[i].index <= rows[i - 1].index)
            rows[i].index = rows[i - 1].index + 1;
    }
}

static struct variable_row *find_variables(struct monitor *const *monitors, size_t count,
                                           size_t *found)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += monitors[i]->ups->variable_count;
    struct variable_row *rows = malloc((total + 1) * sizeof rows[0]);
    *found = total;
    if (rows == NULL)
        return NULL;
    total = 0;
    for (size_t i = 0; i < count; i++) {
        number_variables(monitors[i], rows + total);
        total += monitors[i]->ups->variable_count;
    }
    return rows;
}

enum variable_column { VARIABLE_NAME = 2, VARIABLE_VALUE, VARIABLE_WRITABLE };

static void add_variable(struct subtree_builder *builder, enum variable_column column,
                         const struct variable_row *row)
{
    const struct ups_variable *variable = row->variable;

    bridge_name(builder, (const arc[]){ 1, BRIDGE_VARIABLES, 1, column, row->device, row->index },
                6);
    switch (column) {
    case VARIABLE_NAME:
        display_text(builder, variable->name, DISPLAY_MAX);
        break;
    case VARIABLE_VALUE:
        display_text(builder, variable->value, DISPLAY_MAX);
        break;
    case VARIABLE_WRITABLE:
        add_truth(builder, (variable->flags & VARIABLE_RW) != 0);
        break;
    }
}

bool bridge_add_variables(struct subtree_builder *builder, struct monitor *const *monitors,
                          size_t count)
{
    size_t found;
    struct variable_row *rows = find_variables(monitors, count, &found);

    if (rows == NULL)
        return false;
    for (enum variable_column column = VARIABLE_NAME; column <= VARIABLE_WRITABLE; column++) {
        for (size_t i = 0; i < found; i++)
            add_variable(builder, column, &rows[i]);
    }
    free(rows);
    return true;
}

/* Clients ------------------------------------------------------------------------------------ */

#define ADDRESS_SIZE 48
#define USER_SIZE 64
#define DEVICE_SIZE 64

/* A row of ubClientTable, copied: what is visited does not last. */
struct client_row {
    uint32_t index;
    char address[ADDRESS_SIZE], user[USER_SIZE], device[DEVICE_SIZE];
    bool tls;
    uint64_t since;
};

struct client_rows {
    struct client_row *rows;
    size_t count, size;
    bool failed;
};

static void copy_text(char *out, size_t size, const char *text)
{
    size_t length = text == NULL ? 0 : strnlen(text, size - 1);

    if (length > 0)
        memcpy(out, text, length);
    out[length] = '\0';
}

static void take_client(void *context, const struct census_client *client)
{
    struct client_rows *clients = context;

    if (clients->count == clients->size && !clients->failed) {
        size_t size = clients->size * 2 + 64;
        struct client_row *grown = realloc(clients->rows, size * sizeof grown[0]);

        clients->failed = grown == NULL;
        if (grown != NULL) {
            clients->rows = grown;
            clients->size = size;
        }
    }
    if (clients->failed)
        return;
    struct client_row *row = &clients->rows[clients->count++];
    row->index = (uint32_t)((client->number - 1) % INT32_MAX) + 1;
    copy_text(row->address, sizeof row->address, client->address);
    copy_text(row->user, sizeof row->user, client->user);
    copy_text(row->device, sizeof row->device, client->ups);
    row->tls = client->tls;
    row->since = client->since;
}

static int compare_clients(const void *a, const void *b)
{
    const struct client_row *row = a;
    const struct client_row *other = b;

    return (row->index > other->index) - (row->index < other->index);
}

enum client_column { CLIENT_ADDRESS = 2, CLIENT_USER, CLIENT_DEVICE, CLIENT_TLS, CLIENT_SINCE };

static void add_client(struct subtree_builder *builder, enum client_column column,
                       const struct client_row *row)
{
    bridge_cell(builder, BRIDGE_CLIENTS, column, row->index);
    switch (column) {
    case CLIENT_ADDRESS:
        display_text(builder, row->address, DISPLAY_MAX);
        break;
    case CLIENT_USER:
        display_text(builder, row->user, DISPLAY_MAX);
        break;
    case CLIENT_DEVICE:
        display_text(builder, row->device, DISPLAY_MAX);
        break;
    case CLIENT_TLS:
        add_truth(builder, row->tls);
        break;
    case CLIENT_SINCE:
        subtree_timestamp(builder, row->since);
        break;
    }
}

bool bridge_add_clients(struct subtree_builder *builder, const struct census *census)
{
    struct client_rows clients = { 0 };

    if (census->each_client != NULL)
        census->each_client(census->source, take_client, &clients);
    if (clients.count > 0)
        qsort(clients.rows, clients.count, sizeof clients.rows[0], compare_clients);
    for (enum client_column column = CLIENT_ADDRESS; column <= CLIENT_SINCE; column++) {
        for (size_t i = 0; i < clients.count; i++)
            add_client(builder, column, &clients.rows[i]);
    }
    free(clients.rows);
    return !clients.failed;
}

/* Certificates ------------------------------------------------------------------------------- */

enum certificate_column {
    CERTIFICATE_NAME = 2,
    CERTIFICATE_FILE,
    CERTIFICATE_SUBJECT,
    CERTIFICATE_EXPIRES,
    CERTIFICATE_DAYS_LEFT,
};

/* A DateAndTime in UTC (RFC 2579); of a time it has no words for, what stands for "unknown". */
static void add_date(struct subtree_builder *builder, time_t time)
{
    struct tm broken;

    if (gmtime_r(&time, &broken) == NULL || broken.tm_year < -1900 ||
        broken.tm_year > UINT16_MAX - 1900) {
        subtree_text(builder, "\0\0\0\0\0\0\0\0", 8);
        return;
    }
    unsigned year = (unsigned)broken.tm_year + 1900;
    const unsigned char date[] = { (unsigned char)(year >> 8),
                                   (unsigned char)(year & 0xff),
                                   (unsigned char)(broken.tm_mon + 1),
                                   (unsigned char)broken.tm_mday,
                                   (unsigned char)broken.tm_hour,
                                   (unsigned char)broken.tm_min,
                                   (unsigned char)broken.tm_sec,
                                   0,
                                   '+',
                                   0,
                                   0 };
    subtree_text(builder, (const char *)date, sizeof date);
}

static long bounded_days(const struct certificate *certificate, time_t wall_time)
{
    long days = certificate_days(certificate, wall_time);

    if (days > INT32_MAX)
        return INT32_MAX;
    return days < INT32_MIN ? INT32_MIN : days;
}

static void add_certificate(struct subtree_builder *builder, enum certificate_column column,
                            arc index, const struct certificate *certificate, time_t wall_time)
{
    bridge_cell(builder, BRIDGE_CERTIFICATES, column, index);
    switch (column) {
    case CERTIFICATE_NAME:
        display_text(builder, certificate->name, DISPLAY_MAX);
        break;
    case CERTIFICATE_FILE:
        display_text(builder, certificate->file, DISPLAY_MAX);
        break;
    case CERTIFICATE_SUBJECT:
        display_text(builder, certificate->subject, DISPLAY_MAX);
        break;
    case CERTIFICATE_EXPIRES:
        add_date(builder, certificate->not_after);
        break;
    case CERTIFICATE_DAYS_LEFT:
        subtree_integer(builder, SUBTREE_INTEGER, bounded_days(certificate, wall_time));
        break;
    }
}

void bridge_add_certificates(struct subtree_builder *builder,
                             const struct certificates *certificates, time_t wall_time)
{
    size_t count = certificates == NULL ? 0 : certificates->count;

    for (enum certificate_column column = CERTIFICATE_NAME; column <= CERTIFICATE_DAYS_LEFT;
         column++) {
        for (size_t i = 0; i < count; i++)
            add_certificate(builder, column, i + 1, &certificates->items[i], wall_time);
    }
}
