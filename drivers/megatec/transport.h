/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what carries the lines of the Q family: a serial line, or a USB bridge. A dialect knows
 * nothing of it.
 */
#ifndef UPSBRIDGE_DRIVERS_MEGATEC_TRANSPORT_H
#define UPSBRIDGE_DRIVERS_MEGATEC_TRANSPORT_H

#include "drivers/driver.h"
#include "drivers/megatec/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    MEGATEC_LINE_SILENT = -1,
    MEGATEC_LINE_GONE = -2,     /* the device must be opened anew, or the caller must stop */
    MEGATEC_LINE_OVERFLOW = -3, /* too much came, or a line did not end */
};

struct megatec_transport {
    /* Reports what is wrong with where the section says the device is. */
    bool (*check)(const struct device_settings *settings, struct config_report *report);
    /*
     * NULL with the device's problem set. *memory is the transport's own, NULL at first, until
     * forget().
     */
    void *(*open)(struct device *device, const struct megatec_options *options, void **memory);
    /* Forgets what came unasked, having waited for a pause if the last answer may still come. */
    bool (*forget_input)(void *line, bool is_late);
    /*
     * Sends a text with its CR, and reads a line without its CR: its length, or one of the above.
     * Both in timeout_ms.
     */
    ssize_t (*exchange)(void *line, const char *text, char *answer, size_t size,
                        unsigned timeout_ms);
    void (*close)(void *line);
    void (*forget)(void *memory); /* NULL: there is none */
};

extern const struct megatec_transport megatec_serial, megatec_usb;

/* What a section's port says; NULL, with a report: this build has none for it. */
const struct megatec_transport *megatec_transport_of(const struct device_settings *settings,
                                                     struct config_report *report);

#endif
