/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/hash_password.h"

#include "nutproto/passwords.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_SIZE 1024

/* Reads up to the end of the line, which is left out; byte by byte, so that nothing is kept. */
static bool read_line(char line[LINE_SIZE])
{
    size_t length = 0;
    ssize_t got;
    char byte;

    while ((got = read(STDIN_FILENO, &byte, 1)) == 1 && byte != '\n') {
        if (length == LINE_SIZE - 1) {
            fprintf(stderr, "upsbridged: the password is too long\n");
            return false;
        }
        line[length++] = byte;
    }
    line[length] = '\0';
    if (got < 0)
        fprintf(stderr, "upsbridged: cannot read the password: %s\n", strerror(errno));
    return got >= 0;
}

/* Keys at a terminal that neither echoes nor edits. */
enum key { KEY_INTERRUPT = 3, KEY_END = 4, KEY_BACKSPACE = 8, KEY_CLEAR = 21, KEY_QUIT = 28 };
#define KEY_DELETE 127

static bool read_keys(char line[LINE_SIZE])
{
    size_t length = 0;
    char key;

    while (read(STDIN_FILENO, &key, 1) == 1) {
        if (key == KEY_INTERRUPT || key == KEY_QUIT)
            return false;
        if (key == '\n' || key == '\r' || key == KEY_END) {
            line[length] = '\0';
            return true;
        }
        if (key == KEY_CLEAR)
            length = 0;
        else if (key != KEY_BACKSPACE && key != KEY_DELETE)
            line[length++] = key;
        else if (length > 0)
            length--;
        if (length == LINE_SIZE) {
            fprintf(stderr, "\nupsbridged: the password is too long");
            return false;
        }
    }
    return false;
}

/* Keys make no signals meanwhile, so that the terminal does not stay mute. */
static bool ask(const char *question, char line[LINE_SIZE])
{
    struct termios before, mute;

    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        fprintf(stderr, "upsbridged: cannot switch echo off: %s\n", strerror(errno));
        return false;
    }
    mute = before;
    mute.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    mute.c_cc[VMIN] = 1;
    mute.c_cc[VTIME] = 0;
    /* Before the question, so that no key of the answer is shown, or lost. */
    bool muted = tcsetattr(STDIN_FILENO, TCSAFLUSH, &mute) == 0;
    if (muted)
        fprintf(stderr, "%s", question);
    else
        fprintf(stderr, "upsbridged: cannot switch echo off: %s", strerror(errno));
    bool right = muted && read_keys(line);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fprintf(stderr, "\n");
    return right;
}

static bool read_password(char password[LINE_SIZE])
{
    char again[LINE_SIZE];

    if (!isatty(STDIN_FILENO))
        return read_line(password);
    if (!ask("Password: ", password) || !ask("The same again: ", again))
        return false;
    bool same = password_same(password, again);
    explicit_bzero(again, sizeof again);
    if (!same)
        fprintf(stderr, "upsbridged: these are two passwords\n");
    return same;
}

static bool print_hash(const char *password)
{
    const char *wrong = password_check(password);

    if (wrong != NULL) {
        fprintf(stderr, "upsbridged: the password %s\n", wrong);
        return false;
    }
    char *hash = password_hash(password);
    if (hash == NULL) {
        fprintf(stderr, "upsbridged: cannot hash it: %s\n", strerror(errno));
        return false;
    }
    bool printed = printf("%s\n", hash) > 0 && fflush(stdout) == 0;
    free(hash);
    return printed;
}

int hash_password_print(void)
{
    char password[LINE_SIZE];
    bool printed = read_password(password) && print_hash(password);

    explicit_bzero(password, sizeof password);
    return printed ? EXIT_SUCCESS : EXIT_FAILURE;
}
