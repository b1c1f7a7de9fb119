/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/log.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 4
#define LINES 200

static FILE *captured;
static int saved_stderr;

static void capture(void)
{
    fflush(stderr);
    captured = tmpfile();
    assert_non_null(captured);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(saved_stderr >= 0 && dup2(fileno(captured), STDERR_FILENO) >= 0);
}

/* Ends the capture; the text is the caller's. */
static char *captured_text(void)
{
    assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
    close(saved_stderr);
    long length = (fseek(captured, 0, SEEK_END), ftell(captured));
    char *text = calloc(1, (size_t)length + 1);
    assert_non_null(text);
    rewind(captured);
    assert_int_equal(fread(text, 1, (size_t)length, captured), length);
    fclose(captured);
    return text;
}

static void expect_line(const char *wanted)
{
    char *text = captured_text();

    assert_string_equal(text, wanted);
    free(text);
}

static void test_one_line(void **state)
{
    (void)state;
    log_open("name", LOG_TO_STDERR);
    capture();
    errno = EBADF;
    log_error("[%s] %d of %m", "ups", 3);
    assert_int_equal(errno, EBADF);
    expect_line("name: [ups] 3 of Bad file descriptor\n");
}

static void test_control_characters(void **state)
{
    (void)state;
    capture();
    log_notice("a\nname: forged\r\033[2J\x01\x7f\ttab gr\xc3\xbc\xc3\x9f"
               "e");
    expect_line("name: a?name: forged??[2J??\ttab gr\xc3\xbc\xc3\x9f"
                "e\n");
}

static void test_long_lines_are_cut(void **state)
{
    char message[3000];

    (void)state;
    memset(message, 'm', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    capture();
    log_info("%s", message);
    char *text = captured_text();
    assert_int_equal(strlen(text), 1023);
    assert_memory_equal(text, "name: mmm", 9);
    assert_string_equal(text + 1020, "mm\n");
    free(text);

    log_open(message, LOG_TO_STDERR);
    capture();
    log_info("the name does not crowd it out");
    text = captured_text();
    assert_non_null(strstr(text, "m: the name does not crowd it out\n"));
    free(text);
    log_open("name", LOG_TO_STDERR);
}

static void test_debug_levels(void **state)
{
    (void)state;
    capture();
    log_debug(1, "unseen");
    log_info("info");
    log_set_debug(1);
    assert_true(log_debugging(1));
    assert_false(log_debugging(2));
    log_debug(1, "one");
    log_debug(2, "unseen");
    log_set_debug(3);
    log_debug(2, "two");
    log_set_debug(0);
    log_debug(1, "unseen");
    expect_line("name: info\nname: one\nname: two\n");
}

static void *write_lines(void *argument)
{
    for (int i = 0; i < LINES; i++)
        log_info("%c%0200d%c", *(const char *)argument, i, *(const char *)argument);
    return NULL;
}

static void test_threads_do_not_mix_lines(void **state)
{
    static const char letters[THREADS] = { 'a', 'b', 'c', 'd' };
    pthread_t threads[THREADS];
    int count = 0;

    (void)state;
    capture();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, write_lines, (void *)(uintptr_t)&letters[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    char *text = captured_text();
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_int_equal(strlen(line), 208);
        assert_memory_equal(line, "name: ", 6);
        assert_int_equal(line[6], line[207]);
        count++;
    }
    assert_int_equal(count, THREADS * LINES);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_debug_levels),
        cmocka_unit_test(test_threads_do_not_mix_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
