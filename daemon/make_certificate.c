/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "daemon/make_certificate.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef HAVE_OPENSSL

#include "core/certificates.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define CURVE "P-256"
/* Whoever watches a UPS must not be locked out by a forgotten date. */
#define VALID_S ((time_t)3650 * 86400)
/* For clocks that are not quite right. */
#define EARLIER_S ((time_t)86400)
#define SERIAL_BITS 159
/* Upper bounds of RFC 5280 and of a host's name. */
#define COMMON_NAME_MAX 64
#define NAME_MAX_LENGTH 253
#define NAMES_SIZE 8192

struct maker {
    const struct certificate_order *order;
    EVP_PKEY *key;
    X509 *certificate;
    EVP_PKEY *authority_key; /* NULL: it signs itself */
    X509 *authority;
};

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool complain(const char *format, ...)
{
    va_list arguments;

    fputs("upsbridged: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return false;
}

static bool complain_of_openssl(const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return complain("%s: %s", what, reason == NULL ? "OpenSSL gives no reason" : reason);
}

static bool read_authority(struct maker *maker)
{
    const char *path = maker->order->sign_with;
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return complain("%s: %s", path, strerror(errno));
    maker->authority = PEM_read_X509(file, NULL, NULL, NULL);
    rewind(file);
    maker->authority_key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    if (maker->authority == NULL || maker->authority_key == NULL)
        return complain("%s must hold the certificate and the private key of an authority", path);
    if (X509_check_private_key(maker->authority, maker->authority_key) != 1)
        return complain("%s: the private key is not that of the certificate", path);
    if (X509_check_ca(maker->authority) != 1)
        return complain("%s is no authority: upsbridged --make-authority makes one", path);
    if (X509_cmp_current_time(X509_get0_notAfter(maker->authority)) <= 0)
        return complain("%s: the authority has expired", path);
    return true;
}

/* Names ------------------------------------------------------------------------------------- */

static bool is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* Nothing that OpenSSL's notation of names could take for its own. */
static bool is_host(const char *name)
{
    const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    size_t length = strlen(rest);

    return length > 0 && length <= NAME_MAX_LENGTH && *rest != '.' && *rest != '-' &&
           strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
               length;
}

static bool list_names(const struct certificate_order *order, char names[NAMES_SIZE])
{
    size_t used = 0;

    for (size_t i = 0; i < order->name_count; i++) {
        const char *name = order->names[i];
        bool address = is_address(name);

        if (!address && !is_host(name))
            return complain("'%s' is no name or address of a host", name);
        int length = snprintf(names + used, NAMES_SIZE - used, "%s%s:%s", i == 0 ? "" : ",",
                              address ? "IP" : "DNS", name);
        if (length >= (int)(NAMES_SIZE - used))
            return complain("these are too many names");
        used += (size_t)length;
    }
    return true;
}

static bool set_subject(X509 *certificate, const char *name)
{
    if (strlen(name) > COMMON_NAME_MAX)
        return complain("'%s' is too long for the first name: %d characters at most", name,
                        COMMON_NAME_MAX);
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0) == 1;
}

/* The certificate ---------------------------------------------------------------------------- */

