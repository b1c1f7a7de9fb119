/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usbhid/status.h"

#include "core/status.h"

#include "tests/unit/unit.h"

#include <string.h>

#define BIT(flag) (UINT64_C(1) << FLAG_##flag)

#define AC BIT(ONLINE)
#define DIS BIT(DISCHARGING)
#define CHG BIT(CHARGING)
#define LOW BIT(LOW_BATTERY)
#define IMM BIT(SHUTDOWN_IMMINENT)
#define TIME BIT(TIME_LIMIT_EXPIRED)
#define PRES BIT(BATTERY_PRESENT)
#define USUAL (AC | DIS | CHG | LOW | IMM)

/* A number that is not known. */
#define NONE (-1)

struct row {
    const char *what, *status;
    uint64_t known, set;
    unsigned quirks;
    double charge, low_charge, runtime, low_runtime;
    bool user_low, off_settled;
};

#define PLAIN 0, NONE, NONE, NONE, NONE, false, false
#define LEVELS(charge, low_charge) 0, charge, low_charge, NONE, NONE, false, false
#define QUIRK(quirk) HID_QUIRK_##quirk, NONE, NONE, NONE, NONE, false, false

static const struct row rows[] = {
    { "nothing is known", "WAIT", 0, 0, PLAIN },
    { "on line", "OL", USUAL, AC, PLAIN },
    { "charging", "OL CHRG", USUAL, AC | CHG, PLAIN },
    { "on battery", "OB DISCHRG", USUAL, DIS, PLAIN },
    { "on battery that does not say discharging", "OB", USUAL, 0, PLAIN },
    /* NUT issue 3080: what is not known is not on battery */
    { "input power unknown", "WAIT", CHG | LOW, 0, PLAIN },
    { "input power unknown, overloaded", "OVER", BIT(OVERLOAD), BIT(OVERLOAD), PLAIN },
    { "input power unknown, discharging", "OB DISCHRG", DIS, DIS, PLAIN },
    { "input power unknown, charging", "OL CHRG", DIS | CHG, CHG, PLAIN },
    { "input power unknown, full", "OL", BIT(FULLY_CHARGED), BIT(FULLY_CHARGED), PLAIN },
    { "input power unknown, low flag set", "WAIT", LOW, LOW, PLAIN },
    { "input power unknown, end imminent", "WAIT", IMM, IMM, PLAIN },
    /* boards that answer with zeros until they know better */
    { "neither line nor battery", "WAIT", AC | DIS | CHG | PRES, 0, PLAIN },
    { "on battery, and it is there", "OB DISCHRG", AC | DIS | CHG | PRES, DIS | PRES, PLAIN },
    { "no battery", "OL RB", AC | PRES, AC, PLAIN },
    { "not full, and no charging flag", "OL CHRG", AC | BIT(FULLY_CHARGED), AC, PLAIN },
    { "not full, and the device says not charging", "OL", AC | CHG | BIT(FULLY_CHARGED), AC,
      PLAIN },

    { "low", "OB DISCHRG LB", USUAL, DIS | LOW, PLAIN },
    { "low with a charge above the limit: the flag counts", "OB DISCHRG LB", USUAL, DIS | LOW,
      LEVELS(80, 10) },
    { "time limit", "OB DISCHRG LB", USUAL | TIME, DIS | TIME, PLAIN },
    { "end imminent", "OB DISCHRG LB", USUAL, DIS | IMM, PLAIN },
    { "empty", "OB DISCHRG LB", USUAL | BIT(DEPLETED), DIS | BIT(DEPLETED), PLAIN },
    /* issues 1942, 3087: Eaton's flag goes up with the mains' going down */
    { "imminent lies: no witness", "OB DISCHRG", USUAL, DIS | IMM, QUIRK(IMMINENT_LIES) },
    { "imminent lies: full battery", "OB DISCHRG", USUAL, DIS | IMM, HID_QUIRK_IMMINENT_LIES, 100,
      20, NONE, NONE, false, false },
    { "imminent lies: the flag is a witness", "OB DISCHRG LB", USUAL, DIS | IMM | LOW,
      QUIRK(IMMINENT_LIES) },
    { "imminent lies: the charge is", "OB DISCHRG LB", USUAL, DIS | IMM, HID_QUIRK_IMMINENT_LIES,
      20, 20, NONE, NONE, false, false },
    { "imminent lies: the runtime is", "OB DISCHRG LB", USUAL, DIS | IMM, HID_QUIRK_IMMINENT_LIES,
      90, 20, 100, 120, false, false },
    { "imminent lies, and nothing else could tell", "OB DISCHRG LB", AC | DIS | IMM, DIS | IMM,
      QUIRK(IMMINENT_LIES) },
    { "imminent on line", "OL", USUAL, AC | IMM, PLAIN },
    { "low on line, full: contradicts itself", "OL", USUAL, AC | LOW, LEVELS(99, 10) },
    { "low on line, after an outage", "OL CHRG LB", USUAL, AC | CHG | LOW, LEVELS(12, 20) },
    { "low on line, charge unknown", "OL LB", USUAL, AC | LOW, PLAIN },
    /* issue 2190 */
    { "runtime 0 on line", "OL", USUAL, AC, 0, 100, 10, 0, 120, false, false },
    { "runtime 0 on battery, with flags that deny it", "OB DISCHRG", USUAL | TIME, DIS, 0, 100, 10,
      0, 120, false, false },
    /* issue 2073: no flags, but limits */
    { "no flags, charge at the limit", "OB DISCHRG LB", AC | DIS, DIS, LEVELS(10, 10) },
    { "no flags, charge above the limit", "OB DISCHRG", AC | DIS, DIS, LEVELS(11, 10) },
    { "no flags, runtime at the limit", "OB DISCHRG LB", AC | DIS, DIS, 0, 90, 10, 120, 120, false,
      false },
    { "no flags, on line", "OL", AC | DIS, AC, 0, 9, 10, 100, 120, false, false },
    /* issue 1993: the user's limit decides */
    { "user: below", "OB DISCHRG LB", USUAL, DIS, 0, 49, 50, NONE, NONE, true, false },
    { "user: at it", "OB DISCHRG", USUAL, DIS, 0, 50, 50, NONE, NONE, true, false },
    { "user: the device's own limit is higher", "OB DISCHRG", USUAL, DIS | LOW, 0, 30, 20, NONE,
      NONE, true, false },
    { "user: charge unknown, the flag decides", "OB DISCHRG LB", USUAL, DIS | LOW, 0, NONE, 20,
      NONE, NONE, true, false },
    { "user: the end is imminent all the same", "OB DISCHRG LB", USUAL, DIS | IMM, 0, 90, 20, NONE,
      NONE, true, false },
    { "user: on line", "OL CHRG LB", USUAL, AC | CHG, 0, 10, 20, NONE, NONE, true, false },

    { "line and discharging", "OL DISCHRG", USUAL, AC | DIS, PLAIN },
    { "line and discharging: calibration", "OL CAL DISCHRG", USUAL, AC | DIS,
      QUIRK(DISCHARGE_IS_CAL) },
    { "line and discharging: on battery", "OB DISCHRG", USUAL, AC | DIS, QUIRK(DISCHARGE_IS_OB) },
    { "... and low", "OB DISCHRG LB", USUAL, AC | DIS | LOW, QUIRK(DISCHARGE_IS_OB) },
    { "a calibration flag", "OL CAL", AC | BIT(CALIBRATING), AC | BIT(CALIBRATING), PLAIN },
    { "a test is no calibration", "OL TEST", AC | BIT(TEST_RUNNING), AC | BIT(TEST_RUNNING),
      PLAIN },

    /* issues 2104, 2388 */
    { "off for a moment", "OL", AC | BIT(OFF), AC | BIT(OFF), PLAIN },
    { "off", "OL OFF", AC | BIT(OFF), AC | BIT(OFF), 0, NONE, NONE, NONE, NONE, false, true },
    { "both bypasses make one word", "OL BYPASS", AC | BIT(BYPASS_AUTO) | BIT(BYPASS_MANUAL),
      AC | BIT(BYPASS_AUTO) | BIT(BYPASS_MANUAL), PLAIN },
    { "replaced and missing make one word", "OL RB", AC | PRES | BIT(REPLACE_BATTERY),
      AC | BIT(REPLACE_BATTERY), PLAIN },
    { "trim, boost, overload", "OL OVER TRIM BOOST", AC | BIT(TRIM) | BIT(BOOST) | BIT(OVERLOAD),
      AC | BIT(TRIM) | BIT(BOOST) | BIT(OVERLOAD), PLAIN },
};

