/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/users.h"

#include "nutproto/passwords.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char complaints[4096];

static void collect(void *context, bool is_error, const char *text)
{
    size_t used = strlen(complaints);

    (void)context;
    snprintf(complaints + used, sizeof complaints - used, "%s %s\n", is_error ? "error" : "warning",
             text);
}

static struct users *load(const char *text, struct config_report *report)
{
    char path[] = "/tmp/test_users.XXXXXX";
    int descriptor = mkstemp(path);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
    complaints[0] = '\0';
    *report = (struct config_report){ .sink = collect };
    struct users *users = users_load(path, report);
    unlink(path);
    return users;
}

/* The user of that name, if this is its password; all passwords here are in plain text. */
static const struct user *find(const struct users *users, const char *name, const char *password)
{
    const struct user *user = users_find(users, name);
    bool hashed;

    if (user == NULL || user_password(user, &hashed) == NULL)
        return NULL;
    assert_string_equal(user_name(user), name);
    assert_false(hashed);
    return password_same(user_password(user, &hashed), password) ? user : NULL;
}

static bool may_act(const struct users *users, const char *name, const char *password,
                    const char *action)
{
    const struct user *user = find(users, name, password);

    return user != NULL && user_may_act(user, action);
}

static bool may_command(const struct users *users, const char *name, const char *password,
                        const char *command)
{
    const struct user *user = find(users, name, password);

    return user != NULL && user_may_command(user, command);
}

static const char sample[] = "# users\n"
                             "[admin]\n"
                             "  password = \"se cret\"\n"
                             "  actions = SET\n"
                             "  actions = FSD set\n"
                             "  instcmds = ALL\n"
                             "[Mon]\n"
                             "  PassWord = pw\n"
                             "  upsmon primary\n"
                             "  instcmds = test.battery.start beeper.mute\n"
                             "[old]\n"
                             "  password = pw\n"
                             "  upsmon = master\n"
                             "[new]\n"
                             "  password = pw\n"
                             "  actions = primary\n"
                             "[second]\n"
                             "  password = pw\n"
                             "  upsmon secondary\n"
                             "[slave]\n"
                             "  password = pw\n"
                             "  upsmon slave\n"
                             "[nopass]\n"
                             "  actions = SET\n"
                             "[empty]\n"
                             "  password = \"\"\n"
                             "  actions = set\n";

static void test_actions(void **state)
{
    static const struct {
        const char *name, *password, *action;
        bool may;
    } cases[] = {
        { "admin", "se cret", "SET", true },
        { "admin", "se cret", "set", true },
        { "admin", "se cret", "FSD", true },
        { "admin", "se cret", "LOGIN", false },
        { "admin", "se cret", "MASTER", false },
        { "admin", "se cre", "SET", false },
        { "admin", "se cret2", "SET", false },
        { "admin", "SE CRET", "SET", false },
        { "admin", "", "SET", false },
        { "Admin", "se cret", "SET", false },
        { "Mon", "pw", "LOGIN", true },
        { "Mon", "pw", "MASTER", true },
        { "Mon", "pw", "FSD", true },
        { "Mon", "pw", "SET", false },
        { "mon", "pw", "LOGIN", false },
        { "old", "pw", "MASTER", true },
        { "old", "pw", "Primary", true },
        { "new", "pw", "MASTER", true },
        { "new", "pw", "PRIMARY", true },
        { "new", "pw", "FSD", false },
        { "second", "pw", "LOGIN", true },
        { "second", "pw", "FSD", false },
        { "slave", "pw", "LOGIN", true },
        { "slave", "pw", "MASTER", false },
        { "nopass", "", "SET", false },
        { "empty", "", "SET", true },
        { "empty", "x", "SET", false },
        { "nobody", "", "SET", false },
        { "", "", "SET", false },
    };
    struct config_report report;
    struct users *users = load(sample, &report);

    (void)state;
    assert_non_null(users);
    assert_int_equal(report.errors, 0);
    assert_string_equal(complaints, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(may_act(users, cases[i].name, cases[i].password, cases[i].action),
                         cases[i].may);
    users_free(users);
}

static void test_commands(void **state)
{
    struct config_report report;
    struct users *users = load(sample, &report);

    (void)state;
    assert_non_null(users);
    assert_true(may_command(users, "admin", "se cret", "load.off"));
    assert_false(may_command(users, "admin", "wrong", "load.off"));
    assert_true(may_command(users, "Mon", "pw", "TEST.battery.start"));
    assert_true(may_command(users, "Mon", "pw", "beeper.mute"));
    assert_false(may_command(users, "Mon", "pw", "load.off"));
    assert_false(may_command(users, "second", "pw", "load.off"));
    users_free(users);
}

static void test_complaints(void **state)
{
    static const struct {
        const char *text, *complaint;
    } cases[] = {
        { "password = x\n", ":1: 'password' stands before the first [user]" },
        { "[a]\npassword = x\npassword = y\n", ":3: Ignoring duplicate password for a" },
        { "[a]\npassword\n", ":2: 'password' of user 'a' has no value" },
        { "[a]\npassword =\n", ":2: 'password' of user 'a' has no value" },
        { "[a]\nactions SET\n", ":2: 'actions' must be followed by '=' and a value" },
        { "[a]\n\nupsmon boss\n", ":3: Unknown upsmon type boss" },
        { "[a]\nallowfrom = x\n", ":2: allowfrom in upsd.users is no longer used" },
        { "[a]\ncolour = red\n", ":2: Unrecognized user setting colour" },
        { "[a]\n[a]\n", ":2: Ignoring duplicate user a, with all its lines" },
    };
    struct config_report report;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct users *users = load(cases[i].text, &report);

        assert_non_null(users);
        assert_int_equal(report.warnings, 1);
        assert_non_null(strstr(complaints, cases[i].complaint));
        users_free(users);
    }
}

