/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/reports.h"

#include "drivers/usbhid/value.h"

#include <stdlib.h>
#include <string.h>

/* So many time-outs in a row mean that nobody is there. */
#define TIMEOUTS_MAX 3
/* A report that was read before may be refused so often in a row: a device that is busy refuses
 * too. */
#define STALLS_MAX 3
/* The same for one that was never read and is answered with silence, which takes long. */
#define HANGS_MAX 2
/* Polls after which a refused report is tried again: a device may refuse while it starts. */
#define REFUSED_POLLS 128

struct report {
    uint8_t *bytes; /* as last read, its number first if reports are numbered; NULL: never */
    size_t length;
    bool unasked;        /* the device sent them by itself */
    unsigned known_poll; /* number of the poll that brought the bytes */
    unsigned asked_poll; /* ... in which it was asked for last; 0: never */
    enum hid_result answer;
    unsigned stalls; /* in a row */
    unsigned hangs;  /* time-outs in a row */
};

struct hid_reports {
    const struct hid_descriptor *descriptor;
    const struct hid_transport *transport;
    unsigned poll; /* from 1 */
    unsigned timeouts;
    bool broken;
    enum hid_report_type good_type; /* of the report that was answered last; 0: none so far */
    uint8_t good_number;
    bool zeros_came, more_came; /* answers that hold nothing but zeros, and others */
    unsigned requests;
    struct report reports[HID_REPORT_TYPES][256];
};

struct hid_reports *hid_reports_new(struct hid_descriptor *descriptor,
                                    const struct hid_transport *transport)
{
    struct hid_reports *reports = calloc(1, sizeof *reports);

    if (reports == NULL)
        return NULL;
    reports->descriptor = descriptor;
    reports->transport = transport;
    reports->poll = 1;
    return reports;
}

void hid_reports_free(struct hid_reports *reports)
{
    if (reports == NULL)
        return;
    for (size_t type = 0; type < HID_REPORT_TYPES; type++) {
        for (size_t number = 0; number < 256; number++)
            free(reports->reports[type][number].bytes);
    }
    free(reports);
}

void hid_reports_begin(struct hid_reports *reports)
{
    /* 0 stands for never. */
    if (++reports->poll == 0)
        reports->poll = 1;
}

bool hid_reports_broken(const struct hid_reports *reports)
{
    return reports->broken;
}

unsigned hid_reports_requests(const struct hid_reports *reports)
{
    return reports->requests;
}

bool hid_reports_only_zeros(const struct hid_reports *reports)
{
    return reports->zeros_came && !reports->more_came;
}

bool hid_reports_told_more(const struct hid_reports *reports)
{
    return reports->more_came;
}

static size_t declared_size(const struct hid_reports *reports, enum hid_report_type type,
                            uint8_t number)
{
    return reports->descriptor->report_sizes[type - 1][number];
}

static struct report *report_of(struct hid_reports *reports, const struct hid_field *field)
{
    return &reports->reports[field->type - 1][field->report];
}

/* Talking to the device ---------------------------------------------------------------------- */

/* Takes note of how a request ended. */
static enum hid_result note(struct hid_reports *reports, enum hid_result result)
{
    if (result != HID_TIMED_OUT)
        reports->timeouts = 0;
    else if (++reports->timeouts >= TIMEOUTS_MAX)
        reports->broken = true;
    if (result == HID_BROKEN)
        reports->broken = true;
    return reports->broken ? HID_BROKEN : result;
}

/* After time-outs: is it silent on these reports, or altogether? */
static void see_whether_it_lives(struct hid_reports *reports)
{
    const struct hid_transport *transport = reports->transport;
    uint8_t bytes[HID_REPORT_MAX];

    if (reports->broken || reports->timeouts < TIMEOUTS_MAX - 1 || reports->good_type == 0)
        return;
    reports->requests++;
    ssize_t got =
        transport->get_report(transport->state, reports->good_type, reports->good_number, bytes,
                              declared_size(reports, reports->good_type, reports->good_number));
    note(reports, got < 0 ? (enum hid_result)got : HID_OK);
}

