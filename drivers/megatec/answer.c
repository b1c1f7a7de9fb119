/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/megatec/answer.h"

#include "core/variables.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BINARY_FIELDS 10
#define ESCAPE '('

static bool equals(const char *bytes, size_t length, const char *text)
{
    return length == strlen(text) && memcmp(bytes, text, length) == 0;
}

static bool is_refusal(const char *bytes, size_t length)
{
    static const char *const refusals[] = { "NAK", "NA", "N", "UPS No Ack" };

    if (length > 0 && bytes[0] == '(') {
        bytes++;
        length--;
    }
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (length == strlen(refusals[i]) && strncasecmp(bytes, refusals[i], length) == 0)
            return true;
    }
    return false;
}

/*
 * Some bridges send NUL for 0 in the bits, which end a line: from the first on there may be
 * nothing but binary digits. False: there is something else, or other bytes that are no text.
 */
static bool copy_text(const char *bytes, size_t length, char *out)
{
    bool has_nul = false;

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (byte == '\0')
            has_nul = true;
        else if (byte < ' ' || byte > '~' || (has_nul && byte != '0' && byte != '1'))
            return false;
        out[i] = byte == '\0' ? '0' : (char)byte;
    }
    out[length] = '\0';
    return true;
}

static bool split(struct megatec_answer *answer, char *text, char separator)
{
    while (*text != '\0') {
        if (separator == ' ')
            text += strspn(text, " ");
        if (*text == '\0')
            break;
        if (answer->count == MEGATEC_FIELDS_MAX)
            return false;
        answer->fields[answer->count++] = text;
        text += strcspn(text, (const char[]){ separator, '\0' });
        if (*text != '\0')
            *text++ = '\0';
    }
    return answer->count > 0;
}

/* Bytes --------------------------------------------------------------------------------------- */

/* What stands behind ESCAPE for bytes that would end a line or a field. */
static int unescape(char byte)
{
    static const unsigned char meanings[] = { 0x0d, 0x11, 0x13, 0x0a, 0x20 };

    return (unsigned char)byte < sizeof meanings ? meanings[(unsigned char)byte] : -1;
}

/* A field's bytes as a number, the first counting most; *next moves behind its blank. -1: wrong. */
static long binary_number(const char **next, const char *end, size_t bytes)
{
    long number = 0;

    for (size_t i = 0; i < bytes; i++) {
        if (*next == end)
            return -1;
        int byte = (unsigned char)*(*next)++;
        if (byte == ESCAPE) {
            if (*next == end)
                return -1;
            byte = unescape(*(*next)++);
        }
        if (byte < 0)
            return -1;
        number = number * 256 + byte;
    }
    if (*next != end && *(*next)++ != ' ')
        return -1;
    return number;
}

/* Volts of a reading and its factor. */
static double volts(long reading, long factor)
{
    return (double)(reading * factor / 51) / 256.0;
}

static bool read_binary(const char *bytes, size_t length, struct megatec_answer *answer)
{
    static const size_t sizes[BINARY_FIELDS] = { 2, 1, 2, 1, 1, 2, 3, 1, 1, 1 };
    const char *next = bytes, *end = bytes + length;
    long numbers[BINARY_FIELDS];
    char bits[9] = "";

    for (size_t i = 0; i < BINARY_FIELDS; i++) {
        numbers[i] = binary_number(&next, end, sizes[i]);
        if (numbers[i] < 0)
            return false;
    }
    /* The T protocol's ratings. */
    if (next != end && (binary_number(&next, end, 1) < 0 || next != end))
        return false;
    double frequency = numbers[5] == 0 ? 0 : (double)numbers[6] / (double)numbers[5];
    for (unsigned i = 0; i < 8; i++)
        bits[i] = (numbers[9] & (0x80 >> i)) != 0 ? '1' : '0';
    snprintf(answer->text, sizeof answer->text, "%.1f ---.- %.1f %ld %.1f %.2f --.- %s",
             volts(numbers[0], numbers[1]), volts(numbers[2], numbers[3]), numbers[4],
             frequency > 99.9 ? 99.9 : frequency, (double)(numbers[7] * numbers[8]) / 510.0, bits);
    return split(answer, answer->text, ' ');
}