static void test_first_password_wins(void **state)
{
    struct config_report report;
    struct users *users = load("[a]\npassword = x\npassword = y\nactions = SET\n", &report);

    (void)state;
    assert_true(may_act(users, "a", "x", "SET"));
    assert_false(may_act(users, "a", "y", "SET"));
    users_free(users);
}

static void test_duplicate_user_gives_nobody_rights(void **state)
{
    struct config_report report;
    struct users *users = load("[a]\npassword = x\n[b]\npassword = y\n"
                               "[a]\nactions = SET\ninstcmds = ALL\n",
                               &report);

    (void)state;
    assert_false(may_act(users, "a", "x", "SET"));
    assert_false(may_act(users, "b", "y", "SET"));
    assert_false(may_command(users, "b", "y", "load.off"));
    users_free(users);
}

static void test_broken_file_is_refused(void **state)
{
    struct config_report report;

    (void)state;
    assert_null(load("[a]\npassword = \"x#y\"\n", &report));
    assert_int_equal(report.errors, 1);
    assert_non_null(strstr(complaints, ":2:"));
}

static void test_missing_file_is_an_empty_table(void **state)
{
    struct config_report report = { .sink = collect };
    struct users *users = users_load("/nonexistent/upsd.users", &report);

    (void)state;
    assert_non_null(users);
    assert_int_equal(report.errors, 0);
    assert_int_equal(report.warnings, 1);
    assert_false(may_act(users, "", "", "SET"));
    users_free(users);
}

static void test_unreadable_file_is_an_error(void **state)
{
    struct config_report report = { .sink = collect };

    (void)state;
    assert_null(users_load("/", &report));
    assert_int_equal(report.errors, 1);
}

static void test_world_readable_file_is_told(void **state)
{
    char path[] = "/tmp/test_users.XXXXXX";
    struct config_report report = { .sink = collect };
    int descriptor = mkstemp(path);

    (void)state;
    assert_int_equal(fchmod(descriptor, 0644), 0);
    close(descriptor);
    complaints[0] = '\0';
    struct users *users = users_load(path, &report);
    unlink(path);
    assert_non_null(users);
    assert_non_null(strstr(complaints, "world readable (hope you don't have passwords there)"));
    users_free(users);
}

#define HASH "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"

