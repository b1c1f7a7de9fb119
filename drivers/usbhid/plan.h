/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the rows of a device's family and of the generic one, bound to the fields of its
 * descriptor. Shared by the parts of a device (device.c, device_write.c); nobody else needs it.
 */
#ifndef UPSBRIDGE_USBHID_PLAN_H
#define UPSBRIDGE_USBHID_PLAN_H

#include "core/variables.h"
#include "drivers/usbhid/device.h"
#include "drivers/usbhid/status.h"

#define CANDIDATES_MAX 8
#define TEXT_MAX 128

/* A row whose field the device has. */
struct candidate {
    const struct variable_row *row;
    struct hid_field *field;
    struct hid_field *twin; /* the same as the device sends it unasked; NULL: it does not */
};

struct bound_variable {
    const char *name;
    const struct variable_info *info; /* NULL: the vocabulary has no such name */
    struct candidate candidates[CANDIDATES_MAX];
    uint8_t candidate_count;
    const struct candidate *settled; /* that gave the first text; NULL: none so far */
    uint8_t failures;                /* of what is read once */
    uint8_t late;                    /* time-outs in a row */
    bool warned;                     /* that it told something implausible */
    char text[TEXT_MAX];             /* as published; "": it is not */
};

enum flag_state { FLAG_UNKNOWN, FLAG_CLEAR, FLAG_SET };

struct bound_flag {
    const struct status_row *row;
    struct hid_field *field;
    struct hid_field *twin;
    enum flag_state polled, heard;
    uint64_t read; /* when it was last asked for with success; polled is that, or what came since */
};

struct bound_command {
    const struct command_row *row;
    struct hid_field *field; /* NULL: the command is withheld */
};

struct hid_plan {
    struct bound_variable *variables;
    size_t variable_count;
    struct bound_flag *flags;
    size_t flag_count;
    struct bound_command *commands;
    size_t command_count;

    bool prefer_input;
    bool told;                    /* a full poll has been answered */
    bool heard[256];              /* input reports that came since the last poll */
    bool seen[256];               /* ... ever */
    bool answered_unread;         /* the last quick poll was answered with what had come */
    bool status_was_read;         /* the flag of input power, at least once */
    bool flags_told;              /* some flag was set, in an answer */
    bool battery_was_present;     /* ... that of the battery */
    unsigned silent_polls;        /* in a row, that told nothing of it */
    uint64_t since[STATUS_FLAGS]; /* when the flag was set; 0: it is not */

    long off_delay, on_delay; /* seconds; kept here, written with commands */
    bool user_low;            /* low_charge was set by the user */
    double low_charge;
    bool low_unwritten; /* the device has not been told low_charge yet */

    /* Line and discharge at once: where the levels stood when it began. */
    bool watching, falling, has_first_charge, has_first_runtime;
    double first_charge, first_runtime;
};

/* Binds the rows to the device's descriptor. NULL: out of memory. */
struct hid_plan *hid_plan_new(struct hid_device *device);
void hid_plan_free(struct hid_plan *plan);

struct bound_variable *hid_plan_variable(struct hid_plan *plan, const char *name);
/* NULL: the device has no such command, or it is withheld. */
const struct bound_command *hid_plan_command(const struct hid_plan *plan, const char *name);
bool hid_plan_withholds(const struct hid_plan *plan, const char *name);

/* The field's value in the unit of a variable, and how many decimals it can tell. */
double hid_plan_number(const struct variable_info *info, const struct hid_field *field, int64_t raw,
                       unsigned *decimals);
/* The inverse. */
int64_t hid_plan_raw(const struct variable_info *info, const struct hid_field *field,
                     double number);
/* Reads a field; keep as in hid_reports_value(). */
enum hid_result hid_plan_read(struct hid_device *device, const struct hid_field *field, bool keep,
                              int64_t *raw);
/* Answers with zeros, but sends what is true: from now on only what it sends counts. */
void hid_plan_turn_to_input(struct hid_plan *plan);
/* Sets variable->text from a raw value of a candidate: false if there is nothing to publish. */
bool hid_plan_show(struct hid_device *device, struct bound_variable *variable,
                   const struct candidate *candidate, const struct hid_field *field, int64_t raw);

/*
 * Asks for the flags. False: of input power nothing was to be learnt, although it was before or
 * only came too late.
 */
bool hid_flags_read(struct hid_device *device);
/* The flags as asked for; of boards that answer with zeros, as they sent them. */
struct flag_set hid_flags_present(struct hid_device *device);
/* The flags after something was sent: that, and what was asked for before. */
struct flag_set hid_flags_heard(const struct hid_plan *plan);
/* The last answer was none: nothing but zeros, of a device that has told of its battery before. */
bool hid_flags_are_lost(const struct hid_plan *plan);
/* Neither line nor battery: such an answer is none. */
bool hid_flags_tell_nothing(const struct flag_set *flags);
/* ups.status, ups.alarm, input.transfer.reason. */
void hid_flags_publish(struct hid_device *device, struct flag_set flags, struct update *update);
/* Takes the flags of an input report that has come. True: one has changed. */
bool hid_flags_hear(struct hid_device *device, uint8_t report);

/* Has it answered with nothing but zeros so far? No limit, no level, no flag of theirs is true. */
bool hid_device_is_unready(const struct hid_device *device);
/* Flags, words and ranges of what is writable. */
void hid_device_publish_access(struct hid_device *device, const struct bound_variable *variable,
                               struct update *update);
/* Which instant commands the device has. */
void hid_device_publish_commands(struct hid_device *device, struct update *update);
/* The delays that are kept here. */
void hid_device_publish_delays(struct hid_device *device, struct update *update);
/* The limit of charge where only the user has set one. */
void hid_device_publish_low_charge(struct hid_device *device, struct update *update);
/* Tells the device the user's limit of charge; its answer decides nothing. */
void hid_device_write_low_charge(struct hid_device *device);

#endif