static bool holds_zeros(const struct hid_reports *reports, const uint8_t *bytes, size_t length)
{
    for (size_t i = reports->descriptor->numbered ? 1 : 0; i < length; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* One GET_REPORT; HID_OK: bytes hold *length. */
static enum hid_result get_once(struct hid_reports *reports, enum hid_report_type type,
                                uint8_t number, uint8_t bytes[HID_REPORT_MAX], size_t *length)
{
    const struct hid_transport *transport = reports->transport;
    size_t size = declared_size(reports, type, number);

    reports->requests++;
    ssize_t got = transport->get_report(transport->state, type, number, bytes, size);
    enum hid_result result = note(reports, got < 0 ? (enum hid_result)got : HID_OK);
    if (result == HID_TIMED_OUT)
        see_whether_it_lives(reports);
    if (result != HID_OK)
        return reports->broken ? HID_BROKEN : result;
    reports->good_type = type;
    reports->good_number = number;
    *length = (size_t)got < size ? (size_t)got : size;
    /* Another report, or nothing but zeros: what firmwares send that were not ready. */
    if (*length == 0 || (reports->descriptor->numbered && bytes[0] != number))
        return HID_SHORT;
    if (holds_zeros(reports, bytes, *length))
        reports->zeros_came = true;
    else
        reports->more_came = true;
    return HID_OK;
}

static enum hid_result get(struct hid_reports *reports, enum hid_report_type type, uint8_t number,
                           uint8_t bytes[HID_REPORT_MAX], size_t *length)
{
    enum hid_result result = get_once(reports, type, number, bytes, length);

    if (result == HID_SHORT)
        result = get_once(reports, type, number, bytes, length);
    return result;
}

/* False: out of memory; nothing is known then. */
static bool keep_bytes(struct hid_reports *reports, enum hid_report_type type, uint8_t number,
                       const uint8_t *bytes, size_t length, bool unasked)
{
    struct report *report = &reports->reports[type - 1][number];
    size_t size = declared_size(reports, type, number);

    if (report->bytes == NULL)
        report->bytes = malloc(size);
    if (report->bytes == NULL)
        return false;
    report->length = length < size ? length : size;
    memcpy(report->bytes, bytes, report->length);
    report->unasked = unasked;
    report->known_poll = reports->poll;
    return true;
}

/* Whether a report was refused so clearly that asking again is a waste. */
static bool is_refused(const struct hid_reports *reports, const struct report *report)
{
    unsigned enough = report->bytes == NULL ? 1 : STALLS_MAX;

    bool is_hopeless =
        report->stalls >= enough || (report->bytes == NULL && report->hangs >= HANGS_MAX);

    return reports->transport->get_report == NULL ||
           (is_hopeless && reports->poll - report->asked_poll < REFUSED_POLLS);
}

/* Asks for a field's report, at most once a poll. */
static enum hid_result ask(struct hid_reports *reports, const struct hid_field *field)
{
    struct report *report = report_of(reports, field);
    uint8_t bytes[HID_REPORT_MAX];
    size_t length;

    if (report->asked_poll == reports->poll)
        return report->answer;
    if (is_refused(reports, report))
        return HID_STALLED;
    report->answer = get(reports, field->type, field->report, bytes, &length);
    report->asked_poll = reports->poll;
    report->stalls = report->answer == HID_STALLED ? report->stalls + 1 : 0;
    report->hangs = report->answer == HID_TIMED_OUT ? report->hangs + 1 : 0;
    /* Some firmwares tell the truth only unasked. */
    if (report->answer == HID_OK && report->unasked && hid_reports_only_zeros(reports))
        report->answer = HID_SHORT;
    if (report->answer == HID_OK &&
        !keep_bytes(reports, field->type, field->report, bytes, length, false))
        report->answer = HID_SHORT;
    return report->answer;
}

/* Reading ------------------------------------------------------------------------------------ */

static bool decode(const struct hid_reports *reports, const struct report *report,
                   const struct hid_field *field, int64_t *raw)
{
    return report->bytes != NULL &&
           hid_value_get(reports->descriptor, field, report->bytes, report->length, raw, NULL);
}

/* Zeros may be of a time when the device had not measured yet. */
static bool can_be_kept(const struct hid_reports *reports, const struct report *report)
{
    return report->bytes != NULL &&
           (report->unasked || !holds_zeros(reports, report->bytes, report->length));
}

enum hid_result hid_reports_value(struct hid_reports *reports, const struct hid_field *field,
                                  bool keep, int64_t *raw)
{
    struct report *report = report_of(reports, field);

    if (reports->broken)
        return HID_BROKEN;
    if (declared_size(reports, field->type, field->report) == 0)
        return HID_STALLED;
    if ((report->known_poll == reports->poll || (keep && can_be_kept(reports, report))) &&
        decode(reports, report, field, raw))
        return HID_OK;
    enum hid_result result = ask(reports, field);
    /* What cannot be asked for but comes by itself comes when it changes: the last still holds. */
    if ((result == HID_STALLED || result == HID_SHORT) && report->unasked &&
        decode(reports, report, field, raw))
        return HID_OK;
    if (result == HID_OK && !decode(reports, report, field, raw))
        return HID_SHORT;
    return result;
}

void hid_reports_insist(struct hid_reports *reports, const struct hid_field *field)
{
    struct report *report = report_of(reports, field);

    report->stalls = report->hangs = 0;
}

bool hid_reports_take_input(struct hid_reports *reports, const uint8_t *bytes, size_t length)
{
    uint8_t number = 0;

    if (length == 0)
        return false;
    if (reports->descriptor->numbered)
        number = bytes[0];
    if (declared_size(reports, HID_INPUT, number) == 0)
        return false;
    return keep_bytes(reports, HID_INPUT, number, bytes, length, true);
}

/* Writing ------------------------------------------------------------------------------------ */

/* Whether a report holds nothing but this field. */
static bool is_alone(const struct hid_reports *reports, const struct hid_field *field)
{
    const struct hid_descriptor *descriptor = reports->descriptor;
    size_t size = declared_size(reports, field->type, field->report);

    /* Not all that is there is a field. */
    if (size != (field->bit_size + 7U) / 8 + (descriptor->numbered ? 1 : 0))
        return false;
    for (size_t i = 0; i < descriptor->field_count; i++) {
        const struct hid_field *other = &descriptor->fields[i];

        if (other->type == field->type && other->report == field->report &&
            other->bit_offset != field->bit_offset)
            return false;
    }
    return true;
}

/*
 * What the report holds now, so that only the one field changes. What the device cannot tell may be
 * made up of zeros only where it holds nothing else: a delay of 0 is "now".
 */
static enum hid_result read_before(struct hid_reports *reports, const struct hid_field *field,
                                   uint8_t bytes[HID_REPORT_MAX], size_t *length)
{
    enum hid_result result = HID_STALLED;
    size_t size = declared_size(reports, field->type, field->report);

    if (size == 0)
        return HID_STALLED;
    if (field->type == HID_FEATURE && reports->transport->get_report != NULL)
        result = get(reports, field->type, field->report, bytes, length);
    if (result == HID_OK || result == HID_BROKEN || result == HID_TIMED_OUT)
        return result;
    if (!is_alone(reports, field))
        return result;
    memset(bytes, 0, size);
    bytes[0] = reports->descriptor->numbered ? field->report : 0;
    *length = size;
    return HID_OK;
}

static enum hid_result read_back(struct hid_reports *reports, const struct hid_field *field,
                                 int64_t *written)
{
    struct report *report = report_of(reports, field);

    if (field->type != HID_FEATURE || is_refused(reports, report))
        return HID_OK;
    /* What was read before the write is no longer true, whatever comes now. */
    report->known_poll = report->asked_poll = 0;
    report->length = 0;
    enum hid_result result = ask(reports, field);
    if (result == HID_OK)
        decode(reports, report, field, written);
    return result == HID_BROKEN ? HID_BROKEN : HID_OK;
}

enum hid_result hid_reports_write(struct hid_reports *reports, const struct hid_field *field,
                                  int64_t raw, int64_t *written)
{
    const struct hid_transport *transport = reports->transport;
    uint8_t bytes[HID_REPORT_MAX];
    size_t length = 0;

    if (reports->broken)
        return HID_BROKEN;
    if (transport->set_report == NULL || field->type == HID_INPUT)
        return HID_STALLED;
    enum hid_result result = read_before(reports, field, bytes, &length);
    if (result != HID_OK)
        return result;
    if (!hid_value_put(reports->descriptor, field, bytes, length, raw))
        return HID_SHORT;
    reports->requests++;
    result = note(reports, transport->set_report(transport->state, field->type, field->report,
                                                 bytes, length));
    if (result != HID_OK)
        return result;
    *written = raw;
    return read_back(reports, field, written);
}
