/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/map.h"

#include "modbus/map_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXTENSIONS_MAX 4
#define GAP_DEFAULT 8

bool reader_error(struct map_reader *reader, unsigned line, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* A line goes on over several where braces hold it together; a complaint is one. */
    for (char *at = text; *at != '\0'; at++) {
        if (*at < ' ')
            *at = ' ';
    }
    reader->failed = true;
    if (reader->field == NULL)
        config_error(reader->report, reader->path, line, "%s", text);
    else
        config_error(reader->report, reader->path, line, "%.80s: %s", reader->field, text);
    return false;
}

bool reader_no_memory(struct map_reader *reader)
{
    reader->out_of_memory = true;
    return reader_error(reader, 0, "out of memory, or too many rows");
}

const struct map_token *reader_peek(const struct map_reader *reader)
{
    return &reader->tokens.list[reader->at];
}

const struct map_token *reader_take(struct map_reader *reader)
{
    const struct map_token *token = reader_peek(reader);

    if (token->kind != TOKEN_END)
        reader->at++;
    return token;
}

bool reader_accept(struct map_reader *reader, enum token_kind kind, const char *text)
{
    const struct map_token *token = reader_peek(reader);

    if (token->kind != kind || strcmp(token->text, text) != 0)
        return false;
    reader_take(reader);
    return true;
}

bool reader_expect(struct map_reader *reader, enum token_kind kind, const char *text)
{
    const struct map_token *token = reader_peek(reader);

    if (reader_accept(reader, kind, text))
        return true;
    if (token->kind == TOKEN_END)
        return reader_error(reader, token->line, "'%s' is missing at the end of the line", text);
    return reader_error(reader, token->line, "'%s' is expected where '%s' stands", text,
                        token->text);
}

bool reader_number(struct map_reader *reader, double *number)
{
    bool negative = reader_accept(reader, TOKEN_SIGN, "-");
    const struct map_token *token = reader_take(reader);

    if (token->kind != TOKEN_NUMBER)
        return reader_error(reader, token->line, "a number is expected where '%s' stands",
                            token->kind == TOKEN_END ? "end of line" : token->text);
    *number = negative ? -token->number : token->number;
    return true;
}

char *reader_copy(struct map_reader *reader, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        reader_no_memory(reader);
    return copy;
}

/* Sections ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum map_section section;
} sections[] = {
    { "map", SECTION_MAP },       { "registers", SECTION_REGISTERS },
    { "read", SECTION_READ },     { "identify", SECTION_IDENTIFY },
    { "values", SECTION_VALUES }, { "status", SECTION_STATUS },
    { "alarms", SECTION_ALARMS }, { "settings", SECTION_SETTINGS },
    { "delays", SECTION_DELAYS }, { "commands", SECTION_COMMANDS },
};

static bool read_section(struct map_reader *reader)
{
    const struct map_token *token = reader_peek(reader);
    bool begun = reader->section != SECTION_NONE;

    if (token->kind != TOKEN_WORD)
        return reader_error(reader, token->line, "'[' without a name");
    reader_take(reader);
    if (!reader_expect(reader, TOKEN_SIGN, "]"))
        return false;
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (strcmp(token->text, sections[i].name) != 0)
            continue;
        reader->section = sections[i].section;
        if ((reader->section == SECTION_MAP) == begun)
            return reader_error(reader, token->line, "[map] must be the first section, and once");
        return true;
    }
    reader->section = SECTION_NONE;
    return reader_error(reader, token->line, "there is no section [%s]", token->text);
}

static bool extend_map(struct map_reader *reader, const char *wanted, unsigned line);

/* What stands behind '=' of a line, without blanks and quotes around it. */
static bool read_map_line(struct map_reader *reader, const char *key, char *line, unsigned number)
{
    char *value = strchr(line, '=') + 1;
    size_t length;

    value += strspn(value, " \t");
    length = strlen(value);
    if (length >= 2 && value[0] == '"' && strchr(value + 1, '"') == value + length - 1) {
        value[length - 1] = '\0';
        value++;
    }
    if (strcmp(key, "extends") == 0)
        return extend_map(reader, value, number);
    return reader_map_row(reader, key, value, number);
}

