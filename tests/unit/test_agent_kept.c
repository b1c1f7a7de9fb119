/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of what managers have written. */
#include "agent/kept.h"
#include "tests/unit/unit.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/upsbridge-kept.XXXXXX";
static struct loop *loop;

static void path_to(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", directory, name);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    loop = loop_new();
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = { KEPT_FILE, KEPT_FILE ".bad", KEPT_FILE ".new" };
    char path[256];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_to(path, sizeof path, names[i]);
        unlink(path);
        rmdir(path);
    }
    loop_free(loop);
    return rmdir(directory);
}

static struct kept *open_kept(void)
{
    struct kept *kept = kept_new(loop);

    assert_non_null(kept);
    kept_open(kept, directory);
    return kept;
}

static void count(void *context, bool done)
{
    unsigned *counts = context;

    counts[done]++;
}

static void wait_for(const unsigned *counts, unsigned wanted)
{
    uint64_t end = clock_ms() + 10000;

    while (counts[0] + counts[1] < wanted && clock_ms() < end)
        event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
    assert_int_equal(counts[0] + counts[1], wanted);
}

static void keep(struct kept *kept, const char *device, enum kept_text which, const char *text)
{
    struct kept_values *values = kept_of(kept, device);

    values->written[which] = true;
    strcpy(values->texts[which], text);
}

static void test_every_octet_survives(void **state)
{
    unsigned counts[2] = { 0 };
    char text[KEPT_TEXT_MAX + 1] = "";
    struct kept *kept = open_kept();

    (void)state;
    for (int first = 1; first < 128; first += KEPT_TEXT_MAX) {
        int length = first + KEPT_TEXT_MAX <= 128 ? KEPT_TEXT_MAX : 128 - first;

        for (int i = 0; i < length; i++)
            text[i] = (char)(first + i);
        text[length] = '\0';
        keep(kept, "a \"strange\" #1 name", KEPT_NAME, text);
        keep(kept, "other", KEPT_ATTACHED_DEVICES, "");
        kept_of(kept, "other")->shutdown_type = 2;
        assert_true(kept_write(kept, count, counts));
        wait_for(counts, counts[1] + 1);
        assert_int_equal(counts[0], 0);
        kept_free(kept);
        kept = open_kept();
        assert_true(kept_of(kept, "A \"strange\" #1 name")->written[KEPT_NAME]);
        assert_string_equal(kept_of(kept, "a \"strange\" #1 name")->texts[KEPT_NAME], text);
        assert_true(kept_of(kept, "other")->written[KEPT_ATTACHED_DEVICES]);
        assert_false(kept_of(kept, "other")->written[KEPT_NAME]);
        assert_int_equal(kept_of(kept, "other")->shutdown_type, 2);
    }
    kept_free(kept);
}

static void test_the_last_of_many_writes_is_kept(void **state)
{
    unsigned counts[2] = { 0 };
    struct kept *kept = open_kept();

    (void)state;
    for (int i = 0; i < 100; i++) {
        char text[16];

        snprintf(text, sizeof text, "number %d", i);
        keep(kept, "ups", KEPT_NAME, text);
        assert_true(kept_write(kept, count, counts));
    }
    wait_for(counts, 100);
    assert_int_equal(counts[0], 0);
    /* Nobody waits for this one, and it is not lost either. */
    keep(kept, "ups", KEPT_NAME, "last");
    assert_true(kept_write(kept, count, counts));
    kept_forget(kept, counts);
    kept_free(kept);
    kept = open_kept();
    assert_string_equal(kept_of(kept, "ups")->texts[KEPT_NAME], "last");
    assert_int_equal(counts[1], 100);
    kept_free(kept);
}

static void test_a_disk_that_does_not_take_it(void **state)
{
    unsigned counts[2] = { 0 };
    struct kept *kept = kept_new(loop);
    char path[256];

    (void)state;
    assert_false(kept_write(kept, count, counts));
    path_to(path, sizeof path, KEPT_FILE ".new");
    assert_int_equal(mkdir(path, 0700), 0);
    kept_open(kept, directory);
    assert_true(kept_write(kept, count, counts));
    wait_for(counts, 1);
    assert_int_equal(counts[0], 1);
    assert_int_equal(rmdir(path), 0);
    assert_true(kept_write(kept, count, counts));
    wait_for(counts, 2);
    assert_int_equal(counts[1], 1);
    kept_free(kept);
}

static void test_files_that_make_no_sense(void **state)
{
    static const char *const texts[] = {
        "upsIdentName ups\nend\n",
        "upsIdentName ups a b\nend\n",
        "upsNonsense ups a\nend\n",
        "upsIdentName ups \"%4\"\nend\n",
        "upsIdentName ups \"%00\"\nend\n",
        "upsIdentName ups \"%zz\"\nend\n",
        "upsShutdownType ups 3\nend\n",
        ("upsIdentName ups "
         "0123456789012345678901234567890123456789012345678901234567890123456789\nend\n"),
        "upsIdentName good name\n[section]\nend\n",
        "upsIdentName good name\nupsIdentName ups \"unclosed\n",
        "upsIdentName good name\n",
        "upsIdentName good name\nupsIdentName ups na\nen",
        "",
        "end\nupsIdentName good name\nend\n",
    };
    char path[256], aside[256];

    (void)state;
    path_to(path, sizeof path, KEPT_FILE);
    path_to(aside, sizeof aside, KEPT_FILE ".bad");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
        struct kept *kept = open_kept();
        assert_false(kept_of(kept, "ups")->written[KEPT_NAME]);
        assert_false(kept_of(kept, "good")->written[KEPT_NAME]);
        assert_int_equal(kept_of(kept, "ups")->shutdown_type, 0);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(unlink(aside), 0);
        kept_free(kept);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_octet_survives),
        TEST(test_the_last_of_many_writes_is_kept),
        TEST(test_a_disk_that_does_not_take_it),
        TEST(test_files_that_make_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
