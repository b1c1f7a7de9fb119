/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options are written as the text of a map, so that there is one way from rows to meaning. What
 * each contact stands for, where others are not connected, is as generic_modbus has it.
 */
#include "modbus/contacts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PULSE_MAX 60000u

enum contact { OL, OB, LB, HB, RB, CHRG, DISCHRG, FSD, CONTACTS };

static const char *const contact_names[CONTACTS] = { "OL", "OB",   "LB",      "HB",
                                                     "RB", "CHRG", "DISCHRG", "FSD" };

static const char *const suffixes[] = { "_addr", "_regtype", "_noro" };

static const char *const other_options[] = {
    "device_mfr", "device_model", "rio_slave_id", "ser_baud_rate",
    "ser_parity", "ser_data_bit", "ser_stop_bit", "FSD_pulse_duration",
};

struct contact_model {
    const struct contact_option *options;
    size_t count;
    const char *path;
    struct config_report *report;
    bool failed;
    char conditions[CONTACTS][48]; /* as an expression; "": not connected */
};

static bool contact_key(const char *key, enum contact *contact, unsigned *suffix)
{
    for (unsigned i = 0; i < CONTACTS; i++) {
        size_t length = strlen(contact_names[i]);

        for (unsigned k = 0; k < sizeof suffixes / sizeof suffixes[0]; k++) {
            if (strncmp(key, contact_names[i], length) == 0 &&
                strcmp(key + length, suffixes[k]) == 0) {
                *contact = (enum contact)i;
                *suffix = k;
                return true;
            }
        }
    }
    return false;
}

bool contacts_option(const char *key)
{
    enum contact contact;
    unsigned suffix;

    for (size_t i = 0; i < sizeof other_options / sizeof other_options[0]; i++) {
        if (strcmp(key, other_options[i]) == 0)
            return true;
    }
    return contact_key(key, &contact, &suffix);
}

/* The last of several counts, as in ups.conf. */
static const struct contact_option *find_option(const struct contact_model *model, const char *key)
{
    for (size_t i = model->count; i-- > 0;) {
        if (strcmp(model->options[i].key, key) == 0)
            return &model->options[i];
    }
    return NULL;
}

static void fail(struct contact_model *model, unsigned line, const char *key, const char *text)
{
    config_error(model->report, model->path, line, "%s: %s", key, text);
    model->failed = true;
}

/* Decimal, and 0x... too for addresses. */
static unsigned number_option(struct contact_model *model, const char *key, unsigned minimum,
                              unsigned maximum, unsigned otherwise)
{
    const struct contact_option *option = find_option(model, key);
    char *end;

    if (option == NULL)
        return otherwise;
    const char *value = option->value == NULL ? "" : option->value;
    unsigned long number = strtoul(value, &end, 0);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || number < minimum || number > maximum) {
        char text[80];

        snprintf(text, sizeof text, "it must be a number from %u to %u", minimum, maximum);
        fail(model, option->line, key, text);
        return otherwise;
    }
    return (unsigned)number;
}

static const char *text_option(const struct contact_model *model, const char *key,
                               const char *otherwise)
{
    const struct contact_option *option = find_option(model, key);

    return option == NULL || option->value == NULL ? otherwise : option->value;
}

static void read_contact(struct contact_model *model, enum contact contact)
{
    /* In generic_modbus's order. */
    static const char *const tables[] = { "coil", "discrete", "input", "holding" };
    char key[32];

    snprintf(key, sizeof key, "%s_addr", contact_names[contact]);
    const struct contact_option *option = find_option(model, key);
    unsigned address = number_option(model, key, 0, UINT16_MAX, 0);
    snprintf(key, sizeof key, "%s_regtype", contact_names[contact]);
    unsigned table = number_option(model, key, 0, 3, 1);
    snprintf(key, sizeof key, "%s_noro", contact_names[contact]);
    unsigned inverted = number_option(model, key, 0, 1, 0);
    if (option == NULL)
        return;
    if (contact == FSD && (table == 1 || table == 2)) {
        fail(model, option->line, "FSD_regtype", "0 (coil) or 3 (holding register) can be written");
        return;
    }
    snprintf(model->conditions[contact], sizeof model->conditions[contact],
             contact == FSD ? "@%s:%u %u" : "@%s:%u == %u", tables[table], address, 1 - inverted);
}

/* Nothing that would end the quotes it is put into. */
static void print_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s = \"", name);
    for (; *text != '\0'; text++)
        fputc(*text < ' ' || *text > '~' || *text == '"' ? '?' : *text, out);
    fprintf(out, "\"\n");
}

static void print_link(struct contact_model *model, FILE *out)
{
    unsigned baud = number_option(model, "ser_baud_rate", 300, 4000000, 9600);
    const char *parity = text_option(model, "ser_parity", "N");
    unsigned data = number_option(model, "ser_data_bit", 7, 8, 8);
    unsigned stop = number_option(model, "ser_stop_bit", 1, 2, 1);

    if (strlen(parity) != 1 || strchr("NEOneo", parity[0]) == NULL) {
        fail(model, find_option(model, "ser_parity")->line, "ser_parity", "it must be N, E or O");
        return;
    }
    fprintf(out, "serial = %u %u%c%u\nunit = %u\n", baud, data, toupper((unsigned char)parity[0]),
            stop, number_option(model, "rio_slave_id", 0, 255, 1));
}

