/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every recorded device: its descriptor gives the fields, the sizes of reports and the values that
 * NUT's own driver saw there.
 */
#include "drivers/usbhid/descriptor.h"
#include "drivers/usbhid/usages.h"
#include "drivers/usbhid/value.h"

#include "tests/unit/unit.h"

#include "tests/unit/hid_recording.h"

#include <math.h>

/* Vendors' usages the recordings name; several makers may use one name. */
static const struct usage_name vendor_names[] = {
    { "APCGeneralCollection", 0xff860005 },
    { "APCBattReplaceDate", 0xff860016 },
    { "APCBattCapBeforeStartup", 0xff860019 },
    { "APC_UPS_FirmwareRevision", 0xff860042 },
    { "APCLineFailCause", 0xff860052 },
    { "APCStatusFlag", 0xff860060 },
    { "APCSensitivity", 0xff860061 },
    { "APCPanelTest", 0xff860072 },
    { "APCShutdownAfterDelay", 0xff860076 },
    { "APCDelayBeforeReboot", 0xff86007c },
    { "APCDelayBeforeShutdown", 0xff86007d },
    { "APCDelayBeforeStartup", 0xff86007e },
    { "CPSInputSensitivity", 0xff010043 },
    { "CPSFirmwareVersion", 0xff0100d0 },
    { "POWERCOM3", 0xff860080 },
    { "USB", 0xffff0005 },
    { "Inverter", 0xffff0014 },
    { "HistorySystem", 0xffff001c },
    { "Event", 0xffff001e },
    { "EventID", 0xffff001f },
    { "OverallAlarm", 0xffff0022 },
    { "ConfigurationFailure", 0xffff002d },
    { "ConverterType", 0xffff0041 },
    { "AutomaticRestart", 0xffff0043 },
    { "ForcedReboot", 0xffff0044 },
    { "TestPeriod", 0xffff0045 },
    { "EnergySaving", 0xffff0046 },
    { "StartOnBattery", 0xffff0047 },
    { "Schedule", 0xffff0048 },
    { "DeepDischargeProtection", 0xffff0049 },
    { "ShortCircuit", 0xffff004a },
    { "SensitivityMode", 0xffff004c },
    { "RemainingCapacityLimitSetting", 0xffff004d },
    { "LowVoltageBoostTransfer", 0xffff0050 },
    { "HighVoltageBuckTransfer", 0xffff0053 },
    { "ShutdownTimer", 0xffff005d },
    { "RestartLevel", 0xffff005f },
    { "EmergencyStop", 0xffff0068 },
    { "PowerFactor", 0xffff0069 },
    { "ChargerType", 0xffff006b },
    { "ControlStandby", 0xffff0072 },
    { "VoltageTooHigh", 0xffff0074 },
    { "VoltageTooLow", 0xffff0075 },
    { "FanFailure", 0xffff0077 },
    { "Floating", 0xffff0079 },
    { "Efficiency", 0xffff0086 },
    { "ABMEnable", 0xffff0087 },
    { "Mode", 0xffff0094 },
    { "Country", 0xffff0095 },
    { "Code", 0xffff0098 },
    { "System", 0xffff00e5 },
    { "Status", 0xffff00e9 },
    { "iModel", 0xffff00f0 },
    { "iVersion", 0xffff00f1 },
    { "iPartNumber", 0xffff00f3 },
    { "iReferenceNumber", 0xffff00f4 },
    { NULL, 0 },
};

static bool is_usage(const char *name, hid_usage usage)
{
    struct hid_path path;

    for (const struct usage_name *row = vendor_names; row->name != NULL; row++) {
        if (row->usage == usage && strcmp(row->name, name) == 0)
            return true;
    }
    return hid_path_parse(&path, name, NULL) && path.usages[0] == usage;
}

static bool is_path(const char *text, const struct hid_path *path)
{
    uint8_t number = 0;

    for (; number < path->length; number++) {
        char name[64];
        size_t length = strcspn(text, ".");

        assert_true(length < sizeof name);
        memcpy(name, text, length);
        name[length] = '\0';
        if (!is_usage(name, path->usages[number]))
            return false;
        if (text[length] == '\0')
            return number + 1 == path->length;
        text += length + 1;
    }
    return false;
}

static const struct hid_field *field_at(const struct hid_descriptor *descriptor,
                                        enum hid_report_type type, unsigned report, unsigned offset,
                                        unsigned bits)
{
    for (size_t i = 0; i < descriptor->field_count; i++) {
        const struct hid_field *field = &descriptor->fields[i];

        if (field->type == type && field->report == report && field->bit_offset == offset &&
            field->bit_size == bits)
            return field;
    }
    return NULL;
}

