# SPDX-License-Identifier: BSD-2-Clause
"""
What a manager reads of each UPS: recordings of real ones, and made-up ones at the edges of the
mapping, walked with net-snmp's snmpwalk in the UPS's own context and compared with an oracle
(upsmib.py) object by object: nothing else, nothing less, types included.
"""

import pytest

import upsmib
from harness import DATA, ON_LINE, Device, SnmpAgent, free_udp_port, snmp_access, wait_until
from upsmib import Oracle, differences, read_walk, short

pytestmark = [pytest.mark.snmp_face,
              pytest.mark.peers("snmpwalk", "snmpget")]

RECORDINGS = sorted(DATA.glob("*.dev"))
# Names of groups in net-snmp's access control hold no more than 31 bytes.
CONTEXT_LENGTH = 24

# What NUT's dummy-ups, and so our simulated driver, says of a UPS whose file does not.
DUMMY = {"ups.mfr": "Dummy Manufacturer", "ups.model": "Dummy UPS"}
BASE = {"device.type": "ups", "ups.mfr": "Acme", "ups.model": "Bridge 1000"}


def recorded(path):
    """The variables of a recording, as NUT's word syntax reads them ("=" is a word of its own)."""
    found = dict(DUMMY)
    for line in path.read_text().splitlines():
        name, separator, value = line.partition("#")[0].partition(":")
        if separator:
            found[name] = " ".join(value.replace("=", " = ").split())
    return found


def thirds(pattern, *values):
    return {pattern.format(line): value for line, value in enumerate(values, 1)}


THREE = {"input.phases": "3", "output.phases": "3", "ups.status": "OL"}
WINDOW = {"input.transfer.low": "180", "input.transfer.high": "264"}

