/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "core/settings.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ONE_UPS "[u]\ndriver = d\nport = p\n"

static char directory[] = "/tmp/test_settings.XXXXXX";
static char complaints[4096];
static struct config_report report;

/* Collected without the directory: "E ups.conf:3: ...". */
static void collect(void *context, bool is_error, const char *text)
{
    size_t used = strlen(complaints);

    (void)context;
    assert_memory_equal(text, directory, strlen(directory));
    text += strlen(directory);
    text += *text == '/';
    snprintf(complaints + used, sizeof complaints - used, "%c %s\n", is_error ? 'E' : 'W', text);
}

static void put_file(const char *name, const char *text)
{
    char path[64];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    unlink(path);
    if (text == NULL)
        return;
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, strlen(text), stream), strlen(text));
    assert_int_equal(fclose(stream), 0);
}

/* NULL: no such file. */
static struct settings *load(const char *ups, const char *upsd, const char *upsbridge)
{
    put_file("ups.conf", ups);
    put_file("upsd.conf", upsd);
    put_file("upsbridge.conf", upsbridge);
    complaints[0] = '\0';
    report = (struct config_report){ .sink = collect };
    return settings_load(directory, &report);
}

static struct settings *load_well(const char *ups, const char *upsd, const char *upsbridge)
{
    struct settings *settings = load(ups, upsd, upsbridge);

    assert_string_equal(complaints, "");
    assert_non_null(settings);
    return settings;
}

static int make_directory(void **state)
{
    (void)state;
    unsetenv("ALLOW_NO_DEVICE");
    unsetenv("ALLOW_NOT_ALL_LISTENERS");
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    (void)state;
    put_file("ups.conf", NULL);
    put_file("upsd.conf", NULL);
    put_file("upsbridge.conf", NULL);
    return rmdir(directory);
}

static void test_defaults(void **state)
{
    struct settings *settings = load_well(ONE_UPS, "", NULL);

    (void)state;
    assert_string_equal(settings->directory, directory);
    assert_int_equal(settings->device_count, 1);
    const struct device_settings *device = &settings->devices[0];
    assert_string_equal(device->name, "u");
    assert_string_equal(device->driver, "d");
    assert_string_equal(device->port, "p");
    assert_null(device->description);
    assert_string_equal(device->file, settings->ups_conf);
    assert_int_equal(device->line, 1);
    assert_int_equal(device->poll_interval, 2);
    assert_int_equal(device->max_start_delay, 75);
    assert_int_equal(device->shutdown_order, 0);
    assert_false(device->ignore_low_battery);
    assert_null(settings->user);
    assert_null(settings->chroot);
    assert_int_equal(settings->maximum_age, 15);
    assert_int_equal(settings->tracking_delay, 3600);
    assert_int_equal(settings->maximum_connections, 0);
    assert_int_equal(settings->debug_minimum, -1);
    assert_string_equal(settings->state_path, STATE_PATH);
    assert_false(settings->allow_no_device);
    assert_false(settings->allow_not_all_listeners);
    assert_false(settings->listeners_given);
    assert_int_equal(settings->listener_count, 2);
    assert_string_equal(settings->listeners[0].address, "127.0.0.1");
    assert_string_equal(settings->listeners[1].address, "::1");
    assert_string_equal(settings->listeners[1].port, "3493");
    assert_int_equal(settings->snmp_mode, SNMP_AGENTX);
    assert_int_equal(settings->agentx_master_count, 0);
    assert_null(settings->snmp_default);
    assert_null(settings->snmp_description);
    assert_null(settings->snmp_object_id);
    assert_false(settings->snmp_serve_index);
    assert_false(settings->snmp_write);
    settings_free(settings);
}

