/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of makers of whom there is no recording, on descriptors made of their rows' paths. */
#include "drivers/usbhid/device.h"

#include "drivers/usbhid/families.h"

#include "tests/unit/unit.h"

#include "tests/unit/hid_fake.h"

#define VOLT 0x00f0d121
#define HERTZ 0x0000f001
#define AMPERE 0x00100001
#define SECOND 0x00001001

static struct fake_hid fake;
static struct update latest;

/* Making descriptors ------------------------------------------------------------------------- */

static void put(uint8_t byte)
{
    assert_true(fake.recording->descriptor_length < HID_DESCRIPTOR_MAX);
    fake.recording->descriptor[fake.recording->descriptor_length++] = byte;
}

static void put_long(uint8_t item, uint32_t value)
{
    put(item);
    for (int i = 0; i < 4; i++)
        put((uint8_t)(value >> 8 * i));
}

static void put_short(uint8_t item, uint8_t value)
{
    put(item);
    put(value);
}

static void begin(uint16_t vendor, uint16_t product, const char *name)
{
    memset(&fake, 0, sizeof fake);
    fake.recording = calloc(1, sizeof *fake.recording);
    assert_non_null(fake.recording);
    fake.identity.vendor_id = vendor;
    fake.identity.product_id = product;
    snprintf(fake.identity.product, sizeof fake.identity.product, "%s", name);
    fake.options = (struct hid_options){ .off_delay = UINT_MAX, .on_delay = UINT_MAX };
    fake.transport = (struct hid_transport){
        .state = &fake, .get_report = fake_get, .set_report = fake_set, .get_string = fake_string
    };
    fake_now = 1000;
}

/* A field with a report of its own; its value is the report's bytes in hexadecimal. */
static void field(const struct family *family, const char *text, uint8_t report, uint8_t bits,
                  uint32_t unit, int exponent, const char *value)
{
    struct hid_path path;
    uint8_t open = 0;
    char hex[64];

    assert_true(hid_path_parse(&path, text, family->usages));
    for (uint8_t i = 0; i + 1 < path.length; i++, open++) {
        bool has_instance = path.usages[i + 1] >> 16 == HID_INSTANCE(0) >> 16;

        put_long(0x0b, path.usages[i]);
        put_short(0xa1, i == 0 ? 1 : 0);
        if (has_instance) {
            fake.recording->descriptor[fake.recording->descriptor_length - 1] =
                (uint8_t)(0x80 + (path.usages[i + 1] & 0x7f));
            i++;
        }
    }
    put_short(0x85, report);
    put_short(0x15, 0);
    put_long(0x27, bits < 31 ? (1U << bits) - 1 : INT32_MAX);
    put_short(0x75, bits);
    put_short(0x95, 1);
    put_short(0x55, (uint8_t)(exponent & 0x0f));
    put_long(0x67, unit);
    put_long(0x0b, path.usages[path.length - 1]);
    put_short(0xb1, 2);
    while (open-- > 0)
        put(0xc0);
    snprintf(hex, sizeof hex, "%02x %s", report, value);
    fake_report(&fake, HID_FEATURE, hex);
}

static void value(const char *hex)
{
    fake_report(&fake, HID_FEATURE, hex);
}

static void start(const struct family *family)
{
    fake_open(&fake);
    assert_ptr_equal(fake.device->family, family);
}

/* The value of a variable after a full poll. "": it is not told. */
static const char *shown(const char *variable)
{
    update_clear(&latest);
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &latest), HID_OK);
    const char *text = told(&latest, variable);
    return text == NULL ? "" : text;
}

static enum ups_outcome command(const char *name, const char *parameter)
{
    struct update update = { 0 };
    enum ups_outcome outcome = hid_device_command(fake.device, name, parameter, &update);

    update_clear(&update);
    return outcome;
}

static void end(void)
{
    update_clear(&latest);
    fake_stop(&fake);
}

/* Makers ------------------------------------------------------------------------------------- */

