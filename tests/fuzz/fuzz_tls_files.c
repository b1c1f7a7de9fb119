/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes what is read for TLS. The input is the server's file, the authorities and the lists of the
 * revoked at once: nothing may crash, and whatever is refused was complained of. It is a client's
 * certificate as well, whose subject must be whole text or none.
 */
#include "nutproto/tls_context.h"
#include "nutproto/tls_loading.h"
#include "tests/fuzz/demand.h"

#include <openssl/err.h>
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

static struct placed_word word(char *path)
{
    return (
        struct placed_word){ .text = path, .directive = "WORD", .file = "upsd.conf", .line = 1 };
}

static void read_files(char *path, enum certificate_request request, bool revocations)
{
    char directory[] = "/tmp";
    struct settings settings = {
        .directory = directory,
        .tls = { .certificate_file = word(path), .request = request, .request_word = word(path) }
    };
    struct config_report report = { .sink = hear };
    struct tls_context *context;

    if (request != CERTIFICATE_REQUEST_NO)
        settings.tls.authorities = word(path);
    if (revocations)
        settings.tls.revocations = word(path);
    bool right = tls_context_load(&settings, &report, &context);
    demand(right == (report.errors == 0) && right == (context != NULL));
    if (right)
        demand(tls_context_certificates(context)->count > 0);
    tls_context_free(context);
}

static void read_subject(const uint8_t *data, size_t size)
{
    const unsigned char *rest = data;
    X509 *certificate = d2i_X509(NULL, &rest, (long)size);
    char whole[TLS_SUBJECT_SIZE], cut[32];

    if (certificate != NULL && tls_subject(certificate, whole, sizeof whole)) {
        demand(whole[0] != '\0' && strlen(whole) < sizeof whole);
        demand(tls_subject(certificate, cut, sizeof cut) == (strlen(whole) < sizeof cut));
    }
    if (certificate != NULL)
        tls_time(X509_get0_notAfter(certificate));
    X509_free(certificate);
    ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int descriptor = memfd_create("upsd.pem", MFD_CLOEXEC);
    char path[64];

    demand(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    read_files(path, CERTIFICATE_REQUEST_NO, false);
    read_files(path, CERTIFICATE_REQUEST_VERIFIED, true);
    close(descriptor);
    read_subject(data, size);
    return 0;
}
