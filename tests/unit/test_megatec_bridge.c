/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/megatec/bridge.h"
#include "drivers/megatec/transport.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define REPORTS_MAX 16

/* The bridge's side: what it was sent, and what it sends. */
static struct {
    char sent[400]; /* "TYPE REPORT bytes;" each */
    uint8_t inputs[REPORTS_MAX][64];
    size_t lengths[REPORTS_MAX];
    size_t count, next;
    const char *strings[16];
    unsigned asked, broken; /* raw strings: so often; so many times not whole */
    enum hid_result result;
} bridge;

static int begin(void **state)
{
    (void)state;
    memset(&bridge, 0, sizeof bridge);
    return 0;
}

static enum hid_result set_report(void *state, enum hid_report_type type, uint8_t report,
                                  const uint8_t *bytes, size_t length)
{
    size_t used = strlen(bridge.sent);

    (void)state;
    used += (size_t)snprintf(bridge.sent + used, sizeof bridge.sent - used, "%u %u", (unsigned)type,
                             report);
    for (size_t i = 0; i < length; i++)
        used += (size_t)snprintf(bridge.sent + used, sizeof bridge.sent - used, " %02x", bytes[i]);
    snprintf(bridge.sent + used, sizeof bridge.sent - used, ";");
    return bridge.result;
}

static ssize_t read_input(void *state, int timeout_ms, uint8_t *bytes, size_t size)
{
    (void)state;
    (void)timeout_ms;
    if (bridge.result != HID_OK)
        return bridge.result;
    if (bridge.next == bridge.count)
        return 0;
    size_t length = bridge.lengths[bridge.next];
    assert_true(length <= size);
    memcpy(bytes, bridge.inputs[bridge.next++], length);
    return (ssize_t)length;
}

static enum hid_result get_string(void *state, uint8_t index, char *out, size_t size)
{
    (void)state;
    assert_true(index < 16);
    snprintf(out, size, "%s", bridge.strings[index] == NULL ? "" : bridge.strings[index]);
    return bridge.result;
}

/* As UTF-16 with its head, in so many bytes as are asked for. */
static ssize_t get_raw_string(void *state, uint8_t index, uint8_t *bytes, size_t size)
{
    const char *text = index < 16 && bridge.strings[index] != NULL ? bridge.strings[index] : "";
    size_t length = strlen(text);

    (void)state;
    assert_int_equal(size, 102);
    bridge.asked++;
    if (bridge.result != HID_OK)
        return bridge.result;
    bytes[0] = (uint8_t)(2 + 2 * length);
    bytes[1] = 3;
    for (size_t i = 0; i < length; i++) {
        bytes[2 + 2 * i] = (uint8_t)text[i];
        bytes[3 + 2 * i] = 0;
    }
    /* At first it is not whole. */
    return (ssize_t)(2 + 2 * length) - (bridge.asked <= bridge.broken ? 2 : 0);
}

static enum hid_result send_output(void *state, const uint8_t *bytes, size_t length)
{
    return set_report(state, 0, 0, bytes, length);
}

static const struct hid_transport usb = { .get_raw_string = get_raw_string,
                                          .send_output = send_output,
                                          .set_report = set_report,
                                          .read_input = read_input,
                                          .get_string = get_string };

static void give(const char *bytes, size_t length)
{
    memcpy(bridge.inputs[bridge.count], bytes, length);
    bridge.lengths[bridge.count++] = length;
}

static void expect_bytes(const char *framing, const char *query, const char *answer, size_t length)
{
    char line[128];
    ssize_t got =
        megatec_bridge_exchange(megatec_framing_find(framing), &usb, query, line, sizeof line, 100);

    assert_int_equal(got, length);
    assert_memory_equal(line, answer, length);
}

static void expect(const char *framing, const char *query, const char *answer)
{
    expect_bytes(framing, query, answer, strlen(answer));
}

static void test_reports_as_they_are(void **state)
{
    (void)state;
    give("(230.0 2", 8);
    give("30.0\r\0\0\0", 8);
    expect("cypress", "Q1", "(230.0 230.0");
    assert_string_equal(bridge.sent, "2 0 51 31 0d 00 00 00 00 00;");
}

static void test_a_long_order_in_chunks(void **state)
{
    (void)state;
    give("(ACK\r\0\0\0", 8);
    expect("phoenix", "S.5R0003", "(ACK");
    assert_string_equal(bridge.sent, "2 0 53 2e 35 52 30 30 30 33;2 0 0d 00 00 00 00 00 00 00;");
}

static void test_ippon(void **state)
{
    char answer[64] = "(230.0 230.0 00000001\r";

    (void)state;
    give(answer, sizeof answer);
    expect("ippon", "Q1", "(230.0 230.0 00000001");
    assert_string_equal(bridge.sent, "0 2 51 31 0d 00 00 00 00 00;");
}

static void test_counts_before_the_bytes(void **state)
{
    (void)state;
    give("\x07(230.0 ", 8);
    give("\x03"
         "01\rxyz",
         7);
    expect("sgs", "Q1", "(230.0 01");
    assert_string_equal(bridge.sent, "2 0 03 51 31 0d 00 00 00 00;");
}

/* Short reports, and noise behind what counts. */
static void test_armac(void **state)
{
    (void)state;
    give("\xa2(2###", 6);
    give("\xa1"
         "3####",
         6);
    give("\xa5"
         "0\0001\r#",
         6);
    expect_bytes("armac", "S.5R", "(230\0001", 6);
    assert_string_equal(bridge.sent, "2 0 a3 53 2e 35;2 0 a2 52 0d 00;");
}

