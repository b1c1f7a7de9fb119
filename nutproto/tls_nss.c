/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Databases of NSS, which an upsd built with that library has in CERTPATH: recognised, and in a
 * build without the library explained. nutproto/tls_nss_read.c reads them.
 */
#include <config.h>

#include "nutproto/tls_loading.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_file(const char *directory, const char *name)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof path, "%s/%s", directory, name) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

const char *tls_nss_kind(const char *path)
{
    if (has_file(path, "cert9.db") || has_file(path, "key4.db"))
        return "sql";
    if (has_file(path, "cert8.db") || has_file(path, "key3.db"))
        return "dbm";
    return NULL;
}

#ifdef HAVE_NSS
bool tls_nss_check_mode(const struct tls_loading *loading, const char *path)
{
    const char *name = strcmp(tls_nss_kind(path), "sql") == 0 ? "key4.db" : "key3.db";
    char file[PATH_MAX];
    struct stat status;

    return snprintf(file, sizeof file, "%s/%s", path, name) >= (int)sizeof file ||
           stat(file, &status) != 0 ||
           tls_check_mode(loading, &loading->settings->tls.authorities, file, status.st_mode);
}
#else
void tls_nss_refuse(const struct tls_loading *loading, const char *path)
{
    const struct tls_settings *tls = &loading->settings->tls;
    const struct placed_word *word = &tls->authorities;
    const char *directory = loading->settings->directory;
    const char *kind = tls_nss_kind(path);
    bool named = tls->identity.text != NULL && tls->identity.text[0] != '\0';
    const char *name = named ? tls->identity.text : "NAME";

    tls_error(loading, word,
              "%s is a database of NSS, which this build cannot read (configure --with-nss). "
              "Export from it, as these commands say:",
              path);
    if (tls->certificate_file.text == NULL) {
        tls_error(loading, word, "pk12util -d '%s:%s' -n '%s' -o '%s/upsd.p12'", kind, path, name,
                  directory);
        tls_error(loading, word,
                  "then upsd.conf says CERTFILE \"%s/upsd.p12\" and CERTIDENT \"%s\" \"PASSWORD\", "
                  "with the password that pk12util was given for the new file; or, without one: "
                  "openssl pkcs12 -in '%s/upsd.p12' -nodes -out '%s/upsd.pem', and CERTFILE "
                  "\"%s/upsd.pem\" alone",
                  directory, named ? name : "", directory, directory, directory);
    }
    if (tls->request == CERTIFICATE_REQUEST_NO)
        tls_error(loading, word, "and upsd.conf no longer says CERTPATH");
    else
        tls_error(loading, word,
                  "certutil -L -d '%s:%s' (lists names; each authority is marked with T), "
                  "certutil -L -d '%s:%s' -n 'AUTHORITY' -a >>'%s/clients.pem', "
                  "then upsd.conf says CERTPATH \"%s/clients.pem\"",
                  kind, path, kind, path, directory, directory);
}
#endif
