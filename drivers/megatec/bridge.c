/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/megatec/bridge.h"

#include "core/loop.h"
#include "drivers/megatec/transport.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CHUNK_MAX 8
#define INPUT_MAX 64
#define LOOK_MS 100   /* how often it is seen whether to stop */
#define PAUSE_MS 150  /* after which a late answer has ended, or does not come */
#define INPUTS_MAX 64 /* of a device that does not stop talking */
#define REFUSAL "NAK"
#define RAW_MAX 128  /* bytes of a string that is asked for in bytes */
#define RAW_TRIES 10 /* until one comes whole */
#define NO_ACK "UPS No Ack"

/* What stands before the bytes of a report. */
enum head {
    HEAD_NONE,
    HEAD_COUNT,    /* how many follow: the low bits of what comes */
    HEAD_RICHCOMM, /* 0xa0 and how many follow; in what comes, the low four bits */
    HEAD_FUJI,     /* of what is sent: a packet of its own, to the endpoint OUT */
};

/* A question and the string descriptor that answers it. */
struct string_index {
    const char *text; /* NULL: the end */
    uint8_t index;
    char lead; /* what its answer begins with, whatever the device sends; '\0': as it is */
};

struct megatec_framing {
    const char *name;
    uint8_t report_type, report; /* as SET_REPORT's value has them */
    uint8_t chunk;               /* bytes of a report that is sent */
    uint8_t input;               /* bytes of one that comes */
    enum head head;
    const struct string_index *strings; /* NULL: reports */
    uint8_t string_size; /* bytes to ask for a string in, as the device will have it; 0: any */
};

static const struct string_index krauler_strings[] = {
    { "Q1", 0x03, 0 }, { "T", 0x04, 0 }, { "TL", 0x05, 0 }, { "Q", 0x07, 0 }, { "C", 0x0b, 0 },
    { "CT", 0x0b, 0 }, { "I", 0x0c, 0 }, { "F", 0x0d, 0 },  { NULL, 0, 0 },
};
static const struct string_index fabula_strings[] = {
    { "Q1", 0x03, 0 }, { "Q", 0x07, 0 }, { "C", 0x0a, 0 },
    { "I", 0x0c, 0 },  { "F", 0x0d, 0 }, { NULL, 0, 0 },
};
static const struct string_index snr_strings[] = {
    { "Q1", 0x03, '(' },
    { "I", 0x0c, '#' },
    { "F", 0x0d, '#' },
    { NULL, 0, 0 },
};

enum { CYPRESS, PHOENIX, IPPON, SGS, ARMAC, KRAULER, FABULA, HUNNOX, SNR, FUJI };

static const struct megatec_framing framings[] = {
    [CYPRESS] = { "cypress", HID_OUTPUT, 0, 8, 8, HEAD_NONE, NULL, 0 },
    [PHOENIX] = { "phoenix", HID_OUTPUT, 0, 8, 8, HEAD_NONE, NULL, 0 },
    [IPPON] = { "ippon", 0, 2, 8, 64, HEAD_NONE, NULL, 0 },
    [SGS] = { "sgs", HID_OUTPUT, 0, 8, 8, HEAD_COUNT, NULL, 0 },
    [ARMAC] = { "armac", HID_OUTPUT, 0, 4, 6, HEAD_RICHCOMM, NULL, 0 },
    [KRAULER] = { "krauler", 0, 0, 0, 0, HEAD_NONE, krauler_strings, 0 },
    [FABULA] = { "fabula", 0, 0, 0, 0, HEAD_NONE, fabula_strings, 0 },
    [HUNNOX] = { "hunnox", 0, 0, 0, 0, HEAD_NONE, fabula_strings, 102 },
    /* Unless its interrupt endpoint is listened to, it answers with zeros. */
    [SNR] = { "snr", 0, 0, 0, 64, HEAD_NONE, snr_strings, 102 },
    [FUJI] = { "fuji", 0, 0, 8, 8, HEAD_FUJI, NULL, 0 },
};