static void test_strings(void **state)
{
    (void)state;
    bridge.strings[3] = "(226.0 000.0 227.0 029 49.9 27.1 29.0 00001000";
    expect("fabula", "Q1", bridge.strings[3]);
    expect("krauler", "Q1", bridge.strings[3]);
    /* An order that has no number must not be taken for one that was carried out. */
    expect("krauler", "S.5R0003", "NAK");
    expect("fabula", "T", "NAK");
    assert_string_equal(bridge.sent, "");
}

static void test_raw_strings(void **state)
{
    char line[128];

    (void)state;
    bridge.strings[3] = "(226.0 000.0 227.0 029 49.9 27.1 29.0 00001000\r";
    bridge.strings[13] = "x220.0 000 024.0 50.0\r";
    expect("hunnox", "Q1", "(226.0 000.0 227.0 029 49.9 27.1 29.0 00001000");
    expect("snr", "Q1", "(226.0 000.0 227.0 029 49.9 27.1 29.0 00001000");
    expect("snr", "F", "#220.0 000 024.0 50.0");
    expect("snr", "C", "NAK");
    expect("hunnox", "S.5R0003", "NAK");
    bridge.asked = 0;
    bridge.broken = 3;
    expect("snr", "F", "#220.0 000 024.0 50.0");
    assert_int_equal(bridge.asked, 4);
    /* It never comes whole, says no, or is gone. */
    bridge.asked = 0;
    bridge.broken = 100;
    assert_int_equal(
        megatec_bridge_exchange(megatec_framing_find("snr"), &usb, "F", line, sizeof line, 10),
        MEGATEC_LINE_SILENT);
    assert_int_equal(bridge.asked, 10);
    bridge.broken = 0;
    bridge.strings[13] = "UPS No Ack\r";
    assert_int_equal(
        megatec_bridge_exchange(megatec_framing_find("hunnox"), &usb, "F", line, sizeof line, 10),
        MEGATEC_LINE_SILENT);
    bridge.result = HID_BROKEN;
    assert_int_equal(
        megatec_bridge_exchange(megatec_framing_find("snr"), &usb, "F", line, sizeof line, 10),
        MEGATEC_LINE_GONE);
}

static void test_fuji(void **state)
{
    char line[64];

    (void)state;
    give("(230.0 2", 8);
    give("30.0\r\0\0\0", 8);
    expect("fuji", "Q1", "(230.0 230.0");
    assert_string_equal(bridge.sent, "0 0 80 06 03 03 51 31 00 2f;");
    bridge.sent[0] = '\0';
    /* A shutdown goes without the delay of its return; one without a return does not go at all. */
    assert_int_equal(megatec_bridge_exchange(megatec_framing_find("fuji"), &usb, "S.5R0003", line,
                                             sizeof line, 10),
                     MEGATEC_LINE_SILENT);
    assert_string_equal(bridge.sent, "0 0 80 06 04 03 53 2e 35 00;");
    expect("fuji", "S.5R0000", "NAK");
    expect("fuji", "TL99", "NAK");
}

static void test_what_does_not_come(void **state)
{
    const struct megatec_framing *cypress = megatec_framing_find("cypress");
    char line[16];

    (void)state;
    assert_int_equal(megatec_bridge_exchange(cypress, &usb, "Q1", line, sizeof line, 10),
                     MEGATEC_LINE_SILENT);
    give("(230.0 2", 8);
    assert_int_equal(megatec_bridge_exchange(cypress, &usb, "Q1", line, sizeof line, 10),
                     MEGATEC_LINE_OVERFLOW);
    for (unsigned i = 0; i < 3; i++)
        give("xxxxxxxx", 8);
    assert_int_equal(megatec_bridge_exchange(cypress, &usb, "Q1", line, sizeof line, 1000),
                     MEGATEC_LINE_OVERFLOW);
    assert_true(megatec_bridge_forget(cypress, &usb, false));
    assert_int_equal(bridge.next, bridge.count);
    bridge.result = HID_BROKEN;
    assert_int_equal(megatec_bridge_exchange(cypress, &usb, "Q1", line, sizeof line, 10),
                     MEGATEC_LINE_GONE);
    assert_false(megatec_bridge_forget(cypress, &usb, true));
    assert_int_equal(
        megatec_bridge_exchange(megatec_framing_find("fabula"), &usb, "Q1", line, sizeof line, 10),
        MEGATEC_LINE_GONE);
}

static void test_which_bridge_it_is(void **state)
{
    struct hid_identity cypress = { .vendor_id = 0x0665, .product_id = 0x5161 };
    struct hid_identity mec = { .vendor_id = 1, .product_id = 0, .product = "MEC0003" };
    struct hid_identity fuji = { .vendor_id = 1, .product_id = 0, .product = "ATCL FOR UPS" };
    struct hid_identity other = { .vendor_id = 1, .product_id = 0, .product = "Mouse" };

    (void)state;
    assert_ptr_equal(megatec_framing_of(&cypress), megatec_framing_find("Cypress"));
    assert_ptr_equal(megatec_framing_of(&mec), megatec_framing_find("fabula"));
    assert_ptr_equal(megatec_framing_of(&fuji), megatec_framing_find("fuji"));
    assert_null(megatec_framing_of(&other));
    assert_null(megatec_framing_find("serial"));
}

#define BRIDGE_TEST(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BRIDGE_TEST(test_reports_as_they_are),
        BRIDGE_TEST(test_a_long_order_in_chunks),
        BRIDGE_TEST(test_ippon),
        BRIDGE_TEST(test_counts_before_the_bytes),
        BRIDGE_TEST(test_armac),
        BRIDGE_TEST(test_strings),
        BRIDGE_TEST(test_raw_strings),
        BRIDGE_TEST(test_fuji),
        BRIDGE_TEST(test_what_does_not_come),
        BRIDGE_TEST(test_which_bridge_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