# Made-up UPSes: what they say beside BASE (None: not even that; "": they take it back). A name is
# that of the device and its context.
EDGES = {
    "bare": {"ups.status": "OL", "ups.mfr": None, "ups.model": None},
    "no-names": {"ups.status": "OL", "ups.mfr": "", "ups.model": ""},
    "device-names": {"ups.status": "OL", "ups.mfr": "", "ups.model": "",
                     "device.mfr": "Maker", "device.model": "Thing 3", "ups.id": "cellar"},
    "long-texts": {"ups.status": "OL", "ups.mfr": "M" * 31 + "xyz", "ups.model": "N" * 63 + "xyz",
                   "ups.firmware": "F" * 63 + "xyz", "ups.id": "I" * 63 + "xyz",
                   "ups.test.result": "R" * 255 + "xyz"},
    "exact-texts": {"ups.status": "OL", "ups.mfr": "M" * 31, "ups.model": "N" * 63,
                    "ups.firmware": "F" * 63, "ups.id": "I" * 63, "ups.test.result": "R" * 255},
    "padded": {"ups.status": "OL", "ups.mfr": "Acme   ", "ups.model": "Bridge  1000  ",
               "ups.firmware": "1.0 "},
    "blank-model": {"ups.status": "OL", "ups.model": "   "},
    "signs": {"ups.status": "OL", "ups.model": '100% "best" \\ #1'},
    "rounding": {"ups.status": "OL", "battery.voltage": "13.65", "battery.current": "0.05",
                 "battery.temperature": "24.5", "battery.charge": "99.5", "input.voltage": "229.5",
                 "input.frequency": "49.95", "input.current": "0.04", "output.voltage": "230.49",
                 "output.frequency": "50.04", "output.current": "1.15", "output.realpower": "0.5",
                 "ups.load": "22.5", "battery.runtime": "119.9"},
    "rounding-negative": {"ups.status": "OL", "battery.current": "-0.05",
                          "battery.temperature": "-0.5", "ups.load": "22.4999"},
    "rounding-tiny": {"ups.status": "OL", "battery.current": "-0.04",
                      "battery.temperature": "-10.4", "battery.runtime": "59.9"},
    "huge": {"ups.status": "OL", "battery.charge": "250", "battery.voltage": "99999999999",
             "battery.current": "99999999999", "battery.temperature": "99999999999",
             "battery.runtime": "9" * 30, "input.voltage": "1" + "0" * 40,
             "input.frequency": "214748364.8", "input.current": "214748364.7",
             "output.voltage": "2147483647", "output.realpower": "2147483648", "ups.load": "201",
             "ups.power.nominal": "4294967295", "ups.timer.reboot": "301",
             "ups.timer.start": "99999999999"},
    "negative": {"ups.status": "OL", "battery.voltage": "-1", "battery.current": "-99999999999",
                 "battery.temperature": "-99999999999", "battery.runtime": "-5",
                 "input.voltage": "-230", "input.frequency": "-0.1", "input.current": "-1",
                 "input.realpower": "-7", "output.voltage": "-230", "output.current": "-3.2",
                 "output.realpower": "-4", "ups.load": "-1", "ups.power.nominal": "-1",
                 "ups.timer.shutdown": "-60", "ups.timer.start": "-2", "ups.timer.reboot": "-300"},
    "garbage": {"ups.status": "OL", "battery.charge": "nan", "battery.voltage": "inf",
                "battery.current": "-inf", "battery.temperature": "12abc",
                "battery.runtime": "1e3", "input.voltage": "0x10", "input.frequency": "1,5",
                "input.current": "--", "output.voltage": "1 2", "output.frequency": "NaN",
                "output.current": ".", "ups.load": "?", "ups.realpower": "n/a",
                "input.phases": "some", "output.phases": "nan", "ups.timer.shutdown": "soon",
                "ups.beeper.status": "loud", "ups.start.auto": "maybe",
                "battery.runtime.low": "unknown", "input.transfer.low": "low"},
    "garbage-and-good": {"ups.status": "OL", "battery.temperature": "n/a",
                         "ups.temperature": "21.5", "input.voltage": "n/a",
                         "input.frequency": "50", "output.voltage": "n/a", "ups.load": "10",
                         "output.realpower": "n/a", "ups.realpower": "120"},
    "blanks-around": {"ups.status": "OL", "battery.charge": " 55 ", "ups.load": "+7"},
    "half-minute": {"ups.status": "OL", "battery.runtime": "30"},
    "no-runtime": {"ups.status": "OB", "battery.charge": "50"},
    "no-charge": {"ups.status": "OL", "battery.charge": "0"},
    "no-charge-on-battery": {"ups.status": "OB", "battery.charge": "0", "battery.runtime": "600"},
    "no-time": {"ups.status": "OB", "battery.runtime": "0", "battery.charge": "30"},
    "no-time-on-mains": {"ups.status": "OL", "battery.runtime": "0", "battery.charge": "30"},
    "low": {"ups.status": "OL LB", "battery.charge": "5"},
    "low-on-battery": {"ups.status": "OB LB", "battery.runtime": "700"},
    "low-by-time": {"ups.status": "OB", "battery.runtime": "120", "battery.runtime.low": "120"},
    "low-by-time-on-mains": {"ups.status": "OL", "battery.runtime": "119",
                             "battery.runtime.low": "120"},
    "not-low-by-time": {"ups.status": "OB", "battery.runtime": "121",
                        "battery.runtime.low": "120"},
    "low-by-minutes": {"ups.status": "OB", "battery.runtime": "110", "battery.runtime.low": "90"},
    "fsd": {"ups.status": "FSD OL"},
    "fsd-on-battery": {"ups.status": "FSD OB LB"},
    "off": {"ups.status": "OFF"},
    "standby": {"ups.status": "OL OFF"},
    "bypass": {"ups.status": "OL BYPASS"},
    "bypass-on-battery": {"ups.status": "OB BYPASS"},
    "boost": {"ups.status": "OL BOOST"},
    "trim": {"ups.status": "OL TRIM"},
    "boost-on-battery": {"ups.status": "OB BOOST"},
    "calibration": {"ups.status": "OL CAL"},
    "calibration-on-battery": {"ups.status": "OB CAL DISCHRG", "battery.runtime": "900"},
    "test": {"ups.status": "OL TEST", "ups.test.result": "In progress"},
    "test-on-battery": {"ups.status": "TEST OB", **WINDOW, "input.voltage": "231"},
    "tested": {"ups.status": "OL", "ups.test.result": "Done and error"},
    "overload": {"ups.status": "OL OVER", "ups.load": "130"},
    "replace": {"ups.status": "OL RB"},
    "odd-words": {"ups.status": "ECO OL HB CHRG XYZZY"},
    "no-known-word": {"ups.status": "DISCHRG XYZZY"},
    "parts-of-words": {"ups.status": "OL OBX XOFF BYPASSED"},
    "alarm-without-text": {"ups.status": "ALARM OL"},
    "alarm-replace": {"ups.status": "ALARM OL", "ups.alarm": "Replace battery!"},
    "alarm-replace-twice": {"ups.status": "ALARM OL RB", "ups.alarm": "[Replace battery!]"},
    "alarm-no-battery": {"ups.status": "ALARM OL", "ups.alarm": "No battery installed!"},
    "alarm-temperature": {"ups.status": "ALARM OL", "ups.alarm": "Temperature too high!"},
    "alarm-overheat": {"ups.status": "ALARM OL", "ups.alarm": "OVERHEAT"},
    "alarm-charger": {"ups.status": "ALARM OL", "ups.alarm": "Battery charger fail!"},
    "alarm-fan": {"ups.status": "ALARM OL", "ups.alarm": "Fan failure!"},
    "alarm-fuse": {"ups.status": "ALARM OL", "ups.alarm": "Fuse fault!"},
    "alarm-bypass": {"ups.status": "ALARM OL", "ups.alarm": "Bypass voltage out of range!"},
    "alarm-awaiting": {"ups.status": "ALARM OL OFF", "ups.alarm": "Awaiting power!"},
    "alarm-imminent": {"ups.status": "ALARM OB LB", "ups.alarm": "Shutdown imminent!"},
    "alarm-general": {"ups.status": "ALARM OL", "ups.alarm": "Internal UPS fault!"},
    "alarm-many": {"ups.status": "ALARM OL OVER",
                   "ups.alarm": "[Overload] [Fan failure!] [Internal UPS fault!] [Odd thing]"},
    "window-inside": {"ups.status": "OB", **WINDOW, "input.voltage": "230"},
    "window-below": {"ups.status": "OL", **WINDOW, "input.voltage": "179.9"},
    "window-above": {"ups.status": "OL", **WINDOW, "input.voltage": "264.1"},
    "window-low-edge": {"ups.status": "OL", **WINDOW, "input.voltage": "180"},
    "window-high-edge": {"ups.status": "OL", **WINDOW, "input.voltage": "264"},
    "window-upper-outage": {"ups.status": "OB", "input.transfer.high": "264",
                            "input.voltage": "0"},
    "window-upper-above": {"ups.status": "OL", "input.transfer.high": "264",
                           "input.voltage": "270"},
    "window-lower-inside": {"ups.status": "OB", "input.transfer.low": "180",
                            "input.voltage": "230"},
    "window-half-told": {"ups.status": "OL", "input.transfer.low": "180",
                         "input.voltage": "170"},
    "window-outage": {"ups.status": "OB", **WINDOW, "input.voltage": "0"},
    "window-unknown": {"ups.status": "OB", "input.voltage": "230"},
    "input-status": {"ups.status": "OL", "input.voltage.status": "critical-low"},
    "input-status-line": {"ups.status": "OL", "input.L2.voltage.status": "critical-high"},
    "input-status-good": {"ups.status": "OL", "input.voltage.status": "good",
                          "input.frequency.status": "good", "output.voltage.status": "good"},
    "input-frequency-status": {"ups.status": "OL", "input.frequency.status": "out-of-range"},
    "output-status": {"ups.status": "OL", "output.voltage.status": "critical-high",
                      "outlet.1.status": "off"},
    "bypass-status": {"ups.status": "OL", "input.bypass.voltage": "170",
                      "input.bypass.voltage.status": "critical-low"},
    "temperature-status": {"ups.status": "OL", "battery.temperature.status": "critical-high"},
    "charger-status": {"ups.status": "OL", "battery.charger.status": "fault"},
    "timer-pending": {"ups.status": "OL", "ups.timer.shutdown": "120", "ups.timer.start": "30"},
    "timer-imminent": {"ups.status": "OL", "ups.timer.shutdown": "4"},
    "timer-none": {"ups.status": "OL", "ups.timer.shutdown": "0", "ups.timer.reboot": "0"},
    "restart-off": {"ups.status": "OL", "ups.start.auto": "no"},
    "restart-on": {"ups.status": "OL", "ups.start.auto": "yes"},
    "beeper-disabled": {"ups.status": "OL", "ups.beeper.status": "disabled"},
    "beeper-muted": {"ups.status": "OL", "ups.beeper.status": "muted"},
    "ratings": {"ups.status": "OL", "input.voltage.nominal": "230",
                "input.frequency.nominal": "50", "output.voltage.nominal": "229.5",
                "output.frequency.nominal": "59.95", "ups.power.nominal": "1500",
                "ups.realpower.nominal": "900", "battery.runtime.low": "121",
                "ups.beeper.status": "enabled", **WINDOW},
    "load-only": {"ups.status": "OL", "ups.load": "0"},
    "current-only": {"ups.status": "OL", "input.current": "1.04", "output.current": "1.05",
                     "input.bypass.current": "0"},
    "power-only": {"ups.status": "OL", "input.realpower": "120", "output.realpower": "110"},
    "one-phase-told": {"ups.status": "OL", "input.phases": "1", "input.voltage": "230",
                       "output.phases": "1", "output.voltage": "231"},
    "three-to-neutral": {**THREE, **thirds("input.L{}-N.voltage", "230.5", "231.4", "0"),
                         **thirds("output.L{}-N.voltage", "229", "230", "231"),
                         **thirds("input.L{}.current", "1.04", "1.05", "12"),
                         **thirds("output.L{}.current", "0.04", "0.05", "7"),
                         **thirds("input.L{}.realpower", "100", "200", "300"),
                         **thirds("output.L{}.realpower", "90.5", "180.4", "250"),
                         **thirds("input.L{}.frequency", "49.9", "50.0", "50.1"),
                         **thirds("output.L{}.power.percent", "201", "33.5", "0"),
                         **thirds("output.L{}.frequency", "50.1", "50.2", "50.3"),
                         "ups.load": "40", "ups.realpower": "520", "input.frequency": "50.5"},
    "three-plain": {**THREE, **thirds("input.L{}.voltage", "230", "231", "232"),
                    **thirds("output.L{}.voltage", "229", "230", "231"), "ups.load": "40",
                    "input.frequency": "50", "ups.realpower": "520"},
    "three-between": {**THREE, "input.L1-L2.voltage": "400", "input.L2-L3.voltage": "401",
                      "input.L3-L1.voltage": "402", "output.L1-L2.voltage": "398",
                      "output.L2-L3.voltage": "399", "output.L3-L1.voltage": "400.5"},
    "three-mixed": {**THREE, "input.L1-N.voltage": "n/a", "input.L1.voltage": "231",
                    "input.L2.voltage": "nan", "input.L2-L3.voltage": "400",
                    "input.L3-N.voltage": "229", "input.L3.voltage": "1"},
    "three-bypass": {**THREE, "input.bypass.phases": "3", "input.bypass.frequency": "50.04",
                     **thirds("input.bypass.L{}-N.voltage", "230", "231", "232"),
                     **thirds("input.bypass.L{}.current", "1", "2", "3.05"),
                     **thirds("input.bypass.L{}.realpower", "10", "20", "30")},
    "bypass-measured": {"ups.status": "OL", "input.bypass.voltage": "229.5",
                        "input.bypass.frequency": "50", "input.bypass.current": "0.5",
                        "input.bypass.realpower": "100"},
    "no-phases": {"ups.status": "OL", "input.phases": "0", "output.phases": "0",
                  "input.bypass.phases": "0"},
}


