/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/scan.h"

#include "drivers/usb_device.h"

#include "tests/unit/unit.h"

#include "tests/unit/hid_recording.h"

static struct scan *scan;
static char output[8192];

static struct usb_found device(const char *product, const char *serial, const char *busport)
{
    struct usb_found found = { .identity = { .vendor_id = 0x051d, .product_id = 0x0002 } };

    snprintf(found.identity.product, sizeof found.identity.product, "%s", product);
    snprintf(found.identity.serial, sizeof found.identity.serial, "%s", serial);
    snprintf(found.place.busport, sizeof found.place.busport, "%s", busport);
    return found;
}

static void begin(void)
{
    scan = scan_new();
    assert_non_null(scan);
}

static const char *end(void)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    scan_write(scan, file);
    scan_free(scan);
    rewind(file);
    output[fread(output, 1, sizeof output - 1, file)] = '\0';
    fclose(file);
    return output;
}

static void test_nothing(void **state)
{
    (void)state;
    begin();
    assert_string_equal(end(), "# There is no USB UPS that this user can see.\n");
}

static void test_one(void **state)
{
    struct recording *recording = recording_read("apc-back-ups-es-850g2");
    struct usb_found found = device("Back-UPS ES 850G2 FW:938.a2 .I USB FW:a2", "", "1-1.2");

    (void)state;
    snprintf(found.identity.vendor, sizeof found.identity.vendor, "American Power Conversion");
    found.report_descriptor = recording->descriptor;
    found.report_descriptor_length = recording->descriptor_length;
    begin();
    scan_add(scan, &found);
    assert_string_equal(end(), "# American Power Conversion Back-UPS ES 850G2 FW:938.a2 .I USB "
                               "FW:a2, at port 1-1.2\n"
                               "[back-ups-es-850g2]\n"
                               "    driver = usbhid-ups\n"
                               "    port = auto\n"
                               "    vendorid = 051d\n"
                               "    productid = 0002\n");
    free(recording);
}

/* What cannot be opened is named by its ids; what is no UPS is not named. */
static void test_closed_and_foreign(void **state)
{
    static const uint8_t mouse[] = { 0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x30, 0x15, 0x00,
                                     0x25, 0x7f, 0x75, 0x08, 0x95, 0x01, 0x81, 0x02, 0xc0 };
    struct usb_found closed = device("", "", "2-1");
    struct usb_found foreign = device("Mouse", "", "2-2");
    struct usb_found unknown = device("", "", "2-3");

    (void)state;
    closed.problem = "/dev/bus/usb/002/003 may not be opened";
    foreign.report_descriptor = mouse;
    foreign.report_descriptor_length = sizeof mouse;
    unknown.identity.vendor_id = 0x1234;
    begin();
    scan_add(scan, &closed);
    scan_add(scan, &foreign);
    scan_add(scan, &unknown);
    assert_string_equal(end(), "# APC (no name), at port 2-1\n"
                               "# now: /dev/bus/usb/002/003 may not be opened\n"
                               "[apc]\n"
                               "    driver = usbhid-ups\n"
                               "    port = auto\n"
                               "    vendorid = 051d\n"
                               "    productid = 0002\n");
}

/* By serial numbers, and by ports where these tell nothing. */
static void test_a_bridge(void **state)
{
    struct usb_found bridge = device("USB to Serial", "", "1-3");

    (void)state;
    bridge.identity.vendor_id = 0x0665;
    bridge.identity.product_id = 0x5161;
    begin();
    scan_add(scan, &bridge);
    assert_string_equal(end(), "# (no maker) USB to Serial, at port 1-3\n"
                               "[usb-to-serial]\n"
                               "    driver = nutdrv_qx\n"
                               "    port = auto\n"
                               "    vendorid = 0665\n"
                               "    productid = 5161\n");
}

static void test_the_same_twice(void **state)
{
    struct usb_found found[] = {
        device("Smart-UPS", "AS01+", "1-1"),   device("Smart-UPS", "AS02", "1-2"),
        device("Smart-UPS", "0000000", "1-3"), device("Back-UPS", "AS03", "1-4"),
        device("Back-UPS", "AS03", "1-5"),
    };

    (void)state;
    begin();
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        scan_add(scan, &found[i]);
    end();
    assert_non_null(strstr(output, "[smart-ups-1]\n"));
    assert_non_null(strstr(output, "[smart-ups-3]\n"));
    assert_non_null(strstr(output, "[back-ups-2]\n"));
    /* An expression that means this, but for what has a meaning in it. */
    assert_non_null(strstr(output, "    serial = \"AS01.\"\n"));
    assert_non_null(strstr(output, "    serial = \"AS02\"\n"));
    assert_non_null(strstr(output, "    busport = \"1-3\"\n"));
    assert_non_null(strstr(output, "    busport = \"1-4\"\n"));
    assert_non_null(strstr(output, "    busport = \"1-5\"\n"));
    assert_null(strstr(output, "    serial = \"AS03\"\n"));
    assert_null(strstr(output, "    busport = \"1-1\"\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_closed_and_foreign),
        cmocka_unit_test(test_a_bridge),
        cmocka_unit_test(test_the_same_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