/* In the manner of Debian's /etc/nut, with what its comments propose. */
static void test_debian_style(void **state)
{
    struct settings *settings = load_well("# Network UPS Tools: example ups.conf\n"
                                          "#\n"
                                          "maxretry = 3\n"
                                          "pollinterval = 1\n"
                                          "user = nut\n"
                                          "\n"
                                          "[eaton]\n"
                                          "\tdriver = usbhid-ups\n"
                                          "\tport = auto\n"
                                          "\tdesc = \"Server room\"\n"
                                          "\toffdelay = 60\n"
                                          "[powerware]\n"
                                          "\tdriver = bcmxcp\n"
                                          "\tport = /dev/ttyS0\n"
                                          "\tpollinterval = 5\n",
                                          "MAXAGE 25\n"
                                          "STATEPATH /run/nut\n"
                                          "LISTEN 127.0.0.1 3493\n"
                                          "LISTEN ::1 3493\n"
                                          "MAXCONN 1024\n",
                                          "SNMP agentx tcp:localhost:705\n"
                                          "SNMP default powerware\n"
                                          "SNMP sysdescr \"a rack of UPSes\"\n"
                                          "SNMP sysobjectid .1.3.6.1.4.1.4294967295\n"
                                          "SNMP serve-index yes\nSNMP write yes\n");

    (void)state;
    assert_int_equal(settings->device_count, 2);
    assert_string_equal(settings->devices[0].name, "eaton");
    assert_string_equal(settings->devices[0].description, "Server room");
    assert_string_equal(device_option(&settings->devices[0], "offdelay"), "60");
    assert_int_equal(settings->devices[0].poll_interval, 1);
    assert_int_equal(settings->devices[1].poll_interval, 5);
    assert_string_equal(settings->user, "nut");
    assert_int_equal(settings->maximum_age, 25);
    assert_int_equal(settings->maximum_connections, 1024);
    assert_string_equal(settings->state_path, "/run/nut");
    assert_true(settings->listeners_given);
    assert_int_equal(settings->listener_count, 2);
    assert_int_equal(settings->agentx_master_count, 1);
    assert_string_equal(settings->agentx_masters[0], "tcp:localhost:705");
    assert_string_equal(settings->snmp_default, "powerware");
    assert_string_equal(settings->snmp_description, "a rack of UPSes");
    assert_string_equal(settings->snmp_object_id, "1.3.6.1.4.1.4294967295");
    assert_true(settings->snmp_serve_index);
    assert_true(settings->snmp_write);
    settings_free(settings);
}

static void test_every_form_of_a_line(void **state)
{
    struct settings *settings = load_well("user=nut\n"
                                          "maxstartdelay = 9\n"
                                          "[a]\n"
                                          "driver=\"d\"\n"
                                          "\"port\" = p # the port\n"
                                          "ignorelb\n"
                                          "sdorder = -1\n"
                                          "override.battery.packs = 3\n"
                                          "default.battery.voltage.high=54.5\n"
                                          "desc = \"a \\\"good\\\" \\#1 \\\\ UPS\"\n"
                                          "key = first\n"
                                          "key = la\\\n"
                                          "st\n"
                                          "[b]\n"
                                          "driver = d\n"
                                          "port = \"/dev/tty\n"
                                          "USB0\"\n"
                                          "desc = \"\"\n"
                                          "[a]\n"
                                          "maxstartdelay = 0\n"
                                          "flag\n",
                                          "MAXAGE \"20\"\nDebug_Min 2\n", "snmp OFF\n");

    (void)state;
    assert_string_equal(settings->user, "nut");
    assert_int_equal(settings->device_count, 2);
    const struct device_settings *a = &settings->devices[0];
    assert_string_equal(a->driver, "d");
    assert_string_equal(a->port, "p");
    assert_true(a->ignore_low_battery);
    assert_int_equal(a->shutdown_order, -1);
    assert_string_equal(a->description, "a \"good\" #1 \\ UPS");
    assert_string_equal(device_option(a, "override.battery.packs"), "3");
    assert_string_equal(device_option(a, "default.battery.voltage.high"), "54.5");
    assert_string_equal(device_option(a, "key"), "last");
    assert_null(device_option(a, "Key"));
    assert_int_equal(device_option_find(a, "key")->line, 12);
    assert_null(device_option(a, "flag"));
    assert_non_null(device_option_find(a, "flag"));
    assert_null(device_option_find(a, "absent"));
    assert_int_equal(a->max_start_delay, 0);
    assert_int_equal(a->line, 3);
    const struct device_settings *b = &settings->devices[1];
    assert_string_equal(b->port, "/dev/ttyUSB0");
    assert_string_equal(b->description, "");
    assert_int_equal(b->max_start_delay, 9);
    assert_int_equal(settings->maximum_age, 20);
    assert_int_equal(settings->debug_minimum, 2);
    assert_int_equal(settings->snmp_mode, SNMP_OFF);
    settings_free(settings);
}

static void test_listeners(void **state)
{
    struct settings *settings = load_well(ONE_UPS, "LISTEN *\nLISTEN ups.example.org 4000\n",
                                          "SNMP listen udp:127.0.0.1:161\n"
                                          "SNMP listen udp6:[::1]:161\n");

    (void)state;
    assert_int_equal(settings->listener_count, 2);
    assert_string_equal(settings->listeners[0].address, "*");
    assert_string_equal(settings->listeners[0].port, "3493");
    assert_string_equal(settings->listeners[1].address, "ups.example.org");
    assert_string_equal(settings->listeners[1].port, "4000");
    assert_int_equal(settings->listeners[1].line, 2);
    assert_int_equal(settings->snmp_mode, SNMP_LISTEN);
    assert_int_equal(settings->snmp_listener_count, 2);
    assert_string_equal(settings->snmp_listeners[1], "udp6:[::1]:161");
    settings_free(settings);
}