/* NAME = ..., or a line of a section that needs no name. */
static bool read_row(struct map_reader *reader, char *line, unsigned number)
{
    if (reader->section == SECTION_NONE)
        return reader_error(reader, number, "a line before [map]");
    if (reader->section == SECTION_IDENTIFY)
        return reader_identity_row(reader);
    if (reader->section == SECTION_STATUS || reader->section == SECTION_ALARMS)
        return reader_condition_row(reader);

    const struct map_token *name = reader_take(reader);
    if (name->kind != TOKEN_WORD)
        return reader_error(reader, name->line, "a line begins with a name, not with '%s'",
                            name->text);
    reader->field = name->text;
    if (!reader_expect(reader, TOKEN_SIGN, "="))
        return false;
    switch (reader->section) {
    case SECTION_MAP:
        return read_map_line(reader, name->text, line, number);
    case SECTION_REGISTERS:
        return reader_name_row(reader, name->text);
    case SECTION_READ:
        return reader_area_row(reader, name->text);
    case SECTION_DELAYS:
        return reader_delay_row(reader, name->text);
    case SECTION_COMMANDS:
        return reader_command_row(reader, name->text);
    default:
        return reader_value_row(reader, name->text);
    }
}

static void read_line(struct map_reader *reader, char *line, unsigned number)
{
    const char *problem;
    unsigned at_line;

    reader->field = NULL;
    reader->at = 0;
    if (!map_text_tokens(&reader->tokens, line, number, &problem, &at_line)) {
        reader_error(reader, at_line, "%s", problem);
        return;
    }
    bool right = reader_accept(reader, TOKEN_SIGN, "[") ? read_section(reader)
                                                        : read_row(reader, line, number);
    const struct map_token *rest = reader_peek(reader);
    if (right && rest->kind != TOKEN_END && reader->section != SECTION_MAP)
        reader_error(reader, rest->line, "'%s' cannot stand here", rest->text);
    map_tokens_clear(&reader->tokens);
}

static bool read_text(struct map_reader *reader, const char *text, size_t length)
{
    struct map_cursor cursor = { .text = text, .length = length };
    char *line = malloc(MAP_LINE_MAX), *one = malloc(MAP_LINE_MAX);
    const char *problem;
    unsigned number;

    if (line == NULL || one == NULL)
        reader_no_memory(reader);
    while (!reader->out_of_memory &&
           map_text_line(&cursor, line, MAP_LINE_MAX, &number, &problem)) {
        reader->field = NULL;
        if (problem != NULL) {
            reader_error(reader, number, "%s", problem);
            continue;
        }
        for (size_t which = 0; map_text_expand(line, which, one, MAP_LINE_MAX, &problem); which++)
            read_line(reader, one, number);
        if (problem != NULL)
            reader_error(reader, number, "%s", problem);
    }
    free(line);
    free(one);
    return !reader->failed;
}

/* Files --------------------------------------------------------------------------------------- */

/* NULL: it could not be read, and this was reported. */
static char *read_file(const char *path, size_t *length, struct config_report *report)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    char *text = NULL;
    ssize_t got = -1;

    *length = 0;
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        config_error(report, path, 0, "%s", strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        config_error(report, path, 0, "it is not a file");
    } else {
        text = malloc(MAP_FILE_MAX + 1);
        while (text != NULL && *length <= MAP_FILE_MAX &&
               (got = read(descriptor, text + *length, MAP_FILE_MAX + 1 - *length)) > 0)
            *length += (size_t)got;
        if (text == NULL || got < 0)
            config_error(report, path, 0, "%s", strerror(text == NULL ? ENOMEM : errno));
        else if (*length > MAP_FILE_MAX)
            config_error(report, path, 0, "it is larger than %u bytes", MAP_FILE_MAX);
        if (text != NULL && (got < 0 || *length > MAP_FILE_MAX)) {
            free(text);
            text = NULL;
        }
    }
    if (descriptor >= 0)
        close(descriptor);
    return text;
}

/* The path stays with the items: rows say where they stand. */
static const char *keep_path(struct map_reader *reader, const char *path)
{
    struct map_items *items = reader->items;
    char *copy = reader_copy(reader, path);

    if (copy == NULL)
        return NULL;
    if (!items_grow(&items->paths, items->path_count, sizeof copy)) {
        free(copy);
        reader_no_memory(reader);
        return NULL;
    }
    items->paths[items->path_count++] = copy;
    return copy;
}

