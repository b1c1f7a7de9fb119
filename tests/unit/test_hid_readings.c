/* SPDX-License-Identifier: BSD-2-Clause */
/* What is published of every recording: families, statuses, and the variables that sources state.
 */
#include "drivers/usbhid/device.h"

#include "core/status.h"
#include "core/variables.h"
#include "drivers/usbhid/plan.h"

#include "tests/unit/unit.h"

#include "tests/unit/hid_fake.h"

#include <math.h>

/* What recordings without status reports lack. */
static const struct {
    const char *device, *family, *status;
} expected[] = {
    { "apc-back-ups-bx1600mi", "apc", "OL" },
    { "apc-back-ups-cs-500", "apc", "OL" },
    { "apc-back-ups-es-850g2", "apc", "OL" },
    { "apc-back-ups-rs-1000g", "apc", "WAIT" },
    { "apc-smart-ups-1500-rm", "apc", "OL" },
    { "apc-smart-ups-3000-smt", "apc", "OL" },
    { "arduino-hid-power-194", "generic", "WAIT" },
    { "cyberpower-cp1500avrlcda", "cyberpower", "OL" },
    { "cyberpower-ec850lcd", "cyberpower", "OL" },
    { "cyberpower-or600erm1u", "cyberpower", "OL" },
    { "cyberpower-st-series", "cyberpower", "WAIT" },
    { "eaton-3s-700", "mge", "OL CHRG" },
    { "eaton-5e", "mge", "WAIT" },
    { "eaton-5sc-750", "mge", "OL CHRG" },
    { "idowell-smart-battery", "idowell", "WAIT" },
    { "legrand-keor-0032", "legrand", "OL CHRG" },
    { "liebert-gxt5", "liebert", "OL CHRG" },
    { "powercom-0004", "powercom", "OL CHRG BOOST" },
    { "powerwalker-vi-3000-rt", "phoenixtec", "WAIT" },
    { "salicru-slc-twin-pro2", "salicru", "WAIT" },
    { "santak-tg-box-850", "mge", "OL CHRG" },
    { "tripplite-3016", "tripplite", "WAIT" },
};

/* Of this one the source has values, and no reports: here they are made, as its descriptor says. */
static const char *const ec850lcd_reports[] = {
    "07 64 05 0a 14 0a 64",
    "08 64 02 08 2c 01",
    "09 78",
    "0a 8d",
    "0b 11",
    "0c 02",
    "0e 78 00",
    "0f 78 00",
    "12 78 00",
    "13 13 00",
    "14 01",
    "18 fe 01",
};

static void start(struct fake_hid *fake, const char *name)
{
    fake_start(fake, name);
    if (strcmp(name, "cyberpower-ec850lcd") != 0)
        return;
    for (size_t i = 0; i < sizeof ec850lcd_reports / sizeof ec850lcd_reports[0]; i++)
        fake_report(fake, HID_FEATURE, ec850lcd_reports[i]);
}

/* Every recording, by its family ------------------------------------------------------------- */

static void check_update(const char *name, const struct update *update)
{
    struct update_item item;

    assert_true(update_ok(update));
    for (size_t cursor = 0; update_next(update, &cursor, &item);) {
        const struct variable_info *info = variable_find(item.name);
        double number;

        if (item.kind == UPDATE_COMMAND && command_find(item.name) == NULL)
            fail_msg("%s: the vocabulary has no %s", name, item.name);
        if (item.kind != UPDATE_SET)
            continue;
        if (info == NULL)
            fail_msg("%s: the vocabulary has no %s", name, item.name);
        if (info->type == TYPE_NUMBER && (!number_parse(item.value, &number) ||
                                          number < info->minimum || number > info->maximum))
            fail_msg("%s: %s = %s", name, item.name, item.value);
    }
}

static void read_recording(const char *name)
{
    struct fake_hid fake;
    struct update update = { 0 };
    size_t i = 0;

    while (i < sizeof expected / sizeof expected[0] && strcmp(expected[i].device, name) != 0)
        i++;
    if (i == sizeof expected / sizeof expected[0])
        fail_msg("%s: a recording of which nothing is expected", name);
    start(&fake, name);
    assert_string_equal(fake.device->family->name, expected[i].family);
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    check_update(name, &update);
    if (strcmp(told(&update, "ups.status"), expected[i].status) != 0)
        fail_msg("%s: %s", name, told(&update, "ups.status"));
    if (told(&update, "ups.alarm") != NULL)
        fail_msg("%s: %s", name, told(&update, "ups.alarm"));
    update_clear(&update);
    fake_stop(&fake);
}

static void test_every_recording(void **state)
{
    (void)state;
    assert_int_equal(recordings_visit(read_recording), sizeof expected / sizeof expected[0]);
}

/* Variables that sources state --------------------------------------------------------------- */

