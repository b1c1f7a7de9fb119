/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the reports of one device as last read: each is asked for once a poll, however many
 * variables live in it; what the device sends unasked counts as read; what it refuses (a report it
 * never gave at once, any other after three refusals in a row) is asked for again only after many
 * polls.
 *
 * An answer that is another report, or all zeros, is asked for once more. Three time-outs in a row
 * break the connection; but a device may be silent on what it does not know, so the third question
 * is one that it has answered before. Shorter and longer answers serve the fields they hold.
 * Feature and Input reports of one number are different reports.
 */
#ifndef UPSBRIDGE_USBHID_REPORTS_H
#define UPSBRIDGE_USBHID_REPORTS_H

#include "drivers/usbhid/descriptor.h"
#include "drivers/usbhid/transport.h"

struct hid_reports;

/* Both must outlive the result. NULL: out of memory. A transport without get_report or set_report
 * is one whose device refuses them all. */
struct hid_reports *hid_reports_new(struct hid_descriptor *descriptor,
                                    const struct hid_transport *transport);
void hid_reports_free(struct hid_reports *reports);

/* A new poll: reports of before are asked for anew when they are needed. */
void hid_reports_begin(struct hid_reports *reports);

/* The transport is broken, or too many time-outs in a row: nothing more can be read, ever. */
bool hid_reports_broken(const struct hid_reports *reports);

/*
 * The raw value of a field now: asks for its report if that was not read in this poll. keep: what
 * an earlier poll has read is good enough. HID_OK, or why not. What cannot be asked for but has
 * come unasked is what came last. The field need not be one of the descriptor's: any bits of a
 * declared report can be read.
 */
enum hid_result hid_reports_value(struct hid_reports *reports, const struct hid_field *field,
                                  bool keep, int64_t *raw);

/* A field's report is asked for in the next poll even if it was refused. */
void hid_reports_insist(struct hid_reports *reports, const struct hid_field *field);

/* Takes an input report as it came. False: it is none of the descriptor's. */
bool hid_reports_take_input(struct hid_reports *reports, const uint8_t *bytes, size_t length);

/*
 * Writes a field: reads its report first so that the other fields keep their values, writes it, and
 * reads it back. *written is what the device says then; raw, if it cannot be asked. A report that
 * cannot be read is written only if it holds nothing else. HID_SHORT: the number does not fit the
 * field, or the device's report does not reach so far.
 */
enum hid_result hid_reports_write(struct hid_reports *reports, const struct hid_field *field,
                                  int64_t raw, int64_t *written);

/*
 * Every answer so far was all zeros but for its number. Some firmwares (boards with a HID library)
 * answer so always, and tell the truth only unasked: zeros of theirs are no readings. What came
 * unasked is not overwritten by such zeros.
 */
bool hid_reports_only_zeros(const struct hid_reports *reports);
/* Has any answer held something else than zeros? */
bool hid_reports_told_more(const struct hid_reports *reports);

/* For driver.* and tests: requests sent since the start. */
unsigned hid_reports_requests(const struct hid_reports *reports);

#endif
