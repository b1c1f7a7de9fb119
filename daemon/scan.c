/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "daemon/scan.h"

#include "drivers/megatec/bridge.h"
#include "drivers/usb_device.h"
#include "drivers/usbhid/family.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FOUND_MAX 256
#define NAME_MAX_LENGTH 24

/* udev ------------------------------------------------------------------------------------------
 */

/* Whether an earlier row has named the same device. */
static bool was_named(const struct family *const *families, const struct family_id *until)
{
    for (; *families != NULL; families++) {
        for (const struct family_id *id = (*families)->ids; id->vendor_id != 0; id++) {
            if (id == until)
                return false;
            if (id->vendor_id == until->vendor_id && id->product_id == until->product_id)
                return true;
        }
    }
    return false;
}

static void print_rule(uint16_t vendor_id, uint16_t product_id, const char *group, FILE *out)
{
    fprintf(out,
            "ATTR{idVendor}==\"%04x\", ATTR{idProduct}==\"%04x\", MODE=\"0660\", "
            "GROUP=\"%s\", ATTR{power/control}=\"on\"\n",
            vendor_id, product_id, group);
}

/* bind: the kernel's own driver may have been given the device back. A sleeping UPS drops off. */
int scan_print_udev_rules(const char *group, FILE *out)
{
    uint16_t vendor_id, product_id;

    fprintf(out,
            "# Gives the group %s access to USB UPSes.\n"
            "# Made by: upsbridged --udev-rules=%s\n"
            "ACTION!=\"add|change|bind\", GOTO=\"upsbridge_end\"\n"
            "SUBSYSTEM!=\"usb\", GOTO=\"upsbridge_end\"\n"
            "ENV{DEVTYPE}!=\"usb_device\", GOTO=\"upsbridge_end\"\n",
            group, group);
    for (const struct family *const *family = family_table(); *family != NULL; family++) {
        if ((*family)->ids->vendor_id != 0)
            fprintf(out, "\n# %s\n", (*family)->name);
        for (const struct family_id *id = (*family)->ids; id->vendor_id != 0; id++) {
            if (!was_named(family_table(), id))
                print_rule(id->vendor_id, id->product_id, group, out);
        }
    }
    fprintf(out, "\n# bridges of UPSes with Q protocols\n");
    for (size_t i = 0; megatec_bridge_ids(i, &vendor_id, &product_id); i++)
        print_rule(vendor_id, product_id, group, out);
    fprintf(out, "\nLABEL=\"upsbridge_end\"\n");
    return fflush(out) == 0 && !ferror(out) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Scanning --------------------------------------------------------------------------------------
 */

struct found_device {
    struct hid_identity identity;
    char busport[32];
    char problem[256];
    const struct family *family; /* NULL: it is a bridge of a UPS with a Q protocol */
};

struct scan {
    struct found_device *devices;
    size_t count;
};

struct scan *scan_new(void)
{
    return calloc(1, sizeof(struct scan));
}

void scan_free(struct scan *scan)
{
    if (scan == NULL)
        return;
    free(scan->devices);
    free(scan);
}

/* The family by the ids alone, of a device that cannot be read. */
static const struct family *family_of_ids(const struct hid_identity *identity)
{
    for (const struct family *const *family = family_table(); *family != NULL; family++) {
        for (const struct family_id *id = (*family)->ids; id->vendor_id != 0; id++) {
            if (id->fits == NULL && id->vendor_id == identity->vendor_id &&
                id->product_id == identity->product_id)
                return *family;
        }
    }
    return NULL;
}

/* NULL: it is no UPS. */
static const struct family *family_of(const struct usb_found *found)
{
    const struct family *family = NULL;
    unsigned quirks;

    if (found->report_descriptor == NULL)
        return family_of_ids(&found->identity);
    struct hid_descriptor *descriptor =
        hid_descriptor_parse(found->report_descriptor, found->report_descriptor_length);
    if (descriptor != NULL && descriptor->field_count > 0)
        family = family_find(&found->identity, descriptor, &quirks);
    hid_descriptor_free(descriptor);
    return family;
}

void scan_add(void *context, const struct usb_found *found)
{
    struct scan *scan = context;
    struct found_device device = { .identity = found->identity, .family = family_of(found) };

    if ((device.family == NULL && megatec_framing_of(&device.identity) == NULL) ||
        scan->count == FOUND_MAX)
        return;
    struct found_device *devices =
        realloc(scan->devices, (scan->count + 1) * sizeof *scan->devices);
    if (devices == NULL)
        return;
    snprintf(device.busport, sizeof device.busport, "%s", found->place.busport);
    snprintf(device.problem, sizeof device.problem, "%s",
             found->problem == NULL ? "" : found->problem);
    scan->devices = devices;
    /* In order of their ports: libusb has none. */
    size_t at = scan->count++;
    while (at > 0 && strverscmp(devices[at - 1].busport, device.busport) > 0) {
        devices[at] = devices[at - 1];
        at--;
    }
    devices[at] = device;
}

/* Output --------------------------------------------------------------------------------------- */

static bool same_ids(const struct hid_identity *a, const struct hid_identity *b)
{
    return a->vendor_id == b->vendor_id && a->product_id == b->product_id;
}

/* Can it be told by its serial number from all others here? "000000000" tells nothing. */
static bool has_own_serial(const struct scan *scan, size_t i)
{
    const struct hid_identity *identity = &scan->devices[i].identity;

    if (identity->serial[strspn(identity->serial, "0 ")] == '\0')
        return false;
    for (size_t j = 0; j < scan->count; j++) {
        if (j != i && same_ids(&scan->devices[j].identity, identity) &&
            strcmp(scan->devices[j].identity.serial, identity->serial) == 0)
            return false;
    }
    return true;
}

static bool is_alone(const struct scan *scan, size_t i)
{
    for (size_t j = 0; j < scan->count; j++) {
        if (j != i && same_ids(&scan->devices[j].identity, &scan->devices[i].identity))
            return false;
    }
    return true;
}

/* A text as an expression that means only itself, in the quotes of ups.conf. */
static void write_expression(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (isalnum((unsigned char)*text) || strchr(" _-/:,=@", *text) != NULL)
            fputc(*text, out);
        else
            fputc('.', out);
    }
}