/* Lines -------------------------------------------------------------------------------------- */

static char separator_of(enum megatec_form form)
{
    return form == MEGATEC_COMMAS ? ',' : form == MEGATEC_UNITS ? '/' : ' ';
}

/* False: a field is no number with a unit. */
static bool drop_units(struct megatec_answer *answer)
{
    for (unsigned i = 0; i < answer->count; i++) {
        char *field = answer->text + (answer->fields[i] - answer->text);
        size_t digits = strspn(field, "0123456789.");

        if (digits == 0 || field[digits] == '\0' ||
            field[digits + strspn(field + digits, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0')
            return false;
        field[digits] = '\0';
    }
    return true;
}

enum megatec_verdict megatec_answer_read(const char *query, enum megatec_form form, char lead,
                                         const char *bytes, size_t length,
                                         struct megatec_answer *answer)
{
    answer->count = 0;
    /* LF of a CR LF before, and the NULs that some adapters begin with. */
    while (length > 0 && (bytes[0] == '\n' || bytes[0] == '\0')) {
        bytes++;
        length--;
    }
    if (length == 0)
        return MEGATEC_SILENT;
    if (equals(bytes, length, query))
        return MEGATEC_ECHOED;
    if (is_refusal(bytes, length))
        return MEGATEC_REFUSED;
    if (length > MEGATEC_ANSWER_MAX || (lead != '\0' && bytes[0] != lead))
        return MEGATEC_MALFORMED;
    if (form == MEGATEC_BINARY)
        return read_binary(bytes + 1, length - 1, answer) ? MEGATEC_GOOD : MEGATEC_MALFORMED;
    if (!copy_text(bytes, length, answer->text))
        return MEGATEC_MALFORMED;
    if (form == MEGATEC_TEXT)
        return MEGATEC_GOOD;
    char *fields = answer->text;
    if (lead != '\0')
        fields += fields[1] == lead ? 2 : 1;
    if (!split(answer, fields, separator_of(form)))
        return MEGATEC_MALFORMED;
    return form != MEGATEC_UNITS || drop_units(answer) ? MEGATEC_GOOD : MEGATEC_MALFORMED;
}

/* Fields ------------------------------------------------------------------------------------- */

enum megatec_number megatec_number_read(const char *field, double *number)
{
    const char *digits = field + (*field == '-' || *field == '+');

    if (field[strspn(field, "-_*.")] == '\0')
        return MEGATEC_ABSENT;
    if (digits[strspn(digits, "0123456789.")] != '\0' || !number_parse(field, number))
        return MEGATEC_WRONG;
    return MEGATEC_NUMBER;
}

bool megatec_bits_read(const char *field, unsigned count, bool bits[MEGATEC_BITS_MAX])
{
    if (count > MEGATEC_BITS_MAX || strlen(field) != count || strspn(field, "01") != count)
        return false;
    for (unsigned i = 0; i < count; i++)
        bits[i] = field[i] == '1';
    return true;
}

static bool is_filler(const char *text)
{
    static const char fillers[] = "-_#*2?. ";
    const char *filler = strchr(fillers, text[0]);

    return filler != NULL && strspn(text, (const char[]){ *filler, ' ', '\0' }) == strlen(text);
}

bool megatec_columns_read(const struct megatec_answer *answer, unsigned first, unsigned last,
                          char *out, size_t size)
{
    size_t length = strlen(answer->text);
    size_t begin = first, end = last + 1u < length ? last + 1u : length;

    while (begin < end && (answer->text[begin] == ' ' || answer->text[begin] == '#'))
        begin++;
    while (end > begin && (answer->text[end - 1] == ' ' || answer->text[end - 1] == '#'))
        end--;
    if (begin >= end || end - begin >= size)
        return false;
    memcpy(out, answer->text + begin, end - begin);
    out[end - begin] = '\0';
    return !is_filler(out);
}
