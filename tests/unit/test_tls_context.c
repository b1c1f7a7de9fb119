/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts from files as --make-certificate makes them, and whom a handshake lets in under which
 * name. What is wrong with files is in tests/peers/test_certificates.py.
 */
#include <config.h>

#include "nutproto/tls_context.h"

#include "daemon/make_certificate.h"
#include "tests/unit/unit.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CLIENT_NAME "backup.example.org"

static char directory[] = "/tmp/test_tls_context.XXXXXX";
static char upsd_conf[] = "upsd.conf";

static char *path_of(const char *name)
{
    static char path[4][64];
    static unsigned turn;

    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", directory, name);
    return path[turn];
}

static void make(const char *file, const char *authority, bool is_authority, char *name)
{
    char *names[] = { name };

    assert_int_equal(make_certificate(&(struct certificate_order){
                         .file = path_of(file),
                         .authority = is_authority,
                         .sign_with = authority == NULL ? NULL : path_of(authority),
                         .names = names,
                         .name_count = 1 }),
                     EXIT_SUCCESS);
}

static int make_files(void **state)
{
    char authority[] = "UPS authority", server[] = "localhost", client[] = CLIENT_NAME;

    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    make("authority.pem", NULL, true, authority);
    make("server.pem", "authority.pem", false, server);
    make("client.pem", "authority.pem", false, client);
    make("stranger.pem", NULL, false, client);
    return 0;
}

static int remove_files(void **state)
{
    static const char *const names[] = { "authority.pem", "server.pem", "client.pem",
                                         "stranger.pem" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_of(names[i]));
    return rmdir(directory);
}

static struct placed_word word(const char *directive, char *text)
{
    return (
        struct placed_word){ .text = text, .directive = directive, .file = upsd_conf, .line = 1 };
}

static struct tls_context *load(enum certificate_request request)
{
    char server[] = "server.pem", authority[] = "authority.pem", level[] = "x";
    struct settings settings = { .directory = directory,
                                 .tls = { .certificate_file = word("CERTFILE", server),
                                          .authorities = word("CERTPATH", authority),
                                          .request_word = word("CERTREQUEST", level),
                                          .request = request } };
    struct config_report report = { 0 };
    struct tls_context *context;

    assert_true(tls_context_load(&settings, &report, &context));
    assert_int_equal(report.warnings, 0);
    assert_non_null(context);
    return context;
}

static void test_nothing_configured(void **state)
{
    struct settings settings = { .directory = directory };
    struct config_report report = { 0 };
    struct tls_context *context = (struct tls_context *)state;

    assert_true(tls_context_load(&settings, &report, &context));
    assert_null(context);
    tls_context_free(context);
}

static void test_what_is_known_of_it(void **state)
{
    struct tls_context *context = load(CERTIFICATE_REQUEST_NO);
    const struct certificates *list = tls_context_certificates(context);

    (void)state;
    assert_int_equal(list->count, 1);
    assert_string_equal(list->items[0].name, "server");
    assert_string_equal(list->items[0].subject, "CN=localhost");
    assert_string_equal(list->items[0].file, path_of("server.pem"));
    assert_int_equal(tls_context_expiry(context), list->items[0].not_after);
    assert_in_range(certificate_days(&list->items[0], time(NULL)), 3640, 3650);
    tls_context_free(context);
}

/* Sessions keep what they need of a context that is gone. */
static void test_sessions_outlive_it(void **state)
{
    struct tls_context *context = load(CERTIFICATE_REQUEST_NO);
    SSL *ssl = SSL_new(tls_context_ssl(context));

    (void)state;
    tls_context_free(context);
    assert_non_null(ssl);
    assert_non_null(SSL_get_certificate(ssl));
    SSL_free(ssl);
}

/* Who comes through, and as whom ------------------------------------------------------------- */

struct handshake {
    SSL_CTX *client_context;
    SSL *client, *server;
};

