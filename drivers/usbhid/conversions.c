/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/conversions.h"

#include "core/variables.h"
#include "drivers/usbhid/device.h"
#include "drivers/usbhid/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define UNIT_AMPERE_SECOND 0x00101001
#define DECIMALS_MAX 6
/* What a double tells exactly. */
#define WHOLE_MAX 9007199254740992.0

const struct value_word words_yes_no[] = { { 1, "yes" }, { 0, "no" }, { 0, NULL } };
const struct value_word words_enabled[] = { { 1, "enabled" }, { 0, "disabled" }, { 0, NULL } };
const struct value_word words_beeper[] = {
    { 1, "disabled" }, { 2, "enabled" }, { 3, "muted" }, { 0, NULL }
};
const struct value_word words_test[] = {
    { 1, "Done and passed" }, { 2, "Done and warning" },  { 3, "Done and error" }, { 4, "Aborted" },
    { 5, "In progress" },     { 6, "No test initiated" }, { 7, "Test scheduled" }, { 0, NULL },
};

static bool copy(const char *text, char *out, size_t size)
{
    int length = snprintf(out, size, "%s", text);

    return length > 0 && (size_t)length < size;
}

/* printf() would take the locale's decimal point. */
bool show_decimals(double number, unsigned decimals, char *out, size_t size)
{
    unsigned long long power = 1;

    if (decimals > DECIMALS_MAX)
        decimals = DECIMALS_MAX;
    for (unsigned i = 0; i < decimals; i++)
        power *= 10;
    double scaled = round(fabs(number) * (double)power);
    if (!(scaled < WHOLE_MAX))
        return false;
    unsigned long long digits = (unsigned long long)scaled;
    const char *sign = number < 0 && digits != 0 ? "-" : "";
    int length = decimals == 0 ? snprintf(out, size, "%s%llu", sign, digits)
                               : snprintf(out, size, "%s%llu.%0*llu", sign, digits / power,
                                          (int)decimals, digits % power);

    return length > 0 && (size_t)length < size;
}

/* Numbers ------------------------------------------------------------------------------------ */

bool show_raw(struct hid_device *device, const struct hid_field *field, int64_t raw,
              double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)physical;
    return show_decimals((double)raw, 0, out, size);
}

bool show_whole(struct hid_device *device, const struct hid_field *field, int64_t raw,
                double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)raw;
    return show_decimals(physical, 0, out, size);
}

bool show_tenth(struct hid_device *device, const struct hid_field *field, int64_t raw,
                double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)physical;
    return show_decimals((double)raw / 10, 1, out, size);
}

bool show_percent_as_factor(struct hid_device *device, const struct hid_field *field, int64_t raw,
                            double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)physical;
    return show_decimals((double)raw / 100, 2, out, size);
}

bool show_ampere_hours(struct hid_device *device, const struct hid_field *field, int64_t raw,
                       double physical, char *out, size_t size)
{
    int64_t mode;

    (void)raw;
    if (field->unit != UNIT_AMPERE_SECOND)
        return false;
    /* Old APC models count percent under this unit: CapacityMode 2. */
    if (hid_device_raw(device, "UPS.PowerSummary.CapacityMode", true, &mode, NULL) && mode == 2 &&
        physical < 1)
        return false;
    return show_decimals(physical, 2, out, size);
}

bool show_low_limit(struct hid_device *device, const struct hid_field *field, int64_t raw,
                    double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)raw;
    return physical > 0 && physical < 95 && show_decimals(physical, 0, out, size);
}

/* Texts -------------------------------------------------------------------------------------- */

bool show_string(struct hid_device *device, const struct hid_field *field, int64_t raw,
                 double physical, char *out, size_t size)
{
    const struct hid_transport *transport = device->transport;

    (void)field;
    (void)physical;
    if (raw < 1 || raw > UINT8_MAX || transport->get_string == NULL || size == 0)
        return false;
    out[0] = '\0';
    if (transport->get_string(transport->state, (uint8_t)raw, out, size) != HID_OK)
        return false;
    size_t length = strnlen(out, size - 1);
    while (length > 0 && out[length - 1] == ' ')
        length--;
    out[length] = '\0';
    return length > 0;
}

bool show_word(const struct value_word *table, int64_t raw, char *out, size_t size)
{
    for (; table->word != NULL; table++) {
        if (table->value == raw)
            return copy(table->word, out, size);
    }
    return false;
}

bool read_word(const struct value_word *table, const char *text, int64_t *raw)
{
    for (; table->word != NULL; table++) {
        if (strcasecmp(table->word, text) == 0) {
            *raw = table->value;
            return true;
        }
    }
    return false;
}

bool show_yes_no(struct hid_device *device, const struct hid_field *field, int64_t raw,
                 double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)physical;
    return copy(raw != 0 ? "yes" : "no", out, size);
}

bool show_on_off(struct hid_device *device, const struct hid_field *field, int64_t raw,
                 double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)physical;
    return copy(raw != 0 ? "on" : "off", out, size);
}

bool show_enabled(struct hid_device *device, const struct hid_field *field, int64_t raw,
                  double physical, char *out, size_t size)
{
    (void)device;
    (void)field;
    (void)physical;
    return copy(raw != 0 ? "enabled" : "disabled", out, size);
}

/* Dates -------------------------------------------------------------------------------------- */

bool show_date(struct hid_device *device, const struct hid_field *field, int64_t raw,
               double physical, char *out, size_t size)
{
    char text[11];

    (void)device;
    (void)field;
    (void)physical;
    return hid_date_text(raw, text) && copy(text, out, size);
}

static bool bcd(int64_t digits, int *number)
{
    int tens = (int)(digits >> 4 & 0x0f);
    int ones = (int)(digits & 0x0f);

    *number = tens * 10 + ones;
    return tens <= 9 && ones <= 9;
}

bool show_bcd_date(struct hid_device *device, const struct hid_field *field, int64_t raw,
                   double physical, char *out, size_t size)
{
    int year, month, day;

    (void)device;
    (void)field;
    (void)physical;
    /* Set at the factory: no battery was ever replaced. */
    if (raw == 0x092501 || raw == 0x010101)
        return false;
    if (!bcd(raw, &year) || !bcd(raw >> 8, &day) || !bcd(raw >> 16, &month) || raw >> 24 != 0)
        return false;
    year += year >= 70 ? 1900 : 2000;
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    return snprintf(out, size, "%04d/%02d/%02d", year, month, day) < (int)size;
}

bool read_date(struct hid_device *device, const struct hid_field *field, const char *text,
               int64_t *raw)
{
    char canonical[11];
    int year, month, day, used = 0;

    (void)device;
    (void)field;
    if (sscanf(text, "%4d/%2d/%2d%n", &year, &month, &day, &used) != 3 || text[used] != '\0')
        return false;
    if (year < 1980 || year > 1980 + 127 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    *raw = (int64_t)(year - 1980) << 9 | (int64_t)month << 5 | day;
    return hid_date_text(*raw, canonical);
}
