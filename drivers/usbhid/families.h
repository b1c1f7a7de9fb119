/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what the families' tables are written with. drivers/usbhid/family.c lists the families.
 */
#ifndef UPSBRIDGE_USBHID_FAMILIES_H
#define UPSBRIDGE_USBHID_FAMILIES_H

#include "drivers/usbhid/conversions.h"
#include "drivers/usbhid/device.h"
#include "drivers/usbhid/family.h"

/* Collections most trees have. */
#define SUMMARY "UPS.PowerSummary."
#define PRESENT "UPS.PowerSummary.PresentStatus."
#define BATTERY "UPS.BatterySystem.Battery."
#define CONVERTER "UPS.PowerConverter."
#define OUTLET "UPS.OutletSystem.Outlet."

/* Rows of variables: read in full polls, in each, once; what clients may set:
 * numbers, words, texts. What stands for words, and nothing else, has no function of its own. */
#define FULL(variable, path, show)                        \
    {                                                     \
        variable, path, show, ROW_FULL, false, NULL, NULL \
    }
#define QUICK(variable, path, show)                        \
    {                                                      \
        variable, path, show, ROW_QUICK, false, NULL, NULL \
    }
#define STATIC(variable, path, show)                        \
    {                                                       \
        variable, path, show, ROW_STATIC, false, NULL, NULL \
    }
#define NUMBER_RW(variable, path, show)                    \
    {                                                      \
        variable, path, show, ROW_STATIC, true, NULL, NULL \
    }
#define FULL_WORDS(variable, path, words)                  \
    {                                                      \
        variable, path, NULL, ROW_FULL, false, NULL, words \
    }
#define STATIC_WORDS(variable, path, words)                  \
    {                                                        \
        variable, path, NULL, ROW_STATIC, false, NULL, words \
    }
#define WORDS_RW(variable, path, show, words)               \
    {                                                       \
        variable, path, show, ROW_STATIC, true, NULL, words \
    }
#define TEXT_RW(variable, path, show, read)                \
    {                                                      \
        variable, path, show, ROW_STATIC, true, read, NULL \
    }
#define VARIABLES_END                                 \
    {                                                 \
        NULL, NULL, NULL, ROW_FULL, false, NULL, NULL \
    }

#define FLAGS_END                \
    {                            \
        STATUS_FLAGS, NULL, NULL \
    }

/* Rows of commands. */
#define WRITE(command, path, number)              \
    {                                             \
        command, path, WRITE_NUMBER, number, NULL \
    }
#define OFF_DELAY(command, path)                \
    {                                           \
        command, path, WRITE_OFF_DELAY, 0, NULL \
    }
#define ON_DELAY(command, path)                \
    {                                          \
        command, path, WRITE_ON_DELAY, 0, NULL \
    }
#define TEST_COMMANDS(path)                                                                \
    WRITE("test.battery.start.quick", path, 1), WRITE("test.battery.start.deep", path, 2), \
        WRITE("test.battery.stop", path, 3)
#define BEEPER_COMMANDS(path)                                          \
    WRITE("beeper.enable", path, 2), WRITE("beeper.disable", path, 1), \
        WRITE("beeper.mute", path, 3), WRITE("beeper.on", path, 2), WRITE("beeper.off", path, 1)
#define DELAY_COMMANDS(at)                                    \
    OFF_DELAY("load.off.delay", at "DelayBeforeShutdown"),    \
        ON_DELAY("load.on.delay", at "DelayBeforeStartup"),   \
        WRITE("shutdown.stop", at "DelayBeforeShutdown", -1), \
        WRITE("shutdown.reboot", at "DelayBeforeReboot", 10)
/* The generic rows of a command would do harm: the device does not offer it. */
#define WITHHELD(command)                    \
    {                                        \
        command, NULL, WRITE_NUMBER, 0, NULL \
    }
/* A command that encodes its number, or its delay, in a way of its own. */
#define ENCODED(command, path, what, number, encode) \
    {                                                \
        command, path, what, number, encode          \
    }
#define COMMANDS_END                      \
    {                                     \
        NULL, NULL, WRITE_NUMBER, 0, NULL \
    }

/* Rows of ids. */
#define ID(vendor, product, quirks)          \
    {                                        \
        vendor, product, NULL, quirks, false \
    }
#define ID_IF(vendor, product, fits, quirks) \
    {                                        \
        vendor, product, fits, quirks, false \
    }
/* ... and the vendor's products nobody has seen yet. */
#define ID_AND_UNKNOWN(vendor, product, quirks) \
    {                                           \
        vendor, product, NULL, quirks, true     \
    }
#define IDS_END              \
    {                        \
        0, 0, NULL, 0, false \
    }

/* A flag that tells that all is well denies it. */
bool is_zero(int64_t raw);
/* A generic row that binds a field to a variable it does not tell. */
row_show show_nothing;
/* A countdown; all ones, in one way or the other, is none. */
row_show show_timer;

/* Whether a descriptor has instances of collections ("Outlet.[2]"), as Eaton's trees do. */
bool has_instances(const struct hid_descriptor *descriptor);

/* The first Feature field of a path; NULL: there is none. */
struct hid_field *find_feature(struct hid_descriptor *descriptor, const char *path,
                               const struct usage_name *usages);
/* Adds a word of a model to device->model, unless it ends with it already. */
void add_to_model(struct hid_device *device, const char *word);

/* The families; drivers/usbhid/family.c puts them in order. */
extern const struct family family_apc, family_arduino, family_belkin, family_cyberpower,
    family_delta, family_ecoflow, family_ever, family_idowell, family_legrand, family_liebert,
    family_mge, family_openups, family_phoenixtec, family_powercom, family_powervar, family_salicru,
    family_tripplite;

/* Trees that several makers use. */
extern const struct usage_name mge_usages[], tripplite_usages[];
extern const struct variable_row mge_variables[], tripplite_variables[];
extern const struct status_row mge_flags[], tripplite_flags[];
extern const struct command_row mge_commands[], tripplite_commands[];
/* Completes the model by a second string, if the device has one. */
void mge_describe(struct hid_device *device);

#endif