static void begin(struct handshake *handshake, const struct tls_context *context, const char *file,
                  int version)
{
    BIO *client_end, *server_end;

    handshake->client_context = SSL_CTX_new(TLS_client_method());
    assert_non_null(handshake->client_context);
    SSL_CTX_set_min_proto_version(handshake->client_context, version);
    SSL_CTX_set_max_proto_version(handshake->client_context, version);
    if (file != NULL) {
        assert_int_equal(SSL_CTX_use_certificate_file(handshake->client_context, path_of(file),
                                                      SSL_FILETYPE_PEM),
                         1);
        assert_int_equal(
            SSL_CTX_use_PrivateKey_file(handshake->client_context, path_of(file), SSL_FILETYPE_PEM),
            1);
    }
    handshake->client = SSL_new(handshake->client_context);
    handshake->server = SSL_new(tls_context_ssl(context));
    assert_int_equal(BIO_new_bio_pair(&client_end, 0, &server_end, 0), 1);
    SSL_set_bio(handshake->client, client_end, client_end);
    SSL_set_bio(handshake->server, server_end, server_end);
    SSL_set_connect_state(handshake->client);
    SSL_set_accept_state(handshake->server);
}

static void end(struct handshake *handshake)
{
    SSL_free(handshake->client);
    SSL_free(handshake->server);
    SSL_CTX_free(handshake->client_context);
    ERR_clear_error();
}

static bool goes_on(SSL *ssl)
{
    ERR_clear_error();
    int result = SSL_do_handshake(ssl);
    int kind = SSL_get_error(ssl, result);

    return result == 1 || kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE;
}

/* As the server sees it, which has the last word. */
static bool shake(struct handshake *handshake)
{
    for (int i = 0; i < 20; i++) {
        goes_on(handshake->client);
        if (!goes_on(handshake->server))
            return false;
        if (SSL_is_init_finished(handshake->server))
            return true;
    }
    return false;
}

static const struct visit {
    enum certificate_request request;
    const char *file; /* the client's; NULL: none */
    bool let_in;
    const char *subject; /* NULL: none verified */
} visits[] = {
    { CERTIFICATE_REQUEST_NO, NULL, true, NULL },
    { CERTIFICATE_REQUEST_NO, "client.pem", true, NULL },
    { CERTIFICATE_REQUEST_ANY, NULL, false, NULL },
    { CERTIFICATE_REQUEST_ANY, "client.pem", true, "CN=" CLIENT_NAME },
    { CERTIFICATE_REQUEST_ANY, "stranger.pem", true, NULL },
    { CERTIFICATE_REQUEST_VERIFIED, NULL, false, NULL },
    { CERTIFICATE_REQUEST_VERIFIED, "client.pem", true, "CN=" CLIENT_NAME },
    { CERTIFICATE_REQUEST_VERIFIED, "stranger.pem", false, NULL },
};

static void test_who_is_who(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    (void)state;
    for (size_t i = 0; i < sizeof visits / sizeof visits[0] * 2; i++) {
        const struct visit *visit = &visits[i / 2];
        struct tls_context *context = load(visit->request);
        char subject[TLS_SUBJECT_SIZE] = "none";
        struct handshake handshake;

        begin(&handshake, context, visit->file, versions[i % 2]);
        tls_context_free(context);
        assert_int_equal(shake(&handshake), visit->let_in);
        if (visit->let_in) {
            bool known = tls_peer_subject(handshake.server, subject, sizeof subject);

            assert_int_equal(known, visit->subject != NULL);
            assert_string_equal(subject, known ? visit->subject : "none");
        }
        end(&handshake);
    }
}

static void test_a_subject_is_never_cut(void **state)
{
    struct tls_context *context = load(CERTIFICATE_REQUEST_VERIFIED);
    char subject[sizeof "CN=" CLIENT_NAME] = "none";
    struct handshake handshake;

    (void)state;
    begin(&handshake, context, "client.pem", TLS1_3_VERSION);
    tls_context_free(context);
    assert_true(shake(&handshake));
    assert_false(tls_peer_subject(handshake.server, subject, sizeof subject - 1));
    assert_string_equal(subject, "none");
    assert_true(tls_peer_subject(handshake.server, subject, sizeof subject));
    assert_string_equal(subject, "CN=" CLIENT_NAME);
    end(&handshake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_configured),     cmocka_unit_test(test_what_is_known_of_it),
        cmocka_unit_test(test_sessions_outlive_it),    cmocka_unit_test(test_who_is_who),
        cmocka_unit_test(test_a_subject_is_never_cut),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
