/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: makes readings of answers: what each field is called, the status from the bits, and what
 * is reckoned from both. An answer that is not believable as a whole becomes no reading at all.
 */
#ifndef UPSBRIDGE_DRIVERS_MEGATEC_READINGS_H
#define UPSBRIDGE_DRIVERS_MEGATEC_READINGS_H

#include "core/update.h"
#include "drivers/megatec/battery.h"
#include "drivers/megatec/dialect.h"

/* What is known of a device. Numbers not told are NAN. */
struct megatec_image {
    double slots[SLOT_COUNT];
    enum megatec_bits bits_kind; /* of bits; BITS_NONE: the status is not known */
    bool bits[MEGATEC_BITS_MAX];
    char mode; /* QMOD's; '\0': not told */
    bool ignores_shutdown_bit;
    struct megatec_battery_options battery_options;
    struct megatec_battery *battery;
    bool has_alarm; /* ups.alarm has been published */
};

void megatec_image_begin(struct megatec_image *image);

/*
 * Takes an answer to a question over. False with a text: it is none, and nothing was taken. update
 * may be NULL: it is only looked at.
 */
bool megatec_image_take(struct megatec_image *image, const struct megatec_question *question,
                        const struct megatec_answer *answer, struct update *update,
                        const char **problem);

/* Publishes the status, and what is reckoned. False: the status is not known. */
bool megatec_image_publish(struct megatec_image *image, uint64_t now, struct update *update);

bool megatec_image_on_battery(const struct megatec_image *image);
bool megatec_image_beeper_is_on(const struct megatec_image *image);

#endif
