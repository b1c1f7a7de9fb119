/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the readers of ups.conf, upsd.conf and upsbridge.conf. A line "---" ends one file and
 * begins the next. What is loaded keeps its promises; what is refused has been complained of; and
 * loading twice says the same.
 */
#include "core/settings.h"
#include "tests/fuzz/demand.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Files in memory, and a directory of links to them. */
static struct {
    char directory[32];
    int descriptors[FILES];
} world;

static const char *const names[FILES] = { "ups.conf", "upsd.conf", "upsbridge.conf" };

static void end(void)
{
    for (int i = 0; i < FILES; i++) {
        char path[64];

        snprintf(path, sizeof path, "%s/%s", world.directory, names[i]);
        unlink(path);
        close(world.descriptors[i]);
    }
    rmdir(world.directory);
}

static void begin(void)
{
    strcpy(world.directory, "/tmp/fuzz_config.XXXXXX");
    demand(mkdtemp(world.directory) != NULL);
    for (int i = 0; i < FILES; i++) {
        char path[64], target[64];

        world.descriptors[i] = memfd_create(names[i], MFD_CLOEXEC);
        demand(world.descriptors[i] >= 0);
        snprintf(path, sizeof path, "%s/%s", world.directory, names[i]);
        snprintf(target, sizeof target, "/proc/self/fd/%d", world.descriptors[i]);
        demand(symlink(target, path) == 0);
    }
    atexit(end);
}

static void write_files(const char *text, size_t size)
{
    static const char mark[] = "\n---\n";

    for (int i = 0; i < FILES; i++) {
        const char *next = i + 1 < FILES ? memmem(text, size, mark, sizeof mark - 1) : NULL;
        size_t length = next == NULL ? size : (size_t)(next - text) + 1;

        demand(ftruncate(world.descriptors[i], 0) == 0);
        demand(pwrite(world.descriptors[i], text, length, 0) == (ssize_t)length);
        size_t taken = next == NULL ? size : length + sizeof mark - 2;
        text += taken;
        size -= taken;
    }
}

/* Each complaint is one line that names the place. */
static void hear(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    demand(strncmp(text, world.directory, strlen(world.directory)) == 0);
    demand(strchr(text, '\n') == NULL && strstr(text, ": ") != NULL);
}

static void check_device(const struct device_settings *device)
{
    demand(device->name[0] != '\0' && device->driver != NULL && device->port != NULL);
    demand(device->file != NULL && device->line > 0);
    demand(device->poll_interval >= 1 && device->shutdown_order >= -1);
    demand(device_option_find(device, "driver") != NULL);
    for (size_t i = 0; i < device->option_count; i++)
        demand(device->options[i].key != NULL && device->options[i].line > 0);
    demand(device_settings_equal(device, device));
}

static void check_settings(const struct settings *settings)
{
    demand(settings->device_count <= DEVICES_MAX && settings->listener_count <= LISTENERS_MAX);
    demand(settings->listener_count > 0 && settings->maximum_age >= 1);
    demand(settings->device_count > 0 || settings->allow_no_device);
    for (size_t i = 0; i < settings->listener_count; i++)
        demand(settings->listeners[i].address != NULL && settings->listeners[i].port != NULL);
    for (size_t i = 0; i < settings->device_count; i++) {
        check_device(&settings->devices[i]);
        for (size_t j = 0; j < i; j++)
            demand(strcasecmp(settings->devices[i].name, settings->devices[j].name) != 0);
    }
    demand((settings->snmp_mode == SNMP_LISTEN) == (settings->snmp_listener_count > 0) ||
           settings->snmp_mode == SNMP_OFF);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_report first = { .sink = hear };
    struct config_report second = { .sink = hear };

    if (world.directory[0] == '\0')
        begin();
    write_files((const char *)data, size);
    struct settings *settings = settings_load(world.directory, &first);
    struct settings *again = settings_load(world.directory, &second);
    demand((settings == NULL) == (first.errors > 0));
    demand((settings == NULL) == (again == NULL));
    demand(first.errors == second.errors && first.warnings == second.warnings);
    if (settings != NULL) {
        check_settings(settings);
        demand(settings->device_count == again->device_count);
        for (size_t i = 0; i < settings->device_count; i++)
            demand(device_settings_equal(&settings->devices[i], &again->devices[i]));
    }
    settings_free(settings);
    settings_free(again);
    return 0;
}
