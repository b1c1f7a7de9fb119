/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char complaints[8192];

static void collect(void *context, bool is_error, const char *text)
{
    size_t used = strlen(complaints);

    assert_ptr_equal(context, complaints);
    snprintf(complaints + used, sizeof complaints - used, "%c %s\n", is_error ? 'E' : 'W', text);
}

static struct config_report fresh_report(void)
{
    complaints[0] = '\0';
    return (struct config_report){ .sink = collect, .context = complaints };
}

/* All lines as "number: <word> <word>" texts. */
static void expect_lines(const char *text, const char *wanted, const char *wanted_complaints)
{
    struct config_report report = fresh_report();
    struct config_file *file = config_read_text("f", text, strlen(text), &report);
    char found[4096];
    size_t used = 0;

    assert_non_null(file);
    assert_string_equal(file->path, "f");
    found[0] = '\0';
    for (size_t i = 0; i < file->count; i++) {
        const struct config_line *line = &file->lines[i];

        assert_true(line->count > 0);
        used += (size_t)snprintf(found + used, sizeof found - used, "%u:", line->number);
        for (unsigned word = 0; word < line->count; word++)
            used += (size_t)snprintf(found + used, sizeof found - used, " <%s>", line->words[word]);
        used += (size_t)snprintf(found + used, sizeof found - used, "\n");
    }
    assert_string_equal(found, wanted);
    assert_string_equal(complaints, wanted_complaints);
    config_free(file);
}

static void test_lines_and_their_numbers(void **state)
{
    (void)state;
    expect_lines("", "", "");
    expect_lines("\n\n # nothing\n", "", "");
    expect_lines("a", "1: <a>\n", "");
    expect_lines("a = b # c\n\n[d]\r\n\te=\"f g\"h\n",
                 "1: <a> <=> <b>\n3: <[d]>\n4: <e> <=> <f g> <h>\n", "");
    /* A continued line has the number of its first one; the ones behind count on. */
    expect_lines("a = \\\nb\\\nc d\ne\n", "1: <a> <=> <bc> <d>\n4: <e>\n", "");
    expect_lines("a = \"b\nc\" d\ne\n", "1: <a> <=> <bc> <d>\n3: <e>\n", "");
    expect_lines("a = \\\"b\\ c\\#\\=\\\\\n", "1: <a> <=> <\"b c#=\\>\n", "");
    expect_lines("a = 'b c'\n", "1: <a> <=> <'b> <c'>\n", "");
    expect_lines("a = \"\"\n=\n", "1: <a> <=> <>\n2: <=>\n", "");
    expect_lines("\xef\xbb\xbf[ups]\n", "1: <[ups]>\n", "");
}

static void test_syntax_errors(void **state)
{
    (void)state;
    expect_lines("a = \"b # c\" d\ne\n", "2: <e>\n",
                 "E f:1: '#' inside quotes must be written '\\#'\n");
    expect_lines("a\nb = \"c\nd # e\nf\n", "1: <a>\n4: <f>\n",
                 "E f:2: '#' inside quotes must be written '\\#'\n");
    expect_lines("a\nb = \"c\nd\n", "1: <a>\n2: <b> <=> <cd>\n",
                 "E f:2: a quote is never closed\n");
    expect_lines("a = \"b\\", "1: <a> <=> <b>\n", "E f:1: a quote is never closed\n");
}

static void test_bounds_of_words(void **state)
{
    char text[2048];
    struct config_report report = fresh_report();

    (void)state;
    memset(text, 'x', sizeof text);
    struct config_file *file = config_read_text("f", text, 600, &report);
    assert_int_equal(strlen(file->lines[0].words[0]), 512);
    config_free(file);
    for (size_t i = 1; i < 100; i += 2)
        text[i] = ' ';
    file = config_read_text("f", text, 100, &report);
    assert_int_equal(file->lines[0].count, 32);
    config_free(file);
    assert_string_equal(complaints, "");
}

static void test_too_many_lines(void **state)
{
    size_t length = 2 * ((size_t)CONFIG_LINES_MAX + 1);
    char *text = malloc(length);
    struct config_report report = fresh_report();

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < length; i += 2)
        memcpy(text + i, "a\n", 2);
    struct config_file *file = config_read_text("f", text, length - 2, &report);
    assert_int_equal(file->count, CONFIG_LINES_MAX);
    assert_int_equal(report.errors, 0);
    config_free(file);
    file = config_read_text("f", text, length, &report);
    assert_int_equal(report.errors, 1);
    assert_string_equal(complaints, "E f:200001: more than 200000 lines\n");
    config_free(file);
    free(text);
}

static void test_complaints(void **state)
{
    struct config_report report = fresh_report();
    char path[2000];

    (void)state;
    config_error(&report, "/etc/ups.conf", 12, "%s must be %d", "x", 3);
    config_warning(&report, "/etc/ups.conf", 0, "odd");
    assert_int_equal(report.errors, 1);
    assert_int_equal(report.warnings, 1);
    assert_string_equal(complaints, "E /etc/ups.conf:12: x must be 3\nW /etc/ups.conf: odd\n");
    /* What is said matters more than a path without end. */
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    report = fresh_report();
    config_error(&report, path, 1, "broken");
    assert_string_equal(complaints, "E broken\n");
}