struct bad {
    const char *ups, *upsd, *upsbridge, *wanted;
};

/* NULL: none is expected; place: "FILE:LINE". */
static void assert_word(const struct placed_word *word, const char *text, const char *directive,
                        const char *place)
{
    char found[64];

    if (text == NULL) {
        assert_null(word->text);
        return;
    }
    assert_string_equal(word->text, text);
    assert_string_equal(word->directive, directive);
    snprintf(found, sizeof found, "%s:%u", word->file, word->line);
    assert_string_equal(found, place);
}

static void test_tls(void **state)
{
    struct settings *settings = load_well(
        ONE_UPS,
        "CERTFILE old.pem\nCERTFILE /etc/nut/upsd.pem\nCERTPATH /etc/nut/certs\n"
        "CERTIDENT \"My nut server\" \"pass word\"\nCERTREQUEST REQUIRE\nDISABLE_WEAK_SSL on\n",
        "TLS_MIN_PROTOCOL 1.3\nTLS_CIPHERS A:B\nTLS_CRL crl.pem\n");
    const struct tls_settings *tls = &settings->tls;

    (void)state;
    assert_word(&tls->certificate_file, "/etc/nut/upsd.pem", "CERTFILE", "upsd.conf:2");
    assert_word(&tls->authorities, "/etc/nut/certs", "CERTPATH", "upsd.conf:3");
    assert_word(&tls->identity, "My nut server", "CERTIDENT", "upsd.conf:4");
    assert_string_equal(tls->password, "pass word");
    assert_word(&tls->request_word, "REQUIRE", "CERTREQUEST", "upsd.conf:5");
    assert_int_equal(tls->request, CERTIFICATE_REQUEST_VERIFIED);
    assert_true(tls->only_tls_1_3);
    assert_word(&tls->minimum_protocol, "1.3", "TLS_MIN_PROTOCOL", "upsbridge.conf:1");
    assert_word(&tls->ciphers, "A:B", "TLS_CIPHERS", "upsbridge.conf:2");
    assert_word(&tls->revocations, "crl.pem", "TLS_CRL", "upsbridge.conf:3");
    assert_ptr_equal(settings_tls_word(tls), &tls->certificate_file);
    settings_free(settings);
}

static void test_levels_of_requests(void **state)
{
    static const struct {
        const char *line;
        enum certificate_request request;
    } cases[] = {
        { "CERTREQUEST 0\n", CERTIFICATE_REQUEST_NO },
        { "CERTREQUEST no\n", CERTIFICATE_REQUEST_NO },
        { "CERTREQUEST 1\n", CERTIFICATE_REQUEST_ANY },
        { "CERTREQUEST Request\n", CERTIFICATE_REQUEST_ANY },
        { "CERTREQUEST 2\n", CERTIFICATE_REQUEST_VERIFIED },
        { "CERTREQUEST REQUIRE\n", CERTIFICATE_REQUEST_VERIFIED },
        { "CERTREQUEST REQUIRE\nCERTREQUEST NO\n", CERTIFICATE_REQUEST_NO },
        { "", CERTIFICATE_REQUEST_NO },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings *settings = load_well(ONE_UPS, cases[i].line, "TLS_MIN_PROTOCOL 1.2\n");

        assert_int_equal(settings->tls.request, cases[i].request);
        assert_int_equal(settings_tls_word(&settings->tls) != NULL,
                         cases[i].request != CERTIFICATE_REQUEST_NO);
        assert_false(settings->tls.only_tls_1_3);
        settings_free(settings);
    }
}

