# SPDX-License-Identifier: BSD-2-Clause
"""
What the UPS-MIB (RFC 1628) must say of a UPS whose NUT variables are known: an oracle written from
the RFC and the project's mapping, without a look at the daemon's code; and the reading of what
net-snmp's tools print.

OIDs are written as their ending below upsObjects (1.3.6.1.2.1.33.1): "2.4.0".
"""

import math
import re
from decimal import ROUND_HALF_UP, Decimal

OBJECTS = ".1.3.6.1.2.1.33.1."
SYSTEM = ".1.3.6.1.2.1.1."
INTEGER_MAX = 2**31 - 1

# upsBatteryStatus
UNKNOWN, NORMAL, LOW, DEPLETED = 1, 2, 3, 4
# upsOutputSource
OTHER, NONE, MAINS, BYPASS, BATTERY, BOOSTER, REDUCER = 1, 2, 3, 4, 5, 6, 7
# upsWellKnownAlarms
(BATTERY_BAD, ON_BATTERY, LOW_BATTERY, DEPLETED_BATTERY, TEMPERATURE_BAD, INPUT_BAD, OUTPUT_BAD,
 OVERLOAD, ON_BYPASS, BYPASS_BAD) = range(1, 11)
CHARGER_FAILED, OUTPUT_OFF = 13, 14
FAN_FAILURE, FUSE_FAILURE, GENERAL_FAULT, TEST_FAILED, COMMUNICATIONS_LOST = range(16, 21)
AWAITING_POWER, SHUTDOWN_PENDING, SHUTDOWN_IMMINENT = range(21, 24)
# upsWellKnownTests
NO_TEST, SYSTEM_TEST, QUICK_TEST, DEEP_CALIBRATION = ("7.7.1", "7.7.3", "7.7.4", "7.7.5")
# upsTestResultsSummary
PASSED, WARNING, ERROR, ABORTED, IN_PROGRESS, NEVER_TESTED = 1, 2, 3, 4, 5, 6


# What net-snmp's tools print -------------------------------------------------------------------

class Unreadable(AssertionError):
    """A line that no tool of net-snmp should print in answer to a sound agent."""


def read_value(text):
    """'INTEGER: 5' -> ("INTEGER", 5); exceptions of SNMPv2 are ("NONE", their text)."""
    if text == '""':
        return "STRING", ""
    if text.startswith("No ") or text.startswith("End of MIB"):
        return "NONE", text
    kind, value = text.split(": ", 1) if ": " in text else (text.rstrip(":"), "")
    if kind == "Hex-STRING":
        return "STRING", bytes.fromhex(value).decode("latin-1")
    if kind in ("INTEGER", "Counter32", "Counter64", "Gauge32"):
        return kind, int(value)
    if kind == "Timeticks":
        return kind, int(re.match(r"\((\d+)\)", value)[1])
    if kind == "OID":
        return kind, value
    if kind == "STRING":
        return kind, re.sub(r"\\(.)", r"\1", value[1:-1])
    raise Unreadable(text)


def read_lines(text):
    """[(oid, (type, value))] in the order told, of a tool's output."""
    found = []
    for line in text.splitlines():
        oid, separator, value = line.partition(" = ")
        if not separator:
            raise Unreadable(line)
        found.append((oid, read_value(value)))
    return found


def read_walk(text):
    """The same of a walk, which may have met the end of what there is to see (v1: in words)."""
    found = read_lines(re.sub(r"End of MIB\n\Z", "", text))
    ends = [place for place, (_, value) in enumerate(found) if value[0] == "NONE"]
    if ends and ends != [len(found) - 1]:
        raise Unreadable(f"an end in the midst of a walk: {found[ends[0]]}")
    return found[:-1] if ends else found


def numbers(oid):
    return tuple(int(part) for part in oid.strip(".").split("."))


def short(oid):
    """An OID as this module writes it; one of another subtree stays as it is."""
    return oid[len(OBJECTS):] if oid.startswith(OBJECTS) else oid


