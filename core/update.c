/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layout of an item: one kind byte, name and NUL, then for SET and ENUM the value and NUL, for
 * FLAGS and RANGE two longs in host order.
 */
#include "core/update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 512

void update_clear(struct update *update)
{
    free(update->bytes);
    *update = (struct update){ 0 };
}

bool update_ok(const struct update *update)
{
    return !update->broken;
}

static unsigned char *reserve(struct update *update, size_t more)
{
    if (update->broken)
        return NULL;
    size_t need = update->used + more;
    if (need > UPDATE_SIZE_MAX) {
        update->broken = true;
        return NULL;
    }
    if (need > update->size) {
        size_t size = update->size == 0 ? SIZE_FIRST : update->size;

        while (size < need)
            size *= 2;
        unsigned char *bytes = realloc(update->bytes, size);
        if (bytes == NULL) {
            update->broken = true;
            return NULL;
        }
        update->bytes = bytes;
        update->size = size;
    }
    unsigned char *place = update->bytes + update->used;
    update->used = need;
    return place;
}

/* Names that no client could ask for are refused here, so that the store need not care. */
static bool valid_name(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > UPDATE_NAME_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)name[i];

        if (byte <= 0x20 || byte >= 0x7f || byte == '"' || byte == '\\' || byte == '#' ||
            byte == '=')
            return false;
    }
    return true;
}

static void put(struct update *update, enum update_kind kind, const char *name, const void *tail,
                size_t tail_length)
{
    if (!valid_name(name)) {
        update->broken = true;
        return;
    }
    size_t name_size = strlen(name) + 1;
    unsigned char *place = reserve(update, 1 + name_size + tail_length);
    if (place == NULL)
        return;
    *place = (unsigned char)kind;
    memcpy(place + 1, name, name_size);
    if (tail_length > 0)
        memcpy(place + 1 + name_size, tail, tail_length);
}

static void put_text(struct update *update, enum update_kind kind, const char *name,
                     const char *value)
{
    char text[UPDATE_VALUE_MAX + 1];
    size_t length = strnlen(value, UPDATE_VALUE_MAX);

    /* The protocol carries printable ASCII only; what a device adds to that must not break lines.
     */
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value[i];

        text[i] = byte >= 0x20 && byte < 0x7f ? value[i] : '?';
    }
    text[length] = '\0';
    put(update, kind, name, text, length + 1);
}

static void put_longs(struct update *update, enum update_kind kind, const char *name, long first,
                      long second)
{
    long pair[2] = { first, second };

    put(update, kind, name, pair, sizeof pair);
}

void update_set(struct update *update, const char *name, const char *value)
{
    put_text(update, UPDATE_SET, name, value);
}

void update_setf(struct update *update, const char *name, const char *format, ...)
{
    char text[UPDATE_VALUE_MAX + 1];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put_text(update, UPDATE_SET, name, text);
}

void update_unset(struct update *update, const char *name)
{
    put(update, UPDATE_UNSET, name, NULL, 0);
}

void update_flags(struct update *update, const char *name, unsigned flags, long length)
{
    put_longs(update, UPDATE_FLAGS, name, (long)flags, length);
}

void update_enum(struct update *update, const char *name, const char *value)
{
    put_text(update, UPDATE_ENUM, name, value);
}

void update_range(struct update *update, const char *name, long minimum, long maximum)
{
    put_longs(update, UPDATE_RANGE, name, minimum, maximum);
}

void update_command(struct update *update, const char *name)
{
    put(update, UPDATE_COMMAND, name, NULL, 0);
}

void update_uncommand(struct update *update, const char *name)
{
    put(update, UPDATE_UNCOMMAND, name, NULL, 0);
}

void update_append(struct update *update, const struct update_item *item)
{
    switch (item->kind) {
    case UPDATE_SET:
    case UPDATE_ENUM:
        put_text(update, item->kind, item->name, item->value);
        break;
    case UPDATE_FLAGS:
        put_longs(update, item->kind, item->name, (long)item->flags, item->length);
        break;
    case UPDATE_RANGE:
        put_longs(update, item->kind, item->name, item->minimum, item->maximum);
        break;
    case UPDATE_UNSET:
    case UPDATE_COMMAND:
    case UPDATE_UNCOMMAND:
        put(update, item->kind, item->name, NULL, 0);
        break;
    }
}

bool update_next(const struct update *update, size_t *cursor, struct update_item *item)
{
    if (*cursor >= update->used)
        return false;
    const unsigned char *at = update->bytes + *cursor;

    *item = (struct update_item){ .kind = (enum update_kind) * at, .name = (const char *)at + 1 };
    at += 1 + strlen(item->name) + 1;
    if (item->kind == UPDATE_SET || item->kind == UPDATE_ENUM) {
        item->value = (const char *)at;
        at += strlen(item->value) + 1;
    } else if (item->kind == UPDATE_FLAGS || item->kind == UPDATE_RANGE) {
        long pair[2];

        memcpy(pair, at, sizeof pair);
        at += sizeof pair;
        if (item->kind == UPDATE_FLAGS) {
            item->flags = (unsigned)pair[0];
            item->length = pair[1];
        } else {
            item->minimum = pair[0];
            item->maximum = pair[1];
        }
    }
    *cursor = (size_t)(at - update->bytes);
    return true;
}
