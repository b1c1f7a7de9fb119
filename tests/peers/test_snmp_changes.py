# SPDX-License-Identifier: BSD-2-Clause
"""
What a manager sees when a UPS changes: power fails and returns, tests run, the UPS is lost and
found. Each test turns the UPS's file and watches through snmpwalk and snmpget.
"""

import time

import pytest

import upsmib
from harness import (DATA, ON_LINE, Device, SnmpAgent, free_udp_port, snmp_access, wait_for_port,
                     wait_until)
from upsmib import alarm_table, read_walk, short

pytestmark = [pytest.mark.snmp_face,
              pytest.mark.peers("snmpwalk", "snmpget")]

WINDOW = "input.transfer.low: 180\ninput.transfer.high: 264\n"

# Instances that are there whatever is known of the UPS.
ALWAYS = {"1.1.0", "1.2.0", "2.1.0", "2.2.0", "3.1.0", "3.2.0", "4.1.0", "4.3.0", "5.2.0", "6.1.0",
          "7.1.0", "7.2.0", "7.3.0", "7.4.0", "7.5.0", "7.6.0",
          "8.1.0", "8.2.0", "8.3.0", "8.4.0", "8.5.0"}
# Groups of measurements: battery (but for its status and time), lines, frequencies.
MEASUREMENTS = ("2.3.", "2.4.", "2.5.", "2.6.", "2.7.", "3.3.", "4.2.", "4.4.", "5.1.", "5.3.")


class Scene:
    """One UPS behind upsbridged, standalone SNMP."""

    def __init__(self, stage, readings=ON_LINE, **settings):
        port = free_udp_port()
        self.ups = Device("ups", readings)
        self.bridge = stage.bridge([self.ups], snmp=f"SNMP listen udp:127.0.0.1:{port}\n",
                                   snmp_conf=snmp_access("ups"), **settings)
        self.agent = SnmpAgent(port)

    def objects(self):
        done = self.agent.command("snmpwalk", upsmib.OBJECTS.rstrip("."))
        return {short(oid): value for oid, value in read_walk(done.out)}

    def number(self, oid):
        return self.agent.get_number(oid)

    def wait_number(self, oid, expected):
        wait_until(lambda: self.number(oid) == expected,
                   f"{oid} to be {expected}, is {self.number(oid)}")

    def rows(self):
        """{id: row}, of a walk that no change broke in two."""
        objects = self.objects()
        return alarm_table(objects)

    def wait_alarms(self, *alarms):
        """The rows, once exactly these alarms are raised."""
        def raised():
            try:
                rows = self.rows()
            except (AssertionError, KeyError):
                return None  # a walk of several requests that met a change
            return (rows or "none") if {row.alarm for row in rows.values()} == set(alarms) else None
        rows = wait_until(raised, f"alarms {sorted(alarms)}")
        return {} if rows == "none" else rows

    def up_time(self):
        return self.number(".1.3.6.1.2.1.1.3.0")

    def fail_power(self, status="OB DISCHRG"):
        self.ups.change(ups__status=status, input__voltage="0.0")

    def return_power(self):
        self.ups.change(ups__status="OL CHRG", input__voltage="230.4")


def id_of(rows, alarm):
    return next(row_id for row_id, row in rows.items() if row.alarm == alarm)


@pytest.fixture
def scene(stage):
    return Scene(stage, ON_LINE + WINDOW)


def test_an_outage(scene):
    assert scene.wait_alarms() == {}
    assert (scene.number("4.1.0"), scene.number("2.2.0")) == (upsmib.MAINS, 0)
    before = scene.up_time()
    scene.fail_power()
    rows = scene.wait_alarms(upsmib.ON_BATTERY, upsmib.INPUT_BAD)
    assert scene.number("4.1.0") == upsmib.BATTERY
    assert scene.number("3.3.1.3.1") == 0
    assert scene.number("2.1.0") == upsmib.NORMAL
    after = scene.up_time()
    for row in rows.values():
        assert before <= row.time <= after, (before, rows, after)
    scene.return_power()
    assert scene.wait_alarms() == {}
    assert (scene.number("4.1.0"), scene.number("2.2.0")) == (upsmib.MAINS, 0)


