/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: one HID UPS without its cable: descriptor, family, reports and status put together into
 * NUT's variables and commands. Knows no libusb and no worker; tests run it on recorded reports.
 */
#ifndef UPSBRIDGE_USBHID_DEVICE_H
#define UPSBRIDGE_USBHID_DEVICE_H

#include "core/update.h"
#include "core/ups.h"
#include "drivers/driver.h"
#include "drivers/usbhid/family.h"
#include "drivers/usbhid/reports.h"
#include "drivers/usbhid/transport.h"

/* What the section says that this layer needs. */
struct hid_options {
    unsigned off_delay, on_delay;           /* offdelay, ondelay: seconds; UINT_MAX: the family's */
    unsigned low_charge;                    /* lowbatt: percent; 0: not given */
    bool poll_only, input_only;             /* pollonly, interruptonly */
    bool discharge_is_ob, discharge_is_cal; /* onlinedischarge_onbattery, _calibration */
    bool keep_descriptor;                   /* disable_fix_report_desc */
    bool powercom_swapped;                  /* powercom_sdcmd_byte_order_fallback */
};

/* Memory of a family for one device (a scale found once, and the like). */
#define HID_FAMILY_NUMBERS 4

struct hid_device {
    struct hid_identity identity;
    struct hid_options options;
    const struct hid_transport *transport;
    const struct family *family;
    unsigned quirks;
    struct hid_descriptor *descriptor;
    struct hid_reports *reports;
    /* What the family makes of the strings; shown as ups.mfr, ups.model, ups.serial,
     * ups.firmware... */
    char vendor[128], model[128], serial[128], firmware[64], firmware_aux[64];
    double family_numbers[HID_FAMILY_NUMBERS];
    char problem[160];
    uint64_t (*clock)(void); /* milliseconds; clock_ms(), but for tests */
    struct hid_plan *plan;   /* rows bound to fields; drivers/usbhid/plan.h */
};

/*
 * Parses, finds the family, mends, binds rows to fields. The transport must outlive the result.
 * NULL with a text in problem: no power device, or a descriptor that cannot be used, or out of
 * memory.
 */
struct hid_device *hid_device_new(const struct hid_identity *identity,
                                  const struct hid_options *options, const uint8_t *descriptor,
                                  size_t descriptor_length, const struct hid_transport *transport,
                                  char problem[160]);
void hid_device_free(struct hid_device *device);

/* HID_OK: update tells all (POLL_FULL) or what is quick. HID_BROKEN or HID_TIMED_OUT: it must be
 * opened anew; HID_STALLED: this poll was of no use, the next may be. problem says why. */
enum hid_result hid_device_poll(struct hid_device *device, enum poll_kind kind,
                                struct update *update);

/* An input report has come: true if it changes what is published at once (the next quick poll). */
bool hid_device_take_input(struct hid_device *device, const uint8_t *bytes, size_t length);

enum ups_outcome hid_device_command(struct hid_device *device, const char *name,
                                    const char *parameter, struct update *update);
enum ups_outcome hid_device_set(struct hid_device *device, const char *name, const char *value,
                                struct update *update);

/* Puts what clients have set (delays, the limit of charge) into options, so that it outlasts the
 * device's being opened anew. */
void hid_device_keep_settings(const struct hid_device *device, struct hid_options *options);

/* For families: a field's value by path (rows' spelling), as it is in this poll; keep: it never
 * changes, so that what was read before is good enough. False: there is none. field may be NULL. */
bool hid_device_raw(struct hid_device *device, const char *path, bool keep, int64_t *raw,
                    const struct hid_field **field);
bool hid_device_number(struct hid_device *device, const char *path, bool keep, double *physical);

#endif
