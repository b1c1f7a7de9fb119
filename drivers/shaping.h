/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what happens to every batch between driver and store, for all drivers alike: override.*
 * and default.*, ignorelb, the ALARM word, device.* as the twin of ups.*, and driver.*.
 *
 * - override.X = v: X is v from the start and never changes. default.X = v: X is v until the driver
 *   tells otherwise.
 * - ignorelb: LB from the device is dropped; LB is set when battery.charge < battery.charge.low or
 *   battery.runtime < battery.runtime.low (as NUT does: whole numbers).
 * - ups.status begins with ALARM while ups.alarm is not empty.
 * - device.mfr, .model and .serial are ups.mfr, .model and .serial unless the driver tells them;
 *   an override of one of ups.* counts for its device.* too, unless that has an override itself.
 *   device.type is "ups" unless told.
 * - driver.name, driver.version, driver.version.internal, driver.parameter.*, driver.flag.* are as
 *   NUT publishes them. Our drivers have no versions of their own, so both versions are upsbridge's.
 */
#ifndef UPSBRIDGE_DRIVERS_SHAPING_H
#define UPSBRIDGE_DRIVERS_SHAPING_H

#include "core/settings.h"
#include "core/update.h"

struct shaping;

/* settings must outlive the result. NULL: out of memory. */
struct shaping *shaping_new(const struct device_settings *settings, const char *version);
void shaping_free(struct shaping *shaping);

/* What is published before the first poll: driver.*, defaults and overrides. */
void shaping_begin(struct shaping *shaping, struct update *out);

/* Appends to out what becomes of in. in->complete carries over, with all of shaping_begin() kept.
 */
void shaping_apply(struct shaping *shaping, const struct update *in, struct update *out);

#endif