static void print_line_and_battery(const struct contact_model *model, FILE *out)
{
    const char *ol = model->conditions[OL], *ob = model->conditions[OB];

    if (ol[0] != '\0')
        fprintf(out, "OL = %s\n", ol);
    else
        fprintf(out, "OL = not (%s)\n", ob);
    if (ob[0] != '\0')
        fprintf(out, "OB = %s\n", ob);
    else
        fprintf(out, "OB = not (%s)\n", ol);
}

/*
 * A contact for a full battery tells of charging as long as it is not active, unless charging has a
 * contact of its own; on battery, discharging follows in the same way.
 */
static void print_battery(const struct contact_model *model, FILE *out)
{
    const char *hb = model->conditions[HB];
    char on_battery[64];

    snprintf(on_battery, sizeof on_battery, model->conditions[OB][0] != '\0' ? "%s" : "not (%s)",
             model->conditions[OB][0] != '\0' ? model->conditions[OB] : model->conditions[OL]);
    if (hb[0] != '\0')
        fprintf(out, "HB = %s\n", hb);
    if (model->conditions[CHRG][0] != '\0')
        fprintf(out, "CHRG = %s\n", model->conditions[CHRG]);
    else if (hb[0] != '\0')
        fprintf(out, "CHRG = not (%s) and not (%s)\n", hb, on_battery);
    if (model->conditions[DISCHRG][0] != '\0')
        fprintf(out, "DISCHRG = %s\n", model->conditions[DISCHRG]);
    else
        fprintf(out, "DISCHRG = %s\n", on_battery);
}

static void print_charger(const struct contact_model *model, FILE *out)
{
    const char *hb = model->conditions[HB];
    const char *charging = model->conditions[CHRG], *discharging = model->conditions[DISCHRG];

    if (discharging[0] != '\0')
        fprintf(out, "battery.charger.status = \"discharging\" when %s\n", discharging);
    else
        fprintf(out, "battery.charger.status = \"discharging\" when %s\n",
                model->conditions[OB][0] != '\0' ? model->conditions[OB] : "0 == 1");
    if (charging[0] != '\0')
        fprintf(out, "battery.charger.status = \"charging\" when %s\n", charging);
    if (hb[0] != '\0')
        fprintf(out, "battery.charger.status = \"resting\" when %s\n", hb);
    if (hb[0] != '\0' && charging[0] == '\0')
        fprintf(out, "battery.charger.status = \"charging\" when not (%s)\n", hb);
}

static void print_command(struct contact_model *model, FILE *out)
{
    unsigned pulse = number_option(model, "FSD_pulse_duration", 0, PULSE_MAX, 0);
    const char *write = model->conditions[FSD];

    if (write[0] == '\0')
        return;
    fprintf(out, "[commands]\nload.off = write %s", write);
    if (pulse > 0) {
        size_t length = strlen(write) - 1;

        fprintf(out, " ; wait %ums ; write %.*s%c", pulse, (int)length, write,
                write[length] == '1' ? '0' : '1');
    }
    fprintf(out, "\n");
}

static void print_map(struct contact_model *model, FILE *out)
{
    fprintf(out, "[map]\nname = contacts\ndescription = \"a UPS's contacts\"\n"
                 "source = \"options of the section\"\ncertainty = driver\nverify = no\n");
    print_link(model, out);
    fprintf(out, "[values]\n");
    print_text(out, "device.mfr", text_option(model, "device_mfr", "unknown"));
    print_text(out, "device.model", text_option(model, "device_model", "unknown"));
    print_charger(model, out);
    fprintf(out, "[status]\n");
    print_line_and_battery(model, out);
    print_battery(model, out);
    if (model->conditions[LB][0] != '\0')
        fprintf(out, "LB = %s\n", model->conditions[LB]);
    if (model->conditions[RB][0] != '\0')
        fprintf(out, "RB = %s\n", model->conditions[RB]);
    fprintf(out, "[alarms]\n");
    if (model->conditions[LB][0] != '\0')
        fprintf(out, "\"Low Battery (Charge)\" = %s\n", model->conditions[LB]);
    if (model->conditions[RB][0] != '\0')
        fprintf(out, "\"Replace Battery\" = %s\n", model->conditions[RB]);
    print_command(model, out);
}

struct modbus_map *contacts_map(const struct contact_option *options, size_t count,
                                const char *path, unsigned line, struct config_report *report)
{
    struct contact_model model = {
        .options = options, .count = count, .path = path, .report = report
    };
    struct modbus_map *map = NULL;
    char *text = NULL;
    size_t length = 0;

    for (unsigned i = 0; i < CONTACTS; i++)
        read_contact(&model, (enum contact)i);
    if (model.conditions[OL][0] == '\0' && model.conditions[OB][0] == '\0')
        fail(&model, line, "OB_addr",
             "no contact tells input power from battery (OL_addr or OB_addr)");
    FILE *out = model.failed ? NULL : open_memstream(&text, &length);
    if (out != NULL) {
        print_map(&model, out);
        if (fclose(out) == 0 && !model.failed)
            map = map_load_text(path, text, length, report);
    }
    free(text);
    return map;
}
