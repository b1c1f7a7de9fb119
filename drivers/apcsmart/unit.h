/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the inside of the apcsmart driver: what its parts share of an open UPS.
 */
#ifndef UPSBRIDGE_DRIVERS_APCSMART_UNIT_H
#define UPSBRIDGE_DRIVERS_APCSMART_UNIT_H

#include "drivers/apcsmart/line.h"
#include "drivers/apcsmart/tables.h"
#include "drivers/driver.h"

#define APC_POLL_FREQUENCY 30
#define APC_DATA_MS 3000
#define APC_METHODS_MAX 5

/* How the output can be turned off, by the digits of NUT's advorder. */
enum apc_method {
    APC_SOFT_SLEEP = '0',   /* S */
    APC_HARD_SLEEP = '1',   /* @nnn */
    APC_DELAYED_OFF = '2',  /* K K */
    APC_INSTANT_OFF = '3',  /* Z Z */
    APC_FORCED_SLEEP = '4', /* U, a pause, S */
};

struct apc_options {
    bool has_dual_cable; /* 940-0095B */
    /* In turn until one succeeds; "": soft sleep on battery, else hard sleep. */
    char methods[APC_METHODS_MAX + 1];
    char wake_delay[4]; /* of the hard sleep: two or three digits, in six minutes */
    unsigned forced_sleep_ms;
};

/* What became of a variable. */
struct apc_standing {
    bool is_absent;  /* not asked again */
    bool is_told;    /* it has a value */
    unsigned misses; /* in turn */
};

struct apcsmart {
    const struct device *device;
    struct apc_options options;
    bool waits; /* a wake that is for commands ends reading too */
    struct apc_line line;
    struct apc_command_set commands;
    struct apc_capabilities capabilities;
    struct apc_standing standings[APC_VARIABLES_MAX];
    char firmware[32];
    unsigned status; /* APC_STATUS_* as last heard */
    bool has_told_all;
    bool is_interrupted; /* the rest of a poll is due */
    bool settings_due;
    bool status_due; /* a command may have changed it */
};

extern const struct driver_option apc_option_names[];

/* False: something is wrong, and was reported with file and line. */
bool apc_options_read(const struct device_settings *settings, struct apc_options *options,
                      struct config_report *report);

/* Two digits stand as they are, since some units want two; one makes three. False: it is none. */
bool apc_wake_delay_read(const char *text, char delay[4]);

/* Asks for the status, twice if the first answer is none. */
enum apc_result apc_read_status(struct apcsmart *unit, char *status, size_t size);
/* Asks for a variable and checks the answer's shape. */
enum apc_result apc_read_variable(struct apcsmart *unit, const struct apc_variable *variable,
                                  unsigned timeout_ms, char *value, size_t size);
/* Offers the commands it has. */
void apc_offer_commands(const struct apcsmart *unit, struct update *update);
/* Publishes a value with what may be written there. */
void apc_publish(const struct apcsmart *unit, const struct apc_variable *variable,
                 const char *value, struct update *update);

enum ups_outcome apc_command(struct device *device, const char *name, const char *parameter,
                             struct update *update);
enum ups_outcome apc_set(struct device *device, const char *name, const char *value,
                         struct update *update);

#endif