static void test_belkin(void **state)
{
    const struct family *family = &family_belkin;

    (void)state;
    begin(0x050d, 0x0751, "Belkin UPS");
    field(family, "UPS.BELKINStatus.BELKINPowerStatus", 1, 16, 0, 0, "00 00");
    field(family, "UPS.BELKINStatus.BELKINBatteryStatus", 2, 8, 0, 0, "10");
    field(family, "UPS.BELKINBatterySystem.BELKINCharge", 3, 8, 0, 0, "64");
    field(family, "UPS.BELKINPowerState.BELKINInput.BELKINVoltage", 4, 16, 0, 0, "fb 08");
    field(family, "UPS.BELKINDevice.BELKINUPSType", 5, 8, 0, 0, "72");
    field(family, "UPS.BELKINControls.BELKINDelayBeforeShutdown", 6, 16, 0, 0, "00 00");
    field(family, "UPS.BELKINControls.BELKINDelayBeforeStartup", 7, 16, 0, 0, "00 00");
    field(family, "UPS.BELKINControls.BELKINTest", 8, 8, 0, 0, "00");
    start(family);
    assert_string_equal(shown("ups.status"), "OL CHRG");
    assert_string_equal(shown("battery.charge"), "100");
    assert_string_equal(shown("input.voltage"), "229.9");
    assert_string_equal(shown("ups.firmware"), "7");
    assert_string_equal(shown("ups.type"), "line-interactive");
    assert_string_equal(shown("ups.test.result"), "No test initiated");
    value("01 11 00");
    value("02 24");
    assert_string_equal(shown("ups.status"), "OB DISCHRG LB OVER");
    value("01 40 20");
    value("02 80");
    assert_string_equal(shown("ups.status"), "OL RB");
    assert_string_equal(shown("ups.alarm"),
                        "[Replace battery!] [Temperature too high!] [Awaiting power!]");
    /* Minutes to the start, seconds to the end, and 0 is none. */
    assert_int_equal(command("shutdown.return", NULL), UPS_HANDLED);
    assert_memory_equal(fake.log[0], "\x07\x01\x00", 3);
    assert_memory_equal(fake.log[1], "\x06\x14\x00", 3);
    assert_int_equal(command("load.off", NULL), UPS_HANDLED);
    assert_memory_equal(fake.log[2], "\x06\x01\x00", 3);
    end();
}

static void test_old_powercom(void **state)
{
    const struct family *family = &family_powercom;

    (void)state;
    begin(0x0d9f, 0x0001, "");
#define CONVERTER_TREE "PowercomUPS.PowercomPowerConverter."
#define OUTPUT_TREE CONVERTER_TREE "PowercomOutput."
    field(family, OUTPUT_TREE "PowercomInternalChargeController", 1, 8, 0, 0, "00");
    field(family, OUTPUT_TREE "PowercomPrimaryBatterySupport", 2, 8, 0, 0, "00");
    field(family, CONVERTER_TREE "PowercomInput.PowercomVoltage", 3, 8, 0, 0, "39");
    field(family, "PowercomUPS.PowercomBatterySystem.PowercomVoltage", 4, 8, 0, 0, "5f");
    start(family);
    assert_string_equal(shown("ups.status"), "OL");
    assert_string_equal(shown("input.voltage"), "228");
    assert_string_equal(shown("battery.charge"), "95");
    value("02 03");
    assert_string_equal(shown("ups.status"), "OB LB");
    value("02 18");
    assert_string_equal(shown("ups.status"), "OL BOOST");
    value("02 28");
    assert_string_equal(shown("ups.status"), "OL OVER TRIM");
    /* "Shutdown imminent" alone is no low battery here. */
    value("02 01");
    value("01 12");
    assert_string_equal(shown("ups.status"), "OB RB");
    end();
}

static void test_tripplite(void **state)
{
    const struct family *family = &family_tripplite;

    (void)state;
    begin(0x09ae, 0x2005, "OMNI1000LCD");
    field(family, PRESENT "TLACPresent", 1, 8, 0, 0, "01");
    field(family, PRESENT "TLDischarging", 2, 8, 0, 0, "00");
    field(family, BATTERY "Voltage", 3, 16, VOLT, 7, "87 00");
    field(family, SUMMARY "Voltage", 4, 16, VOLT, 6, "b0 04");
    field(family, SUMMARY "iDeviceChemistry", 5, 8, 0, 0, "04");
    field(family, OUTLET "TLDelayBeforeStartup", 6, 16, SECOND, 0, "ff ff");
    field(family, OUTLET "TLWatchdog", 7, 8, 0, 0, "00");
    start(family);
    assert_string_equal(shown("ups.status"), "OL");
    assert_string_equal(shown("battery.voltage"), "13.5"); /* not 135 */
    assert_string_equal(shown("output.voltage"), "120.0"); /* not the battery's */
    assert_string_equal(shown("battery.type"), "");        /* garbage of this model */
    assert_string_equal(shown("ups.timer.start"), "-1");
    value("01 00");
    value("02 01");
    assert_string_equal(shown("ups.status"), "OB DISCHRG");
    assert_int_equal(command("reset.watchdog", NULL), UPS_HANDLED);
    assert_memory_equal(fake.written, "\x07\x3c", 2);
    end();
}

