/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usb_match.h"

#include "drivers/usb_watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum aspect {
    VENDOR_ID,
    PRODUCT_ID,
    RELEASE,
    BUS,
    NUMBER,
    BUSPORT,
    VENDOR,
    PRODUCT,
    SERIAL,
    ASPECTS,
};

/* What the section says of one aspect. */
struct pattern {
    const char *key;
    char *text; /* NULL: nothing */
    bool is_number;
    unsigned long number;
    regex_t regex; /* unless it is a number */
};

struct usb_match {
    struct pattern patterns[ASPECTS];
    struct usb_counters counters;
    char *section;

    /* Guarded by the list's mutex. */
    struct usb_match *next;
    bool is_listed;
    char claimed[32]; /* busport; "": it waits */
    bool has_before;
    struct usb_facts before; /* the unit it had last */
    void (*arrived)(void *context);
    void *context;
};

static struct {
    pthread_mutex_t mutex;
    struct usb_match *matches;
} list = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static const struct {
    const char *key;
    int base; /* 0: text */
} aspects[ASPECTS] = {
    [VENDOR_ID] = { "vendorid", 16 }, [PRODUCT_ID] = { "productid", 16 },
    [RELEASE] = { "bcdDevice", 16 },  [BUS] = { "bus", 10 },
    [NUMBER] = { "device", 10 },      [BUSPORT] = { "busport", 10 },
    [VENDOR] = { "vendor", 0 },       [PRODUCT] = { "product", 0 },
    [SERIAL] = { "serial", 0 },
};

/* The section -------------------------------------------------------------------------------- */

static bool compile(struct pattern *pattern, enum aspect aspect, const char *text, int *error)
{
    char *end = NULL;
    char *whole = NULL;

    pattern->key = aspects[aspect].key;
    pattern->text = strdup(text);
    if (pattern->text == NULL)
        return false;
    if (aspects[aspect].base != 0 && strspn(text, "0123456789abcdefABCDEFxX") == strlen(text)) {
        pattern->number = strtoul(text, &end, aspects[aspect].base);
        pattern->is_number = end != text && *end == '\0';
    }
    if (pattern->is_number)
        return true;
    /* A path of ports is meant as a whole: 1-1 is not 1-1.2. */
    if (asprintf(&whole, aspect == BUSPORT ? "^(%s)$" : "%s", text) >= 0) {
        *error = regcomp(&pattern->regex, whole, REG_EXTENDED | REG_ICASE | REG_NOSUB);
        free(whole);
        if (*error == 0)
            return true;
    }
    free(pattern->text);
    pattern->text = NULL;
    return false;
}

/* Reads one key; false: it is wrong (told), or there is no memory. */
static bool read_pattern(struct usb_match *match, enum aspect aspect,
                         const struct device_settings *settings, struct config_report *report)
{
    struct pattern *pattern = &match->patterns[aspect];
    const struct option_setting *option = device_option_find(settings, aspects[aspect].key);
    char reason[128];
    int error = 0;

    /* "" matches everything; a key without a value is complained of elsewhere. */
    if (option == NULL || option->value == NULL || option->value[0] == '\0')
        return true;
    if (compile(pattern, aspect, option->value, &error))
        return true;
    if (error != 0) {
        regerror(error, &pattern->regex, reason, sizeof reason);
        config_error(report, settings->file, option->line,
                     "[%s] %s '%s' is no regular expression: %s", settings->name, option->key,
                     option->value, reason);
    }
    return false;
}

struct usb_match *usb_match_new(const struct device_settings *settings,
                                struct config_report *report)
{
    struct usb_match *match = calloc(1, sizeof *match);
    bool good = match != NULL && (match->section = strdup(settings->name)) != NULL;

    for (enum aspect aspect = 0; aspect < ASPECTS && match != NULL; aspect++)
        good &= read_pattern(match, aspect, settings, report);
    if (good)
        return match;
    usb_match_free(match);
    return NULL;
}

void usb_match_describe(const struct usb_match *match, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (enum aspect aspect = 0; aspect < ASPECTS; aspect++) {
        const struct pattern *pattern = &match->patterns[aspect];

        if (pattern->text != NULL && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s %s", used == 0 ? "" : ", ",
                                     pattern->key, pattern->text);
    }
}

/* Matching ----------------------------------------------------------------------------------- */

static bool fits_text(const struct pattern *pattern, const char *text)
{
    return pattern->text == NULL || regexec(&pattern->regex, text, 0, NULL, 0) == 0;
}

static bool fits_number(const struct pattern *pattern, unsigned long number, const char *text)
{
    return pattern->text == NULL || !pattern->is_number ? fits_text(pattern, text)
                                                        : pattern->number == number;
}

static bool fits_id(const struct pattern *pattern, unsigned id)
{
    char text[16];

    snprintf(text, sizeof text, "%04x", id);
    return fits_number(pattern, id, text);
}

/* The number of the last port, as NUT's busport is. */
static unsigned long last_port(const char *busport)
{
    const char *at = busport + strlen(busport);

    while (at > busport && at[-1] >= '0' && at[-1] <= '9')
        at--;
    return strtoul(at, NULL, 10);
}

bool usb_match_numbers(const struct usb_match *match, const struct usb_facts *facts)
{
    const struct pattern *patterns = match->patterns;
    const struct usb_place *place = &facts->place;

    return fits_id(&patterns[VENDOR_ID], facts->identity.vendor_id) &&
           fits_id(&patterns[PRODUCT_ID], facts->identity.product_id) &&
           fits_id(&patterns[RELEASE], facts->identity.release) &&
           fits_number(&patterns[BUS], strtoul(place->bus, NULL, 10), place->bus) &&
           fits_number(&patterns[NUMBER], strtoul(place->number, NULL, 10), place->number) &&
           fits_number(&patterns[BUSPORT], last_port(place->busport), place->busport);
}

