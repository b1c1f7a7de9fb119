/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/reaction.h"

#include "core/loop.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 100

enum kind { CHANGES, WAITS, FAILS, REFUSES, NONSENSE };

struct step {
    enum kind kind;
    double seconds;
    char *name, *value; /* parts of the text */
};

static bool parse_seconds(const char *text, double *seconds)
{
    char *end;

    if (strncmp(text, "after ", 6) != 0)
        return false;
    *seconds = strtod(text + 6, &end);
    return end != text + 6 && *end == '\0' && *seconds >= 0 && *seconds <= REACTION_SECONDS_MAX;
}

/* Cuts the next step off a text; false at its end. */
static bool next_step(char **rest, struct step *step)
{
    char *text = strsep(rest, ";");

    if (text == NULL)
        return false;
    text += strspn(text, " ");
    for (size_t length = strlen(text); length > 0 && text[length - 1] == ' '; length--)
        text[length - 1] = '\0';
    char *colon = strchr(text, ':');
    *step = (struct step){ .kind = NONSENSE };
    if (strcmp(text, "fails") == 0)
        step->kind = FAILS;
    else if (strcmp(text, "refuses") == 0)
        step->kind = REFUSES;
    else if (parse_seconds(text, &step->seconds))
        step->kind = WAITS;
    else if (colon != NULL && colon != text && strcspn(text, " ") > (size_t)(colon - text)) {
        *colon = '\0';
        step->kind = CHANGES;
        step->name = text;
        step->value = colon + 1 + strspn(colon + 1, " ");
    }
    return true;
}

bool reaction_check(const char *text)
{
    char *copy = strdup(text);
    char *rest = copy;
    struct step step;
    bool known = copy != NULL;

    while (known && next_step(&rest, &step))
        known = step.kind != NONSENSE;
    free(copy);
    return known;
}

bool reaction_waits(const char *text)
{
    char *copy = strdup(text);
    char *rest = copy;
    struct step step;
    bool waits = copy == NULL;

    while (!waits && next_step(&rest, &step))
        waits = step.kind == WAITS;
    free(copy);
    return waits;
}

/* A device that takes its time, but not longer than it is wanted. */
static void take_time(const struct device *device, double seconds)
{
    uint64_t end = clock_ms() + (uint64_t)(seconds * 1000);

    for (uint64_t now = clock_ms(); now < end && !driver_must_stop(device); now = clock_ms())
        poll(NULL, 0, end - now < LOOK_MS ? (int)(end - now) : LOOK_MS);
}

enum ups_outcome reaction_follow(const struct device *device, const char *text,
                                 const char *parameter, reaction_publish *publish,
                                 struct update *update)
{
    enum ups_outcome outcome = UPS_HANDLED;
    char *copy = strdup(text);
    char *rest = copy;
    struct step step;

    if (copy == NULL)
        return UPS_FAILED;
    while (outcome == UPS_HANDLED && next_step(&rest, &step)) {
        switch (step.kind) {
        case CHANGES:
            if (strcmp(step.value, "$1") == 0)
                publish(update, step.name, parameter == NULL ? "" : parameter);
            else
                publish(update, step.name, step.value);
            break;
        case WAITS:
            take_time(device, step.seconds);
            break;
        case REFUSES:
            outcome = UPS_INVALID;
            break;
        case FAILS:
        case NONSENSE:
            outcome = UPS_FAILED;
            break;
        }
    }
    free(copy);
    return outcome;
}
