/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files for TLS into memory, and complaints about them.
 */
#include "nutproto/tls_loading.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Enough for bundles of all public authorities and long lists of revocations. */
#define FILE_MAX ((off_t)16 * 1024 * 1024)
/* Long enough for a path and what is wrong with it. */
#define COMPLAINT_SIZE 640

static void place_of(const struct tls_loading *loading, const struct placed_word *word,
                     char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", loading->settings->directory, word->file);
}

void tls_error(const struct tls_loading *loading, const struct placed_word *word,
               const char *format, ...)
{
    char path[PATH_MAX];
    char text[COMPLAINT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    place_of(loading, word, path);
    config_error(loading->report, path, word->line, "%s: %s", word->directive, text);
}

void tls_warning(const struct tls_loading *loading, const struct placed_word *word,
                 const char *format, ...)
{
    char path[PATH_MAX];
    char text[COMPLAINT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    place_of(loading, word, path);
    config_warning(loading->report, path, word->line, "%s: %s", word->directive, text);
}

const char *tls_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason == NULL ? "OpenSSL gives no reason" : reason;
}

bool tls_path(const struct tls_loading *loading, const struct placed_word *word,
              char path[PATH_MAX])
{
    int length = word->text[0] == '/'
                     ? snprintf(path, PATH_MAX, "%s", word->text)
                     : snprintf(path, PATH_MAX, "%s/%s", loading->settings->directory, word->text);

    if (length < PATH_MAX)
        return true;
    tls_error(loading, word, "the path is too long");
    return false;
}

static void unreadable(const struct tls_loading *loading, const struct placed_word *word,
                       const char *path, int error)
{
    if (error == EACCES)
        tls_error(loading, word, "cannot read %s as user %u: %s", path, (unsigned)geteuid(),
                  strerror(error));
    else
        tls_error(loading, word, "cannot read %s: %s", path, strerror(error));
}

/* 0, or errno. */
static int read_whole(int descriptor, struct tls_file *file)
{
    struct stat status;
    size_t got = 0;

    if (fstat(descriptor, &status) != 0)
        return errno;
    if (S_ISDIR(status.st_mode))
        return EISDIR;
    if (!S_ISREG(status.st_mode))
        return EINVAL;
    if (status.st_size > FILE_MAX)
        return EFBIG;
    file->mode = status.st_mode;
    file->size = (size_t)status.st_size;
    file->data = malloc(file->size + 1);
    if (file->data == NULL)
        return ENOMEM;
    while (got < file->size) {
        ssize_t more = read(descriptor, file->data + got, file->size - got);

        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return errno;
        if (more == 0)
            break;
        got += (size_t)more;
    }
    file->size = got;
    return 0;
}

bool tls_file_read(const struct tls_loading *loading, const struct placed_word *word,
                   const char *path, struct tls_file *file)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = descriptor < 0 ? errno : 0;

    *file = (struct tls_file){ .path = path };
    if (descriptor >= 0) {
        error = read_whole(descriptor, file);
        close(descriptor);
    }
    if (error == 0)
        return true;
    unreadable(loading, word, path, error);
    tls_file_free(file);
    return false;
}

void tls_file_free(struct tls_file *file)
{
    if (file->data != NULL)
        explicit_bzero(file->data, file->size);
    free(file->data);
    file->data = NULL;
    file->size = 0;
}

bool tls_check_mode(const struct tls_loading *loading, const struct placed_word *word,
                    const char *path, mode_t mode)
{
    void (*complain)(const struct tls_loading *, const struct placed_word *, const char *, ...) =
        loading->settings->strict_permissions ? tls_error : tls_warning;

    if ((mode & (S_IROTH | S_IWOTH)) == 0)
        return true;
    complain(loading, word,
             "%s holds a private key, but everybody may %s it: chmod 640 and a group of the "
             "daemon's alone",
             path, (mode & S_IWOTH) != 0 ? "write" : "read");
    return !loading->settings->strict_permissions;
}

bool tls_file_is_pem(const struct tls_file *file)
{
    static const char begin[] = "-----BEGIN ";

    return memmem(file->data, file->size, begin, sizeof begin - 1) != NULL;
}
