/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a database of NSS and hands what is in it to OpenSSL. NSS is in use during the call alone.
 */
#include "nutproto/tls_loading.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>

#include <cert.h>
#include <certdb.h>
#include <keyhi.h>
#include <nss.h>
#include <pk11pub.h>
#include <prerror.h>
#include <secasn1.h>
#include <secerr.h>

/* The key is encrypted on its way from library to library only because NSS gives it no other way.
 */
#define PASSAGE_ROUNDS 1

/* The database while it is open. */
struct database {
    const struct tls_loading *loading;
    const struct placed_word *word;
    const char *path;
    NSSInitContext *nss;
    char *password;
};

static const char *nss_reason(void)
{
    /* In a jail; what NSS itself says does not lead there. */
    if (access("/dev/urandom", R_OK) != 0)
        return "NSS needs /dev/urandom, which is not there";
    const char *reason = PR_ErrorToString(PR_GetError(), PR_LANGUAGE_I_DEFAULT);

    return reason == NULL || *reason == '\0' ? "NSS gives no reason" : reason;
}

static char *give_password(PK11SlotInfo *slot, PRBool again, void *argument)
{
    const struct database *database = argument;

    (void)slot;
    return again || database->password == NULL ? NULL : PORT_Strdup(database->password);
}

static bool open_database(struct database *database)
{
    char directory[PATH_MAX + 8];

    snprintf(directory, sizeof directory, "%s:%s", tls_nss_kind(database->path), database->path);
    database->nss = NSS_InitContext(directory, "", "", SECMOD_DB, NULL,
                                    NSS_INIT_READONLY | NSS_INIT_NOROOTINIT);
    if (database->nss == NULL) {
        tls_error(database->loading, database->word, "cannot open the NSS database %s: %s",
                  database->path, nss_reason());
        return false;
    }
    PK11_SetPasswordFunc(give_password);
    return true;
}

static void close_database(struct database *database)
{
    if (database->nss == NULL)
        return;
    PK11_SetPasswordFunc(NULL);
    if (NSS_ShutdownContext(database->nss) != SECSuccess)
        tls_warning(database->loading, database->word, "%s: NSS did not close it: %s",
                    database->path, nss_reason());
}

static bool unlock(struct database *database)
{
    PK11SlotInfo *slot = PK11_GetInternalKeySlot();
    bool open = slot != NULL && PK11_Authenticate(slot, PR_TRUE, database) == SECSuccess;

    if (slot != NULL)
        PK11_FreeSlot(slot);
    if (!open)
        tls_error(database->loading, database->word,
                  "the password of CERTIDENT does not open the NSS database %s", database->path);
    return open;
}

static X509 *take_certificate(const SECItem *item)
{
    const unsigned char *data = item->data;

    return d2i_X509(NULL, &data, (long)item->len);
}

/* Out of NSS encrypted by a password for the occasion, as PKCS#8. */
static EVP_PKEY *take_key(SECKEYPrivateKey *key, struct database *database)
{
    unsigned char passage[32];
    SECItem password = { siBuffer, passage, sizeof passage };
    EVP_PKEY *taken = NULL;

    if (RAND_bytes(passage, sizeof passage) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof passage; i++)
        passage[i] = (unsigned char)('a' + passage[i] % 26);
    SECKEYEncryptedPrivateKeyInfo *info = PK11_ExportEncryptedPrivKeyInfo(
        NULL, SEC_OID_AES_256_CBC, &password, key, PASSAGE_ROUNDS, database);
    if (info == NULL)
        return NULL;
    SECItem *encoded =
        SEC_ASN1EncodeItem(NULL, NULL, info, SEC_ASN1_GET(SECKEY_EncryptedPrivateKeyInfoTemplate));
    SECKEY_DestroyEncryptedPrivateKeyInfo(info, PR_TRUE);
    if (encoded == NULL)
        return NULL;
    const unsigned char *data = encoded->data;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &data, (long)encoded->len);
    PKCS8_PRIV_KEY_INFO *open =
        sealed == NULL ? NULL : PKCS8_decrypt(sealed, (char *)passage, sizeof passage);
    if (open != NULL)
        taken = EVP_PKCS82PKEY(open);
    PKCS8_PRIV_KEY_INFO_free(open);
    X509_SIG_free(sealed);
    SECITEM_ZfreeItem(encoded, PR_TRUE);
    OPENSSL_cleanse(passage, sizeof passage);
    return taken;
}

static STACK_OF(X509) * take_issuers(CERTCertificate *certificate)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    CERTCertificateList *chain = CERT_CertChainFromCert(certificate, certUsageSSLServer, PR_TRUE);

    for (int i = 1; others != NULL && chain != NULL && i < chain->len; i++) {
        X509 *issuer = take_certificate(&chain->certs[i]);

        if (issuer != NULL && sk_X509_push(others, issuer) == 0)
            X509_free(issuer);
    }
    if (chain != NULL)
        CERT_DestroyCertificateList(chain);
    return others;
}