def test_seconds_on_battery_count(scene):
    started = time.monotonic()
    scene.fail_power()
    scene.wait_number("4.1.0", upsmib.BATTERY)
    earlier = scene.number("2.2.0")
    wait_until(lambda: scene.number("2.2.0") >= earlier + 2, "two seconds more on battery")
    shown = scene.number("2.2.0")
    assert shown <= time.monotonic() - started
    # What else is new of the UPS does not begin the count anew.
    scene.ups.change(battery__charge="70", ups__status="OB LB")
    scene.wait_number("2.4.0", 70)
    assert scene.number("2.2.0") >= shown
    scene.return_power()
    scene.wait_number("2.2.0", 0)
    restarted = time.monotonic()
    scene.fail_power()
    scene.wait_number("4.1.0", upsmib.BATTERY)
    assert scene.number("2.2.0") <= time.monotonic() - restarted


def test_on_battery_at_the_start(stage):
    scene = Scene(stage, ON_LINE.replace("ups.status: OL", "ups.status: OB"))
    rows = scene.wait_alarms(upsmib.ON_BATTERY, upsmib.INPUT_BAD)
    assert [row.time for row in rows.values()] == [0, 0]
    assert sorted(rows) == [1, 2]
    wait_until(lambda: scene.number("2.2.0") >= 1, "seconds since the start")
    bads = scene.number("3.1.0")
    scene.return_power()
    scene.wait_alarms()
    assert scene.number("3.1.0") == bads


def test_alarm_ids_are_never_used_again(scene):
    seen = set()
    for _ in range(4):
        scene.fail_power()
        rows = scene.wait_alarms(upsmib.ON_BATTERY, upsmib.INPUT_BAD)
        assert not seen & set(rows), (seen, rows)
        assert not seen or min(rows) > max(seen)
        seen |= set(rows)
        scene.return_power()
        scene.wait_alarms()
    assert seen == set(range(1, 9))


def test_a_row_keeps_its_id_and_time_while_others_come_and_go(scene):
    scene.fail_power()
    rows = scene.wait_alarms(upsmib.ON_BATTERY, upsmib.INPUT_BAD)
    on_battery = id_of(rows, upsmib.ON_BATTERY)
    scene.ups.change(ups__status="OB LB OVER RB")
    more = scene.wait_alarms(upsmib.ON_BATTERY, upsmib.INPUT_BAD, upsmib.LOW_BATTERY,
                             upsmib.OVERLOAD, upsmib.BATTERY_BAD)
    assert more[on_battery].alarm == upsmib.ON_BATTERY
    assert more[on_battery].time == rows[on_battery].time
    assert min(set(more) - set(rows)) > max(rows)
    scene.ups.change(ups__status="OB RB")
    fewer = scene.wait_alarms(upsmib.ON_BATTERY, upsmib.INPUT_BAD, upsmib.BATTERY_BAD)
    assert fewer[on_battery].time == rows[on_battery].time
    assert id_of(fewer, upsmib.BATTERY_BAD) == id_of(more, upsmib.BATTERY_BAD)


def test_the_alarm_table_has_two_columns(scene):
    scene.fail_power()
    scene.wait_alarms(upsmib.ON_BATTERY, upsmib.INPUT_BAD)
    assert ({oid.rsplit(".", 1)[0] for oid in scene.objects() if oid.startswith("6.2.")}
            == {"6.2.1.2", "6.2.1.3"})


