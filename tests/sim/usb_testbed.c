/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usb_testbed: emulates HID UPSes under the real libusb (umockdev), for tests and benchmarks.
 *
 *   umockdev-wrapper usb_testbed NAME=DIRECTORY[,OPTION...]...
 *
 * DIRECTORY is one of tests/data/hid. Options: unplugged, port=1-1.2, number=7, serial=TEXT,
 * vendor=TEXT, product=TEXT, string4=TEXT, rawstring4=HEX, language=0407, vidpid=051d:0002,
 * release=0202, interface=2, endpoint=84, packet=8, index=1 (of the report descriptor),
 * reports=FILE, unbound (no kernel driver has it), hidehid, busy, denied, deaf (ignores writes),
 * boot (interfaces before the HID one are a keyboard's), stringhang (no string is ever given).
 *
 * Prints "ROOT directory": programs that are started with UMOCKDEV_DIR set to it under
 * umockdev-wrapper see the devices. Then it reads commands on its standard input, answers each with
 * one line, "OK ..." or "ERROR ...", and ends with its input:
 *
 *   PLUG NAME [NUMBER]      with a number that no device had yet
 *   UNPLUG NAME             RESET NAME: both at once
 *   INPUT NAME HEX          an interrupt report
 *   REPORT NAME I|F HEX     what GET_REPORT answers from now on (its number is the first byte)
 *   LOAD NAME FILE          the same for a file of reports
 *   STALL|HANG|OVERFLOW|FAIL|ANSWER NAME I|F HEX|*
 *   HALT|NOISE|BABBLE NAME  the next interrupt transfer ends with a stall, an error, an overflow
 *   SILENT NAME yes|no      answers nothing
 *   BUSY|DENY NAME yes|no   another program has it; its node may not be opened
 *   WRITES NAME             SET_REPORTs since the last time: "F 15 15 14 00;..."
 *   COUNTS NAME             "get=12 set=1 ..."
 */
#include "tests/sim/usb_emulation.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of devices; above are the emulation's hubs. */
#define NUMBERS_FIRST 2
#define NUMBERS_LAST 99

struct testbed {
    UMockdevTestbed *umockdev;
    GMainLoop *loop;
    GMutex lock;        /* of all devices, against umockdev's thread */
    GPtrArray *devices; /* struct emulation * */
    unsigned next_number;
};

static struct emulation *find(const struct testbed *testbed, const char *name)
{
    for (guint i = 0; i < testbed->devices->len; i++) {
        struct emulation *device = testbed->devices->pdata[i];

        if (strcmp(device->name, name) == 0)
            return device;
    }
    return NULL;
}

/* The command line --------------------------------------------------------------------------- */

static unsigned hexadecimal(const char *text)
{
    return (unsigned)g_ascii_strtoull(text, NULL, 16);
}

/* Options that are numbers or texts of the model. */
static bool set_model_option(struct usb_model *model, const char *key, const char *value)
{
    unsigned vendor, product, index;

    if (sscanf(key, "rawstring%u", &index) == 1 && index < MODEL_STRINGS_MAX)
        return (model->raw_strings[index] = model_bytes(value)) != NULL;
    if (strcmp(key, "language") == 0)
        model->language = (uint16_t)hexadecimal(value);
    else if (sscanf(key, "string%u", &index) == 1 && index > 0 && index < MODEL_STRINGS_MAX)
        model_set_string(model, index, value);
    else if (strcmp(key, "serial") == 0)
        model_set_string(model, STRING_SERIAL, value);
    else if (strcmp(key, "vendor") == 0)
        model_set_string(model, STRING_VENDOR, value);
    else if (strcmp(key, "product") == 0)
        model_set_string(model, STRING_PRODUCT, value);
    else if (strcmp(key, "release") == 0)
        model->release = (uint16_t)hexadecimal(value);
    else if (strcmp(key, "interface") == 0)
        model->interface = (uint8_t)hexadecimal(value);
    else if (strcmp(key, "endpoint") == 0)
        model->endpoint = (uint8_t)hexadecimal(value);
    else if (strcmp(key, "packet") == 0)
        model->packet_size = (uint16_t)g_ascii_strtoull(value, NULL, 10);
    else if (strcmp(key, "index") == 0)
        model->descriptor_index = (uint8_t)hexadecimal(value);
    else if (strcmp(key, "stringhang") == 0)
        model->strings_hang = true;
    else if (strcmp(key, "boot") == 0)
        model->boot = true;
    else if (strcmp(key, "deaf") == 0)
        model->ignores_writes = true;
    else if (strcmp(key, "vidpid") == 0 && sscanf(value, "%4x:%4x", &vendor, &product) == 2) {
        model->vendor_id = (uint16_t)vendor;
        model->product_id = (uint16_t)product;
    } else
        return false;
    return true;
}

static bool set_option(struct emulation *device, const char *key, const char *value,
                       bool *unplugged)
{
    if (strcmp(key, "unplugged") == 0)
        *unplugged = true;
    else if (strcmp(key, "port") == 0 || strcmp(key, "reports") == 0)
        return true; /* read before there was a device */
    else if (strcmp(key, "number") == 0)
        device->number = (unsigned)g_ascii_strtoull(value, NULL, 10);
    else if (strcmp(key, "unbound") == 0)
        device->driver_bound = false;
    else if (strcmp(key, "hidehid") == 0)
        device->hides_hid = true;
    else if (strcmp(key, "busy") == 0)
        device->busy = true;
    else if (strcmp(key, "denied") == 0)
        device->denied = true;
    else
        return set_model_option(device->model, key, value);
    return true;
}

static const char *option_value(char **words, const char *key)
{
    for (; *words != NULL; words++) {
        if (g_str_has_prefix(*words, key) && (*words)[strlen(key)] == '=')
            return *words + strlen(key) + 1;
    }
    return NULL;
}

/* NAME=DIRECTORY,OPTION... */
static bool add_device(struct testbed *testbed, const char *argument)
{
    char **words = g_strsplit(argument, ",", -1);
    char *directory = strchr(words[0], '=');
    bool unplugged = false;
    bool good = directory != NULL;

    if (good) {
        *directory++ = '\0';
        const char *reports = option_value(words + 1, "reports");
        const char *port = option_value(words + 1, "port");
        struct usb_model *model = model_load(directory, reports == NULL ? "reports.txt" : reports);
        char *usual = g_strdup_printf("1-%u", testbed->devices->len + 1);

        good = model != NULL;
        if (good) {
            struct emulation *device = emulation_new(words[0], testbed->umockdev, &testbed->lock,
                                                     model, port == NULL ? usual : port);

            for (char **word = words + 1; *word != NULL && good; word++) {
                char **pair = g_strsplit(*word, "=", 2);

                good = set_option(device, pair[0], pair[1] == NULL ? "" : pair[1], &unplugged);
                g_strfreev(pair);
            }
            g_ptr_array_add(testbed->devices, device);
            if (good && !unplugged)
                good = emulation_plug(device, device->number != 0 ? device->number
                                                                  : testbed->next_number++);
        }
        g_free(usual);
    }
    if (!good)
        fprintf(stderr, "usb_testbed: cannot make a device of %s\n", argument);
    g_strfreev(words);
    return good;
}

/* Commands ----------------------------------------------------------------------------------- */

static unsigned type_of(const char *letter)
{
    return strcmp(letter, "I") == 0 ? 1 : strcmp(letter, "F") == 0 ? 3 : 0;
}

static bool behave(struct emulation *device, enum behaviour behaviour, char **words)
{
    unsigned type = words[2] == NULL ? 0 : type_of(words[2]);

    if (type == 0 || words[3] == NULL)
        return false;
    if (strcmp(words[3], "*") != 0) {
        device->model->reports[type][hexadecimal(words[3]) & 0xff].behaviour = behaviour;
        return true;
    }
    for (size_t i = 0; i < 256; i++)
        device->model->reports[type][i].behaviour = behaviour;
    return true;
}

static bool set_report(struct emulation *device, char **words)
{
    unsigned type = words[2] == NULL ? 0 : type_of(words[2]);
    char *text = type == 0 ? NULL : g_strjoinv("", words + 3);
    GByteArray *bytes = text == NULL ? NULL : model_bytes(text);
    bool good = bytes != NULL && bytes->len > 0;

    if (good)
        model_set_report(device->model, type, bytes->data[0], bytes->data, bytes->len);
    if (bytes != NULL)
        g_byte_array_unref(bytes);
    g_free(text);
    return good;
}

static bool input(struct emulation *device, char **words)
{
    char *text = g_strjoinv("", words + 2);
    GByteArray *bytes = model_bytes(text);
    bool good = bytes != NULL && bytes->len > 0 && device->plugged;

    if (good)
        emulation_input(device, bytes);
    if (bytes != NULL)
        g_byte_array_unref(bytes);
    g_free(text);
    return good;
}

static bool is_taken(const struct testbed *testbed, unsigned number)
{
    for (guint i = 0; i < testbed->devices->len; i++) {
        const struct emulation *device = testbed->devices->pdata[i];

        if (device->plugged && device->number == number)
            return true;
    }
    return false;
}

/* As a bus gives them: one after another, and from the first again. */
static unsigned take_number(struct testbed *testbed)
{
    do {
        if (testbed->next_number > NUMBERS_LAST)
            testbed->next_number = NUMBERS_FIRST;
    } while (is_taken(testbed, testbed->next_number++));
    return testbed->next_number - 1;
}

static bool plug(struct testbed *testbed, struct emulation *device, const char *number)
{
    unsigned wanted =
        number == NULL ? take_number(testbed) : (unsigned)g_ascii_strtoull(number, NULL, 10);

    device->driver_bound = true;
    return emulation_plug(device, wanted);
}

/* As a bus does after a disturbance: nobody is asked, and the number is another. */
static bool reset(struct testbed *testbed, struct emulation *device)
{
    return emulation_unplug(device) && plug(testbed, device, NULL);
}

/* How often the report was asked for that was asked for most. */
static unsigned most_gets(const struct usb_model *model)
{
    unsigned most = 0;

    for (size_t type = 0; type < 4; type++) {
        for (size_t number = 0; number < 256; number++) {
            if (model->reports[type][number].gets > most)
                most = model->reports[type][number].gets;
        }
    }
    return most;
}

static char *counts(struct emulation *device)
{
    emulation_forget_vanished(device);
    return g_strdup_printf(
        "get=%u most=%u set=%u strings=%u input=%u ioctls=%u claims=%u claimed=%d "
        "driver=%d plugged=%d number=%u",
        device->model->gets, most_gets(device->model), device->model->sets,
        device->model->string_requests, device->inputs, device->ioctls, device->claims,
        device->claimer != NULL, device->driver_bound, device->plugged, device->number);
}

static char *take_writes(struct emulation *device)
{
    char *text = g_strdup(device->model->writes->str);

    g_string_truncate(device->model->writes, 0);
    return text;
}

/* Flags that are set with "yes". */
static bool set_flag(struct emulation *device, const char *verb, const char *value)
{
    bool on = g_strcmp0(value, "yes") == 0;

    if (strcmp(verb, "SILENT") == 0)
        device->model->hangs = on;
    else if (strcmp(verb, "BUSY") == 0)
        device->busy = on;
    else if (strcmp(verb, "DENY") == 0)
        device->denied = on;
    else
        return false;
    emulation_apply_access(device);
    return true;
}

/* The next interrupt transfer ends with an error. */
static bool disturb(struct emulation *device, const char *verb)
{
    int error = strcmp(verb, "HALT") == 0     ? EPIPE
                : strcmp(verb, "NOISE") == 0  ? EPROTO
                : strcmp(verb, "BABBLE") == 0 ? EOVERFLOW
                                              : 0;

    if (error != 0)
        emulation_input_error(device, error);
    return error != 0;
}

static bool obey(struct testbed *testbed, struct emulation *device, char **words, char **answer)
{
    static const struct {
        const char *verb;
        enum behaviour behaviour;
    } behaviours[] = { { "STALL", STALLS },
                       { "HANG", HANGS },
                       { "OVERFLOW", OVERFLOWS },
                       { "FAIL", FAILS },
                       { "ANSWER", ANSWERS } };
    const char *verb = words[0];

    for (size_t i = 0; i < G_N_ELEMENTS(behaviours); i++) {
        if (strcmp(verb, behaviours[i].verb) == 0)
            return behave(device, behaviours[i].behaviour, words);
    }
    if (strcmp(verb, "INPUT") == 0)
        return input(device, words);
    if (strcmp(verb, "REPORT") == 0)
        return set_report(device, words);
    if (strcmp(verb, "LOAD") == 0)
        return words[2] != NULL && model_read_reports(device->model, words[2]);
    if (strcmp(verb, "PLUG") == 0)
        return plug(testbed, device, words[2]);
    if (strcmp(verb, "UNPLUG") == 0)
        return emulation_unplug(device);
    if (strcmp(verb, "RESET") == 0)
        return reset(testbed, device);
    if (strcmp(verb, "WRITES") == 0)
        return (*answer = take_writes(device)) != NULL;
    if (strcmp(verb, "COUNTS") == 0)
        return (*answer = counts(device)) != NULL;
    return set_flag(device, verb, words[2]) || disturb(device, verb);
}

static void serve(struct testbed *testbed, char *line)
{
    char **words = g_strsplit(g_strstrip(line), " ", -1);
    struct emulation *device =
        words[0] == NULL || words[1] == NULL ? NULL : find(testbed, words[1]);
    char *answer = NULL;

    if (device != NULL && obey(testbed, device, words, &answer))
        printf("OK %s\n", answer == NULL ? "" : answer);
    else
        printf("ERROR %s\n", line);
    fflush(stdout);
    g_free(answer);
    g_strfreev(words);
}

static gboolean take_line(GIOChannel *channel, GIOCondition condition, gpointer context)
{
    struct testbed *testbed = context;
    char *line = NULL;
    GIOStatus status = g_io_channel_read_line(channel, &line, NULL, NULL, NULL);

    (void)condition;
    if (status == G_IO_STATUS_NORMAL) {
        g_mutex_lock(&testbed->lock);
        serve(testbed, line);
        g_mutex_unlock(&testbed->lock);
    }
    g_free(line);
    if (status == G_IO_STATUS_EOF || status == G_IO_STATUS_ERROR) {
        g_main_loop_quit(testbed->loop);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static gboolean quit(gpointer context)
{
    g_main_loop_quit(context);
    return G_SOURCE_REMOVE;
}

int main(int argc, char **argv)
{
    struct testbed testbed = { .next_number = NUMBERS_FIRST };

    if (argc < 2) {
        fprintf(stderr, "usage: umockdev-wrapper %s NAME=DIRECTORY[,OPTION...]...\n", argv[0]);
        return 2;
    }
    g_mutex_init(&testbed.lock);
    testbed.umockdev = umockdev_testbed_new();
    testbed.loop = g_main_loop_new(NULL, FALSE);
    testbed.devices = g_ptr_array_new();
    for (int i = 1; i < argc; i++) {
        /* Nobody else knows of the devices yet. */
        if (!add_device(&testbed, argv[i]))
            return 2;
    }
    char *root = umockdev_testbed_get_root_dir(testbed.umockdev);
    printf("ROOT %s\n", root);
    fflush(stdout);
    g_free(root);
    GIOChannel *commands = g_io_channel_unix_new(0);
    g_io_add_watch(commands, G_IO_IN | G_IO_HUP | G_IO_ERR, take_line, &testbed);
    g_unix_signal_add(SIGTERM, quit, testbed.loop);
    g_unix_signal_add(SIGINT, quit, testbed.loop);
    g_main_loop_run(testbed.loop);
    g_object_unref(testbed.umockdev);
    return 0;
}
