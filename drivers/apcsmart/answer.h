/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what a UPS says in APC's smart protocol, byte by byte: alert characters are taken out of
 * the midst of answers, lines put together, values checked for the shape they must have. Nothing
 * here reads or waits.
 * Source: APC's UPS-Link reference; what units were seen to say.
 */
#ifndef UPSBRIDGE_DRIVERS_APCSMART_ANSWER_H
#define UPSBRIDGE_DRIVERS_APCSMART_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#define APC_ANSWER_MAX 511 /* bytes; the longest is the capability string */

/* What it says unasked, as a set. */
enum {
    APC_ALERT_ON_BATTERY = 1u << 0,
    APC_ALERT_ON_LINE = 1u << 1,
    APC_ALERT_BATTERY_LOW = 1u << 2,
    APC_ALERT_BATTERY_OK = 1u << 3,
    APC_ALERT_REPLACE_BATTERY = 1u << 4,
    APC_ALERT_OVERLOAD = 1u << 5,
    APC_ALERT_OVERLOAD_OVER = 1u << 6,
    APC_ALERT_TURNS_OFF = 1u << 7,
    APC_ALERT_ALARM_REGISTER = 1u << 8,
    APC_ALERT_EEPROM_CHANGED = 1u << 9,
};

/* Some answers have bytes of their own that are alerts elsewhere. */
enum apc_kind {
    APC_DATA,         /* all alert characters are alerts */
    APC_ORDER,        /* '*' is the consent of old units */
    APC_CAPABILITIES, /* '#' parts records */
    APC_COMMAND_SET,  /* lists the alert characters: none is one */
};

/* One line in the making; zeroed for the next one, kind apart. */
struct apc_answer {
    enum apc_kind kind;
    char text[APC_ANSWER_MAX + 1]; /* ended by NUL, and may hold others */
    size_t length;
    bool is_too_long;
    unsigned alerts; /* heard so far */
};

/* The alert a byte stands for; 0: none. */
unsigned apc_alert(char byte);

/* True: the line has ended. Empty lines are none. */
bool apc_answer_take(struct apc_answer *answer, char byte);

/* How a value looks, and what becomes of it. */
enum apc_shape {
    APC_NUMBER,  /* "027.4": as it is */
    APC_INTEGER, /* "020": as it is */
    APC_MINUTES, /* "0062:" -> seconds */
    APC_HOURS,   /* "336" -> seconds; "OFF" -> 0; "ON" as it is */
    APC_DATE,    /* "09/06/05": as it is */
    APC_HEX,     /* "FF": as it is */
    APC_REASON,  /* a letter -> NUT's words for why the UPS went on battery */
    APC_RESULT,  /* of a test: OK BT NG NO */
    APC_WORD,    /* letters and digits, 4 at most: as it is */
    APC_SERIAL,  /* letters and digits; what noise has put behind is left out */
    APC_TEXT,    /* printable, blanks at its end left out */
};

/* False: the answer has not the shape. value holds size bytes. */
bool apc_value(enum apc_shape shape, const char *answer, size_t length, char *value, size_t size);

/*
 * NUT's ups.status of the status register's two digits. False: they are no status, such as one that
 * is on line and on battery at once. bits may be NULL.
 */
bool apc_status(const char *answer, size_t length, char *status, size_t size, unsigned *bits);

enum {
    APC_STATUS_CALIBRATES = 0x01,
    APC_STATUS_TRIM = 0x02,
    APC_STATUS_BOOST = 0x04,
    APC_STATUS_ON_LINE = 0x08,
    APC_STATUS_ON_BATTERY = 0x10,
    APC_STATUS_OVERLOAD = 0x20,
    APC_STATUS_BATTERY_LOW = 0x40,
    APC_STATUS_REPLACE_BATTERY = 0x80,
};

#endif