/* Ids that several kinds have are told apart by their names. */
static const struct {
    uint16_t vendor_id, product_id;
    const char *product; /* NULL: any */
    uint8_t framing;
} bridges[] = {
    { 0x0665, 0x5161, NULL, CYPRESS },
    { 0x05b8, 0x0000, NULL, CYPRESS },
    { 0x06da, 0x0002, NULL, CYPRESS },
    { 0x06da, 0x0004, NULL, CYPRESS },
    { 0x06da, 0x0005, NULL, CYPRESS },
    { 0x06da, 0x0201, NULL, CYPRESS },
    { 0x0f03, 0x0001, NULL, CYPRESS },
    { 0x06da, 0x0601, NULL, PHOENIX },
    { 0x14f0, 0x00c9, NULL, PHOENIX },
    { 0x06da, 0x0003, NULL, IPPON },
    { 0x0483, 0x0035, NULL, SGS },
    { 0x0925, 0x1234, NULL, ARMAC },
    { 0x1cb0, 0x0035, NULL, KRAULER },
    { 0x0001, 0x0000, "MEC0003", FABULA },
    { 0x0001, 0x0000, "ATCL FOR UPS", FUJI },
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

/* Are these ids in an earlier row too? */
static bool is_repeated(size_t row)
{
    for (size_t i = 0; i < row; i++) {
        if (bridges[i].vendor_id == bridges[row].vendor_id &&
            bridges[i].product_id == bridges[row].product_id)
            return true;
    }
    return false;
}

bool megatec_bridge_ids(size_t position, uint16_t *vendor_id, uint16_t *product_id)
{
    size_t row = 0;

    for (;; row++) {
        if (row == sizeof bridges / sizeof bridges[0])
            return false;
        if (!is_repeated(row) && position-- == 0)
            break;
    }
    *vendor_id = bridges[row].vendor_id;
    *product_id = bridges[row].product_id;
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

/* What stands in a string's descriptor, up to its CR; "": it is not whole. */
static void decode_raw(const uint8_t *bytes, size_t length, char text[static RAW_MAX])
{
    size_t used = 0;

    for (size_t at = 2; length == bytes[0] && at + 1 < length && bytes[at] != '\r'; at += 2)
        text[used++] = bytes[at + 1] == 0 && bytes[at] != 0 ? (char)bytes[at] : '?';
    text[used] = '\0';
}

/* Of a device that has to be asked in its own way, and at times more than once. */
static ssize_t exchange_raw(const struct megatec_framing *framing, const struct hid_transport *usb,
                            const struct string_index *one, char *answer, size_t size)
{
    uint8_t bytes[RAW_MAX];
    char text[RAW_MAX];

    if (usb->get_raw_string == NULL)
        return MEGATEC_LINE_GONE;
    for (unsigned i = 0; i < RAW_TRIES; i++) {
        ssize_t got = usb->get_raw_string(usb->state, one->index, bytes, framing->string_size);

        if (got == HID_BROKEN)
            return MEGATEC_LINE_GONE;
        if (got <= 0)
            return MEGATEC_LINE_SILENT;
        decode_raw(bytes, (size_t)got, text);
        if (text[0] == '\0' || strcasecmp(text, NO_ACK) == 0)
            continue;
        if (one->lead != '\0')
            text[0] = one->lead;
        return copy_answer(text, answer, size);
    }
    return MEGATEC_LINE_SILENT;
}

static ssize_t exchange_string(const struct megatec_framing *framing,
                               const struct hid_transport *usb, const char *text, char *answer,
                               size_t size)
{
    char string[256] = "";

    for (const struct string_index *one = framing->strings; one->text != NULL; one++) {
        if (strcmp(one->text, text) != 0)
            continue;
        if (framing->string_size > 0)
            return exchange_raw(framing, usb, one, answer, size);
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

/* Fuji ---------------------------------------------------------------------------------------- */

/* Bytes of the answer to a question, its CR included; 0: none comes. */
static uint8_t fuji_answer(const char *text)
{
    static const struct {
        const char *text;
        uint8_t length;
    } answers[] = { { "Q1", 47 }, { "F", 22 }, { "I", 39 } };

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (strcmp(answers[i].text, text) == 0)
            return answers[i].length;
    }
    return 0;
}

/* There is room for three bytes: a shutdown goes without the delay of its return. */
static size_t fuji_length(const char *text)
{
    unsigned minutes = 0;

    if (sscanf(text, "S%*[0-9.]R%u", &minutes) == 1 && minutes > 0)
        return strcspn(text, "R");
    return strlen(text);
}

static bool fuji_packet(const char *text, uint8_t packet[static CHUNK_MAX])
{
    size_t length = fuji_length(text);

    if (length > 3)
        return false;
    memset(packet, 0, CHUNK_MAX);
    memcpy(packet, (const uint8_t[]){ 0x80, 0x06, (uint8_t)(length + 1), 0x03 }, 4);
    memcpy(packet + 4, text, length);
    packet[7] = fuji_answer(text);
    return true;
}

/* Reports ------------------------------------------------------------------------------------ */

static enum hid_result send_text(const struct megatec_framing *framing,
                                 const struct hid_transport *usb, const char *text)
{
    char line[72];
    size_t length = strlen(text), head = framing->head == HEAD_NONE ? 0 : 1;
    enum hid_result result = HID_OK;
    uint8_t packet[CHUNK_MAX];

    if (framing->head == HEAD_FUJI)
        return usb->send_output == NULL || !fuji_packet(text, packet)
                   ? HID_SHORT
                   : usb->send_output(usb->state, packet, sizeof packet);
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
    size_t head = framing->head == HEAD_NONE || framing->head == HEAD_FUJI ? 0 : 1;
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
    if (framing->head == HEAD_FUJI && fuji_length(text) > 3)
        return copy_answer(REFUSAL, answer, size);
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