static const struct bad bad_files[] = {
    { NULL, "", NULL, "E ups.conf: cannot read: No such file or directory\n" },
    { ONE_UPS, NULL, NULL, "E upsd.conf: cannot read: No such file or directory\n" },
    { "", "", NULL,
      "E : at least one UPS must be defined in ups.conf (or ALLOW_NO_DEVICE true in upsd.conf)\n" },
    { "[a]\ndesc = \"b # c\"\n" ONE_UPS, "", NULL,
      "E ups.conf:2: '#' inside quotes must be written '\\#'\n"
      "W ups.conf:1: ignoring incomplete configuration for UPS [a]: no driver\n" },
    { ONE_UPS "desc = \"open\n", "", NULL, "E ups.conf:4: a quote is never closed\n" },
    { ONE_UPS "pollinterval = 0\n", "", NULL,
      "E ups.conf:4: pollinterval must be a whole number from 1 to 86400, not '0'\n" },
    { ONE_UPS "pollinterval\n", "", NULL,
      "E ups.conf:4: pollinterval must be a whole number from 1 to 86400, not ''\n" },
    { ONE_UPS "pollinterval = soon\nmaxstartdelay = -1\n", "", NULL,
      "E ups.conf:4: pollinterval must be a whole number from 1 to 86400, not 'soon'\n"
      "E ups.conf:5: maxstartdelay must be a whole number from 0 to 86400, not '-1'\n" },
    { "pollinterval = 1.5\nmaxstartdelay =\n" ONE_UPS, "", NULL,
      "E ups.conf:1: pollinterval must be a whole number from 1 to 86400, not '1.5'\n"
      "E ups.conf:2: maxstartdelay must be a whole number from 0 to 86400, not ''\n" },
    { ONE_UPS "sdorder = -2\n", "", NULL,
      "E ups.conf:4: sdorder must be a whole number, -1 or more, not '-2'\n" },
    { ONE_UPS "sdorder = 1st\n", "", NULL,
      "E ups.conf:4: sdorder must be a whole number, -1 or more, not '1st'\n" },
    { ONE_UPS "sdorder\n", "", NULL,
      "E ups.conf:4: sdorder must be a whole number, -1 or more, not ''\n" },
    { "user\nchroot =\n" ONE_UPS, "", NULL,
      "E ups.conf:1: user needs a value\nE ups.conf:2: chroot needs a value\n" },
    { "[UPS]\ndriver = d\nport = p\n[ups]\ndriver = d\nport = p\n", "", NULL,
      "E ups.conf:4: UPS name [ups] is already in use, as [UPS] in line 1\n" },
    { "[]\ndriver = d\nport = p\n", "", NULL, "E ups.conf:1: [] is no name for a UPS\n" },
    { ONE_UPS "[my ups]\ndriver = e\n", "", NULL,
      "E ups.conf:4: '[my' does not end in ']': a name with blanks must be written \"[name]\"\n" },
    { ONE_UPS, "MAXAGE\n", NULL,
      "E upsd.conf:1: MAXAGE must be a whole number from 1 to 86400, not ''\n" },
    { ONE_UPS, "\nMAXAGE abc\nMAXAGE 0\n", NULL,
      "E upsd.conf:2: MAXAGE must be a whole number from 1 to 86400, not 'abc'\n"
      "E upsd.conf:3: MAXAGE must be a whole number from 1 to 86400, not '0'\n" },
    { ONE_UPS, "MAXAGE = 15\n", NULL,
      "E upsd.conf:1: MAXAGE must be a whole number from 1 to 86400, not '='\n" },
    { ONE_UPS, "TRACKINGDELAY 1h\nMAXCONN 0\nDEBUG_MIN 10\n", NULL,
      "E upsd.conf:1: TRACKINGDELAY must be a whole number from 1 to 31536000, not '1h'\n"
      "E upsd.conf:2: MAXCONN must be a whole number from 1 to 1000000, not '0'\n"
      "E upsd.conf:3: DEBUG_MIN must be a whole number from 0 to 9, not '10'\n" },
    { ONE_UPS, "STATEPATH\nALLOW_NO_DEVICE perhaps\nALLOW_NOT_ALL_LISTENERS\n", NULL,
      "E upsd.conf:1: STATEPATH needs a value\n"
      "E upsd.conf:2: ALLOW_NO_DEVICE must be true or false, not 'perhaps'\n"
      "E upsd.conf:3: ALLOW_NOT_ALL_LISTENERS must be true or false, not ''\n" },
    { ONE_UPS, "LISTEN\nLISTEN 127.0.0.1 0\nLISTEN ::1 nut\nLISTEN ::1 65536\n", NULL,
      "E upsd.conf:1: LISTEN needs an address\n"
      "E upsd.conf:2: LISTEN: '0' is not a port\n"
      "E upsd.conf:3: LISTEN: 'nut' is not a port\n"
      "E upsd.conf:4: LISTEN: '65536' is not a port\n" },
    { ONE_UPS, "CERTFILE\nCERTFILE \"\"\nCERTPATH a b\n", NULL,
      "E upsd.conf:1: CERTFILE needs a value\n"
      "E upsd.conf:2: CERTFILE needs a value\n"
      "E upsd.conf:3: CERTPATH: 'b' is too much\n" },
    { ONE_UPS, "CERTIDENT\nCERTIDENT a\nCERTIDENT a b c\n", NULL,
      "E upsd.conf:1: CERTIDENT needs a name and a password, each of which may be \"\"\n"
      "E upsd.conf:2: CERTIDENT needs a name and a password, each of which may be \"\"\n"
      "E upsd.conf:3: CERTIDENT needs a name and a password, each of which may be \"\"\n" },
    { ONE_UPS, "CERTREQUEST\nCERTREQUEST 3\nDISABLE_WEAK_SSL maybe\n", NULL,
      "E upsd.conf:1: CERTREQUEST must be NO, REQUEST or REQUIRE (0, 1 or 2), not ''\n"
      "E upsd.conf:2: CERTREQUEST must be NO, REQUEST or REQUIRE (0, 1 or 2), not '3'\n"
      "E upsd.conf:3: DISABLE_WEAK_SSL must be true or false, not 'maybe'\n" },
    { ONE_UPS, "", "TLS_MIN_PROTOCOL 1.1\nTLS_CIPHERS\nTLS_CRL a b\n",
      "E upsbridge.conf:1: TLS_MIN_PROTOCOL must be 1.2 or 1.3, not '1.1'\n"
      "E upsbridge.conf:2: TLS_CIPHERS needs a value\n"
      "E upsbridge.conf:3: TLS_CRL: 'b' is too much\n" },
    { ONE_UPS, "", "MODE netserver\n", "E upsbridge.conf:1: unknown directive 'MODE'\n" },
    { ONE_UPS, "", "SNMP\n",
      "E upsbridge.conf:1: SNMP must be followed by 'agentx [ADDRESS]', 'listen udp:HOST:PORT', "
      "'default NAME', 'sysdescr TEXT', 'sysobjectid OID', 'serve-index yes', "
      "'write yes' or 'off'\n" },
    { ONE_UPS, "", "SNMP listen\n",
      "E upsbridge.conf:1: SNMP must be followed by 'agentx [ADDRESS]', 'listen udp:HOST:PORT', "
      "'default NAME', 'sysdescr TEXT', 'sysobjectid OID', 'serve-index yes', "
      "'write yes' or 'off'\n" },
    { ONE_UPS, "CERTFILE c\n", "REQUIRE_TLS\n",
      "E upsbridge.conf:1: REQUIRE_TLS must be no, logins or all, not ''\n" },
    { ONE_UPS, "CERTFILE c\n", "REQUIRE_TLS yes\n",
      "E upsbridge.conf:1: REQUIRE_TLS must be no, logins or all, not 'yes'\n" },
    { ONE_UPS, "CERTFILE c\n", "REQUIRE_TLS all 127.0.0.1 3493 now\n",
      "E upsbridge.conf:1: REQUIRE_TLS: 'now' is too much\n" },
    { ONE_UPS, "LISTEN ::1\n", "REQUIRE_TLS no\nREQUIRE_TLS logins\n",
      "E upsbridge.conf:2: REQUIRE_TLS needs a certificate: see CERTFILE in upsd.conf\n" },
    { ONE_UPS, "CERTFILE c\nLISTEN ::1\n", "REQUIRE_TLS all ::1 3494\n",
      "E upsbridge.conf:1: REQUIRE_TLS: no LISTEN has the address ::1 and the port 3494\n" },
    { ONE_UPS, "CERTFILE c\nLISTEN ::1\n", "REQUIRE_TLS all localhost\n",
      "E upsbridge.conf:1: REQUIRE_TLS: no LISTEN has the address localhost\n" },
    { ONE_UPS, "", "SNMP sysdescr \"\"\n",
      "E upsbridge.conf:1: SNMP sysdescr: it must have 1 to 255 characters\n" },
    { ONE_UPS, "", "SNMP sysobjectid 1.3.x\nSNMP sysobjectid 1.3.\nSNMP sysobjectid 1\n",
      "E upsbridge.conf:1: SNMP sysobjectid: '1.3.x' is no object identifier in numbers\n"
      "E upsbridge.conf:2: SNMP sysobjectid: '1.3.' is no object identifier in numbers\n"
      "E upsbridge.conf:3: SNMP sysobjectid: '1' is no object identifier in numbers\n" },
    { ONE_UPS, "",
      "SNMP sysobjectid 3.1\nSNMP sysobjectid 1.40\nSNMP sysobjectid 1.3.4294967296\n"
      "SNMP sysobjectid 1..3\n",
      "E upsbridge.conf:1: SNMP sysobjectid: '3.1' is no object identifier in numbers\n"
      "E upsbridge.conf:2: SNMP sysobjectid: '1.40' is no object identifier in numbers\n"
      "E upsbridge.conf:3: SNMP sysobjectid: '1.3.4294967296' is no object identifier in numbers\n"
      "E upsbridge.conf:4: SNMP sysobjectid: '1..3' is no object identifier in numbers\n" },
    { ONE_UPS, "", "SNMP serve-index often\n",
      "E upsbridge.conf:1: SNMP serve-index: 'often' is neither yes nor no\n" },
    { ONE_UPS, "", "ACCESS\nACCESS allow\nACCESS everybody ::1\n",
      "E upsbridge.conf:1: ACCESS must be followed by 'allow' or 'deny', and by addresses or "
      "networks "
      "such as 192.0.2.0/24\n"
      "E upsbridge.conf:2: ACCESS must be followed by 'allow' or 'deny', and by addresses or "
      "networks "
      "such as 192.0.2.0/24\n"
      "E upsbridge.conf:3: ACCESS must be followed by 'allow' or 'deny', and by addresses or "
      "networks "
      "such as 192.0.2.0/24\n" },
    { ONE_UPS, "", "ACCESS allow ::1 192.0.2.1/24 x\nACCESS deny 192.0.2.0/x ::/200\n",
      "E upsbridge.conf:1: ACCESS: '192.0.2.1/24' has bits set behind the network's own\n"
      "E upsbridge.conf:1: ACCESS: 'x' is no IP address\n"
      "E upsbridge.conf:2: ACCESS: '192.0.2.0/x' needs a number from 0 to 32 behind the '/'\n"
      "E upsbridge.conf:2: ACCESS: '::/200' needs a number from 0 to 128 behind the '/'\n"
      "W upsbridge.conf: ACCESS lets no client of this host itself in: say ACCESS allow "
      "127.0.0.0/8 "
      "::1\n" },
    { ONE_UPS, "",
      "ACCESS deny 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 "
      "1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 "
      "1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1\n",
      "E upsbridge.conf:1: ACCESS: not more than 29 addresses fit in a line\n" },
    { ONE_UPS, "", "MAXCONN_ADDRESS\nMAXCONN_ADDRESS 0\nMAXCONN_ADDRESS 1 2\n",
      "E upsbridge.conf:1: MAXCONN_ADDRESS must be a whole number from 1 to 1000000\n"
      "E upsbridge.conf:2: MAXCONN_ADDRESS must be a whole number from 1 to 1000000\n"
      "E upsbridge.conf:3: MAXCONN_ADDRESS must be a whole number from 1 to 1000000\n" },
    { ONE_UPS, "", "WRAPPERS perhaps\n",
      "E upsbridge.conf:1: WRAPPERS must be yes or no, not 'perhaps'\n" },
    { ONE_UPS, "", "SNMP write perhaps\n",
      "E upsbridge.conf:1: SNMP write: 'perhaps' is neither yes nor no\n" },
    { ONE_UPS, "", "SNMP default a b\n", "E upsbridge.conf:1: SNMP default: 'b' is too much\n" },
    { ONE_UPS, "", "SNMP default nobody\n",
      "E upsbridge.conf:1: SNMP default nobody: there is no such UPS in ups.conf\n" },
    { ONE_UPS, "", "SNMP listen tcp:127.0.0.1:161\n",
      "E upsbridge.conf:1: SNMP listen: 'tcp:127.0.0.1:161' is not udp:HOST:PORT or "
      "udp6:[HOST]:PORT\n" },
    { ONE_UPS, "", "SNMP listen udp:\n",
      "E upsbridge.conf:1: SNMP listen: 'udp:' is not udp:HOST:PORT or udp6:[HOST]:PORT\n" },
    { ONE_UPS, "", "SNMP listen udp6:[::1]:65536\n",
      "E upsbridge.conf:1: SNMP listen: 'udp6:[::1]:65536' is not udp:HOST:PORT or "
      "udp6:[HOST]:PORT\n" },
    { ONE_UPS, "", "SNMP agentx x\nSNMP listen udp:161\n",
      "E upsbridge.conf:2: SNMP agentx and SNMP listen exclude each other\n" },
    { ONE_UPS, "", "SNMP agentx x\nSNMP agentx y\nSNMP agentx x\n",
      "E upsbridge.conf:3: SNMP agentx x is there twice\n" },
    { ONE_UPS, "", "SNMP listen udp:161\nSNMP agentx\n",
      "E upsbridge.conf:2: SNMP agentx and SNMP listen exclude each other\n" },
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof bad_files[0]; i++) {
        const struct bad *bad = &bad_files[i];

        assert_null(load(bad->ups, bad->upsd, bad->upsbridge));
        assert_string_equal(complaints, bad->wanted);
        assert_true(report.errors > 0);
    }
}

