/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/megatec/battery.h"

#include <math.h>
#include <stddef.h>

#define CELL_VOLTS_MAX 3.0 /* of lead: anything below is one cell */
#define CELL_VOLTS 2.0
#define BLOCK_VOLTS 12.0

static const double pack_counts[] = { 120, 100, 80, 60, 48, 36, 30, 24, 18,
                                      12,  8,   6,  4,  3,  2,  1,  0.5 };

static bool fits(double volts, double nominal)
{
    return volts >= 0.8 * nominal && volts <= 1.25 * nominal + 0.001;
}

/* What is told is of a cell, of a block, or of anything that makes the nominal voltage. */
static double guess_packs(double told, double nominal)
{
    double cells = nominal / CELL_VOLTS, blocks = nominal / BLOCK_VOLTS;

    if (fits(told, nominal))
        return 1;
    if (told < CELL_VOLTS_MAX && fits(told * cells, nominal))
        return cells;
    if (blocks >= 2 && fits(told * blocks, nominal))
        return blocks;
    for (size_t i = 0; i < sizeof pack_counts / sizeof pack_counts[0]; i++) {
        if (fits(told * pack_counts[i], nominal))
            return pack_counts[i];
    }
    return 0;
}

double megatec_battery_volts(struct megatec_battery *battery,
                             const struct megatec_battery_options *options, double told,
                             double nominal)
{
    if (options->packs > 0)
        battery->packs = options->packs;
    else if (battery->packs <= 0 && nominal > 0 && told > 0)
        battery->packs = guess_packs(told, nominal);
    if (battery->packs > 0)
        return told * battery->packs;
    /* A cell's voltage is none of a battery, and without the nominal one there is no telling. */
    return told < CELL_VOLTS_MAX ? 0 : told;
}

bool megatec_battery_limits(const struct megatec_battery_options *options, double nominal,
                            double *low, double *high)
{
    *low = options->low > 0 ? options->low : nominal * 104.0 / 120.0;
    *high = options->high > 0 ? options->high : nominal * 130.0 / 120.0;
    return *low > 0 && *high > *low;
}

double megatec_battery_charge(double volts, double low, double high)
{
    double charge = 100.0 * (volts - low) / (high - low);

    return charge < 0 ? 0 : charge > 100 ? 100 : charge;
}

bool megatec_battery_reckon(struct megatec_battery *battery,
                            const struct megatec_battery_options *options, double load,
                            double charge, bool on_battery, uint64_t now, double *charge_left,
                            double *runtime)
{
    if (options->times[0] <= 0)
        return false;
    double exponent =
        log(options->times[1] / options->times[0]) / log(options->loads[0] / options->loads[1]);
    double nominal = options->times[0] * pow(options->loads[0] / 100.0, exponent);
    double drain = pow((load > options->idle_load ? load : options->idle_load) / 100.0, exponent);

    if (battery->reckoned == 0) {
        battery->left = nominal * charge / 100.0;
    } else {
        double span = (double)(now - battery->reckoned) / 1000.0;

        battery->left += on_battery ? -span * drain : span * nominal / options->charge_time;
    }
    if (battery->left < 0)
        battery->left = 0;
    if (battery->left > nominal)
        battery->left = nominal;
    battery->reckoned = now;
    *charge_left = 100.0 * battery->left / nominal;
    *runtime = battery->left / drain;
    return true;
}
