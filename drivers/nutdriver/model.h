/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what a driver process of NUT's has told of its device, line by line, and what of it is
 * new to us. No I/O.
 *
 * Bounds: variables, their lists and commands are counted, names and values are as long as
 * core/update.h takes; what is more is passed over, and says so once.
 * Source: NUT's docs/sock-protocol.txt and the behaviour of its drivers 2.8.0.
 */
#ifndef UPSBRIDGE_DRIVERS_NUTDRIVER_MODEL_H
#define UPSBRIDGE_DRIVERS_NUTDRIVER_MODEL_H

#include "core/ups.h"
#include "core/words.h"

#define MODEL_VARIABLES_MAX 4096u
#define MODEL_LIST_MAX 512u /* values or ranges of one variable */
#define MODEL_COMMANDS_MAX 512u
#define MODEL_ID_MAX 63u

enum model_event {
    MODEL_PASSED_OVER, /* no line we know, or one that is wrong */
    MODEL_TOLD,        /* of a variable or command */
    MODEL_DUMPED,      /* that was all there is */
    MODEL_FRESH,
    MODEL_STALE,
    MODEL_PONG,
    MODEL_OUTCOME, /* of the request with model->id: model->outcome */
};

struct model_variable;

struct model {
    struct model_variable *variables; /* sorted by name, without regard to case */
    size_t variable_count;
    char **commands; /* sorted */
    size_t command_count;
    char **gone; /* variables that vanished since the last telling */
    size_t gone_count;
    char **gone_commands;
    size_t gone_command_count;
    bool commands_changed;
    bool crowded; /* something was passed over for being too much */

    char id[MODEL_ID_MAX + 1];
    enum ups_outcome outcome;
};

/* All zero is a model that knows nothing. */
void model_clear(struct model *model);

/* Takes a line: at least one word. */
enum model_event model_take(struct model *model, const struct words *line);

/*
 * Tells what has changed since the last time; all: everything. driver.name and driver.version are
 * ours to tell.
 */
void model_tell(struct model *model, struct update *update, bool all);

#endif
