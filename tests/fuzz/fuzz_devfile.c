/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the reader of .dev and .seq files: no input may crash it, and what it hands out keeps its
 * promises; going on at any TIMER's place reads the same as reading straight on.
 */
#include "core/update.h"
#include "drivers/devfile.h"
#include "tests/fuzz/demand.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entry(const struct devfile_entry *entry)
{
    if (entry->kind == DEVFILE_VARIABLE) {
        demand(strlen(entry->name) <= UPDATE_NAME_MAX && strchr(entry->name, '.') != NULL);
        demand(strlen(entry->value) <= UPDATE_VALUE_MAX);
        demand(strcmp(entry->name, "ups.status") != 0 || entry->value[0] != '\0');
    }
    if (entry->kind == DEVFILE_ERROR)
        demand(entry->problem != NULL && entry->problem[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int descriptor = memfd_create("devfile", MFD_CLOEXEC);
    struct devfile_place place = { 0 };
    struct devfile_entry entry;

    demand(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    struct devfile *straight = devfile_new(descriptor, &place);
    struct devfile *file = devfile_new(descriptor, &place);
    demand(file != NULL && straight != NULL);
    do {
        struct devfile_entry same;

        devfile_next(file, &entry);
        devfile_next(straight, &same);
        check_entry(&entry);
        demand(entry.kind == same.kind && entry.line == same.line);
        demand(entry.kind != DEVFILE_VARIABLE || strcmp(entry.value, same.value) == 0);
        if (entry.kind == DEVFILE_TIMER) {
            place = devfile_place(file);
            devfile_free(file);
            file = devfile_new(descriptor, &place);
            demand(file != NULL);
        }
    } while (entry.kind == DEVFILE_VARIABLE || entry.kind == DEVFILE_TIMER);
    devfile_free(file);
    devfile_free(straight);
    close(descriptor);
    return 0;
}
