/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/devfile.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int file_with(const char *text, size_t length)
{
    char path[] = "/tmp/upsbridge-devfile.XXXXXX";
    int descriptor = mkstemp(path);

    assert_true(descriptor >= 0);
    unlink(path);
    assert_int_equal(write(descriptor, text, length), (ssize_t)length);
    return descriptor;
}

/* All entries as one text: "name=value;", "TIMER ms;", "END" or "line: problem". */
static void read_from(int descriptor, struct devfile_place place, char *out, size_t size)
{
    struct devfile *file = devfile_new(descriptor, &place);
    struct devfile_entry entry;
    size_t used = 0;

    assert_non_null(file);
    do {
        char *at = out + used;
        size_t left = size - used;

        devfile_next(file, &entry);
        if (entry.kind == DEVFILE_VARIABLE)
            used += (size_t)snprintf(at, left, "%s=%s;", entry.name, entry.value);
        else if (entry.kind == DEVFILE_TIMER)
            used += (size_t)snprintf(at, left, "TIMER %lu;", (unsigned long)entry.milliseconds);
        else if (entry.kind == DEVFILE_END)
            used += (size_t)snprintf(at, left, "END");
        else
            used += (size_t)snprintf(at, left, "%u: %s", entry.line, entry.problem);
        assert_true(used < size);
    } while (entry.kind == DEVFILE_VARIABLE || entry.kind == DEVFILE_TIMER);
    /* The end stays the end. */
    enum devfile_kind last = entry.kind;
    devfile_next(file, &entry);
    assert_int_equal(entry.kind, last);
    devfile_free(file);
}

static void expect(const char *text, const char *wanted)
{
    char got[2048];
    int descriptor = file_with(text, strlen(text));

    read_from(descriptor, (struct devfile_place){ 0 }, got, sizeof got);
    close(descriptor);
    assert_string_equal(got, wanted);
}

static void test_variables(void **state)
{
    (void)state;
    expect("", "END");
    expect("\n\n# nothing\n", "END");
    expect("ups.load: 12\n", "ups.load=12;END");
    expect("ups.load: 12", "ups.load=12;END");
    expect("ups.status:   OL \t CHRG  \r\n", "ups.status=OL CHRG;END");
    expect("ups.model: \"Two  blanks\" and more # comment\n", "ups.model=Two  blanks and more;END");
    expect("ups.firmware: a=b\n", "ups.firmware=a = b;END");
    expect("ups.id: \\\"x\\\" \\#1\n", "ups.id=\"x\" #1;END");
    expect("ups.model: al\"pha\n", "ups.model=al\"pha;END");
    expect("ups.time: 12:34:56\n", "ups.time=12:34:56;END");
    expect("ups.id:glued on\n", "ups.id=glued on;END");
    expect("ups.mfr: one \\\ntwo\nups.load: 1\n", "ups.mfr=one two;ups.load=1;END");
    expect("Some.Thing-of_ours: v\n", "Some.Thing-of_ours=v;END");
}

static void test_vanishing(void **state)
{
    (void)state;
    expect("ups.alarm:\n", "ups.alarm=;END");
    expect("ups.alarm: \"\"\n", "ups.alarm=;END");
    expect("ALARM\n", "ups.alarm=;END");
    expect("ALARM Replace battery!\n", "ups.alarm=Replace battery!;END");
}

static void test_timers(void **state)
{
    (void)state;
    expect("TIMER 5\nups.load: 1\nTIMER 0.25\nTIMER 0\n",
           "TIMER 5000;ups.load=1;TIMER 250;TIMER 0;END");
    expect("TIMER\n", "1: TIMER needs a number of seconds");
    expect("\nTIMER soon\n", "2: TIMER needs a number of seconds");
    expect("TIMER -1\n", "1: TIMER needs a number of seconds");
    expect("TIMER 1e3\n", "1: TIMER needs a number of seconds");
    expect("TIMER 99999999999\n", "1: TIMER needs a number of seconds");
}

static void test_errors_name_the_line(void **state)
{
    (void)state;
    expect("ups.load: 1\nups.load 2\n", "ups.load=1;2: 'ups.load' is not followed by a colon");
    expect("# a\n\nHello: world\n", "3: 'Hello' is not the name of a variable");
    expect(": value\n", "1: '' is not the name of a variable");
    expect("ups..: 1\n", "1: 'ups..' is not the name of a variable");
    expect(".load: 1\n", "1: '.load' is not the name of a variable");
    expect("ups.lo*d: 1\n", "1: 'ups.lo*d' is not the name of a variable");
    expect("ups.status:\n", "1: ups.status needs a value");
    expect("ups.status: \"\" \"\"\n", "1: ups.status needs a value");
    expect("ups.mfr: x\nups.id: \"a # b\"\n", "ups.mfr=x;2: '#' inside quotes must be written \\#");
    expect("ups.mfr: x\nups.id: \"open\nups.load: 1\n", "ups.mfr=x;2: a quote is not closed");
    expect("ups.mfr: x\n\x7f"
           "ELF\x02\n",
           "ups.mfr=x;2: byte 0x7f: this is not text");
    expect("ups.mfr: a\x01\n", "1: byte 0x01: this is not text");
}

