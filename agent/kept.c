/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/kept.h"

#include "core/config.h"
#include "core/log.h"
#include "core/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define SHUTDOWN_TYPE "upsShutdownType"
/* So that a file that was cut off is found out. */
#define LAST_LINE "end"

static const char *const text_names[KEPT_TEXTS] = {
    [KEPT_NAME] = "upsIdentName",
    [KEPT_ATTACHED_DEVICES] = "upsIdentAttachedDevices",
};

struct entry {
    struct entry *next;
    struct kept_values values;
    char device[];
};

struct waiter {
    struct waiter *next;
    kept_written *written;
    void *context;
    uint64_t version; /* of the values that must be on the disk */
};

/* A version of the file on its way to the disk. */
struct writing {
    struct job job;
    struct kept *kept;
    uint64_t version;
    int error; /* errno; 0: it is there */
    char *directory;
    size_t length;
    char text[];
};

struct kept {
    struct loop *loop;
    struct pool *pool; /* NULL: nothing was written yet */
    char *directory;   /* NULL: there is none yet */
    struct entry *entries;
    struct waiter *waiters;
    struct writing *writing; /* NULL: no job is under way */
    uint64_t version;
};

/* Entries ------------------------------------------------------------------------------------ */

struct kept *kept_new(struct loop *loop)
{
    struct kept *kept = calloc(1, sizeof *kept);

    if (kept != NULL)
        kept->loop = loop;
    return kept;
}

struct kept_values *kept_of(struct kept *kept, const char *device)
{
    struct entry **link = &kept->entries;

    for (; *link != NULL; link = &(*link)->next) {
        if (strcasecmp((*link)->device, device) == 0)
            return &(*link)->values;
    }
    struct entry *entry = calloc(1, sizeof *entry + strlen(device) + 1);
    if (entry == NULL)
        return NULL;
    memcpy(entry->device, device, strlen(device) + 1);
    *link = entry;
    return &entry->values;
}

static void free_entries(struct kept *kept)
{
    while (kept->entries != NULL) {
        struct entry *entry = kept->entries;

        kept->entries = entry->next;
        free(entry);
    }
}

/* The file: lines of an object, a device and a value ------------------------------------------ */

/* What a word of the file may hold as it is; anything else is %XX. */
static bool is_plain(unsigned char byte)
{
    return byte > ' ' && byte < 0x7f && strchr("%\"\\#=[]", byte) == NULL;
}

static void print_word(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (is_plain(byte) || byte == ' ')
            putc(byte, out);
        else
            fprintf(out, "%%%02X", byte);
    }
    putc('"', out);
}

static void print_line(FILE *out, const char *object, const char *device, const char *value)
{
    fprintf(out, "%s ", object);
    print_word(out, device);
    putc(' ', out);
    print_word(out, value);
    putc('\n', out);
}

static void print_all(FILE *out, const struct kept *kept)
{
    fputs("# What SNMP managers have written, kept by upsbridged.\n", out);
    for (const struct entry *entry = kept->entries; entry != NULL; entry = entry->next) {
        for (size_t i = 0; i < KEPT_TEXTS; i++) {
            if (entry->values.written[i])
                print_line(out, text_names[i], entry->device, entry->values.texts[i]);
        }
        if (entry->values.shutdown_type != 0)
            print_line(out, SHUTDOWN_TYPE, entry->device,
                       entry->values.shutdown_type == 1 ? "1" : "2");
    }
    fputs(LAST_LINE "\n", out);
}

static int digit_of(char digit)
{
    const char *digits = "0123456789ABCDEF";
    const char *found = digit == '\0' ? NULL : strchr(digits, digit);

    return found == NULL ? -1 : (int)(found - digits);
}

/* Replaces %XX, in place. False: there is one that is none, or a NUL. */
static bool decode(char *text)
{
    char *to = text;

    for (; *text != '\0'; text++) {
        if (*text != '%') {
            *to++ = *text;
            continue;
        }
        int high = digit_of(text[1]);
        int low = high < 0 ? -1 : digit_of(text[2]);
        if (low < 0 || (high == 0 && low == 0))
            return false;
        *to++ = (char)(high << 4 | low);
        text += 2;
    }
    *to = '\0';
    return true;
}

