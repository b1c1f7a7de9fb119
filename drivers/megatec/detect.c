/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which dialect a device speaks. Each wrong question costs a second, and may confuse the device: so
 * the question that most understand comes first, and what it says is used to ask on.
 */
#include "core/log.h"
#include "drivers/megatec/device.h"

#include <string.h>

static bool answers(struct megatec *megatec, const struct megatec_question *question)
{
    return megatec_ask(megatec, question, NULL) == MEGATEC_GOOD;
}

static bool speaks(struct megatec *megatec, const struct megatec_dialect *dialect)
{
    megatec->usual = 0;
    return answers(megatec, megatec_dialect_status(dialect));
}

/* It answers Q1. */
static const struct megatec_dialect *among_q1(struct megatec *megatec)
{
    const struct megatec_options *options = &megatec->memory->options;
    enum megatec_verdict verdict = megatec_ask(megatec, &megatec_ask_protocol, NULL);

    if (verdict == MEGATEC_GOOD && speaks(megatec, &megatec_dialect_voltronic))
        return &megatec_dialect_voltronic;
    bool has_rating = options->skips_rating || answers(megatec, &megatec_ask_rating);
    /* Who has no rating, or says what it does not know, is asked on: others would hang. */
    if ((!has_rating || verdict == MEGATEC_REFUSED) && answers(megatec, &megatec_ask_q6))
        return &megatec_dialect_q6;
    if (!has_rating && answers(megatec, &megatec_ask_best))
        return &megatec_dialect_bestups;
    if (!has_rating && !options->skips_rating && answers(megatec, &megatec_ask_omron))
        return &megatec_dialect_omron;
    return &megatec_dialect_megatec;
}

/* It answers QS: Mustek's, or a Voltronic's, which has a letter for its protocol. */
static const struct megatec_dialect *among_qs(struct megatec *megatec)
{
    return answers(megatec, &megatec_ask_letter) ? &megatec_dialect_voltronic_qs
                                                 : &megatec_dialect_mustek;
}

static const struct megatec_dialect *find(struct megatec *megatec)
{
    megatec->is_probing = false;
    bool knows_q1 = speaks(megatec, &megatec_dialect_megatec);
    megatec->is_probing = true;
    if (knows_q1)
        return among_q1(megatec);
    /* S and D of the questions that follow would switch it off, or empty its battery. */
    if (megatec->is_apc)
        return NULL;
    if (speaks(megatec, &megatec_dialect_mustek))
        return among_qs(megatec);
    if (speaks(megatec, &megatec_dialect_voltronic_qs_hex))
        return &megatec_dialect_voltronic_qs_hex;
    if (speaks(megatec, &megatec_dialect_voltronic))
        return &megatec_dialect_voltronic;
    if (speaks(megatec, &megatec_dialect_old))
        return &megatec_dialect_old;
    return NULL;
}

enum driver_result megatec_detect(struct megatec *megatec)
{
    struct megatec_memory *memory = megatec->memory;
    const struct megatec_dialect *wanted = memory->options.dialect;
    bool is_known = wanted != NULL || memory->dialect != NULL;

    if (wanted == NULL)
        wanted = memory->dialect;
    megatec->dialect = wanted != NULL && speaks(megatec, wanted) ? wanted : NULL;
    if (megatec->dialect == NULL && memory->options.dialect == NULL && !megatec->is_gone)
        megatec->dialect = find(megatec);
    megatec->is_probing = false;
    if (megatec->is_gone)
        return driver_problem(megatec->device, DRIVER_GONE, "the line was lost");
    if (megatec->is_apc && megatec->dialect == NULL)
        return driver_problem(megatec->device, DRIVER_REFUSED,
                              "a UPS with APC's protocol is on the line: see driver apcsmart");
    if (megatec->dialect == NULL)
        return driver_problem(megatec->device, DRIVER_GONE, "%s: %s",
                              memory->options.dialect == NULL
                                  ? "no UPS that speaks a known dialect is on the line"
                                  : "no UPS that speaks this protocol is on the line",
                              megatec->reason);
    if (!is_known)
        log_info("[%s] speaks the dialect %s", megatec->device->name, megatec->dialect->names[0]);
    memory->dialect = megatec->dialect;
    return DRIVER_OK;
}