def edge_told(name):
    merged = {**BASE, **EDGES[name]}
    return {variable: value for variable, value in merged.items() if value is not None}


def edge_variables(name):
    return {**DUMMY, **edge_told(name)}


def quoted(text):
    return '"' + "".join("\\" + byte if byte in '"\\#' else byte for byte in text) + '"'


def edge_text(name):
    return "".join(f"{variable}: {quoted(value)}\n"
                   for variable, value in edge_told(name).items())


def recording_name(path):
    return path.stem[:CONTEXT_LENGTH]


@pytest.fixture(scope="module")
def agent(module_stage):
    """All UPSes in one upsbridged, each in the context of its name."""
    devices = [Device(recording_name(path), path) for path in RECORDINGS]
    devices += [Device(name, edge_text(name)) for name in EDGES]
    port = free_udp_port()
    module_stage.bridge(devices, snmp=f"SNMP listen udp:127.0.0.1:{port}\n",
                        snmp_conf=snmp_access(*[device.name for device in devices]))
    return SnmpAgent(port)


def walk(agent, context, **options):
    """{short oid: (type, value)} of a context."""
    done = agent.command("snmpwalk", upsmib.OBJECTS.rstrip("."), community=context, **options)
    pairs = read_walk(done.out)
    oids = [upsmib.numbers(oid) for oid, _ in pairs]
    assert oids == sorted(set(oids)), "a walk goes up, and over each instance once"
    return {short(oid): value for oid, value in pairs}


