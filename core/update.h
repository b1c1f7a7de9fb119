/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: a batch of changes to one device, built by a driver in its own thread and applied by the
 * store as a whole, so that no client ever sees half a poll. It is one flat buffer: cheap to build,
 * to pass between threads and to read through.
 *
 * All texts are copied in. Building never fails visibly: when memory runs out or a limit is passed
 * the batch is marked broken (update_ok() is false) and must be thrown away.
 */
#ifndef UPSBRIDGE_CORE_UPDATE_H
#define UPSBRIDGE_CORE_UPDATE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Bounds of what a device may say of itself. */
#define UPDATE_NAME_MAX 127     /* bytes of a variable or command name */
#define UPDATE_VALUE_MAX 511    /* bytes of a value; longer ones are cut */
#define UPDATE_SIZE_MAX 1048576 /* bytes of a whole batch */

/* Variable flags, as NUT's GET TYPE tells them. A variable that is neither is a NUMBER to clients.
 */
enum {
    VARIABLE_RW = 1u << 0,     /* can be SET */
    VARIABLE_STRING = 1u << 1, /* has a maximal length */
    VARIABLE_NUMBER = 1u << 2,
};

enum update_kind {
    UPDATE_SET,   /* name = value */
    UPDATE_UNSET, /* name vanishes, with its flags, enumeration and ranges */
    /*
     * Flags and length of a variable that has been set; forgets enumeration and ranges told before.
     * Those that hold now follow it directly, so that telling the same again is no change.
     */
    UPDATE_FLAGS,
    UPDATE_ENUM,      /* one more allowed value */
    UPDATE_RANGE,     /* one more allowed range, minimum to maximum */
    UPDATE_COMMAND,   /* the device offers the instant command name */
    UPDATE_UNCOMMAND, /* it no longer does */
};

struct update_item {
    enum update_kind kind;
    const char *name;
    const char *value;     /* SET, ENUM */
    unsigned flags;        /* FLAGS */
    long length;           /* FLAGS: maximal length of a STRING */
    long minimum, maximum; /* RANGE */
};

struct update {
    unsigned char *bytes;
    size_t used, size;
    bool broken;
    /*
     * The batch tells all the device has: variables and commands it does not name vanish, and so do
     * flags it does not tell. Set for the first poll after a device was opened.
     */
    bool complete;
};

/* A zeroed struct update is empty and valid. */
void update_clear(struct update *update);
bool update_ok(const struct update *update);

void update_set(struct update *update, const char *name, const char *value);
void update_setf(struct update *update, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void update_unset(struct update *update, const char *name);
void update_flags(struct update *update, const char *name, unsigned flags, long length);
void update_enum(struct update *update, const char *name, const char *value);
void update_range(struct update *update, const char *name, long minimum, long maximum);
void update_command(struct update *update, const char *name);
void update_uncommand(struct update *update, const char *name);

/* Appends a copy of an item of another batch. */
void update_append(struct update *update, const struct update_item *item);

/*
 * Reads through the items in order: start with *cursor = 0; false at the end. Texts point into the
 * batch.
 */
bool update_next(const struct update *update, size_t *cursor, struct update_item *item);

#endif
