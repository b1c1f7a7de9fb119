/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/commanded.h"

#include "agent/conditions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define IMMINENT_MS 5000
/* How long after its time an output that never went off still counts as commanded to. */
#define PATIENCE_MS (UINT64_C(10) * 60 * 1000)

enum effect { OFF, ON, ON_LATER, STOP };

static const struct {
    const char *name;
    enum effect effect;
    bool returns;
    const char *delay; /* the variable that says when; NULL: at once */
} commands[] = {
    { "load.off", OFF, false, NULL },
    { "load.off.delay", OFF, false, "ups.delay.shutdown" },
    { "shutdown.return", OFF, true, "ups.delay.shutdown" },
    { "shutdown.stayoff", OFF, false, "ups.delay.shutdown" },
    { "shutdown.default", OFF, false, "ups.delay.shutdown" },
    { "shutdown.reboot", OFF, true, NULL },
    { "shutdown.reboot.graceful", OFF, true, "ups.delay.reboot" },
    { "load.on", ON, false, NULL },
    { "load.on.delay", ON_LATER, false, "ups.delay.start" },
    { "shutdown.stop", STOP, false, NULL },
};

static long parse_seconds(const char *text)
{
    char *end;

    if (text == NULL)
        return -1;
    long seconds = strtol(text, &end, 10);
    return end == text || *end != '\0' || seconds < 0 || seconds > INT32_MAX ? -1 : seconds;
}

void commanded_ask(struct commanded *commanded, const struct ups_request *request)
{
    if (request->kind != UPS_REQUEST_COMMAND || commanded->waiting_count == COMMANDED_MAX)
        return;
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcasecmp(commands[i].name, request->name) == 0)
            commanded->waiting[commanded->waiting_count++] = (struct commanded_request){
                .id = request->id, .row = i, .seconds = parse_seconds(request->value)
            };
    }
}

void commanded_count(struct commanded *commanded, enum countdown countdown, long seconds,
                     uint64_t now)
{
    commanded->ends[countdown] = seconds > 0 ? now + (uint64_t)seconds * 1000 : 0;
}

/* After how many seconds a command takes effect, as far as it is known. */
static long delay_of(const struct ups *ups, const struct commanded_request *request)
{
    const char *variable = commands[request->row].delay;
    double seconds;

    if (variable == NULL)
        return 0;
    if (request->seconds >= 0)
        return request->seconds;
    if (!ups_number(ups, variable, &seconds) || !(seconds > 0))
        return 0;
    return seconds < INT32_MAX ? lround(seconds) : INT32_MAX;
}

static void take_effect(struct commanded *commanded, const struct ups *ups,
                        const struct commanded_request *request, uint64_t now)
{
    long delay = delay_of(ups, request);

    switch (commands[request->row].effect) {
    case OFF:
        commanded->off = true;
        commanded->gone = false;
        commanded->returns = commands[request->row].returns;
        commanded->due = now + (uint64_t)delay * 1000;
        commanded_count(commanded, COUNTDOWN_SHUTDOWN, delay, now);
        break;
    case ON:
        commanded->off = false;
        commanded->ends[COUNTDOWN_STARTUP] = 0;
        break;
    case ON_LATER:
        commanded_count(commanded, COUNTDOWN_STARTUP, delay, now);
        break;
    case STOP:
        commanded->off = false;
        memset(commanded->ends, 0, sizeof commanded->ends);
        break;
    }
}

bool commanded_result(struct commanded *commanded, const struct ups *ups, uint64_t request,
                      enum ups_outcome outcome, uint64_t now)
{
    for (size_t i = 0; i < commanded->waiting_count; i++) {
        struct commanded_request settled = commanded->waiting[i];

        if (settled.id != request)
            continue;
        commanded->waiting[i] = commanded->waiting[--commanded->waiting_count];
        if (outcome != UPS_HANDLED)
            return false;
        take_effect(commanded, ups, &settled, now);
        return true;
    }
    return false;
}

void commanded_observe(struct commanded *commanded, const struct ups *ups, uint64_t now)
{
    bool is_off = (ups->status & STATUS_OFF) != 0 || !ups_fresh(ups);

    for (size_t i = 0; i < COUNTDOWNS; i++) {
        if (commanded->ends[i] <= now)
            commanded->ends[i] = 0;
    }
    if (!commanded->off)
        return;
    if (is_off)
        commanded->gone = true;
    else if (commanded->gone || now > commanded->due + PATIENCE_MS)
        commanded->off = false;
}

uint32_t commanded_alarms(const struct commanded *commanded, const struct ups *ups, bool whole,
                          uint64_t now)
{
    uint64_t shutdown = commanded->ends[COUNTDOWN_SHUTDOWN];
    uint32_t alarms = 0;

    if (shutdown > now)
        alarms |= ALARM_BIT(ALARM_SHUTDOWN_PENDING);
    if (shutdown > now && shutdown - now < IMMINENT_MS)
        alarms |= ALARM_BIT(ALARM_SHUTDOWN_IMMINENT);
    if (!commanded->off)
        return alarms;
    if (!ups_fresh(ups)) {
        if (whole && now >= commanded->due)
            alarms |= ALARM_BIT(ALARM_UPS_OFF_AS_REQUESTED) | ALARM_BIT(ALARM_UPS_SYSTEM_OFF);
    } else if ((ups->status & STATUS_OFF) != 0) {
        alarms |= ALARM_BIT(ALARM_OUTPUT_OFF_AS_REQUESTED);
        if (commanded->returns && (ups->status & STATUS_OL) == 0)
            alarms |= ALARM_BIT(ALARM_AWAITING_POWER);
    }
    return alarms;
}

uint64_t commanded_next_look(const struct commanded *commanded, uint64_t now)
{
    uint64_t next = 0;

    for (size_t i = 0; i < COUNTDOWNS; i++) {
        uint64_t end = commanded->ends[i];
        uint64_t imminent = end > IMMINENT_MS ? end - IMMINENT_MS + 1 : end;
        uint64_t look = i == COUNTDOWN_SHUTDOWN && imminent > now ? imminent : end;

        if (end > now && (next == 0 || look < next))
            next = look;
    }
    return next;
}
