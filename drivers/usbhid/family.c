/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/family.h"

#include "drivers/usbhid/families.h"

#include <stdio.h>
#include <string.h>

static const struct family *const families[] = {
    &family_apc,
    &family_cyberpower,
    &family_mge,
    &family_tripplite,
    &family_belkin,
    &family_liebert,
    &family_powercom,
    &family_delta,
    &family_legrand,
    &family_salicru,
    &family_ever,
    &family_idowell,
    &family_ecoflow,
    &family_openups,
    &family_powervar,
    &family_phoenixtec,
    &family_arduino,
    &family_generic,
    NULL,
};

const struct family *const *family_table(void)
{
    return families;
}

/* Finding ------------------------------------------------------------------------------------ */

static bool has_page(const struct hid_descriptor *descriptor, uint16_t page)
{
    for (size_t i = 0; page != 0 && i < descriptor->field_count; i++) {
        if (descriptor->fields[i].path.usages[0] >> 16 == page)
            return true;
    }
    return false;
}

static bool is_its_device(const struct family *family, const struct hid_descriptor *descriptor)
{
    return hid_descriptor_is_power_device(descriptor) || has_page(descriptor, family->page);
}

enum pass { PASS_FITTING, PASS_EXACT, PASS_VENDOR, PASSES };

static bool id_matches(const struct family_id *id, enum pass pass,
                       const struct hid_identity *identity, const struct hid_descriptor *descriptor)
{
    if (id->vendor_id != identity->vendor_id)
        return false;
    if (pass == PASS_VENDOR)
        return id->any_product;
    if (id->product_id != identity->product_id || (id->fits != NULL) != (pass == PASS_FITTING))
        return false;
    return id->fits == NULL || id->fits(identity, descriptor);
}

const struct family *family_find(const struct hid_identity *identity,
                                 const struct hid_descriptor *descriptor, unsigned *quirks)
{
    *quirks = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        for (size_t i = 0; families[i] != NULL; i++) {
            const struct family_id *id = families[i]->ids;

            while (id->vendor_id != 0 && !id_matches(id, (enum pass)pass, identity, descriptor))
                id++;
            if (id->vendor_id == 0 || !is_its_device(families[i], descriptor))
                continue;
            *quirks = id->quirks;
            return families[i];
        }
    }
    return hid_descriptor_is_power_device(descriptor) ? &family_generic : NULL;
}

/* For the families --------------------------------------------------------------------------- */

bool has_instances(const struct hid_descriptor *descriptor)
{
    for (size_t i = 0; i < descriptor->field_count; i++) {
        const struct hid_path *path = &descriptor->fields[i].path;

        for (uint8_t j = 0; j < path->length; j++) {
            if (path->usages[j] >> 16 == HID_INSTANCE(0) >> 16 && (path->usages[j] & 0xffff) != 0)
                return true;
        }
    }
    return false;
}

struct hid_field *find_feature(struct hid_descriptor *descriptor, const char *path,
                               const struct usage_name *usages)
{
    struct hid_path parsed;

    if (!hid_path_parse(&parsed, path, usages))
        return NULL;
    return hid_descriptor_find(descriptor, &parsed, HID_FEATURE, NULL);
}

void add_to_model(struct hid_device *device, const char *word)
{
    size_t length = strlen(device->model);
    size_t word_length = strlen(word);

    if (word_length == 0 ||
        (length >= word_length && strcmp(device->model + length - word_length, word) == 0))
        return;
    snprintf(device->model + length, sizeof device->model - length, "%s%s", length == 0 ? "" : " ",
             word);
}

/* Repairs that no device can suffer from ----------------------------------------------------- */

#define USAGE_UPS 0x00840004
#define USAGE_POWER_SUPPLY 0x00840005
#define UNIT_VOLT 0x00f0d121
#define UNIT_HERTZ 0x0000f001
#define UNIT_AMPERE 0x00100001
/* Exponent with which a tenth is written. */
#define TENTH_VOLT 6
#define TENTH (-1)

/*
 * Volts of which 65535 are not one, and steps of ten hertz or ten amperes: firmwares that write
 * exponent 1 mean tenths (Tripp Lite SMART1500LCDT, Legrand Keor, Liebert PSA, Minuteman; NUT
 * issues 414 and 3540, and its factors for these models). An exponent of -1 without HID's base of 7
 * means the same.
 */
static void mend_exponent(struct hid_field *field)
{
    if (field->unit == UNIT_VOLT && field->bit_size <= 16 && field->exponent <= 1)
        field->exponent = field->exponent < 0 || field->exponent == 1 ? TENTH_VOLT : 7;
    else if ((field->unit == UNIT_HERTZ || field->unit == UNIT_AMPERE) && field->exponent == 1)
        field->exponent = TENTH;
}

/* A power supply, or a summary at the top, has what a UPS has: rows speak of a UPS. */
static void mend_path(struct hid_path *path)
{
    hid_usage top = path->usages[0];

    if (path->length < 2 || top >> 16 != USAGE_UPS >> 16 || top == USAGE_UPS)
        return;
    if (top == USAGE_POWER_SUPPLY) {
        path->usages[0] = USAGE_UPS;
    } else if (path->length < HID_PATH_MAX) {
        memmove(path->usages + 1, path->usages, path->length * sizeof path->usages[0]);
        path->usages[0] = USAGE_UPS;
        path->length++;
    }
}

void family_repair_common(struct hid_descriptor *descriptor)
{
    for (size_t i = 0; i < descriptor->field_count; i++) {
        mend_exponent(&descriptor->fields[i]);
        mend_path(&descriptor->fields[i].path);
    }
}
