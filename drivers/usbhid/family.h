/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what is known of a maker's devices, as data: which they are, which field is which
 * variable, which flags make the status, what commands write, and what of the descriptor has to be
 * mended. One file a family; adding a device means adding rows.
 *
 * The generic family (the standard's own paths) serves every power device; the rows of a device's
 * own family come first.
 */
#ifndef UPSBRIDGE_USBHID_FAMILY_H
#define UPSBRIDGE_USBHID_FAMILY_H

#include "drivers/usbhid/descriptor.h"
#include "drivers/usbhid/transport.h"
#include "drivers/usbhid/usages.h"

struct hid_device; /* drivers/usbhid/device.h */

/* When a variable is read. */
enum row_class {
    ROW_FULL,   /* with each full poll (pollfreq) */
    ROW_QUICK,  /* with each poll */
    ROW_STATIC, /* once after opening, and after it was written */
};

/*
 * Makes a value's text. raw is the field's raw value, physical the same in its unit. False: there
 * is nothing to publish (not set, implausible).
 */
typedef bool row_show(struct hid_device *device, const struct hid_field *field, int64_t raw,
                      double physical, char *out, size_t size);
/* The inverse, for writable rows: the raw value for a text. False: it is none that can be written.
 */
typedef bool row_read(struct hid_device *device, const struct hid_field *field, const char *text,
                      int64_t *raw);

/* What a raw value is in words, and the inverse. */
struct value_word {
    int64_t value;
    const char *word;
};

struct variable_row {
    const char *variable;
    const char *path;
    row_show *show; /* NULL: a word, or the physical value with as many decimals as it can have */
    enum row_class class;
    bool writable;
    row_read *read;                 /* NULL: one of the words, or a number in the field's unit */
    const struct value_word *words; /* ended by a NULL word; NULL: it has none */
};

/* What a flag means; composed into ups.status and ups.alarm by drivers/usbhid/status.h. */
enum status_flag {
    FLAG_ONLINE,
    FLAG_DISCHARGING,
    FLAG_CHARGING,
    FLAG_LOW_BATTERY,
    FLAG_TIME_LIMIT_EXPIRED,
    FLAG_SHUTDOWN_IMMINENT,
    FLAG_OVERLOAD,
    FLAG_REPLACE_BATTERY,
    FLAG_BATTERY_PRESENT,
    FLAG_FULLY_CHARGED,
    FLAG_DEPLETED,
    FLAG_BOOST,
    FLAG_TRIM,
    FLAG_BYPASS_AUTO,
    FLAG_BYPASS_MANUAL,
    FLAG_ECO,
    FLAG_OFF,
    FLAG_CALIBRATING,
    FLAG_TEST_RUNNING,
    FLAG_OVER_TEMPERATURE,
    FLAG_INTERNAL_FAILURE,
    FLAG_COMMUNICATION_LOST,
    FLAG_AWAITING_POWER,
    FLAG_FAN_FAILURE,
    FLAG_CHARGER_FAILURE,
    FLAG_BATTERY_VOLTAGE_HIGH,
    FLAG_BATTERY_VOLTAGE_LOW,
    FLAG_INPUT_VOLTAGE_BAD,
    FLAG_INPUT_FREQUENCY_BAD,
    STATUS_FLAGS,
};

struct status_row {
    enum status_flag flag;
    const char *path;
    /* NULL: not 0 sets the flag. Otherwise whether the raw value sets it. */
    bool (*holds)(int64_t raw);
};

/*
 * What an instant command writes. Of the rows of one command the first whose field exists is taken.
 * load.off and load.on (with no delay), shutdown.return and shutdown.stayoff are made of the delays
 * where a family has no rows of its own for them.
 */
struct command_row {
    const char *command;
    const char *path; /* NULL: the device is not to have the command */
    /* The number below, or a delay in seconds: what the client gives, else the device's own. */
    enum { WRITE_NUMBER, WRITE_OFF_DELAY, WRITE_ON_DELAY } what;
    double number;
    /* The raw value for the number; NULL: by the field's unit, delays rounded up. */
    int64_t (*encode)(const struct hid_device *device, double number);
};

struct family_id {
    uint16_t vendor_id, product_id;
    /* NULL: always. Otherwise a look at what else is known (ids that several makers use). */
    bool (*fits)(const struct hid_identity *identity, const struct hid_descriptor *descriptor);
    unsigned quirks;  /* of this very device: the family's own bits and HID_QUIRK_* */
    bool any_product; /* the vendor's other products are taken for such a one too */
};

/* Quirks every family shares; a family's own begin at HID_QUIRK_OWN. */
enum {
    HID_QUIRK_POLL_ONLY = 1u << 0,        /* nothing to be had on the interrupt pipe */
    HID_QUIRK_INPUT_ONLY = 1u << 1,       /* GET_REPORT is not answered */
    HID_QUIRK_LARGE_READS = 1u << 3,      /* ask for more bytes than the report has */
    HID_QUIRK_IMMINENT_LIES = 1u << 4,    /* ShutdownImminent alone is no low battery */
    HID_QUIRK_DISCHARGE_IS_OB = 1u << 5,  /* DISCHRG on line means on battery, if levels fall */
    HID_QUIRK_DISCHARGE_IS_CAL = 1u << 6, /* ... means calibration */
    HID_QUIRK_FLICKERS = 1u << 7, /* a flag of a bad battery counts once it has held for a while */
    HID_QUIRK_OWN = 1u << 16,
};

struct family {
    const char *name;            /* "apc" */
    const char *maker;           /* for ups.mfr if the device has no string */
    uint16_t page;               /* of a tree that is not the power device page's; 0: none such */
    const struct family_id *ids; /* ended by vendor_id 0 */
    const struct usage_name *usages;      /* may be NULL */
    const struct variable_row *variables; /* ended by a NULL variable */
    const struct status_row *flags;       /* ended by a NULL path */
    const struct command_row *commands;   /* ended by a NULL command */
    unsigned off_delay, on_delay;         /* seconds, unless configured */
    /* Mends the parsed descriptor, before family_repair_common(); may be NULL. */
    void (*repair)(struct hid_descriptor *descriptor, const struct hid_identity *identity,
                   unsigned quirks);
    /* Splits and cleans vendor, product, serial strings and firmware; may be NULL. */
    void (*describe)(struct hid_device *device);
};

/*
 * The family of a device; the generic one if nobody else claims it. NULL: no power device. Rows
 * with fits come before those without: of the rows of all families that name the ids, the first
 * that fits, in this order.
 */
const struct family *family_find(const struct hid_identity *identity,
                                 const struct hid_descriptor *descriptor, unsigned *quirks);
/* What is mended in every descriptor: units that no device can mean, top collections of other
 * names.
 */
void family_repair_common(struct hid_descriptor *descriptor);
/* All of them, NULL-ended, the generic one last: for udev rules, --scan and tests. */
const struct family *const *family_table(void);
extern const struct family family_generic;

#endif