static void test_hashed_passwords(void **state)
{
    static const char text[] = "[plain]\npassword = \"$ in front\"\n[price]\npassword = $5\n"
                               "[hashed]\npassword = " HASH "\n";
    struct config_report report;
    struct users *users = load(text, &report);
    bool hashed;

    (void)state;
    assert_non_null(users);
    assert_string_equal(complaints, "");
    assert_string_equal(users_some_hash(users), HASH);
    assert_string_equal(user_password(users_find(users, "hashed"), &hashed), HASH);
    assert_true(hashed);
    assert_true(user_password(users_find(users, "price"), &hashed) != NULL && !hashed);
    assert_true(user_password(users_find(users, "plain"), &hashed) != NULL && !hashed);
    users_free(users);
    users = load(sample, &report);
    assert_null(users_some_hash(users));
    users_free(users);
}

static void test_bad_hashes_and_subjects(void **state)
{
    static const struct {
        const char *text, *complaint;
    } cases[] = {
        { "[a]\n[b]\npassword = $y$j9T$abc\n",
          ":3: 'password' of user 'b' is no whole hash (is it in double quotes?); make one by "
          "upsbridged --hash-password\n" },
        { "[b]\npassword = $nosuch$j9T$abc\n", ":2: 'password' of user 'b' looks like a hash, but "
                                               "of no method that crypt(5) knows; make "
                                               "one by upsbridged --hash-password\n" },
        { "[b]\npassword = $5$rounds=5000$salt$"
          "x\n",
          ":2: 'password' of user 'b' is no whole hash" },
        { "[b]\npassword = $md5,rounds=5000$salt$$"
          "x\n",
          ":2: 'password' of user 'b' " },
        { "[b]\ncertsubject = CN=mon\n",
          ":2: 'certsubject' of user 'b' needs one value, in double quotes\n" },
        { "[b]\ncertsubject\n", ":2: 'certsubject' of user 'b' needs one value" },
        { "[a]\ncertsubject = \"CN=x\"\n[b]\ncertsubject = \"CN=x\"\n",
          ":4: 'certsubject' of user 'b' is given twice, or to another user too\n" },
    };
    struct config_report report;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_null(load(cases[i].text, &report));
        assert_int_equal(report.errors, 1);
        assert_memory_equal(complaints, "error ", 6);
        assert_non_null(strstr(complaints, cases[i].complaint));
    }
}

static void test_weak_hash_is_told(void **state)
{
    struct config_report report;
    struct users *users = load("[a]\npassword = $1$saltsalt$qjXMvbEw8oaL.CzflDtaK/\n", &report);

    (void)state;
    assert_non_null(users);
    assert_non_null(strstr(complaints, ":2: 'password' of user 'a' is hashed by a method that is "
                                       "out of date"));
    users_free(users);
}

static void test_certificates(void **state)
{
    struct config_report report;
    struct users *users = load("[a]\ncertsubject = \"CN=mon,O=Acme\"\nactions = SET\n"
                               "[b]\npassword = x\n",
                               &report);

    (void)state;
    assert_non_null(users);
    assert_string_equal(complaints, "");
    assert_ptr_equal(users_find_subject(users, "CN=mon,O=Acme"), users_find(users, "a"));
    assert_null(users_find_subject(users, "CN=mon"));
    assert_null(users_find_subject(users, ""));
    assert_false(may_act(users, "a", "", "SET"));
    users_free(users);
}

/* A section nobody can have meant must not hand its rights to the user before it. */
static void test_broken_section_names(void **state)
{
    struct config_report report;
    struct users *users = load("[u]\npassword = p\n[my user]\nactions = SET\n[v]\npassword = p\n"
                               "actions = FSD\n",
                               &report);

    (void)state;
    assert_non_null(users);
    assert_non_null(strstr(complaints, ":3: '[my' does not end in ']': it is ignored, with all its "
                                       "lines\n"));
    assert_int_equal(report.warnings, 1);
    assert_false(may_act(users, "u", "p", "SET"));
    assert_true(may_act(users, "v", "p", "FSD"));
    users_free(users);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_section_names),
        cmocka_unit_test(test_hashed_passwords),
        cmocka_unit_test(test_bad_hashes_and_subjects),
        cmocka_unit_test(test_weak_hash_is_told),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_first_password_wins),
        cmocka_unit_test(test_duplicate_user_gives_nobody_rights),
        cmocka_unit_test(test_broken_file_is_refused),
        cmocka_unit_test(test_missing_file_is_an_empty_table),
        cmocka_unit_test(test_unreadable_file_is_an_error),
        cmocka_unit_test(test_world_readable_file_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
