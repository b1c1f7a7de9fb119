/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/names.h"

#include "core/variables.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct name {
    struct name *next; /* in its bucket */
    size_t references;
    char text[];
};

static struct {
    struct name **buckets; /* their number is a power of two */
    size_t bucket_count, count;
} names;

static size_t hash_text(const char *text)
{
    size_t hash = 2166136261u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

/* The vocabulary's own spelling; NULL if it has none, or another. */
static const char *vocabulary_name(const char *text)
{
    const struct variable_info *variable = variable_find(text);

    if (variable != NULL && strcmp(variable->name, text) == 0)
        return variable->name;
    const struct command_info *command = command_find(text);

    return command != NULL && strcmp(command->name, text) == 0 ? command->name : NULL;
}

/* The place that points to a name, or where it would be put. */
static struct name **find_link(const char *text)
{
    struct name **link = &names.buckets[hash_text(text) & (names.bucket_count - 1)];

    while (*link != NULL && strcmp((*link)->text, text) != 0)
        link = &(*link)->next;
    return link;
}

/* At most one name a bucket on average. Without memory for more buckets the old ones do. */
static void grow(void)
{
    struct name **before = names.buckets;
    size_t count = names.bucket_count;
    size_t wanted = count == 0 ? 32 : count * 2;

    if (names.count < count)
        return;
    struct name **buckets = calloc(wanted, sizeof buckets[0]);
    if (buckets == NULL)
        return;
    names.buckets = buckets;
    names.bucket_count = wanted;
    for (size_t i = 0; i < count; i++) {
        for (struct name *name = before[i], *next; name != NULL; name = next) {
            struct name **link = find_link(name->text);

            next = name->next;
            name->next = NULL;
            *link = name;
        }
    }
    free(before);
}

static struct name *name_new(const char *text)
{
    size_t size = strlen(text) + 1;
    struct name *name = malloc(sizeof *name + size);

    if (name == NULL)
        return NULL;
    *name = (struct name){ .references = 0 };
    memcpy(name->text, text, size);
    return name;
}

const char *name_share(const char *text)
{
    const char *known = vocabulary_name(text);

    if (known != NULL)
        return known;
    grow();
    if (names.buckets == NULL)
        return NULL;
    struct name **link = find_link(text);
    if (*link == NULL) {
        *link = name_new(text);
        names.count += *link != NULL;
    }
    if (*link == NULL)
        return NULL;
    (*link)->references++;
    return (*link)->text;
}

void name_unshare(const char *text)
{
    if (text == NULL || names.buckets == NULL)
        return;
    struct name **link = find_link(text);
    struct name *name = *link;

    if (name == NULL || name->text != text || --name->references > 0)
        return;
    *link = name->next;
    free(name);
    if (--names.count == 0) {
        free(names.buckets);
        names.buckets = NULL;
        names.bucket_count = 0;
    }
}

size_t name_count(void)
{
    return names.count;
}
