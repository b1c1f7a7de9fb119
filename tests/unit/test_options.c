/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "daemon/options.h"

#include "drivers/registry.h"
#include "tests/unit/unit.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 12

static struct options options;
static char output[8192]; /* of both streams */

/* Parses the arguments up to NULL; what is printed goes to output. */
static int parse(const char *const *arguments)
{
    char *argv[ARGUMENTS_MAX] = { (char *)(uintptr_t) "upsbridged" };
    int argc = 1;
    FILE *file = tmpfile();
    int out = dup(STDOUT_FILENO);
    int err = dup(STDERR_FILENO);

    assert_true(file != NULL && out >= 0 && err >= 0);
    for (; *arguments != NULL && argc < ARGUMENTS_MAX - 1; arguments++)
        argv[argc++] = (char *)(uintptr_t)*arguments;
    fflush(NULL);
    dup2(fileno(file), STDOUT_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    optind = 0;
    int result = options_parse(&options, argc, argv);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    rewind(file);
    output[fread(output, 1, sizeof output - 1, file)] = '\0';
    fclose(file);
    return result;
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

static void test_nothing_given(void **state)
{
    (void)state;
    assert_int_equal(PARSE(NULL), -1);
    assert_string_equal(output, "");
    assert_null(options.directory);
    assert_null(options.user);
    assert_string_equal(options.pid_file, PID_FILE);
    assert_int_equal(options.debug, 0);
    assert_false(options.foreground);
    assert_false(options.test);
    assert_false(options.demo);
}

static void test_short_and_long(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-c", "/a", "-u", "nut", "-P", "/p", "-F", "-t"), -1);
    assert_string_equal(options.directory, "/a");
    assert_string_equal(options.user, "nut");
    assert_string_equal(options.pid_file, "/p");
    assert_true(options.foreground);
    assert_true(options.test);
    assert_int_equal(options.debug, 0);
    assert_int_equal(
        PARSE("--confdir=/b", "--user", "ups", "--pidfile=/q", "--foreground", "--test"), -1);
    assert_string_equal(options.directory, "/b");
    assert_string_equal(options.user, "ups");
    assert_string_equal(options.pid_file, "/q");
    assert_true(options.foreground);
    assert_true(options.test);
    /* The last one counts. */
    assert_int_equal(PARSE("-c", "/a", "-c", "/b"), -1);
    assert_string_equal(options.directory, "/b");
}

static void test_debugging_stays_in_the_foreground(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-D"), -1);
    assert_int_equal(options.debug, 1);
    assert_true(options.foreground);
    assert_int_equal(PARSE("-DD", "--debug"), -1);
    assert_int_equal(options.debug, 3);
}

static void test_demo(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--demo"), -1);
    assert_true(options.demo);
    assert_true(options.foreground);
}

static void test_help_names_every_option(void **state)
{
    static const char *const names[] = { "--confdir", "--test", "--foreground", "--debug", "--user",
                                         "--pidfile", "--demo", "--version",    "--help" };

    (void)state;
    assert_int_equal(PARSE("-h"), EXIT_SUCCESS);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(strstr(output, names[i]));
    assert_int_equal(PARSE("--help"), EXIT_SUCCESS);
}

static void test_version_names_every_driver(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-V"), EXIT_SUCCESS);
    assert_int_equal(strncmp(output, "upsbridged " PACKAGE_VERSION "\n",
                             strlen("upsbridged " PACKAGE_VERSION "\n")),
                     0);
    for (const struct driver *const *driver = driver_table(); *driver != NULL; driver++)
        assert_non_null(strstr(output, (*driver)->name));
}

static void test_mistakes(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-x"), EXIT_FAILURE);
    assert_non_null(strstr(output, "'x'"));
    assert_non_null(strstr(output, "upsbridged --help lists the options\n"));
    assert_int_equal(PARSE("--nonsense"), EXIT_FAILURE);
    assert_non_null(strstr(output, "--nonsense"));
    assert_int_equal(PARSE("-c"), EXIT_FAILURE);
    assert_int_equal(PARSE("--test=yes"), EXIT_FAILURE);
    assert_int_equal(PARSE("start"), EXIT_FAILURE);
    assert_string_equal(output, "upsbridged: 'start' is not an option\n");
    assert_int_equal(PARSE("-F", "-t", "reload"), EXIT_FAILURE);
}

static void test_usb(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--hash-password"), -1);
    assert_true(options.hash_password);
    assert_int_equal(PARSE("--scan"), -1);
    assert_true(options.scan);
    assert_null(options.udev_group);
    assert_int_equal(PARSE("--udev-rules"), -1);
    assert_string_equal(options.udev_group, "nut");
    assert_int_equal(PARSE("--udev-rules=plugdev"), -1);
    assert_string_equal(options.udev_group, "plugdev");
    assert_int_equal(PARSE("--udev-rules=a\"b"), EXIT_FAILURE);
    assert_non_null(strstr(output, "cannot be the name of a group"));
    assert_int_equal(PARSE("--udev-rules="), EXIT_FAILURE);
}

static void test_making(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--make-certificate", "upsd.pem"), -1);
    assert_string_equal(options.make_certificate, "upsd.pem");
    assert_null(options.make_authority);
    assert_int_equal(options.name_count, 0);
    assert_int_equal(PARSE("--make-certificate=x", "--sign-with=ca", "a", "b"), -1);
    assert_string_equal(options.sign_with, "ca");
    assert_int_equal(options.name_count, 2);
    assert_string_equal(options.names[0], "a");
    assert_string_equal(options.names[1], "b");
    assert_int_equal(PARSE("--make-authority", "ca.pem", "UPS authority"), -1);
    assert_string_equal(options.make_authority, "ca.pem");
    assert_string_equal(options.names[0], "UPS authority");
    assert_int_equal(PARSE("--make-authority", "x", "--make-certificate", "y"), EXIT_FAILURE);
    assert_string_equal(output,
                        "upsbridged: --make-certificate and --make-authority exclude each other\n");
    assert_int_equal(PARSE("--make-authority", "x", "--sign-with", "y"), EXIT_FAILURE);
    assert_string_equal(output, "upsbridged: --sign-with goes with --make-certificate alone\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_given),
        cmocka_unit_test(test_short_and_long),
        cmocka_unit_test(test_debugging_stays_in_the_foreground),
        cmocka_unit_test(test_demo),
        cmocka_unit_test(test_help_names_every_option),
        cmocka_unit_test(test_version_names_every_driver),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_usb),
        cmocka_unit_test(test_making),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