static unsigned compared;

static void compare(const char *name, const struct update *update, char *line)
{
    char *value = strchr(line, '=');
    const char *ours;
    double a, b;

    assert_non_null(value);
    *value++ = '\0';
    value[strcspn(value, "\r\n")] = '\0';
    ours = told(update, line);
    if (ours == NULL)
        fail_msg("%s: nothing is told of %s, which is %s", name, line, value);
    bool is_same = number_parse(value, &a) && number_parse(ours, &b) ? fabs(a - b) < 1e-6
                                                                     : strcmp(value, ours) == 0;
    if (!is_same)
        fail_msg("%s: %s = %s, which is %s", name, line, ours, value);
    compared++;
}

static void compare_recording(const char *name)
{
    struct fake_hid fake;
    struct update update = { 0 };
    char line[512];

    start(&fake, name);
    FILE *file = recording_open(fake.recording, "expected.txt");
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "var ", 4) == 0)
            compare(name, &update, line + 4);
    }
    if (file != NULL)
        fclose(file);
    update_clear(&update);
    fake_stop(&fake);
}

static void test_stated_variables(void **state)
{
    (void)state;
    compared = 0;
    recordings_visit(compare_recording);
    assert_int_equal(compared, 24);
}

/* What follows from the bytes, by the notes of the recordings. */
static void test_noted_readings(void **state)
{
    static const struct {
        const char *device, *variable, *value; /* NULL: not published */
    } readings[] = {
        { "apc-back-ups-es-850g2", "battery.mfr.date", "2021/03/02" },
        { "apc-back-ups-es-850g2", "battery.date", NULL }, /* the factory's */
        { "apc-back-ups-es-850g2", "ups.model", "Back-UPS ES 850G2" },
        { "apc-back-ups-es-850g2", "ups.firmware", "938.a2 .I" },
        { "apc-back-ups-es-850g2", "ups.firmware.aux", "a2" },
        { "apc-back-ups-es-850g2", "input.voltage", "228" },
        { "apc-back-ups-es-850g2", "battery.voltage", "13.43" },
        { "apc-back-ups-es-850g2", "input.sensitivity", "medium" },
        { "apc-back-ups-es-850g2", "ups.timer.shutdown", "-1" },
        { "apc-back-ups-cs-500", "battery.charge", "100" }, /* under the unit of ampere seconds */
        { "apc-back-ups-cs-500", "battery.charge.low", "10" },
        { "apc-back-ups-cs-500", "battery.charge.warning", "50" },
        { "apc-back-ups-cs-500", "battery.runtime", "2580" },
        { "apc-back-ups-cs-500", "battery.mfr.date", "2004/07/03" },
        { "apc-back-ups-cs-500", "battery.capacity", NULL },
        { "apc-back-ups-cs-500", "battery.voltage", NULL }, /* not readable */
        { "apc-back-ups-bx1600mi", "battery.charge", "100" },
        { "apc-back-ups-bx1600mi", "battery.charge.low", "20" },
        { "apc-back-ups-bx1600mi", "battery.mfr.date", NULL },
        { "apc-back-ups-bx1600mi", "ups.mfr.date", "2021/03/11" },
        { "apc-back-ups-bx1600mi", "input.voltage", "237" },
        { "apc-back-ups-bx1600mi", "ups.firmware", "294201G -302201G" },
        { "apc-smart-ups-1500-rm", "ups.load", "10.4" },
        { "apc-smart-ups-1500-rm", "output.frequency", "50.00" },
        { "apc-smart-ups-1500-rm", "input.transfer.reason", "self test" },
        { "apc-smart-ups-1500-rm", "input.sensitivity", "low" },
        { "apc-smart-ups-3000-smt", "ups.model", "Smart-UPS 3000" },
        { "apc-smart-ups-3000-smt", "ups.firmware", "UPS 06.0 / ID=1027" },
        { "cyberpower-cp1500avrlcda", "input.voltage", "118" },
        { "cyberpower-cp1500avrlcda", "battery.voltage", "27.0" },
        { "cyberpower-cp1500avrlcda", "ups.realpower", "189" },
        { "cyberpower-cp1500avrlcda", "battery.mfr.date", NULL }, /* "CPS" */
        { "cyberpower-or600erm1u", "ups.timer.shutdown", "-60" },
        { "cyberpower-or600erm1u", "ups.delay.shutdown", "60" },
        { "cyberpower-or600erm1u", "ups.delay.start", "120" },
        { "eaton-5sc-750", "input.voltage", "229.0" },
        { "eaton-5sc-750", "output.voltage", "228.4" },
        { "eaton-5sc-750", "output.current", "0.6" },
        { "eaton-5sc-750", "output.frequency", "49.9" },
        { "eaton-5sc-750", "output.powerfactor", "0.80" },
        { "eaton-5sc-750", "battery.capacity", "7.00" },
        { "eaton-5sc-750", "ups.type", "offline / line interactive" },
        { "eaton-5sc-750", "battery.charger.status", "resting" },
        { "legrand-keor-0032", "input.voltage",
          "239.2" }, /* the summary's; the converter's: 241.4 */
        { "legrand-keor-0032", "output.voltage", "240.8" },
        { "legrand-keor-0032", "output.current", "0.2" },
        { "legrand-keor-0032", "battery.voltage", "13.6" },
        { "legrand-keor-0032", "ups.timer.shutdown", "-1" },
        { "liebert-gxt5", "battery.runtime", "2160" }, /* 36 minutes */
        { "liebert-gxt5", "input.voltage", "238" },
        { "liebert-gxt5", "output.voltage", "239" },
        { "liebert-gxt5", "output.frequency", "50" },
        { "liebert-gxt5", "battery.runtime.low", NULL }, /* all ones */
        { "liebert-gxt5", "ups.temperature", NULL },
        { "liebert-gxt5", "battery.voltage.nominal", NULL },
        { "liebert-gxt5", "ups.realpower.nominal", NULL },
        { "powercom-0004", "ups.beeper.status", "enabled" },
        { "powercom-0004", "battery.voltage.nominal", NULL },
        { "powercom-0004", "ups.load", "100" },
        { "tripplite-3016", "input.voltage", "121.4" },
        { "idowell-smart-battery", "battery.charge", "100" },
        { "idowell-smart-battery", "battery.runtime", "125040" },
        { "idowell-smart-battery", "battery.voltage", "13.20" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        struct fake_hid fake;
        struct update update = { 0 };

        start(&fake, readings[i].device);
        assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
        const char *value = told(&update, readings[i].variable);
        bool is_same = value == NULL || readings[i].value == NULL
                           ? value == readings[i].value
                           : strcmp(value, readings[i].value) == 0;
        if (!is_same)
            fail_msg("%s: %s = %s", readings[i].device, readings[i].variable,
                     value == NULL ? "nothing" : value);
        update_clear(&update);
        fake_stop(&fake);
    }
}

/* What users of the same or a sister model have seen ----------------------------------------- */

/* Variables NUT has shown of such a unit, and we do not. */
static const struct {
    const char *device, *variable, *reason;
} deliberate[] = {
    { "*", "ups.serial", "a string of the USB device; recordings have none" },
    { "apc-back-ups-cs-500", "ups.firmware", "of the product string, which the recording cuts" },
    { "eaton-5sc-750", "outlet.1.status", "was input power, and no outlet's state" },
    { "eaton-5e", "outlet.1.status", "was input power, and no outlet's state" },
    { "salicru-slc-twin-pro2", "outlet.1.status", "was input power, and no outlet's state" },
    { "eaton-3s-700", "outlet.2.desc", "this model has one outlet less" },
    { "eaton-3s-700", "outlet.2.id", "this model has one outlet less" },
    { "eaton-3s-700", "outlet.2.status", "this model has one outlet less" },
    { "eaton-3s-700", "outlet.2.switchable", "this model has one outlet less" },
    { "idowell-smart-battery", "input.transfer.high", "no such field: an iBox has" },
    { "idowell-smart-battery", "input.transfer.low", "no such field: an iBox has" },
    { "idowell-smart-battery", "output.frequency.nominal", "no such field: an iBox has" },
    { "idowell-smart-battery", "output.voltage", "no such field: an iBox has" },
    { "idowell-smart-battery", "output.voltage.nominal", "no such field: an iBox has" },
    { "idowell-smart-battery", "ups.load", "no such field: an iBox has" },
    { "idowell-smart-battery", "ups.power.nominal", "no such field: an iBox has" },
    { "legrand-keor-0032", "ups.realpower.nominal", "was apparent power: ups.power.nominal" },
    { "salicru-slc-twin-pro2", "battery.charge.low", "no such field: the next generation has" },
    { "salicru-slc-twin-pro2", "battery.charge.restart", "no such field: the next has" },
    { "salicru-slc-twin-pro2", "battery.charger.status", "no such field: the next has" },
    { "salicru-slc-twin-pro2", "battery.protection", "no such field: the next has" },
    { "salicru-slc-twin-pro2", "battery.runtime.low", "no such field: the next has" },
    { "salicru-slc-twin-pro2", "output.current", "no such field: the next has" },
    { "salicru-slc-twin-pro2", "ups.shutdown", "no such field: the next has" },
    { "salicru-slc-twin-pro2", "ups.temperature", "no such field: the next has" },
    { "cyberpower-cp1500avrlcda", "battery.mfr.date", "was the string \"CPS\"" },
    { "cyberpower-ec850lcd", "battery.mfr.date", "was the string \"CPS\"" },
    { "legrand-keor-0032", "battery.charge.low", "another model, which has the field" },
    { "powercom-0004", "battery.date", "battery.mfr.date in later versions, and here" },
    { "powercom-0004", "ups.date", "is the date of manufacture: ups.mfr.date" },
    { "powercom-0004", "ups.delay.start", "what it means nobody knows: 971220 s" },
    { "salicru-slc-twin-pro2", "ups.date", "the clock of the UPS; another model" },
    { "salicru-slc-twin-pro2", "ups.time", "the clock of the UPS; another model" },
    { "tripplite-3016", "ups.power", "is active power: ups.realpower" },
};

static bool excused[sizeof deliberate / sizeof deliberate[0]];

static bool is_deliberate(const char *device, const char *variable)
{
    for (size_t i = 0; i < sizeof deliberate / sizeof deliberate[0]; i++) {
        if ((strcmp(deliberate[i].device, "*") == 0 || strcmp(deliberate[i].device, device) == 0) &&
            strcmp(deliberate[i].variable, variable) == 0) {
            excused[i] = true;
            return true;
        }
    }
    return false;
}

static unsigned missing;

static void look_for_variable(const char *name, struct fake_hid *fake, const struct update *update,
                              const char *variable)
{
    const struct variable_info *info = variable_find(variable);

    if (strncmp(variable, "driver.", 7) == 0 || strncmp(variable, "device.", 7) == 0)
        return;
    if (hid_plan_variable(fake->device->plan, variable) != NULL || told(update, variable) != NULL)
        return;
    if (!is_deliberate(name, variable)) {
        print_error("%s: there is no %s%s\n", name, variable,
                    info == NULL ? ", nor in the vocabulary" : "");
        missing++;
    }
}

static void look_for_variables(const char *name)
{
    struct fake_hid fake;
    struct update update = { 0 };
    char line[512];

    start(&fake, name);
    FILE *file = recording_open(fake.recording, "upsc-other-unit.txt");
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, ":")] = '\0';
        if (line[0] != '#')
            look_for_variable(name, &fake, &update, line);
    }
    if (file != NULL)
        fclose(file);
    update_clear(&update);
    fake_stop(&fake);
}

