/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/apcsmart/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define SERIAL_LENGTH_MIN 4
#define SHORT_WORD_MAX 4
#define NUMBER_MAX 12

unsigned apc_alert(char byte)
{
    switch (byte) {
    case '!':
        return APC_ALERT_ON_BATTERY;
    case '$':
        return APC_ALERT_ON_LINE;
    case '%':
        return APC_ALERT_BATTERY_LOW;
    case '+':
        return APC_ALERT_BATTERY_OK;
    case '#':
        return APC_ALERT_REPLACE_BATTERY;
    case '?':
        return APC_ALERT_OVERLOAD;
    case '=':
        return APC_ALERT_OVERLOAD_OVER;
    case '*':
        return APC_ALERT_TURNS_OFF;
    case '&':
        return APC_ALERT_ALARM_REGISTER;
    case '|':
        return APC_ALERT_EEPROM_CHANGED;
    default:
        return 0;
    }
}

static bool is_alert(enum apc_kind kind, char byte)
{
    if (apc_alert(byte) == 0 || kind == APC_COMMAND_SET)
        return false;
    return !(kind == APC_ORDER && byte == '*') && !(kind == APC_CAPABILITIES && byte == '#');
}

bool apc_answer_take(struct apc_answer *answer, char byte)
{
    if (byte == '\r' || byte == '\n')
        return answer->length > 0;
    if (is_alert(answer->kind, byte)) {
        answer->alerts |= apc_alert(byte);
    } else if (answer->length < APC_ANSWER_MAX) {
        answer->text[answer->length++] = byte;
        answer->text[answer->length] = '\0';
    } else {
        answer->is_too_long = true;
    }
    return false;
}

/* Values ------------------------------------------------------------------------------------- */

/* Is it made of digits, with one point inside if that is fine? */
static bool is_number(const char *text, bool may_have_point)
{
    size_t whole = strspn(text, DIGITS);

    if (whole == 0 || strlen(text) > NUMBER_MAX)
        return false;
    if (text[whole] == '\0')
        return true;
    size_t fraction = strspn(text + whole + 1, DIGITS);
    return may_have_point && text[whole] == '.' && fraction > 0 &&
           text[whole + 1 + fraction] == '\0';
}

static bool copy(const char *text, char *value, size_t size)
{
    int length = snprintf(value, size, "%s", text);

    return length > 0 && (size_t)length < size;
}

static bool scaled(const char *text, long factor, char *value, size_t size)
{
    if (!is_number(text, false) || strlen(text) > 6)
        return false;
    snprintf(value, size, "%ld", strtol(text, NULL, 10) * factor);
    return true;
}

static bool minutes(char *text, char *value, size_t size)
{
    size_t length = strlen(text);

    if (length > 0 && text[length - 1] == ':')
        text[length - 1] = '\0';
    return scaled(text, 60, value, size);
}

static bool hours(const char *text, char *value, size_t size)
{
    if (strcmp(text, "OFF") == 0)
        return copy("0", value, size);
    if (strcmp(text, "ON") == 0)
        return copy(text, value, size);
    return scaled(text, 3600, value, size);
}

static bool is_date(const char *text)
{
    static const char pattern[] = "##/##/##";

    if (strlen(text) != sizeof pattern - 1)
        return false;
    for (size_t i = 0; i < sizeof pattern - 1; i++) {
        if (pattern[i] == '#' ? strchr(DIGITS, text[i]) == NULL : text[i] != pattern[i])
            return false;
    }
    return true;
}

static bool reason(const char *text, char *value, size_t size)
{
    static const struct {
        char letter;
        const char *words;
    } reasons[] = {
        { 'R', "unacceptable utility voltage rate of change" },
        { 'H', "high utility voltage" },
        { 'L', "low utility voltage" },
        { 'T', "line voltage notch or spike" },
        { 'O', "no transfers yet since turnon" },
        { 'S', "simulated power failure or UPS test" },
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (text[0] == reasons[i].letter && text[1] == '\0')
            return copy(reasons[i].words, value, size);
    }
    return false;
}

