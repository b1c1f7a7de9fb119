# SPDX-License-Identifier: BSD-2-Clause
"""
The circle closed by others: NUT's own driver for network cards, snmp-ups, reads our UPS-MIB, NUT's
upsd serves what it understood, and upsc must show what the UPS's file says.
"""

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from harness import (DATA, LOOPBACK, ON_LINE, START_DEADLINE, Device, NutClient, Program, free_port,
                     free_udp_port, nut_program, run, snmp_access, user_option, wait_for_port,
                     wait_until, write)

pytestmark = [pytest.mark.snmp_face,
              pytest.mark.peers("snmp-ups", "upsd", "upsc")]


class SnmpUps:
    """NUT's upsd with a snmp-ups for each name, whose community and section that name is."""

    def __init__(self, directory, names, agent_port):
        self.directory = Path(directory)
        state = self.directory / "state"
        state.mkdir(parents=True)
        self.names, self.port = names, free_port()
        write(self.directory / "ups.conf", "".join(
            f"[{name}]\n\tdriver = snmp-ups\n\tport = {LOOPBACK}:{agent_port}\n\tmibs = ietf\n"
            f"\tcommunity = {name}\n\tsnmp_version = v2c\n\tpollinterval = 1\n\tpollfreq = 1\n"
            for name in names))
        write(self.directory / "upsd.conf", f"LISTEN {LOOPBACK} {self.port}\nSTATEPATH {state}\n")
        write(self.directory / "upsd.users", "")
        env = {"NUT_CONFPATH": str(self.directory), "NUT_STATEPATH": str(state),
               "NUT_ALTPIDPATH": str(state), "NUT_PIDPATH": str(state), "MIBS": "",
               "SNMP_PERSISTENT_DIR": str(state), "SNMPCONFPATH": "/nonexistent"}
        self.state = state
        self.drivers = [Program(f"snmp-ups-{name}", self.directory,
                                [nut_program("snmp-ups"), "-D", *user_option(), "-a", name], env)
                        for name in names]
        self.program = Program("upsd-of-snmp-ups", self.directory,
                               [nut_program("upsd"), "-F", *user_option()], env)

    def start(self):
        for name, driver in zip(self.names, self.drivers):
            driver.start()
            wait_until(lambda: driver.assert_running() or
                       (self.state / f"snmp-ups-{name}").exists(), f"snmp-ups {name} serves",
                       START_DEADLINE)
        self.program.start()
        wait_for_port(self.port, self.program)
        with NutClient(self.port) as client:
            for name in self.names:
                wait_until(lambda: client.value(name, "ups.status") not in (None, "WAIT"),
                           f"upsd has data of {name}", START_DEADLINE)
        return self

    def stop(self):
        self.program.stop()
        for driver in self.drivers:
            driver.stop()

    def upsc(self, name):
        done = run(nut_program("upsc"), f"{name}@{LOOPBACK}:{self.port}")
        return dict(line.split(": ", 1) for line in done.out.splitlines() if ": " in line)


def same(value):
    return value


def rounded(places):
    """The resolution UPS-MIB has for a value: 0 whole units, 1 tenths."""
    def convert(value):
        return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return convert


