/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the conversation with one UPS in APC's smart protocol: smart mode, one question at a
 * time, alerts kept that come meanwhile, and back in step after anything that went wrong.
 *
 * An answer counts only if its question was asked in step: after silence or garbage "Y" is said
 * until the UPS says "SM", and what came before that is thrown away.
 */
#ifndef UPSBRIDGE_DRIVERS_APCSMART_LINE_H
#define UPSBRIDGE_DRIVERS_APCSMART_LINE_H

#include "drivers/apcsmart/answer.h"
#include "drivers/serial_port.h"

#include <stdint.h>

enum apc_result {
    APC_OK = 0,
    APC_NO = -1,      /* "NA" or "NO": it does not have it, or not now */
    APC_GARBLED = -2, /* no answer to this question */
    APC_SILENT = -3,
    APC_STOPPED = -4,
    APC_GONE = -5,
};

struct apc_counts {
    unsigned long silent, garbled, resynchronised, alerts;
};

struct apc_line {
    struct serial_port *port;
    bool is_smart;   /* in smart mode and in step */
    bool echoes;     /* it says what is said to it: the wrong cable, or no UPS */
    unsigned alerts; /* heard and not taken yet */
    struct apc_counts counts;
};

/* Says "Y" until it says "SM", or must stop. */
enum apc_result apc_line_begin(struct apc_line *line);

/* Asks by one byte; what comes is in answer, whose kind is set. */
enum apc_result apc_line_ask(struct apc_line *line, char query, enum apc_kind kind,
                             unsigned timeout_ms, struct apc_answer *answer);

/* Whether a command stands for itself, or only makes sense behind what was said before. */
enum apc_start { APC_ANEW, APC_CONTINUED };

/*
 * The same for the bytes of a command, which are parted by the pause that units need. APC_GARBLED
 * and nothing said: it was to be continued, and the line is out of step.
 */
enum apc_result apc_line_tell(struct apc_line *line, enum apc_start start, const char *bytes,
                              size_t length, struct apc_answer *answer);

/* Says a byte without waiting for an answer. */
enum apc_result apc_line_say(struct apc_line *line, enum apc_start start, char byte);

/* Hears alerts for so long; ends early with the first if ends_early. */
enum apc_result apc_line_listen(struct apc_line *line, unsigned milliseconds, bool ends_early);

/* The alerts heard since it was last called. */
unsigned apc_line_take_alerts(struct apc_line *line);

/* The caller found an answer not to be one. */
void apc_line_distrust(struct apc_line *line);

#endif
