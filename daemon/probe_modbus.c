/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "daemon/probe_modbus.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef HAVE_LIBMODBUS

int probe_modbus(const char *port, const char *units)
{
    (void)units;
    fprintf(stderr, "upsbridged: %s: this upsbridged was built --without-libmodbus\n", port);
    return EXIT_FAILURE;
}

#else

#include "modbus/poll.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MAPS_MAX 256
#define LINES_MAX 8  /* speeds and parities to try */
#define SEEK_MS 300  /* for a unit to say anything */
#define READ_MS 2000 /* for one that has, to answer to a map */
#define LAST_UNIT 247
#define FAR_UNIT 239  /* a number that nobody gives */
#define NEAR_UNITS 10 /* from 1 on: tried at each speed */

struct line {
    unsigned baud;
    char parity;
    unsigned data_bits, stop_bits;
};

struct probe {
    struct bus_address address;
    struct modbus_map *maps[MAPS_MAX];
    size_t map_count;
    unsigned first, last; /* units to look for */
    unsigned found;
    bool is_terminal; /* progress is shown */
};

/* How well a map's readings look for a unit. */
struct fit {
    const struct modbus_map *map;
    bool is_sure; /* [identify] holds */
    unsigned readings;
    char status[64], model[128];
};

/* Maps --------------------------------------------------------------------------------------- */

static void ignore(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    (void)text;
}

static int is_map(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 4 && strcmp(entry->d_name + length - 4, ".map") == 0;
}

static bool load_maps(struct probe *probe)
{
    struct config_report report = { .sink = ignore };
    struct dirent **entries;
    int count = scandir(map_directory(), &entries, is_map, alphasort);

    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", map_directory(), entries[i]->d_name);
        struct modbus_map *map = length < (int)sizeof path && probe->map_count < MAPS_MAX
                                     ? map_load(path, &report)
                                     : NULL;
        if (map != NULL)
            probe->maps[probe->map_count++] = map;
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    if (probe->map_count > 0)
        return true;
    fprintf(stderr, "upsbridged: there are no register maps in %s\n", map_directory());
    return false;
}

/* Units -------------------------------------------------------------------------------------- */

static struct bus_station *join(const struct probe *probe, unsigned number, unsigned response_ms,
                                unsigned retries)
{
    const struct bus_unit unit = {
        .name = "probe", .number = number, .response_ms = response_ms, .retries = retries
    };
    char problem[200];
    struct bus_station *station = bus_join(&probe->address, &unit, problem, sizeof problem);

    if (station == NULL)
        fprintf(stderr, "upsbridged: %s\n", problem);
    return station;
}

/* Does it say anything? No, too, is something. */
static enum bus_result seek(const struct probe *probe, unsigned number)
{
    const struct modbus_block block = { .table = MODBUS_HOLDING, .count = 1 };
    struct bus_station *station = join(probe, number, SEEK_MS, 0);
    uint16_t word;

    if (station == NULL)
        return BUS_GONE;
    enum bus_result result = bus_read(station, &block, &word);
    bool is_gateways =
        result == BUS_EXCEPTION && (bus_exception(station) == 10 || bus_exception(station) == 11);
    if (result == BUS_GONE)
        fprintf(stderr, "upsbridged: %s\n", bus_problem(station));
    bus_leave(station);
    return is_gateways ? BUS_SILENT : result;
}

/* What a map makes of it ----------------------------------------------------------------------- */

static void count_readings(const struct update *update, struct fit *fit)
{
    struct update_item item;
    size_t cursor = 0;

    while (update_next(update, &cursor, &item)) {
        if (item.kind != UPDATE_SET)
            continue;
        if (strcmp(item.name, "ups.status") == 0)
            snprintf(fit->status, sizeof fit->status, "%s", item.value);
        if (strcmp(item.name, "ups.model") == 0)
            snprintf(fit->model, sizeof fit->model, "%s", item.value);
        /* Registers that hold nothing look like readings of nothing. */
        fit->readings += strtod(item.value, NULL) > 0;
    }
}

/* A reading of a map that cannot tell its devices must be without any oddity. */
static bool try_reader(const struct modbus_reader *reader, struct fit *fit)
{
    struct modbus_refusals refusals = { .count = 0 };
    struct update update = { .bytes = NULL };
    bool fits = false;

    if (poll_identify(reader, &fits) != BUS_OK || !fits ||
        poll_blocks(reader, PLAN_FIRST, &refusals) != BUS_OK)
        return false;
    struct modbus_outcome outcome = image_decode(reader->image, PLAN_FIRST, &update, NULL);
    fit->is_sure = map_identifies(reader->map);
    if (outcome.status_known && update_ok(&update))
        count_readings(&update, fit);
    update_clear(&update);
    return outcome.status_known &&
           (fit->is_sure || (outcome.problems == 0 && refusals.count == 0 && fit->readings > 0));
}

