/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/usb_model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned low(unsigned value)
{
    return value & 0xff;
}

static void append(GByteArray *bytes, unsigned value)
{
    uint8_t byte = (uint8_t)low(value);

    g_byte_array_append(bytes, &byte, 1);
}

static void append_word(GByteArray *bytes, unsigned value)
{
    append(bytes, value);
    append(bytes, value >> 8);
}

/* Reading the files -------------------------------------------------------------------------- */

GByteArray *model_bytes(const char *text)
{
    GByteArray *bytes = g_byte_array_new();

    while (true) {
        text += strspn(text, " \t\r\n");
        if (*text == '\0')
            return bytes;
        if (!g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1])) {
            g_byte_array_unref(bytes);
            return NULL;
        }
        append(bytes,
               (unsigned)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1])));
        text += 2;
    }
}

static char *read_file(const char *directory, const char *name)
{
    char *path = g_build_filename(directory, name, NULL);
    char *text = NULL;
    GError *error = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        g_error_free(error);
    }
    g_free(path);
    return text;
}

void model_set_report(struct usb_model *model, unsigned type, uint8_t number, const uint8_t *bytes,
                      size_t length)
{
    struct model_report *report = &model->reports[type][number];

    if (report->bytes == NULL)
        report->bytes = g_byte_array_new();
    g_byte_array_set_size(report->bytes, 0);
    g_byte_array_append(report->bytes, bytes, (guint)length);
}

static bool read_report_line(struct usb_model *model, const char *line)
{
    static const char letters[] = " IOF";
    const char *letter = strchr(letters, line[0]);
    char *rest = NULL;

    if (letter == NULL || letter == letters || line[1] != ' ')
        return false;
    guint64 number = g_ascii_strtoull(line + 2, &rest, 16);
    GByteArray *bytes = number > 255 || *rest != ' ' ? NULL : model_bytes(rest);
    if (bytes == NULL)
        return false;
    model_set_report(model, (unsigned)(letter - letters), (uint8_t)number, bytes->data, bytes->len);
    g_byte_array_unref(bytes);
    return true;
}

bool model_read_reports(struct usb_model *model, const char *path)
{
    char *text = read_file("", path);

    if (text == NULL)
        return false;
    char **lines = g_strsplit(text, "\n", -1);
    bool good = true;
    for (char **line = lines; *line != NULL && good; line++) {
        if ((*line)[0] != '#' && (*line)[0] != '\0' && !read_report_line(model, *line)) {
            fprintf(stderr, "%s: this is no report: %s\n", path, *line);
            good = false;
        }
    }
    g_strfreev(lines);
    g_free(text);
    return good;
}

void model_set_string(struct usb_model *model, unsigned index, const char *text)
{
    g_free(model->strings[index]);
    model->strings[index] = text == NULL || *text == '\0' ? NULL : g_strdup(text);
}

static void read_key(struct usb_model *model, const char *key, const char *value)
{
    unsigned first, second;

    if (strcmp(key, "vidpid") == 0 && sscanf(value, "%4x:%4x", &first, &second) == 2) {
        model->vendor_id = (uint16_t)first;
        model->product_id = (uint16_t)second;
    } else if (strcmp(key, "bcdDevice") == 0 && sscanf(value, "%4x", &first) == 1) {
        model->release = (uint16_t)first;
    } else if (strcmp(key, "manufacturer") == 0) {
        model_set_string(model, STRING_VENDOR, value);
    } else if (strcmp(key, "product") == 0) {
        model_set_string(model, STRING_PRODUCT, value);
    } else if (strcmp(key, "serial") == 0) {
        model_set_string(model, STRING_SERIAL, value);
    } else if (sscanf(key, "string%u", &first) == 1 && first < MODEL_STRINGS_MAX) {
        model_set_string(model, first, value);
    }
}

static bool read_device(struct usb_model *model, const char *directory)
{
    char *text = read_file(directory, "device.txt");

    if (text == NULL)
        return false;
    char **lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        char *value = strstr(*line, ": ");

        if (value != NULL) {
            *value = '\0';
            read_key(model, *line, g_strstrip(value + 2));
        }
    }
    g_strfreev(lines);
    g_free(text);
    return true;
}