def test_line_bads_count_outages(scene):
    assert scene.number("3.1.0") == 0
    for outage in (1, 2, 3):
        scene.fail_power()
        scene.wait_number("4.1.0", upsmib.BATTERY)
        assert scene.number("3.1.0") == outage
        scene.ups.change(ups__status="OB LB DISCHRG", input__voltage="10")
        scene.wait_number("2.1.0", upsmib.LOW)
        scene.ups.change(input__voltage="100", ups__status="OB DISCHRG")
        scene.wait_number("2.1.0", upsmib.NORMAL)
        assert scene.number("3.1.0") == outage
        scene.return_power()
        scene.wait_number("4.1.0", upsmib.MAINS)
        assert scene.number("3.1.0") == outage


def test_line_bads_count_voltages_out_of_the_window(scene):
    scene.ups.change(input__voltage="150", ups__status="OL BOOST")
    scene.wait_number("4.1.0", upsmib.BOOSTER)
    assert scene.number("3.1.0") == 1
    scene.ups.change(input__voltage="200")
    scene.wait_number("3.3.1.3.1", 200)
    assert scene.number("3.1.0") == 1
    scene.wait_alarms()


@pytest.mark.parametrize("status", ["OB CAL DISCHRG", "TEST OB"])
def test_a_test_on_battery_is_no_outage(scene, status):
    scene.ups.change(ups__status=status)
    rows = scene.wait_alarms(upsmib.ON_BATTERY)
    assert len(rows) == 1
    assert scene.number("4.1.0") == upsmib.BATTERY
    assert scene.number("3.1.0") == 0
    wait_until(lambda: scene.number("2.2.0") >= 1, "seconds on battery during the test")


def test_battery_runs_down(scene):
    scene.ups.change(ups__status="OB", battery__charge="30", battery__runtime="400")
    scene.wait_number("2.3.0", 6)
    assert scene.number("2.1.0") == upsmib.NORMAL
    scene.ups.change(ups__status="OB LB", battery__charge="8", battery__runtime="45")
    scene.wait_number("2.3.0", 1)
    assert scene.number("2.1.0") == upsmib.LOW
    scene.ups.change(battery__charge="0", battery__runtime="0")
    scene.wait_number("2.4.0", 0)
    assert scene.number("2.1.0") == upsmib.DEPLETED
    scene.ups.change(ups__status="OL CHRG", battery__charge="1", battery__runtime="60")
    scene.wait_number("2.4.0", 1)
    assert scene.number("2.1.0") == upsmib.NORMAL
    scene.wait_alarms()


def test_a_variable_first_told_later_appears(stage):
    scene = Scene(stage, "ups.status: OL\n")
    assert scene.number("2.6.0") is None
    assert scene.number("4.3.0") == 0
    scene.ups.change(battery__current="-1.5", output__voltage="229")
    scene.wait_number("2.6.0", -15)
    assert scene.number("4.3.0") == 1
    assert scene.number("4.4.1.2.1") == 229


# Tests of the UPS -----------------------------------------------------------------------------

def test_a_calibration_and_its_result(scene):
    assert scene.number("7.3.0") == upsmib.NEVER_TESTED
    before = scene.up_time()
    scene.ups.change(ups__status="OB CAL DISCHRG", ups__test__result="In progress")
    scene.wait_number("7.3.0", upsmib.IN_PROGRESS)
    assert scene.agent.get("7.1.0")[0] == "OID: " + upsmib.OBJECTS + upsmib.DEEP_CALIBRATION
    assert before <= scene.number("7.5.0") <= scene.up_time()
    earlier = scene.number("7.6.0")
    wait_until(lambda: scene.number("7.6.0") >= earlier + 50, "half a second more of the test")
    scene.ups.change(ups__status="OL", ups__test__result="Done and passed")
    scene.wait_number("7.3.0", upsmib.PASSED)
    assert scene.agent.get("7.1.0")[0] == "OID: " + upsmib.OBJECTS + upsmib.DEEP_CALIBRATION
    assert scene.agent.get_text("7.4.0") == "Done and passed"
    elapsed, started = scene.number("7.6.0"), scene.number("7.5.0")
    assert elapsed >= earlier + 50
    stood = scene.up_time()
    wait_until(lambda: scene.up_time() > stood + 50, "half a second after the test")
    assert (scene.number("7.6.0"), scene.number("7.5.0")) == (elapsed, started)