# Numbers ---------------------------------------------------------------------------------------

def number(text):
    """A decimal number in the C locale, or None."""
    if text is None or not re.fullmatch(r"[ \t]*[-+]?\d+(\.\d+)?[ \t]*", text, re.A):
        return None
    return Decimal(text.strip())


def integer(value, scale=1, low=0, high=INTEGER_MAX):
    """Scaled, rounded half away from zero, clamped; None stays None."""
    if value is None:
        return None
    rounded = int((value * scale).to_integral_value(ROUND_HALF_UP))
    return max(low, min(high, rounded))


class Between:
    """A value that time or chance decides, within bounds."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def __eq__(self, other):
        return self.low <= other <= self.high

    def __repr__(self):
        return f"{self.low}..{self.high}"


class OneOf:
    """A value the mapping leaves open."""

    def __init__(self, *values):
        self.values = values

    def __eq__(self, other):
        return other in self.values

    def __repr__(self):
        return " or ".join(map(repr, self.values))


# Alarm texts: NUT drivers' own words.
ALARM_WORDS = [
    (r"charger", CHARGER_FAILED),
    (r"no battery", DEPLETED_BATTERY),
    (r"replace battery", BATTERY_BAD),
    (r"temperature|overheat", TEMPERATURE_BAD),
    (r"overload", OVERLOAD),
    (r"bypass", BYPASS_BAD),
    (r"fan", FAN_FAILURE),
    (r"fuse", FUSE_FAILURE),
    (r"awaiting power", AWAITING_POWER),
    (r"shutdown imminent", SHUTDOWN_IMMINENT),
    (r"", GENERAL_FAULT),
]


def alarms_of_text(text):
    """Each message of ups.alarm stands for one well-known alarm."""
    messages = re.findall(r"\[([^]]*)\]", text) or ([text] if text else [])
    return {next(alarm for pattern, alarm in ALARM_WORDS if re.search(pattern, message, re.I))
            for message in messages}


class Oracle:
    """
    The expected objects of a UPS just attached, from its NUT variables and instant commands.

    expected: {"2.4.0": ("INTEGER", 100), ...} without the alarm table's rows;
    alarms: numbers of the alarms raised.
    """

    def __init__(self, name, variables, commands=()):
        self.name = name
        self.commands = set(commands)
        self.variables = variables
        self.status = set(variables.get("ups.status", "").split())
        self.expected = {}
        self.source = self.output_source()
        self.input_is_bad = self.is_input_bad()
        self.battery_status = self.find_battery_status()
        self.alarms = self.find_alarms()
        for group in (self.ident, self.battery, self.input, self.output, self.bypass, self.test,
                      self.control, self.config):
            group()
        self.put("6.1", "Gauge32", len(self.alarms))

    # Reading variables

    def text(self, *names):
        return next((self.variables[n] for n in names if self.variables.get(n)), None)

    def number(self, *names):
        """The first of the variables that is a number."""
        found = (number(self.variables.get(name)) for name in names)
        return next((value for value in found if value is not None), None)

    def any_number(self, *names):
        return self.number(*names) is not None

    # Writing objects

    def put(self, oid, kind, value, index=0):
        if value is not None:
            self.expected[f"{oid}.{index}"] = (kind, value)

    def put_number(self, oid, *names, index=0, **conversion):
        self.put(oid, "INTEGER", integer(self.number(*names), **conversion), index)

    def put_text(self, oid, longest, default, *names):
        text = re.sub(r"[^ -~]", "?", self.text(*names) or "").rstrip(" ")[:longest].rstrip(" ")
        self.put(oid, "STRING", text or default)

    # Conditions

    def output_source(self):
        order = [("OFF", NONE), ("BYPASS", BYPASS), ("OB", BATTERY), ("BOOST", BOOSTER),
                 ("TRIM", REDUCER), ("OL", MAINS)]
        return next((source for word, source in order if word in self.status), OTHER)

    def low_battery_minutes(self):
        low = self.number("battery.runtime.low")
        return None if low is None else max(0, min(INTEGER_MAX, math.ceil(low / 60)))

    def find_battery_status(self):
        runtime = self.number("battery.runtime")
        minutes = self.low_battery_minutes()
        if (self.number("battery.charge") == 0
                or DEPLETED_BATTERY in alarms_of_text(self.variables.get("ups.alarm", ""))
                or ("OB" in self.status and runtime == 0)):
            return DEPLETED
        if "LB" in self.status:
            return LOW
        if runtime is not None and minutes is not None and runtime <= minutes * 60:
            return LOW
        return NORMAL

    def voltage_outside(self):
        """Of the transfer window; None: not known (below the upper end alone is no answer)."""
        low, high = self.number("input.transfer.low"), self.number("input.transfer.high")
        voltage = self.number("input.voltage")
        if voltage is None:
            return None
        if (low is not None and voltage < low) or (high is not None and voltage > high):
            return True
        return None if low is None else False

    def status_is_bad(self, pattern):
        return any(re.fullmatch(pattern, name) and value != "good"
                   for name, value in self.variables.items())

    def is_input_bad(self):
        outside = self.voltage_outside()
        failure = ("OB" in self.status and not self.status & {"CAL", "TEST"}
                   and outside is not False)
        return (failure or bool(outside)
                or self.status_is_bad(r"input\.(L\d\.)?(voltage|frequency)\.status"))

    def find_alarms(self):
        timer = self.number("ups.timer.shutdown")
        conditions = {
            BATTERY_BAD: "RB" in self.status,
            ON_BATTERY: self.source == BATTERY,
            LOW_BATTERY: self.battery_status == LOW,
            DEPLETED_BATTERY: self.battery_status == DEPLETED,
            TEMPERATURE_BAD: self.status_is_bad(r"(battery|ups|ambient)\.temperature\.status"),
            INPUT_BAD: self.input_is_bad,
            OUTPUT_BAD: self.status_is_bad(r"output\.(L\d\.)?(voltage|frequency)\.status"),
            OVERLOAD: "OVER" in self.status,
            ON_BYPASS: self.source == BYPASS,
            BYPASS_BAD: self.status_is_bad(r"input\.bypass\.(voltage|frequency)\.status"),
            CHARGER_FAILED: self.variables.get("battery.charger.status") == "fault",
            OUTPUT_OFF: "OFF" in self.status,
            SHUTDOWN_PENDING: timer is not None and timer > 0,
            SHUTDOWN_IMMINENT: timer is not None and 0 < timer < 5,
        }
        raised = {alarm for alarm, holds in conditions.items() if holds}
        return raised | alarms_of_text(self.variables.get("ups.alarm", ""))

    # Groups

    def ident(self):
        self.put_text("1.1", 31, OneOf("", "unknown"), "ups.mfr", "device.mfr")
        self.put_text("1.2", 63, "unknown", "ups.model", "device.model")
        self.put_text("1.3", 63, "", "ups.firmware")
        self.put("1.4", "STRING", AgentVersion())
        self.put_text("1.5", 63, self.name, "ups.id")
        self.put("1.6", "STRING", "")

    def battery(self):
        self.put("2.1", "INTEGER", self.battery_status)
        self.put("2.2", "INTEGER", Between(0, 3600) if self.source == BATTERY else 0)
        runtime = self.number("battery.runtime")
        if runtime is not None:
            self.put("2.3", "INTEGER", max(1, min(INTEGER_MAX, math.floor(runtime / 60))))
        self.put_number("2.4", "battery.charge", high=100)
        self.put_number("2.5", "battery.voltage", scale=10)
        self.put_number("2.6", "battery.current", scale=10, low=-INTEGER_MAX - 1)
        self.put_number("2.7", "battery.temperature", "ups.temperature", low=-INTEGER_MAX - 1)

    def lines(self, phases, measurements):
        told = self.number(phases)
        return int(told) if told is not None else int(self.any_number(*measurements))

    def phase_voltage(self, oid, side, line, lines):
        following = line % lines + 1
        names = [f"{side}.voltage"] if lines == 1 else [
            f"{side}.L{line}-N.voltage", f"{side}.L{line}.voltage",
            f"{side}.L{line}-L{following}.voltage"]
        self.put_number(oid, *names, index=line)

    def phase(self, oid, side, line, lines, quantity, **conversion):
        name = f"{side}.{quantity}" if lines == 1 else f"{side}.L{line}.{quantity}"
        self.put_number(oid, name, index=line, **conversion)

    def input(self):
        # Found bad in the first reading: whether that is a transition is left open.
        self.put("3.1", "Counter32", OneOf(0, 1) if self.input_is_bad else 0)
        lines = self.lines("input.phases", [f"input.{what}" for what in
                                            ("voltage", "frequency", "current", "realpower")])
        self.put("3.2", "INTEGER", lines)
        for line in range(1, lines + 1):
            own = [f"input.L{line}.frequency"] if lines > 1 else []
            self.put_number("3.3.1.2", *own, "input.frequency", index=line, scale=10)
            self.phase_voltage("3.3.1.3", "input", line, lines)
            self.phase("3.3.1.4", "input", line, lines, "current", scale=10)
            self.phase("3.3.1.5", "input", line, lines, "realpower")

    def output(self):
        self.put("4.1", "INTEGER", self.source)
        self.put_number("4.2", "output.frequency", "output.L1.frequency", scale=10)
        lines = self.lines("output.phases", ["output.voltage", "output.frequency",
                                             "output.current", "output.realpower", "ups.load"])
        self.put("4.3", "INTEGER", lines)
        for line in range(1, lines + 1):
            self.phase_voltage("4.4.1.2", "output", line, lines)
            self.phase("4.4.1.3", "output", line, lines, "current", scale=10)
            self.put_number("4.4.1.4", *(["output.realpower", "ups.realpower"] if lines == 1 else
                                         [f"output.L{line}.realpower"]), index=line)
            own = [f"output.L{line}.power.percent"] if lines > 1 else []
            self.put_number("4.4.1.5", *own, "ups.load", index=line, high=200)

    def bypass(self):
        side = "input.bypass"
        lines = self.lines(f"{side}.phases", [f"{side}.{what}" for what in
                                              ("voltage", "frequency", "current", "realpower")])
        self.put("5.2", "INTEGER", lines)
        if lines > 0:
            self.put_number("5.1", f"{side}.frequency", scale=10)
        for line in range(1, lines + 1):
            self.phase_voltage("5.3.1.2", side, line, lines)
            self.phase("5.3.1.3", side, line, lines, "current", scale=10)
            self.phase("5.3.1.4", side, line, lines, "realpower")

    def test(self):
        running = self.status & {"CAL", "TEST"}
        test = ([OBJECTS + NO_TEST] if not running else [OBJECTS + DEEP_CALIBRATION]
                if "CAL" in running else [OBJECTS + SYSTEM_TEST, OBJECTS + QUICK_TEST])
        self.put("7.1", "OID", OneOf(*test))
        self.put("7.2", "INTEGER", 1)
        self.put("7.3", "INTEGER", IN_PROGRESS if running else NEVER_TESTED)
        self.put_text("7.4", 255, "", "ups.test.result")
        # Running when we came: since then, or since before all.
        self.put("7.5", "Timeticks", Between(0, 360000) if running else 0)
        self.put("7.6", "INTEGER", Between(0, 360000) if running else 0)

    def countdown(self, oid, name, high=INTEGER_MAX):
        """Seconds left; many devices say 0 where they mean that nothing is counting."""
        left = self.number(name)
        counts = left is not None and left > 0
        self.put(oid, "INTEGER", integer(left, high=high) if counts else -1)

    def control(self):
        # One that can switch off as a whole, but not its output alone, leaves no choice.
        whole = self.commands & {"shutdown.return", "shutdown.stayoff"}
        output = self.commands & {"load.off", "load.off.delay"}
        self.put("8.1", "INTEGER", 2 if whole and not output else 1)
        self.countdown("8.2", "ups.timer.shutdown")
        self.countdown("8.3", "ups.timer.start")
        self.countdown("8.4", "ups.timer.reboot", high=300)
        self.put("8.5", "INTEGER", 2 if self.variables.get("ups.start.auto") == "no" else 1)

    def config(self):
        self.put_number("9.1", "input.voltage.nominal")
        self.put_number("9.2", "input.frequency.nominal", scale=10)
        self.put_number("9.3", "output.voltage.nominal")
        self.put_number("9.4", "output.frequency.nominal", scale=10)
        self.put_number("9.5", "ups.power.nominal")
        self.put_number("9.6", "ups.realpower.nominal")
        self.put("9.7", "INTEGER", self.low_battery_minutes())
        beeper = {"disabled": 1, "enabled": 2, "muted": 3}
        self.put("9.8", "INTEGER", beeper.get(self.variables.get("ups.beeper.status")))
        self.put_number("9.9", "input.transfer.low")
        self.put_number("9.10", "input.transfer.high")


class AgentVersion:
    """Our name and version; a manager takes "Net Vision" for a Socomec card."""

    def __eq__(self, other):
        return re.match(r"upsbridge\b", other) is not None and len(other) <= 63

    def __repr__(self):
        return "'upsbridge ...'"


# Comparing -------------------------------------------------------------------------------------

class AlarmRow:
    def __init__(self, alarm, time):
        self.alarm, self.time = alarm, time

    def __repr__(self):
        return f"{self.alarm}@{self.time}"


def alarm_table(objects):
    """{id: AlarmRow} of a walk's {short oid: (type, value)}; checks its form."""
    rows = {}
    for oid, (kind, value) in objects.items():
        found = re.fullmatch(r"6\.2\.1\.2\.(\d+)", oid)
        if found:
            assert kind == "OID" and short(value).startswith("6.3."), (oid, kind, value)
            time_kind, time = objects[f"6.2.1.3.{found[1]}"]
            assert time_kind == "Timeticks", (oid, time_kind)
            rows[int(found[1])] = AlarmRow(int(short(value)[len("6.3."):]), time)
    alarms = [row.alarm for row in rows.values()]
    assert len(alarms) == len(set(alarms)), f"two rows of one alarm: {rows}"
    assert objects["6.1.0"] == ("Gauge32", len(rows))
    return rows


def differences(oracle, objects):
    """Lines that say where a walk's objects differ from what is expected of a fresh UPS."""
    told = {oid: value for oid, value in objects.items() if not oid.startswith("6.2.1.")}
    found = []
    for oid in sorted(told.keys() | oracle.expected.keys(), key=numbers):
        want, have = oracle.expected.get(oid), told.get(oid)
        if want is None or have is None or want[0] != have[0] or not want[1] == have[1]:
            found.append(f"{oid}: expected {want}, told {have}")
    rows = alarm_table(objects)
    raised = {row.alarm for row in rows.values()}
    if raised != oracle.alarms:
        found.append(f"alarms: expected {sorted(oracle.alarms)}, told {sorted(raised)}")
    if sorted(rows) != list(range(1, len(rows) + 1)):
        found.append(f"alarm ids of a fresh UPS: {sorted(rows)}")
    if any(row.time != 0 for row in rows.values()):
        found.append(f"alarms that held at the start, with a time: {rows}")
    columns = {oid.split(".")[3] for oid in objects if oid.startswith("6.2.1.")}
    if columns - {"2", "3"}:
        found.append(f"columns of the alarm table: {sorted(columns)}")
    return found