/* Reads another map first; what this one says comes on top. */
static bool extend_map(struct map_reader *reader, const char *wanted, unsigned line)
{
    struct map_reader other = *reader;
    char path[4096], directory[4096];
    size_t length;

    if (reader->level == EXTENSIONS_MAX)
        return reader_error(reader, line, "more than %d maps on top of each other", EXTENSIONS_MAX);
    if (reader->map->name != NULL && reader->level == 0)
        return reader_error(reader, line, "it must be the first line of [map]");
    snprintf(directory, sizeof directory, "%s", reader->path);
    char *slash = strrchr(directory, '/');
    if (slash == NULL)
        snprintf(directory, sizeof directory, ".");
    else
        *slash = '\0';
    /* A map in the same directory goes before the installed ones. */
    if (snprintf(path, sizeof path, "%s/%s.map", directory, wanted) >= (int)sizeof path ||
        strchr(wanted, '/') != NULL || access(path, R_OK) != 0) {
        if (!map_path(wanted, directory, path, sizeof path))
            return reader_error(reader, line, "the path is too long");
    }
    other.level++;
    other.section = SECTION_NONE;
    other.failed = false;
    other.field = NULL;
    other.path = keep_path(reader, path);
    if (other.path == NULL)
        return false;
    char *text = read_file(other.path, &length, reader->report);
    bool right = text != NULL && read_text(&other, text, length);
    free(text);
    if (!right)
        return reader_error(reader, line, "the map '%s' is wrong", wanted);
    memcpy(reader->missing, other.missing, sizeof reader->missing);
    reader->base = other.base;
    reader->table = other.table;
    reader->order = other.order;
    return true;
}

static void set_defaults(struct map_reader *reader)
{
    struct modbus_limits *limits = &reader->map->limits;

    limits->read_registers = MODBUS_READ_MAX;
    limits->read_bits = MODBUS_READ_BITS_MAX;
    limits->write_registers = MODBUS_WRITE_MAX;
    limits->maximum_gap = GAP_DEFAULT;
    limits->verify_writes = true;
    reader->table = MODBUS_HOLDING;
    /* All ones mean nothing in the unsigned types, unless the map says so. */
    for (unsigned type = 0; type < MAP_TYPES; type++) {
        if (type == MAP_U16 || type == MAP_U32 || type == MAP_U64)
            reader->missing[type] = (struct map_missing){ .count = 1, .values = { UINT64_MAX } };
    }
}

static bool check_whole(struct map_reader *reader)
{
    reader->field = NULL;
    if (reader->map->name == NULL)
        return reader_error(reader, 0, "[map] must say the map's name");
    if (!items_finish(reader->items))
        return reader_no_memory(reader);
    return true;
}

struct modbus_map *map_load_text(const char *path, const char *text, size_t length,
                                 struct config_report *report)
{
    struct modbus_map *map = calloc(1, sizeof *map);

    if (map != NULL)
        map->items = calloc(1, sizeof *map->items);
    if (map == NULL || map->items == NULL || (map->path = strdup(path)) == NULL) {
        config_error(report, path, 0, "out of memory");
        map_free(map);
        return NULL;
    }
    struct map_reader reader = {
        .map = map, .items = map->items, .report = report, .path = map->path
    };
    set_defaults(&reader);
    /* For messages about rows, which outlive the reader. */
    if (keep_path(&reader, path) != NULL && read_text(&reader, text, length) &&
        check_whole(&reader))
        return map;
    map_free(map);
    return NULL;
}

struct modbus_map *map_load(const char *path, struct config_report *report)
{
    size_t length;
    char *text = read_file(path, &length, report);

    if (text == NULL)
        return NULL;
    struct modbus_map *map = map_load_text(path, text, length, report);
    free(text);
    return map;
}

void map_free(struct modbus_map *map)
{
    if (map == NULL)
        return;
    items_free(map->items);
    free(map->path);
    free(map->name);
    free(map->description);
    free(map->source);
    free(map);
}

const char *map_directory(void)
{
    const char *directory = getenv("UPSBRIDGE_MAPS");

    return directory != NULL && directory[0] != '\0' ? directory : MAPS_PATH;
}

bool map_path(const char *wanted, const char *directory, char *out, size_t size)
{
    size_t length = strlen(wanted);
    bool is_file =
        strchr(wanted, '/') != NULL || (length > 4 && strcmp(wanted + length - 4, ".map") == 0);
    int used;

    if (wanted[0] == '/')
        used = snprintf(out, size, "%s", wanted);
    else if (is_file)
        used = snprintf(out, size, "%s/%s", directory, wanted);
    else
        used = snprintf(out, size, "%s/%s.map", map_directory(), wanted);
    return used >= 0 && (size_t)used < size;
}