static void test_zero_byte(void **state)
{
    static const char text[] = "ups.load: 1\nups.id: \0x\n";
    char got[256];
    int descriptor = file_with(text, sizeof text - 1);

    (void)state;
    read_from(descriptor, (struct devfile_place){ 0 }, got, sizeof got);
    close(descriptor);
    assert_string_equal(got, "ups.load=1;2: byte 0x00: this is not text");
}

static void test_high_bytes_vanish(void **state)
{
    (void)state;
    expect("ups.mfr: caf\xc3\xa9\n", "ups.mfr=caf;END");
}

static void test_goes_on_at_a_place(void **state)
{
    static const char text[] = "ups.load: 1\nTIMER 2\n\nups.load: 3\nbroken\n";
    int descriptor = file_with(text, sizeof text - 1);
    struct devfile *file = devfile_new(descriptor, &(struct devfile_place){ 0 });
    struct devfile_entry entry;
    char got[256];

    (void)state;
    devfile_next(file, &entry);
    assert_int_equal(entry.kind, DEVFILE_VARIABLE);
    devfile_next(file, &entry);
    assert_int_equal(entry.kind, DEVFILE_TIMER);
    struct devfile_place place = devfile_place(file);
    devfile_free(file);
    assert_int_equal(place.line, 2);
    read_from(descriptor, place, got, sizeof got);
    close(descriptor);
    assert_string_equal(got, "ups.load=3;5: 'broken' is not followed by a colon");
}

static void test_long_values_are_cut(void **state)
{
    char text[2000] = "ups.id: ";
    struct devfile_entry entry;

    (void)state;
    memset(text + 8, 'x', sizeof text - 9);
    text[900] = ' ';
    text[sizeof text - 1] = '\0';
    int descriptor = file_with(text, strlen(text));
    struct devfile *file = devfile_new(descriptor, &(struct devfile_place){ 0 });
    devfile_next(file, &entry);
    assert_int_equal(entry.kind, DEVFILE_VARIABLE);
    assert_int_equal(strlen(entry.value), 511);
    devfile_free(file);
    close(descriptor);
}

/* count lines of text each, one in `every` a TIMER. */
static int long_file(unsigned count, unsigned every, const char *line)
{
    size_t size = (size_t)count * (strlen(line) + 8) + 1;
    char *text = malloc(size);
    size_t used = 0;

    assert_non_null(text);
    for (unsigned i = 1; i <= count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s\n",
                                 every > 0 && i % every == 0 ? "TIMER 1" : line);
    int descriptor = file_with(text, used);
    free(text);
    return descriptor;
}

static void skim(int descriptor, struct devfile_entry *entry, char *problem, size_t size)
{
    struct devfile *file = devfile_new(descriptor, &(struct devfile_place){ 0 });

    do {
        devfile_next(file, entry);
    } while (entry->kind == DEVFILE_VARIABLE || entry->kind == DEVFILE_TIMER);
    snprintf(problem, size, "%s", entry->problem == NULL ? "" : entry->problem);
    devfile_free(file);
    close(descriptor);
}

static void test_bounds(void **state)
{
    struct devfile_entry entry;
    char problem[128];

    (void)state;
    skim(long_file(4096, 0, "ups.load: 1"), &entry, problem, sizeof problem);
    assert_int_equal(entry.kind, DEVFILE_END);
    skim(long_file(4097, 0, "ups.load: 1"), &entry, problem, sizeof problem);
    assert_int_equal(entry.kind, DEVFILE_ERROR);
    assert_int_equal(entry.line, 4097);
    assert_string_equal(problem, "more than 4096 lines without a TIMER");
    skim(long_file(20000, 4000, "ups.load: 1"), &entry, problem, sizeof problem);
    assert_int_equal(entry.kind, DEVFILE_END);
    skim(long_file(110000, 4000, "ups.load: 1"), &entry, problem, sizeof problem);
    assert_int_equal(entry.kind, DEVFILE_ERROR);
    assert_string_equal(problem, "it is larger than 1048576 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_vanishing),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_errors_name_the_line),
        cmocka_unit_test(test_zero_byte),
        cmocka_unit_test(test_high_bytes_vanish),
        cmocka_unit_test(test_goes_on_at_a_place),
        cmocka_unit_test(test_long_values_are_cut),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