def assert_as_expected(agent, name, variables):
    found = differences(Oracle(name, variables), walk(agent, name))
    assert not found, f"{name} {variables}:\n" + "\n".join(found)


def test_there_are_recordings():
    assert len(RECORDINGS) >= 17
    assert len({recording_name(path) for path in RECORDINGS}) == len(RECORDINGS)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_recording(agent, path):
    assert_as_expected(agent, recording_name(path), recorded(path))


@pytest.mark.parametrize("name", EDGES)
def test_edge(agent, name):
    assert_as_expected(agent, name, edge_variables(name))


# The oracle against figures worked out by hand: it must not err together with the daemon.

def test_innova_by_hand(agent):
    """Three phases in, one out, and a bypass."""
    objects = walk(agent, "innova-rt-3-1-20k")
    figures = {"2.3.0": 115, "2.4.0": 100, "2.5.0": 3278, "2.7.0": 23,
               "3.2.0": 3, "3.3.1.2.1": 500, "3.3.1.2.3": 500, "3.3.1.3.1": 227,
               "3.3.1.3.2": 226, "3.3.1.3.3": 230, "4.1.0": 3, "4.2.0": 499, "4.3.0": 1,
               "4.4.1.2.1": 230, "4.4.1.3.1": 65, "4.4.1.4.1": 1400, "4.4.1.5.1": 7,
               "5.1.0": 499, "5.2.0": 1, "5.3.1.2.1": 230, "9.3.0": 230}
    assert {oid: objects[oid] for oid in figures} == {
        oid: ("INTEGER", figure) for oid, figure in figures.items()}
    assert objects["1.1.0"] == ("STRING", "Ippon")
    assert objects["6.1.0"] == ("Gauge32", 0)


