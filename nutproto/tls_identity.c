/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's certificate and private key: PEM as NUT's users build it, or PKCS#12.
 */
#include "nutproto/tls_loading.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <string.h>

/* A chain is a handful; whoever puts more into the file took the wrong one. */
#define CERTIFICATES_MAX 64

time_t tls_time(const ASN1_TIME *time)
{
    struct tm broken = { 0 };

    return ASN1_TIME_to_tm(time, &broken) == 1 ? timegm(&broken) : 0;
}

bool tls_subject(const X509 *certificate, char *subject, size_t size)
{
    const X509_NAME *name = X509_get_subject_name(certificate);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool fits = false;

    if (bio == NULL)
        return false;
    if (X509_NAME_entry_count(name) > 0 && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        long length = BIO_get_mem_data(bio, &text);

        fits = length > 0 && (size_t)length < size && memchr(text, '\0', (size_t)length) == NULL;
        if (fits) {
            memcpy(subject, text, (size_t)length);
            subject[length] = '\0';
        }
    }
    BIO_free(bio);
    return fits;
}

/* PEM ---------------------------------------------------------------------------------------- */

struct password {
    const char *text; /* NULL: none */
    bool asked;
};

static int give_password(char *buffer, int size, int writing, void *argument)
{
    struct password *password = argument;

    (void)writing;
    password->asked = true;
    if (password->text == NULL || strlen(password->text) >= (size_t)size)
        return -1;
    memcpy(buffer, password->text, strlen(password->text));
    return (int)strlen(password->text);
}

/* The first that belongs to the key is the server's, wherever it stands; without any, the first. */
static void choose_certificate(struct tls_identity *identity)
{
    int chosen = 0;

    for (int i = 0; i < sk_X509_num(identity->others); i++) {
        X509 *candidate = sk_X509_value(identity->others, i);

        if (identity->key != NULL && X509_check_private_key(candidate, identity->key) == 1) {
            chosen = i;
            break;
        }
    }
    ERR_clear_error();
    identity->certificate = sk_X509_delete(identity->others, chosen);
}

bool tls_certificates_read(const struct tls_loading *loading, const struct placed_word *word,
                           const struct tls_file *file, STACK_OF(X509) * certificates, int maximum)
{
    BIO *bio = BIO_new_mem_buf(file->data, (int)file->size);
    X509 *certificate;

    while (sk_X509_num(certificates) <= maximum &&
           (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(certificates, certificate) == 0)
            X509_free(certificate);
    }
    BIO_free(bio);
    bool damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
    const char *reason = tls_reason();
    if (sk_X509_num(certificates) > maximum)
        tls_error(loading, word, "%s holds more than %d certificates", file->path, maximum);
    else if (damaged)
        tls_error(loading, word, "%s: certificate %d is damaged: %s", file->path,
                  sk_X509_num(certificates) + 1, reason);
    else if (sk_X509_num(certificates) == 0)
        tls_error(loading, word, "%s holds no certificate", file->path);
    else
        return true;
    return false;
}

static void bad_key(const struct tls_loading *loading, const struct placed_word *word,
                    const struct tls_file *file, const struct password *password)
{
    bool missing =
        !password->asked && memmem(file->data, file->size, "PRIVATE KEY-----", 16) == NULL;
    const char *reason = tls_reason();

    if (missing)
        tls_error(loading, word,
                  "%s holds no private key: it must hold the certificate and its key", file->path);
    else if (password->asked && password->text == NULL)
        tls_error(loading, word,
                  "%s: the private key is encrypted: CERTIDENT \"\" \"PASSWORD\" must give its "
                  "password",
                  file->path);
    else if (password->asked)
        tls_error(loading, word, "%s: the password of CERTIDENT does not open the private key",
                  file->path);
    else
        tls_error(loading, word, "%s: the private key is damaged: %s", file->path, reason);
}

static bool read_pem(const struct tls_loading *loading, const struct placed_word *word,
                     const struct tls_file *file, struct tls_identity *identity)
{
    struct password password = { .text = loading->settings->tls.password };
    BIO *bio = BIO_new_mem_buf(file->data, (int)file->size);

    identity->key = PEM_read_bio_PrivateKey(bio, NULL, give_password, &password);
    BIO_free(bio);
    if (identity->key == NULL)
        bad_key(loading, word, file, &password);
    ERR_clear_error();
    identity->others = sk_X509_new_null();
    if (identity->others == NULL ||
        !tls_certificates_read(loading, word, file, identity->others, CERTIFICATES_MAX))
        return false;
    choose_certificate(identity);
    return identity->key != NULL;
}

/* PKCS#12 ------------------------------------------------------------------------------------ */

/* Which of the two ways there are to have no password was taken is not to be known beforehand. */
static const char *password_of(PKCS12 *bundle, const char *given, bool *right)
{
    *right = PKCS12_mac_present(bundle) == 0 || PKCS12_verify_mac(bundle, given, -1) == 1;
    if (!*right && (given == NULL || *given == '\0')) {
        given = given == NULL ? "" : NULL;
        *right = PKCS12_verify_mac(bundle, given, -1) == 1;
    }
    return given;
}

