/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/dump.h"

#include "modbus/map_items.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 1024
#define EXPECTED_MAX 1024u

enum exception { EXCEPTION_ADDRESS = 2, EXCEPTION_COUNT = 3 };

struct dump_table {
    uint16_t *words;
    bool *known;
};

struct expectation {
    char *name, *value;
};

struct modbus_dump {
    struct dump_table tables[MODBUS_TABLES];
    char *objects[256];
    struct expectation *expected;
    size_t expected_count;
    bool zero_gaps;
    unsigned maximum_read;
};

struct dump_reader {
    struct modbus_dump *dump;
    struct config_report *report;
    const char *path;
    unsigned line;
    bool into[MODBUS_TABLES]; /* where the lines count for */
    bool into_objects;
};

static bool fail(const struct dump_reader *reader, const char *text)
{
    config_error(reader->report, reader->path, reader->line, "%s", text);
    return false;
}

static bool store_word(const struct dump_reader *reader, unsigned long address, uint16_t word)
{
    for (unsigned i = 0; i < MODBUS_TABLES; i++) {
        struct dump_table *table = &reader->dump->tables[i];

        if (!reader->into[i])
            continue;
        if (address >= DUMP_REGISTERS_MAX)
            return fail(reader, "there is no such address");
        if (modbus_table_has_bits((enum modbus_table)i) && word > 1)
            return fail(reader, "a coil or discrete input is 0 or 1");
        if (table->words == NULL) {
            table->words = calloc(DUMP_REGISTERS_MAX, sizeof table->words[0]);
            table->known = calloc(DUMP_REGISTERS_MAX, sizeof table->known[0]);
            if (table->words == NULL || table->known == NULL)
                return fail(reader, "out of memory");
        }
        table->words[address] = word;
        table->known[address] = true;
    }
    return true;
}

/* "text": two bytes a register, NUL behind an odd one. */
static bool store_text(struct dump_reader *reader, unsigned long address, char *text)
{
    char *end = strchr(text, '"');

    if (end == NULL || end[1 + strspn(end + 1, " \t\r")] != '\0')
        return fail(reader, "the text is not closed at the end of the line");
    *end = '\0';
    if (reader->into_objects) {
        if (address > 255)
            return fail(reader, "there is no such object");
        free(reader->dump->objects[address]);
        reader->dump->objects[address] = strdup(text);
        return reader->dump->objects[address] != NULL || fail(reader, "out of memory");
    }
    for (size_t i = 0; text[i] != '\0'; i += 2) {
        unsigned high = (unsigned char)text[i], low = (unsigned char)text[i + 1];

        if (!store_word(reader, address + i / 2, (uint16_t)(high << 8 | low)))
            return false;
        if (low == 0)
            break;
    }
    return true;
}

static bool read_register(struct dump_reader *reader, char *line)
{
    char *at, *end;
    unsigned long address = strtoul(line, &at, 0);

    if (at == line || (*at != ' ' && *at != '\t'))
        return fail(reader, "a line is 'ADDRESS VALUE'");
    at += strspn(at, " \t");
    if (*at == '"')
        return store_text(reader, address, at + 1);
    errno = 0;
    long value = strtol(at, &end, 0);
    if (end == at || end[strspn(end, " \t\r")] != '\0' || value < -32768 || value > 65535 ||
        errno != 0 || reader->into_objects)
        return fail(reader, "it is no value of a register");
    return store_word(reader, address, (uint16_t)value);
}

static bool read_section(struct dump_reader *reader, const char *line)
{
    bool found = strncmp(line, "[object]", 8) == 0;

    reader->into_objects = found;
    for (unsigned i = 0; i < MODBUS_TABLES; i++) {
        const char *name = modbus_table_name((enum modbus_table)i);
        size_t length = strlen(name);

        reader->into[i] = strncmp(line + 1, name, length) == 0 && line[1 + length] == ']';
        found = found || reader->into[i];
    }
    return found || fail(reader, "there is no such table");
}

static bool read_expected(struct dump_reader *reader, char *line)
{
    struct modbus_dump *dump = reader->dump;
    char *name = line + 1 + strspn(line + 1, " \t");
    char *value = name + strcspn(name, " \t\r");
    size_t end;

    if (*name == '\0' || dump->expected_count == EXPECTED_MAX)
        return fail(reader, *name == '\0' ? "'=' needs a variable" : "too many '=' lines");
    if (*value != '\0')
        *value++ = '\0';
    value += strspn(value, " \t");
    for (end = strlen(value); end > 0 && strchr(" \t\r", value[end - 1]) != NULL; end--)
        value[end - 1] = '\0';
    if (!items_grow(&dump->expected, dump->expected_count, sizeof dump->expected[0]))
        return fail(reader, "out of memory");
    struct expectation expectation = { .name = strdup(name), .value = strdup(value) };
    if (expectation.name == NULL || expectation.value == NULL) {
        free(expectation.name);
        free(expectation.value);
        return fail(reader, "out of memory");
    }
    dump->expected[dump->expected_count++] = expectation;
    return true;
}

