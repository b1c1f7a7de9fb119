/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: --scan, which lists the attached USB UPSes with a section of ups.conf for each, and
 * --udev-rules, which prints what gives a group access to all that the driver's tables know.
 */
#ifndef UPSBRIDGE_DAEMON_SCAN_H
#define UPSBRIDGE_DAEMON_SCAN_H

#include <stdio.h>

struct usb_found; /* drivers/usb_device.h */
struct scan;

/* Both return the exit status. */
int scan_print(void);
int scan_print_udev_rules(const char *group, FILE *out);

/*
 * The inside of scan_print(), for tests: sections for devices as they are seen. Devices that look
 * the same are told apart by their place. NULL: out of memory.
 */
struct scan *scan_new(void);
void scan_add(void *scan, const struct usb_found *found);
void scan_write(const struct scan *scan, FILE *out);
void scan_free(struct scan *scan);

#endif