static bool take_identity(struct database *database, struct tls_identity *identity)
{
    const struct tls_loading *loading = database->loading;
    const char *name = loading->settings->tls.identity.text;
    CERTCertificate *certificate = PK11_FindCertFromNickname(name, database);

    if (certificate == NULL) {
        tls_error(loading, &loading->settings->tls.identity,
                  "the NSS database %s holds no certificate named '%s'", database->path, name);
        return false;
    }
    SECKEYPrivateKey *key = PK11_FindKeyByAnyCert(certificate, database);
    if (key == NULL) {
        tls_error(loading, &loading->settings->tls.identity,
                  "the NSS database %s holds no private key for the certificate '%s'",
                  database->path, name);
    } else {
        identity->key = take_key(key, database);
        if (identity->key == NULL)
            tls_error(loading, database->word,
                      "the NSS database %s does not give the private key of '%s' away: %s",
                      database->path, name, nss_reason());
        SECKEY_DestroyPrivateKey(key);
    }
    identity->certificate = take_certificate(&certificate->derCert);
    identity->others = take_issuers(certificate);
    CERT_DestroyCertificate(certificate);
    ERR_clear_error();
    return identity->key != NULL && identity->certificate != NULL;
}

/* Marked as trusted for clients: an authority, or that one certificate. */
static bool is_trusted(CERTCertificate *certificate)
{
    CERTCertTrust trust;
    unsigned peer = CERTDB_TERMINAL_RECORD | CERTDB_TRUSTED;

    return CERT_GetCertTrust(certificate, &trust) == SECSuccess &&
           ((trust.sslFlags & CERTDB_TRUSTED_CLIENT_CA) != 0 || (trust.sslFlags & peer) == peer);
}

static bool take_authorities(struct database *database, X509_STORE *store)
{
    CERTCertList *list = PK11_ListCerts(PK11CertListAll, database);
    size_t count = 0;

    for (CERTCertListNode *node = list == NULL ? NULL : CERT_LIST_HEAD(list);
         node != NULL && !CERT_LIST_END(node, list); node = CERT_LIST_NEXT(node)) {
        X509 *authority = is_trusted(node->cert) ? take_certificate(&node->cert->derCert) : NULL;

        if (authority != NULL) {
            X509_STORE_add_cert(store, authority);
            count++;
        }
        X509_free(authority);
    }
    if (list != NULL)
        CERT_DestroyCertList(list);
    ERR_clear_error();
    if (count == 0)
        tls_error(database->loading, database->word,
                  "the NSS database %s holds no authority that is trusted for clients: certutil -M "
                  "-d '%s:%s' -n NAME -t 'T,,'",
                  database->path, tls_nss_kind(database->path), database->path);
    return count > 0;
}

/* As NSS does: where there is a list, it counts; where there is none, nothing was revoked. */
static void take_revocations(struct database *database, X509_STORE *store)
{
    CERTCrlHeadNode *head = NULL;

    if (SEC_LookupCrls(CERT_GetDefaultCertDB(), &head, SEC_CRL_TYPE) != SECSuccess || head == NULL)
        return;
    for (CERTCrlNode *node = head->first; node != NULL; node = node->next) {
        const unsigned char *data = node->crl->derCrl->data;
        X509_CRL *list = d2i_X509_CRL(NULL, &data, (long)node->crl->derCrl->len);

        if (list == NULL)
            continue;
        tls_revocations_check(database->loading, database->word, database->path, list);
        X509_STORE_add_crl(store, list);
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
        X509_CRL_free(list);
    }
    PORT_FreeArena(head->arena, PR_FALSE);
    ERR_clear_error();
}

/* A library that is loaded stays so, and is found by its path again where there is none. */
static int keep_module(struct dl_phdr_info *library, size_t size, void *argument)
{
    const char *name = library->dlpi_name;

    (void)size;
    (void)argument;
    if (strstr(name, "libsoftokn") != NULL || strstr(name, "libfreebl") != NULL ||
        strstr(name, "libnssdbm") != NULL)
        dlopen(name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    return 0;
}

void tls_nss_prepare(void)
{
    NSSInitContext *nss = NSS_InitContext("", "", "", "", NULL,
                                          NSS_INIT_READONLY | NSS_INIT_NOCERTDB | NSS_INIT_NOMODDB |
                                              NSS_INIT_FORCEOPEN | NSS_INIT_NOROOTINIT);

    if (nss == NULL)
        return;
    dl_iterate_phdr(keep_module, NULL);
    NSS_ShutdownContext(nss);
}

bool tls_nss_read(const struct tls_loading *loading, const char *path,
                  struct tls_identity *identity, X509_STORE *store)
{
    struct database database = { .loading = loading,
                                 .word = &loading->settings->tls.authorities,
                                 .path = path,
                                 .password = loading->settings->tls.password };
    bool read = open_database(&database);

    if (read && identity != NULL)
        read = unlock(&database) && take_identity(&database, identity);
    if (read && store != NULL) {
        read = take_authorities(&database, store);
        if (read)
            take_revocations(&database, store);
    }
    close_database(&database);
    return read;
}
