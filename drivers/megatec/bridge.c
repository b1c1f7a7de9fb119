/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/megatec/bridge.h"

#include "core/loop.h"
#include "drivers/megatec/transport.h"

#include <string.h>
#include <strings.h>

#define CHUNK_MAX 8
#define INPUT_MAX 64
#define LOOK_MS 100   /* how often it is seen whether to stop */
#define PAUSE_MS 150  /* after which a late answer has ended, or does not come */
#define INPUTS_MAX 64 /* of a device that does not stop talking */
#define REFUSAL "NAK"

/* What stands before the bytes of a report. */
enum head {
    HEAD_NONE,
    HEAD_COUNT,    /* how many follow: the low bits of what comes */
    HEAD_RICHCOMM, /* 0xa0 and how many follow; in what comes, the low four bits */
};

/* A question and the string descriptor that answers it. */
struct string_index {
    const char *text; /* NULL: the end */
    uint8_t index;
};

struct megatec_framing {
    const char *name;
    uint8_t report_type, report; /* as SET_REPORT's value has them */
    uint8_t chunk;               /* bytes of a report that is sent */
    uint8_t input;               /* bytes of one that comes */
    enum head head;
    const struct string_index *strings; /* NULL: reports */
};

static const struct string_index krauler_strings[] = {
    { "Q1", 0x03 }, { "T", 0x04 }, { "TL", 0x05 }, { "Q", 0x07 }, { "C", 0x0b },
    { "CT", 0x0b }, { "I", 0x0c }, { "F", 0x0d },  { NULL, 0 },
};
static const struct string_index fabula_strings[] = {
    { "Q1", 0x03 }, { "Q", 0x07 }, { "C", 0x0a }, { "I", 0x0c }, { "F", 0x0d }, { NULL, 0 },
};

enum { CYPRESS, PHOENIX, IPPON, SGS, ARMAC, KRAULER, FABULA };

static const struct megatec_framing framings[] = {
    [CYPRESS] = { "cypress", HID_OUTPUT, 0, 8, 8, HEAD_NONE, NULL },
    [PHOENIX] = { "phoenix", HID_OUTPUT, 0, 8, 8, HEAD_NONE, NULL },
    [IPPON] = { "ippon", 0, 2, 8, 64, HEAD_NONE, NULL },
    [SGS] = { "sgs", HID_OUTPUT, 0, 8, 8, HEAD_COUNT, NULL },
    [ARMAC] = { "armac", HID_OUTPUT, 0, 4, 6, HEAD_RICHCOMM, NULL },
    [KRAULER] = { "krauler", 0, 0, 0, 0, HEAD_NONE, krauler_strings },
    [FABULA] = { "fabula", 0, 0, 0, 0, HEAD_NONE, fabula_strings },
};

/* Ids that several kinds have are told apart by their names. */
static const struct {
    uint16_t vendor_id, product_id;
    const char *product; /* NULL: any */
    uint8_t framing;
} bridges[] = {
    { 0x0665, 0x5161, NULL, CYPRESS }, { 0x05b8, 0x0000, NULL, CYPRESS },
    { 0x06da, 0x0002, NULL, CYPRESS }, { 0x06da, 0x0004, NULL, CYPRESS },
    { 0x06da, 0x0005, NULL, CYPRESS }, { 0x06da, 0x0201, NULL, CYPRESS },
    { 0x0f03, 0x0001, NULL, CYPRESS }, { 0x06da, 0x0601, NULL, PHOENIX },
    { 0x14f0, 0x00c9, NULL, PHOENIX }, { 0x06da, 0x0003, NULL, IPPON },
    { 0x0483, 0x0035, NULL, SGS },     { 0x0925, 0x1234, NULL, ARMAC },
    { 0x1cb0, 0x0035, NULL, KRAULER }, { 0x0001, 0x0000, "MEC0003", FABULA },
};

const struct megatec_framing *megatec_framing_find(const char *name)
{
    for (size_t i = 0; i < sizeof framings / sizeof framings[0]; i++) {
        if (strcasecmp(framings[i].name, name) == 0)
            return &framings[i];
    }
    return NULL;
}

const struct megatec_framing *megatec_framing_of(const struct hid_identity *identity)
{
    for (size_t i = 0; i < sizeof bridges / sizeof bridges[0]; i++) {
        if (bridges[i].vendor_id == identity->vendor_id &&
            bridges[i].product_id == identity->product_id &&
            (bridges[i].product == NULL || strcasecmp(bridges[i].product, identity->product) == 0))
            return &framings[bridges[i].framing];
    }
    return NULL;
}

bool megatec_bridge_ids(size_t position, uint16_t *vendor_id, uint16_t *product_id)
{
    if (position >= sizeof bridges / sizeof bridges[0])
        return false;
    *vendor_id = bridges[position].vendor_id;
    *product_id = bridges[position].product_id;
    return true;
}

size_t megatec_framing_input(const struct megatec_framing *framing)
{
    return framing->input;
}

/* Strings ------------------------------------------------------------------------------------ */