struct usb_model *model_load(const char *directory, const char *reports)
{
    struct usb_model *model = g_new0(struct usb_model, 1);
    char *path = g_build_filename(directory, reports, NULL);
    char *text = read_file(directory, "descriptor.hex");

    model->endpoint = 0x81;
    model->language = 0x0409;
    model->packet_size = 8;
    model->writes = g_string_new("");
    bool good = text != NULL && read_device(model, directory);
    if (good && (model->descriptor = model_bytes(text)) == NULL) {
        fprintf(stderr, "%s/descriptor.hex: this is no hexadecimal text\n", directory);
        good = false;
    }
    /* Recordings without reports are for descriptors alone: such a device stalls. */
    if (good && g_file_test(path, G_FILE_TEST_EXISTS))
        good = model_read_reports(model, path);
    g_free(text);
    g_free(path);
    return good ? model : NULL;
}

/* Descriptors -------------------------------------------------------------------------------- */

static void append_hid_descriptor(const struct usb_model *model, GByteArray *out)
{
    append(out, 9);
    append(out, 0x21);
    append_word(out, 0x0110);
    append(out, 0);
    append(out, 1);
    append(out, 0x22);
    append_word(out, model->descriptor->len);
}

static void append_interface(const struct usb_model *model, GByteArray *out, uint8_t number)
{
    bool is_hid = number == model->interface;

    append(out, 9);
    append(out, 4);
    append(out, number);
    append(out, 0);
    append(out, is_hid ? 1 : 0);                  /* endpoints */
    append(out, is_hid || model->boot ? 3 : 255); /* class */
    append(out, !is_hid && model->boot ? 1 : 0);  /* subclass: boot interface */
    append(out, !is_hid && model->boot ? 1 : 0);  /* protocol: keyboard */
    append(out, 0);
    if (!is_hid)
        return;
    append_hid_descriptor(model, out);
    append(out, 7);
    append(out, 5);
    append(out, model->endpoint);
    append(out, 3);
    append_word(out, model->packet_size);
    append(out, 10);
}

static uint8_t string_index(const struct usb_model *model, uint8_t index)
{
    return model->strings[index] == NULL ? 0 : index;
}

GByteArray *model_descriptors(const struct usb_model *model)
{
    GByteArray *out = g_byte_array_new();

    append(out, 18);
    append(out, 1);
    append_word(out, 0x0110);
    append(out, 0);
    append_word(out, 0);
    append(out, 8);
    append_word(out, model->vendor_id);
    append_word(out, model->product_id);
    append_word(out, model->release);
    append(out, string_index(model, STRING_VENDOR));
    append(out, string_index(model, STRING_PRODUCT));
    append(out, string_index(model, STRING_SERIAL));
    append(out, 1);
    append(out, 9);
    append(out, 2);
    append_word(out, 0); /* the total length follows when it is known */
    append(out, model->interface + 1u);
    append(out, 1);
    append(out, 0);
    append(out, 0xa0);
    append(out, 0);
    for (uint8_t number = 0; number <= model->interface; number++)
        append_interface(model, out, number);
    out->data[20] = (uint8_t)low(out->len - 18);
    out->data[21] = (uint8_t)low((out->len - 18) >> 8);
    return out;
}

/* Requests ----------------------------------------------------------------------------------- */

static int give(uint8_t *data, size_t room, const GByteArray *bytes)
{
    size_t length = bytes->len < room ? bytes->len : room;

    memcpy(data, bytes->data, length);
    return (int)length;
}

static int give_string(struct usb_model *model, unsigned index, unsigned language, uint8_t *data,
                       size_t room)
{
    model->string_requests++;
    if (index >= MODEL_STRINGS_MAX || (index > 0 && language != model->language))
        return -EPIPE;
    if (model->raw_strings[index] != NULL)
        return give(data, room, model->raw_strings[index]);
    if (index > 0 && model->strings[index] == NULL)
        return -EPIPE;
    GByteArray *out = g_byte_array_new();
    append_word(out, 0x0300);
    if (index == 0) {
        append_word(out, model->language);
    } else {
        for (const char *at = model->strings[index]; *at != '\0' && out->len < 254; at++)
            append_word(out, (uint8_t)*at);
    }
    out->data[0] = (uint8_t)low(out->len);
    int got = give(data, room, out);
    g_byte_array_unref(out);
    return got;
}