static struct status_evidence evidence_of(const struct row *row)
{
    return (struct status_evidence){
        .flags = { row->known, row->set },
        .quirks = row->quirks,
        .has_charge = row->charge >= 0,
        .charge = row->charge,
        .has_low_charge = row->low_charge >= 0,
        .low_charge = row->low_charge,
        .has_runtime = row->runtime >= 0,
        .runtime = row->runtime,
        .has_low_runtime = row->low_runtime >= 0,
        .low_runtime = row->low_runtime,
        .user_low_charge = row->user_low,
        .off_settled = row->off_settled,
    };
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct status_evidence evidence = evidence_of(&rows[i]);
        char text[128];

        status_compose(&evidence, text, sizeof text);
        if (strcmp(text, rows[i].status) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", rows[i].what, text, rows[i].status);
    }
}

/* Whatever the flags: a word at least, none twice, not on line and on battery, none unknown. */
static void test_every_combination(void **state)
{
    static const uint64_t known[] = { 0, AC, DIS | CHG, USUAL | PRES, ~UINT64_C(0) };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        for (uint64_t set = 0; set < UINT64_C(1) << 20; set += 7) {
            struct status_evidence evidence = { .flags = { known[i], set },
                                                .quirks = (unsigned)(set % 256),
                                                .off_settled = true };
            char text[128], copy[128];
            status_set seen = 0;

            status_compose(&evidence, text, sizeof text);
            assert_true(text[0] != '\0');
            strcpy(copy, text);
            for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
                status_set bit = status_parse(word);

                assert_true(bit != STATUS_OTHER);
                assert_int_equal(seen & bit, 0);
                seen |= bit;
            }
            assert_true((seen & (STATUS_OL | STATUS_OB)) != (STATUS_OL | STATUS_OB));
            if ((seen & (STATUS_OL | STATUS_OB)) == 0)
                assert_int_equal(seen & STATUS_LB, 0);
        }
    }
}