static const struct bad doubtful_files[] = {
    { ONE_UPS "[x]\ndriver = d\n[y]\nport = p\n[z]\ndriver\nport =\n", "", NULL,
      "W ups.conf:4: ignoring incomplete configuration for UPS [x]: no port\n"
      "W ups.conf:6: ignoring incomplete configuration for UPS [y]: no driver\n"
      "W ups.conf:8: ignoring incomplete configuration for UPS [z]: no driver\n" },
    { ONE_UPS "desc = My own UPS\n", "", NULL,
      "W ups.conf:4: only 'My' counts as the value of desc: put a value with blanks in quotes\n" },
    { ONE_UPS "desc My\n", "", NULL,
      "W ups.conf:4: 'desc' is taken as a flag: what follows is not '= value'\n" },
    { "colour = blue\n" ONE_UPS, "", NULL,
      "W ups.conf:1: unknown global setting 'colour' has no effect\n" },
    { "\"[my ups]\"\ndriver = d\nport = p\n", "", NULL,
      "W ups.conf:1: [my ups]: most clients cannot ask for a UPS of this name\n" },
    { "[ups@home]\ndriver = d\nport = p\n", "", NULL,
      "W ups.conf:1: [ups@home]: most clients cannot ask for a UPS of this name\n" },
    { ONE_UPS, "DISABLE_WEAK_SSL false\n", NULL,
      "W upsd.conf:1: DISABLE_WEAK_SSL false has no effect: TLS before 1.2 is never spoken\n" },
    { ONE_UPS, "maxage 20\n", NULL, "W upsd.conf:1: unknown directive 'maxage' has no effect\n" },
    { ONE_UPS, "CERTFILE /etc/nut/upsd.pem\nACL all 0.0.0.0/0\n", NULL,
      "W upsd.conf:2: ACL is obsolete and has no effect: use LISTEN and a firewall\n" },
};

