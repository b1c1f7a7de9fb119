/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/apcsmart/tables.h"

#include <string.h>

const struct apc_variable apc_variables[] = {
    { 'f', "battery.charge", APC_NUMBER, APC_QUICK, false, false },
    { 'j', "battery.runtime", APC_MINUTES, APC_QUICK, false, false },
    { 'P', "ups.load", APC_NUMBER, APC_QUICK, false, false },
    { 'L', "input.voltage", APC_NUMBER, APC_QUICK, false, false },
    { 'B', "battery.voltage", APC_NUMBER, APC_SLOW, false, false },
    { '<', "battery.packs.bad", APC_INTEGER, APC_SLOW, false, false },
    { 'C', "ups.temperature", APC_NUMBER, APC_SLOW, false, false },
    { 't', "ambient.temperature", APC_NUMBER, APC_SLOW, false, false },
    { 'h', "ambient.humidity", APC_NUMBER, APC_SLOW, false, false },
    { 'i', "ups.contacts", APC_HEX, APC_SLOW, false, false },
    { 'F', "input.frequency", APC_NUMBER, APC_SLOW, false, false },
    { 'G', "input.transfer.reason", APC_REASON, APC_SLOW, false, false },
    { 'M', "input.voltage.maximum", APC_NUMBER, APC_SLOW, false, false },
    { 'N', "input.voltage.minimum", APC_NUMBER, APC_SLOW, false, false },
    { '9', "input.quality", APC_HEX, APC_SLOW, false, false },
    { 'O', "output.voltage", APC_NUMBER, APC_SLOW, false, false },
    { '/', "output.current", APC_NUMBER, APC_SLOW, false, true },
    { 'X', "ups.test.result", APC_RESULT, APC_SLOW, false, false },
    { '\x01', "ups.model", APC_TEXT, APC_SETTING, false, true },
    { 'n', "ups.serial", APC_SERIAL, APC_SETTING, false, false },
    { 'm', "ups.mfr.date", APC_DATE, APC_SETTING, false, false },
    { 'v', "ups.firmware.aux", APC_TEXT, APC_SETTING, false, false },
    { 'c', "ups.id", APC_TEXT, APC_SETTING, true, false },
    { 'x', "battery.date", APC_DATE, APC_SETTING, true, false },
    { 'g', "battery.voltage.nominal", APC_INTEGER, APC_SETTING, false, false },
    { '>', "battery.packs", APC_INTEGER, APC_SETTING, false, false },
    { 'k', "battery.alarm.threshold", APC_WORD, APC_SETTING, false, false },
    { 'e', "battery.charge.restart", APC_INTEGER, APC_SETTING, false, false },
    { 'q', "battery.runtime.low", APC_MINUTES, APC_SETTING, false, false },
    { 's', "input.sensitivity", APC_WORD, APC_SETTING, false, false },
    { 'u', "input.transfer.high", APC_INTEGER, APC_SETTING, false, false },
    { 'l', "input.transfer.low", APC_INTEGER, APC_SETTING, false, false },
    { 'o', "output.voltage.nominal", APC_INTEGER, APC_SETTING, false, false },
    { 'p', "ups.delay.shutdown", APC_INTEGER, APC_SETTING, false, false },
    { 'r', "ups.delay.start", APC_INTEGER, APC_SETTING, false, false },
    { 'E', "ups.test.interval", APC_HOURS, APC_SETTING, false, false },
    { '\x0c', "ups.display.language", APC_WORD, APC_SETTING, false, false },
    { '\0', NULL, APC_TEXT, APC_SETTING, false, false },
};

_Static_assert(sizeof apc_variables / sizeof apc_variables[0] <= APC_VARIABLES_MAX,
               "APC_VARIABLES_MAX is too small");

/* The command set ---------------------------------------------------------------------------- */

bool apc_command_set_has(const struct apc_command_set *set, char byte)
{
    unsigned number = (unsigned char)byte;

    return (set->known[number / 8] >> (number % 8) & 1) != 0;
}