/* Comments that say how the device behaves. */
static bool read_comment(struct dump_reader *reader, const char *line)
{
    const char *at = line + 1 + strspn(line + 1, " \t");
    unsigned number;

    if (strncmp(at, "table: holding", 14) == 0)
        reader->into[MODBUS_INPUT] = false;
    else if (strncmp(at, "table: input", 12) == 0)
        reader->into[MODBUS_HOLDING] = false;
    else if (strncmp(at, "gaps: zero", 10) == 0)
        reader->dump->zero_gaps = true;
    else if (sscanf(at, "max-read: %4u", &number) == 1 && number > 0)
        reader->dump->maximum_read = number;
    return true;
}

static bool read_line(struct dump_reader *reader, char *line)
{
    line += strspn(line, " \t\r");
    switch (*line) {
    case '\0':
    case '!':
        return true;
    case '#':
        return read_comment(reader, line);
    case '=':
        return read_expected(reader, line);
    case '[':
        return read_section(reader, line);
    default:
        return read_register(reader, line);
    }
}

struct modbus_dump *dump_load_text(const char *path, const char *text, size_t length,
                                   struct config_report *report)
{
    struct dump_reader reader = { .dump = calloc(1, sizeof *reader.dump),
                                  .report = report,
                                  .path = path,
                                  .into = { [MODBUS_INPUT] = true, [MODBUS_HOLDING] = true } };
    bool right = reader.dump != NULL;

    if (right)
        reader.dump->maximum_read = MODBUS_READ_MAX;
    for (size_t at = 0; right && at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t size = end == NULL ? length - at : (size_t)(end - text) - at;
        char line[LINE_MAX_BYTES];

        reader.line++;
        if (size >= sizeof line || memchr(text + at, '\0', size) != NULL) {
            right = fail(&reader, "the line is too long, or no text");
            break;
        }
        memcpy(line, text + at, size);
        line[size] = '\0';
        right = read_line(&reader, line);
        at += size + 1;
    }
    if (!right) {
        dump_free(reader.dump);
        return NULL;
    }
    return reader.dump;
}

struct modbus_dump *dump_load(const char *path, struct config_report *report)
{
    FILE *file = fopen(path, "re");
    char *text = malloc(CONFIG_FILE_MAX);
    struct modbus_dump *dump = NULL;

    if (file == NULL || text == NULL) {
        config_error(report, path, 0, "%s", strerror(text == NULL ? ENOMEM : errno));
    } else {
        size_t length = fread(text, 1, CONFIG_FILE_MAX, file);

        if (ferror(file) != 0)
            config_error(report, path, 0, "it cannot be read");
        else if (length == CONFIG_FILE_MAX)
            config_error(report, path, 0, "it is too large");
        else
            dump = dump_load_text(path, text, length, report);
    }
    if (file != NULL)
        fclose(file);
    free(text);
    return dump;
}

void dump_free(struct modbus_dump *dump)
{
    if (dump == NULL)
        return;
    for (unsigned i = 0; i < MODBUS_TABLES; i++) {
        free(dump->tables[i].words);
        free(dump->tables[i].known);
    }
    for (unsigned i = 0; i < 256; i++)
        free(dump->objects[i]);
    for (size_t i = 0; i < dump->expected_count; i++) {
        free(dump->expected[i].name);
        free(dump->expected[i].value);
    }
    free(dump->expected);
    free(dump);
}

unsigned dump_read(const struct modbus_dump *dump, const struct modbus_block *block,
                   uint16_t *words)
{
    const struct dump_table *table = &dump->tables[block->table];
    bool bits = modbus_table_has_bits(block->table);

    if (block->count == 0 || (!bits && block->count > dump->maximum_read))
        return EXCEPTION_COUNT;
    if (table->words == NULL || block->address + block->count > 65536)
        return EXCEPTION_ADDRESS;
    for (unsigned i = 0; i < block->count; i++) {
        if (!table->known[block->address + i] && (i == 0 || !dump->zero_gaps))
            return EXCEPTION_ADDRESS;
        words[i] = table->words[block->address + i];
    }
    return 0;
}

const char *dump_object(const struct modbus_dump *dump, uint8_t object)
{
    return dump->objects[object];
}

bool dump_expected(const struct modbus_dump *dump, size_t i, const char **name, const char **value)
{
    if (i >= dump->expected_count)
        return false;
    *name = dump->expected[i].name;
    *value = dump->expected[i].value;
    return true;
}

unsigned dump_poll(const struct modbus_dump *dump, struct modbus_plan *plan, enum plan_poll poll,
                   struct modbus_image *image, bool *missing)
{
    uint16_t words[MODBUS_READ_BITS_MAX];
    unsigned requests = 0;
    size_t count, at = 0;
    const struct modbus_block *blocks = plan_blocks(plan, poll, &count);

    *missing = false;
    while (at < count) {
        struct modbus_block block = blocks[at];

        requests++;
        if (dump_read(dump, &block, words) == 0) {
            image_store(image, block.table, block.address, block.count, words);
            at++;
            continue;
        }
        image_forget(image, block.table, block.address, block.count);
        if (plan_refused(plan, &block) == PLAN_ESSENTIAL) {
            *missing = true;
            at++;
        } else {
            /* What was read keeps its place before what is left. */
            blocks = plan_blocks(plan, poll, &count);
        }
    }
    const uint8_t *objects = plan_objects(plan, &count);
    for (size_t i = 0; poll == PLAN_FIRST && i < count; i++)
        image_store_object(image, objects[i], dump_object(dump, objects[i]));
    return requests;
}
