/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/config.h"
#include "core/log.h"
#include "drivers/megatec/device.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OFF_DELAY "ups.delay.shutdown"
#define ON_DELAY "ups.delay.start"
#define TEST_MAX 5940u
#define TEST_DEFAULT 600u

void megatec_publish_orders(const struct megatec *megatec, struct update *update)
{
    const struct megatec_dialect *dialect = megatec->dialect;
    const struct megatec_memory *memory = megatec->memory;

    for (const struct megatec_order *order = dialect->orders; order->command != NULL; order++)
        update_command(update, order->command);
    update_setf(update, OFF_DELAY, "%u", memory->off_delay);
    update_flags(update, OFF_DELAY, VARIABLE_RW | VARIABLE_NUMBER, 0);
    update_range(update, OFF_DELAY, (long)dialect->off_minimum, (long)dialect->off_maximum);
    update_setf(update, ON_DELAY, "%u", memory->on_delay);
    update_flags(update, ON_DELAY, VARIABLE_RW | VARIABLE_NUMBER, 0);
    update_range(update, ON_DELAY, (long)dialect->on_minimum, (long)dialect->on_maximum);
}

/* Sends a text once. Silence is how most say yes. */
static enum megatec_verdict send_text(struct megatec *megatec, const char *text)
{
    const struct megatec_question question = {
        .query = text, .form = MEGATEC_TEXT, .least = 1, .most = MEGATEC_ANSWER_MAX
    };
    struct megatec_answer answer;
    size_t length;
    enum megatec_verdict verdict = megatec_exchange(megatec, &question, &answer, &length);

    if (megatec->is_gone)
        return MEGATEC_MALFORMED;
    /* An answer that was not asked for says nothing of the order. */
    if (verdict == MEGATEC_GOOD) {
        const char *said = answer.text[0] == '(' ? answer.text + 1 : answer.text;

        return strcasecmp(said, "ACK") == 0 ? MEGATEC_GOOD : MEGATEC_MALFORMED;
    }
    megatec->is_late = false;
    return verdict;
}

static enum ups_outcome carry_out(struct megatec *megatec, const char *command, const char *text)
{
    bool confirms = megatec->dialect->confirms;
    enum megatec_verdict verdict = send_text(megatec, text);

    /* Noise hit the order, or the answer to it. Once more: an order twice is as the order once. */
    if (verdict == MEGATEC_MALFORMED && !megatec->is_gone)
        verdict = send_text(megatec, text);
    log_debug(1, "[%s] %s: sent %s", megatec->device->name, command, text);
    if (verdict == MEGATEC_GOOD || (verdict == MEGATEC_SILENT && !confirms))
        return UPS_HANDLED;
    log_warning("[%s] %s: %s", megatec->device->name, command,
                verdict == MEGATEC_ECHOED    ? "the UPS does not understand it"
                : verdict == MEGATEC_REFUSED ? "the UPS refuses it"
                : verdict == MEGATEC_SILENT  ? "the UPS does not confirm it"
                                             : "what the UPS answers is no answer to it");
    return UPS_FAILED;
}

/* What is under way would be added to, or win: it is called off. */
static void stop_shutdown(struct megatec *megatec, const struct megatec_order *order)
{
    const struct megatec_order *stop = megatec_order_find(megatec->dialect, "shutdown.stop");

    if (order->stops_first && megatec->shutdown_ordered && stop != NULL) {
        (void)send_text(megatec, stop->text);
        megatec->shutdown_ordered = false;
    }
}

static bool read_test(const struct megatec_order *order, const char *parameter, unsigned *seconds)
{
    *seconds = TEST_DEFAULT;
    if (order->test_minimum == 0)
        return true;
    return parameter == NULL || parameter[0] == '\0' ||
           config_unsigned(parameter, order->test_minimum, TEST_MAX, seconds);
}

enum ups_outcome megatec_command(struct device *device, const char *name, const char *parameter,
                                 struct update *update)
{
    struct megatec *megatec = device->state;
    const struct megatec_memory *memory = megatec->memory;
    const struct megatec_order *order = megatec_order_find(megatec->dialect, name);
    struct megatec_terms terms = { .off_delay = memory->off_delay, .on_delay = memory->on_delay };
    char text[32];

    (void)update;
    if (order == NULL)
        return UPS_UNKNOWN;
    if (!read_test(order, parameter, &terms.test))
        return UPS_INVALID;
    terms.beeper_is_on = megatec_image_beeper_is_on(&megatec->image);
    if (!megatec_order_write(order, &terms, text, sizeof text))
        return UPS_FAILED;
    stop_shutdown(megatec, order);
    enum ups_outcome outcome = carry_out(megatec, order->command, text);
    if (outcome == UPS_HANDLED && order->stops_first)
        megatec->shutdown_ordered = true;
    else if (outcome == UPS_HANDLED && strcmp(order->command, "shutdown.stop") == 0)
        megatec->shutdown_ordered = false;
    return outcome;
}

enum ups_outcome megatec_set(struct device *device, const char *name, const char *value,
                             struct update *update)
{
    struct megatec *megatec = device->state;
    struct megatec_memory *memory = megatec->memory;
    const struct megatec_dialect *dialect = megatec->dialect;
    bool is_off = strcasecmp(name, OFF_DELAY) == 0;
    unsigned seconds;

    if (!is_off && strcasecmp(name, ON_DELAY) != 0)
        return UPS_UNKNOWN;
    if (!config_unsigned(value, is_off ? dialect->off_minimum : dialect->on_minimum,
                         is_off ? dialect->off_maximum : dialect->on_maximum, &seconds))
        return UPS_INVALID;
    /* Told as it will be sent: below a minute in tenths of it, else in whole minutes. */
    seconds -= seconds % (is_off && seconds < 60 ? 6 : 60);
    *(is_off ? &memory->off_delay : &memory->on_delay) = seconds;
    update_setf(update, is_off ? OFF_DELAY : ON_DELAY, "%u", seconds);
    return UPS_HANDLED;
}