static bool try_map(const struct probe *probe, unsigned number, const struct modbus_map *map,
                    struct fit *fit)
{
    struct modbus_reader reader = { .station = join(probe, number, READ_MS, 1),
                                    .map = map,
                                    .plan = plan_new(map),
                                    .image = image_new(map) };

    *fit = (struct fit){ .map = map };
    bool fits = reader.station != NULL && reader.plan != NULL && reader.image != NULL &&
                try_reader(&reader, fit);
    bus_leave(reader.station);
    plan_free(reader.plan);
    image_free(reader.image);
    return fits;
}

/* What is printed ------------------------------------------------------------------------------ */

static void print_identification(const struct probe *probe, unsigned number)
{
    static const char *const names[] = { "vendor", "product", "revision" };
    struct bus_station *station = join(probe, number, SEEK_MS, 0);
    char text[MODBUS_OBJECT_MAX + 1];

    for (uint8_t object = 0; station != NULL && object < 3; object++) {
        if (bus_identify(station, object, text) != BUS_OK)
            break;
        printf("#   %s: %s\n", names[object], text);
    }
    bus_leave(station);
}

static void print_option(const char *name, const char *value)
{
    printf("\t%s = %s\n", name, value);
}

static void print_number(const char *name, unsigned value)
{
    printf("\t%s = %u\n", name, value);
}

/* What the map says already is left out. */
static void print_line(const struct bus_address *address, const struct modbus_link *link)
{
    const char parity[] = { address->parity, '\0' };

    if (address->kind != BUS_RTU)
        return;
    if (address->baud != link->baud)
        print_number("baud", address->baud);
    if (address->parity != link->parity)
        print_option("parity", parity);
    if (address->data_bits != link->data_bits)
        print_number("databits", address->data_bits);
    if (address->stop_bits != link->stop_bits)
        print_number("stopbits", address->stop_bits);
}

/* As a section names it: by its file, whatever it calls itself. */
static void name_map(const struct modbus_map *map, char *name, size_t size)
{
    const char *slash = strrchr(map->path, '/');
    const char *file = slash == NULL ? map->path : slash + 1;

    snprintf(name, size, "%.*s", (int)(strlen(file) - strlen(".map")), file);
}

static void print_section(struct probe *probe, unsigned number, const struct fit *fit)
{
    char port[2 * BUS_NAME_MAX + 16], name[NAME_MAX + 1];

    name_map(fit->map, name, sizeof name);
    bus_print(&probe->address, port, sizeof port);
    printf("# %s%s%s, status %s\n", fit->map->description, fit->model[0] == '\0' ? "" : ": ",
           fit->model, fit->status);
    printf("[ups%u]\n", probe->found);
    print_option("driver", "modbus");
    print_option("port", port);
    print_option("map", name);
    if (!fit->map->link.has_unit || fit->map->link.unit != number)
        print_number("unit", number);
    print_line(&probe->address, &fit->map->link);
}

static int compare_fits(const void *one, const void *other)
{
    const struct fit *a = one, *b = other;

    if (a->is_sure != b->is_sure)
        return a->is_sure ? -1 : 1;
    return (a->readings < b->readings) - (a->readings > b->readings);
}

static void tell_what_it_is(struct probe *probe, unsigned number)
{
    static struct fit fits[MAPS_MAX];
    size_t count = 0;

    probe->found++;
    for (size_t i = 0; i < probe->map_count; i++)
        count += try_map(probe, number, probe->maps[i], &fits[count]);
    qsort(fits, count, sizeof fits[0], compare_fits);
    printf("%s# unit %u answers\n", probe->found > 1 ? "\n" : "", number);
    print_identification(probe, number);
    if (count == 0) {
        printf("# None of the maps fits: see upsbridge-map(5) for how to write one.\n");
        return;
    }
    print_section(probe, number, &fits[0]);
    if (fits[0].is_sure)
        return;
    printf("# This map cannot tell its devices from others: compare the readings with the UPS.\n");
    for (size_t i = 1; i < count && !fits[i].is_sure; i++) {
        char name[NAME_MAX + 1];

        name_map(fits[i].map, name, sizeof name);
        printf("# Or it is map = %s (%u readings, status %s).\n", name, fits[i].readings,
               fits[i].status);
    }
}

/* Where to look -------------------------------------------------------------------------------- */

static void show_progress(const struct probe *probe, unsigned number)
{
    if (!probe->is_terminal)
        return;
    if (number == 0)
        fprintf(stderr, "\r\033[K");
    else if (probe->address.kind != BUS_RTU)
        fprintf(stderr, "\r\033[Kunit %u", number);
    else
        fprintf(stderr, "\r\033[Kunit %u at %u %u%c%u", number, probe->address.baud,
                probe->address.data_bits, probe->address.parity, probe->address.stop_bits);
}