def test_a_second_test_counts_anew(scene):
    def run(status):
        scene.ups.change(ups__status=status)
        scene.wait_number("7.3.0", upsmib.IN_PROGRESS)
        started = scene.number("7.5.0")
        earlier = scene.number("7.6.0")
        wait_until(lambda: scene.number("7.6.0") >= earlier + 20, "a fifth of a second more")
        assert scene.number("7.5.0") == started
        scene.ups.change(ups__status="OL", ups__test__result="Done and passed")
        scene.wait_number("7.3.0", upsmib.PASSED)
        return started, scene.number("7.6.0")

    first, elapsed = run("OL TEST")
    assert scene.agent.get("7.1.0")[0] in [f"OID: {upsmib.OBJECTS}{test}"
                                           for test in (upsmib.SYSTEM_TEST, upsmib.QUICK_TEST)]
    wait_until(lambda: scene.up_time() > first + elapsed + 50, "half a second between the tests")
    second, elapsed = run("OB CAL DISCHRG")
    assert second >= first + 50
    assert second + elapsed <= scene.up_time() + 1
    assert scene.agent.get("7.1.0")[0] == "OID: " + upsmib.OBJECTS + upsmib.DEEP_CALIBRATION


@pytest.mark.parametrize("text,summary,alarms", [
    ("Done and passed", upsmib.PASSED, set()),
    ("Done and warning", upsmib.WARNING, set()),
    ("Done and error", upsmib.ERROR, {upsmib.TEST_FAILED}),
    ("Battery test failed", upsmib.ERROR, {upsmib.TEST_FAILED}),
    ("Aborted", upsmib.ABORTED, set()),
])
def test_results_of_tests(scene, text, summary, alarms):
    scene.ups.change(ups__status="OL TEST")
    scene.wait_number("7.3.0", upsmib.IN_PROGRESS)
    assert scene.wait_alarms() == {}  # started by the UPS itself, not through the Test group
    scene.ups.change(ups__status="OL", ups__test__result=text)
    scene.wait_number("7.3.0", summary)
    assert scene.agent.get_text("7.4.0") == text
    scene.wait_alarms(*alarms)


def test_a_failed_test_stands_until_the_next(scene):
    scene.ups.change(ups__status="OL TEST")
    scene.wait_number("7.3.0", upsmib.IN_PROGRESS)
    scene.ups.change(ups__status="OL", ups__test__result="Done and error")
    failed = scene.wait_alarms(upsmib.TEST_FAILED)
    scene.ups.change(ups__load="50")
    scene.wait_number("4.4.1.5.1", 50)
    assert sorted(scene.rows()) == sorted(failed)
    scene.ups.change(ups__status="OL TEST")
    scene.wait_alarms()
    scene.ups.change(ups__status="OL", ups__test__result="Done and passed")
    scene.wait_number("7.3.0", upsmib.PASSED)
    scene.wait_alarms()


# Lost and found ---------------------------------------------------------------------------------

GARBAGE = "\x01\x02 this is no UPS\n"


