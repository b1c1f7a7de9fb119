/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what is reckoned about the battery where the UPS does not tell: the voltage of the whole
 * from that of a cell, the charge from the voltage, the runtime from runs that were timed before.
 *
 * All of it is an estimate. With the charger on, the voltage says 100 % long before that is so.
 * Source: NUT's nutdrv_qx(8) and blazer_ser(8) for the options and their formulas.
 */
#ifndef UPSBRIDGE_DRIVERS_MEGATEC_BATTERY_H
#define UPSBRIDGE_DRIVERS_MEGATEC_BATTERY_H

#include <stdbool.h>
#include <stdint.h>

struct megatec_battery_options {
    double nominal, low, high; /* V; 0: not given */
    double packs;              /* 0: to be found out */
    bool reports_one_pack;     /* battery_voltage_reports_one_pack */
    /* runtimecal: seconds at percents of load; times[0] 0: not given */
    double times[2], loads[2];
    double charge_time; /* seconds */
    double idle_load;   /* percent */
};

/* Lives as long as the section. */
struct megatec_battery {
    double packs; /* 0: not known yet */
    /* With runtimecal: seconds at full load that are left; below 0: not begun. */
    double left;
    uint64_t reckoned; /* clock_ms(); 0: never */
};

/* Volts of the whole battery; 0: they cannot be told. nominal 0: not known. */
double megatec_battery_volts(struct megatec_battery *battery,
                             const struct megatec_battery_options *options, double told,
                             double nominal);

/* Volts of the empty and of the full battery; false: nothing is known of them. */
bool megatec_battery_limits(const struct megatec_battery_options *options, double nominal,
                            double *low, double *high);

/* Percent. */
double megatec_battery_charge(double volts, double low, double high);

/*
 * runtimecal: brings the account of what is left up to now. charge: percent the device tells or the
 * voltage says, to begin with. False: there is no runtimecal.
 */
bool megatec_battery_reckon(struct megatec_battery *battery,
                            const struct megatec_battery_options *options, double load,
                            double charge, bool on_battery, uint64_t now, double *charge_left,
                            double *runtime);

#endif