static void test_alarms(void **state)
{
    struct status_evidence evidence = { .flags = { ~UINT64_C(0), AC | PRES } };
    char text[256];

    (void)state;
    status_alarms(&evidence, text, sizeof text);
    assert_string_equal(text, "");
    evidence.flags.set |= BIT(REPLACE_BATTERY) | BIT(OVERLOAD);
    status_alarms(&evidence, text, sizeof text);
    assert_string_equal(text, "[Replace battery!] [Overload!]");
    evidence.flags.set = AC;
    status_alarms(&evidence, text, sizeof text);
    assert_string_equal(text, "[No battery installed!]");
    evidence.flags.set = 0;
    status_alarms(&evidence, text, sizeof text);
    assert_string_equal(text, "");
    evidence.flags = (struct flag_set){ 0, ~UINT64_C(0) };
    status_alarms(&evidence, text, sizeof text);
    assert_string_equal(text, "");
}

/* What does not fit is cut, and nothing written behind the end. */
static void test_short_buffers(void **state)
{
    struct status_evidence evidence = { .flags = { ~UINT64_C(0), ~UINT64_C(0) } };
    char text[8];

    (void)state;
    for (size_t size = 1; size < sizeof text; size++) {
        memset(text, 'x', sizeof text);
        status_compose(&evidence, text, size);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], 'x');
        memset(text, 'x', sizeof text);
        status_alarms(&evidence, text, size);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_every_combination),
        cmocka_unit_test(test_alarms),
        cmocka_unit_test(test_short_buffers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
