/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/users.h"

#include "core/words.h"
#include "nutproto/passwords.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Words that add up over lines: actions, instant commands. */
struct word_list {
    char **words;
    size_t count;
};

struct user {
    char *name;
    char *password; /* NULL: never given */
    char *subject;  /* of the certificate that stands for the user; NULL: none */
    bool hashed;    /* the password */
    struct word_list actions, commands;
};

struct users {
    struct user *users;
    size_t count;
    const char *some_hash; /* of some user; NULL: no password is hashed */
};

static bool list_add(struct word_list *list, const char *word)
{
    char **grown = realloc(list->words, (list->count + 1) * sizeof grown[0]);

    if (grown == NULL)
        return false;
    list->words = grown;
    grown[list->count] = strdup(word);
    if (grown[list->count] == NULL)
        return false;
    list->count++;
    return true;
}

static bool list_has(const struct word_list *list, const char *word)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcasecmp(list->words[i], word) == 0)
            return true;
    }
    return false;
}

static void list_clear(struct word_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->words[i]);
    free(list->words);
}

void users_free(struct users *users)
{
    if (users == NULL)
        return;
    for (size_t i = 0; i < users->count; i++) {
        struct user *user = &users->users[i];

        if (user->password != NULL)
            explicit_bzero(user->password, strlen(user->password));
        free(user->password);
        free(user->name);
        free(user->subject);
        list_clear(&user->actions);
        list_clear(&user->commands);
    }
    free(users->users);
    free(users);
}

/* Reading ------------------------------------------------------------------------------------ */

/* Where reading stands: the line being read and the section it is in. */
struct reading {
    struct users *users;
    struct user *user; /* NULL: before the first section, or in one that is ignored */
    bool in_ignored;
    const char *path;
    const struct config_line *line;
    struct config_report *report;
};

static void check_hash(const struct reading *reading, const char *hash)
{
    bool weak;
    const char *wrong = password_check_hash(hash, &weak);

    if (wrong != NULL)
        config_error(reading->report, reading->path, reading->line->number,
                     "'password' of user '%s' %s; make one by upsbridged --hash-password",
                     reading->user->name, wrong);
    else if (weak)
        config_warning(reading->report, reading->path, reading->line->number,
                       "'password' of user '%s' is hashed by a method that is out of date: make "
                       "a better one by upsbridged --hash-password",
                       reading->user->name);
}

/* All set_ functions: false when out of memory. */

static bool set_password(struct reading *reading)
{
    struct user *user = reading->user;
    const char *value = config_value(reading->line);

    if (value == NULL || reading->line->count < 3) {
        config_warning(reading->report, reading->path, reading->line->number,
                       "'password' of user '%s' has no value", user->name);
        return true;
    }
    if (user->password != NULL) {
        config_warning(reading->report, reading->path, reading->line->number,
                       "Ignoring duplicate password for %s", user->name);
        return true;
    }
    user->hashed = password_is_hash(value);
    if (user->hashed)
        check_hash(reading, value);
    user->password = strdup(value);
    return user->password != NULL;
}

static bool set_subject(struct reading *reading)
{
    const struct config_line *line = reading->line;
    struct user *user = reading->user;
    const char *value = config_value(line);

    if (value == NULL || *value == '\0' || line->count != 3) {
        config_error(reading->report, reading->path, line->number,
                     "'certsubject' of user '%s' needs one value, in double quotes", user->name);
        return true;
    }
    if (users_find_subject(reading->users, value) != NULL) {
        config_error(reading->report, reading->path, line->number,
                     "'certsubject' of user '%s' is given twice, or to another user too",
                     user->name);
        return true;
    }
    user->subject = strdup(value);
    return user->subject != NULL;
}

static bool add_values(struct reading *reading, struct word_list *list)
{
    const struct config_line *line = reading->line;

    if (config_value(line) == NULL || line->count < 3) {
        config_warning(reading->report, reading->path, line->number,
                       "'%s' must be followed by '=' and a value", line->words[0]);
        return true;
    }
    for (unsigned i = 2; i < line->count; i++) {
        if (!list_add(list, line->words[i]))
            return false;
    }
    return true;
}

static bool set_actions(struct reading *reading)
{
    return add_values(reading, &reading->user->actions);
}

static bool set_commands(struct reading *reading)
{
    return add_values(reading, &reading->user->commands);
}

static bool set_role(struct reading *reading)
{
    const struct config_line *line = reading->line;
    const char *value = config_value(line);
    const char *role = value != NULL ? value : line->count > 1 ? line->words[1] : "";
    struct word_list *actions = &reading->user->actions;

    if (strcasecmp(role, "primary") == 0 || strcasecmp(role, "master") == 0)
        return list_add(actions, "LOGIN") && list_add(actions, "MASTER") &&
               list_add(actions, "FSD");
    if (strcasecmp(role, "secondary") == 0 || strcasecmp(role, "slave") == 0)
        return list_add(actions, "LOGIN");
    config_warning(reading->report, reading->path, line->number, "Unknown upsmon type %s", role);
    return true;
}

static bool set_allow_from(struct reading *reading)
{
    config_warning(reading->report, reading->path, reading->line->number,
                   "allowfrom in upsd.users is no longer used");
    return true;
}

