/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: names of usages, and paths as text: "UPS.PowerSummary.PresentStatus.ACPresent",
 * "UPS.OutletSystem.Outlet.[2].OutletID"; a usage without a name is eight hexadecimal digits.
 * Source: the HID usage tables for power devices, and vendors' pages as far as they are known.
 */
#ifndef UPSBRIDGE_USBHID_USAGES_H
#define UPSBRIDGE_USBHID_USAGES_H

#include "drivers/usbhid/descriptor.h"

struct usage_name {
    const char *name;
    hid_usage usage;
};

/*
 * Reads a path. Names are looked up in vendor (a family's own table, ended by a NULL name; may be
 * NULL), then among the standard ones. False: a name nobody knows, or too many of them.
 */
bool hid_path_parse(struct hid_path *path, const char *text, const struct usage_name *vendor);
/* Writes a path, cut to fit. */
void hid_path_print(const struct hid_path *path, const struct usage_name *vendor, char *out,
                    size_t size);
bool hid_path_equal(const struct hid_path *a, const struct hid_path *b);

#endif