static bool read_pkcs12(const struct tls_loading *loading, const struct placed_word *word,
                        const struct tls_file *file, struct tls_identity *identity)
{
    const unsigned char *data = file->data;
    PKCS12 *bundle = d2i_PKCS12(NULL, &data, (long)file->size);
    bool right = false;

    if (bundle == NULL) {
        tls_error(loading, word, "%s is neither PEM nor PKCS#12", file->path);
        return false;
    }
    const char *password = password_of(bundle, loading->settings->tls.password, &right);
    bool read = right && PKCS12_parse(bundle, password, &identity->key, &identity->certificate,
                                      &identity->others) == 1;
    bool outdated = ERR_GET_REASON(ERR_peek_error()) == ERR_R_UNSUPPORTED;
    PKCS12_free(bundle);
    const char *reason = tls_reason();
    if (read && identity->key != NULL && identity->certificate != NULL)
        return true;
    if (read)
        tls_error(loading, word, "%s holds no private key with its certificate", file->path);
    else if (outdated)
        tls_error(loading, word,
                  "%s is encrypted by an outdated method: convert it with openssl pkcs12 -legacy",
                  file->path);
    else if (!right)
        tls_error(loading, word, "%s: the password of CERTIDENT does not open it", file->path);
    else
        tls_error(loading, word, "%s: cannot read PKCS#12: %s", file->path, reason);
    return false;
}

/* What both have in common ------------------------------------------------------------------- */

bool tls_identity_read(const struct tls_loading *loading, const char *path,
                       struct tls_identity *identity)
{
    const struct placed_word *word = &loading->settings->tls.certificate_file;
    struct tls_file file;

    if (!tls_file_read(loading, word, path, &file))
        return false;
    bool kept = tls_check_mode(loading, word, path, file.mode);
    bool read = tls_file_is_pem(&file) ? read_pem(loading, word, &file, identity)
                                       : read_pkcs12(loading, word, &file, identity);
    tls_file_free(&file);
    return read && kept;
}

/* As upsd built with OpenSSL: a host or address it is valid for, its common name or subject; and
 * the name that PKCS#12 gives it. */
static bool has_name(X509 *certificate, const char *wanted)
{
    char text[1024];
    int length = 0;
    const unsigned char *alias = X509_alias_get0(certificate, &length);

    if (X509_check_host(certificate, wanted, 0, 0, NULL) == 1 ||
        X509_check_ip_asc(certificate, wanted, 0) == 1)
        return true;
    if (alias != NULL && (size_t)length == strlen(wanted) &&
        memcmp(alias, wanted, (size_t)length) == 0)
        return true;
    if (tls_subject(certificate, text, sizeof text) && strcmp(text, wanted) == 0)
        return true;
    X509_NAME *name = X509_get_subject_name(certificate);
    if (X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof text) > 0 &&
        strcmp(text, wanted) == 0)
        return true;
    return X509_NAME_oneline(name, text, sizeof text) != NULL && strcmp(text, wanted) == 0;
}

bool tls_identity_check(const struct tls_loading *loading, const struct placed_word *word,
                        const char *path, struct tls_identity *identity)
{
    const struct placed_word *name = &loading->settings->tls.identity;
    char subject[1024] = "";
    bool right = true;

    tls_subject(identity->certificate, subject, sizeof subject);
    if (X509_check_private_key(identity->certificate, identity->key) != 1) {
        tls_error(loading, word, "%s: the private key is not that of the certificate of %s", path,
                  subject);
        right = false;
    }
    /* In a database it is how the certificate was found. */
    if (word == &loading->settings->tls.certificate_file && name->text != NULL &&
        name->text[0] != '\0' && !has_name(identity->certificate, name->text)) {
        tls_error(loading, name, "%s: the certificate of %s has no name '%s'", path, subject,
                  name->text);
        right = false;
    }
    if (X509_check_purpose(identity->certificate, X509_PURPOSE_SSL_SERVER, 0) != 1)
        tls_warning(loading, word, "%s: the certificate of %s is not made for TLS servers", path,
                    subject);
    ERR_clear_error();
    return right;
}

static X509 *issuer_of(const STACK_OF(X509) * others, X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(others); i++) {
        if (X509_check_issued(sk_X509_value(others, i), certificate) == X509_V_OK)
            return sk_X509_value(others, i);
    }
    return NULL;
}

STACK_OF(X509) * tls_identity_chain(const struct tls_identity *identity)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *last = identity->certificate;

    if (chain == NULL)
        return NULL;
    /* The bound ends a circle of issuers. */
    for (int i = 0; i < sk_X509_num(identity->others); i++) {
        X509 *issuer = issuer_of(identity->others, last);

        if (issuer == NULL || X509_check_issued(issuer, issuer) == X509_V_OK)
            break;
        if (sk_X509_push(chain, issuer) == 0)
            break;
        last = issuer;
    }
    return chain;
}

void tls_identity_clear(struct tls_identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    sk_X509_pop_free(identity->others, X509_free);
    *identity = (struct tls_identity){ 0 };
}