static bool is_result(const char *text)
{
    static const char *const results[] = { "OK", "BT", "NG", "NO" };

    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (strcmp(text, results[i]) == 0)
            return true;
    }
    return false;
}

static bool serial(char *text, char *value, size_t size)
{
    size_t length = strspn(text, DIGITS LETTERS);

    /* In its midst noise is noise. */
    if (length < SERIAL_LENGTH_MIN || strlen(text + length) > 1)
        return false;
    text[length] = '\0';
    return copy(text, value, size);
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

static bool is_word(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && length <= SHORT_WORD_MAX && strspn(text, DIGITS LETTERS) == length;
}

/* Without NULs and blanks at its end. False: a NUL stands in its midst, or nothing is left. */
static bool trimmed(const char *answer, size_t length, char *text, size_t size)
{
    while (length > 0 && (answer[length - 1] == '\0' || answer[length - 1] == ' '))
        length--;
    if (length == 0 || length >= size || memchr(answer, '\0', length) != NULL)
        return false;
    memcpy(text, answer, length);
    text[length] = '\0';
    return true;
}

bool apc_value(enum apc_shape shape, const char *answer, size_t length, char *value, size_t size)
{
    char text[64];

    if (!trimmed(answer, length, text, sizeof text))
        return false;
    switch (shape) {
    case APC_NUMBER:
        return is_number(text, true) && copy(text, value, size);
    case APC_INTEGER:
        return is_number(text, false) && copy(text, value, size);
    case APC_MINUTES:
        return minutes(text, value, size);
    case APC_HOURS:
        return hours(text, value, size);
    case APC_DATE:
        return is_date(text) && copy(text, value, size);
    case APC_HEX:
        return strspn(text, DIGITS "ABCDEF") == strlen(text) && strlen(text) == 2 &&
               copy(text, value, size);
    case APC_REASON:
        return reason(text, value, size);
    case APC_RESULT:
        return is_result(text) && copy(text, value, size);
    case APC_WORD:
        return is_word(text) && copy(text, value, size);
    case APC_SERIAL:
        return serial(text, value, size);
    case APC_TEXT:
        return is_printable(text) && copy(text, value, size);
    }
    return false;
}

/* The status register ------------------------------------------------------------------------ */

static bool is_possible(unsigned bits)
{
    const unsigned both = APC_STATUS_ON_LINE | APC_STATUS_ON_BATTERY;
    const unsigned either = APC_STATUS_TRIM | APC_STATUS_BOOST;

    return (bits & both) != both && (bits & either) != either;
}

bool apc_status(const char *answer, size_t length, char *status, size_t size, unsigned *bits)
{
    static const struct {
        unsigned bit;
        const char *token;
    } tokens[] = {
        { APC_STATUS_CALIBRATES, "CAL" }, { APC_STATUS_TRIM, "TRIM" },
        { APC_STATUS_BOOST, "BOOST" },    { APC_STATUS_ON_LINE, "OL" },
        { APC_STATUS_ON_BATTERY, "OB" },  { APC_STATUS_OVERLOAD, "OVER" },
        { APC_STATUS_BATTERY_LOW, "LB" }, { APC_STATUS_REPLACE_BATTERY, "RB" },
    };
    char digits[3];
    size_t used = 0;

    if (length != 2 || !apc_value(APC_HEX, answer, length, digits, sizeof digits))
        return false;
    unsigned found = (unsigned)strtoul(digits, NULL, 16);
    if (!is_possible(found))
        return false;
    /* Asleep, or with its output off. */
    if ((found & (APC_STATUS_ON_LINE | APC_STATUS_ON_BATTERY)) == 0)
        used = (size_t)snprintf(status, size, "OFF");
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        if ((found & tokens[i].bit) != 0 && used < size)
            used += (size_t)snprintf(status + used, size - used, "%s%s", used > 0 ? " " : "",
                                     tokens[i].token);
    }
    if (bits != NULL)
        *bits = found;
    return used < size;
}