static bool read_line(struct kept *kept, const struct config_line *line)
{
    if (line->count != 3 || !decode(line->words[1]) || !decode(line->words[2]))
        return false;
    const char *value = line->words[2];
    struct kept_values *values = kept_of(kept, line->words[1]);
    if (values == NULL)
        return false;
    for (size_t i = 0; i < KEPT_TEXTS; i++) {
        if (strcmp(line->words[0], text_names[i]) != 0)
            continue;
        if (strlen(value) > KEPT_TEXT_MAX)
            return false;
        values->written[i] = true;
        memcpy(values->texts[i], value, strlen(value) + 1);
        return true;
    }
    if (strcmp(line->words[0], SHUTDOWN_TYPE) != 0 ||
        (strcmp(value, "1") != 0 && strcmp(value, "2") != 0))
        return false;
    values->shutdown_type = value[0] - '0';
    return true;
}

static bool is_whole(const struct config_file *file)
{
    const struct config_line *last = file->count == 0 ? NULL : &file->lines[file->count - 1];

    return last != NULL && last->count == 1 && strcmp(last->words[0], LAST_LINE) == 0;
}

/* What the administrator can still look into, or take back. */
static void set_aside(const char *path)
{
    char aside[PATH_MAX + sizeof ".bad"];

    snprintf(aside, sizeof aside, "%s.bad", path);
    if (rename(path, aside) == 0)
        log_error("%s makes no sense: it is now %s, and what managers had written is lost", path,
                  aside);
    else
        log_error("%s makes no sense, and cannot be set aside: %s", path, strerror(errno));
}

static void read_all(struct kept *kept, const char *path)
{
    struct config_report report = { 0 };
    struct config_file *file = config_read(path, &report);
    bool good = file != NULL && is_whole(file);

    for (size_t i = 0; good && i + 1 < file->count; i++) {
        good = read_line(kept, &file->lines[i]);
        if (!good)
            log_error("%s:%u: this is nothing that upsbridged has written", path,
                      file->lines[i].number);
    }
    config_free(file);
    if (good)
        return;
    /* Not freed: devices point to them. */
    for (struct entry *entry = kept->entries; entry != NULL; entry = entry->next)
        entry->values = (struct kept_values){ 0 };
    set_aside(path);
}

void kept_open(struct kept *kept, const char *state_path)
{
    char path[PATH_MAX];

    kept->directory = strdup(state_path);
    if (kept->directory == NULL ||
        (size_t)snprintf(path, sizeof path, "%s/" KEPT_FILE, state_path) >= sizeof path) {
        log_error("SNMP: cannot look for what managers have written");
        return;
    }
    if (access(path, F_OK) == 0)
        read_all(kept, path);
    else if (errno != ENOENT)
        log_error("SNMP: cannot read %s: %s", path, strerror(errno));
}

/* Writing ------------------------------------------------------------------------------------ */

static bool write_whole(int descriptor, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t done = write(descriptor, text, length);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        text += done;
        length -= (size_t)done;
    }
    return fsync(descriptor) == 0;
}