static void test_files(void **state)
{
    char directory[] = "/tmp/test_config.XXXXXX";
    char path[64];
    struct config_report report = fresh_report();

    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_null(config_read(directory, &report));
    assert_int_equal(errno, EISDIR);

    snprintf(path, sizeof path, "%s/file", directory);
    assert_null(config_read(path, &report));
    assert_int_equal(errno, ENOENT);

    /* A FIFO nobody writes to is an empty file, not a reload that hangs. */
    assert_int_equal(mkfifo(path, 0600), 0);
    struct config_file *file = config_read(path, &report);
    assert_non_null(file);
    assert_int_equal(file->count, 0);
    config_free(file);
    unlink(path);

    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    for (int i = 0; i < 2000; i++)
        fprintf(stream, "key%d = value\n", i);
    assert_int_equal(fclose(stream), 0);
    file = config_read(path, &report);
    assert_non_null(file);
    assert_string_equal(file->path, path);
    assert_int_equal(file->count, 2000);
    assert_string_equal(file->lines[1999].words[0], "key1999");
    config_free(file);

    assert_int_equal(truncate(path, CONFIG_FILE_MAX + 1), 0);
    assert_null(config_read(path, &report));
    assert_int_equal(errno, EFBIG);
    assert_int_equal(report.errors + report.warnings, 0);
    unlink(path);
    rmdir(directory);
}

static void test_sections(void **state)
{
    static const struct {
        const char *text, *name; /* NULL: no section */
    } cases[] = {
        { "[ups]", "ups" },
        { "[ups] more", "ups" },
        { "\"[my ups]\"", "my ups" },
        { "[my\\ ups]", "my ups" },
        { "[]", "" },
        { "[a]b]", "a]b" },
        { "[my ups]", NULL },
        { "ups", NULL },
        { "[ups", NULL },
        { "ups]", NULL },
        { "[", NULL },
        { "]", NULL },
        { "key = [ups]", NULL },
        { "\"\"", NULL },
        { "[a=b]", NULL },
        { "[twelve-bytes]", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_report report = fresh_report();
        struct config_file *file =
            config_read_text("f", cases[i].text, strlen(cases[i].text), &report);
        char name[12] = "untouched";

        assert_int_equal(config_section(&file->lines[0], name, sizeof name), cases[i].name != NULL);
        assert_string_equal(name, cases[i].name == NULL ? "untouched" : cases[i].name);
        config_free(file);
    }
}

static void test_values(void **state)
{
    static const struct {
        const char *text, *value;
    } cases[] = {
        { "key = value", "value" }, { "key=value", "value" }, { "key = two words", "two" },
        { "key = \"\"", "" },       { "key =", "" },          { "key", NULL },
        { "key value", NULL },      { "key = = x", "=" },     { "key value = x", NULL },
        { "key \"=\" x", "x" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_report report = fresh_report();
        struct config_file *file =
            config_read_text("f", cases[i].text, strlen(cases[i].text), &report);
        const char *value = config_value(&file->lines[0]);

        if (cases[i].value == NULL)
            assert_null(value);
        else
            assert_string_equal(value, cases[i].value);
        config_free(file);
    }
}

static void test_booleans(void **state)
{
    static const char *const yes[] = { "true", "On", "YES", "1", "17", "-1" };
    static const char *const no[] = { "false", "oFF", "No", "0", "00" };
    static const char *const neither[] = { "", " ", "maybe", "1x", "yes ", "truely" };
    bool value;

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        value = false;
        assert_true(config_boolean(yes[i], &value));
        assert_true(value);
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        value = true;
        assert_true(config_boolean(no[i], &value));
        assert_false(value);
    }
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++)
        assert_false(config_boolean(neither[i], &value));
}

static void test_numbers(void **state)
{
    unsigned value = 7;

    (void)state;
    assert_true(config_unsigned("15", 1, 20, &value));
    assert_int_equal(value, 15);
    assert_true(config_unsigned("0020", 1, 20, &value));
    assert_int_equal(value, 20);
    assert_true(config_unsigned("4294967295", 0, UINT_MAX, &value));
    assert_int_equal(value, UINT_MAX);
    value = 7;
    assert_false(config_unsigned("21", 1, 20, &value));
    assert_false(config_unsigned("0", 1, 20, &value));
    assert_false(config_unsigned("", 0, 20, &value));
    assert_false(config_unsigned("-1", 0, 20, &value));
    assert_false(config_unsigned("+1", 0, 20, &value));
    assert_false(config_unsigned("1.5", 0, 20, &value));
    assert_false(config_unsigned("0x10", 0, 20, &value));
    assert_false(config_unsigned("5 ", 0, 20, &value));
    assert_false(config_unsigned("4294967296", 0, UINT_MAX, &value));
    assert_false(config_unsigned("99999999999999999999999999", 0, UINT_MAX, &value));
    assert_int_equal(value, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_and_their_numbers),
        cmocka_unit_test(test_syntax_errors),
        cmocka_unit_test(test_bounds_of_words),
        cmocka_unit_test(test_too_many_lines),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