@pytest.mark.parametrize("recording", ["eaton-5sc-750.dev", "powerwalker-vfi-20k-cpg-3-3.dev"])
def test_a_lost_ups(stage, recording):
    scene = Scene(stage, DATA / recording, upsd_conf="MAXAGE 1\n")
    good = scene.ups.path.read_text()
    before = scene.objects()
    assert any(oid.startswith("4.4.") for oid in before)
    scene.ups.write(GARBAGE)
    scene.wait_number("2.1.0", upsmib.UNKNOWN)
    lost = scene.objects()
    assert not [oid for oid in lost if oid.startswith(MEASUREMENTS)]
    assert lost["4.1.0"] == ("INTEGER", upsmib.OTHER)
    assert ALWAYS <= set(lost)
    kept = [oid for oid in before if oid.startswith(("1.", "9."))]
    assert kept and {oid: lost.get(oid) for oid in kept} == {oid: before[oid] for oid in kept}
    alarms = {row.alarm for row in alarm_table(lost).values()}
    assert upsmib.COMMUNICATIONS_LOST in alarms
    for oid in ("7.1.0", "7.2.0", "7.3.0", "8.1.0", "8.5.0"):
        assert lost[oid] == before[oid]

    scene.ups.write(good)
    wait_until(lambda: scene.number("2.1.0") == before["2.1.0"][1], "the UPS is back")
    back = scene.objects()
    assert {oid for oid in back if not oid.startswith("6.2.")} == {
        oid for oid in before if not oid.startswith("6.2.")}
    assert upsmib.COMMUNICATIONS_LOST not in {row.alarm for row in alarm_table(back).values()}


def test_both_faces_call_a_ups_stale_together(stage):
    scene = Scene(stage, upsd_conf="MAXAGE 2\n")
    scene.ups.write(GARBAGE)
    scene.bridge.wait_answer("GET VAR ups ups.status", "ERR DATA-STALE")
    scene.wait_number("4.1.0", upsmib.OTHER)
    assert scene.number("2.4.0") is None
    scene.ups.write(ON_LINE)
    scene.bridge.wait_value("ups", "ups.status", "OL")
    scene.wait_number("4.1.0", upsmib.MAINS)
    assert scene.number("2.4.0") == 100


def test_lost_on_battery_still_counts_seconds(stage):
    scene = Scene(stage, ON_LINE + WINDOW, upsd_conf="MAXAGE 1\n")
    scene.fail_power()
    scene.wait_number("4.1.0", upsmib.BATTERY)
    scene.ups.write(GARBAGE)
    scene.wait_number("2.1.0", upsmib.UNKNOWN)
    earlier = scene.number("2.2.0")
    wait_until(lambda: scene.number("2.2.0") > earlier, "seconds go on while the UPS is lost")
    bads = scene.number("3.1.0")
    assert bads == 1
    scene.ups.write(ON_LINE + WINDOW)
    scene.wait_number("2.1.0", upsmib.NORMAL)
    scene.wait_alarms()
    assert (scene.number("2.2.0"), scene.number("3.1.0")) == (0, bads)


def test_never_seen(stage):
    """A UPS that was not there when we started: no invented readings, and it may come later."""
    port = free_udp_port()
    ups, other = Device("ups", "ups.status: OL\n"), Device("other", ON_LINE)
    bridge = stage.bridge([ups, other], start=False, upsd_conf="MAXAGE 1\n",
                          snmp=f"SNMP listen udp:127.0.0.1:{port}\n", snmp_conf=snmp_access())
    ups.path.unlink()
    bridge.program.start()
    wait_for_port(bridge.port, bridge.program)
    bridge.wait_value("other", "ups.status", "OL")
    agent = SnmpAgent(port)
    wait_until(lambda: agent.answers("4.1.0"), "the agent answers")
    wait_until(lambda: agent.get_number("6.1.0") == 1, "communications lost")
    done = agent.command("snmpwalk", upsmib.OBJECTS.rstrip("."))
    objects = {short(oid): value for oid, value in read_walk(done.out)}
    assert ALWAYS <= set(objects)
    assert not [oid for oid in objects if oid.startswith(MEASUREMENTS)]
    assert [row.alarm for row in alarm_table(objects).values()] == [upsmib.COMMUNICATIONS_LOST]
    assert (objects["2.1.0"][1], objects["4.1.0"][1]) == (upsmib.UNKNOWN, upsmib.OTHER)
    assert objects["1.2.0"] == ("STRING", "unknown")
    ups.write(ON_LINE)
    wait_until(lambda: agent.get_number("4.1.0") == upsmib.MAINS, "the UPS was found")
    assert agent.get_number("6.1.0") == 0
    assert agent.get_text("1.2.0") == "Bridge 1000"