static void test_doubtful_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof doubtful_files / sizeof doubtful_files[0]; i++) {
        const struct bad *bad = &doubtful_files[i];
        struct settings *settings = load(bad->ups, bad->upsd, bad->upsbridge);

        assert_string_equal(complaints, bad->wanted);
        assert_non_null(settings);
        assert_int_equal(settings->device_count, 1);
        assert_int_equal(report.errors, 0);
        settings_free(settings);
    }
}

static void test_long_names(void **state)
{
    char text[1024];
    char name[300];

    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(text, sizeof text, "[%.127s]\ndriver = d\nport = p\n", name);
    settings_free(load_well(text, "", NULL));
    snprintf(text, sizeof text, ONE_UPS "[%.128s]\ndriver = d\nport = p\n", name);
    assert_null(load(text, "", NULL));
    assert_string_equal(complaints,
                        "E ups.conf:4: the name of a UPS is longer than 127 characters\n");
}

static void test_no_device(void **state)
{
    (void)state;
    settings_free(load_well("", "ALLOW_NO_DEVICE yes\n", NULL));
    /* The environment wins, either way. */
    setenv("ALLOW_NO_DEVICE", "true", 1);
    settings_free(load_well("", "ALLOW_NO_DEVICE no\n", NULL));
    setenv("ALLOW_NO_DEVICE", "0", 1);
    assert_null(load("", "ALLOW_NO_DEVICE yes\n", NULL));
    unsetenv("ALLOW_NO_DEVICE");
}

