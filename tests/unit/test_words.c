/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/words.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* The words of the first line of text, joined by '|'; fed in pieces of the size given. */
static const char *joined(const char *text, size_t length, size_t piece)
{
    static char out[32768];
    struct words words = { 0 };
    enum words_result result = WORDS_MORE;
    size_t at = 0;
    size_t used = 0;

    while (result == WORDS_MORE && at < length) {
        size_t consumed;
        size_t size = length - at < piece ? length - at : piece;

        result = words_feed(&words, text + at, size, &consumed);
        at += consumed;
    }
    if (result == WORDS_MORE)
        result = words_finish(&words);
    out[0] = '\0';
    if (result == WORDS_ERROR)
        strcpy(out, "<error>");
    else if (result == WORDS_MORE)
        strcpy(out, "<nothing>");
    for (unsigned i = 0; result == WORDS_LINE && i < words.count; i++)
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%s", i == 0 ? "" : "|",
                                 words_at(&words, i));
    words_clear(&words);
    return out;
}

/* Expected by upsd 2.8.0 (RFC 9271 section 4 where it speaks of it). */
static const struct {
    const char *text, *words;
} lines[] = {
    { "GET VAR ups ups.status\n", "GET|VAR|ups|ups.status" },
    { "  GET\t VAR \r\n", "GET|VAR" },
    { "\n", "" },
    { "   \n", "" },
    { "# a comment\n", "" },
    { "a b # rest \"is\" = comment\n", "a|b" },
    { "a#b\n", "a" },
    { "a\\#b\n", "a#b" },
    { "\"two words\" x\n", "two words|x" },
    { "\"alpha\"x\n", "alpha|x" },
    { "al\"pha\n", "al\"pha" },
    { "al\\pha\n", "alpha" },
    { "a\\\nb\n", "ab" },
    { "NETVER \\\n\n", "NETVER|" },
    { "\\\r\n", "" },
    { "\"a\nb\" c\n", "ab|c" },
    { "\"\"\n", "" },
    { "x \"\" y\n", "x||y" },
    { "\"a#b\"\n", "<error>" },
    { "\"a\\#b\\\"c\\\\\"\n", "a#b\"c\\" },
    { "GET=VAR\n", "GET|=|VAR" },
    { "=\n", "=" },
    { "a=\"b=c\"\n", "a|=|b=c" },
    { "\\=x\n", "=x" },
    { "desc = \"My UPS\"\n", "desc|=|My UPS" },
    { "it's\n", "it's" },
    { "\"tab\there\"\n", "tabhere" },
    { "a\x7f" "b\n", "a\x7f" "b" },
    { "\xffNET\x01VER\n", "NETVER" },
    { "no line end", "no|line|end" },
    { "", "<nothing>" },
    { "# comment without end", "" },
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t length = strlen(lines[i].text);
        for (size_t piece = 1; piece <= length + 1; piece++)
            assert_string_equal(joined(lines[i].text, length, piece), lines[i].words);
    }
}

static void test_nul_is_dropped(void **state)
{
    (void)state;
    assert_string_equal(joined("NET\0VER\n", 8, 8), "NETVER");
}

static void test_long_word_is_cut(void **state)
{
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\n';
    assert_int_equal(strlen(joined(text, sizeof text, 7)), WORD_LENGTH_MAX);
}

static void test_many_words_are_cut(void **state)
{
    struct words words = { 0 };
    char text[200];
    size_t consumed;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "w ", 2);
    text[sizeof text - 1] = '\n';
    assert_int_equal(words_feed(&words, text, sizeof text, &consumed), WORDS_LINE);
    assert_int_equal(words.count, WORDS_MAX);
    words_clear(&words);
}

static void test_endless_line_is_bounded(void **state)
{
    struct words words = { 0 };
    char text[4096];
    size_t consumed;

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 700 == 0 ? ' ' : 'y';
    for (int i = 0; i < 1000; i++)
        assert_int_equal(words_feed(&words, text, sizeof text, &consumed), WORDS_MORE);
    assert_true(words.size <= WORDS_MAX * (WORD_LENGTH_MAX + 1));
    assert_true(words_pending(&words));
    words_clear(&words);
}

static void test_error_leaves_fresh_state(void **state)
{
    const char *text = "\"a#b\" c\nVER\n";
    struct words words = { 0 };
    size_t consumed;

    (void)state;
    assert_int_equal(words_feed(&words, text, strlen(text), &consumed), WORDS_ERROR);
    assert_int_equal(consumed, 3);
    assert_false(words_pending(&words));
    assert_int_equal(words_feed(&words, "VER\n", 4, &consumed), WORDS_LINE);
    assert_int_equal(words.count, 1);
    assert_string_equal(words_at(&words, 0), "VER");
    words_clear(&words);
}

static void test_escape(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(words_escape("a\"b", out, sizeof out), 4);
    assert_string_equal(out, "a\\\"b");
    assert_int_equal(words_escape("#\\", out, sizeof out), 4);
    assert_string_equal(out, "\\#\\\\");
    assert_int_equal(words_escape("123456#", out, sizeof out), 6);
    assert_string_equal(out, "123456");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_nul_is_dropped),
        cmocka_unit_test(test_long_word_is_cut),
        cmocka_unit_test(test_many_words_are_cut),
        cmocka_unit_test(test_endless_line_is_bounded),
        cmocka_unit_test(test_error_leaves_fresh_state),
        cmocka_unit_test(test_escape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
