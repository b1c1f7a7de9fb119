/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the reader of upsd.users: no input may crash it, nothing gives a right without a name and
 * the password that goes with it, and a refused file has been complained of.
 */
#include "nutproto/users.h"

#include "core/words.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int truth)
{
    if (!truth)
        abort();
}

static void hear(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    demand(strchr(text, '\n') == NULL && strstr(text, ": ") != NULL);
}

/* Asks with every word of the file as name and password: rights may only come from the file. */
static void ask(const struct users *users, const char *text, size_t size)
{
    struct words words = { 0 };
    size_t consumed;

    for (size_t at = 0; at < size; at += consumed) {
        if (words_feed(&words, text + at, size - at, &consumed) != WORDS_LINE)
            continue;
        for (unsigned i = 0; i < words.count; i++) {
            const char *word = words_at(&words, i);

            users_may_act(users, word, word, "SET");
            users_may_command(users, word, words_at(&words, words.count - 1), word);
            /* No password holds a control character: they vanish from words. */
            demand(!users_may_act(users, word, "\x01", "LOGIN"));
        }
    }
    words_clear(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int descriptor = memfd_create("upsd.users", MFD_CLOEXEC);
    struct config_report report = { .sink = hear };
    char path[64];

    demand(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    struct users *users = users_load(path, &report);
    demand((users == NULL) == (report.errors > 0));
    if (users != NULL) {
        demand(!users_may_act(users, "", "", "SET") || memmem(data, size, "[]", 2) != NULL);
        ask(users, (const char *)data, size);
    }
    users_free(users);
    close(descriptor);
    return 0;
}