static void test_too_many_listeners(void **state)
{
    char text[4096] = "";

    (void)state;
    for (int i = 0; i < LISTENERS_MAX; i++)
        strcat(text, "LISTEN 127.0.0.1\n");
    settings_free(load_well(ONE_UPS, text, NULL));
    strcat(text, "LISTEN 127.0.0.1\n");
    assert_null(load(ONE_UPS, text, NULL));
    assert_string_equal(complaints, "E upsd.conf:65: LISTEN: more than 64 addresses\n");
}

static void test_too_many_devices(void **state)
{
    size_t size = (DEVICES_MAX + 1) * 64;
    char *text = malloc(size);
    size_t used = 0;
    size_t last = 0;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i <= DEVICES_MAX; i++) {
        last = used;
        used += (size_t)snprintf(text + used, size - used, "[u%d]\ndriver = d\nport = p\n", i);
    }
    assert_null(load(text, "", NULL));
    assert_string_equal(complaints, "E ups.conf:12289: more than 4096 UPSes\n");
    text[last] = '\0';
    struct settings *settings = load_well(text, "", NULL);
    assert_int_equal(settings->device_count, DEVICES_MAX);
    settings_free(settings);
    free(text);
}

/* What makes a reload restart a device, and what does not. */
static void test_equal_sections(void **state)
{
    static const struct {
        const char *text;
        bool equal;
    } cases[] = {
        { ONE_UPS "key = value\nflag\n", true },
        { "# moved\n\n[u]\n driver=d\n port=\"p\"\n key=value\nflag\n", true },
        { "pollinterval = 2\n" ONE_UPS "key = value\nflag\n", true },
        { ONE_UPS "desc = new\nkey = value\nflag\n", true },
        { "[u]\ndesc = a\ndriver = d\nport = p\nkey = value\nflag\ndesc = b\n", true },
        { ONE_UPS "key = Value\nflag\n", false },
        { ONE_UPS "key\nflag\n", false },
        { ONE_UPS "key = value\nflag = 1\n", false },
        { ONE_UPS "key = value\n", false },
        { ONE_UPS "key = value\nflag\nmore\n", false },
        { "pollinterval = 3\n" ONE_UPS "key = value\nflag\n", false },
        { "maxstartdelay = 3\n" ONE_UPS "key = value\nflag\n", false },
    };
    struct settings *first = load_well(ONE_UPS "key = value\nflag\n", "", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings *second = load_well(cases[i].text, "", NULL);

        assert_int_equal(device_settings_equal(&first->devices[0], &second->devices[0]),
                         cases[i].equal);
        assert_int_equal(device_settings_equal(&second->devices[0], &first->devices[0]),
                         cases[i].equal);
        settings_free(second);
    }
    settings_free(first);
}