static void test_expected_variables(void **state)
{
    (void)state;
    missing = 0;
    recordings_visit(look_for_variables);
    assert_int_equal(missing, 0);
    for (size_t i = 0; i < sizeof deliberate / sizeof deliberate[0]; i++) {
        if (!excused[i])
            fail_msg("%s: %s is there: nothing to excuse", deliberate[i].device,
                     deliberate[i].variable);
    }
}

/* Scenarios ---------------------------------------------------------------------------------- */

static void test_legrand_on_battery(void **state)
{
    struct fake_hid fake;
    struct update update = { 0 };

    (void)state;
    fake_start(&fake, "legrand-keor-0032");
    assert_true(recording_take_reports(fake.recording, "reports-onbatt.txt"));
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    assert_string_equal(told(&update, "ups.status"), "OB DISCHRG");
    update_clear(&update);
    fake_stop(&fake);
}

/* GET_REPORT is answered with zeros until the board has sent something. */
static void test_arduino(void **state)
{
    struct fake_hid fake;
    struct update update = { 0 };

    (void)state;
    fake_start(&fake, "arduino-hid-power-194");
    fake_report(&fake, HID_FEATURE, "07 00 00");
    fake_report(&fake, HID_FEATURE, "0c 00");
    fake_report(&fake, HID_FEATURE, "0d 00 00");
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    assert_string_equal(told(&update, "ups.status"), "WAIT");
    assert_null(told(&update, "battery.charge"));
    assert_null(told(&update, "ups.alarm"));
    update_clear(&update);

    /* On line, battery present, full. */
    assert_true(fake_send(&fake, "07 0c 01"));
    fake_send(&fake, "0c 64");
    assert_int_equal(hid_device_poll(fake.device, POLL_QUICK, &update), HID_OK);
    assert_string_equal(told(&update, "ups.status"), "OL");
    update_clear(&update);
    assert_int_equal(hid_device_poll(fake.device, POLL_FULL, &update), HID_OK);
    assert_string_equal(told(&update, "ups.status"), "OL");
    assert_string_equal(told(&update, "battery.charge"), "100");
    update_clear(&update);
    assert_true(fake_send(&fake, "07 0a 00"));
    assert_int_equal(hid_device_poll(fake.device, POLL_QUICK, &update), HID_OK);
    assert_string_equal(told(&update, "ups.status"), "OB DISCHRG");
    update_clear(&update);
    fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_recording),    cmocka_unit_test(test_stated_variables),
        cmocka_unit_test(test_noted_readings),     cmocka_unit_test(test_expected_variables),
        cmocka_unit_test(test_legrand_on_battery), cmocka_unit_test(test_arduino),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