static void add(struct apc_command_set *set, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned number = (unsigned char)bytes[i];

        set->known[number / 8] |= (uint8_t)(1u << (number % 8));
    }
    set->is_told = true;
}

/* "3.ALERTS.COMMANDS", behind which newer units tell of commands of two bytes. */
bool apc_command_set_read(struct apc_command_set *set, const char *answer, size_t length)
{
    *set = (struct apc_command_set){ .is_told = false };
    if (length < 4 || answer[0] < '0' || answer[0] > '9' || answer[1] != '.')
        return false;
    const char *end = answer + length;
    const char *alerts = answer + 2;
    const char *point = memchr(alerts, '.', (size_t)(end - alerts));
    if (point == NULL || point + 1 == end)
        return false;
    const char *commands = point + 1;
    const char *more = memchr(commands, '.', (size_t)(end - commands));
    size_t count = (size_t)((more != NULL ? more : end) - commands);
    /* Without its status a unit is none. */
    if (memchr(commands, 'Q', count) == NULL)
        return false;
    add(set, commands, count);
    return true;
}

bool apc_command_set_of_firmware(struct apc_command_set *set, const char *firmware)
{
#define SECOND_GENERATION "@79ABCDEFGKLMNOPQRSUVWXYZcefgjklmnopqrsuxz"
    static const struct {
        const char *firmware, *commands;
    } known[] = {
        { "6QD", SECOND_GENERATION },
        { "6QI", SECOND_GENERATION },
        { "7QD", SECOND_GENERATION },
        { "7QI", SECOND_GENERATION },
        { "8QD", SECOND_GENERATION },
        { "8QI", SECOND_GENERATION },
        { "0XI", SECOND_GENERATION "/<>\\^\x0c\x16" },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(firmware, known[i].firmware) == 0) {
            *set = (struct apc_command_set){ .is_told = true };
            add(set, known[i].commands, strlen(known[i].commands));
            return true;
        }
    }
    return false;
}

/* Capabilities ------------------------------------------------------------------------------- */

/* Digits, and letters beyond nine. 0: neither. */
static size_t number_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return (size_t)(byte - '0');
    if (byte >= 'A' && byte <= 'Z')
        return (size_t)(byte - 'A') + 10;
    return byte >= 'a' && byte <= 'z' ? (size_t)(byte - 'a') + 10 : 0;
}

static void add_choices(struct apc_capability *setting, const char *choices, size_t count,
                        size_t length)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(setting->choices[i], choices + i * length, length);
        for (size_t end = length; end > 0 && setting->choices[i][end - 1] == ' '; end--)
            setting->choices[i][end - 1] = '\0';
    }
    setting->count = (unsigned)count;
}

bool apc_capabilities_read(struct apc_capabilities *capabilities, const char *answer, size_t length,
                           char locale)
{
    size_t at = 0;

    *capabilities = (struct apc_capabilities){ .count = 0 };
    while (at < length) {
        if (answer[at] == '#') {
            at++;
            continue;
        }
        size_t count = at + 4 <= length ? number_of(answer[at + 2]) : 0;
        size_t width = count > 0 ? number_of(answer[at + 3]) : 0;
        bool is_ours = count > 0 && (answer[at + 1] == '4' || answer[at + 1] == locale);

        if (width == 0 || width > APC_CHOICE_LENGTH || at + 4 + count * width > length ||
            (is_ours && capabilities->count == APC_CAPABILITIES_MAX)) {
            capabilities->count = 0;
            return false;
        }
        if (is_ours) {
            struct apc_capability *setting = &capabilities->settings[capabilities->count++];

            setting->query = answer[at];
            add_choices(setting, answer + at + 4, count, width);
        }
        at += 4 + count * width;
    }
    return capabilities->count > 0;
}

const struct apc_capability *apc_capability_find(const struct apc_capabilities *capabilities,
                                                 char query)
{
    for (size_t i = 0; i < capabilities->count; i++) {
        if (capabilities->settings[i].query == query)
            return &capabilities->settings[i];
    }
    return NULL;
}
