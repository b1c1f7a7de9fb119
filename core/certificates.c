/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/certificates.h"

#include "core/log.h"

#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

static void clear_one(struct certificate *certificate)
{
    free(certificate->name);
    free(certificate->file);
    free(certificate->subject);
}

bool certificates_add(struct certificates *certificates, const struct certificate *certificate)
{
    struct certificate *grown =
        realloc(certificates->items, (certificates->count + 1) * sizeof grown[0]);

    if (grown == NULL)
        return false;
    certificates->items = grown;
    struct certificate *added = &grown[certificates->count];
    *added = (struct certificate){ .name = strdup(certificate->name),
                                   .file = strdup(certificate->file),
                                   .subject = strdup(certificate->subject),
                                   .not_before = certificate->not_before,
                                   .not_after = certificate->not_after };
    if (added->name == NULL || added->file == NULL || added->subject == NULL) {
        clear_one(added);
        return false;
    }
    certificates->count++;
    return true;
}

bool certificates_copy(struct certificates *copy, const struct certificates *original)
{
    struct certificates fresh = { 0 };

    for (size_t i = 0; i < original->count; i++) {
        if (!certificates_add(&fresh, &original->items[i])) {
            certificates_clear(&fresh);
            return false;
        }
    }
    certificates_clear(copy);
    *copy = fresh;
    return true;
}

void certificates_clear(struct certificates *certificates)
{
    for (size_t i = 0; i < certificates->count; i++)
        clear_one(&certificates->items[i]);
    free(certificates->items);
    *certificates = (struct certificates){ 0 };
}

long certificate_days(const struct certificate *certificate, time_t now)
{
    time_t left = certificate->not_after - now;

    return (long)(left >= 0 ? left / DAY_S : -((-left + DAY_S - 1) / DAY_S));
}

const char *certificate_time(time_t time, char text[CERTIFICATE_TIME_SIZE])
{
    struct tm broken;

    if (gmtime_r(&time, &broken) == NULL ||
        strftime(text, CERTIFICATE_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &broken) == 0)
        text[0] = '\0';
    return text;
}

static void log_one(const struct certificate *certificate, time_t now, bool well_too)
{
    char time[CERTIFICATE_TIME_SIZE];
    long days = certificate_days(certificate, now);

    if (days < 0)
        log_error("%s: the certificate of %s expired on %s: clients that verify it refuse it",
                  certificate->file, certificate->subject,
                  certificate_time(certificate->not_after, time));
    else if (certificate->not_before > now)
        log_error("%s: the certificate of %s is not valid before %s: clients that verify it "
                  "refuse it",
                  certificate->file, certificate->subject,
                  certificate_time(certificate->not_before, time));
    else if (days < CERTIFICATE_RENEWAL_DAYS)
        log_warning("%s: the certificate of %s expires in %ld day%s, on %s", certificate->file,
                    certificate->subject, days, days == 1 ? "" : "s",
                    certificate_time(certificate->not_after, time));
    else if (well_too)
        log_info("%s: the certificate of %s expires in %ld days, on %s", certificate->file,
                 certificate->subject, days, certificate_time(certificate->not_after, time));
}

void certificates_log(const struct certificates *certificates, time_t now, bool all)
{
    for (size_t i = 0; i < certificates->count; i++)
        log_one(&certificates->items[i], now, all);
}