/* Line of expected.txt: "item path type id bitoffset bits kind value [raw value]". */
static void check_item(const struct recording *recording, const struct hid_descriptor *descriptor,
                       const char *line)
{
    char path[256], type, kind[8], text[400];
    unsigned report, offset, bits;
    double value;
    int used;
    int64_t raw;
    long long wanted_raw;

    assert_int_equal(sscanf(line, "item %255s %c %x %u %u %7s %lf%n", path, &type, &report, &offset,
                            &bits, kind, &value, &used),
                     7);
    const struct hid_field *field =
        field_at(descriptor, type == 'F' ? HID_FEATURE : HID_INPUT, report, offset, bits);
    if (field == NULL)
        fail_msg("%s: no such field: %s", recording->path, line);
    if (!is_path(path, &field->path)) {
        hid_path_print(&field->path, NULL, text, sizeof text);
        fail_msg("%s: %s is not what is at %s", recording->path, text, line);
    }
    /* The source read Input items with GET_REPORT Feature. */
    const struct recorded_report *from = recorded_report(recording, field->type, field->report);
    if (from == NULL)
        from = recorded_report(recording, HID_FEATURE, field->report);
    if (from == NULL)
        return;
    if (!hid_value_get(descriptor, field, from->bytes, from->length, &raw, NULL))
        fail_msg("%s: the report is too short for %s", recording->path, line);
    double physical = hid_value_to_physical(field, raw);
    bool is_right = strcmp(kind, "scaled") == 0
                        ? fabs(trunc(physical + copysign(1e-9, physical)) - value) < 0.5
                        : (double)raw == value;
    if (strcmp(kind, "scaled") == 0 && sscanf(line + used, " raw %lld", &wanted_raw) == 1)
        is_right = is_right && (((uint64_t)raw ^ (uint64_t)wanted_raw) << (64 - bits)) == 0;
    if (!is_right)
        fail_msg("%s: raw %lld, physical %g: %s", recording->path, (long long)raw, physical, line);
}

static void check_sizes(const struct recording *recording, const struct hid_descriptor *descriptor)
{
    for (size_t i = 0; i < recording->report_count; i++) {
        const struct recorded_report *report = &recording->reports[i];
        unsigned size = descriptor->report_sizes[report->type - 1][report->report];

        if (size != report->length)
            fail_msg("%s: report %02x is said to have %u bytes, it has %zu", recording->path,
                     report->report, size, report->length);
    }
}

static void check_recording(const char *device)
{
    struct recording *recording = recording_read(device);
    struct hid_descriptor *descriptor =
        hid_descriptor_parse(recording->descriptor, recording->descriptor_length);
    char line[512];

    assert_non_null(descriptor);
    assert_string_equal(descriptor->problem, "");
    assert_true(descriptor->numbered);
    assert_true(hid_descriptor_is_power_device(descriptor));
    check_sizes(recording, descriptor);
    FILE *expected = recording_open(recording, "expected.txt");
    while (expected != NULL && fgets(line, sizeof line, expected) != NULL) {
        if (strncmp(line, "item ", 5) == 0)
            check_item(recording, descriptor, line);
    }
    if (expected != NULL)
        fclose(expected);
    hid_descriptor_free(descriptor);
    free(recording);
}

static void test_every_recording(void **state)
{
    (void)state;
    assert_true(recordings_visit(check_recording) >= 22);
}

/* A reading of a later moment: the raw value of a Feature field. */
static void expect_later(const char *device, const char *reports, const char *path, int64_t wanted)
{
    struct recording *recording = recording_read(device);
    struct hid_descriptor *descriptor =
        hid_descriptor_parse(recording->descriptor, recording->descriptor_length);
    struct hid_path parsed;
    int64_t raw;
    bool clamped;

    assert_true(recording_take_reports(recording, reports));
    check_sizes(recording, descriptor);
    assert_true(hid_path_parse(&parsed, path, vendor_names));
    const struct hid_field *field = hid_descriptor_find(descriptor, &parsed, HID_FEATURE, NULL);
    assert_non_null(field);
    const struct recorded_report *report = recorded_report(recording, HID_FEATURE, field->report);
    assert_non_null(report);
    assert_true(hid_value_get(descriptor, field, report->bytes, report->length, &raw, &clamped));
    if (raw != wanted || clamped)
        fail_msg("%s: %s is %lld", device, path, (long long)raw);
    hid_descriptor_free(descriptor);
    free(recording);
}

static void test_later_moments(void **state)
{
    static const char board[] = "arduino-hid-power-194";
    static const char full[] = "reports-online_full.txt";
    static const char on_battery[] = "reports-on_battery.txt";

    (void)state;
    expect_later(board, full, "UPS.PowerSummary.PresentStatus.ACPresent", 1);
    expect_later(board, full, "UPS.PowerSummary.PresentStatus.BatteryPresent", 1);
    expect_later(board, full, "UPS.PowerSummary.PresentStatus.FullyCharged", 1);
    expect_later(board, full, "UPS.PowerSummary.PresentStatus.Discharging", 0);
    expect_later(board, on_battery, "UPS.PowerSummary.PresentStatus.ACPresent", 0);
    expect_later(board, on_battery, "UPS.PowerSummary.PresentStatus.BatteryPresent", 1);
    expect_later(board, on_battery, "UPS.PowerSummary.PresentStatus.Discharging", 1);
    expect_later("legrand-keor-0032", "reports-onbatt.txt",
                 "UPS.PowerSummary.PresentStatus.ACPresent", 0);
    expect_later("legrand-keor-0032", "reports-onbatt.txt",
                 "UPS.PowerSummary.PresentStatus.Discharging", 1);
    expect_later("powercom-0004", "reports-later.txt", "UPS.PowerSummary.RunTimeToEmpty", 832);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_recording),
        cmocka_unit_test(test_later_moments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