def test_alarms_by_hand(agent):
    objects = walk(agent, "alarms")
    assert {row.alarm for row in upsmib.alarm_table(objects).values()} == {1, 2, 3, 5, 6, 8}
    assert objects["2.1.0"] == ("INTEGER", 3)
    assert objects["4.1.0"] == ("INTEGER", 5)
    assert objects["4.4.1.5.1"] == ("INTEGER", 108)
    assert objects["2.3.0"] == ("INTEGER", 1)


def test_powerwalker_by_hand(agent):
    """Three phases in and out, and the bypass."""
    objects = walk(agent, "powerwalker-vfi-20k-cpg-3-3"[:CONTEXT_LENGTH])
    rows = [[objects[f"4.4.1.{column}.{line}"][1] for column in (2, 3, 5)] for line in (1, 2, 3)]
    assert rows == [[230, 145, 50], [230, 64, 21], [231, 70, 24]]
    assert [objects[f"5.3.1.2.{line}"][1] for line in (1, 2, 3)] == [230, 227, 227]
    assert not any(oid.startswith("4.4.1.4.") for oid in objects)


# Outside the table ------------------------------------------------------------------------------

def test_bytes_beyond_ascii_never_reach_a_display_string(stage):
    port = free_udp_port()
    device = Device("odd", "ups.status: OL\nups.mfr: W\u00e4rme\nups.model: \u65e5\u672c X\n")
    stage.bridge([device], snmp=f"SNMP listen udp:127.0.0.1:{port}\n", snmp_conf=snmp_access())
    agent = SnmpAgent(port)
    maker, model = agent.get_text("1.1.0"), agent.get_text("1.2.0")
    assert maker.isascii() and maker.startswith("W") and maker.endswith("rme")
    assert model.isascii() and model.endswith("X")


def test_a_negative_charge_is_nothing(stage):
    port = free_udp_port()
    device = Device("ups", ON_LINE.replace("battery.charge: 100", "battery.charge: -5"))
    stage.bridge([device], snmp=f"SNMP listen udp:127.0.0.1:{port}\n", snmp_conf=snmp_access())
    assert SnmpAgent(port).get_number("2.4.0") == 0


@pytest.mark.parametrize("phases", ["7", "1000000000", "2.5", "-3"])
def test_a_strange_number_of_phases_does_no_harm(stage, phases):
    port = free_udp_port()
    device = Device("ups", ON_LINE + f"input.phases: {phases}\noutput.phases: {phases}\n")
    bridge = stage.bridge([device], snmp=f"SNMP listen udp:127.0.0.1:{port}\n",
                          snmp_conf=snmp_access())
    objects = walk(SnmpAgent(port), "public")
    for lines, column in (("3.2.0", "3.3.1."), ("4.3.0", "4.4.1.")):
        told = objects[lines][1]
        rows = {int(oid.rsplit(".", 1)[1]) for oid in objects if oid.startswith(column)}
        assert 0 <= told and all(1 <= row <= told for row in rows), (told, rows)
    assert bridge.memory() < 100_000


def test_overrides_count_as_readings(stage):
    """What ups.conf says of a UPS holds for both faces."""
    port = free_udp_port()
    device = Device("ups", ON_LINE, override__ups__realpower__nominal="700",
                    default__input__current="1.2")
    stage.bridge([device], snmp=f"SNMP listen udp:127.0.0.1:{port}\n", snmp_conf=snmp_access())
    agent = SnmpAgent(port)
    assert agent.get_number("9.6.0") == 700
    wait_until(lambda: agent.get_number("3.3.1.4.1") == 12, "the default current")
