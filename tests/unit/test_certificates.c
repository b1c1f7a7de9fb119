/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/certificates.h"
#include "core/log.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY 86400
#define NOW ((time_t)1794997600) /* 2026-11-18T10:26:40Z */

static struct certificate make(char *name, time_t not_before, time_t not_after)
{
    static char file[] = "upsd.pem";
    static char subject[] = "CN=x";

    return (struct certificate){ .name = name,
                                 .file = file,
                                 .subject = subject,
                                 .not_before = not_before,
                                 .not_after = not_after };
}

static void test_days(void **state)
{
    static const struct {
        long left, days;
    } cases[] = { { 0, 0 },   { 1, 0 },     { DAY - 1, 0 },   { DAY, 1 },        { 30 * DAY, 30 },
                  { -1, -1 }, { -DAY, -1 }, { -DAY - 1, -2 }, { 100 * DAY, 100 } };
    char name[] = "server";

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct certificate certificate = make(name, 0, NOW + cases[i].left);

        assert_int_equal(certificate_days(&certificate, NOW), cases[i].days);
    }
}

static void test_time(void **state)
{
    char text[CERTIFICATE_TIME_SIZE];

    (void)state;
    assert_string_equal(certificate_time(0, text), "1970-01-01T00:00:00Z");
    assert_string_equal(certificate_time(NOW, text), "2026-11-18T10:26:40Z");
    /* The last moment that X.509 can tell. */
    assert_string_equal(certificate_time((time_t)253402300799, text), "9999-12-31T23:59:59Z");
}

static void test_copies(void **state)
{
    struct certificates list = { 0 }, copy = { 0 };
    char server[] = "server", chain[] = "chain 1";
    struct certificate first = make(server, 1, 2), second = make(chain, 3, 4);

    (void)state;
    assert_true(certificates_add(&list, &first));
    assert_true(certificates_copy(&copy, &list));
    assert_true(certificates_add(&list, &second));
    assert_int_equal(copy.count, 1);
    assert_true(certificates_copy(&copy, &list));
    certificates_clear(&list);
    assert_int_equal(list.count, 0);
    assert_int_equal(copy.count, 2);
    assert_string_equal(copy.items[0].name, "server");
    assert_string_equal(copy.items[1].name, "chain 1");
    assert_string_equal(copy.items[1].file, "upsd.pem");
    assert_string_equal(copy.items[1].subject, "CN=x");
    assert_int_equal(copy.items[1].not_before, 3);
    assert_int_equal(copy.items[1].not_after, 4);
    assert_true(certificates_copy(&copy, &list));
    assert_int_equal(copy.count, 0);
    assert_null(copy.items);
}

/* What certificates_log() says of one certificate. */
static const char *logged(time_t not_before, time_t not_after, bool all)
{
    static char text[1024];
    struct certificates list = { 0 };
    char name[] = "server";
    struct certificate certificate = make(name, not_before, not_after);
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    assert_non_null(file);
    assert_true(certificates_add(&list, &certificate));
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    certificates_log(&list, NOW, all);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    certificates_clear(&list);
    return text;
}

static void test_log(void **state)
{
    (void)state;
    log_open("x", LOG_TO_STDERR);
    /* What is well is told once, the rest each time. */
    assert_string_equal(logged(0, NOW + 30 * DAY, false), "");
    assert_string_equal(logged(0, NOW + 30 * DAY, true),
                        "x: upsd.pem: the certificate of CN=x expires in 30 days, on "
                        "2026-12-18T10:26:40Z\n");
    assert_string_equal(logged(0, NOW + 30 * DAY - 1, false),
                        "x: upsd.pem: the certificate of CN=x expires in 29 days, on "
                        "2026-12-18T10:26:39Z\n");
    assert_string_equal(logged(0, NOW + DAY, false),
                        "x: upsd.pem: the certificate of CN=x expires in 1 day, on "
                        "2026-11-19T10:26:40Z\n");
    assert_string_equal(logged(0, NOW - 1, false),
                        "x: upsd.pem: the certificate of CN=x expired on 2026-11-18T10:26:39Z: "
                        "clients that verify it refuse it\n");
    assert_string_equal(logged(NOW + 1, NOW + 300 * DAY, false),
                        "x: upsd.pem: the certificate of CN=x is not valid before "
                        "2026-11-18T10:26:41Z: clients that verify it refuse it\n");
    assert_string_equal(logged(NOW, NOW + 300 * DAY, false), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