static int give_descriptor(struct usb_model *model, unsigned value, unsigned index, uint8_t *data,
                           size_t room)
{
    GByteArray *out;
    int got = -EPIPE;

    switch (value >> 8) {
    case 1:
        out = model_descriptors(model);
        got = give(data, room < 18 ? room : 18, out);
        g_byte_array_unref(out);
        break;
    case 3:
        got = give_string(model, value & 0xff, index, data, room);
        if (model->strings_hang)
            got = MODEL_HANGS;
        break;
    case 0x21:
        out = g_byte_array_new();
        append_hid_descriptor(model, out);
        got = give(data, room, out);
        g_byte_array_unref(out);
        break;
    case 0x22:
        if ((value & 0xff) == model->descriptor_index)
            got = give(data, room, model->descriptor);
        break;
    default:
        break;
    }
    return got;
}

static int misbehave(enum behaviour behaviour)
{
    switch (behaviour) {
    case STALLS:
        return -EPIPE;
    case HANGS:
        return MODEL_HANGS;
    case OVERFLOWS:
        return -EOVERFLOW;
    case FAILS:
        return -EPROTO;
    case ANSWERS:
        break;
    }
    return 0;
}

static int get_report(struct usb_model *model, unsigned type, uint8_t number, uint8_t *data,
                      size_t room)
{
    model->gets++;
    if (type < 1 || type > 3)
        return -EPIPE;
    struct model_report *report = &model->reports[type][number];
    report->gets++;
    if (report->behaviour != ANSWERS)
        return misbehave(report->behaviour);
    /* Recordings hold a report that is of two types once; the device has it as both. */
    if (report->bytes == NULL && type != 2)
        report = &model->reports[4 - type][number];
    return report->bytes == NULL ? -EPIPE : give(data, room, report->bytes);
}

static int set_report(struct usb_model *model, unsigned type, uint8_t number, const uint8_t *data,
                      size_t length)
{
    model->sets++;
    if (type < 1 || type > 3)
        return -EPIPE;
    if (model->reports[type][number].behaviour != ANSWERS)
        return misbehave(model->reports[type][number].behaviour);
    g_string_append_printf(model->writes, "%c %02x", " IOF"[type], number);
    for (size_t i = 0; i < length; i++)
        g_string_append_printf(model->writes, " %02x", data[i]);
    g_string_append(model->writes, ";");
    if (!model->ignores_writes)
        model_set_report(model, type, number, data, length);
    return (int)length;
}

int model_control(struct usb_model *model, const uint8_t setup[8], uint8_t *data)
{
    unsigned value = setup[2] | (unsigned)setup[3] << 8;
    unsigned index = setup[4] | (unsigned)setup[5] << 8;
    size_t length = setup[6] | (size_t)setup[7] << 8;

    if (model->hangs)
        return MODEL_HANGS;
    switch (setup[0] << 8 | setup[1]) {
    case 0x8006: /* GET_DESCRIPTOR of the device */
        return value >> 8 < 0x20 ? give_descriptor(model, value, index, data, length) : -EPIPE;
    case 0x8106: /* ... of an interface */
        return index == model->interface ? give_descriptor(model, value, index, data, length)
                                         : -EPIPE;
    case 0x8000: /* GET_STATUS */
        memset(data, 0, length);
        return (int)length;
    case 0xa101:
        return index == model->interface ? get_report(model, value >> 8, (uint8_t)value, data,
                                                      length)
                                         : -EPIPE;
    case 0x2109:
        return index == model->interface ? set_report(model, value >> 8, (uint8_t)value, data,
                                                      length)
                                         : -EPIPE;
    case 0x210a: /* SET_IDLE */
        return 0;
    default:
        return -EPIPE;
    }
}
