/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "daemon/list_drivers.h"

#include "drivers/registry.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *first, const void *second)
{
    return strcmp(*(const char *const *)first, *(const char *const *)second);
}

static int by_option(const void *first, const void *second)
{
    return strcmp(((const struct driver_option *)first)->name,
                  ((const struct driver_option *)second)->name);
}

static int by_driver(const void *first, const void *second)
{
    return strcmp((*(const struct driver *const *)first)->name,
                  (*(const struct driver *const *)second)->name);
}

/* A sorted copy of an array; NULL: out of memory, or there is nothing. */
static void *sorted(const void *array, size_t count, size_t size,
                    int (*compare)(const void *, const void *))
{
    void *copy = count == 0 ? NULL : malloc(count * size);

    if (copy != NULL) {
        memcpy(copy, array, count * size);
        qsort(copy, count, size, compare);
    }
    return copy;
}

static bool print_options(const struct driver_option *options, FILE *out)
{
    size_t count = 0;

    while (options != NULL && options[count].name != NULL)
        count++;
    struct driver_option *copy = sorted(options, count, sizeof *options, by_option);
    if (copy == NULL)
        return count == 0;
    for (size_t i = 0; i < count; i++)
        fprintf(out, "    option %s%s\n", copy[i].name, copy[i].is_flag ? "" : " = VALUE");
    free(copy);
    return true;
}

static bool print_names(const char *const *names, FILE *out)
{
    size_t count = 0;

    while (names != NULL && names[count] != NULL)
        count++;
    const char **copy = sorted(names, count, sizeof *names, by_name);
    if (copy == NULL)
        return count == 0;
    fprintf(out, "    stands-for");
    for (size_t i = 0; i < count; i++)
        fprintf(out, " %s", copy[i]);
    fprintf(out, "\n");
    free(copy);
    return true;
}

static bool print_driver(const struct driver *driver, FILE *out)
{
    fprintf(out, "driver %s\n    what %s\n", driver->name, driver->description);
    if (!print_names(driver->answers_to, out))
        return false;
    if (driver->full_poll != 0)
        fprintf(out, "    full-poll %u\n", driver->full_poll);
    return print_options(driver->options, out);
}

int list_drivers(FILE *out)
{
    const struct driver *const *table = driver_table();
    size_t count = 0;

    while (table[count] != NULL)
        count++;
    const struct driver **copy = sorted(table, count, sizeof *table, by_driver);
    bool good = copy != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = print_driver(copy[i], out);
    free(copy);
    if (good) {
        fprintf(out, "driver *\n    what each driver takes these too\n");
        good = print_options(driver_common_options(), out);
    }
    if (!good)
        fprintf(stderr, "upsbridged: out of memory\n");
    return good && fflush(out) == 0 && !ferror(out) ? EXIT_SUCCESS : EXIT_FAILURE;
}
