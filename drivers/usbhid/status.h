/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: makes ups.status, ups.alarm and input.transfer.reason of flags. A pure function: what is
 * not known is neither on battery nor low.
 * Source: USB usage tables for power devices, and the field's experience that facts demand: LB
 * needs more than a vendor flag known to lie; OFF counts after it held for a while.
 */
#ifndef UPSBRIDGE_USBHID_STATUS_H
#define UPSBRIDGE_USBHID_STATUS_H

#include "drivers/usbhid/family.h"

#include <stddef.h>
#include <stdint.h>

struct flag_set {
    uint64_t known; /* flags the device tells: bit number enum status_flag */
    uint64_t set;   /* of these, those that hold */
};

struct status_evidence {
    struct flag_set flags;
    unsigned quirks; /* HID_QUIRK_* */
    bool has_charge, has_runtime, has_low_charge, has_low_runtime;
    double charge, runtime, low_charge, low_runtime;
    bool user_low_charge; /* low_charge was set by the user: it decides LB by itself */
    bool off_settled;     /* FLAG_OFF has held long enough to be believed */
};

/* "OL CHRG" etc.; at least one word always ("WAIT" if nothing is known). */
void status_compose(const struct status_evidence *evidence, char *out, size_t size);
/* "[Replace battery!] [Overload]"; "" if nothing is wrong. */
void status_alarms(const struct status_evidence *evidence, char *out, size_t size);

#endif