/* Liebert PSA: exponents of another firmware's making. */
static void test_liebert_scales(void **state)
{
    const struct family *family = &family_liebert;

    (void)state;
    begin(0x10af, 0x0002, "Liebert PSA");
    field(family, PRESENT "ACPresent", 1, 8, 0, 0, "01");
    field(family, SUMMARY "Voltage", 2, 16, VOLT, -1, "8b 00");
    field(family, "UPS.Input.Voltage", 3, 16, VOLT, 1, "bc 04");
    field(family, "UPS.Input.Frequency", 4, 16, HERTZ, 1, "57 02");
    field(family, "UPS.Output.Current", 5, 16, AMPERE, 1, "02 00");
    start(family);
    assert_string_equal(shown("battery.voltage"), "13.9");
    assert_string_equal(shown("input.voltage"), "121.2");
    assert_string_equal(shown("input.frequency"), "59.9");
    assert_string_equal(shown("output.current"), "0.2");
    end();
}

/* KSTAR: an exponent that is in force too long. */
static void test_leaking_exponent(void **state)
{
    const struct family *family = &family_mge;

    (void)state;
    begin(0x09d6, 0x0001, "KSTAR");
    field(family, PRESENT "ACPresent", 1, 8, VOLT, 1, "01");
    field(family, SUMMARY "RemainingCapacity", 2, 8, 0x0010f001, 1, "5a");
    field(family, BATTERY "Test", 3, 8, 0, 1, "01");
    field(family, SUMMARY "AudibleAlarmControl", 4, 8, 0, 1, "02");
    field(family, SUMMARY "PercentLoad", 5, 8, 0, 1, "0c");
    start(family);
    assert_string_equal(shown("ups.status"), "OL");
    assert_string_equal(shown("battery.charge"), "90");
    assert_string_equal(shown("ups.test.result"), "Done and passed");
    assert_string_equal(shown("ups.beeper.status"), "enabled");
    assert_string_equal(shown("ups.load"), "12");
    assert_int_equal(command("test.battery.start.deep", NULL), UPS_HANDLED);
    assert_memory_equal(fake.written, "\x03\x02", 2);
    end();
}

static void test_eaton_bypass(void **state)
{
    const struct family *family = &family_mge;

    (void)state;
    begin(0x0463, 0xffff, "5PX");
    field(family, PRESENT "ACPresent", 1, 8, 0, 0, "01");
    field(family, "UPS.PowerConverter.Input.[2].PresentStatus.Used", 2, 8, 0, 0, "01");
    field(family, "UPS.PowerConverter.Input.[5].PresentStatus.Used", 3, 8, 0, 0, "00");
    field(family, "UPS.PowerConverter.Input.[2].SwitchOnControl", 4, 8, 0, 0, "00");
    field(family, SUMMARY "RemainingCapacityLimitSetting", 5, 8, 0, 0, "14");
    field(family, "UPS.BatterySystem.Charger.ABMEnable", 6, 8, 0, 0, "00");
    field(family, "UPS.BatterySystem.Charger.Status", 7, 8, 0, 0, "02");
    field(family, PRESENT "FanFailure", 8, 8, 0, 0, "00");
    start(family);
    assert_string_equal(shown("ups.status"), "OL BYPASS");
    assert_string_equal(shown("ups.alarm"), "[Automatic bypass mode!]");
    assert_string_equal(shown("battery.charger.status"), "");
    value("06 01");
    value("02 00");
    value("03 01");
    value("08 01");
    assert_string_equal(shown("battery.charger.status"), "floating");
    assert_string_equal(shown("ups.status"), "OL ECO");
    assert_string_equal(shown("ups.alarm"), "[Fan failure!]");
    assert_int_equal(command("bypass.start", NULL), UPS_HANDLED);
    assert_memory_equal(fake.written, "\x04\x01", 2);
    end();
}

static void test_openups(void **state)
{
    const struct family *family = &family_openups;

    (void)state;
    begin(0x04d8, 0xd004, "openUPS");
    field(family, PRESENT "ACPresent", 1, 8, 0, 0, "01");
    field(family, PRESENT "Good", 2, 8, 0, 0, "01");
    field(family, SUMMARY "Input.Voltage", 3, 16, VOLT, 5, "58 01");
    field(family, SUMMARY "Temperature", 4, 16, 0, 0, "00 02");
    start(family);
    assert_string_equal(shown("ups.status"), "OL");
    assert_string_equal(shown("input.voltage"), "12.19"); /* 3.44 * 3.545 */
    assert_string_equal(shown("ups.temperature"), "");
    end();
}

