/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the reader of upsd.users: no input may crash it, names and
 * passwords come from the file alone, and a refused file has been complained of.
 */
#include "nutproto/users.h"

#include "core/words.h"
#include "nutproto/passwords.h"
#include "tests/fuzz/demand.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(void *context, bool is_error, const char *text)
{
    (void)context;
    (void)is_error;
    demand(strchr(text, '\n') == NULL && strstr(text, ": ") != NULL);
}

/* A hash that was taken is whole; no password is tried, as that takes long by design. */
static void check_password(const struct user *user)
{
    bool hashed, weak;
    const char *password = user_password(user, &hashed);

    demand(!hashed || (password_is_hash(password) && password_check_hash(password, &weak) == NULL));
    demand(hashed || password == NULL || !password_is_hash(password));
}

/* Asks about every word of the file as the name of a user. */
static void ask(const struct users *users, const char *text, size_t size)
{
    struct words words = { 0 };
    size_t consumed;

    for (size_t at = 0; at < size; at += consumed) {
        if (words_feed(&words, text + at, size - at, &consumed) != WORDS_LINE)
            continue;
        for (unsigned i = 0; i < words.count; i++) {
            const char *word = words_at(&words, i);

            const struct user *user = users_find(users, word);

            /* Names come from the file, and so do subjects. */
            demand(user == NULL || strcmp(user_name(user), word) == 0);
            users_find_subject(users, word);
            if (user == NULL)
                continue;
            check_password(user);
            user_may_act(user, "SET");
            user_may_command(user, word);
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
        demand(users_find(users, "") == NULL || memmem(data, size, "[]", 2) != NULL);
        ask(users, (const char *)data, size);
    }
    users_free(users);
    close(descriptor);
    return 0;
}
