/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/scan_serial.h"

#include "drivers/driver.h"
#include "drivers/registry.h"

#include <string.h>

#define TEXT_MAX 64

/*
 * In this order: to a UPS with APC's protocol the letters of the other's questions are orders, and
 * some switch it off; the other takes APC's for noise.
 */
static const char *const drivers[] = { "apcsmart", "nutdrv_qx" };

/* What a driver has read. */
struct reading {
    char maker[TEXT_MAX], model[TEXT_MAX], dialect[TEXT_MAX];
};

static void take(struct reading *reading, const struct update *update)
{
    struct update_item item;

    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        char *text = item.kind != UPDATE_SET                         ? NULL
                     : strcmp(item.name, "ups.mfr") == 0             ? reading->maker
                     : strcmp(item.name, "ups.model") == 0           ? reading->model
                     : strcmp(item.name, "driver.version.data") == 0 ? reading->dialect
                                                                     : NULL;
        if (text != NULL)
            snprintf(text, TEXT_MAX, "%s", item.value);
    }
}

/* False, with the device's problem: it is not one of this driver's. */
static bool try_driver(const struct driver *driver, struct device *device, struct reading *reading)
{
    struct update update = { 0 };
    bool answered = false;

    if (driver->open(device) == DRIVER_OK) {
        answered = driver->poll(device, POLL_FULL, &update) == DRIVER_OK;
        if (answered)
            take(reading, &update);
        driver->close(device);
    }
    update_clear(&update);
    if (driver->forget != NULL)
        driver->forget(device);
    return answered;
}

static void write_section(const char *name, const char *driver, const char *port,
                          const struct reading *reading, FILE *out)
{
    fprintf(out, "\n# %s%s%s%s%s\n", reading->maker, reading->maker[0] == '\0' ? "" : " ",
            reading->model[0] == '\0' ? "A UPS that does not tell its model" : reading->model,
            reading->dialect[0] == '\0' ? "" : ", speaks ", reading->dialect);
    fprintf(out, "[%s]\n    driver = %s\n    port = %s\n", name, driver, port);
}

static bool scan_port(char *port, size_t number, FILE *out)
{
    char name[32], driver_name[32];
    struct device_settings settings = { .name = name, .driver = driver_name, .port = port };
    struct device device = { .name = name, .settings = &settings, .directory = "" };

    snprintf(name, sizeof name, "serial-%zu", number);
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        const struct driver *driver = driver_find(drivers[i]);
        struct reading reading = { "", "", "" };

        if (driver == NULL)
            continue;
        snprintf(driver_name, sizeof driver_name, "%s", drivers[i]);
        if (try_driver(driver, &device, &reading)) {
            write_section(name, drivers[i], port, &reading, out);
            return true;
        }
    }
    fprintf(out, "\n# %s: %s\n", port, device.problem);
    return false;
}

bool scan_serial(char *const *ports, size_t count, FILE *out)
{
    bool found = false;

    for (size_t i = 0; i < count; i++)
        found |= scan_port(ports[i], i + 1, out);
    return found;
}