static void test_ever(void **state)
{
    const struct family *family = &family_ever;

    (void)state;
    begin(0x2e51, 0xffff, "EVER");
    field(family, PRESENT "ACPresent", 1, 8, 0, 0, "00");
    field(family, "UPS.EVERTree.EVERMessages.EVERBatteryLow", 2, 8, 0, 0, "01");
    field(family, "UPS.EVERTree.EVERHeatsinkTemperature", 3, 16, 0x00010001, 0, "2c 01");
    field(family, SUMMARY "DelayBeforeShutdown", 4, 16, SECOND, 0, "00 00");
    start(family);
    assert_string_equal(shown("ups.status"), "OB LB");
    assert_string_equal(shown("ups.temperature"), "26.9");
    assert_int_equal(command("shutdown.return", NULL), UPS_HANDLED);
    assert_memory_equal(fake.written, "\x04\x14\x00", 3);
    assert_int_equal(command("shutdown.stayoff", NULL), UPS_UNKNOWN);
    end();
}

static void test_delta(void **state)
{
    const struct family *family = &family_delta;

    (void)state;
    begin(0x05dd, 0x041b, "Amplon");
    field(family, PRESENT "ACPresent", 1, 8, 0, 0, "01");
    field(family, CONVERTER "PresentStatus.Used", 2, 8, 0, 0, "00");
    field(family, OUTLET "DeltaOutputSource", 3, 8, 0, 0, "05");
    field(family, "UPS.DeltaCustom.[1].DeltaUPSType", 4, 8, 0, 0, "04");
    field(family, "UPS.DeltaCustom.[1].DeltaModelName", 5, 8, 0, 0, "09");
    start(family);
    /* "Used" is nothing of a battery. */
    assert_string_equal(shown("ups.status"), "OL BYPASS");
    assert_string_equal(shown("input.source"), "manual bypass");
    assert_string_equal(shown("ups.type"), "line-interactive");
    assert_string_equal(shown("ups.model"), "string 9");
    end();
}

static void test_ecoflow(void **state)
{
    const struct family *family = &family_ecoflow;

    (void)state;
    begin(0x3746, 0xffff, "River");
    field(family, PRESENT "ACPresent", 1, 8, 0, 0, "01");
    field(family, SUMMARY "RemainingCapacity", 2, 8, 0, 0, "50");
    field(family, SUMMARY "RunTimeToEmpty", 3, 16, SECOND, 0, "5a 00");
    start(family);
    assert_string_equal(shown("battery.runtime"), "5400"); /* minutes */
    value("03 10 0e");
    assert_string_equal(shown("battery.runtime"), "3600");
    value("02 03");
    value("03 5a 00");
    assert_string_equal(shown("battery.runtime"), "90");
    end();
}

/* A maker nobody knows: milliampere hours, a power supply at the top. */
static void test_unknown_maker(void **state)
{
    const struct family *family = &family_generic;

    (void)state;
    begin(0x1234, 0x5678, "Somebody's UPS");
    field(family, "PowerSupply.PowerSummary.PresentStatus.ACPresent", 1, 8, 0, 0, "00");
    field(family, "PowerSupply.PowerSummary.PresentStatus.Discharging", 2, 8, 0, 0, "01");
    field(family, "PowerSupply.PowerSummary.CapacityMode", 3, 8, 0, 0, "00");
    field(family, "PowerSupply.PowerSummary.FullChargeCapacity", 4, 16, 0, 0, "40 1f");
    field(family, "PowerSupply.PowerSummary.RemainingCapacity", 5, 16, 0, 0, "70 17");
    start(family);
    assert_string_equal(shown("ups.status"), "OB DISCHRG");
    assert_string_equal(shown("battery.charge"), "75");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_belkin),
        cmocka_unit_test(test_old_powercom),
        cmocka_unit_test(test_tripplite),
        cmocka_unit_test(test_liebert_scales),
        cmocka_unit_test(test_leaking_exponent),
        cmocka_unit_test(test_eaton_bypass),
        cmocka_unit_test(test_openups),
        cmocka_unit_test(test_ever),
        cmocka_unit_test(test_delta),
        cmocka_unit_test(test_ecoflow),
        cmocka_unit_test(test_unknown_maker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
