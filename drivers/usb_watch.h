/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: hears of USB devices that come: by libusb's hotplug events, and, where none come (in
 * containers without udev's), by looking at sysfs every second while somebody waits.
 *
 * One small thread serves all, from the first usb_watch_begin() to the last usb_watch_end().
 */
#ifndef UPSBRIDGE_DRIVERS_USB_WATCH_H
#define UPSBRIDGE_DRIVERS_USB_WATCH_H

#include <stdbool.h>

/* What is called in the watch's thread; the same for every call of usb_watch_begin(). */
struct usb_watcher {
    bool (*anybody_waits)(void);
    void (*arrived)(void);
};

/* False: no thread, or no libusb. */
bool usb_watch_begin(const struct usb_watcher *watcher);
void usb_watch_end(void);
/* Somebody waits from now on. Between usb_watch_begin() and usb_watch_end() only. */
void usb_watch_look(void);

#endif
