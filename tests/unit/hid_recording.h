/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: reads the recordings of tests/data/hid: a device's descriptor and its reports. Include
 * after tests/unit/unit.h; what cannot be read fails the test.
 */
#ifndef UPSBRIDGE_TESTS_HID_RECORDING_H
#define UPSBRIDGE_TESTS_HID_RECORDING_H

#include "drivers/usbhid/descriptor.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDED_REPORTS_MAX 128

struct recorded_report {
    enum hid_report_type type;
    uint8_t report;
    size_t length;
    uint8_t bytes[HID_REPORT_MAX]; /* its number first */
};

struct recording {
    char path[512]; /* of its directory */
    size_t descriptor_length;
    uint8_t descriptor[HID_DESCRIPTOR_MAX];
    size_t report_count; /* 0: the source had none */
    struct recorded_report reports[RECORDED_REPORTS_MAX];
};

static inline const char *recordings_path(void)
{
    static char path[400];
    const char *source = getenv("srcdir");

    snprintf(path, sizeof path, "%s/tests/data/hid", source == NULL ? "." : source);
    return path;
}

/* Hexadecimal bytes up to the end of the text. */
static inline size_t recorded_bytes(const char *text, uint8_t *bytes, size_t size)
{
    size_t count = 0;
    char *end;

    for (;;) {
        unsigned long byte = strtoul(text, &end, 16);

        if (end == text)
            break;
        assert_true(byte <= 0xff && count < size);
        bytes[count++] = (uint8_t)byte;
        text = end;
    }
    assert_string_equal(text + strspn(text, " \r\n"), "");
    return count;
}

/* Opens a file of a recording; NULL: it has none of this name. */
static inline FILE *recording_open(const struct recording *recording, const char *name)
{
    char path[600];

    snprintf(path, sizeof path, "%s/%s", recording->path, name);
    return fopen(path, "r");
}

/* Takes the reports of a file ("reports.txt", "reports-on_battery.txt"); those of a later file
 * replace those of before. False: there is no such file. */
static inline bool recording_take_reports(struct recording *recording, const char *name)
{
    FILE *file = recording_open(recording, name);
    char line[4096];

    if (file == NULL)
        return false;
    while (fgets(line, sizeof line, file) != NULL) {
        char type;
        unsigned report;
        int used;
        size_t i = 0;

        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%c %x %n", &type, &report, &used), 2);
        assert_true((type == 'F' || type == 'I') && report <= 0xff);
        struct recorded_report taken = { .type = type == 'F' ? HID_FEATURE : HID_INPUT,
                                         .report = (uint8_t)report };
        taken.length = recorded_bytes(line + used, taken.bytes, sizeof taken.bytes);
        while (i < recording->report_count && (recording->reports[i].type != taken.type ||
                                               recording->reports[i].report != taken.report))
            i++;
        assert_true(i < RECORDED_REPORTS_MAX);
        recording->reports[i] = taken;
        if (i == recording->report_count)
            recording->report_count++;
    }
    fclose(file);
    return true;
}

/* device: the name of its directory. To be freed. */
static inline struct recording *recording_read(const char *device)
{
    struct recording *recording = calloc(1, sizeof *recording);
    static char text[4 * HID_DESCRIPTOR_MAX];

    assert_non_null(recording);
    snprintf(recording->path, sizeof recording->path, "%s/%s", recordings_path(), device);
    FILE *file = recording_open(recording, "descriptor.hex");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    assert_true(length > 0 && feof(file));
    fclose(file);
    text[length] = '\0';
    recording->descriptor_length =
        recorded_bytes(text, recording->descriptor, sizeof recording->descriptor);
    recording_take_reports(recording, "reports.txt");
    return recording;
}

static inline const struct recorded_report *
recorded_report(const struct recording *recording, enum hid_report_type type, uint8_t report)
{
    for (size_t i = 0; i < recording->report_count; i++) {
        const struct recorded_report *candidate = &recording->reports[i];

        if (candidate->type == type && candidate->report == report)
            return candidate;
    }
    return NULL;
}

/* Calls visit for every recording; returns how many there are. */
static inline size_t recordings_visit(void (*visit)(const char *device))
{
    DIR *directory = opendir(recordings_path());
    struct dirent *entry;
    size_t count = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.' || strchr(entry->d_name, '.') != NULL)
            continue;
        visit(entry->d_name);
        count++;
    }
    closedir(directory);
    return count;
}

#endif