/* The unit is there: *gone if there is no way to it. */
static bool look_at(struct probe *probe, unsigned number, bool *gone)
{
    show_progress(probe, number);
    enum bus_result result = seek(probe, number);

    show_progress(probe, 0);
    *gone = result == BUS_GONE;
    if (result != BUS_OK && result != BUS_EXCEPTION)
        return false;
    tell_what_it_is(probe, number);
    fflush(stdout);
    return true;
}

static bool is_of_a_map(const struct probe *probe, unsigned number)
{
    for (size_t i = 0; i < probe->map_count; i++) {
        if (probe->maps[i]->link.has_unit && probe->maps[i]->link.unit == number)
            return true;
    }
    return false;
}

/* Those that are likely, then the others. False: there is no way to any. */
static bool look_at_all(struct probe *probe, bool likely, bool others)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned number = probe->first; number <= probe->last; number++) {
            bool is_likely = number <= NEAR_UNITS || is_of_a_map(probe, number);
            bool gone = false;

            if (is_likely != (pass == 0) || !(pass == 0 ? likely : others))
                continue;
            look_at(probe, number, &gone);
            if (gone)
                return false;
        }
    }
    return true;
}

/* A card that answers to any number is one device. */
static bool probe_connection(struct probe *probe)
{
    /* As long as somebody is on the bus, the connection stays. */
    struct bus_station *keeper = join(probe, FAR_UNIT, SEEK_MS, 0);
    enum bus_result far = seek(probe, FAR_UNIT);
    bool gone = far == BUS_GONE;

    if (far == BUS_OK || far == BUS_EXCEPTION) {
        printf("# It answers to any unit number.\n");
        look_at(probe, probe->first, &gone);
    } else if (!gone)
        gone = !look_at_all(probe, true, true);
    bus_leave(keeper);
    return !gone;
}

/* The lines the maps name, each once; the most usual one if they name none. */
static size_t collect_lines(const struct probe *probe, struct line lines[static LINES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < probe->map_count && count < LINES_MAX; i++) {
        const struct modbus_link *link = &probe->maps[i]->link;
        struct line line = { link->baud, link->parity, link->data_bits, link->stop_bits };
        size_t known = 0;

        if (link->baud == 0)
            continue;
        while (known < count &&
               (lines[known].baud != line.baud || lines[known].parity != line.parity ||
                lines[known].data_bits != line.data_bits ||
                lines[known].stop_bits != line.stop_bits))
            known++;
        lines[known] = line;
        count += known == count;
    }
    if (count == 0)
        lines[count++] = (struct line){ 9600, 'N', 8, 1 };
    return count;
}

/* The speed at which anybody answers is that of all; if nobody does, the first one is gone through.
 */
static bool probe_line(struct probe *probe)
{
    struct line lines[LINES_MAX];
    size_t count = collect_lines(probe, lines);

    for (size_t i = 0; i <= count; i++) {
        const struct line *line = &lines[i < count ? i : 0];

        probe->address.baud = line->baud;
        probe->address.parity = line->parity;
        probe->address.data_bits = line->data_bits;
        probe->address.stop_bits = line->stop_bits;
        if (!look_at_all(probe, i < count, i == count))
            return false;
        if (probe->found > 0 && i < count)
            return look_at_all(probe, false, true);
    }
    return true;
}

/* "7" or "1-31". */
static bool read_units(struct probe *probe, const char *text)
{
    int length = 0;

    if (text == NULL)
        return true;
    if (sscanf(text, "%3u%n", &probe->first, &length) == 1 && text[length] == '\0')
        probe->last = probe->first;
    else if (sscanf(text, "%3u-%3u%n", &probe->first, &probe->last, &length) != 2 ||
             text[length] != '\0')
        probe->first = 0;
    if (probe->first >= 1 && probe->first <= probe->last && probe->last <= LAST_UNIT)
        return true;
    fprintf(stderr, "upsbridged: units are FIRST-LAST of 1 to %d, not \"%s\"\n", LAST_UNIT, text);
    return false;
}

int probe_modbus(const char *port, const char *units)
{
    struct probe probe = { .is_terminal = isatty(STDERR_FILENO), .first = 1, .last = LAST_UNIT };
    char problem[BUS_NAME_MAX + 80];

    if (!bus_parse(port, &probe.address, problem, sizeof problem)) {
        fprintf(stderr, "upsbridged: %s\n", problem);
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!read_units(&probe, units) || !load_maps(&probe))
        return EXIT_FAILURE;
    bool reached = probe.address.kind == BUS_RTU ? probe_line(&probe) : probe_connection(&probe);

    if (reached && probe.found == 0)
        fprintf(stderr, "upsbridged: no unit answers\n");
    for (size_t i = 0; i < probe.map_count; i++)
        map_free(probe.maps[i]);
    return probe.found > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
