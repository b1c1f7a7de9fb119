/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: parses a HID report descriptor into the fields of its reports. Total: any bytes give
 * either fields or an error, in bounded time and memory.
 *
 * Repairs nothing by itself: what real firmwares get wrong is mended by rows of the families
 * (drivers/usbhid/family.h) on the parsed fields.
 * Source: USB HID 1.11 sections 5.3, 6.2.2; Universal Serial Bus Usage Tables for HID Power Devices
 * 1.1.
 */
#ifndef UPSBRIDGE_USBHID_DESCRIPTOR_H
#define UPSBRIDGE_USBHID_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bounds. A descriptor beyond them is refused. */
#define HID_DESCRIPTOR_MAX 16384 /* bytes */
#define HID_FIELDS_MAX 4096      /* fields of all reports */
#define HID_PATH_MAX 12          /* usages of a path, instance numbers included */
#define HID_REPORT_MAX 1024      /* bytes of a report, its number included */
/* Where the elements of an item outnumber its usages, the last usage is that of all that are left;
 * so many of these are fields, of the rest only the place is kept. */
#define HID_REPEATS_MAX 64

enum hid_report_type { HID_INPUT = 1, HID_OUTPUT = 2, HID_FEATURE = 3 };
#define HID_REPORT_TYPES 3

/*
 * A usage with its page: page << 16 | id. In paths, HID_INSTANCE(n) follows the usage of a
 * collection of type 0x80 + n ("Outlet.[2]"), and 0 stands for a collection without a usage.
 */
typedef uint32_t hid_usage;
#define HID_INSTANCE(number) (UINT32_C(0x00ff0000) | (number))

/* A field whose path has no room here is left out, its place in the report is kept. */
struct hid_path {
    uint8_t length;
    hid_usage usages[HID_PATH_MAX]; /* of the collections from the outside, then of the field */
};

struct hid_field {
    enum hid_report_type type;
    uint8_t report;      /* its number; 0 if the device numbers none */
    uint16_t bit_offset; /* behind the report's number */
    uint8_t bit_size;    /* 1 to 32; wider fields (strings of bytes) are left out */
    uint16_t flags;      /* of the main item: bit 0 constant, bit 1 variable ... Constant tells
                            nothing: makers mark what is measured so */
    struct hid_path path;
    /* As written, read as signed numbers of the items' own sizes (see hid_logical_range()). */
    int32_t logical_minimum, logical_maximum;
    uint8_t logical_maximum_size; /* bytes of the item: 1, 2 or 4 */
    int32_t physical_minimum, physical_maximum;
    int8_t exponent; /* of the unit, -8 to 7 */
    uint32_t unit;   /* as written: 0x00f0d121 is volt */
};

struct hid_descriptor {
    bool numbered; /* reports begin with their numbers */
    struct hid_field *fields;
    size_t field_count;
    /* Bytes of each report, its number included; 0: there is none. [type - 1][number] */
    uint16_t report_sizes[HID_REPORT_TYPES][256];
    char problem[96]; /* why it was refused */
};

/*
 * NULL: out of memory. If the bytes are no usable descriptor, problem is not empty and there are no
 * fields; a descriptor that ends in the middle keeps what came before and has a problem too only if
 * there was nothing.
 */
struct hid_descriptor *hid_descriptor_parse(const uint8_t *bytes, size_t length);
void hid_descriptor_free(struct hid_descriptor *descriptor);

/* Is this a power device: a field below an application collection of page 0x84 or 0x85? */
bool hid_descriptor_is_power_device(const struct hid_descriptor *descriptor);

/*
 * The first field with this path, of the type wanted (0: Feature, else Input). NULL: none. Paths
 * are not unique; start with *from = 0 to go through all of them, it is moved behind what was
 * found (its number tells nothing else); from may be NULL.
 */
struct hid_field *hid_descriptor_find(struct hid_descriptor *descriptor,
                                      const struct hid_path *path, enum hid_report_type type,
                                      size_t *from);

#endif