/* Letters, digits and hyphens of the product, else of the family: "back-ups-es-850g2". */
static void make_name(const struct found_device *device, char out[NAME_MAX_LENGTH + 1])
{
    const char *text = device->identity.product;
    size_t length = 0;

    if (!isalnum((unsigned char)*text))
        text = device->family == NULL ? "ups" : device->family->name;
    for (; *text != '\0' && length < NAME_MAX_LENGTH; text++) {
        if (strncasecmp(text, " FW:", 4) == 0)
            break;
        if (isalnum((unsigned char)*text))
            out[length++] = (char)tolower((unsigned char)*text);
        else if (length > 0 && out[length - 1] != '-')
            out[length++] = '-';
    }
    while (length > 0 && out[length - 1] == '-')
        length--;
    out[length] = '\0';
}

/* A number behind a name that others have too. */
static unsigned number_of(const struct scan *scan, size_t i)
{
    char own[NAME_MAX_LENGTH + 1], other[NAME_MAX_LENGTH + 1];
    unsigned before = 0;
    bool is_shared = false;

    make_name(&scan->devices[i], own);
    for (size_t j = 0; j < scan->count; j++) {
        make_name(&scan->devices[j], other);
        if (j == i || strcmp(own, other) != 0)
            continue;
        is_shared = true;
        before += j < i;
    }
    return is_shared ? before + 1 : 0;
}

static void write_section(const struct scan *scan, size_t i, FILE *out)
{
    const struct found_device *device = &scan->devices[i];
    const struct hid_identity *identity = &device->identity;
    unsigned number = number_of(scan, i);
    char name[NAME_MAX_LENGTH + 1];

    make_name(device, name);
    fprintf(out, "%s# %s %s, at port %s\n", i == 0 ? "" : "\n",
            identity->vendor[0] != '\0' ? identity->vendor
            : device->family == NULL    ? "(no maker)"
                                        : device->family->maker,
            identity->product[0] != '\0' ? identity->product : "(no name)", device->busport);
    if (device->problem[0] != '\0')
        fprintf(out, "# now: %s\n", device->problem);
    if (number > 0)
        fprintf(out, "[%s-%u]\n", name, number);
    else
        fprintf(out, "[%s]\n", name);
    fprintf(out,
            "    driver = %s\n"
            "    port = auto\n"
            "    vendorid = %04x\n"
            "    productid = %04x\n",
            device->family == NULL ? "nutdrv_qx" : "usbhid-ups", identity->vendor_id,
            identity->product_id);
    if (has_own_serial(scan, i)) {
        fprintf(out, "    serial = \"");
        write_expression(identity->serial, out);
        fprintf(out, "\"\n");
    } else if (!is_alone(scan, i)) {
        fprintf(out, "    busport = \"%s\"\n", device->busport);
    }
}

void scan_write(const struct scan *scan, FILE *out)
{
    if (scan->count == 0)
        fprintf(out, "# There is no USB UPS that this user can see.\n");
    for (size_t i = 0; i < scan->count; i++)
        write_section(scan, i, out);
}

#ifdef HAVE_LIBUSB
int scan_print(void)
{
    struct scan *scan = scan_new();
    bool good = scan != NULL && usb_scan(scan_add, scan);

    if (good)
        scan_write(scan, stdout);
    else
        fprintf(stderr, "upsbridged: USB is not to be had here\n");
    scan_free(scan);
    return good && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#else
int scan_print(void)
{
    fprintf(stderr, "upsbridged: --scan needs libusb, which this build was configured without "
                    "(--without-libusb)\n");
    return EXIT_FAILURE;
}
#endif
