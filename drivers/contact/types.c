/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/contact/types.h"

#include <stdio.h>
#include <string.h>

#define DTR SERIAL_DTR
#define RTS SERIAL_RTS
#define HIGH(name)           \
    {                        \
        SERIAL_##name, false \
    }
#define LOW(name)           \
    {                       \
        SERIAL_##name, true \
    }

#define ROW(vendor_, model_, power_, on_line_, low_battery_, off_, off_lines_)             \
    {                                                                                      \
        .vendor = (vendor_), .model = (model_), .power = (power_), .on_line = on_line_,    \
        .low_battery = low_battery_, .off = CONTACT_OFF_##off_, .off_lines = (off_lines_), \
    }

/* clang-format off */
const struct contact_type contact_types[CONTACT_TYPES] = {
    ROW("UPSONIC", "LAN Saver 600", DTR | RTS, LOW(CTS), HIGH(DCD), LINES, RTS),
    ROW("APC", "Back-UPS", DTR, LOW(RI), HIGH(DCD), LINES, RTS),
    ROW("APC", "Back-UPS", RTS, LOW(CTS), HIGH(DCD), LINES, DTR | RTS),
    ROW("PowerTech", "Comp1000", DTR, LOW(CTS), HIGH(DCD), LINES, DTR | RTS),
    ROW("Generic", "Generic RUPS model", RTS, HIGH(CTS), LOW(DCD), LINES, 0),
    ROW("TrippLite", "Internet Office Series", DTR, HIGH(CTS), LOW(DCD), LINES, DTR | RTS),
    ROW("Best", "Patriot", DTR, HIGH(CTS), LOW(DCD), LINES, RTS),
    ROW("CyberPower", "Power99", RTS, HIGH(CTS), LOW(DCD), LINES, DTR),
    ROW("Nitram", "Elite UPS", DTR, HIGH(CTS), LOW(DCD), NONE, 0),
    ROW("APC", "Back-UPS", 0, LOW(DCD), HIGH(CTS), LINES, RTS),
    ROW("Victron", "Lite", RTS, HIGH(CTS), LOW(DCD), LINES, DTR),
    ROW("Powerware", "3115", DTR, LOW(CTS), LOW(DCD), BREAK, 0),
    ROW("APC", "Back-UPS Office", RTS, LOW(CTS), HIGH(DCD), LINES, DTR),
    ROW("RPT", "Repoteck", DTR | RTS, HIGH(DCD), LOW(CTS), BREAK, 0),
    ROW("Online", "P250, P500, P750, P1250", DTR, HIGH(DCD), LOW(CTS), LINES, RTS),
    ROW("Powerware", "5119", DTR, HIGH(CTS), LOW(DCD), BREAK, 0),
    ROW("Nitram", "Elite UPS", DTR | RTS, HIGH(CTS), LOW(DCD), NONE, 0),
    ROW("PowerKinetics", "9001", DTR, HIGH(CTS), LOW(DCD), NONE, 0),
    ROW("TrippLite", "Omni 450LAN", DTR, HIGH(CTS), HIGH(DCD), NONE, 0),
    ROW("Fideltronik", "Ares Series", DTR, HIGH(CTS), LOW(DCD), LINES, RTS),
    ROW("Powerware", "5119 RM", DTR, LOW(CTS), HIGH(DCD), BREAK, 0),
    ROW("Generic", "Generic RUPS 2000", RTS, HIGH(CTS), LOW(DCD), LINES, DTR | RTS),
    ROW("Gamatronic Electronic Industries", "Generic Alarm UPS", RTS, HIGH(CTS), LOW(DCD), LINES,
        DTR),
    { .vendor = "Generic", .model = "Generic FTTx Battery Backup", .power = RTS,
      .on_line = HIGH(CTS), .low_battery = LOW(DCD), .replace_battery = LOW(RI),
      .bypass = LOW(DSR), .off = CONTACT_OFF_NONE },
};
/* clang-format on */

/* Words -------------------------------------------------------------------------------------- */

static bool is_none(const char *text)
{
    return strcmp(text, "NULL") == 0 || strcmp(text, "none") == 0;
}

bool contact_read_input(const char *text, struct contact_input *input)
{
    static const struct {
        const char *word;
        unsigned line;
    } words[] = {
        { "CTS", SERIAL_CTS }, { "DCD", SERIAL_DCD }, { "RNG", SERIAL_RI },
        { "RI", SERIAL_RI },   { "DSR", SERIAL_DSR },
    };

    *input = (struct contact_input){ .is_low = text[0] == '-' };
    text += input->is_low;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i].word) == 0)
            input->line = words[i].line;
    }
    return input->line != 0 || (!input->is_low && is_none(text));
}

/* "DTR", "RTS" or both, parted by "+". */
static bool read_lines(const char *text, unsigned *lines)
{
    *lines = 0;
    for (;;) {
        unsigned line = strncmp(text, "DTR", 3) == 0   ? SERIAL_DTR
                        : strncmp(text, "RTS", 3) == 0 ? SERIAL_RTS
                                                       : 0;

        if (line == 0 || (text[3] != '\0' && text[3] != '+'))
            return false;
        *lines |= line;
        if (text[3] == '\0')
            return true;
        text += 4;
    }
}

bool contact_read_power(const char *text, unsigned *lines)
{
    *lines = 0;
    return is_none(text) || read_lines(text, lines);
}

bool contact_read_off(const char *text, struct contact_type *type)
{
    unsigned lines = 0;
    bool is_low = text[0] == '-';

    type->off_lines = 0;
    if (strcmp(text, "ST") == 0 || is_none(text)) {
        type->off = is_none(text) ? CONTACT_OFF_NONE : CONTACT_OFF_BREAK;
        return true;
    }
    if (!read_lines(text + is_low, &lines))
        return false;
    type->off = CONTACT_OFF_LINES;
    type->off_lines = is_low ? type->power & ~lines : lines;
    return true;
}

/* Status ------------------------------------------------------------------------------------- */

static bool holds(const struct contact_input *input, unsigned lines)
{
    return input->line != 0 && ((lines & input->line) == 0) == input->is_low;
}

bool contact_status(const struct contact_type *type, unsigned lines, char *status, size_t size)
{
    bool is_on_line = type->is_ever_on_line || holds(&type->on_line, lines);
    bool is_low = holds(&type->low_battery, lines);

    snprintf(status, size, "%s%s%s%s", is_low ? "LB " : "", is_on_line ? "OL" : "OB",
             holds(&type->replace_battery, lines) ? " RB" : "",
             holds(&type->bypass, lines) ? " BYPASS" : "");
    return !is_on_line || is_low;
}