static const struct {
    const char *key;
    bool (*set)(struct reading *reading);
} keys[] = {
    { "password", set_password }, { "actions", set_actions },     { "instcmds", set_commands },
    { "upsmon", set_role },       { "certsubject", set_subject }, { "allowfrom", set_allow_from },
};

static bool read_key(struct reading *reading)
{
    const struct config_line *line = reading->line;

    if (reading->user == NULL) {
        if (!reading->in_ignored)
            config_warning(reading->report, reading->path, line->number,
                           "'%s' stands before the first [user]", line->words[0]);
        return true;
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcasecmp(line->words[0], keys[i].key) == 0)
            return keys[i].set(reading);
    }
    config_warning(reading->report, reading->path, line->number, "Unrecognized user setting %s",
                   line->words[0]);
    return true;
}

static bool open_section(struct reading *reading, const char *name)
{
    struct users *users = reading->users;

    reading->user = NULL;
    reading->in_ignored = false;
    if (users_find(users, name) != NULL) {
        /* upsd gives the lines that follow to the user before: rights nobody meant to grant. */
        config_warning(reading->report, reading->path, reading->line->number,
                       "Ignoring duplicate user %s, with all its lines", name);
        reading->in_ignored = true;
        return true;
    }
    struct user *grown = realloc(users->users, (users->count + 1) * sizeof grown[0]);
    if (grown == NULL)
        return false;
    users->users = grown;
    grown[users->count] = (struct user){ .name = strdup(name) };
    if (grown[users->count].name == NULL)
        return false;
    reading->user = &grown[users->count++];
    return true;
}

/* "[my" of "[my name]" without quotes: the lines that follow must not go to the user before. */
static void ignore_section(struct reading *reading)
{
    config_warning(reading->report, reading->path, reading->line->number,
                   "'%s' does not end in ']': it is ignored, with all its lines",
                   reading->line->words[0]);
    reading->user = NULL;
    reading->in_ignored = true;
}

static bool read_lines(struct users *users, const struct config_file *file,
                       struct config_report *report)
{
    struct reading reading = { .users = users, .path = file->path, .report = report };
    char name[WORD_LENGTH_MAX];

    for (size_t i = 0; i < file->count; i++) {
        reading.line = &file->lines[i];
        if (config_section(reading.line, name, sizeof name)) {
            if (!open_section(&reading, name))
                return false;
        } else if (reading.line->words[0][0] == '[') {
            ignore_section(&reading);
        } else if (!read_key(&reading)) {
            return false;
        }
    }
    return true;
}

static void check_permissions(const char *path, struct config_report *report)
{
    struct stat status;

    if (stat(path, &status) == 0 && (status.st_mode & S_IROTH) != 0)
        config_warning(report, path, 0,
                       "it is world readable (hope you don't have passwords there)");
}

struct users *users_load(const char *path, struct config_report *report)
{
    unsigned errors_before = report->errors;
    struct users *users = calloc(1, sizeof *users);
    struct config_file *file = users == NULL ? NULL : config_read(path, report);

    if (users != NULL && file == NULL && errno == ENOENT) {
        config_warning(report, path, 0, "it does not exist: nobody may log in or control anything");
        return users;
    }
    if (file == NULL) {
        config_error(report, path, 0, "%s", strerror(users == NULL ? ENOMEM : errno));
        users_free(users);
        return NULL;
    }
    check_permissions(path, report);
    if (!read_lines(users, file, report))
        config_error(report, path, 0, "%s", strerror(ENOMEM));
    config_free(file);
    if (report->errors != errors_before) {
        users_free(users);
        return NULL;
    }
    for (size_t i = 0; i < users->count && users->some_hash == NULL; i++) {
        if (users->users[i].hashed)
            users->some_hash = users->users[i].password;
    }
    return users;
}

/* Users and their rights ---------------------------------------------------------------------- */

const struct user *users_find(const struct users *users, const char *name)
{
    for (size_t i = 0; i < users->count; i++) {
        if (strcmp(users->users[i].name, name) == 0)
            return &users->users[i];
    }
    return NULL;
}

const struct user *users_find_subject(const struct users *users, const char *subject)
{
    for (size_t i = 0; i < users->count; i++) {
        const struct user *user = &users->users[i];

        if (user->subject != NULL && strcmp(user->subject, subject) == 0)
            return user;
    }
    return NULL;
}

const char *users_some_hash(const struct users *users)
{
    return users->some_hash;
}

const char *user_name(const struct user *user)
{
    return user->name;
}

const char *user_password(const struct user *user, bool *hashed)
{
    *hashed = user->hashed;
    return user->password;
}

bool user_may_act(const struct user *user, const char *action)
{
    bool primary = strcasecmp(action, "PRIMARY") == 0 || strcasecmp(action, "MASTER") == 0;

    if (primary)
        return list_has(&user->actions, "PRIMARY") || list_has(&user->actions, "MASTER");
    return list_has(&user->actions, action);
}

bool user_may_command(const struct user *user, const char *command)
{
    return list_has(&user->commands, "ALL") || list_has(&user->commands, command);
}