static ssize_t copy_answer(const char *text, char *answer, size_t size)
{
    size_t length = strlen(text);

    if (length > size)
        return MEGATEC_LINE_OVERFLOW;
    memcpy(answer, text, length);
    return (ssize_t)length;
}

static ssize_t exchange_string(const struct megatec_framing *framing,
                               const struct hid_transport *usb, const char *text, char *answer,
                               size_t size)
{
    char string[256] = "";

    for (const struct string_index *one = framing->strings; one->text != NULL; one++) {
        if (strcmp(one->text, text) != 0)
            continue;
        switch (usb->get_string(usb->state, one->index, string, sizeof string)) {
        case HID_OK:
            return string[0] == '\0' ? MEGATEC_LINE_SILENT : copy_answer(string, answer, size);
        case HID_BROKEN:
            return MEGATEC_LINE_GONE;
        case HID_STALLED:
        case HID_TIMED_OUT:
        case HID_SHORT:
            return MEGATEC_LINE_SILENT;
        }
    }
    /* The bridge has no number for it: it cannot even be asked. */
    return copy_answer(REFUSAL, answer, size);
}

/* Reports ------------------------------------------------------------------------------------ */

static enum hid_result send_text(const struct megatec_framing *framing,
                                 const struct hid_transport *usb, const char *text)
{
    char line[72];
    size_t length = strlen(text), head = framing->head == HEAD_NONE ? 0 : 1;
    enum hid_result result = HID_OK;

    if (length + 1 > sizeof line)
        return HID_SHORT;
    memcpy(line, text, length);
    line[length++] = '\r';
    for (size_t at = 0; at < length && result == HID_OK;) {
        uint8_t report[CHUNK_MAX] = { 0 };
        size_t room = framing->chunk - head;
        size_t part = length - at < room ? length - at : room;

        if (framing->head == HEAD_COUNT)
            report[0] = (uint8_t)part;
        if (framing->head == HEAD_RICHCOMM)
            report[0] = (uint8_t)(0xa0 + part);
        memcpy(report + head, line + at, part);
        result = usb->set_report(usb->state, (enum hid_report_type)framing->report_type,
                                 framing->report, report, framing->chunk);
        at += part;
    }
    return result;
}

/* The bytes of a report that count: where they begin, and how many. */
static size_t content_of(const struct megatec_framing *framing, const uint8_t *report,
                         size_t length, const uint8_t **content)
{
    size_t head = framing->head == HEAD_NONE ? 0 : 1;
    size_t count = length - head;

    *content = report + head;
    if (framing->head == HEAD_COUNT && (size_t)(report[0] & 0x07) < count)
        count = report[0] & 0x07;
    if (framing->head == HEAD_RICHCOMM && (size_t)(report[0] & 0x0f) < count)
        count = report[0] & 0x0f;
    return count;
}

static ssize_t receive_line(const struct megatec_framing *framing, const struct hid_transport *usb,
                            char *answer, size_t size, uint64_t deadline)
{
    size_t used = 0;

    for (uint64_t now = clock_ms(); now < deadline; now = clock_ms()) {
        uint8_t report[INPUT_MAX];
        const uint8_t *content;
        uint64_t left = deadline - now;
        ssize_t got = usb->read_input(usb->state, left < LOOK_MS ? (int)left : LOOK_MS, report,
                                      sizeof report);

        if (got < 0)
            return MEGATEC_LINE_GONE;
        if (got == 0)
            continue;
        size_t count = content_of(framing, report, (size_t)got, &content);
        const uint8_t *end = memchr(content, '\r', count);
        size_t part = end == NULL ? count : (size_t)(end - content);
        if (used + part > size)
            return MEGATEC_LINE_OVERFLOW;
        memcpy(answer + used, content, part);
        used += part;
        if (end != NULL)
            return (ssize_t)used;
    }
    return used > 0 ? MEGATEC_LINE_OVERFLOW : MEGATEC_LINE_SILENT;
}

ssize_t megatec_bridge_exchange(const struct megatec_framing *framing,
                                const struct hid_transport *usb, const char *text, char *answer,
                                size_t size, unsigned timeout_ms)
{
    uint64_t deadline = clock_ms() + timeout_ms;

    if (framing->strings != NULL)
        return exchange_string(framing, usb, text, answer, size);
    switch (send_text(framing, usb, text)) {
    case HID_OK:
        break;
    case HID_BROKEN:
        return MEGATEC_LINE_GONE;
    case HID_STALLED:
    case HID_TIMED_OUT:
    case HID_SHORT:
        return MEGATEC_LINE_SILENT;
    }
    return receive_line(framing, usb, answer, size, deadline);
}

bool megatec_bridge_forget(const struct megatec_framing *framing, const struct hid_transport *usb,
                           bool is_late)
{
    uint8_t report[INPUT_MAX];
    ssize_t got = 1;

    if (framing->strings != NULL)
        return true;
    for (unsigned i = 0; i < INPUTS_MAX && got > 0; i++)
        got = usb->read_input(usb->state, is_late ? PAUSE_MS : 0, report, sizeof report);
    return got >= 0;
}
