/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: how USB bridges carry the lines of the Q family: as reports of a HID interface, or as
 * string descriptors whose number is the question. A row of a table is a kind of bridge, by the
 * name that NUT's subdriver option has for it.
 * Source: NUT's lists of devices for ids and names; HID 1.11 and USB 2.0 chapter 9 for the rest.
 */
#ifndef UPSBRIDGE_DRIVERS_MEGATEC_BRIDGE_H
#define UPSBRIDGE_DRIVERS_MEGATEC_BRIDGE_H

#include "drivers/usbhid/transport.h"

#include <stdbool.h>

struct megatec_framing;

/* By the name of the subdriver, without regard to case; NULL: there is none. */
const struct megatec_framing *megatec_framing_find(const char *name);
/* By ids and names; NULL: it is not known as a bridge. */
const struct megatec_framing *megatec_framing_of(const struct hid_identity *identity);
/* The ids of the known bridges, from 0 on; false: there are no more. */
bool megatec_bridge_ids(size_t position, uint16_t *vendor_id, uint16_t *product_id);
/* Bytes of the longest report that answers come in; 0: they come as strings. */
size_t megatec_framing_input(const struct megatec_framing *framing);

/*
 * Sends a text with its CR, and reads a line without its CR, in timeout_ms: as exchange() of
 * drivers/megatec/transport.h.
 */
ssize_t megatec_bridge_exchange(const struct megatec_framing *framing,
                                const struct hid_transport *usb, const char *text, char *answer,
                                size_t size, unsigned timeout_ms);
/* Throws away what has come; waits for a pause if more may come. False: it is gone. */
bool megatec_bridge_forget(const struct megatec_framing *framing, const struct hid_transport *usb,
                           bool is_late);

#endif