/* Everything is named from the directory, which may be a user's: no link is followed. */
static bool replace_file(int directory, const struct writing *writing)
{
    static const char fresh[] = KEPT_FILE ".new";

    if (unlinkat(directory, fresh, 0) != 0 && errno != ENOENT)
        return false;
    int descriptor =
        openat(directory, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (descriptor < 0)
        return false;
    bool written = write_whole(descriptor, writing->text, writing->length);
    int error = errno;
    close(descriptor);
    if (written && renameat(directory, fresh, directory, KEPT_FILE) == 0)
        return fsync(directory) == 0;
    if (written)
        error = errno;
    unlinkat(directory, fresh, 0);
    errno = error;
    return false;
}

static void run_writing(struct job *job)
{
    struct writing *writing = (struct writing *)job;
    int directory = open(writing->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (directory < 0) {
        writing->error = errno;
        return;
    }
    writing->error = replace_file(directory, writing) ? 0 : errno;
    close(directory);
}

static void free_writing(struct writing *writing)
{
    free(writing->directory);
    free(writing);
}

static void discard_writing(struct job *job)
{
    free_writing((struct writing *)job);
}

static void finish_writing(struct job *job);

static struct writing *writing_new(struct kept *kept)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (out == NULL)
        return NULL;
    print_all(out, kept);
    bool printed = ferror(out) == 0;
    if (fclose(out) != 0 || !printed) {
        free(text);
        return NULL;
    }
    struct writing *writing = malloc(sizeof *writing + length);
    char *directory = strdup(kept->directory);
    if (writing == NULL || directory == NULL) {
        free(directory);
        free(writing);
        free(text);
        return NULL;
    }
    *writing = (struct writing){
        .job = { .run = run_writing, .done = finish_writing, .discard = discard_writing },
        .kept = kept,
        .version = kept->version,
        .directory = directory,
        .length = length
    };
    memcpy(writing->text, text, length);
    free(text);
    return writing;
}

static bool start_writing(struct kept *kept)
{
    if (kept->pool == NULL)
        kept->pool = pool_new(kept->loop);
    struct writing *writing = kept->pool == NULL ? NULL : writing_new(kept);
    if (writing == NULL)
        return false;
    if (!pool_submit(kept->pool, &writing->job)) {
        free_writing(writing);
        return false;
    }
    kept->writing = writing;
    return true;
}

/* Tells those who wait for this version, or for one before. */
static void tell(struct kept *kept, uint64_t version, bool done)
{
    struct waiter **link = &kept->waiters;

    while (*link != NULL) {
        struct waiter *waiter = *link;

        if (waiter->version > version) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        waiter->written(waiter->context, done);
        free(waiter);
        /* Who was told may have asked for more. */
        link = &kept->waiters;
    }
}

static void finish_writing(struct job *job)
{
    struct writing *writing = (struct writing *)job;
    struct kept *kept = writing->kept;
    uint64_t version = writing->version;
    int error = writing->error;

    if (error != 0)
        log_error("SNMP: cannot write %s/" KEPT_FILE ": %s", writing->directory, strerror(error));
    free_writing(writing);
    kept->writing = NULL;
    tell(kept, version, error == 0);
    if (kept->version > version && kept->writing == NULL && !start_writing(kept))
        tell(kept, kept->version, false);
}

bool kept_write(struct kept *kept, kept_written *written, void *context)
{
    struct waiter *waiter = calloc(1, sizeof *waiter);

    if (waiter == NULL || kept->directory == NULL) {
        free(waiter);
        return false;
    }
    *waiter =
        (struct waiter){ .written = written, .context = context, .version = kept->version + 1 };
    kept->version++;
    if (kept->writing == NULL && !start_writing(kept)) {
        kept->version--;
        free(waiter);
        return false;
    }
    struct waiter **link = &kept->waiters;
    while (*link != NULL)
        link = &(*link)->next;
    *link = waiter;
    return true;
}

void kept_forget(struct kept *kept, const void *context)
{
    struct waiter **link = &kept->waiters;

    while (*link != NULL) {
        struct waiter *waiter = *link;

        if (waiter->context != context) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        free(waiter);
    }
}

/* At the end nobody is kept waiting by the disk but who stops us. */
static void write_now(struct kept *kept)
{
    struct writing *writing = writing_new(kept);

    if (writing == NULL)
        return;
    run_writing(&writing->job);
    if (writing->error != 0)
        log_error("SNMP: cannot write %s/" KEPT_FILE ": %s", writing->directory,
                  strerror(writing->error));
    free_writing(writing);
}

void kept_free(struct kept *kept)
{
    if (kept == NULL)
        return;
    bool unsaved = kept->writing != NULL;
    if (unsaved)
        pool_cancel(&kept->writing->job);
    pool_free(kept->pool);
    if (unsaved)
        write_now(kept);
    while (kept->waiters != NULL) {
        struct waiter *waiter = kept->waiters;

        kept->waiters = waiter->next;
        free(waiter);
    }
    free_entries(kept);
    free(kept->directory);
    free(kept);
}