static bool add_extension(struct maker *maker, int kind, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, maker->authority == NULL ? maker->certificate : maker->authority,
                   maker->certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool added = extension != NULL && X509_add_ext(maker->certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool add_signed_extensions(struct maker *maker)
{
    return add_extension(maker, NID_key_usage, "critical,digitalSignature") &&
           (X509_get0_subject_key_id(maker->authority) == NULL ||
            add_extension(maker, NID_authority_key_identifier, "keyid"));
}

/* One that signs itself must not say what its key is for: then it could not be its own issuer. */
static bool add_extensions(struct maker *maker, const char *names)
{
    if (maker->order->authority)
        return add_extension(maker, NID_basic_constraints, "critical,CA:TRUE") &&
               add_extension(maker, NID_key_usage, "critical,keyCertSign,cRLSign") &&
               add_extension(maker, NID_subject_key_identifier, "hash");
    return add_extension(maker, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(maker, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_extension(maker, NID_subject_key_identifier, "hash") &&
           add_extension(maker, NID_subject_alt_name, names) &&
           (maker->authority == NULL || add_signed_extensions(maker));
}

static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool set = number != NULL &&
               BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
               BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

    BN_free(number);
    return set;
}

/* None outlives the authority that signed it. */
static bool set_times(const struct maker *maker)
{
    time_t now = time(NULL);
    X509 *certificate = maker->certificate;

    if (ASN1_TIME_set(X509_getm_notBefore(certificate), now - EARLIER_S) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(certificate), now + VALID_S) == NULL)
        return false;
    if (maker->authority == NULL)
        return true;
    const ASN1_TIME *limit = X509_get0_notAfter(maker->authority);
    return ASN1_TIME_compare(limit, X509_get0_notAfter(certificate)) > 0 ||
           X509_set1_notAfter(certificate, limit) == 1;
}

static bool fill_certificate(struct maker *maker)
{
    const struct certificate_order *order = maker->order;
    X509 *certificate = X509_new();
    char names[NAMES_SIZE];

    maker->certificate = certificate;
    if (!order->authority && !list_names(order, names))
        return false;
    if (certificate == NULL || !set_subject(certificate, order->names[0]))
        return false;
    const X509 *issuer = maker->authority == NULL ? certificate : maker->authority;
    EVP_PKEY *signer = maker->authority == NULL ? maker->key : maker->authority_key;
    return (X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
            set_times(maker) &&
            X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
            X509_set_pubkey(certificate, maker->key) == 1 && add_extensions(maker, names) &&
            X509_sign(certificate, signer, EVP_sha256()) > 0) ||
           complain_of_openssl("cannot make the certificate");
}

/* The file ----------------------------------------------------------------------------------- */

static bool write_file(const struct maker *maker)
{
    const char *path = maker->order->file;
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (descriptor < 0 && errno == EEXIST)
        return complain("%s exists: it is not overwritten", path);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (file == NULL)
        return complain("%s: %s", path, strerror(errno));
    bool written = PEM_write_X509(file, maker->certificate) == 1 &&
                   PEM_write_PKCS8PrivateKey(file, maker->key, NULL, NULL, 0, NULL, NULL) == 1 &&
                   fflush(file) == 0 && fsync(descriptor) == 0;
    int error = errno;
    if (fclose(file) != 0 || !written) {
        unlink(path);
        return complain("%s: %s", path, strerror(error));
    }
    return true;
}

static void print_result(const struct maker *maker)
{
    const struct certificate_order *order = maker->order;
    struct tm broken = { 0 };
    char time_text[CERTIFICATE_TIME_SIZE];

    ASN1_TIME_to_tm(X509_get0_notAfter(maker->certificate), &broken);
    printf("%s: certificate and private key of %s", order->file, order->names[0]);
    for (size_t i = 1; i < order->name_count; i++)
        printf(" %s", order->names[i]);
    printf(", valid until %s\n", certificate_time(timegm(&broken), time_text));
}

static int make(const struct certificate_order *order)
{
    struct maker maker = { .order = order };
    bool made = order->sign_with == NULL || read_authority(&maker);

    if (made) {
        maker.key = EVP_EC_gen(CURVE);
        made = maker.key != NULL || complain_of_openssl("cannot make a key");
    }
    made = made && fill_certificate(&maker) && write_file(&maker);
    if (made)
        print_result(&maker);
    X509_free(maker.certificate);
    EVP_PKEY_free(maker.key);
    X509_free(maker.authority);
    EVP_PKEY_free(maker.authority_key);
    return made ? EXIT_SUCCESS : EXIT_FAILURE;
}

int make_certificate(const struct certificate_order *order)
{
    char host[NAME_MAX_LENGTH + 1] = "";
    char *names[] = { host };
    struct certificate_order named = *order;

    if (order->name_count == 0) {
        gethostname(host, sizeof host - 1);
        named.names = names;
        named.name_count = 1;
    }
    return make(&named);
}

#else

int make_certificate(const struct certificate_order *order)
{
    (void)order;
    fputs("upsbridged: this build makes no certificates (--without-openssl)\n", stderr);
    return EXIT_FAILURE;
}

#endif
