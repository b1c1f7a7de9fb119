/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: APC's one-byte queries and NUT's names for them, and what a unit says of itself: which
 * queries and commands it knows, and what its settings can be.
 * Source: APC's UPS-Link reference; the names are those of NUT's apcsmart.
 */
#ifndef UPSBRIDGE_DRIVERS_APCSMART_TABLES_H
#define UPSBRIDGE_DRIVERS_APCSMART_TABLES_H

#include "drivers/apcsmart/answer.h"

#include <stdint.h>

enum apc_pace {
    APC_QUICK,   /* with each poll */
    APC_SLOW,    /* with full polls */
    APC_SETTING, /* when the device was opened, and when its EEPROM has changed */
};

struct apc_variable {
    char query;
    const char *name;
    enum apc_shape shape;
    enum apc_pace pace;
    bool is_free_text;  /* eight characters can be written */
    bool is_tried_ever; /* units have it that do not say so */
};

#define APC_VARIABLES_MAX 40

/* Ended by a NULL name. */
extern const struct apc_variable apc_variables[];

/* What a UPS knows, by byte. */
struct apc_command_set {
    uint8_t known[32];
    bool is_told; /* false: it did not say, so that each is tried */
};

bool apc_command_set_has(const struct apc_command_set *set, char byte);
/* The answer to 'a'. False: it tells nothing of use. */
bool apc_command_set_read(struct apc_command_set *set, const char *answer, size_t length);
/* What units are known to have whose firmware 'V' names. False: it is not known. */
bool apc_command_set_of_firmware(struct apc_command_set *set, const char *firmware);

#define APC_CHOICES_MAX 35
#define APC_CHOICE_LENGTH 15
#define APC_CAPABILITIES_MAX 24

/* A setting's values, in the order in which "-" goes through them. */
struct apc_capability {
    char query;
    unsigned count;
    char choices[APC_CHOICES_MAX][APC_CHOICE_LENGTH + 1];
};

struct apc_capabilities {
    size_t count;
    struct apc_capability settings[APC_CAPABILITIES_MAX];
};

/*
 * The records of an answer to ^Z that are for a unit of this locale (the firmware's last letter;
 * '\0': unknown). False: the text is broken, and nothing can be set.
 */
bool apc_capabilities_read(struct apc_capabilities *capabilities, const char *answer, size_t length,
                           char locale);
const struct apc_capability *apc_capability_find(const struct apc_capabilities *capabilities,
                                                 char query);

#endif