bool usb_match_strings(const struct usb_match *match, const struct usb_facts *facts)
{
    return fits_text(&match->patterns[VENDOR], facts->identity.vendor) &&
           fits_text(&match->patterns[PRODUCT], facts->identity.product) &&
           fits_text(&match->patterns[SERIAL], facts->identity.serial);
}

/* Makers that number none give all of them "0" or blanks. */
static bool tells_units_apart(const char *serial)
{
    return serial[strspn(serial, "0 -_")] != '\0';
}

static bool same_kind(const struct hid_identity *a, const struct hid_identity *b)
{
    return a->vendor_id == b->vendor_id && a->product_id == b->product_id;
}

static int familiarity(const struct usb_match *match, const struct usb_facts *facts)
{
    const struct usb_facts *before = &match->before;

    if (!match->has_before || !same_kind(&before->identity, &facts->identity))
        return 0;
    if (tells_units_apart(facts->identity.serial) && tells_units_apart(before->identity.serial))
        return strcmp(facts->identity.serial, before->identity.serial) == 0 ? 2 : 0;
    return strcmp(facts->place.busport, before->place.busport) == 0 ? 1 : 0;
}

int usb_match_familiarity(const struct usb_match *match, const struct usb_facts *facts)
{
    pthread_mutex_lock(&list.mutex);
    int result = familiarity(match, facts);
    pthread_mutex_unlock(&list.mutex);
    return result;
}

/* Claims ------------------------------------------------------------------------------------- */

/* Whoever has the device, or had it and waits for it now. NULL: nobody but perhaps match. */
static const struct usb_match *other_claimant(const struct usb_match *match,
                                              const struct usb_facts *facts)
{
    int own = familiarity(match, facts);

    for (const struct usb_match *other = list.matches; other != NULL; other = other->next) {
        if (other == match)
            continue;
        if (strcmp(other->claimed, facts->place.busport) == 0)
            return other;
        if (other->claimed[0] == '\0' && familiarity(other, facts) > own)
            return other;
    }
    return NULL;
}

bool usb_match_claim(struct usb_match *match, const struct usb_facts *facts, char *who, size_t size)
{
    pthread_mutex_lock(&list.mutex);
    if (!match->is_listed) {
        match->is_listed = true;
        match->next = list.matches;
        list.matches = match;
    }
    const struct usb_match *other = other_claimant(match, facts);
    if (other == NULL)
        snprintf(match->claimed, sizeof match->claimed, "%s", facts->place.busport);
    else
        snprintf(who, size, "%s", other->section);
    pthread_mutex_unlock(&list.mutex);
    return other == NULL;
}

void usb_match_release(struct usb_match *match)
{
    pthread_mutex_lock(&list.mutex);
    match->claimed[0] = '\0';
    bool watches = match->arrived != NULL;
    pthread_mutex_unlock(&list.mutex);
    if (watches)
        usb_watch_look();
}

void usb_match_remember(struct usb_match *match, const struct usb_facts *facts)
{
    pthread_mutex_lock(&list.mutex);
    if (match->has_before)
        match->counters.reopened++;
    match->before = *facts;
    match->has_before = true;
    pthread_mutex_unlock(&list.mutex);
}

struct usb_counters *usb_match_own_counters(struct usb_match *match)
{
    return &match->counters;
}

const struct usb_counters *usb_match_counters(const struct usb_match *match)
{
    return &match->counters;
}

/* New devices -------------------------------------------------------------------------------- */

static bool anybody_waits(void)
{
    bool waits = false;

    pthread_mutex_lock(&list.mutex);
    for (const struct usb_match *match = list.matches; match != NULL; match = match->next)
        waits |= match->arrived != NULL && match->claimed[0] == '\0';
    pthread_mutex_unlock(&list.mutex);
    return waits;
}

static void tell_of_arrival(void)
{
    pthread_mutex_lock(&list.mutex);
    for (const struct usb_match *match = list.matches; match != NULL; match = match->next) {
        if (match->arrived != NULL)
            match->arrived(match->context);
    }
    pthread_mutex_unlock(&list.mutex);
}

bool usb_match_watch(struct usb_match *match, void (*arrived)(void *context), void *context)
{
    static const struct usb_watcher watcher = { anybody_waits, tell_of_arrival };

    if (!usb_watch_begin(&watcher))
        return false;
    pthread_mutex_lock(&list.mutex);
    match->arrived = arrived;
    match->context = context;
    if (!match->is_listed) {
        match->is_listed = true;
        match->next = list.matches;
        list.matches = match;
    }
    pthread_mutex_unlock(&list.mutex);
    return true;
}

static void leave_list(struct usb_match *match)
{
    pthread_mutex_lock(&list.mutex);
    struct usb_match **link = &list.matches;
    while (*link != match && *link != NULL)
        link = &(*link)->next;
    if (*link == match)
        *link = match->next;
    pthread_mutex_unlock(&list.mutex);
}

void usb_match_free(struct usb_match *match)
{
    if (match == NULL)
        return;
    leave_list(match);
    if (match->arrived != NULL)
        usb_watch_end();
    for (enum aspect aspect = 0; aspect < ASPECTS; aspect++) {
        struct pattern *pattern = &match->patterns[aspect];

        if (pattern->text != NULL && !pattern->is_number)
            regfree(&pattern->regex);
        free(pattern->text);
    }
    free(match->section);
    free(match);
}