static void test_tls_requirements(void **state)
{
    (void)state;
    struct settings *settings = load_well(ONE_UPS, "", "REQUIRE_TLS no\n");
    assert_int_equal(settings_tls_requirement(settings, "::1", "3493"), TLS_OPTIONAL);
    settings_free(settings);
    settings = load_well(ONE_UPS,
                         "CERTFILE c\nLISTEN localhost\nLISTEN 192.0.2.1 1000\n"
                         "LISTEN 192.0.2.1 2000\nLISTEN 192.0.2.2\n",
                         "REQUIRE_TLS ALL 192.0.2.1 2000\nREQUIRE_TLS all\nREQUIRE_TLS Logins\n"
                         "REQUIRE_TLS all 192.0.2.1\nREQUIRE_TLS no LocalHost\n"
                         "REQUIRE_TLS no 192.0.2.1\n");
    assert_int_equal(settings_tls_requirement(settings, "localhost", "3493"), TLS_OPTIONAL);
    assert_int_equal(settings_tls_requirement(settings, "192.0.2.1", "1000"), TLS_OPTIONAL);
    assert_int_equal(settings_tls_requirement(settings, "192.0.2.1", "2000"), TLS_FOR_ALL);
    assert_int_equal(settings_tls_requirement(settings, "192.0.2.2", "3493"), TLS_FOR_LOGINS);
    /* A socket that no LISTEN speaks of: handed over, or of a LISTEN from before a reload. */
    assert_int_equal(settings_tls_requirement(settings, "192.0.2.9", "3493"), TLS_FOR_ALL);
    assert_int_equal(settings_tls_requirement(settings, "192.0.2.1", "3493"), TLS_FOR_ALL);
    settings_free(settings);
    settings = load_well(ONE_UPS, "CERTFILE c\nLISTEN localhost\n",
                         "REQUIRE_TLS no\nREQUIRE_TLS logins localhost\n");
    assert_int_equal(settings_tls_requirement(settings, "127.0.0.1", "3493"), TLS_FOR_LOGINS);
    settings_free(settings);
}

static void test_access(void **state)
{
    struct settings *settings = load_well(ONE_UPS, "",
                                          "ACCESS deny 192.0.2.66\n"
                                          "access ALLOW 192.0.2.0/24 127.0.0.0/8\n"
                                          "MAXCONN_ADDRESS 7\nWRAPPERS no\n");

    (void)state;
    assert_int_equal(settings->access_count, 3);
    assert_false(settings->access[0].allow);
    assert_int_equal(settings->access[0].network.length, 32);
    assert_true(settings->access[2].allow);
    assert_int_equal(settings->access[2].network.length, 8);
    assert_int_equal(settings->maximum_address_connections, 7);
    assert_false(settings->wrappers);
    settings_free(settings);
    settings = load_well(ONE_UPS, "", "ACCESS deny ::/0\n");
#ifdef HAVE_LIBWRAP
    assert_true(settings->wrappers);
#endif
    settings_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_debian_style),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_every_form_of_a_line),
        cmocka_unit_test(test_listeners),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_levels_of_requests),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_doubtful_files),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_no_device),
        cmocka_unit_test(test_too_many_listeners),
        cmocka_unit_test(test_too_many_devices),
        cmocka_unit_test(test_equal_sections),
        cmocka_unit_test(test_tls_requirements),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