def minutes(value):
    return max(1, int(Decimal(value)) // 60) * 60


# variable of the UPS -> (variable of snmp-ups, what UPS-MIB leaves of the value)
MAPPED = {
    "ups.mfr": ("ups.mfr", same),
    "ups.model": ("ups.model", same),
    "ups.firmware": ("ups.firmware", same),
    "battery.charge": ("battery.charge", rounded(0)),
    "battery.runtime": ("battery.runtime", minutes),
    "battery.voltage": ("battery.voltage", rounded(1)),
    "battery.current": ("battery.current", rounded(1)),
    "battery.temperature": ("battery.temperature", rounded(0)),
    "input.frequency": ("input.frequency", rounded(1)),
    "input.voltage": ("input.voltage", rounded(0)),
    "input.current": ("input.current", rounded(1)),
    "input.realpower": ("input.realpower", rounded(0)),
    "input.phases": ("input.phases", rounded(0)),
    "output.frequency": ("output.frequency", rounded(1)),
    "output.voltage": ("output.voltage", rounded(0)),
    "output.current": ("output.current", rounded(1)),
    "output.phases": ("output.phases", rounded(0)),
    "ups.load": ("ups.load", rounded(0)),
    "input.voltage.nominal": ("input.voltage.nominal", rounded(0)),
    "input.frequency.nominal": ("input.frequency.nominal", rounded(1)),
    "output.voltage.nominal": ("output.voltage.nominal", rounded(0)),
    "output.frequency.nominal": ("output.frequency.nominal", rounded(1)),
    "ups.power.nominal": ("output.power.nominal", rounded(0)),
    "ups.realpower.nominal": ("output.realpower.nominal", rounded(0)),
    "input.transfer.low": ("input.transfer.low", rounded(0)),
    "input.transfer.high": ("input.transfer.high", rounded(0)),
    "ups.beeper.status": ("ups.beeper.status", same),
    "ups.timer.shutdown": ("ups.timer.shutdown", rounded(0)),
    "ups.timer.start": ("ups.timer.start", rounded(0)),
    "ups.timer.reboot": ("ups.timer.reboot", rounded(0)),
    **{f"{side}.L{line}-N.voltage": (f"{side}.L{line}-N.voltage", rounded(0))
       for side in ("input", "output", "input.bypass") for line in (1, 2, 3)},
    **{f"input.L{line}.frequency": (f"input.L{line}.frequency", rounded(1)) for line in (1, 2, 3)},
    **{f"output.L{line}.current": (f"output.L{line}.current", rounded(1)) for line in (1, 2, 3)},
    **{f"output.L{line}.power.percent": (f"output.L{line}.power.percent", rounded(0))
       for line in (1, 2, 3)},
}

FULL = """\
battery.charge: 87.4
battery.current: 1.25
battery.runtime: 1799
battery.temperature: 24.6
battery.voltage: 27.24
input.current: 1.04
input.frequency: 49.96
input.frequency.nominal: 50
input.realpower: 231
input.transfer.high: 264
input.transfer.low: 180
input.voltage: 231.4
input.voltage.nominal: 230
output.current: 0.95
output.frequency: 50.04
output.frequency.nominal: 50
output.voltage: 229.6
output.voltage.nominal: 230
ups.beeper.status: enabled
ups.firmware: 1.07
ups.load: 23
ups.mfr: Acme
ups.model: Bridge 1000
ups.power.nominal: 1000
ups.realpower.nominal: 900
ups.status: OL
ups.timer.reboot: -1
ups.timer.shutdown: -1
ups.timer.start: -1
"""

UPSES = {
    "full": (FULL, "OL"),
    "three": (DATA / "powerwalker-vfi-20k-cpg-3-3.dev", "OL"),
    "innova": (DATA / "innova-rt-3-1-20k.dev", "OL"),
    "alarms": (DATA / "alarms.dev", "LB OB"),
    "apc": (DATA / "apc-smart-ups-1500.dev", "OL"),
}


@pytest.fixture(scope="module")
def circle(module_stage):
    """upsbridged with the UPSes, and NUT's eyes on them."""
    port = free_udp_port()
    bridge = module_stage.bridge([Device(name, readings) for name, (readings, _) in UPSES.items()],
                                 snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n",
                                 snmp_conf=snmp_access(*UPSES))
    peer = SnmpUps(module_stage.directory / "snmp-ups", list(UPSES), port)
    module_stage.add(peer, peer.program, *peer.drivers).start()
    return bridge, peer


def told_by(device):
    """The file's variables, comments left out."""
    return {name: value.split("#")[0].strip() for name, value in device.values().items()}


def mapped(ours):
    """The rows of MAPPED that snmp-ups can show: of three lines it shows each, and no whole."""
    hidden = {"input.frequency"} if ours.get("input.phases") == "3" else set()
    hidden |= {"ups.load"} if ours.get("output.phases") == "3" else set()
    return {variable: row for variable, row in MAPPED.items() if variable not in hidden}


def comparable(convert, text):
    return convert(text) if text is not None else None


@pytest.mark.parametrize("name", UPSES)
def test_snmp_ups_reports_what_the_ups_says(circle, name):
    bridge, peer = circle
    ours, theirs = told_by(bridge.device(name)), peer.upsc(name)
    compared, problems = 0, []
    for variable, (as_named, convert) in mapped(ours).items():
        if variable in ours:
            compared += 1
            wanted, have = convert(ours[variable]), comparable(convert, theirs.get(as_named))
            if wanted != have:
                problems.append(f"{variable} {ours[variable]}: {as_named} {theirs.get(as_named)}")
    assert not problems, "\n".join(problems)
    assert compared >= 10
    assert sorted(theirs["ups.status"].split()) == sorted(UPSES[name][1].split())


@pytest.mark.parametrize("name", UPSES)
def test_snmp_ups_is_told_nothing_the_ups_does_not_say(circle, name):
    """An unknown value is no zero: snmp-ups must not find one."""
    bridge, peer = circle
    ours, theirs = told_by(bridge.device(name)), peer.upsc(name)
    # Always there, or found elsewhere: UPS-MIB has one temperature, and a frequency a line.
    known = {"battery.temperature"} if "ups.temperature" in ours else set()
    known |= {variable for variable in MAPPED
              if variable.endswith((".phases", ".reboot", ".start", ".shutdown"))}
    if "input.bypass.voltage" in ours:
        known.add("input.bypass.L1-N.voltage")
    if "input.frequency" in ours:
        known |= {f"input.L{line}.frequency" for line in (1, 2, 3)}
    for variable, (as_named, _) in MAPPED.items():
        if variable not in ours and variable not in known:
            assert as_named not in theirs, (as_named, theirs[as_named])


def test_snmp_ups_follows_the_ups(stage):
    port = free_udp_port()
    device = Device("ups", ON_LINE)
    stage.bridge([device], snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n",
                 snmp_conf=snmp_access("ups"))
    peer = SnmpUps(stage.directory / "snmp-ups", ["ups"], port)
    stage.add(peer, peer.program, *peer.drivers).start()

    def follow(expected, **values):
        device.change(**values)
        wait_until(lambda: set(peer.upsc("ups")["ups.status"].split()) == expected,
                   f"{expected}, is {peer.upsc('ups')['ups.status']}", 60)

    follow({"OB"}, ups__status="OB DISCHRG", battery__charge="60")
    follow({"OB", "LB"}, ups__status="OB LB DISCHRG")
    follow({"OL", "LB"}, ups__status="OL LB CHRG")
    follow({"OL"}, ups__status="OL CHRG", battery__charge="61")
    follow({"OL", "BOOST"}, ups__status="OL BOOST")
    follow({"OL", "TRIM"}, ups__status="OL TRIM")
    follow({"OL", "BYPASS"}, ups__status="OL BYPASS")
    follow({"OFF"}, ups__status="OL OFF")
    follow({"OL"}, ups__status="OL")
    wait_until(lambda: peer.upsc("ups")["battery.charge"] in ("61", "61.0"), "the charge", 60)
